//! Settings of payments.

use anyhow::bail;
use mintmark_domain::webhook::StandardSecret;
use serde::{Deserialize, Serialize};

/// Payments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentsConfig {
    /// What payment processors sign their events with.
    pub secrets: Vec<String>,
}

impl PaymentsConfig {
    /// How many secrets there may be: each event is held against all of them.
    pub const SECRETS_MAX: usize = 8;

    /// Errors: too many secrets, or one that is none. It is named by its place, never shown.
    pub fn check(&self) -> anyhow::Result<()> {
        let max = Self::SECRETS_MAX;
        if self.secrets.len() > max {
            bail!("bad configuration: payments.secrets: at most {max}");
        }
        if let Some(place) = self.secrets.iter().position(|secret| StandardSecret::read(secret).is_none()) {
            bail!(
                "bad configuration: payments.secrets[{place}] must be {} and base64 of {} to {} bytes",
                StandardSecret::PREFIX,
                StandardSecret::BYTES_MIN,
                StandardSecret::BYTES_MAX
            );
        }
        Ok(())
    }

    /// The secrets.
    pub fn read(&self) -> Vec<StandardSecret> {
        self.secrets.iter().filter_map(|secret| StandardSecret::read(secret)).collect()
    }
}

//! Signing secrets, and what else is sealed of an endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::standard::{mac, sign};

/// What is sealed of an endpoint under its account's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSettings {
    /// Where deliveries go.
    pub url: String,
    /// What its owner calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A secret that deliveries are signed with: `gfwsec_` and base64 of 32 bytes (decision 26).
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(String);

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret")
    }
}

impl SigningSecret {
    /// How many random bytes it holds.
    pub const BYTES: usize = 32;
    /// What it begins with.
    pub const PREFIX: &'static str = "gfwsec_";
    /// How many characters of the random part are shown at each end.
    const SHOWN: usize = 4;

    /// The secret of these bytes.
    #[must_use]
    pub fn of(bytes: [u8; Self::BYTES]) -> Self {
        SigningSecret(format!("{}{}", Self::PREFIX, STANDARD.encode(bytes)))
    }

    /// A secret as it was sealed; `None` where it is none of ours.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(Self::PREFIX)?).ok()?;
        (bytes.len() == Self::BYTES).then(|| SigningSecret(text.to_owned()))
    }

    /// The secret itself: shown once, to its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is shown of it afterwards: `gfwsec_1234...abcd`.
    #[must_use]
    pub fn preview(&self) -> String {
        let random = self.0.strip_prefix(Self::PREFIX).unwrap_or_default();
        let (first, last) = (random.get(..Self::SHOWN), random.get(random.len().saturating_sub(Self::SHOWN)..));
        format!("{}{}...{}", Self::PREFIX, first.unwrap_or_default(), last.unwrap_or_default())
    }

    /// `sha256=<hex>`: HMAC of the body, keyed with the whole secret string.
    #[must_use]
    pub fn sign_body(&self, body: &[u8]) -> String {
        format!("sha256={}", hex::encode(mac(self.0.as_bytes(), &[body])))
    }

    /// `v1,<base64>` of Standard Webhooks: HMAC of id, time and body, keyed with the decoded bytes.
    #[must_use]
    pub fn sign_standard(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let random = self.0.strip_prefix(Self::PREFIX).unwrap_or_default();
        sign(&STANDARD.decode(random).unwrap_or_default(), id, timestamp, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_back_and_shown_by_its_ends_only() {
        let secret = SigningSecret::of([7; 32]);
        assert_eq!(SigningSecret::read(secret.reveal()), Some(secret.clone()));
        assert_eq!(secret.preview(), "gfwsec_BwcH...Bwc=");
        assert_eq!(format!("{secret:?}"), "SigningSecret");
        for bad in ["", "gfwsec_", "gfwsec_AAAA", "whsec_BwcH", &secret.reveal()[1..]] {
            assert_eq!(SigningSecret::read(bad), None, "{bad:?}");
        }
    }
}

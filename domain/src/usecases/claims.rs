//! What a use case claimed in the directory before its decision, and what becomes of it after.

use super::core::Core;
use super::refusal::Refusal;
use crate::es::DecideError;
use crate::ports::{ClaimKind, ClaimRequest, DirectoryError};
use uuid::Uuid;

/// Values that one account, or one team, has claimed for a decision that is still to be made.
pub(super) struct Claimed {
    by: Uuid,
    values: Vec<(ClaimKind, Vec<u8>)>,
}

impl Claimed {
    /// Nothing yet.
    pub fn by(owner: impl Into<Uuid>) -> Self {
        Claimed { by: owner.into(), values: Vec::new() }
    }
}

/// Whether this refusal says for sure that no event was recorded. Where it is not known, the events
/// may be in the log, and whoever is given the names then has them twice.
pub(super) fn says_nothing_was_recorded(refusal: &Refusal) -> bool {
    !matches!(refusal, Refusal::Decide(DecideError::Unsettled(_)))
}

impl Core {
    /// Claims a value and remembers it.
    pub(super) async fn claim(&self, claimed: &mut Claimed, claim: ClaimRequest) -> Result<(), DirectoryError> {
        self.directory.claim(&claim).await?;
        claimed.values.push((claim.kind, claim.value));
        Ok(())
    }

    /// Confirms what was claimed where its event is in the log, gives it back where it is not, and
    /// leaves it where nobody knows. Nothing of this changes what the caller is told: the sweep asks the
    /// log about whatever is left, so this is only sooner.
    pub(super) async fn settle_claims<T>(&self, claimed: Claimed, result: &Result<T, Refusal>) {
        match result {
            Ok(_) => {
                for (kind, value) in &claimed.values {
                    let _ = self.directory.confirm(*kind, value, claimed.by).await;
                }
            }
            Err(refusal) if says_nothing_was_recorded(refusal) => self.give_back(claimed).await,
            Err(_) => {}
        }
    }

    /// Lets go of the name of what was just revoked. That it is revoked is in the log, which is asked about
    /// each use; so a directory that does not answer changes nothing of what the caller is told.
    pub(super) async fn release_revoked(&self, kind: ClaimKind, value: &[u8], owner: impl Into<Uuid> + Send) {
        let owner = owner.into();
        if let Err(error) = self.directory.release(kind, value, owner).await {
            tracing::warn!(kind = kind.as_str(), %owner, %error, "the name of what was revoked stays claimed");
        }
    }

    /// Gives back what was claimed for nothing.
    pub(super) async fn give_back(&self, claimed: Claimed) {
        for (kind, value) in &claimed.values {
            let _ = self.directory.release(*kind, value, claimed.by).await;
        }
    }
}

//! Claims in memory, for simulations and tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use mintmark_domain::Timestamp;
use mintmark_domain::ports::{Claim, ClaimKind, ClaimRequest, Clock, Directory, DirectoryError};
use uuid::Uuid;

use super::check_value;

type Claims = BTreeMap<(ClaimKind, Vec<u8>), Claim>;

/// A [`Directory`] in memory. Clones share it.
#[derive(Clone)]
pub struct MemoryDirectory {
    claims: Arc<Mutex<Claims>>,
    clock: Arc<dyn Clock>,
}

impl MemoryDirectory {
    /// A directory in which nothing is taken.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        MemoryDirectory { claims: Arc::default(), clock }
    }

    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, request: &ClaimRequest, confirmed: bool) -> Claim {
        Claim {
            kind: request.kind,
            value: request.value.clone(),
            owner: request.owner,
            reference: request.reference,
            claimed_at: self.clock.now(),
            confirmed,
        }
    }
}

#[async_trait]
impl Directory for MemoryDirectory {
    async fn claim(&self, request: &ClaimRequest) -> Result<(), DirectoryError> {
        check_value(&request.value)?;
        let fresh = self.entry(request, false);
        let mut claims = self.claims();
        match claims.get_mut(&(request.kind, request.value.clone())) {
            Some(held) if held.owner != request.owner => return Err(DirectoryError::Taken),
            Some(held) => {
                held.claimed_at = fresh.claimed_at;
                held.reference = fresh.reference.or(held.reference);
            }
            None => drop(claims.insert((request.kind, request.value.clone()), fresh)),
        }
        Ok(())
    }

    async fn confirm(&self, kind: ClaimKind, value: &[u8], owner: Uuid) -> Result<(), DirectoryError> {
        if let Some(claim) = self.claims().get_mut(&(kind, value.to_vec())).filter(|claim| claim.owner == owner) {
            claim.confirmed = true;
        }
        Ok(())
    }

    async fn find(&self, kind: ClaimKind, value: &[u8]) -> Result<Option<Claim>, DirectoryError> {
        Ok(self.claims().get(&(kind, value.to_vec())).cloned())
    }

    async fn release(&self, kind: ClaimKind, value: &[u8], owner: Uuid) -> Result<bool, DirectoryError> {
        let mut claims = self.claims();
        let key = (kind, value.to_vec());
        let owned = claims.get(&key).is_some_and(|claim| claim.owner == owner);
        if owned {
            claims.remove(&key);
        }
        Ok(owned)
    }

    async fn owned_by(&self, owner: Uuid) -> Result<Vec<Claim>, DirectoryError> {
        let mut owned: Vec<Claim> = self.claims().values().filter(|claim| claim.owner == owner).cloned().collect();
        owned.sort_by(|a, b| (a.kind.as_str(), &a.value).cmp(&(b.kind.as_str(), &b.value)));
        Ok(owned)
    }

    async fn unconfirmed(&self, before: Timestamp, limit: usize) -> Result<Vec<Claim>, DirectoryError> {
        let claims = self.claims();
        let open = claims.values().filter(|claim| !claim.confirmed && claim.claimed_at < before);
        let mut open: Vec<Claim> = open.cloned().collect();
        open.sort_by(|a, b| (a.claimed_at, a.kind.as_str(), &a.value).cmp(&(b.claimed_at, b.kind.as_str(), &b.value)));
        open.truncate(limit);
        Ok(open)
    }

    async fn sweep(&self, orphan: &Claim) -> Result<bool, DirectoryError> {
        let mut claims = self.claims();
        let key = (orphan.kind, orphan.value.clone());
        let swept = claims.get(&key).is_some_and(|claim| {
            claim.owner == orphan.owner && claim.claimed_at == orphan.claimed_at && !claim.confirmed
        });
        if swept {
            claims.remove(&key);
        }
        Ok(swept)
    }

    async fn rebuild(
        &self,
        requests: &mut (dyn Iterator<Item = ClaimRequest> + Send),
    ) -> Result<Vec<ClaimRequest>, DirectoryError> {
        let mut rebuilt = self.claims().clone();
        rebuilt.values_mut().for_each(|claim| claim.confirmed = false);
        let mut contested = Vec::new();
        for request in requests {
            check_value(&request.value)?;
            let entry = self.entry(&request, true);
            match rebuilt.get_mut(&(request.kind, request.value.clone())) {
                Some(held) if held.confirmed && held.owner != request.owner => contested.push(request),
                Some(held) => {
                    held.owner = entry.owner;
                    held.reference = entry.reference.or(held.reference);
                    held.confirmed = true;
                }
                None => drop(rebuilt.insert((request.kind, request.value), entry)),
            }
        }
        *self.claims() = rebuilt;
        Ok(contested)
    }
}

//! Who asks: from a presented key to an account that may act.

use sha2::{Digest, Sha256};

use super::core::Core;
use super::refusal::Refusal;
use crate::account::{Account, AccountError, Scope, Scopes, Tier};
use crate::es::Acting;
use crate::ids::AccountId;
use crate::ports::ClaimKind;
use crate::run::Surface;

/// What was presented.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(String);

impl Credential {
    /// How many characters a credential has at most.
    pub const LENGTH_MAX: usize = 200;

    /// An API key in one of the forms there are: `gnr_live_` + 40 of `[0-9a-z]`, or
    /// `gfa_live_<id>.<secret>`. `None` for anything else, which is then no key at all.
    #[must_use]
    pub fn api_key(text: &str) -> Option<Self> {
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
        let known = match (text.strip_prefix("gnr_live_"), text.strip_prefix("gfa_live_")) {
            (Some(secret), _) => secret.len() == 40 && plain(secret),
            (_, Some(rest)) => rest.split_once('.').is_some_and(|(id, secret)| plain(id) && plain(secret)),
            (None, None) => false,
        };
        (known && text.len() <= Self::LENGTH_MAX).then(|| Credential(text.to_owned()))
    }

    /// What the directory knows of it: SHA-256. The secret has 160 bits, so a slow hash adds
    /// nothing; the look-up by hash compares nothing secret.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

/// A key as it was issued: whose it is never changes, so whoever asks often may remember it. Whether it
/// still holds is asked each time ([`Core::caller`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssuedKey {
    account: AccountId,
    key_id: u64,
}

/// An account that acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Which account.
    pub account: AccountId,
    /// Its public integer id.
    pub user_id: u64,
    /// The key it acts with; `None` for the command line and sessions.
    pub key_id: Option<u64>,
    /// What the key may do.
    pub scopes: Scopes,
    /// The account's limits.
    pub tier: Tier,
    /// Through which door.
    pub surface: Surface,
    /// The request's id.
    pub request_id: String,
    /// W3C trace context; empty where there is none.
    pub traceparent: String,
}

impl Caller {
    /// Refuses unless the key may do `scope`. Cheap and from memory; whatever spends checks again on
    /// confirmed state.
    pub fn require(&self, scope: Scope) -> Result<(), Refusal> {
        if self.scopes.allow(scope) { Ok(()) } else { Err(AccountError::MissingScope(scope).into()) }
    }

    /// For the books: who acts, and for which request.
    #[must_use]
    pub fn acting(&self) -> Acting {
        Acting {
            actor: self.account.to_string(),
            correlation_id: self.request_id.clone(),
            causation_id: self.request_id.clone(),
            traceparent: self.traceparent.clone(),
        }
    }
}

impl Core {
    /// The caller that a credential stands for, on confirmed state: a revoked key, a suspended or an
    /// erased account is refused at once.
    pub async fn authenticate(
        &self,
        credential: &Credential,
        surface: Surface,
        request_id: String,
        traceparent: String,
    ) -> Result<Caller, Refusal> {
        let key = self.issued_key(credential).await?;
        self.caller(key, surface, request_id, traceparent).await
    }

    /// The key that a credential is, from the directory. Errors: `Unauthenticated` where none was
    /// ever issued.
    pub async fn issued_key(&self, credential: &Credential) -> Result<IssuedKey, Refusal> {
        let claim =
            self.directory.find(ClaimKind::ApiKey, &credential.hash()).await?.ok_or(Refusal::Unauthenticated)?;
        let key_id = claim.reference.ok_or(Refusal::Unauthenticated)?;
        Ok(IssuedKey { account: AccountId(claim.owner), key_id })
    }

    /// The caller that acts with a key, on confirmed state. Callers that ask at once share one look at
    /// the log's end.
    pub async fn caller(
        &self,
        key: IssuedKey,
        surface: Surface,
        request_id: String,
        traceparent: String,
    ) -> Result<Caller, Refusal> {
        let IssuedKey { account: account_id, key_id } = key;
        let account: Account = self.load(account_id).await?;
        let (Some(user_id), Some(key)) = (account.user_id(), account.key(key_id)) else {
            return Err(Refusal::Unauthenticated);
        };
        if account.is_erased() {
            return Err(Refusal::Unauthenticated);
        }
        if account.suspended().is_some() {
            return Err(AccountError::Suspended.into());
        }
        Ok(Caller {
            account: account_id,
            user_id,
            key_id: Some(key_id),
            scopes: key.scopes.clone(),
            tier: account.tier(),
            surface,
            request_id,
            traceparent,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_both_forms_are_known_and_nothing_else() {
        assert!(Credential::api_key(&format!("gnr_live_{}", "a1".repeat(20))).is_some());
        // The document's own example has letters beyond hexadecimal.
        assert!(Credential::api_key("gnr_live_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0").is_some());
        assert!(Credential::api_key("gfa_live_0af3.00ff").is_some());
        for bad in ["", "gnr_live_", "gnr_live_ABC", "gfa_live_x", "gfa_live_.y", "Bearer x", "gnr_live_\u{0}"] {
            assert!(Credential::api_key(bad).is_none(), "{bad:?}");
        }
    }
}

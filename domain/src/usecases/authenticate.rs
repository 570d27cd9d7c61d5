//! Who asks: from a presented key to an account that may act.

use sha2::{Digest, Sha256};

use super::core::Core;
use super::refusal::Refusal;
use crate::account::{Account, AccountError, ActsWith, Scope, Scopes, Tier};
use crate::es::Acting;
use crate::ids::AccountId;
use crate::ports::ClaimKind;
use crate::run::Surface;

/// What was presented.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// An API key in one of the forms there are.
    Key(String),
    /// What has the form of an access token.
    Token(String),
    /// The token of a person's session.
    Session(String),
}

impl Credential {
    /// How many characters a key has at most.
    pub const LENGTH_MAX: usize = 200;
    /// How many characters an access token has at most.
    pub const TOKEN_LENGTH_MAX: usize = 4_096;
    /// How many characters a session's token has.
    pub const SESSION_LENGTH: usize = 64;

    /// What stands after `Bearer`: an API key or an access token. `None` for what has no such form.
    #[must_use]
    pub fn bearer(text: &str) -> Option<Self> {
        Self::api_key(text).or_else(|| Self::access_token(text))
    }

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
        (known && text.len() <= Self::LENGTH_MAX).then(|| Credential::Key(text.to_owned()))
    }

    /// An access token: three parts of base64url, joined by dots.
    fn access_token(text: &str) -> Option<Self> {
        let fits = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        };
        let known = text.starts_with("eyJ") && text.split('.').count() == 3 && text.split('.').all(fits);
        (known && text.len() <= Self::TOKEN_LENGTH_MAX).then(|| Credential::Token(text.to_owned()))
    }

    /// A session's token: 64 hexadecimal digits.
    #[must_use]
    pub fn session(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        (digits && text.len() == Self::SESSION_LENGTH).then(|| Credential::Session(text.to_owned()))
    }

    /// What is known of it: SHA-256. The secret has 160 bits or more, so a slow hash adds
    /// nothing; the look-up by hash compares nothing secret.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let (Credential::Key(text) | Credential::Token(text) | Credential::Session(text)) = self;
        Sha256::digest(text.as_bytes()).into()
    }
}

/// A key as it was issued: whose it is never changes, so whoever asks often may remember it. Whether it
/// still holds is asked each time ([`Core::caller`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssuedKey {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub key_id: u64,
}

/// An account that acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Which account.
    pub account: AccountId,
    /// Its public integer id.
    pub user_id: u64,
    /// What it acts with.
    pub acts_with: ActsWith,
    /// What that may do.
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
    /// The key's public integer id, where it acts with one.
    #[must_use]
    pub fn key_id(&self) -> Option<u64> {
        self.acts_with.key_id()
    }

    /// The OAuth client's id, where it acts with a token of one.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.acts_with.client_id()
    }

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
    /// The caller that an API key stands for, on confirmed state: a revoked key, a suspended or an
    /// erased account is refused at once.
    pub async fn authenticate(
        &self,
        key: &Credential,
        surface: Surface,
        request_id: String,
        traceparent: String,
    ) -> Result<Caller, Refusal> {
        let IssuedKey { account, key_id } = self.issued_key(key).await?;
        self.caller(account, ActsWith::Key(key_id), surface, request_id, traceparent).await
    }

    /// The key that a credential is, from the directory. Errors: `Unauthenticated` where none was
    /// ever issued.
    pub async fn issued_key(&self, credential: &Credential) -> Result<IssuedKey, Refusal> {
        let claim =
            self.directory.find(ClaimKind::ApiKey, &credential.hash()).await?.ok_or(Refusal::Unauthenticated)?;
        let key_id = claim.reference.ok_or(Refusal::Unauthenticated)?;
        Ok(IssuedKey { account: AccountId(claim.owner), key_id })
    }

    /// The caller that acts so, on confirmed state: a revoked key or client, a suspended or an erased
    /// account is refused at once. Callers that ask at once share one look at the log's end.
    pub async fn caller(
        &self,
        account_id: AccountId,
        acts_with: ActsWith,
        surface: Surface,
        request_id: String,
        traceparent: String,
    ) -> Result<Caller, Refusal> {
        let account: Account = self.load(account_id).await?;
        let user_id = account.user_id().filter(|_| !account.is_erased()).ok_or(Refusal::Unauthenticated)?;
        let scopes = match &acts_with {
            ActsWith::Key(key_id) => account.key(*key_id).map(|key| key.scopes.clone()),
            ActsWith::Client { client_id, scopes } => account.client(client_id).map(|_| scopes.clone()),
            ActsWith::Person | ActsWith::Operator => Some(Scopes::Full),
        };
        let scopes = scopes.ok_or(Refusal::Unauthenticated)?;
        if account.suspended().is_some() {
            return Err(AccountError::Suspended.into());
        }
        let tier = account.tier();
        Ok(Caller { account: account_id, user_id, acts_with, scopes, tier, surface, request_id, traceparent })
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
            assert!(Credential::bearer(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_token_has_three_parts_and_is_no_key() {
        assert!(matches!(Credential::bearer("eyJhbGciOiJIUzI1NiJ9.eyJzIjoxfQ.c2ln"), Some(Credential::Token(_))));
        for bad in ["eyJ.a", "eyJ..a", "eyJ.a.b.c", "abc.a.b", "eyJ.a.b=", &format!("eyJ.a.{}", "x".repeat(5_000))] {
            assert!(Credential::bearer(bad).is_none(), "{bad:?}");
        }
    }
}

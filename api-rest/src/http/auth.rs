//! Who asks. Whose a key is never changes, and is remembered; whether it still holds is asked of
//! confirmed state for every request, so that a revoked key reads nothing more, in any process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::FromRequestParts;
use chrono::NaiveDate;
use http::request::Parts;
use http::{HeaderMap, header};
use mintmark_domain::Timestamp;
use mintmark_domain::account::ActsWith;
use mintmark_domain::ids::AccountId;
use mintmark_domain::run::Surface;
use mintmark_domain::usecases::{Caller, Core, Credential, IssuedKey, Refusal};

use super::context::RequestContext;
use super::problem::{Kind, Problem};

/// How many keys' owners are remembered; with more, all are looked up anew.
const KEYS_MAX: usize = 100_000;
/// How many accounts are remembered as having claimed a day's bonuses.
const CLAIMED_MAX: usize = 100_000;

/// Is told which keys and clients are used; writes it down in its own time.
pub trait KeyUse: Send + Sync + 'static {
    /// Somebody acted, with a key, a token or in a session. Called for each request; must not block.
    fn used(&self, caller: &Caller, at: Timestamp);
}

/// Keeps no account of which keys are used.
#[derive(Debug, Default)]
pub struct NoKeyUse;

impl KeyUse for NoKeyUse {
    fn used(&self, _caller: &Caller, _at: Timestamp) {}
}

/// Looks callers up. Clones share what is remembered.
#[derive(Clone)]
pub struct Authenticator {
    core: Core,
    key_use: Arc<dyn KeyUse>,
    keys: Arc<Mutex<HashMap<[u8; 32], IssuedKey>>>,
    claimed: Arc<Mutex<Claimed>>,
}

/// Who has claimed the bonuses of a day.
#[derive(Default)]
struct Claimed {
    day: NaiveDate,
    accounts: std::collections::HashSet<AccountId>,
}

impl Authenticator {
    /// Looks up through `core`, tells `key_use`.
    #[must_use]
    pub fn new(core: Core, key_use: Arc<dyn KeyUse>) -> Self {
        Authenticator { core, key_use, keys: Arc::default(), claimed: Arc::default() }
    }

    /// The caller that presents `credential`.
    pub async fn caller(&self, credential: &Credential, context: &RequestContext) -> Result<Caller, Refusal> {
        let surface = context.surface().ok_or(Refusal::Unauthenticated)?;
        let (account, acts_with) = match credential {
            Credential::Key(_) => self.key_holder(credential).await?,
            Credential::Token(token) => self.core.token_holder(token).await?,
            Credential::Session(_) => self.core.session_holder(credential.hash()).await?,
        };
        let caller = self.admit(account, acts_with, surface, context).await?;
        if let (Credential::Key(_), Some(key_id)) = (credential, caller.key_id()) {
            self.remember(credential.hash(), IssuedKey { account, key_id });
        }
        Ok(caller)
    }

    /// The person of a session, on one of our own pages. What they do there counts as done by GraphQL, the
    /// other door that takes sessions.
    pub(crate) async fn person(&self, session: &Credential, context: &RequestContext) -> Result<Caller, Refusal> {
        let (account, acts_with) = self.core.session_holder(session.hash()).await?;
        self.admit(account, acts_with, Surface::Graphql, context).await
    }

    async fn admit(
        &self,
        account: AccountId,
        acts_with: ActsWith,
        surface: Surface,
        context: &RequestContext,
    ) -> Result<Caller, Refusal> {
        let request_id = context.request_id().to_owned();
        let caller =
            self.core.caller(account, acts_with, surface, request_id, context.traceparent().to_owned()).await?;
        self.key_use.used(&caller, self.core.now());
        self.claim_bonuses(&caller).await;
        Ok(caller)
    }

    async fn key_holder(&self, credential: &Credential) -> Result<(AccountId, ActsWith), Refusal> {
        let remembered = self.keys().get(&credential.hash()).copied();
        let IssuedKey { account, key_id } = match remembered {
            Some(key) => key,
            None => self.core.issued_key(credential).await?,
        };
        Ok((account, ActsWith::Key(key_id)))
    }

    /// Only keys that hold are remembered: nobody fills this with others.
    fn remember(&self, hash: [u8; 32], key: IssuedKey) {
        let mut keys = self.keys();
        if keys.contains_key(&hash) {
            return;
        }
        if keys.len() >= KEYS_MAX {
            keys.clear();
        }
        keys.insert(hash, key);
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<[u8; 32], IssuedKey>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first authenticated call of a UTC day brings that day's and week's bonuses (decision 4).
    /// A failure is logged, and the next call tries again: nobody is refused for it.
    async fn claim_bonuses(&self, caller: &Caller) {
        let today = self.core.now().date_naive();
        if self.claimed(today).contains(&caller.account) {
            return;
        }
        match self.core.claim_bonuses(caller).await {
            Ok(_) => {
                let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
                if claimed.day == today && claimed.accounts.len() < CLAIMED_MAX {
                    claimed.accounts.insert(caller.account);
                }
            }
            Err(refusal) => tracing::warn!(account = %caller.account, %refusal, "bonuses could not be claimed"),
        }
    }

    fn claimed(&self, today: NaiveDate) -> ClaimedToday<'_> {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        if claimed.day != today {
            *claimed = Claimed { day: today, ..Claimed::default() };
        }
        ClaimedToday(claimed)
    }
}

struct ClaimedToday<'a>(MutexGuard<'a, Claimed>);

impl ClaimedToday<'_> {
    fn contains(&self, account: &AccountId) -> bool {
        self.0.accounts.contains(account)
    }
}

/// What the `Authorization` header presents: `None` without the header. Errors: a header that holds
/// no key of a known form.
pub(super) fn presented(headers: &HeaderMap) -> Option<Result<Credential, Problem>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    let key = value.to_str().ok().filter(|_| values.next().is_none()).and_then(|text| {
        let (scheme, key) = text.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| Credential::bearer(key.trim())).flatten()
    });
    Some(key.ok_or_else(unauthenticated))
}

/// The answer to whoever has no key, or a wrong one.
pub(super) fn unauthenticated() -> Problem {
    Problem::new(
        Kind::Unauthenticated,
        "Missing or invalid API key or access token. Send it as a bearer token: \"Authorization: Bearer <key>\".",
    )
}

/// A caller with a key that holds. A request without one is answered 401.
#[derive(Clone, Debug)]
pub struct Authenticated(pub Caller);

/// A caller with a key that holds, or nobody: for public routes. (A key that does not hold is
/// answered 401 there, too.)
#[derive(Clone, Debug)]
pub struct Visitor(pub Option<Caller>);

impl<S: Send + Sync> FromRequestParts<S> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Authenticated>().cloned().ok_or_else(unauthenticated)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Visitor(parts.extensions.get::<Authenticated>().map(|caller| caller.0.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_key_is_known_and_anything_else_is_a_wrong_one() {
        let key = format!("gnr_live_{}", "a1".repeat(20));
        let headers = |values: &[&str]| -> HeaderMap {
            values.iter().map(|value| (header::AUTHORIZATION, value.parse().unwrap())).collect()
        };
        assert!(presented(&HeaderMap::new()).is_none());
        for good in [format!("Bearer {key}"), format!("bearer  {key}")] {
            assert!(presented(&headers(&[&good])).unwrap().is_ok(), "{good}");
        }
        let good = format!("Bearer {key}");
        for bad in ["", "Bearer", "Bearer x", &key, &format!("Basic {key}")] {
            assert!(presented(&headers(&[bad])).unwrap().is_err(), "{bad}");
        }
        assert!(presented(&headers(&[&good, &good])).unwrap().is_err(), "said twice");
    }
}

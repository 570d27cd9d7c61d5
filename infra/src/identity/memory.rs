//! The same stores in memory: for tests and simulations, held to the same contract.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use mintmark_domain::Timestamp;
use mintmark_domain::account::{ActsWith, Scopes};
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{
    CliSession, CliSessions, CliStatus, CliVerdict, IdentityError, KeptPassword, OPEN_CLI_SESSIONS_MAX, SignIns,
    WRONG_VERIFIERS_MAX, WebSession,
};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Kept {
    session: CliSession,
    wrong: u32,
    approved: Option<(AccountId, ActsWith, Scopes)>,
}

/// A [`CliSessions`] in memory.
#[derive(Default)]
pub struct MemoryCliSessions(Mutex<HashMap<String, Kept>>);

#[async_trait]
impl CliSessions for MemoryCliSessions {
    async fn open(&self, session: &CliSession, now: Timestamp) -> Result<(), IdentityError> {
        let mut all = lock(&self.0);
        let open = all.values().filter(|kept| kept.session.expires_at > now).count();
        if open >= OPEN_CLI_SESSIONS_MAX as usize {
            return Err(IdentityError::Full("sessions of command lines"));
        }
        all.insert(session.id.clone(), Kept { session: session.clone(), wrong: 0, approved: None });
        Ok(())
    }

    async fn find(&self, id: &str) -> Result<Option<CliSession>, IdentityError> {
        Ok(lock(&self.0).get(id).map(|kept| kept.session.clone()))
    }

    async fn judge(&self, id: &str, verdict: &CliVerdict, now: Timestamp) -> Result<bool, IdentityError> {
        let mut all = lock(&self.0);
        let Some(kept) = all.get_mut(id).filter(|kept| kept.session.status_at(now) == CliStatus::Pending) else {
            return Ok(false);
        };
        match verdict {
            CliVerdict::Approved { account, by, scopes } => {
                kept.session.status = CliStatus::Approved;
                kept.approved = Some((*account, by.clone(), scopes.clone()));
            }
            CliVerdict::Denied => kept.session.status = CliStatus::Denied,
        }
        Ok(true)
    }

    async fn consume(&self, id: &str, now: Timestamp) -> Result<Option<(AccountId, ActsWith, Scopes)>, IdentityError> {
        let mut all = lock(&self.0);
        let Some(kept) = all.get_mut(id).filter(|kept| kept.session.status_at(now) == CliStatus::Approved) else {
            return Ok(None);
        };
        kept.session.status = CliStatus::Consumed;
        Ok(kept.approved.clone())
    }

    async fn give_back(&self, id: &str) -> Result<(), IdentityError> {
        if let Some(kept) = lock(&self.0).get_mut(id)
            && kept.session.status == CliStatus::Consumed
        {
            kept.session.status = CliStatus::Approved;
        }
        Ok(())
    }

    async fn wrong_verifier(&self, id: &str) -> Result<u32, IdentityError> {
        let mut all = lock(&self.0);
        let Some(kept) = all.get_mut(id).filter(|kept| kept.session.status == CliStatus::Approved) else {
            return Ok(WRONG_VERIFIERS_MAX);
        };
        kept.wrong += 1;
        if kept.wrong >= WRONG_VERIFIERS_MAX {
            kept.session.status = CliStatus::Expired;
        }
        Ok(kept.wrong)
    }

    async fn sweep(&self, before: Timestamp) -> Result<u64, IdentityError> {
        let mut all = lock(&self.0);
        let count = all.len();
        all.retain(|_, kept| kept.session.expires_at >= before);
        Ok((count - all.len()) as u64)
    }
}

#[derive(Default)]
struct People {
    links: HashMap<AccountId, ([u8; 32], Timestamp)>,
    passwords: HashMap<AccountId, KeptPassword>,
    sessions: HashMap<[u8; 32], WebSession>,
}

impl People {
    /// Whose good link that is.
    fn link(&self, token: [u8; 32], now: Timestamp) -> Option<AccountId> {
        let mut good = self.links.iter().filter(|(_, (known, expires_at))| *known == token && *expires_at > now);
        good.next().map(|(account, _)| *account)
    }
}

/// A [`SignIns`] in memory, beside the sessions of command lines that a new password ends.
pub struct MemorySignIns {
    people: Mutex<People>,
    cli_sessions: Arc<MemoryCliSessions>,
}

impl MemorySignIns {
    /// Nobody yet.
    #[must_use]
    pub fn beside(cli_sessions: Arc<MemoryCliSessions>) -> Self {
        MemorySignIns { people: Mutex::default(), cli_sessions }
    }

    fn end_all(&self, people: &mut People, account: AccountId, but: Option<[u8; 32]>) {
        people.sessions.retain(|token, session| session.account != account || Some(*token) == but);
        for kept in lock(&self.cli_sessions.0).values_mut() {
            let own = kept.approved.as_ref().is_some_and(|(whose, ..)| *whose == account);
            if own && kept.session.status == CliStatus::Approved {
                kept.session.status = CliStatus::Expired;
            }
        }
    }
}

#[async_trait]
impl SignIns for MemorySignIns {
    async fn put_link(&self, token: [u8; 32], account: AccountId, expires_at: Timestamp) -> Result<(), IdentityError> {
        lock(&self.people).links.insert(account, (token, expires_at));
        Ok(())
    }

    async fn link(&self, token: [u8; 32], now: Timestamp) -> Result<Option<AccountId>, IdentityError> {
        Ok(lock(&self.people).link(token, now))
    }

    async fn set_password_by_link(
        &self,
        token: [u8; 32],
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<(AccountId, i64)>, IdentityError> {
        let mut people = lock(&self.people);
        let Some(account) = people.link(token, now) else { return Ok(None) };
        people.links.remove(&account);
        let version = people.passwords.get(&account).map_or(1, |known| known.version + 1);
        people.passwords.insert(account, KeptPassword { hash: hash.to_owned(), version });
        self.end_all(&mut people, account, None);
        Ok(Some((account, version)))
    }

    async fn set_first_password(&self, account: AccountId, hash: &str) -> Result<Option<i64>, IdentityError> {
        let mut people = lock(&self.people);
        if people.passwords.contains_key(&account) {
            return Ok(None);
        }
        people.passwords.insert(account, KeptPassword { hash: hash.to_owned(), version: 1 });
        Ok(Some(1))
    }

    async fn change_password(
        &self,
        account: AccountId,
        version: i64,
        hash: &str,
        session: [u8; 32],
    ) -> Result<bool, IdentityError> {
        let mut people = lock(&self.people);
        let Some(known) = people.passwords.get_mut(&account).filter(|known| known.version == version) else {
            return Ok(false);
        };
        *known = KeptPassword { hash: hash.to_owned(), version: version + 1 };
        self.end_all(&mut people, account, Some(session));
        Ok(true)
    }

    async fn password(&self, account: AccountId) -> Result<Option<KeptPassword>, IdentityError> {
        Ok(lock(&self.people).passwords.get(&account).cloned())
    }

    async fn put_session(&self, token: [u8; 32], session: &WebSession, version: i64) -> Result<bool, IdentityError> {
        let mut people = lock(&self.people);
        if people.passwords.get(&session.account).is_none_or(|known| known.version != version) {
            return Ok(false);
        }
        people.sessions.insert(token, session.clone());
        let own = people.sessions.iter().filter(|(_, one)| one.account == session.account);
        let mut own: Vec<(Timestamp, [u8; 32])> = own.map(|(token, one)| (one.began_at, *token)).collect();
        own.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let kept = usize::try_from(super::SESSIONS_MAX).unwrap_or(usize::MAX);
        for (_, token) in own.into_iter().skip(kept) {
            people.sessions.remove(&token);
        }
        Ok(true)
    }

    async fn session(&self, token: [u8; 32]) -> Result<Option<WebSession>, IdentityError> {
        Ok(lock(&self.people).sessions.get(&token).cloned())
    }

    async fn seen(&self, token: [u8; 32], at: Timestamp) -> Result<(), IdentityError> {
        if let Some(session) = lock(&self.people).sessions.get_mut(&token) {
            session.seen_at = session.seen_at.max(at);
        }
        Ok(())
    }

    async fn end_session(&self, token: [u8; 32]) -> Result<(), IdentityError> {
        lock(&self.people).sessions.remove(&token);
        Ok(())
    }

    async fn sweep(&self, now: Timestamp, idle_since: Timestamp) -> Result<u64, IdentityError> {
        let mut people = lock(&self.people);
        let count = people.links.len() + people.sessions.len();
        people.links.retain(|_, (_, expires_at)| *expires_at > now);
        people.sessions.retain(|_, session| session.seen_at >= idle_since);
        Ok((count - people.links.len() - people.sessions.len()) as u64)
    }
}

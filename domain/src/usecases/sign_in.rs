//! Sign-in of people: a one-time link with which a password is set, the password, and sessions.

use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};

use super::accounts::{AccountView, Registration};
use super::core::Core;
use super::refusal::Refusal;
use crate::account::{Account, AccountError, ActsWith};
use crate::es::Acting;
use crate::ids::AccountId;
use crate::ports::{ClaimKind, WebSession};

/// How many days a one-time link lives.
pub const LINK_DAYS: i64 = 7;
/// After how many hours without use a session is over.
pub const SESSION_IDLE_HOURS: i64 = 24;
/// After how many days a session is over however much it was used.
pub const SESSION_DAYS: i64 = 30;
/// How often, at most, it is written down that a session is used, in seconds.
const SEEN_EVERY_SECONDS: i64 = 60;
/// The least characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 10;
/// The most characters of a password.
pub const PASSWORD_CHARS_MAX: usize = 200;

/// A session that just began. The only time its token is known.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSession {
    /// 64 hex digits, for the cookie.
    pub token: String,
    /// Whose.
    pub account: AccountId,
}

fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Refuses a password that is too short or too long.
fn check_password(password: &str) -> Result<(), Refusal> {
    let length = password.chars().count();
    if (PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&length) && !password.contains('\0') {
        return Ok(());
    }
    let message = format!("must have {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters");
    Err(Refusal::field("password", message))
}

impl Core {
    fn new_token(&self) -> String {
        let mut random = [0; 32];
        self.entropy.fill(&mut random);
        hex::encode(random)
    }

    /// The address at which an account's person sets a password, once, within [`LINK_DAYS`]. An earlier one
    /// is good no more.
    pub async fn new_link(&self, account: AccountId) -> Result<String, Refusal> {
        let state: Account = self.load(account).await?;
        if state.user_id().is_none() || state.is_erased() {
            return Err(Refusal::NotFound("account"));
        }
        let token = self.new_token();
        let expires_at = self.now() + TimeDelta::days(LINK_DAYS);
        self.identity.sign_ins.put_link(hash_of(&token), account, expires_at).await?;
        Ok(self.links.page(&format!("/welcome?token={token}")))
    }

    /// Whose link that is. Errors: not found where it was used, replaced, or is too old.
    pub async fn link_account(&self, token: &str) -> Result<AccountView, Refusal> {
        let account = self.identity.sign_ins.link(hash_of(token), self.now()).await?;
        self.account_view(account.ok_or(Refusal::NotFound("link"))?).await
    }

    /// Sets the password with a link, which is used up; every earlier session of the account ends.
    pub async fn set_password_by_link(&self, token: &str, password: &str) -> Result<NewSession, Refusal> {
        check_password(password)?;
        let gone = || Refusal::NotFound("link");
        self.identity.sign_ins.link(hash_of(token), self.now()).await?.ok_or_else(gone)?;
        let hash = self.identity.passwords.hash(password).await?;
        let set = self.identity.sign_ins.set_password_by_link(hash_of(token), &hash, self.now()).await?;
        let (account, version) = set.ok_or_else(gone)?;
        self.begin_session(account, version).await
    }

    /// Changes the password of whoever knows it; every other session of the account ends. Errors:
    /// the field `current_password` where that is another, or was changed meanwhile.
    pub async fn change_password(&self, session: &str, current: &str, password: &str) -> Result<(), Refusal> {
        check_password(password)?;
        let (account, _) = self.session_holder(hash_of(session)).await?;
        let another = || Refusal::field("current_password", "is another");
        let known = self.identity.sign_ins.password(account).await?;
        let right = self.identity.passwords.verify(known.as_ref().map(|known| &*known.hash), current).await?;
        let known = known.filter(|_| right).ok_or_else(another)?;
        let hash = self.identity.passwords.hash(password).await?;
        let changed = self.identity.sign_ins.change_password(account, known.version, &hash, hash_of(session)).await?;
        if changed { Ok(()) } else { Err(another()) }
    }

    /// Begins a session for whoever knows a password. `name` is a username or an email address. Errors:
    /// `Unauthenticated`, whether it is the name or the password that is wrong, after the same work; a
    /// suspended account, to whoever knows its password.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<NewSession, Refusal> {
        let name = name.trim().to_lowercase();
        let kind = if name.contains('@') { ClaimKind::Email } else { ClaimKind::Username };
        let claim = self.directory.find(kind, &self.vault.claim_value(kind, &name)).await?;
        let account = claim.map(|claim| AccountId(claim.owner));
        let known = match account {
            Some(account) => self.identity.sign_ins.password(account).await?,
            None => None,
        };
        // What is too long is no password of anybody's, but takes as long.
        let said: String = password.chars().take(PASSWORD_CHARS_MAX + 1).collect();
        let right = self.identity.passwords.verify(known.as_ref().map(|known| &*known.hash), &said).await?;
        let (account, known) = account.zip(known).filter(|_| right).ok_or(Refusal::Unauthenticated)?;
        self.begin_session(account, known.version).await
    }

    /// Begins a session for whoever has just proven that version of the account's password. Errors:
    /// `Unauthenticated` where it was changed meanwhile.
    async fn begin_session(&self, account: AccountId, version: i64) -> Result<NewSession, Refusal> {
        let state: Account = self.load(account).await?;
        if state.user_id().is_none() || state.is_erased() {
            return Err(Refusal::Unauthenticated);
        }
        if state.suspended().is_some() {
            return Err(AccountError::Suspended.into());
        }
        let (token, now) = (self.new_token(), self.now());
        let session = WebSession { account, began_at: now, seen_at: now };
        if !self.identity.sign_ins.put_session(hash_of(&token), &session, version).await? {
            return Err(Refusal::Unauthenticated);
        }
        Ok(NewSession { token, account })
    }

    /// Makes an account without a key for whoever signs up, and begins a session.
    pub async fn sign_up(&self, registration: Registration, password: &str) -> Result<NewSession, Refusal> {
        check_password(password)?;
        let registration = registration.checked()?;
        let hash = self.identity.passwords.hash(password).await?;
        let acting = Acting { actor: "sign_up".into(), ..Acting::default() };
        let made = self.register_as(registration, acting, false).await?;
        let version = self.identity.sign_ins.set_first_password(made.account, &hash).await?;
        self.begin_session(made.account, version.ok_or(Refusal::Unauthenticated)?).await
    }

    /// Ends a session.
    pub async fn sign_out(&self, session: &str) -> Result<(), Refusal> {
        Ok(self.identity.sign_ins.end_session(hash_of(session)).await?)
    }

    /// Who acts in a session, by the hash of its token. Errors: `Unauthenticated` where it is over.
    pub async fn session_holder(&self, token: [u8; 32]) -> Result<(AccountId, ActsWith), Refusal> {
        let now = self.now();
        let session = self.identity.sign_ins.session(token).await?.ok_or(Refusal::Unauthenticated)?;
        let idle = now - session.seen_at;
        if idle > TimeDelta::hours(SESSION_IDLE_HOURS) || now - session.began_at > TimeDelta::days(SESSION_DAYS) {
            return Err(Refusal::Unauthenticated);
        }
        if idle > TimeDelta::seconds(SEEN_EVERY_SECONDS) {
            self.identity.sign_ins.seen(token, now).await?;
        }
        Ok((session.account, ActsWith::Person))
    }

    /// Forgets what is over: links, sessions of people and of command lines. Says how many.
    pub async fn sweep_sign_ins(&self) -> Result<u64, Refusal> {
        let now = self.now();
        let swept = self.identity.sign_ins.sweep(now, now - TimeDelta::hours(SESSION_IDLE_HOURS)).await?;
        // A command line that asks late is told that its session is over, rather than that there was none.
        Ok(swept + self.identity.cli_sessions.sweep(now - TimeDelta::hours(1)).await?)
    }
}

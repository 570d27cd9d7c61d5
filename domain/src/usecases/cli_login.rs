//! A command line asks a person for a key: GenFire's PKCE login (decision 18).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::authenticate::Caller;
use super::claims::says_nothing_was_recorded;
use super::core::Core;
use super::keys::{KeyForm, NewKey};
use super::refusal::Refusal;
use super::shown::is_shown;
use crate::Timestamp;
use crate::account::{AccountError, Scope, Scopes};
use crate::es::Acting;
use crate::ports::{CliSession, CliStatus, CliVerdict};

/// The one program that may ask.
pub const CLI_CLIENT: &str = "genfire-cli";
/// How many minutes a session lives.
pub const CLI_SESSION_MINUTES: i64 = 10;
/// The fewest and most characters of a challenge and of a verifier (RFC 7636).
pub const PKCE_CHARS: std::ops::RangeInclusive<usize> = 43..=128;
/// How many characters a label has at most.
pub const LABEL_CHARS_MAX: usize = 100;
/// What a command line gets that asks for nothing in particular: all that makes something and all that
/// reads, but neither webhooks nor anything that changes the account.
pub const CLI_DEFAULT_SCOPES: [Scope; 15] = [
    Scope::AccountRead,
    Scope::AudioWrite,
    Scope::BatchesRead,
    Scope::BatchesWrite,
    Scope::CreditsRead,
    Scope::ImagesWrite,
    Scope::InfluencersRead,
    Scope::LipsyncWrite,
    Scope::ModelsRead,
    Scope::ProductsWrite,
    Scope::RunsRead,
    Scope::UploadsWrite,
    Scope::VideosWrite,
    Scope::WorkflowsRead,
    Scope::WorkflowsWrite,
];

/// Why a session of a command line does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CliProblem {
    /// The person has not said anything yet.
    #[error("the session is not approved yet; keep polling")]
    Pending,
    /// The person refused.
    #[error("the session was denied")]
    Denied,
    /// It took too long, or too many wrong verifiers came.
    #[error("the session has expired; start the login again")]
    Expired,
    /// The key was handed out.
    #[error("the session was already exchanged; start the login again")]
    Used,
    /// Somebody has said yes or no before.
    #[error("the session was decided already")]
    Decided,
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliLogin {
    /// Which program asks.
    pub client_id: String,
    /// BASE64URL(SHA256(verifier)).
    pub challenge: String,
    /// How the challenge was made: `S256`.
    pub method: String,
    /// What it asks for; the default set where absent.
    pub scopes: Option<Vec<Scope>>,
    /// What it calls itself to the person.
    pub label: Option<String>,
}

/// A key that came of a session.
#[derive(Clone, PartialEq, Eq)]
pub struct CliKey {
    /// The key.
    pub key: NewKey,
    /// What the command line called itself.
    pub label: Option<String>,
    /// Until when the session would have lived.
    pub session_expires_at: Timestamp,
}

impl CliLogin {
    fn check(&self) -> Result<(), Refusal> {
        if self.client_id != CLI_CLIENT {
            return Err(Refusal::field("client_id", format!("must be {CLI_CLIENT}")));
        }
        if self.method != "S256" {
            return Err(Refusal::field("code_challenge_method", "must be S256"));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !PKCE_CHARS.contains(&self.challenge.len()) || !self.challenge.bytes().all(plain) {
            return Err(Refusal::field("code_challenge", "must have 43 to 128 characters of A-Z, a-z, 0-9, - and _"));
        }
        if let Some(label) = &self.label {
            let length = label.chars().count();
            if length == 0 || length > LABEL_CHARS_MAX || !label.chars().all(is_shown) {
                let message = format!("must have 1 to {LABEL_CHARS_MAX} characters, all of which are shown");
                return Err(Refusal::field("label", message));
            }
        }
        let scopes = self.scopes.as_deref().unwrap_or(&CLI_DEFAULT_SCOPES);
        if scopes.is_empty() {
            return Err(Refusal::field("scopes", "must name at least one scope; leave it out for the default ones"));
        }
        match scopes.iter().find(|scope| scope.is_operators()) {
            Some(scope) => Err(Refusal::field("scopes", format!("must not hold {scope}"))),
            None => Ok(()),
        }
    }
}

impl Core {
    /// Opens a session: a person has [`CLI_SESSION_MINUTES`] to approve it and the command line to use it.
    pub async fn open_cli_session(&self, login: CliLogin) -> Result<CliSession, Refusal> {
        login.check()?;
        let mut random = [0; 12];
        self.entropy.fill(&mut random);
        let now = self.now();
        let session = CliSession {
            id: format!("clisess_{}", hex::encode(random)),
            client_id: login.client_id,
            challenge: login.challenge,
            scopes: Scopes::asked(login.scopes.unwrap_or_else(|| CLI_DEFAULT_SCOPES.to_vec())),
            label: login.label,
            status: CliStatus::Pending,
            expires_at: now + TimeDelta::minutes(CLI_SESSION_MINUTES),
        };
        self.identity.cli_sessions.open(&session, now).await?;
        Ok(session)
    }

    /// A session as it stands now; whoever knows its id may look.
    pub async fn cli_session(&self, id: &str) -> Result<CliSession, Refusal> {
        let found = if is_session_id(id) { self.identity.cli_sessions.find(id).await? } else { None };
        let session = found.ok_or(Refusal::NotFound("session"))?;
        let status = session.status_at(self.now());
        Ok(CliSession { status, ..session })
    }

    /// Allows a session a key of the caller's account, with `scopes` or with all that it asks for. Never
    /// more than it asks for, nor than the caller has.
    pub async fn approve_cli_session(
        &self,
        caller: &Caller,
        id: &str,
        scopes: Option<Scopes>,
    ) -> Result<CliSession, Refusal> {
        caller.require(Scope::KeysWrite)?;
        let session = self.cli_session(id).await?;
        let scopes = scopes.unwrap_or_else(|| session.scopes.clone());
        if scopes == Scopes::Only(Vec::new()) {
            return Err(AccountError::NoScopes.into());
        }
        if !session.scopes.cover(&scopes) {
            let message = format!("may hold what the session asks for: {}", session.scopes.names().join(", "));
            return Err(Refusal::field("scopes", message));
        }
        if !caller.scopes.cover(&scopes) {
            return Err(AccountError::WiderThanMaker.into());
        }
        // All of it, said one by one, is what was asked for.
        let scopes = if scopes.cover(&session.scopes) { session.scopes.granted() } else { scopes.granted() };
        let verdict = CliVerdict::Approved { account: caller.account, by: caller.acts_with.clone(), scopes };
        self.judge_cli_session(id, session.status, &verdict).await
    }

    /// Refuses a session.
    pub async fn deny_cli_session(&self, caller: &Caller, id: &str) -> Result<CliSession, Refusal> {
        caller.require(Scope::KeysWrite)?;
        let status = self.cli_session(id).await?.status;
        self.judge_cli_session(id, status, &CliVerdict::Denied).await
    }

    async fn judge_cli_session(
        &self,
        id: &str,
        status: CliStatus,
        verdict: &CliVerdict,
    ) -> Result<CliSession, Refusal> {
        match status {
            CliStatus::Pending => {}
            CliStatus::Expired => return Err(CliProblem::Expired.into()),
            CliStatus::Approved | CliStatus::Denied | CliStatus::Consumed => return Err(CliProblem::Decided.into()),
        }
        if !self.identity.cli_sessions.judge(id, verdict, self.now()).await? {
            return Err(CliProblem::Decided.into());
        }
        self.cli_session(id).await
    }

    /// Hands out the key of an approved session, once, to whoever knows its verifier.
    pub async fn exchange_cli_session(&self, id: &str, verifier: &str, request_id: &str) -> Result<CliKey, Refusal> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !PKCE_CHARS.contains(&verifier.len()) || !verifier.bytes().all(plain) {
            let message = "must have 43 to 128 characters of A-Z, a-z, 0-9, -, ., _ and ~";
            return Err(Refusal::field("code_verifier", message));
        }
        let session = self.cli_session(id).await?;
        match session.status {
            CliStatus::Approved => {}
            CliStatus::Pending => return Err(CliProblem::Pending.into()),
            CliStatus::Denied => return Err(CliProblem::Denied.into()),
            CliStatus::Expired => return Err(CliProblem::Expired.into()),
            CliStatus::Consumed => return Err(CliProblem::Used.into()),
        }
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        if !bool::from(challenge.as_bytes().ct_eq(session.challenge.as_bytes())) {
            self.identity.cli_sessions.wrong_verifier(id).await?;
            let message = "does not fit the session's code_challenge".to_owned();
            return Err(Refusal::Field { field: "code_verifier", code: "invalid_code_verifier", message });
        }
        let consumed = self.identity.cli_sessions.consume(id, self.now()).await?;
        let (account, by, scopes) = consumed.ok_or(CliProblem::Used)?;
        let acting = Acting {
            actor: account.to_string(),
            correlation_id: request_id.to_owned(),
            causation_id: request_id.to_owned(),
            ..Acting::default()
        };
        let name = session.label.as_deref().unwrap_or(CLI_CLIENT);
        match self.new_key(account, acting, by, name, scopes, KeyForm::GenfireCli).await {
            Ok((key, _)) => Ok(CliKey { key, label: session.label, session_expires_at: session.expires_at }),
            Err(refusal) => {
                if says_nothing_was_recorded(&refusal) {
                    self.identity.cli_sessions.give_back(id).await?;
                }
                Err(refusal)
            }
        }
    }
}

/// `clisess_` and 24 hex digits.
fn is_session_id(id: &str) -> bool {
    let hex = |text: &str| text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    id.strip_prefix("clisess_").is_some_and(hex)
}

//! With what an account acts, what that may do, and what may be made with it.

use serde::{Deserialize, Serialize};

use super::aggregate::Account;
use super::error::AccountError;
use super::events::{AccountEvent, IssuedClient, IssuedKey};
use super::scope::{Scope, Scopes};

/// What an account acts with. Whatever changes something asks the account again whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActsWith {
    /// An API key, by its public integer id.
    Key(u64),
    /// An access token of an OAuth client.
    Client {
        /// `gfo_oauth_…`.
        client_id: String,
        /// What the token may do: the client's scopes, or fewer.
        scopes: Scopes,
    },
    /// The person, in a session of theirs: everything but what only the command line grants.
    Person,
    /// The operator, at the command line.
    Operator,
}

impl ActsWith {
    /// The key's public integer id, where it is a key.
    #[must_use]
    pub fn key_id(&self) -> Option<u64> {
        match self {
            ActsWith::Key(key_id) => Some(*key_id),
            ActsWith::Client { .. } | ActsWith::Person | ActsWith::Operator => None,
        }
    }

    /// The OAuth client's id, where it is a client's token.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        match self {
            ActsWith::Client { client_id, .. } => Some(client_id),
            ActsWith::Key(_) | ActsWith::Person | ActsWith::Operator => None,
        }
    }
}

impl Account {
    /// Whether it may act so for `scope`: known, not suspended, the key or client active and wide enough.
    pub fn authorize(&self, by: &ActsWith, scope: Scope) -> Result<(), AccountError> {
        self.present()?;
        if self.suspended().is_some() {
            return Err(AccountError::Suspended);
        }
        let holds = match by {
            ActsWith::Key(key_id) => self.key(*key_id).ok_or(AccountError::KeyRevoked)?.scopes.allow(scope),
            ActsWith::Client { client_id, scopes } => {
                self.client(client_id).ok_or(AccountError::ClientRevoked)?.scopes.allow(scope) && scopes.allow(scope)
            }
            ActsWith::Person => Scopes::Full.allow(scope),
            ActsWith::Operator => true,
        };
        if holds { Ok(()) } else { Err(AccountError::MissingScope(scope)) }
    }

    /// Refuses scopes that are empty, the operator's own, or wider than what they are made with.
    fn check_scopes(&self, scopes: &Scopes, by: &ActsWith) -> Result<(), AccountError> {
        if let Scopes::Only(asked) = scopes {
            if asked.is_empty() {
                return Err(AccountError::NoScopes);
            }
            if *by != ActsWith::Operator
                && let Some(scope) = asked.iter().find(|scope| scope.is_operators())
            {
                return Err(AccountError::OperatorsScope(*scope));
            }
        }
        let covered = match by {
            ActsWith::Key(key_id) => self.key(*key_id).ok_or(AccountError::KeyRevoked)?.scopes.cover(scopes),
            ActsWith::Client { client_id, scopes: granted } => {
                self.client(client_id).ok_or(AccountError::ClientRevoked)?.scopes.cover(scopes) && granted.cover(scopes)
            }
            ActsWith::Person | ActsWith::Operator => true,
        };
        if covered { Ok(()) } else { Err(AccountError::WiderThanMaker) }
    }

    pub(super) fn issue_key(&self, key: IssuedKey, by: &ActsWith) -> Result<Vec<AccountEvent>, AccountError> {
        self.present()?;
        if let Some(known) = self.key(key.key_id) {
            return if known.hash == key.hash { Ok(vec![]) } else { Err(AccountError::IdTaken) };
        }
        if self.was_revoked(key.key_id) {
            return Err(AccountError::IdTaken);
        }
        self.check_scopes(&key.scopes, by)?;
        if self.keys().count() >= Self::ACTIVE_KEYS_MAX {
            return Err(AccountError::TooManyKeys { max: Self::ACTIVE_KEYS_MAX });
        }
        Ok(vec![AccountEvent::KeyIssued(key)])
    }

    pub(super) fn issue_client(&self, client: IssuedClient, by: &ActsWith) -> Result<Vec<AccountEvent>, AccountError> {
        self.present()?;
        if let Some(known) = self.client(&client.client_id) {
            return if known.secret_hash == client.secret_hash { Ok(vec![]) } else { Err(AccountError::IdTaken) };
        }
        self.check_scopes(&client.scopes, by)?;
        if self.clients().count() >= Self::CLIENTS_MAX {
            return Err(AccountError::TooMany { max: Self::CLIENTS_MAX });
        }
        Ok(vec![AccountEvent::ClientIssued(client)])
    }
}

//! Why an account refuses.

use super::scope::Scope;

/// A refusal by an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// There is no such account.
    #[error("there is no such account")]
    NotFound,
    /// The id belongs to another person.
    #[error("the account exists")]
    Exists,
    /// As many active keys as there may be.
    #[error("at most {max} active API keys per account")]
    TooManyKeys {
        /// The limit.
        max: usize,
    },
    /// As many OAuth clients, voices or influencers as there may be.
    #[error("at most {max} of these per account")]
    TooMany {
        /// The limit.
        max: usize,
    },
    /// An empty list of scopes: a key that may do nothing.
    #[error("scopes must not be empty; leave them out for full access")]
    NoScopes,
    /// A key may grant no more than it has itself.
    #[error("a key cannot be wider than the key it is made with")]
    WiderThanMaker,
    /// Only the command line grants it.
    #[error("the scope {0} is granted from the command line only")]
    OperatorsScope(Scope),
    /// There is no such key.
    #[error("there is no such key")]
    NoSuchKey,
    /// The number belongs to another key, client, voice or influencer.
    #[error("the id is taken")]
    IdTaken,
    /// There is no such OAuth client.
    #[error("there is no such client")]
    NoSuchClient,
    /// There is no such voice, or it was put away.
    #[error("there is no such voice")]
    NoSuchVoice,
    /// There is no such influencer.
    #[error("there is no such influencer")]
    NoSuchInfluencer,
    /// Another influencer of the account has the handle.
    #[error("another influencer has this handle")]
    HandleTaken,
    /// An influencer does not go that way.
    #[error("an influencer cannot move there from where it stands")]
    BadMove,
    /// The key was revoked.
    #[error("the key was revoked")]
    KeyRevoked,
    /// The OAuth client was revoked, and its tokens with it.
    #[error("the OAuth client was revoked")]
    ClientRevoked,
    /// The key or token may not do this.
    #[error("the key lacks the scope {0}")]
    MissingScope(Scope),
    /// The account may do nothing for now.
    #[error("the account is suspended")]
    Suspended,
    /// The person was erased.
    #[error("the account was erased")]
    Erased,
}

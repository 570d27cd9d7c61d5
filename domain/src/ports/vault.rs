//! The vault: texts kept apart from the books, each under its subject's key.

use std::collections::HashMap;

use async_trait::async_trait;
use uuid::Uuid;

use super::directory::ClaimKind;
use crate::es::SealedText;
use crate::ids::SealedId;

/// Why the vault did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The store of keys or texts did not answer; try again.
    #[error("the vault cannot be reached: {0}")]
    Unavailable(String),
    /// The subject was erased: nothing more is sealed for them.
    #[error("the subject was erased")]
    Erased,
    /// A text that no key of ours opens.
    #[error("a sealed text cannot be opened: {0}")]
    Corrupt(String),
}

/// Seals and opens texts.
#[async_trait]
pub trait Vault: Send + Sync + 'static {
    /// Seals a text under its subject's key (an account's id), which is made at the first use. The
    /// result goes into a unit of work and is stored with its events.
    async fn seal(&self, subject: Uuid, id: SealedId, text: &[u8]) -> Result<SealedText, VaultError>;

    /// Opens texts. What does not exist, or whose subject was erased, is absent from the answer.
    async fn open(&self, ids: &[SealedId]) -> Result<HashMap<SealedId, Vec<u8>>, VaultError>;

    /// Opens a text that is kept elsewhere than in the log. `None` once its subject was erased.
    async fn open_text(&self, text: &SealedText) -> Result<Option<Vec<u8>>, VaultError>;

    /// HMAC of `bytes` under the subject's key, in hex: tells whether two requests are the same
    /// without keeping either.
    async fn fingerprint(&self, subject: Uuid, bytes: &[u8]) -> Result<String, VaultError>;

    /// What stands for a unique name in the directory and in events: its HMAC under a key of ours.
    /// The caller folds the name first.
    fn claim_value(&self, kind: ClaimKind, name: &str) -> Vec<u8>;
}

//! Storage of files, and the addresses under which they are fetched.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;

use crate::Timestamp;

/// A file in our storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAsset {
    /// Its key.
    pub key: String,
    /// Its media type.
    pub content_type: String,
    /// Its size.
    pub size_bytes: u64,
}

/// Why storage did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssetError {
    /// There is no such file.
    #[error("there is no such file")]
    NotFound,
    /// The key is not one of ours.
    #[error("not a key of this storage")]
    BadKey,
    /// Storage did not answer; try again.
    #[error("storage cannot be reached: {0}")]
    Unavailable(String),
}

/// Keeps files.
#[async_trait]
pub trait Assets: Send + Sync + 'static {
    /// Stores a file whole or not at all, in place of one under the same key.
    async fn put(&self, key: &str, content_type: &str, bytes: Bytes) -> Result<StoredAsset, AssetError>;

    /// What is stored under a key; `None` if nothing is.
    async fn head(&self, key: &str) -> Result<Option<StoredAsset>, AssetError>;

    /// A whole file. For what is known to be small; the web serves files from storage directly.
    async fn get(&self, key: &str) -> Result<Bytes, AssetError>;
}

/// One of our own addresses of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnAddress {
    /// The file's key.
    pub key: String,
    /// What its signature says.
    pub signature: OwnSignature,
}

/// What the signature of one of our own addresses says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnSignature {
    /// There is none: the file may be read only where its creation is public.
    Absent,
    /// It is good now.
    Valid,
    /// It was good once.
    Expired,
    /// It never was.
    Wrong,
}

/// Makes absolute addresses.
pub trait Links: Send + Sync + 'static {
    /// The stable address of a public file.
    fn public(&self, key: &str) -> String;

    /// A fresh address of a private file, good for a while from `now`.
    fn signed(&self, key: &str, now: Timestamp) -> String;

    /// An address of a private file that is good for so long from `now`: for what is kept by others.
    fn signed_for(&self, key: &str, now: Timestamp, lifetime: TimeDelta) -> String;

    /// The absolute address of a path of this server (`/v1/runs/…`).
    fn page(&self, path: &str) -> String;

    /// The file that one of our own addresses names; `None` for any other address. Our own files are
    /// never fetched over the network.
    fn own(&self, url: &str, now: Timestamp) -> Option<OwnAddress>;
}

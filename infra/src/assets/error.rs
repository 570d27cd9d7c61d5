//! What can go wrong with assets.

/// What can go wrong with assets.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// There is no such asset.
    #[error("there is no asset {0}")]
    NotFound(String),
    /// The directory could not be made.
    #[error("the directory of the assets cannot be made: {0}")]
    Source(#[source] std::io::Error),
    /// The setting does not name a store that this build can use.
    #[error("`{0}` is not an asset store: write a directory, a file:// URL, or s3://bucket/prefix")]
    Location(String),
    /// The disk is full.
    #[error("no space is left for assets: free some on the disk that holds them")]
    Full,
    /// The store failed.
    #[error("the asset store failed: {0}")]
    Store(#[source] object_store::Error),
}

impl From<object_store::Error> for AssetError {
    fn from(error: object_store::Error) -> Self {
        if let object_store::Error::NotFound { path, .. } = error {
            return Self::NotFound(path);
        }
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(inner) = cause {
            let io = inner.downcast_ref::<std::io::Error>();
            if io.is_some_and(|io| io.kind() == std::io::ErrorKind::StorageFull) {
                return Self::Full;
            }
            cause = inner.source();
        }
        Self::Store(error)
    }
}

//! The domain's port to storage.

use async_trait::async_trait;
use bytes::Bytes;
use mintmark_domain::ports::{self, Assets, StoredAsset};

use super::{AssetError, AssetKey, AssetStore};

/// What an error is to the domain.
pub(crate) fn port_error(error: AssetError) -> ports::AssetError {
    match error {
        AssetError::NotFound(_) => ports::AssetError::NotFound,
        other => ports::AssetError::Unavailable(other.to_string()),
    }
}

fn parse(key: &str) -> Result<AssetKey, ports::AssetError> {
    key.parse().map_err(|_| ports::AssetError::BadKey)
}

#[async_trait]
impl Assets for AssetStore {
    /// The media type follows from the key's extension; one that says otherwise is a defect.
    async fn put(&self, key: &str, content_type: &str, bytes: Bytes) -> Result<StoredAsset, ports::AssetError> {
        let name = parse(key)?;
        debug_assert_eq!(name.media_type(), content_type, "{key}");
        let size_bytes = bytes.len() as u64;
        AssetStore::put(self, &name, bytes).await.map_err(port_error)?;
        Ok(StoredAsset { key: key.to_owned(), content_type: name.media_type().to_owned(), size_bytes })
    }

    async fn head(&self, key: &str) -> Result<Option<StoredAsset>, ports::AssetError> {
        let name = parse(key)?;
        match AssetStore::head(self, &name).await {
            Ok(head) => Ok(Some(StoredAsset {
                key: key.to_owned(),
                content_type: head.media_type.to_owned(),
                size_bytes: head.size_bytes,
            })),
            Err(AssetError::NotFound(_)) => Ok(None),
            Err(error) => Err(port_error(error)),
        }
    }

    async fn get(&self, key: &str) -> Result<Bytes, ports::AssetError> {
        self.get_bytes(&parse(key)?).await.map_err(port_error)
    }
}

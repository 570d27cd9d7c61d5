//! Stored files, as the root package serves them.

use std::ops::Range;

use async_trait::async_trait;
use futures::StreamExt;
use mintmark_api_rest::{AssetMeta, AssetReader, AssetStream};
use mintmark_domain::ports::AssetError;
use mintmark_infra::assets::{AssetKey, AssetStore, ByteRange};

/// The store, as the surface wants it.
pub struct StoreReader(pub AssetStore);

fn port_error(error: mintmark_infra::assets::AssetError) -> AssetError {
    match error {
        mintmark_infra::assets::AssetError::NotFound(_) => AssetError::NotFound,
        other => AssetError::Unavailable(other.to_string()),
    }
}

fn parse(key: &str) -> Result<AssetKey, AssetError> {
    key.parse().map_err(|_| AssetError::BadKey)
}

#[async_trait]
impl AssetReader for StoreReader {
    async fn meta(&self, key: &str) -> Result<AssetMeta, AssetError> {
        let head = self.0.head(&parse(key)?).await.map_err(port_error)?;
        Ok(AssetMeta {
            size_bytes: head.size_bytes,
            content_type: head.media_type.to_owned(),
            etag: head.etag,
            modified_at: head.modified_at,
        })
    }

    async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<AssetStream, AssetError> {
        let key = parse(key)?;
        let range = match range {
            Some(range) => {
                let size_bytes = self.0.head(&key).await.map_err(port_error)?.size_bytes;
                Some(ByteRange { range, size_bytes })
            }
            None => None,
        };
        let body = self.0.get(&key, range.as_ref()).await.map_err(port_error)?;
        Ok(body.stream.map(|chunk| chunk.map_err(std::io::Error::other)).boxed())
    }
}

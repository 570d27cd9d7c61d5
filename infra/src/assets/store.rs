//! Putting, getting and deleting assets.

use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use mintmark_domain::Timestamp;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt as _};
use url::Url;

use super::{AssetError, AssetKey, AssetWriter, ByteRange, S3Settings};

/// The store of all assets. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AssetStore {
    store: Arc<dyn ObjectStore>,
    /// The directory, where it is one.
    directory: Option<Arc<FilePath>>,
}

/// What is known of an asset without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetHead {
    /// Its size.
    pub size_bytes: u64,
    /// Its media type, from its extension.
    pub media_type: &'static str,
    /// A text that changes when the content does, quotes not included.
    pub etag: Option<String>,
    /// When it was stored.
    pub modified_at: Timestamp,
}

/// An asset, or a range of it, as it is read.
pub struct AssetBody {
    /// What is known of the whole asset.
    pub head: AssetHead,
    /// The bytes asked for.
    pub stream: BoxStream<'static, Result<Bytes, AssetError>>,
}

impl AssetStore {
    /// The store that a setting names without further settings: see [`AssetStore::open_with`].
    ///
    /// # Errors
    /// As [`AssetStore::open_with`].
    pub fn open(url_or_path: &str) -> Result<Self, AssetError> {
        Self::open_with(url_or_path, &S3Settings::default())
    }

    /// The store that a setting names: a directory, made if it is missing, or its `file://` URL; or
    /// `s3://bucket/prefix` for an S3 API, reached as `s3` says. Nothing is asked of that yet.
    ///
    /// # Errors
    /// [`AssetError::Location`] for what names no store, [`AssetError::Source`] when the directory cannot
    /// be made, [`AssetError::Store`] for settings that cannot be used.
    pub fn open_with(url_or_path: &str, s3: &S3Settings) -> Result<Self, AssetError> {
        let unknown = || AssetError::Location(url_or_path.to_owned());
        let directory = match url_or_path.split_once("://") {
            None => FilePath::new(url_or_path).to_owned(),
            Some(("file", _)) => {
                let url = Url::parse(url_or_path).map_err(|_| unknown())?;
                url.to_file_path().map_err(|()| unknown())?
            }
            Some(("s3", place)) => {
                let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
                if bucket.is_empty() {
                    return Err(unknown());
                }
                let bucket = super::s3::open(bucket, s3)?;
                let store: Arc<dyn ObjectStore> = match prefix.trim_matches('/') {
                    "" => Arc::new(bucket),
                    prefix => Arc::new(PrefixStore::new(bucket, prefix)),
                };
                return Ok(Self { store, directory: None });
            }
            Some(_) => return Err(unknown()),
        };
        if directory.as_os_str().is_empty() {
            return Err(unknown());
        }
        std::fs::create_dir_all(&directory).map_err(AssetError::Source)?;
        // A run is only recorded as completed when its files are; so they are on the disk.
        let store = LocalFileSystem::new_with_prefix(&directory)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), directory: Some(directory.into()) })
    }

    /// Stores bytes under a key; what was there is replaced. Whole or not at all.
    ///
    /// # Errors
    /// [`AssetError::Full`] or [`AssetError::Store`].
    pub async fn put(&self, key: &AssetKey, bytes: Bytes) -> Result<(), AssetError> {
        self.store.put(&key.path(), bytes.into()).await?;
        Ok(())
    }

    /// Writes an asset piece by piece: it appears when the writer has finished, and not before.
    ///
    /// # Errors
    /// [`AssetError::Store`].
    pub async fn writer(&self, key: &AssetKey) -> Result<AssetWriter, AssetError> {
        Ok(AssetWriter::new(self.store.put_multipart(&key.path()).await?))
    }

    /// Deletes what writers left in a directory that were never finished, because their process was
    /// killed, if it is older than `after`. An S3 API does that by itself (a lifecycle rule for incomplete
    /// uploads). Answers how many files went.
    ///
    /// # Errors
    /// [`AssetError::Source`] when the directory cannot be read.
    pub async fn sweep_leftovers(&self, after: std::time::Duration) -> Result<usize, AssetError> {
        let Some(directory) = self.directory.clone() else { return Ok(0) };
        let swept = tokio::task::spawn_blocking(move || super::writer::sweep(&directory.join("uploads"), after));
        swept.await.map_err(|error| AssetError::Source(std::io::Error::other(error)))?.map_err(AssetError::Source)
    }

    /// What is known of an asset.
    ///
    /// # Errors
    /// [`AssetError::NotFound`] or [`AssetError::Store`].
    pub async fn head(&self, key: &AssetKey) -> Result<AssetHead, AssetError> {
        let meta = self.store.head(&key.path()).await?;
        Ok(head_of(key, &meta))
    }

    /// An asset as a stream: the whole, or a range (see [`super::parse_range`]).
    ///
    /// # Errors
    /// [`AssetError::NotFound`] or [`AssetError::Store`].
    pub async fn get(&self, key: &AssetKey, range: Option<&ByteRange>) -> Result<AssetBody, AssetError> {
        let range = range.map(|range| GetRange::Bounded(range.range.clone()));
        let found = self.store.get_opts(&key.path(), GetOptions { range, ..GetOptions::default() }).await?;
        let head = head_of(key, &found.meta);
        Ok(AssetBody { head, stream: found.into_stream().map_err(AssetError::from).boxed() })
    }

    /// A whole asset in memory.
    ///
    /// # Errors
    /// [`AssetError::NotFound`] or [`AssetError::Store`].
    pub async fn get_bytes(&self, key: &AssetKey) -> Result<Bytes, AssetError> {
        Ok(self.store.get(&key.path()).await?.bytes().await?)
    }

    /// Deletes an asset. Answers whether there was one, where the store says so: an S3 API does not.
    ///
    /// # Errors
    /// [`AssetError::Store`].
    pub async fn delete(&self, key: &AssetKey) -> Result<bool, AssetError> {
        match self.store.delete(&key.path()).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn head_of(key: &AssetKey, meta: &ObjectMeta) -> AssetHead {
    AssetHead {
        size_bytes: meta.size,
        media_type: key.media_type(),
        etag: meta.e_tag.as_ref().map(|etag| etag.trim_matches('"').to_owned()),
        modified_at: meta.last_modified,
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::parse_range;
    use super::*;

    fn store() -> (TempDir, AssetStore) {
        let directory = tempfile::tempdir().unwrap();
        let store = AssetStore::open(directory.path().join("assets").to_str().unwrap()).unwrap();
        (directory, store)
    }

    fn key() -> AssetKey {
        "runs/ab/1/0.png".parse().unwrap()
    }

    async fn collect(body: AssetBody) -> Vec<u8> {
        body.stream.try_fold(Vec::new(), |all, chunk| async move { Ok([all, chunk.to_vec()].concat()) }).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_put_is_got_whole_and_in_part() {
        let (_directory, store) = store();
        store.put(&key(), "0123456789".into()).await.unwrap();
        let whole = store.get(&key(), None).await.unwrap();
        assert_eq!((whole.head.size_bytes, whole.head.media_type), (10, "image/png"));
        assert_eq!(collect(whole).await, b"0123456789");
        let range = parse_range(Some("bytes=2-4"), 10).unwrap();
        let part = store.get(&key(), range.as_ref()).await.unwrap();
        assert_eq!(part.head.size_bytes, 10, "the size of the whole");
        assert_eq!(collect(part).await, b"234");
        assert_eq!(store.get_bytes(&key()).await.unwrap(), "0123456789");
    }

    #[tokio::test]
    async fn the_etag_changes_with_the_content() {
        let (_directory, store) = store();
        store.put(&key(), "one".into()).await.unwrap();
        let one = store.head(&key()).await.unwrap();
        assert_eq!(store.head(&key()).await.unwrap(), one);
        store.put(&key(), "other".into()).await.unwrap();
        let other = store.head(&key()).await.unwrap();
        assert!(one.etag.is_some() && one.etag != other.etag);
        assert_eq!(other.size_bytes, 5);
    }

    #[tokio::test]
    async fn what_is_not_there_says_so() {
        let (_directory, store) = store();
        assert!(matches!(store.head(&key()).await, Err(AssetError::NotFound(_))));
        assert!(matches!(store.get(&key(), None).await, Err(AssetError::NotFound(_))));
        assert!(!store.delete(&key()).await.unwrap());
        store.put(&key(), "x".into()).await.unwrap();
        assert!(store.delete(&key()).await.unwrap());
        assert!(matches!(store.head(&key()).await, Err(AssetError::NotFound(_))));
    }

    #[tokio::test]
    async fn a_store_is_named_by_a_directory_or_its_url() {
        let directory = tempfile::tempdir().unwrap();
        let url = Url::from_directory_path(directory.path()).unwrap();
        let by_url = AssetStore::open(url.as_str()).unwrap();
        by_url.put(&key(), "x".into()).await.unwrap();
        let by_path = AssetStore::open(directory.path().to_str().unwrap()).unwrap();
        assert_eq!(by_path.get_bytes(&key()).await.unwrap(), "x");
        for wrong in ["", "s3://", "s3:///prefix", "http://store.test/"] {
            let error = AssetStore::open(wrong).unwrap_err();
            assert!(matches!(error, AssetError::Location(_)), "{wrong}: {error}");
        }
    }
}

//! Writing large assets without holding them in memory.

use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use object_store::{MultipartUpload, WriteMultipart};

use super::AssetError;

/// How large each part is. An S3 API wants at least 5 MiB, and at most 10,000 parts: 5 GiB need 640.
const PART_BYTES: usize = 8 << 20;
/// How many parts are on their way at once; with the one that is filled, all that is held in memory.
const PARTS_AT_ONCE: usize = 2;

/// An asset that is being written. It appears whole with [`AssetWriter::finish`], or not at all.
#[derive(Debug)]
pub struct AssetWriter(WriteMultipart);

impl AssetWriter {
    pub(super) fn new(upload: Box<dyn MultipartUpload>) -> Self {
        Self(WriteMultipart::new_with_chunk_size(upload, PART_BYTES))
    }

    /// Writes a piece; waits while as many parts are on their way as may be.
    ///
    /// # Errors
    /// [`AssetError::Full`] or [`AssetError::Store`], of this or an earlier part.
    pub async fn write(&mut self, piece: &Bytes) -> Result<(), AssetError> {
        self.0.wait_for_capacity(PARTS_AT_ONCE).await?;
        // Copied into the part: the piece's own buffer may be much larger than it.
        self.0.write(piece);
        Ok(())
    }

    /// Ends it: from now on the asset is there.
    ///
    /// # Errors
    /// [`AssetError::Full`] or [`AssetError::Store`]; nothing is left then.
    pub async fn finish(self) -> Result<(), AssetError> {
        self.0.finish().await?;
        Ok(())
    }

    /// Gives it up: nothing is left.
    ///
    /// # Errors
    /// [`AssetError::Store`]: parts may be left.
    pub async fn abort(self) -> Result<(), AssetError> {
        self.0.abort().await?;
        Ok(())
    }
}

/// Deletes unfinished files of a directory that nobody has written to for `after`: their names end with `#`
/// and a number, as no asset's does. Answers how many went.
pub(super) fn sweep(directory: &Path, after: Duration) -> std::io::Result<usize> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let now = SystemTime::now();
    let mut swept = 0;
    for entry in entries {
        let entry = entry?;
        let unfinished = entry.file_name().to_string_lossy().contains('#');
        let written = entry.metadata().and_then(|known| known.modified()).unwrap_or(now);
        if unfinished && now.duration_since(written).is_ok_and(|age| age >= after) {
            // Another process may sweep too.
            swept += usize::from(std::fs::remove_file(entry.path()).is_ok());
        }
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::AssetStore;

    fn files(directory: &Path) -> Vec<String> {
        let names = std::fs::read_dir(directory.join("uploads")).unwrap();
        let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn what_is_written_in_pieces_appears_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let store = AssetStore::open(directory.path().to_str().unwrap()).unwrap();
        let key = "uploads/a.bin".parse().unwrap();
        let piece = Bytes::from(vec![7; 3 << 20]);
        let mut writer = store.writer(&key).await.unwrap();
        for _ in 0..8 {
            writer.write(&piece).await.unwrap();
            assert!(store.head(&key).await.is_err(), "not before it is finished");
        }
        writer.finish().await.unwrap();
        assert_eq!(store.head(&key).await.unwrap().size_bytes, 24 << 20);
        let other = "uploads/b.bin".parse().unwrap();
        let mut broken = store.writer(&other).await.unwrap();
        broken.write(&piece).await.unwrap();
        broken.abort().await.unwrap();
        assert_eq!(files(directory.path()), ["a.bin"]);
    }

    #[tokio::test]
    async fn what_a_killed_process_left_is_swept_once_it_is_old() {
        let directory = tempfile::tempdir().unwrap();
        let store = AssetStore::open(directory.path().to_str().unwrap()).unwrap();
        assert_eq!(store.sweep_leftovers(Duration::ZERO).await.unwrap(), 0, "there is nothing yet");
        store.put(&"uploads/a.bin".parse().unwrap(), "x".into()).await.unwrap();
        std::fs::write(directory.path().join("uploads/b.bin#1"), "half").unwrap();
        assert_eq!(store.sweep_leftovers(Duration::from_secs(3_600)).await.unwrap(), 0);
        assert_eq!(store.sweep_leftovers(Duration::ZERO).await.unwrap(), 1);
        assert_eq!(files(directory.path()), ["a.bin"]);
    }
}

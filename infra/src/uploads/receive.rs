//! A file streamed into storage, within its limits.

use std::time::Duration;

use futures::StreamExt as _;
use mintmark_domain::ports::{UploadBody, UploadError};
use tokio::time::{Instant, timeout};

use crate::assets::{AssetKey, AssetStore, AssetWriter};

/// How long an upload may take without a byte of progress.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// How long an upload may take in all: 5 GiB at less than half a megabyte a second.
const TOTAL_MAX: Duration = Duration::from_secs(4 * 3_600);

/// What a file may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// The size that it has to have.
    pub declared: Option<u64>,
    /// The most bytes.
    pub bytes_max: u64,
}

/// Stores a file as it comes in, whole or not at all. `every` is told now and then how many bytes came, and
/// once more before the file is there for others; an error of it ends the upload. Answers its size.
pub(super) async fn receive<F, Called>(
    store: &AssetStore,
    key: &AssetKey,
    body: UploadBody,
    limits: Limits,
    (interval, mut every): (Duration, F),
) -> Result<u64, UploadError>
where
    F: FnMut(u64) -> Called,
    Called: Future<Output = Result<(), UploadError>>,
{
    let mut writer = store.writer(key).await.map_err(crate::assets::port_error)?;
    let copied = match copy(&mut writer, body, limits, (interval, &mut every)).await {
        Ok(size) => every(size).await.map(|()| size),
        Err(error) => Err(error),
    };
    match copied {
        Ok(size) => match writer.finish().await {
            Ok(()) => Ok(size),
            Err(error) => Err(crate::assets::port_error(error).into()),
        },
        Err(error) => {
            if let Err(leftover) = writer.abort().await {
                tracing::warn!(%leftover, "parts of a broken upload are left; they are swept");
            }
            Err(error)
        }
    }
}

async fn copy<F, Called>(
    writer: &mut AssetWriter,
    mut body: UploadBody,
    limits: Limits,
    (interval, every): (Duration, &mut F),
) -> Result<u64, UploadError>
where
    F: FnMut(u64) -> Called,
    Called: Future<Output = Result<(), UploadError>>,
{
    let most = limits.declared.unwrap_or(u64::MAX).min(limits.bytes_max);
    let (begun, mut called) = (Instant::now(), Instant::now());
    let mut size: u64 = 0;
    while let Some(part) = timeout(IDLE_MAX, body.next()).await.map_err(|_| UploadError::BrokenOff)? {
        let part = part.map_err(|_| UploadError::BrokenOff)?;
        size += part.len() as u64;
        if size > most {
            return Err(match limits.declared {
                Some(declared) if declared <= limits.bytes_max => UploadError::OtherSize { declared, came: size },
                Some(_) | None => UploadError::TooLarge { max: limits.bytes_max },
            });
        }
        writer.write(&part).await.map_err(crate::assets::port_error)?;
        if begun.elapsed() > TOTAL_MAX {
            return Err(UploadError::BrokenOff);
        }
        if called.elapsed() >= interval {
            every(size).await?;
            called = Instant::now();
        }
    }
    match limits.declared {
        Some(declared) if declared != size => Err(UploadError::OtherSize { declared, came: size }),
        Some(_) | None => Ok(size),
    }
}

//! The directory's upkeep: claims are settled, and integer ids stay above the log.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use chrono::TimeDelta;
use mintmark_domain::Shard;
use mintmark_domain::es::{EventLog, ReadError};
use mintmark_domain::ports::{Directory, IntegerIds};
use mintmark_log::directory::{FromLog, FromLogError, Swept, is_in_log, sweep_orphans};
use mintmark_projections::{ProjectionName, ReadModels};
use sqlx::PgPool;

use super::Platform;

/// The most events of a shard that a start reads to find integer ids that the read models do not show
/// yet. Beyond that they are being built anew, and `rebuild directory` is the way.
const TAIL_EVENTS_MAX: u64 = 200_000;

/// Refuses a configuration that leaves accounts out: a shard that the log holds is served for ever.
pub(super) async fn check_shards(pool: &PgPool, configured: u16) -> anyhow::Result<()> {
    let highest: Option<i16> = sqlx::query_scalar("SELECT max(shard) FROM shards").fetch_one(pool).await?;
    let needed = highest.map_or(0, |highest| highest.unsigned_abs() + 1);
    if needed > configured {
        bail!(
            "shards is {configured}, but the log has {needed}: set shards to {needed} (it may be raised, never lowered)"
        );
    }
    Ok(())
}

/// Keeps integer ids above all that the log has given out: for a directory that was restored apart from
/// the log, or lost. The read models say it for all but the log's last events, and those are read.
pub(super) async fn raise_integers(
    pool: &PgPool,
    reads: &ReadModels,
    log: &dyn EventLog,
    integers: &dyn IntegerIds,
    shards: &[Shard],
) -> anyhow::Result<()> {
    for (kind, highest) in reads.highest_integers().await? {
        integers.ensure_above(kind, highest).await?;
    }
    let accounts = reads.applied(ProjectionName::Accounts).await?;
    let generation = reads.applied(ProjectionName::Generation).await?;
    let people = reads.applied(ProjectionName::People).await?;
    let mut tail = FromLog::default();
    for &shard in shards {
        let opened: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM shards WHERE shard = $1)")
            .bind(shard.number().cast_signed())
            .fetch_one(pool)
            .await?;
        if !opened {
            continue;
        }
        let positions = [&accounts, &generation, &people].map(|applied| applied.get(shard).unwrap_or_default());
        let applied = positions.into_iter().min().unwrap_or_default();
        let end = log.end(shard).await?.position;
        if end.0.saturating_sub(applied.0) > TAIL_EVENTS_MAX {
            tracing::warn!(%shard, "the read models are far behind; integer ids are checked by `mintmark rebuild directory`");
            continue;
        }
        // A read model that is ahead of the log has seen more than the log says.
        match tail.read_on(log, shard, applied.min(end), |_| {}).await {
            Ok(()) => {}
            // Said where it is met in earnest; it must not keep a server from starting.
            Err(error @ (FromLogError::Decode(_) | FromLogError::Read(ReadError::Corrupt(_)))) => {
                tracing::warn!(%shard, %error, "integer ids were not checked");
            }
            Err(error) => return Err(error.into()),
        }
    }
    for (kind, highest) in tail.highest() {
        integers.ensure_above(kind, highest).await?;
    }
    Ok(())
}

/// Settles, once, the claims that are old enough: those whose event is in the log are confirmed, the
/// others given back.
async fn sweep(platform: &Platform) -> Result<Swept, FromLogError> {
    let orphan_after = TimeDelta::seconds(platform.config.directory.orphan_seconds.into());
    let log: Arc<dyn EventLog> = platform.log.clone();
    let in_log = |claim| {
        let log = Arc::clone(&log);
        async move { is_in_log(&*log, &claim).await }
    };
    let directory: &dyn Directory = &*platform.core.directory;
    sweep_orphans(directory, platform.core.clock.now() - orphan_after, in_log).await
}

/// Settles claims as long as it is polled. Several servers may do so at once.
pub async fn keep_directory(platform: &Platform) {
    let every = Duration::from_secs(platform.config.directory.sweep_seconds.into());
    loop {
        tokio::time::sleep(every).await;
        match sweep(platform).await {
            Ok(Swept { confirmed: 0, released: 0 }) => {}
            Ok(Swept { confirmed, released }) => tracing::info!(confirmed, released, "claims were settled"),
            Err(error) => tracing::warn!(%error, "claims could not be settled; it is tried again"),
        }
    }
}

/// How often files and pages that are over are swept.
const FILES_EVERY: Duration = Duration::from_secs(600);

/// Sweeps uploads that can no longer be read and pages that are no longer served from the cache, as long as
/// it is polled. Several servers may do so at once.
pub async fn keep_files(platform: &Platform) {
    loop {
        tokio::time::sleep(FILES_EVERY).await;
        match platform.uploads.sweep().await {
            Ok(0) => {}
            Ok(swept) => tracing::info!(swept, "uploads whose time is over were deleted"),
            Err(error) => tracing::warn!(%error, "uploads could not be swept; it is tried again"),
        }
        if let Err(error) = platform.products.sweep().await {
            tracing::warn!(%error, "product pages could not be swept; it is tried again");
        }
    }
}

/// How often sign-ins that are over are forgotten.
const SIGN_INS_SWEPT_EVERY: Duration = Duration::from_secs(600);

/// Forgets links and sessions that are over as long as it is polled. Several servers may do so at once.
pub async fn keep_sign_ins(platform: &Platform) {
    loop {
        tokio::time::sleep(SIGN_INS_SWEPT_EVERY).await;
        match platform.core.sweep_sign_ins().await {
            Ok(0) => {}
            Ok(swept) => tracing::debug!(swept, "sign-ins that were over are forgotten"),
            Err(error) => tracing::warn!(%error, "sign-ins could not be swept; it is tried again"),
        }
    }
}

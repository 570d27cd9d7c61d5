//! `mintmark rebuild`, and the comparison of read models that `audit verify` ends with.

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use mintmark_domain::es::EventLog;
use mintmark_projections::rebuild::{self, Replayed};
use mintmark_projections::{Projection, ProjectionName};

use super::progress::Progress;
use super::with_platform;
use crate::audit::Finding;
use crate::cli::Place;
use crate::compose::Platform;

/// What `rebuild` calls the directory, which is no read model.
const DIRECTORY: &str = "directory";

pub async fn run(place: Place, mut only: Vec<String>, skip_ids: u32) -> anyhow::Result<ExitCode> {
    let directory = only.iter().any(|name| name == DIRECTORY);
    only.retain(|name| name != DIRECTORY);
    if skip_ids > 0 && !directory {
        bail!("--skip-ids goes with `rebuild directory`");
    }
    let read_models = !(directory && only.is_empty());
    let wanted: Result<Vec<ProjectionName>, String> = only.iter().map(|name| name.parse()).collect();
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(error) => bail!("{error}"),
    };
    with_platform(place, async |platform| {
        if directory {
            super::directory::rebuild(platform, skip_ids).await?;
        }
        for projection in platform.projections.iter().filter(|_| read_models) {
            if !wanted.is_empty() && !wanted.contains(&projection.name()) {
                continue;
            }
            let replayed = replay(platform, projection, true).await?;
            say!("{}: {} events replayed and switched to", replayed.projection, replayed.events);
            for finding in findings(&replayed) {
                say!("  was different: {finding}");
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// Where the read models differ from a replay of the log.
pub async fn compare(platform: &Platform) -> anyhow::Result<Vec<Finding>> {
    let mut found = Vec::new();
    for projection in &platform.projections {
        let replayed = replay(platform, projection, false).await?;
        if !replayed.compared {
            let what = format!("the read model {} holds another history than the log", replayed.projection);
            found.push(Finding { place: None, what });
        }
        found.extend(findings(&replayed));
    }
    Ok(found)
}

async fn replay(platform: &Platform, projection: &Arc<dyn Projection>, switch: bool) -> anyhow::Result<Replayed> {
    let log: Arc<dyn EventLog> = platform.log.clone();
    let bar = Progress::new(projection.name().as_str(), 0);
    let seen = Mutex::new(0);
    let progress = |now: rebuild::Progress| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        bar.total(now.total);
        bar.advance(now.done.saturating_sub(*seen));
        *seen = now.done;
    };
    let (pool, shards) = (&platform.pool, platform.shards());
    let replayed = if switch {
        rebuild::rebuild(pool, &log, &**projection, shards, &progress).await?
    } else {
        rebuild::verify(pool, &log, &**projection, shards, &progress).await?
    };
    bar.done();
    Ok(replayed)
}

fn findings(replayed: &Replayed) -> Vec<Finding> {
    replayed
        .differences
        .iter()
        .map(|difference| {
            let how = match (difference.is_live, difference.is_replayed) {
                (true, false) => "is not what the log says: it should not be there".to_owned(),
                (false, true) => "is missing".to_owned(),
                (true, true) | (false, false) => format!("differs in {}", difference.columns.join(", ")),
            };
            let (table, key) = (difference.table, &difference.key);
            Finding { place: None, what: format!("read model {}, table {table}, row {key} {how}", replayed.projection) }
        })
        .collect()
}

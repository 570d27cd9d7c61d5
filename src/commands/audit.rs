//! `mintmark audit`

use std::process::ExitCode;

use super::progress::Progress;
use super::with_platform;
use crate::audit::{compare_with_stock_reader, stray_rows, unopened, verify_log};
use crate::cli::AuditCommand;
use crate::compose::{Platform, events_in};

pub async fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    let AuditCommand::Verify { place } = command;
    with_platform(place, verify).await
}

async fn verify(platform: &Platform) -> anyhow::Result<ExitCode> {
    let shards = platform.shards();
    let total = events_in(&*platform.log, shards).await?;
    let progress = Progress::new("log", total);
    let verified = verify_log(&*platform.log, shards, |more| progress.advance(more)).await?;
    progress.done();
    let mut findings = verified.findings;
    findings.extend(stray_rows(&platform.pool, shards).await?);
    let texts: i64 = sqlx::query_scalar("SELECT count(*) FROM sealed").fetch_one(&platform.pool).await?;
    let progress = Progress::new("sealed texts", texts.unsigned_abs());
    findings.extend(unopened(&platform.pool, &*platform.core.vault, |more| progress.advance(more)).await?);
    progress.done();
    if findings.is_empty() {
        let progress = Progress::new("stock reader", verified.streams.len() as u64);
        findings
            .extend(compare_with_stock_reader(&platform.pool, &verified.streams, |more| progress.advance(more)).await?);
        progress.done();
    }
    if findings.is_empty() {
        findings.extend(super::directory::compare(platform).await?);
    }
    if findings.is_empty() {
        findings.extend(super::rebuild::compare(platform).await?);
    }
    for finding in &findings {
        say!("{finding}");
    }
    let (events, streams) = (verified.events, verified.streams.len());
    if findings.is_empty() {
        say!("{events} events in {streams} streams: nothing differs");
        Ok(ExitCode::SUCCESS)
    } else {
        say!("{events} events in {streams} streams: {} things differ", findings.len());
        Ok(ExitCode::FAILURE)
    }
}

//! How soon an existing installation is ready, and what the server takes while nobody asks.

use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::http::{Child, ready};
use crate::report::{Report, median};

/// How often it is started.
const STARTS: usize = 5;
/// How long nobody asks before its memory is looked at.
const REST: Duration = Duration::from_secs(5);

pub async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let directory = tempfile::Builder::new().prefix("mintmark-").tempdir()?;
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
    let data = directory.path().join("data").display().to_string();
    let (mut starts, mut memory) = (Vec::new(), Vec::new());
    // The first makes the cluster.
    for attempt in 0..=STARTS {
        let begun = Instant::now();
        let child = Child::serve(&["--data-dir", &data], &[])?;
        ready(child.address).await?;
        if attempt > 0 {
            starts.push(begun.elapsed().as_secs_f64() * 1e3);
            tokio::time::sleep(REST).await;
            memory.push(resident_mib(child.pid())?);
        }
        child.stop().await?;
    }
    report.line(
        "an existing installation with its own Postgres is ready",
        &format!("{:.0} ms", median(starts)),
        "≤ 1,000 ms",
    );
    report.line("server memory at rest, Postgres apart", &format!("{:.0} MiB", median(memory)), "≤ 120 MB");
    Ok(())
}

/// What a process holds in memory.
fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

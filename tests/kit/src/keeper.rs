//! Stops the shared cluster when nobody uses it any more.
//!
//! Each test is a process, so between two of them there may be no user for a moment; if the
//! last to leave stopped the cluster, it would stop and start all day. The keeper is one
//! small process of the system's own tools (a test binary cannot become it): it looks every
//! few seconds, and stops the cluster when it finds it unused twice in a row.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;

/// `$1`: the cluster's home; `$2`: seconds between two looks. `flock` takes the same locks as the embedded Postgres does; while
/// it holds `use.lock` alone, nobody can begin to use what is being stopped.
const SCRIPT: &str = r#"
cd "$1" || exit 0
exec 9>keeper.lock
flock --nonblock 9 || exit 0
unused() { flock --nonblock --exclusive use.lock "$@"; }
while sleep "$2"; do
    [ -e cluster/postmaster.pid ] || exit 0
    unused true || continue
    sleep "$2"
    unused sh -c '
        kill -INT "$(head -n 1 cluster/postmaster.pid)" 2>/dev/null
        for _ in $(seq 600); do
            [ -e cluster/postmaster.pid ] || exit 0
            sleep 0.05
        done
    ' && exit 0
done
"#;

/// How often the shared cluster is looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(3);

/// Makes sure that the cluster in `home` has a keeper. A second keeper ends at once.
pub(crate) fn ensure(home: &Path, look_every: Duration) -> anyhow::Result<()> {
    let mut keeper = Command::new("sh");
    keeper.arg("-c").arg(SCRIPT).arg("mintmark-test-keeper").arg(home);
    keeper.arg(look_every.as_secs_f64().to_string());
    keeper.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    keeper.process_group(0).current_dir("/");
    // It ends by itself, long after this process.
    keeper.spawn().context("the keeper of the test cluster did not start")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Instant;

    use mintmark_postgres::{EmbeddedPostgres, EmbeddedSettings, LastLeave, Left};

    use super::*;

    #[tokio::test]
    async fn a_cluster_is_kept_while_it_is_used_and_stopped_when_it_is_not() {
        let data = tempfile::tempdir().unwrap();
        std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let settings = EmbeddedSettings { last_leave: LastLeave::Keep, ..EmbeddedSettings::default() };
        let handle = EmbeddedPostgres::start(data.path(), settings).await.unwrap();
        let look_every = Duration::from_millis(50);
        ensure(handle.home(), look_every).unwrap();
        ensure(handle.home(), look_every).unwrap();
        let pid_file = handle.home().join("cluster/postmaster.pid");
        tokio::time::sleep(10 * look_every).await;
        assert!(pid_file.exists(), "it is in use");
        assert_eq!(handle.close().await.unwrap(), Left::Running);
        let begun = Instant::now();
        while pid_file.exists() {
            assert!(begun.elapsed() < Duration::from_secs(30), "nobody uses it any more");
            tokio::time::sleep(look_every).await;
        }
    }
}

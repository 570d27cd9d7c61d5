//! Where the processor's time of a run goes: read from /proc before and after.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context as _;
use sqlx::Connection as _;
use sqlx::PgConnection;

use crate::http::Server;

/// Clock ticks a second of /proc's figures; 100 on every Linux that Rust builds for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds of processor time since the start, by whose it is.
pub struct Spent(BTreeMap<String, f64>);

impl Spent {
    /// As it is now: the server, this process as the load, and Postgres by what its processes are for.
    pub async fn now(server: &Server) -> anyhow::Result<Self> {
        let mut spent = BTreeMap::new();
        spent.insert("server".to_owned(), of_process(server.pid())?);
        spent.insert("load, in this process".to_owned(), of_process(std::process::id())?);
        let mut connection = PgConnection::connect_with(&server.database()).await?;
        let processes: Vec<(i32, String)> = sqlx::query_as(
            "SELECT pid, CASE backend_type WHEN 'client backend' THEN application_name ELSE 'background' END
             FROM pg_stat_activity
             WHERE pid <> pg_backend_pid() AND (datname = current_database() OR backend_type <> 'client backend')",
        )
        .fetch_all(&mut connection)
        .await?;
        connection.close().await?;
        for (pid, name) in processes {
            // One that ended meanwhile spends nothing more.
            let seconds = of_process(pid.unsigned_abs()).unwrap_or_default();
            *spent.entry(format!("Postgres: {name}")).or_default() += seconds;
        }
        Ok(Spent(spent))
    }
}

fn of_process(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold spaces.
    let (_, fields) = stat.rsplit_once(')').context("/proc/…/stat")?;
    let ticks = |at: usize| fields.split_whitespace().nth(at)?.parse::<f64>().ok();
    Ok((ticks(11).context("utime")? + ticks(12).context("stime")?) / TICKS_PER_SECOND)
}

/// What was spent in all rounds, and for how many runs.
#[derive(Default)]
pub struct Budget {
    seconds: BTreeMap<String, f64>,
    runs: f64,
}

impl Budget {
    pub fn add(&mut self, before: &Spent, after: &Spent, runs: f64) {
        for (whose, seconds) in &after.0 {
            *self.seconds.entry(whose.clone()).or_default() +=
                seconds - before.0.get(whose).copied().unwrap_or_default();
        }
        self.runs += runs;
    }

    pub fn table(&self) -> String {
        let mut text = "| whose | µs of one run |\n|---|---|\n".to_owned();
        let mut shares: Vec<_> = self.seconds.iter().collect();
        shares.sort_by(|left, right| right.1.total_cmp(left.1));
        for (whose, seconds) in shares {
            let _ = writeln!(text, "| {whose} | {:.0} |", seconds / self.runs * 1e6);
        }
        text
    }
}

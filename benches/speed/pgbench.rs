//! The baselines: what plain transactions do on the same cluster.

use std::time::Duration;

use anyhow::{Context, ensure};
use mintmark_testkit::TestCluster;

/// 64 clients, as the targets say.
const CLIENTS: &str = "64";

/// pgbench on the cluster.
pub struct Pgbench<'a> {
    cluster: &'a TestCluster,
    scripts: tempfile::TempDir,
}

impl<'a> Pgbench<'a> {
    pub async fn prepare(cluster: &'a TestCluster) -> anyhow::Result<Self> {
        let tables = b"CREATE TABLE plain (id bigserial PRIMARY KEY, payload text NOT NULL);
            CREATE TABLE locked (id int PRIMARY KEY, balance numeric NOT NULL);
            INSERT INTO locked VALUES (1, 1000000000);";
        cluster.restore(tables).await?;
        let scripts = tempfile::tempdir()?;
        let commit = "BEGIN;\nINSERT INTO plain (payload) VALUES (repeat('x', 400));\nCOMMIT;\n";
        let wallet = "BEGIN;\nSELECT balance FROM locked WHERE id = 1 FOR UPDATE;\n\
                      UPDATE locked SET balance = balance - 1 WHERE id = 1;\nCOMMIT;\n";
        std::fs::write(scripts.path().join("commit.sql"), commit)?;
        std::fs::write(scripts.path().join("wallet.sql"), wallet)?;
        Ok(Pgbench { cluster, scripts })
    }

    /// BEGIN, one insert, COMMIT: transactions a second.
    pub async fn commits(&self, lasts: Duration) -> anyhow::Result<f64> {
        self.run("commit.sql", lasts).await
    }

    /// A wallet as a row that is locked, read and updated: transactions a second on one wallet.
    pub async fn locked_wallet(&self, lasts: Duration) -> anyhow::Result<f64> {
        self.run("wallet.sql", lasts).await
    }

    async fn run(&self, script: &str, lasts: Duration) -> anyhow::Result<f64> {
        let output = self
            .cluster
            .program("pgbench")
            .args(["-n", "-M", "prepared", "-c", CLIENTS, "-j", "2", "-T", &lasts.as_secs().to_string(), "-f"])
            .arg(self.scripts.path().join(script))
            .output()
            .await
            .context("running pgbench (Debian's postgresql-contrib or postgresql-15 has it)")?;
        ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stdout);
        let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        tps.with_context(|| format!("pgbench did not say its rate: {said}"))
    }
}

//! A Postgres cluster for one test alone.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use mintmark_postgres::{EmbeddedPostgres, EmbeddedSettings, Handle};
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

/// A cluster of one test, for what cannot be done to a shared one: kill it, restart it, dump
/// it and restore the dump into another. Gone with the value, its directory too.
#[derive(Debug)]
pub struct TestCluster {
    // Before the directory, so that the server ends before its files go.
    handle: Option<Handle>,
    directory: TempDir,
    settings: EmbeddedSettings,
}

impl TestCluster {
    /// A fresh cluster with an empty database.
    ///
    /// # Panics
    /// When there is no Postgres to be had; the message says what to do.
    pub async fn start() -> Self {
        Self::with_settings(EmbeddedSettings::default()).await
    }

    /// The same with chosen settings.
    ///
    /// # Panics
    /// When there is no Postgres to be had; the message says what to do.
    pub async fn with_settings(settings: EmbeddedSettings) -> Self {
        let directory = tempfile::Builder::new().prefix("mintmark-").tempdir().expect("a temporary directory");
        // Lets the user that runs Postgres pass through.
        let mode = std::fs::Permissions::from_mode(0o711);
        std::fs::set_permissions(directory.path(), mode).expect("its permissions");
        let handle = EmbeddedPostgres::start(directory.path(), settings.clone()).await.expect("a test cluster");
        Self { handle: Some(handle), directory, settings }
    }

    /// Our use of it.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        self.handle.as_ref().expect("a cluster has a handle except while it restarts")
    }

    /// How to connect to its database.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.handle().connect_options()
    }

    /// The data directory, for processes under test that start or find the same cluster.
    #[must_use]
    pub fn data_directory(&self) -> &Path {
        self.directory.path()
    }

    /// Kills the server with SIGKILL, as the system does when memory runs out, and waits
    /// until its last backend has noticed. It stays down until [`Self::restart`].
    ///
    /// # Panics
    /// When it is down already.
    pub fn kill_server(&self) {
        let pid = self.handle().server_pid().expect("a live server");
        let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()), "kill -KILL {pid}");
        while !self.handle().server_is_gone() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Stops the server if it runs, and starts it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.close().await.expect("the cluster stops");
        }
        let again = EmbeddedPostgres::start(self.directory.path(), self.settings.clone()).await;
        self.handle = Some(again.expect("the cluster starts again"));
    }

    /// The database as a plain SQL dump.
    ///
    /// # Errors
    /// When `pg_dump` fails, with what it said.
    pub async fn dump(&self) -> anyhow::Result<Vec<u8>> {
        let output = self.program("pg_dump").output().await.context("running pg_dump")?;
        ensure!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
        Ok(output.stdout)
    }

    /// Runs a dump's SQL in the database.
    ///
    /// # Errors
    /// When `psql` fails, with what it said.
    pub async fn restore(&self, dump: &[u8]) -> anyhow::Result<()> {
        use tokio::io::AsyncWriteExt as _;
        let mut command = self.program("psql");
        command.args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1"]);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().context("running psql")?;
        let mut input = child.stdin.take().context("psql has an input")?;
        // Not the write's error but what psql says about it is worth showing.
        let _ = input.write_all(dump).await;
        drop(input);
        let output = child.wait_with_output().await?;
        ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// One of Postgres' own client programs, told how to connect.
    #[must_use]
    pub fn program(&self, name: &str) -> tokio::process::Command {
        let options = self.options();
        let mut command = tokio::process::Command::new(self.handle().binaries().program(name));
        command
            .env("PGHOST", self.handle().socket_directory())
            .env("PGPORT", options.get_port().to_string())
            .env("PGUSER", options.get_username())
            .env("PGDATABASE", options.get_database().unwrap_or_default())
            .kill_on_drop(true);
        command
    }
}

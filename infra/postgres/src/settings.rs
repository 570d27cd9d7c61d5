//! What can be chosen about the embedded cluster.

use std::path::PathBuf;
use std::time::Duration;

/// What happens when the last process leaves the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LastLeave {
    /// The last to leave stops it. What a server does.
    #[default]
    Stop,
    /// It goes on running. Something else stops it (the test kit's keeper).
    Keep,
}

/// What can be chosen about the embedded cluster. Durability cannot: `fsync`, full page
/// writes and synchronous commit stay on.
#[derive(Debug, Clone)]
pub struct EmbeddedSettings {
    /// Where `initdb` and `postgres` are. `None`: the newest in `/usr/lib/postgresql/*/bin`,
    /// else the ones on `PATH`; for an existing cluster the ones of its version.
    pub binaries: Option<PathBuf>,
    /// Connections that Postgres admits, all processes together.
    pub max_connections: u16,
    /// Postgres' own cache, in MiB.
    pub shared_buffers_mib: u32,
    /// Further server settings, `name` and `value`; they win over ours.
    pub extra: Vec<(String, String)>,
    /// What happens when the last process leaves.
    pub last_leave: LastLeave,
    /// How long a start may take. Long, because recovery after a power cut is part of it.
    pub start_timeout: Duration,
    /// How long a clean stop may take before Postgres is told to end at once (it then
    /// recovers at the next start; nothing is lost).
    pub stop_timeout: Duration,
    /// Where the cluster goes when the `postgres` user cannot reach the data directory.
    pub fallback_root: PathBuf,
}

impl Default for EmbeddedSettings {
    fn default() -> Self {
        Self {
            binaries: None,
            max_connections: 100,
            shared_buffers_mib: 128,
            extra: Vec::new(),
            last_leave: LastLeave::Stop,
            start_timeout: Duration::from_secs(300),
            stop_timeout: Duration::from_secs(60),
            fallback_root: PathBuf::from("/var/lib/mintmark"),
        }
    }
}

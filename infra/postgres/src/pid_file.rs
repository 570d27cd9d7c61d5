//! `postmaster.pid`: what a running (or crashed) Postgres says about itself.

use std::path::{Path, PathBuf};

/// What Postgres writes about its own state in the eighth line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Starting,
    Ready,
    Stopping,
}

/// The parts of `postmaster.pid` that we use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub pid: i32,
    pub socket_directory: Option<PathBuf>,
    pub phase: Phase,
}

impl PidFile {
    pub fn path(cluster: &Path) -> PathBuf {
        cluster.join("postmaster.pid")
    }

    /// The file in a cluster's directory; `None` if there is none or it is half written.
    pub fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(Self::path(cluster)).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim);
        // A negative number is a single-user session; it is as much alive as a server.
        let pid = lines.next()?.parse::<i32>().ok()?.checked_abs().filter(|pid| *pid > 0)?;
        let socket_directory = lines.nth(3).filter(|line| !line.is_empty()).map(PathBuf::from);
        let phase = match lines.nth(2) {
            Some("ready" | "standby") => Phase::Ready,
            Some("stopping") => Phase::Stopping,
            _ => Phase::Starting,
        };
        Some(Self { pid, socket_directory, phase })
    }

    /// Whether that process is the server of this cluster. After a crash the number may
    /// belong to a stranger, or to a dead child that nobody has waited for.
    ///
    /// Read from the command line and not from `/proc/<pid>/cwd`: in a container root may
    /// not look at another user's working directory.
    pub fn is_alive(&self, cluster: &Path) -> bool {
        use std::os::unix::ffi::OsStrExt as _;
        let wanted = cluster.as_os_str().as_bytes();
        command_line(self.pid).split(|byte| *byte == 0).any(|argument| argument == wanted)
    }
}

/// Whether some process of a crashed server still runs (a backend that has not yet noticed
/// that its postmaster died). Postgres puts `cluster_name` into every such title.
pub(crate) fn leftovers(cluster_name: &str) -> bool {
    let title = format!("postgres: {cluster_name}: ");
    let numbers = std::fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse::<i32>().ok()
    });
    numbers.into_iter().any(|pid| command_line(pid).starts_with(title.as_bytes()))
}

/// The command line of a process, its arguments separated by zero bytes; empty if it is gone.
fn command_line(pid: i32) -> Vec<u8> {
    std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_server_is_read() {
        let text = "4711\n/data/cluster\n1700000000\n5432\n/data/socket\n\n 123 456\nready   \n";
        let read = PidFile::parse(text).unwrap();
        let expected =
            PidFile { pid: 4711, socket_directory: Some(PathBuf::from("/data/socket")), phase: Phase::Ready };
        assert_eq!(read, expected);
    }

    #[test]
    fn a_half_written_file_is_a_server_that_starts() {
        assert_eq!(PidFile::parse("4711\n/data\n").unwrap().phase, Phase::Starting);
        assert_eq!(PidFile::parse(""), None);
        assert_eq!(PidFile::parse("0\n"), None);
    }

    #[test]
    fn a_stranger_with_the_number_is_not_the_server() {
        let ourselves = i32::try_from(std::process::id()).unwrap();
        let file = PidFile { pid: ourselves, socket_directory: None, phase: Phase::Ready };
        assert!(!file.is_alive(Path::new("/nowhere/cluster")));
    }
}

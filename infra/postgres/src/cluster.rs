//! One cluster's processes: initdb, start, look, stop. Blocking; call it off the runtime.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::account::Account;
use crate::pid_file::{Phase, PidFile, leftovers};
use crate::place::{PORT, Place};
use crate::{Binaries, EMBEDDED_NAME, EmbeddedSettings, StartError};

/// How often a server's state is looked at while waiting.
const POLL: Duration = Duration::from_millis(5);
/// How long processes of a crashed server get to notice that it is gone.
const LEFTOVERS_PATIENCE: Duration = Duration::from_secs(10);
/// Size at which Postgres begins a new log file, and how many are kept.
const LOG_FILE_MIB: u32 = 10;
const LOG_FILES_KEPT: usize = 5;

/// What a look at the cluster shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Down,
    Starting,
    Ready,
    Stopping { pid: i32 },
    Unreachable { pid: i32 },
}

/// A cluster and everything needed to run it.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub place: Place,
    pub account: Account,
    pub binaries: Binaries,
    pub settings: EmbeddedSettings,
}

impl Cluster {
    /// Makes it live. Call it while deciding (see `locks`) and in use.
    /// Returns whether this call started it.
    pub fn ensure_running(&self) -> Result<bool, StartError> {
        let begun = Instant::now();
        let mut unreachable_since = None;
        loop {
            match self.look() {
                Seen::Ready => return Ok(false),
                Seen::Down => break,
                Seen::Starting | Seen::Stopping { .. } => {}
                Seen::Unreachable { pid } => {
                    // Also what a look at the wrong moment shows, so not believed at once.
                    let since = *unreachable_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > Duration::from_secs(2) {
                        return Err(StartError::Unreachable { place: self.place.cluster.clone(), pid });
                    }
                }
            }
            self.check_patience(begun)?;
            std::thread::sleep(POLL);
        }
        self.remove_stale_pid_files(begun)?;
        if self.place.made_by()?.is_none() {
            self.initialise()?;
        }
        self.prune_logs();
        let child = self.spawn()?;
        self.wait_until_ready(child, begun)?;
        Ok(true)
    }

    /// Stops it and waits until it is gone. Call it while deciding and as the only user.
    pub fn stop(&self) -> Result<(), StartError> {
        let Some(file) = PidFile::read(&self.place.cluster).filter(|file| file.is_alive(&self.place.cluster)) else {
            return Ok(());
        };
        let Some(pid) = Pid::from_raw(file.pid) else {
            return Ok(());
        };
        // SIGINT: roll back what is open, write a checkpoint, end.
        self.signal(pid, Signal::INT)?;
        if self.gone_within(&file, self.settings.stop_timeout) {
            return Ok(());
        }
        tracing::warn!(pid = file.pid, "Postgres does not stop; ending it at once (it recovers at the next start)");
        self.signal(pid, Signal::QUIT)?;
        if self.gone_within(&file, Duration::from_secs(10)) {
            return Ok(());
        }
        Err(StartError::TimedOut { place: self.place.cluster.clone(), seconds: self.settings.stop_timeout.as_secs() })
    }

    /// Removes the oldest log files. Postgres caps the size of each; this caps their number.
    pub fn prune_logs(&self) {
        let directory = self.place.cluster.join("log");
        let is_log = |name: &str| name.starts_with("postgres-") && name.ends_with(".log");
        let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_log))
            .collect();
        // Their names are times, so the oldest sort first.
        files.sort();
        for old in files.iter().rev().skip(LOG_FILES_KEPT) {
            let _ = std::fs::remove_file(old);
        }
    }

    /// Where its socket is, as the live server says.
    pub fn socket_directory(&self) -> PathBuf {
        let live = PidFile::read(&self.place.cluster).and_then(|file| file.socket_directory);
        live.unwrap_or_else(|| self.place.socket_directory.clone())
    }

    /// The live server's process.
    pub fn pid(&self) -> Option<i32> {
        let file = PidFile::read(&self.place.cluster)?;
        file.is_alive(&self.place.cluster).then_some(file.pid)
    }

    /// Whether no process of it is left.
    pub fn is_gone(&self) -> bool {
        self.pid().is_none() && !leftovers(&self.place.cluster_name)
    }

    fn look(&self) -> Seen {
        let Some(file) = PidFile::read(&self.place.cluster) else {
            return Seen::Down;
        };
        if !file.is_alive(&self.place.cluster) {
            return Seen::Down;
        }
        match file.phase {
            Phase::Starting => Seen::Starting,
            Phase::Stopping => Seen::Stopping { pid: file.pid },
            Phase::Ready => {
                let directory = file.socket_directory.as_ref().unwrap_or(&self.place.socket_directory);
                match UnixStream::connect(directory.join(format!(".s.PGSQL.{PORT}"))) {
                    Ok(_) => Seen::Ready,
                    Err(_) => Seen::Unreachable { pid: file.pid },
                }
            }
        }
    }

    /// After a crash the number in `postmaster.pid` may belong to a stranger that runs as the
    /// same user; Postgres would take it for itself and refuse. Only then, and only when no
    /// process of the crashed server is left, the files go. In every other case Postgres
    /// judges by itself.
    fn remove_stale_pid_files(&self, begun: Instant) -> Result<(), StartError> {
        let gone = Instant::now();
        while leftovers(&self.place.cluster_name) {
            if gone.elapsed() > LEFTOVERS_PATIENCE {
                return Err(StartError::Exited {
                    place: self.place.cluster.clone(),
                    detail: "processes of a crashed server are still running".to_owned(),
                });
            }
            self.check_patience(begun)?;
            std::thread::sleep(POLL);
        }
        let Some(file) = PidFile::read(&self.place.cluster) else {
            return Ok(());
        };
        let taken_by_a_stranger = Pid::from_raw(file.pid).is_some_and(|pid| test_kill_process(pid).is_ok());
        if !taken_by_a_stranger {
            return Ok(());
        }
        let lock = self.place.socket_directory.join(format!(".s.PGSQL.{PORT}.lock"));
        for path in [PidFile::path(&self.place.cluster), lock] {
            match std::fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(StartError::io(&path, error)),
            }
        }
        Ok(())
    }

    /// `initdb` into a draft that takes its name when it is complete: a start that was
    /// killed half way leaves nothing that looks like a database.
    fn initialise(&self) -> Result<(), StartError> {
        let draft = self.place.draft(self.account)?;
        let mut command = self.account.command(&self.binaries.program("initdb"));
        command
            .current_dir(&draft)
            .args(["--encoding=UTF8", "--locale=C", "--lc-ctype=C.UTF-8", "--data-checksums", "--auth=trust"])
            .arg(format!("--username={EMBEDDED_NAME}"))
            .arg("--pgdata")
            .arg(&draft);
        let output = command.output().map_err(|error| StartError::io(&self.binaries.program("initdb"), error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let _ = std::fs::remove_dir_all(&draft);
            return Err(StartError::said(&self.place.home, &said, |place, detail| StartError::Initdb {
                place,
                detail,
            }));
        }
        std::fs::rename(&draft, &self.place.cluster).map_err(|error| StartError::io(&self.place.cluster, error))?;
        let home = File::open(&self.place.home).map_err(|error| StartError::io(&self.place.home, error))?;
        home.sync_all().map_err(|error| StartError::io(&self.place.home, error))
    }

    /// Starts the server. What it says before its own log begins goes to `start.log`.
    fn spawn(&self) -> Result<Child, StartError> {
        let path = self.start_log();
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let said = options.open(&path).map_err(|error| StartError::io(&path, error))?;
        let program = self.binaries.program("postgres");
        let mut command = self.account.command(&program);
        command.current_dir(&self.place.cluster).arg("-D").arg(&self.place.cluster);
        for (name, value) in self.server_settings() {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.stdout(Stdio::null()).stderr(said);
        command.spawn().map_err(|error| StartError::io(&program, error))
    }

    fn server_settings(&self) -> Vec<(String, String)> {
        let ours = [
            ("listen_addresses", String::new()),
            ("port", PORT.to_string()),
            ("unix_socket_directories", quoted(&self.place.socket_directory)),
            ("unix_socket_permissions", "0700".to_owned()),
            ("cluster_name", self.place.cluster_name.clone()),
            ("max_connections", self.settings.max_connections.to_string()),
            ("shared_buffers", format!("{}MB", self.settings.shared_buffers_mib)),
            // Compiling a plan costs more than running any of our queries.
            ("jit", "off".to_owned()),
            ("timezone", "UTC".to_owned()),
            ("log_timezone", "UTC".to_owned()),
            ("logging_collector", "on".to_owned()),
            ("log_directory", "log".to_owned()),
            ("log_filename", "postgres-%Y%m%d-%H%M%S.log".to_owned()),
            ("log_rotation_size", format!("{LOG_FILE_MIB}MB")),
            ("log_rotation_age", "0".to_owned()),
            // The details of an error can hold a user's data; they do not belong in a log.
            ("log_error_verbosity", "terse".to_owned()),
            ("log_min_error_statement", "panic".to_owned()),
        ];
        let mut all: Vec<(String, String)> = ours.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        all.extend(self.settings.extra.iter().cloned());
        // Last, so that nothing turns durability off.
        all.extend(["fsync", "full_page_writes"].map(|name| (name.to_owned(), "on".to_owned())));
        all
    }

    fn wait_until_ready(&self, mut child: Child, begun: Instant) -> Result<(), StartError> {
        let ours = i32::try_from(child.id()).ok();
        let mut told = Instant::now();
        loop {
            let ended = child.try_wait().map_err(|error| StartError::io(&self.place.cluster, error))?;
            if ended.is_some() {
                return Err(self.why_it_ended());
            }
            // The file may still be the one of a server that crashed.
            let is_ours = PidFile::read(&self.place.cluster).is_some_and(|file| Some(file.pid) == ours);
            if is_ours && self.look() == Seen::Ready {
                break;
            }
            if let Err(error) = self.check_patience(begun) {
                let _ = Pid::from_raw(ours.unwrap_or_default()).map(|pid| kill_process(pid, Signal::QUIT));
                let _ = child.wait();
                return Err(error);
            }
            if told.elapsed() > Duration::from_secs(5) {
                tracing::info!("Postgres is still starting (after a power cut it first recovers)");
                told = Instant::now();
            }
            std::thread::sleep(POLL);
        }
        // Somebody has to wait for it when it ends, or its number stays taken by a dead
        // child and no other process could start it again.
        let reaper = std::thread::Builder::new().name("postgres-reaper".to_owned());
        reaper.spawn(move || child.wait()).map_err(|error| StartError::io(&self.place.cluster, error))?;
        Ok(())
    }

    /// What it said before it ended, from `start.log` and from its own newest log.
    fn why_it_ended(&self) -> StartError {
        let mut said = std::fs::read_to_string(self.start_log()).unwrap_or_default();
        let newest = std::fs::read_dir(self.place.cluster.join("log"))
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .max();
        if let Some(mut file) = newest.and_then(|path| File::open(path).ok()) {
            let mut text = Vec::new();
            let _ = file.read_to_end(&mut text);
            said.push_str(&String::from_utf8_lossy(&text[text.len().saturating_sub(4096)..]));
        }
        StartError::said(&self.place.cluster, &said, |place, detail| StartError::Exited { place, detail })
    }

    fn start_log(&self) -> PathBuf {
        self.place.home.join("start.log")
    }

    fn signal(&self, pid: Pid, signal: Signal) -> Result<(), StartError> {
        match kill_process(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(StartError::io(&self.place.cluster, error.into())),
        }
    }

    fn gone_within(&self, file: &PidFile, patience: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if !file.is_alive(&self.place.cluster) {
                return true;
            }
            std::thread::sleep(POLL);
        }
        false
    }

    fn check_patience(&self, begun: Instant) -> Result<(), StartError> {
        let patience = self.settings.start_timeout;
        if begun.elapsed() < patience {
            return Ok(());
        }
        Err(StartError::TimedOut { place: self.place.cluster.clone(), seconds: patience.as_secs() })
    }
}

/// A path in a setting that is a list: in double quotes, since it may hold a comma.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('"', "\"\""))
}

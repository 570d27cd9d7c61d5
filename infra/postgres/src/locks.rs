//! The two lock files of a cluster.
//!
//! `use.lock` is held shared by every process that uses the cluster. `start.lock` is held
//! exclusively while somebody decides to start or stop it, so those decisions never race.
//! Both are `flock`s: the system drops them when a process dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::StartError;

/// How often a lock that is taken is tried again.
const RETRY: Duration = Duration::from_millis(5);

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

/// The lock files in a cluster's home.
#[derive(Debug, Clone)]
pub(crate) struct Locks {
    start: PathBuf,
    used: PathBuf,
}

impl Locks {
    pub fn in_home(home: &Path) -> Self {
        Self { start: home.join("start.lock"), used: home.join("use.lock") }
    }

    /// Alone decides about starting and stopping, until dropped.
    pub fn deciding(&self, patience: Duration) -> Result<Lock, StartError> {
        wait(&self.start, patience, File::try_lock)
    }

    /// Uses the cluster, until dropped.
    pub fn using(&self, patience: Duration) -> Result<Lock, StartError> {
        wait(&self.used, patience, File::try_lock_shared)
    }

    /// Lets go of `mine`; `Some` if nobody else uses the cluster, which then nobody can
    /// begin to use until the answer is dropped. Call it while [`Self::deciding`].
    pub fn leave(&self, mine: Lock) -> Result<Option<Lock>, StartError> {
        drop(mine);
        let file = open(&self.used)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(StartError::io(&self.used, error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would do it too, but not while a child that was just forked and has not
        // yet called exec still shares the descriptor.
        let _ = self.file.unlock();
    }
}

fn open(path: &Path) -> Result<File, StartError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(|error| StartError::io(path, error))
}

fn wait(path: &Path, patience: Duration, take: impl Fn(&File) -> Result<(), TryLockError>) -> Result<Lock, StartError> {
    let file = open(path)?;
    let begun = Instant::now();
    loop {
        match take(&file) {
            Ok(()) => return Ok(Lock { file }),
            Err(TryLockError::Error(error)) => return Err(StartError::io(path, error)),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= patience => {
                return Err(StartError::Busy { lock: path.to_owned(), seconds: patience.as_secs() });
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(RETRY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    #[test]
    fn only_the_last_to_leave_is_told_so() {
        let home = tempfile::tempdir().unwrap();
        let locks = Locks::in_home(home.path());
        let first = locks.using(SOON).unwrap();
        let second = locks.using(SOON).unwrap();
        assert!(locks.leave(first).unwrap().is_none());
        let alone = locks.leave(second).unwrap().expect("nobody else is left");
        assert!(matches!(locks.using(SOON), Err(StartError::Busy { .. })), "nobody enters while the last one stops it");
        drop(alone);
        assert!(locks.using(SOON).is_ok());
    }

    #[test]
    fn one_decides_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let locks = Locks::in_home(home.path());
        let mine = locks.deciding(SOON).unwrap();
        let error = locks.deciding(SOON).unwrap_err();
        assert!(matches!(error, StartError::Busy { .. }));
        drop(mine);
        assert!(locks.deciding(SOON).is_ok());
    }
}

//! Where a cluster lies: in the data directory, or where the `postgres` user can reach it.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::account::Account;
use crate::{EmbeddedSettings, StartError};

/// The longest path of a Unix socket on Linux, in bytes, without the closing zero.
const SOCKET_PATH_MAX: usize = 107;
/// The port in the socket's file name; nothing listens on it.
pub(crate) const PORT: u16 = 5432;
/// A file in the data directory that says where the cluster is when it is elsewhere.
const POINTER: &str = "postgres.location";

/// The directories of one cluster.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Ours: the lock files, and the two directories below.
    pub home: PathBuf,
    /// `PGDATA`; belongs to the user that runs Postgres.
    pub cluster: PathBuf,
    /// Where the socket is; nobody else may enter.
    pub socket_directory: PathBuf,
    /// Postgres shows it in the title of each of its processes.
    pub cluster_name: String,
    /// What people should know about where it is.
    pub notice: Option<String>,
}

impl Place {
    /// Finds or makes the directories for the data directory.
    pub fn find(data: &Path, account: Account, settings: &EmbeddedSettings) -> Result<Self, StartError> {
        // Root's data directory lets others pass through (not look inside), or the postgres
        // user could not reach its part of it. The files in it have their own permissions.
        make(data, if account.switched { 0o711 } else { 0o700 })?;
        let data = data.canonicalize().map_err(|error| StartError::io(data, error))?;
        let inside = data.join("postgres");
        let pointer = data.join(POINTER);
        if let Ok(elsewhere) = std::fs::read_to_string(&pointer) {
            return Self::at(PathBuf::from(elsewhere.trim()), account, Some(&data));
        }
        if has_cluster(&inside) || reaches(account, &inside)? {
            return Self::at(inside, account, None);
        }
        let elsewhere = settings.fallback_root.join(digest(&data, 16));
        make(&settings.fallback_root, 0o711)?;
        let place = Self::at(elsewhere, account, Some(&data))?;
        let text = format!("{}\n", place.home.display());
        std::fs::write(&pointer, text).map_err(|error| StartError::io(&pointer, error))?;
        Ok(place)
    }

    fn at(home: PathBuf, account: Account, instead_of: Option<&Path>) -> Result<Self, StartError> {
        let cluster = home.join("cluster");
        if let Ok(found) = std::fs::metadata(&cluster)
            && found.uid() != account.uid
        {
            return Err(StartError::Owner { place: cluster, owner: found.uid(), ours: account.uid });
        }
        make(&home, if account.switched { 0o711 } else { 0o700 })?;
        let home = home.canonicalize().map_err(|error| StartError::io(&home, error))?;
        let socket_directory = socket_directory(&home);
        private(&socket_directory, account)?;
        let notice = instead_of.map(|data| {
            format!(
                "the database lies in {}, because the user that runs Postgres cannot reach {}",
                home.display(),
                data.display()
            )
        });
        let cluster_name = format!("mintmark-{}", digest(&home, 12));
        Ok(Self { cluster: home.join("cluster"), home, socket_directory, cluster_name, notice })
    }

    /// The major version that made the cluster; `None` if there is none yet.
    pub fn made_by(&self) -> Result<Option<u32>, StartError> {
        let path = self.cluster.join("PG_VERSION");
        match std::fs::read_to_string(&path) {
            Ok(text) => match text.trim().parse() {
                Ok(major) => Ok(Some(major)),
                Err(_) => {
                    Err(StartError::io(&path, std::io::Error::new(ErrorKind::InvalidData, "not a version number")))
                }
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StartError::io(&path, error)),
        }
    }

    /// A fresh empty directory for `initdb`; it takes its name only when it is complete.
    pub fn draft(&self, account: Account) -> Result<PathBuf, StartError> {
        for entry in std::fs::read_dir(&self.home).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with("draft-") {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        let draft = self.home.join(format!("draft-{:08x}", rand::random::<u32>()));
        private(&draft, account)?;
        Ok(draft)
    }
}

fn has_cluster(home: &Path) -> bool {
    // The cluster's directory, not a file in it: another user may not look inside.
    home.join("cluster").exists()
}

/// Whether the user that runs Postgres can work in `home`, found out by doing it.
fn reaches(account: Account, home: &Path) -> Result<bool, StartError> {
    make(home, if account.switched { 0o711 } else { 0o700 })?;
    if !account.switched {
        return Ok(true);
    }
    // The directory is entered after the user was switched, so this is that user's view.
    let tried = account.command(Path::new("true")).current_dir(home).status();
    match tried {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let _ = std::fs::remove_dir(home);
            Ok(false)
        }
        Err(error) => Err(StartError::io(home, error)),
    }
}

/// The directory for the socket: beside the cluster where its path is short enough.
fn socket_directory(home: &Path) -> PathBuf {
    let beside = home.join("socket");
    let socket = beside.join(format!(".s.PGSQL.{PORT}"));
    if socket.as_os_str().len() <= SOCKET_PATH_MAX {
        return beside;
    }
    // Not the environment's temporary directory: every process has to find the same one.
    PathBuf::from("/tmp").join(format!("mintmark-{}", digest(home, 16)))
}

/// Makes a directory (and its parents) if it is missing; an existing one keeps its mode.
fn make(path: &Path, mode: u32) -> Result<(), StartError> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(mode).create(path).map_err(|error| StartError::io(path, error))
}

/// Makes a directory that only the user that runs Postgres may enter. In `/tmp` somebody
/// else may have been there first: a directory that is not that user's is refused.
fn private(path: &Path, account: Account) -> Result<(), StartError> {
    let failed = |error| StartError::io(path, error);
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) if account.switched => {
            std::os::unix::fs::chown(path, Some(account.uid), Some(account.gid)).map_err(failed)?;
        }
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    let found = std::fs::symlink_metadata(path).map_err(failed)?;
    let mine = found.uid() == account.uid || (account.switched && found.uid() == 0);
    if !found.is_dir() || !mine {
        return Err(StartError::Owner { place: path.to_owned(), owner: found.uid(), ours: account.uid });
    }
    if found.uid() != account.uid {
        // We died between making it and giving it away.
        std::os::unix::fs::chown(path, Some(account.uid), Some(account.gid)).map_err(failed)?;
    }
    if found.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

/// The first hex digits of the SHA-256 of a path.
fn digest(path: &Path, digits: usize) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let mut hex = hex::encode(Sha256::digest(path.as_os_str().as_bytes()));
    hex.truncate(digits);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_gets_a_short_socket() {
        let short = Path::new("/srv/mintmark/postgres");
        assert_eq!(socket_directory(short), short.join("socket"));
        let long = PathBuf::from(format!("/srv/{}/postgres", "d".repeat(100)));
        let directory = socket_directory(&long);
        assert!(directory.join(format!(".s.PGSQL.{PORT}")).as_os_str().len() <= SOCKET_PATH_MAX);
        assert_ne!(directory, socket_directory(&long.join("other")));
    }

    #[test]
    fn the_longest_path_that_fits_stays_beside_the_cluster() {
        let tail = format!("/socket/.s.PGSQL.{PORT}").len();
        let fits = PathBuf::from(format!("/{}", "d".repeat(SOCKET_PATH_MAX - tail - 1)));
        assert_eq!(socket_directory(&fits), fits.join("socket"));
        let too_long = PathBuf::from(format!("/{}", "d".repeat(SOCKET_PATH_MAX - tail)));
        assert_ne!(socket_directory(&too_long), too_long.join("socket"));
    }
}

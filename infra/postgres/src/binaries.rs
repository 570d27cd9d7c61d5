//! Finding the installed Postgres server.

use std::path::{Path, PathBuf};

use crate::{EmbeddedSettings, StartError};

/// Where Debian's packages put each major version: `<this>/<major>/bin`.
const DEBIAN_ROOT: &str = "/usr/lib/postgresql";

/// One installed Postgres server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binaries {
    /// The major version, 15 for example.
    pub major: u32,
    /// The directory with `initdb`, `postgres`, `pg_dump`…
    pub directory: PathBuf,
}

impl Binaries {
    /// The servers that may be used, newest first: those in the directory that the settings
    /// name, or else Debian's and the one on `PATH`.
    ///
    /// # Errors
    /// [`StartError::BinariesMissing`] or [`StartError::BinariesNotThere`].
    pub fn installed(settings: &EmbeddedSettings) -> Result<Vec<Self>, StartError> {
        if let Some(directory) = &settings.binaries {
            let found = Self::in_directory(directory);
            return found.map(|one| vec![one]).ok_or_else(|| StartError::BinariesNotThere(directory.clone()));
        }
        let debian = std::fs::read_dir(DEBIAN_ROOT)
            .into_iter()
            .flatten()
            .filter_map(|entry| Self::of_debian(&entry.ok()?.path()));
        let on_path = || {
            let path = std::env::var_os("PATH")?;
            std::env::split_paths(&path).find_map(|directory| Self::in_directory(&directory))
        };
        let mut found: Vec<Self> = debian.collect();
        if found.is_empty() {
            found.extend(on_path());
        }
        found.sort_by(|left, right| right.cmp(left));
        if found.is_empty() { Err(StartError::BinariesMissing) } else { Ok(found) }
    }

    /// The server for a new cluster (`made_by` is `None`) or for one that a version made.
    ///
    /// # Errors
    /// [`StartError::OtherVersion`] when the cluster's version is not among `installed`.
    pub(crate) fn choose(installed: Vec<Self>, made_by: Option<u32>, place: &Path) -> Result<Self, StartError> {
        let names = installed.iter().map(|one| one.major.to_string()).collect::<Vec<_>>().join(", ");
        let suits = |one: &Self| made_by.is_none_or(|major| one.major == major);
        installed.into_iter().find(suits).ok_or_else(|| match made_by {
            Some(made_by) => StartError::OtherVersion { place: place.to_owned(), made_by, installed: names },
            None => StartError::BinariesMissing,
        })
    }

    /// The path of one of its programs.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// `<root>/<major>/bin`: the version is in the path, so nothing has to be run.
    fn of_debian(version: &Path) -> Option<Self> {
        let major = version.file_name()?.to_str()?.parse().ok()?;
        let directory = version.join("bin");
        has_server(&directory).then_some(Self { major, directory })
    }

    /// A directory whose version only `postgres --version` tells.
    fn in_directory(directory: &Path) -> Option<Self> {
        if !has_server(directory) {
            return None;
        }
        let output = std::process::Command::new(directory.join("postgres")).arg("--version").output().ok()?;
        let major = major_of(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { major, directory: directory.to_owned() })
    }
}

fn has_server(directory: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|name| directory.join(name).is_file())
}

/// The major version in `postgres (PostgreSQL) 15.13 (Debian …)` or `… 18beta1`.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL)")?.1.trim_start();
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(major: u32) -> Binaries {
        Binaries { major, directory: PathBuf::from(format!("/pg/{major}")) }
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_of("something else"), None);
    }

    #[test]
    fn a_cluster_keeps_its_version_and_a_new_one_takes_the_newest() {
        let installed = vec![server(17), server(15)];
        let place = Path::new("/data");
        assert_eq!(Binaries::choose(installed.clone(), None, place).unwrap().major, 17);
        assert_eq!(Binaries::choose(installed.clone(), Some(15), place).unwrap().major, 15);
        let error = Binaries::choose(installed, Some(14), place).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("made by PostgreSQL 14"), "{said}");
        assert!(said.contains("apt-get install postgresql-14"), "{said}");
        assert!(!said.contains('\n'));
    }
}

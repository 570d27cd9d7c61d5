//! The system user that Postgres runs as.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::StartError;

/// Whom Postgres runs as when we are root. Debian's server package makes this user.
const POSTGRES_USER: &str = "postgres";

/// The system user that Postgres runs as: ourselves, or `postgres` when we are root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub uid: u32,
    pub gid: u32,
    /// We are root and give the cluster's files and processes to that user.
    pub switched: bool,
}

impl Account {
    /// The user for this process.
    pub fn for_this_process() -> Result<Self, StartError> {
        let uid = rustix::process::geteuid();
        if !uid.is_root() {
            return Ok(Self { uid: uid.as_raw(), gid: rustix::process::getegid().as_raw(), switched: false });
        }
        let path = std::path::Path::new("/etc/passwd");
        let users = std::fs::read_to_string(path).map_err(|error| StartError::io(path, error))?;
        let (uid, gid) =
            find_user(&users, POSTGRES_USER).ok_or_else(|| StartError::UserMissing(POSTGRES_USER.to_owned()))?;
        Ok(Self { uid, gid, switched: true })
    }

    /// A command that runs as this user, with none of our environment but `PATH`: a stray
    /// `PGDATA` or `PGPORT` must not redirect it. It has its own process group, so that
    /// Ctrl-C in our terminal does not end Postgres before we are done with it.
    pub fn command(&self, program: &std::path::Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").process_group(0).stdin(std::process::Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        if self.switched {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }
}

/// User and group id of `name` in the text of a passwd file.
fn find_user(users: &str, name: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::find_user;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/bash\npostgres2:x:7:8::/:/x\npostgres:x:101:104:,,,:/var:/bin/sh\n";
        assert_eq!(find_user(users, "postgres"), Some((101, 104)));
        assert_eq!(find_user(users, "nobody"), None);
    }
}

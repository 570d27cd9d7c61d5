//! The master key's file: 64 hexadecimal digits, readable by its owner alone.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::KeyError;
use super::crypto::{self, SecretKey};

/// Reads the file; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<SecretKey>, KeyError> {
    let failed = |source| KeyError::MasterFile { path: path.to_owned(), source };
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::MasterExposed { path: path.to_owned(), mode });
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(failed)?);
    parse(&text, &path.display().to_string()).map(Some)
}

/// Makes a key and its file. Where another process makes one at the same moment, that one is
/// read: the file appears complete or not at all, and is never replaced.
pub(super) fn create(path: &Path) -> Result<SecretKey, KeyError> {
    let failed = |source| KeyError::MasterFile { path: path.to_owned(), source };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(failed)?;
    let key: SecretKey = crypto::random();
    let draft = directory.join(format!(".master-{}", hex::encode(*crypto::random::<8>())));
    let written = write_draft(&draft, &key).and_then(|()| std::fs::hard_link(&draft, path));
    let _ = std::fs::remove_file(&draft);
    match written {
        Ok(()) => {
            // The name too must survive a power cut: everything sealed depends on it.
            std::fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read(path)?.ok_or_else(|| KeyError::MasterMissing(path.to_owned()))
        }
        Err(error) => Err(failed(error)),
    }
}

fn write_draft(path: &Path, key: &SecretKey) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    let text = Zeroizing::new(hex::encode(key.as_slice()) + "\n");
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// 64 hexadecimal digits.
pub(super) fn parse(text: &str, place: &str) -> Result<SecretKey, KeyError> {
    let mut key = Zeroizing::new([0; crypto::KEY_BYTES]);
    hex::decode_to_slice(text.trim(), key.as_mut_slice())
        .map_err(|_| KeyError::MasterMalformed { place: place.to_owned() })?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/master.key");
        assert!(read(&path).unwrap().is_none());
        let made = create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(*read(&path).unwrap().unwrap(), *made);
        assert_eq!(*create(&path).unwrap(), *made, "a second maker takes the first one's");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn many_makers_agree_on_one_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let makers: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || *create(&path).unwrap())
            })
            .collect();
        let keys: Vec<_> = makers.into_iter().map(|maker| maker.join().unwrap()).collect();
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        create(&path).unwrap();
        for mode in [0o640, 0o604, 0o666] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path).unwrap_err();
            assert!(matches!(error, KeyError::MasterExposed { .. }));
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for text in ["", "secret-secret", &"a".repeat(63), &"g".repeat(64), &"a".repeat(66)] {
            let error = parse(text, "MINTMARK_MASTER_KEY").unwrap_err();
            assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
        }
        assert_eq!(*parse(&format!(" {}\n", "ab".repeat(32)), "").unwrap(), [0xab; 32]);
    }
}

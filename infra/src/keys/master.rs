//! The master key: made once, checked at every start.

use std::path::PathBuf;

use sqlx::PgPool;

use super::crypto::{self, SecretKey};
use super::{KeyError, Purpose, PurposeKey, master_file};

/// Where the master key comes from.
#[derive(Clone)]
pub enum MasterKeySource {
    /// A file of mode 0600; made at the first start.
    File(PathBuf),
    /// The key itself, 64 hexadecimal digits, from the environment or the configuration.
    Value(String),
}

impl std::fmt::Debug for MasterKeySource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => formatter.debug_tuple("File").field(path).finish(),
            Self::Value(_) => formatter.write_str("Value"),
        }
    }
}

/// The master key. It is never used itself: keys for single purposes are derived from it.
#[derive(Clone)]
pub struct MasterKey {
    key: SecretKey,
}

impl MasterKey {
    /// The key of these 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { key: SecretKey::new(bytes) }
    }

    /// Names the key without telling anything about it: 16 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode(&crypto::derive(&self.key, "fingerprint")[..8])
    }

    /// The key for one purpose.
    #[must_use]
    pub fn purpose(&self, purpose: Purpose) -> PurposeKey {
        PurposeKey::derive(&self.key, purpose)
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "MasterKey({})", self.fingerprint())
    }
}

/// Opens the master key that belongs to this database. On an empty log without a key a file is
/// made and its fingerprint recorded in the database; from then on no other key is accepted.
/// [`super::SCHEMA`] must be in place.
///
/// # Errors
/// [`KeyError::MasterMissing`] when there is a log and no key, [`KeyError::MasterDiffers`] when
/// the database was made with another; and when the file is malformed, exposed or unreadable.
pub async fn open_master_key(
    source: &MasterKeySource,
    pool: &PgPool,
    log_is_empty: bool,
) -> Result<MasterKey, KeyError> {
    let recorded = recorded_fingerprint(pool).await?;
    let key = match source {
        MasterKeySource::Value(text) => master_file::parse(text, "the setting `master_key`")?,
        MasterKeySource::File(path) => match master_file::read(path)? {
            Some(key) => key,
            None if recorded.is_some() || !log_is_empty => return Err(KeyError::MasterMissing(path.clone())),
            None => master_file::create(path)?,
        },
    };
    let master = MasterKey { key };
    let ours = master.fingerprint();
    // Two processes may start on an empty database at once: the first one's key counts.
    sqlx::query("INSERT INTO master_key (fingerprint) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(&ours)
        .execute(pool)
        .await?;
    match recorded_fingerprint(pool).await? {
        Some(recorded) if recorded != ours => Err(KeyError::MasterDiffers { ours, recorded }),
        Some(_) | None => Ok(master),
    }
}

async fn recorded_fingerprint(pool: &PgPool) -> Result<Option<String>, KeyError> {
    Ok(sqlx::query_scalar("SELECT fingerprint FROM master_key").fetch_optional(pool).await?)
}

#[cfg(test)]
mod tests {
    use mintmark_testkit::TestDb;

    use super::super::SCHEMA;
    use super::*;

    #[tokio::test]
    async fn the_first_start_makes_the_key_and_later_ones_find_it() {
        let (db, directory) = (TestDb::with_sql(&[SCHEMA]).await, tempfile::tempdir().unwrap());
        let file = MasterKeySource::File(directory.path().join("master.key"));
        let first = open_master_key(&file, db.pool(), true).await.unwrap();
        let second = open_master_key(&file, db.pool(), false).await.unwrap();
        assert_eq!(first.fingerprint(), second.fingerprint());
        db.close().await;
    }

    #[tokio::test]
    async fn a_lost_key_is_not_replaced_by_a_new_one() {
        let (db, directory) = (TestDb::with_sql(&[SCHEMA]).await, tempfile::tempdir().unwrap());
        let path = directory.path().join("master.key");
        let file = MasterKeySource::File(path.clone());
        let error = open_master_key(&file, db.pool(), false).await.unwrap_err();
        assert!(matches!(error, KeyError::MasterMissing(_)), "a log without a recorded key: {error}");
        open_master_key(&file, db.pool(), true).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        let error = open_master_key(&file, db.pool(), true).await.unwrap_err();
        assert!(matches!(error, KeyError::MasterMissing(_)), "a recorded key: {error}");
        assert!(!path.exists());
        db.close().await;
    }

    #[tokio::test]
    async fn another_key_is_refused_by_name() {
        let db = TestDb::with_sql(&[SCHEMA]).await;
        let one = MasterKeySource::Value("01".repeat(32));
        let other = MasterKeySource::Value("02".repeat(32));
        let master = open_master_key(&one, db.pool(), true).await.unwrap();
        let error = open_master_key(&other, db.pool(), false).await.unwrap_err();
        let KeyError::MasterDiffers { recorded, .. } = &error else { panic!("{error}") };
        assert_eq!(*recorded, master.fingerprint());
        assert!(!error.to_string().contains(&"02".repeat(32)));
        db.close().await;
    }

    #[test]
    fn a_key_is_never_printed() {
        let key = MasterKey::from_bytes([0xab; 32]);
        let source = MasterKeySource::Value("ab".repeat(32));
        for shown in [format!("{key:?}"), format!("{source:?}")] {
            assert!(!shown.contains("abab"), "{shown}");
        }
    }
}

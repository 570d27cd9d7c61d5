//! The table of subjects' keys, each wrapped by the master key, with a bounded cache.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::PgPool;
use uuid::Uuid;

use super::crypto::{self, KEY_BYTES, SecretKey};
use super::{KeyError, MasterKey, Purpose, PurposeKey, SubjectKey};

/// Keys held in memory; each takes about 200 bytes.
const CACHED_MAX: usize = 20_000;
/// How long a key is used without looking whether it was destroyed by another process.
const CACHED_FOR: Duration = Duration::from_secs(60);
/// What stands in the row of an erased subject in place of a wrapped key.
const ERASED: &[u8] = &[];
/// The wrapped form's first byte, so that another one can follow.
const FORMAT: u8 = 1;

/// Every subject's key.
#[derive(Debug)]
pub struct SubjectKeys {
    pool: PgPool,
    wrapping: PurposeKey,
    cache: Mutex<HashMap<Uuid, Cached>>,
}

#[derive(Debug)]
struct Cached {
    key: Arc<SubjectKey>,
    read_at: Instant,
    used_at: Instant,
}

impl SubjectKeys {
    /// The keys in this database, wrapped by this master key.
    #[must_use]
    pub fn new(pool: PgPool, master: &MasterKey) -> Self {
        Self { pool, wrapping: master.purpose(Purpose::SubjectKeys), cache: Mutex::default() }
    }

    /// The subject's key, made if it has none yet.
    ///
    /// # Errors
    /// [`KeyError::Database`], [`KeyError::SubjectGone`] once it was erased, or [`KeyError::DoesNotOpen`] for a row that was altered.
    pub async fn key(&self, subject: Uuid) -> Result<Arc<SubjectKey>, KeyError> {
        if let Some(key) = self.cached(subject) {
            return Ok(key);
        }
        if let Some(key) = self.existing(subject).await? {
            return Ok(key);
        }
        let wrapped = self.wrap(subject, &crypto::random());
        sqlx::query("INSERT INTO subject_keys (subject, wrapped) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(subject)
            .bind(wrapped)
            .execute(&self.pool)
            .await?;
        // Another process may have been first, with a key or with an erasure: the row decides.
        self.existing(subject).await?.ok_or(KeyError::SubjectGone)
    }

    /// The subject's key, if it has one: `None` once it was erased.
    ///
    /// # Errors
    /// [`KeyError::Database`], or [`KeyError::DoesNotOpen`] for a row that was altered.
    pub async fn existing(&self, subject: Uuid) -> Result<Option<Arc<SubjectKey>>, KeyError> {
        Ok(self.existing_many(&[subject]).await?.remove(&subject))
    }

    /// The keys of many subjects in one query; those without one are left out.
    ///
    /// # Errors
    /// [`KeyError::Database`], or [`KeyError::DoesNotOpen`] for a row that was altered.
    pub async fn existing_many(&self, subjects: &[Uuid]) -> Result<HashMap<Uuid, Arc<SubjectKey>>, KeyError> {
        let mut found = HashMap::with_capacity(subjects.len());
        let mut missing = Vec::new();
        for &subject in subjects {
            match self.cached(subject) {
                Some(key) => drop(found.insert(subject, key)),
                None => missing.push(subject),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let rows: Vec<(Uuid, Vec<u8>)> =
            sqlx::query_as("SELECT subject, wrapped FROM subject_keys WHERE subject = ANY($1) AND wrapped <> $2")
                .bind(&missing)
                .bind(ERASED)
                .fetch_all(&self.pool)
                .await?;
        for (subject, wrapped) in rows {
            let key = Arc::new(SubjectKey::new(subject, &self.unwrap(subject, &wrapped)?));
            self.keep(Arc::clone(&key));
            found.insert(subject, key);
        }
        Ok(found)
    }

    /// Destroys the subject's key, and with it everything sealed under it. Answers whether
    /// there was one. A process that has just read it forgets it within a minute; what it seals until
    /// then nobody can open afterwards. The row stays, empty, so that none makes another key.
    ///
    /// # Errors
    /// [`KeyError::Database`].
    pub async fn erase(&self, subject: Uuid) -> Result<bool, KeyError> {
        // `xmax` is 0 in a row that this statement inserts: there was no key to destroy.
        let had_key: Option<bool> = sqlx::query_scalar(
            "INSERT INTO subject_keys (subject, wrapped) VALUES ($1, $2)
             ON CONFLICT (subject) DO UPDATE SET wrapped = EXCLUDED.wrapped WHERE subject_keys.wrapped <> $2
             RETURNING xmax <> 0",
        )
        .bind(subject)
        .bind(ERASED)
        .fetch_optional(&self.pool)
        .await?;
        // After the row is gone; before, the next reader would bring it back.
        self.lock().remove(&subject);
        Ok(had_key.unwrap_or(false))
    }

    fn wrap(&self, subject: Uuid, data_key: &SecretKey) -> Vec<u8> {
        let sealed = self.wrapping.seal(subject.as_bytes(), data_key.as_slice());
        [&[FORMAT], sealed.as_slice()].concat()
    }

    fn unwrap(&self, subject: Uuid, wrapped: &[u8]) -> Result<SecretKey, KeyError> {
        let (format, sealed) = wrapped.split_first().ok_or(KeyError::DoesNotOpen)?;
        if *format != FORMAT {
            return Err(KeyError::DoesNotOpen);
        }
        let opened = self.wrapping.open(subject.as_bytes(), sealed)?;
        let bytes: [u8; KEY_BYTES] = opened.as_slice().try_into().map_err(|_| KeyError::DoesNotOpen)?;
        Ok(SecretKey::new(bytes))
    }

    fn cached(&self, subject: Uuid) -> Option<Arc<SubjectKey>> {
        let mut cache = self.lock();
        let cached = cache.get_mut(&subject)?;
        let now = Instant::now();
        if now.duration_since(cached.read_at) > CACHED_FOR {
            cache.remove(&subject);
            return None;
        }
        cached.used_at = now;
        Some(Arc::clone(&cached.key))
    }

    fn keep(&self, key: Arc<SubjectKey>) {
        let mut cache = self.lock();
        if cache.len() >= CACHED_MAX {
            forget_older_half(&mut cache);
        }
        let now = Instant::now();
        cache.insert(key.subject(), Cached { key, read_at: now, used_at: now });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Cached>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the half that was not used for longest.
fn forget_older_half(cache: &mut HashMap<Uuid, Cached>) {
    let mut times: Vec<Instant> = cache.values().map(|cached| cached.used_at).collect();
    let middle = times.len() / 2;
    let (_, &mut median, _) = times.select_nth_unstable(middle);
    cache.retain(|_, cached| cached.used_at > median);
}

#[cfg(test)]
mod tests {
    use mintmark_testkit::TestDb;

    use super::super::SCHEMA;
    use super::*;

    const ANN: Uuid = Uuid::from_u128(0xa);
    const BOB: Uuid = Uuid::from_u128(0xb);
    const TEXT: Uuid = Uuid::from_u128(0x7);

    fn keys(db: &TestDb, master: u8) -> SubjectKeys {
        SubjectKeys::new(db.pool().clone(), &MasterKey::from_bytes([master; 32]))
    }

    #[tokio::test]
    async fn a_subject_keeps_its_key_over_restarts_and_processes() {
        let db = TestDb::with_sql(&[SCHEMA]).await;
        let sealed = keys(&db, 1).key(ANN).await.unwrap().seal(TEXT, b"a prompt");
        let after_restart = keys(&db, 1).key(ANN).await.unwrap();
        assert_eq!(after_restart.open(TEXT, &sealed).unwrap().as_slice(), b"a prompt");
        let bob = keys(&db, 1).key(BOB).await.unwrap();
        assert!(bob.open(TEXT, &sealed).is_err());
        db.close().await;
    }

    #[tokio::test]
    async fn makers_that_race_agree() {
        let db = TestDb::with_sql(&[SCHEMA]).await;
        let processes: Vec<_> = (0..6).map(|_| keys(&db, 1)).collect();
        let made = futures::future::join_all(processes.iter().map(|keys| keys.key(ANN))).await;
        let fingerprints: Vec<_> = made.into_iter().map(|key| key.unwrap().fingerprint(b"body")).collect();
        assert!(fingerprints.iter().all(|one| *one == fingerprints[0]));
        db.close().await;
    }

    #[tokio::test]
    async fn erasing_destroys_what_was_sealed_and_nobody_elses() {
        let db = TestDb::with_sql(&[SCHEMA]).await;
        let keys = keys(&db, 1);
        let sealed = keys.key(ANN).await.unwrap().seal(TEXT, b"a prompt");
        keys.key(BOB).await.unwrap();
        assert!(keys.erase(ANN).await.unwrap());
        assert!(!keys.erase(ANN).await.unwrap(), "once is enough");
        assert!(keys.existing(ANN).await.unwrap().is_none());
        assert!(keys.existing(BOB).await.unwrap().is_some());
        let bob = keys.key(BOB).await.unwrap();
        assert!(bob.open(TEXT, &sealed).is_err());
        db.close().await;
    }

    #[tokio::test]
    async fn an_erased_subject_never_gets_another_key() {
        let db = TestDb::with_sql(&[SCHEMA]).await;
        let (here, there) = (keys(&db, 1), keys(&db, 1));
        here.key(ANN).await.unwrap();
        there.key(ANN).await.unwrap();
        assert!(here.erase(ANN).await.unwrap());
        assert!(matches!(here.key(ANN).await, Err(KeyError::SubjectGone)), "here");
        // Another process goes on with the key it has read, for a minute; then it finds none either.
        there.lock().clear();
        assert!(matches!(there.key(ANN).await, Err(KeyError::SubjectGone)), "there");
        assert!(matches!(keys(&db, 1).key(ANN).await, Err(KeyError::SubjectGone)), "after a restart");
        assert!(there.existing(ANN).await.unwrap().is_none());
        // One who had no key yet gets none afterwards.
        assert!(!here.erase(BOB).await.unwrap());
        assert!(matches!(there.key(BOB).await, Err(KeyError::SubjectGone)));
        db.close().await;
    }

    #[tokio::test]
    async fn a_row_copied_to_another_subject_or_read_with_another_master_key_does_not_open() {
        let db = TestDb::with_sql(&[SCHEMA]).await;
        keys(&db, 1).key(ANN).await.unwrap();
        sqlx::query("INSERT INTO subject_keys (subject, wrapped) SELECT $1, wrapped FROM subject_keys")
            .bind(BOB)
            .execute(db.pool())
            .await
            .unwrap();
        assert!(matches!(keys(&db, 1).key(BOB).await, Err(KeyError::DoesNotOpen)));
        assert!(matches!(keys(&db, 2).key(ANN).await, Err(KeyError::DoesNotOpen)));
        db.close().await;
    }

    #[tokio::test]
    async fn many_are_read_at_once_and_the_second_time_from_memory() {
        let db = TestDb::with_sql(&[SCHEMA]).await;
        let keys = keys(&db, 1);
        for subject in [ANN, BOB] {
            keys.key(subject).await.unwrap();
        }
        sqlx::query("DELETE FROM subject_keys WHERE subject = $1").bind(BOB).execute(db.pool()).await.unwrap();
        let found = keys.existing_many(&[ANN, BOB, TEXT]).await.unwrap();
        assert!(found.contains_key(&BOB), "from memory");
        assert_eq!(found.len(), 2);
        db.close().await;
    }

    #[test]
    fn the_cache_forgets_what_was_used_longest_ago() {
        let now = Instant::now();
        let mut cache: HashMap<Uuid, Cached> = (0..100_u64)
            .map(|age| {
                let subject = Uuid::from_u128(u128::from(age));
                let key = Arc::new(SubjectKey::new(subject, &SecretKey::new([0; 32])));
                (subject, Cached { key, read_at: now, used_at: now + Duration::from_secs(age) })
            })
            .collect();
        forget_older_half(&mut cache);
        assert!(cache.len() < 51);
        assert!(cache.contains_key(&Uuid::from_u128(99)));
        assert!(!cache.contains_key(&Uuid::from_u128(0)));
    }
}

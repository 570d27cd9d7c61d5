//! The keys that sign access tokens: one signs, those before it verify until what they signed is over.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use mintmark_domain::Timestamp;
use mintmark_domain::ports::{AccessTokens, Clock, IdentityError, TokenGrant};
use mintmark_domain::usecases::TOKEN_SECONDS;
use sqlx::PgPool;
use zeroize::Zeroizing;

use super::{jwt, unavailable};
use crate::keys::{MasterKey, Purpose, PurposeKey, random_key};

/// How long a process goes on with the keys that it has read: as long, at most, a key that was taken
/// away still counts there.
pub const KEYS_READ_FOR: Duration = Duration::from_secs(10);
/// How often, at most, a name that is not known makes a process look again: nobody makes it read the
/// table for every made-up token.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long a retired key verifies: the life of a token, and a process that had not yet heard of its
/// successor.
const VERIFIES_MICROS: i64 = (TOKEN_SECONDS + 60) * 1_000_000;

/// A key that just came to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotatedKey {
    /// Its name, in the header of each token.
    pub kid: String,
    /// How many earlier keys still verify.
    pub verifying: usize,
}

#[derive(Clone)]
struct Key {
    kid: String,
    secret: Zeroizing<Vec<u8>>,
    signs: bool,
}

struct Read {
    keys: Vec<Key>,
    at: Instant,
}

/// Access tokens, signed with keys in a table.
pub struct SigningKeys {
    pool: PgPool,
    sealing: PurposeKey,
    clock: Arc<dyn Clock>,
    read: RwLock<Option<Arc<Read>>>,
    /// Held by whoever reads the table: others wait for what it finds.
    reading: tokio::sync::Mutex<()>,
    /// How often that was.
    #[cfg(test)]
    reads: std::sync::atomic::AtomicUsize,
}

impl SigningKeys {
    /// The keys in this database, sealed under this master key.
    #[must_use]
    pub fn new(pool: PgPool, master: &MasterKey, clock: Arc<dyn Clock>) -> Self {
        SigningKeys {
            pool,
            sealing: master.purpose(Purpose::Tokens),
            clock,
            read: RwLock::default(),
            reading: tokio::sync::Mutex::default(),
            #[cfg(test)]
            reads: std::sync::atomic::AtomicUsize::default(),
        }
    }

    /// Has a new key sign from now on. What the last one signed holds until it expires; with
    /// `end_tokens` nothing signed before holds any more, within [`KEYS_READ_FOR`] in every process.
    ///
    /// # Errors
    /// [`IdentityError::Unavailable`].
    pub async fn rotate(&self, end_tokens: bool) -> Result<RotatedKey, IdentityError> {
        let now = self.clock.now().timestamp_micros();
        let mut transaction = self.pool.begin().await.map_err(unavailable)?;
        // Readers go on; of several who rotate, one waits for the other.
        sqlx::query("LOCK TABLE token_keys IN SHARE ROW EXCLUSIVE MODE")
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        let gone_before = if end_tokens { i64::MAX } else { now - VERIFIES_MICROS };
        sqlx::query("UPDATE token_keys SET retired_at = $1 WHERE retired_at IS NULL")
            .bind(now)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        sqlx::query("DELETE FROM token_keys WHERE retired_at <= $1")
            .bind(gone_before)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        let kid = self.insert(&mut transaction, now).await?;
        let verifying: i64 = sqlx::query_scalar("SELECT count(*) FROM token_keys WHERE retired_at IS NOT NULL")
            .fetch_one(&mut *transaction)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(RotatedKey { kid, verifying: usize::try_from(verifying).unwrap_or_default() })
    }

    /// Inserts a key that signs, unless there is one by now.
    async fn insert(&self, connection: &mut sqlx::PgConnection, now: i64) -> Result<String, IdentityError> {
        let (name, secret) = (random_key(), random_key());
        let kid = format!("k_{}", hex::encode(&name[..8]));
        let sealed = self.sealing.seal(kid.as_bytes(), secret.as_slice());
        sqlx::query("INSERT INTO token_keys (kid, sealed, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(&kid)
            .bind(sealed)
            .bind(now)
            .execute(connection)
            .await
            .map_err(unavailable)?;
        Ok(kid)
    }

    async fn load(&self) -> Result<Arc<Read>, IdentityError> {
        #[cfg(test)]
        self.reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let alive_since = self.clock.now().timestamp_micros() - VERIFIES_MICROS;
        let rows: Vec<(String, Vec<u8>, Option<i64>)> = sqlx::query_as(
            "SELECT kid, sealed, retired_at FROM token_keys WHERE retired_at IS NULL OR retired_at > $1",
        )
        .bind(alive_since)
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        let mut keys = Vec::with_capacity(rows.len());
        for (kid, sealed, retired_at) in rows {
            let secret = self.sealing.open(kid.as_bytes(), &sealed);
            let secret = secret.map_err(|error| IdentityError::Corrupt(format!("the token key {kid}: {error}")))?;
            keys.push(Key { kid, secret, signs: retired_at.is_none() });
        }
        let read = Arc::new(Read { keys, at: Instant::now() });
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&read));
        Ok(read)
    }

    async fn keys(&self, not_older_than: Duration) -> Result<Arc<Read>, IdentityError> {
        let known = || {
            let read = self.read.read().unwrap_or_else(PoisonError::into_inner).clone();
            read.filter(|read| read.at.elapsed() < not_older_than)
        };
        if let Some(read) = known() {
            return Ok(read);
        }
        let _reading = self.reading.lock().await;
        match known() {
            Some(read) => Ok(read),
            None => self.load().await,
        }
    }

    async fn signing(&self) -> Result<Key, IdentityError> {
        let found = |read: &Read| read.keys.iter().find(|key| key.signs).cloned();
        if let Some(key) = found(&*self.keys(KEYS_READ_FOR).await?) {
            return Ok(key);
        }
        // The first token ever.
        let mut connection = self.pool.acquire().await.map_err(unavailable)?;
        self.insert(&mut connection, self.clock.now().timestamp_micros()).await?;
        drop(connection);
        let read = self.load().await?;
        found(&read).ok_or_else(|| IdentityError::Unavailable("no key signs tokens".into()))
    }
}

#[async_trait]
impl AccessTokens for SigningKeys {
    async fn sign(&self, grant: &TokenGrant) -> Result<String, IdentityError> {
        let key = self.signing().await?;
        jwt::sign(grant, &key.kid, &key.secret, hex::encode(&random_key()[..16]))
    }

    async fn read(&self, token: &str, now: Timestamp) -> Result<Option<TokenGrant>, IdentityError> {
        let Some(kid) = jwt::kid(token) else { return Ok(None) };
        let find = |read: &Read| read.keys.iter().find(|key| key.kid == kid).cloned();
        let key = match find(&*self.keys(KEYS_READ_FOR).await?) {
            Some(key) => Some(key),
            // Another process may have begun to sign with it a moment ago.
            None => find(&*self.keys(LOOK_AGAIN_AFTER).await?),
        };
        let grant = key.and_then(|key| jwt::read(token, &key.secret));
        Ok(grant.filter(|grant| now < grant.expires_at))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use mintmark_domain::account::{Scope, Scopes};
    use mintmark_domain::ids::AccountId;
    use mintmark_domain::ports::ManualClock;
    use mintmark_testkit::TestDb;
    use uuid::Uuid;

    use super::super::SCHEMA;
    use super::*;

    struct Bench {
        db: TestDb,
        clock: Arc<ManualClock>,
    }

    impl Bench {
        async fn new() -> Self {
            Bench { db: TestDb::with_sql(&[SCHEMA]).await, clock: Arc::new(ManualClock::default()) }
        }

        fn process(&self, master: u8) -> SigningKeys {
            SigningKeys::new(self.db.pool().clone(), &MasterKey::from_bytes([master; 32]), self.clock.clone())
        }

        fn grant(&self) -> TokenGrant {
            TokenGrant {
                account: AccountId(Uuid::from_u128(7)),
                client_id: "gfo_oauth_1".into(),
                scopes: Scopes::only([Scope::RunsRead]),
                issued_at: self.clock.now(),
                expires_at: self.clock.now() + TimeDelta::seconds(TOKEN_SECONDS),
            }
        }
    }

    #[tokio::test]
    async fn a_token_holds_in_every_process_for_an_hour_and_no_longer() {
        let bench = Bench::new().await;
        let token = bench.process(1).sign(&bench.grant()).await.unwrap();
        let other = bench.process(1);
        assert_eq!(other.read(&token, bench.clock.now()).await.unwrap(), Some(bench.grant()));
        let late = bench.clock.now() + TimeDelta::seconds(TOKEN_SECONDS);
        assert!(other.read(&token, late - TimeDelta::seconds(1)).await.unwrap().is_some());
        assert_eq!(other.read(&token, late).await.unwrap(), None);
        bench.db.close().await;
    }

    #[tokio::test]
    async fn processes_that_start_at_once_sign_with_one_key() {
        let bench = Bench::new().await;
        let processes: Vec<_> = (0..6).map(|_| bench.process(1)).collect();
        let grant = bench.grant();
        let signed = futures::future::join_all(processes.iter().map(|process| process.sign(&grant))).await;
        let kids: std::collections::BTreeSet<_> =
            signed.iter().map(|token| jwt::kid(token.as_ref().unwrap())).collect();
        assert_eq!(kids.len(), 1);
        bench.db.close().await;
    }

    #[tokio::test]
    async fn however_many_ask_at_once_the_table_is_read_once() {
        let bench = Bench::new().await;
        let token = bench.process(1).sign(&bench.grant()).await.unwrap();
        let (process, now) = (bench.process(1), bench.clock.now());
        let asked = (0..50).map(|_| process.read(&token, now));
        assert!(futures::future::join_all(asked).await.into_iter().all(|read| read.unwrap().is_some()));
        assert_eq!(process.reads.load(std::sync::atomic::Ordering::Relaxed), 1);
        bench.db.close().await;
    }

    #[tokio::test]
    async fn after_a_rotation_old_tokens_hold_for_their_life_and_new_ones_bear_the_new_key() {
        let bench = Bench::new().await;
        let process = bench.process(1);
        let before = process.sign(&bench.grant()).await.unwrap();
        let rotated = process.rotate(false).await.unwrap();
        assert_eq!(rotated.verifying, 1);
        let after = process.sign(&bench.grant()).await.unwrap();
        assert_eq!(jwt::kid(&after).as_deref(), Some(rotated.kid.as_str()));
        for token in [&before, &after] {
            assert!(process.read(token, bench.clock.now()).await.unwrap().is_some());
        }
        bench.clock.advance(TimeDelta::seconds(TOKEN_SECONDS + 61));
        let kept = bench.process(1).load().await.unwrap();
        assert_eq!(kept.keys.len(), 1, "what nobody can use verifies nothing");
        bench.db.close().await;
    }

    #[tokio::test]
    async fn a_rotation_that_ends_tokens_ends_them() {
        let bench = Bench::new().await;
        let process = bench.process(1);
        let before = process.sign(&bench.grant()).await.unwrap();
        assert_eq!(process.rotate(true).await.unwrap().verifying, 0);
        assert_eq!(process.read(&before, bench.clock.now()).await.unwrap(), None);
        bench.db.close().await;
    }

    #[tokio::test]
    async fn a_key_sealed_under_another_master_key_is_a_defect_and_never_used() {
        let bench = Bench::new().await;
        let token = bench.process(1).sign(&bench.grant()).await.unwrap();
        let read = bench.process(2).read(&token, bench.clock.now()).await;
        assert!(matches!(read, Err(IdentityError::Corrupt(_))));
        bench.db.close().await;
    }
}

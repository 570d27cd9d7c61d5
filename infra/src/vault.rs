//! The vault on Postgres: sealed texts beside the log, each opened by its subject's key.

use std::collections::HashMap;

use async_trait::async_trait;
use mintmark_domain::es::SealedText;
use mintmark_domain::ids::SealedId;
use mintmark_domain::ports::{ClaimKind, Vault, VaultError};
use sqlx::PgPool;
use uuid::Uuid;

use crate::keys::{KeyError, MasterKey, Purpose, PurposeKey, SubjectKeys};

/// How many bytes are fingerprinted before other tasks have a turn.
const FINGERPRINTED_AT_ONCE: usize = 1 << 20;

/// Texts in the table `sealed`, under keys in the table `subject_keys`.
#[derive(Debug)]
pub struct PgVault {
    pool: PgPool,
    keys: SubjectKeys,
    names: PurposeKey,
}

impl PgVault {
    /// The vault in this database, under this master key.
    #[must_use]
    pub fn new(pool: PgPool, master: &MasterKey) -> Self {
        let keys = SubjectKeys::new(pool.clone(), master);
        PgVault { pool, keys, names: master.purpose(Purpose::EmailIndex) }
    }

    /// The subjects' keys.
    #[must_use]
    pub fn keys(&self) -> &SubjectKeys {
        &self.keys
    }
}

fn vault_error(error: KeyError) -> VaultError {
    match error {
        KeyError::Database(error) => VaultError::Unavailable(error.to_string()),
        KeyError::SubjectGone => VaultError::Erased,
        other => VaultError::Corrupt(other.to_string()),
    }
}

#[async_trait]
impl Vault for PgVault {
    async fn seal(&self, subject: Uuid, id: SealedId, text: &[u8]) -> Result<SealedText, VaultError> {
        let key = self.keys.key(subject).await.map_err(vault_error)?;
        Ok(SealedText { id, subject, ciphertext: key.seal(id.0, text) })
    }

    async fn open(&self, ids: &[SealedId]) -> Result<HashMap<SealedId, Vec<u8>>, VaultError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let shards: Vec<i16> = ids.iter().map(|id| id.shard().number().cast_signed()).collect();
        let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows: Vec<(Uuid, Uuid, Vec<u8>)> = sqlx::query_as(
            "SELECT s.id, s.subject, s.ciphertext FROM sealed s
             JOIN unnest($1::uuid[], $2::smallint[]) AS w (id, shard) ON s.id = w.id AND s.shard = w.shard",
        )
        .bind(&wanted)
        .bind(&shards)
        .fetch_all(&self.pool)
        .await
        .map_err(|error| VaultError::Unavailable(error.to_string()))?;
        let mut subjects: Vec<Uuid> = rows.iter().map(|(_, subject, _)| *subject).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let keys = self.keys.existing_many(&subjects).await.map_err(vault_error)?;
        let mut opened = HashMap::with_capacity(rows.len());
        for (id, subject, ciphertext) in rows {
            // A subject without a key was erased: their texts are as if they had never been.
            if let Some(key) = keys.get(&subject) {
                opened.insert(SealedId(id), key.open(id, &ciphertext).map_err(vault_error)?.to_vec());
            }
        }
        Ok(opened)
    }

    async fn open_text(&self, text: &SealedText) -> Result<Option<Vec<u8>>, VaultError> {
        let Some(key) = self.keys.existing(text.subject).await.map_err(vault_error)? else { return Ok(None) };
        Ok(Some(key.open(text.id.0, &text.ciphertext).map_err(vault_error)?.to_vec()))
    }

    async fn fingerprint(&self, subject: Uuid, bytes: &[u8]) -> Result<String, VaultError> {
        let mut fingerprint = self.keys.key(subject).await.map_err(vault_error)?.fingerprinting();
        for (number, part) in bytes.chunks(FINGERPRINTED_AT_ONCE).enumerate() {
            if number > 0 {
                // Tens of megabytes take a while; others go on meanwhile.
                tokio::task::yield_now().await;
            }
            fingerprint.update(part);
        }
        Ok(fingerprint.finish())
    }

    fn claim_value(&self, kind: ClaimKind, name: &str) -> Vec<u8> {
        self.names.mac(&[kind.as_str().as_bytes(), name.as_bytes()]).to_vec()
    }
}

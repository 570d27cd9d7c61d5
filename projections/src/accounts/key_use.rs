//! When keys and OAuth clients were last used: outside the log, gathered in memory and written behind.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mintmark_domain::Timestamp;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// Gathers when keys were used.
#[derive(Debug)]
pub struct KeyUse {
    pool: PgPool,
    /// By key: two processes that write the same keys lock their rows in the same order, and so never
    /// wait for each other in a circle.
    used: Mutex<BTreeMap<u64, Timestamp>>,
    clients: Mutex<BTreeMap<String, Timestamp>>,
}

impl KeyUse {
    /// Writes to the read models' database.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        KeyUse { pool, used: Mutex::default(), clients: Mutex::default() }
    }

    /// A key was used. Costs no round trip.
    pub fn touch(&self, key_id: u64, at: Timestamp) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let last = used.entry(key_id).or_insert(at);
        *last = (*last).max(at);
    }

    /// A token of an OAuth client was used. Costs no round trip.
    pub fn touch_client(&self, client_id: &str, at: Timestamp) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        match clients.get_mut(client_id) {
            Some(last) => *last = (*last).max(at),
            None => drop(clients.insert(client_id.to_owned(), at)),
        }
    }

    /// Writes what was gathered. Where the database fails, it is kept for the next time.
    pub async fn flush(&self) -> sqlx::Result<()> {
        self.flush_keys().await?;
        self.flush_clients().await
    }

    async fn flush_clients(&self) -> sqlx::Result<()> {
        let gathered = std::mem::take(&mut *self.clients.lock().unwrap_or_else(PoisonError::into_inner));
        if gathered.is_empty() {
            return Ok(());
        }
        let (clients, times): (Vec<&str>, Vec<Timestamp>) = gathered.iter().map(|(id, at)| (id.as_str(), *at)).unzip();
        let written = sqlx::query(
            "INSERT INTO read_side.client_use AS u (client_id, last_used_at)
             SELECT * FROM unnest($1::text[], $2::timestamptz[])
             ON CONFLICT (client_id) DO UPDATE SET last_used_at = greatest(u.last_used_at, excluded.last_used_at)",
        )
        .bind(clients)
        .bind(times)
        .execute(&self.pool)
        .await;
        if let Err(error) = written {
            for (client, at) in &gathered {
                self.touch_client(client, *at);
            }
            return Err(error);
        }
        Ok(())
    }

    async fn flush_keys(&self) -> sqlx::Result<()> {
        let gathered = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        if gathered.is_empty() {
            return Ok(());
        }
        let (keys, times): (Vec<i64>, Vec<Timestamp>) =
            gathered.iter().map(|(key, at)| (i64::try_from(*key).unwrap_or(i64::MAX), *at)).unzip();
        let written = sqlx::query(
            "INSERT INTO read_side.key_use AS u (key_id, last_used_at)
             SELECT * FROM unnest($1::bigint[], $2::timestamptz[])
             ON CONFLICT (key_id) DO UPDATE SET last_used_at = greatest(u.last_used_at, excluded.last_used_at)",
        )
        .bind(keys)
        .bind(times)
        .execute(&self.pool)
        .await;
        if let Err(error) = written {
            for (key, at) in gathered {
                self.touch(key, at);
            }
            return Err(error);
        }
        Ok(())
    }

    /// Writes every `interval`, and once more at the end.
    pub async fn run(&self, interval: Duration, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(interval) => {}
            }
            if let Err(error) = self.flush().await {
                tracing::warn!(%error, "when keys were last used could not be written");
            }
        }
        if let Err(error) = self.flush().await {
            tracing::warn!(%error, "when keys were last used could not be written");
        }
    }
}

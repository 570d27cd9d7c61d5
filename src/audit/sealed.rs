//! Sealed texts: each that is kept beside the log opens under its subject's key.

use mintmark_domain::Shard;
use mintmark_domain::es::Position;
use mintmark_domain::ids::SealedId;
use mintmark_domain::ports::{Vault, VaultError};
use sqlx::PgPool;
use uuid::Uuid;

use super::Finding;

/// How many texts are opened at once.
const PAGE: i64 = 500;

/// Opens every text, and names the event that refers to one that does not open. Those of subjects that
/// were erased are not there to be opened. `progress` is told how many more were looked at.
pub async fn unopened(pool: &PgPool, vault: &dyn Vault, mut progress: impl FnMut(u64)) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let page: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM sealed WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after)
            .bind(PAGE)
            .fetch_all(pool)
            .await?;
        let Some(last) = page.last() else { return Ok(findings) };
        after = *last;
        let ids: Vec<SealedId> = page.iter().copied().map(SealedId).collect();
        if !opens(vault, &ids).await? {
            for id in &ids {
                if !opens(vault, &[*id]).await? {
                    let place = referred_at(pool, *id).await?;
                    findings.push(Finding { place, what: format!("the sealed text {} cannot be opened", id.0) });
                }
            }
        }
        progress(page.len() as u64);
    }
}

async fn opens(vault: &dyn Vault, ids: &[SealedId]) -> anyhow::Result<bool> {
    match vault.open(ids).await {
        Ok(_) => Ok(true),
        Err(VaultError::Corrupt(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Where a text is first referred to. Reads the log from its beginning: it is asked only of what is broken.
async fn referred_at(pool: &PgPool, id: SealedId) -> anyhow::Result<Option<(Shard, Position)>> {
    let found: Option<(i16, i64)> = sqlx::query_as(
        "SELECT shard, position FROM events WHERE strpos(payload::text, $1) > 0 ORDER BY shard, position LIMIT 1",
    )
    .bind(id.0.to_string())
    .fetch_optional(pool)
    .await?;
    let place =
        |(shard, position): (i16, i64)| Some((Shard::new(shard.cast_unsigned())?, Position(position.unsigned_abs())));
    Ok(found.and_then(place))
}

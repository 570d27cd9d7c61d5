//! What the tests share: a database with the tables, and one set of runners' steps.

use std::sync::Arc;

use mintmark_domain::Shard;
use mintmark_domain::es::EventLog;
use mintmark_log::memory::MemoryEventLog;
use mintmark_testkit::TestDb;
use sqlx::PgPool;

use super::history::History;
use super::vault::PlainVault;
use crate::accounts::AccountsProjection;
use crate::error::ApplyError;
use crate::feed::Feed;
use crate::generation::GenerationProjection;
use crate::people::PeopleProjection;
use crate::projection::Projection;
use crate::reads::ReadModels;
use crate::runner::{Applied, Board, apply_next, ensure_checkpoint};
use crate::schema::migrate;
use crate::search::SearchProjection;
use crate::wallets::WalletsProjection;

pub(super) fn projections(vault: &Arc<PlainVault>) -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(WalletsProjection),
        Arc::new(GenerationProjection),
        Arc::new(AccountsProjection::new(Arc::clone(vault) as _)),
        Arc::new(PeopleProjection),
        Arc::new(SearchProjection::new(Arc::clone(vault) as _)),
    ]
}

pub(super) async fn database() -> TestDb {
    let key = [
        include_str!("../common.sql"),
        include_str!("../outside.sql"),
        include_str!("../wallets/schema.sql"),
        include_str!("../generation/schema.sql"),
        include_str!("../accounts/schema.sql"),
        include_str!("../people/schema.sql"),
        include_str!("../search/schema.sql"),
    ];
    TestDb::migrated(&key, |pool: PgPool| async move {
        let projections = projections(&Arc::default());
        let projections: Vec<&dyn Projection> = projections.iter().map(AsRef::as_ref).collect();
        migrate(&mut *pool.acquire().await?, &projections).await?;
        anyhow::Ok(())
    })
    .await
}

/// A database, and what applies a history to it step by step.
pub(super) struct Bench {
    pub db: TestDb,
    pub projections: Vec<Arc<dyn Projection>>,
    pub log: MemoryEventLog,
    pub shard: Shard,
}

impl Bench {
    pub async fn new(history: &History) -> Self {
        Bench {
            db: database().await,
            projections: projections(&history.vault),
            log: history.log.clone(),
            shard: history.shard,
        }
    }

    pub fn feed(&self, shard: Shard) -> Feed {
        Feed::new(Arc::new(self.log.clone()) as Arc<dyn EventLog>, shard)
    }

    pub fn reads(&self) -> ReadModels {
        ReadModels::new(self.db.pool().clone(), Arc::new(Board::new()))
    }

    /// One step of one projection.
    pub async fn step(&self, projection: &dyn Projection, feed: &Feed, limit: usize) -> Result<Applied, ApplyError> {
        let schema = projection.definition().schema;
        ensure_checkpoint(self.db.pool(), schema, feed).await?;
        apply_next(self.db.pool(), schema, projection, feed, limit, None).await
    }

    /// Applies everything, in batches of at most `limit`.
    pub async fn catch_up(&self, limit: usize) {
        let feed = self.feed(self.shard);
        for projection in &self.projections {
            while let Applied::Events { .. } = self.step(projection.as_ref(), &feed, limit).await.unwrap() {}
        }
    }

    pub async fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        sqlx::query_scalar(&sql).fetch_one(self.db.pool()).await.unwrap()
    }
}

//! Public integer ids, set aside in blocks.
//!
//! A process takes a block of numbers for a shard and gives them out one by one. What is left when it
//! ends is never used: gaps are allowed, repetition is not.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use mintmark_domain::Shard;
use mintmark_domain::ports::{DirectoryError, IntegerIds, IntegerKind};
use sqlx::{PgPool, Row};

use super::postgres::{signed, unavailable};

/// A run of numbers that belong to one shard, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The lowest number.
    pub first: u64,
    /// The highest number.
    pub last: u64,
    /// Whose they are.
    pub shard: Shard,
}

/// Where blocks are kept.
#[async_trait]
pub trait BlockStore: Send + Sync + 'static {
    /// Sets `size` new numbers aside for a shard, above all that were set aside before.
    async fn set_aside(&self, kind: IntegerKind, shard: Shard, size: u64) -> Result<Block, DirectoryError>;
    /// The block that holds a number.
    async fn find(&self, kind: IntegerKind, number: u64) -> Result<Option<Block>, DirectoryError>;
    /// Sets nothing aside at or below `highest` from now on.
    async fn ensure_above(&self, kind: IntegerKind, highest: u64) -> Result<(), DirectoryError>;
    /// Enters a block of one number, unless a block holds it, and keeps new ones above it.
    async fn record(&self, kind: IntegerKind, number: u64, shard: Shard) -> Result<(), DirectoryError>;
}

/// How many numbers are set aside at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSizes {
    /// Of the kinds that grow fast: creations and comments.
    pub many: u64,
    /// Of users, keys and teams.
    pub few: u64,
}

impl Default for BlockSizes {
    fn default() -> Self {
        BlockSizes { many: 1_000, few: 20 }
    }
}

impl BlockSizes {
    fn of(self, kind: IntegerKind) -> u64 {
        match kind {
            IntegerKind::Creation | IntegerKind::Comment => self.many,
            IntegerKind::User | IntegerKind::ApiKey | IntegerKind::Team => self.few,
        }
        .max(1)
    }
}

/// The numbers of one block that are left: the next, and the last.
#[derive(Clone, Copy, Debug)]
struct Rest {
    next: u64,
    last: u64,
}

type Open = Arc<tokio::sync::Mutex<Option<Rest>>>;

/// [`IntegerIds`] from blocks.
pub struct IdAllocator {
    store: Arc<dyn BlockStore>,
    sizes: BlockSizes,
    open: Mutex<HashMap<(IntegerKind, Shard), Open>>,
    /// Blocks seen before; a block never changes.
    seen: Mutex<BTreeMap<(IntegerKind, u64), Block>>,
}

/// How many seen blocks are remembered.
const SEEN_MAX: usize = 10_000;

impl IdAllocator {
    /// An allocator that takes its blocks from `store`.
    #[must_use]
    pub fn new(store: Arc<dyn BlockStore>, sizes: BlockSizes) -> Self {
        IdAllocator { store, sizes, open: Mutex::default(), seen: Mutex::default() }
    }

    fn open(&self, kind: IntegerKind, shard: Shard) -> Open {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(open.entry((kind, shard)).or_default())
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<(IntegerKind, u64), Block>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, kind: IntegerKind, block: Block) {
        let mut seen = self.seen();
        if seen.len() >= SEEN_MAX {
            seen.clear();
        }
        seen.insert((kind, block.first), block);
    }

    fn recall(&self, kind: IntegerKind, number: u64) -> Option<Block> {
        let seen = self.seen();
        let (_, block) = seen.range((kind, 0)..=(kind, number)).next_back()?;
        (block.last >= number).then_some(*block)
    }
}

#[async_trait]
impl IntegerIds for IdAllocator {
    async fn next(&self, kind: IntegerKind, shard: Shard) -> Result<u64, DirectoryError> {
        Ok(self.take(kind, shard, 1).await?[0])
    }

    async fn take(&self, kind: IntegerKind, shard: Shard, count: usize) -> Result<Vec<u64>, DirectoryError> {
        let open = self.open(kind, shard);
        // One at a time per kind and shard: others wait for the block instead of taking more.
        let mut rest = open.lock().await;
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count {
            match rest.as_mut().filter(|rest| rest.next <= rest.last) {
                Some(rest) => {
                    taken.push(rest.next);
                    rest.next += 1;
                }
                None => {
                    let size = self.sizes.of(kind).max((count - taken.len()) as u64);
                    let block = self.store.set_aside(kind, shard, size).await?;
                    self.remember(kind, block);
                    *rest = Some(Rest { next: block.first, last: block.last });
                }
            }
        }
        Ok(taken)
    }

    async fn shard_of(&self, kind: IntegerKind, number: u64) -> Result<Option<Shard>, DirectoryError> {
        if let Some(block) = self.recall(kind, number) {
            return Ok(Some(block.shard));
        }
        let Some(block) = self.store.find(kind, number).await? else { return Ok(None) };
        self.remember(kind, block);
        Ok(Some(block.shard))
    }

    async fn ensure_above(&self, kind: IntegerKind, highest: u64) -> Result<(), DirectoryError> {
        self.store.ensure_above(kind, highest).await?;
        let open: Vec<Open> = {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.iter().filter(|((of, _), _)| *of == kind).map(|(_, open)| Arc::clone(open)).collect()
        };
        for open in open {
            let mut rest = open.lock().await;
            if rest.is_some_and(|rest| rest.next <= highest) {
                *rest = None;
            }
        }
        Ok(())
    }

    async fn record(&self, kind: IntegerKind, number: u64, shard: Shard) -> Result<(), DirectoryError> {
        self.store.record(kind, number, shard).await
    }
}

const SET_ASIDE: &str = "
    WITH head AS (
        INSERT INTO id_heads AS h (kind, next) VALUES ($1, 1 + $3)
        ON CONFLICT (kind) DO UPDATE SET next = h.next + $3
        RETURNING next - $3 AS first)
    INSERT INTO id_blocks (kind, first, last, shard)
    SELECT $1, first, first + $3 - 1, $2 FROM head
    RETURNING first";
const FIND: &str = "
    SELECT first, last, shard FROM id_blocks WHERE kind = $1 AND first <= $2 ORDER BY first DESC LIMIT 1";
const ENSURE_ABOVE: &str = "
    INSERT INTO id_heads AS h (kind, next) VALUES ($1, $2 + 1)
    ON CONFLICT (kind) DO UPDATE SET next = excluded.next WHERE h.next < excluded.next";
const RECORD: &str = "
    INSERT INTO id_blocks (kind, first, last, shard)
    SELECT $1, $2, $2, $3
    WHERE NOT EXISTS (SELECT 1 FROM id_blocks WHERE kind = $1 AND first <= $2 AND last >= $2)
    ON CONFLICT DO NOTHING";

/// Blocks on Postgres.
#[derive(Clone, Debug)]
pub struct PgBlocks {
    pool: PgPool,
}

impl PgBlocks {
    /// The blocks in the database of `pool`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        PgBlocks { pool }
    }
}

fn unsigned(number: i64) -> Result<u64, DirectoryError> {
    u64::try_from(number).map_err(|_| DirectoryError::Corrupt("a negative id".into()))
}

#[async_trait]
impl BlockStore for PgBlocks {
    async fn set_aside(&self, kind: IntegerKind, shard: Shard, size: u64) -> Result<Block, DirectoryError> {
        let row = sqlx::query(SET_ASIDE)
            .bind(kind.as_str())
            .bind(shard.number().cast_signed())
            .bind(signed(size)?)
            .fetch_one(&self.pool)
            .await
            .map_err(unavailable)?;
        let first = unsigned(row.try_get(0).map_err(unavailable)?)?;
        Ok(Block { first, last: first + size - 1, shard })
    }

    async fn find(&self, kind: IntegerKind, number: u64) -> Result<Option<Block>, DirectoryError> {
        let Ok(number) = i64::try_from(number) else { return Ok(None) };
        let row =
            sqlx::query(FIND).bind(kind.as_str()).bind(number).fetch_optional(&self.pool).await.map_err(unavailable)?;
        let Some(row) = row else { return Ok(None) };
        let (first, last): (i64, i64) = (row.try_get(0).map_err(unavailable)?, row.try_get(1).map_err(unavailable)?);
        let shard: i16 = row.try_get(2).map_err(unavailable)?;
        let shard = u16::try_from(shard).ok().and_then(Shard::new);
        let shard = shard.ok_or_else(|| DirectoryError::Corrupt("a shard beyond 4,095".into()))?;
        let block = Block { first: unsigned(first)?, last: unsigned(last)?, shard };
        Ok((last >= number).then_some(block))
    }

    async fn ensure_above(&self, kind: IntegerKind, highest: u64) -> Result<(), DirectoryError> {
        let query = sqlx::query(ENSURE_ABOVE).bind(kind.as_str()).bind(signed(highest)?);
        query.execute(&self.pool).await.map(drop).map_err(unavailable)
    }

    async fn record(&self, kind: IntegerKind, number: u64, shard: Shard) -> Result<(), DirectoryError> {
        self.ensure_above(kind, number).await?;
        let query = sqlx::query(RECORD).bind(kind.as_str()).bind(signed(number)?).bind(shard.number().cast_signed());
        query.execute(&self.pool).await.map(drop).map_err(unavailable)
    }
}

#[derive(Debug, Default)]
struct Blocks {
    next: HashMap<IntegerKind, u64>,
    blocks: BTreeMap<(IntegerKind, u64), Block>,
}

/// Blocks in memory, for simulations and tests. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryBlocks {
    blocks: Arc<Mutex<Blocks>>,
}

impl MemoryBlocks {
    fn blocks(&self) -> MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blocks {
    fn find(&self, kind: IntegerKind, number: u64) -> Option<Block> {
        let (_, block) = self.blocks.range((kind, 0)..=(kind, number)).next_back()?;
        (block.last >= number).then_some(*block)
    }

    fn ensure_above(&mut self, kind: IntegerKind, highest: u64) {
        let next = self.next.entry(kind).or_insert(1);
        *next = (*next).max(highest + 1);
    }
}

#[async_trait]
impl BlockStore for MemoryBlocks {
    async fn set_aside(&self, kind: IntegerKind, shard: Shard, size: u64) -> Result<Block, DirectoryError> {
        let mut blocks = self.blocks();
        let next = blocks.next.entry(kind).or_insert(1);
        let block = Block { first: *next, last: *next + size - 1, shard };
        *next += size;
        blocks.blocks.insert((kind, block.first), block);
        Ok(block)
    }

    async fn find(&self, kind: IntegerKind, number: u64) -> Result<Option<Block>, DirectoryError> {
        Ok(self.blocks().find(kind, number))
    }

    async fn ensure_above(&self, kind: IntegerKind, highest: u64) -> Result<(), DirectoryError> {
        self.blocks().ensure_above(kind, highest);
        Ok(())
    }

    async fn record(&self, kind: IntegerKind, number: u64, shard: Shard) -> Result<(), DirectoryError> {
        let mut blocks = self.blocks();
        blocks.ensure_above(kind, number);
        if blocks.find(kind, number).is_none() {
            blocks.blocks.insert((kind, number), Block { first: number, last: number, shard });
        }
        Ok(())
    }
}

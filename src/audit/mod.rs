//! `audit verify`: the whole log read again, the ledger added up, and what hangs on them compared.
//!
//! What is checked, in this order:
//! 1. every shard: positions 0, 1, 2 … without gaps, recorded times that never run back, commits that
//!    are not interleaved, every leaf recomputed;
//! 2. every stream: sequences 1, 2, 3 … and events that this release can read;
//! 3. every wallet: postings that add up to its balance and to what it owes, and what each event says of both;
//! 4. every append: a request or batch and its hold, of its amount, in its payer's wallet; the end of a run and what
//!    is captured for it; a refund, payment, bonus or chargeback and what it does to the wallet; each step of a gift
//!    and what wallets, lot by lot, and allowances say of it;
//! 5. every stream in its order: nothing after the end of a run or batch but refunds and late bills of runs; a payment
//!    is received, a gift sent, settled and taken or refused once; no more is refunded than was captured, or charged
//!    back than was received;
//! 6. every gift across its two shards: taken by whom it was sent to, as what was sent; delivered only if it was
//!    taken, returned only if it was refused;
//! 7. every hold: belongs to a run or batch that has not ended; every run and batch that has not ended has one;
//! 8. every stream once more through the stock postgres-es repository;
//! 9. rows of shards that are none of this installation's;
//! 10. every sealed text: opens under its subject's key;
//! 11. the directory against the log, and every read model against a replay (by [`crate::commands`]).
//!
//! The first position that differs is named.

mod books;
mod chain;
mod gifts;
mod purse;
mod sealed;
mod stock;
#[cfg(test)]
mod tests;
mod together;

use std::collections::HashMap;
use std::fmt;

use mintmark_domain::Shard;
use mintmark_domain::es::{EventLog, Position, ReadError, Recorded, SHARD_OPENED, StreamId};

use sqlx::PgPool;

pub use sealed::unopened;
pub use stock::compare_with_stock_reader;

/// How many events are read at once.
const PAGE: usize = 2_000;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where, if it can be said.
    pub place: Option<(Shard, Position)>,
    /// What differs.
    pub what: String,
}

impl Finding {
    fn at(recorded: &Recorded, what: impl Into<String>) -> Self {
        Finding { place: Some((recorded.shard, recorded.position)), what: what.into() }
    }

    fn of(what: impl Into<String>) -> Self {
        Finding { place: None, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((shard, position)) => write!(f, "shard {shard}, position {position}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// What a read of the log came to.
#[derive(Debug, Default)]
pub struct Verified {
    /// How many events were read.
    pub events: u64,
    /// What differs, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// A digest of every stream, for the comparison with an independent reader.
    pub streams: HashMap<StreamId, StreamDigest>,
}

/// What one reader saw of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamDigest {
    /// Its last sequence.
    pub sequence: u64,
    /// SHA-256 chained over type, version, payload and metadata of its events.
    pub hash: [u8; 32],
}

/// How many findings are kept; a damaged log has millions.
const FINDINGS_MAX: usize = 100;

/// Reads and checks the log of every shard. `progress` is told how many more events were read.
pub async fn verify_log(
    log: &dyn EventLog,
    shards: &[Shard],
    mut progress: impl FnMut(u64),
) -> Result<Verified, ReadError> {
    let mut verified = Verified::default();
    let mut books = books::Books::default();
    for &shard in shards {
        let mut chain = chain::Chain::default();
        let end = log.end(shard).await?.position;
        verified.findings.extend(opening(shard, log.at(shard, Position(0)).await?));
        let mut after = Position(0);
        while after < end && verified.findings.len() < FINDINGS_MAX {
            let page = match read_page(log, shard, after).await? {
                Ok(page) => page,
                // Nothing after it can be followed.
                Err(finding) => {
                    verified.findings.push(finding);
                    break;
                }
            };
            // What is being written meanwhile may end in the middle of an append.
            let page: Vec<Recorded> = page.into_iter().take_while(|recorded| recorded.position <= end).collect();
            let Some(last) = page.last() else {
                verified.findings.push(Finding::of(format!(
                    "shard {shard}: nothing stands after position {after}, but its end is {end}"
                )));
                break;
            };
            after = last.position;
            for recorded in &page {
                verified.findings.extend(chain.check(recorded));
                verified.findings.extend(follow(&mut verified.streams, recorded));
                verified.findings.extend(books.check(recorded));
            }
            verified.events += page.len() as u64;
            progress(page.len() as u64);
        }
        if verified.findings.is_empty() {
            verified.findings.extend(books.end_of_shard());
        }
    }
    if verified.findings.is_empty() {
        verified.findings.extend(books.close(log).await?);
    }
    verified.findings.truncate(FINDINGS_MAX);
    Ok(verified)
}

/// The next rows. A row that no log writes spoils the whole read, so it is looked for by reading less,
/// down to that row alone.
async fn read_page(
    log: &dyn EventLog,
    shard: Shard,
    after: Position,
) -> Result<Result<Vec<Recorded>, Finding>, ReadError> {
    let mut limit = PAGE;
    loop {
        match log.read(shard, after, limit).await {
            Ok(page) => return Ok(Ok(page)),
            Err(ReadError::Corrupt(why)) if limit == 1 => {
                let place = Some((shard, Position(after.0 + 1)));
                return Ok(Err(Finding { place, what: format!("no row that the log writes: {why}") }));
            }
            Err(ReadError::Corrupt(_)) => limit /= 2,
            Err(error) => return Err(error),
        }
    }
}

/// The first row of every shard that is none of this installation's.
pub async fn stray_rows(pool: &PgPool, shards: &[Shard]) -> anyhow::Result<Vec<Finding>> {
    let known: Vec<i16> = shards.iter().map(|shard| shard.number().cast_signed()).collect();
    let strays: Vec<(i16, i64, i64)> = sqlx::query_as(
        "SELECT shard, min(position), count(*) FROM events WHERE shard <> ALL($1) GROUP BY shard ORDER BY shard",
    )
    .bind(known)
    .fetch_all(pool)
    .await?;
    let name = |(shard, position, count): (i16, i64, i64)| {
        let what = format!("{count} rows stand in shard {shard}, which this installation does not have");
        let place = Shard::new(shard.unsigned_abs()).map(|shard| (shard, Position(position.unsigned_abs())));
        Finding { place, what }
    };
    Ok(strays.into_iter().map(name).collect())
}

/// The row that opens a shard, which belongs to no stream of ours.
fn opening(shard: Shard, row: Option<Recorded>) -> Option<Finding> {
    match row {
        None => Some(Finding::of(format!("shard {shard}: nothing stands at position 0"))),
        Some(row) if row.computed_leaf() != row.leaf => Some(Finding::at(&row, chain::ALTERED)),
        Some(row) if row.event_type != SHARD_OPENED => Some(Finding::at(&row, "it does not open the shard")),
        Some(_) => None,
    }
}

/// An event that has one place in its stream, if it stands at another.
fn not_at(recorded: &Recorded, sequence: u64) -> Option<Finding> {
    let (event_type, stream, stands_at) = (&recorded.event_type, recorded.stream, recorded.sequence);
    (stands_at != sequence).then(|| {
        let what = format!("{event_type} is event {stands_at} of {stream:?}, and can only be event {sequence}");
        Finding::at(recorded, what)
    })
}

/// Follows a stream: its sequences have no gaps; its digest grows.
fn follow(streams: &mut HashMap<StreamId, StreamDigest>, recorded: &Recorded) -> Option<Finding> {
    let digest = streams.entry(recorded.stream).or_default();
    let expected = digest.sequence + 1;
    digest.sequence = recorded.sequence;
    digest.hash = stock::chained(digest.hash, recorded);
    (recorded.sequence != expected).then(|| {
        Finding::at(
            recorded,
            format!("{:?} has sequence {} where {expected} comes next", recorded.stream, recorded.sequence),
        )
    })
}

//! Permits of rate limits on Postgres: each of its methods is one statement, which locks its rows in the order of
//! their keys, so that processes wait for each other in no circle.

use std::time::Duration;

use async_trait::async_trait;
use mintmark_domain::Timestamp;
use mintmark_domain::ports::{
    FORGOTTEN_MAX, GivenBack, Lease, LeaseAsk, PermitWindow, Permits, PermitsUnavailable, WANTED_MAX,
};
use sqlx::PgPool;
use uuid::Uuid;

/// The table of this module. Safe to run again.
pub const SCHEMA: &str = include_str!("schema.sql");

/// How long a statement may take, getting a connection included.
const WITHIN: Duration = Duration::from_secs(1);

// What a window has left is divided by four, rounded up. For the first lease of a window that is `granted` of the row
// to be inserted; later that says what is wanted, and less may be left.
const LEASE: &str = "
    INSERT INTO rate_limits AS kept (counter, seconds, ends_at, most, leased, used, granted, wanted)
    SELECT counter, seconds, ends_at, most, least(wanted, (most + 3) / 4), used, least(wanted, (most + 3) / 4), false
    FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
        AS asked (counter, seconds, ends_at, most, wanted, used)
    ORDER BY counter, seconds, ends_at
    ON CONFLICT (counter, seconds, ends_at) DO UPDATE SET
        most = excluded.most,
        granted = least(excluded.granted, (greatest(excluded.most - kept.leased, 0) + 3) / 4),
        leased = kept.leased + least(excluded.granted, (greatest(excluded.most - kept.leased, 0) + 3) / 4),
        used = kept.used + excluded.used,
        wanted = kept.leased >= excluded.most AND kept.leased > kept.used + excluded.used
    RETURNING counter, seconds, ends_at, granted, leased, used";

const GIVE_BACK: &str = "
    WITH given AS (
        SELECT kept.counter, kept.seconds, kept.ends_at, back.unused, back.used
        FROM rate_limits AS kept
        JOIN unnest($1::uuid[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[])
            AS back (counter, seconds, ends_at, unused, used) USING (counter, seconds, ends_at)
        ORDER BY kept.counter, kept.seconds, kept.ends_at
        FOR UPDATE OF kept
    )
    UPDATE rate_limits AS kept SET
        leased = kept.leased - given.unused,
        used = kept.used + given.used,
        wanted = kept.wanted AND kept.leased - given.unused > kept.used + given.used
    FROM given
    WHERE (kept.counter, kept.seconds, kept.ends_at) = (given.counter, given.seconds, given.ends_at)";

const WANTED: &str = "
    SELECT counter, seconds, ends_at FROM rate_limits WHERE wanted AND ends_at > $1 ORDER BY ends_at LIMIT $2";

// What somebody else deletes just now is passed by.
const FORGET: &str = "
    DELETE FROM rate_limits WHERE (counter, seconds, ends_at) IN (
        SELECT counter, seconds, ends_at FROM rate_limits WHERE ends_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";

/// [`Permits`] in the table `rate_limits`.
#[derive(Clone, Debug)]
pub struct PgPermits {
    pool: PgPool,
}

#[derive(sqlx::FromRow)]
struct Row {
    counter: Uuid,
    seconds: i32,
    ends_at: i64,
    granted: i64,
    leased: i64,
    used: i64,
}

/// The keys of windows, as arrays for a statement.
#[derive(Default)]
struct Keys {
    counters: Vec<Uuid>,
    seconds: Vec<i32>,
    ends_at: Vec<i64>,
}

impl FromIterator<PermitWindow> for Keys {
    fn from_iter<I: IntoIterator<Item = PermitWindow>>(windows: I) -> Self {
        let mut keys = Keys::default();
        for PermitWindow { counter, seconds, ends_at } in windows {
            keys.counters.push(counter);
            keys.seconds.push(seconds.cast_signed());
            keys.ends_at.push(ends_at);
        }
        keys
    }
}

impl PgPermits {
    /// Over a pool; [`SCHEMA`] makes the table. Best a pool of its own of two connections, so that requests are
    /// counted while others wait for theirs.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        PgPermits { pool }
    }
}

/// What a statement came to, in time.
async fn done<T>(statement: impl Future<Output = sqlx::Result<T>>) -> Result<T, PermitsUnavailable> {
    match tokio::time::timeout(WITHIN, statement).await {
        Ok(done) => done.map_err(|error| PermitsUnavailable(error.to_string())),
        Err(_) => Err(PermitsUnavailable(format!("no answer within {} s", WITHIN.as_secs()))),
    }
}

fn window(counter: Uuid, seconds: i32, ends_at: i64) -> PermitWindow {
    PermitWindow { counter, seconds: seconds.cast_unsigned(), ends_at }
}

/// A count of the table's. None is negative, nor greater than a limit can be.
fn count(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

#[async_trait]
impl Permits for PgPermits {
    async fn lease(&self, asks: &[LeaseAsk]) -> Result<Vec<Lease>, PermitsUnavailable> {
        let keys: Keys = asks.iter().map(|ask| ask.window).collect();
        let numbers = |of: fn(&LeaseAsk) -> u32| asks.iter().map(|ask| i64::from(of(ask))).collect::<Vec<_>>();
        let statement = sqlx::query_as(LEASE)
            .bind(keys.counters)
            .bind(keys.seconds)
            .bind(keys.ends_at)
            .bind(numbers(|ask| ask.limit))
            .bind(numbers(|ask| ask.wanted))
            .bind(numbers(|ask| ask.used));
        let rows: Vec<Row> = done(statement.fetch_all(&self.pool)).await?;
        let lease = |row: Row| Lease {
            window: window(row.counter, row.seconds, row.ends_at),
            granted: count(row.granted),
            leased: count(row.leased),
            used: count(row.used),
        };
        Ok(rows.into_iter().map(lease).collect())
    }

    async fn give_back(&self, given: &[GivenBack]) -> Result<(), PermitsUnavailable> {
        let keys: Keys = given.iter().map(|given| given.window).collect();
        let numbers = |of: fn(&GivenBack) -> u32| given.iter().map(|given| i64::from(of(given))).collect::<Vec<_>>();
        let statement = sqlx::query(GIVE_BACK)
            .bind(keys.counters)
            .bind(keys.seconds)
            .bind(keys.ends_at)
            .bind(numbers(|given| given.unused))
            .bind(numbers(|given| given.used));
        done(statement.execute(&self.pool)).await.map(drop)
    }

    async fn wanted(&self, now: Timestamp) -> Result<Vec<PermitWindow>, PermitsUnavailable> {
        let statement = sqlx::query_as(WANTED).bind(now.timestamp()).bind(i64::from(WANTED_MAX));
        let rows: Vec<(Uuid, i32, i64)> = done(statement.fetch_all(&self.pool)).await?;
        Ok(rows.into_iter().map(|(counter, seconds, ends_at)| window(counter, seconds, ends_at)).collect())
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, PermitsUnavailable> {
        let statement = sqlx::query(FORGET).bind(before.timestamp()).bind(i64::from(FORGOTTEN_MAX));
        Ok(done(statement.execute(&self.pool)).await?.rows_affected())
    }
}

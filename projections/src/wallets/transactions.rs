//! Lists of a wallet's movements.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use mintmark_domain::ids::{AccountId, BatchId, GiftId, PaymentId, RunId, WalletId};
use mintmark_domain::money::ChargingRule;
use mintmark_domain::wallet::LotNumber;
use mintmark_domain::{Credits, Timestamp};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::error::QueryError;
use crate::positions::{Place, Positions, Walk, position_column};
use crate::projection::ProjectionName;
use crate::reads::{Order, Page, Paging, ReadModels, Stretch};
use crate::sql::{credits, unsigned};

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The name in lists and SQL.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                let known = $name::ALL.iter().copied().find(|known| known.as_str() == text);
                known.ok_or_else(|| format!("unknown: {text:?}"))
            }
        }
    };
}

names! {
    /// What a movement was (the Generor document's types, and decision 4's).
    TransactionKind {
        /// Held for, or captured by, a run or batch.
        Spend = "spend",
        /// Bought, or granted by the operator as paid for.
        Purchase = "purchase",
        /// The bonus of a day.
        DailyBonus = "daily_bonus",
        /// The bonus of a week.
        WeeklyBonus = "weekly_bonus",
        /// The bonus for signing up.
        SignupBonus = "signup_bonus",
        /// Given back after a capture.
        Refund = "refund",
        /// Given to another account.
        GiftSent = "gift_sent",
        /// Received from another account.
        GiftReceived = "gift_received",
        /// Not spent in time.
        Expiry = "expiry",
        /// Put right by the operator.
        Adjustment = "adjustment",
        /// Taken back with a payment, or paid later because the payment was charged back.
        Chargeback = "chargeback",
    }
}

names! {
    /// Where a movement stands. Only what is spent begins as pending.
    TransactionStatus {
        /// Held.
        Pending = "pending",
        /// Final.
        Settled = "settled",
        /// Held, and given back whole: the amount is nothing.
        Released = "released",
    }
}

/// A movement. The amounts of a wallet's movements sum to what can be spent from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Transaction {
    /// Its number in the wallet: the sequence of the event that began it.
    pub number: u64,
    /// What it was.
    pub kind: TransactionKind,
    /// Where it stands.
    pub status: TransactionStatus,
    /// What it changes in what can be spent; negative where it takes.
    pub amount: Credits,
    /// What of it is still held.
    pub held: Credits,
    /// What of it was captured.
    pub captured: Credits,
    /// What could be spent right after it last changed.
    pub balance_after: Credits,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The line of the charging rules by which it was captured.
    pub rule: Option<ChargingRule>,
    /// The run that it was held for, or that was refunded.
    pub run: Option<RunId>,
    /// The batch that it was held for.
    pub batch: Option<BatchId>,
    /// The payment bought with or charged back.
    pub payment: Option<PaymentId>,
    /// The gift.
    pub gift: Option<GiftId>,
    /// Who gave, or received, the gift.
    pub other_account: Option<AccountId>,
    /// The lot that came in or expired.
    pub lot: Option<LotNumber>,
    /// A bonus's period; the operator's reason; `refunded` where a payment was taken back by the seller.
    pub detail: Option<String>,
    /// What a chargeback could not take, because it was spent or held: it is owed. Negative where
    /// credits that came in later paid for it.
    pub owed: Credits,
    /// The run's model.
    pub model: Option<String>,
    /// The run's generator, where it came through one.
    pub generator: Option<String>,
    /// Public integer ids of the run's creations, in order.
    pub creations: Vec<u64>,
}

#[derive(sqlx::FromRow)]
struct View {
    number: i64,
    recorded_at: DateTime<Utc>,
    kind: String,
    run_id: Option<Uuid>,
    batch_id: Option<Uuid>,
    payment_id: Option<Uuid>,
    gift_id: Option<Uuid>,
    other_account: Option<Uuid>,
    lot: Option<i32>,
    detail: Option<String>,
    owed: Decimal,
    amount: Decimal,
    held: Decimal,
    captured: Decimal,
    status: String,
    rule: Option<String>,
    balance_after: Decimal,
    updated_at: DateTime<Utc>,
    model: Option<String>,
    generator: Option<String>,
    creations: Vec<i64>,
}

/// The table's name in errors.
const TABLE: &str = "transactions";

impl View {
    fn shown(self) -> Result<Transaction, QueryError> {
        let bad = |why: String| QueryError::Row { table: TABLE, why };
        let rule = match self.rule {
            None => None,
            Some(code) => Some(ChargingRule::from_code(&code).ok_or_else(|| bad(format!("the rule {code}")))?),
        };
        Ok(Transaction {
            number: unsigned(TABLE, self.number)?,
            kind: self.kind.parse().map_err(bad)?,
            status: self.status.parse().map_err(bad)?,
            amount: credits(TABLE, self.amount)?,
            held: credits(TABLE, self.held)?,
            captured: credits(TABLE, self.captured)?,
            balance_after: credits(TABLE, self.balance_after)?,
            created_at: self.recorded_at,
            updated_at: self.updated_at,
            rule,
            run: self.run_id.map(RunId),
            batch: self.batch_id.map(BatchId),
            payment: self.payment_id.map(PaymentId),
            gift: self.gift_id.map(GiftId),
            other_account: self.other_account.map(AccountId),
            lot: self.lot.map(i32::cast_unsigned),
            detail: self.detail,
            owed: credits(TABLE, self.owed)?,
            model: self.model,
            generator: self.generator,
            creations: self.creations.into_iter().map(|number| unsigned(TABLE, number)).collect::<Result<_, _>>()?,
        })
    }

    /// Movements are numbered in the order in which they were recorded.
    fn place(&self) -> Place {
        Place { at: self.recorded_at, id: Uuid::from_u128(u128::from(self.number.unsigned_abs())) }
    }
}

/// The page's rows are found first; what belongs to their runs is then looked up for them alone.
macro_rules! transactions {
    ($order:literal, $rest:literal) => {
        concat!(
            "SELECT t.*, r.model, r.generator,
                    ARRAY(SELECT c.number FROM read_generation_v3.creations c
                          WHERE c.run_id = t.run_id ORDER BY c.output_index) AS creations
             FROM (SELECT number, recorded_at, kind, run_id, batch_id, payment_id, gift_id, other_account, lot, detail,
                          owed, amount, held, captured, status, rule, balance_after, updated_at
                   FROM read_wallets_v2.transactions
                   WHERE wallet_id = $1 AND position <= $2 AND ($3::text IS NULL OR kind = $3) ",
            $rest,
            " ORDER BY number ",
            $order,
            " LIMIT $4) AS t
             LEFT JOIN read_generation_v3.runs r ON r.run_id = t.run_id
             ORDER BY t.number ",
            $order
        )
    };
}

impl ReadModels {
    /// A numbered page of a wallet's movements.
    pub async fn transaction_page(
        &self,
        wallet: WalletId,
        kind: Option<TransactionKind>,
        paging: &Paging,
    ) -> Result<Page<Transaction>, QueryError> {
        self.readable("SELECT EXISTS (SELECT FROM read_wallets_v2.unreadable WHERE stream_id = $1)", wallet.0).await?;
        let as_of = self.pin(ProjectionName::Wallets, wallet.shard(), paging.pinned()).await?;
        let (position, kind) = (pinned(&as_of, wallet), kind.map(TransactionKind::as_str));
        let total: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM read_wallets_v2.transactions
             WHERE wallet_id = $1 AND position <= $2 AND ($3::text IS NULL OR kind = $3)",
        )
        .bind(wallet.0)
        .bind(position)
        .bind(kind)
        .fetch_one(&self.pool)
        .await?;
        // What stands after the offset is found by number, so that rows on the way are not joined.
        let sql = match paging.order {
            Order::Newest => transactions!(
                "DESC",
                "AND number <= (SELECT number FROM read_wallets_v2.transactions
                WHERE wallet_id = $1 AND position <= $2 AND ($3::text IS NULL OR kind = $3)
                ORDER BY number DESC LIMIT 1 OFFSET $5)"
            ),
            Order::Oldest => transactions!(
                "ASC",
                "AND number >= (SELECT number FROM read_wallets_v2.transactions
                WHERE wallet_id = $1 AND position <= $2 AND ($3::text IS NULL OR kind = $3)
                ORDER BY number LIMIT 1 OFFSET $5)"
            ),
        };
        let rows: Vec<View> = sqlx::query_as(sql)
            .bind(wallet.0)
            .bind(position)
            .bind(kind)
            .bind(paging.limit())
            .bind(paging.offset())
            .fetch_all(&self.pool)
            .await?;
        let items = rows.into_iter().map(View::shown).collect::<Result<_, _>>()?;
        Ok(Page { items, total: unsigned(TABLE, total)?, total_capped: false, as_of: as_of.into() })
    }

    /// A stretch of a walk through a wallet's movements.
    pub async fn transaction_walk(
        &self,
        wallet: WalletId,
        kind: Option<TransactionKind>,
        order: Order,
        walk: &Walk,
        limit: u32,
    ) -> Result<Stretch<Transaction>, QueryError> {
        self.readable("SELECT EXISTS (SELECT FROM read_wallets_v2.unreadable WHERE stream_id = $1)", wallet.0).await?;
        let as_of = self.pin(ProjectionName::Wallets, wallet.shard(), Some(&walk.as_of)).await?;
        let limit = Paging::first(limit).limit();
        let after = walk.after.map(|place| i64::try_from(place.id.as_u128()).unwrap_or(i64::MAX));
        let (sql, start) = match order {
            Order::Newest => (transactions!("DESC", "AND number < $5"), i64::MAX),
            Order::Oldest => (transactions!("ASC", "AND number > $5"), i64::MIN),
        };
        let rows: Vec<View> = sqlx::query_as(sql)
            .bind(wallet.0)
            .bind(pinned(&as_of, wallet))
            .bind(kind.map(TransactionKind::as_str))
            .bind(limit + 1)
            .bind(after.unwrap_or(start))
            .fetch_all(&self.pool)
            .await?;
        let items = rows.into_iter().map(|row| Ok((row.place(), row.shown()?))).collect::<Result<_, QueryError>>()?;
        Ok(Stretch::of(items, limit, as_of))
    }

    /// One movement.
    pub async fn transaction(&self, wallet: WalletId, number: u64) -> Result<Option<Transaction>, QueryError> {
        self.readable("SELECT EXISTS (SELECT FROM read_wallets_v2.unreadable WHERE stream_id = $1)", wallet.0).await?;
        let row: Option<View> = sqlx::query_as(transactions!("ASC", "AND number = $5"))
            .bind(wallet.0)
            .bind(i64::MAX)
            .bind(None::<&str>)
            .bind(1_i64)
            .bind(i64::try_from(number).unwrap_or(i64::MAX))
            .fetch_optional(&self.pool)
            .await?;
        row.map(View::shown).transpose()
    }
}

fn pinned(as_of: &Positions, wallet: WalletId) -> i64 {
    as_of.get(wallet.shard()).map_or(0, position_column)
}

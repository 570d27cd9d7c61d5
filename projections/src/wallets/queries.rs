//! What is asked of wallets.

use chrono::{DateTime, Utc};
use mintmark_domain::ids::{AccountId, BatchId, RunId, TeamId, WalletId};
use mintmark_domain::wallet::{Balance, HeldFor, LotKind, LotNumber, WalletOwner};
use mintmark_domain::{Credits, Timestamp};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::error::QueryError;
use crate::reads::ReadModels;
use crate::sql::credits;

/// A wallet as its owner sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wallet {
    /// Its id.
    pub id: WalletId,
    /// Whose it is.
    pub owner: WalletOwner,
    /// What it holds; lots that are due count as expired, whether that is recorded yet or not.
    pub balance: Balance,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Credits that came in together.
#[derive(Clone, Debug, PartialEq)]
pub struct Lot {
    /// Its number in the wallet.
    pub number: LotNumber,
    /// Where the credits came from.
    pub kind: LotKind,
    /// Spent before lots of a higher number.
    pub priority: i16,
    /// How much it held at first.
    pub amount: Credits,
    /// What can be spent of it.
    pub available: Credits,
    /// What of it is set aside.
    pub held: Credits,
    /// `purchase`, `bonus`, `gift`, `gift_returned`, `operator` or `refund`.
    pub source: String,
    /// The payment, bonus, gift or run that it came with.
    pub reference: Option<String>,
    /// When it came in.
    pub granted_at: Timestamp,
    /// When what is left expires.
    pub expires_at: Option<Timestamp>,
    /// Whether it has.
    pub expired: bool,
}

/// A hold that is open.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenHold {
    /// What it is for.
    pub held_for: HeldFor,
    /// What it set aside at first.
    pub amount: Credits,
    /// What is still set aside.
    pub remaining: Credits,
    /// When.
    pub held_at: Timestamp,
}

macro_rules! wallets_where {
    ($condition:literal) => {
        concat!(
            "SELECT w.wallet_id, w.owner_kind, w.account_id, w.team_id, w.opened_at, w.updated_at, w.held, w.receivable,
           w.paid - due.paid AS paid, w.free - due.free AS free, w.earned - due.earned AS earned
    FROM read_wallets_v2.wallets w
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(available) FILTER (WHERE kind = 'paid'), 0) AS paid,
               coalesce(sum(available) FILTER (WHERE kind = 'free'), 0) AS free,
               coalesce(sum(available) FILTER (WHERE kind = 'earned'), 0) AS earned
        FROM read_wallets_v2.wallet_lots l
        WHERE l.wallet_id = w.wallet_id AND NOT l.expired AND l.expires_at <= $2 AND l.available > 0
    ) AS due WHERE ",
            $condition
        )
    };
}

#[derive(sqlx::FromRow)]
struct WalletView {
    wallet_id: Uuid,
    owner_kind: String,
    account_id: Option<Uuid>,
    team_id: Option<Uuid>,
    opened_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    held: Decimal,
    receivable: Decimal,
    paid: Decimal,
    free: Decimal,
    earned: Decimal,
}

impl WalletView {
    fn shown(self) -> Result<Wallet, QueryError> {
        let bad = |why: String| QueryError::Row { table: "wallets", why };
        let (account, team) = (self.account_id.map(AccountId), self.team_id.map(TeamId));
        let owner = match (self.owner_kind.as_str(), account, team) {
            ("account", Some(account), _) => WalletOwner::Account(account),
            ("team", _, Some(team)) => WalletOwner::Team(team),
            ("allowance", Some(member), Some(team)) => WalletOwner::Allowance { team, member },
            (other, ..) => return Err(bad(format!("owner {other}"))),
        };
        let [paid, free, earned, held, receivable] =
            [self.paid, self.free, self.earned, self.held, self.receivable].map(|amount| credits("wallets", amount));
        let (paid, free, earned) = (paid?, free?, earned?);
        let balance =
            Balance { available: paid + free + earned, held: held?, paid, free, earned, receivable: receivable? };
        Ok(Wallet {
            id: WalletId(self.wallet_id),
            owner,
            balance,
            opened_at: self.opened_at,
            updated_at: self.updated_at,
        })
    }
}

#[derive(sqlx::FromRow)]
struct LotView {
    lot: i32,
    kind: String,
    priority: i16,
    amount: Decimal,
    available: Decimal,
    held: Decimal,
    source: String,
    reference: Option<String>,
    granted_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    expired: bool,
}

impl LotView {
    fn shown(self) -> Result<Lot, QueryError> {
        let kinds = [LotKind::Free, LotKind::Earned, LotKind::Paid];
        let kind = kinds.into_iter().find(|kind| kind.as_str() == self.kind);
        Ok(Lot {
            number: self.lot.cast_unsigned(),
            kind: kind.ok_or(QueryError::Row { table: "wallet_lots", why: self.kind })?,
            priority: self.priority,
            amount: credits("wallet_lots", self.amount)?,
            available: credits("wallet_lots", self.available)?,
            held: credits("wallet_lots", self.held)?,
            source: self.source,
            reference: self.reference,
            granted_at: self.granted_at,
            expires_at: self.expires_at,
            expired: self.expired,
        })
    }
}

impl ReadModels {
    /// A wallet as it stands at `now`; `None` if it was never opened.
    pub async fn wallet(&self, wallet: WalletId, now: Timestamp) -> Result<Option<Wallet>, QueryError> {
        self.readable("SELECT EXISTS (SELECT FROM read_wallets_v2.unreadable WHERE stream_id = $1)", wallet.0).await?;
        let row: Option<WalletView> = sqlx::query_as(wallets_where!("w.wallet_id = $1"))
            .bind(wallet.0)
            .bind(now)
            .fetch_optional(&self.pool)
            .await?;
        row.map(WalletView::shown).transpose()
    }

    /// An account's own wallet and its allowances from teams, its own first.
    pub async fn wallets_of(&self, account: AccountId, now: Timestamp) -> Result<Vec<Wallet>, QueryError> {
        let rows: Vec<WalletView> =
            sqlx::query_as(wallets_where!("w.account_id = $1 ORDER BY w.team_id IS NOT NULL, w.wallet_id"))
                .bind(account.0)
                .bind(now)
                .fetch_all(&self.pool)
                .await?;
        rows.into_iter().map(WalletView::shown).collect()
    }

    /// The lots of a wallet in which something is left or held, in the order in which they came in;
    /// with `all` those that are used up too.
    pub async fn lots(&self, wallet: WalletId, all: bool) -> Result<Vec<Lot>, QueryError> {
        let rows: Vec<LotView> = sqlx::query_as(
            "SELECT lot, kind, priority, amount, available, held, source, reference, granted_at, expires_at, expired
             FROM read_wallets_v2.wallet_lots
             WHERE wallet_id = $1 AND ($2 OR available > 0 OR held > 0) ORDER BY lot",
        )
        .bind(wallet.0)
        .bind(all)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(LotView::shown).collect()
    }

    /// The open holds of a wallet, the oldest first, at most `limit`.
    pub async fn open_holds(&self, wallet: WalletId, limit: u32) -> Result<Vec<OpenHold>, QueryError> {
        let rows: Vec<(Uuid, String, Decimal, Decimal, DateTime<Utc>)> = sqlx::query_as(
            "SELECT hold_id, held_for, amount, remaining, held_at FROM read_wallets_v2.wallet_holds
             WHERE wallet_id = $1 ORDER BY movement LIMIT $2",
        )
        .bind(wallet.0)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let shown = rows.into_iter().map(|(id, held_for, amount, remaining, held_at)| {
            let held_for = match held_for.as_str() {
                "run" => HeldFor::Run(RunId(id)),
                "batch" => HeldFor::Batch(BatchId(id)),
                other => return Err(QueryError::Row { table: "wallet_holds", why: format!("a hold for a {other}") }),
            };
            let (amount, remaining) = (credits("wallet_holds", amount)?, credits("wallet_holds", remaining)?);
            Ok(OpenHold { held_for, amount, remaining, held_at })
        });
        shown.collect()
    }
}

//! The wallet: balance, lots, holds, transactions.

use async_graphql::{Enum, Object, SimpleObject};
use chrono::{DateTime, Utc};
use mintmark_domain::account::Scope;
use mintmark_domain::usecases::WalletView;
use mintmark_domain::wallet::{Hold, Lot, LotKind, LotNumber};

use crate::filter::ListOrder;
use crate::guard::Needs;
use crate::paging::{self, TransactionConnection, transactions};
use crate::scalar::{Credits, Long};
use crate::state::ContextExt as _;

/// Where credits came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "LotKind")]
pub(crate) enum Kind {
    /// Given by the house.
    Free,
    /// Received as a gift.
    Earned,
    /// Bought.
    Paid,
}

impl From<LotKind> for Kind {
    fn from(kind: LotKind) -> Self {
        match kind {
            LotKind::Free => Kind::Free,
            LotKind::Earned => Kind::Earned,
            LotKind::Paid => Kind::Paid,
        }
    }
}

/// The account's purse, as enforced.
pub(crate) struct Wallet(pub WalletView);

/// The account's purse: what is shown is what is enforced.
#[Object]
impl Wallet {
    /// What can be spent now.
    async fn available(&self) -> Credits {
        self.0.balance.available.into()
    }

    /// What is set aside for runs and batches.
    async fn held(&self) -> Credits {
        self.0.balance.held.into()
    }

    /// Bought, and can be spent.
    async fn paid(&self) -> Credits {
        self.0.balance.paid.into()
    }

    /// Given by the house, and can be spent.
    async fn free(&self) -> Credits {
        self.0.balance.free.into()
    }

    /// Received as gifts, and can be spent.
    async fn earned(&self) -> Credits {
        self.0.balance.earned.into()
    }

    /// The ceiling up to which free credits are refilled.
    async fn max(&self) -> Credits {
        self.0.max.into()
    }

    /// Owed after a payment was taken back whose credits were spent or held; whatever comes in pays this first.
    async fn receivable(&self) -> Credits {
        self.0.balance.receivable.into()
    }

    /// The open lots, in the order in which they came in.
    #[graphql(complexity = "10 + child_complexity")]
    async fn lots(&self) -> Vec<WalletLot> {
        self.0.wallet.lots().map(|(number, lot)| WalletLot::new(number, lot)).collect()
    }

    /// The open holds; the first 100.
    #[graphql(complexity = "10 + child_complexity")]
    async fn holds(&self) -> Vec<WalletHold> {
        self.0.wallet.holds().take(100).map(WalletHold::new).collect()
    }

    /// What moved, by when. A walk is pinned to its first page: it neither skips nor repeats.
    #[graphql(guard = "Needs(Scope::CreditsRead)", complexity = "paging::cost(first, child_complexity)")]
    async fn transactions(
        &self,
        ctx: &async_graphql::Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
        #[graphql(desc = "Only this type: `spend`, `purchase`, `refund` …")] r#type: Option<String>,
        #[graphql(default, desc = "What comes first.")] order: ListOrder,
    ) -> async_graphql::Result<TransactionConnection> {
        let _turn = ctx.turn().await;
        let wallet = ctx.caller()?.account.wallet();
        Ok(transactions(ctx, wallet, order, first, after, r#type).await?)
    }
}

/// Credits that came in together and expire together.
#[derive(SimpleObject)]
pub(crate) struct WalletLot {
    /// Its number in the wallet.
    number: Long,
    /// Where they came from.
    kind: Kind,
    /// What can be spent.
    available: Credits,
    /// What is set aside.
    held: Credits,
    /// Spent before lots of a higher number.
    priority: i32,
    /// When what is left expires.
    expires_at: Option<DateTime<Utc>>,
}

impl WalletLot {
    fn new(number: LotNumber, lot: &Lot) -> Self {
        WalletLot {
            number: Long(number.into()),
            kind: lot.kind.into(),
            available: lot.available.into(),
            held: lot.held.into(),
            priority: lot.priority.into(),
            expires_at: lot.expires_at,
        }
    }
}

/// Credits set aside for a run or a batch.
#[derive(SimpleObject)]
pub(crate) struct WalletHold {
    /// The run, if it is for one.
    run_id: Option<String>,
    /// The batch, if it is for one.
    batch_id: Option<String>,
    /// What was set aside at first.
    amount: Credits,
    /// What is left of it.
    left: Credits,
}

impl WalletHold {
    fn new(hold: &Hold) -> Self {
        use mintmark_domain::wallet::HeldFor;
        let (run_id, batch_id) = match hold.held_for {
            HeldFor::Run(run) => (Some(run.to_string()), None),
            HeldFor::Batch(batch) => (None, Some(batch.to_string())),
        };
        WalletHold { run_id, batch_id, amount: hold.amount.into(), left: hold.left().into() }
    }
}

//! How wallets are applied.

use std::collections::HashSet;

use async_trait::async_trait;
use mintmark_domain::Shard;
use mintmark_domain::wallet::{Part, WalletEvent};
use sqlx::PgConnection;
use uuid::Uuid;

use super::fold::Fold;
use super::rows::{HoldKey, HoldRow, LotKey, LotRow, TransactionKey, TransactionRow, WalletKey, WalletRow};
use crate::error::ApplyError;
use crate::fact::{Event, Fact, Kind};
use crate::projection::{Definition, Projection, ProjectionName};
use crate::table::Rows;

/// Wallets, lots, holds and transactions.
#[derive(Clone, Copy, Debug, Default)]
pub struct WalletsProjection;

#[async_trait]
impl Projection for WalletsProjection {
    fn name(&self) -> ProjectionName {
        ProjectionName::Wallets
    }

    fn definition(&self) -> Definition {
        Definition {
            schema: "read_wallets_v2",
            ddl: include_str!("schema.sql"),
            tables: &[
                ("wallets", "wallet_id"),
                ("wallet_lots", "wallet_id, lot"),
                ("wallet_holds", "wallet_id, hold_id"),
                ("transactions", "wallet_id, number"),
            ],
        }
    }

    fn wants(&self, kind: Kind) -> bool {
        match kind {
            Kind::Wallet => true,
            Kind::Account | Kind::Run | Kind::Creation | Kind::Batch | Kind::Webhook | Kind::People => false,
        }
    }

    async fn apply(&self, connection: &mut PgConnection, _: Shard, events: &[&Event]) -> Result<(), ApplyError> {
        let mut fold = Touched::by(events).load(connection).await?;
        for event in events {
            if let Fact::Wallet(fact) = &event.fact {
                fold.apply(&event.recorded, fact)?;
            }
        }
        fold.wallets.save(connection).await?;
        fold.lots.save(connection).await?;
        fold.holds.save(connection).await?;
        fold.transactions.save(connection).await?;
        Ok(())
    }
}

/// Rows that a batch needs from before it.
#[derive(Default)]
struct Touched {
    wallets: HashSet<WalletKey>,
    lots: HashSet<LotKey>,
    holds: HashSet<HoldKey>,
    /// Came to be in the batch itself.
    new_wallets: HashSet<Uuid>,
    new_lots: HashSet<LotKey>,
    new_holds: HashSet<HoldKey>,
}

impl Touched {
    fn by(events: &[&Event]) -> Self {
        let mut touched = Touched::default();
        for event in events {
            if let Fact::Wallet(fact) = &event.fact {
                touched.add(event.recorded.stream.id, fact);
            }
        }
        touched
    }

    fn add(&mut self, wallet_id: Uuid, fact: &WalletEvent) {
        if !matches!(fact, WalletEvent::Opened { .. }) && !self.new_wallets.contains(&wallet_id) {
            self.wallets.insert(WalletKey { wallet_id });
        }
        match fact {
            WalletEvent::Opened { .. } => {
                self.new_wallets.insert(wallet_id);
            }
            WalletEvent::LotGranted { lot, .. } => self.new_lot(wallet_id, *lot),
            WalletEvent::CreditsHeld { held_for, parts, .. } => {
                self.parts(wallet_id, parts);
                self.new_holds.insert(HoldKey { wallet_id, hold_id: held_for.id().0 });
            }
            WalletEvent::HoldSplit { batch, run, .. } => {
                self.hold(wallet_id, batch.0);
                self.new_holds.insert(HoldKey { wallet_id, hold_id: run.0 });
            }
            WalletEvent::CreditsCaptured { held_for, parts, .. }
            | WalletEvent::CreditsReleased { held_for, parts, .. } => {
                self.parts(wallet_id, parts);
                self.hold(wallet_id, held_for.id().0);
            }
            WalletEvent::CreditsRefunded { lots, .. } => lots.iter().for_each(|lot| self.new_lot(wallet_id, lot.lot)),
            WalletEvent::CreditsGifted { parts, .. }
            | WalletEvent::CreditsAdjusted { parts, .. }
            | WalletEvent::PaymentChargedBack { parts, .. }
            | WalletEvent::ReceivablePaid { parts, .. } => self.parts(wallet_id, parts),
            WalletEvent::LotExpired { lot, .. } => self.lot(wallet_id, *lot),
        }
    }

    fn new_lot(&mut self, wallet_id: Uuid, lot: u32) {
        self.new_lots.insert(LotKey { wallet_id, lot: lot.cast_signed() });
    }

    fn lot(&mut self, wallet_id: Uuid, lot: u32) {
        let key = LotKey { wallet_id, lot: lot.cast_signed() };
        if !self.new_lots.contains(&key) {
            self.lots.insert(key);
        }
    }

    fn parts(&mut self, wallet_id: Uuid, parts: &[Part]) {
        for part in parts {
            self.lot(wallet_id, part.lot);
        }
    }

    fn hold(&mut self, wallet_id: Uuid, hold_id: Uuid) {
        let key = HoldKey { wallet_id, hold_id };
        if !self.new_holds.contains(&key) {
            self.holds.insert(key);
        }
    }

    async fn load(self, connection: &mut PgConnection) -> sqlx::Result<Fold> {
        let holds = Rows::<HoldRow>::load(connection, self.holds.iter().cloned().collect()).await?;
        let movements = self.holds.iter().filter_map(|key| holds.get(key));
        let movements = movements.map(|hold| TransactionKey { wallet_id: hold.wallet_id, number: hold.movement });
        let movements = movements.collect();
        Ok(Fold {
            wallets: Rows::<WalletRow>::load(connection, self.wallets.into_iter().collect()).await?,
            lots: Rows::<LotRow>::load(connection, self.lots.into_iter().collect()).await?,
            transactions: Rows::<TransactionRow>::load(connection, movements).await?,
            holds,
        })
    }
}

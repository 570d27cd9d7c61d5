//! What people and runners do, through the real use cases.

use std::sync::Arc;

use futures::executor::block_on;
use proptest::prelude::*;

use super::world::World;
use crate::Credits;
use crate::account::Scope;
use crate::batch::BatchMode;
use crate::catalog::{Ask, Dialect};
use crate::creation::{Output, Privacy};
use crate::event_book::sample_id;
use crate::ids::{AccountId, BatchId, PaymentId, RunId};
use crate::money::ChargingRule;
use crate::payment::Reversal;
use crate::run::{AttemptRef, AttemptState, FailureReason, Inputs, ReportedCost, Run};
use crate::usecases::{
    BatchItemRequest, BatchRequest, Caller, Conclusion, Core, Delivery, DeliveryContent, Grant, Happened,
    IdempotencyKey, ItemStart, NewGift, PaymentNotice, Refusal, RunRequest, SubmitPlan,
};
use crate::wallet::{LotKind, WalletOwner};

/// What somebody does. Runs, batches and payments are named by their place among those accepted so far.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Grant { reference: u8, amount: u32, kind: LotKind, lives: Option<i64> },
    Request { key: u8, auto: bool, count: i64, at_once: bool },
    Batch { key: u8, items: usize, concurrency: u32 },
    StartItem { batch: usize, at_once: bool },
    Intend { run: usize },
    TakeOver { run: usize },
    Submitted { run: usize },
    Disprove { run: usize },
    Unknown { run: usize },
    Finish { run: usize, delivered: u8, low: bool },
    Fail { run: usize },
    CancelRun { run: usize },
    Stopped { run: usize, delivered: u8, low: bool },
    Settle { run: usize },
    CancelBatch { batch: usize },
    Refund { run: usize, reference: u8, amount: u32 },
    ChargeBack { payment: usize, reference: u8, amount: u32 },
    Notice { id: u8, what: Happened, amount: u32 },
    Gift { key: u8, amount: u32 },
    Bonuses,
    Wait { seconds: i64 },
}

pub(super) fn acts() -> impl Strategy<Value = Act> {
    let kinds = prop_oneof![Just(LotKind::Free), Just(LotKind::Earned), Just(LotKind::Paid)];
    let grant = (0u8..4, 1u32..60, kinds, prop::option::of(1i64..100_000));
    let run = || 0usize..6;
    prop_oneof![
        4 => grant.prop_map(|(reference, amount, kind, lives)| Act::Grant { reference, amount, kind, lives }),
        6 => (0u8..5, any::<bool>(), 1i64..4, any::<bool>())
            .prop_map(|(key, auto, count, at_once)| Act::Request { key, auto, count, at_once }),
        3 => (0u8..2, 1usize..4, 1u32..3).prop_map(|(key, items, concurrency)| Act::Batch { key, items, concurrency }),
        5 => (0usize..2, any::<bool>()).prop_map(|(batch, at_once)| Act::StartItem { batch, at_once }),
        6 => run().prop_map(|run| Act::Intend { run }),
        1 => run().prop_map(|run| Act::TakeOver { run }),
        2 => run().prop_map(|run| Act::Submitted { run }),
        2 => run().prop_map(|run| Act::Disprove { run }),
        2 => run().prop_map(|run| Act::Unknown { run }),
        5 => (run(), any::<u8>(), any::<bool>()).prop_map(|(run, delivered, low)| Act::Finish { run, delivered, low }),
        2 => run().prop_map(|run| Act::Fail { run }),
        2 => run().prop_map(|run| Act::CancelRun { run }),
        2 => (run(), any::<u8>(), any::<bool>())
            .prop_map(|(run, delivered, low)| Act::Stopped { run, delivered, low }),
        1 => run().prop_map(|run| Act::Settle { run }),
        1 => (0usize..2).prop_map(|batch| Act::CancelBatch { batch }),
        2 => (run(), 0u8..3, 1u32..4).prop_map(|(run, reference, amount)| Act::Refund { run, reference, amount }),
        2 => (0usize..4, 0u8..3, 1u32..60)
            .prop_map(|(payment, reference, amount)| Act::ChargeBack { payment, reference, amount }),
        3 => (1i64..90_000).prop_map(|seconds| Act::Wait { seconds }),
        6 => (0u8..3, happened(), 1u32..60).prop_map(|(id, what, amount)| Act::Notice { id, what, amount }),
        1 => (0u8..3, 1u32..20).prop_map(|(key, amount)| Act::Gift { key, amount }),
        2 => Just(Act::Bonuses),
    ]
}

fn happened() -> impl Strategy<Value = Happened> {
    let reversed = (any::<bool>(), prop::option::of(0u8..3)).prop_map(|(refunded, reference)| Happened::Reversed {
        how: if refunded { Reversal::Refunded } else { Reversal::Chargeback },
        reference: reference.map(|reference| reference.to_string()),
    });
    prop_oneof![Just(Happened::Paid), reversed]
}

pub(super) struct Play {
    pub world: Arc<World>,
    pub core: Core,
    pub caller: Caller,
    pub runs: Vec<RunId>,
    pub batches: Vec<BatchId>,
    pub payments: Vec<PaymentId>,
}

fn cost() -> ReportedCost {
    ReportedCost { amount: "0.04".into(), currency: "USD".into() }
}

fn reason(code: &str) -> FailureReason {
    FailureReason { code: code.into(), message: "law".into() }
}

fn key(kind: &str, n: u8, body: &impl std::fmt::Debug) -> Option<IdempotencyKey> {
    Some(IdempotencyKey {
        key: format!("{kind}-{n}"),
        method: "POST".into(),
        path: format!("/{kind}"),
        body: format!("{body:?}").into_bytes(),
    })
}

/// One output for each bit.
fn deliveries(count: usize, delivered: u8) -> Vec<Delivery> {
    let asset = Output::Asset {
        key: "a.png".into(),
        content_type: "image/png".into(),
        size_bytes: 1,
        width: None,
        height: None,
        duration_ms: None,
        details: None,
    };
    let one = |bit: usize| match delivered & (1u8 << bit) {
        0 => Err(reason("moderated")),
        _ => Ok(DeliveryContent::Asset(asset.clone())),
    };
    (0..count).map(one).collect()
}

impl Play {
    pub fn new() -> Self {
        let (world, core, caller) = World::new();
        Play { world, core, caller, runs: Vec::new(), batches: Vec::new(), payments: Vec::new() }
    }

    pub fn run(&self, run: RunId) -> Run {
        self.world.books().state(run)
    }

    fn model(&self, auto: bool) -> String {
        let slug = if auto { "gpt-image-2" } else { "nano-banana-2" };
        self.core.catalog.model(slug).unwrap().name_in(Dialect::Genfire).unwrap()
    }

    fn ask(auto: bool, count: i64) -> Ask {
        Ask { count: Some(count), quality: auto.then(|| "auto".into()), ..Ask::prompt(5) }
    }

    fn inputs() -> Inputs {
        Inputs { prompt: "a law".into(), ..Inputs::default() }
    }

    fn request(&self, n: u8, auto: bool, count: i64) -> RunRequest {
        RunRequest {
            team: None,
            dialect: Dialect::Genfire,
            model: self.model(auto),
            ask: Self::ask(auto, count),
            inputs: Self::inputs(),
            generator: None,
            preference: None,
            preference_two: None,
            privacy: Privacy::Public,
            route: "POST /runs".into(),
            operation: "images.generations.create".into(),
            scope: Scope::ImagesWrite,
            workflow: None,
            idempotency: key("runs", n, &(auto, count)),
        }
    }

    fn batch(&self, n: u8, items: usize, concurrency: u32) -> BatchRequest {
        let item = BatchItemRequest {
            dialect: Dialect::Genfire,
            model: self.model(false),
            ask: Self::ask(false, 2),
            inputs: Self::inputs(),
            generator: None,
            preference: None,
            preference_two: None,
            privacy: Privacy::Private,
            workflow: None,
            operation: "images.generations.create".into(),
        };
        BatchRequest {
            mode: BatchMode::Operation,
            target: "images.generations.create".into(),
            concurrency,
            items: vec![item; items],
            route: "POST /v1/batches".into(),
            scope: Scope::BatchesWrite,
            idempotency: key("batches", n, &(items, concurrency)),
        }
    }

    /// The attempt under way, as the node says that carries it.
    fn attempt(&self, run: RunId) -> Option<AttemptRef> {
        let run = self.run(run);
        let live = run.attempt().filter(|attempt| attempt.state != AttemptState::Disproved)?;
        Some(AttemptRef { number: live.number, node: live.node.clone() })
    }

    async fn conclude(&self, run: usize, how: impl FnOnce(usize) -> Conclusion) -> Result<(), Refusal> {
        let Some(id) = self.runs.get(run).copied() else { return Ok(()) };
        let requested = self.run(id).requested().unwrap().clone();
        let conclusion = how(requested.creations.len());
        self.core.conclude_run(id, &requested, self.attempt(id), conclusion).await.map(drop)
    }

    async fn on_attempt(&self, act: &Act, run: usize) -> Result<(), Refusal> {
        let Some(id) = self.runs.get(run).copied() else { return Ok(()) };
        let attempt = self.attempt(id).unwrap_or(AttemptRef { number: 1, node: "a".into() });
        match act {
            Act::TakeOver { .. } => self.core.take_over(id, attempt, "b".into()).await.map(drop),
            Act::Submitted { .. } => self.core.record_submitted(id, attempt, "prv".into()).await.map(drop),
            Act::Disprove { .. } => self.core.disprove_submit(id, attempt, reason("not_sent")).await.map(drop),
            Act::Unknown { .. } => self.core.mark_unknown(id, attempt, reason("lost")).await.map(drop),
            _ => {
                let plan = SubmitPlan { node: "a".into(), submit_by: self.core.now() };
                self.core.intend_submit(id, plan).await.map(drop)
            }
        }
    }

    async fn accept(&mut self, act: &Act) -> Result<(), Refusal> {
        match *act {
            Act::Request { key, auto, count, at_once } => {
                self.world.has_room(at_once);
                let accepted = self.core.accept_run(&self.caller, self.request(key, auto, count)).await?;
                if !accepted.replayed {
                    self.runs.push(accepted.run_id);
                }
            }
            Act::Batch { key, items, concurrency } => {
                let accepted = self.core.create_batch(&self.caller, self.batch(key, items, concurrency)).await?;
                if !accepted.replayed {
                    self.batches.push(accepted.batch_id);
                }
            }
            Act::StartItem { batch, at_once } => {
                self.world.has_room(at_once);
                let Some(batch) = self.batches.get(batch).copied() else { return Ok(()) };
                if let ItemStart::Started { run, .. } = self.core.start_batch_item(batch).await? {
                    self.runs.push(run);
                }
            }
            _ => unreachable!("not an acceptance: {act:?}"),
        }
        Ok(())
    }

    async fn move_credits(&self, act: &Act) -> Result<(), Refusal> {
        match act {
            Act::Notice { id, what, amount } => {
                let notice = PaymentNotice {
                    id: format!("pi_{id}"),
                    what: what.clone(),
                    account: self.caller.account,
                    credits: Credits::whole(*amount),
                    amount: (*amount).into(),
                    currency: "EUR".into(),
                };
                self.core.note_payment(notice, "req_1").await.map(drop)
            }
            Act::Gift { key: n, amount } => {
                let (to, amount) = (WalletOwner::Account(AccountId(sample_id("friend"))), Credits::whole(*amount));
                let gift = NewGift { to, amount, idempotency: key("gifts", *n, &amount) };
                self.core.send_gift(&self.caller, Scope::SocialWrite, gift).await.map(drop)
            }
            Act::Bonuses => self.core.claim_bonuses(&self.caller).await.map(drop),
            _ => unreachable!("no movement of credits: {act:?}"),
        }
    }

    async fn carry_out(&mut self, act: &Act) -> Result<(), Refusal> {
        match *act {
            Act::Grant { reference, amount, kind, lives } => {
                let grant = Grant {
                    account: self.caller.account,
                    amount: Credits::whole(amount),
                    kind,
                    reason: "law".into(),
                    reference: Some(format!("{reference}-{amount}")),
                    expires_at: lives.map(|seconds| self.core.now() + chrono::TimeDelta::seconds(seconds)),
                };
                let payment = self.core.grant_credits(grant).await?.payment;
                if !self.payments.contains(&payment) {
                    self.payments.push(payment);
                }
                Ok(())
            }
            Act::Request { .. } | Act::Batch { .. } | Act::StartItem { .. } => self.accept(act).await,
            Act::Intend { run }
            | Act::TakeOver { run }
            | Act::Submitted { run }
            | Act::Disprove { run }
            | Act::Unknown { run } => self.on_attempt(act, run).await,
            Act::Finish { run, delivered, low } => {
                let quality = low.then(|| "low".to_owned());
                let finished = |count| Conclusion::Finished {
                    outputs: deliveries(count, delivered),
                    quality,
                    reported_cost: low.then(cost),
                };
                self.conclude(run, finished).await
            }
            Act::Fail { run } => {
                let rule = ChargingRule::ProviderFailed;
                let failed = |_| Conclusion::Failed { reason: reason("provider_failed"), rule, reported_cost: None };
                self.conclude(run, failed).await
            }
            Act::Stopped { run, delivered, low } => {
                let stopped = |count| Conclusion::Cancelled {
                    by: "acct".into(),
                    outputs: deliveries(count, delivered),
                    quality: low.then(|| "low".to_owned()),
                    reported_cost: None,
                };
                self.conclude(run, stopped).await
            }
            Act::Settle { run } => {
                let by_hand = |_| Conclusion::ByHand { by: "operator".into(), reason: reason("evidence") };
                self.conclude(run, by_hand).await
            }
            Act::CancelRun { run } => match self.runs.get(run) {
                Some(run) => self.core.cancel_run(&self.caller, *run).await.map(drop),
                None => Ok(()),
            },
            Act::CancelBatch { batch } => match self.batches.get(batch) {
                Some(batch) => self.core.cancel_batch(&self.caller, *batch).await.map(drop),
                None => Ok(()),
            },
            Act::Refund { run, reference, amount } => match self.runs.get(run) {
                Some(run) => {
                    let reference = format!("{reference}-{amount}");
                    let amount = Credits::whole(amount);
                    self.core.refund_run(*run, amount, "operator".into(), "law".into(), reference).await.map(drop)
                }
                None => Ok(()),
            },
            Act::ChargeBack { payment, reference, amount } => match self.payments.get(payment) {
                Some(payment) => {
                    let reference = format!("{reference}-{amount}");
                    self.core.charge_back(*payment, Credits::whole(amount), reference).await.map(drop)
                }
                None => Ok(()),
            },
            Act::Notice { .. } | Act::Gift { .. } | Act::Bonuses => self.move_credits(act).await,
            Act::Wait { seconds } => {
                self.world.wait(seconds);
                Ok(())
            }
        }
    }

    fn length(&self) -> usize {
        self.world.books().rows.len()
    }

    /// Carries it out, and once more: the second time is no new fact.
    pub fn act(&mut self, act: &Act) {
        let before = self.length();
        let answer = block_on(self.carry_out(act));
        if let Err(refusal) = &answer {
            assert!(!matches!(refusal, Refusal::Decide(_)), "{act:?} has no answer: {refusal}");
            assert_eq!(self.length(), before, "{act:?} was refused ({refusal}) and left a trace");
        }
        // What starts the next item is meant to be said again, and time never stands.
        if matches!(act, Act::StartItem { .. } | Act::Wait { .. }) {
            return;
        }
        let after = self.length();
        let again = block_on(self.carry_out(act));
        assert_eq!(self.length(), after, "{act:?} said twice is a new fact (first {answer:?}, then {again:?})");
    }
}

//! A sound log has no findings; one altered row is found where it stands.

mod gifts;
mod money;

use std::sync::Arc;

use async_trait::async_trait;
use mintmark_domain::account::AccountCommand;
use mintmark_domain::account::{Account, Tier};
use mintmark_domain::batch::{Batch, BatchCommand, CreatedBatch};
use mintmark_domain::es::{
    Acting, AggregateType, AppendError, Commit, DecisionExt as _, DecisionRequest, End, EventLog, LockedShard,
    NewEvent, Position, ReadError, Recorded, SealedText, StreamId, StreamRef, Unit,
};
use mintmark_domain::ids::{AccountId, BatchId, CommitId, PaymentId, RunId, SealedId, derived_id};
use mintmark_domain::payment::{Payment, PaymentCommand, ReceivedPayment};
use mintmark_domain::ports::{Clock, Entropy, ManualClock, SeededEntropy};
use mintmark_domain::wallet::{CreditWallet, GrantSource, HeldFor, LotKind, WalletCommand, WalletOwner};
use mintmark_domain::{Credits, Shard, Timestamp};
use mintmark_log::memory::MemoryEventLog;
use mintmark_log::snapshots::MemorySnapshots;
use mintmark_log::writer::{Writer, WriterConfig, WriterDeps};
use serde_json::{Value, json};

use super::books::Books;
use super::{Verified, verify_log};

/// A log that answers reads with some rows altered.
struct Altered<F> {
    log: Arc<MemoryEventLog>,
    alter: F,
    /// A shard of which the end is shown that it had at this position: it was read before more was written.
    early: Option<(Shard, Position)>,
}

#[async_trait]
impl<F: Fn(&mut Recorded) + Send + Sync + 'static> EventLog for Altered<F> {
    async fn open(&self, shard: Shard, commit_id: CommitId, at: Timestamp) -> Result<End, AppendError> {
        self.log.open(shard, commit_id, at).await
    }

    async fn append(&self, shard: Shard, expected: End, commit: &Commit) -> Result<End, AppendError> {
        self.log.append(shard, expected, commit).await
    }

    async fn end(&self, shard: Shard) -> Result<End, ReadError> {
        let Some((_, position)) = self.early.filter(|(early, _)| *early == shard) else {
            return self.log.end(shard).await;
        };
        let last = self.log.at(shard, position).await?.expect("a row at the early end");
        Ok(End { position, commit_id: last.commit_id })
    }

    async fn read(&self, shard: Shard, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let mut rows = self.log.read(shard, after, limit).await?;
        rows.iter_mut().for_each(&self.alter);
        Ok(rows)
    }

    async fn at(&self, shard: Shard, position: Position) -> Result<Option<Recorded>, ReadError> {
        let mut row = self.log.at(shard, position).await?;
        row.iter_mut().for_each(&self.alter);
        Ok(row)
    }

    async fn read_streams_page(&self, streams: &[(StreamId, u64)], limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let mut rows = self.log.read_streams_page(streams, limit).await?;
        rows.iter_mut().for_each(&self.alter);
        Ok(rows)
    }

    async fn read_sealed(&self, shard: Shard, ids: &[SealedId]) -> Result<Vec<SealedText>, ReadError> {
        self.log.read_sealed(shard, ids).await
    }

    async fn lock(&self, shard: Shard) -> Result<Box<dyn LockedShard>, ReadError> {
        self.log.lock(shard).await
    }
}

fn account() -> AccountId {
    AccountId(derived_id(Shard::ZERO, "account", &[b"audit"]))
}

fn acting() -> Acting {
    Acting { actor: "test".into(), ..Acting::default() }
}

fn payment() -> PaymentId {
    PaymentId(derived_id(Shard::ZERO, "payment", &[]))
}

fn batch() -> BatchId {
    BatchId(derived_id(Shard::ZERO, "batch", &[]))
}

/// A frozen event's payload.
fn golden(lines: &str) -> Value {
    serde_json::from_str(lines.lines().next().unwrap()).unwrap()
}

/// A batch of one item that costs 4 at most, which the account pays for.
fn created() -> CreatedBatch {
    let mut created = golden(include_str!("../../../domain/golden/batch.created-1.0.0.jsonl"))["created"].take();
    created["account"] = json!(account().0);
    created["payer"] = json!({ "wallet": account().wallet().0 });
    created["items"] = json!([created["items"][0]]);
    created["item_maxima"] = json!(["4"]);
    serde_json::from_value(created).unwrap()
}

/// Both shards of these logs.
fn shards() -> [Shard; 2] {
    [Shard::ZERO, Shard::new(1).unwrap()]
}

/// A log that is being told, one append for each decision.
struct Told {
    log: Arc<MemoryEventLog>,
    writer: Writer,
}

impl Told {
    async fn begun() -> Self {
        let log = Arc::new(MemoryEventLog::new());
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
        let snapshots = Arc::new(MemorySnapshots::new(log.clone()));
        let deps = WriterDeps { log: log.clone(), snapshots, clock, entropy };
        let writer = Writer::start(deps, WriterConfig::default(), &shards()).await.unwrap();
        Told { log, writer }
    }

    /// Makes one decision on streams of one shard.
    async fn decide(&self, streams: &[StreamRef], act: impl Fn(&mut Unit<'_>) + Send + 'static) {
        let shard = streams[0].stream.shard();
        let request = streams
            .iter()
            .copied()
            .fold(DecisionRequest::new(shard, acting(), account()), |request, stream| request.stream(stream));
        let decided = self
            .writer
            .decide(request, move |unit| {
                act(unit);
                Ok::<(), String>(())
            })
            .await;
        assert!(decided.is_ok(), "{decided:?}");
    }

    /// Makes one decision on the wallet, the payment and the batch.
    async fn act(&self, act: impl Fn(&mut Unit<'_>) + Send + 'static) {
        let streams = [
            StreamRef::of::<CreditWallet>(account().wallet()),
            StreamRef::of::<Payment>(payment()),
            StreamRef::of::<Batch>(batch()),
        ];
        self.decide(&streams, act).await;
    }

    async fn ended(self) -> Arc<MemoryEventLog> {
        self.writer.shutdown(std::time::Duration::from_secs(5)).await;
        self.log
    }
}

fn wallet(unit: &mut Unit<'_>, command: WalletCommand) {
    unit.execute::<CreditWallet>(account().wallet(), command).unwrap();
}

/// Ten events: 1 the account, 2 its wallet, 3 a lot and 4 the payment that brought it, 5 a hold and 6 the
/// batch that it is for, 7 to 9 the batch's end, 10 the hold's release. Or, with a hold that nothing asks
/// for, five.
async fn history(open_hold: bool) -> Arc<MemoryEventLog> {
    let told = Told::begun().await;
    told.decide(&[StreamRef::of::<Account>(account())], |unit| {
        let register = AccountCommand::Register {
            user_id: 1,
            profile: SealedId(derived_id(Shard::ZERO, "sealed", &[])),
            username_claim: "00".into(),
            email_claim: "01".into(),
            tier: Tier::Free,
        };
        unit.execute::<Account>(account(), register).unwrap();
    })
    .await;
    told.act(|unit| wallet(unit, WalletCommand::Open { owner: WalletOwner::Account(account()) })).await;
    told.act(|unit| {
        let (at, credits) = (unit.now(), Credits::whole(10));
        let source = GrantSource::Purchase { payment: payment() };
        let (kind, amount) = (LotKind::Paid, credits);
        wallet(unit, WalletCommand::Grant { kind, amount, priority: 0, expires_at: None, source, at });
        let received = ReceivedPayment::granted(account().wallet(), credits, None);
        unit.execute::<Payment>(payment(), PaymentCommand::Receive { received, at }).unwrap();
    })
    .await;
    if open_hold {
        let run = HeldFor::Run(RunId(derived_id(Shard::ZERO, "run", &[])));
        told.act(move |unit| {
            let at = unit.now();
            wallet(unit, WalletCommand::Hold { held_for: run, amount: Credits::whole(4), at });
        })
        .await;
    } else {
        let held_for = HeldFor::Batch(batch());
        told.act(move |unit| {
            let at = unit.now();
            wallet(unit, WalletCommand::Hold { held_for, amount: Credits::whole(4), at });
            unit.execute::<Batch>(batch(), BatchCommand::Create(Box::new(created()))).unwrap();
        })
        .await;
        told.act(move |unit| {
            unit.execute::<Batch>(batch(), BatchCommand::Cancel { by: "test".into() }).unwrap();
            let at = unit.now();
            wallet(unit, WalletCommand::Release { held_for, at });
        })
        .await;
    }
    told.ended().await
}

async fn verified(log: &dyn EventLog) -> Verified {
    verify_log(log, &shards(), |_| {}).await.unwrap()
}

/// What is found in a log, as it is printed.
async fn found_in(log: &dyn EventLog) -> Vec<String> {
    verified(log).await.findings.iter().map(ToString::to_string).collect()
}

/// What is found when the event at `position` is altered by `alter`.
async fn found_when(position: u64, alter: impl Fn(&mut Recorded) + Send + Sync + 'static) -> Vec<String> {
    let alter = move |recorded: &mut Recorded| {
        if recorded.position.0 == position {
            alter(recorded);
        }
    };
    found_in(&Altered { log: history(false).await, alter, early: None }).await
}

/// The event of a type in a log: the first one (0), the second one (1) …
async fn event(log: &MemoryEventLog, (event_type, nth): (&str, usize)) -> Recorded {
    let mut rows = Vec::new();
    for shard in shards() {
        rows.extend(log.read(shard, Position(0), 1_000).await.unwrap());
    }
    rows.retain(|row| row.event_type == event_type);
    rows.swap_remove(nth)
}

/// What is found in a log when one of its events is altered by somebody who knows leaves.
async fn found_altered(
    log: &Arc<MemoryEventLog>,
    which: (&str, usize),
    alter: impl Fn(&mut Recorded) + Send + Sync + 'static,
) -> Vec<String> {
    let meant = event(log, which).await;
    let alter = move |recorded: &mut Recorded| {
        if (recorded.shard, recorded.position) == (meant.shard, meant.position) {
            alter(recorded);
            recorded.leaf = recorded.computed_leaf();
        }
    };
    found_in(&Altered { log: log.clone(), alter, early: None }).await
}

/// [`found_altered`], when `from` is replaced in what it says.
async fn found_said(
    log: &Arc<MemoryEventLog>,
    which: (&str, usize),
    from: &'static str,
    to: &'static str,
) -> Vec<String> {
    found_altered(log, which, move |recorded| {
        assert!(recorded.payload.contains(from), "{}", recorded.payload);
        recorded.payload = recorded.payload.replacen(from, to, 1);
    })
    .await
}

/// Says the first event of a type once more, at the end of its stream.
async fn say_again(log: &MemoryEventLog, event_type: &str) {
    let Recorded { stream, event_version, payload, metadata, .. } = event(log, (event_type, 0)).await;
    let said = log.read_streams(&[(stream, 0)]).await.unwrap();
    let end = log.end(stream.shard()).await.unwrap();
    let recorded_at = log.at(stream.shard(), end.position).await.unwrap().unwrap().recorded_at;
    let (sequence, event_type) = (said.len() as u64 + 1, event_type.into());
    let again = NewEvent { stream, sequence, event_type, event_version, payload, metadata };
    let id = CommitId(derived_id(stream.shard(), "said again", &[]));
    let commit = Commit { id, recorded_at, events: vec![again], sealed: Vec::new() };
    log.append(stream.shard(), end, &commit).await.unwrap();
}

/// One of the findings is said like this.
fn assert_found(found: &[String], said: &str) {
    assert!(found.iter().any(|finding| finding.contains(said)), "{said}: {found:#?}");
}

#[tokio::test]
async fn a_sound_log_has_no_findings() {
    let log = history(false).await;
    let verified = verified(&*log).await;
    let events = log.end(Shard::ZERO).await.unwrap().position.0;
    assert_eq!((verified.events, verified.findings, verified.streams.len()), (events, vec![], 4));
}

#[tokio::test]
async fn an_altered_payload_is_named_by_its_position() {
    let found = found_when(3, |recorded| recorded.payload = recorded.payload.replace("\"10\"", "\"11\"")).await;
    assert!(found[0].starts_with("shard 0, position 3: its leaf does not fit"), "{found:?}");
}

#[tokio::test]
async fn the_row_that_opens_a_shard_is_checked_too() {
    let found = found_when(0, |recorded| recorded.metadata = "{}  ".into()).await;
    assert!(found[0].starts_with("shard 0, position 0: its leaf does not fit"), "{found:?}");
}

#[tokio::test]
async fn a_whole_row_put_in_its_place_does_not_add_up() {
    // Leaf and payload altered together, as somebody would who knows the leaf's format.
    let found = found_when(3, |recorded| {
        recorded.payload = recorded.payload.replacen("\"amount\":\"10\"", "\"amount\":\"11\"", 1);
        recorded.leaf = recorded.computed_leaf();
    })
    .await;
    assert!(found.iter().any(|finding| finding.contains("position 3") && finding.contains("available")), "{found:?}");
}

#[tokio::test]
async fn a_gap_in_a_stream_and_a_time_that_runs_back_are_found() {
    let found = found_when(4, |recorded| {
        recorded.sequence += 1;
        recorded.leaf = recorded.computed_leaf();
    })
    .await;
    assert!(found[0].contains("position 4") && found[0].contains("comes next"), "{found:?}");
    let found = found_when(4, |recorded| {
        recorded.recorded_at -= chrono::TimeDelta::hours(1);
        recorded.leaf = recorded.computed_leaf();
    })
    .await;
    assert!(found[0].contains("position 4: recorded at"), "{found:?}");
}

#[tokio::test]
async fn a_missing_row_is_found() {
    let found = found_when(4, |recorded| recorded.position = Position(9)).await;
    assert!(found.iter().any(|finding| finding.contains("position 4 is missing")), "{found:?}");
}

#[tokio::test]
async fn a_hold_without_a_run_is_found() {
    let log = history(true).await;
    let findings = verified(&*log).await.findings;
    assert!(findings.iter().any(|finding| finding.what.contains("holds 4 for")), "{findings:?}");
}

#[tokio::test]
async fn an_event_that_this_release_does_not_know_is_found() {
    let found = found_when(2, |recorded| {
        recorded.event_type = "credit_wallet.invented".into();
        recorded.event_version = "9.0.0".into();
        recorded.leaf = recorded.computed_leaf();
    })
    .await;
    assert!(found[0].starts_with("shard 0, position 2:"), "{found:?}");
}

/// What is found when `from` in the payload at `position` is replaced, by somebody who knows leaves.
async fn found_when_said(position: u64, from: &'static str, to: String) -> Vec<String> {
    found_when(position, move |recorded| {
        assert!(recorded.payload.contains(from), "{}", recorded.payload);
        recorded.payload = recorded.payload.replacen(from, &to, 1);
        recorded.leaf = recorded.computed_leaf();
    })
    .await
}

#[tokio::test]
async fn a_hold_of_another_amount_or_in_another_wallet_than_its_batch_asks_for_is_found() {
    let found = found_when_said(6, "\"item_maxima\":[\"4\"]", "\"item_maxima\":[\"5\"]".into()).await;
    assert!(found[0].starts_with("shard 0, position 5:") && found[0].contains("asks for 5"), "{found:?}");
    let found = found_when(6, |recorded| {
        let (own, other) = (account().wallet().0.to_string(), derived_id(Shard::ZERO, "other", &[]).to_string());
        recorded.payload = recorded.payload.replace(&own, &other);
        recorded.leaf = recorded.computed_leaf();
    })
    .await;
    assert!(found[0].starts_with("shard 0, position 5:") && found[0].contains("with wallet"), "{found:?}");
}

#[tokio::test]
async fn a_lot_without_its_payment_is_found() {
    let found = found_when_said(4, "\"credits\":\"10\"", "\"credits\":\"9\"".into()).await;
    assert!(found[0].starts_with("shard 0, position 3:") && found[0].contains("brings in 9"), "{found:?}");
    let other = derived_id(Shard::ZERO, "other", &[]);
    let found = found_when(4, move |recorded| {
        recorded.stream.id = other;
        recorded.leaf = recorded.computed_leaf();
    })
    .await;
    assert!(found[0].starts_with("shard 0, position 3:") && found[0].contains("grants 10"), "{found:?}");
    assert!(found[1].starts_with("shard 0, position 4:") && found[1].contains("nothing in its append"), "{found:?}");
}

#[tokio::test]
async fn a_row_that_no_log_writes_is_named_by_its_position() {
    struct Spoilt(Arc<MemoryEventLog>);
    #[async_trait]
    impl EventLog for Spoilt {
        async fn open(&self, shard: Shard, commit_id: CommitId, at: Timestamp) -> Result<End, AppendError> {
            self.0.open(shard, commit_id, at).await
        }
        async fn append(&self, shard: Shard, expected: End, commit: &Commit) -> Result<End, AppendError> {
            self.0.append(shard, expected, commit).await
        }
        async fn end(&self, shard: Shard) -> Result<End, ReadError> {
            self.0.end(shard).await
        }
        async fn read(&self, shard: Shard, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
            let rows = self.0.read(shard, after, limit).await?;
            match rows.iter().any(|row| row.position == Position(4)) {
                true => Err(ReadError::Corrupt("a stream called \"x\"".into())),
                false => Ok(rows),
            }
        }
        async fn at(&self, shard: Shard, position: Position) -> Result<Option<Recorded>, ReadError> {
            self.0.at(shard, position).await
        }
        async fn read_streams_page(
            &self,
            streams: &[(StreamId, u64)],
            each: usize,
        ) -> Result<Vec<Recorded>, ReadError> {
            self.0.read_streams_page(streams, each).await
        }
        async fn read_sealed(&self, shard: Shard, ids: &[SealedId]) -> Result<Vec<SealedText>, ReadError> {
            self.0.read_sealed(shard, ids).await
        }
        async fn lock(&self, shard: Shard) -> Result<Box<dyn LockedShard>, ReadError> {
            self.0.lock(shard).await
        }
    }
    let findings = verified(&Spoilt(history(false).await)).await.findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    let found = findings[0].to_string();
    assert!(found.starts_with("shard 0, position 4: no row that the log writes"), "{found}");
}

/// A row of a run's stream, from a frozen event.
fn run_row(position: u64, sequence: u64, event_type: &str, lines: &str) -> Recorded {
    Recorded {
        shard: Shard::ZERO,
        position: Position(position),
        commit_id: CommitId(derived_id(Shard::ZERO, "commit", &[&position.to_be_bytes()])),
        recorded_at: Timestamp::UNIX_EPOCH,
        stream: StreamId { aggregate: AggregateType::named("run"), id: derived_id(Shard::ZERO, "run", &[]) },
        sequence,
        event_type: event_type.into(),
        event_version: "1.0.0".into(),
        payload: golden(lines).to_string(),
        metadata: "{}".into(),
        leaf: [0; 32],
    }
}

#[test]
fn a_run_that_ends_twice_or_begins_twice_or_never_is_found() {
    let requested = |at, sequence| {
        run_row(at, sequence, "run.requested", include_str!("../../../domain/golden/run.requested-1.0.0.jsonl"))
    };
    let failed = |at, sequence| {
        run_row(at, sequence, "run.failed", include_str!("../../../domain/golden/run.failed-1.0.0.jsonl"))
    };
    let found = |rows: &[Recorded]| -> Vec<String> {
        let mut books = Books::default();
        rows.iter().flat_map(|row| books.check(row)).map(|finding| finding.to_string()).collect()
    };
    let twice = found(&[requested(1, 1), failed(2, 2), failed(3, 3)]);
    assert!(twice.iter().any(|found| found.starts_with("shard 0, position 3:") && found.contains("ended before")));
    let again = found(&[requested(1, 1), requested(2, 2)]);
    assert!(again.iter().any(|found| found.starts_with("shard 0, position 2:") && found.contains("second time")));
    let never = found(&[failed(1, 1)]);
    assert!(never.iter().any(|found| found.starts_with("shard 0, position 1:") && found.contains("never began")));
}

//! A sound log has no findings; one altered row is found where it stands.

use std::sync::Arc;

use async_trait::async_trait;
use mintmark_domain::account::AccountCommand;
use mintmark_domain::account::{Account, Tier};
use mintmark_domain::es::{
    Acting, AppendError, Commit, DecisionExt as _, DecisionRequest, End, EventLog, LockedShard, Position, ReadError,
    Recorded, SealedText, StreamId, StreamRef,
};
use mintmark_domain::ids::{AccountId, CommitId, PaymentId, RunId, SealedId, derived_id};
use mintmark_domain::ports::{Clock, Entropy, ManualClock, SeededEntropy};
use mintmark_domain::wallet::{CreditWallet, GrantSource, HeldFor, LotKind, WalletCommand, WalletOwner};
use mintmark_domain::{Credits, Shard, Timestamp};
use mintmark_log::memory::MemoryEventLog;
use mintmark_log::snapshots::MemorySnapshots;
use mintmark_log::writer::{Writer, WriterConfig, WriterDeps};

use super::{Verified, verify_log};

/// A log that answers reads with some rows altered.
struct Altered<F> {
    log: Arc<MemoryEventLog>,
    alter: F,
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
        self.log.end(shard).await
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

    async fn read_streams(&self, streams: &[(StreamId, u64)]) -> Result<Vec<Recorded>, ReadError> {
        self.log.read_streams(streams).await
    }

    async fn read_streams_page(&self, streams: &[(StreamId, u64)], limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.log.read_streams_page(streams, limit).await
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

/// Decides one wallet command.
async fn command(writer: &Writer, command: impl Fn(Timestamp) -> WalletCommand + Send + 'static) {
    let wallet = account().wallet();
    let request = DecisionRequest::new(Shard::ZERO, acting(), account()).stream(StreamRef::of::<CreditWallet>(wallet));
    let decided = writer
        .decide(request, move |unit| {
            let command = command(unit.now());
            unit.execute::<CreditWallet>(wallet, command).map(drop)
        })
        .await;
    assert!(decided.is_ok(), "{decided:?}");
}

/// Seven events: an account, its wallet with one lot, two holds of which one is released again.
async fn history(open_hold: bool) -> Arc<MemoryEventLog> {
    let log = Arc::new(MemoryEventLog::new());
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    let snapshots = Arc::new(MemorySnapshots::new(log.clone()));
    let deps = WriterDeps { log: log.clone(), snapshots, clock, entropy };
    let writer = Writer::start(deps, WriterConfig::default(), &[Shard::ZERO]).await.unwrap();
    let request = DecisionRequest::new(Shard::ZERO, acting(), account()).stream(StreamRef::of::<Account>(account()));
    let register = AccountCommand::Register {
        user_id: 1,
        profile: SealedId(derived_id(Shard::ZERO, "sealed", &[])),
        username_claim: "00".into(),
        email_claim: "01".into(),
        tier: Tier::Free,
    };
    let registered =
        writer.decide(request, move |unit| unit.execute::<Account>(account(), register.clone()).map(drop)).await;
    assert!(registered.is_ok(), "{registered:?}");
    command(&writer, |_| WalletCommand::Open { owner: WalletOwner::Account(account()) }).await;
    command(&writer, |at| WalletCommand::Grant {
        kind: LotKind::Paid,
        amount: Credits::whole(10),
        priority: 0,
        expires_at: None,
        source: GrantSource::Purchase { payment: PaymentId(derived_id(Shard::ZERO, "payment", &[])) },
        at,
    })
    .await;
    let run = HeldFor::Run(RunId(derived_id(Shard::ZERO, "run", &[])));
    command(&writer, move |at| WalletCommand::Hold { held_for: run, amount: Credits::whole(4), at }).await;
    if !open_hold {
        command(&writer, move |at| WalletCommand::Release { held_for: run, at }).await;
    }
    writer.shutdown(std::time::Duration::from_secs(5)).await;
    log
}

async fn verified(log: &dyn EventLog) -> Verified {
    verify_log(log, &[Shard::ZERO], |_| {}).await.unwrap()
}

/// What is found when the event at `position` is altered by `alter`.
async fn found_when(position: u64, alter: impl Fn(&mut Recorded) + Send + Sync + 'static) -> Vec<String> {
    let log = history(false).await;
    let altered = Altered {
        log,
        alter: move |recorded: &mut Recorded| {
            if recorded.position.0 == position {
                alter(recorded);
            }
        },
    };
    verified(&altered).await.findings.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_sound_log_has_no_findings() {
    let log = history(false).await;
    let verified = verified(&*log).await;
    assert_eq!((verified.events, verified.findings, verified.streams.len()), (5, vec![], 2));
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

//! The book is complete, and what was written once is read for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cqrs_es::{Aggregate, DomainEvent};

use super::common::COMMON;
use super::fields::{fields, meaning};
use super::questions::QUESTIONS;
use super::*;
use crate::es::{AggregateType, Position, Recorded, StreamId, decode_event};
use crate::{Shard, account, batch, bonus, creation, es, gift, payment, project, run, social, team, wallet, webhook};

fn golden_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn golden_states_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden-states")
}

/// The row that would hold an event.
fn row(aggregate: &'static str, event_type: &str, event_version: &str, payload: &str) -> Recorded {
    Recorded {
        shard: Shard::ZERO,
        position: Position(1),
        commit_id: crate::ids::CommitId(sample_id("commit")),
        recorded_at: sample_time(0),
        stream: StreamId { aggregate: AggregateType::named(aggregate), id: sample_id("stream") },
        sequence: 1,
        event_type: event_type.into(),
        event_version: event_version.into(),
        payload: payload.into(),
        metadata: "{}".into(),
        leaf: [0; 32],
    }
}

/// Calls a check with each aggregate's event types and samples.
macro_rules! for_each_aggregate {
    ($check:ident) => {
        $check::<CreditWallet>(&wallet::WalletEvent::TYPES, &wallet::samples::samples());
        $check::<Run>(&run::RunEvent::TYPES, &run::samples::samples());
        $check::<Creation>(&creation::CreationEvent::TYPES, &creation::samples::samples());
        $check::<Batch>(&batch::BatchEvent::TYPES, &batch::samples::samples());
        $check::<Account>(&account::AccountEvent::TYPES, &account::samples::samples());
        $check::<Payment>(&payment::PaymentEvent::TYPES, &payment::samples::samples());
        $check::<Bonus>(&bonus::BonusEvent::TYPES, &bonus::samples::samples());
        $check::<Project>(&project::ProjectEvent::TYPES, &project::samples::samples());
        $check::<WebhookEndpoint>(&webhook::WebhookEvent::TYPES, &webhook::samples::samples());
        $check::<WebhookRoster>(&webhook::RosterEvent::TYPES, &webhook::roster::samples());
        $check::<Comment>(&social::CommentEvent::TYPES, &social::comment::samples());
        $check::<Vote>(&social::VoteEvent::TYPES, &social::vote::samples());
        $check::<Rating>(&social::RatingEvent::TYPES, &social::rating::samples());
        $check::<Follow>(&social::FollowEvent::TYPES, &social::follow::samples());
        $check::<Team>(&team::TeamEvent::TYPES, &team::samples::samples());
        $check::<Allowance>(&team::AllowanceEvent::TYPES, &team::allowance::samples());
        $check::<Gift>(&gift::GiftEvent::TYPES, &gift::sent::samples());
        $check::<GiftReceipt>(&gift::ReceiptEvent::TYPES, &gift::receipt::samples());
    };
}

fn check_types<A: Aggregate>(types: &[&'static str], samples: &[A::Event]) {
    let sampled: BTreeSet<String> = samples.iter().map(DomainEvent::event_type).collect();
    let known: BTreeSet<String> = types.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(sampled, known, "every type has a sample");
    assert_eq!(known.len(), types.len(), "no name stands for two types");
    for event in samples {
        let (event_type, version) = (event.event_type(), event.event_version());
        let name = event_type.strip_prefix(A::TYPE).and_then(|rest| rest.strip_prefix('.')).unwrap();
        let payload: serde_json::Value = serde_json::to_value(event).unwrap();
        let variants: Vec<&String> = payload.as_object().unwrap().keys().collect();
        assert_eq!(variants, [name], "{event_type} is written under its own name");
        let expected = match event_type.as_str() {
            "payment.received" => "1.2.0",
            "payment.charged_back" | "credit_wallet.payment_charged_back" | "credit_wallet.lot_granted" => "1.1.0",
            _ => "1.0.0",
        };
        assert_eq!(version, expected, "{event_type}");
    }
}

#[test]
fn every_type_has_a_sample_a_frozen_name_and_a_version() {
    for_each_aggregate!(check_types);
}

/// Golden files hold one payload a line, as a row would. A line is only ever added: for what it says
/// is in somebody's log.
fn check_golden<A: Aggregate>(types: &[&'static str], samples: &[A::Event])
where
    A::Event: PartialEq,
{
    let mut written: BTreeMap<String, (String, Vec<&A::Event>)> = BTreeMap::new();
    for event in samples {
        let file = format!("{}-{}.jsonl", event.event_type(), event.event_version());
        let (text, events) = written.entry(file).or_default();
        text.push_str(&serde_json::to_string(event).unwrap());
        text.push('\n');
        events.push(event);
    }
    assert!(written.len() >= types.len());
    for (file, (text, events)) in written {
        let path = golden_dir().join(&file);
        if std::env::var_os("MINTMARK_NEW_GOLDEN").is_some() && !path.exists() {
            std::fs::write(&path, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&path)
            .unwrap_or_else(|_| panic!("no golden {file}: write it once with MINTMARK_NEW_GOLDEN=1"));
        assert_eq!(golden, text, "{file} is frozen: a new shape needs a new version and an upcaster");
        for (line, event) in golden.lines().zip(events) {
            let recorded = row(A::TYPE, &event.event_type(), &event.event_version(), line);
            assert_eq!(&decode_event::<A::Event>(&recorded).unwrap(), event, "{file}");
        }
    }
}

#[test]
fn every_event_is_written_as_the_golden_files_say_and_read_back_the_same() {
    for_each_aggregate!(check_golden);
}

/// Golden files of the states that the samples fold to, one state a line after the schema's name: what
/// a snapshot of this release holds. A snapshot is read back by whoever writes the same name, so the
/// name has to change whenever the lines do.
fn check_state<A: es::Aggregate>(_types: &[&'static str], samples: &[A::Event])
where
    A::Command: Clone + std::fmt::Debug,
{
    let mut text = format!("{}\n", A::STATE_SCHEMA);
    let mut state = A::default();
    for event in samples {
        state.apply(event.clone());
        let json = serde_json::to_string(&state).unwrap();
        assert!(serde_json::from_str::<A>(&json).unwrap() == state, "{} is read back the same", A::TYPE);
        text.push_str(&json);
        text.push('\n');
    }
    let file = format!("{}.jsonl", A::TYPE);
    let path = golden_states_dir().join(&file);
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    if golden == text {
        return;
    }
    assert!(
        golden.lines().next() != Some(A::STATE_SCHEMA),
        "golden-states/{file}: the serialized state of {} (or its samples) changed. Raise the number in its \
         STATE_SCHEMA, now {:?}, so that no older snapshot is read as the new shape; then write the file anew with \
         MINTMARK_NEW_GOLDEN=1",
        A::TYPE,
        A::STATE_SCHEMA
    );
    assert!(
        std::env::var_os("MINTMARK_NEW_GOLDEN").is_some(),
        "golden-states/{file} is not of schema {:?}: write it anew with MINTMARK_NEW_GOLDEN=1",
        A::STATE_SCHEMA
    );
    std::fs::write(&path, &text).unwrap();
}

#[test]
fn a_state_of_another_shape_has_another_schema() {
    for_each_aggregate!(check_state);
}

#[test]
fn no_golden_file_is_left_unread() {
    let mut expected: BTreeSet<String> = chapters()
        .iter()
        .flat_map(|chapter| &chapter.samples)
        .map(|sample| format!("{}-{}.jsonl", sample.event_type, sample.event_version))
        .collect();
    // What older releases wrote; read by `es::upcast`'s tests.
    expected.extend(
        [
            "payment.received-1.0.0.jsonl",
            "payment.received-1.1.0.jsonl",
            "payment.charged_back-1.0.0.jsonl",
            "credit_wallet.payment_charged_back-1.0.0.jsonl",
            "credit_wallet.lot_granted-1.0.0.jsonl",
        ]
        .map(Into::into),
    );
    let found: BTreeSet<String> = std::fs::read_dir(golden_dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_field_that_a_later_release_adds_is_ignored() {
    let payload = r#"{"suspended":{"reason":"r","added_later":{"deep":[1]}}}"#;
    let recorded = row("account", "account.suspended", "1.0.0", payload);
    let event = decode_event::<account::AccountEvent>(&recorded).unwrap();
    assert_eq!(event, account::AccountEvent::Suspended { reason: "r".into() });
}

#[test]
fn the_entries_are_the_types_in_their_order() {
    let types: Vec<&str> = [
        &wallet::WalletEvent::TYPES[..],
        &run::RunEvent::TYPES,
        &creation::CreationEvent::TYPES,
        &batch::BatchEvent::TYPES,
        &account::AccountEvent::TYPES,
        &payment::PaymentEvent::TYPES,
        &bonus::BonusEvent::TYPES,
        &project::ProjectEvent::TYPES,
        &webhook::WebhookEvent::TYPES,
        &webhook::RosterEvent::TYPES,
        &social::CommentEvent::TYPES,
        &social::VoteEvent::TYPES,
        &social::RatingEvent::TYPES,
        &social::FollowEvent::TYPES,
        &team::TeamEvent::TYPES,
        &team::AllowanceEvent::TYPES,
        &gift::GiftEvent::TYPES,
        &gift::ReceiptEvent::TYPES,
    ]
    .concat();
    let entries: Vec<&str> =
        chapters().iter().flat_map(|chapter| chapter.entries).map(|entry| entry.event_type).collect();
    assert_eq!(entries, types);
}

#[test]
fn every_field_is_described_and_nothing_is_described_that_is_not_there() {
    let mut unused: BTreeSet<&str> = COMMON.iter().map(|(path, _)| *path).collect();
    for chapter in chapters() {
        for entry in chapter.entries {
            let fields = fields(&chapter, entry.event_type);
            for field in &fields {
                let meaning = meaning(entry, &field.path);
                assert!(meaning.is_some(), "{}: {} is not described", entry.event_type, field.path);
                unused.retain(|common| COMMON.iter().all(|(path, text)| path != common || Some(*text) != meaning));
            }
            for (path, _) in entry.fields {
                let known = fields.iter().any(|field| field.path == *path);
                assert!(known, "{} has no field {path}", entry.event_type);
            }
        }
    }
    assert!(unused.is_empty(), "described and never written: {unused:?}");
}

#[test]
fn every_question_names_fields_that_there_are() {
    for question in QUESTIONS {
        assert!(!question.answers.is_empty() || !question.and.is_empty(), "{}", question.asked);
        for (event_type, path) in question.answers {
            let chapters = chapters();
            let known =
                chapters.iter().any(|chapter| fields(chapter, event_type).iter().any(|field| field.path == *path));
            assert!(known, "{}: {event_type} has no field {path}", question.asked);
        }
    }
}

#[test]
fn events_that_move_credits_name_both_sides_and_the_balance_after() {
    for event in wallet::samples::samples() {
        if matches!(event, wallet::WalletEvent::Opened { .. }) {
            continue;
        }
        let payload = serde_json::to_value(&event).unwrap();
        let content = payload.as_object().unwrap().values().next().unwrap();
        assert!(content["after"]["available"].is_string(), "{}", event.event_type());
        for posting in event.postings() {
            assert!(posting.from != posting.to || event.event_type().ends_with("hold_split"));
        }
    }
}

#[test]
fn the_committed_page_is_the_generated_one() {
    let committed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/EVENTS.md");
    let committed = std::fs::read_to_string(committed).unwrap_or_default();
    assert!(
        committed == markdown(),
        "docs/EVENTS.md is not what the code says: \
         cargo run -p mintmark-domain --example events > docs/EVENTS.md"
    );
}

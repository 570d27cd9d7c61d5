//! One sample or more of every event of a batch: with all that can be said, and with the least.

use super::events::{BatchEvent, BatchMode, CreatedBatch, ItemOutcome};
use crate::Credits;
use crate::event_book::{sample_id, sample_time};
use crate::ids::{AccountId, BatchId, RunId, SealedId, TeamId, WalletId};
use crate::run::{Payer, Surface};

/// Two items at six credits, one at a time, paid for by the account itself.
pub(crate) fn created() -> CreatedBatch {
    let account = AccountId(sample_id("account"));
    CreatedBatch {
        account,
        payer: Payer { wallet: account.wallet(), team: None },
        key_id: Some(41),
        client_id: None,
        surface: Surface::Genfire,
        request_id: "req_7f3a".into(),
        fingerprint: Some("9c1f".repeat(16)),
        mode: BatchMode::Operation,
        target: "images.generations.create".into(),
        concurrency: 1,
        items: vec![SealedId(sample_id("item 0")), SealedId(sample_id("item 1"))],
        item_maxima: vec![Credits::whole(6), Credits::whole(6)],
        at: sample_time(0),
    }
}

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<BatchEvent> {
    let (account, team) = (AccountId(sample_id("account")), TeamId(sample_id("team")));
    let in_full = CreatedBatch {
        payer: Payer { wallet: WalletId::allowance(team, account), team: Some(team) },
        mode: BatchMode::Workflow,
        target: "storyboard".into(),
        ..created()
    };
    let least = CreatedBatch { key_id: None, surface: Surface::CommandLine, fingerprint: None, ..created() };
    let by_client = CreatedBatch { key_id: None, client_id: Some("gfo_oauth_1".into()), ..created() };
    let finished = |outcome| BatchEvent::ItemFinished { index: 1, outcome };
    vec![
        BatchEvent::Created(Box::new(created())),
        BatchEvent::Created(Box::new(in_full)),
        BatchEvent::Created(Box::new(least)),
        BatchEvent::Created(Box::new(by_client)),
        BatchEvent::ItemStarted { index: 1, run: RunId::of_item(BatchId(sample_id("batch")), 1) },
        finished(ItemOutcome::Succeeded),
        finished(ItemOutcome::Failed),
        finished(ItemOutcome::Cancelled),
        BatchEvent::CancelRequested { by: account.to_string() },
        BatchEvent::Completed {},
        BatchEvent::Partial {},
        BatchEvent::Failed {},
        BatchEvent::Cancelled {},
    ]
}

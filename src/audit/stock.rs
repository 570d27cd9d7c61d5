//! The streams once more, through the stock postgres-es repository: an independent reader.

use std::collections::HashMap;

use cqrs_es::persist::PersistedEventRepository;
use futures::{StreamExt as _, TryStreamExt as _};
use mintmark_domain::account::Account;
use mintmark_domain::batch::Batch;
use mintmark_domain::bonus::Bonus;
use mintmark_domain::creation::Creation;
use mintmark_domain::es::{Recorded, StreamId};
use mintmark_domain::gift::{Gift, GiftReceipt};
use mintmark_domain::payment::Payment;
use mintmark_domain::project::Project;
use mintmark_domain::run::Run;
use mintmark_domain::social::{Comment, Follow, Rating, Vote};
use mintmark_domain::team::{Allowance, Team};
use mintmark_domain::wallet::CreditWallet;
use mintmark_domain::webhook::{WebhookEndpoint, WebhookRoster};
use postgres_es::PostgresEventRepository;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use super::{Finding, StreamDigest};

/// How many streams are read at once.
const AT_ONCE: usize = 8;

/// The digest of a stream with one more event.
pub(super) fn chained(before: [u8; 32], recorded: &Recorded) -> [u8; 32] {
    let value = |json: &str| serde_json::from_str::<Value>(json).unwrap_or(Value::Null);
    link(before, &recorded.event_type, &recorded.event_version, &value(&recorded.payload), &value(&recorded.metadata))
}

fn link(before: [u8; 32], event_type: &str, version: &str, payload: &Value, metadata: &Value) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(before);
    for field in [event_type.to_owned(), version.to_owned(), payload.to_string(), metadata.to_string()] {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.finalize().into()
}

/// Reads every stream through the stock repository and compares it with what our reader saw.
/// `progress` is told how many more streams were compared.
pub async fn compare_with_stock_reader(
    pool: &PgPool,
    streams: &HashMap<StreamId, StreamDigest>,
    mut progress: impl FnMut(u64),
) -> anyhow::Result<Vec<Finding>> {
    let repository = PostgresEventRepository::new(pool.clone());
    let mut findings = Vec::new();
    let mut answers = futures::stream::iter(streams.iter().map(|(stream, ours)| {
        let repository = &repository;
        async move { anyhow::Ok((stream, ours, digest(repository, *stream, ours.sequence).await?)) }
    }))
    .buffer_unordered(AT_ONCE);
    while let Some((stream, ours, theirs)) = answers.try_next().await? {
        if theirs.as_ref() != Some(ours) {
            findings.push(Finding::of(format!("{stream:?}: the stock reader of postgres-es sees something else")));
        }
        progress(1);
    }
    Ok(findings)
}

/// What the stock repository sees of a stream up to a sequence: it may have grown since it was read. `None` for an
/// aggregate that this release does not know.
async fn digest(
    repository: &PostgresEventRepository,
    stream: StreamId,
    up_to: u64,
) -> anyhow::Result<Option<StreamDigest>> {
    let id = stream.id.to_string();
    let events = match stream.aggregate.as_str() {
        "account" => repository.get_events::<Account>(&id).await?,
        "credit_wallet" => repository.get_events::<CreditWallet>(&id).await?,
        "run" => repository.get_events::<Run>(&id).await?,
        "creation" => repository.get_events::<Creation>(&id).await?,
        "batch" => repository.get_events::<Batch>(&id).await?,
        "payment" => repository.get_events::<Payment>(&id).await?,
        "bonus" => repository.get_events::<Bonus>(&id).await?,
        "project" => repository.get_events::<Project>(&id).await?,
        "webhook_endpoint" => repository.get_events::<WebhookEndpoint>(&id).await?,
        "webhook_roster" => repository.get_events::<WebhookRoster>(&id).await?,
        "comment" => repository.get_events::<Comment>(&id).await?,
        "vote" => repository.get_events::<Vote>(&id).await?,
        "rating" => repository.get_events::<Rating>(&id).await?,
        "follow" => repository.get_events::<Follow>(&id).await?,
        "team" => repository.get_events::<Team>(&id).await?,
        "allowance" => repository.get_events::<Allowance>(&id).await?,
        "gift" => repository.get_events::<Gift>(&id).await?,
        "gift_receipt" => repository.get_events::<GiftReceipt>(&id).await?,
        _ => return Ok(None),
    };
    let mut seen = StreamDigest::default();
    for event in events.into_iter().filter(|event| event.sequence as u64 <= up_to) {
        seen.sequence = event.sequence as u64;
        seen.hash = link(seen.hash, &event.event_type, &event.event_version, &event.payload, &event.metadata);
    }
    Ok(Some(seen))
}

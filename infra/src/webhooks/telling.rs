//! One claim's deliveries: their texts opened, each event's body made once, each endpoint told.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use mintmark_domain::es::SealedText;
use mintmark_domain::ids::{SealedId, WebhookEventId};
use mintmark_domain::ports::{BodyError, DueDelivery, KeptEvent, Postponed, UnreadableEvent, VaultError};
use mintmark_domain::usecases::OpenedWebhooks;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::attempt::{Letter, RESPONSE_BYTES_MAX};
use super::later::unmade;
use super::sender::{Done, Outcome, WebhookSender};
use super::steps;
use crate::egress::FetchLimits;
use crate::running::steps::reach;

/// What an owner is told of a delivery that came to its end without an attempt.
const NOTHING_TO_TELL: &str = "what the event shows cannot be had";
const NO_EVENT: &str = "the event is gone";
const UNREADABLE_EVENT: &str = "the event cannot be read";
const NO_ENDPOINT: &str = "the endpoint's address or secret is gone";
const UNREADABLE_ENDPOINT: &str = "the endpoint's address or secret cannot be read";
const DEFECT: &str = "a defect kept it from being sent";

type OfEvent = HashMap<WebhookEventId, Vec<DueDelivery>>;

impl WebhookSender {
    /// Sends what was claimed: one task for each event, whose body its deliveries share. Each delivery is
    /// judged by itself: what keeps one from being sent keeps no other.
    pub(super) async fn send(&self, claimed: Vec<DueDelivery>, done: &mpsc::Sender<Done>, tasks: &mut JoinSet<()>) {
        if claimed.is_empty() {
            return;
        }
        let mut of_event = OfEvent::new();
        for due in claimed {
            of_event.entry(due.event).or_default().push(due);
        }
        let deliveries = || of_event.values().flatten();
        let settings: Vec<SealedId> = distinct(deliveries().map(|due| due.settings));
        let secrets: Vec<SealedId> = distinct(deliveries().flat_map(|due| [Some(due.secret), due.previous]).flatten());
        let ids: Vec<WebhookEventId> = of_event.keys().copied().collect();
        let opened = self.deps.core.open_webhooks(&settings, &secrets).await;
        let (opened, events) = match (opened, self.deps.outbox.events(&ids).await) {
            (Ok(opened), Ok(events)) => (Arc::new(opened), events),
            (Err(error), _) => return self.give_back(of_event, done, error.to_string()).await,
            (_, Err(error)) => return self.give_back(of_event, done, error.to_string()).await,
        };
        for kept in events.kept {
            if let Some(due) = of_event.remove(&kept.event.id) {
                let (sender, opened, done) = (self.clone(), Arc::clone(&opened), done.clone());
                tasks.spawn(async move { sender.tell(&kept, due, &opened, &done).await });
            }
        }
        for UnreadableEvent { id, why } in events.unreadable {
            let error = BodyError::NotNow(why);
            self.unmade_all(of_event.remove(&id).unwrap_or_default(), &error, UNREADABLE_EVENT, done).await;
        }
        // Erased between the claim and now.
        let gone = of_event.into_values().flatten().collect();
        self.unmade_all(gone, &BodyError::Gone, NO_EVENT, done).await;
    }

    /// Gives claimed deliveries back without an attempt: the outbox or the vault does not answer.
    async fn give_back(&self, of_event: OfEvent, done: &mpsc::Sender<Done>, error: String) {
        tracing::warn!(error, "webhooks are sent later");
        let until = self.deps.core.now() + self.settings.postpone;
        for due in of_event.into_values().flatten() {
            let outcome = Outcome::Postponed(Postponed { delivery: due.id, until, since: due.postponed_since });
            let _ = done.send(Done { endpoint: due.endpoint, outcome }).await;
        }
    }

    async fn unmade_all(&self, all: Vec<DueDelivery>, error: &BodyError, why: &'static str, done: &mpsc::Sender<Done>) {
        for due in all {
            let outcome = self.unmade(&due, error, why);
            let _ = done.send(Done { endpoint: due.endpoint, outcome }).await;
        }
    }

    fn unmade(&self, due: &DueDelivery, error: &BodyError, why: &'static str) -> Outcome {
        unmade(due, error, why, self.deps.core.now(), &self.settings)
    }

    /// Tells one event to its endpoints. A panic, of whoever makes the body too, is a defect that keeps this
    /// delivery from being sent and leaves its place.
    async fn tell(&self, kept: &KeptEvent, due: Vec<DueDelivery>, opened: &OpenedWebhooks, done: &mpsc::Sender<Done>) {
        let made = AssertUnwindSafe(self.body(kept)).catch_unwind().await;
        let body = match made.unwrap_or_else(|_| Err(panicked())) {
            Ok(body) => Bytes::from(body),
            Err(error) => return self.unmade_all(due, &error, NOTHING_TO_TELL, done).await,
        };
        let attempts = due.into_iter().map(|due| {
            let body = body.clone();
            async move {
                let outcome = AssertUnwindSafe(self.attempt(&due, body, opened)).catch_unwind().await;
                let outcome = outcome.unwrap_or_else(|_| self.unmade(&due, &panicked(), DEFECT));
                let _ = done.send(Done { endpoint: due.endpoint, outcome }).await;
            }
        });
        futures::future::join_all(attempts).await;
    }

    async fn attempt(&self, due: &DueDelivery, body: Bytes, opened: &OpenedWebhooks) -> Outcome {
        let (settings, secret) = match (opened.settings.get(&due.settings), opened.secrets.get(&due.secret)) {
            (Some(settings), Some(secret)) => (settings, secret),
            _ if [due.settings, due.secret].iter().any(|id| opened.unreadable.contains(id)) => {
                let error = BodyError::NotNow("a sealed text of the endpoint cannot be read".to_owned());
                return self.unmade(due, &error, UNREADABLE_ENDPOINT);
            }
            _ => return self.unmade(due, &BodyError::Gone, NO_ENDPOINT),
        };
        let previous = due.previous.and_then(|id| opened.secrets.get(&id)).cloned();
        let mut random = [0];
        self.deps.core.entropy.fill(&mut random);
        let limits = FetchLimits::posting(RESPONSE_BYTES_MAX, self.settings.timeout);
        let letter = Letter { url: settings.url.clone(), secret: secret.clone(), previous, body, due: due.clone() };
        let begun = Instant::now();
        let attempted = letter.send(&self.deps.egress, limits, self.deps.core.now(), random[0]).await;
        reach(steps::AFTER_POST);
        let outcome = if attempted.succeeded { "success" } else { "failure" };
        metrics::counter!("mintmark_webhook_attempts_total", "outcome" => outcome).increment(1);
        metrics::histogram!("mintmark_webhook_attempt_seconds").record(begun.elapsed());
        Outcome::Attempted(attempted)
    }

    /// The event's bytes: those that were kept, or new ones that are kept from now on.
    async fn body(&self, kept: &KeptEvent) -> Result<Vec<u8>, BodyError> {
        let (event, vault) = (&kept.event, &self.deps.core.vault);
        let not_now = |error: &dyn std::fmt::Display| BodyError::NotNow(error.to_string());
        let id = SealedId(event.id.0);
        let sealed = match &kept.sealed_body {
            Some(sealed) => sealed.clone(),
            None => {
                let body = self.deps.bodies.body(event).await?;
                let sealed = match vault.seal(event.account.0, id, &body).await {
                    Ok(sealed) => sealed.ciphertext,
                    Err(VaultError::Erased) => return Err(BodyError::Gone),
                    Err(error) => return Err(not_now(&error)),
                };
                let kept = self.deps.outbox.keep_body(event.id, &sealed).await.map_err(|error| not_now(&error))?;
                let kept = kept.ok_or(BodyError::Gone)?;
                if kept == sealed {
                    return Ok(body);
                }
                kept
            }
        };
        let text = SealedText { id, subject: event.account.0, ciphertext: sealed };
        let opened = vault.open_text(&text).await.map_err(|error| not_now(&error))?;
        opened.ok_or(BodyError::Gone)
    }
}

fn panicked() -> BodyError {
    BodyError::NotNow("it panicked".to_owned())
}

fn distinct(ids: impl Iterator<Item = SealedId>) -> Vec<SealedId> {
    let mut ids: Vec<SealedId> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

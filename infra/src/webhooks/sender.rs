//! The loop: claim, send, settle.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mintmark_domain::es::SealedText;
use mintmark_domain::ids::{DeliveryId, SealedId, WebhookEndpointId, WebhookEventId};
use mintmark_domain::ports::{
    Attempted, BodyError, DeliveryClaim, DueDelivery, KeptEvent, WebhookBodies, WebhookOutbox,
};
use mintmark_domain::usecases::{Core, OpenedWebhooks};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::attempt::{Letter, RESPONSE_BYTES_MAX, hopeless};
use super::escalate::escalate;
use super::settings::SenderSettings;
use crate::egress::{Egress, FetchLimits};

/// How many outcomes are written down together.
const SETTLED_TOGETHER: usize = 256;
/// How often writing outcomes down is tried before they are left to be sent again.
const SETTLE_TRIES: u32 = 5;
/// The pause between such tries, and after the outbox did not answer.
const OUTBOX_PAUSE: Duration = Duration::from_millis(500);
/// How many old deliveries are forgotten in one statement.
const FORGOTTEN_TOGETHER: u32 = 5_000;

/// What sending needs.
#[derive(Clone)]
pub struct SenderDeps {
    /// What is to be told.
    pub outbox: Arc<dyn WebhookOutbox>,
    /// Makes bodies.
    pub bodies: Arc<dyn WebhookBodies>,
    /// Use cases; their vault, clock and chance.
    pub core: Core,
    /// The way out.
    pub egress: Egress,
}

/// Sends what is due.
#[derive(Clone)]
pub struct WebhookSender {
    deps: SenderDeps,
    settings: Arc<SenderSettings>,
}

/// Endpoints are being told. Dropping it stops everything where it is, as a crash would.
#[must_use = "endpoints are told until this is dropped"]
pub struct Sending {
    stop: CancellationToken,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Sending {
    /// Claims nothing new and waits, `within` at most, until what is under way is written down.
    pub async fn shutdown(mut self, within: Duration) {
        self.stop.cancel();
        if let Some(task) = self.task.take()
            && tokio::time::timeout(within, task).await.is_err()
        {
            tracing::warn!("deliveries were left under way; they are made again once their lease is over");
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// What became of a claimed delivery.
enum Done {
    /// An attempt was made, or none ever can be.
    Attempted(Attempted),
    /// Its body cannot be made just now.
    Postponed(DeliveryId, WebhookEndpointId),
}

impl Done {
    fn endpoint(&self) -> WebhookEndpointId {
        match self {
            Done::Attempted(attempted) => attempted.endpoint,
            Done::Postponed(_, endpoint) => *endpoint,
        }
    }
}

impl WebhookSender {
    /// A sender that does nothing yet.
    #[must_use]
    pub fn new(deps: SenderDeps, settings: SenderSettings) -> Self {
        WebhookSender { deps, settings: Arc::new(settings) }
    }

    /// Sends from now on. To be called in a Tokio runtime.
    pub fn start(self) -> Sending {
        let stop = CancellationToken::new();
        let task = tokio::spawn(self.run(stop.clone()));
        Sending { stop, task: Some(task) }
    }

    async fn run(self, stop: CancellationToken) {
        let (done, mut outcomes) = mpsc::channel::<Done>(self.settings.attempts_max.max(1));
        let mut under_way: HashMap<WebhookEndpointId, usize> = HashMap::new();
        let mut swept: Option<Instant> = None;
        let mut found = false;
        loop {
            let total: usize = under_way.values().sum();
            let pause = if found { Duration::ZERO } else { self.settings.look_every };
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                received = outcomes.recv_many(&mut batch, SETTLED_TOGETHER), if total > 0 => {
                    debug_assert!(received > 0, "this loop holds a sender itself");
                }
                () = stop.cancelled(), if total == 0 => return,
                () = tokio::time::sleep(pause), if !stop.is_cancelled() => {}
            }
            for outcome in &batch {
                if let Some(count) = under_way.get_mut(&outcome.endpoint()) {
                    *count = count.saturating_sub(1);
                }
            }
            under_way.retain(|_, count| *count > 0);
            self.settle(batch).await;
            if stop.is_cancelled() {
                continue;
            }
            if swept.is_none_or(|at| at.elapsed() >= self.settings.sweep_every) {
                swept = Some(Instant::now());
                self.sweep().await;
            }
            let free = self.settings.attempts_max.saturating_sub(under_way.values().sum());
            let claimed = self.claim(&under_way, free).await;
            found = !claimed.is_empty() && free > 0;
            for due in &claimed {
                *under_way.entry(due.endpoint).or_default() += 1;
            }
            self.send(claimed, &done).await;
        }
    }

    /// Claims and sends what is due now, once, and writes down what came of it. How many deliveries that
    /// were. For tests, whose clock stands still.
    pub async fn round(&self) -> usize {
        let claimed = self.claim(&HashMap::new(), self.settings.attempts_max).await;
        let count = claimed.len();
        let (done, mut outcomes) = mpsc::channel(count.max(1));
        self.send(claimed, &done).await;
        drop(done);
        let mut batch = Vec::with_capacity(count);
        while let Some(outcome) = outcomes.recv().await {
            batch.push(outcome);
        }
        self.settle(batch).await;
        count
    }

    async fn claim(&self, under_way: &HashMap<WebhookEndpointId, usize>, free: usize) -> Vec<DueDelivery> {
        if free == 0 {
            return Vec::new();
        }
        let now = self.deps.core.now();
        let busy: Vec<WebhookEndpointId> = under_way.keys().copied().collect();
        let claim = DeliveryClaim {
            now,
            lease_until: now + self.settings.lease,
            busy: &busy,
            per_endpoint_max: self.settings.per_endpoint_max,
            limit: u32::try_from(free).unwrap_or(u32::MAX),
        };
        match self.deps.outbox.claim(claim).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::warn!(%error, "webhooks are sent later");
                tokio::time::sleep(OUTBOX_PAUSE).await;
                Vec::new()
            }
        }
    }

    /// Sends what was claimed: one task for each event, whose body its deliveries share.
    async fn send(&self, claimed: Vec<DueDelivery>, done: &mpsc::Sender<Done>) {
        if claimed.is_empty() {
            return;
        }
        let mut of_event: HashMap<WebhookEventId, Vec<DueDelivery>> = HashMap::new();
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
            (Err(error), _) => return give_back(of_event, done, error.to_string()).await,
            (_, Err(error)) => return give_back(of_event, done, error.to_string()).await,
        };
        for kept in events {
            if let Some(due) = of_event.remove(&kept.event.id) {
                let (sender, opened, done) = (self.clone(), Arc::clone(&opened), done.clone());
                tokio::spawn(async move { sender.tell(kept, due, &opened, &done).await });
            }
        }
        // Erased between the claim and now: there is nothing to tell.
        let now = self.deps.core.now();
        for due in of_event.into_values().flatten() {
            let _ = done.send(Done::Attempted(hopeless(&due, now, "the event is gone"))).await;
        }
    }

    /// Tells one event to its endpoints.
    async fn tell(&self, kept: KeptEvent, due: Vec<DueDelivery>, opened: &OpenedWebhooks, done: &mpsc::Sender<Done>) {
        let body = match self.body(&kept).await {
            Ok(body) => Bytes::from(body),
            Err(BodyError::NotNow(why)) => {
                tracing::debug!(event = %kept.event.id, why, "a webhook's body is made later");
                for due in due {
                    let _ = done.send(Done::Postponed(due.id, due.endpoint)).await;
                }
                return;
            }
            Err(BodyError::Gone) => {
                for due in due {
                    let gone = hopeless(&due, self.deps.core.now(), "what the event shows is gone");
                    let _ = done.send(Done::Attempted(gone)).await;
                }
                return;
            }
        };
        let attempts = due.into_iter().map(|due| {
            let body = body.clone();
            async move {
                let outcome = self.attempt(due, body, opened).await;
                let _ = done.send(Done::Attempted(outcome)).await;
            }
        });
        futures::future::join_all(attempts).await;
    }

    async fn attempt(&self, due: DueDelivery, body: Bytes, opened: &OpenedWebhooks) -> Attempted {
        let now = self.deps.core.now();
        let secrets = [Some(due.secret), due.previous].into_iter().flatten();
        let secrets: Vec<_> = secrets.filter_map(|id| opened.secrets.get(&id).cloned()).collect();
        let Some(settings) = opened.settings.get(&due.settings).filter(|_| !secrets.is_empty()) else {
            return hopeless(&due, now, "the endpoint is gone");
        };
        let mut random = [0];
        self.deps.core.entropy.fill(&mut random);
        let limits = FetchLimits::posting(RESPONSE_BYTES_MAX, self.settings.timeout);
        let letter = Letter { url: settings.url.clone(), secrets, body, due };
        let begun = Instant::now();
        let attempted = letter.send(&self.deps.egress, limits, now, random[0]).await;
        let outcome = if attempted.succeeded { "success" } else { "failure" };
        metrics::counter!("mintmark_webhook_attempts_total", "outcome" => outcome).increment(1);
        metrics::histogram!("mintmark_webhook_attempt_seconds").record(begun.elapsed());
        attempted
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
                    Err(mintmark_domain::ports::VaultError::Erased) => return Err(BodyError::Gone),
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

    /// Writes outcomes down. What cannot be written is sent again once its lease is over.
    async fn settle(&self, batch: Vec<Done>) {
        let (mut attempts, mut postponed) = (Vec::new(), Vec::new());
        for outcome in batch {
            match outcome {
                Done::Attempted(attempted) => attempts.push(attempted),
                Done::Postponed(delivery, _) => postponed.push(delivery),
            }
        }
        let now = self.deps.core.now();
        if !postponed.is_empty()
            && let Err(error) = self.deps.outbox.postpone(&postponed, now + self.settings.postpone).await
        {
            tracing::warn!(%error, "webhooks are sent once their lease is over");
        }
        if attempts.is_empty() {
            return;
        }
        for tries in 1..=SETTLE_TRIES {
            match self.deps.outbox.settle(&attempts).await {
                Ok(failing) => {
                    for endpoint in failing {
                        escalate(&self.deps.core, &self.settings, endpoint, now).await;
                    }
                    return;
                }
                Err(error) if tries == SETTLE_TRIES => {
                    tracing::error!(%error, "what became of webhooks is not written; they are sent again");
                }
                Err(_) => tokio::time::sleep(OUTBOX_PAUSE).await,
            }
        }
    }

    /// Forgets what is older than the retention.
    async fn sweep(&self) {
        let before = self.deps.core.now() - self.settings.retention;
        loop {
            match self.deps.outbox.forget(before, FORGOTTEN_TOGETHER).await {
                Ok(0) => return,
                Ok(forgotten) => tracing::info!(forgotten, "old webhook deliveries were forgotten"),
                Err(error) => {
                    tracing::warn!(%error, "old webhook deliveries could not be forgotten; it is tried again");
                    return;
                }
            }
        }
    }
}

fn distinct(ids: impl Iterator<Item = SealedId>) -> Vec<SealedId> {
    let mut ids: Vec<SealedId> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Gives claimed deliveries back without an attempt.
async fn give_back(of_event: HashMap<WebhookEventId, Vec<DueDelivery>>, done: &mpsc::Sender<Done>, error: String) {
    tracing::warn!(error, "webhooks are sent later");
    for due in of_event.into_values().flatten() {
        let _ = done.send(Done::Postponed(due.id, due.endpoint)).await;
    }
}

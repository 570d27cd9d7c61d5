//! The loop: claim, send, settle.

use std::sync::Arc;
use std::time::Duration;

use mintmark_domain::ids::WebhookEndpointId;
use mintmark_domain::ports::{Attempted, Claimed, DeliveryClaim, GivenUp, Postponed, WebhookBodies, WebhookOutbox};
use mintmark_domain::usecases::Core;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::escalate::escalate;
use super::forgetting::keep_forgetting;
use super::places::Places;
use super::settings::SenderSettings;
use crate::egress::Egress;

/// How many outcomes are written down together.
const SETTLED_TOGETHER: usize = 256;
/// How often writing outcomes down is tried before they are left to be sent again.
const SETTLE_TRIES: u32 = 5;
/// The pause between such tries, and after the outbox did not answer.
const OUTBOX_PAUSE: Duration = Duration::from_millis(500);

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
    pub(super) deps: SenderDeps,
    pub(super) settings: Arc<SenderSettings>,
}

/// Endpoints are being told. Dropping it stops everything where it is, as a crash would.
#[must_use = "endpoints are told until this is dropped"]
pub struct Sending {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Sending {
    /// Claims nothing new and waits, `within` at most, until what is under way is written down.
    pub async fn shutdown(mut self, within: Duration) {
        self.stop.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(within, ended).await.is_err() {
            tracing::warn!("deliveries were left under way; they are made again once their lease is over");
        }
    }
}

/// What became of a claimed delivery.
#[derive(Debug)]
pub(super) enum Outcome {
    /// An attempt was made.
    Attempted(Attempted),
    /// None can be made just now.
    Postponed(Postponed),
    /// None is made any more.
    GivenUp(GivenUp),
}

/// A claimed delivery is not under way any more.
#[derive(Debug)]
pub(super) struct Done {
    /// Its endpoint.
    pub endpoint: WebhookEndpointId,
    /// What became of it.
    pub outcome: Outcome,
}

impl WebhookSender {
    /// A sender that does nothing yet.
    #[must_use]
    pub fn new(deps: SenderDeps, settings: SenderSettings) -> Self {
        WebhookSender { deps, settings: Arc::new(settings) }
    }

    /// Sends from now on, and forgets what is old. To be called in a Tokio runtime.
    pub fn start(self) -> Sending {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let (sender, until) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            let SenderDeps { outbox, core, .. } = &sender.deps;
            keep_forgetting(&**outbox, &*core.clock, &sender.settings, &until).await;
        });
        tasks.spawn(self.run(stop.clone()));
        Sending { stop, tasks }
    }

    async fn run(self, stop: CancellationToken) {
        let (done, mut outcomes) = mpsc::channel::<Done>(self.settings.attempts_max.max(1));
        let mut places = Places::default();
        // Ends with this future: whoever drops it stops what is under way, too.
        let mut tasks = JoinSet::new();
        let mut looked_to = None;
        let mut at_once = false;
        loop {
            let total = places.total();
            let pause = if at_once { Duration::ZERO } else { self.settings.look_every };
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                received = outcomes.recv_many(&mut batch, SETTLED_TOGETHER), if total > 0 => {
                    debug_assert!(received > 0, "this loop holds a sender itself");
                }
                () = stop.cancelled(), if total == 0 => return,
                () = tokio::time::sleep(pause), if !stop.is_cancelled() => {}
            }
            batch.iter().for_each(|done| places.leave(done.endpoint));
            self.settle(batch).await;
            while tasks.try_join_next().is_some() {}
            if stop.is_cancelled() {
                continue;
            }
            let claimed = self.claim(&places, looked_to).await;
            // Where there are more endpoints than one claim looks at, the next one goes on at once.
            at_once = !claimed.due.is_empty() || (claimed.looked_to.is_some() && claimed.looked_to != looked_to);
            looked_to = claimed.looked_to;
            claimed.due.iter().for_each(|due| places.take(due));
            self.send(claimed.due, &done, &mut tasks).await;
        }
    }

    /// Claims and sends what is due now, once, and writes down what came of it. How many deliveries that
    /// were. For tests, whose clock stands still.
    pub async fn round(&self) -> usize {
        let claimed = self.claim(&Places::default(), None).await.due;
        let count = claimed.len();
        let (done, mut outcomes) = mpsc::channel(count.max(1));
        let mut tasks = JoinSet::new();
        self.send(claimed, &done, &mut tasks).await;
        drop(done);
        let mut batch = Vec::with_capacity(count);
        while let Some(outcome) = outcomes.recv().await {
            batch.push(outcome);
        }
        self.settle(batch).await;
        count
    }

    async fn claim(&self, places: &Places, after: Option<WebhookEndpointId>) -> Claimed {
        let settings = &self.settings;
        let free = settings.attempts_max.saturating_sub(places.total());
        if free == 0 {
            // Nothing was looked at: the next claim goes on where this one would have.
            return Claimed { due: Vec::new(), looked_to: after };
        }
        let now = self.deps.core.now();
        let claim = DeliveryClaim {
            now,
            lease_until: now + settings.lease(),
            busy: &places.endpoints(),
            under_way: &places.accounts(),
            per_endpoint_max: settings.per_endpoint_max,
            per_account_max: settings.per_account_max(),
            failing_max: settings.failing_max().saturating_sub(places.failing()),
            limit: u32::try_from(free).unwrap_or(u32::MAX),
            after,
        };
        match self.deps.outbox.claim(claim).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::warn!(%error, "webhooks are sent later");
                tokio::time::sleep(OUTBOX_PAUSE).await;
                Claimed::default()
            }
        }
    }

    /// Writes outcomes down. What cannot be written is sent again once its lease is over.
    async fn settle(&self, batch: Vec<Done>) {
        let (mut attempts, mut postponed, mut given_up) = (Vec::new(), Vec::new(), Vec::new());
        for done in batch {
            match done.outcome {
                Outcome::Attempted(attempted) => attempts.push(attempted),
                Outcome::Postponed(one) => postponed.push(one),
                Outcome::GivenUp(one) => given_up.push(one),
            }
        }
        let outbox = &self.deps.outbox;
        if !postponed.is_empty()
            && let Err(error) = outbox.postpone(&postponed).await
        {
            tracing::warn!(%error, "webhooks are sent once their lease is over");
        }
        if !given_up.is_empty()
            && let Err(error) = outbox.give_up(&given_up).await
        {
            tracing::warn!(%error, "webhooks are given up once their lease is over");
        }
        if !attempts.is_empty() {
            self.settle_attempts(&attempts).await;
        }
    }

    async fn settle_attempts(&self, attempts: &[Attempted]) {
        let now = self.deps.core.now();
        for tries in 1..=SETTLE_TRIES {
            match self.deps.outbox.settle(attempts).await {
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
}

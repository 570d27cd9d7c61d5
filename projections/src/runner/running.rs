//! The runners of a process.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use mintmark_domain::Shard;
use mintmark_domain::es::{End, EventLog, Position};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::board::{Board, Standing, Status};
use super::engine::{Applied, apply_next, ensure_checkpoint, wants};
use crate::error::ApplyError;
use crate::feed::Feed;
use crate::projection::Projection;

/// How runners behave.
#[derive(Clone, Copy, Debug)]
pub struct RunnerSettings {
    /// The most events applied in one transaction.
    pub batch_events_max: usize,
    /// How often the log is asked for news of other processes.
    pub poll: Duration,
    /// The least time from the beginning of one batch to that of the next, so that under load batches
    /// are worth their round trips. What comes after a pause is applied at once.
    pub batch_every: Duration,
    /// How often a batch that failed is tried again before the runner stops.
    pub retries_max: u32,
    /// The pause before the first retry; it doubles with each.
    pub retry_first: Duration,
    /// The longest pause between retries.
    pub retry_pause_max: Duration,
    /// How often a stopped runner looks whether it can go on: the database is back, or the read
    /// models were rebuilt.
    pub stopped_look: Duration,
}

impl Default for RunnerSettings {
    fn default() -> Self {
        RunnerSettings {
            batch_events_max: 4_000,
            poll: Duration::from_millis(50),
            batch_every: Duration::from_millis(10),
            retries_max: 8,
            retry_first: Duration::from_millis(50),
            retry_pause_max: Duration::from_secs(3),
            stopped_look: Duration::from_secs(5),
        }
    }
}

/// Tells of a shard's end as the writer of this process confirms it.
pub type EndWatch = watch::Receiver<End>;

/// The runners of this process: one per projection and shard.
#[derive(Debug)]
pub struct Runners {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Runners {
    /// Starts them on `shards`. `ends` gives the in-process news of a shard's end, where there is a
    /// writer in this process; other processes' commits are found by polling.
    #[must_use]
    pub fn start(
        pool: &PgPool,
        log: &Arc<dyn EventLog>,
        projections: &[Arc<dyn Projection>],
        shards: &[Shard],
        ends: impl Fn(Shard) -> Option<EndWatch>,
        board: &Arc<Board>,
        settings: RunnerSettings,
    ) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for &shard in shards {
            let feed = Arc::new(Feed::new(Arc::clone(log), shard));
            let (news, ear) = watch::channel(Position(0));
            tasks.spawn(listen(Arc::clone(&feed), ends(shard), news, settings.poll, stop.clone()));
            for projection in projections {
                let runner = Runner {
                    pool: pool.clone(),
                    projection: Arc::clone(projection),
                    feed: Arc::clone(&feed),
                    news: ear.clone(),
                    standing: board.place(projection.name(), shard),
                    settings,
                    stop: stop.clone(),
                    passed: None,
                    last_batch: None,
                };
                tasks.spawn(runner.run());
            }
        }
        Runners { tasks, stop }
    }

    /// Stops them; a batch under way is finished or taken back as a whole.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Gathers news of a shard's end: from the writer of this process, and by polling.
async fn listen(
    feed: Arc<Feed>,
    mut told: Option<EndWatch>,
    news: watch::Sender<Position>,
    poll: Duration,
    stop: CancellationToken,
) {
    let mut ticks = tokio::time::interval(poll);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let word = async {
            match &mut told {
                Some(ends) => match ends.changed().await {
                    Ok(()) => Some(ends.borrow_and_update().position),
                    Err(_) => None,
                },
                None => std::future::pending().await,
            }
        };
        let end = tokio::select! {
            () = stop.cancelled() => return,
            said = word => match said {
                Some(position) => Some(position),
                None => {
                    told = None; // The writer is gone; polling goes on.
                    None
                }
            },
            _ = ticks.tick() => feed.end().await.ok().map(|end| end.position),
        };
        if let Some(end) = end {
            // Told of a lower end too: history may have lost its tail.
            news.send_if_modified(|known| std::mem::replace(known, end) != end);
        }
    }
}

struct Runner {
    pool: PgPool,
    projection: Arc<dyn Projection>,
    feed: Arc<Feed>,
    news: watch::Receiver<Position>,
    standing: watch::Sender<Standing>,
    settings: RunnerSettings,
    stop: CancellationToken,
    /// Where the runner is in memory, at or beyond the checkpoint.
    passed: Option<Passed>,
    last_batch: Option<Instant>,
}

/// How long the checkpoint may stay behind what was passed over.
const PASSED_FOR: Duration = Duration::from_millis(250);

/// Events that a projection has nothing to do with cost it no transaction: they are passed over in
/// memory, and the checkpoint follows now and then. Whoever starts from the checkpoint passes over
/// them again.
#[derive(Clone, Copy, Debug)]
struct Passed {
    end: End,
    /// How many since the checkpoint was moved.
    events: usize,
    /// Since when the checkpoint is behind.
    since: Option<Instant>,
}

impl Runner {
    async fn run(mut self) {
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let seen = *self.news.borrow_and_update();
            match self.step().await {
                Ok(applied) => {
                    failures = 0;
                    self.tell(applied, seen);
                    self.rest(applied, seen).await;
                }
                Err(error) => {
                    failures += 1;
                    self.passed = None;
                    let pause = self.failed(&error, failures);
                    self.sleep(pause).await;
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Applied, ApplyError> {
        let schema = self.projection.definition().schema;
        if self.standing.borrow().status == Status::Starting {
            ensure_checkpoint(&self.pool, schema, &self.feed).await?;
        }
        if let Some(end) = self.pass_over().await? {
            return Ok(Applied::Nothing { end });
        }
        if let Some(next) = self.last_batch.map(|begun| begun + self.settings.batch_every) {
            tokio::time::sleep_until(next).await;
        }
        self.last_batch = Some(Instant::now());
        let limit = self.settings.batch_events_max;
        let applied = apply_next(&self.pool, schema, self.projection.as_ref(), &self.feed, limit, None).await?;
        self.passed = match applied {
            Applied::Events { end, .. } | Applied::Nothing { end } => Some(Passed { end, events: 0, since: None }),
            Applied::Elsewhere { .. } => None,
        };
        if applied == (Applied::Elsewhere { position: Position(0) }) {
            // Or nobody is at it and the shard has no checkpoint yet, because it was not opened.
            ensure_checkpoint(&self.pool, schema, &self.feed).await?;
        }
        Ok(applied)
    }

    /// Passes over what follows if nothing of it is wanted; `None` where there is something to apply,
    /// or the checkpoint has stayed behind for long.
    async fn pass_over(&mut self) -> Result<Option<End>, ApplyError> {
        let Some(mut passed) = self.passed else { return Ok(None) };
        // So many that one batch goes over them again from the checkpoint, and beyond them.
        let passed_max = self.settings.batch_events_max / 2;
        loop {
            let slice = self.feed.read(passed.end.position, self.settings.batch_events_max).await?;
            let events = slice.events();
            let overdue = passed.since.is_some_and(|since| since.elapsed() >= PASSED_FOR);
            if slice.before != Some(passed.end.commit_id)
                || overdue
                || passed.events + events.len() > passed_max
                || events.iter().any(|event| wants(self.projection.as_ref(), event))
            {
                return Ok(None);
            }
            let Some(last) = events.last().map(|event| &event.recorded) else { break };
            passed.end = End { position: last.position, commit_id: last.commit_id };
            passed.events += events.len();
            passed.since = passed.since.or_else(|| Some(Instant::now()));
        }
        self.passed = Some(passed);
        Ok(Some(passed.end))
    }

    fn tell(&self, applied: Applied, seen: Position) {
        let position = applied.position();
        self.standing.send_if_modified(|standing| {
            let recovered = standing.status != Status::Running;
            if recovered && standing.status != Status::Starting {
                tracing::info!(projection = %self.projection.name(), shard = %self.feed.shard(), "running again");
            }
            let moved = standing.position != position;
            standing.status = Status::Running;
            standing.error = None;
            standing.at(position, seen);
            moved || recovered
        });
        if let Applied::Events { count, recorded_at, .. } = applied {
            let labels = self.labels();
            metrics::counter!("mintmark_projection_events_total", &labels).increment(count as u64);
            let delay = (Utc::now() - recorded_at).to_std().unwrap_or_default();
            metrics::histogram!("mintmark_projection_delay_seconds", &labels).record(delay);
        }
        self.measure();
    }

    fn labels(&self) -> [(&'static str, String); 2] {
        [("projection", self.projection.name().to_string()), ("shard", self.feed.shard().to_string())]
    }

    fn measure(&self) {
        let standing = self.standing.borrow();
        let labels = self.labels();
        #[expect(clippy::cast_precision_loss, reason = "a gauge of events; no money")]
        metrics::gauge!("mintmark_projection_lag_events", &labels).set(standing.lag_events() as f64);
        metrics::gauge!("mintmark_projection_lag_seconds", &labels).set(standing.lag().as_secs_f64());
        metrics::gauge!("mintmark_projection_up", &labels).set(f64::from(u8::from(!standing.status.is_stopped())));
    }

    /// Waits until there may be something to do.
    async fn rest(&mut self, applied: Applied, seen: Position) {
        match applied {
            // More may have come meanwhile; the next look costs little.
            Applied::Events { end, .. } if end.position < seen => {}
            // Whoever applies it tells no other process: look again soon.
            Applied::Elsewhere { position } if position < seen => self.sleep(self.settings.poll).await,
            Applied::Events { .. } | Applied::Nothing { .. } | Applied::Elsewhere { .. } => {
                let overdue = self.passed.and_then(|passed| passed.since).map(|since| since + PASSED_FOR);
                let overdue = async {
                    match overdue {
                        Some(overdue) => tokio::time::sleep_until(overdue).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = self.stop.cancelled() => {}
                    () = overdue => {}
                    changed = self.news.changed() => if changed.is_err() {
                        self.stop.cancelled().await;
                    },
                }
            }
        }
    }

    /// Says that a batch failed, and how long to wait before the next try.
    fn failed(&self, error: &ApplyError, failures: u32) -> Duration {
        let name = self.projection.name();
        let shard = self.feed.shard();
        let status = match error {
            ApplyError::Diverged { .. } => Status::Diverged,
            // What is wrong with the events themselves stays wrong.
            error if !error.is_transient() => Status::Stopped,
            _ if failures > self.settings.retries_max => Status::Stopped,
            _ => Status::Retrying,
        };
        let before = self.standing.borrow().status;
        if status.is_stopped() && before != status {
            tracing::error!(projection = %name, %shard, %error, "a projection has stopped");
        } else if !status.is_stopped() {
            tracing::warn!(projection = %name, %shard, %error, failures, "a projection's batch failed");
        }
        self.standing.send_modify(|standing| {
            standing.status = status;
            standing.error = Some(error.to_string());
            standing.at(standing.position, *self.news.borrow());
        });
        metrics::counter!("mintmark_projection_failures_total", &self.labels()).increment(1);
        self.measure();
        if status.is_stopped() {
            return self.settings.stopped_look;
        }
        let doubled = self.settings.retry_first.saturating_mul(1 << failures.saturating_sub(1).min(16));
        doubled.min(self.settings.retry_pause_max)
    }

    async fn sleep(&self, pause: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

//! Where every projection stands: for waiting readers, `/readyz` and metrics.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mintmark_domain::Shard;
use mintmark_domain::es::Position;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::projection::ProjectionName;

/// How often a waiting reader asks the database, when no runner of this process says anything.
const WAIT_POLL: Duration = Duration::from_millis(20);

/// What a runner is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// It has not applied or seen anything yet.
    #[default]
    Starting,
    /// It applies what comes.
    Running,
    /// It failed and is trying again.
    Retrying,
    /// It gave up: what it serves is out of date until somebody acts. It looks again now and then.
    Stopped,
    /// The log holds another history than was applied: only a rebuild helps.
    Diverged,
}

impl Status {
    /// The name in `/readyz`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Starting => "starting",
            Status::Running => "running",
            Status::Retrying => "retrying",
            Status::Stopped => "stopped",
            Status::Diverged => "diverged",
        }
    }

    /// Whether nobody should wait for it.
    #[must_use]
    pub fn is_stopped(self) -> bool {
        match self {
            Status::Stopped | Status::Diverged => true,
            Status::Starting | Status::Running | Status::Retrying => false,
        }
    }
}

/// The health of one runner.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// The projection.
    pub projection: ProjectionName,
    /// The shard.
    pub shard: Shard,
    /// What it is doing.
    pub status: Status,
    /// Up to where the shard is applied.
    pub position: Position,
    /// The end of the shard, as last seen.
    pub end: Position,
    /// How many events are not applied yet.
    pub lag_events: u64,
    /// For how long it has been behind without a break, in milliseconds; 0 if it is not.
    pub lag_ms: u64,
    /// The last error, while there is one.
    pub error: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    pub status: Status,
    pub position: Position,
    pub end: Position,
    pub behind_since: Option<Instant>,
    pub error: Option<String>,
}

impl Standing {
    /// Says how far the runner is. The end may go back: a log that lost its tail ends earlier, and nobody
    /// is behind what is not there any more.
    pub fn at(&mut self, position: Position, end: Position) {
        self.position = position;
        self.end = end.max(position);
        if position >= self.end {
            self.behind_since = None;
        } else if self.behind_since.is_none() {
            self.behind_since = Some(Instant::now());
        }
    }

    pub fn lag_events(&self) -> u64 {
        self.end.0.saturating_sub(self.position.0)
    }

    pub fn lag(&self) -> Duration {
        self.behind_since.map(|since| since.elapsed()).unwrap_or_default()
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// What was waited for is applied.
    Reached,
    /// It was not in time.
    TimedOut,
    /// The projection is stopped; nothing was waited for.
    Stopped,
}

/// The standing of every runner of this process.
#[derive(Debug, Default)]
pub struct Board(Mutex<BTreeMap<(ProjectionName, Shard), watch::Sender<Standing>>>);

impl Board {
    /// An empty board: nothing runs in this process.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The place of one runner.
    pub(crate) fn place(&self, projection: ProjectionName, shard: Shard) -> watch::Sender<Standing> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry((projection, shard)).or_insert_with(|| watch::Sender::new(Standing::default())).clone()
    }

    fn subscribe(&self, projection: ProjectionName, shard: Shard) -> Option<watch::Receiver<Standing>> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.get(&(projection, shard)).map(watch::Sender::subscribe)
    }

    /// The health of every runner, by projection and shard.
    #[must_use]
    pub fn health(&self) -> Vec<Health> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let health = places.iter().map(|((projection, shard), sender)| {
            let standing = sender.borrow();
            Health {
                projection: *projection,
                shard: *shard,
                status: standing.status,
                position: standing.position,
                end: standing.end,
                lag_events: standing.lag_events(),
                lag_ms: u64::try_from(standing.lag().as_millis()).unwrap_or(u64::MAX),
                error: standing.error.clone(),
            }
        });
        health.collect()
    }

    /// Waits until `position` is applied: told by the runner of this process, and, since another
    /// process may be the one that applies, asking `poll` between.
    pub(crate) async fn wait_for<F: Future<Output = Option<Position>>>(
        &self,
        projection: ProjectionName,
        shard: Shard,
        position: Position,
        timeout: Duration,
        poll: impl Fn() -> F,
    ) -> Waited {
        let deadline = Instant::now() + timeout;
        let mut standing = self.subscribe(projection, shard);
        loop {
            if let Some(standing) = &mut standing {
                let now = standing.borrow_and_update().clone();
                if now.position >= position {
                    return Waited::Reached;
                }
                if now.status.is_stopped() {
                    // Another process may be well, or a rebuild has just put things right.
                    let reached = poll().await.is_some_and(|applied| applied >= position);
                    return if reached { Waited::Reached } else { Waited::Stopped };
                }
            }
            let pause = WAIT_POLL.min(deadline.saturating_duration_since(Instant::now()));
            let told = match &mut standing {
                Some(standing) => matches!(tokio::time::timeout(pause, standing.changed()).await, Ok(Ok(()))),
                None => false,
            };
            if told {
                continue;
            }
            if poll().await.is_some_and(|applied| applied >= position) {
                return Waited::Reached;
            }
            if Instant::now() >= deadline {
                return Waited::TimedOut;
            }
            if standing.is_none() {
                tokio::time::sleep(pause).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_lost_tail_nobody_is_behind_what_is_not_there_any_more() {
        let mut standing = Standing::default();
        standing.at(Position(10), Position(20));
        assert_eq!(standing.lag_events(), 10);
        assert!(standing.behind_since.is_some());
        // The tail is lost, the read models are rebuilt, and all that is left is applied.
        standing.at(Position(12), Position(12));
        assert_eq!((standing.lag_events(), standing.end, standing.behind_since), (0, Position(12), None));
        assert_eq!(standing.lag(), Duration::ZERO);
    }
}

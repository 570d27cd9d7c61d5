//! The dispatcher: the port through which use cases and adapters start runs and wait for them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mintmark_domain::es::Decider;
use mintmark_domain::ids::{AccountId, BatchId, RunId};
use mintmark_domain::ports::{Dispatch, Provider, Slot};
use mintmark_domain::run::{Inputs, Run};
use tokio::time::Instant;

use super::settings::RunningSettings;
use super::shared::{EndOf, Shared};
use super::steps;

/// Starts runs on this node. Clones share everything.
#[derive(Clone)]
pub struct Dispatcher {
    pub(super) shared: Arc<Shared>,
}

impl Dispatcher {
    /// A dispatcher of `node`, a name that no other process ever had. Until
    /// [`Dispatcher::start`](Dispatcher::start) what is accepted only waits.
    #[must_use]
    pub fn new(
        node: impl Into<Arc<str>>,
        decider: Arc<dyn Decider>,
        providers: Vec<Arc<dyn Provider>>,
        settings: RunningSettings,
    ) -> Self {
        Dispatcher { shared: Arc::new(Shared::new(node.into(), decider, providers, settings)) }
    }

    /// The node's name.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.shared.node
    }

    /// How many runs wait in memory for a provider, and how many are under way there.
    #[must_use]
    pub fn load_of(&self, provider: &str) -> (usize, usize) {
        self.shared.load_of(provider)
    }
}

#[async_trait]
impl Dispatch for Dispatcher {
    fn reserve(&self, provider: &str, _account: AccountId) -> Option<Box<dyn Slot>> {
        steps::reach(steps::BEFORE_REQUEST);
        if self.shared.stopping.is_cancelled() || !self.shared.is_started() {
            return None;
        }
        self.shared.place_at_once(provider)
    }

    fn accepted(&self, run: RunId, account: AccountId, provider: &str, slot: Option<Box<dyn Slot>>) {
        steps::reach(steps::AFTER_REQUEST);
        match slot {
            Some(slot) => self.shared.start_at_once(run, account, provider, slot, None),
            None if !self.shared.stopping.is_cancelled() => {
                self.shared.enqueue(run, account, provider);
            }
            // What is accepted while the node stops is found by the next start, or by another node.
            None => {}
        }
    }

    fn starts(&self, run: RunId, account: AccountId, provider: &str, slot: Box<dyn Slot>, state: &Run, inputs: Inputs) {
        steps::reach(steps::AFTER_REQUEST);
        let at_hand = Box::new((state.clone(), inputs));
        self.shared.start_at_once(run, account, provider, slot, Some(at_hand));
    }

    fn batch(&self, batch: BatchId, _account: AccountId) {
        self.shared.drive(batch);
    }

    fn cancel_requested(&self, run: RunId) {
        if !self.shared.wish_to_stop(run) {
            // Another node may carry it: its recovery loop sees the wish.
            self.shared.look.notify_one();
        }
    }

    async fn ended(&self, run: RunId, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        loop {
            let here = match self.shared.end_of(run) {
                EndOf::Reached => return true,
                EndOf::Here(done) => Some(done),
                EndOf::Elsewhere => None,
            };
            let Some(done) = here else {
                if self.shared.has_ended(run).await {
                    return true;
                }
                let now = Instant::now();
                if now >= deadline {
                    return false;
                }
                tokio::time::sleep_until(deadline.min(now + self.shared.settings.ended_poll)).await;
                continue;
            };
            tokio::select! {
                () = done.cancelled() => {}
                () = tokio::time::sleep_until(deadline) => return false,
            }
        }
    }

    fn progress(&self, run: RunId) -> Option<u8> {
        self.shared.progress(run)
    }
}

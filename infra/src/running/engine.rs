//! The engine of one node: the tasks that carry runs, and their beginning and end.

use std::sync::Arc;
use std::time::Duration;

use mintmark_domain::ids::{BatchId, RunId};
use mintmark_domain::ports::{Assets, ProductReader, Slot, WorkQueue};
use mintmark_domain::usecases::Core;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::deliver::ReadyAssets;
use super::dispatcher::Dispatcher;
use super::execute::{How, Next, execute};
use super::memory::InputMemory;
use super::nodes::Nodes;
use super::shared::Shared;
use super::{batches, recovery};

/// What carrying runs out needs besides the dispatcher.
#[derive(Clone)]
pub struct RunningDeps {
    /// The use cases; their `dispatch` is the dispatcher that is started.
    pub core: Core,
    /// Where outputs are kept.
    pub assets: Arc<dyn Assets>,
    /// What has not ended.
    pub work: Arc<dyn WorkQueue>,
    /// Which nodes live.
    pub nodes: Arc<dyn Nodes>,
    /// Reads the product pages that workflows are given.
    pub products: Arc<dyn ProductReader>,
}

/// The tasks of one node and what they share.
pub(super) struct Engine {
    pub shared: Arc<Shared>,
    pub core: Core,
    pub assets: Arc<dyn Assets>,
    pub work: Arc<dyn WorkQueue>,
    pub nodes: Arc<dyn Nodes>,
    pub products: Arc<dyn ProductReader>,
    /// Memory for inputs.
    pub memory: InputMemory,
    /// Ready assets that were measured before.
    pub ready: ReadyAssets,
    runtime: Handle,
    tasks: TaskTracker,
    /// Everything stops where it is.
    kill: CancellationToken,
}

/// Runs are being carried out. Dropping it stops everything where it is, as a crash would;
/// [`Running::shutdown`] ends in order.
#[must_use = "runs are carried out until this is dropped"]
pub struct Running {
    engine: Arc<Engine>,
}

impl Dispatcher {
    /// Begins to carry runs out, and to look for those that were left alone. To be called in a Tokio
    /// runtime, once.
    pub fn start(&self, deps: RunningDeps) -> Running {
        let engine = Arc::new(Engine {
            shared: Arc::clone(&self.shared),
            core: deps.core,
            assets: deps.assets,
            work: deps.work,
            nodes: deps.nodes,
            products: deps.products,
            memory: InputMemory::new(self.shared.settings.inputs),
            ready: ReadyAssets::default(),
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
            kill: CancellationToken::new(),
        });
        self.shared.set_engine(Some(Arc::clone(&engine)));
        let (heart, scanner) = (Arc::clone(&engine), Arc::clone(&engine));
        engine.background(async move { recovery::beat(&heart).await });
        engine.background(async move { recovery::scan(&scanner).await });
        self.shared.pump_all();
        Running { engine }
    }
}

impl Running {
    /// Takes nothing new, waits until what is under way has reached a point from which another
    /// process can go on, `within` at most, and says that this node is gone.
    pub async fn shutdown(self, within: Duration) {
        let engine = &self.engine;
        engine.shared.stopping.cancel();
        engine.tasks.close();
        if tokio::time::timeout(within, engine.tasks.wait()).await.is_err() {
            tracing::warn!(left = engine.tasks.len(), "runs were left under way; the next start carries them on");
        }
        engine.kill.cancel();
        if let Err(error) = engine.nodes.leave(&engine.shared.node).await {
            tracing::warn!(%error, "this node could not say that it leaves; others wait until it counts as gone");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.engine.shared.stopping.cancel();
        self.engine.kill.cancel();
        self.engine.shared.set_engine(None);
        self.engine.shared.let_go();
    }
}

impl Engine {
    /// Carries a run in a task of its own.
    pub fn carry(
        self: &Arc<Self>,
        run: RunId,
        provider: String,
        place: Option<Box<dyn Slot>>,
        cancel: CancellationToken,
        how: How,
    ) {
        let engine = Arc::clone(self);
        let kill = self.kill.clone();
        self.tasks.spawn_on(
            async move {
                // Forgets the run here however the task ends: done, panicked, or killed.
                let wish = cancel.clone();
                let mut left = Left { shared: Arc::clone(&engine.shared), run, armed: true };
                let span = tracing::info_span!("run", %run, provider);
                let next = tokio::select! {
                    biased;
                    () = kill.cancelled() => return,
                    next = execute(&engine, run, &provider, place, cancel, how).instrument(span) => next,
                };
                left.armed = false;
                drop(left);
                match next {
                    Next::Ended => engine.shared.forget(run, true),
                    Next::Left => engine.shared.forget(run, false),
                    Next::Again(pause) => engine.again(run, pause, wish, kill).await,
                }
            },
            &self.runtime,
        );
    }

    async fn again(&self, run: RunId, pause: Duration, wish: CancellationToken, kill: CancellationToken) {
        tokio::select! {
            biased;
            () = kill.cancelled() => {}
            () = self.shared.stopping.cancelled() => self.shared.forget(run, false),
            // Whoever wants it stopped need not wait for another attempt.
            () = wish.cancelled() => self.shared.requeue(run),
            () = tokio::time::sleep(pause) => self.shared.requeue(run),
        }
    }

    /// Keeps a batch going, in a task of its own unless it has one.
    pub fn drive(self: &Arc<Self>, batch: BatchId) {
        if self.shared.stopping.is_cancelled() {
            return;
        }
        let Some(wake) = self.shared.wake_batch(batch) else { return };
        let engine = Arc::clone(self);
        let kill = self.kill.clone();
        self.tasks.spawn_on(
            async move {
                tokio::select! {
                    biased;
                    () = kill.cancelled() => {}
                    () = batches::drive(&engine, batch, &wake) => {}
                }
                engine.shared.forget_batch(batch);
            },
            &self.runtime,
        );
    }

    /// A task that lives as long as the node does.
    fn background(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        let kill = self.kill.clone();
        self.runtime.spawn(async move {
            tokio::select! {
                biased;
                () = kill.cancelled() => {}
                () = task => {}
            }
        });
    }
}

struct Left {
    shared: Arc<Shared>,
    run: RunId,
    armed: bool,
}

impl Drop for Left {
    fn drop(&mut self) {
        if self.armed {
            self.shared.forget(self.run, false);
        }
    }
}

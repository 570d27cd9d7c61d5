//! What a node knows of its runs: what waits, what is under way, and who waits for its end.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::es::{Decider, StreamRef};
use mintmark_domain::ids::{AccountId, BatchId, RunId};
use mintmark_domain::ports::{Provider, Slot};
use mintmark_domain::run::{Inputs, Run};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::execute::How;
use super::queue::{Bounds, Lane};
use super::settings::RunningSettings;

/// How many ended runs are remembered, for those who ask right after the end.
const ENDED_REMEMBERED: usize = 8_192;
/// How many names of providers that are not configured are remembered, and warned of.
const ABSENT_REMEMBERED: usize = 100;

/// What the dispatcher and the engine share.
pub(super) struct Shared {
    pub node: Arc<str>,
    pub settings: RunningSettings,
    pub providers: HashMap<String, Arc<dyn Provider>>,
    decider: Arc<dyn Decider>,
    state: Mutex<State>,
    /// Set between start and stop.
    engine: Mutex<Option<Arc<Engine>>>,
    /// The recovery loop is to look now.
    pub look: Notify,
    /// Nothing new is taken.
    pub stopping: CancellationToken,
}

#[derive(Default)]
struct State {
    lanes: HashMap<String, Lane>,
    known: HashMap<RunId, Known>,
    batches: HashMap<BatchId, Arc<Notify>>,
    ended: HashSet<RunId>,
    ended_order: VecDeque<RunId>,
    /// Providers that are not configured here and whose runs were seen.
    absent: HashSet<String>,
}

/// A run that waits or is under way here.
struct Known {
    account: AccountId,
    provider: String,
    /// Its owner wants it stopped.
    cancel: CancellationToken,
    /// It has ended, or is not ours any more.
    done: CancellationToken,
    progress: Option<u8>,
    batch: Option<BatchId>,
}

/// A place at a provider. Given back when dropped.
struct Place {
    shared: Arc<Shared>,
    provider: String,
}

impl Slot for Place {
    fn node(&self) -> &str {
        &self.shared.node
    }

    fn submit_by(&self, now: Timestamp) -> Timestamp {
        self.shared.submit_by(now)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(lane) = self.shared.state().lanes.get_mut(&self.provider) {
            lane.give_back();
        }
        self.shared.pump(&self.provider);
    }
}

/// Where a run's end can be waited for.
pub(super) enum EndOf {
    /// It has ended.
    Reached,
    /// It waits or is under way here; this is cancelled when it no longer is.
    Here(CancellationToken),
    /// Not here: the log knows.
    Elsewhere,
}

impl Shared {
    pub fn new(
        node: Arc<str>,
        decider: Arc<dyn Decider>,
        providers: Vec<Arc<dyn Provider>>,
        settings: RunningSettings,
    ) -> Self {
        let lanes = providers
            .iter()
            .map(|provider| (provider.name().to_owned(), Lane::new(provider.traits().concurrency.max(1))))
            .collect();
        let providers = providers.into_iter().map(|provider| (provider.name().to_owned(), provider)).collect();
        Shared {
            node,
            settings,
            providers,
            decider,
            state: Mutex::new(State { lanes, ..State::default() }),
            engine: Mutex::default(),
            look: Notify::new(),
            stopping: CancellationToken::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn engine(&self) -> Option<Arc<Engine>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn is_started(&self) -> bool {
        self.engine().is_some()
    }

    pub fn drive(&self, batch: BatchId) {
        if let Some(engine) = self.engine() {
            engine.drive(batch);
        }
    }

    /// What waits in memory for a provider, and what is under way there.
    pub fn load_of(&self, provider: &str) -> (usize, usize) {
        self.state().lanes.get(provider).map_or((0, 0), |lane| (lane.waiting(), lane.taken()))
    }

    pub fn progress(&self, run: RunId) -> Option<u8> {
        self.state().known.get(&run).and_then(|known| known.progress)
    }

    pub fn end_of(&self, run: RunId) -> EndOf {
        let state = self.state();
        match state.known.get(&run) {
            _ if state.ended.contains(&run) => EndOf::Reached,
            Some(known) => EndOf::Here(known.done.clone()),
            None => EndOf::Elsewhere,
        }
    }

    /// A place for a run that starts at once, if there is one that nobody waits for.
    pub fn place_at_once(self: &Arc<Self>, provider: &str) -> Option<Box<dyn Slot>> {
        let taken = self.state().lanes.get_mut(provider).is_some_and(Lane::take_at_once);
        taken.then(|| self.place(provider))
    }

    pub fn set_engine(&self, engine: Option<Arc<Engine>>) {
        *self.engine.lock().unwrap_or_else(PoisonError::into_inner) = engine;
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            waiting_max: self.settings.waiting_max,
            waiting_per_account_max: self.settings.waiting_per_account_max,
        }
    }

    pub fn submit_by(&self, now: Timestamp) -> Timestamp {
        now + TimeDelta::from_std(self.settings.submit_window).unwrap_or(TimeDelta::MAX)
    }

    fn place(self: &Arc<Self>, provider: &str) -> Box<dyn Slot> {
        Box::new(Place { shared: Arc::clone(self), provider: provider.to_owned() })
    }

    /// Lets every lane go on, after the start.
    pub fn pump_all(self: &Arc<Self>) {
        for provider in self.providers.keys() {
            self.pump(provider);
        }
    }

    /// Starts what may start at a provider.
    fn pump(self: &Arc<Self>, provider: &str) {
        let Some(engine) = self.engine() else { return };
        while !self.stopping.is_cancelled() {
            let mut state = self.state();
            let Some(lane) = state.lanes.get_mut(provider) else { return };
            let Some((_, run)) = lane.pop() else {
                if lane.wants_more() {
                    self.look.notify_one();
                }
                return;
            };
            let cancel = state.known.get(&run).map(|known| known.cancel.clone());
            drop(state);
            let place = self.place(provider);
            if let Some(cancel) = cancel {
                engine.carry(run, provider.to_owned(), Some(place), cancel, How::Waited);
            }
        }
    }

    /// Makes a run known here; `None` if it is already.
    fn learn(state: &mut State, run: RunId, account: AccountId, provider: &str) -> Option<CancellationToken> {
        if state.known.contains_key(&run) {
            return None;
        }
        let cancel = CancellationToken::new();
        let known = Known {
            account,
            provider: provider.to_owned(),
            cancel: cancel.clone(),
            done: CancellationToken::new(),
            progress: None,
            batch: None,
        };
        state.known.insert(run, known);
        Some(cancel)
    }

    /// Whether a provider is configured here. One that is not is warned of once.
    pub fn has_provider(&self, provider: &str) -> bool {
        if self.providers.contains_key(provider) {
            return true;
        }
        let mut state = self.state();
        if state.absent.len() < ABSENT_REMEMBERED && state.absent.insert(provider.to_owned()) {
            tracing::warn!(provider, "runs wait for a provider that is not configured here");
        }
        false
    }

    /// Ends a run whose provider is not configured here, or keeps it until its deadline. Whether it is
    /// carried now: not if it is already.
    pub fn carry_absent(self: &Arc<Self>, run: RunId, account: AccountId, provider: &str, how: How) -> bool {
        let Some(engine) = self.engine().filter(|_| !self.stopping.is_cancelled()) else { return false };
        let cancel = Self::learn(&mut self.state(), run, account, provider);
        let Some(cancel) = cancel else { return false };
        engine.carry(run, provider.to_owned(), None, cancel, how);
        true
    }

    /// Lets a run wait for its turn. `false`: no room, it is known already, or its provider is not
    /// configured here; then it waits in the log for the recovery loop.
    pub fn enqueue(self: &Arc<Self>, run: RunId, account: AccountId, provider: &str) -> bool {
        if !self.has_provider(provider) {
            return false;
        }
        let waits = {
            let mut state = self.state();
            if Self::learn(&mut state, run, account, provider).is_none() {
                return false;
            }
            let bounds = self.bounds();
            let waits = state.lanes.get_mut(provider).is_some_and(|lane| lane.push(account, run, bounds));
            if !waits {
                state.known.remove(&run);
            }
            waits
        };
        self.pump(provider);
        waits
    }

    /// Starts a run in the place that was kept for it.
    pub fn start_at_once(
        self: &Arc<Self>,
        run: RunId,
        account: AccountId,
        provider: &str,
        slot: Box<dyn Slot>,
        at_hand: Option<Box<(Run, Inputs)>>,
    ) {
        // Without an engine the node is stopping: the next start takes the run over.
        let Some(engine) = self.engine() else { return };
        let cancel = Self::learn(&mut self.state(), run, account, provider);
        if let Some(cancel) = cancel {
            engine.carry(run, provider.to_owned(), Some(slot), cancel, How::AtOnce(at_hand));
        }
    }

    /// Lets a run that is known here wait for another turn.
    pub fn requeue(self: &Arc<Self>, run: RunId) {
        let again = {
            let mut state = self.state();
            state.known.remove(&run).map(|known| {
                known.done.cancel();
                (known.account, known.provider, known.cancel.is_cancelled())
            })
        };
        let Some((account, provider, cancelled)) = again else { return };
        if self.enqueue(run, account, &provider) && cancelled {
            self.wish_to_stop(run);
        }
    }

    /// Carries a run on that is under way already, whatever room there is.
    pub fn adopt(self: &Arc<Self>, run: RunId, account: AccountId, provider: &str, holds_place: bool) -> bool {
        let Some(engine) = self.engine() else { return false };
        if self.stopping.is_cancelled() {
            return false;
        }
        let cancel = {
            let mut state = self.state();
            let Some(cancel) = Self::learn(&mut state, run, account, provider) else { return false };
            if let Some(lane) = state.lanes.get_mut(provider).filter(|_| holds_place) {
                lane.take_over();
            }
            cancel
        };
        let place = holds_place.then(|| self.place(provider));
        engine.carry(run, provider.to_owned(), place, cancel, How::LeftAlone);
        true
    }

    pub fn knows(&self, run: RunId) -> bool {
        self.state().known.contains_key(&run)
    }

    /// Whether a run is waiting here or under way, and is then told that its owner wants it stopped.
    pub fn wish_to_stop(self: &Arc<Self>, run: RunId) -> bool {
        let (cancel, waited, provider) = {
            let mut state = self.state();
            let State { known, lanes, .. } = &mut *state;
            let Some(known) = known.get(&run) else { return false };
            let waited = lanes.get_mut(&known.provider).is_some_and(|lane| lane.remove(known.account, run));
            (known.cancel.clone(), waited, known.provider.clone())
        };
        cancel.cancel();
        match self.engine() {
            // It has nothing to wait for any more: whoever waits for its end need not, either.
            Some(engine) if waited => engine.carry(run, provider, None, cancel, How::Waited),
            Some(_) => {}
            None if waited => self.forget(run, false),
            None => {}
        }
        true
    }

    pub fn set_progress(&self, run: RunId, progress: Option<u8>) {
        if let Some(known) = self.state().known.get_mut(&run) {
            known.progress = progress.map(|percent| percent.min(100)).or(known.progress);
        }
    }

    /// The batch that a run is an item of.
    pub fn note_batch(&self, run: RunId, batch: BatchId) {
        if let Some(known) = self.state().known.get_mut(&run) {
            known.batch = Some(batch);
        }
    }

    /// A run has ended, or is not ours any more: wakes those who wait for it, and its batch.
    pub fn forget(&self, run: RunId, ended: bool) {
        let mut state = self.state();
        if ended && state.ended.insert(run) {
            state.ended_order.push_back(run);
            while state.ended_order.len() > ENDED_REMEMBERED {
                if let Some(old) = state.ended_order.pop_front() {
                    state.ended.remove(&old);
                }
            }
        }
        let Some(known) = state.known.remove(&run) else { return };
        if let Some(lane) = state.lanes.get_mut(&known.provider) {
            lane.remove(known.account, run);
        }
        if let Some(driver) = known.batch.and_then(|batch| state.batches.get(&batch)) {
            driver.notify_one();
        }
        known.done.cancel();
    }

    /// Wakes a batch's driver; `Some` with what wakes it if it has none yet.
    pub fn wake_batch(&self, batch: BatchId) -> Option<Arc<Notify>> {
        let mut state = self.state();
        if let Some(driver) = state.batches.get(&batch) {
            driver.notify_one();
            return None;
        }
        let wake = Arc::new(Notify::new());
        state.batches.insert(batch, Arc::clone(&wake));
        Some(wake)
    }

    pub fn forget_batch(&self, batch: BatchId) {
        self.state().batches.remove(&batch);
    }

    /// Nothing waits here any more: the log has it all.
    pub fn let_go(&self) {
        let mut state = self.state();
        state.lanes.values_mut().for_each(Lane::clear);
        for known in state.known.drain().map(|(_, known)| known) {
            known.done.cancel();
        }
        state.batches.clear();
    }

    pub fn report(&self) {
        let state = self.state();
        let absent = state.known.values().filter(|known| !self.providers.contains_key(&known.provider)).count();
        #[expect(clippy::cast_precision_loss, reason = "gauges are floats; counts are small")]
        metrics::gauge!("mintmark_runs_without_provider").set(absent as f64);
        for (provider, lane) in &state.lanes {
            #[expect(clippy::cast_precision_loss, reason = "gauges are floats; counts are small")]
            let (waiting, running) = (lane.waiting() as f64, lane.taken() as f64);
            metrics::gauge!("mintmark_runs_waiting", "provider" => provider.clone()).set(waiting);
            metrics::gauge!("mintmark_runs_under_way", "provider" => provider.clone()).set(running);
        }
    }

    pub async fn has_ended(&self, run: RunId) -> bool {
        let streams = vec![StreamRef::of::<Run>(run)];
        match self.decider.load(run.shard(), streams).await {
            Ok(loaded) => loaded
                .first()
                .and_then(|loaded| loaded.state.as_any().downcast_ref::<Run>())
                .is_some_and(|run| run.status().is_ended()),
            Err(error) => {
                tracing::debug!(%error, "whether a run has ended cannot be said");
                false
            }
        }
    }
}

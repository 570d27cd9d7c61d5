//! What every use case needs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use super::authenticate::Caller;
use super::refusal::Refusal;
use crate::account::Tier;
use crate::catalog::Catalog;
use crate::es::{Acting, Confirmed, DecideError, Decider, DecisionExt, DecisionRequest, Position, StreamRef, Unit};
use crate::ids::AccountId;
use crate::ports::{Assets, Clock, Directory, Dispatch, Entropy, Identity, InputFetcher, IntegerIds, Links, Vault};
use crate::{Credits, Shard, Timestamp};

/// Free credits of one tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BonusAmounts {
    /// Once, at the first authenticated call.
    pub signup: Credits,
    /// Once in a UTC day.
    pub daily: Credits,
    /// Once in an ISO week.
    pub weekly: Credits,
    /// The ceiling up to which free credits are refilled.
    pub max: Credits,
}

/// Free credits by tier; nothing where a tier is not named.
pub type BonusPolicy = BTreeMap<&'static str, BonusAmounts>;

/// Settings of the use cases.
#[derive(Clone, Debug)]
pub struct Settings {
    /// In which shards new accounts are pinned, in turn by their id's hash.
    pub shards: Vec<Shard>,
    /// Free credits by tier.
    pub bonuses: BonusPolicy,
    /// Free credits of single accounts; they go before their tier's.
    pub own_bonuses: BTreeMap<AccountId, BonusAmounts>,
    /// How long an unknown outcome is probed before the run fails at no cost (decision 6).
    pub unknown_for: TimeDelta,
    /// How long a decision may wait for its turn.
    pub decide_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            shards: vec![Shard::ZERO],
            bonuses: BonusPolicy::new(),
            own_bonuses: BTreeMap::new(),
            unknown_for: TimeDelta::hours(24),
            decide_within: DecisionRequest::WITHIN_DEFAULT,
        }
    }
}

/// The use cases, over the ports they need. Cheap to clone.
#[derive(Clone)]
pub struct Core {
    /// Makes decisions.
    pub decider: Arc<dyn Decider>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// Knows who owns unique names.
    pub directory: Arc<dyn Directory>,
    /// Gives out public integer ids.
    pub integers: Arc<dyn IntegerIds>,
    /// Seals and opens texts.
    pub vault: Arc<dyn Vault>,
    /// Starts runs.
    pub dispatch: Arc<dyn Dispatch>,
    /// Judges and fetches inputs.
    pub inputs: Arc<dyn InputFetcher>,
    /// Tokens, sessions and passwords.
    pub identity: Identity,
    /// Keeps files.
    pub assets: Arc<dyn Assets>,
    /// Makes absolute addresses.
    pub links: Arc<dyn Links>,
    /// Models, prices, generators.
    pub catalog: Arc<Catalog>,
    /// Settings.
    pub settings: Arc<Settings>,
}

impl Core {
    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new stream id in `shard`.
    #[must_use]
    pub fn new_id(&self, shard: Shard) -> Uuid {
        self.entropy.id(shard, self.now())
    }

    /// The bonuses of an account of a tier.
    #[must_use]
    pub fn bonuses_of(&self, account: AccountId, tier: Tier) -> BonusAmounts {
        let own = self.settings.own_bonuses.get(&account);
        own.or_else(|| self.settings.bonuses.get(tier.as_str())).copied().unwrap_or_default()
    }

    pub(super) fn request(&self, shard: Shard, acting: Acting, fairness: impl Into<Uuid>) -> DecisionRequest {
        DecisionRequest { within: self.settings.decide_within, ..DecisionRequest::new(shard, acting, fairness) }
    }

    /// Has a decision made; its own refusal and the lack of an answer come out as one error.
    pub(super) async fn decide<T, F>(&self, request: DecisionRequest, decide: F) -> Result<(T, Confirmed), Refusal>
    where
        T: Send + 'static,
        F: FnMut(&mut Unit<'_>) -> Result<T, Refusal> + Send + 'static,
    {
        match self.decider.decide(request, decide).await {
            Ok(answer) => Ok(answer),
            Err(Ok(refusal)) => Err(refusal),
            Err(Err(error)) => Err(Refusal::Decide(error)),
        }
    }

    /// One stream's state at the shard's confirmed end.
    pub(super) async fn load<A>(&self, id: impl Into<Uuid>) -> Result<A, Refusal>
    where
        A: crate::es::Aggregate,
        A::Command: Clone + std::fmt::Debug,
    {
        let id = id.into();
        let stream = crate::es::StreamRef::of::<A>(id);
        let loaded = self.decider.load(Shard::of(id), vec![stream]).await?;
        loaded
            .first()
            .and_then(|loaded| loaded.state.as_any().downcast_ref::<A>())
            .cloned()
            .ok_or_else(|| Refusal::Decide(DecideError::Defect("a stream came back as another kind".into())))
    }

    /// The same, and where that end was.
    pub(super) async fn load_at<A>(&self, id: impl Into<Uuid>) -> Result<(A, Position), Refusal>
    where
        A: crate::es::Aggregate,
        A::Command: Clone + std::fmt::Debug,
    {
        let id = id.into();
        self.read(id, vec![StreamRef::of::<A>(id)], move |unit| unit.state::<A>(id).clone()).await
    }

    /// What `read` takes from streams of `of`'s shard at its confirmed end, and where that end was:
    /// whoever reads at or after it sees no less. A decision that appends nothing says so.
    pub(super) async fn read<T, F>(&self, of: Uuid, streams: Vec<StreamRef>, read: F) -> Result<(T, Position), Refusal>
    where
        T: Send + 'static,
        F: Fn(&Unit<'_>) -> T + Send + 'static,
    {
        let request = DecisionRequest { streams, ..self.request(Shard::of(of), Acting::default(), of) };
        let (found, confirmed) = self.decide(request, move |unit| Ok(read(unit))).await?;
        Ok((found, confirmed.end.position))
    }

    /// Where a shard's log ends, for a caller who is shown what is projected from it. It is told to a decision about
    /// nothing, which appends nothing.
    pub async fn end_of(&self, shard: Shard, caller: &Caller) -> Result<Position, Refusal> {
        let request = self.request(shard, caller.acting(), caller.account);
        let ((), confirmed) = self.decide(request, |_| Ok(())).await?;
        Ok(confirmed.end.position)
    }
}

/// Lets whoever else waits for this thread go first: for long loops without any other pause.
pub(super) async fn breathe() {
    let mut breathed = false;
    std::future::poll_fn(move |context| {
        if breathed {
            return std::task::Poll::Ready(());
        }
        breathed = true;
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

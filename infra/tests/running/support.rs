//! What the tests share: a world of one log, any number of nodes, and providers to send to.

use mintmark_domain::account::{Scope, Scopes, Tier};
use mintmark_domain::catalog::{Ask, Catalog, Dialect, Sources};
use mintmark_domain::creation::Privacy;
use mintmark_domain::es::EventLog as _;
use mintmark_domain::es::{Decider, Position};
use mintmark_domain::ids::{AccountId, RunId};
use mintmark_domain::ports::Dispatch as _;
use mintmark_domain::ports::{Clock, Entropy, Provider, SeededEntropy};
use mintmark_domain::run::{Inputs, Run, Surface};
use mintmark_domain::usecases::{Accepted, Caller, Core, IdempotencyKey, Registration, RunRequest, Settings};
use mintmark_domain::{Credits, Shard};
use mintmark_infra::providers::Sandbox;
use mintmark_infra::providers::sandbox::SandboxSettings;
use mintmark_infra::running::{Dispatcher, MemoryNodes, Running, RunningDeps, RunningSettings};
use mintmark_log::directory::{BlockSizes, IdAllocator, MemoryBlocks, MemoryDirectory};
use mintmark_log::memory::MemoryEventLog;
use mintmark_log::snapshots::MemorySnapshots;
use mintmark_log::writer::{Writer, WriterConfig, WriterDeps};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

pub use super::fakes::*;

pub fn credits(amount: &str) -> Credits {
    amount.parse().unwrap()
}

/// One log, and all that stands around it.
pub struct World {
    pub log: MemoryEventLog,
    pub writer: Arc<Writer>,
    pub clock: Arc<TokioClock>,
    pub assets: Arc<MemoryAssets>,
    pub nodes: Arc<MemoryNodes>,
    pub catalog: Arc<Catalog>,
    entropy: Arc<SeededEntropy>,
    directory: Arc<MemoryDirectory>,
    integers: Arc<IdAllocator>,
}

/// One process.
pub struct Node {
    pub core: Core,
    pub dispatcher: Dispatcher,
    pub running: Running,
    pub gate: Arc<Gate>,
}

/// Settings for tests that last for a day: nobody looks around every other second.
pub fn patient() -> RunningSettings {
    RunningSettings {
        scan_every: Duration::from_secs(600),
        beat_every: Duration::from_secs(600),
        dead_after: Duration::from_secs(3_600),
        ended_poll: Duration::from_secs(60),
        ..RunningSettings::default()
    }
}

/// A sandbox that delivers ready assets, so that tests do not draw.
pub async fn instant(world: &World) -> Sandbox {
    let settings = SandboxSettings { dies_with_node: false, ..SandboxSettings::default() };
    Sandbox::instant(settings, &*world.assets).await.unwrap()
}

impl World {
    pub async fn new() -> World {
        let log = MemoryEventLog::new();
        let clock = Arc::new(TokioClock { begun: Instant::now() });
        let entropy = Arc::new(SeededEntropy::new(7));
        let deps = WriterDeps {
            log: Arc::new(log.clone()),
            snapshots: Arc::new(MemorySnapshots::new(Arc::new(log.clone()))),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::clone(&entropy) as Arc<dyn Entropy>,
        };
        let writer = Arc::new(Writer::start(deps, WriterConfig::default(), &[Shard::ZERO]).await.unwrap());
        World {
            writer,
            directory: Arc::new(MemoryDirectory::new(Arc::clone(&clock) as Arc<dyn Clock>)),
            integers: Arc::new(IdAllocator::new(Arc::new(MemoryBlocks::default()), BlockSizes::default())),
            catalog: Arc::new(Catalog::load(&Sources::embedded()).unwrap()),
            assets: Arc::new(MemoryAssets { files: Mutex::default(), gate: Stop::default() }),
            nodes: Arc::default(),
            log,
            clock,
            entropy,
        }
    }

    pub async fn node(&self, name: &str, provider: Arc<dyn Provider>) -> Node {
        self.node_with(name, provider, RunningSettings::default(), Arc::clone(&self.nodes)).await
    }

    pub async fn node_with(
        &self,
        name: &str,
        provider: Arc<dyn Provider>,
        settings: RunningSettings,
        nodes: Arc<MemoryNodes>,
    ) -> Node {
        let writer = Arc::clone(&self.writer) as Arc<dyn Decider>;
        let gate = Arc::new(Gate::before(writer));
        let decider = Arc::clone(&gate) as Arc<dyn Decider>;
        let dispatcher = Dispatcher::new(name, Arc::clone(&decider), vec![provider], settings);
        let core = Core {
            decider,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            entropy: Arc::clone(&self.entropy) as Arc<dyn Entropy>,
            directory: Arc::clone(&self.directory) as _,
            integers: Arc::clone(&self.integers) as _,
            vault: Arc::new(PlainVault { log: self.log.clone() }),
            dispatch: Arc::new(dispatcher.clone()),
            inputs: Arc::new(Samples),
            identity: mintmark_domain::ports::Identity::absent(),
            assets: Arc::new(MemoryAssets { files: Mutex::default(), gate: Stop::default() }),
            links: Arc::new(NoLinks),
            catalog: Arc::clone(&self.catalog),
            settings: Arc::new(Settings::default()),
        };
        let work = FoldedWork {
            log: self.log.clone(),
            decider: Arc::clone(&self.writer) as Arc<dyn Decider>,
            seen: tokio::sync::Mutex::default(),
        };
        let running = dispatcher.start(RunningDeps {
            core: core.clone(),
            assets: Arc::clone(&self.assets) as _,
            work: Arc::new(work),
            nodes,
            products: Arc::new(NoPages),
        });
        // Its heart has beaten once, and it has looked around once.
        tokio::time::sleep(Duration::from_millis(10)).await;
        Node { core, dispatcher, running, gate }
    }

    /// The events of one stream's kind, by type, in order.
    pub async fn events_of(&self, run: RunId) -> Vec<String> {
        let rows = self.log.read(Shard::ZERO, Position(0), usize::MAX).await.unwrap();
        rows.into_iter().filter(|row| row.stream.id == run.0).map(|row| row.event_type).collect()
    }
}

impl Node {
    pub async fn account(&self, name: &str, amount: &str) -> Caller {
        let registration = Registration {
            username: name.to_owned(),
            email: format!("{name}@example.com"),
            tier: Tier::default(),
            credits: credits(amount),
            scopes: Scopes::Full,
        };
        let made = self.core.register(registration).await.unwrap();
        Caller {
            account: made.account,
            user_id: made.user_id,
            acts_with: mintmark_domain::account::ActsWith::Operator,
            scopes: Scopes::Full,
            tier: Tier::default(),
            surface: Surface::Genfire,
            request_id: "req".into(),
            traceparent: String::new(),
        }
    }

    /// Asks for `count` images of 3 credits each.
    pub async fn images(&self, caller: &Caller, prompt: &str, count: i64) -> Accepted {
        self.core.accept_run(caller, image_request(prompt, count)).await.unwrap()
    }

    /// Waits for a run's end, and gives its state.
    pub async fn ended(&self, run: RunId) -> Run {
        assert!(self.dispatcher.ended(run, Duration::from_secs(200_000)).await, "the run never ended");
        self.core.run_state(run).await.unwrap()
    }

    /// Available and held.
    pub async fn balance(&self, account: AccountId) -> (Credits, Credits) {
        let balance = self.core.balance_of(account).await.unwrap();
        (balance.available, balance.held)
    }
}

pub fn image_request(prompt: &str, count: i64) -> RunRequest {
    let ask = Ask { count: Some(count), ..Ask::prompt(Ask::length_of(prompt)) };
    RunRequest {
        team: None,
        dialect: Dialect::Genfire,
        model: "image.nano_banana_2".into(),
        ask,
        inputs: Inputs { prompt: prompt.into(), ..Inputs::default() },
        generator: None,
        preference: None,
        preference_two: None,
        privacy: Privacy::Public,
        route: "POST /v1/images/generations".into(),
        operation: "images.generations.create".into(),
        scope: Scope::ImagesWrite,
        workflow: None,
        idempotency: None,
    }
}

pub fn keyed(request: RunRequest, key: &str) -> RunRequest {
    let idempotency = Some(IdempotencyKey {
        key: key.into(),
        method: "POST".into(),
        path: "/v1/images/generations".into(),
        body: request.inputs.prompt.clone().into_bytes(),
    });
    RunRequest { idempotency, ..request }
}

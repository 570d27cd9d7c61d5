//! `mintmark serve`

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use mintmark_domain::es::EventLog;
use mintmark_domain::ports::Dispatch;
use mintmark_domain::usecases::Core;
use mintmark_infra::running::{Dispatcher, PgNodes, Running, RunningDeps, RunningSettings};
use mintmark_infra::telemetry::{LogFormat, Metrics, start_logging};
use mintmark_infra::gifts::keep_gifts;
use mintmark_infra::training::{TrainingSettings, keep_training};
use mintmark_projections::{Board, ReadModels, RunnerSettings, Runners};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::demo;
use crate::cli::Place;
use crate::compose::{Platform, Role, keep_directory, keep_files, keep_sign_ins, providers, start_sending, surfaces};
use crate::config::{self, Config};

/// How long requests under way may take to end once the server is told to stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);
/// How long runs under way may take to reach a point from which the next start can go on.
const SETTLE_WITHIN: Duration = Duration::from_secs(10);
/// How often metrics that are gathered in histograms are folded.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

pub async fn run(place: Place, listen: Option<SocketAddr>) -> anyhow::Result<ExitCode> {
    let config = Config::load(place.config.as_deref(), place.data_dir.as_deref(), listen)?;
    let format = match config.log.format {
        config::LogFormat::Text => LogFormat::Text,
        config::LogFormat::Json => LogFormat::Json,
    };
    start_logging(format, &config.log.filter)?;
    // First of all, so that a port that is taken is told before a database is started.
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!("{} cannot be listened on; is another server running? Choose another with --listen", config.listen)
    })?;
    let stopped = stop_signal()?;
    let platform = Platform::open(config, Role::Serve).await?;
    let result = serve(&platform, listener, stopped).await;
    platform.close_after(result).await.map(|()| ExitCode::SUCCESS)
}

async fn serve(platform: &Platform, listener: TcpListener, stopped: CancellationToken) -> anyhow::Result<()> {
    if let Some(notice) = &platform.notice {
        say!("{notice}");
    }
    let metrics = Metrics::start()?;
    let board = Arc::new(Board::new());
    let reads = ReadModels::new(platform.pool.clone(), Arc::clone(&board));
    let log: Arc<dyn EventLog> = platform.log.clone();
    let followed: Vec<_> = platform.projections.iter().chain(&platform.followers).cloned().collect();
    let runners = Runners::start(
        &platform.pool,
        &log,
        &followed,
        platform.shards(),
        |shard| platform.writer.subscribe(shard),
        &board,
        RunnerSettings::default(),
    );
    let (dispatcher, running) = start_running(platform, &reads).await?;
    let dispatch: Arc<dyn Dispatch> = dispatcher;
    let core = platform.core_with(dispatch);
    let demo = demo::at_first_start(platform, &core).await?;
    let core = match core.account_by_username(config::DEMO).await? {
        Some(account) if platform.config.demo_account => platform.with_demo(core, account),
        Some(_) | None => core,
    };
    let upkeep = tokio::spawn(keep_metrics(metrics.clone()));
    let sending = start_sending(platform, &core, &reads);
    let training = tokio::spawn(train(core.clone(), reads.clone(), platform.config.running.training_seconds));
    let gifts = tokio::spawn(carry(core.clone(), reads.clone()));
    let app = surfaces(platform, core, reads, board, metrics, stopped.child_token());
    say!("Mintmark serves {}", platform.config.public_url);
    if let Some(account) = demo {
        demo::print(&platform.config.public_url, &account);
    }
    let served = tokio::select! {
        served = answer(app, listener, stopped) => served,
        // None of them ends.
        ((), (), (), ()) = futures::future::join4(
            platform.keep_database(),
            keep_directory(platform),
            keep_files(platform),
            keep_sign_ins(platform),
        ) => Ok(()),
    };
    sending.shutdown(SETTLE_WITHIN).await;
    running.shutdown(SETTLE_WITHIN).await;
    upkeep.abort();
    training.abort();
    gifts.abort();
    runners.stop().await;
    served
}

/// The dispatcher of this process, at work.
async fn start_running(platform: &Platform, reads: &ReadModels) -> anyhow::Result<(Arc<Dispatcher>, Running)> {
    let nodes = PgNodes::new(platform.pool.clone());
    nodes.prepare().await?;
    let node = format!("node_{}", platform.core.new_id(mintmark_domain::Shard::ZERO).simple());
    let running = &platform.config.running;
    let (defaults, dead_after) = (RunningSettings::default(), Duration::from_secs(running.node_dead_seconds.into()));
    let settings = RunningSettings {
        waiting_max: running.queue_max,
        submit_window: Duration::from_secs(running.submit_window_seconds.into()),
        // Several signs of life within the time after which silence counts as death.
        beat_every: defaults.beat_every.min(dead_after / 4),
        dead_after,
        ..defaults
    };
    let dispatcher = Arc::new(Dispatcher::new(node, platform.writer.clone(), providers(platform).await?, settings));
    let deps = RunningDeps {
        core: platform.core_with(dispatcher.clone()),
        assets: Arc::new(platform.assets.clone()),
        work: Arc::new(reads.clone()),
        nodes: Arc::new(nodes),
        products: platform.products.clone(),
    };
    let running = dispatcher.start(deps);
    Ok((dispatcher, running))
}

/// Answers requests until told to stop, then lets those under way end.
async fn answer(app: Router, listener: TcpListener, stopped: CancellationToken) -> anyhow::Result<()> {
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    let drained = {
        let stopped = stopped.clone();
        async move {
            stopped.cancelled().await;
            tokio::time::sleep(DRAIN_WITHIN).await;
        }
    };
    let serving = axum::serve(listener, service).with_graceful_shutdown(stopped.cancelled_owned());
    tokio::select! {
        served = async move { serving.await } => served.context("the server ended"),
        () = drained => Ok(()),
    }
}

/// Ends the trainings of influencers as they are due.
async fn train(core: Core, reads: ReadModels, seconds: u32) {
    let settings = TrainingSettings { lasts: Duration::from_secs(seconds.into()), ..TrainingSettings::default() };
    keep_training(&core, &reads, settings).await;
}

/// Carries on gifts that were left on their way.
async fn carry(core: Core, reads: ReadModels) {
    keep_gifts(&core, &reads).await;
}

async fn keep_metrics(metrics: Metrics) {
    loop {
        tokio::time::sleep(METRICS_UPKEEP).await;
        metrics.upkeep();
    }
}

/// Cancelled at the first Ctrl-C or SIGTERM; a second one ends the process at once.
fn stop_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be received")?;
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be received")?;
    let stopped = CancellationToken::new();
    let token = stopped.clone();
    tokio::spawn(async move {
        for ending in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if ending {
                std::process::exit(130);
            }
            eprintln!("stopping; runs in flight go on at the next start (once more to stop at once)");
            token.cancel();
        }
    });
    Ok(stopped)
}

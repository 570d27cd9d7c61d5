//! Decisions of one event through the writer, in process.

use std::ops::Range;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mintmark_domain::es::{Acting, DecisionExt as _, DecisionRequest, StreamRef};
use mintmark_domain::ids::{AccountId, WalletId, derived_id};
use mintmark_domain::wallet::{CreditWallet, GrantSource, LotKind, WalletCommand, WalletError, WalletOwner};
use mintmark_domain::{Credits, Shard};
use mintmark_log::postgres::PgEventLog;
use mintmark_log::snapshots::{PgSnapshots, SnapshotStore};
use mintmark_log::system::{SystemClock, SystemEntropy};
use mintmark_log::writer::{Writer, WriterConfig, WriterDeps};
use mintmark_testkit::TestCluster;

/// How many callers decide at once.
const CALLERS: u64 = 256;
/// What each wallet is filled with.
const FUNDS: &str = "99999999";
/// How many events one decision makes where a log is to grow.
const GROW_BY: u64 = 1_000;

/// A writer on a database of its own in the cluster.
pub struct Decisions {
    writer: Arc<Writer>,
}

/// An account of the bench.
pub fn account(index: u64) -> AccountId {
    AccountId(derived_id(Shard::ZERO, "bench", &[&index.to_be_bytes()]))
}

/// The log of a database.
pub fn log_of(cluster: &TestCluster, database: &str) -> Arc<PgEventLog> {
    Arc::new(PgEventLog::new(cluster.options().database(database), "bench"))
}

/// A writer as the server starts one.
pub async fn start_writer(log: Arc<PgEventLog>, snapshots: Arc<dyn SnapshotStore>) -> anyhow::Result<Arc<Writer>> {
    let deps = WriterDeps { log, snapshots, clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    Ok(Arc::new(Writer::start(deps, WriterConfig::default(), &[Shard::ZERO]).await?))
}

fn request(account: AccountId, wallet: WalletId) -> DecisionRequest {
    let acting = Acting { actor: "bench".into(), ..Acting::default() };
    DecisionRequest::new(Shard::ZERO, acting, account).stream(StreamRef::of::<CreditWallet>(wallet))
}

impl Decisions {
    /// Makes the database, and a wallet for each caller.
    pub async fn prepare(cluster: &TestCluster, database: &str) -> anyhow::Result<Self> {
        cluster.restore(format!("CREATE DATABASE {database};").as_bytes()).await?;
        log_of(cluster, database).migrate().await?;
        let decisions = Self::on(cluster, database).await?;
        for index in 0..CALLERS {
            decisions.fill(index).await?;
        }
        Ok(decisions)
    }

    /// A writer beside this one, as another process would have.
    pub async fn another_writer(&self, cluster: &TestCluster, database: &str) -> anyhow::Result<Self> {
        Self::on(cluster, database).await
    }

    async fn on(cluster: &TestCluster, database: &str) -> anyhow::Result<Self> {
        let pool = mintmark_log::postgres::pool(cluster.options().database(database), "bench", 4);
        let writer = start_writer(log_of(cluster, database), Arc::new(PgSnapshots::new(pool))).await?;
        Ok(Decisions { writer })
    }

    async fn fill(&self, index: u64) -> anyhow::Result<()> {
        let account = account(index);
        let wallet = account.wallet();
        let funds = Credits::from_str(FUNDS)?;
        let filled = self.writer.decide(request(account, wallet), move |unit| {
            unit.execute::<CreditWallet>(wallet, WalletCommand::Open { owner: WalletOwner::Account(account) })?;
            let source = GrantSource::Operator { reason: "bench".into(), payment: None };
            let at = unit.now();
            let grant =
                WalletCommand::Grant { kind: LotKind::Paid, amount: funds, priority: 0, expires_at: None, source, at };
            unit.execute::<CreditWallet>(wallet, grant).map(drop)
        });
        filled.await.map(drop).map_err(|error| anyhow::anyhow!("{error:?}"))
    }

    /// Spends from a wallet, `times` in one decision.
    async fn spend(&self, by: u64, of: u64, times: u64) -> anyhow::Result<()> {
        let (by, wallet) = (account(by), account(of).wallet());
        let spent = self.writer.decide(request(by, wallet), move |unit| {
            for _ in 0..times {
                let (amount, reason, at) = (Credits::whole(1), "bench".to_owned(), unit.now());
                unit.execute::<CreditWallet>(wallet, WalletCommand::Adjust { amount, reason, at })?;
            }
            Ok(())
        });
        spent.await.map(drop).map_err(|error: Result<WalletError, _>| anyhow::anyhow!("{error:?}"))
    }

    /// Lets the log grow by about so many events, over all wallets.
    pub async fn grow(&self, events: u64) -> anyhow::Result<()> {
        for turn in 0..events / GROW_BY {
            self.spend(turn % CALLERS, turn % CALLERS, GROW_BY).await?;
        }
        Ok(())
    }

    /// Lets the first wallet's history grow by about so many events.
    pub async fn grow_one(&self, events: u64) -> anyhow::Result<()> {
        for _ in 0..events / GROW_BY {
            self.spend(0, 0, GROW_BY).await?;
        }
        Ok(())
    }

    /// Decisions a second of all callers, each on a wallet of its own.
    pub async fn per_second(&self, lasts: Duration) -> anyhow::Result<f64> {
        let waits = self.waits_on(0..CALLERS, lasts, |caller| caller).await?;
        Ok(waits.len() as f64 / lasts.as_secs_f64())
    }

    /// Decisions a second of as many callers on ONE wallet.
    pub async fn per_second_on_one(&self, lasts: Duration) -> anyhow::Result<f64> {
        let waits = self.waits_on(0..CALLERS, lasts, |_| 0).await?;
        Ok(waits.len() as f64 / lasts.as_secs_f64())
    }

    /// How many milliseconds each decision of some callers took.
    pub async fn waits(&self, callers: Range<u64>, lasts: Duration) -> anyhow::Result<Vec<f64>> {
        self.waits_on(callers, lasts, |caller| caller).await
    }

    async fn waits_on(&self, callers: Range<u64>, lasts: Duration, of: fn(u64) -> u64) -> anyhow::Result<Vec<f64>> {
        let begun = Instant::now();
        let tasks: Vec<_> = callers
            .map(|caller| {
                let decisions = Decisions { writer: Arc::clone(&self.writer) };
                tokio::spawn(async move {
                    let mut waits = Vec::new();
                    while begun.elapsed() < lasts {
                        let asked = Instant::now();
                        decisions.spend(caller, of(caller), 1).await?;
                        waits.push(asked.elapsed().as_secs_f64() * 1e3);
                    }
                    anyhow::Ok(waits)
                })
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await??);
        }
        Ok(all)
    }

    pub async fn stop(self) {
        self.writer.shutdown(Duration::from_secs(10)).await;
    }
}

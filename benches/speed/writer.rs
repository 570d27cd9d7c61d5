//! Decisions of one event through the writer, in process.

use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mintmark_domain::es::{Acting, DecisionExt as _, DecisionRequest, StreamRef};
use mintmark_domain::ids::{AccountId, WalletId, derived_id};
use mintmark_domain::wallet::{CreditWallet, GrantSource, LotKind, WalletCommand, WalletOwner};
use mintmark_domain::{Credits, Shard};
use mintmark_log::postgres::PgEventLog;
use mintmark_log::snapshots::PgSnapshots;
use mintmark_log::system::{SystemClock, SystemEntropy};
use mintmark_log::writer::{Writer, WriterConfig, WriterDeps};
use mintmark_testkit::TestCluster;
use sqlx::postgres::PgConnectOptions;

/// How many callers decide at once.
const CALLERS: u64 = 256;
/// What each wallet is filled with.
const FUNDS: &str = "99999999";

/// A writer on a database of its own in the cluster.
pub struct Decisions {
    writer: Arc<Writer>,
}

fn account(index: u64) -> AccountId {
    AccountId(derived_id(Shard::ZERO, "bench", &[&index.to_be_bytes()]))
}

fn request(account: AccountId, wallet: WalletId) -> DecisionRequest {
    let acting = Acting { actor: "bench".into(), ..Acting::default() };
    DecisionRequest::new(Shard::ZERO, acting, account).stream(StreamRef::of::<CreditWallet>(wallet))
}

impl Decisions {
    pub async fn prepare(cluster: &TestCluster) -> anyhow::Result<Self> {
        cluster.restore(b"CREATE DATABASE decisions;").await?;
        let options: PgConnectOptions = cluster.options().database("decisions");
        let log = Arc::new(PgEventLog::new(options.clone(), "bench"));
        log.migrate().await?;
        let pool = mintmark_log::postgres::pool(options, "mintmark speed", 4);
        let deps = WriterDeps {
            log,
            snapshots: Arc::new(PgSnapshots::new(pool)),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        let writer = Arc::new(Writer::start(deps, WriterConfig::default(), &[Shard::ZERO]).await?);
        let decisions = Decisions { writer };
        for index in 0..CALLERS {
            decisions.fill(index).await?;
        }
        Ok(decisions)
    }

    async fn fill(&self, index: u64) -> anyhow::Result<()> {
        let account = account(index);
        let wallet = account.wallet();
        let funds = Credits::from_str(FUNDS)?;
        let filled = self.writer.decide(request(account, wallet), move |unit| {
            unit.execute::<CreditWallet>(wallet, WalletCommand::Open { owner: WalletOwner::Account(account) })?;
            let source = GrantSource::Operator { reason: "bench".into() };
            let at = unit.now();
            let grant =
                WalletCommand::Grant { kind: LotKind::Paid, amount: funds, priority: 0, expires_at: None, source, at };
            unit.execute::<CreditWallet>(wallet, grant).map(drop)
        });
        filled.await.map(drop).map_err(|error| anyhow::anyhow!("{error:?}"))
    }

    /// Decisions a second of `callers` on as many wallets.
    pub async fn per_second(&self, callers: u64, lasts: Duration) -> anyhow::Result<f64> {
        self.measure(callers, lasts, |caller| caller).await
    }

    /// Decisions a second of as many callers on ONE wallet.
    pub async fn per_second_on_one(&self, lasts: Duration) -> anyhow::Result<f64> {
        self.measure(CALLERS, lasts, |_| 0).await
    }

    async fn measure(&self, callers: u64, lasts: Duration, wallet_of: fn(u64) -> u64) -> anyhow::Result<f64> {
        let decided = Arc::new(AtomicU64::new(0));
        let begun = Instant::now();
        let tasks: Vec<_> = (0..callers)
            .map(|caller| {
                let (writer, decided) = (Arc::clone(&self.writer), Arc::clone(&decided));
                let (by, wallet) = (account(caller), account(wallet_of(caller)).wallet());
                tokio::spawn(async move {
                    while begun.elapsed() < lasts {
                        let spent = writer.decide(request(by, wallet), move |unit| {
                            let (amount, reason, at) = (Credits::whole(1), "bench".to_owned(), unit.now());
                            let command = WalletCommand::Adjust { amount, reason, at };
                            unit.execute::<CreditWallet>(wallet, command).map(drop)
                        });
                        spent.await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
                        decided.fetch_add(1, Ordering::Relaxed);
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        Ok(decided.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64())
    }

    pub async fn stop(self) {
        self.writer.shutdown(Duration::from_secs(10)).await;
    }
}

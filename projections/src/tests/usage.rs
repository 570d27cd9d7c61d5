//! Usage ties to the captures, to the credit, over random histories: in every grouping, in every period,
//! for every surface.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use mintmark_domain::catalog::Capability;
use mintmark_domain::ids::{AccountId, RunId};
use mintmark_domain::run::Surface;
use mintmark_domain::{Credits, Timestamp};
use proptest::prelude::*;

use super::history::{Asked, History};
use super::support::Bench;
use crate::generation::{UsageBy, UsageFilter};

/// What happens at one step.
#[derive(Clone, Debug)]
enum Step {
    /// A run of an account is asked for.
    Request { account: usize, price: u32, outputs: u32, model: usize, surface: usize },
    /// One of those under way delivers so many outputs, or nothing at all.
    End { which: usize, delivered: u32, cancelled: bool },
    /// So many minutes pass: over hours, and over midnight.
    Pass { minutes: i64 },
}

const MODELS: [(&str, Capability); 3] = [
    ("nano-banana-2", Capability::ImageGeneration),
    ("flux-schnell", Capability::ImageGeneration),
    ("veo-3-1", Capability::VideoGeneration),
];
const SURFACES: [Surface; 3] = [Surface::Genfire, Surface::Generor, Surface::Graphql];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2usize, 1..40u32, 1..4u32, 0..3usize, 0..3usize).prop_map(
            |(account, price, outputs, model, surface)| Step::Request { account, price, outputs, model, surface }
        ),
        4 => (any::<prop::sample::Index>(), 0..4u32, any::<bool>())
            .prop_map(|(which, delivered, cancelled)| Step::End { which: which.index(1 << 16), delivered, cancelled }),
        2 => (1..900i64).prop_map(|minutes| Step::Pass { minutes }),
    ]
}

/// A capture as the log tells it, without the read models.
#[derive(Clone, Debug)]
struct Ended {
    account: AccountId,
    at: Timestamp,
    captured: Credits,
    surface: Surface,
    group: BTreeMap<&'static str, String>,
}

/// Plays a history, and says what ended in it.
async fn played(history: &mut History, steps: &[Step]) -> (Vec<AccountId>, Vec<Ended>) {
    let accounts = vec![history.account("ann").await, history.account("bob").await];
    for account in &accounts {
        history.grant(*account, 100_000, mintmark_domain::wallet::LotKind::Paid, None);
    }
    history.commit().await;
    let mut under_way: Vec<(RunId, AccountId, Asked)> = Vec::new();
    let mut ended = Vec::new();
    for step in steps {
        match step.clone() {
            Step::Pass { minutes } => history.pass(TimeDelta::minutes(minutes)),
            Step::Request { account, price, outputs, model, surface } => {
                let ((model, capability), surface) = (MODELS[model], SURFACES[surface]);
                let asked = Asked { price: price * outputs, outputs, model, capability, surface, ..Asked::default() };
                let run = history.request(accounts[account], &asked).expect("credits suffice");
                under_way.push((run, accounts[account], asked));
            }
            Step::End { which, delivered, cancelled } if !under_way.is_empty() => {
                let (run, account, asked) = under_way.swap_remove(which % under_way.len());
                let delivered = delivered.min(asked.outputs);
                if delivered > 0 {
                    history.start(run);
                    assert!(history.deliver(run, delivered));
                } else {
                    assert!(history.fail(run, cancelled));
                }
                history.commit().await;
                let group = BTreeMap::from([
                    ("model", asked.model.to_owned()),
                    ("capability", asked.capability.as_str().to_owned()),
                    ("day", history.now().date_naive().to_string()),
                    ("surface", asked.surface.as_str().to_owned()),
                ]);
                let captured = Credits::whole(asked.price / asked.outputs * delivered);
                ended.push(Ended { account, at: history.now(), captured, surface: asked.surface, group });
            }
            Step::End { .. } => {}
        }
        history.commit().await;
    }
    (accounts, ended)
}

async fn ties(steps: Vec<Step>, cut: (u16, u16)) -> Result<(), TestCaseError> {
    let mut history = History::new().await;
    let begun = history.now();
    let (accounts, ended) = played(&mut history, &steps).await;
    let bench = Bench::new(&history).await;
    bench.catch_up(7).await;
    let reads = bench.reads();
    let whole = history.now() - begun + TimeDelta::seconds(1);
    let at = |cut: u16| begun + whole * i32::from(cut) / i32::from(u16::MAX);
    let (from, to) = (at(cut.0.min(cut.1)), at(cut.0.max(cut.1)));
    for account in accounts {
        for surfaces in [vec![], vec![Surface::Genfire]] {
            let filter = UsageFilter { capability: None, surfaces: surfaces.clone() };
            let counts = |one: &&Ended| {
                one.account == account
                    && one.at >= from
                    && one.at < to
                    && (surfaces.is_empty() || surfaces.contains(&one.surface))
            };
            let mine: Vec<&Ended> = ended.iter().filter(counts).collect();
            let captured: Credits = mine.iter().map(|one| one.captured).sum();
            for (by, name) in [
                (UsageBy::Model, "model"),
                (UsageBy::Capability, "capability"),
                (UsageBy::Day, "day"),
                (UsageBy::Surface, "surface"),
            ] {
                let usage = reads.usage(account, from, to, by, &filter).await.unwrap();
                prop_assert_eq!(usage.totals.credits, captured, "{}", name);
                prop_assert_eq!(usage.totals.runs(), mine.len() as u64, "{}", name);
                let mut expected: BTreeMap<String, (Credits, u64)> = BTreeMap::new();
                for one in &mine {
                    let sum = expected.entry(one.group[name].clone()).or_default();
                    *sum = (sum.0 + one.captured, sum.1 + 1);
                }
                let found: BTreeMap<String, (Credits, u64)> = usage
                    .groups
                    .iter()
                    .map(|group| (group.group.clone(), (group.totals.credits, group.totals.runs())))
                    .collect();
                prop_assert_eq!(found, expected, "{}", name);
                let sorted = if by == UsageBy::Day {
                    usage.groups.is_sorted_by_key(|group| group.group.clone())
                } else {
                    usage.groups.is_sorted_by(|one, next| one.totals.credits >= next.totals.credits)
                };
                prop_assert!(sorted, "{} is out of order", name);
            }
        }
    }
    bench.db.close().await;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_groupings_sum_ties_to_the_captures_to_the_credit(
        steps in prop::collection::vec(step(), 1..80),
        cut in any::<(u16, u16)>(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(ties(steps, cut))?;
    }
}

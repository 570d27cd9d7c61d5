//! Usage ties to the captures, to the credit, over random histories: in every grouping, in every period,
//! for every surface.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use mintmark_domain::catalog::Capability;
use mintmark_domain::es::{EventLog as _, Position};
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
    Request { account: usize, price: u32, outputs: u32, model: usize, surface: usize, key: u64 },
    /// The credits of one that ended are given back: usage tells what was captured, so nothing moves.
    Refund { which: usize },
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
        4 => (0..2usize, 1..40u32, 1..4u32, 0..3usize, 0..3usize, 0..3u64).prop_map(
            |(account, price, outputs, model, surface, key)| {
                Step::Request { account, price, outputs, model, surface, key }
            }
        ),
        1 => any::<prop::sample::Index>().prop_map(|which| Step::Refund { which: which.index(1 << 16) }),
        4 => (any::<prop::sample::Index>(), 0..4u32, any::<bool>())
            .prop_map(|(which, delivered, cancelled)| Step::End { which: which.index(1 << 16), delivered, cancelled }),
        2 => (1..900i64).prop_map(|minutes| Step::Pass { minutes }),
    ]
}

/// A run that ended, and by what it is grouped. What it captured is the log's to say.
#[derive(Clone, Debug)]
struct Ended {
    run: RunId,
    account: AccountId,
    at: Timestamp,
    surface: Surface,
    capability: Capability,
    group: BTreeMap<&'static str, String>,
}

/// What the log says that each run captured.
async fn captures(history: &History) -> BTreeMap<RunId, Credits> {
    let mut captures = BTreeMap::new();
    for event in history.log.read(history.shard, Position(0), usize::MAX).await.unwrap() {
        if event.event_type != "credit_wallet.credits_captured" {
            continue;
        }
        let payload: serde_json::Value = serde_json::from_str(&event.payload).unwrap();
        let captured = &payload["credits_captured"];
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let run = RunId(text(&captured["held_for"]["run"]).parse().unwrap());
        let amount: Credits = text(&captured["amount"]).parse().unwrap();
        assert!(captures.insert(run, amount).is_none(), "{run} was captured twice");
    }
    captures
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
            Step::Request { account, price, outputs, model, surface, key } => {
                let ((model, capability), surface) = (MODELS[model], SURFACES[surface]);
                let (price, key_id) = (price * outputs, Some(key).filter(|key| *key > 0));
                let asked = Asked { price, outputs, model, capability, surface, key_id, ..Asked::default() };
                let run = history.request(accounts[account], &asked).expect("credits suffice");
                under_way.push((run, accounts[account], asked));
            }
            Step::End { which, delivered, cancelled } if !under_way.is_empty() => {
                let (run, account, asked) = under_way.swap_remove(which % under_way.len());
                let delivered = delivered.min(asked.outputs);
                let at = history.now();
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
                    ("day", at.date_naive().to_string()),
                    ("surface", asked.surface.as_str().to_owned()),
                    ("api_key", asked.key_id.unwrap_or(0).to_string()),
                ]);
                let (surface, capability) = (asked.surface, asked.capability);
                ended.push(Ended { run, account, at, surface, capability, group });
            }
            Step::Refund { which } if !ended.is_empty() => {
                history.refund(ended[which % ended.len()].run);
            }
            Step::End { .. } | Step::Refund { .. } => {}
        }
        history.commit().await;
    }
    (accounts, ended)
}

async fn ties(steps: Vec<Step>, cut: (u16, u16)) -> Result<(), TestCaseError> {
    let mut history = History::new().await;
    let begun = history.now();
    let (accounts, ended) = played(&mut history, &steps).await;
    let captured = captures(&history).await;
    let bench = Bench::new(&history).await;
    bench.catch_up(7).await;
    let reads = bench.reads();
    let whole = history.now() - begun + TimeDelta::seconds(1);
    let at = |cut: u16| begun + whole * i32::from(cut) / i32::from(u16::MAX);
    let (from, to) = (at(cut.0.min(cut.1)), at(cut.0.max(cut.1)));
    for account in accounts {
        for (capability, surfaces) in [
            (None, vec![]),
            (None, vec![Surface::Genfire]),
            (Some(Capability::ImageGeneration), vec![Surface::Genfire, Surface::Generor]),
        ] {
            let filter =
                UsageFilter { capability: capability.map(|one| one.as_str().to_owned()), surfaces: surfaces.clone() };
            let counts = |one: &&Ended| {
                one.account == account
                    && one.at >= from
                    && one.at < to
                    && (surfaces.is_empty() || surfaces.contains(&one.surface))
                    && capability.is_none_or(|capability| capability == one.capability)
            };
            let mine: Vec<&Ended> = ended.iter().filter(counts).collect();
            let of = |one: &Ended| captured.get(&one.run).copied().unwrap_or(Credits::ZERO);
            let sum: Credits = mine.iter().map(|one| of(one)).sum();
            for (by, name) in [
                (UsageBy::Model, "model"),
                (UsageBy::Capability, "capability"),
                (UsageBy::Day, "day"),
                (UsageBy::Surface, "surface"),
                (UsageBy::ApiKey, "api_key"),
            ] {
                let usage = reads.usage(account, from, to, by, &filter).await.unwrap();
                prop_assert_eq!(usage.totals.credits, sum, "{}", name);
                prop_assert_eq!(usage.totals.runs(), mine.len() as u64, "{}", name);
                let mut expected: BTreeMap<String, (Credits, u64)> = BTreeMap::new();
                for one in &mine {
                    let sum = expected.entry(one.group[name].clone()).or_default();
                    *sum = (sum.0 + of(one), sum.1 + 1);
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

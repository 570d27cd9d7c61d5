//! Medians, ratios, and the tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::budget::Budget;

/// The generated part of the page stands after this line.
const MARK: &str = "<!-- What follows is written by `make bench`. -->";

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The value below which `share` of all are.
pub fn percentile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * share).ceil() as usize;
    values.get(at.saturating_sub(1)).copied().unwrap_or_default()
}

/// Rates a second, by what was measured, one value for each round.
#[derive(Debug, Default)]
pub struct Rounds(BTreeMap<&'static str, Vec<f64>>);

impl Rounds {
    pub fn add(&mut self, what: &'static str, rate: f64) {
        eprintln!("  {what}: {rate:.0}/s");
        self.0.entry(what).or_default().push(rate);
    }

    fn of(&self, what: &str) -> &[f64] {
        self.0.get(what).map(Vec::as_slice).unwrap_or_default()
    }

    fn median(&self, what: &str) -> f64 {
        median(self.of(what).to_vec())
    }

    /// The median of the rounds' ratios: what disturbed a round disturbed both.
    fn ratio(&self, what: &str, base: &str) -> f64 {
        median(self.of(what).iter().zip(self.of(base)).map(|(rate, base)| rate / base).collect())
    }
}

/// What is measured in rounds: its name, to be compared with what, what it is to be.
const COMPARED: [(&str, &str, &str, &str); 13] = [
    ("decisions of one event, 256 callers, distinct wallets", "distinct", "pgbench", "≥ 3"),
    ("the same, one hot wallet", "hot", "distinct", "≥ 0.9"),
    ("one hot wallet, to a row locked by SELECT FOR UPDATE, 64 clients", "hot", "locked", "≥ 50"),
    ("distinct wallets, 1,000,000 events in the log", "distinct, full", "distinct", "≥ 0.75"),
    ("one hot wallet, 1,000,000 events in the log", "hot, full", "hot", "≥ 0.75"),
    ("whole runs over HTTP, instant sandbox", "runs", "pgbench", "≥ 0.3, stretch 0.5"),
    ("the same, 1,000,000 events in the log", "runs, full", "runs", "≥ 0.75"),
    ("the same, every picture drawn", "runs, drawn", "pgbench", ""),
    ("`GET /v1/runs/{id}`", "reads", "hello", ""),
    ("the same, 1,000,000 events in the log", "reads, full", "reads", "≥ 0.75"),
    ("events of whole runs", "run events", "pgbench", ""),
    ("hello world of axum's, same client", "hello", "pgbench", ""),
    ("`SELECT FOR UPDATE`, update, COMMIT on one row, 64 clients", "locked", "pgbench", ""),
];

/// All that was measured.
#[derive(Default)]
pub struct Report {
    compared: String,
    others: String,
    budget: String,
    /// Events of whole runs a second, to which catching up is compared.
    pub run_events: f64,
    /// Whole runs a second, of which half are a half load.
    pub runs: f64,
}

impl Report {
    /// A line of its own: what, how much, what it is to be.
    pub fn line(&mut self, what: &str, measured: &str, target: &str) {
        eprintln!("  {what}: {measured}");
        let _ = writeln!(self.others, "| {what} | {measured} | {target} |");
    }

    pub fn rounds(&mut self, rounds: Rounds) {
        let _ = writeln!(
            self.compared,
            "| pgbench: BEGIN, insert, COMMIT, 64 clients | {:.0}/s | 1 | |",
            rounds.median("pgbench")
        );
        for (what, key, base, target) in COMPARED {
            let (rate, ratio) = (rounds.median(key), rounds.ratio(key, base));
            let _ = writeln!(self.compared, "| {what} | {rate:.0}/s | {ratio:.2} × {base} | {target} |");
        }
        self.run_events = rounds.median("run events");
        self.runs = rounds.median("runs");
    }

    pub fn budget(&mut self, budget: &Budget) {
        self.budget = budget.table();
    }

    /// Prints it, and writes it into the page.
    pub fn finish(&self) -> anyhow::Result<()> {
        let cores = std::thread::available_parallelism()?;
        let text = format!(
            "{MARK}\n\nMeasured on {} with `make bench`: {cores} cores shared by Postgres, server and load.\n\n\
             | what, a second | median | ratio | target |\n|---|---|---|---|\n{}\n\
             | what | measured | target |\n|---|---|---|\n{}\n## CPU of one run\n\n{}",
            chrono::Utc::now().date_naive(),
            self.compared,
            self.others,
            self.budget
        );
        println!("{text}");
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/BENCHMARKS.md");
        let old = std::fs::read_to_string(&page).with_context(|| page.display().to_string())?;
        let (words, _) = old.split_once(MARK).context("docs/BENCHMARKS.md has lost its mark")?;
        std::fs::write(&page, format!("{words}{text}"))?;
        Ok(())
    }
}

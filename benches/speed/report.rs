//! Medians, ratios, and the table.

/// What one round measured, each a rate a second.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    pub commits: f64,
    pub locked: f64,
    pub distinct: f64,
    pub hot: f64,
    pub hello: f64,
    pub reads: f64,
    pub runs: f64,
}

/// All rounds.
#[derive(Debug, Default)]
pub struct Table(Vec<Round>);

impl Table {
    pub fn add(&mut self, round: Round) {
        eprintln!("  {round:.0?}");
        self.0.push(round);
    }

    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        let mut values: Vec<f64> = self.0.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    }

    /// A row: the rate's median, and the median of the rounds' ratios.
    fn row(&self, what: &str, rate: impl Fn(&Round) -> f64, to: &str, base: impl Fn(&Round) -> f64, target: &str) {
        let ratio = self.median(|round| rate(round) / base(round));
        println!("| {what} | {:.0}/s | {ratio:.2}× {to} | {target} |", self.median(&rate));
    }

    pub fn print(&self) {
        println!("| what | median | ratio | target |\n|---|---|---|---|");
        println!("| pgbench: BEGIN, insert, COMMIT, 64 clients | {:.0}/s | 1 | |", self.median(|round| round.commits));
        self.row("decisions, 256 callers, distinct wallets", |r| r.distinct, "pgbench", |r| r.commits, "≥ 3×");
        self.row("decisions, 256 callers, one hot wallet", |r| r.hot, "distinct wallets", |r| r.distinct, "≥ 0.9×");
        self.row("the same", |r| r.hot, "SELECT FOR UPDATE, 64 clients", |r| r.locked, "≥ 50×");
        self.row("whole runs over HTTP, instant sandbox", |r| r.runs, "pgbench", |r| r.commits, "≥ 0.3×");
        self.row("GET /v1/runs/{id}", |r| r.reads, "hello world", |r| r.hello, "");
    }
}

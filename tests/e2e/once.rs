//! The twelve routes on which the GenFire document requires an idempotency key, under any order of
//! repetitions, other bodies, crashes and empty wallets: one key is one run (or batch), and one charge.

use std::collections::BTreeMap;

use futures::future::join_all;
use mintmark_api_rest::openapi::printed::{Printed, genfire as printed};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::books;
use crate::process::eventually;
use crate::site::{Answer, Server, Site};

/// How many orders of steps are tried, each on all twelve routes at once.
const ORDERS: u32 = 5;
/// How many times a failure is made smaller: each try is a server of its own.
const SHRINKS_MAX: u32 = 8;
/// More than the printed requests cost together.
const ENOUGH: u64 = 100_000;

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Each route is asked the same, so many times at once.
    Same { at_once: usize },
    /// Each route is asked something else under its key.
    Other,
    /// The server is killed while it is asked, and another goes on with its books.
    Crash,
    /// The wallet is filled.
    TopUp,
}

fn orders() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1usize..4).prop_map(|at_once| Step::Same { at_once }),
        2 => Just(Step::Other),
        2 => Just(Step::Crash),
        2 => Just(Step::TopUp),
    ];
    prop::collection::vec(step, 3..8)
}

/// The printed requests that need a key, by their path.
fn twelve() -> Vec<Printed> {
    let mut twelve: Vec<Printed> = printed().into_iter().filter(|endpoint| endpoint.idempotency).collect();
    assert_eq!(twelve.len(), 12);
    for endpoint in &mut twelve {
        endpoint.path = endpoint.path.replace("{workflowKey}", "hook_pack");
    }
    twelve
}

/// The same request with something else said in it.
fn otherwise(endpoint: &Printed) -> Value {
    let (field, value) = match endpoint.path.trim_start_matches("/v1/") {
        "images/background-remove" => ("image_url", json!("https://example.com/other.jpg")),
        "videos/upscale" => ("scale_factor", json!(4)),
        "lipsync/generations" => ("title", json!("Another")),
        "audio/speech" => ("text", json!("Another text.")),
        "audio/transcriptions" => ("audio_url", json!("https://cdn.genfire.ai/uploads/other.mp3")),
        "products/extract" => ("url", json!("https://example.com/products/other")),
        "batches" => ("concurrency", json!(1)),
        _ => ("prompt", json!("Something else")),
    };
    let mut body = endpoint.request.clone();
    body[field] = value;
    body
}

/// One account, and what should be true of what it asked for.
struct Asked<'a> {
    site: &'a Site,
    server: Server,
    key: String,
    twelve: Vec<Printed>,
    /// What was accepted, by path.
    accepted: BTreeMap<String, String>,
    granted: u64,
}

impl Asked<'_> {
    async fn one(&self, path: &str, body: &Value) -> reqwest::Result<Answer> {
        let request = self.server.request(reqwest::Method::POST, path, &self.key);
        let request = request.header("Idempotency-Key", "the-key").header("Prefer", "respond-async");
        Answer::of(request.json(body)).await
    }

    /// What the answer to the same request says must be what was said before.
    fn judge(&mut self, path: &str, answer: &Answer) {
        let body = String::from_utf8_lossy(&answer.bytes).into_owned();
        if self.granted == 0 {
            assert_eq!(answer.status, 402, "{path} with an empty wallet: {body}");
            return;
        }
        assert!([200, 201, 202].contains(&answer.status), "{path}: {} {body}", answer.status);
        let id = answer.json_of(answer.status)["id"].as_str().expect("an id").to_owned();
        let known = self.accepted.entry(path.to_owned()).or_insert_with(|| id.clone());
        assert_eq!(*known, id, "{path}: one key, one run");
    }

    async fn same(&mut self, at_once: usize) {
        let asking = self.twelve.iter().flat_map(|endpoint| (0..at_once).map(move |_| endpoint));
        let answers = join_all(asking.map(async |endpoint| {
            let answer = self.one(&endpoint.path, &endpoint.request).await.expect("an answer");
            (endpoint.path.clone(), answer)
        }));
        let answers = answers.await;
        let mut makers: BTreeMap<&str, usize> = BTreeMap::new();
        for (path, answer) in &answers {
            let before = self.accepted.contains_key(path);
            let replayed = answer.header("idempotency-replayed") == "true";
            assert!(!before || replayed, "{path} was accepted before, and nobody said so");
            if !replayed && answer.status < 300 {
                *makers.entry(path).or_default() += 1;
            }
        }
        assert!(makers.values().all(|made| *made == 1), "several made it: {makers:?}");
        for (path, answer) in &answers {
            self.judge(path, answer);
        }
    }

    async fn other(&self) {
        let answers =
            self.twelve.iter().filter(|endpoint| self.granted == 0 || self.accepted.contains_key(&endpoint.path));
        join_all(answers.map(async |endpoint| {
            let answer = self.one(&endpoint.path, &otherwise(endpoint)).await.expect("an answer");
            let said = String::from_utf8_lossy(&answer.bytes).into_owned();
            // An empty wallet leaves no trace of the key; what was accepted keeps it.
            let expected = if self.granted == 0 { 402 } else { 422 };
            assert_eq!(answer.status, expected, "{}: {said}", endpoint.path);
        }))
        .await;
    }

    /// Kills the server while every route is asked; whoever got an answer was told the truth.
    async fn crash(mut self) -> Self {
        let asking = join_all(self.twelve.iter().map(|endpoint| {
            let request = self.server.request(reqwest::Method::POST, &endpoint.path, &self.key);
            let request = request.header("Idempotency-Key", "the-key").header("Prefer", "respond-async");
            let request = request.json(&endpoint.request);
            let path = endpoint.path.clone();
            async move { (path, Answer::of(request).await) }
        }));
        let (answers, ()) = tokio::join!(asking, self.server.process.kill());
        self.server = self.site.serve().await;
        for (path, answer) in answers {
            if let Ok(answer) = answer {
                self.judge(&path, &answer);
            }
        }
        self
    }

    async fn top_up(&mut self) {
        let granted =
            self.site.run(&format!("credits grant --account once --amount {ENOUGH} --kind paid --reason test")).await;
        granted.good();
        self.granted += ENOUGH;
    }

    /// In the end there is one run for each key (two for the batch's two items), and what the wallet
    /// lost is what they cost.
    async fn settle(mut self) {
        if self.granted == 0 {
            self.top_up().await;
        }
        self.same(2).await;
        assert_eq!(self.accepted.len(), 12);
        let usage = eventually("the end of every run", async || {
            let usage = self.server.get("/v1/usage?group_by=none", &self.key).await.json_of(200);
            (usage["totals"]["runs_count"] == 13).then_some(usage)
        })
        .await;
        let runs = self.server.get("/v1/runs?limit=100", &self.key).await.json_of(200);
        assert_eq!(runs["data"].as_array().map(Vec::len), Some(13), "{runs}");
        let balance = self.server.get("/v1/account/credits", &self.key).await.json_of(200);
        let spent = usage["totals"]["credits_spent"].as_u64().expect("whole credits");
        assert_eq!(balance["balance"].as_u64(), Some(self.granted - spent), "{usage}");
        assert!(spent > 0);
        books::assert_in_order(self.site).await;
    }
}

async fn case(order: Vec<Step>) {
    let site = Site::on_test_database().await.with("MINTMARK_SANDBOX__INSTANT", "true");
    let made = site.run("account create --username once --email once@example.com --tier unlimited --json").await;
    let key = made.json()["api_key"].as_str().expect("a key").to_owned();
    let server = site.serve().await;
    let mut asked = Asked { site: &site, server, key, twelve: twelve(), accepted: BTreeMap::new(), granted: 0 };
    for step in order {
        match step {
            Step::Same { at_once } => asked.same(at_once).await,
            Step::Other => asked.other().await,
            Step::Crash => asked = asked.crash().await,
            Step::TopUp => asked.top_up().await,
        }
    }
    asked.settle().await;
}

#[test]
fn in_any_order_of_events_one_key_is_one_run_and_one_charge() {
    let config =
        Config { cases: ORDERS, max_shrink_iters: SHRINKS_MAX, failure_persistence: None, ..Config::default() };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    TestRunner::new(config)
        .run(&orders(), |order| {
            runtime.block_on(case(order));
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

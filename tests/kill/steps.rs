//! `kill -9` at every step of a run's life: whatever step the server dies at, after a restart the run ends,
//! is paid once, and was handed to its provider at most once (which counts, and is a process of its own).

use std::collections::BTreeSet;

use mintmark_infra::running::steps;
use serde_json::{Value, json};

use super::place::{CREDITS, Place};

/// What is asked for, and how many jobs that is for the provider, which counts.
struct Request {
    path: &'static str,
    body: Value,
    jobs: u64,
}

fn image(prompt: &str) -> Request {
    let body = json!({"model": "image.nano_banana_2", "prompt": prompt});
    Request { path: "/v1/images/generations", body, jobs: 1 }
}

/// Runs of a place, and what they came to.
struct Runs {
    place: Place,
    paid: u64,
}

impl Runs {
    async fn new() -> Self {
        Runs { place: Place::new().await, paid: 0 }
    }

    /// A plain server finds the run, carries it to its end, and everything adds up.
    async fn recovers(&mut self, request: &Request, key: &str) {
        let (_server, base) = self.place.serve().await;
        let run = self.place.ask(&base, (request.path, &request.body), key).await.unwrap();
        let id = run["id"].as_str().unwrap_or_else(|| panic!("{key}: {run}")).to_owned();
        let ended = |run: &Value| matches!(run["status"].as_str(), Some("completed" | "failed"));
        let run = self.place.until(&base, &format!("/v1/runs/{id}"), ended).await;
        assert_eq!(run["status"], "completed", "{key}: {run}");
        let captured = run["usage"]["credits"].as_u64().unwrap();
        assert!(captured > 0, "{key}: {run}");
        self.paid += captured;
        let credits = self.place.get(&base, "/v1/account/credits").await;
        assert_eq!(credits["balance"], CREDITS - self.paid, "{key}: paid once, and nothing stays held: {credits}");
        let jobs = self.place.jobs().await;
        let handed = |job: &Value| job["submissions"].as_u64().unwrap();
        assert!(jobs.iter().all(|job| handed(job) <= 1), "{key}: sent twice: {jobs:?}");
        let of_run = jobs.iter().filter(|job| job["client_id"].as_str().unwrap().starts_with(&id));
        assert_eq!(of_run.map(handed).sum::<u64>(), request.jobs, "{key}: {jobs:?}");
    }

    /// The server dies at each of `steps` in turn, while it carries one run.
    async fn dies(&mut self, steps: &[&str], request: &Request) {
        let key = format!("dies at {}", steps.join(", "));
        for step in steps {
            let (mut server, base) = self.place.serve_armed(Some(step)).await;
            let _ = self.place.ask(&base, (request.path, &request.body), &key).await;
            server.killed(step).await;
        }
        self.recovers(request, &key).await;
    }
}

const AT_ONCE: [&str; 9] = [
    steps::BEFORE_REQUEST,
    steps::AFTER_REQUEST,
    steps::BEFORE_INPUTS,
    steps::BEFORE_SUBMIT,
    steps::AFTER_SUBMIT,
    steps::BEFORE_STORE,
    steps::AFTER_STORE,
    steps::BEFORE_SETTLE,
    steps::AFTER_SETTLE,
];
const FOLLOWED: [&str; 3] = [steps::BEFORE_SUBMITTED, steps::AFTER_SUBMITTED, steps::AFTER_PROBE];
const SENT_TWICE: [&str; 3] = [steps::AFTER_DISPROVED, steps::BEFORE_INTENT, steps::AFTER_INTENT];
const LOST: [&str; 1] = [steps::AFTER_UNKNOWN];
const TAKEN_OVER: [&str; 2] = [steps::AFTER_SUBMIT, steps::AFTER_TAKEOVER];

#[test]
fn no_step_is_left_out() {
    let dies_at: BTreeSet<&str> =
        [&AT_ONCE[..], &FOLLOWED, &SENT_TWICE, &LOST, &TAKEN_OVER].concat().into_iter().collect();
    assert_eq!(dies_at, steps::ALL.into_iter().collect());
}

#[tokio::test]
async fn a_run_that_is_done_at_once_survives_every_step() {
    let mut runs = Runs::new().await;
    for step in AT_ONCE {
        runs.dies(&[step], &image("a small boat")).await;
    }
    runs.place.verify();
}

#[tokio::test]
async fn a_run_that_is_followed_sent_twice_lost_or_taken_over_survives_every_step() {
    let mut runs = Runs::new().await;
    for step in FOLLOWED {
        // Longer than the sandbox waits before it answers that it is under way.
        runs.dies(&[step], &image("a small boat [sandbox:slow=3]")).await;
    }
    for step in SENT_TWICE {
        runs.dies(&[step], &image("a small boat [sandbox:unsent]")).await;
    }
    runs.dies(&LOST, &image("a small boat [sandbox:lost-reply]")).await;
    runs.dies(&TAKEN_OVER, &image("a small boat")).await;
    runs.place.verify();
}

/// The steps that a run has of which nothing is stored.
const TEXT: [&str; 6] = [
    steps::BEFORE_REQUEST,
    steps::AFTER_REQUEST,
    steps::BEFORE_SUBMIT,
    steps::AFTER_SUBMIT,
    steps::BEFORE_SETTLE,
    steps::AFTER_SETTLE,
];

#[tokio::test]
async fn a_product_page_that_is_read_survives_every_step() {
    let mut runs = Runs::new().await;
    let body = json!({"url": "https://example.com/products/matte-black-water-bottle"});
    for step in TEXT {
        // Read by the server itself: no job of the provider's.
        runs.dies(&[step], &Request { path: "/v1/products/extract", body: body.clone(), jobs: 0 }).await;
    }
    runs.place.verify();
}

#[tokio::test]
async fn a_workflow_survives_every_step() {
    let mut runs = Runs::new().await;
    let body = json!({"prompt": "30-second paid social ad for a premium running shoe"});
    for step in TEXT {
        runs.dies(&[step], &Request { path: "/v1/workflows/storyboard/runs", body: body.clone(), jobs: 1 }).await;
    }
    runs.place.verify();
}

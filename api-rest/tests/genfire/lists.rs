//! Lists of runs: filters, pages, and walks under concurrent writes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::ask::{generate, image, made_image, speech};
use crate::support::{Answer, Options, TestApp};

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn who_has_written_finds_it_in_the_list_at_once_and_the_newest_comes_first() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let mut made = Vec::new();
    for number in 0..5 {
        let run = made_image(&app, &format!("Bottle {number}")).await;
        made.insert(0, run["id"].as_str().unwrap().to_owned());
        let page = app.get("/v1/runs").await.json_of(200);
        assert_eq!(ids(&page), made);
        // The list shows each run as the run itself does, but for its signatures.
        let (mut listed, mut single) = (page["data"][0].clone(), run);
        for run in [&mut listed, &mut single] {
            run["output"] = json!(null);
        }
        assert_eq!(listed, single);
    }
}

#[tokio::test]
async fn a_list_is_filtered_by_status_and_capability() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let images = "/v1/images/generations";
    let good = made_image(&app, "A bottle").await["id"].clone();
    let spoken = generate(&app, "/v1/audio/speech", &speech("Hello.")).await.json_of(200)["id"].clone();
    let bad = generate(&app, images, &image("A bottle [sandbox:fail]")).await.json_of(200)["id"].clone();
    let listed = async |query: &str| ids(&app.get(&format!("/v1/runs?{query}")).await.json_of(200));
    assert_eq!(listed("status=completed").await, [spoken.as_str().unwrap(), good.as_str().unwrap()]);
    assert_eq!(listed("status=failed").await, [bad.as_str().unwrap()]);
    assert_eq!(listed("status=queued").await, [""; 0]);
    assert_eq!(listed("capability=speech_generation").await, [spoken.as_str().unwrap()]);
    assert_eq!(listed("capability=image_generation&status=completed").await, [good.as_str().unwrap()]);
    assert_eq!(listed("capability=workflow.hook_pack").await, [""; 0]);
}

#[tokio::test]
async fn a_walk_sees_each_run_once_while_others_are_added() {
    let app = Arc::new(TestApp::with(Options { instant: true, ..Options::default() }).await);
    let mut before = BTreeSet::new();
    for number in 0..23 {
        before.insert(made_image(&app, &format!("Bottle {number}")).await["id"].as_str().unwrap().to_owned());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (app, stop) = (Arc::clone(&app), Arc::clone(&stop));
        async move {
            let mut added = 0;
            while !stop.load(Ordering::Relaxed) {
                made_image(&app, "One more").await;
                added += 1;
            }
            added
        }
    });
    let mut seen = Vec::new();
    let mut page = app.get("/v1/runs?limit=3").await.json_of(200);
    loop {
        let listed = ids(&page);
        assert!(listed.len() <= 3 && !listed.is_empty(), "{page}");
        let last = listed.last().unwrap().clone();
        seen.extend(listed);
        if page["has_more"] == json!(false) {
            break;
        }
        page = app.get(&format!("/v1/runs?limit=3&starting_after={last}")).await.json_of(200);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writing.await.unwrap() > 0, "nothing was added meanwhile");
    let once: BTreeSet<String> = seen.iter().cloned().collect();
    assert_eq!(once.len(), seen.len(), "a run was shown twice");
    assert!(before.is_subset(&once), "a run was skipped");
    // Beyond the first page, whose moment is open, nothing new comes in.
    assert!(once.difference(&before).count() <= 3, "{} are new", once.difference(&before).count());
}

#[tokio::test]
async fn a_page_says_whether_more_follow() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    for number in 0..4 {
        made_image(&app, &format!("Bottle {number}")).await;
    }
    let more = async |query: &str| {
        let page = app.get(&format!("/v1/runs?{query}")).await.json_of(200);
        (ids(&page).len(), page["has_more"] == json!(true))
    };
    assert_eq!(more("limit=3").await, (3, true));
    assert_eq!(more("limit=4").await, (4, false));
    assert_eq!(more("").await, (4, false));
    let last = ids(&app.get("/v1/runs").await.json_of(200)).pop().unwrap();
    assert_eq!(more(&format!("starting_after={last}")).await, (0, false));
}

#[tokio::test]
async fn a_list_begins_after_a_run_of_ones_own_only() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let run = made_image(&app, "A bottle").await;
    let other = app.register(mintmark_domain::account::Tier::Unlimited, 0).await;
    let path = format!("/v1/runs?starting_after={}", run["id"].as_str().unwrap());
    let refused = Answer::of(app.request_as(&other.key, http::Method::GET, &path)).await.json_of(400);
    assert!(refused["detail"].as_str().unwrap().contains("starting_after"));
    let own = Answer::of(app.request_as(&other.key, http::Method::GET, "/v1/runs")).await.json_of(200);
    assert_eq!(own, json!({"object": "list", "data": [], "has_more": false}));
}

#[tokio::test]
async fn a_list_can_be_asked_for_up_to_a_position() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let answer = generate(&app, "/v1/images/generations", &image("A bottle")).await;
    let position = answer.header("x-log-position").to_owned();
    let page = app.get(&format!("/v1/runs?min_position={position}")).await.json_of(200);
    assert_eq!(ids(&page), [answer.json()["id"].as_str().unwrap()]);
    app.get("/v1/runs?min_position=later").await.json_of(400);
}

#[tokio::test]
async fn whoever_reads_at_the_position_of_an_answer_finds_what_it_showed() {
    let app = TestApp::start().await;
    for number in 1..=5 {
        let answer = generate(&app, "/v1/images/generations", &image("A bottle")).await;
        let (run, position) = (answer.json_of(200), answer.header("x-log-position").to_owned());
        assert_eq!(run["status"], "completed");
        let listed = app.get(&format!("/v1/runs?limit=1&min_position={position}")).await.json_of(200);
        assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["status"]), (&run["id"], &json!("completed")));
        let usage = app.get(&format!("/v1/usage?min_position={position}")).await.json_of(200);
        assert_eq!(usage["totals"]["runs_count"], number, "{usage}");
    }
}

#[tokio::test]
async fn what_is_read_from_the_log_says_where() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let made = generate(&app, "/v1/images/generations", &image("A bottle")).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let written = mintmark_projections::Positions::from_token(made.header("x-log-position")).unwrap();
    let shard = app.account.id.shard();
    for path in [
        format!("/v1/runs/{id}"),
        format!("/v1/runs/{id}/output"),
        format!("/v1/runs/{id}/receipt"),
        "/v1/account".into(),
        "/v1/account/credits".into(),
        "/api/v1/users/me".into(),
        "/api/v1/credits/balance".into(),
        format!("/api/v1/tasks/{}", id.trim_start_matches("run_")),
    ] {
        let answer = app.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        let read = mintmark_projections::Positions::from_token(answer.header("x-log-position"));
        let read = read.unwrap_or_else(|_| panic!("{path} says no position"));
        assert!(read.get(shard) >= written.get(shard), "{path}");
    }
}

//! `kill -9` in the middle of many things: of a batch each item is run once and paid once, of webhooks each
//! event is told, under one id and with the same bytes, and a training ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use super::place::{CREDITS, LOOK_EVERY, PATIENCE, Place};

/// How many items the batch has.
const ITEMS: usize = 120;
/// How often the server is killed while it is under way.
const KILLS: usize = 3;

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

#[tokio::test]
async fn a_batch_whose_server_is_killed_again_and_again_runs_each_item_exactly_once() {
    let place = Place::new().await;
    let items: Vec<Value> = (0..ITEMS).map(|n| json!({"input": {"prompt": format!("boat {n}")}})).collect();
    let body = json!({"mode": "operation", "target": "images.generations.create", "concurrency": 8, "items": items});
    let (mut server, mut base) = place.serve().await;
    let batch = place.post(&base, "/v1/batches", &body).await;
    let path = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
    for kill in 1..=KILLS {
        // Somewhere in its middle, later each time.
        let so_far = (ITEMS * kill / (KILLS + 2)) as u64;
        place.until(&base, &path, |batch| number(&batch["completed_items"]) >= so_far).await;
        drop(server);
        (server, base) = place.serve().await;
    }
    let ended = place.until(&base, &path, |batch| batch["completed_at"].is_string()).await;
    assert_eq!((&ended["status"], &ended["completed_items"]), (&json!("completed"), &json!(ITEMS)));
    let credits = place.get(&base, "/v1/account/credits").await;
    assert_eq!(credits["balance"], json!(CREDITS - 3 * ITEMS as u64), "each paid once, and nothing stays held");
    let items = place.get(&base, &format!("{path}/items")).await;
    let mut jobs: BTreeMap<String, u64> = BTreeMap::new();
    for job in place.jobs().await {
        let client_id = job["client_id"].as_str().unwrap().to_owned();
        let submissions = number(&job["submissions"]);
        assert!(submissions <= 1, "sent twice: {job}");
        let run = items["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["run_id"].as_str().is_some_and(|run| client_id.starts_with(run)));
        *jobs.entry(run.unwrap()["run_id"].as_str().unwrap().to_owned()).or_default() += submissions;
    }
    assert_eq!((jobs.len(), jobs.values().all(|times| *times == 1)), (ITEMS, true), "{jobs:?}");
    drop(server);
    place.verify();
}

/// What came under one id: the bodies, and how often.
type Told = Arc<Mutex<BTreeMap<String, Vec<Bytes>>>>;

async fn receiver() -> (String, Told) {
    async fn take(State(told): State<Told>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let id = headers["webhook-id"].to_str().unwrap().to_owned();
        told.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default().push(body);
        StatusCode::NO_CONTENT
    }
    let told = Told::default();
    let router = Router::new().fallback(take).with_state(Arc::clone(&told));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, told)
}

#[tokio::test]
async fn no_event_is_lost_or_told_as_two_when_the_server_is_killed_while_it_tells() {
    let place = Place::new().await;
    let (url, told) = receiver().await;
    let (mut server, mut base) = place.serve().await;
    place.post(&base, "/v1/webhooks", &json!({"url": url, "events": ["run.completed", "batch.completed"]})).await;
    let items: Vec<Value> = (0..40).map(|n| json!({"input": {"prompt": format!("boat {n}")}})).collect();
    let body = json!({"mode": "operation", "target": "images.generations.create", "concurrency": 8, "items": items});
    let batch = place.post(&base, "/v1/batches", &body).await;
    let seen = || told.lock().unwrap_or_else(PoisonError::into_inner).len();
    for part in [10, 25] {
        let begun = Instant::now();
        while seen() < part {
            assert!(begun.elapsed() < PATIENCE, "{} were told", seen());
            tokio::time::sleep(LOOK_EVERY).await;
        }
        drop(server);
        (server, base) = place.serve().await;
    }
    let path = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
    place.until(&base, &path, |batch| batch["completed_at"].is_string()).await;
    // What was claimed when the server died is due again once its lease is over.
    let begun = Instant::now();
    while seen() < 41 {
        assert!(begun.elapsed() < PATIENCE, "{} of 41 were told", seen());
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let told = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(told.len(), 41, "40 runs and their batch");
    for (id, bodies) in &told {
        assert!(bodies.windows(2).all(|two| two[0] == two[1]), "{id} was told with other bytes");
    }
    let settled = |page: &Value| page["data"].as_array().unwrap().iter().all(|one| one["status"] == "success");
    let page = place.until(&base, "/v1/webhooks/deliveries?limit=100", settled).await;
    assert_eq!(page["data"].as_array().unwrap().len(), 41, "one delivery for each event");
    drop(server);
    place.verify();
}

#[tokio::test]
async fn an_endpoint_that_was_told_right_before_a_kill_is_told_again_with_the_same_id_and_bytes() {
    let place = Place::new().await;
    let (url, told) = receiver().await;
    let step = mintmark_infra::webhooks::steps::AFTER_POST;
    let (mut server, base) = place.serve_armed(Some(step)).await;
    place.post(&base, "/v1/webhooks", &json!({"url": url, "events": ["run.completed"]})).await;
    let image = json!({"model": "image.nano_banana_2", "prompt": "a small boat"});
    let _ = place.ask(&base, ("/v1/images/generations", &image), "boat").await;
    server.killed(step).await;
    let bodies = || told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(bodies().values().map(Vec::len).collect::<Vec<_>>(), [1], "told, and not written down");
    let (_server, base) = place.serve().await;
    let settled = |page: &Value| page["data"][0]["status"] == "success";
    let page = place.until(&base, "/v1/webhooks/deliveries", settled).await;
    assert_eq!((page["data"].as_array().unwrap().len(), &page["data"][0]["attempt_count"]), (1, &json!(1)));
    let bodies: Vec<Vec<Bytes>> = bodies().into_values().collect();
    assert_eq!((bodies.len(), bodies[0].len()), (1, 2), "one id, twice");
    assert_eq!(bodies[0][0], bodies[0][1]);
}

#[tokio::test]
async fn a_training_goes_on_after_a_kill_and_ends() {
    let place = Place::new().await;
    let (server, base) = place.serve().await;
    let made = r#"mutation { createInfluencer(input: {displayName: "Sarah", handle: "sarah", photoUrls: [
        "https://example.com/1.png", "https://example.com/2.png", "https://example.com/3.png"]}) { id status } }"#;
    let made = place.graphql(&base, made).await["createInfluencer"].clone();
    let id = made["id"].as_str().unwrap().to_owned();
    let train = place.graphql(&base, &format!(r#"mutation {{ trainInfluencer(id: "{id}") {{ status }} }}"#)).await;
    assert_eq!(train["trainInfluencer"]["status"], "TRAINING");
    drop(server);
    let (_server, base) = place.serve().await;
    let begun = Instant::now();
    loop {
        let seen = place.graphql(&base, &format!(r#"{{ influencer(id: "{id}") {{ status }} }}"#)).await;
        if seen["influencer"]["status"] == "READY" {
            break;
        }
        assert_eq!(seen["influencer"]["status"], "TRAINING");
        assert!(begun.elapsed() < PATIENCE, "the training never ended");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

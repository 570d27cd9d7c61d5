//! Who is told about what.

use http::Method;
use serde_json::{Value, json};

use super::receiver::{Letter, Receiver, endpoint, reaching};
use crate::ask::{generate_async, image, made_image};
use crate::support::{Answer, Options, TestApp};

fn types(letters: &[Letter]) -> Vec<String> {
    let mut types: Vec<String> =
        letters.iter().map(|letter| letter.json()["type"].as_str().unwrap().to_owned()).collect();
    types.sort();
    types
}

async fn batch(app: &TestApp, key: &str, prompts: &[&str]) -> Value {
    let items: Vec<Value> = prompts.iter().map(|prompt| json!({"input": {"prompt": prompt}})).collect();
    let body = json!({"mode": "operation", "target": "images.generations.create", "items": items});
    let made = app.post_keyed("/v1/batches", key, &body).await.json_of(201);
    let id: mintmark_domain::ids::BatchId = made["id"].as_str().unwrap().parse().unwrap();
    for index in 0..u32::try_from(prompts.len()).unwrap() {
        let run = mintmark_domain::ids::RunId::of_item(id, index);
        while !app.core.run_state(run).await.unwrap().status().is_ended() {
            app.core.dispatch.ended(run, std::time::Duration::from_millis(50)).await;
        }
    }
    made
}

#[tokio::test]
async fn a_cancelled_run_is_told_as_failed_to_who_does_not_ask_for_it() {
    let app = TestApp::with(reaching()).await;
    let (plain, fine) = (Receiver::start().await, Receiver::start().await);
    endpoint(&app, &plain, &["run.failed"]).await;
    endpoint(&app, &fine, &["run.failed", "run.cancelled"]).await;
    let slow = generate_async(&app, "/v1/images/generations", &image("[sandbox:slow=60]")).await.json_of(202);
    let path = format!("/v1/runs/{}", slow["id"].as_str().unwrap());
    Answer::of(app.request(Method::POST, &format!("{path}/cancel"))).await;
    crate::ask::ended(&app, slow["id"].as_str().unwrap()).await;
    assert_eq!(app.tell().await, 2);
    let (failed, cancelled) = (plain.letter().json(), fine.letter().json());
    assert_eq!((&failed["type"], &failed["data"]["error"]["code"]), (&json!("run.failed"), &json!("cancelled")));
    assert_eq!(cancelled["type"], "run.cancelled");
    assert_eq!(cancelled["data"], failed["data"]);
    assert_ne!(cancelled["id"], failed["id"], "events of two types are two events");
}

#[tokio::test]
async fn runs_and_batches_are_told_to_who_asks_and_to_nobody_else() {
    let app = TestApp::with(reaching()).await;
    let (runs, batches) = (Receiver::start().await, Receiver::start().await);
    endpoint(&app, &runs, &["run.completed", "run.failed"]).await;
    endpoint(&app, &batches, &["batch.completed", "batch.partial", "batch.failed"]).await;
    batch(&app, "a", &["A bottle"]).await;
    let partial = batch(&app, "b", &["A vase", "[sandbox:fail]"]).await;
    batch(&app, "c", &["[sandbox:fail]"]).await;
    while app.tell().await > 0 {}
    assert_eq!(types(&runs.letters()), ["run.completed", "run.completed", "run.failed", "run.failed"]);
    let letters = batches.letters();
    assert_eq!(types(&letters), ["batch.completed", "batch.failed", "batch.partial"]);
    let told = letters.iter().map(Letter::json).find(|body| body["type"] == "batch.partial").unwrap();
    let shown = app.get(&format!("/v1/batches/{}", partial["id"].as_str().unwrap())).await.json_of(200);
    assert_eq!(told["data"], shown, "as GET shows it");
    let mut positions: Vec<(String, u64)> = letters
        .iter()
        .map(Letter::json)
        .map(|body| (body["created_at"].as_str().unwrap().to_owned(), body["position"].as_u64().unwrap()))
        .collect();
    positions.sort();
    assert!(positions.is_sorted_by_key(|(_, position)| *position), "later events have greater positions");
}

async fn granted(app: &TestApp, credits: u32) {
    let grant = mintmark_domain::usecases::Grant {
        account: app.account.id,
        amount: mintmark_domain::Credits::whole(credits),
        kind: mintmark_domain::wallet::LotKind::Paid,
        reason: "more".into(),
        reference: None,
        expires_at: None,
    };
    app.core.grant_credits(grant).await.unwrap();
}

#[tokio::test]
async fn low_credits_are_told_once_a_day_at_most() {
    let clock = std::sync::Arc::new(mintmark_domain::ports::ManualClock::default());
    let options = Options { credits: 12, credits_low: 8, core_clock: Some(clock.clone()), ..reaching() };
    let app = TestApp::with(options).await;
    let receiver = Receiver::start().await;
    endpoint(&app, &receiver, &["credits.low"]).await;
    // 12 → 9 → 6 → 3: one crossing.
    for number in 0..3 {
        made_image(&app, &format!("Bottle {number}")).await;
    }
    assert_eq!(app.tell().await, 1);
    let body = receiver.letter().json();
    assert_eq!((&body["type"], &body["data"]["object"]), (&json!("credits.low"), &json!("credits")));
    assert_eq!((&body["data"]["balance"], &body["data"]["threshold"]), (&json!(6), &json!(8)));
    granted(&app, 6).await;
    made_image(&app, "One more").await;
    made_image(&app, "And another").await;
    assert_eq!(app.tell().await, 0, "9 → 6 → 3: crossed again on the same day");
    clock.advance(chrono::TimeDelta::days(1));
    granted(&app, 6).await;
    made_image(&app, "The day after").await;
    assert_eq!(app.tell().await, 1, "9 → 6");
    let next = receiver.letter().json();
    assert_eq!(next["data"]["balance"], 6);
    assert_ne!(next["id"], body["id"]);
}

#[tokio::test]
async fn what_ended_before_an_endpoint_was_made_is_not_told_but_what_ran_then_is() {
    let app = TestApp::with(reaching()).await;
    let receiver = Receiver::start().await;
    made_image(&app, "Before").await;
    let slow = generate_async(&app, "/v1/images/generations", &image("[sandbox:slow=1]")).await.json_of(202);
    endpoint(&app, &receiver, &["run.completed"]).await;
    crate::ask::ended(&app, slow["id"].as_str().unwrap()).await;
    assert_eq!(app.tell().await, 1);
    assert_eq!(receiver.letter().json()["data"]["id"], slow["id"]);
}

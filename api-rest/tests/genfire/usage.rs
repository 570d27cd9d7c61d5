//! Usage: what it counts, how it is grouped, and that it ties to the captures.

use mintmark_domain::Credits;
use serde_json::{Value, json};

use crate::ask::{generate, image, made_image, speech};
use crate::shape::Example;
use crate::support::{Options, TestApp};

/// Two images, one that failed, and speech.
async fn used() -> TestApp {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    made_image(&app, "A bottle").await;
    generate(&app, "/v1/images/generations", &json!({"prompt": "Bottles", "count": 2})).await.json_of(200);
    generate(&app, "/v1/images/generations", &image("A bottle [sandbox:fail]")).await.json_of(200);
    generate(&app, "/v1/audio/speech", &speech(&"x".repeat(100))).await.json_of(200);
    app
}

#[tokio::test]
async fn usage_is_as_documented_and_ties_to_the_captures() {
    let app = used().await;
    let example = Example::named("usage");
    let answer = app.get("/v1/usage").await;
    let usage = answer.json_of(200);
    example.assert_shape_of(&answer.bytes, &[]);
    assert_eq!(usage["totals"], json!({"credits_spent": 12, "runs_count": 4, "successful_runs": 3, "failed_runs": 1}));
    assert_eq!(
        usage["breakdown"],
        json!([
            {"group": "image.nano_banana_2", "credits_spent": 9, "runs_count": 3, "successful_runs": 2, "failed_runs": 1,
             "avg_credits_per_run": 3},
            {"group": "speech.elevenlabs_turbo_v2_5", "credits_spent": 3, "runs_count": 1, "successful_runs": 1,
             "failed_runs": 0, "avg_credits_per_run": 3},
        ])
    );
    assert_eq!(app.available().await, Credits::whole(100_000 - 12));
    let start: chrono::DateTime<chrono::Utc> = usage["period"]["start"].as_str().unwrap().parse().unwrap();
    let end: chrono::DateTime<chrono::Utc> = usage["period"]["end"].as_str().unwrap().parse().unwrap();
    assert_eq!(end - start, chrono::TimeDelta::days(30));
    assert_eq!(usage["group_by"], "model");
}

#[tokio::test]
async fn usage_is_grouped_and_filtered_as_asked() {
    let app = used().await;
    let asked = async |query: &str| app.get(&format!("/v1/usage?{query}")).await.json_of(200);
    let groups = |usage: &Value| -> Vec<String> {
        usage["breakdown"].as_array().unwrap().iter().map(|one| one["group"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(groups(&asked("group_by=capability").await), ["image_generation", "speech_generation"]);
    let days = asked("group_by=day").await;
    assert_eq!(days["breakdown"][0]["credits_spent"], 12);
    assert!(chrono::NaiveDate::parse_from_str(&groups(&days)[0], "%Y-%m-%d").is_ok());
    let none = asked("group_by=none").await;
    assert_eq!((&none["breakdown"], &none["totals"]["credits_spent"]), (&json!([]), &json!(12)));
    let speech = asked("capability=speech_generation").await;
    assert_eq!(speech["totals"]["credits_spent"], 3);
    assert_eq!(groups(&speech), ["speech.elevenlabs_turbo_v2_5"]);
}

#[tokio::test]
async fn a_period_is_half_open() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let run = made_image(&app, "A bottle").await;
    let row = app.core.run_state(run["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    let ended = row.ending().unwrap().at;
    let stamp = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let counted = async |start, end| {
        let path = format!("/v1/usage?start_date={}&end_date={}", stamp(start), stamp(end));
        app.get(&path).await.json_of(200)["totals"]["runs_count"].as_u64().unwrap()
    };
    let (hour, tick) = (chrono::TimeDelta::hours(1), chrono::TimeDelta::microseconds(1));
    assert_eq!(counted(ended, ended + hour).await, 1, "the start is in it");
    assert_eq!(counted(ended - hour, ended).await, 0, "the end is not");
    assert_eq!(counted(ended - hour, ended + tick).await, 1);
}

#[tokio::test]
async fn only_runs_that_came_through_v1_count() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let body = json!({"scene": "text-to-image", "prompt": "A bottle"});
    let other = app.post("/api/v1/generate", &body).await;
    other.json_of(201);
    made_image(&app, "A bottle").await;
    let usage = app.get("/v1/usage").await.json_of(200);
    assert_eq!(usage["totals"], json!({"credits_spent": 3, "runs_count": 1, "successful_runs": 1, "failed_runs": 0}));
    // The list shows the account's runs through every door.
    assert_eq!(app.get("/v1/runs").await.json_of(200)["data"].as_array().unwrap().len(), 2);
}

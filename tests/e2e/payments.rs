//! A payment processor that tells two servers at once, and one of them is killed: each event is one effect.

use futures::future::join_all;
use mintmark_domain::webhook::StandardSecret;
use serde_json::{Value, json};

use crate::books;
use crate::site::{Answer, Server, Site};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// How many payments there are.
const PAYMENTS: usize = 5;
/// How often each event is delivered at once, to each server.
const DELIVERIES: usize = 4;

/// One delivery; an error where nobody answered.
async fn deliver(client: &reqwest::Client, url: &str, body: &Value) -> reqwest::Result<Answer> {
    let (body, at) = (body.to_string(), chrono::Utc::now().timestamp());
    let signature = StandardSecret::read(SECRET).expect("a secret").sign("msg", at, body.as_bytes());
    let request = client.post(format!("{url}/payments/events")).header("Content-Type", "application/json");
    let request = request.header("webhook-id", "msg").header("webhook-timestamp", at);
    Answer::of(request.header("webhook-signature", signature).body(body)).await
}

fn event(kind: &str, payment: usize, account: &Value, credits: u32) -> Value {
    json!({"id": format!("pi_{payment}"), "type": kind, "account": account, "credits": credits,
           "amount": "9.99", "currency": "EUR"})
}

/// Delivers every event many times to both servers while one is killed; then again to the one that lives,
/// as a processor does that was not answered.
async fn told(site: &Site, living: &Server, events: &[Value]) {
    let dying = site.serve().await;
    let (dying_at, client) = (dying.url.clone(), reqwest::Client::new());
    let everything = events.iter().flat_map(|event| (0..DELIVERIES).map(move |_| event));
    let deliveries =
        everything.flat_map(|event| [deliver(&client, &dying_at, event), deliver(&client, &living.url, event)]);
    let (answers, ()) = tokio::join!(join_all(deliveries), dying.process.kill());
    for answer in answers.into_iter().flatten() {
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.bytes));
    }
    for event in events {
        deliver(&client, &living.url, event).await.expect("an answer").json_of(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_one_effect_though_a_server_is_killed_while_it_is_told() {
    let site = Site::on_test_database().await.with("MINTMARK_PAYMENTS__SECRETS", &format!("[\"{SECRET}\"]"));
    let made = "account create --username payer --email payer@example.com --tier unlimited --json";
    let made = site.run(made).await.json();
    let (account, key) = (&made["account_id"], made["api_key"].as_str().expect("a key"));
    let living = site.serve().await;
    let of_each =
        |kind: &'static str, credits| (0..PAYMENTS).map(move |payment| event(kind, payment, account, credits));
    let balance = async || living.get("/api/v1/credits/balance", key).await.json_of(200)["data"]["paid"].clone();

    told(&site, &living, &of_each("paid", 10).collect::<Vec<_>>()).await;
    assert_eq!(balance().await, 50);
    let back: Vec<Value> = of_each("refunded", 3).chain(of_each("chargeback", 2)).collect();
    told(&site, &living, &back).await;
    assert_eq!(balance().await, 25);

    let list = living.get("/api/v1/credits/transactions?per_page=100", key).await.json_of(200);
    let rows = list["data"].as_array().expect("rows");
    assert_eq!(rows.len(), 3 * PAYMENTS);
    assert_eq!(rows.iter().filter_map(|row| row["amount"].as_i64()).sum::<i64>(), 25);
    let shown = site.run("credits payment pi_0").await;
    assert!(
        shown.good().contains("refunded   3 credits, 9.99 EUR") && shown.out.contains("left       5"),
        "{}",
        shown.out
    );
    books::assert_in_order(&site).await;
}

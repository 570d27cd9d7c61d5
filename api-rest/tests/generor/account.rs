//! The profile, the balance and its history.

use std::sync::Arc;

use chrono::TimeDelta;
use http::Method;
use mintmark_domain::account::Tier;
use mintmark_domain::ports::Clock;
use mintmark_domain::run::Surface;
use mintmark_domain::usecases::{BonusAmounts, Core, Credential};
use mintmark_domain::{Credits, Timestamp};
use mintmark_log::system::SystemClock;
use serde_json::{Value, json};

use super::shape::assert_shape;
use super::support::{Answer, Options, TestApp};
use super::{joke, path};

#[tokio::test(flavor = "multi_thread")]
async fn the_profile_is_shown_and_changed() {
    let app = TestApp::start().await;
    joke(&app, "One").await.json_of(201);
    joke(&app, "Broken [sandbox:fail]").await.json_of(500);
    let patch = |body: Value| {
        let request = app.request(Method::PATCH, "/api/v1/users/me").json(&body);
        async move { Answer::of(request).await }
    };
    patch(json!({"bio": "Updated bio", "website": "https://example.com"})).await.json_of(200);
    let answer = app.get("/api/v1/users/me").await;
    let me = answer.json_of(200)["data"].clone();
    assert_shape("me", &answer.bytes, &[]);
    assert_eq!((&me["bio"], &me["website"]), (&json!("Updated bio"), &json!("https://example.com")));
    assert_eq!(me["user_id"], app.account.user_id);
    assert_eq!((&me["creation_count"], &me["credits"]["total"]), (&json!(1), &json!(99_999)));
    assert_eq!((&me["follower_count"], &me["teams"], &me["avatar"]), (&json!(0), &json!([]), &Value::Null));
    let joined = me["joined"].as_str().unwrap();
    chrono::NaiveDateTime::parse_from_str(joined, "%Y-%m-%d %H:%M:%S").unwrap();

    let cleared = patch(json!({"bio": null})).await.json_of(200);
    assert_eq!((&cleared["data"]["bio"], &cleared["data"]["website"]), (&Value::Null, &json!("https://example.com")));
    for wrong in [json!({}), json!({"website": "not an address"}), json!({"bio": "x".repeat(1_001)}), json!({"bio": 7})]
    {
        let json = patch(wrong.clone()).await.json_of(400);
        assert_eq!(json["error"]["code"], "VALIDATION_ERROR", "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_balance_is_told_by_kind() {
    let bonuses =
        [("unlimited", BonusAmounts { daily: Credits::whole(5), max: Credits::whole(250), ..BonusAmounts::default() })];
    let app = TestApp::with(Options { credits: 1_000, bonuses: bonuses.into(), ..Options::default() }).await;
    let answer = app.get("/api/v1/credits/balance").await;
    assert_shape("balance", &answer.bytes, &[]);
    let expected = json!({"total": 1005, "paid": 1000, "free": 5, "earned": 0, "max": 250});
    assert_eq!(answer.json_of(200)["data"], expected);
    let bonus = app.get("/api/v1/credits/transactions?type=daily_bonus").await.json_of(200);
    assert_eq!((&bonus["meta"]["total"], &bonus["data"][0]["amount"]), (&json!(1), &json!(5)));
}

/// The system's clock, so many days off.
struct Off(i64);

impl Clock for Off {
    fn now(&self) -> Timestamp {
        SystemClock.now() + TimeDelta::days(self.0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_with_a_slow_clock_claims_no_bonus_of_a_day_that_is_past() {
    let amounts = BonusAmounts {
        daily: Credits::whole(5),
        weekly: Credits::whole(20),
        signup: Credits::whole(40),
        max: Credits::whole(500),
    };
    let app = TestApp::with(Options { bonuses: [("unlimited", amounts)].into(), ..Options::default() }).await;
    app.get("/api/v1/credits/balance").await.json_of(200);
    let free = async || app.get("/api/v1/credits/balance").await.json_of(200)["data"]["free"].as_i64().unwrap();
    assert_eq!(free().await, 65);
    let key = Credential::api_key(&app.account.key).unwrap();
    let caller = app.core.authenticate(&key, Surface::Generor, "req".into(), String::new()).await.unwrap();
    let claim = async |days| {
        let core = Core { clock: Arc::new(Off(days)), ..app.core.clone() };
        core.claim_bonuses(&caller).await.unwrap().is_some()
    };
    // The day and the week before were passed over; they stay so.
    for days in [0, -1, -7, -400] {
        assert!(!claim(days).await, "{days}");
    }
    assert_eq!(free().await, 65);
    // A week on: one of each period, and none in between any more.
    assert!(claim(7).await);
    for days in [1, 6, 7] {
        assert!(!claim(days).await, "{days}");
    }
    assert_eq!(free().await, 65 + 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn movements_sum_to_the_balance() {
    let app = TestApp::start().await;
    joke(&app, "One").await.json_of(201);
    joke(&app, "Broken [sandbox:fail]").await.json_of(500);
    let partial = json!({"prompt": "Some [sandbox:partial=2]", "model_id": 3, "count": 5});
    app.post(&path("joke"), &partial).await.json_of(201);
    let slow = json!({"prompt": "Slow [sandbox:slow=60]", "model_id": 3, "count": 4});
    let slow = app.request(Method::POST, &path("joke")).json(&slow).header("Prefer", "respond-async");
    Answer::of(slow).await.json_of(202);

    let all = app.get("/api/v1/credits/transactions?per_page=100&sort=oldest").await.json_of(200);
    let rows = all["data"].as_array().unwrap();
    let sum: i64 = rows.iter().map(|row| row["amount"].as_i64().unwrap()).sum();
    let balance = app.get("/api/v1/credits/balance").await.json_of(200);
    assert_eq!(json!(sum), balance["data"]["total"]);
    assert_eq!(sum, 100_000 - 1 - 2 - 4);
    let told: Vec<(Value, Value)> = rows.iter().map(|row| (row["status"].clone(), row["amount"].clone())).collect();
    let said = |status: &str, amount: i64| (json!(status), json!(amount));
    assert_eq!(
        told,
        [said("settled", 100_000), said("settled", -1), said("released", 0), said("settled", -2), said("pending", -4)]
    );
    assert_eq!(rows[1]["creation_ids"].as_array().unwrap().len(), 1);
    assert_eq!((&rows[1]["generator"], &rows[1]["model_id"]), (&json!("joke"), &json!(3)));

    let spent = app.get("/api/v1/credits/transactions?type=spend").await.json_of(200);
    assert_eq!(spent["meta"]["total"], 4);
    for kind in [
        "purchase",
        "daily_bonus",
        "weekly_bonus",
        "signup_bonus",
        "refund",
        "gift_sent",
        "gift_received",
        "expiry",
        "adjustment",
        "chargeback",
    ] {
        let list = app.get(&format!("/api/v1/credits/transactions?type={kind}")).await.json_of(200);
        let rows = list["data"].as_array().unwrap();
        assert!(rows.iter().all(|row| row["type"] == kind), "{kind}");
        assert_eq!(rows.len(), usize::from(kind == "purchase"), "{kind}");
    }
    app.get("/api/v1/credits/transactions?type=theft").await.json_of(400);
    // Nobody else's are in it.
    let other = app.register(Tier::Unlimited, 3).await;
    let theirs = Answer::of(app.request_as(&other.key, Method::GET, "/api/v1/credits/transactions")).await.json_of(200);
    assert_eq!((&theirs["meta"]["total"], &theirs["data"][0]["amount"]), (&json!(1), &json!(3)));
}

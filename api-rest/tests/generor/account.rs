//! The profile, the balance and its history.

use std::sync::Arc;

use chrono::TimeDelta;
use http::Method;
use mintmark_domain::account::Tier;
use mintmark_domain::payment::Reversal;
use mintmark_domain::ports::{Clock, ManualClock};
use mintmark_domain::run::Surface;
use mintmark_domain::usecases::{BonusAmounts, Core, Credential, Grant, Happened, PaymentNotice};
use mintmark_domain::wallet::LotKind;
use mintmark_domain::{Credits, Timestamp};
use mintmark_log::system::SystemClock;
use mintmark_projections::wallets::TransactionKind;
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
    let refused = app.get("/api/v1/credits/transactions?type=theft").await.json_of(400);
    let said = refused["error"]["message"].as_str().unwrap();
    assert!(TransactionKind::ALL.iter().all(|kind| said.contains(kind.as_str())), "{said}");
    // Nobody else's are in it.
    let other = app.register(Tier::Unlimited, 3).await;
    let theirs = Answer::of(app.request_as(&other.key, Method::GET, "/api/v1/credits/transactions")).await.json_of(200);
    assert_eq!((&theirs["meta"]["total"], &theirs["data"][0]["amount"]), (&json!(1), &json!(3)));
}

/// What brings a movement of every type to the first account.
async fn everything(app: &TestApp, clock: &ManualClock) {
    let friend = app.register(Tier::Unlimited, 50).await;
    let name = async |account| app.core.account_view(account).await.unwrap().profile.username;
    let (mine, theirs) = (name(app.account.id).await, name(friend.id).await);
    let gifts = "/api/v1/credits/gifts";
    app.post(gifts, &json!({"username": theirs, "credits": 5})).await.json_of(201);
    let back = app.request_as(&friend.key, Method::POST, gifts).json(&json!({"username": mine, "credits": 3}));
    Answer::of(back).await.json_of(201);
    let run = app.post_keyed("/v1/images/generations", "one", &json!({"prompt": "a boat"})).await.json_of(200);
    let run = run["id"].as_str().unwrap().parse().unwrap();
    let one = Credits::whole(1);
    app.core.refund_run(run, one, "operator".into(), "not as described".into(), "r-1".into()).await.unwrap();
    let notice = |what| PaymentNotice {
        id: "pi_1".into(),
        what,
        account: app.account.id,
        credits: Credits::whole(7),
        amount: 7.into(),
        currency: "EUR".into(),
    };
    let reversed = Happened::Reversed { how: Reversal::Chargeback, reference: None };
    for what in [Happened::Paid, reversed] {
        app.core.note_payment(notice(what), "req_1").await.unwrap();
    }
    let grant = |kind, expires_at| {
        let (account, reason, reference) = (app.account.id, "an excuse".to_owned(), None);
        Grant { account, amount: Credits::whole(2), kind, reason, reference, expires_at }
    };
    app.core.grant_credits(grant(LotKind::Earned, None)).await.unwrap();
    let soon = clock.now() + TimeDelta::seconds(5);
    app.core.grant_credits(grant(LotKind::Free, Some(soon))).await.unwrap();
    clock.advance(TimeDelta::seconds(10));
    // An expiry is recorded with the next movement.
    app.core.grant_credits(grant(LotKind::Earned, None)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_movement_is_listed_by_itself() {
    // Noon: ten seconds on it is the same day.
    let noon = SystemClock.now().date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc();
    let clock = Arc::new(ManualClock::at(noon));
    let [signup, daily, weekly, max] = [40, 5, 20, 500].map(Credits::whole);
    let bonuses = [("unlimited", BonusAmounts { signup, daily, weekly, max })].into();
    let app = TestApp::with(Options { bonuses, core_clock: Some(clock.clone()), ..Options::default() }).await;
    app.get("/api/v1/credits/balance").await.json_of(200);
    everything(&app, &clock).await;
    let mut listed = 0;
    for kind in TransactionKind::ALL {
        let list = app.get(&format!("/api/v1/credits/transactions?per_page=100&type={}", kind.as_str())).await;
        let list = list.json_of(200);
        let rows = list["data"].as_array().unwrap();
        assert!(!rows.is_empty() && rows.iter().all(|row| row["type"] == kind.as_str()), "{kind:?}: {rows:?}");
        assert_eq!(list["meta"]["total"], rows.len(), "{kind:?}");
        listed += rows.len();
    }
    let all = app.get("/api/v1/credits/transactions?per_page=100").await.json_of(200);
    assert_eq!(all["meta"]["total"], listed);
    let sum: i64 = all["data"].as_array().unwrap().iter().map(|row| row["amount"].as_i64().unwrap()).sum();
    assert_eq!(Credits::new(sum.into()).unwrap(), app.available().await);
}

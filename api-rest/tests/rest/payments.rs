//! `/payments/events`: what a payment processor says of payments.

use futures::future::join_all;
use http::Method;
use mintmark_api_rest::RestSettings;
use mintmark_api_rest::http::limits::RateLimits;
use mintmark_domain::account::Tier;
use mintmark_domain::usecases::BonusAmounts;
use mintmark_domain::webhook::StandardSecret;
use mintmark_domain::{Credits, Shard};
use serde_json::{Value, json};

use crate::support::{Answer, Options, TestAccount, TestApp};

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Requests per minute of an address without a key.
const UNAUTHENTICATED: u32 = 4;

fn options() -> Options {
    let rate_limits = RateLimits { unauthenticated_per_minute: UNAUTHENTICATED, ..RateLimits::default() };
    let payment_secrets = [NEW, OLD].map(|secret| StandardSecret::read(secret).unwrap()).into();
    let settings = RestSettings { rate_limits, payment_secrets, ..RestSettings::default() };
    Options { credits: 0, settings, ..Options::default() }
}

/// What a processor sends.
struct Sent<'a> {
    secret: &'a str,
    body: String,
    /// Seconds from now at which it was signed.
    off: i64,
}

async fn send(app: &TestApp, sent: &Sent<'_>) -> Answer {
    let at = app.now().timestamp() + sent.off;
    let signature = StandardSecret::read(sent.secret).unwrap().sign("msg_1", at, sent.body.as_bytes());
    let request = app.anonymous(Method::POST, "/payments/events").header("Content-Type", "application/json");
    let request = request.header("webhook-id", "msg_1").header("webhook-timestamp", at);
    Answer::of(request.header("webhook-signature", signature).body(sent.body.clone())).await
}

async fn said(app: &TestApp, body: impl ToString) -> Answer {
    send(app, &Sent { secret: NEW, body: body.to_string(), off: 0 }).await
}

fn event(kind: &str, id: &str, account: impl Into<Value>, credits: impl Into<Value>) -> Value {
    let (account, credits): (Value, Value) = (account.into(), credits.into());
    json!({"id": id, "type": kind, "account": account, "credits": credits, "amount": "9.99", "currency": "EUR"})
}

async fn balance(app: &TestApp, account: &TestAccount) -> mintmark_domain::wallet::Balance {
    app.core.balance_of(account.id).await.unwrap()
}

/// Rows of the account's list, the oldest first.
async fn rows(app: &TestApp, account: &TestAccount, query: &str) -> Vec<Value> {
    let path = format!("/api/v1/credits/transactions?sort=oldest&per_page=100{query}");
    let list = Answer::of(app.request_as(&account.key, Method::GET, &path)).await.json_of(200);
    list["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_fills_the_wallet_exactly_once_in_every_form_of_the_account() {
    let app = TestApp::with(options()).await;
    let account = &app.account;
    app.caught_up().await;
    let forms = [json!(account.id.to_string()), json!(account.user_id), json!(account.user_id.to_string())];
    let mut answers = Vec::new();
    for form in &forms {
        // Twenty digits: no float has as many.
        let body = event("paid", "pi_1", form.clone(), "12345678901234.123456").to_string();
        let body = body.replace("\"12345678901234.123456\"", "12345678901234.123456");
        answers.push(said(&app, body).await);
    }
    for (n, answer) in answers.iter().enumerate() {
        let answered = answer.json_of(200);
        assert_eq!(answer.header("idempotency-replayed"), if n == 0 { "" } else { "true" });
        assert_eq!((&answered["id"], &answered["type"]), (&json!("pi_1"), &json!("paid")));
        assert_eq!(answered["account_id"], json!(account.id.to_string()));
        assert!(String::from_utf8_lossy(&answer.bytes).contains(r#""credits":12345678901234.123456}"#));
        assert_eq!(answer.bytes, answers[0].bytes, "the same answer");
    }
    let exact: Credits = "12345678901234.123456".parse().unwrap();
    let held = balance(&app, account).await;
    assert_eq!((held.paid, held.available), (exact, exact));
    // Money written otherwise is the same money.
    let body = json!({"id": "pi_1", "type": "paid", "account": account.user_id, "credits": "12345678901234.1234560",
                      "amount": 9.990, "currency": "eur"});
    assert_eq!(said(&app, body).await.header("idempotency-replayed"), "true");
    let listed = rows(&app, account, "&type=purchase").await;
    assert_eq!(listed.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_deliveries_at_once_are_one_effect() {
    let app = TestApp::with(options()).await;
    let account = &app.account;
    let id = account.id.to_string();
    let paid = event("paid", "pi_1", id.clone(), 10);
    for (body, after) in
        [(paid, 10), (event("refunded", "pi_1", id.clone(), 4), 6), (event("chargeback", "pi_1", id, 6), 0)]
    {
        let answers = join_all((0..50).map(|_| said(&app, &body))).await;
        assert!(answers.iter().all(|answer| answer.status == 200), "{body}");
        let first = answers.iter().filter(|answer| answer.header("idempotency-replayed") != "true").count();
        assert_eq!(first, 1, "{body}");
        assert_eq!(balance(&app, account).await.available, Credits::whole(after));
    }
    assert_eq!(rows(&app, account, "").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_stands_for_one_content_and_one_account_in_any_shard() {
    let app = TestApp::with(options()).await;
    let account = app.account.id.to_string();
    said(&app, event("paid", "pi_1", account.clone(), 10)).await.json_of(200);
    said(&app, event("refunded", "pi_1", account.clone(), 4)).await.json_of(200);
    let mut others = Vec::new();
    // One in each shard at least.
    let shards: Vec<Shard> = app.core.settings.shards.clone();
    while shards.iter().any(|shard| others.iter().all(|other: &TestAccount| other.id.shard() != *shard)) {
        others.push(app.register(Tier::Unlimited, 0).await);
    }
    let mut refused = vec![
        event("paid", "pi_1", account.clone(), 11),
        event("refunded", "pi_1", account.clone(), 3),
        json!({"id": "pi_1", "type": "paid", "account": account, "credits": 10, "amount": "9.98", "currency": "EUR"}),
        json!({"id": "pi_1", "type": "paid", "account": account, "credits": 10, "amount": "9.99", "currency": "USD"}),
    ];
    refused.extend(others.iter().map(|other| event("paid", "pi_1", other.id.to_string(), 10)));
    for body in refused {
        let problem = said(&app, &body).await.json_of(409);
        assert!(problem["detail"].as_str().unwrap().starts_with("id: "), "{body}: {problem}");
    }
    for other in &others {
        let answer = said(&app, event("chargeback", "pi_1", other.id.to_string(), 1)).await;
        assert!([404, 409].contains(&answer.status));
        assert_eq!(balance(&app, other).await.available, Credits::ZERO);
    }
    assert_eq!(app.available().await, Credits::whole(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_is_owed_where_it_was_spent_and_the_next_payment_pays_it() {
    let app = TestApp::with(options()).await;
    let (account, id) = (&app.account, app.account.id.to_string());
    let friend = app.register(Tier::Unlimited, 0).await;
    let name = app.core.account_view(friend.id).await.unwrap().profile.username;
    // Nothing is taken back of what never came; once it came, the same is taken.
    let early = event("refunded", "pi_1", id.clone(), 3);
    let problem = said(&app, &early).await.json_of(404);
    assert!(problem["detail"].as_str().unwrap().contains("Send its paid event first"), "{problem}");
    said(&app, event("paid", "pi_1", id.clone(), 10)).await.json_of(200);
    said(&app, &early).await.json_of(200);
    app.post("/api/v1/credits/gifts", &json!({"username": name, "credits": 5})).await.json_of(201);
    // More than is left of the payment is refused whole.
    let problem = said(&app, event("chargeback", "pi_1", id.clone(), 10)).await.json_of(400);
    assert!(problem["detail"].as_str().unwrap().contains("7 of the payment are left"), "{problem}");
    assert_eq!(app.available().await, Credits::whole(2));
    said(&app, event("chargeback", "pi_1", id.clone(), 7)).await.json_of(200);
    let owing = balance(&app, account).await;
    assert_eq!((owing.available, owing.receivable), (Credits::ZERO, Credits::whole(5)));
    said(&app, event("paid", "pi_2", id.clone(), 8)).await.json_of(200);
    let paid = balance(&app, account).await;
    assert_eq!((paid.available, paid.receivable), (Credits::whole(3), Credits::ZERO));

    let listed = rows(&app, account, "").await;
    let told: Vec<(&str, i64, Option<&str>)> = listed
        .iter()
        .map(|row| (row["type"].as_str().unwrap(), row["amount"].as_i64().unwrap(), row["description"].as_str()))
        .collect();
    let expected = [
        ("purchase", 10, None),
        ("chargeback", -3, Some("refunded")),
        ("gift_sent", -5, None),
        ("chargeback", -2, None),
        ("purchase", 8, None),
        ("chargeback", -5, None),
    ];
    assert_eq!(told, expected);
    assert_eq!(told.iter().map(|row| row.1).sum::<i64>(), 3, "the rows sum to the balance");
    assert_eq!(rows(&app, account, "&type=chargeback").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_refunded_in_parts_that_have_names() {
    let app = TestApp::with(options()).await;
    let part = |reference: &str, credits: u32| {
        let mut event = event("refunded", "pi_1", app.account.id.to_string(), credits);
        event["reference"] = json!(reference);
        event
    };
    said(&app, event("paid", "pi_1", app.account.id.to_string(), 10)).await.json_of(200);
    for _ in 0..2 {
        for reference in ["re_1", "re_2"] {
            said(&app, part(reference, 3)).await.json_of(200);
        }
    }
    assert_eq!(app.available().await, Credits::whole(4));
    said(&app, part("re_3", 5)).await.json_of(400);
    said(&app, part("re_1", 1)).await.json_of(409);
    assert_eq!(app.available().await, Credits::whole(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_processor_is_heard_and_others_count_as_anybody() {
    let app = TestApp::with(options()).await;
    let id = app.account.id.to_string();
    let sent =
        |secret, off, n: u32| Sent { secret, body: event("paid", &format!("pi_{n}"), id.clone(), 1).to_string(), off };
    // Both secrets hold, and however many events come from one address none is counted.
    for n in 0..UNAUTHENTICATED * 3 {
        let secret = if n % 2 == 0 { NEW } else { OLD };
        send(&app, &sent(secret, if n == 0 { -290 } else { 290 }, n)).await.json_of(200);
    }
    let before = app.available().await;
    let stranger = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
    let refused = [sent(stranger, 0, 900), sent(NEW, -310, 901), sent(NEW, 310, 902)];
    for sent in &refused {
        let answer = send(&app, sent).await;
        let problem = answer.json_of(401);
        assert_eq!(problem["code"], "invalid_signature");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let bare = app.anonymous(Method::POST, "/payments/events").json(&event("paid", "pi_903", id.clone(), 1));
    let problem = Answer::of(bare).await.json_of(401);
    assert!(problem["detail"].as_str().unwrap().contains("webhook-id"), "{problem}");
    // Four wrong ones are all that an address has, and the processor behind the same one is heard all the same.
    let limited = send(&app, &refused[0]).await;
    assert_eq!(limited.status, 429);
    assert!(!limited.header("retry-after").is_empty());
    assert_eq!(app.available().await, before);
    send(&app, &sent(NEW, 0, 904)).await.json_of(200);
    assert_eq!(app.available().await, before + Credits::whole(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_the_processor_is_asked_to_wait() {
    let app = TestApp::start().await;
    let answer = said(&app, event("paid", "pi_1", app.account.id.to_string(), 1)).await;
    let problem = answer.json_of(503);
    assert_eq!((&problem["code"], answer.header("retry-after")), (&json!("payments_not_configured"), "60"));
    assert!(problem["detail"].as_str().unwrap().contains("payments.secrets"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_field_is_named_with_what_is_allowed_and_has_no_effect() {
    let app = TestApp::with(options()).await;
    let good = event("paid", "pi_1", app.account.id.to_string(), 1);
    let wrong: Vec<(&str, Value, u16)> = vec![
        ("id", json!(""), 400),
        ("id", json!("x".repeat(256)), 400),
        ("id", json!("caf\u{e9}"), 400),
        ("id", json!(7), 400),
        ("type", json!("payed"), 400),
        ("account", json!("nobody"), 400),
        ("account", json!(-1), 400),
        ("account", json!(987_654_321), 404),
        ("account", json!("acct_00000000000080008000000000000000"), 404),
        ("account", json!("acct_00000000000080fff000000000000000"), 404),
        ("credits", json!(0), 400),
        ("credits", json!(-1), 400),
        ("credits", json!("0.0000001"), 400),
        ("credits", json!("100000000000000"), 400),
        ("credits", json!("1e3"), 400),
        ("credits", json!("ten"), 400),
        ("credits", json!(true), 400),
        ("amount", json!("-0.01"), 400),
        ("amount", json!("0.0000001"), 400),
        ("amount", json!({}), 400),
        ("currency", json!("EURO"), 400),
        ("currency", json!("E1R"), 400),
        ("reference", json!(7), 400),
    ];
    for (field, value, status) in wrong {
        let mut body = good.clone();
        body[field] = value;
        let problem = said(&app, &body).await.json_of(status);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with(field), "{body}: {detail}");
    }
    for field in ["id", "type", "account", "credits", "amount", "currency"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(field);
        let problem = said(&app, &body).await.json_of(400);
        assert_eq!(problem["detail"], format!("{field} is required."));
    }
    said(&app, "{").await.json_of(400);
    said(&app, r#"{"id": "a", "id": "b"}"#).await.json_of(400);
    said(&app, format!(r#"{{"id": "{}"}}"#, "x".repeat(70_000))).await.json_of(413);
    assert_eq!(Answer::of(app.anonymous(Method::GET, "/payments/events")).await.status, 405);
    assert_eq!(app.available().await, Credits::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tier_has_bonuses_of_its_own_up_to_its_ceiling_and_claims_them_once_together() {
    let amounts = |n: u32| BonusAmounts {
        signup: Credits::whole(n),
        daily: Credits::whole(10),
        weekly: Credits::whole(100),
        max: Credits::whole(50 + n),
    };
    let tiers = [(Tier::Free, 1), (Tier::Basic, 2), (Tier::Pro, 3), (Tier::Enterprise, 4)];
    let bonuses = tiers.iter().map(|(tier, n)| (tier.as_str(), amounts(*n))).collect();
    let app = TestApp::with(Options { bonuses, ..options() }).await;
    for (tier, n) in tiers {
        let account = app.register(tier, 0).await;
        let calls = (0..8).map(|_| app.request_as(&account.key, Method::GET, "/api/v1/credits/balance"));
        join_all(calls.map(Answer::of)).await;
        // Sign-up and day fit, of the week only what is left up to the ceiling.
        let listed = rows(&app, &account, "").await;
        let told: Vec<(&str, i64)> =
            listed.iter().map(|row| (row["type"].as_str().unwrap(), row["amount"].as_i64().unwrap())).collect();
        assert_eq!(told, [("signup_bonus", n.into()), ("daily_bonus", 10), ("weekly_bonus", 40)], "{tier}");
        let shown = Answer::of(app.request_as(&account.key, Method::GET, "/api/v1/credits/balance")).await;
        let whole = i64::from(50 + n);
        assert_eq!(
            shown.json_of(200)["data"],
            json!({"total": whole, "paid": 0, "free": whole, "earned": 0, "max": whole})
        );
    }
}

//! Sign-in from a command line by PKCE.

use chrono::TimeDelta;
use http::Method;
use mintmark_api_rest::http::limits::RateLimits;
use mintmark_domain::account::{Scope, Scopes, Tier};
use mintmark_domain::run::Surface;
use mintmark_domain::usecases::{CLI_DEFAULT_SCOPES, Caller};
use serde_json::{Value, json};

use crate::support::{Answer, Options, TestApp};

const PATH: &str = "/v1/cli/auth/sessions";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn patient() -> Options {
    let rate_limits = RateLimits { unauthenticated_per_minute: 0, cli_polls_per_minute: 0, ..RateLimits::default() };
    Options::limited(Tier::Unlimited, rate_limits)
}

fn asking() -> Value {
    json!({
        "client_id": "genfire-cli", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        "scopes": ["account:read", "images:write", "uploads:write"], "label": "genfire-cli (laptop)",
    })
}

async fn start(app: &TestApp, body: &Value) -> Answer {
    Answer::of(app.anonymous(Method::POST, PATH).json(body)).await
}

async fn started(app: &TestApp) -> String {
    start(app, &asking()).await.json_of(201)["session_id"].as_str().expect("an id").to_owned()
}

async fn poll(app: &TestApp, id: &str) -> Answer {
    Answer::of(app.anonymous(Method::GET, &format!("{PATH}/{id}"))).await
}

async fn exchange(app: &TestApp, id: &str, verifier: &str) -> Answer {
    let request = app.anonymous(Method::POST, &format!("{PATH}/{id}/exchange"));
    Answer::of(request.json(&json!({"code_verifier": verifier}))).await
}

/// The first account's person, in a session of theirs.
async fn person(app: &TestApp) -> Caller {
    let with = mintmark_domain::account::ActsWith::Person;
    app.core.caller(app.account.id, with, Surface::Graphql, "r".into(), String::new()).await.expect("a person")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_goes_from_pending_over_approved_to_one_key_as_printed() {
    let app = TestApp::with(patient()).await;
    let answer = start(&app, &asking()).await.json_of(201);
    let id = answer["session_id"].as_str().unwrap();
    assert!(id.starts_with("clisess_") && id.len() == "clisess_8f3c4a2b1d6e7f9a0b1c2d3e".len());
    assert_eq!(answer["verification_url"], format!("{}/cli-auth?session={id}", app.base_url));
    assert_eq!(answer["requested_scopes"], asking()["scopes"]);
    assert_eq!(answer["label"], "genfire-cli (laptop)");
    let fields: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["expires_at", "label", "requested_scopes", "session_id", "verification_url"]);

    let polled = poll(&app, id).await.json_of(200);
    let fields: Vec<&String> = polled.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["expires_at", "label", "requested_scopes", "session_id", "status"]);
    assert_eq!(polled["status"], "pending");
    let early = exchange(&app, id, VERIFIER).await;
    assert_eq!(early.json_of(428)["code"], "authorization_pending");

    app.core.approve_cli_session(&person(&app).await, id, None).await.unwrap();
    assert_eq!(poll(&app, id).await.json_of(200)["status"], "approved");
    let made = exchange(&app, id, VERIFIER).await;
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.json_of(200);
    let fields: Vec<&String> = made.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["api_key", "label", "scopes", "session_expires_at"]);
    assert_eq!((&made["scopes"], &made["label"]), (&asking()["scopes"], &asking()["label"]));
    assert_eq!(made["session_expires_at"], answer["expires_at"]);

    let key = made["api_key"].as_str().unwrap();
    let (id_part, secret) = key.strip_prefix("gfa_live_").unwrap().split_once('.').unwrap();
    assert_eq!((id_part.len(), secret.len()), (16, 48));
    assert_eq!(Answer::of(app.request_as(key, Method::GET, "/v1/account")).await.status, 200);
    assert_eq!(Answer::of(app.request_as(key, Method::GET, "/v1/runs")).await.status, 403, "what it did not ask for");
    assert_eq!(poll(&app, id).await.json_of(200)["status"], "consumed");
    assert_eq!(exchange(&app, id, VERIFIER).await.json_of(410)["code"], "session_used");
    // The key is one of the person's, by the name that the command line gave itself.
    let view = app.core.account_view(app.account.id).await.unwrap();
    assert!(view.state.keys().any(|(_, known)| known.name == "genfire-cli (laptop)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_narrow_or_deny_and_nobody_grants_more_than_asked_or_had() {
    let app = TestApp::with(patient()).await;
    let caller = person(&app).await;
    let id = started(&app).await;
    let more = Scopes::only([Scope::AccountRead, Scope::VideosWrite]);
    app.core.approve_cli_session(&caller, &id, Some(more)).await.unwrap_err();
    app.core.approve_cli_session(&caller, &id, Some(Scopes::only([]))).await.unwrap_err();
    let narrow = Caller { scopes: Scopes::only([Scope::KeysWrite, Scope::AccountRead]), ..caller.clone() };
    app.core.approve_cli_session(&narrow, &id, None).await.unwrap_err();
    assert_eq!(poll(&app, &id).await.json_of(200)["status"], "pending", "none of these decided anything");
    app.core.approve_cli_session(&narrow, &id, Some(Scopes::only([Scope::AccountRead]))).await.unwrap();
    app.core.deny_cli_session(&caller, &id).await.unwrap_err();
    assert_eq!(exchange(&app, &id, VERIFIER).await.json_of(200)["scopes"], json!(["account:read"]));

    let id = started(&app).await;
    app.core.deny_cli_session(&caller, &id).await.unwrap();
    assert_eq!(poll(&app, &id).await.json_of(200)["status"], "denied");
    assert_eq!(exchange(&app, &id, VERIFIER).await.json_of(403)["code"], "access_denied");
    let without = Caller { scopes: Scopes::only([Scope::AccountRead]), ..caller };
    let id = started(&app).await;
    app.core.approve_cli_session(&without, &id, Some(Scopes::only([Scope::AccountRead]))).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_exchanges_at_once_one_gets_the_key() {
    let app = TestApp::with(patient()).await;
    let id = started(&app).await;
    app.core.approve_cli_session(&person(&app).await, &id, None).await.unwrap();
    let answers = futures::future::join_all((0..10).map(|_| exchange(&app, &id, VERIFIER))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410, 410, 410, 410, 410, 410, 410, 410, 410]);
    assert_eq!(app.core.account_view(app.account.id).await.unwrap().state.keys().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_verifiers_end_a_session() {
    let app = TestApp::with(patient()).await;
    let id = started(&app).await;
    app.core.approve_cli_session(&person(&app).await, &id, None).await.unwrap();
    for bad in ["short", &"x".repeat(129), &format!("{}!", "x".repeat(50))] {
        assert_eq!(exchange(&app, &id, bad).await.json_of(400)["code"], "invalid_value", "of no form, so no guess");
    }
    // The verifier that the document prints does not fit the challenge that it prints.
    let printed = "M25iVXpKU3puUjFaYWg3T1NDTDQtcW1ROUY5YXlwalNoc0hhakxifmZHag";
    for _ in 0..5 {
        assert_eq!(exchange(&app, &id, printed).await.json_of(400)["code"], "invalid_code_verifier");
    }
    assert_eq!(exchange(&app, &id, VERIFIER).await.json_of(410)["code"], "session_expired");
    assert_eq!(poll(&app, &id).await.json_of(200)["status"], "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_that_is_no_sha256_is_taken_and_never_exchanged() {
    let app = TestApp::with(patient()).await;
    let mut body = asking();
    body["code_challenge"] = json!(VERIFIER.repeat(2));
    let id = start(&app, &body).await.json_of(201)["session_id"].as_str().unwrap().to_owned();
    app.core.approve_cli_session(&person(&app).await, &id, None).await.unwrap();
    assert_eq!(exchange(&app, &id, VERIFIER).await.json_of(400)["code"], "invalid_code_verifier");
    for (name, value, says) in [
        ("code_challenge", json!("x".repeat(42)), "code_challenge"),
        ("code_challenge", json!("x".repeat(129)), "code_challenge"),
        ("code_challenge", json!(format!("{}+", "x".repeat(42))), "code_challenge"),
        ("code_challenge", Value::Null, "code_challenge"),
        ("code_challenge_method", json!("plain"), "S256"),
        ("client_id", json!("another"), "genfire-cli"),
        ("scopes", json!([]), "scopes"),
        ("scopes", json!(["dance"]), "images:write"),
        ("scopes", json!(["admin"]), "admin"),
        ("label", json!(""), "label"),
        ("label", json!("x".repeat(101)), "label"),
    ] {
        let mut body = asking();
        body[name] = value.clone();
        let said = start(&app, &body).await.json_of(400);
        assert!(said["detail"].as_str().unwrap().contains(says), "{name} {value}: {said}");
    }
    assert_eq!(poll(&app, "clisess_000000000000000000000000").await.status, 404);
    assert_eq!(exchange(&app, "nonsense", VERIFIER).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_decides_or_fetches_in_ten_minutes_is_over() {
    use std::sync::Arc;

    use mintmark_domain::ports::ManualClock;
    let app = TestApp::with(patient()).await;
    let clock = Arc::new(ManualClock::at(app.now()));
    let core = mintmark_domain::usecases::Core { clock: clock.clone(), ..app.core.clone() };
    let (pending, approved) = (started(&app).await, started(&app).await);
    core.approve_cli_session(&person(&app).await, &approved, None).await.unwrap();
    clock.advance(TimeDelta::minutes(11));
    for id in [&pending, &approved] {
        assert_eq!(core.cli_session(id).await.unwrap().status.as_str(), "expired");
        let refused = core.exchange_cli_session(id, VERIFIER, "r").await.map(drop).unwrap_err();
        assert_eq!(refused.public().1, "session_expired");
    }
    core.approve_cli_session(&person(&app).await, &pending, None).await.unwrap_err();
    clock.advance(TimeDelta::hours(2));
    core.sweep_sign_ins().await.unwrap();
    assert_eq!(poll(&app, &pending).await.status, 404, "forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_asks_for_nothing_gets_the_default_set_and_one_that_cannot_be_served_stays_good() {
    let app = TestApp::with(patient()).await;
    let mut body = asking();
    body.as_object_mut().unwrap().retain(|name, _| !matches!(&**name, "scopes" | "label"));
    let answer = start(&app, &body).await.json_of(201);
    let defaults: Vec<&str> = CLI_DEFAULT_SCOPES.iter().map(|scope| scope.as_str()).collect();
    assert_eq!((&answer["requested_scopes"], &answer["label"]), (&json!(defaults), &Value::Null));
    // With ten keys there is no room for another; once there is, the same session brings it.
    let mut last = 0;
    for _ in 0..9 {
        last = app.core.issue_key_by_operator(app.account.id, "k", Scopes::Full).await.unwrap().0.key_id;
    }
    let id = answer["session_id"].as_str().unwrap();
    app.core.approve_cli_session(&person(&app).await, id, None).await.unwrap();
    assert_eq!(exchange(&app, id, VERIFIER).await.json_of(400)["code"], "too_many");
    app.core.revoke_key_by_operator(app.account.id, last).await.unwrap();
    assert_eq!(exchange(&app, id, VERIFIER).await.json_of(200)["label"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_sessions_is_limited_by_address_and_polling_has_a_limit_of_its_own() {
    let rate_limits = RateLimits { unauthenticated_per_minute: 2, cli_polls_per_minute: 3, ..RateLimits::default() };
    let app = TestApp::with(Options::limited(Tier::Unlimited, rate_limits)).await;
    let id = started(&app).await;
    // A new minute may begin in between, but not twice.
    let (mut opened, mut polled) = (1, 0);
    while opened < 5 && start(&app, &asking()).await.status == 201 {
        opened += 1;
    }
    while polled < 7 && poll(&app, &id).await.status == 200 {
        polled += 1;
    }
    assert!((2..=4).contains(&opened) && (3..=6).contains(&polled), "{opened} {polled}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_keeps_polling_as_the_document_says_is_never_refused_for_it() {
    use std::sync::Arc;

    use mintmark_domain::ports::ManualClock;
    // The limits that are on, within one minute.
    let limited = Options::limited(Tier::Unlimited, RateLimits::default());
    let app = TestApp::with(Options { core_clock: Some(Arc::new(ManualClock::default())), ..limited }).await;
    let id = started(&app).await;
    for _ in 0..30 {
        assert_eq!(exchange(&app, &id, VERIFIER).await.json_of(428)["code"], "authorization_pending");
    }
    for _ in 0..29 {
        assert_eq!(poll(&app, &id).await.status, 200);
    }
    app.core.approve_cli_session(&person(&app).await, &id, None).await.unwrap();
    exchange(&app, &id, VERIFIER).await.json_of(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_is_echoed_in_the_order_in_which_it_was_asked() {
    let app = TestApp::with(patient()).await;
    let mut body = asking();
    let asked = json!(["models:read", "runs:read", "images:write", "account:read", "runs:read"]);
    let once = json!(["models:read", "runs:read", "images:write", "account:read"]);
    body["scopes"] = asked;
    let answer = start(&app, &body).await.json_of(201);
    assert_eq!(answer["requested_scopes"], once);
    let id = answer["session_id"].as_str().unwrap();
    assert_eq!(poll(&app, id).await.json_of(200)["requested_scopes"], once);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_that_could_be_read_otherwise_than_it_is_is_refused() {
    let app = TestApp::with(patient()).await;
    for bad in ["laptop\u{202e}gpj.exe", "lap\u{200b}top", "\u{2066}laptop\u{2069}", "lap\u{ad}top", "a\u{2028}b"] {
        let mut body = asking();
        body["label"] = json!(bad);
        let said = start(&app, &body).await.json_of(400);
        assert!(said["detail"].as_str().unwrap().contains("label"), "{bad:?}: {said}");
    }
    let mut body = asking();
    body["label"] = json!("Büro-Rechner 2 · \u{5e9}\u{5dc}\u{5d5}\u{5dd} 🖥");
    start(&app, &body).await.json_of(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_what_was_approved_and_not_yet_exchanged() {
    let app = TestApp::with(patient()).await;
    let link = app.core.new_link(app.account.id).await.unwrap();
    let (approved, pending) = (started(&app).await, started(&app).await);
    app.core.approve_cli_session(&person(&app).await, &approved, None).await.unwrap();
    let token = link.split_once("token=").unwrap().1;
    app.core.set_password_by_link(token, "correct horse battery").await.unwrap();
    assert_eq!(exchange(&app, &approved, VERIFIER).await.json_of(410)["code"], "session_expired");
    assert_eq!(poll(&app, &pending).await.json_of(200)["status"], "pending", "nobody's yet");
}

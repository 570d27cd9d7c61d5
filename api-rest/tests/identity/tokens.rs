//! `POST /v1/oauth/token`, and what its tokens may do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use mintmark_api_rest::http::limits::RateLimits;
use mintmark_domain::account::{Scope, Scopes, Tier};
use mintmark_domain::usecases::NewClient;
use serde_json::{Value, json};

use crate::support::{Answer, Options, TestApp};

const PATH: &str = "/v1/oauth/token";

/// With as many attempts as a test needs.
fn patient() -> Options {
    let rate_limits = RateLimits { unauthenticated_per_minute: 0, sign_ins_per_minute: 0, ..RateLimits::default() };
    Options::limited(Tier::Unlimited, rate_limits)
}

async fn client(app: &TestApp, scopes: &[Scope]) -> NewClient {
    let scopes = Scopes::only(scopes.iter().copied());
    app.core.create_client_by_operator(app.account.id, "app", scopes).await.expect("a client").0
}

fn asking(client: &NewClient) -> Value {
    json!({"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": client.secret})
}

async fn ask(app: &TestApp, body: &Value) -> Answer {
    Answer::of(app.anonymous(Method::POST, PATH).json(body)).await
}

async fn token(app: &TestApp, client: &NewClient) -> String {
    let answer = ask(app, &asking(client)).await.json_of(200);
    answer["access_token"].as_str().expect("a token").to_owned()
}

async fn status(app: &TestApp, token: &str, path: &str) -> u16 {
    Answer::of(app.request_as(token, Method::GET, path)).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_issued_as_printed_in_json_as_a_form_and_with_basic() {
    let app = TestApp::with(patient()).await;
    let client = client(&app, &[Scope::ModelsRead, Scope::RunsRead, Scope::ImagesWrite]).await;
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", client.client_id, client.secret)));
    // As a form has it, every character may be encoded.
    let encoded = format!(
        "Basic {}",
        STANDARD.encode(format!("{}:{}", client.client_id.replace('_', "%5F"), client.secret.replace('g', "%67")))
    );
    let form = |text: String| {
        app.anonymous(Method::POST, PATH).header("Content-Type", "application/x-www-form-urlencoded").body(text)
    };
    let (id, secret) = (&client.client_id, &client.secret);
    for request in [
        app.anonymous(Method::POST, PATH).json(&asking(&client)),
        form(format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&scope=&resource=x")),
        form("grant_type=client_credentials".into()).header("Authorization", &basic),
        form("grant_type=client_credentials".into()).header("Authorization", &encoded),
        app.anonymous(Method::POST, PATH)
            .json(&json!({"grant_type": "client_credentials"}))
            .header("Authorization", &basic),
    ] {
        let answer = Answer::of(request).await;
        let body = answer.json_of(200);
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["expires_in"], 3600);
        assert_eq!(body["scope"], "images:write models:read runs:read");
        let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["access_token", "expires_in", "scope", "token_type"]);
        assert!(body["access_token"].as_str().unwrap().starts_with("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIs"));
        assert_eq!(status(&app, body["access_token"].as_str().unwrap(), "/v1/models").await, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_those_of_rfc_6749() {
    let app = TestApp::with(patient()).await;
    let client = client(&app, &[Scope::ModelsRead]).await;
    let with = |name: &str, value: Value| {
        let mut body = asking(&client);
        body[name] = value;
        body
    };
    for (body, code, status) in [
        (with("client_secret", json!("gfs_live_wrong")), "invalid_client", 401),
        (with("client_id", json!("gfo_oauth_nobody")), "invalid_client", 401),
        (with("client_id", json!("x".repeat(300))), "invalid_client", 401),
        (with("grant_type", json!("password")), "unsupported_grant_type", 400),
        (with("grant_type", Value::Null), "invalid_request", 400),
        (with("client_id", Value::Null), "invalid_request", 400),
        (with("client_secret", Value::Null), "invalid_request", 400),
        (with("client_secret", json!(7)), "invalid_request", 400),
        (with("scope", json!("models:read images:write")), "invalid_scope", 400),
        (with("scope", json!("models:read \"dance\"")), "invalid_scope", 400),
        (with("scope", json!("admin")), "invalid_scope", 400),
        (json!([]), "invalid_request", 400),
    ] {
        let answer = ask(&app, &body).await;
        let said = answer.json_of(status);
        assert_eq!(said["error"], code, "{body}: {said}");
        let description = said["error_description"].as_str().unwrap();
        assert!(description.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\'), "{description}");
        assert_eq!(said.as_object().unwrap().len(), 2, "{said}");
        assert!(answer.headers.get("www-authenticate").is_none(), "no scheme was used");
    }
    // Whoever used Basic is told so.
    let basic = |text: &str| app.anonymous(Method::POST, PATH).header("Authorization", text);
    for wrong in [
        "Basic !!!",
        &format!("Basic {}", STANDARD.encode("no-colon")),
        "Bearer x",
        &format!("Basic {}", STANDARD.encode("a:b")),
    ] {
        let answer = Answer::of(basic(wrong).json(&json!({"grant_type": "client_credentials"}))).await;
        assert_eq!(answer.json_of(401)["error"], "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic realm="), "{wrong}");
    }
    // Two ways at once, two times the same, another type.
    let both = format!("Basic {}", STANDARD.encode(format!("{}:{}", client.client_id, client.secret)));
    for request in [
        basic(&both).json(&asking(&client)),
        basic(&both).json(&json!({"grant_type": "client_credentials", "client_id": "another"})),
        app.anonymous(Method::POST, PATH).header("Content-Type", "text/plain").body("grant_type=client_credentials"),
        app.anonymous(Method::POST, PATH)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials&grant_type=client_credentials"),
    ] {
        assert_eq!(Answer::of(request).await.json_of(400)["error"], "invalid_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_acts_on_every_surface_within_its_scopes_and_for_its_account_only() {
    let app = TestApp::with(patient()).await;
    let client = client(&app, &[Scope::Read, Scope::ImagesWrite, Scope::KeysWrite]).await;
    let mut body = asking(&client);
    body["scope"] = json!("credits:read images:write runs:read keys:write");
    let narrow = ask(&app, &body).await.json_of(200);
    assert_eq!(narrow["scope"], "credits:read images:write runs:read keys:write");
    let token = narrow["access_token"].as_str().unwrap();
    for (path, expected) in [
        ("/v1/account/credits", 200),
        ("/v1/runs", 200),
        ("/v1/account", 403),
        ("/v1/audio/voices", 403),
        ("/api/v1/credits/balance", 200),
        ("/api/v1/api-keys", 403),
    ] {
        assert_eq!(status(&app, token, path).await, expected, "{path}");
    }
    // The run says by which client it was made.
    let image = app.request_as(token, Method::POST, "/v1/images/generations").header("Idempotency-Key", "one");
    let run = Answer::of(image.json(&json!({"prompt": "a cat"}))).await.json_of(200);
    let receipt = app.get(&format!("/v1/runs/{}/receipt", run["id"].as_str().unwrap())).await.json_of(200);
    assert_eq!(receipt["requested_by"]["client_id"], client.client_id.as_str());
    assert_eq!(receipt["requested_by"]["key_id"], Value::Null);
    let task = app.request_as(token, Method::POST, "/api/v1/generate");
    let task = Answer::of(task.json(&json!({"scene": "text-to-image", "prompt": "a cat"}))).await;
    assert_eq!(task.status, 201, "{}", task.json());
    // A key made with it is never wider.
    let made = |scopes: Value| {
        app.request_as(token, Method::POST, "/api/v1/api-keys").json(&json!({"name": "k", "scopes": scopes}))
    };
    assert_eq!(Answer::of(made(json!(["models:read"]))).await.status, 403, "the client has it, the token does not");
    assert_eq!(Answer::of(made(json!(["runs:read"]))).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_the_client_or_suspending_the_account_ends_its_tokens_at_once() {
    let app = TestApp::with(patient()).await;
    let (one, other) = (client(&app, &[Scope::Read]).await, client(&app, &[Scope::Read]).await);
    let (token_one, token_other) = (token(&app, &one).await, token(&app, &other).await);
    assert_eq!(status(&app, &token_one, "/v1/runs").await, 200);
    app.core.revoke_client_by_operator(app.account.id, &one.client_id).await.unwrap();
    assert_eq!(status(&app, &token_one, "/v1/runs").await, 401);
    assert_eq!(status(&app, &token_other, "/v1/runs").await, 200, "only its own");
    assert_eq!(ask(&app, &asking(&one)).await.json_of(401)["error"], "invalid_client");
    app.core.set_suspended(app.account.id, Some("test".into())).await.unwrap();
    assert_eq!(status(&app, &token_other, "/v1/runs").await, 403);
    assert_eq!(ask(&app, &asking(&other)).await.json_of(403)["error"], "unauthorized_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_revoked_between_admission_and_decision_spends_nothing() {
    use mintmark_domain::account::ActsWith;
    use mintmark_domain::run::Surface;
    let app = TestApp::with(patient()).await;
    let client = client(&app, &[Scope::ImagesWrite]).await;
    let with = ActsWith::Client { client_id: client.client_id.clone(), scopes: Scopes::only([Scope::ImagesWrite]) };
    let caller = app.core.caller(app.account.id, with, Surface::Genfire, "r".into(), String::new()).await.unwrap();
    app.core.revoke_client_by_operator(app.account.id, &client.client_id).await.unwrap();
    let before = app.available().await;
    let request = crate::support::image_request("a cat");
    let refused = app.core.accept_run(&caller, request).await.unwrap_err();
    assert_eq!(refused, mintmark_domain::account::AccountError::ClientRevoked.into());
    assert_eq!(app.available().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_no_token_of_ours_is_refused() {
    let app = TestApp::with(patient()).await;
    let client = client(&app, &[Scope::Read]).await;
    let token = token(&app, &client).await;
    let parts: Vec<&str> = token.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let other = if signature.starts_with('A') { "B" } else { "A" };
    for forged in [
        format!("{header}.{claims}.{other}{}", &signature[1..]),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{claims}.{header}.{signature}"),
    ] {
        assert_eq!(status(&app, &forged, "/v1/runs").await, 401, "{forged}");
    }
    assert_eq!(status(&app, &token, "/v1/runs").await, 200);
}

/// With these limits and a clock that stands: everything falls into one minute.
async fn within_a_minute(tier: Tier, rate_limits: RateLimits) -> TestApp {
    let clock = std::sync::Arc::new(mintmark_domain::ports::ManualClock::default());
    TestApp::with(Options { core_clock: Some(clock), ..Options::limited(tier, rate_limits) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_is_answered_in_the_order_in_which_it_was_asked() {
    let app = TestApp::with(patient()).await;
    let client = client(&app, &[Scope::Read, Scope::ImagesWrite]).await;
    let mut body = asking(&client);
    body["scope"] = json!("models:read runs:read images:write runs:read");
    assert_eq!(ask(&app, &body).await.json_of(200)["scope"], "models:read runs:read images:write");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_secrets_are_limited_by_client_and_address() {
    let app = within_a_minute(Tier::Free, RateLimits { sign_ins_per_minute: 3, ..RateLimits::default() }).await;
    let (one, other) = (client(&app, &[Scope::Read]).await, client(&app, &[Scope::Read]).await);
    let mut wrong = asking(&one);
    wrong["client_secret"] = json!("gfs_live_guess");
    for _ in 0..3 {
        ask(&app, &wrong).await.json_of(401);
    }
    let refused = ask(&app, &wrong).await;
    assert_eq!(refused.json_of(429)["error"], "temporarily_unavailable");
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(ask(&app, &asking(&one)).await.status, 429, "nobody learns there that a guess was right");
    // Another client from the same place is not in its way.
    ask(&app, &asking(&other)).await.json_of(200);
    // Nor does an address go on with one name after the other.
    let mut statuses = Vec::new();
    for n in 0..20 {
        wrong["client_id"] = json!(format!("gfo_oauth_{n}"));
        statuses.push(ask(&app, &wrong).await.status);
    }
    assert_eq!((statuses[0], statuses[19]), (401, 429), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_secret_is_no_attempt_and_counts_with_what_its_client_asks() {
    let app = within_a_minute(Tier::Free, RateLimits { sign_ins_per_minute: 3, ..RateLimits::default() }).await;
    let (one, other) = (client(&app, &[Scope::Read]).await, client(&app, &[Scope::Read]).await);
    // More than there may be attempts, and than an address without a key may ask: 30 a minute for each
    // client, as for each key.
    let mut token_one = String::new();
    for left in (5..30).rev() {
        let answer = ask(&app, &asking(&one)).await;
        token_one = answer.json_of(200)["access_token"].as_str().unwrap().to_owned();
        assert_eq!(answer.header("x-ratelimit-limit"), "30");
        assert_eq!(answer.header("x-ratelimit-remaining"), left.to_string());
        assert_eq!(answer.header("x-ratelimit-tier"), "free");
    }
    let read = Answer::of(app.request_as(&token_one, Method::GET, "/v1/runs")).await;
    assert_eq!(read.header("x-ratelimit-remaining"), "4", "on the same counter");
    for _ in 0..4 {
        ask(&app, &asking(&one)).await.json_of(200);
    }
    let refused = ask(&app, &asking(&one)).await;
    assert_eq!(refused.json_of(429)["error"], "temporarily_unavailable");
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    let token_other = token(&app, &other).await;
    let first = Answer::of(app.request_as(&token_other, Method::GET, "/v1/runs")).await;
    assert_eq!(first.header("x-ratelimit-remaining"), "28");
    // And whoever has no key is where it was.
    let nobody = Answer::of(app.anonymous(Method::GET, "/v1/charging-rules")).await;
    assert_eq!(nobody.header("x-ratelimit-remaining"), "14");
}

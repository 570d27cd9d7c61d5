//! What pages have in common, and the page on which a command line's login is approved.

use std::sync::Arc;

use http::Method;
use mintmark_api_rest::AppState;
use mintmark_domain::account::Scope;
use mintmark_domain::usecases::Core;
use mintmark_infra::assets::UrlSigner;
use mintmark_infra::keys::{MasterKey, Purpose};
use mintmark_infra::links::SignedLinks;

use super::people::{open, signed_in};
use crate::support::{Answer, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn coarse_scopes_that_a_command_line_asks_for_are_narrowed_one_by_one() {
    let app = TestApp::with(open(false)).await;
    let mut browser = signed_in(&app).await;
    let verifier = serde_json::json!({"code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"});
    for (checked, granted) in [
        (&["runs:read", "images:write"][..], serde_json::json!(["images:write", "runs:read"])),
        (&[][..], serde_json::json!(["read", "generate"])),
    ] {
        let body = serde_json::json!({
            "client_id": "genfire-cli", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256", "scopes": ["read", "generate"],
        });
        let request = app.anonymous(Method::POST, "/v1/cli/auth/sessions").json(&body);
        let id = Answer::of(request).await.json_of(201)["session_id"].as_str().unwrap().to_owned();
        browser.get(&format!("/cli-auth?session={id}")).await;
        for words in ["See your runs and what they made", "runs:read", "images:write", "batches:write"] {
            browser.says(words);
        }
        assert!(!browser.page.contains("value=\"generate\""), "{}", browser.page);
        // All boxes are checked to begin with.
        let all = [Scope::Read, Scope::Generate].map(Scope::expanded).concat();
        let boxes: Vec<&str> =
            if checked.is_empty() { all.iter().map(|scope| scope.as_str()).collect() } else { checked.to_vec() };
        let mut filled: Vec<(&str, &str)> = boxes.iter().map(|scope| ("scope", *scope)).collect();
        filled.push(("decision", "approve"));
        browser.submit("/cli-auth", &filled).await;
        browser.says("Approved");
        let exchange = app.anonymous(Method::POST, &format!("/v1/cli/auth/sessions/{id}/exchange")).json(&verifier);
        let mut made = Answer::of(exchange).await.json_of(200)["scopes"].clone();
        let mut expected = granted;
        for list in [&mut made, &mut expected] {
            list.as_array_mut().unwrap().sort_by_key(ToString::to_string);
        }
        assert_eq!(made, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_says_a_thing_twice_is_refused_on_a_page() {
    let app = TestApp::with(open(false)).await;
    let mut browser = signed_in(&app).await;
    for path in ["/sign-in?next=a&next=b", "/welcome?token=a&token=b", "/cli-auth?session=%FF", "/sign-in?next=%00"] {
        // That it is a page with its policy is looked at wherever a browser goes.
        browser.get(path).await;
        assert_eq!(browser.status, 400, "{path}");
        browser.says("That did not work");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_opens_the_address_is_led_to_its_account() {
    let app = TestApp::with(open(false)).await;
    let ask = |method: Method, accept: &str| app.anonymous(method, "/").header("Accept", accept);
    let led = Answer::of(ask(Method::GET, "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")).await;
    assert_eq!((led.status, led.header("location"), led.header("vary")), (303, "/account", "accept"));
    for (method, accept) in [(Method::GET, "*/*"), (Method::GET, "application/json"), (Method::POST, "text/html")] {
        let answer = Answer::of(ask(method.clone(), accept)).await;
        assert_eq!(answer.json_of(404)["code"], "not_found", "{method} {accept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_reached_by_https_is_told_to_stay_there() {
    let app = TestApp::with(open(false)).await;
    let plain = Answer::of(app.anonymous(Method::GET, "/healthz")).await;
    assert_eq!(plain.header("strict-transport-security"), "");
    let url: url::Url = "https://mint.example".parse().unwrap();
    let signer = UrlSigner::new(MasterKey::from_bytes([7; 32]).purpose(Purpose::UrlSigning), url.clone());
    let core = Core { links: Arc::new(SignedLinks::new(&url, signer)), ..app.core.clone() };
    let router = mintmark_api_rest::router(AppState { core, ..app.state.clone() });
    for path in ["/sign-in", "/v1/charging-rules", "/nowhere"] {
        let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
        let told = answer.headers().get("strict-transport-security").map(|value| value.to_str().unwrap());
        assert_eq!(told, Some("max-age=31536000"), "{path}");
    }
}

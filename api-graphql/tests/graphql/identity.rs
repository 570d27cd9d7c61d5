//! Clients and keys, sign-in of command lines, and sessions of people in GraphQL.

use mintmark_domain::account::{Scope, Scopes};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{ask, ask_as, code, data};
use crate::socket::Socket;
use crate::support::{Answer, TestApp};

/// A session of the first account's person: its cookie.
async fn session(app: &TestApp) -> String {
    let link = app.core.new_link(app.account.id).await.unwrap();
    let token = link.split_once("token=").unwrap().1.to_owned();
    let session = app.core.set_password_by_link(&token, "correct horse battery").await.unwrap();
    format!("mintmark_session={}", session.token)
}

async fn with_cookie(app: &TestApp, cookie: &str, headers: &[(&str, &str)], query: &str) -> Value {
    let mut request = app.anonymous(Method::POST, "/graphql").header("Cookie", cookie).json(&json!({"query": query}));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request).await.json_of(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth_clients_are_made_listed_used_and_revoked() {
    let app = crate::app::start().await;
    let made = ask(&app, "mutation { createOAuthClient(name: \"app\", scopes: [\"account:read\", \"credits:read\"]) { secret client { clientId name scopes lastUsedAt } } }", json!({})).await;
    let made = &data(&made)["createOAuthClient"];
    let client_id = made["client"]["clientId"].as_str().unwrap();
    assert!(client_id.starts_with("gfo_oauth_") && made["secret"].as_str().unwrap().starts_with("gfs_live_"));
    assert_eq!(made["client"]["lastUsedAt"], Value::Null);
    let body = json!({"grant_type": "client_credentials", "client_id": client_id, "client_secret": made["secret"]});
    let token = Answer::of(app.anonymous(Method::POST, "/v1/oauth/token").json(&body)).await.json_of(200);
    let token = token["access_token"].as_str().unwrap();
    let seen =
        ask_as(&app, token, "{ wallet { available } viewer { oAuthClients { clientId name } } }", json!({})).await;
    assert_eq!(data(&seen)["viewer"]["oAuthClients"], json!([{"clientId": client_id, "name": "app"}]));
    let refused = ask_as(&app, token, "{ runs { edges { cursor } } }", json!({})).await;
    assert_eq!(code(&refused), "FORBIDDEN");
    let revoked =
        ask(&app, "mutation($id: String!) { revokeOAuthClient(clientId: $id) }", json!({"id": client_id})).await;
    assert_eq!(data(&revoked)["revokeOAuthClient"], true);
    let ended =
        Answer::of(app.request_as(token, Method::POST, "/graphql").json(&json!({"query": "{ wallet { held } }"})))
            .await;
    assert_eq!(ended.status, 401);
    let again =
        ask(&app, "mutation($id: String!) { revokeOAuthClient(clientId: $id) }", json!({"id": client_id})).await;
    assert_eq!(code(&again), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_says_when_it_was_made() {
    let app = crate::app::start().await;
    let made = ask(&app, "mutation { createApiKey(name: \"k\") { apiKey { id createdAt } } }", json!({})).await;
    let made = &data(&made)["createApiKey"]["apiKey"];
    assert!(made["createdAt"].is_string(), "{made}");
    let listed = ask(&app, "{ viewer { apiKeys { id createdAt } } }", json!({})).await;
    let listed = data(&listed)["viewer"]["apiKeys"].as_array().unwrap();
    assert!(listed.contains(made) && listed.iter().all(|key| key["createdAt"].is_string()), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_line_is_looked_at_approved_and_denied() {
    let app = crate::app::start().await;
    let body = json!({
        "client_id": "genfire-cli", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256", "scopes": ["runs:read", "images:write"], "label": "laptop",
    });
    let open = async || {
        let answer = Answer::of(app.anonymous(Method::POST, "/v1/cli/auth/sessions").json(&body)).await.json_of(201);
        answer["session_id"].as_str().unwrap().to_owned()
    };
    let id = open().await;
    let asked = ask(
        &app,
        "query($id: ID!) { cliSession(id: $id) { id clientId label requestedScopes status } }",
        json!({"id": id}),
    )
    .await;
    assert_eq!(
        data(&asked)["cliSession"],
        json!({"id": id, "clientId": "genfire-cli", "label": "laptop", "requestedScopes": ["runs:read", "images:write"], "status": "PENDING"})
    );
    let approve = "mutation($id: ID!, $scopes: [String!]) { approveCliSession(id: $id, scopes: $scopes) { status } }";
    let wider = ask(&app, approve, json!({"id": id, "scopes": ["videos:write"]})).await;
    assert_eq!(code(&wider), "BAD_USER_INPUT");
    let narrow_key = app.key_with(Scopes::only([Scope::RunsRead])).await;
    assert_eq!(code(&ask_as(&app, &narrow_key, approve, json!({"id": id})).await), "FORBIDDEN");
    let approved = ask(&app, approve, json!({"id": id, "scopes": ["runs:read"]})).await;
    assert_eq!(data(&approved)["approveCliSession"]["status"], "APPROVED");
    assert_eq!(code(&ask(&app, approve, json!({"id": id})).await), "CONFLICT");
    let id = open().await;
    let denied = ask(&app, "mutation($id: ID!) { denyCliSession(id: $id) { status } }", json!({"id": id})).await;
    assert_eq!(data(&denied)["denyCliSession"]["status"], "DENIED");
    let nobody = ask(&app, "{ cliSession(id: \"clisess_000000000000000000000000\") { id } }", json!({})).await;
    assert_eq!(data(&nobody)["cliSession"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_acts_only_where_the_request_comes_from_a_page_of_ours() {
    let app = crate::app::start().await;
    let cookie = session(&app).await;
    let origin = app.base_url.clone();
    let query = "{ viewer { username } }";
    for headers in [&[("Origin", origin.as_str())][..], &[("Sec-Fetch-Site", "same-origin")][..]] {
        let seen = with_cookie(&app, &cookie, headers, query).await;
        assert!(data(&seen)["viewer"]["username"].is_string());
    }
    let elsewhere: [&[(&str, &str)]; 5] = [
        &[],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[("Origin", "https://evil.example"), ("Sec-Fetch-Site", "same-origin")],
        &[("Sec-Fetch-Site", "cross-site")],
    ];
    for headers in elsewhere {
        assert_eq!(code(&with_cookie(&app, &cookie, headers, query).await), "UNAUTHENTICATED", "{headers:?}");
    }
    // A person has everything but what is the operator's.
    let key = with_cookie(
        &app,
        &cookie,
        &[("Origin", &origin)],
        "mutation { createApiKey(name: \"k\") { apiKey { scopes } } }",
    )
    .await;
    assert_eq!(data(&key)["createApiKey"]["apiKey"]["scopes"], json!([]));
    let admin = "mutation { createApiKey(name: \"k\", scopes: [\"admin\"]) { secret } }";
    assert_eq!(code(&with_cookie(&app, &cookie, &[("Origin", &origin)], admin).await), "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_is_as_none() {
    let app = crate::app::start().await;
    let over = format!("mintmark_session={}", "0".repeat(64));
    let headers = [("Origin", app.base_url.as_str())];
    let public = with_cookie(&app, &over, &headers, "{ publicFeed { edges { cursor } } }").await;
    assert_eq!(data(&public)["publicFeed"]["edges"], json!([]));
    assert_eq!(code(&with_cookie(&app, &over, &headers, "{ viewer { username } }").await), "UNAUTHENTICATED");
    let page = app.anonymous(Method::GET, "/graphql").header("Cookie", &over).header("Accept", "text/html");
    let page = Answer::of(page.header("Sec-Fetch-Site", "same-origin")).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let mut socket = Socket::from_browser(&app, &over, &app.base_url).await;
    socket.ask("a", "{ publicFeed { edges { cursor } } }").await;
    assert_eq!(socket.hear().await["payload"]["data"]["publicFeed"]["edges"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_acts_over_a_websocket_that_a_page_of_ours_opens_until_it_ends() {
    let app = crate::app::start().await;
    let cookie = session(&app).await;
    let mut own = Socket::from_browser(&app, &cookie, &app.base_url).await;
    own.ask("a", "{ wallet { available } }").await;
    assert_eq!(own.hear().await["payload"]["data"]["wallet"]["available"], "100000");
    assert_eq!(own.hear().await["type"], "complete");
    let mut elsewhere = Socket::from_browser(&app, &cookie, "https://evil.example").await;
    elsewhere.ask("a", "{ wallet { available } }").await;
    let refused = elsewhere.hear().await;
    assert_eq!(refused["payload"]["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{refused}");
    app.core.sign_out(cookie.split_once('=').unwrap().1).await.unwrap();
    let closed = tokio::time::timeout(std::time::Duration::from_secs(30), own.closed()).await.expect("it is told soon");
    assert_eq!(closed.0, 4403);
}

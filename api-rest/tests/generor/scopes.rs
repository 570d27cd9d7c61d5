//! The document's three scopes, route by route: `read` reads, `generate` generates, `write` does everything else.

use http::Method;
use mintmark_domain::account::{Scope, Scopes};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// A route of the dialect's own document.
struct Route {
    method: Method,
    path: String,
    /// The one of the three that it asks for; none where everybody may ask.
    scope: Option<Scope>,
}

/// Every route that the server describes. What a path names need not exist.
async fn routes(app: &TestApp) -> Vec<Route> {
    let document = app.get("/api/v1/openapi.json").await.json_of(200);
    let mut routes = Vec::new();
    for (template, operations) in document["paths"].as_object().unwrap() {
        let path = template
            .replace("{slug}", "joke")
            .replace("{type}", "image")
            .replace("{username}", "nobody_at_all")
            .replace("{invite_code}", "00000000000000000000");
        let path = ["{id}", "{user_id}"].iter().fold(path, |path, name| path.replace(name, "999999"));
        assert!(!path.contains('{'), "{template} names something that this test does not know");
        for (method, operation) in operations.as_object().unwrap() {
            let public = operation["security"].as_array().is_some_and(|ways| ways.contains(&json!({})));
            let scope = match (method.as_str(), operation["operationId"].as_str().unwrap()) {
                _ if public => None,
                (_, "generators.generate") => Some(Scope::Generate),
                ("get", _) => Some(Scope::Read),
                _ => Some(Scope::Write),
            };
            routes.push(Route { method: method.to_uppercase().parse().unwrap(), path: path.clone(), scope });
        }
    }
    routes
}

/// A body that every route reads as far as it needs to. A key that is made is no wider than the one it is made with.
fn body(scope: Scope) -> Value {
    json!({"prompt": "Bugs", "model_id": 3, "name": "n", "username": "nobody_at_all", "text": "t", "vote": "up",
           "score": 1, "credits": 1, "bio": "b", "license": 1,
           "scopes": [scope.as_str()]})
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_takes_its_own_scope_and_refuses_the_others() {
    let app = TestApp::start().await;
    let routes = routes(&app).await;
    assert!(routes.len() >= 44, "the document's routes, and ours: {}", routes.len());
    for scope in [Scope::Read, Scope::Write, Scope::Generate] {
        let key = app.key_with(Scopes::only([scope])).await;
        for Route { method, path, scope: wanted } in &routes {
            let request = app.request_as(&key, method.clone(), path);
            let request = if *method == Method::GET { request } else { request.json(&body(scope)) };
            let answer = Answer::of(request).await;
            let may = wanted.is_none_or(|wanted| wanted == scope);
            let said = String::from_utf8_lossy(&answer.bytes);
            assert_eq!(answer.status == 403, !may, "{method} {path} with {scope}: {} {said}", answer.status);
            if !may {
                assert_eq!(answer.json()["error"]["code"], "FORBIDDEN", "{said}");
            }
        }
    }
}

//! What a key has to be allowed, route by route.

use http::Method;
use mintmark_api_rest::openapi::printed::genfire as printed;
use mintmark_domain::account::{Scope, Scopes};
use serde_json::{Value, json};

use crate::ask::{generate_async, image};
use crate::support::{Answer, Options, TestApp};

/// A route that asks for a scope.
struct Route {
    method: Method,
    path: String,
    body: Value,
    scope: Scope,
    /// Whether the path names something that is not there.
    of_nothing: bool,
}

/// Those of the document, and ours beside them. What a path names need not exist: whoever may not ask
/// learns nothing of it. Only which scope stops a run depends on the run.
fn routes(run: &str) -> Vec<Route> {
    let documented = printed().into_iter().filter_map(|endpoint| {
        let scope = endpoint.scope?.parse().unwrap();
        let path = endpoint.path.replace("{runId}", run).replace("{workflowKey}", "hook_pack");
        let of_nothing = path.contains('{');
        let path = path
            .replace("{batchId}", "batch_00000000000080008000000000000000")
            .replace("{endpointId}", "wh_00000000000080008000000000000000")
            .replace("{deliveryId}", "delivery_00000000000080008000000000000000")
            .replace("{influencerId}", "model_0");
        assert!(!path.contains('{'), "{path} names something that this table does not know");
        let method = endpoint.method.parse().unwrap();
        Some(Route { method, path, body: endpoint.request, scope, of_nothing })
    });
    let ours = [
        (Method::GET, format!("/v1/runs/{run}/receipt"), Scope::RunsRead),
        // What started the run may stop it.
        (Method::POST, format!("/v1/runs/{run}/cancel"), Scope::ImagesWrite),
        (Method::POST, "/v1/batches/batch_00000000000080008000000000000000/cancel".into(), Scope::BatchesWrite),
    ];
    let ours = ours.map(|(method, path, scope)| {
        let of_nothing = path.contains("/batch_");
        Route { method, path, body: Value::Null, scope, of_nothing }
    });
    documented.chain(ours).collect()
}

#[tokio::test]
async fn each_route_takes_its_own_scope_and_refuses_each_other() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let slow = image("A bottle [sandbox:slow=30]");
    let run = generate_async(&app, "/v1/images/generations", &slow).await.json_of(202);
    let routes = routes(run["id"].as_str().unwrap());
    assert_eq!(routes.len(), 35 + 3, "every documented route that asks for a key, and ours");
    let documented: std::collections::BTreeSet<Scope> = routes.iter().map(|route| route.scope).collect();
    assert_eq!(documented.len(), 17, "the document's scopes");
    for scope in documented {
        let issued = app.core.issue_key_by_operator(app.account.id, "narrow", Scopes::only([scope])).await.unwrap().0;
        for (number, Route { method, path, body, scope: wanted, of_nothing }) in routes.iter().enumerate() {
            let request = app
                .request_as(&issued.secret, method.clone(), path)
                .header("Idempotency-Key", format!("{scope}-{number}"))
                .header("Prefer", "respond-async");
            let answer = Answer::of(if body.is_null() { request } else { request.json(body) }).await;
            if scope == *wanted {
                let (status, said) = (answer.status, String::from_utf8_lossy(&answer.bytes));
                if *of_nothing {
                    assert_eq!(status, 404, "{method} {path} with {scope}: {said}");
                } else {
                    let let_in = status < 500 && ![401, 403, 404, 405].contains(&status);
                    assert!(let_in, "{method} {path} with {scope}: {status} {said}");
                }
            } else {
                assert_eq!(answer.status, 403, "{method} {path} with {scope}");
                let problem = answer.json();
                assert_eq!(problem["code"], "insufficient_scope", "{method} {path} with {scope}");
                assert!(problem["detail"].as_str().unwrap().contains(wanted.as_str()), "{problem}");
            }
        }
        // No more than ten keys are active at once.
        app.core.revoke_key_by_operator(app.account.id, issued.key_id).await.unwrap();
    }
}

#[tokio::test]
async fn the_rules_of_charging_are_open_to_everybody() {
    let app = TestApp::start().await;
    let answer = Answer::of(app.anonymous(Method::GET, "/v1/charging-rules")).await;
    let rules = answer.json_of(200);
    assert_eq!(rules["object"], "list");
    let codes: Vec<&str> =
        rules["data"].as_array().unwrap().iter().map(|rule| rule["code"].as_str().unwrap()).collect();
    assert_eq!(
        codes,
        [
            "delivered",
            "partial_delivery",
            "refused_before_submit",
            "provider_failed",
            "output_moderated",
            "cancelled_while_queued",
            "cancelled_while_running",
            "outcome_unknown",
            "outcome_never_known",
            "settled_by_hand",
            "late_provider_bill",
        ]
    );
    assert_eq!(
        rules["data"][0],
        json!({"code": "delivered", "object": "charging_rule",
            "applies_when": "Every output that was asked for was delivered.",
            "charged": "The quoted price is charged."})
    );
}

//! Webhook endpoints, their secrets and deliveries.

use mintmark_domain::account::{Scope, Scopes};
use serde_json::{Value, json};

use crate::app::{ask, ask_as, code, data, with};
use crate::support::{Options, TestApp};

const CREATE: &str = "mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { secret endpoint { id \
    url description status events secretPreview } } }";

async fn app() -> TestApp {
    with(Options { egress_allow: vec!["127.0.0.1".into()], ..Options::default() }).await
}

/// An endpoint on a host that the documents print: nothing is sent, and the answer is 200.
async fn endpoint(app: &TestApp) -> Value {
    let input = json!({"url": "https://example.com/hook", "description": "one", "events": ["RUN_COMPLETED"]});
    let made = ask(app, CREATE, json!({"input": input})).await;
    data(&made)["createWebhook"].clone()
}

#[tokio::test]
async fn endpoints_are_made_changed_and_deleted() {
    let app = app().await;
    let made = endpoint(&app).await;
    assert!(made["secret"].as_str().unwrap().starts_with("gfwsec_"));
    let id = &made["endpoint"]["id"];
    let update = "mutation ($id: ID!, $input: UpdateWebhookInput!) { updateWebhook(id: $id, input: $input) { \
        description status events } }";
    let input = json!({"description": null, "active": false, "events": ["BATCH_FAILED", "CREDITS_LOW"]});
    let changed = ask(&app, update, json!({"id": id, "input": input})).await;
    assert_eq!(
        data(&changed)["updateWebhook"],
        json!({"description": null, "status": "DISABLED", "events": ["BATCH_FAILED", "CREDITS_LOW"]})
    );
    let kept = ask(&app, update, json!({"id": id, "input": {}})).await;
    assert_eq!(data(&kept)["updateWebhook"], data(&changed)["updateWebhook"]);
    let private = json!({"url": "https://10.0.0.1/"});
    assert_eq!(code(&ask(&app, update, json!({"id": id, "input": private})).await), "BAD_USER_INPUT");
    let delete = "mutation ($id: ID!) { deleteWebhook(id: $id) }";
    assert_eq!(data(&ask(&app, delete, json!({"id": id})).await)["deleteWebhook"], true);
    assert_eq!(code(&ask(&app, delete, json!({"id": id})).await), "NOT_FOUND");
    let none = ask(&app, "{ webhookEndpoints { id } }", Value::Null).await;
    assert_eq!(data(&none)["webhookEndpoints"], json!([]));
}

#[tokio::test]
async fn a_secret_is_rotated_with_an_overlap() {
    let app = app().await;
    let made = endpoint(&app).await;
    let rotate = "mutation ($id: ID!, $hours: Int) { rotateWebhookSecret(id: $id, overlapHours: $hours) { secret \
        endpoint { secretPreview previousSecretUntil } } }";
    let rotated = ask(&app, rotate, json!({"id": made["endpoint"]["id"]})).await;
    let rotated = &data(&rotated)["rotateWebhookSecret"];
    assert_ne!(rotated["secret"], made["secret"]);
    assert_ne!(rotated["endpoint"]["secretPreview"], made["endpoint"]["secretPreview"]);
    assert!(rotated["endpoint"]["previousSecretUntil"].is_string());
    let refused = ask(&app, rotate, json!({"id": made["endpoint"]["id"], "hours": 169})).await;
    assert_eq!(code(&refused), "BAD_USER_INPUT");
    // A third secret would end the first before its time.
    let refused = ask(&app, rotate, json!({"id": made["endpoint"]["id"], "hours": 24})).await;
    assert_eq!(code(&refused), "CONFLICT");
    let (said, until) =
        (refused["errors"][0]["message"].as_str().unwrap(), &rotated["endpoint"]["previousSecretUntil"]);
    assert!(said.contains(&until.as_str().unwrap()[..19]), "{said}: {until}");
    let at_once = ask(&app, rotate, json!({"id": made["endpoint"]["id"], "hours": 0})).await;
    assert_ne!(data(&at_once)["rotateWebhookSecret"]["secret"], rotated["secret"]);
}

#[tokio::test]
async fn deliveries_are_listed_and_replayed() {
    let app = app().await;
    let made = endpoint(&app).await;
    let run = "mutation { createRun(input: {model: \"nano-banana-2\", prompt: \"A bottle\"}) { run { id } } }";
    let run = ask(&app, run, Value::Null).await;
    let run = data(&run)["createRun"]["run"]["id"].clone();
    let id = run.as_str().unwrap().parse().unwrap();
    assert!(app.core.dispatch.ended(id, std::time::Duration::from_secs(60)).await);
    assert_eq!(app.tell().await, 1);
    let query = "query ($id: ID!) { webhookEndpoint(id: $id) { lastDeliveryAt deliveries { edges { node { id eventId \
        eventType runId status attemptCount responseStatus requestHeaders } } } } }";
    let seen = ask(&app, query, json!({"id": made["endpoint"]["id"]})).await;
    let seen = &data(&seen)["webhookEndpoint"];
    let delivery = &seen["deliveries"]["edges"][0]["node"];
    assert_eq!((&delivery["eventType"], &delivery["runId"]), (&json!("RUN_COMPLETED"), &run));
    assert_eq!((&delivery["status"], &delivery["attemptCount"]), (&json!("SUCCESS"), &json!(1)));
    assert_eq!(delivery["requestHeaders"]["webhook-id"], delivery["eventId"]);
    assert!(seen["lastDeliveryAt"].is_string());
    let replay = "mutation ($id: ID!) { replayWebhookDelivery(id: $id) { id eventId status } }";
    let replayed = ask(&app, replay, json!({"id": delivery["id"]})).await;
    let replayed = &data(&replayed)["replayWebhookDelivery"];
    assert_eq!((&replayed["eventId"], &replayed["status"]), (&delivery["eventId"], &json!("PENDING")));
    assert_eq!(app.tell().await, 1);
    let list =
        ask(&app, "{ webhookDeliveries(first: 1) { edges { node { id } } pageInfo { hasNextPage } } }", Value::Null);
    let list = list.await;
    assert_eq!(data(&list)["webhookDeliveries"]["edges"][0]["node"]["id"], replayed["id"]);
    assert_eq!(list["data"]["webhookDeliveries"]["pageInfo"]["hasNextPage"], true);
}

#[tokio::test]
async fn webhooks_take_their_scopes_and_are_their_owners_alone() {
    let app = app().await;
    let made = endpoint(&app).await;
    let reader = app.key_with(Scopes::only([Scope::WebhooksRead])).await;
    let input = json!({"url": "https://example.com/"});
    assert_eq!(code(&ask_as(&app, &reader, CREATE, json!({"input": input})).await), "FORBIDDEN");
    data(&ask_as(&app, &reader, "{ webhookEndpoints { url } }", Value::Null).await);
    let other = app.register(mintmark_domain::account::Tier::Unlimited, 0).await;
    let query = "query ($id: ID!) { webhookEndpoint(id: $id) { url } }";
    let seen = ask_as(&app, &other.key, query, json!({"id": made["endpoint"]["id"]})).await;
    assert_eq!(data(&seen)["webhookEndpoint"], Value::Null);
}

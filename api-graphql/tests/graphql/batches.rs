//! Batches, through the same use cases as in REST.

use mintmark_domain::account::{Scope, Scopes};
use mintmark_domain::ids::{BatchId, RunId};
use serde_json::{Value, json};

use crate::app::{ask, ask_as, code, data, start};
use crate::support::TestApp;

const CREATE: &str = "mutation ($input: CreateBatchInput!, $key: String) { createBatch(input: $input, \
    idempotencyKey: $key) { replayed available batch { id status totalItems concurrency maximum } } }";
const BATCH: &str = "query ($id: ID!, $after: String) { batch(id: $id) { status succeededItems failedItems \
    cancelledItems items(first: 2, after: $after) { edges { cursor node { index status maximum run { id prompt status } } } \
    pageInfo { hasNextPage endCursor } } } }";

fn input(prompts: &[&str]) -> Value {
    let items: Vec<Value> = prompts.iter().map(|prompt| json!({"model": "nano-banana-2", "prompt": prompt})).collect();
    json!({"items": items, "concurrency": 3})
}

async fn over(app: &TestApp, id: &str) {
    let batch: BatchId = id.parse().unwrap();
    while !app.core.batch_state(batch).await.unwrap().status().is_ended() {
        for index in 0..3 {
            app.core.dispatch.ended(RunId::of_item(batch, index), std::time::Duration::from_millis(50)).await;
        }
    }
    app.caught_up().await;
}

#[tokio::test]
async fn a_batch_is_made_once_per_key_and_read_with_its_items() {
    let app = start().await;
    let wanted = input(&["A bottle", "[sandbox:fail]", "A vase"]);
    let made = ask(&app, CREATE, json!({"input": wanted, "key": "once"})).await;
    let payload = &data(&made)["createBatch"];
    assert_eq!((&payload["batch"]["totalItems"], &payload["replayed"]), (&json!(3), &json!(false)), "{made}");
    let id = payload["batch"]["id"].as_str().unwrap();
    over(&app, id).await;
    let again = ask(&app, CREATE, json!({"input": wanted, "key": "once"})).await;
    let again = &data(&again)["createBatch"];
    assert_eq!(
        (&again["batch"]["id"], &again["batch"]["status"], &again["replayed"]),
        (&json!(id), &json!("PARTIAL"), &json!(true))
    );
    let other = ask(&app, CREATE, json!({"input": input(&["A cup"]), "key": "once"})).await;
    assert_eq!(code(&other), "IDEMPOTENCY_KEY_REUSED");
    let seen = ask(&app, BATCH, json!({"id": id})).await;
    let batch = &data(&seen)["batch"];
    assert_eq!((&batch["succeededItems"], &batch["failedItems"]), (&json!(2), &json!(1)));
    let page = &batch["items"];
    assert_eq!(page["edges"][0]["node"]["run"]["prompt"], "A bottle");
    assert_eq!(page["edges"][1]["node"]["status"], "FAILED");
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let rest = ask(&app, BATCH, json!({"id": id, "after": page["pageInfo"]["endCursor"]})).await;
    let rest = &data(&rest)["batch"]["items"];
    assert_eq!((&rest["edges"][0]["node"]["index"], &rest["pageInfo"]["hasNextPage"]), (&json!(2), &json!(false)));
    let list = ask(&app, "{ batches(status: PARTIAL) { edges { node { id target } } } }", Value::Null).await;
    assert_eq!(data(&list)["batches"]["edges"], json!([{"node": {"id": id, "target": "createRun"}}]));
}

#[tokio::test]
async fn a_batch_is_stopped_and_its_owners_alone() {
    let app = start().await;
    let slow = input(&["[sandbox:slow=60]"; 3]);
    let made = ask(&app, CREATE, json!({"input": slow})).await;
    let id = data(&made)["createBatch"]["batch"]["id"].clone();
    let other = app.register(mintmark_domain::account::Tier::Unlimited, 0).await;
    let cancel = "mutation ($id: ID!) { cancelBatch(id: $id) { status cancelRequested } }";
    assert_eq!(code(&ask_as(&app, &other.key, cancel, json!({"id": id})).await), "NOT_FOUND");
    assert_eq!(data(&ask_as(&app, &other.key, BATCH, json!({"id": id})).await)["batch"], Value::Null);
    let stopped = ask(&app, cancel, json!({"id": id})).await;
    assert_eq!(data(&stopped)["cancelBatch"]["cancelRequested"], true);
}

#[tokio::test]
async fn batches_take_their_scopes_and_wrong_items_are_refused() {
    let app = start().await;
    let reader = app.key_with(Scopes::only([Scope::BatchesRead])).await;
    assert_eq!(code(&ask_as(&app, &reader, CREATE, json!({"input": input(&["x"])})).await), "FORBIDDEN");
    data(&ask_as(&app, &reader, "{ batches { edges { cursor } } }", Value::Null).await);
    let runs = app.key_with(Scopes::only([Scope::RunsRead])).await;
    assert_eq!(code(&ask_as(&app, &runs, "{ batches { edges { cursor } } }", Value::Null).await), "FORBIDDEN");
    let unknown = json!({"items": [{"model": "nothing", "prompt": "x"}]});
    assert_eq!(code(&ask(&app, CREATE, json!({"input": unknown})).await), "BAD_USER_INPUT");
    let wrong = json!({"items": [{"model": "nano-banana-2", "prompt": "x", "count": 99}]});
    let refused = ask(&app, CREATE, json!({"input": wrong})).await;
    assert_eq!(code(&refused), "BAD_USER_INPUT");
    assert!(refused["errors"][0]["message"].as_str().unwrap().starts_with("item 0"), "{refused}");
    let none = json!({"items": []});
    assert_eq!(code(&ask(&app, CREATE, json!({"input": none})).await), "BAD_USER_INPUT");
}

//! Receipts: how a price came about, what became of the hold, and by which rule.

use mintmark_domain::Credits;
use mintmark_domain::ids::RunId;
use mintmark_domain::run::{AttemptRef, FailureReason};
use mintmark_domain::usecases::Conclusion;
use serde_json::{Value, json};

use crate::ask::{ended, generate, generate_async, image};
use crate::support::TestApp;

const IMAGES: &str = "/v1/images/generations";

async fn receipt_of(app: &TestApp, run: &Value) -> Value {
    app.get(&format!("/v1/runs/{}/receipt", run["id"].as_str().unwrap())).await.json_of(200)
}

#[tokio::test]
async fn a_receipt_says_how_the_price_came_about_and_what_was_charged() {
    let app = TestApp::start().await;
    let body = json!({"prompt": "A bottle [sandbox:cost=0.04]", "image_url": "https://example.com/a.png",
        "resolution": "2K", "count": 2});
    let answer = generate(&app, IMAGES, &body).await;
    let run = answer.json_of(200);
    let receipt = receipt_of(&app, &run).await;
    assert_eq!((&receipt["object"], &receipt["run_id"]), (&json!("receipt"), &run["id"]));
    let by = &receipt["requested_by"];
    assert_eq!(by["account_id"], app.account.id.to_string());
    assert_eq!(by["key_id"], app.account.key_id);
    assert_eq!(by["surface"], "genfire");
    assert_eq!(by["route"], "POST /v1/images/generations");
    assert_eq!(by["endpoint"], "images.generations.create");
    assert_eq!(by["request_id"], answer.header("x-request-id"));
    assert_eq!(receipt["paid_by"], json!({"wallet_id": app.account.id.wallet().to_string(), "team_id": null}));
    assert_eq!(
        receipt["price"],
        json!({
            "price_book": "2026-01", "exact": 9, "rounding": "whole_credits", "quoted": 9, "outputs": 2,
            "lines": [{"operation_key": "nano_banana_2", "unit": "per_image", "quantity": 2, "credits": 3,
                "multipliers": [{"by": "resolution", "value": "2K", "times": 1.5}], "amount": 9}],
        })
    );
    assert_eq!((&receipt["hold"]["credits"], &receipt["hold"]["state"]), (&json!(9), &json!("resolved")));
    assert_eq!(receipt["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(receipt["attempts"][0]["provider"], "sandbox");
    assert_eq!(receipt["attempts"][0]["state"], "over");
    assert_eq!(receipt["provider_cost"], json!({"amount": "0.04", "currency": "USD"}));
    let charge = &receipt["charge"];
    assert_eq!(charge["rule"]["code"], "delivered");
    assert_eq!((&charge["captured"], &charge["released"]), (&json!(9), &json!(0)));
    assert_eq!(charge["captured_from"], json!([{"kind": "paid", "credits": 9}]));
    assert_eq!(receipt["balance_effect"], json!({"available": -9, "held": 0, "spent": 9}));
    assert_eq!(receipt["refunds"], json!([]));
    let delivered: Vec<&Value> = receipt["outputs"].as_array().unwrap().iter().map(|one| &one["delivered"]).collect();
    assert_eq!(delivered, [&json!(true), &json!(true)]);
}

#[tokio::test]
async fn a_receipt_of_what_was_delivered_in_part_names_the_rule_and_what_failed() {
    let app = TestApp::start().await;
    let body = json!({"prompt": "A bottle [sandbox:partial=1]", "count": 3});
    let run = generate(&app, IMAGES, &body).await.json_of(200);
    assert_eq!((&run["status"], &run["usage"]["credits"]), (&json!("completed"), &json!(3)));
    assert_eq!(run["output"]["images"].as_array().unwrap().len(), 1);
    let receipt = receipt_of(&app, &run).await;
    assert_eq!(receipt["charge"]["rule"]["code"], "partial_delivery");
    assert_eq!((&receipt["charge"]["captured"], &receipt["charge"]["released"]), (&json!(3), &json!(6)));
    assert!(receipt["outputs"][0]["error"].is_null());
    assert!(receipt["outputs"][2]["error"]["code"].is_string(), "{receipt}");
}

#[tokio::test]
async fn while_a_run_is_under_way_its_receipt_shows_the_open_hold() {
    let app = TestApp::start().await;
    let run = generate_async(&app, IMAGES, &image("A bottle [sandbox:hang]")).await.json_of(202);
    let receipt = receipt_of(&app, &run).await;
    assert_eq!((&receipt["hold"]["state"], &receipt["charge"]), (&json!("open"), &Value::Null));
    assert_eq!(receipt["balance_effect"], json!({"available": -3, "held": 3, "spent": 0}));
    let credits = app.get("/v1/account/credits").await.json_of(200);
    assert_eq!(credits["balance"], 99_997, "what is held cannot be spent");
}

#[tokio::test]
async fn attempts_that_never_arrived_are_on_the_receipt() {
    let app = TestApp::start().await;
    let run = generate_async(&app, IMAGES, &image("A bottle [sandbox:unsent=1]")).await.json_of(202);
    let run = ended(&app, run["id"].as_str().unwrap()).await;
    assert_eq!(run["status"], "completed", "{run}");
    let receipt = receipt_of(&app, &run).await;
    let states: Vec<&Value> = receipt["attempts"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["never_arrived", "over"]);
    assert_eq!(receipt["charge"]["captured"], 3);
}

#[tokio::test]
async fn a_refund_is_on_the_receipt() {
    let app = TestApp::start().await;
    let run = generate(&app, IMAGES, &image("A bottle")).await.json_of(200);
    let id = run["id"].as_str().unwrap().parse().unwrap();
    let (by, reason, reference) = ("ada".to_owned(), "blurred".to_owned(), "case-7".to_owned());
    app.core.refund_run(id, Credits::whole(2), by, reason, reference).await.unwrap();
    let receipt = receipt_of(&app, &run).await;
    assert_eq!(receipt["refunds"], json!([{"reference": "case-7", "credits": 2}]));
    assert_eq!(receipt["balance_effect"], json!({"available": -1, "held": 0, "spent": 1}));
    assert_eq!(receipt["charge"]["captured"], 3, "what was charged stays as it was");
}

#[tokio::test]
async fn the_evidence_of_a_settlement_by_hand_stays_in_the_books() {
    let app = TestApp::start().await;
    let run = generate_async(&app, IMAGES, &image("A bottle [sandbox:hang]")).await.json_of(202);
    let id: RunId = run["id"].as_str().unwrap().parse().unwrap();
    let state = app.core.run_state(id).await.unwrap();
    let attempt = state.attempt().map(|attempt| AttemptRef { number: attempt.number, node: attempt.node.clone() });
    let evidence = FailureReason { code: "settled_by_hand".into(), message: "ticket 77: invoice 9 lacks it".into() };
    let by_hand = Conclusion::ByHand { by: "operator".into(), reason: evidence };
    app.core.conclude_run(id, state.requested().unwrap(), attempt, by_hand).await.unwrap();
    app.caught_up().await;
    let single = app.get(&format!("/v1/runs/{id}")).await.json_of(200);
    let listed = app.get("/v1/runs").await.json_of(200)["data"][0].clone();
    let receipt = receipt_of(&app, &single).await;
    for shown in [&single, &listed] {
        assert_eq!((&shown["status"], &shown["error"]["code"]), (&json!("failed"), &json!("settled_by_hand")));
        assert_eq!(shown["error"]["message"], FailureReason::settled_by_hand().message);
    }
    assert_eq!(receipt["charge"]["rule"]["code"], "settled_by_hand");
    assert!(!receipt["charge"]["rule"]["applies_when"].as_str().unwrap().contains("deadline"));
    let task = app.get(&format!("/api/v1/tasks/{}", id.hex())).await;
    for answer in [single, listed, receipt, task.json_of(200)] {
        assert!(!answer.to_string().contains("ticket 77"), "{answer}");
    }
    assert_eq!(app.available().await.to_string(), "100000");
}

#[tokio::test]
async fn a_refund_says_why() {
    let app = TestApp::start().await;
    let run = generate(&app, IMAGES, &image("A bottle")).await.json_of(200);
    let id: RunId = run["id"].as_str().unwrap().parse().unwrap();
    let (by, why) = ("operator".to_owned(), "not as described".to_owned());
    app.core.refund_run(id, Credits::whole(1), by, why, "r-1".to_owned()).await.unwrap();
    app.caught_up().await;
    let page = app.get("/api/v1/credits/transactions?type=refund").await.json_of(200);
    assert_eq!(page["data"][0]["description"], "not as described");
}

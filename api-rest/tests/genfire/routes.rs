//! Models that nobody carries out, and what was asked of them before.

use mintmark_domain::catalog::Sources;
use mintmark_domain::es::StreamRef;
use mintmark_domain::ids::RunId;
use mintmark_domain::wallet::CreditWallet;
use serde_json::json;

use crate::ask::image;
use crate::support::{Options, TestApp};

const IMAGES: &str = "/v1/images/generations";

/// The built-in catalog, in which nobody draws images; the generators that do are not offered either.
fn without_images() -> Sources {
    let routes = include_str!("../../../catalog/routes.toml").replace("\"image_generation\",", "");
    let usual = Sources::embedded();
    let drawing = usual.files().filter(|file| {
        file.path.starts_with("generators/") && file.text.contains("capabilities = [\"image_generation\"]")
    });
    drawing.fold(usual.clone().with("routes.toml", routes), |sources, file| {
        let later = file.text.replace("status = \"active\"", "status = \"development\"");
        sources.with(file.path.clone(), later)
    })
}

#[tokio::test]
async fn a_model_without_a_route_is_listed_as_printed_and_refused_before_anything_is_held() {
    let app = TestApp::with(Options { catalog: without_images(), ..Options::default() }).await;
    let usual = TestApp::start().await;
    for list in ["/v1/models", "/v1/models/pricing"] {
        assert_eq!(app.get(list).await.json_of(200), usual.get(list).await.json_of(200), "{list}");
    }
    let wallet = app.account.id.wallet();
    let sequence = async || {
        let loaded = app.core.decider.load(wallet.shard(), vec![StreamRef::of::<CreditWallet>(wallet)]).await.unwrap();
        loaded[0].sequence
    };
    let before = sequence().await;
    let refused = app.post_keyed(IMAGES, "one", &image("A bottle")).await.json_of(400);
    assert_eq!(refused["code"], "model_unavailable");
    assert!(refused["detail"].as_str().unwrap().contains("image.nano_banana_2"), "{refused}");
    // No hold, no run, no trace of the key.
    assert_eq!(sequence().await, before, "the wallet");
    let run = app.core.run_state(RunId::keyed(app.account.id, "POST", IMAGES, "one")).await.unwrap();
    assert!(run.requested().is_none());
    app.caught_up().await;
    assert_eq!(app.get("/v1/runs").await.json_of(200)["data"], json!([]));
    assert_eq!(app.available().await.to_string(), "100000");
    let allowed = app.with_catalog(&Sources::embedded()).await;
    let made = allowed.post_keyed(IMAGES, "one", &image("A bottle")).await;
    made.json_of(200);
    assert_eq!(made.header("idempotency-replayed"), "", "the key can be said again once there is a route");
}

#[tokio::test]
async fn a_run_that_was_accepted_is_found_again_whatever_the_catalog_says_by_now() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let body = json!({"prompt": "A bottle", "model": "image.genfire_v1"});
    let made = app.post_keyed(IMAGES, "one", &body).await.json_of(200);
    let later = app.with_catalog(&without_images()).await;
    let again = later.post_keyed(IMAGES, "one", &body).await;
    assert_eq!(again.json_of(200)["id"], made["id"]);
    assert_eq!(again.header("idempotency-replayed"), "true");
    let new = later.post_keyed(IMAGES, "two", &body).await.json_of(400);
    assert_eq!(new["code"], "model_unavailable");
    let other = json!({"prompt": "A vase", "model": "image.genfire_v1"});
    let reused = later.post_keyed(IMAGES, "one", &other).await.json_of(422);
    assert_eq!(reused["code"], "idempotency_key_reused");
}

//! Product extraction over HTTP: the printed example, real pages on a socket, what is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Value, json};

use crate::ask::generate;
use crate::shape::Example;
use crate::support::{Options, TestApp};

const EXTRACT: &str = "/v1/products/extract";

/// A shop on a socket of its own, and how often it was asked.
async fn shop() -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let html = |body: &'static str| ([("content-type", "text/html; charset=utf-8")], body).into_response();
    let kettle = "<script type='application/ld+json'>{\"@type\":\"Product\",\"name\":\"Kettle\",\
        \"image\":\"/k.jpg\",\"offers\":{\"price\":\"24.50\",\"priceCurrency\":\"EUR\"}}</script>";
    let pot = "<meta property='og:type' content='product'><meta property='og:title' content='Pot'>\
        <meta property='og:image' content='pot.jpg'>";
    let routes = Router::new()
        .route(
            "/kettle",
            get(move || {
                count.fetch_add(1, Ordering::SeqCst);
                async move { html(kettle) }
            }),
        )
        .route("/story", get(move || async move { html("<title>A story</title><p>No product.") }))
        .route("/moved", get(|| async { (http::StatusCode::FOUND, [("location", "/shelf/pot")]) }))
        .route("/shelf/pot", get(move || async move { html(pot) }))
        .route("/inside", get(|| async { (http::StatusCode::FOUND, [("location", "https://127.0.0.1:1/x")]) }))
        .route("/picture", get(|| async { ([("content-type", "image/png")], "png") }))
        .route("/large", get(move || async move { ([("content-type", "text/html")], "x".repeat((5 << 20) + 1)) }));
    let routes = routes.route("/gone", get(|| async { http::StatusCode::GONE }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (format!("http://{address}"), asked)
}

async fn app(shop: &str) -> TestApp {
    let allow = shop.strip_prefix("http://").unwrap().to_owned();
    TestApp::with(Options { egress_allow: vec![allow], ..Options::default() }).await
}

async fn extract(app: &TestApp, url: &str) -> Value {
    generate(app, EXTRACT, &json!({"url": url})).await.json_of(200)
}

#[tokio::test]
async fn the_printed_page_is_read_without_a_network() {
    let app = TestApp::start().await;
    let printed = Example::named("products_extract");
    let answer = generate(&app, EXTRACT, &printed.request).await;
    let run = answer.json_of(200);
    printed.assert_shape_of(&answer.bytes, &["input_summary"]);
    for field in ["status", "capability", "endpoint", "model", "output"] {
        assert_eq!(run[field], printed.response()[field], "{field}");
    }
    assert_eq!(run["input_summary"], printed.request);
    assert_eq!(run["usage"], json!({"credits": 1}));
    app.caught_up().await;
    let list = app.get("/v1/runs?capability=product_extraction").await.json_of(200);
    assert_eq!(list["data"][0]["output"], run["output"]);
}

#[tokio::test]
async fn a_page_is_fetched_once_for_an_account_and_costs_the_same_from_the_cache() {
    let (shop, asked) = shop().await;
    let app = app(&shop).await;
    let first = extract(&app, &format!("{shop}/kettle")).await;
    assert_eq!(
        first["output"],
        json!({"product": {"success": true, "title": "Kettle", "description": null, "category": null,
            "price": "€24.50", "images": [format!("{shop}/k.jpg")]}, "cached": false})
    );
    let again = extract(&app, &format!("{shop}/kettle")).await;
    assert_eq!((&again["output"]["cached"], &again["output"]["product"]), (&json!(true), &first["output"]["product"]));
    assert_eq!((asked.load(Ordering::SeqCst), &again["usage"]), (1, &json!({"credits": 1})));
    // A redirect is followed, its page read under its own address.
    let moved = extract(&app, &format!("{shop}/moved")).await;
    let product = &moved["output"]["product"];
    assert_eq!((&product["title"], &product["images"]), (&json!("Pot"), &json!([format!("{shop}/shelf/pot.jpg")])));
    let other = app.register(mintmark_domain::account::Tier::Unlimited, 10).await;
    let request = app.request_as(&other.key, http::Method::POST, EXTRACT).header("Idempotency-Key", "one");
    let theirs = crate::support::Answer::of(request.json(&json!({"url": format!("{shop}/kettle")}))).await.json_of(200);
    assert_eq!(theirs["output"]["cached"], false, "what one account read is nothing to another");
}

#[tokio::test]
async fn a_page_without_a_product_says_so_and_one_that_cannot_be_had_costs_nothing() {
    let (shop, _) = shop().await;
    let app = app(&shop).await;
    let story = extract(&app, &format!("{shop}/story")).await;
    let product = &story["output"]["product"];
    assert_eq!((&product["success"], &product["title"]), (&json!(false), &json!("A story")));
    assert_eq!(story["usage"], json!({"credits": 1}), "what could be read was delivered");
    let before = app.available().await;
    for (path, code) in [
        ("picture", "not_a_page"),
        ("large", "page_too_large"),
        ("gone", "page_unreachable"),
        ("inside", "forbidden_url"),
    ] {
        let run = extract(&app, &format!("{shop}/{path}")).await;
        assert_eq!(
            (&run["status"], &run["error"]["code"], &run["usage"]),
            (&json!("failed"), &json!(code), &Value::Null)
        );
    }
    assert_eq!(app.available().await, before);
}

#[tokio::test]
async fn an_unsafe_address_is_refused_before_anything_is_held() {
    let app = TestApp::start().await;
    for (url, code) in [
        ("https://127.0.0.1/", "forbidden_url"),
        ("https://[::1]/", "forbidden_url"),
        ("https://169.254.169.254/latest/meta-data", "forbidden_url"),
        ("https://localhost/", "forbidden_url"),
        ("http://example.org/", "invalid_url"),
        ("ftp://example.com/", "invalid_url"),
        ("file:///etc/passwd", "invalid_url"),
        ("not an address", "invalid_url"),
        ("https://ann:secret@shop.test/", "invalid_url"),
        ("", "missing_value"),
        (&format!("{}/v1/account", app.base_url), "invalid_url"),
    ] {
        let refused = generate(&app, EXTRACT, &json!({"url": url})).await.json_of(400);
        assert_eq!(refused["code"], code, "{url}: {refused}");
        assert!(refused["detail"].as_str().unwrap().to_lowercase().starts_with("url"), "{refused}");
    }
    let unkeyed = app.post(EXTRACT, &json!({"url": "https://example.com/"})).await.json_of(400);
    assert_eq!(unkeyed["code"], "idempotency_key_required");
    app.caught_up().await;
    assert_eq!(app.get("/v1/runs").await.json_of(200)["data"], json!([]));
}

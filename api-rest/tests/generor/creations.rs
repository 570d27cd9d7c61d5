//! Creations: who sees them, how they are changed, and lists that stand still.

use http::Method;
use mintmark_domain::account::Tier;
use serde_json::{Value, json};

use super::support::{Answer, Options, TestApp};
use super::{ids, joke, listed, path};

async fn private_image(app: &TestApp) -> (u64, Value) {
    let body = json!({"prompt": "Secret", "model_id": 10003, "privacy_mode": 1});
    let json = app.post(&path("image"), &body).await.json_of(201);
    (ids(&json)[0], json)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_at_the_position_of_an_answer_finds_what_it_showed() {
    let app = TestApp::start().await;
    for _ in 0..5 {
        let answer = joke(&app, "Bugs").await;
        let (made, position) = (ids(&answer.json_of(201))[0], answer.header("x-log-position").to_owned());
        // A position that is asked for is waited for by whoever asks, with a key or without.
        for path in ["/api/v1/creations", "/api/v1/creations/public"] {
            let page = app.get(&format!("{path}?per_page=1&min_position={position}")).await.json_of(200);
            assert_eq!(
                (&page["data"][0]["creation_id"], &page["data"][0]["status"]),
                (&json!(made), &json!("completed"))
            );
        }
        let public = format!("/api/v1/creations/public?per_page=1&min_position={position}");
        let page = Answer::of(app.anonymous(Method::GET, &public)).await.json_of(200);
        assert_eq!(listed(&page), [made]);
        for path in [format!("/api/v1/creations/{made}"), format!("/api/v1/creations/{made}/status")] {
            assert!(!app.get(&path).await.header("x-log-position").is_empty(), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_together_is_listed_by_its_numbers() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let body = json!({"prompt": "A lighthouse", "model_id": 10003, "count": 8});
    let mut made = Vec::new();
    for _ in 0..2 {
        made.extend(ids(&app.post(&path("image"), &body).await.json_of(201)));
    }
    assert!(made.is_sorted() && made.len() == 16);
    for list in ["/api/v1/creations", "/api/v1/creations/public", "/api/v1/generators/image/creations"] {
        for (sort, expected) in [("oldest", made.clone()), ("newest", made.iter().rev().copied().collect::<Vec<u64>>())]
        {
            assert_eq!(listed(&app.get(&format!("{list}?sort={sort}")).await.json_of(200)), expected, "{list} {sort}");
            let mut walked = Vec::new();
            for page in 1..=6 {
                let at = format!("{list}?sort={sort}&per_page=3&page={page}");
                walked.extend(listed(&app.get(&at).await.json_of(200)));
            }
            assert_eq!(walked, expected, "{list} {sort} in pages");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_private_is_its_owners_alone() {
    let app = TestApp::start().await;
    let stranger = app.register(Tier::Unlimited, 0).await;
    let (id, made) = private_image(&app).await;
    let public = ids(&joke(&app, "Open").await.json_of(201))[0];
    app.caught_up().await;

    // Its address is signed, and without the signature there is nothing.
    let url = made["data"]["creations"][0]["image_url"].as_str().unwrap();
    let (bare, signature) = url.split_once('?').expect("a signed address");
    assert!(signature.contains("signature="));
    assert_eq!(Answer::of(app.client.get(url)).await.status, 200);
    assert_eq!(Answer::of(app.client.get(bare)).await.status, 404);
    let own = app.get(&format!("/api/v1/creations/{id}")).await.json_of(200);
    assert_eq!(own["data"]["privacy_mode"], 1);
    assert!(own["data"]["images"][0]["url"].as_str().unwrap().contains("signature="));

    let one = format!("/api/v1/creations/{id}");
    let status = format!("{one}/status");
    let change = json!({"privacy_mode": 0});
    for answer in [
        Answer::of(app.anonymous(Method::GET, &one)).await,
        Answer::of(app.request_as(&stranger.key, Method::GET, &one)).await,
        Answer::of(app.request_as(&stranger.key, Method::GET, &status)).await,
        Answer::of(app.request_as(&stranger.key, Method::PATCH, &one).json(&change)).await,
        Answer::of(app.request_as(&stranger.key, Method::DELETE, &one)).await,
    ] {
        assert_eq!(answer.json_of(404)["error"]["code"], "NOT_FOUND");
    }
    for list in
        ["/api/v1/creations/public", "/api/v1/creations/public?generator=image", "/api/v1/generators/image/creations"]
    {
        for page in [
            Answer::of(app.anonymous(Method::GET, list)).await.json_of(200),
            Answer::of(app.request_as(&stranger.key, Method::GET, list)).await.json_of(200),
            app.get(list).await.json_of(200),
        ] {
            assert!(!listed(&page).contains(&id), "{list}");
        }
    }
    let theirs = Answer::of(app.request_as(&stranger.key, Method::GET, "/api/v1/creations")).await.json_of(200);
    assert_eq!(theirs["meta"]["total"], 0);
    assert_eq!(listed(&app.get("/api/v1/creations").await.json_of(200)), [public, id]);

    // What may be seen but not changed is refused otherwise.
    let open = format!("/api/v1/creations/{public}");
    Answer::of(app.anonymous(Method::GET, &open)).await.json_of(200);
    let patch = app.request_as(&stranger.key, Method::PATCH, &open).json(&json!({"license": 2}));
    assert_eq!(Answer::of(patch).await.json_of(403)["error"]["code"], "FORBIDDEN");
    Answer::of(app.request_as(&stranger.key, Method::DELETE, &open)).await.json_of(403);
    Answer::of(app.anonymous(Method::DELETE, &open)).await.json_of(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_made_yet_or_never_was_is_its_owners_alone() {
    let app = TestApp::start().await;
    let stranger = app.register(Tier::Unlimited, 0).await;
    let body = json!({"prompt": "Slow [sandbox:slow=60]", "model_id": 3});
    let request = app.request(Method::POST, &path("joke")).json(&body).header("Prefer", "respond-async");
    let id = ids(&Answer::of(request).await.json_of(202))[0];
    let one = format!("/api/v1/creations/{id}");
    let own = app.get(&one).await.json_of(200);
    assert!(["pending", "generating"].contains(&own["data"]["status"].as_str().unwrap()), "{own}");
    Answer::of(app.request_as(&stranger.key, Method::GET, &one)).await.json_of(404);
    let patch = app.request_as(&stranger.key, Method::PATCH, &one).json(&json!({"license": 2}));
    Answer::of(patch).await.json_of(404);

    joke(&app, "Broken [sandbox:fail]").await.json_of(500);
    let failed = app.get("/api/v1/creations").await.json_of(200)["data"][0].clone();
    assert_eq!((&failed["status"], failed["error"]["code"].is_string()), (&json!("failed"), true), "{failed}");
    let one = format!("/api/v1/creations/{}", failed["creation_id"]);
    Answer::of(app.anonymous(Method::GET, &one)).await.json_of(404);
    let status = app.get(&format!("{one}/status")).await.json_of(200);
    assert_eq!(status["data"]["status"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_changes_privacy_and_licence_and_deletes() {
    let app = TestApp::start().await;
    let made = app.post(&path("image"), &json!({"prompt": "A hill", "model_id": 10003})).await.json_of(201);
    let (id, url) = (ids(&made)[0], made["data"]["creations"][0]["image_url"].as_str().unwrap().to_owned());
    let one = format!("/api/v1/creations/{id}");
    let patch = |body: Value| {
        let request = app.request(Method::PATCH, &one).json(&body);
        async move { Answer::of(request).await }
    };
    for wrong in [
        json!({}),
        json!({"privacy_mode": 3}),
        json!({"license": 0}),
        json!({"license": "2"}),
        json!({"privacy_mode": null}),
    ] {
        patch(wrong).await.json_of(400);
    }
    let changed = patch(json!({"privacy_mode": 1, "license": 2})).await.json_of(200);
    assert_eq!((&changed["data"]["privacy_mode"], &changed["data"]["license"]), (&json!(1), &json!(2)));
    assert_eq!(Answer::of(app.client.get(&url)).await.status, 404, "the stable address is gone");
    Answer::of(app.anonymous(Method::GET, &one)).await.json_of(404);
    assert_eq!(listed(&Answer::of(app.anonymous(Method::GET, "/api/v1/creations/public")).await.json_of(200)), [0; 0]);
    patch(json!({"privacy_mode": 0})).await.json_of(200);
    assert_eq!(Answer::of(app.client.get(&url)).await.status, 200, "and back");

    let deleted = Answer::of(app.request(Method::DELETE, &one)).await.json_of(200);
    assert_eq!(deleted, json!({"success": true, "data": {"creation_id": id, "deleted": true}}));
    for gone in
        [app.get(&one).await, Answer::of(app.request(Method::DELETE, &one)).await, patch(json!({"license": 1})).await]
    {
        gone.json_of(404);
    }
    assert_eq!(app.get("/api/v1/creations").await.json_of(200)["meta"]["total"], 0);
    assert_eq!(Answer::of(app.client.get(&url)).await.status, 404);
    for none in ["0", "99999999", "-1", "x", "18446744073709551616"] {
        app.get(&format!("/api/v1/creations/{none}")).await.json_of(404);
    }
}

/// Walks a whole list under the `as_of` of its first page.
async fn walk(app: &TestApp, list: &str, sort: &str) -> Vec<u64> {
    let first = app.get(&format!("{list}?per_page=3&sort={sort}")).await.json_of(200);
    let total = first["meta"]["total"].as_u64().unwrap();
    let as_of = first["meta"]["as_of"].as_str().unwrap().to_owned();
    let mut seen = listed(&first);
    for page in 2..=total.div_ceil(3) {
        // At least one more is there before each page; others come while it is read.
        joke(app, "Meanwhile").await.json_of(201);
        app.caught_up().await;
        let next = app.get(&format!("{list}?page={page}&per_page=3&sort={sort}&as_of={as_of}")).await.json_of(200);
        assert_eq!((&next["meta"]["total"], &next["meta"]["as_of"]), (&json!(total), &json!(as_of)));
        seen.extend(listed(&next));
    }
    assert_eq!(seen.len() as u64, total, "{list}");
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_walk_neither_skips_nor_repeats_while_others_write() {
    let app = TestApp::start().await;
    let mut made = Vec::new();
    for index in 0..7 {
        made.extend(ids(&joke(&app, &format!("Joke {index}")).await.json_of(201)));
    }
    app.caught_up().await;
    for (list, sort) in [
        ("/api/v1/creations", "newest"),
        ("/api/v1/creations/public", "oldest"),
        ("/api/v1/generators/joke/creations", "newest"),
    ] {
        let writer = async {
            for _ in 0..4 {
                joke(&app, "Beside").await.json_of(201);
            }
        };
        let (seen, ()) = tokio::join!(walk(&app, list, sort), writer);
        let mut once = seen.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "{list} repeats");
        let mut expected = made.clone();
        if sort == "newest" {
            expected.reverse();
        }
        // What earlier walks wrote is in the list too; of what was there before all, nothing is missing.
        let of_first: Vec<u64> = seen.into_iter().filter(|id| made.contains(id)).collect();
        assert_eq!(of_first, expected, "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_clamped_and_bounded() {
    let app = TestApp::start().await;
    let made = ids(&app.post(&path("joke"), &json!({"prompt": "Ten", "model_id": 3, "count": 10})).await.json_of(201));
    let page = app.get("/api/v1/creations?per_page=500").await.json_of(200);
    assert_eq!((&page["meta"]["per_page"], &page["meta"]["total"]), (&json!(100), &json!(10)));
    let last = app.get("/api/v1/creations?page=4&per_page=3&sort=oldest").await.json_of(200);
    assert_eq!(listed(&last).len(), 1);
    assert_eq!(
        (&last["meta"]["total_pages"], &last["meta"]["has_next"], &last["meta"]["has_prev"]),
        (&json!(4), &json!(false), &json!(true))
    );
    let mut all = listed(&page);
    all.sort_unstable();
    assert_eq!(all, made);
    assert_eq!(listed(&app.get("/api/v1/creations?generator=poem").await.json_of(200)), [0; 0]);
    for bad in
        ["page=0", "per_page=0", "page=2000&per_page=100", "sort=best", "as_of=x", "generator=nothing", "page=1&page=2"]
    {
        let json = app.get(&format!("/api/v1/creations?{bad}")).await.json_of(400);
        assert_eq!(json["error"]["code"], "VALIDATION_ERROR", "{bad}");
    }
}

//! Uploads over HTTP: opened, put once, read with ranges, used as inputs, swept; in a directory and behind
//! the S3 API.

use std::sync::Arc;

use bytes::Bytes;
use chrono::TimeDelta;
use futures::StreamExt as _;
use http::Method;
use mintmark_domain::ports::{Clock, ManualClock, UploadPut, Uploads as _};
use mintmark_infra::uploads::UploadsSettings;
use mintmark_media::{MediaClass, sample};
use serde_json::{Value, json};

use crate::ask::generate;
use crate::s3::S3Server;
use crate::shape::Example;
use crate::support::{Answer, Options, TestApp};

async fn open(app: &TestApp, filename: &str, content_type: &str, size: Option<u64>) -> Value {
    let mut body = json!({"filename": filename, "content_type": content_type});
    if let Some(size) = size {
        body["size_bytes"] = size.into();
    }
    app.post("/v1/uploads", &body).await.json_of(201)
}

/// The path and query of one of the app's own addresses.
fn path<'a>(app: &TestApp, url: &'a Value) -> &'a str {
    url.as_str().unwrap().strip_prefix(&app.base_url).unwrap()
}

async fn put(app: &TestApp, upload: &Value, content_type: &str, bytes: impl Into<reqwest::Body>) -> Answer {
    let request = app.anonymous(Method::PUT, path(app, &upload["upload_url"]));
    Answer::of(request.header("Content-Type", content_type).body(bytes)).await
}

fn picture() -> Bytes {
    sample(MediaClass::Image, "a.png").bytes
}

/// A body that says no length.
fn streamed(parts: Vec<std::io::Result<Bytes>>) -> reqwest::Body {
    reqwest::Body::wrap_stream(futures::stream::iter(parts))
}

#[tokio::test]
async fn an_upload_is_opened_as_printed_and_put_and_read() {
    let app = TestApp::start().await;
    let printed = Example::named("uploads");
    let answer = Answer::of(app.request(Method::POST, "/v1/uploads").json(&printed.request)).await;
    let opened = answer.json_of(201);
    printed.assert_shape_of(&answer.bytes, &[]);
    let id = opened["asset_id"].as_str().unwrap();
    assert!(id.strip_prefix("asset_").is_some_and(|hex| hex.len() == 24), "{id}");
    assert!(path(&app, &opened["asset_url"]).contains(".png?"), "the extension is kept");
    let left = opened["expires_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap() - app.now();
    assert!(left <= TimeDelta::minutes(15) && left > TimeDelta::minutes(14));
    let bytes = picture();
    let upload = open(&app, "a.png", "image/png", Some(bytes.len() as u64)).await;
    let stored = put(&app, &upload, "image/png", bytes.clone()).await.json_of(200);
    assert_eq!(stored["size_bytes"], bytes.len());
    let read = path(&app, &upload["asset_url"]);
    let whole = Answer::of(app.anonymous(Method::GET, read)).await;
    assert_eq!((whole.status, &whole.bytes), (200, &bytes));
    assert_eq!((whole.header("content-type"), whole.header("x-content-type-options")), ("image/png", "nosniff"));
    assert!(whole.header("content-disposition").starts_with("inline"));
    let part = Answer::of(app.anonymous(Method::GET, read).header("Range", "bytes=1-3")).await;
    assert_eq!((part.status, &part.bytes[..]), (206, &bytes[1..4]));
    let outside = Answer::of(app.anonymous(Method::GET, read).header("Range", "bytes=99999999-")).await;
    assert_eq!(outside.status, 416);
}

#[tokio::test]
async fn an_upload_is_an_input_like_any_other_and_never_fetched() {
    let app = TestApp::start().await;
    let upload = open(&app, "a.png", "image/png", None).await;
    assert_eq!(put(&app, &upload, "image/png", picture()).await.status, 200);
    let body = json!({"prompt": "In oil", "image_url": upload["asset_url"]});
    let run = generate(&app, "/v1/images/generations", &body).await.json_of(200);
    assert_eq!((&run["status"], &run["input_summary"]["source_images"]), (&json!("completed"), &json!(1)));
    // The server's own address is not public: it was not fetched. Changed, it is nobody's.
    let changed = upload["asset_url"].as_str().unwrap().replace("signature=", "signature=x");
    let body = json!({"prompt": "In oil", "image_url": changed});
    assert_eq!(generate(&app, "/v1/images/generations", &body).await.json_of(400)["code"], "input_unreachable");
}

#[tokio::test]
async fn what_could_run_in_a_browser_is_downloaded() {
    let app = TestApp::start().await;
    for (name, declared, served) in [
        ("x.html", "text/html", "application/octet-stream"),
        ("x.svg", "image/svg+xml", "image/svg+xml"),
        ("x.png", "text/html; charset=utf-8", "application/octet-stream"),
        ("x.js", "application/javascript", "application/octet-stream"),
    ] {
        let upload = open(&app, name, declared, None).await;
        assert_eq!(put(&app, &upload, declared, "<script>alert(1)</script>").await.status, 200);
        let read = Answer::of(app.anonymous(Method::GET, path(&app, &upload["asset_url"]))).await;
        assert_eq!(read.header("content-type"), served, "{name}");
        assert!(read.header("content-disposition").starts_with("attachment"), "{name}");
        assert_eq!(read.header("x-content-type-options"), "nosniff");
        assert!(read.header("content-security-policy").contains("sandbox"));
    }
}

#[tokio::test]
async fn an_address_takes_one_file_of_the_type_and_size_that_were_said() {
    let app = TestApp::start().await;
    let upload = open(&app, "a.bin", "image/png", Some(4)).await;
    let code = |answer: Answer, status| answer.json_of(status)["code"].as_str().unwrap().to_owned();
    assert_eq!(code(put(&app, &upload, "image/jpeg", "abcd").await, 415), "content_type_mismatch");
    assert_eq!(code(put(&app, &upload, "image/png", "abcde").await, 400), "size_mismatch");
    assert_eq!(code(put(&app, &upload, "image/png", streamed(vec![Ok("abcde".into())])).await, 400), "size_mismatch");
    assert_eq!(code(put(&app, &upload, "image/png", streamed(vec![Ok("abc".into())])).await, 400), "size_mismatch");
    let not_yet = Answer::of(app.anonymous(Method::GET, path(&app, &upload["asset_url"]))).await;
    assert_eq!(not_yet.status, 404);
    assert_eq!(put(&app, &upload, "IMAGE/png", streamed(vec![Ok("ab".into()), Ok("cd".into())])).await.status, 200);
    assert_eq!(code(put(&app, &upload, "image/png", "abcd").await, 409), "already_uploaded");
    let wrong = json!(upload["upload_url"].as_str().unwrap().replace("expires=", "expires=9"));
    assert_eq!(code(put(&app, &json!({"upload_url": wrong}), "image/png", "abcd").await, 403), "invalid_signature");
    let unsigned = app.anonymous(Method::PUT, path(&app, &upload["upload_url"]).split('?').next().unwrap());
    assert_eq!(code(Answer::of(unsigned.body("abcd")).await, 403), "invalid_signature");
    let unread = path(&app, &upload["asset_url"]).split('?').next().unwrap();
    assert_eq!(
        Answer::of(app.anonymous(Method::GET, unread)).await.status,
        404,
        "without its signature it is nobody's"
    );
}

#[tokio::test]
async fn what_cannot_be_opened_is_named_with_what_is_allowed() {
    let app = TestApp::start().await;
    let refused = async |body: Value, status| app.post("/v1/uploads", &body).await.json_of(status);
    assert_eq!(refused(json!({}), 400).await["detail"], "filename is required.");
    assert_eq!(refused(json!({"filename": " "}), 400).await["code"], "unsupported_value");
    let kind = refused(json!({"filename": "a", "content_type": "png"}), 400).await;
    assert!(kind["detail"].as_str().unwrap().contains("image/png"), "{kind}");
    let large = refused(json!({"filename": "a", "size_bytes": 5_368_709_121_u64}), 400).await;
    assert!(large["detail"].as_str().unwrap().contains("5368709120"), "{large}");
    open(&app, "a", "application/octet-stream", Some(5_368_709_120)).await;
    assert_eq!(
        app.post("/v1/uploads", &json!({"filename": "a"})).await.json_of(201)["content_type"],
        "application/octet-stream"
    );
}

#[tokio::test]
async fn an_account_has_so_many_uploads_and_bytes_and_no_more() {
    let uploads = UploadsSettings { count_max: 3, bytes_max: 10 };
    let app = TestApp::with(Options { uploads, ..Options::default() }).await;
    let first = open(&app, "a", "text/plain", Some(6)).await;
    let refused = app.post("/v1/uploads", &json!({"filename": "a", "size_bytes": 5})).await.json_of(400);
    assert_eq!(refused["code"], "too_many_uploads");
    let second = open(&app, "b", "text/plain", None).await;
    // What was not declared counts when it comes.
    assert_eq!(
        put(&app, &second, "text/plain", streamed(vec![Ok("12345".into())])).await.json_of(413)["code"],
        "payload_too_large"
    );
    assert_eq!(put(&app, &second, "text/plain", "1234").await.status, 200);
    assert_eq!(put(&app, &first, "text/plain", "123456").await.status, 200);
    open(&app, "c", "text/plain", None).await;
    assert_eq!(app.post("/v1/uploads", &json!({"filename": "d"})).await.json_of(400)["code"], "too_many_uploads");
    let other = app.register(mintmark_domain::account::Tier::Unlimited, 1).await;
    let theirs = app.request_as(&other.key, Method::POST, "/v1/uploads").json(&json!({"filename": "a"}));
    assert_eq!(Answer::of(theirs).await.status, 201);
}

#[tokio::test]
async fn what_was_opened_and_never_put_counts_no_longer_than_it_can_be_put() {
    let clock = Arc::new(ManualClock::at(chrono::Utc::now()));
    let uploads = UploadsSettings { count_max: 1, bytes_max: 10 };
    let app = TestApp::with(Options { uploads, clock: Some(clock.clone()), ..Options::default() }).await;
    open(&app, "a", "text/plain", Some(10)).await;
    assert_eq!(app.post("/v1/uploads", &json!({"filename": "b"})).await.json_of(400)["code"], "too_many_uploads");
    clock.set(clock.now() + TimeDelta::minutes(15));
    let upload = open(&app, "b", "text/plain", Some(10)).await;
    assert_eq!(put(&app, &upload, "text/plain", "1234567890").await.status, 200);
    // What is stored counts for as long as it can be read.
    clock.set(clock.now() + TimeDelta::minutes(15));
    assert_eq!(app.post("/v1/uploads", &json!({"filename": "c"})).await.json_of(400)["code"], "too_many_uploads");
}

#[tokio::test]
async fn files_that_come_in_at_once_are_within_the_accounts_bytes_together() {
    let uploads = UploadsSettings { count_max: 9, bytes_max: 10 };
    let app = TestApp::with(Options { uploads, ..Options::default() }).await;
    let (first, second) = (open(&app, "a", "text/plain", None).await, open(&app, "b", "text/plain", None).await);
    // The first says how long it is, and waits: its bytes are taken from when it began.
    let (begun, begins) = tokio::sync::oneshot::channel::<()>();
    let (goes_on, waits) = tokio::sync::oneshot::channel::<()>();
    let body = futures::stream::once(async move {
        begun.send(()).unwrap();
        waits.await.unwrap();
        Ok(Bytes::from_static(b"123456"))
    });
    let url: reqwest::Url = first["upload_url"].as_str().unwrap().parse().unwrap();
    let said = |name| url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
    let coming = UploadPut {
        asset_id: first["asset_id"].as_str().unwrap().to_owned(),
        expires: said("expires"),
        signature: said("signature"),
        content_type: Some("text/plain".to_owned()),
        content_length: Some(6),
    };
    let slow = async {
        let stored = app.uploads().0.put(coming, body.boxed()).await;
        assert_eq!(stored.unwrap().size_bytes, 6);
    };
    let other = async {
        begins.await.unwrap();
        let refused = put(&app, &second, "text/plain", "12345").await.json_of(413);
        assert_eq!(refused["code"], "payload_too_large");
        goes_on.send(()).unwrap();
    };
    tokio::join!(slow, other);
    assert_eq!(put(&app, &second, "text/plain", "1234").await.status, 200);
}

fn files(app: &TestApp) -> Vec<String> {
    let found = std::fs::read_dir(app.uploads().1.join("uploads")).into_iter().flatten();
    found.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing_and_can_be_sent_again() {
    let app = TestApp::start().await;
    let upload = open(&app, "a.bin", "application/octet-stream", None).await;
    let mut parts: Vec<std::io::Result<Bytes>> = (0..20).map(|_| Ok(Bytes::from(vec![1; 1 << 20]))).collect();
    parts.push(Err(std::io::Error::other("the cable was pulled")));
    let request = app.anonymous(Method::PUT, path(&app, &upload["upload_url"]));
    let broken = request.header("Content-Type", "application/octet-stream").body(streamed(parts)).send().await;
    assert!(broken.is_err());
    // The claim is given up once the parts are gone: until then it is under way.
    let sent = loop {
        let again = put(&app, &upload, "application/octet-stream", "whole").await;
        if again.status != 409 {
            break again;
        }
        assert_eq!(again.json()["code"], "upload_under_way");
    };
    assert_eq!(sent.json_of(200)["size_bytes"], 5);
    assert_eq!(files(&app).len(), 1, "{:?}", files(&app));
}

#[tokio::test]
async fn addresses_expire_and_what_can_no_longer_be_read_is_swept() {
    let clock = Arc::new(ManualClock::at(chrono::Utc::now()));
    let app = TestApp::with(Options { clock: Some(clock.clone()), ..Options::default() }).await;
    let (late, kept) = (open(&app, "a", "text/plain", None).await, open(&app, "b", "text/plain", None).await);
    assert_eq!(put(&app, &kept, "text/plain", "x").await.status, 200);
    clock.set(clock.now() + TimeDelta::minutes(15));
    assert_eq!(put(&app, &late, "text/plain", "x").await.json_of(403)["code"], "upload_expired");
    assert_eq!((app.uploads().0.sweep().await.unwrap(), files(&app).len()), (1, 1), "the one that was never put");
    clock.set(clock.now() + TimeDelta::days(7));
    assert_eq!((app.uploads().0.sweep().await.unwrap(), files(&app).len()), (1, 0));
    assert_eq!(Answer::of(app.anonymous(Method::GET, path(&app, &kept["asset_url"]))).await.status, 404);
}

#[tokio::test]
async fn all_of_it_works_behind_the_s3_api() {
    let s3 = S3Server::start().await;
    let app = TestApp::with(Options { storage: Some(s3.storage()), ..Options::default() }).await;
    // Three parts and a bit.
    let large = Bytes::from((0..26_u32 << 20).map(|n| (n >> 8) as u8).collect::<Vec<_>>());
    let upload = open(&app, "large.bin", "application/octet-stream", Some(large.len() as u64)).await;
    assert_eq!(put(&app, &upload, "application/octet-stream", large.clone()).await.status, 200);
    let read = path(&app, &upload["asset_url"]);
    assert_eq!(Answer::of(app.anonymous(Method::GET, read)).await.bytes, large);
    let part = Answer::of(app.anonymous(Method::GET, read).header("Range", "bytes=8388600-8388700")).await;
    assert_eq!((part.status, &part.bytes[..]), (206, &large[8_388_600..=8_388_700]));
    let upload = open(&app, "a.png", "image/png", None).await;
    assert_eq!(put(&app, &upload, "image/png", picture()).await.status, 200);
    let body = json!({"prompt": "In oil", "image_url": upload["asset_url"]});
    let run = generate(&app, "/v1/images/generations", &body).await.json_of(200);
    let made = Answer::of(app.anonymous(Method::GET, path(&app, &run["output"]["output_url"]))).await;
    assert_eq!(made.status, 200);
    let ranged = app.anonymous(Method::GET, path(&app, &run["output"]["output_url"])).header("Range", "bytes=0-9");
    let ranged = Answer::of(ranged).await;
    assert_eq!((ranged.status, &ranged.bytes[..]), (206, &made.bytes[..10]));
    let broken = open(&app, "b.bin", "application/octet-stream", Some(7)).await;
    assert_eq!(put(&app, &broken, "application/octet-stream", streamed(vec![Ok("abc".into())])).await.status, 400);
    assert_eq!(s3.unfinished().await, 0, "nothing is left of what broke off");
}

//! A large upload to the real binary, streamed to storage and never held in memory; workflows and product
//! pages there, and the audit after them.

use bytes::Bytes;
use reqwest::{Client, Method};
use serde_json::json;

use crate::books;
use crate::site::{Server, Site};

/// How large the upload is.
const SIZE_BYTES: u64 = 1 << 30;
/// How much its process may grow meanwhile, in KiB.
const GROWTH_KIB_MAX: u64 = 50 << 10;
/// The size of the pieces that it is sent in.
const PIECE_BYTES: usize = 64 << 10;

/// A number of the process's memory, in KiB: `VmRSS` now, `VmHWM` at most since it was reset.
fn memory(server: &Server, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number of KiB")
}

async fn open(server: &Server, key: &str, size: u64) -> serde_json::Value {
    let body = json!({"filename": "film.mp4", "content_type": "video/mp4", "size_bytes": size});
    server.post("/v1/uploads", key, &body).await.json_of(201)
}

async fn put(upload: &serde_json::Value, size: u64) -> reqwest::Response {
    let piece = Bytes::from(vec![7; PIECE_BYTES]);
    let pieces = (0..size / PIECE_BYTES as u64).map(move |_| Ok::<_, std::io::Error>(piece.clone()));
    let request = Client::new().request(Method::PUT, upload["upload_url"].as_str().unwrap());
    let request = request.header("Content-Type", "video/mp4").header("Content-Length", size);
    request.body(reqwest::Body::wrap_stream(futures::stream::iter(pieces))).send().await.expect("an answer")
}

#[tokio::test]
async fn a_gigabyte_is_taken_with_less_than_fifty_megabytes_of_memory() {
    let site = Site::on_test_database().await;
    let (server, key) = site.first_start().await;
    // Whatever is made once is made now.
    let small = 32 << 20;
    assert_eq!(put(&open(&server, &key, small).await, small).await.status(), 200);
    std::fs::write(format!("/proc/{}/clear_refs", server.process.id()), "5").expect("the peak is reset");
    let (before, began) = (memory(&server, "VmRSS"), std::time::Instant::now());
    let upload = open(&server, &key, SIZE_BYTES).await;
    let stored = put(&upload, SIZE_BYTES).await;
    assert_eq!(stored.status(), 200, "{:?}", stored.text().await);
    let growth = memory(&server, "VmHWM").saturating_sub(before);
    println!("1 GiB in {:.1} s; the process had {before} KiB and grew by {growth} KiB", began.elapsed().as_secs_f64());
    assert!(growth <= GROWTH_KIB_MAX, "it grew by {growth} KiB");
    let end = format!("bytes={}-", SIZE_BYTES - 3);
    let part = server.file(upload["asset_url"].as_str().unwrap(), Some(&end)).await;
    assert_eq!((part.status, &part.bytes[..]), (206, &[7, 7, 7][..]));
    assert_eq!(part.header("content-type"), "video/mp4");
    server.process.stop().await;
}

#[tokio::test]
async fn workflows_and_pages_are_in_order_in_the_books() {
    let site = Site::on_test_database().await;
    let (server, key) = site.first_start().await;
    for (at, (path, body)) in [
        ("products/extract", json!({"url": "https://example.com/products/matte-black-water-bottle"})),
        ("workflows/hook_pack/runs", json!({"prompt": "Portable blender"})),
        ("workflows/storyboard/runs", json!({"prompt": "An ad for a running shoe"})),
        (
            "workflows/creative_pack/runs",
            json!({"product_url": "https://example.com/products/matte-black-water-bottle"}),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let run = server.post_once(&format!("/v1/{path}"), &key, &format!("key {at}"), &body).await.expect("an answer");
        let run = run.json_of(200);
        assert_eq!(run["status"], "completed", "{run}");
        if let Some(project) = run["output"]["project_id"].as_str() {
            let approve = format!("mutation {{ approveStoryboard(id: \"{project}\") {{ nextAction }} }}");
            assert_eq!(server.graphql(&key, &approve).await["approveStoryboard"]["nextAction"], "produce_shots");
        }
    }
    books::assert_in_order(&site).await;
    server.process.stop().await;
}

//! The history that benches are made on: it is one that a server could have written.

use mintmark_history::{Size, tell};

use crate::books::assert_in_order;
use crate::process::eventually;
use crate::site::Site;

/// Small: a fifth of a thousandth.
const DIVIDE_BY: usize = 5_000;

#[tokio::test]
async fn the_audit_finds_nothing_in_a_history_that_was_told() {
    let site = Site::on_test_database().await;
    site.run("account create --username operator --email operator@example.com").await.good();
    let size = Size::divided_by(DIVIDE_BY);
    let options = site.db.as_ref().expect("a test database").options();
    let cast = tell(options, &site.data(), size, |_| {}).await.expect("a history");
    let server = site.serve().await;
    let (giant, many) = (&cast.giant, &cast.follows_many);
    let read = async |path: &str| server.get(path, &many.key).await.json_of(200);
    let everybody = size.accounts as u64 - 1;
    eventually("all follow the giant", async || {
        let followers = read(&format!("/api/v1/users/{}/followers", giant.username)).await;
        (followers["meta"]["total"] == everybody).then_some(())
    })
    .await;
    eventually("the giant is in the feed of who follows many", async || {
        let feed = read("/api/v1/feed?per_page=100").await;
        feed["data"].as_array()?.iter().any(|creation| creation["user_id"] == giant.user_id).then_some(())
    })
    .await;
    let creation = read(&format!("/api/v1/creations/{}", cast.creations[0])).await;
    assert!(creation["data"]["prompt"].as_str().is_some_and(|prompt| !prompt.is_empty()), "{creation}");
    let said = read(&format!("/api/v1/creations/{}/comments", cast.commented[0])).await;
    assert!(said["meta"]["total"].as_u64().is_some_and(|said| said > 0), "{said}");
    assert_in_order(&site).await;
    assert!(server.process.stop().await.success());
}

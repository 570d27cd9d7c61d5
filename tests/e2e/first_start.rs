//! Starting, stopping, starting again; and starts that must not be.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use crate::books;
use crate::process::eventually;
use crate::site::{Site, free_port};

#[tokio::test]
async fn the_first_start_prints_a_key_and_the_second_keeps_everything() {
    let site = Site::embedded();
    let (server, key) = site.first_start().await;
    let said = server.process.said();
    assert_eq!(said.matches("curl -s http").count(), 4, "a request for each door: {said}");
    let link = said.split_whitespace().find(|word| word.contains("/welcome?token=")).expect("a link to sign in with");
    let path = link.find("/welcome").map(|at| &link[at..]).unwrap();
    let welcome = server.file(&format!("{}{path}", server.url), None).await;
    assert_eq!(welcome.status, 200, "{link}");
    assert!(String::from_utf8_lossy(&welcome.bytes).contains("Welcome, demo"));
    let image = json!({"prompt": "A lighthouse at dusk", "aspect_ratio": "16:9"});
    let made = server.post_once("/v1/images/generations", &key, "first-image", &image).await.unwrap();
    let run = made.json_of(200);
    let postgres = postmaster(&site).expect("the embedded Postgres runs");
    assert!(server.process.stop().await.success(), "SIGTERM is a clean end");
    assert!(postmaster(&site).is_none(), "the last to leave stops Postgres");
    // Postgres removes its file a moment before its process is gone.
    let process = Path::new("/proc").join(postgres);
    eventually("the end of Postgres", async || (!process.exists()).then_some(())).await;

    let server = site.serve().await;
    let again = server.post_once("/v1/images/generations", &key, "first-image", &image).await.unwrap();
    let again_run = again.json_of(200);
    assert_eq!((&again_run["id"], again.header("idempotency-replayed")), (&run["id"], "true"));
    let balance = server.get("/v1/account/credits", &key).await.json_of(200);
    // With what the demo account's first call of the day and the week brought.
    assert_eq!(balance["balance"], 10_000 + 25 + 5 + 20 - 3);
    let file = server.file(again_run["output"]["output_url"].as_str().unwrap(), None).await;
    assert_eq!(file.status, 200, "files are kept");
    assert!(!server.process.said().contains("gnr_live_"), "a key is shown once");
    assert!(!server.process.said().contains("/welcome?token="), "so is a link");

    // A server that was killed leaves its Postgres running; the next start takes it over.
    server.process.kill().await;
    let orphan = postmaster(&site).expect("it outlives the server");
    let server = site.serve().await;
    assert_eq!(postmaster(&site), Some(orphan), "it is found and used");
    books::assert_in_order(&site).await;
    assert!(server.process.stop().await.success());
    assert!(postmaster(&site).is_none());
}

#[tokio::test]
async fn a_postgres_that_dies_under_a_server_is_started_again() {
    let site = Site::embedded();
    let (server, key) = site.first_start().await;
    let killed = postmaster(&site).expect("the embedded Postgres runs");
    let sent = std::process::Command::new("kill").args(["-KILL", &killed]).status();
    assert!(sent.is_ok_and(|status| status.success()));
    eventually("another Postgres", async || postmaster(&site).filter(|pid| *pid != killed)).await;
    let image = json!({"prompt": "A lighthouse at dusk"});
    eventually("a run that completes", async || {
        let answer = server.post_once("/v1/images/generations", &key, "after", &image).await.ok()?;
        let run: serde_json::Value = serde_json::from_slice(&answer.bytes).ok()?;
        (run["status"] == "completed").then_some(())
    })
    .await;
    eventually("readiness", async || (server.get("/readyz", &key).await.status == 200).then_some(())).await;
    books::assert_in_order(&site).await;
    assert!(server.process.stop().await.success());
    assert!(postmaster(&site).is_none(), "the last to leave stops the new one too");
}

/// The process id of the site's own Postgres, while it runs.
fn postmaster(site: &Site) -> Option<String> {
    let text = std::fs::read_to_string(site.data().join("postgres/cluster/postmaster.pid")).ok()?;
    text.lines().next().map(str::to_owned)
}

#[tokio::test]
async fn a_start_that_cannot_be_says_in_one_line_why() {
    let site = Site::on_test_database().await;
    let server = site.serve().await;
    let taken = server.url.trim_start_matches("http://").to_owned();
    let second = site.run(&format!("serve --listen {taken}")).await;
    assert!(second.complaint().contains(&taken) && second.complaint().contains("--listen"), "{}", second.err);
    assert!(server.process.stop().await.success());

    let free = format!("127.0.0.1:{}", free_port());
    let serve = format!("serve --listen {free}");
    let config = site.data().join("bad.toml");
    for (text, names) in [
        ("lisen = \"127.0.0.1:1\"", "lisen"),
        ("[running]\nqueue_max = \"many\"", "queue_max"),
        ("[sandbox]\nconcurrency = 0", "sandbox.concurrency"),
        ("listen = ", "bad.toml"),
    ] {
        std::fs::write(&config, text).unwrap();
        let refused = site.run(&format!("{serve} --config {}", config.display())).await;
        assert!(refused.complaint().contains(names), "{text}: {}", refused.err);
    }
    let refused = site.run(&format!("{serve} --config {}", site.data().join("none.toml").display())).await;
    assert!(refused.complaint().contains("does not exist"), "{}", refused.err);

    let master_key = site.data().join("master.key");
    let kept = site.data().join("kept.key");
    std::fs::rename(&master_key, &kept).unwrap();
    let refused = site.run(&serve).await;
    assert!(refused.complaint().contains("master key"), "{}", refused.err);
    assert!(!master_key.exists(), "no other key is made for a log that has one");
    let other = Site::on_test_database().await.with("MINTMARK_MASTER_KEY", &"5a".repeat(32));
    let url = site.db.as_ref().unwrap().url();
    let refused = other.with("DATABASE_URL", &url).run(&serve).await;
    assert!(refused.complaint().contains("master key"), "{}", refused.err);
    assert!(!refused.err.contains("5a5a"), "a key is no part of a complaint");
    let nowhere = Site::embedded().with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    let refused = nowhere.run(&serve).await;
    assert!(!refused.complaint().is_empty());

    std::fs::rename(&kept, &master_key).unwrap();
    let mode = |mode| std::fs::set_permissions(&master_key, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let refused = site.run(&serve).await;
    assert!(refused.complaint().contains("chmod 600"), "{}", refused.err);
    mode(0o600);
    books::assert_in_order(&site).await;
}

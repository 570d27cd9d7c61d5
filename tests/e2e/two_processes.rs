//! Two servers on one database, with one master key and one place for files.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::books;
use crate::site::{Server, Site};

const REQUESTS: usize = 200;
/// What one image costs.
const PRICE: usize = 3;

async fn images(server: &Server, key: &str, once: &str, wait: bool) -> (u16, Value) {
    let mut request = server.request(reqwest::Method::POST, "/v1/images/generations", key);
    if !wait {
        request = request.header("Prefer", "respond-async");
    }
    let request = request.header("Idempotency-Key", once).json(&json!({"prompt": "A boat", "count": 1}));
    let answer = crate::site::Answer::of(request).await.unwrap();
    (answer.status, answer.json_of(answer.status))
}

/// Waits for the next minute where this one is nearly over.
async fn room_in_the_minute(seconds: u64) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    if 60 - now % 60 < seconds {
        tokio::time::sleep(std::time::Duration::from_secs(61 - now % 60)).await;
    }
}

/// Asks each of the servers in turn until both say that the minute is over, and answers how often it passed.
async fn passed(servers: &[&Server], key: &str) -> usize {
    let (mut passed, mut over) = (0, vec![false; servers.len()]);
    while over.contains(&false) {
        for (at, server) in servers.iter().enumerate() {
            let answer = server.get("/v1/nowhere", key).await;
            assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-tier")), ("40", "free"));
            let remaining: usize = answer.header("x-ratelimit-remaining").parse().unwrap();
            match answer.status {
                404 => passed += 1,
                429 => over[at] = remaining == 0 && answer.header("retry-after").parse::<u64>().unwrap() > 1,
                other => panic!("{other}"),
            }
            assert!(remaining < 40, "{remaining}");
        }
    }
    passed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_database_let_pass_exactly_what_a_key_may_ask() {
    let site = Site::on_test_database().await.with("MINTMARK_RATE_LIMITS__TIERS__FREE__MINUTE", "40");
    let servers = [site.serve().await, site.serve().await];
    let mut keys = Vec::new();
    for name in ["ann", "bob", "eve"] {
        let create =
            format!("account create --username {name} --email {name}@example.com --tier free --credits 1 --json");
        keys.push(site.run(&create).await.json()["api_key"].as_str().unwrap().to_owned());
    }
    let [both, left, killed] = &keys[..] else { panic!("three keys") };
    room_in_the_minute(20).await;
    assert_eq!(passed(&[&servers[0], &servers[1]], both).await, 40);

    // One that is killed takes a quarter along at most; one that is stopped gives back what it holds.
    room_in_the_minute(20).await;
    let [staying, leaving] = servers;
    assert_eq!(leaving.get("/v1/nowhere", left).await.status, 404);
    assert!(leaving.process.stop().await.success());
    assert_eq!(passed(&[&staying], left).await, 39);
    let dying = site.serve().await;
    room_in_the_minute(20).await;
    assert_eq!(dying.get("/v1/nowhere", killed).await.status, 404);
    dying.process.kill().await;
    for _ in 0..30 {
        assert_eq!(staying.get("/v1/nowhere", killed).await.status, 404, "ten of forty were leased");
    }
    let refused = staying.get("/v1/nowhere", killed).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert!(staying.process.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_database_never_spend_a_credit_twice() {
    let site = Site::on_test_database().await.with("MINTMARK_SANDBOX__INSTANT", "true");
    let servers = [Arc::new(site.serve().await), Arc::new(site.serve().await)];
    // Funds for seven, and a little that is not enough for one more.
    let create = "account create --username ann --email ann@example.com --tier unlimited --credits 23 --json";
    let made = site.run(create).await.json();
    let key: Arc<str> = made["api_key"].as_str().unwrap().into();

    let mut asking = tokio::task::JoinSet::new();
    for number in 0..REQUESTS {
        let (server, key) = (Arc::clone(&servers[number % 2]), Arc::clone(&key));
        asking.spawn(async move { images(&server, &key, &format!("race-{number}"), false).await });
    }
    let mut answers: HashMap<u16, Vec<Value>> = HashMap::new();
    for (status, body) in asking.join_all().await {
        answers.entry(status).or_default().push(body);
    }
    let accepted = answers.remove(&202).unwrap_or_default();
    assert_eq!((accepted.len(), answers.remove(&402).map(|refused| refused.len())), (7, Some(REQUESTS - 7)));
    assert_eq!(answers, HashMap::new(), "nothing but accepted and unaffordable");
    for run in &accepted {
        let ended = servers[1].ended(run["id"].as_str().unwrap(), &key).await;
        assert_eq!(ended["status"], "completed", "{ended}");
    }
    for server in &servers {
        let wallet = server.graphql(&key, "{ wallet { available held } }").await;
        assert_eq!(wallet["wallet"], json!({"available": (23 - 7 * PRICE).to_string(), "held": "0"}));
    }

    // What the command line, a third process, grants counts before the next refusal.
    for (round, server) in servers.iter().enumerate() {
        let once = format!("after-{round}");
        assert_eq!(images(server, &key, &once, true).await.0, 402);
        site.run("credits grant --account ann --amount 1 --kind paid --reason top-up").await.good();
        let (status, run) = images(server, &key, &once, true).await;
        assert_eq!(status, 200, "{run}");
        site.run("credits grant --account ann --amount 2 --kind paid --reason top-up").await.good();
    }

    // A run that one accepted is there at the other at once, and its end too once it was told.
    site.run("credits grant --account ann --amount 30 --kind paid --reason top-up").await.good();
    for number in 0..5 {
        let (a, b) = (&servers[number % 2], &servers[(number + 1) % 2]);
        let (_, queued) = images(a, &key, &format!("queued-{number}"), false).await;
        let path = format!("/v1/runs/{}", queued["id"].as_str().unwrap());
        assert_eq!(b.get(&path, &key).await.json_of(200)["id"], queued["id"]);
        let (status, done) = images(a, &key, &format!("done-{number}"), true).await;
        assert_eq!((status, &done["status"]), (200, &json!("completed")));
        let path = format!("/v1/runs/{}", done["id"].as_str().unwrap());
        let seen = b.get(&path, &key).await.json_of(200);
        assert_eq!((&seen["status"], &seen["usage"]), (&done["status"], &done["usage"]), "at once");
        servers[0].ended(queued["id"].as_str().unwrap(), &key).await;
    }
    books::assert_in_order(&site).await;
    for server in servers {
        let server = Arc::into_inner(server).expect("nobody asks any more");
        assert!(server.process.stop().await.success());
    }
    books::assert_in_order(&site).await;
}

//! Credits that go from hand to hand and round a team, across shards; and the audit finds nothing wrong with that.

use serde_json::{Value, json};

use crate::books;
use crate::site::{Server, Site};

const PEOPLE: [&str; 3] = ["ann", "bob", "eve"];

async fn give(server: &Server, key: &str, to: &str, credits: u32) -> Value {
    let body = json!({"username": to, "credits": credits});
    server.post("/api/v1/credits/gifts", key, &body).await.json_of(201)["data"]["status"].clone()
}

/// Something made for a team, which pays for it.
async fn make_for(server: &Server, key: &str, team: &Value, prompt: &str) -> Value {
    let input = format!("generator: \"joke\", model: \"3\", private: true, prompt: \"{prompt}\", team: {team}");
    let generate = format!("mutation {{ generate(waitSeconds: 60, input: {{{input}}}) {{ run {{ id status }} }} }}");
    server.graphql(key, &generate).await["generate"]["run"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_from_hand_to_hand_and_round_a_team_is_in_order_in_the_books() {
    let site = Site::on_test_database().await.with("MINTMARK_SHARDS", "8");
    let mut keys = Vec::new();
    for name in PEOPLE {
        let create = format!(
            "account create --username {name} --email {name}@example.com --tier unlimited --credits 100 --json"
        );
        keys.push(site.run(&create).await.json()["api_key"].as_str().expect("a key").to_owned());
    }
    let (ann, bob) = (&keys[0], &keys[1]);
    site.run("credits grant --account ann --amount 5 --kind free --reason welcome").await.good();
    site.run("account suspend eve --reason unruly").await.good();
    let server = site.serve().await;

    let balance = async || server.get("/api/v1/credits/balance", ann).await.json_of(200)["data"].clone();
    let before = balance().await;
    assert!(before["free"].as_u64().is_some_and(|free| (5..90).contains(&free)), "{before}");
    assert_eq!(give(&server, ann, "eve", 90).await, "returned");
    assert_eq!(balance().await, before, "both kinds are what they were");
    assert_eq!(give(&server, ann, "bob", 12).await, "delivered");

    let made = server.graphql(ann, "mutation { createTeam(name: \"Us\") { number inviteCode } }").await;
    let (team, code) = (&made["createTeam"]["number"], &made["createTeam"]["inviteCode"]);
    server.graphql(bob, &format!("mutation {{ joinTeam(inviteCode: {code}) {{ number }} }}")).await;
    server.graphql(ann, &format!("mutation {{ fundTeam(number: {team}, amount: \"30\") {{ status }} }}")).await;
    let purse = format!("mutation {{ setTeamWallet(number: {team}, pays: true, memberLimit: \"20\") {{ name }} }}");
    server.graphql(ann, &purse).await;
    let delivered = make_for(&server, bob, team, "Bugs").await;
    assert_eq!(delivered["status"], "SUCCEEDED");
    assert_eq!(make_for(&server, bob, team, "Bugs [sandbox:fail]").await["status"], "FAILED");
    let run = delivered["id"].as_str().expect("a run");
    site.run(&format!("credits refund {run} --amount 1 --reason blank --reference one")).await.good();
    books::assert_in_order(&site).await;

    server.graphql(bob, &format!("mutation {{ leaveTeam(number: {team}) }}")).await;
    server.graphql(ann, &format!("mutation {{ leaveTeam(number: {team}) }}")).await;
    books::assert_in_order(&site).await;
    assert!(server.process.stop().await.success());
}

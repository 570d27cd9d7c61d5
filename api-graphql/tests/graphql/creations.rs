//! Creations: where they stand, and whose they are as the log has it.

use mintmark_domain::account::{Scope, Scopes, Tier};
use serde_json::{Value, json};

use crate::app::{ask, ask_as, code, data, start, with_files};
use crate::support::TestApp;

const GENERATE: &str = "mutation ($input: GenerateInput!, $wait: Int) { generate(input: $input, waitSeconds: $wait) \
    { run { id outputs { creationNumber file { url } } } } }";
const ONE: &str = "query ($number: Long!) { creation(number: $number) { private status file { url } } }";
const OUTPUTS: &str = "query ($id: ID!) { run(id: $id) { outputs { file { url } } } }";
const HIDE: &str = "mutation ($number: Long!, $private: Boolean!) \
    { updateCreation(number: $number, private: $private) { private } }";

/// A run of a generator, once it has ended or without waiting.
async fn made(app: &TestApp, generator: &str, prompt: &str, private: bool, wait: u32) -> Value {
    let input = json!({"generator": generator, "prompt": prompt, "private": private});
    let answer = ask(app, GENERATE, json!({"input": input, "wait": wait})).await;
    data(&answer)["generate"]["run"].clone()
}

/// What whoever opens an address is answered.
async fn status(app: &TestApp, url: &Value) -> u16 {
    app.client.get(url.as_str().unwrap()).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_list_says_where_each_creation_stands() {
    let app = start().await;
    made(&app, "joke", "Bugs", true, 60).await;
    made(&app, "joke", "Bugs [sandbox:fail]", true, 60).await;
    let stopped = made(&app, "joke", "Bugs [sandbox:slow=60]", true, 0).await;
    let slow = made(&app, "joke", "Bugs [sandbox:slow=60]", true, 0).await;
    let cancel = "mutation ($id: ID!) { cancelRun(id: $id) { status } }";
    data(&ask(&app, cancel, json!({"id": stopped["id"]})).await);
    let begun = std::time::Instant::now();
    let list = "{ creations { edges { node { status progress userId runId } } } viewer { userId } }";
    let seen = loop {
        app.caught_up().await;
        let answer = ask(&app, list, Value::Null).await;
        let seen = data(&answer).clone();
        if seen["creations"]["edges"][1]["node"]["status"] == "CANCELLED" {
            break seen;
        }
        assert!(begun.elapsed().as_secs() < 60, "the run is not cancelled: {seen}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let nodes: Vec<&Value> = seen["creations"]["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]).collect();
    assert!(nodes.iter().all(|node| node["userId"] == seen["viewer"]["userId"]), "{nodes:?}");
    assert_eq!(nodes[0]["runId"], slow["id"]);
    assert!(["PENDING", "GENERATING"].contains(&nodes[0]["status"].as_str().unwrap()), "{nodes:?}");
    let ended = nodes[1..].iter().map(|node| (&node["status"], &node["progress"]));
    let expected =
        [(json!("CANCELLED"), Value::Null), (json!("FAILED"), Value::Null), (json!("COMPLETED"), json!(100))];
    assert!(ended.eq(expected.iter().map(|(status, progress)| (status, progress))), "{nodes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_output_of_a_run_opens_for_its_owner_after_it_was_made_private_and_shown_again() {
    let app = with_files().await;
    for private in [false, true] {
        let run = made(&app, "image", "A boat", private, 60).await;
        let output = &run["outputs"][0];
        assert_eq!(status(&app, &output["file"]["url"]).await, 200);
        app.caught_up().await;
        for private in [!private, private] {
            let change = json!({"number": output["creationNumber"], "private": private});
            assert_eq!(data(&ask(&app, HIDE, change).await)["updateCreation"]["private"], private);
            let again = ask(&app, OUTPUTS, json!({"id": run["id"]})).await;
            let url = &data(&again)["run"]["outputs"][0]["file"]["url"];
            assert_eq!(url.as_str().unwrap().contains("signature="), private, "{url}");
            assert_eq!(status(&app, url).await, 200, "{url}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_just_made_private_is_nobody_elses_although_the_read_model_still_shows_it() {
    let app = with_files().await;
    let run = made(&app, "image", "A boat", false, 60).await;
    let number = json!({"number": run["outputs"][0]["creationNumber"]});
    app.caught_up().await;
    let stranger = app.register(Tier::Unlimited, 0).await;
    let seen = ask_as(&app, &stranger.key, ONE, number.clone()).await;
    assert_eq!(data(&seen)["creation"]["private"], false);
    let change = json!({"number": number["number"], "private": true});
    data(&ask(&app, HIDE, change).await);
    // As a projection that lags has it.
    sqlx::query("UPDATE read_generation_v3.creations SET privacy = 'public' WHERE number = $1")
        .bind(number["number"].as_i64().unwrap())
        .execute(app.pool())
        .await
        .unwrap();
    let seen = ask_as(&app, &stranger.key, ONE, number.clone()).await;
    assert_eq!(data(&seen)["creation"], Value::Null);
    let narrow = app.key_with(Scopes::only([Scope::AccountRead])).await;
    assert_eq!(code(&ask_as(&app, &narrow, ONE, number.clone()).await), "FORBIDDEN");
    let own = ask(&app, ONE, number).await;
    let own = &data(&own)["creation"];
    assert_eq!(own["private"], true);
    assert_eq!(status(&app, &own["file"]["url"]).await, 200, "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_owner_deleted_is_no_output_of_its_run_any_more() {
    let app = start().await;
    let run = made(&app, "joke", "Bugs", true, 60).await;
    let outputs = "query ($id: ID!) { run(id: $id) { outputs { creationNumber fields typedFields { name } } } }";
    let there = ask(&app, outputs, json!({"id": run["id"]})).await;
    assert!(data(&there)["run"]["outputs"][0]["fields"].is_object(), "{there}");
    let delete = "mutation ($number: Long!) { deleteCreation(number: $number) }";
    data(&ask(&app, delete, json!({"number": run["outputs"][0]["creationNumber"]})).await);
    let gone = ask(&app, outputs, json!({"id": run["id"]})).await;
    assert_eq!(data(&gone)["run"]["outputs"], json!([]));
}

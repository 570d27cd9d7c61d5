//! Projects: opened by a storyboard run, shown to their owner, approved, changed, planned anew.

use mintmark_domain::account::Tier;
use serde_json::{Value, json};

use crate::app::{ask, ask_as, code, data, start};
use crate::support::TestApp;

const PROJECT: &str = "id status currentStage nextAction title prompt revision runId comment stages { name output }";

/// A storyboard run over REST; the project that it says it made.
async fn storyboard(app: &TestApp, key: &str) -> String {
    let body =
        json!({"prompt": "30-second paid social ad for a running shoe", "title": "Spring", "aspect_ratio": "9:16"});
    let run = app.post_keyed("/v1/workflows/storyboard/runs", key, &body).await.json_of(200);
    let output = &run["output"];
    assert_eq!(
        (&output["status"], &output["project_status"], &output["next_action"]),
        (&json!("needs_approval"), &json!("needs_approval"), &json!("approve_storyboard")),
        "{run}"
    );
    let id = output["project_id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("proj_"), "{id}");
    id
}

async fn project(app: &TestApp, id: &str) -> Value {
    let query = format!("query ($id: ID!) {{ project(id: $id) {{ {PROJECT} }} }}");
    data(&ask(app, &query, json!({"id": id})).await)["project"].clone()
}

async fn say(app: &TestApp, mutation: &str, id: &str) -> Value {
    let query = format!("mutation ($id: ID!) {{ said: {mutation} {{ {PROJECT} }} }}");
    ask(app, &query, json!({"id": id})).await
}

#[tokio::test]
async fn a_storyboard_run_opens_a_project_that_its_owner_approves() {
    let app = start().await;
    let id = storyboard(&app, "one").await;
    let opened = project(&app, &id).await;
    assert_eq!(
        (&opened["title"], &opened["revision"], &opened["status"]),
        (&json!("Spring"), &json!(1), &json!("NEEDS_APPROVAL"))
    );
    let stages: Vec<&str> =
        opened["stages"].as_array().unwrap().iter().map(|stage| stage["name"].as_str().unwrap()).collect();
    assert_eq!(stages, ["brief", "brand_kit", "script", "shot_list", "storyboard"]);
    assert!(opened["stages"][2]["output"].as_str().unwrap().to_lowercase().contains("for a running"), "{opened}");
    assert!(opened["stages"][3]["output"].as_array().unwrap().len() >= 3);
    for _ in 0..2 {
        let approved = say(&app, "approveStoryboard(id: $id)", &id).await;
        let approved = &data(&approved)["said"];
        assert_eq!(
            (&approved["status"], &approved["currentStage"], &approved["nextAction"]),
            (&json!("APPROVED"), &json!("production"), &json!("produce_shots"))
        );
    }
    let late = say(&app, "requestChanges(id: $id, comment: \"more sun\")", &id).await;
    assert_eq!(code(&late), "CONFLICT");
    assert_eq!(code(&say(&app, "rejectProject(id: $id)", &id).await), "CONFLICT");
}

#[tokio::test]
async fn changes_are_asked_for_and_a_run_plans_it_anew() {
    let app = start().await;
    let id = storyboard(&app, "one").await;
    let revise = "mutation ($id: ID!) { reviseStoryboard(id: $id, idempotencyKey: \"again\", waitSeconds: 60) \
        { replayed run { id status capability charge { captured } } } }";
    assert_eq!(code(&ask(&app, revise, json!({"id": id})).await), "CONFLICT", "nothing is to be changed yet");
    let blank = say(&app, "requestChanges(id: $id, comment: \" \")", &id).await;
    assert_eq!(code(&blank), "BAD_USER_INPUT");
    let asked = say(&app, "requestChanges(id: $id, comment: \"more sun\")", &id).await;
    let asked = &data(&asked)["said"];
    assert_eq!((&asked["nextAction"], &asked["comment"]), (&json!("revise_storyboard"), &json!("more sun")));
    assert_eq!(code(&say(&app, "approveStoryboard(id: $id)", &id).await), "CONFLICT");
    let before = project(&app, &id).await;
    let revised = ask(&app, revise, json!({"id": id})).await;
    let run = &data(&revised)["reviseStoryboard"]["run"];
    assert_eq!(
        (&run["status"], &run["capability"], &run["charge"]["captured"]),
        (&json!("SUCCEEDED"), &json!("workflow.storyboard"), &json!("10")),
        "{revised}"
    );
    let after = project(&app, &id).await;
    assert_eq!(
        (&after["status"], &after["revision"], &after["runId"]),
        (&json!("NEEDS_APPROVAL"), &json!(2), &run["id"])
    );
    assert_ne!(after["stages"], before["stages"]);
    let again = ask(&app, revise, json!({"id": id})).await;
    assert_eq!(data(&again)["reviseStoryboard"]["replayed"], true, "{again}");
    assert_eq!(project(&app, &id).await["revision"], 2);
    assert_eq!(data(&say(&app, "rejectProject(id: $id)", &id).await)["said"]["status"], "REJECTED");
}

#[tokio::test]
async fn projects_are_their_owners_alone_and_are_listed_newest_first() {
    let app = start().await;
    let mut ids = Vec::new();
    for key in ["one", "two", "three"] {
        ids.insert(0, storyboard(&app, key).await);
    }
    app.caught_up().await;
    let query = "query ($after: String) { projects(first: 2, after: $after) { nodes { id } endCursor } }";
    let first = ask(&app, query, json!({})).await;
    let listed = |page: &Value| -> Vec<String> {
        let nodes = data(page)["projects"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(&first), ids[..2]);
    let second = ask(&app, query, json!({"after": data(&first)["projects"]["endCursor"]})).await;
    assert_eq!(listed(&second), ids[2..]);
    assert_eq!(data(&second)["projects"]["endCursor"], Value::Null);
    let other = app.register(Tier::Unlimited, 100).await;
    let query = format!("{{ project(id: \"{}\") {{ id }} projects {{ nodes {{ id }} }} }}", ids[0]);
    let theirs = ask_as(&app, &other.key, &query, Value::Null).await;
    assert_eq!((&data(&theirs)["project"], &data(&theirs)["projects"]["nodes"]), (&Value::Null, &json!([])));
    let mutation = format!("mutation {{ approveStoryboard(id: \"{}\") {{ id }} }}", ids[0]);
    assert_eq!(code(&ask_as(&app, &other.key, &mutation, Value::Null).await), "NOT_FOUND");
}

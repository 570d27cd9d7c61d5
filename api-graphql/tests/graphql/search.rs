//! Search: the same as over REST, with cursors.

use serde_json::{Value, json};

use crate::app::{ask, code, data, start};
use crate::support::TestApp;

const SEARCH: &str = "query ($query: String!, $first: Int, $after: String, $order: SearchOrder) { \
    searchCreations(query: $query, first: $first, after: $after, order: $order) { \
    edges { cursor node { prompt } } pageInfo { hasNextPage startCursor endCursor } total totalCapped } }";

async fn make(app: &TestApp, prompt: &str, private: bool) {
    let query = "mutation ($prompt: String!, $private: Boolean!) { createRun(input: \
        {model: \"image.nano_banana_2\", prompt: $prompt, private: $private}) { run { id } } }";
    data(&ask(app, query, json!({"prompt": prompt, "private": private})).await);
}

fn prompts(page: &Value) -> Vec<&str> {
    let edges = data(page)["searchCreations"]["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["node"]["prompt"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn public_creations_are_found_and_private_ones_are_not() {
    let app = start().await;
    make(&app, "A dragon at dawn", false).await;
    make(&app, "A secret dragon", true).await;
    app.caught_up().await;
    for query in ["dragon", "Dragn", "drag", "dawn -secret"] {
        let page = ask(&app, SEARCH, json!({ "query": query })).await;
        assert_eq!(prompts(&page), ["A dragon at dawn"], "{query}");
        let found = &page["data"]["searchCreations"];
        assert_eq!((&found["total"], &found["totalCapped"]), (&json!(1), &json!(false)));
    }
    for query in ["secret", "🐉"] {
        assert_eq!(prompts(&ask(&app, SEARCH, json!({ "query": query })).await), [""; 0], "{query}");
    }
}

#[tokio::test]
async fn a_walk_through_what_is_found_shows_each_once() {
    let app = start().await;
    for prompt in ["one fox", "fox of fox", "two fox"] {
        make(&app, prompt, false).await;
    }
    app.caught_up().await;
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = ask(&app, SEARCH, json!({"query": "fox", "first": 1, "after": after})).await;
        seen.extend(prompts(&page).into_iter().map(str::to_owned));
        let info = &page["data"]["searchCreations"]["pageInfo"];
        assert_eq!(info["startCursor"], info["endCursor"]);
        if info["hasNextPage"] == false {
            break;
        }
        after = info["endCursor"].clone();
        make(&app, "fox fox fox", false).await;
        app.caught_up().await;
    }
    assert_eq!(seen, ["fox of fox", "two fox", "one fox"]);
    let oldest = ask(&app, SEARCH, json!({"query": "fox", "first": 3, "order": "OLDEST"})).await;
    assert_eq!(prompts(&oldest), ["one fox", "fox of fox", "two fox"]);
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused_by_name() {
    let app = start().await;
    for (variables, field) in [
        (json!({"query": ""}), "query"),
        (json!({"query": "a".repeat(501)}), "query"),
        (json!({"query": "a ".repeat(33)}), "query"),
        (json!({"query": "a", "first": 101}), "first"),
        (json!({"query": "a", "after": "x"}), "after"),
    ] {
        let refused = ask(&app, SEARCH, variables).await;
        assert_eq!(code(&refused), "BAD_USER_INPUT", "{refused}");
        assert_eq!(refused["errors"][0]["extensions"]["field"], field, "{refused}");
    }
}

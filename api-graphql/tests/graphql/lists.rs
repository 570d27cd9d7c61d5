//! Connections: pages, cursors, and walks that stand still while rows come in.

use serde_json::{Value, json};

use crate::app::{ask, code, data, start};
use crate::support::TestApp;

const RUNS: &str = "query ($first: Int, $after: String) { runs(first: $first, after: $after) \
                    { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

async fn run(app: &TestApp, prompt: &str) -> String {
    let query = "mutation ($prompt: String!) { createRun(input: {model: \"image.nano_banana_2\", prompt: $prompt}) { run { id } } }";
    let made = ask(app, query, json!({ "prompt": prompt })).await;
    data(&made)["createRun"]["run"]["id"].as_str().unwrap().to_owned()
}

fn ids(page: &Value) -> Vec<String> {
    let edges = page["data"]["runs"]["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["node"]["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_walk_neither_skips_nor_repeats_while_rows_come_in() {
    let app = start().await;
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(run(&app, &format!("boat {number}")).await);
    }
    made.reverse();
    app.caught_up().await;
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = ask(&app, RUNS, json!({"first": 2, "after": after})).await;
        let info = &data(&page)["runs"]["pageInfo"];
        let edges = page["data"]["runs"]["edges"].as_array().unwrap();
        assert_eq!(info["startCursor"], edges[0]["cursor"]);
        assert_eq!(info["endCursor"], edges.last().unwrap()["cursor"]);
        seen.extend(ids(&page));
        if info["hasNextPage"] == false {
            break;
        }
        after = info["endCursor"].clone();
        run(&app, "one that came later").await;
        app.caught_up().await;
    }
    assert_eq!(seen, made);
    let fresh = ask(&app, RUNS, json!({"first": 100})).await;
    assert_eq!(ids(&fresh).len(), 7, "a new walk sees what came");
    assert_eq!(ids(&fresh)[2..], made[..]);
}

#[tokio::test]
async fn a_page_has_1_to_100_nodes_and_a_cursor_is_one_of_ours() {
    let app = start().await;
    for first in [0, -1, 101] {
        let refused = ask(&app, RUNS, json!({ "first": first })).await;
        let error = &refused["errors"][0];
        assert_eq!((code(&refused), &error["extensions"]["field"]), ("BAD_USER_INPUT", &json!("first")), "{refused}");
        assert!(error["message"].as_str().unwrap().contains("1 to 100"));
    }
    for after in ["garbage", "", "MTIz", "🦀"] {
        let refused = ask(&app, RUNS, json!({ "after": after })).await;
        let field = &refused["errors"][0]["extensions"]["field"];
        assert_eq!((code(&refused), field), ("BAD_USER_INPUT", &json!("after")), "{after}: {refused}");
    }
    let empty = ask(&app, RUNS, json!({"first": 100})).await;
    let page = json!({"edges": [], "pageInfo": {"hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null}});
    assert_eq!(data(&empty)["runs"], page);
}

#[tokio::test]
async fn creations_and_transactions_are_walked_the_same_way() {
    let app = start().await;
    for number in 0..3 {
        run(&app, &format!("boat {number}")).await;
    }
    app.caught_up().await;
    for list in ["creations(first: 2", "wallet { transactions(first: 2"] {
        let close = if list.starts_with("wallet") { " }" } else { "" };
        let ask_page = async |after: &str| {
            let query =
                format!("{{ {list}{after}) {{ edges {{ cursor }} pageInfo {{ hasNextPage endCursor }} }}{close} }}");
            let page = ask(&app, &query, Value::Null).await;
            let found = data(&page);
            if list.starts_with("wallet") {
                found["wallet"]["transactions"].clone()
            } else {
                found["creations"].clone()
            }
        };
        let first = ask_page("").await;
        assert_eq!((first["edges"].as_array().unwrap().len(), &first["pageInfo"]["hasNextPage"]), (2, &json!(true)));
        let cursor = first["pageInfo"]["endCursor"].as_str().unwrap();
        let second = ask_page(&format!(", after: \"{cursor}\"")).await;
        assert_eq!(second["pageInfo"]["hasNextPage"], false, "{list} {second}");
        assert!(!second["edges"].as_array().unwrap().is_empty());
    }
}

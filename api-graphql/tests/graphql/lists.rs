//! Connections: pages, cursors, and walks that stand still while rows come in.

use mintmark_domain::account::Tier;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{ask, ask_as, code, data, start};
use crate::people::{joke, name};
use crate::support::{Answer, TestApp};

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

/// The nodes of a connection, of one field each.
fn column(connection: &Value, field: &str) -> Vec<Value> {
    let edges = connection["edges"].as_array().unwrap_or_else(|| panic!("{connection}"));
    edges.iter().map(|edge| edge["node"][field].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_begin_at_either_end_and_tell_their_totals_as_over_rest() {
    let app = start().await;
    let (ann, bob) = (app.register(Tier::Unlimited, 0).await, app.register(Tier::Unlimited, 0).await);
    let me = name(&app, &app.account.key).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(joke(&app, &app.account.key, false).await);
    }
    for other in [&ann, &bob] {
        let other_name = name(&app, &other.key).await;
        app.post(&format!("/api/v1/users/{other_name}/follow"), &json!({})).await.json_of(201);
        let follow = app.request_as(&other.key, Method::POST, &format!("/api/v1/users/{me}/follow")).json(&json!({}));
        Answer::of(follow).await.json_of(201);
    }
    for text in ["first", "second"] {
        app.post(&format!("/api/v1/creations/{}/comments", made[0]), &json!({ "text": text })).await.json_of(201);
    }
    app.caught_up().await;
    let user = format!("user(username: \"{me}\")");
    let comments = format!("creation(number: {})", made[0]);
    // Each list: where it is, how it is asked for, what a node has, the same over REST, and whether a total is told.
    let lists = [
        ("", "creations", "number", "/api/v1/creations".to_owned(), "creation_id", false),
        ("", "publicFeed", "number", "/api/v1/creations/public".to_owned(), "creation_id", true),
        (user.as_str(), "creations", "number", format!("/api/v1/users/{me}/creations"), "creation_id", true),
        (user.as_str(), "followers", "userId", format!("/api/v1/users/{me}/followers"), "user_id", true),
        (user.as_str(), "following", "userId", format!("/api/v1/users/{me}/following"), "user_id", true),
        ("wallet", "transactions", "number", "/api/v1/credits/transactions".to_owned(), "transaction_id", false),
        (
            comments.as_str(),
            "comments",
            "number",
            format!("/api/v1/creations/{}/comments", made[0]),
            "comment_id",
            true,
        ),
    ];
    for (parent, list, field, path, rest_field, counted) in lists {
        let mut ends = Vec::new();
        for order in ["NEWEST", "OLDEST"] {
            let asked = format!("{list}(order: {order}) {{ edges {{ node {{ {field} }} }}");
            let total = if list == "transactions" { "}" } else { " totalCount }" };
            let query = match parent {
                "" => format!("{{ {asked} {total} }}"),
                parent => format!("{{ {parent} {{ {asked} {total} }} }}"),
            };
            let answer = ask(&app, &query, Value::Null).await;
            let parent = parent.split('(').next().unwrap_or_default();
            let found = if parent.is_empty() { &data(&answer)[list] } else { &data(&answer)[parent][list] };
            let rest = app.get(&format!("{path}?sort={}", order.to_lowercase())).await.json_of(200);
            let expected: Vec<Value> =
                rest["data"].as_array().unwrap().iter().map(|one| one[rest_field].clone()).collect();
            assert!(expected.len() > 1, "{list}: {rest}");
            assert_eq!(column(found, field), expected, "{list} {order}");
            let told = if counted { rest["meta"]["total"].clone() } else { Value::Null };
            assert_eq!(found["totalCount"], told, "{list}");
            ends.push(expected);
        }
        ends[1].reverse();
        assert_eq!(ends[0], ends[1], "{list}: one is the other's reverse");
    }
    let feed = "{ feed(order: OLDEST) { edges { node { number } } } }";
    let feed = ask_as(&app, &ann.key, feed, Value::Null).await;
    assert_eq!(column(&data(&feed)["feed"], "number"), made);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_team_of_ones_own_is_walked_to_from_either_end() {
    let app = start().await;
    let names: Vec<String> = (0..5).map(|number| format!("Team {number}")).collect();
    for name in &names {
        app.post("/api/v1/teams", &json!({ "name": name })).await.json_of(201);
    }
    let teams = "query ($after: String, $order: ListOrder!) { teams(first: 2, after: $after, order: $order) \
                 { totalCount edges { node { name } } pageInfo { hasNextPage endCursor } } }";
    for order in ["NEWEST", "OLDEST"] {
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        loop {
            let page = ask(&app, teams, json!({"after": after, "order": order})).await;
            let page = &data(&page)["teams"];
            assert_eq!(page["totalCount"], 5);
            seen.extend(column(page, "name"));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        if order == "NEWEST" {
            seen.reverse();
        }
        assert_eq!(seen, names, "{order}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_movement_says_what_it_paid_for() {
    let app = start().await;
    let number = joke(&app, &app.account.key, true).await;
    let spent = "{ wallet { transactions(first: 1, type: \"spend\") \
                 { edges { node { number model generator creationNumbers } } } } }";
    let spent = ask(&app, spent, Value::Null).await;
    let spent = &data(&spent)["wallet"]["transactions"]["edges"][0]["node"];
    let rest = app.get("/api/v1/credits/transactions?type=spend").await.json_of(200);
    let rest = &rest["data"][0];
    assert_eq!([&spent["number"], &spent["generator"]], [&rest["transaction_id"], &rest["generator"]]);
    assert_eq!((&spent["creationNumbers"], &spent["generator"]), (&json!([number]), &json!("joke")));
    let model = app.core.catalog.model(spent["model"].as_str().unwrap()).unwrap();
    assert_eq!(json!(model.generor.as_ref().unwrap().id), rest["model_id"]);
}

#[tokio::test]
async fn what_no_list_could_hold_is_refused_by_name() {
    let app = start().await;
    let me = name(&app, &app.account.key).await;
    let user = format!("user(username: \"{me}\") {{ creations(generator: $text) {{ edges {{ cursor }} }} }}");
    for (query, field) in [
        ("creations(generator: $text) { edges { cursor } }", "generator"),
        ("publicFeed(generator: $text) { edges { cursor } }", "generator"),
        ("feed(generator: $text) { edges { cursor } }", "generator"),
        ("searchCreations(query: \"boat\", generator: $text) { total }", "generator"),
        (user.as_str(), "generator"),
        ("creations(mediaType: $text) { edges { cursor } }", "mediaType"),
        ("runs(capability: $text) { edges { cursor } }", "capability"),
        ("runs(model: $text) { edges { cursor } }", "model"),
        ("batches(target: $text) { edges { cursor } }", "target"),
    ] {
        let query = format!("query ($text: String!) {{ {query} }}");
        let refused = ask(&app, &query, json!({"text": "no\0text"})).await;
        let named = &refused["errors"][0]["extensions"]["field"];
        assert_eq!((code(&refused), named), ("BAD_USER_INPUT", &json!(field)), "{query}: {refused}");
    }
    let unknown = ask(&app, "{ creations(generator: \"jokes\") { edges { cursor } } }", Value::Null).await;
    assert_eq!(code(&unknown), "BAD_USER_INPUT");
    let message = unknown["errors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("generator: must be one of ") && message.contains(" joke,"), "{message}");
    let other = "{ publicFeed(generator: \"joke\", mediaType: \"img\") { edges { cursor } } }";
    let other = ask(&app, other, Value::Null).await;
    assert_eq!(other["errors"][0]["message"], "mediaType: must be text, which this generator makes", "{other}");
}

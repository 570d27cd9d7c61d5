//! What was just written is shown, although read models follow later.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use mintmark_api_graphql::GraphqlState;
use mintmark_api_rest::AppState;
use mintmark_domain::Shard;
use mintmark_domain::account::{Scopes, Tier};
use mintmark_domain::es::{Confirmed, DecideError, Decider, DecisionRequest, Job, Loaded, StreamRef};
use mintmark_domain::usecases::Core;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};

use crate::app::{ask, ask_as, code, data, start, with_files};
use crate::door;
use crate::people::{joke, name};
use crate::support::{Answer, Beside, Options, TestApp};

/// How long read models stand still; less than answers wait.
const STILL_FOR: Duration = Duration::from_millis(400);

/// Has read models stand still until what comes back is dropped.
async fn still(app: &TestApp, schemas: &[impl AsRef<str>]) -> Transaction<'static, Postgres> {
    let mut still = app.pool().begin().await.unwrap();
    for schema in schemas {
        let lock = format!("LOCK TABLE {}.checkpoints IN EXCLUSIVE MODE", schema.as_ref());
        sqlx::raw_sql(&lock).execute(&mut *still).await.unwrap();
    }
    still
}

fn go_on_later(still: Transaction<'static, Postgres>) {
    tokio::spawn(async move {
        tokio::time::sleep(STILL_FOR).await;
        still.rollback().await.unwrap();
    });
}

/// What is written over REST, whose answers wait for no read model.
async fn write(app: &TestApp, path: &str, body: Value) -> Value {
    app.post(path, &body).await.json_of(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_counts_hold_what_was_just_written() {
    let app = start().await;
    let ann = app.register(Tier::Unlimited, 0).await;
    let (me, her) = (name(&app, &app.account.key).await, name(&app, &ann.key).await);
    let first = joke(&app, &app.account.key, false).await;
    app.caught_up().await;
    let schemas = ["accounts_v2", "wallets_v2", "generation_v3", "people_v1", "search_v1"];
    let stopped = still(&app, &schemas.map(|schema| format!("read_{schema}"))).await;
    write(&app, "/api/v1/teams", json!({"name": "Us"})).await;
    write(&app, &format!("/api/v1/users/{her}/follow"), json!({})).await;
    write(&app, &format!("/api/v1/creations/{first}/comments"), json!({"text": "Ha"})).await;
    write(&app, &format!("/api/v1/creations/{first}/rating"), json!({"score": 4})).await;
    write(&app, "/api/v1/credits/gifts", json!({"username": her, "credits": 2})).await;
    let made = write(
        &app,
        "/api/v1/generators/joke/generate",
        json!({"prompt": "Lighthouses", "model_id": 3, "privacy_mode": 0}),
    )
    .await;
    let made = made["data"]["creations"][0]["creation_id"].as_u64().unwrap();
    app.core.issue_key(&app.caller(), "second", Scopes::Full).await.unwrap();
    go_on_later(stopped);
    let read = "query ($me: String!, $first: Long!, $made: Long!) { \
        wallet { transactions(type: \"gift_sent\") { edges { node { amount counterparty } } } } \
        runs { edges { node { generator } } } \
        creations(first: 1) { edges { node { number } } } \
        publicFeed(first: 1) { edges { node { number } } } \
        searchCreations(query: \"lighthouses\") { total } \
        made: creation(number: $made) { number } \
        teams { totalCount edges { node { name } } } \
        viewer { creationCount followingCount apiKeys { createdAt } } \
        user(username: $me) { creationCount following { totalCount edges { node { username } } } } \
        creation(number: $first) { commentCount comments { totalCount edges { node { text } } } rating { count } } }";
    let seen = ask(&app, read, json!({"me": me, "first": first, "made": made})).await;
    let mut seen = data(&seen).clone();
    let keys = seen["viewer"]["apiKeys"].take();
    assert!(keys.as_array().unwrap().iter().all(|key| key["createdAt"].is_string()), "{keys}");
    let joke = json!({"node": {"generator": "joke"}});
    let newest = json!({"edges": [{"node": {"number": made}}]});
    let expected = json!({
        "wallet": {"transactions": {"edges": [{"node": {"amount": "-2", "counterparty": her}}]}},
        "runs": {"edges": [joke, joke]},
        "creations": newest,
        "publicFeed": newest,
        "searchCreations": {"total": 1},
        "made": {"number": made},
        "teams": {"totalCount": 1, "edges": [{"node": {"name": "Us"}}]},
        "viewer": {"creationCount": 2, "followingCount": 1, "apiKeys": null},
        "user": {"creationCount": 2, "following": {"totalCount": 1, "edges": [{"node": {"username": her}}]}},
        "creation": {
            "commentCount": 1,
            "comments": {"totalCount": 1, "edges": [{"node": {"text": "Ha"}}]},
            "rating": {"count": 1},
        },
    });
    assert_eq!(seen, expected);
}

/// How often the log was asked where it ends; each test has a process of its own.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Counts the decisions about nothing.
struct Counting(Arc<dyn Decider>);

#[async_trait]
impl Decider for Counting {
    async fn submit(&self, request: DecisionRequest, job: Job) -> Result<Confirmed, DecideError> {
        if request.streams.is_empty() {
            ASKED.fetch_add(1, Ordering::Relaxed);
        }
        self.0.submit(request, job).await
    }

    async fn load(&self, shard: Shard, streams: Vec<StreamRef>) -> Result<Vec<Loaded>, DecideError> {
        self.0.load(shard, streams).await
    }
}

fn counted(beside: Beside) -> Router<AppState> {
    let Beside { state, log, ends } = beside;
    let core = Core { decider: Arc::new(Counting(Arc::clone(&state.core.decider))), ..state.core.clone() };
    let graphql = GraphqlState { core, reads: state.reads.clone(), log, ends };
    door::graphql(graphql, &state)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_asks_the_log_once_however_many_lists_it_reads() {
    let app = TestApp::with(Options { more: Some(counted), instant: true, ..Options::default() }).await;
    let lists = "{ runs { edges { cursor } } creations { edges { cursor } } teams { totalCount } \
                  feed { edges { cursor } } wallet { transactions { edges { cursor } } } \
                  viewer { creationCount followerCount } }";
    data(&ask(&app, lists, Value::Null).await);
    assert_eq!(ASKED.load(Ordering::Relaxed), 1);
    // Whoever has not said who they are has written nothing.
    let public = json!({"query": "{ publicFeed { edges { cursor } } }"});
    data(&Answer::of(app.anonymous(Method::POST, "/graphql").json(&public)).await.json_of(200));
    assert_eq!(ASKED.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_is_answered_as_it_was_decided_while_the_read_model_stands_still() {
    let app = start().await;
    let ann = app.register(Tier::Unlimited, 0).await;
    let number = joke(&app, &app.account.key, false).await;
    app.caught_up().await;
    let her = name(&app, &ann.key).await;
    let stopped = still(&app, &["read_people_v1"]).await;
    let comment = "mutation ($on: Long!) { createComment(creationNumber: $on, text: \" Ha \") \
                   { number username text depth parentNumber upvotes myVote deleted } }";
    let made = ask_as(&app, &ann.key, comment, json!({ "on": number })).await;
    let made = &data(&made)["createComment"];
    let expected = json!({"number": made["number"], "username": her, "text": "Ha", "depth": 0, "parentNumber": null,
        "upvotes": 0, "myVote": null, "deleted": false});
    assert_eq!(*made, expected);
    let vote = "mutation ($number: Long!, $vote: Vote!) { voteComment(number: $number, vote: $vote) \
                { username text upvotes downvotes myVote } }";
    let voted = ask(&app, vote, json!({"number": made["number"], "vote": "UP"})).await;
    let expected = json!({"username": her, "text": "Ha", "upvotes": 1, "downvotes": 0, "myVote": "UP"});
    assert_eq!(data(&voted)["voteComment"], expected);
    stopped.rollback().await.unwrap();
    app.caught_up().await;
    // A vote that was counted gives way to one that is not counted yet.
    let stopped = still(&app, &["read_people_v1"]).await;
    let voted = ask(&app, vote, json!({"number": made["number"], "vote": "DOWN"})).await;
    let expected = json!({"username": her, "text": "Ha", "upvotes": 0, "downvotes": 1, "myVote": "DOWN"});
    assert_eq!(data(&voted)["voteComment"], expected);
    drop(stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_made_private_is_answered_so_and_not_found_any_more() {
    let app = with_files().await;
    let make = "mutation { generate(waitSeconds: 60, input: {generator: \"image\", prompt: \"A lighthouse\", \
                private: false}) { run { outputs { creationNumber } } } }";
    let made = ask(&app, make, Value::Null).await;
    let number = data(&made)["generate"]["run"]["outputs"][0]["creationNumber"].clone();
    app.caught_up().await;
    let stopped = still(&app, &["read_search_v1"]).await;
    go_on_later(stopped);
    let change = "mutation ($number: Long!) { updateCreation(number: $number, private: true, license: EXCLUSIVE_GE_1) \
                  { private license file { url } } }";
    data(&ask(&app, change, json!({ "number": number })).await);
    // Without a key nothing is waited for.
    let search = json!({"query": "{ searchCreations(query: \"lighthouse\") { total } }"});
    let found = Answer::of(app.anonymous(Method::POST, "/graphql").json(&search)).await.json_of(200);
    assert_eq!(data(&found)["searchCreations"]["total"], 0);

    let shown = change.replace("private: true", "private: false").replace("EXCLUSIVE_GE_1", "OPEN_GO_1");
    data(&ask(&app, &shown, json!({ "number": number })).await);
    // The read model does not come after in time: the answer is the log's all the same.
    let stopped = still(&app, &["read_generation_v3"]).await;
    let changed = ask(&app, change, json!({ "number": number })).await;
    let changed = &data(&changed)["updateCreation"];
    assert_eq!([&changed["private"], &changed["license"]], [&json!(true), &json!("EXCLUSIVE_GE_1")]);
    assert!(changed["file"]["url"].as_str().unwrap().contains("signature="), "{changed}");
    let one = "query ($number: Long!) { creation(number: $number) { private license } }";
    let one = ask(&app, one, json!({ "number": number })).await;
    assert_eq!(data(&one)["creation"], json!({"private": true, "license": "EXCLUSIVE_GE_1"}));
    drop(stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_nothing_is_refused_and_leaves_no_trace() {
    let app = start().await;
    let number = joke(&app, &app.account.key, false).await;
    let said = app.events_as_text().await;
    let creation =
        ask(&app, "mutation ($n: Long!) { updateCreation(number: $n) { number } }", json!({"n": number})).await;
    let profile = ask(&app, "mutation { updateProfile(input: {}) { username } }", Value::Null).await;
    for (refused, field) in [(creation, "private"), (profile, "input")] {
        let named = &refused["errors"][0]["extensions"]["field"];
        assert_eq!((code(&refused), named), ("BAD_USER_INPUT", &json!(field)), "{refused}");
    }
    assert_eq!(app.events_as_text().await, said);
}

//! What is private, deleted or not public any more is seen by nobody else: a stranger walks every surface that the
//! documents describe, after any history of showing, hiding and deleting.

use std::sync::LazyLock;

use http::Method;
use mintmark_domain::account::Tier;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::app::{ask, ask_as, data, with_files};
use crate::support::{Answer, TestAccount, TestApp};

/// How many sets of histories are tried; each adds to what is there already.
const HISTORIES: u32 = 5;
/// Where the three dialects say what can be asked.
const DOCUMENTS: [&str; 3] = ["/api/v1/openapi.json", "/v1/openapi.json", "/api/v1/girlgenerator/openapi.json"];

/// What its owner does with a creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Show,
    Hide,
    Delete,
}

/// How a creation begins, and what happens to it then.
#[derive(Clone, Debug)]
struct History {
    image: bool,
    private: bool,
    acts: Vec<Act>,
}

impl History {
    /// Whether everybody may see it in the end.
    fn ends_public(&self) -> bool {
        let mut public = !self.private;
        for act in &self.acts {
            match act {
                Act::Show => public = true,
                Act::Hide => public = false,
                Act::Delete => return false,
            }
        }
        public
    }
}

fn histories() -> impl Strategy<Value = Vec<History>> {
    let act = prop_oneof![3 => Just(Act::Show), 3 => Just(Act::Hide), 1 => Just(Act::Delete)];
    let history = (any::<bool>(), any::<bool>(), prop::collection::vec(act, 0..4));
    let history = history.prop_map(|(image, private, acts)| History { image, private, acts });
    prop::collection::vec(history, 1..4)
}

/// A creation of the owner's.
#[derive(Debug)]
struct Made {
    number: u64,
    run: String,
    /// A word that nothing else holds: in the prompt, and in a comment on it.
    word: String,
    /// Where its file was, without a signature.
    file: Option<String>,
    public: bool,
}

/// An owner, a team of theirs, and somebody who follows them and belongs to it, but owns nothing.
struct Place {
    app: TestApp,
    owner: String,
    team: Value,
    stranger: TestAccount,
    made: Vec<Made>,
}

impl Place {
    async fn new() -> Self {
        let app = with_files().await;
        let stranger = app.register(Tier::Unlimited, 10).await;
        let me = ask(&app, "{ viewer { username } }", json!({})).await;
        let owner = data(&me)["viewer"]["username"].as_str().unwrap().to_owned();
        let follow = format!("mutation {{ followUser(username: \"{owner}\") {{ username }} }}");
        data(&ask_as(&app, &stranger.key, &follow, json!({})).await);
        let team = ask(&app, "mutation { createTeam(name: \"Us\") { number inviteCode } }", json!({})).await;
        let team = data(&team)["createTeam"].clone();
        let join = "mutation ($code: String!) { joinTeam(inviteCode: $code) { number } }";
        data(&ask_as(&app, &stranger.key, join, json!({"code": team["inviteCode"]})).await);
        Place { app, owner, team: team["number"].clone(), stranger, made: Vec::new() }
    }

    /// Makes something and does with it what its history says.
    async fn live(&mut self, history: History) {
        let word = format!("zyx{}qwv", self.made.len());
        let (slug, model) = if history.image { ("image", 10003) } else { ("joke", 3) };
        let body = json!({"prompt": format!("Boats {word}"), "model_id": model, "team_id": self.team,
                          "privacy_mode": i32::from(history.private)});
        let made = self.app.post(&format!("/api/v1/generators/{slug}/generate"), &body).await.json_of(201);
        let number = made["data"]["creations"][0]["creation_id"].as_u64().unwrap();
        let file = made["data"]["creations"][0]["image_url"].as_str();
        let file = file.map(|url| url.split('?').next().unwrap_or_default().to_owned());
        self.app.caught_up().await;
        let run = ask(&self.app, "query ($n: Long!) { creation(number: $n) { runId } }", json!({"n": number})).await;
        let run = data(&run)["creation"]["runId"].as_str().unwrap().to_owned();
        let said = json!({"text": format!("About {word}")});
        self.app.post(&format!("/api/v1/creations/{number}/comments"), &said).await.json_of(201);
        for act in &history.acts {
            let path = format!("/api/v1/creations/{number}");
            let request = match act {
                Act::Show => self.app.request(Method::PATCH, &path).json(&json!({"privacy_mode": 0})),
                Act::Hide => self.app.request(Method::PATCH, &path).json(&json!({"privacy_mode": 1})),
                Act::Delete => self.app.request(Method::DELETE, &path),
            };
            Answer::of(request).await.json_of(200);
            if *act == Act::Delete {
                break;
            }
        }
        let public = history.ends_public();
        self.made.push(Made { number, run, word, file, public });
    }

    fn hidden(&self) -> impl Iterator<Item = &Made> {
        self.made.iter().filter(|made| !made.public)
    }

    /// Nothing of what is hidden may stand in an answer, neither by its word nor by its number.
    fn shows_nothing_hidden(&self, what: &str, answer: &[u8]) {
        let text = String::from_utf8_lossy(answer);
        for made in self.hidden() {
            assert!(!text.contains(&made.word), "{what} shows {made:?}: {text}");
        }
        if let Ok(json) = serde_json::from_slice::<Value>(answer) {
            let mut numbers = Vec::new();
            creation_numbers(&json, &mut numbers);
            for made in self.hidden() {
                assert!(!numbers.contains(&made.number), "{what} lists {made:?}: {json}");
            }
        }
    }

    /// As the stranger, or as nobody.
    fn requests(&self, method: Method, path: &str) -> [reqwest::RequestBuilder; 2] {
        [self.app.request_as(&self.stranger.key, method.clone(), path), self.app.anonymous(method, path)]
    }

    /// Every route that reads, of all three dialects, with whatever of the owner's can be named in it.
    async fn reads_every_route(&self) {
        for document in DOCUMENTS {
            let document = self.app.get(document).await.json_of(200);
            let reading = document["paths"].as_object().unwrap().iter().filter(|(_, path)| path.get("get").is_some());
            for (template, _) in reading {
                for path in self.named_in(template) {
                    for request in self.requests(Method::GET, &format!("{path}?q=boats&per_page=100&generator=joke")) {
                        self.shows_nothing_hidden(&path, &Answer::of(request).await.bytes);
                    }
                    for request in self.requests(Method::GET, &format!("{path}?per_page=100")) {
                        self.shows_nothing_hidden(&path, &Answer::of(request).await.bytes);
                    }
                }
            }
        }
    }

    /// A route with every name that it can be asked with here.
    fn named_in(&self, template: &str) -> Vec<String> {
        let mut paths = vec![template.to_owned()];
        while let Some(open) = paths.first().and_then(|path| path.find('{')) {
            let name = paths[0][open + 1..].split('}').next().unwrap_or_default().to_owned();
            let values: Vec<String> = match name.as_str() {
                "id" if template.contains("/creations/") => self.hidden().map(|made| made.number.to_string()).collect(),
                "id" if template.contains("/teams/") => vec![self.team.to_string()],
                "username" => vec![self.owner.clone()],
                "slug" => vec!["joke".into(), "image".into()],
                "runId" | "run_id" | "task_id" | "taskId" => self.hidden().map(|made| made.run.clone()).collect(),
                // What names nothing of the owner's that is hidden: models, batches, projects …
                _ => vec!["1".into()],
            };
            let place = format!("{{{name}}}");
            paths = values.iter().flat_map(|value| paths.iter().map(|path| path.replace(&place, value))).collect();
        }
        paths
    }

    /// What cannot be seen can neither be talked about nor fetched, and is told from nothing.
    async fn acts_on_what_is_hidden(&self) {
        for made in self.hidden() {
            let creation = format!("/api/v1/creations/{}", made.number);
            for path in [creation.clone(), format!("{creation}/comments"), format!("{creation}/rating")] {
                for request in self.requests(Method::GET, &path) {
                    assert_eq!(Answer::of(request).await.status, 404, "{path}: {made:?}");
                }
            }
            for (path, body) in [("comments", json!({"text": "Ha"})), ("rating", json!({"score": 5}))] {
                let request = self.app.request_as(&self.stranger.key, Method::POST, &format!("{creation}/{path}"));
                assert_eq!(Answer::of(request.json(&body)).await.status, 404, "{path}: {made:?}");
            }
            if let Some(file) = &made.file {
                let status = self.app.client.get(file).send().await.unwrap().status();
                assert_eq!(status.as_u16(), 404, "{file}: {made:?}");
            }
        }
    }

    /// The same through GraphQL, and that lists and counts are what is public, exactly.
    async fn counts_what_is_public(&self) {
        let public: Vec<u64> = self.made.iter().rev().filter(|made| made.public).map(|made| made.number).collect();
        let node = "edges { node { number prompt fields commentCount rating { count } \
                    comments(first: 3) { edges { node { text } } } } }";
        let query = format!(
            "query ($who: String!, $team: Long!) {{ publicFeed(first: 15) {{ {node} }} feed(first: 15) {{ {node} }} \
             user(username: $who) {{ creationCount creations(first: 15) {{ {node} }} }} \
             team(number: $team) {{ creations(first: 15) {{ {node} }} }} }}"
        );
        let variables = json!({"who": self.owner, "team": self.team});
        let seen = ask_as(&self.app, &self.stranger.key, &query, variables).await;
        self.shows_nothing_hidden("GraphQL", seen.to_string().as_bytes());
        let seen = data(&seen);
        assert_eq!(seen["user"]["creationCount"], json!(public.len()));
        for list in [&seen["publicFeed"], &seen["feed"], &seen["user"]["creations"], &seen["team"]["creations"]] {
            let mut numbers = Vec::new();
            creation_numbers(list, &mut numbers);
            assert_eq!(numbers, public.iter().take(15).copied().collect::<Vec<_>>(), "{list}");
        }
        for made in &self.made {
            let one = "query ($n: Long!) { creation(number: $n) { number prompt } }";
            let one = ask_as(&self.app, &self.stranger.key, one, json!({"n": made.number})).await;
            assert_eq!(data(&one)["creation"].is_null(), !made.public, "{made:?}");
        }
        let lists = ["/creations/public", "/feed", &format!("/users/{}/creations", self.owner)];
        let team = format!("/teams/{}/creations", self.team);
        for list in lists.into_iter().chain([&*team]) {
            let request = self.app.request_as(&self.stranger.key, Method::GET, &format!("/api/v1{list}?per_page=100"));
            let page = Answer::of(request).await.json_of(200);
            let mut numbers = Vec::new();
            creation_numbers(&page["data"], &mut numbers);
            assert_eq!((&numbers, &page["meta"]["total"]), (&public, &json!(public.len())), "{list}");
        }
    }
}

/// Every number by which an answer names a creation.
fn creation_numbers(json: &Value, found: &mut Vec<u64>) {
    static NAMES: LazyLock<[&str; 3]> = LazyLock::new(|| ["creation_id", "number", "creationNumber"]);
    match json {
        Value::Object(fields) => {
            // A team's number is none of a creation's.
            let of_creation = !fields.contains_key("wallet") && !fields.contains_key("inviteCode");
            for (name, value) in fields {
                if of_creation && NAMES.contains(&&**name) {
                    found.extend(value.as_u64());
                }
                creation_numbers(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| creation_numbers(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn what_is_not_public_is_seen_by_nobody_else_on_any_surface() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let place = std::cell::RefCell::new(runtime.block_on(Place::new()));
    let config = Config { cases: HISTORIES, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let walked = TestRunner::new(config).run(&histories(), |histories| {
        let mut place = place.borrow_mut();
        runtime.block_on(async {
            for history in histories {
                place.live(history).await;
            }
            place.app.caught_up().await;
            place.reads_every_route().await;
            place.acts_on_what_is_hidden().await;
            place.counts_what_is_public().await;
        });
        Ok(())
    });
    walked.unwrap();
}

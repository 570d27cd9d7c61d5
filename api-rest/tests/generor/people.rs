//! People: who follows whom, comments, votes, ratings, teams, gifts.

use http::Method;
use mintmark_domain::account::Tier;
use serde_json::{Value, json};

use super::support::{Answer, TestAccount, TestApp};
use super::{ids, joke, listed};

/// Two strangers beside the app's own account.
struct Crowd {
    app: TestApp,
    ann: TestAccount,
    bob: TestAccount,
}

impl Crowd {
    async fn gather() -> Self {
        let app = TestApp::start().await;
        let (ann, bob) = (app.register(Tier::Unlimited, 100).await, app.register(Tier::Unlimited, 0).await);
        Crowd { app, ann, bob }
    }

    async fn ask(&self, key: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.app.request_as(key, method, &format!("/api/v1{path}"));
        Answer::of(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    async fn post(&self, key: &str, path: &str, body: Value) -> Answer {
        self.ask(key, Method::POST, path, Some(body)).await
    }

    async fn get(&self, key: &str, path: &str) -> Value {
        self.ask(key, Method::GET, path, None).await.json_of(200)
    }

    async fn name(&self, key: &str) -> String {
        self.get(key, "/users/me").await["data"]["username"].as_str().unwrap().to_owned()
    }

    async fn own_name(&self) -> String {
        self.app.get("/api/v1/users/me").await.json_of(200)["data"]["username"].as_str().unwrap().to_owned()
    }
}

fn names(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|person| person["username"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_is_listed_counted_and_fed() {
    let crowd = Crowd::gather().await;
    let (author, ann, bob) =
        (crowd.own_name().await, crowd.name(&crowd.ann.key).await, crowd.name(&crowd.bob.key).await);
    let follow = format!("/users/{author}/follow");
    for key in [&crowd.ann.key, &crowd.bob.key, &crowd.ann.key] {
        let followed = crowd.ask(key, Method::POST, &follow, None).await.json_of(201);
        assert_eq!(followed["data"], json!({"username": author, "following": true}));
    }
    assert_eq!(crowd.get(&crowd.ann.key, &follow).await["data"]["following"], true);
    let followers = crowd.get(&crowd.ann.key, &format!("/users/{author}/followers?sort=oldest")).await;
    assert_eq!((names(&followers), &followers["meta"]["total"]), (vec![&*ann, &*bob], &json!(2)));
    let following = crowd.get(&crowd.bob.key, &format!("/users/{bob}/following")).await;
    assert_eq!(names(&following), [&*author]);
    let profile = crowd.get(&crowd.bob.key, &format!("/users/{author}")).await;
    assert_eq!((&profile["data"]["follower_count"], &profile["data"]["following"]), (&json!(2), &json!(true)));
    assert!(profile["data"].get("email").is_none() && profile["data"].get("credits").is_none());

    let made = ids(&joke(&crowd.app, "Bugs").await.json_of(201))[0];
    let secret = json!({"prompt": "Secret", "model_id": 3, "privacy_mode": 1});
    crowd.app.post(&super::path("joke"), &secret).await.json_of(201);
    crowd.app.caught_up().await;
    let feed = crowd.get(&crowd.ann.key, "/feed").await;
    assert_eq!((listed(&feed), &feed["meta"]["total"]), (vec![made], &json!(1)), "public ones alone");
    assert_eq!(listed(&crowd.get(&crowd.ann.key, "/feed?generator=poem").await), [0; 0]);
    assert_eq!(listed(&crowd.get(&crowd.ann.key, &format!("/users/{author}/creations")).await), [made]);

    crowd.ask(&crowd.ann.key, Method::DELETE, &follow, None).await.json_of(200);
    crowd.ask(&crowd.ann.key, Method::DELETE, &follow, None).await.json_of(200);
    assert_eq!(crowd.get(&crowd.ann.key, &follow).await["data"]["following"], false);
    assert_eq!(listed(&crowd.get(&crowd.ann.key, "/feed").await), [0; 0]);
    let me = crowd.app.get("/api/v1/users/me").await.json_of(200);
    assert_eq!(me["data"]["follower_count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_follows_themselves_or_nobody() {
    let crowd = Crowd::gather().await;
    let own = crowd.own_name().await;
    let refused = crowd.app.post(&format!("/api/v1/users/{own}/follow"), &json!({})).await.json_of(400);
    assert_eq!(refused["error"]["code"], "VALIDATION_ERROR");
    for path in ["/users/nobody_at_all", "/users/nobody_at_all/followers", "/users/nobody_at_all/follow"] {
        let missing = crowd.ask(&crowd.ann.key, Method::GET, path, None).await.json_of(404);
        assert_eq!(missing["error"]["code"], "NOT_FOUND", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_of_comments_is_written_voted_on_and_taken_back() {
    let crowd = Crowd::gather().await;
    let made = ids(&joke(&crowd.app, "Bugs").await.json_of(201))[0];
    let comments = format!("/creations/{made}/comments");
    let first = crowd.post(&crowd.ann.key, &comments, json!({"text": " Great creation! ", "parent_id": null})).await;
    let first = first.json_of(201)["data"].clone();
    assert_eq!((&first["text"], &first["parent_id"]), (&json!("Great creation!"), &Value::Null));
    let id = first["comment_id"].as_u64().unwrap();
    let answer = crowd.post(&crowd.bob.key, &comments, json!({"text": "Yes", "parent_id": id})).await.json_of(201);
    assert_eq!((&answer["data"]["parent_id"], &answer["data"]["depth"]), (&json!(id), &json!(1)));

    let vote = format!("/comments/{id}/vote");
    for (key, vote_of, score) in
        [(&crowd.ann.key, "up", 1), (&crowd.bob.key, "up", 2), (&crowd.bob.key, "up", 2), (&crowd.bob.key, "down", 0)]
    {
        let voted = crowd.post(key, &vote, json!({"vote": vote_of})).await.json_of(201);
        assert_eq!(voted["data"]["score"], score);
    }
    let wrong = crowd.post(&crowd.bob.key, &vote, json!({"vote": "sideways"})).await.json_of(400);
    assert!(wrong["error"]["message"].as_str().unwrap().contains("up, down"), "{wrong}");

    let page = crowd.get(&crowd.bob.key, &format!("{comments}?sort=oldest")).await;
    assert_eq!(page["meta"]["total"], 2);
    assert_eq!((&page["data"][0]["my_vote"], &page["data"][0]["upvotes"]), (&json!("down"), &json!(1)));

    let one = format!("/comments/{id}");
    let refused = crowd.ask(&crowd.bob.key, Method::DELETE, &one, None).await.json_of(403);
    assert_eq!(refused["error"]["code"], "FORBIDDEN");
    crowd.ask(&crowd.ann.key, Method::DELETE, &one, None).await.json_of(200);
    let page = crowd.get(&crowd.bob.key, &format!("{comments}?sort=oldest")).await;
    let gap = &page["data"][0];
    assert_eq!((&gap["deleted"], &gap["text"], &gap["username"]), (&json!(true), &Value::Null, &Value::Null));
    assert_eq!(page["data"][1]["text"], "Yes", "an answer stays");
    crowd.post(&crowd.bob.key, &comments, json!({"text": "Hm", "parent_id": id})).await.json_of(400);
    crowd.ask(&crowd.ann.key, Method::DELETE, &one, None).await.json_of(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_average_counts_each_persons_last_word() {
    let crowd = Crowd::gather().await;
    let made = ids(&joke(&crowd.app, "Bugs").await.json_of(201))[0];
    let rating = format!("/creations/{made}/rating");
    assert_eq!(crowd.get(&crowd.ann.key, &rating).await["data"]["average"], Value::Null);
    for (key, score) in [(&crowd.ann.key, 1), (&crowd.bob.key, 4), (&crowd.ann.key, 5)] {
        crowd.post(key, &rating, json!({"score": score})).await.json_of(201);
    }
    let rated = crowd.get(&crowd.ann.key, &rating).await;
    assert_eq!(rated["data"], json!({"creation_id": made, "average": 4.5, "count": 2, "my_score": 5}));
    for score in [json!(0), json!(6), json!(3.5), json!("five"), Value::Null] {
        let wrong = crowd.post(&crowd.bob.key, &rating, json!({"score": score})).await.json_of(400);
        assert!(wrong["error"]["message"].as_str().unwrap().contains("score"), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ratings_at_once_are_counted_exactly() {
    let crowd = Crowd::gather().await;
    let made = ids(&joke(&crowd.app, "Bugs").await.json_of(201))[0];
    let rating = format!("/creations/{made}/rating");
    let rate = |key: String, score: u32| {
        let (crowd, rating) = (&crowd, &rating);
        async move { crowd.post(&key, rating, json!({"score": score})).await.json_of(201) }
    };
    let keys = [&crowd.ann.key, &crowd.bob.key];
    let all = (0..40).map(|n| rate(keys[n % 2].clone(), (n % 5 + 1) as u32));
    futures::future::join_all(all).await;
    rate(crowd.ann.key.clone(), 2).await;
    rate(crowd.bob.key.clone(), 3).await;
    let rated = crowd.get(&crowd.ann.key, &rating).await;
    assert_eq!((&rated["data"]["average"], &rated["data"]["count"]), (&json!(2.5), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_private_is_neither_rated_nor_commented_on_by_strangers() {
    let crowd = Crowd::gather().await;
    let made = ids(&joke(&crowd.app, "Bugs").await.json_of(201))[0];
    let comments = format!("/creations/{made}/comments");
    let comment = crowd.post(&crowd.ann.key, &comments, json!({"text": "Nice"})).await.json_of(201);
    let comment = comment["data"]["comment_id"].as_u64().unwrap();
    let change = json!({"privacy_mode": 1});
    let one = format!("/api/v1/creations/{made}");
    Answer::of(crowd.app.request(Method::PATCH, &one).json(&change)).await.json_of(200);
    for (method, path, body) in [
        (Method::GET, comments.clone(), None),
        (Method::POST, comments.clone(), Some(json!({"text": "Again"}))),
        (Method::GET, format!("/creations/{made}/rating"), None),
        (Method::POST, format!("/creations/{made}/rating"), Some(json!({"score": 1}))),
        (Method::POST, format!("/comments/{comment}/vote"), Some(json!({"vote": "up"}))),
        (Method::DELETE, format!("/comments/{comment}"), None),
    ] {
        let answer = crowd.ask(&crowd.bob.key, method.clone(), &path, body).await;
        assert_eq!(answer.json_of(404)["error"]["code"], "NOT_FOUND", "{method} {path}");
    }
    let never = crowd.ask(&crowd.bob.key, Method::DELETE, "/comments/424242", None).await.json_of(404);
    let hidden = crowd.ask(&crowd.bob.key, Method::DELETE, &format!("/comments/{comment}"), None).await.json_of(404);
    assert_eq!(hidden, never, "a comment that is out of sight is as one that never was");
    // Who said something can still take it back.
    crowd.ask(&crowd.ann.key, Method::DELETE, &format!("/comments/{comment}"), None).await.json_of(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_made_joined_and_handed_over() {
    let crowd = Crowd::gather().await;
    let made = crowd.app.post("/api/v1/teams", &json!({"name": "My Creative Team"})).await.json_of(201)["data"].clone();
    let (id, code) = (made["team_id"].as_u64().unwrap(), made["invite_code"].as_str().unwrap().to_owned());
    assert_eq!((&made["role"], &made["member_count"]), (&json!("owner"), &json!(1)));
    let team = format!("/teams/{id}");
    crowd.ask(&crowd.ann.key, Method::GET, &team, None).await.json_of(404);

    let joined = crowd.ask(&crowd.ann.key, Method::POST, &format!("/teams/join/{code}"), None).await.json_of(201);
    assert_eq!((&joined["data"]["role"], &joined["data"]["member_count"]), (&json!("member"), &json!(2)));
    crowd.ask(&crowd.bob.key, Method::POST, "/teams/join/nonsense", None).await.json_of(404);
    let bob = crowd.name(&crowd.bob.key).await;
    crowd.post(&crowd.ann.key, &format!("{team}/members"), json!({"username": bob})).await.json_of(201);
    assert_eq!(crowd.get(&crowd.bob.key, "/teams").await["data"][0]["team_id"], id);

    // What only the owner may.
    let bob_id = crowd.get(&crowd.bob.key, "/users/me").await["data"]["user_id"].as_u64().unwrap();
    let ann_id = crowd.get(&crowd.ann.key, "/users/me").await["data"]["user_id"].as_u64().unwrap();
    let remove = format!("{team}/members/{bob_id}");
    crowd.ask(&crowd.ann.key, Method::DELETE, &remove, None).await.json_of(403);
    crowd.ask(&crowd.ann.key, Method::POST, &format!("{team}/invite"), None).await.json_of(403);
    Answer::of(crowd.app.request(Method::DELETE, &format!("/api/v1{remove}"))).await.json_of(200);
    crowd.ask(&crowd.bob.key, Method::GET, &team, None).await.json_of(404);
    let renewed = crowd.app.post(&format!("/api/v1{team}/invite"), &json!({})).await.json_of(201);
    assert_ne!(renewed["data"]["invite_code"], code.as_str());
    crowd.ask(&crowd.bob.key, Method::POST, &format!("/teams/join/{code}"), None).await.json_of(404);

    // The owner hands over, then leaves; the last one ends it.
    Answer::of(crowd.app.request(Method::DELETE, &format!("/api/v1{team}"))).await.json_of(409);
    let over = json!({"owner_id": ann_id});
    Answer::of(crowd.app.request(Method::PATCH, &format!("/api/v1{team}")).json(&over)).await.json_of(200);
    Answer::of(crowd.app.request(Method::DELETE, &format!("/api/v1{team}"))).await.json_of(200);
    assert_eq!(crowd.get(&crowd.ann.key, &team).await["data"]["owner_id"], ann_id);
    crowd.ask(&crowd.ann.key, Method::DELETE, &team, None).await.json_of(200);
    crowd.ask(&crowd.ann.key, Method::GET, &team, None).await.json_of(404);
    assert_eq!(crowd.get(&crowd.ann.key, "/teams").await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gift_moves_credits_once_whoever_asks_again() {
    let crowd = Crowd::gather().await;
    let bob = crowd.name(&crowd.bob.key).await;
    let body = json!({"username": bob, "credits": 25, "message": "Thank you!"});
    for replay in [false, true] {
        let request = crowd.app.request_as(&crowd.ann.key, Method::POST, "/api/v1/credits/gifts");
        let answer = Answer::of(request.header("idempotency-key", "once").json(&body)).await;
        let gift = answer.json_of(201);
        assert_eq!((&gift["data"]["status"], &gift["data"]["credits_remaining"]), (&json!("delivered"), &json!(75)));
        assert_eq!(answer.header("idempotency-replayed") == "true", replay);
    }
    let balance = crowd.get(&crowd.bob.key, "/credits/balance").await;
    assert_eq!((&balance["data"]["total"], &balance["data"]["earned"]), (&json!(25), &json!(25)));
    let ann = crowd.name(&crowd.ann.key).await;
    for (key, kind, amount, other) in
        [(&crowd.ann.key, "gift_sent", -25, &bob), (&crowd.bob.key, "gift_received", 25, &ann)]
    {
        let rows = crowd.get(key, &format!("/credits/transactions?type={kind}")).await;
        let row = &rows["data"][0];
        assert_eq!(
            (&rows["meta"]["total"], &row["amount"], &row["counterparty"]),
            (&json!(1), &json!(amount), &json!(other))
        );
    }
    let too_much = crowd.post(&crowd.ann.key, "/credits/gifts", json!({"username": bob, "credits": 76})).await;
    assert_eq!(too_much.json_of(402)["error"]["code"], "INSUFFICIENT_CREDITS");
    for credits in [json!(0), json!(-1), json!(0.000_000_1), json!("1")] {
        crowd.post(&crowd.ann.key, "/credits/gifts", json!({"username": bob, "credits": credits})).await.json_of(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_put_up_shown_to_everybody_and_taken_down() {
    let crowd = Crowd::gather().await;
    let own = crowd.own_name().await;
    let put = |bytes: Vec<u8>| crowd.app.request(Method::PUT, "/api/v1/users/me/avatar").body(bytes);
    // Wider than high, and of another kind than what is kept.
    let file = mintmark_media::sample(mintmark_media::MediaClass::Image, "photo.jpg").bytes.to_vec();
    let me = Answer::of(put(file)).await.json_of(200);
    let url = me["data"]["avatar"].as_str().unwrap().to_owned();
    assert!(url.contains("/avatar/") && url.ends_with(".jpg"), "{url}");
    let shown = crowd.app.client.get(&url).send().await.unwrap();
    assert_eq!((shown.status().as_u16(), &shown.headers()["content-type"]), (200, &"image/jpeg".parse().unwrap()));
    let kept = mintmark_media::probe(&shown.bytes().await.unwrap()).unwrap();
    assert_eq!((kept.width, kept.height), (Some(512), Some(512)));
    crowd.app.caught_up().await;
    let profile = crowd.get(&crowd.ann.key, &format!("/users/{own}")).await;
    assert_eq!(profile["data"]["avatar"], json!(url));

    for (bytes, word) in [(vec![], "picture"), (b"no picture at all".to_vec(), "avatar")] {
        let refused = Answer::of(put(bytes)).await.json_of(400);
        assert!(refused["error"]["message"].as_str().unwrap().contains(word), "{refused}");
    }
    // In process: over a socket the answer comes before all of it was sent.
    let key = format!("Bearer {}", crowd.app.account.key);
    let large = http::Request::put("/api/v1/users/me/avatar").header("authorization", key);
    let refused = crowd.app.oneshot(large.body(vec![0; (5 << 20) + 1].into()).unwrap()).await;
    assert_eq!(refused.status(), 413);
    let patch = |body: Value| crowd.app.request(Method::PATCH, "/api/v1/users/me").json(&body);
    let by_address = Answer::of(patch(json!({"avatar": "https://example.com/photo.png"}))).await.json_of(200);
    assert_ne!(by_address["data"]["avatar"], json!(url), "another picture has another address");
    let none = Answer::of(patch(json!({"avatar": null}))).await.json_of(200);
    assert_eq!(none["data"]["avatar"], Value::Null);
    crowd.app.caught_up().await;
    assert_eq!(crowd.app.client.get(&url).send().await.unwrap().status().as_u16(), 404, "what was taken down is gone");
    let inside = Answer::of(patch(json!({"avatar": "http://127.0.0.1/x.png"}))).await.json_of(400);
    assert!(inside["error"]["message"].as_str().unwrap().contains("avatar"), "{inside}");
    let gone = Answer::of(crowd.app.request(Method::DELETE, "/api/v1/users/me/avatar")).await.json_of(200);
    assert_eq!(gone["data"]["avatar"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_to_an_owner_leaves_the_invite_code_as_it_is() {
    let crowd = Crowd::gather().await;
    let made = crowd.post(&crowd.ann.key, "/teams", json!({"name": "Us"})).await.json_of(201);
    let (team, code) = (&made["data"]["team_id"], made["data"]["invite_code"].as_str().unwrap());
    let own = format!("/teams/{team}/members/{}", made["data"]["owner_id"]);
    let refused = crowd.ask(&crowd.ann.key, Method::DELETE, &own, None).await.json_of(409);
    assert_eq!(refused["error"]["code"], "VALIDATION_ERROR");
    crowd.post(&crowd.bob.key, &format!("/teams/join/{code}"), json!({})).await.json_of(201);
    for name in ["a\u{202e}b", "\u{200b}", ""] {
        let refused = crowd.post(&crowd.ann.key, "/teams", json!({ "name": name })).await.json_of(400);
        assert!(refused["error"]["message"].as_str().unwrap().starts_with("name"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_under_a_team_is_listed_there_and_paid_by_whoever_acts() {
    let crowd = Crowd::gather().await;
    let team = crowd.post(&crowd.ann.key, "/teams", json!({"name": "Us"})).await.json_of(201);
    let number = team["data"]["team_id"].clone();
    let body = json!({"prompt": "Bugs", "model_id": 3, "team_id": number});
    let made = crowd.post(&crowd.ann.key, "/generators/joke/generate", body.clone()).await.json_of(201);
    assert_eq!(made["data"]["credits_remaining"], 99, "of what she has herself");
    crowd.app.caught_up().await;
    let listed_there = crowd.get(&crowd.ann.key, &format!("/teams/{number}/creations")).await;
    assert_eq!(listed(&listed_there), ids(&made));
    for team in [number, json!(999_999), json!(-1)] {
        let body = json!({"prompt": "Bugs", "model_id": 3, "team_id": team});
        let refused = crowd.app.post("/api/v1/generators/joke/generate", &body).await.json_of(400);
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains("team_id"), "a team of others is none of one's own: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gift_that_cannot_be_had_comes_back_as_what_it_was() {
    let crowd = Crowd::gather().await;
    let bob = crowd.name(&crowd.bob.key).await;
    let before = crowd.get(&crowd.ann.key, "/credits/balance").await["data"].clone();
    crowd.app.core.set_suspended(crowd.bob.id, Some("a test".into())).await.unwrap();
    let given =
        crowd.post(&crowd.ann.key, "/credits/gifts", json!({"username": bob, "credits": 25})).await.json_of(201);
    assert_eq!((&given["data"]["status"], &given["data"]["credits_remaining"]), (&json!("returned"), &json!(100)));
    assert_eq!(crowd.get(&crowd.ann.key, "/credits/balance").await["data"], before, "paid credits are paid ones again");
}

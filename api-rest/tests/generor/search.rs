//! Search over HTTP: who finds what, in pages, and what is refused.

use http::Method;
use mintmark_domain::account::{Scope, Scopes};
use serde_json::{Value, json};

use super::support::{Answer, TestApp};
use super::{ids, joke, listed};

const SEARCH: &str = "/api/v1/creations/search";

/// What a stranger finds.
async fn find(app: &TestApp, query: &str) -> Value {
    Answer::of(app.anonymous(Method::GET, &format!("{SEARCH}?{query}"))).await.json_of(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_finds_what_is_public_and_whoever_hid_it_finds_it_no_more() {
    let app = TestApp::start().await;
    let dragon = ids(&joke(&app, "A Dragon above the Café").await.json_of(201))[0];
    let castle = ids(&joke(&app, "A castle").await.json_of(201))[0];
    app.caught_up().await;
    for query in ["q=dragon", "q=cafe+dragon", "q=DRAGN", "q=drag", "q=%22the+caf%C3%A9%22", "q=dragon&generator=joke"]
    {
        let page = find(&app, query).await;
        assert_eq!((listed(&page), &page["meta"]["total"]), (vec![dragon], &json!(1)), "{query}");
        assert_eq!(page["data"][0]["prompt"], "A Dragon above the Café");
    }
    for query in ["q=dragon+castle", "q=dragon&generator=image", "q=%F0%9F%90%89", "q=-dragon", "q=%27%29%3B--"] {
        let page = find(&app, query).await;
        assert_eq!((&page["data"], &page["meta"]["has_next"]), (&json!([]), &json!(false)), "{query}");
    }
    // With a narrow key as without any: all of it is public.
    let narrow = app.key_with(Scopes::only([Scope::ImagesWrite])).await;
    let own = Answer::of(app.request_as(&narrow, Method::GET, &format!("{SEARCH}?q=dragon"))).await.json_of(200);
    assert_eq!(listed(&own), [dragon]);

    let at = format!("/api/v1/creations/{dragon}");
    let change = |mode: u8| app.request(Method::PATCH, &at).json(&json!({ "privacy_mode": mode }));
    let hidden = Answer::of(change(1)).await;
    hidden.json_of(200);
    // At once: what is shown is judged anew, however far the words are applied.
    assert_eq!(find(&app, "q=dragon").await["data"], json!([]));
    assert_eq!(listed(&app.get(&format!("{SEARCH}?q=dragon")).await.json_of(200)), [0; 0]);
    Answer::of(change(0)).await.json_of(200);
    assert_eq!(listed(&app.get(&format!("{SEARCH}?q=dragon")).await.json_of(200)), [dragon]);
    Answer::of(app.request(Method::DELETE, &at)).await.json_of(200);
    assert_eq!(find(&app, "q=dragn").await["data"], json!([]));
    assert_eq!(listed(&find(&app, "q=castle").await), [castle]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_cut_one_order_and_what_comes_between_is_in_none() {
    let app = TestApp::start().await;
    let mut made = Vec::new();
    for prompt in ["a fox", "fox and fox", "a fox"] {
        made.push(ids(&joke(&app, prompt).await.json_of(201))[0]);
    }
    app.caught_up().await;
    let first = find(&app, "q=fox&per_page=2").await;
    assert_eq!((listed(&first), &first["meta"]["has_next"]), (vec![made[1], made[2]], &json!(true)));
    joke(&app, "fox fox fox fox").await.json_of(201);
    app.caught_up().await;
    let as_of = first["meta"]["as_of"].as_str().unwrap();
    let second = find(&app, &format!("q=fox&per_page=2&page=2&as_of={as_of}")).await;
    assert_eq!((listed(&second), &second["meta"]["total"]), (vec![made[0]], &json!(3)));
    assert_eq!(listed(&find(&app, "q=fox&sort=oldest&per_page=3").await), made);
    let newest = find(&app, "q=fox&sort=newest&per_page=4").await;
    assert_eq!(listed(&newest)[1..], [made[2], made[1], made[0]]);
    assert_eq!(find(&app, "q=fox&page=1000&per_page=100").await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_searched_for_is_refused_by_name() {
    let app = TestApp::start().await;
    let long = format!("q={}", "a".repeat(501));
    let wordy = format!("q={}", "a+".repeat(33));
    for (query, named) in [
        ("", "q is required"),
        ("q=", "q is required"),
        ("q=+", "q must have 1 to 500 characters"),
        (long.as_str(), "q must have 1 to 500 characters"),
        (wordy.as_str(), "q must have at most 32 words"),
        ("q=a&q=b", "q is said more than once"),
        ("q=a%00b", "characters that are not allowed"),
        ("q=a&sort=up", "sort must be one of: relevance, newest, oldest"),
        ("q=a&generator=nothing", "generator must be one of"),
        ("q=a&page=0", "page must be"),
        ("q=a&as_of=x", "as_of"),
    ] {
        let answer = Answer::of(app.request(Method::GET, &format!("{SEARCH}?{query}"))).await;
        let json = answer.json_of(400);
        assert_eq!(json["error"]["code"], "VALIDATION_ERROR", "{query}");
        assert!(json["error"]["message"].as_str().unwrap().contains(named), "{query}: {json}");
    }
    let most = format!("{SEARCH}?q={}", "%F0%9F%90%89".repeat(500));
    Answer::of(app.request(Method::GET, &most)).await.json_of(200);
}

//! Voices and influencers: made, renamed, trained and put away.

use mintmark_domain::account::{Scope, Scopes};
use serde_json::{Value, json};

use crate::app::{ask, ask_as, code, data, start};

const CREATE: &str =
    "mutation ($input: CreateInfluencerInput!) { createInfluencer(input: $input) { id handle displayName status } }";

fn photos(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("https://example.com/{n}.png")).collect()
}

fn influencer(handle: &str) -> Value {
    json!({"input": {"handle": handle, "displayName": "Sarah Chen", "photoUrls": photos(2)}})
}

#[tokio::test]
async fn a_voice_is_cloned_renamed_and_put_away() {
    let app = start().await;
    let create = "mutation ($name: String!, $urls: [String!]!) { createVoice(name: $name, sampleUrls: $urls) \
        { id name cloned sampleUrls } }";
    let urls = json!(["https://example.com/voice.wav"]);
    let made = ask(&app, create, json!({"name": " Narrator ", "urls": urls})).await;
    let voice = &data(&made)["createVoice"];
    assert_eq!((&voice["name"], &voice["cloned"]), (&json!("Narrator"), &json!(true)));
    assert_eq!(voice["sampleUrls"].as_array().unwrap().len(), 1);
    let listed = ask(&app, "{ voices { id } all: voices(stock: true) { id cloned } }", Value::Null).await;
    assert_eq!(data(&listed)["voices"], json!([{"id": voice["id"]}]));
    assert!(listed["data"]["all"].as_array().unwrap().len() > 1);
    let rename = "mutation ($id: ID!, $name: String!) { renameVoice(id: $id, name: $name) { id name } }";
    let renamed = ask(&app, rename, json!({"id": voice["id"], "name": "Reader"})).await;
    assert_eq!(data(&renamed)["renameVoice"], json!({"id": voice["id"], "name": "Reader"}));
    let archive = "mutation ($id: ID!) { archiveVoice(id: $id) }";
    assert_eq!(data(&ask(&app, archive, json!({"id": voice["id"]})).await)["archiveVoice"], true);
    assert_eq!(data(&ask(&app, "{ voices { id } }", Value::Null).await)["voices"], json!([]));
    assert_eq!(code(&ask(&app, archive, json!({"id": voice["id"]})).await), "NOT_FOUND");
    for (variables, field) in [
        (json!({"name": "", "urls": urls}), "name"),
        (json!({"name": "x".repeat(101), "urls": urls}), "name"),
        (json!({"name": "x", "urls": []}), "sampleUrls"),
        (json!({"name": "x", "urls": ["https://example.com/a.png"]}), "sampleUrls"),
        (json!({"name": "x", "urls": ["https://10.0.0.1/a.wav"]}), "sampleUrls"),
    ] {
        let refused = ask(&app, create, variables).await;
        assert_eq!((code(&refused), &refused["errors"][0]["extensions"]["field"]), ("BAD_USER_INPUT", &json!(field)));
    }
}

#[tokio::test]
async fn an_influencer_goes_from_draft_to_ready_and_away() {
    let app = start().await;
    let made = ask(&app, CREATE, influencer("@Sarah")).await;
    let made = &data(&made)["createInfluencer"];
    assert_eq!([&made["handle"], &made["displayName"], &made["status"]], ["sarah", "Sarah Chen", "DRAFT"]);
    let id = json!({"id": made["id"]});
    assert_eq!(code(&ask(&app, CREATE, influencer("sarah")).await), "BAD_USER_INPUT", "the handle is taken");
    let train = "mutation ($id: ID!) { trainInfluencer(id: $id) { status } }";
    assert_eq!(data(&ask(&app, train, id.clone()).await)["trainInfluencer"]["status"], "TRAINING");
    assert_eq!(app.end_trainings().await, 1);
    let look = "query ($id: ID!) { influencer(id: $id) { status photoUrls } ready: influencers(status: READY) { id } \
        drafts: influencers(status: DRAFT) { id } }";
    let seen = ask(&app, look, id.clone()).await;
    assert_eq!(data(&seen)["influencer"]["status"], "READY");
    assert_eq!(seen["data"]["influencer"]["photoUrls"].as_array().unwrap().len(), 2);
    assert_eq!((&seen["data"]["ready"][0]["id"], &seen["data"]["drafts"]), (&made["id"], &json!([])));
    let update = "mutation ($id: ID!, $input: UpdateInfluencerInput!) { updateInfluencer(id: $id, input: $input) \
        { handle displayName status photoUrls } }";
    let change = json!({"id": made["id"], "input": {"handle": "sally", "photoUrls": photos(1)}});
    let changed = ask(&app, update, change).await;
    let changed = &data(&changed)["updateInfluencer"];
    assert_eq!([&changed["handle"], &changed["displayName"], &changed["status"]], ["sally", "Sarah Chen", "READY"]);
    assert_eq!(changed["photoUrls"].as_array().unwrap().len(), 1);
    let archive = "mutation ($id: ID!) { archiveInfluencer(id: $id) { status } }";
    assert_eq!(data(&ask(&app, archive, id.clone()).await)["archiveInfluencer"]["status"], "ARCHIVED");
    assert_eq!(code(&ask(&app, train, id).await), "BAD_USER_INPUT", "an archived one is not trained");
    let again = ask(&app, CREATE, influencer("sally")).await;
    assert_eq!(data(&again)["createInfluencer"]["handle"], "sally", "its handle is free again");
}

#[tokio::test]
async fn others_influencers_do_not_exist_and_scopes_are_needed() {
    let app = start().await;
    let made = ask(&app, CREATE, influencer("sarah")).await;
    let id = json!({"id": data(&made)["createInfluencer"]["id"]});
    let other = app.register(mintmark_domain::account::Tier::Unlimited, 0).await;
    let look = "query ($id: ID!) { influencer(id: $id) { status } influencers { id } }";
    let seen = ask_as(&app, &other.key, look, id.clone()).await;
    assert_eq!(data(&seen), &json!({"influencer": null, "influencers": []}));
    let train = "mutation ($id: ID!) { trainInfluencer(id: $id) { status } }";
    assert_eq!(code(&ask_as(&app, &other.key, train, id.clone()).await), "NOT_FOUND");
    let narrow = app.key_with(Scopes::only([Scope::InfluencersRead])).await;
    assert_eq!(data(&ask_as(&app, &narrow, look, id.clone()).await)["influencer"]["status"], "DRAFT");
    assert_eq!(code(&ask_as(&app, &narrow, train, id).await), "FORBIDDEN");
    assert_eq!(code(&ask_as(&app, &narrow, "{ voices { id } }", Value::Null).await), "FORBIDDEN");
    for handle in ["", "a", "with space", &"x".repeat(31)] {
        let refused = ask(&app, CREATE, influencer(handle)).await;
        assert_eq!(refused["errors"][0]["extensions"]["field"], "handle", "{handle:?} {refused}");
    }
}

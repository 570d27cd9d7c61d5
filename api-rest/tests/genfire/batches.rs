//! Batches over HTTP: as printed, judged as the single endpoints judge, and their owner's alone.

use http::Method;
use mintmark_domain::account::Tier;
use mintmark_domain::ids::RunId;
use serde_json::{Value, json};

use crate::shape::Example;
use crate::support::{Answer, Options, TestApp};

const BATCHES: &str = "/v1/batches";
/// The operation that most of these batch.
const IMAGES: &str = "images.generations.create";

fn of(target: &str, inputs: &[Value]) -> Value {
    let items: Vec<Value> = inputs.iter().map(|input| json!({"input": input})).collect();
    json!({"mode": "operation", "target": target, "concurrency": 2, "items": items})
}

fn prompt(text: &str) -> Value {
    json!({"prompt": text})
}

async fn app() -> TestApp {
    TestApp::with(Options { instant: true, ..Options::default() }).await
}

/// Waits for the end of a batch's runs, then of the batch.
async fn over(app: &TestApp, batch: &Value) -> Value {
    let id = batch["id"].as_str().unwrap().to_owned();
    let batch: mintmark_domain::ids::BatchId = id.parse().unwrap();
    let begun = std::time::Instant::now();
    loop {
        let state = app.core.batch_state(batch).await.unwrap();
        if state.status().is_ended() {
            return app.get(&format!("{BATCHES}/{id}")).await.json_of(200);
        }
        assert!(begun.elapsed().as_secs() < 60, "the batch does not end: {state:?}");
        for index in 0..u32::try_from(state.items().len()).unwrap() {
            app.core.dispatch.ended(RunId::of_item(batch, index), std::time::Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn a_batch_is_answered_as_printed_and_ends_with_its_items() {
    let app = app().await;
    let body = of(IMAGES, &[prompt("Portable blender"), json!({"prompt": "Two blenders", "count": 2})]);
    let answer = app.post_keyed(BATCHES, "one", &body).await;
    let made = answer.json_of(201);
    Example::named("batches_create").assert_shape_of(&answer.bytes, &["items[].input_summary"]);
    assert_eq!((&made["status"], &made["total_items"], &made["concurrency"]), (&json!("queued"), &json!(2), &json!(2)));
    assert_eq!(made["input_summary"], json!({"mode": "operation", "target": IMAGES, "item_count": 2}));
    assert_eq!(made["items"][1]["input_summary"]["count"], 2);
    assert_eq!(made["items"][0]["input_summary"]["prompt"], "Portable blender");
    let ended = over(&app, &made).await;
    assert_eq!((&ended["status"], &ended["completed_items"]), (&json!("completed"), &json!(2)));
    assert_eq!(ended["output"], json!({"completed_items": 2, "failed_items": 0, "cancelled_items": 0}));
    assert!(ended["completed_at"].is_string());
    assert_eq!(app.available().await.to_string(), (100_000 - 9).to_string(), "three images");
    let path = format!("{BATCHES}/{}/items", made["id"].as_str().unwrap());
    let answer = app.get(&path).await;
    let items = answer.json_of(200);
    Example::named("batch_items").assert_shape_of(&answer.bytes, &["data[].input_summary", "+has_more"]);
    for (made, item) in made["items"].as_array().unwrap().iter().zip(items["data"].as_array().unwrap()) {
        assert_eq!((&made["id"], &made["index"]), (&item["id"], &item["index"]));
        assert_eq!(made["input_summary"], item["input_summary"], "the same before and after");
        let run = app.get(&format!("/v1/runs/{}", item["run_id"].as_str().unwrap())).await.json_of(200);
        assert_eq!((&item["status"], &item["completed_at"]), (&json!("completed"), &run["completed_at"]));
        assert_eq!(item["output"]["images"].as_array().map(Vec::len), run["output"]["images"].as_array().map(Vec::len));
    }
}

#[tokio::test]
async fn a_batch_of_videos_is_judged_as_videos_are() {
    let app = app().await;
    let video = json!({"prompt": "A watch", "duration": 4, "generate_audio": false});
    let made = app.post_keyed(BATCHES, "one", &of("videos.generations.create", &[video])).await.json_of(201);
    assert_eq!(made["items"][0]["input_summary"]["duration"], 4);
    assert_eq!(over(&app, &made).await["status"], "completed");
}

#[tokio::test]
async fn a_wrong_item_refuses_the_batch_and_is_named_by_its_place() {
    let app = app().await;
    let good = prompt("A bottle");
    let wrong = async |input: Value, named: &str| {
        let body = of(IMAGES, &[good.clone(), good.clone(), good.clone(), input.clone()]);
        let problem = app.post_keyed(BATCHES, "one", &body).await.json_of(400);
        let detail = problem["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(&format!("items[3].input{named}")), "{input}: {detail}");
        // The single endpoint says the same of the same body.
        let single = app.post_keyed("/v1/images/generations", "one", &input).await.json_of(400);
        assert_eq!(problem["code"], single["code"], "{detail}");
        assert!(detail.ends_with(single["detail"].as_str().unwrap()), "{detail}: {single}");
    };
    wrong(json!({"prompt": "x", "aspect_ratio": "7:1"}), ".aspect_ratio").await;
    wrong(json!({"prompt": "x", "count": 99}), ".count").await;
    wrong(json!({"prompt": "x", "count": "two"}), ".count").await;
    wrong(json!({}), ".prompt").await;
    wrong(json!({"prompt": "x", "model": "image.none"}), "").await;
    wrong(json!({"prompt": "x", "image_url": "https://127.0.0.1/a.png"}), ".image_url").await;
    assert_eq!(app.available().await.to_string(), "100000", "nothing is held");
    assert_eq!(app.get(BATCHES).await.json_of(200)["data"], json!([]));
}

#[tokio::test]
async fn fields_of_the_batch_are_named_with_what_is_allowed() {
    let app = app().await;
    let usual = of(IMAGES, &[prompt("A bottle")]);
    let said = async |change: fn(&mut Value)| {
        let mut body = usual.clone();
        change(&mut body);
        app.post_keyed(BATCHES, "one", &body).await.json_of(400)["detail"].as_str().unwrap().to_owned()
    };
    assert_eq!(said(|body| body["mode"] = json!("both")).await, "mode must be one of: workflow, operation.");
    assert!(said(|body| drop(body.as_object_mut().unwrap().remove("mode"))).await.contains("mode is required"));
    assert!(said(|body| drop(body.as_object_mut().unwrap().remove("target"))).await.contains("target is required"));
    let target = said(|body| body["target"] = json!("audio.speech.create")).await;
    assert!(target.contains("images.generations.create, videos.generations.create"), "{target}");
    for bad in [json!(0), json!(51), json!(-1)] {
        let mut body = usual.clone();
        body["concurrency"] = bad;
        let problem = app.post_keyed(BATCHES, "one", &body).await.json_of(400);
        assert_eq!(problem["detail"], "concurrency must be a whole number from 1 to 50.");
    }
    assert_eq!(said(|body| body["items"] = json!([])).await, "items must hold 1 to 10000 items.");
    assert_eq!(said(|body| body["items"] = json!([{}])).await, "items[0].input is required.");
    assert_eq!(said(|body| body["items"] = json!([{"input": 3}])).await, "items[0].input must be an object, not 3.");
    let unkeyed = app.post(BATCHES, &usual).await.json_of(400);
    assert_eq!(unkeyed["code"], "idempotency_key_required");
}

#[tokio::test]
async fn the_same_request_is_the_same_batch_and_another_body_is_refused() {
    let app = app().await;
    let body = of(IMAGES, &[prompt("A bottle")]);
    let first = app.post_keyed(BATCHES, "one", &body).await.json_of(201);
    over(&app, &first).await;
    let again = app.post_keyed(BATCHES, "one", &body).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    let again = again.json_of(201);
    assert_eq!((&again["id"], &again["status"]), (&first["id"], &json!("completed")));
    assert_eq!(again["items"][0]["status"], "completed");
    let other = app.post_keyed(BATCHES, "one", &of(IMAGES, &[prompt("A vase")])).await.json_of(422);
    assert_eq!(other["code"], "idempotency_key_reused");
    assert_eq!(app.available().await.to_string(), (100_000 - 3).to_string());
}

#[tokio::test]
async fn a_batch_that_cannot_be_paid_in_whole_is_402_and_can_be_said_again() {
    let app = TestApp::with(Options { instant: true, credits: 5, ..Options::default() }).await;
    let body = of(IMAGES, &[prompt("A bottle"), prompt("A vase")]);
    assert_eq!(app.post_keyed(BATCHES, "one", &body).await.json_of(402)["code"], "insufficient_credits");
    let rich = app.register(Tier::Unlimited, 6).await;
    let request = app.request_as(&rich.key, Method::POST, BATCHES).header("Idempotency-Key", "one").json(&body);
    Answer::of(request).await.json_of(201);
}

#[tokio::test]
async fn a_cancelled_batch_starts_nothing_more_and_says_so() {
    let app = app().await;
    let slow = prompt("A bottle [sandbox:slow=2]");
    let mut body = of(IMAGES, &[slow, prompt("A vase"), prompt("A cup")]);
    body["concurrency"] = json!(1);
    let made = app.post_keyed(BATCHES, "one", &body).await.json_of(201);
    let path = format!("{BATCHES}/{}", made["id"].as_str().unwrap());
    let first = RunId::of_item(made["id"].as_str().unwrap().parse().unwrap(), 0);
    while app.core.run_state(first).await.unwrap().requested().is_none() {
        tokio::task::yield_now().await;
    }
    let stopped = Answer::of(app.request(Method::POST, &format!("{path}/cancel"))).await.json_of(202);
    assert_eq!((&stopped["status"], &stopped["failed_items"]), (&json!("processing"), &json!(2)));
    let ended = over(&app, &made).await;
    assert_eq!((&ended["status"], &ended["completed_items"]), (&json!("partial"), &json!(1)));
    assert_eq!(ended["output"], json!({"completed_items": 1, "failed_items": 2, "cancelled_items": 2}));
    let items = app.get(&format!("{path}/items")).await.json_of(200);
    assert_eq!(items["data"][2]["error"]["code"], "cancelled");
    assert_eq!((&items["data"][2]["status"], &items["data"][2]["run_id"]), (&json!("failed"), &Value::Null));
    assert_eq!(
        Answer::of(app.request(Method::POST, &format!("{path}/cancel"))).await.json_of(200)["status"],
        "partial"
    );
    assert_eq!(app.available().await.to_string(), (100_000 - 3).to_string());
}

#[tokio::test]
async fn lists_are_filtered_and_walked_and_items_come_whole_or_in_pages() {
    let app = app().await;
    let failing = [prompt("[sandbox:fail]"), prompt("A vase")];
    let mut ids = Vec::new();
    for (key, inputs) in [("a", &failing[..1]), ("b", &failing[..]), ("c", &failing[1..])] {
        let made = app.post_keyed(BATCHES, key, &of(IMAGES, inputs)).await.json_of(201);
        over(&app, &made).await;
        ids.push(made["id"].clone());
    }
    let listed = async |query: &str| -> Vec<Value> {
        let list = app.get(&format!("{BATCHES}?{query}")).await.json_of(200);
        list["data"].as_array().unwrap().iter().map(|batch| batch["id"].clone()).collect()
    };
    assert_eq!(listed("").await, [ids[2].clone(), ids[1].clone(), ids[0].clone()]);
    assert_eq!(listed("status=failed").await, [ids[0].clone()]);
    assert_eq!(listed("status=partial").await, [ids[1].clone()]);
    assert_eq!(listed("status=completed&mode=operation").await, [ids[2].clone()]);
    assert!(listed("mode=workflow").await.is_empty() && listed("target=hook_pack").await.is_empty());
    let first = app.get(&format!("{BATCHES}?limit=2")).await.json_of(200);
    assert_eq!(first["has_more"], true);
    let next = listed(&format!("limit=2&starting_after={}", ids[1].as_str().unwrap())).await;
    assert_eq!(next, [ids[0].clone()]);
    for bad in ["limit=0", "limit=101", "status=done", "mode=x", "starting_after=batch_1"] {
        app.get(&format!("{BATCHES}?{bad}")).await.json_of(400);
    }
    let list = app.get(BATCHES).await;
    Example::named("batches").assert_shape_of(&list.bytes, &["+has_more"]);
    let items = format!("{BATCHES}/{}/items", ids[1].as_str().unwrap());
    let page = app.get(&format!("{items}?limit=1")).await.json_of(200);
    assert_eq!((page["data"].as_array().unwrap().len(), &page["has_more"]), (1, &json!(true)));
    assert_eq!(page["data"][0]["error"]["code"], "provider_failed");
    let after = page["data"][0]["id"].as_str().unwrap();
    let rest = app.get(&format!("{items}?limit=1&starting_after={after}")).await.json_of(200);
    assert_eq!((&rest["data"][0]["index"], &rest["has_more"]), (&json!(1), &json!(false)));
    app.get(&format!("{items}?starting_after=batch_item_1")).await.json_of(400);
}

#[tokio::test]
async fn a_batch_is_its_owners_alone() {
    let app = app().await;
    let made = app.post_keyed(BATCHES, "one", &of(IMAGES, &[prompt("A bottle")])).await.json_of(201);
    let path = format!("{BATCHES}/{}", made["id"].as_str().unwrap());
    let other = app.register(Tier::Unlimited, 10).await;
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::GET, format!("{path}/items")),
        (Method::POST, format!("{path}/cancel")),
        (Method::GET, format!("{BATCHES}/nothing")),
    ] {
        let answer = Answer::of(app.request_as(&other.key, method, &path)).await;
        assert_eq!(answer.json_of(404)["code"], "not_found", "{path}");
    }
    let request = app.request_as(&other.key, Method::GET, BATCHES);
    assert_eq!(Answer::of(request).await.json_of(200)["data"], json!([]));
}

#[tokio::test]
async fn never_more_items_run_than_was_said() {
    let app = TestApp::start().await;
    let inputs: Vec<Value> = (0..9).map(|n| prompt(&format!("A bottle {n} [sandbox:slow=0]"))).collect();
    let mut body = of(IMAGES, &inputs);
    body["concurrency"] = json!(3);
    let made = app.post_keyed(BATCHES, "one", &body).await.json_of(201);
    let batch: mintmark_domain::ids::BatchId = made["id"].as_str().unwrap().parse().unwrap();
    // The log says at every moment how many ran: each start and end is one of its events.
    let ended = over(&app, &made).await;
    assert_eq!(ended["status"], "completed");
    let stream =
        mintmark_domain::es::StreamId { aggregate: mintmark_domain::es::AggregateType::named("batch"), id: batch.0 };
    let (mut running, mut most) = (0, 0);
    for event in app.events_of(stream).await {
        match event.event_type.as_str() {
            "batch.item_started" => running += 1,
            "batch.item_finished" => running -= 1,
            _ => {}
        }
        most = most.max(running);
        assert!(running <= 3);
    }
    assert_eq!((running, most), (0, 3), "as many as were allowed, at some moment");
}

#[tokio::test]
async fn a_batch_of_a_workflow_is_as_printed_and_each_item_is_a_run_of_it() {
    let app = TestApp::start().await;
    let example = Example::named("batches_create");
    let answer = app.post_keyed(BATCHES, "one", &example.request).await;
    let made = answer.json_of(201);
    example.assert_shape_of(&answer.bytes, &["items[].input_summary"]);
    assert_eq!((&made["mode"], &made["target"]), (&json!("workflow"), &json!("hook_pack")));
    assert_eq!(made["items"][0]["input_summary"]["prompt"], "Portable blender for busy professionals");
    let ended = over(&app, &made).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let items = app.get(&format!("{BATCHES}/{}/items", made["id"].as_str().unwrap())).await.json_of(200);
    for (made, item) in made["items"].as_array().unwrap().iter().zip(items["data"].as_array().unwrap()) {
        assert_eq!(item["input_summary"], made["input_summary"]);
        let run = app.get(&format!("/v1/runs/{}", item["run_id"].as_str().unwrap())).await.json_of(200);
        assert_eq!((&run["capability"], &run["output"]), (&json!("workflow.hook_pack"), &item["output"]));
        assert!(item["output"].is_object(), "{item}");
    }
    let listed = app.get(&format!("{BATCHES}?mode=workflow&target=hook_pack")).await.json_of(200);
    assert_eq!(listed["data"][0]["id"], made["id"]);
    let usage = app.get("/v1/usage?group_by=capability").await.json_of(200);
    assert_eq!(usage["breakdown"][0]["group"], "workflow.hook_pack");
    assert_eq!(usage["breakdown"][0]["runs_count"], 2);
}

#[tokio::test]
async fn a_wrong_workflow_or_field_is_named() {
    let app = app().await;
    let body = json!({"mode": "workflow", "target": "nothing", "items": [{"input": {"prompt": "x"}}]});
    let problem = app.post_keyed(BATCHES, "one", &body).await.json_of(400);
    assert!(problem["detail"].as_str().unwrap().contains("hook_pack"), "{problem}");
    let body = json!({"mode": "workflow", "target": "hook_pack",
        "items": [{"input": {"prompt": "x"}}, {"input": {"prompt": "x", "tone": 7}}]});
    let problem = app.post_keyed(BATCHES, "one", &body).await.json_of(400);
    let single = app.post_keyed("/v1/workflows/hook_pack/runs", "one", &json!({"prompt": "x", "tone": 7})).await;
    let single = single.json_of(400);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("items[1].input.") && detail.ends_with(single["detail"].as_str().unwrap()), "{detail}");
    assert_eq!(problem["code"], single["code"]);
}

#[tokio::test]
async fn ten_thousand_items_are_one_batch_and_one_more_is_none() {
    let app = app().await;
    let items = |count: usize| -> Vec<Value> { (0..count).map(|number| prompt(&format!("boat {number}"))).collect() };
    let refused = app.post_keyed(BATCHES, "more", &of(IMAGES, &items(10_001))).await.json_of(400);
    assert!(refused["detail"].as_str().unwrap().contains("10000"), "{refused}");
    assert_eq!(app.available().await.to_string(), "100000", "nothing was held");
    let made = app.post_keyed(BATCHES, "all", &of(IMAGES, &items(10_000))).await.json_of(201);
    assert_eq!((&made["total_items"], made["items"].as_array().unwrap().len()), (&json!(10_000), 10_000));
    assert_eq!(app.available().await.to_string(), "70000", "all of it is held");
    let id = made["id"].as_str().unwrap();
    let stopped = app.post_keyed(&format!("{BATCHES}/{id}/cancel"), "stop", &json!({})).await;
    let expected = if stopped.json()["status"] == "processing" { 202 } else { 200 };
    stopped.json_of(expected); // items under way may have ended by then or not
    let batch: mintmark_domain::ids::BatchId = id.parse().unwrap();
    let begun = std::time::Instant::now();
    let ended = loop {
        let state = app.core.batch_state(batch).await.unwrap();
        if state.status().is_ended() {
            break state;
        }
        assert!(begun.elapsed().as_secs() < 60, "the batch does not end");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let delivered = ended.counts().0;
    assert!(delivered < 10_000, "it was stopped");
    assert_eq!(app.available().await.to_string(), (100_000 - 3 * delivered).to_string(), "the rest came back");
}

//! The GirlGeneratorAI document, line by line.

use std::time::Duration;

use http::Method;
use mintmark_api_rest::http::limits::RateLimits;
use mintmark_domain::Credits;
use mintmark_domain::account::{Scope, Scopes, Tier};
use serde_json::{Value, json};

use crate::support::{Answer, Options, TestApp};

const GENERATE: &str = "/api/v1/generate";

fn girl() -> Value {
    json!({"scene": "text-to-image", "prompt": "a cute anime girl with blue hair, detailed portrait", "aspect_ratio": "1:1"})
}

async fn ended(app: &TestApp, task_id: &str) -> Value {
    for _ in 0..400 {
        let task = app.get(&format!("/api/v1/tasks/{task_id}")).await.json_of(200);
        if task["status"] == "success" || task["status"] == "failed" {
            return task;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{task_id} did not end");
}

fn message(answer: &Answer) -> String {
    answer.json()["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_printed_request_is_answered_as_printed_and_delivers_an_image() {
    let app = TestApp::start().await;
    let answer = app.post(GENERATE, &girl()).await;
    let body = answer.json_of(201);
    assert_eq!(body["status"], "pending");
    assert_eq!(body["credits_used"], 1);
    assert_eq!(body["credits_remaining"], 99_999);
    let task_id = body["task_id"].as_str().unwrap();
    assert!(task_id.len() == 32 && task_id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(body.as_object().unwrap().len(), 4, "{body}");
    assert!(!answer.header("x-log-position").is_empty());

    let task = ended(&app, task_id).await;
    assert_eq!((&task["task_id"], &task["status"]), (&json!(task_id), &json!("success")));
    let images = task["images"].as_array().unwrap();
    assert_eq!((images.len(), task.as_object().unwrap().len()), (1, 3));
    let file = Answer::of(app.client.get(images[0].as_str().unwrap())).await;
    assert_eq!(file.status, 200);
    assert!(file.header("content-type").starts_with("image/"));
    assert!(file.bytes.len() > 1_000);
    // The books agree with what was said.
    assert_eq!(app.available().await, Credits::whole(99_999));
    // Every form of the id is the same task.
    for form in [format!("run_{task_id}"), uuid::Uuid::parse_str(task_id).unwrap().to_string()] {
        assert_eq!(app.get(&format!("/api/v1/tasks/{form}")).await.json_of(200)["task_id"], task_id);
    }
}

#[tokio::test]
async fn an_image_is_made_from_reference_images() {
    let app = TestApp::start().await;
    let body = json!({
        "scene": "image-to-image",
        "prompt": "the same in watercolour",
        "image_input": ["https://example.com/reference.png"],
    });
    let submitted = app.post(GENERATE, &body).await.json_of(201);
    assert_eq!(submitted["credits_used"], 1);
    let task = ended(&app, submitted["task_id"].as_str().unwrap()).await;
    assert_eq!(task["status"], "success", "{task}");
}

#[tokio::test]
async fn a_model_may_be_named_that_costs_one_to_three_credits() {
    let app = TestApp::start().await;
    let models: Vec<String> = app
        .core
        .catalog
        .offered_in(mintmark_domain::catalog::Dialect::GirlGenerator)
        .filter_map(|model| model.name_in(mintmark_domain::catalog::Dialect::GirlGenerator))
        .collect();
    assert!(models.len() >= 3, "{models:?}");
    for model in models {
        let mut body = girl();
        body["model"] = json!(model);
        let submitted = app.post(GENERATE, &body).await.json_of(201);
        assert!((1..=3).contains(&submitted["credits_used"].as_i64().unwrap()), "{model}: {submitted}");
    }
    let mut body = girl();
    // One that is not among them, whether there is such a model or not, is told which are.
    for model in ["nowhere", "gpt-image-2", "image.nano_banana_2"] {
        body["model"] = json!(model);
        let refused = app.post(GENERATE, &body).await;
        assert_eq!(refused.status, 422, "{model}");
        let said = message(&refused);
        assert!(said.starts_with("model has a value that is not allowed here. Allowed: "), "{said}");
        assert!(said.contains("nano-banana-2") && !said.contains("gpt-image-2"), "{said}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_422_and_named() {
    let app = TestApp::start().await;
    let with = |field: &str, value: Value| {
        let mut body = girl();
        body[field] = value;
        body
    };
    let long = "x".repeat(2_001);
    let cases = [
        (json!({"prompt": "x"}), "scene is required."),
        (json!({"scene": "text-to-image"}), "prompt is required."),
        (with("scene", json!("text-to-video")), "scene must be one of: text-to-image, image-to-image."),
        (with("scene", json!("image-to-image")), "image_input is required for the scene image-to-image."),
        (
            with("image_input", json!(["https://example.com/a.png"])),
            "image_input is only for the scene image-to-image.",
        ),
        (with("prompt", json!("  ")), "prompt is required."),
        (with("prompt", json!(7)), "prompt must be a string, not 7."),
        (with("prompt", json!(long)), "prompt must be at most 2000 characters."),
        (with("aspect_ratio", json!("5:4")), "aspect_ratio must be one of: auto, 1:1, 3:2, 2:3, 9:16, 16:9, 3:4, 4:3."),
        (with("image_input", json!("https://example.com/a.png")), "image_input must be an array, not a string."),
    ];
    for (body, why) in cases {
        let answer = app.post(GENERATE, &body).await;
        assert_eq!(answer.json_of(422)["error"]["code"], "invalid_params", "{body}");
        assert_eq!(message(&answer), why);
    }
    // Characters, not bytes; and every ratio that is printed.
    assert_eq!(app.post(GENERATE, &with("prompt", json!("ü".repeat(2_000)))).await.status, 201);
    for ratio in ["auto", "1:1", "3:2", "2:3", "9:16", "16:9", "3:4", "4:3"] {
        assert_eq!(app.post(GENERATE, &with("aspect_ratio", json!(ratio))).await.status, 201, "{ratio}");
    }
    let images = |count| json!({"scene": "image-to-image", "prompt": "x", "image_input": vec!["https://example.com/a.png"; count]});
    assert_eq!(app.post(GENERATE, &images(10)).await.status, 201);
    let many = app.post(GENERATE, &images(11)).await;
    assert_eq!((many.status, message(&many).as_str()), (422, "image_input may hold at most 10 addresses."));
    // An address that no network of ours may reach is refused before anything is held.
    let before = app.available().await;
    let inside = json!({"scene": "image-to-image", "prompt": "x", "image_input": ["https://127.0.0.1/a.png"]});
    let refused = app.post(GENERATE, &inside).await;
    assert_eq!(refused.status, 422);
    assert!(message(&refused).starts_with("image_input: "), "{}", message(&refused));
    assert_eq!(app.available().await, before);
}

#[tokio::test]
async fn without_credits_it_is_403_and_says_what_is_needed() {
    let app = TestApp::with(Options { credits: 0, ..Options::default() }).await;
    let answer = app.post(GENERATE, &girl()).await;
    assert_eq!(answer.json_of(403)["error"]["code"], "insufficient_credits");
    assert_eq!(message(&answer), "Insufficient credits: this costs up to 1 and the account has 0 available.");
}

#[tokio::test]
async fn of_two_hundred_at_once_with_funds_for_seven_exactly_seven_are_taken() {
    let app = TestApp::with(Options { credits: 7, instant: true, ..Options::default() }).await;
    let body = girl();
    let asked = futures::future::join_all((0..200).map(|_| app.post(GENERATE, &body))).await;
    assert_eq!(asked.iter().filter(|answer| answer.status == 201).count(), 7);
    assert!(asked.iter().all(|answer| matches!(answer.status, 201 | 403)));
    assert_eq!(app.available().await, Credits::ZERO);
}

#[tokio::test]
async fn a_failure_says_why_and_costs_nothing() {
    let app = TestApp::start().await;
    let body = json!({"scene": "text-to-image", "prompt": "[sandbox:moderate] a portrait"});
    let submitted = app.post(GENERATE, &body).await.json_of(201);
    let task = ended(&app, submitted["task_id"].as_str().unwrap()).await;
    assert_eq!(task["status"], "failed", "{task}");
    assert!(task["error"].as_str().is_some_and(|error| !error.is_empty()));
    assert!(task.get("images").is_none());
    assert_eq!(app.available().await, Credits::whole(100_000));
}

#[tokio::test]
async fn another_accounts_task_and_one_that_never_was_are_the_same_404() {
    let app = TestApp::start().await;
    let task_id = app.post(GENERATE, &girl()).await.json_of(201)["task_id"].as_str().unwrap().to_owned();
    let other = app.register(Tier::Unlimited, 1).await;
    let theirs = Answer::of(app.request_as(&other.key, Method::GET, &format!("/api/v1/tasks/{task_id}"))).await;
    let never = app.get(&format!("/api/v1/tasks/{}", "0".repeat(32))).await;
    let odd = app.get("/api/v1/tasks/abc123").await;
    for answer in [theirs, never, odd] {
        assert_eq!(answer.json_of(404), json!({"error": {"code": "task_not_found", "message": "Task not found."}}));
    }
}

#[tokio::test]
async fn the_same_request_under_the_same_key_is_the_same_task() {
    let app = TestApp::start().await;
    let first = app.post_keyed(GENERATE, "k-1", &girl()).await;
    assert_eq!(first.header("idempotency-replayed"), "");
    let task_id = first.json_of(201)["task_id"].clone();
    ended(&app, task_id.as_str().unwrap()).await;
    let again = app.post_keyed(GENERATE, "k-1", &girl()).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    let body = again.json_of(201);
    assert_eq!((&body["task_id"], &body["status"]), (&task_id, &json!("success")));
    assert_eq!((&body["credits_used"], &body["credits_remaining"]), (&json!(1), &json!(99_999)));
    let mut other = girl();
    other["prompt"] = json!("something else");
    let reused = app.post_keyed(GENERATE, "k-1", &other).await;
    assert_eq!(reused.json_of(422)["error"]["code"], "idempotency_key_reused");
    assert_eq!(app.available().await, Credits::whole(99_999));
    let bad = app.post_keyed(GENERATE, &"x".repeat(256), &girl()).await;
    assert_eq!(bad.json_of(422)["error"]["code"], "invalid_params");
}

#[tokio::test]
async fn a_key_is_needed_and_it_must_be_allowed_to_make_images() {
    let app = TestApp::start().await;
    let none = Answer::of(app.anonymous(Method::POST, GENERATE).json(&girl())).await;
    assert_eq!(none.json_of(401)["error"]["code"], "unauthorized");
    let key = app.key_with(Scopes::only([Scope::Read])).await;
    let narrow = Answer::of(app.request_as(&key, Method::POST, GENERATE).json(&girl())).await;
    assert_eq!(narrow.json_of(403)["error"]["code"], "insufficient_scope");
}

#[tokio::test]
async fn ten_submissions_a_minute_and_polls_counted_apart() {
    let app =
        TestApp::with(Options { instant: true, ..Options::limited(Tier::Enterprise, RateLimits::default()) }).await;
    let body = girl();
    let answers = futures::future::join_all((0..12).map(|_| app.post(GENERATE, &body))).await;
    let taken = answers.iter().filter(|answer| answer.status == 201).count();
    // A minute may begin in between.
    assert!((10..=12).contains(&taken), "{taken}");
    if let Some(refused) = answers.iter().find(|answer| answer.status == 429) {
        assert_eq!(refused.json()["error"]["code"], "rate_limit_exceeded");
        assert_eq!(refused.header("x-ratelimit-limit"), "10");
        assert!(!refused.header("retry-after").is_empty());
    }
    let poll = app.get("/api/v1/tasks/abc").await;
    assert_eq!((poll.status, poll.header("x-ratelimit-limit")), (404, "60"));
}

#[tokio::test]
async fn the_printed_python_example_runs_with_only_base_url_and_key_changed() {
    let app = TestApp::start().await;
    let contract = include_str!("../fixtures/girlgenerator/python_polling_example.py");
    assert!(contract.contains("https://girlgenerator.app") && contract.contains("YOUR_API_KEY"));
    let script = contract
        .replace("https://girlgenerator.app", &app.base_url)
        .replace("API_KEY = \"YOUR_API_KEY\"", &format!("API_KEY = \"{}\"", app.account.key));
    let output = tokio::process::Command::new("python3").arg("-c").arg(script).output().await.expect("python3 runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.starts_with("Images: ['http"), "{said}");
}

#[tokio::test]
async fn a_submission_whose_caller_hangs_up_is_carried_out_and_paid_once() {
    use tokio::io::AsyncWriteExt;
    let app = TestApp::start().await;
    let body = girl().to_string();
    let request = format!(
        "POST {GENERATE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nIdempotency-Key: gone\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        app.account.key,
        body.len()
    );
    let address = app.base_url.trim_start_matches("http://");
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    drop(socket);
    // It was taken although nobody heard of it: saying it again finds it, whichever came first.
    let again = app.post_keyed(GENERATE, "gone", &girl()).await.json_of(201);
    let task = ended(&app, again["task_id"].as_str().unwrap()).await;
    assert_eq!(task["status"], "success");
    assert_eq!(app.available().await, Credits::whole(99_999));
}

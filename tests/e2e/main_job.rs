//! The main job: things are made through every door, fetched, accounted for; and the audit finds out
//! when somebody writes in the books.

use serde_json::{Value, json};

use crate::books;
use crate::site::{Server, Site};

#[tokio::test]
async fn what_is_made_through_every_door_is_delivered_and_accounted_for() {
    let site = Site::on_test_database().await;
    let (server, key) = site.first_start().await;
    let image = genfire(&server, &key, "images/generations", json!({"prompt": "A bottle", "count": 2})).await;
    let video = json!({"prompt": "A watch", "model": "video.veo_3_1", "duration": 4, "generate_audio": true});
    let video = genfire(&server, &key, "videos/generations", video).await;
    let speech = json!({"text": "Every credit is accounted for.", "voice_id": "voice_abc123"});
    let speech = genfire(&server, &key, "audio/speech", speech).await;
    assert_eq!(image["output"]["images"].as_array().unwrap().len(), 2);
    assert_file(&server, &image["output"]["output_url"], "image/").await;
    assert_file(&server, &video["output"]["video_url"], "video/mp4").await;
    assert_file(&server, &speech["output"]["audio_url"], "audio/").await;

    let joke = json!({"prompt": "Tell me a joke about programming", "model_id": 3});
    let joke = server.post("/api/v1/generators/joke/generate", &key, &joke).await;
    assert!((200..300).contains(&joke.status), "{}", String::from_utf8_lossy(&joke.bytes));
    assert_eq!(joke.json_of(joke.status)["success"], true);

    let asked = json!({"scene": "text-to-image", "prompt": "a cute anime girl"});
    let task = server.post("/api/v1/generate", &key, &asked).await.json_of(201);
    let task_id = task["task_id"].as_str().unwrap();
    server.ended(task_id, &key).await;
    let task = server.get(&format!("/api/v1/tasks/{task_id}"), &key).await.json_of(200);
    assert_eq!(task["status"], "success", "{task}");
    assert_file(&server, &task["images"][0], "image/").await;

    let mutation = r#"mutation { createRun(input: {model: "image.nano_banana_2", prompt: "A boat"}) { run { id } } }"#;
    let made = server.graphql(&key, mutation).await;
    let id = made["createRun"]["run"]["id"].as_str().unwrap().to_owned();
    server.ended(&id, &key).await;
    let query = format!(
        "{{ run(id: \"{id}\") {{ status outputs {{ file {{ url contentType }} }} }} wallet {{ available held }} }}"
    );
    let seen = server.graphql(&key, &query).await;
    assert_eq!(seen["run"]["status"], "SUCCEEDED", "{seen}");
    assert_file(&server, &seen["run"]["outputs"][0]["file"]["url"], "image/").await;

    // 10,000 less what the receipts of these runs say; nothing is still held.
    let mut spent = 0;
    for run in [image["id"].as_str().unwrap(), video["id"].as_str().unwrap(), speech["id"].as_str().unwrap(), &id] {
        let receipt = server.get(&format!("/v1/runs/{run}/receipt"), &key).await.json_of(200);
        assert_eq!(receipt["charge"]["rule"]["code"], "delivered", "{receipt}");
        spent += receipt["charge"]["captured"].as_u64().unwrap();
    }
    // The task costs 1, as it said; so does the joke. The first call brought the demo account's bonuses.
    let balance = server.get("/api/v1/credits/balance", &key).await.json_of(200);
    assert_eq!(balance["data"]["max"], 100, "{balance}");
    let available = (10_000 + 25 + 5 + 20 - spent - 2).to_string();
    assert_eq!(seen["wallet"], json!({"available": available, "held": "0"}));

    books::assert_in_order(&site).await;
    let rebuilt = site.run("rebuild").await;
    assert_eq!(rebuilt.good().lines().filter(|line| line.contains("replayed and switched to")).count(), 5);
    assert!(!rebuilt.out.contains("was different"), "{}", rebuilt.out);
    let rebuilt = server.graphql(&key, &query).await;
    assert_eq!((&rebuilt["wallet"], &rebuilt["run"]["status"]), (&seen["wallet"], &seen["run"]["status"]));
    assert_file(&server, &rebuilt["run"]["outputs"][0]["file"]["url"], "image/").await;
    assert!(server.process.stop().await.success());
    books::assert_in_order(&site).await;
    assert_alteration_is_found(&site).await;
}

/// Sends a GenFire request and waits for the end of its run.
async fn genfire(server: &Server, key: &str, path: &str, body: Value) -> Value {
    let answer = server.post_once(&format!("/v1/{path}"), key, path, &body).await.unwrap();
    assert!([200, 202].contains(&answer.status), "{}", String::from_utf8_lossy(&answer.bytes));
    let id = answer.json_of(answer.status)["id"].as_str().unwrap().to_owned();
    let run = server.ended(&id, key).await;
    assert_eq!(run["status"], "completed", "{run}");
    run
}

async fn assert_file(server: &Server, url: &Value, content_type: &str) {
    let url = url.as_str().expect("an address");
    let whole = server.file(url, None).await;
    assert_eq!(whole.status, 200, "{url}");
    assert!(whole.header("content-type").starts_with(content_type), "{url}: {:?}", whole.headers);
    assert!(whole.bytes.len() > 100, "{url}: {} bytes", whole.bytes.len());
    let part = server.file(url, Some("bytes=10-29")).await;
    assert_eq!((part.status, part.header("content-length")), (206, "20"), "{url}");
    assert_eq!(part.header("content-range"), format!("bytes 10-29/{}", whole.bytes.len()));
    assert_eq!(part.bytes, whole.bytes[10..30]);
    let unsigned = url.split('?').next().unwrap();
    if unsigned != url {
        assert_eq!(server.file(unsigned, None).await.status, 404, "{url} without its signature");
    }
}

/// Somebody writes another amount into the log, in SQL.
async fn assert_alteration_is_found(site: &Site) {
    let pool = site.db.as_ref().unwrap().pool();
    let statement = "UPDATE events SET payload = replace(payload::text, '\"10000\"', '\"10001\"')::json \
                     WHERE event_type = 'credit_wallet.lot_granted' AND payload::text LIKE '%\"10000\"%' \
                     RETURNING shard::int8, position::int8";
    let altered: Vec<(i64, i64)> = sqlx::query_as(statement).fetch_all(pool).await.unwrap();
    let [(shard, position)] = altered[..] else { panic!("one lot was granted: {altered:?}") };
    let spoilt = "UPDATE sealed SET ciphertext = '\\x00' WHERE id = (SELECT min(id::text)::uuid FROM sealed)";
    sqlx::query(spoilt).execute(pool).await.unwrap();
    let verified = site.run("audit verify").await;
    assert_eq!(verified.code, Some(1), "{}{}", verified.out, verified.err);
    let place = format!("shard {shard}, position {position}: ");
    assert!(verified.out.starts_with(&place), "{}", verified.out);
    let text = verified.out.lines().find(|line| line.contains("cannot be opened")).expect("the spoilt text is found");
    assert!(text.starts_with("shard ") && text.contains("position"), "{text}");
}

//! Every command line that the GenFire document prints, run by curl itself against the real server. What
//! is changed in a line: the host, the key, the placeholders; and `-X` is added, which the document says
//! above the line instead.

use std::collections::{BTreeMap, BTreeSet};

use mintmark_api_rest::openapi::printed::{Printed, genfire as printed};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::site::{Server, Site};

/// RFC 7636's verifier for the challenge that the document prints; the document's own is of another one
/// (decision 18).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const PRINTED_VERIFIER: &str = "M25iVXpKU3puUjFaYWg3T1NDTDQtcW1ROUY5YXlwalNoc0hhakxifmZHag";

/// The lines, and what stands for their placeholders by now.
struct Lines<'a> {
    server: &'a Server,
    printed: Vec<Printed>,
    values: BTreeMap<&'static str, String>,
    run: BTreeSet<String>,
}

impl Lines<'_> {
    fn printed(&self, endpoint: &str) -> Printed {
        let found = self.printed.iter().find(|printed| format!("{} {}", printed.method, printed.path) == endpoint);
        found.unwrap_or_else(|| panic!("{endpoint} is not printed")).clone()
    }

    /// Runs a line as it is printed; its status and what was answered.
    async fn curl(&mut self, endpoint: &str) -> (u16, Value) {
        let printed = self.printed(endpoint);
        self.run.insert(endpoint.to_owned());
        let line = self.values.iter().fold(printed.curl, |line, (placeholder, value)| line.replace(placeholder, value));
        let line = line
            .replace("https://api.genfire.ai", &self.server.url)
            .replace("unique_request_key", endpoint)
            .replacen("curl ", &format!("curl -sS -w '\\n%{{http_code}}' -X {} ", printed.method), 1);
        let ran = Command::new("sh").arg("-c").arg(&line).output().await.expect("sh runs");
        assert!(ran.status.success(), "{line}\n{}", String::from_utf8_lossy(&ran.stderr));
        let said = String::from_utf8(ran.stdout).expect("text");
        let (body, status) = said.rsplit_once('\n').expect("a body and a status");
        let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).expect("JSON") };
        (status.parse().expect("a status"), body)
    }

    /// Runs a line that must be answered as printed: its status, and the fields of its answer.
    async fn good(&mut self, endpoint: &str) -> Value {
        let (status, answer) = self.curl(endpoint).await;
        let printed = self.printed(endpoint);
        let either = printed.response["object"] == "run" && [200, 202].contains(&status);
        assert!(either || status == printed.status, "{endpoint}: {status} {answer}");
        assert_eq!(fields(&answer, true), fields(&printed.response, false), "{endpoint}: {answer}");
        answer
    }

    /// The same, of a line that answers with a run, which must complete with what is printed of one.
    async fn completed(&mut self, endpoint: &str) -> Value {
        let run = self.good(endpoint).await;
        let run = self.server.ended(run["id"].as_str().expect("an id"), &self.values["YOUR_API_KEY"]).await;
        let printed = self.printed(endpoint).response;
        for field in ["status", "capability", "endpoint", "model"] {
            let wanted = if field == "status" { &json!("completed") } else { &printed[field] };
            // The document prints another endpoint's model in places where it shows no input of its own.
            assert_eq!(&run[field], wanted, "{endpoint}: {run}");
        }
        if printed["output"].is_object() {
            assert_eq!(fields(&run["output"], false), fields(&printed["output"], false), "{endpoint}: {run}");
        }
        assert!(run["usage"]["credits"].as_u64().is_some_and(|credits| credits > 0), "{endpoint}: {run}");
        run
    }
}

/// The names of an answer's fields. Ours beside them: a list's `has_more`, why an endpoint is disabled.
fn fields(answer: &Value, ours: bool) -> BTreeSet<String> {
    let names = answer.as_object().into_iter().flat_map(|fields| fields.keys().cloned());
    names.filter(|name| !(ours && ["has_more", "disabled_reason"].contains(&name.as_str()))).collect()
}

#[tokio::test]
async fn every_printed_line_of_genfire_runs() {
    let site = Site::on_test_database().await;
    // Waiting asks more often than a tier allows.
    let create =
        "account create --username printed --email printed@example.com --credits 10000 --tier unlimited --json";
    let key = site.run(create).await.json()["api_key"].as_str().expect("a key").to_owned();
    let server = site.serve().await;
    let values = BTreeMap::from([("YOUR_API_KEY", key.clone()), ("{workflowKey}", "hook_pack".to_owned())]);
    let mut lines = Lines { server: &server, printed: printed(), values, run: BTreeSet::new() };

    authentication(&mut lines).await;
    for read in ["account", "account/credits", "models", "models/pricing", "audio/voices", "workflows"] {
        lines.good(&format!("GET /v1/{read}")).await;
    }
    lines.good("GET /v1/workflows/{workflowKey}").await;
    for made in [
        "POST /v1/images/generations",
        "POST /v1/videos/generations",
        "POST /v1/images/background-remove",
        "POST /v1/videos/upscale",
        "POST /v1/lipsync/generations",
        "POST /v1/audio/speech",
        "POST /v1/audio/music",
        "POST /v1/audio/sfx",
        "POST /v1/audio/transcriptions",
        "POST /v1/products/extract",
        "POST /v1/workflows/{workflowKey}/runs",
    ] {
        let run = lines.completed(made).await;
        lines.values.insert("{runId}", run["id"].as_str().unwrap().to_owned());
    }
    for read in ["runs", "runs/{runId}", "usage"] {
        lines.good(&format!("GET /v1/{read}")).await;
    }
    lines.good("GET /v1/runs/{runId}/output").await;
    uploads(&mut lines).await;
    influencers(&mut lines).await;
    batches(&mut lines).await;
    webhooks(&mut lines).await;

    let all: BTreeSet<String> =
        printed().iter().map(|printed| format!("{} {}", printed.method, printed.path)).collect();
    assert_eq!(lines.run, all, "no line was left out");
    crate::books::assert_in_order(&site).await;
}

async fn authentication(lines: &mut Lines<'_>) {
    let key = lines.values["YOUR_API_KEY"].clone();
    let create = r#"mutation { createOAuthClient(name: "printed", scopes: ["models:read", "runs:read", "images:write"]) { client { clientId } secret } }"#;
    let made = lines.server.graphql(&key, create).await["createOAuthClient"].clone();
    lines.values.insert("gfo_oauth_123", made["client"]["clientId"].as_str().unwrap().to_owned());
    lines.values.insert("gfs_live_secret", made["secret"].as_str().unwrap().to_owned());
    let token = lines.good("POST /v1/oauth/token").await;
    let models = lines.server.get("/v1/models", token["access_token"].as_str().unwrap()).await;
    assert_eq!(models.status, 200, "the token is one");

    let session = lines.good("POST /v1/cli/auth/sessions").await;
    let id = session["session_id"].as_str().unwrap().to_owned();
    lines.values.insert("{sessionId}", id.clone());
    let pending = lines.good("GET /v1/cli/auth/sessions/{sessionId}").await;
    assert_eq!(pending["status"], "pending");
    assert_eq!(lines.curl("POST /v1/cli/auth/sessions/{sessionId}/exchange").await.0, 428);
    let approve = format!(r#"mutation {{ approveCliSession(id: "{id}") {{ status }} }}"#);
    lines.server.graphql(&key, &approve).await;
    let (status, problem) = lines.curl("POST /v1/cli/auth/sessions/{sessionId}/exchange").await;
    assert_eq!(status, 400, "the printed verifier is not that of the printed challenge: {problem}");
    lines.values.insert(PRINTED_VERIFIER, VERIFIER.to_owned());
    let minted = lines.good("POST /v1/cli/auth/sessions/{sessionId}/exchange").await;
    let account = lines.server.get("/v1/account", minted["api_key"].as_str().unwrap()).await;
    assert_eq!(account.status, 200, "the key is one");
}

async fn uploads(lines: &mut Lines<'_>) {
    let upload = lines.good("POST /v1/uploads").await;
    let size = lines.printed("POST /v1/uploads").request["size_bytes"].as_u64().unwrap();
    let put = reqwest::Client::new().put(upload["upload_url"].as_str().unwrap());
    let put = put.header("Content-Type", "image/png").body(vec![7; usize::try_from(size).unwrap()]);
    let put = put.send().await.expect("an answer");
    assert!(put.status().is_success(), "{put:?}");
    let read = lines.server.file(upload["asset_url"].as_str().unwrap(), None).await;
    assert_eq!((read.status, read.bytes.len() as u64), (200, size));
}

async fn influencers(lines: &mut Lines<'_>) {
    let key = lines.values["YOUR_API_KEY"].clone();
    let create = r#"mutation { createInfluencer(input: {handle: "sarah", displayName: "Sarah Chen", photoUrls: ["https://example.com/photo.jpg"]}) { id } }"#;
    let made = lines.server.graphql(&key, create).await["createInfluencer"]["id"].as_str().unwrap().to_owned();
    let train = format!(r#"mutation {{ trainInfluencer(id: "{made}") {{ status }} }}"#);
    lines.server.graphql(&key, &train).await;
    lines.values.insert("{influencerId}", made);
    let ready = crate::process::eventually("a trained influencer", async || {
        let listed = lines.server.get("/v1/influencers", &key).await.json_of(200);
        (listed["data"].as_array().is_some_and(|data| !data.is_empty())).then_some(listed)
    });
    assert_eq!(ready.await["data"][0]["status"], "ready");
    lines.good("GET /v1/influencers").await;
    lines.good("GET /v1/influencers/{influencerId}").await;
}

async fn batches(lines: &mut Lines<'_>) {
    let key = lines.values["YOUR_API_KEY"].clone();
    let batch = lines.good("POST /v1/batches").await["id"].as_str().unwrap().to_owned();
    lines.values.insert("{batchId}", batch.clone());
    let done = crate::process::eventually("the batch's end", async || {
        let batch = lines.server.get(&format!("/v1/batches/{batch}"), &key).await.json_of(200);
        batch["completed_at"].is_string().then_some(batch)
    });
    assert_eq!(done.await["status"], "completed");
    for read in ["batches", "batches/{batchId}", "batches/{batchId}/items"] {
        lines.good(&format!("GET /v1/{read}")).await;
    }
}

async fn webhooks(lines: &mut Lines<'_>) {
    let key = lines.values["YOUR_API_KEY"].clone();
    let endpoint = lines.good("POST /v1/webhooks").await["id"].as_str().unwrap().to_owned();
    lines.values.insert("{endpointId}", endpoint);
    lines.good("GET /v1/webhooks").await;
    // Something to be delivered, to a host that nobody reaches: an attempt that failed is a delivery, too.
    let image = json!({"prompt": "A bottle"});
    lines.server.post_once("/v1/images/generations", &key, "to be told", &image).await.unwrap().json_of(200);
    let delivery = crate::process::eventually("a delivery", async || {
        let listed = lines.server.get("/v1/webhooks/deliveries", &key).await.json_of(200);
        listed["data"][0]["id"].as_str().map(str::to_owned)
    });
    let delivery = delivery.await;
    lines.good("GET /v1/webhooks/deliveries").await;
    lines.values.insert("{deliveryId}", delivery);
    lines.good("POST /v1/webhooks/deliveries/{deliveryId}/replay").await;
    let changed = lines.good("PATCH /v1/webhooks/{endpointId}").await;
    assert_eq!(changed["status"], "disabled");
    lines.good("DELETE /v1/webhooks/{endpointId}").await;
}

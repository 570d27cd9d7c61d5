//! Signatures, as the published libraries of Standard Webhooks check them (Python and JavaScript, pinned in
//! `tests/tools`; `make setup` installs them).

use std::path::{Path, PathBuf};
use std::process::Stdio;

use mintmark_domain::webhook::SigningSecret;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::receiver::{Letter, Receiver, endpoint, reaching};
use crate::ask::made_image;
use crate::support::TestApp;

/// Reads `{secret, headers, body}` from standard input and verifies it with the published library, and
/// the plain signature beside it.
const PYTHON: &str = r#"
import base64, hashlib, hmac, json, sys
from standardwebhooks.webhooks import Webhook
letter = json.load(sys.stdin)
body = base64.b64decode(letter["body"])
assert Webhook(letter["secret"].removeprefix("gfwsec_")).verify(body, letter["headers"])["type"]
plain = "sha256=" + hmac.new(letter["secret"].encode(), body, hashlib.sha256).hexdigest()
own = [letter["headers"].get("x-genfire-signature" + which) for which in ("", "-new")]
assert plain in own, own
"#;

const JAVASCRIPT: &str = r#"
const { Webhook } = require("standardwebhooks");
let text = "";
process.stdin.on("data", (part) => (text += part)).on("end", () => {
  const letter = JSON.parse(text);
  const body = Buffer.from(letter.body, "base64").toString("utf8");
  const event = new Webhook(letter.secret.replace(/^gfwsec_/, "")).verify(body, letter.headers);
  if (!event.type) throw new Error("no event");
});
"#;

fn tools() -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tools");
    for part in [".venv/bin/python3", "node_modules/standardwebhooks"] {
        assert!(tools.join(part).exists(), "tests/tools/{part} is missing: `make setup` installs it");
    }
    tools
}

/// Whether a library takes a letter; what it said is printed where it does not.
async fn takes(mut command: Command, letter: &Letter, secret: &str) -> bool {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(&letter.body);
    let said = json!({"secret": secret, "headers": letter.headers, "body": body}).to_string();
    let mut child = command
        .current_dir(tools())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    child.stdin.take().unwrap().write_all(said.as_bytes()).await.unwrap();
    let ran = child.wait_with_output().await.unwrap();
    eprintln!("{}", String::from_utf8_lossy(&ran.stderr));
    ran.status.success()
}

async fn python(letter: &Letter, secret: &str) -> bool {
    let mut command = Command::new(tools().join(".venv/bin/python3"));
    command.args(["-c", PYTHON]);
    takes(command, letter, secret).await
}

async fn javascript(letter: &Letter, secret: &str) -> bool {
    let mut command = Command::new("node");
    command.args(["-e", JAVASCRIPT]);
    takes(command, letter, secret).await
}

async fn told(app: &TestApp, receiver: &Receiver) -> Letter {
    made_image(app, "Eine Vase, grün").await;
    assert_eq!(app.tell().await, 1);
    receiver.letter()
}

fn secret_of(hook: &Value) -> &str {
    hook["signing_secret"].as_str().unwrap()
}

#[tokio::test]
async fn the_published_libraries_verify_a_delivery_and_refuse_what_was_changed() {
    let app = TestApp::with(reaching()).await;
    let receiver = Receiver::start().await;
    let hook = endpoint(&app, &receiver, &["run.completed"]).await;
    let letter = told(&app, &receiver).await;
    let secret = secret_of(&hook);
    assert!(python(&letter, secret).await);
    assert!(javascript(&letter, secret).await);
    let mut changed = letter.clone();
    changed.body = String::from_utf8(letter.body.to_vec()).unwrap().replace("Vase", "Base").into();
    assert!(!python(&changed, secret).await && !javascript(&changed, secret).await);
    let other = endpoint(&app, &receiver, &["batch.failed"]).await;
    assert!(!python(&letter, secret_of(&other)).await && !javascript(&letter, secret_of(&other)).await);
}

#[tokio::test]
async fn while_a_rotation_lasts_both_secrets_sign_and_afterwards_the_new_one_alone() {
    let clock = std::sync::Arc::new(mintmark_domain::ports::ManualClock::at(chrono::Utc::now()));
    let app = TestApp::with(crate::support::Options { core_clock: Some(clock.clone()), ..reaching() }).await;
    let receiver = Receiver::start().await;
    let hook = endpoint(&app, &receiver, &["run.completed"]).await;
    let caller = app.caller();
    let id = hook["id"].as_str().unwrap().parse().unwrap();
    // Within what the libraries take for the present.
    let (view, new, _) = app.core.rotate_webhook_secret(&caller, id, 1).await.unwrap();
    assert_eq!(view.secret_preview, new.preview());
    let letter = told(&app, &receiver).await;
    for secret in [secret_of(&hook), new.reveal()] {
        assert!(python(&letter, secret).await && javascript(&letter, secret).await);
    }
    // A receiver that was not changed compares the one header with what it expects.
    let old = SigningSecret::read(secret_of(&hook)).unwrap();
    assert_eq!(letter.header("x-genfire-signature"), old.sign_body(&letter.body));
    assert_eq!(letter.header("x-genfire-signature-new"), new.sign_body(&letter.body));
    let at: i64 = letter.header("webhook-timestamp").parse().unwrap();
    let both = [&new, &old].map(|secret| secret.sign_standard(letter.header("webhook-id"), at, &letter.body));
    assert_eq!(letter.header("webhook-signature"), both.join(" "));
    clock.advance(chrono::TimeDelta::minutes(61));
    let mut letter = told(&app, &receiver).await;
    assert_eq!(letter.header("webhook-signature").split(' ').count(), 1);
    assert_eq!(letter.header("x-genfire-signature"), new.sign_body(&letter.body));
    assert!(!letter.headers.contains_key("x-genfire-signature-new"));
    let timestamp: i64 = letter.header("webhook-timestamp").parse().unwrap();
    let signed = new.sign_standard(letter.header("webhook-id"), timestamp, &letter.body);
    assert_eq!(letter.header("webhook-signature"), signed);
    // The clock of the libraries is the real one.
    let now = chrono::Utc::now().timestamp();
    let signed = new.sign_standard(letter.header("webhook-id"), now, &letter.body);
    letter.headers.insert("webhook-timestamp".into(), now.to_string());
    letter.headers.insert("webhook-signature".into(), signed);
    assert!(python(&letter, new.reveal()).await && !python(&letter, secret_of(&hook)).await);
}

//! The OpenAPI documents, held against by others' tools: Redocly's linter, openapi-typescript with the
//! TypeScript compiler, and schemathesis, which asks the running server whatever the documents allow and
//! much that they do not. The tools are pinned in `tests/tools`; `make setup` installs them.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::site::{Server, Site};

/// How long a tool may take that reads a document, on a busy machine: three of them fit into one test's time.
const READING_PATIENCE: Duration = Duration::from_secs(85);
/// How long one that asks a server may take: it has a test's time for itself.
const ASKING_PATIENCE: Duration = Duration::from_secs(240);
/// What schemathesis does not ask: that whatever fits a schema is accepted, for which no schema can say
/// enough (an expired position, a model's own limits), and what it needs links between operations for.
const CHECKS_LEFT_OUT: &str = "positive_data_acceptance,use_after_free,ensure_resource_availability";
/// How many cases schemathesis makes up for each operation, beside those of its coverage phase.
const CASES_PER_OPERATION: &str = "15";
/// What nobody asks with a key: a header `Authorization` means something else there, or nothing.
const WITHOUT_A_KEY: &str = "^/v1/(oauth/token|cli/auth/)";
/// Nothing that is asked here is to be refused because it is much.
const NO_LIMIT: &str = "1000000";

/// A program of the pinned tools.
pub fn tool(path: &str) -> PathBuf {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools").join(path);
    assert!(tool.exists(), "{} is missing: `make setup` installs it", tool.display());
    tool
}

/// Runs a tool to its end, whatever that is.
async fn ran(command: &mut Command, what: &str, patience: Duration) -> Output {
    command.stdin(Stdio::null()).kill_on_drop(true).env("REDOCLY_TELEMETRY", "off").env("NO_COLOR", "1");
    let ran = timeout(patience, command.output()).await.unwrap_or_else(|_| panic!("{what} does not end"));
    ran.unwrap_or_else(|error| panic!("{what} does not start: {error}"))
}

/// Runs a tool to its end, which must be a good one; what it said.
async fn run(command: &mut Command, what: &str, patience: Duration) -> String {
    let ran = ran(command, what, patience).await;
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{what}:\n{said}");
    said
}

/// A document as a file of a directory of its own.
async fn saved(server: &Server, path: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let document = server.file(&format!("{}{path}", server.url), None).await;
    assert_eq!(document.status, 200, "{path}");
    let file = directory.path().join("document.json");
    std::fs::write(&file, &document.bytes).expect("a file");
    (directory, file)
}

/// What Redocly's linter has to say of a document, warnings too.
async fn linted(document: &Path) -> Vec<String> {
    let mut lint = Command::new(tool("node_modules/.bin/redocly"));
    lint.args(["lint", "--format=json", "--config"]).arg(tool("redocly.yaml")).arg(document);
    let ran = ran(&mut lint, "redocly lint", READING_PATIENCE).await;
    let said: Value = serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&ran.stderr)));
    let problems = said["problems"].as_array().expect("problems");
    assert_eq!(said["totals"]["ignored"], 0, "exceptions are named in redocly.yaml");
    problems.iter().map(|problem| format!("{} {}", problem["ruleId"], problem["message"])).collect()
}

/// The linter finds nothing, and the types that are made of the document compile.
async fn reads_well(path: &str) {
    let site = Site::on_test_database().await;
    let server = site.serve().await;
    let (directory, document) = saved(&server, path).await;
    assert_eq!(linted(&document).await, Vec::<String>::new());
    let types = directory.path().join("document.d.ts");
    let mut make = Command::new(tool("node_modules/.bin/openapi-typescript"));
    run(make.arg(&document).arg("-o").arg(&types), "openapi-typescript", READING_PATIENCE).await;
    let mut compile = Command::new(tool("node_modules/.bin/tsc"));
    compile.current_dir(directory.path()).args(["--noEmit", "--strict"]).arg(&types);
    run(&mut compile, "tsc", READING_PATIENCE).await;
}

#[tokio::test]
async fn genfire_s_document_passes_the_linter_and_becomes_types_that_compile() {
    reads_well("/v1/openapi.json").await;
}

#[tokio::test]
async fn generor_s_document_passes_the_linter_and_becomes_types_that_compile() {
    reads_well("/api/v1/openapi.json").await;
}

#[tokio::test]
async fn girl_generator_s_document_passes_the_linter_and_becomes_types_that_compile() {
    reads_well("/api/v1/girlgenerator/openapi.json").await;
}

/// Shows that the tests above can fail: what is no more than a warning fails them.
#[tokio::test]
async fn what_the_linter_only_warns_of_is_told_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let document = directory.path().join("document.json");
    let poor = r#"{"openapi": "3.1.0", "info": {"title": "Poor", "version": "1"}, "servers": [{"url": "/"}],
        "security": [], "paths": {"/a": {"get": {"responses": {"200": {"description": "Fine."}}}}}}"#;
    std::fs::write(&document, poor).expect("a file");
    let said = linted(&document).await;
    assert!(said.iter().any(|problem| problem.contains("operation-operationId")), "{said:?}");
}

/// Asks a server of its own what a document allows; with a key, or what is asked without one.
async fn answers_as_described(path: &str, with_key: bool) {
    let site = Site::on_test_database().await.with("MINTMARK_SANDBOX__INSTANT", "true");
    let site = ["UNAUTHENTICATED", "CLI_POLLS", "SIGN_INS"]
        .iter()
        .fold(site, |site, limit| site.with(&format!("MINTMARK_RATE_LIMITS__{limit}_PER_MINUTE"), NO_LIMIT));
    let made =
        site.run("account create --username fuzz --email fuzz@example.com --credits 1000000 --tier unlimited --json");
    let key = made.await.json()["api_key"].as_str().expect("a key").to_owned();
    let server = site.serve().await;
    let (directory, document) = saved(&server, path).await;
    let mut fuzz = Command::new(tool(".venv/bin/schemathesis"));
    fuzz.arg("run").arg(document).args(["--url", &server.url, "--seed", "1"]);
    if with_key {
        fuzz.args(["-H", &format!("Authorization: Bearer {key}")]).args(["--exclude-path-regex", WITHOUT_A_KEY]);
    } else {
        fuzz.args(["--include-path-regex", WITHOUT_A_KEY]);
    }
    // It would take its own key away, and be told 401 from then on.
    fuzz.args(["--exclude-operation-id", "api_keys.revoke"]);
    fuzz.args(["--phases", "examples,coverage,fuzzing", "--max-examples", CASES_PER_OPERATION]);
    fuzz.args(["--exclude-checks", CHECKS_LEFT_OUT, "--generation-database", "none"]);
    fuzz.current_dir(directory.path());
    let said = run(&mut fuzz, &format!("schemathesis on {path}"), ASKING_PATIENCE).await;
    assert!(with_key || said.contains("4 selected"), "{said}");
    assert!(server.process.complained().is_empty(), "{}", server.process.complained());
    crate::books::assert_in_order(&site).await;
}

#[tokio::test]
async fn whatever_genfire_is_asked_every_answer_is_one_that_its_document_describes() {
    answers_as_described("/v1/openapi.json", true).await;
}

#[tokio::test]
async fn whatever_genfire_is_asked_without_a_key_every_answer_is_one_that_its_document_describes() {
    answers_as_described("/v1/openapi.json", false).await;
}

#[tokio::test]
async fn whatever_generor_is_asked_every_answer_is_one_that_its_document_describes() {
    answers_as_described("/api/v1/openapi.json", true).await;
}

#[tokio::test]
async fn whatever_girl_generator_is_asked_every_answer_is_one_that_its_document_describes() {
    answers_as_described("/api/v1/girlgenerator/openapi.json", true).await;
}

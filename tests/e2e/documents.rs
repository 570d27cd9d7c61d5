//! The OpenAPI documents, held against by others' tools: Redocly's linter, openapi-typescript with the
//! TypeScript compiler, and schemathesis, which asks the running server whatever the documents allow and
//! much that they do not. The tools are pinned in `tests/tools`; `make setup` installs them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::site::{Server, Site};

/// How long one tool may take on a busy machine.
const TOOL_PATIENCE: Duration = Duration::from_secs(280);
/// Where each dialect's document is served, and a short name for it.
const DOCUMENTS: [(&str, &str); 3] = [
    ("genfire", "/v1/openapi.json"),
    ("generor", "/api/v1/openapi.json"),
    ("girl", "/api/v1/girlgenerator/openapi.json"),
];
/// What schemathesis does not ask: that whatever fits a schema is accepted, for which no schema can say
/// enough (an expired position, a model's own limits), and what it needs links between operations for.
const CHECKS_LEFT_OUT: &str = "positive_data_acceptance,use_after_free,ensure_resource_availability";
/// How many cases schemathesis makes up for each operation, beside those of its coverage phase.
const CASES_PER_OPERATION: &str = "15";

/// A program of the pinned tools.
pub fn tool(path: &str) -> PathBuf {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools").join(path);
    assert!(tool.exists(), "{} is missing: `make setup` installs it", tool.display());
    tool
}

/// Runs a tool to its end, which must be a good one.
async fn run(command: &mut Command, what: &str) {
    command.stdin(Stdio::null()).kill_on_drop(true).env("REDOCLY_TELEMETRY", "off").env("NO_COLOR", "1");
    let ran = timeout(TOOL_PATIENCE, command.output()).await.unwrap_or_else(|_| panic!("{what} does not end"));
    let ran = ran.unwrap_or_else(|error| panic!("{what} does not start: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{what}:\n{said}");
}

/// The documents as files of a directory of their own.
async fn saved(server: &Server) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, path) in DOCUMENTS {
        let document = server.file(&format!("{}{path}", server.url), None).await;
        assert_eq!(document.status, 200, "{path}");
        std::fs::write(directory.path().join(format!("{name}.json")), &document.bytes).expect("a file");
    }
    directory
}

#[tokio::test]
async fn the_documents_pass_the_linter_and_become_types_that_compile() {
    let site = Site::on_test_database().await;
    let server = site.serve().await;
    let directory = saved(&server).await;
    let file = |name: &str, ending: &str| directory.path().join(format!("{name}.{ending}"));
    for (name, _) in DOCUMENTS {
        let mut lint = Command::new(tool("node_modules/.bin/redocly"));
        lint.args(["lint", "--format=stylish", "--config"]).arg(tool("redocly.yaml")).arg(file(name, "json"));
        run(&mut lint, &format!("redocly lint on {name}")).await;
        let mut types = Command::new(tool("node_modules/.bin/openapi-typescript"));
        run(types.arg(file(name, "json")).arg("-o").arg(file(name, "d.ts")), &format!("types of {name}")).await;
    }
    let mut compile = Command::new(tool("node_modules/.bin/tsc"));
    compile
        .current_dir(directory.path())
        .args(["--noEmit", "--strict"])
        .args(DOCUMENTS.map(|(name, _)| file(name, "d.ts")));
    run(&mut compile, "tsc").await;
}

#[tokio::test]
async fn whatever_is_asked_every_answer_is_one_that_the_documents_describe() {
    let site = Site::on_test_database()
        .await
        .with("MINTMARK_SANDBOX__INSTANT", "true")
        .with("MINTMARK_RATE_LIMITS__UNAUTHENTICATED_PER_MINUTE", "1000000");
    let made =
        site.run("account create --username fuzz --email fuzz@example.com --credits 1000000 --tier unlimited --json");
    let key = made.await.json()["api_key"].as_str().expect("a key").to_owned();
    let server = site.serve().await;
    let directory = saved(&server).await;
    for (name, _) in DOCUMENTS {
        let mut fuzz = Command::new(tool(".venv/bin/schemathesis"));
        fuzz.arg("run").arg(directory.path().join(format!("{name}.json"))).args(["--url", &server.url]);
        fuzz.args(["-H", &format!("Authorization: Bearer {key}"), "--seed", "1"]);
        fuzz.args(["--phases", "examples,coverage,fuzzing", "--max-examples", CASES_PER_OPERATION]);
        fuzz.args(["--exclude-checks", CHECKS_LEFT_OUT, "--generation-database", "none"]);
        fuzz.current_dir(directory.path());
        run(&mut fuzz, &format!("schemathesis on {name}")).await;
    }
    assert!(server.process.complained().is_empty(), "{}", server.process.complained());
    crate::books::assert_in_order(&site).await;
}

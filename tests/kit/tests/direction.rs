//! Which crate may use which: the direction of dependencies that docs/ARCHITECTURE.md draws.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// What the program is made of: each crate and the crates of ours that it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("mintmark-domain", &[]),
    ("mintmark-media", &[]),
    ("mintmark-postgres", &[]),
    ("mintmark-log", &["mintmark-domain"]),
    ("mintmark-turns", &["mintmark-domain"]),
    ("mintmark-infra", &["mintmark-domain", "mintmark-media", "mintmark-postgres", "mintmark-turns"]),
    ("mintmark-projections", &["mintmark-domain"]),
    ("mintmark-api-rest", &["mintmark-domain", "mintmark-projections", "mintmark-turns"]),
    ("mintmark-api-graphql", &["mintmark-domain", "mintmark-projections"]),
    // For benches and tests alone.
    ("mintmark-history", &["mintmark-domain", "mintmark-log", "mintmark-infra"]),
];

/// Libraries that a crate must not know of: the world outside is its adapters' business.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("mintmark-domain", &["sqlx", "axum", "async-graphql", "tokio", "reqwest", "postgres-es", "object_store"]),
    ("mintmark-projections", &["axum", "async-graphql", "reqwest"]),
    ("mintmark-api-rest", &["sqlx", "async-graphql", "reqwest"]),
    ("mintmark-api-graphql", &["sqlx", "reqwest"]),
    ("mintmark-log", &["axum", "async-graphql", "reqwest"]),
];

/// The direct dependencies of each crate of the workspace, those of its tests left out.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("a string").to_owned();
    let list = |value: &serde_json::Value| value.as_array().expect("a list").clone();
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let used = list(&package["dependencies"]);
            let used = used.iter().filter(|dependency| dependency["kind"] != "dev");
            (text(&package["name"]), used.map(|dependency| text(&dependency["name"])).collect())
        })
        .collect()
}

#[test]
fn crates_depend_in_one_direction() {
    let dependencies = dependencies();
    let ours: BTreeSet<&String> = dependencies.keys().collect();
    for (name, allowed) in ALLOWED {
        let used = dependencies.get(*name).unwrap_or_else(|| panic!("{name} is a crate of the workspace"));
        for used in used.iter().filter(|used| ours.contains(used)) {
            assert!(allowed.contains(&used.as_str()), "{name} must not depend on {used}");
        }
    }
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).chain(["mintmark", "mintmark-testkit"]).collect();
    for name in ours {
        assert!(known.contains(name.as_str()), "{name} is new: say here what it may depend on");
    }
}

#[test]
fn no_crate_knows_what_is_its_adapters_business() {
    let dependencies = dependencies();
    for (name, forbidden) in FORBIDDEN {
        for forbidden in *forbidden {
            assert!(!dependencies[*name].contains(*forbidden), "{name} must not depend on {forbidden}");
        }
    }
}

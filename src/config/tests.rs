//! The configuration as a person meets it.

use std::collections::BTreeSet;

use super::keys::KEYS;
use super::*;

fn from_toml(text: &str) -> anyhow::Result<Config> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("mintmark.toml");
    std::fs::write(&file, text)?;
    Config::load(Some(&file), None, None)
}

fn leaves(prefix: &str, value: &toml::Value, into: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                leaves(&format!("{prefix}.{name}"), value, into);
            }
        }
        _ => drop(into.insert(prefix.trim_start_matches('.').to_owned())),
    }
}

#[test]
fn every_key_is_described_and_every_described_key_exists() {
    let mut config = Config::default();
    config.providers.insert("x".into(), HttpProviderConfig { url: "u".into(), token: "t".into(), concurrency: 1 });
    let table = toml::Value::try_from(config).unwrap();
    let mut found = BTreeSet::new();
    leaves("", &table, &mut found);
    let starred: BTreeSet<String> = found
        .into_iter()
        .map(|key| {
            let mut parts: Vec<&str> = key.split('.').collect();
            match parts.as_slice() {
                ["providers" | "bonuses", _, _] => parts[1] = "*",
                ["rate_limits", "tiers", _, _] => parts[2] = "*",
                _ => {}
            }
            parts.join(".")
        })
        .collect();
    let described: BTreeSet<String> = KEYS.iter().map(|(key, _)| (*key).to_owned()).collect();
    assert_eq!(starred, described);
}

#[test]
fn the_committed_page_is_the_generated_one() {
    let committed = include_str!("../../docs/CONFIG.md");
    assert!(committed == markdown(), "docs/CONFIG.md is out of date: mintmark config > docs/CONFIG.md");
}

#[test]
fn an_unknown_key_is_an_error_that_names_it() {
    let error = from_toml("lisen = \"127.0.0.1:1\"").unwrap_err().to_string();
    assert!(error.contains("lisen"), "{error}");
}

#[test]
fn a_bad_value_is_an_error_that_names_its_key() {
    let error = from_toml("listen = \"nowhere\"").unwrap_err().to_string();
    assert!(error.contains("listen"), "{error}");
    let error = from_toml("[bonuses.gold]\ndaily = \"1\"").unwrap_err().to_string();
    assert!(error.contains("gold"), "{error}");
    let error = from_toml("shards = 0").unwrap_err().to_string();
    assert!(error.contains("shards"), "{error}");
}

#[test]
fn the_command_line_goes_before_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("m.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:1\"\ndata_dir = \"a\"").unwrap();
    let config = Config::load(Some(&file), Some(Path::new("b")), Some("127.0.0.1:2".parse().unwrap())).unwrap();
    assert_eq!((config.listen.port(), config.data_dir), (2, PathBuf::from("b")));
    assert_eq!(config.public_url, "http://127.0.0.1:2");
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    assert!(Config::load(Some(Path::new("/nonexistent/mintmark.toml")), None, None).is_err());
}

#[test]
fn origins_and_bonuses_are_looked_at_before_the_start() {
    for origins in ["\"*\"", "\"https://app.example\"", "\"http://localhost:3000\", \"http://[::1]:3000\""] {
        from_toml(&format!("cors_origins = [{origins}]")).unwrap();
    }
    for origin in ["foo bar", "app.example", "https://app.example/path", "https://", ""] {
        let error = from_toml(&format!("cors_origins = [{origin:?}]")).unwrap_err().to_string();
        assert!(error.contains("cors_origins"), "{error}");
    }
    let error = from_toml("[bonuses.free]\ndaily = \"-4\"").unwrap_err().to_string();
    assert!(error.contains("bonuses.free") && error.contains("-4"), "{error}");
}

#[test]
fn a_payment_secret_is_looked_at_before_the_start_and_never_shown() {
    let good = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let of = |secrets: &[&str]| from_toml(&format!("[payments]\nsecrets = {secrets:?}"));
    assert_eq!(of(&[good, good]).unwrap().payments.read().len(), 2);
    let error = of(&[good, "whsec_c2hvcnQ="]).unwrap_err().to_string();
    assert!(error.contains("payments.secrets[1]") && !error.contains("c2hvcnQ"), "{error}");
    let error = of(&[good; 9]).unwrap_err().to_string();
    assert!(error.contains("at most 8"), "{error}");
}

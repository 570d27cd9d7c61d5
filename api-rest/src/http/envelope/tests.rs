//! Every kind of problem in every dialect, held to a snapshot.

use mintmark_domain::Credits;
use mintmark_domain::account::{AccountError, Scope};
use mintmark_domain::catalog::{AskField, AskProblem, AskReason, Dialect};
use mintmark_domain::usecases::Refusal;

use super::*;

fn written(dialect: Dialect, problem: &Problem) -> String {
    let way = envelope(dialect);
    format!("{} {}", way.status(problem.kind).as_u16(), way.body(problem, "req_123"))
}

fn table(dialect: Dialect) -> String {
    let lines = Kind::ALL.iter().map(|kind| format!("{kind:?}: {}", written(dialect, &Problem::new(*kind, "Why."))));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_kind_in_generor() {
    insta::assert_snapshot!(table(Dialect::Generor));
}

#[test]
fn the_schema_has_the_codes_that_are_answered_and_no_other() {
    let (_, schema) = super::envelope(Dialect::Generor).schema();
    let codes = &schema["properties"]["error"]["properties"]["code"]["enum"];
    let said: std::collections::BTreeSet<String> =
        codes.as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    let answered = Kind::ALL.iter().map(|kind| {
        let body: serde_json::Value =
            serde_json::from_str(&super::envelope(Dialect::Generor).body(&Problem::new(*kind, "Why."), "")).unwrap();
        body["error"]["code"].as_str().unwrap().to_owned()
    });
    assert_eq!(answered.collect::<std::collections::BTreeSet<_>>(), said);
    assert_eq!(said.len(), 8, "as many as the document has");
}

#[test]
fn every_kind_in_genfire() {
    insta::assert_snapshot!(table(Dialect::Genfire));
}

#[test]
fn every_kind_in_girlgenerator() {
    insta::assert_snapshot!(table(Dialect::GirlGenerator));
}

#[test]
fn every_kind_in_our_own_routes() {
    insta::assert_snapshot!(table(Dialect::Native));
}

#[test]
fn a_refusal_says_what_bound_and_what_is_allowed() {
    let ask = AskProblem::new(AskField::AspectRatio, AskReason::NotAllowed).allowing(["1:1", "16:9"]);
    let refusals = [
        Refusal::Unauthenticated,
        Refusal::Insufficient { needed: Credits::whole(9), available: Credits::whole(5), scope: "account" },
        Refusal::Account(AccountError::MissingScope(Scope::ImagesWrite)),
        Refusal::Ask(ask),
        Refusal::field("username", "must be shorter"),
        Refusal::NotFound("run"),
        Refusal::IdempotencyReused,
        Refusal::BadIdempotencyKey,
        Refusal::ModelUnavailable { model: "image.x".into() },
    ];
    let lines: Vec<String> =
        refusals.into_iter().map(|refusal| written(Dialect::Genfire, &Problem::from(refusal))).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_happened_inside_stays_inside() {
    for dialect in Dialect::ALL {
        for problem in [Problem::internal("at line 7"), Problem::unavailable("at line 7")] {
            assert!(!written(dialect, &problem).contains("line 7"));
        }
    }
}

#[test]
fn retry_after_and_the_challenge_stand_in_the_headers() {
    let response = render(envelope(Dialect::Genfire), &Problem::unavailable("x"), "r");
    assert_eq!(response.headers()["retry-after"], "1");
    let response = render(envelope(Dialect::Genfire), &Problem::new(Kind::Unauthenticated, "x"), "r");
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
}

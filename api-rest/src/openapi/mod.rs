//! The OpenAPI documents: one for each dialect, and a page to read them on.
//!
//! Routes describe their successes; what every route can answer besides is added here, from the
//! dialect's own table:
//! * 401 and 403 everywhere: a public route, too, answers them to whoever sends a key that does not hold
//!   or is suspended's; 429, 500, 503;
//! * on every read the parameter `min_position`, and 400;
//! * 404 where the path names something; 405 is answered by every path;
//! * where there is a body: 413, 415, 408, and whatever the dialect says of malformed and wrong ones;
//! * 409 where something is done again that may be no more possible (`…/replay`);
//! * where something is paid for (a parameter `Idempotency-Key`): what the dialect says of too few
//!   credits, a reused key and conflicts.

mod page;
pub mod printed;

use std::sync::Arc;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use http::header;
use mintmark_domain::catalog::Dialect;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::AppState;
use crate::http::envelope::{Envelope, envelope, oauth};
use crate::http::{Kind, OAUTH_TOKEN};

/// The header parameter that says that a route's effect happens once.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// What is done again; it may be no more possible.
const REPLAYED: &str = "/replay";
/// The query parameter of every read.
const MIN_POSITION: &str = "min_position";
/// The one operation that is neither idempotent by a key nor repeatable: a file is put once.
const UPLOAD: &str = "uploads.content.put";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The documents, as they are served.
pub struct Documents {
    documents: Vec<(Dialect, Value)>,
}

/// Where a dialect's document is served.
#[must_use]
pub fn path_of(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::Generor => Some("/api/v1/openapi.json"),
        Dialect::Genfire => Some("/v1/openapi.json"),
        Dialect::GirlGenerator => Some("/api/v1/girlgenerator/openapi.json"),
        Dialect::Native => None,
    }
}

fn title_of(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Generor => "Mintmark: the Generor dialect",
        Dialect::Genfire => "Mintmark: the GenFire dialect",
        Dialect::GirlGenerator => "Mintmark: the GirlGeneratorAI dialect",
        Dialect::Native => "Mintmark",
    }
}

impl Documents {
    /// Completes what the routes say of themselves.
    #[must_use]
    pub fn new(described: impl IntoIterator<Item = (Dialect, OpenApi)>) -> Self {
        let documents = described.into_iter().map(|(dialect, described)| (dialect, complete(dialect, &described)));
        Documents { documents: documents.collect() }
    }

    /// A dialect's document.
    #[must_use]
    pub fn get(&self, dialect: Dialect) -> Option<&Value> {
        self.documents.iter().find(|(known, _)| *known == dialect).map(|(_, document)| document)
    }

    /// The routes that serve them.
    pub fn routes(&self) -> Router<AppState> {
        let mut router = Router::new();
        for (dialect, document) in &self.documents {
            let Some(path) = path_of(*dialect) else { continue };
            let text: Arc<str> = document.to_string().into();
            let serve = move || {
                let text = Arc::clone(&text);
                async move { ([(header::CONTENT_TYPE, "application/json")], text.to_string()) }
            };
            router = router.route(path, get(serve));
        }
        let page: Arc<str> = page::render(&self.documents).into();
        let serve = move || async move { Html(page.to_string()) };
        router.route("/docs", get(serve.clone())).route("/docs/", get(serve))
    }
}

fn complete(dialect: Dialect, described: &OpenApi) -> Value {
    let mut document = serde_json::to_value(described).unwrap_or_else(|_| json!({}));
    let way = envelope(dialect);
    let (schema_name, schema) = way.schema();
    document["openapi"] = json!("3.1.0");
    document["info"] = json!({
        "title": title_of(dialect),
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Errors are listed with every route that can answer them. Every answer bears X-Request-Id, \
                        and where requests are counted the X-RateLimit headers.",
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    });
    document["components"]["schemas"][schema_name] = schema;
    if dialect == Dialect::Genfire {
        let (schema_name, schema) = oauth().schema();
        document["components"]["schemas"][schema_name] = schema;
        let description = "An OAuth client's id and secret, for the token route alone.";
        document["components"]["securitySchemes"]["client"] =
            json!({"type": "http", "scheme": "basic", "description": description});
    }
    document["components"]["securitySchemes"]["key"] = json!({"type": "http", "scheme": "bearer"});
    document["security"] = json!([{"key": []}]);
    // Wherever the document was fetched from: proxies and ports are nothing to it.
    document["servers"] = json!([{"url": "/"}]);
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            for method in METHODS {
                if let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) {
                    if method == "get" {
                        add_position(operation);
                    }
                    describe_successes(operation);
                    let way = if path == OAUTH_TOKEN { oauth() } else { way };
                    add_problems(way, path, operation);
                }
            }
        }
    }
    if dialect == Dialect::Genfire {
        printed::add_examples(&mut document, &printed::genfire());
    }
    printed::drop_unused_schemas(&mut document);
    document
}

/// Which kinds of problems an operation can have, from its own description.
fn problems_of(path: &str, operation: &Map<String, Value>) -> Vec<Kind> {
    let mut kinds =
        vec![Kind::Unauthenticated, Kind::Forbidden, Kind::MethodNotAllowed, Kind::RateLimited, Kind::Internal];
    kinds.push(Kind::Overloaded);
    let parameters = operation.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
    if path.contains('{') || operation.get("responses").is_some_and(|responses| responses.get("404").is_some()) {
        kinds.push(Kind::NotFound);
    }
    if parameters.iter().any(|parameter| parameter["in"] != "path") {
        kinds.push(Kind::Validation);
    }
    if path.ends_with(REPLAYED) {
        kinds.push(Kind::Conflict);
    }
    if operation.contains_key("requestBody") {
        kinds.extend([Kind::Malformed, Kind::Validation, Kind::TooLarge, Kind::UnsupportedMediaType, Kind::Timeout]);
    }
    if parameters.iter().any(|parameter| parameter["name"] == IDEMPOTENCY_KEY) {
        kinds.extend([Kind::InsufficientCredits, Kind::IdempotencyReused, Kind::Conflict]);
    }
    if operation.get("operationId").and_then(Value::as_str) == Some(UPLOAD) {
        kinds.push(Kind::Conflict);
    }
    kinds
}

/// What every read takes.
fn add_position(operation: &mut Map<String, Value>) {
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    let Some(parameters) = parameters.as_array_mut() else { return };
    if parameters.iter().all(|parameter| parameter["name"] != MIN_POSITION) {
        parameters.push(json!({
            "name": MIN_POSITION, "in": "query", "required": false, "schema": {"type": "string"},
            "description": "What a write answered as `X-Log-Position`: the answer has read as far at least.",
        }));
    }
}

/// What a success means where its route says nothing more of it.
fn describe_successes(operation: &mut Map<String, Value>) {
    for response in operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten() {
        let (_, response) = response;
        if response["description"].as_str().is_none_or(str::is_empty) {
            response["description"] = json!("As asked.");
        }
    }
}

fn add_problems(way: &dyn Envelope, path: &str, operation: &mut Map<String, Value>) {
    let kinds = problems_of(path, operation);
    let (schema_name, _) = way.schema();
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    for kind in kinds {
        let status = way.status(kind).as_u16().to_string();
        let what = in_words(kind);
        if let Some(known) = responses.get_mut(&status) {
            let text = known["description"].as_str().unwrap_or_default().to_owned();
            if !text.contains(what) {
                known["description"] = json!(if text.is_empty() { what.to_owned() } else { format!("{text} {what}") });
            }
            if way.status(kind).is_client_error() && known.get("content").is_none() {
                let schema = format!("#/components/schemas/{schema_name}");
                known["content"] = json!({way.content_type(): {"schema": {"$ref": schema}}});
            }
            continue;
        }
        let mut response = json!({
            "description": what,
            "content": {way.content_type(): {"schema": {"$ref": format!("#/components/schemas/{schema_name}")}}},
        });
        if matches!(kind, Kind::RateLimited | Kind::Overloaded) {
            let schema =
                json!({"schema": {"type": "integer"}, "description": "Seconds until it is worth trying again."});
            response["headers"] = json!({"Retry-After": schema});
        }
        responses[&status] = response;
    }
    // What a route says itself of a refusal has the same body.
    for (status, response) in responses.as_object_mut().into_iter().flatten() {
        if status.as_str() >= "400" && response["content"].is_null() {
            let schema = json!({"$ref": format!("#/components/schemas/{schema_name}")});
            response["content"] = json!({way.content_type(): {"schema": schema}});
        }
    }
}

fn in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Unauthenticated => "Missing or invalid API key or access token.",
        Kind::Forbidden => "The key lacks a scope, or the account is suspended.",
        Kind::NotFound | Kind::NoRoute => "It does not exist, or not for the caller.",
        Kind::MethodNotAllowed => "The path does not take this method.",
        Kind::Malformed => "The body is not a JSON object.",
        Kind::Validation => "A field is wrong; the message names it.",
        Kind::InsufficientCredits => "Not enough credits.",
        Kind::IdempotencyReused => "The idempotency key was used for another request.",
        Kind::Conflict => "It contradicts what is already true.",
        Kind::NotYet => "Somebody else has to do something first.",
        Kind::Gone => "It is over.",
        Kind::Timeout => "The body did not arrive in time.",
        Kind::TooLarge => "The body is too large.",
        Kind::UnsupportedMediaType => "The body is not of the type that is taken.",
        Kind::RangeNotSatisfiable => "The range lies outside the file.",
        Kind::RateLimited => "Too many requests.",
        Kind::Overloaded => "Too much at the moment; try again.",
        Kind::Internal => "A defect of the server.",
    }
}

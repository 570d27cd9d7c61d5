//! Answers as GraphQL over HTTP has them: status and media type, and a code on every error.

use async_graphql::{ErrorExtensionValues, Request, Response as Answered, ServerError, Value};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The media type of GraphQL over HTTP, under which the status tells how it went.
const OWN: &str = "application/graphql-response+json";
/// The older one, under which whatever was understood as GraphQL is answered 200.
const JSON: &str = "application/json";

/// Which of the two the caller wants; JSON where nothing is said.
pub(crate) fn wanted(headers: &HeaderMap) -> &'static str {
    let said = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let named = said.flat_map(|value| value.split(',')).find_map(|one| {
        let (media_type, parameters) = one.split_once(';').unwrap_or((one, ""));
        let unwanted = parameters.split(';').any(|parameter| {
            let weight = parameter.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
            weight.is_some_and(|weight| weight <= 0.0)
        });
        let known = [OWN, JSON].into_iter().find(|known| media_type.trim().eq_ignore_ascii_case(known));
        known.filter(|_| !unwanted)
    });
    named.unwrap_or(JSON)
}

/// An answer in which nothing was executed.
pub(crate) fn refused(status: StatusCode, wanted: &'static str, code: &'static str, message: &str) -> Response {
    let body = serde_json::json!({ "errors": [{ "message": message, "extensions": { "code": code } }] });
    with_type(status, wanted, body.to_string())
}

fn with_type(status: StatusCode, wanted: &'static str, body: String) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(wanted));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// An execution's answer. One that was refused before anything was executed has no `data`, and status
/// 400 under GraphQL's own media type.
pub(crate) fn executed(answered: &Answered, wanted: &'static str) -> Response {
    let refused = was_refused(answered);
    let status = if refused && wanted == OWN { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    with_type(status, wanted, body_of(answered).to_string())
}

/// An answer as JSON.
pub(crate) fn body_of(answered: &Answered) -> serde_json::Value {
    let mut body = serde_json::to_value(answered).unwrap_or_default();
    if was_refused(answered)
        && let Some(body) = body.as_object_mut()
    {
        body.remove("data");
    }
    body
}

/// Whether nothing was executed: errors that belong to no field.
pub(crate) fn was_refused(answered: &Answered) -> bool {
    answered.data == Value::Null && answered.errors.iter().any(|error| error.path.is_empty())
}

/// Gives every error a code that has none: what the library itself refuses.
pub(crate) fn coded(request_parses: bool, mut answered: Answered) -> Answered {
    for error in &mut answered.errors {
        let code = code_of(request_parses, error);
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", code);
        }
    }
    answered
}

fn code_of(request_parses: bool, error: &ServerError) -> &'static str {
    match error.message.as_str() {
        _ if !request_parses => "GRAPHQL_PARSE_FAILED",
        "Query is nested too deep." => "QUERY_TOO_DEEP",
        "Query is too complex." => "QUERY_TOO_COMPLEX",
        _ if error.path.is_empty() => "GRAPHQL_VALIDATION_FAILED",
        // What is left are values that no type of ours takes.
        _ => "BAD_USER_INPUT",
    }
}

/// What kind of operation a request asks for; `None` where it cannot be read. Where nobody can say
/// which of several operations is meant, the one that does most counts.
pub(crate) fn kind_of(request: &mut Request) -> Option<Kind> {
    use async_graphql::parser::types::OperationType;
    let named = request.operation_name.clone();
    let document = request.parsed_query().ok()?;
    let meant = document.operations.iter().filter(|(name, _)| match (&named, name) {
        (Some(wanted), Some(name)) => wanted == name.as_str(),
        (Some(_), None) => false,
        (None, _) => true,
    });
    let kinds = meant.map(|(_, operation)| match operation.node.ty {
        OperationType::Query => Kind::Query,
        OperationType::Subscription => Kind::Subscription,
        OperationType::Mutation => Kind::Mutation,
    });
    Some(kinds.max().unwrap_or(Kind::Query))
}

/// What kind of operation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Reads.
    Query,
    /// Reads as long as it is listened to.
    Subscription,
    /// Changes something.
    Mutation,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_operation_that_is_named_counts() {
        let both = "query a { __typename } mutation b { deleteCreation(number: 1) }";
        let named = |name: &str| kind_of(&mut Request::new(both).operation_name(name));
        assert_eq!(named("a"), Some(Kind::Query));
        assert_eq!(named("b"), Some(Kind::Mutation));
        assert_eq!(
            kind_of(&mut Request::new(both)),
            Some(Kind::Mutation),
            "without a name nobody can say which is meant"
        );
        assert_eq!(kind_of(&mut Request::new("{ __typename }")), Some(Kind::Query));
        assert_eq!(kind_of(&mut Request::new("{ __typename")), None);
    }

    #[test]
    fn graphql_s_own_media_type_is_used_where_it_is_asked_for() {
        let wants = |accept: &str| {
            let headers: HeaderMap = [(header::ACCEPT, accept.parse().unwrap())].into_iter().collect();
            wanted(&headers)
        };
        assert_eq!(wanted(&HeaderMap::new()), JSON);
        assert_eq!(wants("*/*"), JSON);
        assert_eq!(wants("application/graphql-response+json; charset=utf-8, application/json;q=0.9"), OWN);
        assert_eq!(wants("application/json, application/graphql-response+json"), JSON);
        assert_eq!(wants("application/graphql-response+json;q=0, application/json"), JSON);
    }
}

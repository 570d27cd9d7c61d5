//! Errors as GraphQL shows them: a message, and `extensions` with `code`, `class` and what helps.

use async_graphql::{ErrorExtensionValues, ErrorExtensions};
use mintmark_domain::usecases::{ErrorClass, Refusal};
use mintmark_projections::QueryError;

use crate::gate::TooMany;

/// What an input calls the fields that a refusal names in our own words.
type Names = fn(&'static str) -> &'static str;

/// An error of a resolver.
#[derive(Clone, Debug)]
pub(crate) enum GraphqlError {
    /// A use case refused; fields are told by the names of the input that was asked with.
    Refused(Box<Refusal>, Names),
    /// A read model could not answer.
    Query(String, &'static str),
    /// An argument is wrong.
    Argument(&'static str, String),
    /// A limit was reached.
    TooMany(TooMany),
}

pub(crate) type Result<T> = std::result::Result<T, GraphqlError>;

impl From<Refusal> for GraphqlError {
    fn from(refusal: Refusal) -> Self {
        GraphqlError::Refused(Box::new(refusal), named)
    }
}

impl From<TooMany> for GraphqlError {
    fn from(limit: TooMany) -> Self {
        GraphqlError::TooMany(limit)
    }
}

impl From<QueryError> for GraphqlError {
    fn from(error: QueryError) -> Self {
        let (class, _) = error.public();
        if matches!(class, ErrorClass::Internal | ErrorClass::Overloaded) {
            tracing::error!(%error, "a read model could not answer");
        }
        GraphqlError::Query(shown(class, &error), class_name(class))
    }
}

impl GraphqlError {
    /// A refusal of what was asked with an input that has names of its own for its fields.
    pub fn refused(refusal: Refusal, names: Names) -> Self {
        GraphqlError::Refused(Box::new(refusal), names)
    }

    /// An argument that is wrong, and what is allowed.
    pub fn argument(name: &'static str, message: impl Into<String>) -> Self {
        GraphqlError::Argument(name, message.into())
    }
}

/// The class in capitals, as GraphQL's users know them from elsewhere.
fn class_name(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Unauthenticated => "UNAUTHENTICATED",
        ErrorClass::Forbidden => "FORBIDDEN",
        ErrorClass::NotFound => "NOT_FOUND",
        ErrorClass::Validation => "BAD_USER_INPUT",
        ErrorClass::InsufficientCredits => "INSUFFICIENT_CREDITS",
        ErrorClass::IdempotencyReused => "IDEMPOTENCY_KEY_REUSED",
        ErrorClass::Conflict => "CONFLICT",
        ErrorClass::NotYet => "PRECONDITION_REQUIRED",
        ErrorClass::Gone => "GONE",
        ErrorClass::Overloaded => "UNAVAILABLE",
        ErrorClass::Internal => "INTERNAL_SERVER_ERROR",
    }
}

/// A field as most inputs of this schema call it.
pub(crate) fn named(field: &'static str) -> &'static str {
    match field {
        "aspect_ratio" => "aspectRatio",
        "duration_seconds" => "durationSeconds",
        "images" => "imageUrls",
        "reference_images" => "referenceImageUrls",
        "source_video" => "sourceVideoUrl",
        "first_frame" => "firstFrameUrl",
        "last_frame" => "lastFrameUrl",
        "voice" => "voiceId",
        "samples" => "sampleUrls",
        "photos" => "photoUrls",
        "display_name" => "displayName",
        "avatar" => "avatarUrl",
        "team_id" => "team",
        "parent_id" => "parentNumber",
        "text" => "prompt",
        other => other,
    }
}

/// The message of a refusal, with the input's names for the fields that it is about.
fn message(refusal: &Refusal, names: Names) -> String {
    let (class, _) = refusal.public();
    match refusal {
        Refusal::Ask(problem) => problem.message(|field| names(field.as_str())),
        Refusal::Field { field, message, .. } => format!("{}: {message}", names(field)),
        Refusal::Input { field, problem } if class == ErrorClass::Validation => format!("{}: {problem}", names(field)),
        other => shown(class, other),
    }
}

/// What strangers are told: what a defect or the database said is for the log.
fn shown(class: ErrorClass, error: &dyn std::fmt::Display) -> String {
    match class {
        ErrorClass::Internal => "internal error".to_owned(),
        ErrorClass::Overloaded => "the service is temporarily unavailable; try again".to_owned(),
        ErrorClass::Unauthenticated
        | ErrorClass::Forbidden
        | ErrorClass::NotFound
        | ErrorClass::Validation
        | ErrorClass::InsufficientCredits
        | ErrorClass::IdempotencyReused
        | ErrorClass::Conflict
        | ErrorClass::NotYet
        | ErrorClass::Gone => error.to_string(),
    }
}

fn refused(refusal: &Refusal, names: Names, extensions: &mut ErrorExtensionValues) {
    let (class, reason) = refusal.public();
    extensions.set("code", class_name(class));
    extensions.set("reason", reason);
    match refusal {
        Refusal::Insufficient { needed, available, scope } => {
            extensions.set("needed", needed.to_string());
            extensions.set("available", available.to_string());
            extensions.set("scope", *scope);
        }
        Refusal::Ask(problem) => {
            extensions.set("field", names(problem.field.as_str()));
            extensions.set("allowed", problem.allowed.clone());
        }
        Refusal::Field { field, .. } | Refusal::Input { field, .. } => extensions.set("field", names(field)),
        other => {
            if let Some(seconds) = other.retry_after_seconds() {
                extensions.set("retryAfterSeconds", seconds);
            }
        }
    }
}

impl From<GraphqlError> for async_graphql::Error {
    fn from(error: GraphqlError) -> Self {
        match error {
            GraphqlError::Refused(refusal, names) => {
                let internal = refusal.public().0 == ErrorClass::Internal;
                if internal {
                    tracing::error!(%refusal, "a resolver failed");
                }
                let message = message(&refusal, names);
                async_graphql::Error::new(message).extend_with(|_, extensions| refused(&refusal, names, extensions))
            }
            GraphqlError::Query(message, code) => {
                async_graphql::Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
            }
            GraphqlError::Argument(name, message) => async_graphql::Error::new(format!("{name}: {message}"))
                .extend_with(|_, extensions| {
                    extensions.set("code", "BAD_USER_INPUT");
                    extensions.set("reason", "invalid_value");
                    extensions.set("field", name);
                }),
            GraphqlError::TooMany(limit) => async_graphql::Error::new(limit.message).extend_with(|_, extensions| {
                extensions.set("code", "RATE_LIMITED");
                extensions.set("retryAfterSeconds", limit.retry_after_seconds);
            }),
        }
    }
}

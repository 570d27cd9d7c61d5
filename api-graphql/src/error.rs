//! Errors as GraphQL shows them: a message, and `extensions` with `code`, `class` and what helps.

use async_graphql::{ErrorExtensionValues, ErrorExtensions};
use mintmark_domain::usecases::{ErrorClass, Refusal};
use mintmark_projections::QueryError;

/// An error of a resolver.
#[derive(Clone, Debug)]
pub(crate) enum GraphqlError {
    /// A use case refused.
    Refused(Box<Refusal>),
    /// A read model could not answer.
    Query(String, &'static str),
    /// An argument is wrong.
    Argument(&'static str, String),
}

pub(crate) type Result<T> = std::result::Result<T, GraphqlError>;

impl From<Refusal> for GraphqlError {
    fn from(refusal: Refusal) -> Self {
        GraphqlError::Refused(Box::new(refusal))
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

/// A field as the inputs of this schema call it.
fn named(field: &str) -> &str {
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

/// The message of a refusal, which begins with the field that it is about.
fn in_our_words(refusal: &Refusal, message: String) -> String {
    let field = match refusal {
        Refusal::Ask(problem) => problem.field.as_str(),
        Refusal::Field { field, .. } | Refusal::Input { field, .. } => field,
        _ => return message,
    };
    match message.strip_prefix(field) {
        Some(rest) => format!("{}{rest}", named(field)),
        None => message,
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

fn refused(refusal: &Refusal, extensions: &mut ErrorExtensionValues) {
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
            extensions.set("field", named(problem.field.as_str()));
            extensions.set("allowed", problem.allowed.clone());
        }
        Refusal::Field { field, .. } | Refusal::Input { field, .. } => extensions.set("field", named(field)),
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
            GraphqlError::Refused(refusal) => {
                let internal = refusal.public().0 == ErrorClass::Internal;
                if internal {
                    tracing::error!(%refusal, "a resolver failed");
                }
                let message = in_our_words(&refusal, shown(refusal.public().0, &refusal));
                async_graphql::Error::new(message).extend_with(|_, extensions| refused(&refusal, extensions))
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
        }
    }
}

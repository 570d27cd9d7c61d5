//! What goes wrong on a page, as a page.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use maud::html;
use mintmark_domain::catalog::Dialect;
use mintmark_domain::usecases::Refusal;

use super::{layout, shown};
use crate::http::envelope::envelope;
use crate::http::{Kind, Problem};

/// A problem that is shown to a person.
pub(super) struct Fault(Problem);

impl Fault {
    /// A form that was not ours, or is too old.
    pub fn stale() -> Self {
        let message = "This form is too old, or was not sent from this page. Go back, load the page again, and retry.";
        Fault(Problem::new(Kind::Forbidden, message))
    }

    /// There is no such page.
    pub fn not_found() -> Self {
        Fault(Problem::new(Kind::NotFound, "There is no such page."))
    }

    fn title(&self) -> &'static str {
        match self.0.kind {
            Kind::NotFound | Kind::NoRoute | Kind::Gone => "Not found",
            Kind::Unauthenticated | Kind::Forbidden => "Not allowed",
            Kind::RateLimited => "Too many requests",
            Kind::Overloaded => "Busy",
            Kind::Internal => "Something went wrong",
            _ => "That did not work",
        }
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Fault(problem)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Fault(Problem::from(refusal))
    }
}

impl From<mintmark_projections::QueryError> for Fault {
    fn from(error: mintmark_projections::QueryError) -> Self {
        Fault(Problem::from(error))
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let problem = &self.0;
        if let Some(source) = &problem.source {
            tracing::error!(code = %problem.code, source, "a page failed");
        }
        let body = html! {
            div class="card" {
                h1 { (self.title()) }
                p { (problem.message) }
                p { a href="/account" { "Go to your account" } }
                // Who may do nothing can still leave.
                @if problem.kind == Kind::Forbidden { p { a href="/sign-out" { "Sign out" } } }
            }
        };
        let mut response = shown(layout::page(self.title(), true, None, &body));
        *response.status_mut() = envelope(Dialect::Native).status(problem.kind);
        if let Some(seconds) = problem.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

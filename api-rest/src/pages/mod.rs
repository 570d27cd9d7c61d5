//! Pages for people: sign-in, what they hold, and the approval of a command line's login. They are made
//! here whole, work without JavaScript, and load nothing but one style sheet of ours.
//!
//! What a form sends is believed only with the token that stands in it ([`visit`]): it is made of the
//! visitor's cookie, so that another site's form, which does not know it, does nothing.

mod account;
mod cli_auth;
mod fault;
mod form;
mod layout;
mod people;
mod scopes;
mod visit;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use maud::Markup;

pub(crate) use visit::session_token;

use crate::AppState;
use crate::http::Problem;
use crate::http::pipeline::no_route;

/// A page may load our style sheet and send forms to us, and nothing else at all.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// The routes.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", any(home))
        .route(layout::STYLE_PATH, get(layout::style))
        .route("/sign-in", get(people::sign_in_page).post(people::sign_in))
        .route("/sign-out", get(people::sign_out_page).post(people::sign_out))
        .route("/sign-up", get(people::sign_up_page).post(people::sign_up))
        .route("/welcome", get(people::welcome_page).post(people::welcome))
        .route("/account", get(account::page))
        .route("/account/keys", post(account::create_key))
        .route("/account/keys/revoke", post(account::revoke_key))
        .route("/account/clients", post(account::create_client))
        .route("/account/clients/revoke", post(account::revoke_client))
        .route("/account/password", post(account::change_password))
        .route("/cli-auth", get(cli_auth::page).post(cli_auth::decide))
}

/// `/`: a browser is led to its account; for programs there is nothing here.
async fn home(method: Method, headers: HeaderMap) -> Result<Response, Problem> {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if matches!(method, Method::GET | Method::HEAD) && accepts.contains("text/html") {
        return Ok(([(header::VARY, "accept")], Redirect::to("/account")).into_response());
    }
    Err(no_route().await)
}

/// A page as an answer.
fn shown(page: Markup) -> Response {
    let mut response = page.into_string().into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // An address may hold a one-time token: it is told to nobody else.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

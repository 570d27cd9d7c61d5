//! Signing in, out and up, and setting a password with a one-time link.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use mintmark_domain::Credits;
use mintmark_domain::account::{Scopes, Tier};
use mintmark_domain::usecases::{ErrorClass, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, Refusal, Registration};

use super::fault::Fault;
use super::form::{Asked, Form};
use super::layout::{csrf, note, page};
use super::shown;
use super::visit::{Leaving, Visit};
use crate::AppState;
use crate::http::{Problem, too_many};

/// Where a person goes who wanted nothing in particular.
const HOME: &str = "/account";

/// Only pages of ours are gone to: nobody is sent elsewhere from here.
fn next_of(next: &str) -> &str {
    let plain = next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_?=-".contains(&byte));
    if plain && (next.starts_with("/cli-auth?session=") || next == HOME) { next } else { HOME }
}

/// Counts an attempt at a name, whether there is such a name or not: strictly from one address, so that
/// nobody is locked out by who guesses from another.
pub(super) async fn count(state: &AppState, visit: &Visit, name: &str) -> Result<(), Problem> {
    let limits = &state.settings.rate_limits;
    for counter in limits.of_attempt("person", &name.trim().to_lowercase(), visit.context.peer(), true) {
        too_many(state.limiter.take(&[counter], state.core.now()).await?).map_or(Ok(()), Err)?;
    }
    Ok(())
}

/// What to say of a refusal beside the form; what the person can do nothing about is a page of its own.
fn beside(refusal: Refusal) -> Result<String, Fault> {
    match refusal.public().0 {
        ErrorClass::Internal | ErrorClass::Overloaded => Err(refusal.into()),
        _ => Ok(Problem::from(refusal).message),
    }
}

fn password_field(label: &str, name: &str, autocomplete: &str, hint: bool) -> Markup {
    html! {
        div class="field" {
            label for=(name) { (label) }
            @if hint {
                span class="soft" id=(format!("{name}-hint")) { (PASSWORD_CHARS_MIN) " to " (PASSWORD_CHARS_MAX) " characters" }
            }
            input type="password" id=(name) name=(name) autocomplete=(autocomplete) required
                aria-describedby=[hint.then(|| format!("{name}-hint"))];
        }
    }
}

fn sign_in_form(state: &AppState, visit: &Visit, next: &str, name: &str, wrong: Option<&str>) -> Markup {
    let body = html! {
        div class="card" {
            h1 { "Sign in" }
            @if next.starts_with("/cli-auth") { p class="soft" { "A command line asks for a key. Sign in to decide." } }
            @if let Some(wrong) = wrong { (note(true, wrong)) }
            form method="post" action="/sign-in" {
                (csrf(visit))
                input type="hidden" name="next" value=(next);
                div class="field" {
                    label for="name" { "Username or email address" }
                    input type="text" id="name" name="name" value=(name) autocomplete="username" autocapitalize="none" spellcheck="false" required;
                }
                (password_field("Password", "password", "current-password", false))
                button class="wide" { "Sign in" }
            }
        }
        @if state.settings.sign_up {
            p class="soft" { "No account yet? " a href="/sign-up" { "Sign up" } }
        } @else {
            p class="soft small" { "No password yet, or forgotten? Whoever runs this server makes you a one-time link." }
        }
    };
    page("Sign in", true, Some(visit), &body)
}

/// `GET /sign-in`
pub(super) async fn sign_in_page(State(state): State<AppState>, visit: Visit, asked: Asked) -> Result<Response, Fault> {
    let next = next_of(asked.get("next")?);
    if visit.person.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    Ok(visit.with_form(shown(sign_in_form(&state, &visit, next, "", None))))
}

/// `POST /sign-in`
pub(super) async fn sign_in(State(state): State<AppState>, visit: Visit, form: Form) -> Result<Response, Fault> {
    visit.check(form.get("csrf"))?;
    let (name, next) = (form.get("name"), next_of(form.get("next")));
    count(&state, &visit, name).await?;
    match state.core.sign_in(name, form.get("password")).await {
        Ok(session) => Ok(visit.begin(Redirect::to(next).into_response(), &session.token)),
        Err(refusal) => {
            let wrong = match refusal {
                Refusal::Unauthenticated => "The name or the password is wrong.".to_owned(),
                other => beside(other)?,
            };
            let mut response = shown(sign_in_form(&state, &visit, next, name, Some(&wrong)));
            *response.status_mut() = http::StatusCode::FORBIDDEN;
            Ok(visit.with_form(response))
        }
    }
}

/// `GET /sign-out`
pub(super) async fn sign_out_page(Leaving(visit): Leaving) -> Result<Response, Fault> {
    if visit.session().is_none() {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    let body = html! {
        div class="card" {
            h1 { "Sign out" }
            p { "Your session in this browser ends. Keys and clients go on." }
            form method="post" action="/sign-out" { (csrf(&visit)) button class="wide" { "End this session" } }
        }
    };
    Ok(shown(page("Sign out", true, Some(&visit), &body)))
}

/// `POST /sign-out`
pub(super) async fn sign_out(
    State(state): State<AppState>,
    Leaving(visit): Leaving,
    form: Form,
) -> Result<Response, Fault> {
    visit.check(form.get("csrf"))?;
    if let Some(session) = visit.session() {
        state.core.sign_out(session).await?;
    }
    Ok(visit.end(Redirect::to("/sign-in").into_response()))
}

fn sign_up_form(visit: &Visit, form: Option<&Form>, wrong: Option<&str>) -> Markup {
    let kept = |name: &str| form.map_or("", |form| form.get(name)).to_owned();
    let body = html! {
        div class="card" {
            h1 { "Sign up" }
            @if let Some(wrong) = wrong { (note(true, wrong)) }
            form method="post" action="/sign-up" {
                (csrf(visit))
                div class="field" {
                    label for="username" { "Username" }
                    span class="soft" id="username-hint" { "3 to 32 of a-z, 0-9 and _, starting with a letter" }
                    input type="text" id="username" name="username" value=(kept("username")) autocomplete="username" autocapitalize="none"
                        spellcheck="false" required aria-describedby="username-hint";
                }
                div class="field" {
                    label for="email" { "Email address" }
                    input type="email" id="email" name="email" value=(kept("email")) autocomplete="email" required;
                }
                (password_field("Password", "password", "new-password", true))
                button class="wide" { "Make my account" }
            }
        }
        p class="soft" { "You have an account? " a href="/sign-in" { "Sign in" } }
    };
    page("Sign up", true, Some(visit), &body)
}

/// `GET /sign-up`
pub(super) async fn sign_up_page(State(state): State<AppState>, visit: Visit) -> Result<Response, Fault> {
    if !state.settings.sign_up {
        return Err(Fault::not_found());
    }
    if visit.person.is_some() {
        return Ok(Redirect::to(HOME).into_response());
    }
    Ok(visit.with_form(shown(sign_up_form(&visit, None, None))))
}

/// `POST /sign-up`
pub(super) async fn sign_up(State(state): State<AppState>, visit: Visit, form: Form) -> Result<Response, Fault> {
    if !state.settings.sign_up {
        return Err(Fault::not_found());
    }
    visit.check(form.get("csrf"))?;
    count(&state, &visit, form.get("username")).await?;
    let registration = Registration {
        username: form.get("username").to_owned(),
        email: form.get("email").to_owned(),
        tier: Tier::default(),
        credits: Credits::default(),
        scopes: Scopes::Full,
    };
    match state.core.sign_up(registration, form.get("password")).await {
        Ok(session) => Ok(visit.begin(Redirect::to(HOME).into_response(), &session.token)),
        Err(refusal) => {
            let wrong = beside(refusal)?;
            let mut response = shown(sign_up_form(&visit, Some(&form), Some(&wrong)));
            *response.status_mut() = http::StatusCode::BAD_REQUEST;
            Ok(visit.with_form(response))
        }
    }
}

fn welcome_form(visit: &Visit, username: &str, token: &str, wrong: Option<&str>) -> Markup {
    let body = html! {
        div class="card" {
            h1 { "Welcome, " (username) }
            p class="soft" { "Choose the password with which you sign in. This link works once." }
            @if let Some(wrong) = wrong { (note(true, wrong)) }
            form method="post" action="/welcome" {
                (csrf(visit))
                input type="hidden" name="token" value=(token);
                input type="hidden" name="username" value=(username) autocomplete="username";
                (password_field("New password", "password", "new-password", true))
                (password_field("The same again", "again", "new-password", false))
                button class="wide" { "Set password and sign in" }
            }
        }
    };
    page("Welcome", true, Some(visit), &body)
}

fn no_link() -> Fault {
    let message = "This link was used, replaced or is too old. Ask whoever runs this server for a new one.";
    Problem::new(crate::http::Kind::NotFound, message).into()
}

async fn username_of(state: &AppState, token: &str) -> Result<String, Fault> {
    match state.core.link_account(token).await {
        Ok(view) => Ok(view.profile.username),
        Err(Refusal::NotFound(_)) => Err(no_link()),
        Err(refusal) => Err(refusal.into()),
    }
}

/// `GET /welcome`
pub(super) async fn welcome_page(State(state): State<AppState>, visit: Visit, asked: Asked) -> Result<Response, Fault> {
    let token = asked.get("token")?;
    let username = username_of(&state, token).await?;
    Ok(visit.with_form(shown(welcome_form(&visit, &username, token, None))))
}

/// `POST /welcome`
pub(super) async fn welcome(State(state): State<AppState>, visit: Visit, form: Form) -> Result<Response, Fault> {
    visit.check(form.get("csrf"))?;
    let (token, password) = (form.get("token"), form.get("password"));
    let username = username_of(&state, token).await?;
    count(&state, &visit, &username).await?;
    let wrong = if password == form.get("again") {
        match state.core.set_password_by_link(token, password).await {
            Ok(session) => return Ok(visit.begin(Redirect::to(HOME).into_response(), &session.token)),
            Err(Refusal::NotFound(_)) => return Err(no_link()),
            Err(refusal) => beside(refusal)?,
        }
    } else {
        "The two passwords are not the same.".to_owned()
    };
    let mut response = shown(welcome_form(&visit, &username, token, Some(&wrong)));
    *response.status_mut() = http::StatusCode::BAD_REQUEST;
    Ok(visit.with_form(response))
}

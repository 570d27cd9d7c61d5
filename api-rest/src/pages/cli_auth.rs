//! A command line asks for a key: who asks, for what, and yes or no.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use mintmark_domain::account::{Scope, Scopes};
use mintmark_domain::ports::{CliSession, CliStatus};
use mintmark_domain::usecases::{ErrorClass, Refusal};

use super::fault::Fault;
use super::form::{Asked, Form};
use super::layout::{csrf, note, page as layout};
use super::scopes::{choices, chosen};
use super::shown;
use super::visit::Visit;
use crate::AppState;
use crate::http::{Kind, Problem};

/// What can be allowed or not: each fine scope by itself, also where a coarse one was asked for.
fn listed(scopes: &Scopes) -> BTreeSet<Scope> {
    match scopes {
        Scopes::Full => super::scopes::grantable().collect(),
        Scopes::Only(scopes) => scopes.iter().flat_map(|scope| scope.expanded()).copied().collect(),
    }
}

fn question(visit: &Visit, session: &CliSession, username: &str, wrong: Option<&str>) -> Markup {
    html! {
        div class="card" {
            h1 { "A command line asks for a key" }
            p class="soft" { "Approve only if you have just started this login yourself." }
            @if let Some(wrong) = wrong { (note(true, wrong)) }
            dl {
                dt { "Program" } dd { code { (session.client_id) } }
                @if let Some(label) = &session.label { dt { "It calls itself" } dd { (label) } }
                dt { "Your account" } dd { (username) }
                dt { "Decide by" } dd { (session.expires_at.format("%H:%M:%S")) " UTC" }
            }
            form method="post" action="/cli-auth" {
                (csrf(visit))
                input type="hidden" name="session" value=(session.id);
                fieldset {
                    legend { "What the key may do" }
                    p class="soft small" { "Uncheck what you do not want to allow." }
                    (choices(listed(&session.scopes).into_iter(), true))
                }
                div class="row" {
                    button name="decision" value="approve" { "Approve" }
                    button class="plain" name="decision" value="deny" { "Deny" }
                }
            }
        }
    }
}

/// What there is to say of a session that waits for nobody any more.
fn over(status: CliStatus) -> (&'static str, &'static str) {
    match status {
        CliStatus::Approved => ("Approved", "The command line gets its key now. You can close this page."),
        CliStatus::Denied => ("Denied", "The command line gets no key. You can close this page."),
        CliStatus::Consumed => ("Done", "The command line has its key. You find it among your keys."),
        CliStatus::Expired | CliStatus::Pending => {
            ("Expired", "This login took too long. Start it again in the command line.")
        }
    }
}

fn outcome(status: CliStatus) -> Markup {
    let (title, text) = over(status);
    html! { div class="card" { h1 { (title) } p { (text) } p { a href="/account" { "Go to your account" } } } }
}

async fn session(state: &AppState, id: &str) -> Result<CliSession, Fault> {
    match state.core.cli_session(id).await {
        Err(Refusal::NotFound(_)) => {
            Err(Problem::new(Kind::NotFound, "There is no such login. Start it again in the command line.").into())
        }
        found => Ok(found?),
    }
}

async fn answer(state: &AppState, visit: &Visit, found: &CliSession, wrong: Option<&str>) -> Result<Response, Fault> {
    let body = if found.status == CliStatus::Pending {
        let view = state.core.account_view(visit.person()?.account).await?;
        question(visit, found, &view.profile.username, wrong)
    } else {
        outcome(found.status)
    };
    let mut response = shown(layout("Command line login", true, Some(visit), &body));
    if wrong.is_some() {
        *response.status_mut() = http::StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

/// `GET /cli-auth`
pub(super) async fn page(State(state): State<AppState>, visit: Visit, asked: Asked) -> Result<Response, Fault> {
    let id = asked.get("session")?;
    if visit.person.is_none() {
        let session: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect();
        let next: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("next", &format!("/cli-auth?session={session}"))
            .finish();
        return Ok(Redirect::to(&format!("/sign-in?{next}")).into_response());
    }
    let found = session(&state, id).await?;
    answer(&state, &visit, &found, None).await
}

/// `POST /cli-auth`
pub(super) async fn decide(State(state): State<AppState>, visit: Visit, form: Form) -> Result<Response, Fault> {
    visit.check(form.get("csrf"))?;
    let (caller, id) = (visit.person()?, form.get("session"));
    let decided = match form.get("decision") {
        "approve" if form.all("scope").is_empty() => {
            let found = session(&state, id).await?;
            return answer(&state, &visit, &found, Some("Choose what it may do, or deny it.")).await;
        }
        "approve" => state.core.approve_cli_session(caller, id, Some(chosen(&form.all("scope"))?)).await,
        "deny" => state.core.deny_cli_session(caller, id).await,
        _ => return Err(Problem::invalid("decision must be approve or deny.").into()),
    };
    match decided {
        Ok(found) => answer(&state, &visit, &found, None).await,
        Err(refusal)
            if matches!(refusal.public().0, ErrorClass::Validation | ErrorClass::Conflict | ErrorClass::Gone) =>
        {
            let found = session(&state, id).await?;
            answer(&state, &visit, &found, Some(&Problem::from(refusal).message)).await
        }
        Err(refusal) => Err(refusal.into()),
    }
}

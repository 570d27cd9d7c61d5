//! Who one is, and the keys and clients that act for one.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use mintmark_domain::account::{Account, Scopes};
use mintmark_domain::usecases::{ErrorClass, NewKey, Refusal};

use super::fault::Fault;
use super::form::Form;
use super::layout::{csrf, note, page as layout};
use super::scopes::{choices, chosen, grantable};
use super::shown;
use super::visit::Visit;
use crate::AppState;
use crate::http::Problem;

/// What a page says of what was just done.
enum Said {
    Nothing,
    Done(&'static str),
    Wrong(String),
    /// A secret that is shown this once: what it is, its public part if it has one, itself.
    Secret(&'static str, Option<String>, String),
}

fn of(refusal: Refusal) -> Result<Said, Fault> {
    match refusal.public().0 {
        ErrorClass::Internal | ErrorClass::Overloaded => Err(refusal.into()),
        _ => Ok(Said::Wrong(Problem::from(refusal).message)),
    }
}

fn scopes_shown(scopes: &Scopes) -> Markup {
    let names = scopes.names();
    html! {
        @if names.is_empty() { span class="soft small" { "full access" } }
        @else { span class="soft small code" { (names.join(" ")) } }
    }
}

fn revoke(visit: &Visit, action: &str, field: &str, value: &str, name: &str) -> Markup {
    html! {
        form method="post" action=(action) {
            (csrf(visit))
            input type="hidden" name=(field) value=(value);
            button class="bad" aria-label=(format!("Revoke {name}")) { "Revoke" }
        }
    }
}

fn create(visit: &Visit, action: &str, what: &str, id: &str) -> Markup {
    html! {
        details {
            summary { "Make " (what) }
            form method="post" action=(action) {
                (csrf(visit))
                div class="field" {
                    label for=(id) { "What to call it" }
                    input type="text" id=(id) name="name" required maxlength=(NewKey::NAME_MAX) autocomplete="off";
                }
                fieldset {
                    legend { "What it may do" }
                    p class="soft small" { "Check nothing for full access." }
                    (choices(grantable(), false))
                }
                button { "Make " (what) }
            }
        }
    }
}

fn keys_card(visit: &Visit, account: &Account, rows: &[mintmark_projections::accounts::ApiKey]) -> Markup {
    let last_used = |id: u64| rows.iter().find(|row| row.key_id == id).and_then(|row| row.last_used_at);
    html! {
        section class="card" aria-labelledby="keys" {
            h2 id="keys" { "API keys" }
            p class="soft small" { "At most " (Account::ACTIVE_KEYS_MAX) " at a time. A key acts for you wherever it is." }
            @if account.keys().next().is_none() { p { "You have no keys." } }
            ul class="list" {
                @for (id, key) in account.keys() {
                    li {
                        div {
                            strong { (key.name) } " " code { (key.prefix) "…" } br;
                            (scopes_shown(&key.scopes)) br;
                            span class="soft small" {
                                @match last_used(id) {
                                    Some(at) => { "last used " (at.format("%Y-%m-%d %H:%M")) " UTC" }
                                    None => { "never used" }
                                }
                            }
                        }
                        (revoke(visit, "/account/keys/revoke", "key", &id.to_string(), &format!("the key {}", key.name)))
                    }
                }
            }
            (create(visit, "/account/keys", "a key", "key-name"))
        }
    }
}

fn clients_card(visit: &Visit, account: &Account) -> Markup {
    html! {
        section class="card" aria-labelledby="clients" {
            h2 id="clients" { "OAuth clients" }
            p class="soft small" { "Programs that ask for tokens of an hour at " code { "/v1/oauth/token" } ". Revoking one ends its tokens at once." }
            @if account.clients().next().is_none() { p { "You have no clients." } }
            ul class="list" {
                @for (id, client) in account.clients() {
                    li {
                        div { strong { (client.name) } " " code { (id) } br; (scopes_shown(&client.scopes)) }
                        (revoke(visit, "/account/clients/revoke", "client", id, &format!("the client {}", client.name)))
                    }
                }
            }
            (create(visit, "/account/clients", "a client", "client-name"))
        }
    }
}

fn password_card(visit: &Visit) -> Markup {
    html! {
        section class="card" aria-labelledby="password" {
            h2 id="password" { "Password" }
            details {
                summary { "Change the password" }
                p class="soft small" { "Every other session of yours ends." }
                form method="post" action="/account/password" {
                    (csrf(visit))
                    div class="field" {
                        label for="current" { "Current password" }
                        input type="password" id="current" name="current" autocomplete="current-password" required;
                    }
                    div class="field" {
                        label for="new" { "New password" }
                        input type="password" id="new" name="new" autocomplete="new-password" required;
                    }
                    button { "Change it" }
                }
            }
        }
    }
}

fn said_shown(said: &Said) -> Markup {
    html! {
        @match said {
            Said::Nothing => {}
            Said::Done(text) => (note(false, text)),
            Said::Wrong(text) => (note(true, text)),
            Said::Secret(what, public, secret) => {
                div class="note" role="status" {
                    p { strong { (what) } " Copy it now: it is not shown again." }
                    @if let Some(public) = public { span class="small" { "Client id" } code class="secret" { (public) } span class="small" { "Client secret" } }
                    code class="secret" { (secret) }
                }
            }
        }
    }
}

async fn shown_with(state: &AppState, visit: &Visit, said: Said) -> Result<Response, Fault> {
    let caller = visit.person()?;
    let view = state.core.account_view(caller.account).await?;
    let balance = state.core.balance_of(caller.account).await?;
    let rows = state.reads.api_keys(caller.account, false).await?;
    let wrong = matches!(said, Said::Wrong(_));
    let body = html! {
        h1 { "Hello, " (if view.profile.display_name.is_empty() { &view.profile.username } else { &view.profile.display_name }) }
        (said_shown(&said))
        section class="card" aria-labelledby="who" {
            h2 id="who" { "Your account" }
            dl {
                dt { "Username" } dd { (view.profile.username) }
                dt { "Email" } dd { (view.profile.email) }
                dt { "Plan" } dd { (view.state.tier().as_str()) }
                dt { "Credits" } dd { (balance.available) " available, " (balance.held) " held" }
                dt { "Account id" } dd { code { (view.account) } }
            }
        }
        (keys_card(visit, &view.state, &rows))
        (clients_card(visit, &view.state))
        (password_card(visit))
    };
    let mut response = shown(layout("Your account", false, Some(visit), &body));
    if wrong {
        *response.status_mut() = http::StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

/// `GET /account`
pub(super) async fn page(State(state): State<AppState>, visit: Visit) -> Result<Response, Fault> {
    if visit.person.is_none() {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    shown_with(&state, &visit, Said::Nothing).await
}

fn asked(form: &Form) -> Result<Scopes, Fault> {
    let names = form.all("scope");
    if names.is_empty() { Ok(Scopes::Full) } else { chosen(&names) }
}

/// `POST /account/keys`
pub(super) async fn create_key(State(state): State<AppState>, visit: Visit, form: Form) -> Result<Response, Fault> {
    visit.check(form.get("csrf"))?;
    let made = state.core.issue_key(visit.person()?, form.get("name").trim(), asked(&form)?).await;
    let said = match made {
        Ok((key, _)) => Said::Secret("Here is your key.", None, key.secret),
        Err(refusal) => of(refusal)?,
    };
    shown_with(&state, &visit, said).await
}

/// `POST /account/keys/revoke`
pub(super) async fn revoke_key(State(state): State<AppState>, visit: Visit, form: Form) -> Result<Response, Fault> {
    visit.check(form.get("csrf"))?;
    let key_id: u64 = form.get("key").parse().map_err(|_| Problem::invalid("key must be a number."))?;
    let said = match state.core.revoke_key(visit.person()?, key_id).await {
        Ok(_) => Said::Done("The key is revoked."),
        Err(refusal) => of(refusal)?,
    };
    shown_with(&state, &visit, said).await
}

/// `POST /account/clients`
pub(super) async fn create_client(State(state): State<AppState>, visit: Visit, form: Form) -> Result<Response, Fault> {
    visit.check(form.get("csrf"))?;
    let made = state.core.create_client(visit.person()?, form.get("name").trim(), asked(&form)?).await;
    let said = match made {
        Ok((client, _)) => Said::Secret("Here is your client.", Some(client.client_id), client.secret),
        Err(refusal) => of(refusal)?,
    };
    shown_with(&state, &visit, said).await
}

/// `POST /account/clients/revoke`
pub(super) async fn revoke_client(State(state): State<AppState>, visit: Visit, form: Form) -> Result<Response, Fault> {
    visit.check(form.get("csrf"))?;
    let said = match state.core.revoke_client(visit.person()?, form.get("client")).await {
        Ok(_) => Said::Done("The client is revoked, and its tokens with it."),
        Err(refusal) => of(refusal)?,
    };
    shown_with(&state, &visit, said).await
}

/// `POST /account/password`
pub(super) async fn change_password(
    State(state): State<AppState>,
    visit: Visit,
    form: Form,
) -> Result<Response, Fault> {
    visit.check(form.get("csrf"))?;
    let (caller, Some(session)) = (visit.person()?, visit.session()) else { return Err(Fault::stale()) };
    super::people::count(&state, &visit, &caller.account.to_string()).await?;
    let said = match state.core.change_password(session, form.get("current"), form.get("new")).await {
        Ok(()) => Said::Done("The password is changed; every other session has ended."),
        Err(refusal) => of(refusal)?,
    };
    shown_with(&state, &visit, said).await
}

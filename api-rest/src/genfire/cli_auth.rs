//! `POST /cli/auth/sessions`, `GET …/{sessionId}`, `POST …/{sessionId}/exchange`: a command line's login by
//! PKCE. The person approves on a page of ours ([`crate::pages`]) or by GraphQL.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{StatusCode, header};
use mintmark_domain::account::Scope;
use mintmark_domain::ports::{CliSession, CliStatus};
use mintmark_domain::usecases::CliLogin;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::Moment;
use crate::AppState;
use crate::http::{JsonBody, Path, Problem, RequestContext};

/// Where a person approves a session.
pub(crate) const APPROVAL_PAGE: &str = "/cli-auth?session=";

/// The programs that may ask.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "for the document")]
enum CliClient {
    #[serde(rename = "genfire-cli")]
    GenfireCli,
}

/// How a challenge is made.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "for the document")]
enum ChallengeMethod {
    S256,
}

/// How a login stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SessionStatus {
    Pending,
    Approved,
    Denied,
    Consumed,
    Expired,
}

impl From<CliStatus> for SessionStatus {
    fn from(status: CliStatus) -> Self {
        match status {
            CliStatus::Pending => SessionStatus::Pending,
            CliStatus::Approved => SessionStatus::Approved,
            CliStatus::Denied => SessionStatus::Denied,
            CliStatus::Consumed => SessionStatus::Consumed,
            CliStatus::Expired => SessionStatus::Expired,
        }
    }
}

/// A login to be started.
#[derive(Deserialize, ToSchema)]
pub(super) struct SessionBody {
    /// The program that asks: `genfire-cli`.
    #[schema(value_type = CliClient)]
    client_id: String,
    /// BASE64URL(SHA256(code_verifier)).
    #[schema(min_length = 43, max_length = 128)]
    code_challenge: String,
    /// Always `S256`.
    #[schema(value_type = ChallengeMethod)]
    code_challenge_method: String,
    /// What it asks for; where absent, all that reads and generates.
    scopes: Option<Vec<String>>,
    /// What it calls itself to the person.
    #[schema(min_length = 1, max_length = 100)]
    label: Option<String>,
}

/// A login that was started.
#[derive(Serialize, ToSchema)]
pub(super) struct StartedSession {
    /// `clisess_` and 24 hex digits.
    session_id: String,
    /// The page on which the person approves: to be opened in a browser.
    verification_url: String,
    /// From when the session is over.
    expires_at: Moment,
    /// What is asked for.
    #[schema(value_type = Vec<String>)]
    requested_scopes: Vec<&'static str>,
    /// What the program calls itself.
    label: Option<String>,
}

/// A login.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionResource {
    /// Its id.
    session_id: String,
    /// `pending`, `approved`, `denied`, `consumed` or `expired`.
    status: SessionStatus,
    /// What the program calls itself.
    label: Option<String>,
    /// What was asked for.
    #[schema(value_type = Vec<String>)]
    requested_scopes: Vec<&'static str>,
    /// From when the session is over.
    expires_at: Moment,
}

/// The verifier of a login.
#[derive(Deserialize, ToSchema)]
pub(super) struct ExchangeBody {
    /// What the challenge was made of.
    #[schema(min_length = 43, max_length = 128)]
    code_verifier: String,
}

/// The key that came of a login.
#[derive(Serialize, ToSchema)]
pub(super) struct ExchangedKey {
    /// The key. It is shown this once.
    api_key: String,
    /// What it may do: what was asked for, or what the person made of it.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<&'static str>,
    /// What the program calls itself.
    label: Option<String>,
    /// Until when the session would have lived.
    session_expires_at: Moment,
}

fn scopes_of(asked: Option<Vec<String>>) -> Result<Option<Vec<Scope>>, Problem> {
    let Some(asked) = asked else { return Ok(None) };
    let read: Result<Vec<Scope>, _> = asked.iter().map(|name| name.parse::<Scope>()).collect();
    read.map(Some).map_err(|_| {
        let known = Scope::ALL.iter().filter(|scope| !scope.is_operators());
        let names: Vec<&str> = known.map(|scope| scope.as_str()).collect();
        Problem::invalid(format!("scopes may hold: {}.", names.join(", ")))
    })
}

/// Start a CLI auth session
///
/// Begins the login of a command line by PKCE (S256). The session lives ten minutes. A challenge that is
/// not 43 characters long is taken and can never be exchanged: no SHA-256 looks like that.
#[utoipa::path(
    post, path = "/v1/cli/auth/sessions", operation_id = "cli.auth.sessions.create", tag = "CLI Auth", security(()),
    request_body(content = SessionBody, example = json!({
        "client_id": "genfire-cli", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "scopes": ["account:read", "credits:read", "models:read", "runs:read", "images:write", "videos:write",
                   "uploads:write"],
        "label": "genfire-cli (laptop)",
    })),
    responses((status = 201, description = "The session.", body = StartedSession, example = json!({
        "session_id": "clisess_8f3c4a2b1d6e7f9a0b1c2d3e",
        "verification_url": "https://genfire.ai/cli-auth?session=clisess_8f3c4a2b1d6e7f9a0b1c2d3e",
        "expires_at": "2026-05-04T17:21:25.985Z",
        "requested_scopes": ["account:read", "images:write", "uploads:write"], "label": "genfire-cli (laptop)",
    }))),
)]
pub(super) async fn start(
    State(state): State<AppState>,
    JsonBody { value: body, .. }: JsonBody<SessionBody>,
) -> Result<impl IntoResponse, Problem> {
    let login = CliLogin {
        client_id: body.client_id,
        challenge: body.code_challenge,
        method: body.code_challenge_method,
        scopes: scopes_of(body.scopes)?,
        label: body.label,
    };
    let session = state.core.open_cli_session(login).await?;
    let answer = StartedSession {
        verification_url: state.core.links.page(&format!("{APPROVAL_PAGE}{}", session.id)),
        requested_scopes: session.scopes.names(),
        session_id: session.id,
        expires_at: Moment(session.expires_at),
        label: session.label,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Poll the status of a CLI auth session
///
/// `pending`, then `approved` or `denied`; `consumed` after the exchange; `expired` where it took too long
/// or five wrong verifiers came.
#[utoipa::path(
    get, path = "/v1/cli/auth/sessions/{sessionId}", operation_id = "cli.auth.sessions.get", tag = "CLI Auth",
    security(()),
    params(("sessionId" = String, Path, description = "The session's id.")),
    responses((status = 200, description = "How it stands.", body = SessionResource, example = json!({
        "session_id": "clisess_8f3c4a2b1d6e7f9a0b1c2d3e", "status": "approved", "label": "genfire-cli (laptop)",
        "requested_scopes": ["account:read", "images:write", "uploads:write"],
        "expires_at": "2026-05-04T17:21:25.985Z",
    }))),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<SessionResource>, Problem> {
    let CliSession { id, status, label, scopes, expires_at, .. } = state.core.cli_session(&id).await?;
    let (requested_scopes, expires_at) = (scopes.names(), Moment(expires_at));
    Ok(Json(SessionResource { session_id: id, status: status.into(), label, requested_scopes, expires_at }))
}

/// Exchange an approved CLI auth session for an API key
///
/// Once. The key is one of the approving person's ten, and never wider than what they approved.
#[utoipa::path(
    post, path = "/v1/cli/auth/sessions/{sessionId}/exchange", operation_id = "cli.auth.sessions.exchange",
    tag = "CLI Auth", security(()),
    params(("sessionId" = String, Path, description = "The session's id.")),
    request_body(content = ExchangeBody, example = json!({
        "code_verifier": "M25iVXpKU3puUjFaYWg3T1NDTDQtcW1ROUY5YXlwalNoc0hhakxifmZHag",
    })),
    responses(
        (status = 200, description = "The key, shown this once.", body = ExchangedKey, example = json!({
            "api_key": "gfa_live_abc123.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "scopes": ["account:read", "images:write", "uploads:write"], "label": "genfire-cli (laptop)",
            "session_expires_at": "2026-05-04T17:21:25.985Z",
        })),
        (status = 403, description = "The person denied it (`access_denied`)."),
        (status = 410, description = "It expired (`session_expired`) or was exchanged (`session_used`)."),
        (status = 428, description = "Not approved yet (`authorization_pending`): keep polling."),
    ),
)]
pub(super) async fn exchange(
    State(state): State<AppState>,
    context: RequestContext,
    Path(id): Path<String>,
    JsonBody { value: body, .. }: JsonBody<ExchangeBody>,
) -> Result<impl IntoResponse, Problem> {
    let made = state.core.exchange_cli_session(&id, &body.code_verifier, context.request_id()).await?;
    let answer = ExchangedKey {
        api_key: made.key.secret,
        scopes: made.key.scopes.names(),
        label: made.label,
        session_expires_at: Moment(made.session_expires_at),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)))
}

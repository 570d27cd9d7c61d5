//! `POST /oauth/token`: RFC 6749's client credentials grant, in JSON, as a form, or with HTTP Basic.

use std::borrow::Cow;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use mintmark_domain::account::ActsWith;
use mintmark_domain::usecases::NewToken;
use serde::Serialize;
use url::form_urlencoded;
use utoipa::ToSchema;

use crate::AppState;
use crate::http::limits::{Class, Counter, Standing};
use crate::http::{Kind, Limits, NO_TIER, Problem, RequestContext, parse_object, read, too_many};

/// How many bytes a request for a token has at most.
const BODY_BYTES_MAX: usize = 16 << 10;
/// The one grant that there is.
const GRANT: &str = "client_credentials";

/// The one grant that there is.
#[derive(Serialize, ToSchema)]
enum GrantType {
    #[serde(rename = "client_credentials")]
    #[allow(dead_code, reason = "for the document")]
    ClientCredentials,
}

/// A request for an access token.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the form of the body, for the document")]
pub(super) struct TokenRequest {
    /// Always `client_credentials`.
    #[schema(value_type = GrantType)]
    grant_type: String,
    /// The client. Absent where HTTP Basic says it.
    client_id: Option<String>,
    /// Its secret. Absent where HTTP Basic says it.
    client_secret: Option<String>,
    /// Scopes, separated by spaces; all that the client has where absent.
    scope: Option<String>,
}

/// An access token.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenResource {
    /// Sent as `Authorization: Bearer …`, as an API key is.
    access_token: String,
    /// Always `Bearer`.
    #[schema(examples("Bearer"))]
    token_type: &'static str,
    /// For how many seconds it holds.
    #[schema(examples(3600))]
    expires_in: i64,
    /// What it may do.
    scope: String,
}

/// What a request says, wherever it says it.
#[derive(Default)]
struct Said {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    scope: Option<String>,
}

impl Said {
    /// Takes one parameter. Errors: it was said before.
    fn take(&mut self, name: &str, value: String) -> Result<(), Problem> {
        let place = match name {
            "grant_type" => &mut self.grant_type,
            "client_id" => &mut self.client_id,
            "client_secret" => &mut self.client_secret,
            "scope" => &mut self.scope,
            // What is not known is ignored (RFC 6749, section 3.2).
            _ => return Ok(()),
        };
        if place.is_some() {
            return Err(Problem::invalid(format!("{name} is said twice.")));
        }
        // A parameter without a value is as if it were not there.
        *place = Some(value).filter(|value| !value.is_empty());
        Ok(())
    }

    fn of_json(bytes: &[u8]) -> Result<Self, Problem> {
        let mut said = Said::default();
        for (name, value) in parse_object(bytes)? {
            match value {
                serde_json::Value::String(value) => said.take(&name, value)?,
                serde_json::Value::Null => {}
                _ if matches!(&*name, "grant_type" | "client_id" | "client_secret" | "scope") => {
                    return Err(Problem::invalid(format!("{name} must be a string.")));
                }
                _ => {}
            }
        }
        Ok(said)
    }

    fn of_form(bytes: &[u8]) -> Result<Self, Problem> {
        let mut said = Said::default();
        for (name, value) in form_urlencoded::parse(bytes) {
            said.take(&name, value.into_owned())?;
        }
        Ok(said)
    }
}

/// What the client says in the header: its id and secret, each encoded as in a form (RFC 6749, 2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let wrong = || Problem::new(Kind::Unauthenticated, "The Authorization header must be Basic, said once.");
    let text = value.to_str().ok().filter(|_| values.next().is_none()).ok_or_else(wrong)?;
    let (scheme, encoded) = text.trim().split_once(' ').ok_or_else(wrong)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(wrong());
    }
    let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or_else(wrong)?;
    let (id, secret) = decoded.split_once(':').ok_or_else(wrong)?;
    Ok(Some((percent_decoded(id), percent_decoded(secret))))
}

/// A value as a form has it: `+` is a space, `%` and two digits a byte.
fn percent_decoded(text: &str) -> String {
    let pairs = [text.replace('&', "%26").replace('=', "%3D")].concat();
    let first = form_urlencoded::parse(pairs.as_bytes()).next();
    first.map_or_else(String::new, |(name, _)| Cow::into_owned(name))
}

/// What a request asks for, and who says to ask.
struct Asked {
    client_id: String,
    secret: String,
    scope: Option<String>,
}

impl Asked {
    async fn read(request: Request) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.unwrap_or("application/json").split(';').next().unwrap_or_default().trim();
        let is_form = essence.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        if !is_form && !essence.eq_ignore_ascii_case("application/json") {
            let message = "The body must be application/json or application/x-www-form-urlencoded.";
            return Err(Problem::new(Kind::UnsupportedMediaType, message));
        }
        let bytes = read(&parts.headers, body, BODY_BYTES_MAX).await?;
        let said = if is_form { Said::of_form(&bytes)? } else { Said::of_json(&bytes)? };
        let (client_id, secret) = match (basic(&parts.headers)?, said.client_id, said.client_secret) {
            (Some(_), _, Some(_)) => {
                let message = "The secret must be either in the body or in the Authorization header.";
                return Err(Problem::invalid(message));
            }
            (Some((id, _)), Some(other), None) if id != other => {
                let message = "client_id must be the same in the body and in the Authorization header.";
                return Err(Problem::invalid(message));
            }
            (Some(pair), _, None) => pair,
            (None, Some(id), Some(secret)) => (id, secret),
            (None, None, _) => return Err(Problem::invalid("client_id is required.")),
            (None, Some(_), None) => return Err(Problem::invalid("client_secret is required.")),
        };
        match said.grant_type.as_deref() {
            Some(GRANT) => Ok(Asked { client_id, secret, scope: said.scope }),
            Some(_) => {
                let message = format!("grant_type must be {GRANT}.");
                Err(Problem::invalid(message).coded("unsupported_grant_type"))
            }
            None => Err(Problem::invalid("grant_type is required.")),
        }
    }
}

/// A refusal, and how the limit on attempts stands that is closest to its end.
pub(super) struct Failed {
    problem: Problem,
    standing: Option<Standing>,
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Failed { problem, standing: None }
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        response.extensions_mut().insert(Limits { standing: self.standing, tier: NO_TIER });
        response
    }
}

/// Refuses whoever has failed too often. Nothing is counted yet: a secret has 160 bits, so what a burst of
/// guesses at once gets through before the first of them has failed is nothing.
async fn look(state: &AppState, counters: &[Counter]) -> Result<(), Failed> {
    for counter in counters {
        let verdict = state.limiter.look(&[*counter], state.core.now()).await.map_err(Problem::from)?;
        let standing = verdict.standing();
        too_many(verdict).map_or(Ok(()), |problem| Err(Failed { problem, standing }))?;
    }
    Ok(())
}

/// Counts a failure, where it was the caller's. One that cannot be counted is not answered as one: nobody may
/// guess on where nobody counts.
async fn failed(state: &AppState, counters: &[Counter], problem: Problem) -> Failed {
    let mut standing: Option<Standing> = None;
    let counters = if matches!(problem.kind, Kind::Overloaded | Kind::Internal) { &[] } else { counters };
    for counter in counters {
        let counted = match state.limiter.take(&[*counter], state.core.now()).await {
            Ok(verdict) => verdict.standing(),
            Err(uncounted) => return Problem::from(uncounted).into(),
        };
        standing = standing.into_iter().chain(counted).min_by_key(|standing| standing.remaining);
    }
    Failed { problem, standing }
}

/// A token that was issued, counted with what its client asks with it.
async fn issued(state: &AppState, client_id: String, token: NewToken) -> Result<Response, Problem> {
    let acts_with = ActsWith::Client { client_id, scopes: token.scopes.clone() };
    let limits = &state.settings.rate_limits;
    let counters = limits.of_account(token.account, token.tier, &acts_with, Class::Standard);
    let verdict = state.limiter.take(&counters, state.core.now()).await?;
    let limits = Limits { standing: verdict.standing(), tier: token.tier.as_str() };
    let mut response = match too_many(verdict) {
        Some(problem) => problem.into_response(),
        None => {
            let answer = TokenResource {
                access_token: token.token,
                token_type: "Bearer",
                expires_in: token.expires_in,
                scope: token.scopes.names().join(" "),
            };
            ([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(answer)).into_response()
        }
    };
    response.extensions_mut().insert(limits);
    Ok(response)
}

/// Issue an OAuth access token
///
/// For machines: the client credentials grant of RFC 6749. The body is JSON or a form; id and secret
/// stand in it or in HTTP Basic. The token is sent as an API key is. Errors are RFC 6749's.
#[utoipa::path(
    post, path = "/v1/oauth/token", operation_id = "oauth.token.create", tag = "Authentication", security((), ("client" = [])),
    request_body(content(
        (TokenRequest = "application/json", example = json!({
            "grant_type": "client_credentials", "client_id": "gfo_oauth_123", "client_secret": "gfs_live_secret",
            "scope": "models:read runs:read images:write",
        })),
        (TokenRequest = "application/x-www-form-urlencoded"),
    )),
    responses((status = 200, description = "The token. It is kept nowhere here.", body = TokenResource, example = json!({
        "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.example", "token_type": "Bearer", "expires_in": 3600,
        "scope": "models:read runs:read images:write",
    }))),
)]
pub(super) async fn token(
    State(state): State<AppState>,
    context: RequestContext,
    request: Request,
) -> Result<Response, Failed> {
    let limits = &state.settings.rate_limits;
    let from = limits.of_address(context.peer(), Class::SignIn);
    look(&state, &from).await?;
    let Asked { client_id, secret, scope } = match Asked::read(request).await {
        Ok(asked) => asked,
        Err(problem) => return Err(failed(&state, &from, problem).await),
    };
    let attempts = limits.of_attempt("oauth", &client_id, context.peer(), false);
    look(&state, &attempts).await?;
    match state.core.issue_token(&client_id, &secret, scope.as_deref()).await {
        Ok(token) => Ok(issued(&state, client_id, token).await?),
        Err(refusal) => {
            let problem = match Problem::from(refusal) {
                Problem { kind: kind @ Kind::Unauthenticated, .. } => {
                    Problem::new(kind, "The client is not known, or its secret is another.")
                }
                problem => problem,
            };
            Err(failed(&state, &attempts, problem).await)
        }
    }
}

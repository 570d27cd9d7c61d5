//! Who visits a page: the cookie, the person behind it, and the token that its forms bear.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use mintmark_domain::usecases::{Caller, Credential, ErrorClass, Refusal, SESSION_DAYS};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::fault::Fault;
use crate::AppState;
use crate::http::limits::Class;
use crate::http::{Problem, RequestContext, too_many};

/// The cookie of a session, and the one that forms of strangers are bound to.
const SESSION: &str = "mintmark_session";
const FORM: &str = "mintmark_form";
/// Before both where we are reached by https: such a cookie is set by this host only, for all of it.
const HOST: &str = "__Host-";

/// Somebody who looks at a page.
pub(super) struct Visit {
    /// The request.
    pub context: RequestContext,
    /// Who it is, if they are signed in.
    pub person: Option<Caller>,
    session: Session,
    /// What strangers' forms are bound to, and whether the browser has it yet.
    form: (String, bool),
    secure: bool,
}

/// What became of the session that a browser sent along.
enum Session {
    /// It sent none.
    None,
    /// It is over: the browser is told to forget it.
    Over,
    /// It holds; its token.
    Holds(String),
}

/// Somebody who wants to leave, which whoever is refused everything else may do too.
pub(super) struct Leaving(pub Visit);

/// Whether people reach us by https.
fn is_secure(state: &AppState) -> bool {
    state.core.links.page("/").starts_with("https://")
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str, secure: bool) -> Option<&'a str> {
    let prefix = if secure { HOST } else { "" };
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found.strip_prefix(prefix)? == name).then_some(value)
    })
}

/// The session that a browser sends along with a request to another route than a page, where the request
/// comes from a page of ours: it says `Origin` with our own host, or `Sec-Fetch-Site: same-origin`.
pub(crate) fn session_token(state: &AppState, headers: &HeaderMap) -> Option<Credential> {
    let session = Credential::session(cookie(headers, SESSION, is_secure(state))?)?;
    is_same_origin(&state.core.links.page("/"), headers).then_some(session)
}

fn is_same_origin(public: &str, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text("origin") else { return text("sec-fetch-site") == Some("same-origin") };
    let Ok(public) = url::Url::parse(public) else { return false };
    if public.origin().ascii_serialization() == origin {
        return true;
    }
    // Another name of ours, as the browser calls us: a cookie that it was given under that name. Where we are
    // reached by https, what comes by http may be anybody's on the way.
    let ours =
        |(scheme, host): (&str, &str)| (scheme == "https" || public.scheme() != "https") && text("host") == Some(host);
    origin.split_once("://").is_some_and(ours)
}

impl Visit {
    /// The token that this visitor's forms bear.
    pub fn csrf(&self) -> String {
        let secret = self.session().unwrap_or(&self.form.0);
        hex::encode(Sha256::digest(format!("form\n{secret}")))
    }

    /// Whether a form bears it.
    pub fn check(&self, csrf: &str) -> Result<(), Fault> {
        if bool::from(self.csrf().as_bytes().ct_eq(csrf.as_bytes())) { Ok(()) } else { Err(Fault::stale()) }
    }

    fn cookie(&self, name: &str, value: &str, seconds: i64) -> String {
        let (prefix, secure) = if self.secure { (HOST, "; Secure") } else { ("", "") };
        format!("{prefix}{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }

    fn set(&self, response: &mut Response, name: &str, value: &str, seconds: i64) {
        if let Ok(value) = HeaderValue::from_str(&self.cookie(name, value, seconds)) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }

    /// Sees to it that the browser has what strangers' forms are bound to, and no session that is over.
    pub fn with_form(&self, mut response: Response) -> Response {
        if matches!(self.session, Session::Over) {
            self.set(&mut response, SESSION, "", 0);
        }
        if !self.form.1 {
            self.set(&mut response, FORM, &self.form.0, 86_400);
        }
        response
    }

    /// Gives the browser a session.
    pub fn begin(&self, mut response: Response, token: &str) -> Response {
        self.set(&mut response, SESSION, token, SESSION_DAYS * 86_400);
        self.set(&mut response, FORM, "", 0);
        response
    }

    /// Takes it away.
    pub fn end(&self, mut response: Response) -> Response {
        self.set(&mut response, SESSION, "", 0);
        response
    }

    /// The person. Errors: nobody is signed in.
    pub fn person(&self) -> Result<&Caller, Fault> {
        self.person.as_ref().ok_or_else(Fault::stale)
    }

    /// The token of the session, where one holds.
    pub fn session(&self) -> Option<&str> {
        match &self.session {
            Session::Holds(token) => Some(token),
            Session::None | Session::Over => None,
        }
    }

    /// Who visits; beside it why they may do nothing, where their session holds and they may not.
    async fn of(parts: &mut Parts, state: &AppState) -> Result<(Self, Option<Refusal>), Fault> {
        let context = RequestContext::from_request_parts(parts, state).await?;
        let counters = state.settings.rate_limits.of_address(context.peer(), Class::Page);
        let verdict = state.limiter.take(&counters, state.core.now()).await.map_err(Problem::from)?;
        too_many(verdict).map_or(Ok(()), Err)?;
        let secure = is_secure(state);
        let (mut person, mut barred) = (None, None);
        let session = match cookie(&parts.headers, SESSION, secure) {
            None => Session::None,
            Some(token) => match Credential::session(token) {
                None => Session::Over,
                Some(credential) => match state.auth.person(&credential, &context).await {
                    Ok(caller) => {
                        person = Some(caller);
                        Session::Holds(token.to_owned())
                    }
                    // A stranger, who may sign in again.
                    Err(refusal) if refusal.public().0 == ErrorClass::Unauthenticated => Session::Over,
                    Err(refusal) if refusal.public().0 == ErrorClass::Forbidden => {
                        barred = Some(refusal);
                        Session::Holds(token.to_owned())
                    }
                    Err(refusal) => return Err(refusal.into()),
                },
            },
        };
        let known = cookie(&parts.headers, FORM, secure).filter(|value| Credential::session(value).is_some());
        let form = match known {
            Some(value) => (value.to_owned(), true),
            None => {
                let mut random = [0; 32];
                state.core.entropy.fill(&mut random);
                (hex::encode(random), false)
            }
        };
        Ok((Visit { context, person, session, form, secure }, barred))
    }
}

impl FromRequestParts<AppState> for Visit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Fault> {
        match Visit::of(parts, state).await? {
            (visit, None) => Ok(visit),
            (_, Some(refusal)) => Err(refusal.into()),
        }
    }
}

impl FromRequestParts<AppState> for Leaving {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Fault> {
        Visit::of(parts, state).await.map(|(visit, _)| Leaving(visit))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn visit(secure: bool) -> Visit {
        let context = RequestContext::of_socket(IpAddr::V4(Ipv4Addr::LOCALHOST), "r".into(), String::new());
        Visit { context, person: None, session: Session::None, form: ("f".repeat(64), false), secure }
    }

    #[test]
    fn over_https_a_cookie_is_secure_and_bound_to_the_host() {
        let plain = "mintmark_session=t; Path=/; Max-Age=60; HttpOnly; SameSite=Lax";
        assert_eq!(visit(false).cookie(SESSION, "t", 60), plain);
        assert_eq!(visit(true).cookie(SESSION, "t", 60), format!("__Host-{plain}; Secure"));
    }

    #[test]
    fn over_https_only_a_cookie_that_is_bound_to_the_host_counts() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; mintmark_session=plain"));
        assert_eq!(cookie(&headers, SESSION, false), Some("plain"));
        assert_eq!(cookie(&headers, SESSION, true), None);
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-mintmark_session=bound"));
        assert_eq!(cookie(&headers, SESSION, true), Some("bound"));
        assert_eq!(cookie(&headers, SESSION, false), Some("plain"));
    }

    #[test]
    fn a_page_of_ours_is_known_by_its_host_and_where_there_is_https_by_its_scheme() {
        let headers = |origin: &str| {
            let pairs = [(header::ORIGIN, origin), (header::HOST, "other.example:8443")];
            pairs.map(|(name, value)| (name, HeaderValue::from_str(value).unwrap())).into_iter().collect::<HeaderMap>()
        };
        for (public, origin, ours) in [
            ("https://mint.example/", "https://mint.example", true),
            ("https://mint.example/", "http://mint.example", false),
            ("https://mint.example/", "https://other.example:8443", true),
            ("https://mint.example/", "http://other.example:8443", false),
            ("http://127.0.0.1:8080/", "http://other.example:8443", true),
            ("http://127.0.0.1:8080/", "https://other.example:8443", true),
            ("http://127.0.0.1:8080/", "https://evil.example", false),
        ] {
            assert_eq!(is_same_origin(public, &headers(origin)), ours, "{public} {origin}");
        }
    }

    #[test]
    fn a_form_s_token_is_its_visitor_s_alone() {
        let (one, mut other) = (visit(false), visit(false));
        assert!(one.check(&one.csrf()).is_ok());
        other.form.0 = "e".repeat(64);
        assert!(one.check(&other.csrf()).is_err());
        assert!(!one.csrf().contains(&one.form.0), "it does not tell the cookie");
    }
}

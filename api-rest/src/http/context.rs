//! What is known of a request from its first line and headers: whose route it is, its id, its trace.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use http::{HeaderMap, Method};
use mintmark_domain::catalog::Dialect;
use mintmark_domain::run::Surface;

use super::problem::Problem;

/// How many characters a request's id has at most.
pub const REQUEST_ID_CHARS_MAX: usize = 128;

/// Where access tokens are issued: its errors are RFC 6749's.
pub(crate) const OAUTH_TOKEN: &str = "/v1/oauth/token";
/// Where GraphQL is served.
const GRAPHQL: &str = "/graphql";

/// Whose route a path is (decision 10): a route owns its dialect, its error envelope too, whether it
/// exists or not.
#[must_use]
pub fn dialect_of(path: &str) -> Dialect {
    let under = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if path == "/api/v1/generate" || under("/api/v1/tasks") || under("/api/v1/girlgenerator") {
        Dialect::GirlGenerator
    } else if under("/api/v1") {
        Dialect::Generor
    } else if under("/v1") {
        Dialect::Genfire
    } else {
        Dialect::Native
    }
}

/// Through which door a request of that dialect comes in; `None` for our own routes, which nobody
/// acts through.
#[must_use]
pub fn surface_of(dialect: Dialect) -> Option<Surface> {
    match dialect {
        Dialect::Generor => Some(Surface::Generor),
        Dialect::Genfire => Some(Surface::Genfire),
        Dialect::GirlGenerator => Some(Surface::Girlgenerator),
        Dialect::Native => None,
    }
}

/// What is known of a request before anything else. Extract it in a handler that wants it.
#[derive(Clone, Debug)]
pub struct RequestContext(pub(super) Arc<ContextInner>);

/// Whether a client proves itself with HTTP Basic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BasicUsed(pub bool);

#[derive(Debug)]
pub(super) struct ContextInner {
    pub dialect: Dialect,
    pub graphql: bool,
    /// Whether it asks for an access token, and whether with HTTP Basic.
    pub oauth: Option<BasicUsed>,
    pub request_id: String,
    pub traceparent: String,
    pub peer: IpAddr,
}

impl RequestContext {
    /// Reads it. `new_id` makes an id where the caller sent none, or none that may stand in a log.
    pub(super) fn read(
        parts_of: (&str, &HeaderMap),
        connected: Option<&ConnectInfo<SocketAddr>>,
        trusted_proxies: usize,
        new_id: impl FnOnce() -> String,
    ) -> Self {
        let (path, headers) = parts_of;
        RequestContext(Arc::new(ContextInner {
            dialect: dialect_of(path),
            graphql: path == GRAPHQL,
            oauth: (path == OAUTH_TOKEN).then(|| BasicUsed(headers.contains_key(http::header::AUTHORIZATION))),
            request_id: said_id(headers).unwrap_or_else(new_id),
            traceparent: traceparent(headers),
            peer: peer(headers, connected, trusted_proxies),
        }))
    }

    /// That of what comes over a WebSocket of GraphQL's, long after the request that opened it.
    #[must_use]
    pub fn of_socket(peer: IpAddr, request_id: String, traceparent: String) -> Self {
        let dialect = dialect_of(GRAPHQL);
        RequestContext(Arc::new(ContextInner { dialect, graphql: true, oauth: None, request_id, traceparent, peer }))
    }

    /// Whose route it is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.0.dialect
    }

    /// Whether it is GraphQL's: no dialect, but an account acts through it.
    #[must_use]
    pub fn is_graphql(&self) -> bool {
        self.0.graphql
    }

    /// Through which door it comes; `None` for our own routes, which nobody acts through.
    #[must_use]
    pub fn surface(&self) -> Option<Surface> {
        if self.0.graphql { Some(Surface::Graphql) } else { surface_of(self.0.dialect) }
    }

    /// Its id: the caller's own if it is a sane one.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// W3C trace context; empty where there is none.
    #[must_use]
    pub fn traceparent(&self) -> &str {
        &self.0.traceparent
    }

    /// Where it came from.
    #[must_use]
    pub fn peer(&self) -> IpAddr {
        self.0.peer
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| Problem::internal("the request came in past the pipeline"))
    }
}

/// The caller's own id, if it is 1 to 128 of `[A-Za-z0-9._:/+=@-]`: what is harmless in any log.
fn said_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("x-request-id")?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/+=@-".contains(&byte);
    let sane = !text.is_empty() && text.len() <= REQUEST_ID_CHARS_MAX && text.bytes().all(plain);
    sane.then(|| text.to_owned())
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, lower case, neither id all zeros; anything else is no trace.
fn traceparent(headers: &HeaderMap) -> String {
    let Some(text) = headers.get("traceparent").and_then(|value| value.to_str().ok()) else { return String::new() };
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let sane = matches!(parts[..], ["00", trace, span, flags]
        if hex(trace, 32) && hex(span, 16) && hex(flags, 2) && trace.bytes().any(|b| b != b'0') && span.bytes().any(|b| b != b'0'));
    if sane { text.to_owned() } else { String::new() }
}

/// Who is at the other end: behind `trusted_proxies` proxies of the operator's, the address that the
/// outermost of them saw; else whoever is connected.
fn peer(headers: &HeaderMap, connected: Option<&ConnectInfo<SocketAddr>>, trusted_proxies: usize) -> IpAddr {
    let direct = connected.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip());
    if trusted_proxies == 0 {
        return direct;
    }
    let forwarded: Vec<IpAddr> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|part| part.trim().parse().ok())
        .collect();
    // What stands further to the left was written by the caller.
    forwarded.len().checked_sub(trusted_proxies).and_then(|at| forwarded.get(at)).copied().unwrap_or(direct)
}

/// Whether a request opens a WebSocket (RFC 6455): by GET, with `websocket` among what it offers to go over
/// to. Other offers (`h2c` of curl's, of Java's client) are none, and the request is answered as it stands.
#[must_use]
pub fn opens_socket(method: &Method, headers: &HeaderMap) -> bool {
    let offers = headers.get_all(http::header::UPGRADE).iter().filter_map(|value| value.to_str().ok());
    let mut offers = offers.flat_map(|value| value.split(','));
    *method == Method::GET && offers.any(|offer| offer.trim().eq_ignore_ascii_case("websocket"))
}

/// Whether the method only reads.
pub(super) fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_path_has_its_dialect_whether_it_exists_or_not() {
        for (path, dialect) in [
            ("/api/v1/generate", Dialect::GirlGenerator),
            ("/api/v1/tasks/abc", Dialect::GirlGenerator),
            ("/api/v1/tasks", Dialect::GirlGenerator),
            ("/api/v1/generators", Dialect::Generor),
            ("/api/v1/generate/x", Dialect::Generor),
            ("/api/v1", Dialect::Generor),
            ("/api/v1x", Dialect::Native),
            ("/v1/runs", Dialect::Genfire),
            ("/v1", Dialect::Genfire),
            ("/v12", Dialect::Native),
            ("/healthz", Dialect::Native),
            ("/", Dialect::Native),
        ] {
            assert_eq!(dialect_of(path), dialect, "{path}");
        }
    }

    #[test]
    fn a_websocket_is_opened_by_get_however_it_is_spelt() {
        for (method, offers, opens) in [
            (Method::GET, &["websocket"][..], true),
            (Method::GET, &["h2c, WebSocket"], true),
            (Method::GET, &["h2c", "websocket"], true),
            (Method::GET, &["h2c"], false),
            (Method::GET, &["websockets"], false),
            (Method::GET, &[], false),
            (Method::POST, &["websocket"], false),
        ] {
            let headers = offers.iter().map(|offer| (http::header::UPGRADE, offer.parse().unwrap())).collect();
            assert_eq!(opens_socket(&method, &headers), opens, "{method} {offers:?}");
        }
    }

    #[test]
    fn only_a_harmless_request_id_is_kept() {
        assert_eq!(said_id(&headers(&[("x-request-id", "req_1:a/b+c=@.-")])).as_deref(), Some("req_1:a/b+c=@.-"));
        for bad in ["", "a b", "a\"b", &"x".repeat(129)] {
            assert_eq!(said_id(&headers(&[("x-request-id", bad)])), None, "{bad}");
        }
    }

    #[test]
    fn only_a_w3c_trace_is_kept() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(traceparent(&headers(&[("traceparent", good)])), good);
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(traceparent(&headers(&[("traceparent", bad)])), "", "{bad}");
        }
    }

    #[test]
    fn an_address_said_by_the_caller_counts_only_behind_proxies_of_ours() {
        let connected = ConnectInfo("10.0.0.9:1".parse().unwrap());
        let said = headers(&[("x-forwarded-for", "1.1.1.1, 2.2.2.2, 3.3.3.3")]);
        let seen = |proxies| peer(&said, Some(&connected), proxies).to_string();
        assert_eq!(seen(0), "10.0.0.9");
        assert_eq!(seen(1), "3.3.3.3");
        assert_eq!(seen(2), "2.2.2.2");
        assert_eq!(seen(4), "10.0.0.9");
    }
}

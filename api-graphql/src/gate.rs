//! Who asks, and whether they may ask again: what the surface needs of whoever keeps its door. The
//! composition root puts the REST surface's own keys and counters behind it, so that a request counts
//! the same wherever it comes in.

use std::net::IpAddr;

use async_trait::async_trait;
use mintmark_domain::usecases::{Caller, Credential, Refusal};

/// From where a connection came, and what it is called in the log.
#[derive(Clone)]
pub struct Origin {
    /// The address at the other end.
    pub peer: IpAddr,
    /// The request's id.
    pub request_id: String,
    /// W3C trace context; empty where there is none.
    pub traceparent: String,
    /// The session that a browser sent along from a page of ours.
    pub session: Option<Credential>,
}

/// A limit that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Which limit, for people.
    pub message: String,
    /// After how many whole seconds it is worth trying again.
    pub retry_after_seconds: u64,
}

/// Keeps the door of what does not come as one HTTP request each: the operations of a WebSocket, and the mutations
/// of a document after its first. A plain request was let in, counted and named before it is seen here.
#[async_trait]
pub trait Gate: Send + Sync + 'static {
    /// Who presents that `Authorization`, or else the origin's session; nobody where neither is there, or the
    /// session is over. Errors: no key, one that is not known, a suspended account.
    async fn caller(&self, authorization: Option<&str>, origin: &Origin) -> Result<Option<Caller>, Refusal>;

    /// Counts one request of a caller's; of the address's where there is no caller.
    async fn count(&self, caller: Option<&Caller>, peer: IpAddr) -> Result<(), TooMany>;
}

/// Rides on every request that was let in: from where it came and who asks, if they said so.
#[derive(Clone)]
pub struct Admitted {
    /// From where.
    pub origin: Origin,
    /// Who.
    pub caller: Option<Caller>,
    /// Whether it opens a WebSocket; then it was not counted yet, and nobody asked who it is.
    pub opens_socket: bool,
}

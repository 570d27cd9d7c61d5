//! A command line that asks for a key, as its person sees it.

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use mintmark_domain::ports::{CliSession, CliStatus};

use crate::account::names;

/// Where a command line's login stands.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(name = "CliSessionStatus")]
pub(crate) enum Status {
    /// Nobody has said anything yet.
    Pending,
    /// It was allowed.
    Approved,
    /// It was refused.
    Denied,
    /// The key was handed out.
    Consumed,
    /// It took too long, or too many wrong verifiers came.
    Expired,
}

/// A command line that asks for a key.
#[derive(SimpleObject)]
#[graphql(name = "CliSession")]
pub(crate) struct Session {
    /// `clisess_` and 24 hex digits.
    id: async_graphql::ID,
    /// Which program asks.
    client_id: String,
    /// What it calls itself.
    label: Option<String>,
    /// What it asks for.
    requested_scopes: Vec<String>,
    /// Where it stands.
    status: Status,
    /// From when it is over.
    expires_at: DateTime<Utc>,
}

impl From<CliSession> for Session {
    fn from(session: CliSession) -> Self {
        Session {
            requested_scopes: names(&session.scopes),
            status: match session.status {
                CliStatus::Pending => Status::Pending,
                CliStatus::Approved => Status::Approved,
                CliStatus::Denied => Status::Denied,
                CliStatus::Consumed => Status::Consumed,
                CliStatus::Expired => Status::Expired,
            },
            id: session.id.into(),
            client_id: session.client_id,
            label: session.label,
            expires_at: session.expires_at,
        }
    }
}

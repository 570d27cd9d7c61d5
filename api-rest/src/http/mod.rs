//! What all dialects share: the pipeline, who asks, limits, bodies, queries, headers, problems.

mod amount;
mod auth;
mod context;
pub mod envelope;
mod fresh;
mod headers;
mod json;
mod large;
pub mod limits;
mod path;
pub(crate) mod pipeline;
mod problem;
mod query;
mod time;

pub use amount::Amount;
pub(crate) use amount::exact_decimal;
pub use auth::{Authenticated, Authenticator, KeyUse, NoKeyUse, Visitor};
pub(crate) use context::OAUTH_TOKEN;
pub use context::{REQUEST_ID_CHARS_MAX, RequestContext, dialect_of, opens_socket, surface_of};
pub(crate) use fresh::{all_fresh, fresh, reached};
pub use headers::{Applied, Idempotency, LogPosition, Prefer, Replayed};
pub(crate) use json::read as read_body;
pub use json::{BODY_WITHIN, JSON_BYTES_MAX, JsonBody, OptionalJsonBody, typed};
pub(crate) use json::{PARSED_INLINE_BYTES_MAX, parse_object, read};
pub use large::LargeBody;
pub use path::Path;
pub(crate) use pipeline::{Limits, NO_TIER, too_many};
pub use pipeline::{caller_of, count, session_of};
pub(crate) use problem::sentence;
pub use problem::{Kind, Problem};
pub use query::QueryParams;
pub use time::parse_time;

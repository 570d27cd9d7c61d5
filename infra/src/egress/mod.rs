//! The guarded HTTP client: the one way to every URL that a user can name (inputs, webhooks,
//! product pages, provider outputs).
//!
//! What it holds, at the first address and again at each redirect:
//! * `https` only; port 443, or one from 1024 up (the well-known services below are none of
//!   ours); no user name or password in the URL.
//! * The host is resolved here, every address that is not global is left out, and the
//!   connection goes to the addresses that were checked: a second answer of the resolver is
//!   never asked for.
//! * Bytes (after decompression), the time in all and the time without progress are limited.
//! * No proxy from the environment.
//!
//! The only exceptions are the rules of the setting `egress.allow`, logged at start. They
//! permit `http`, any port and any address for the host that they name; redirects that leave
//! that host are judged afresh.
//!
//! URLs on `example.com`, `*.example` and `cdn.genfire.ai` (the hosts that the documents
//! print) never reach the network: built-in samples answer them.

mod address;
mod allow;
mod body;
mod client;
mod error;
mod guard;
mod limits;
mod resolve;
mod samples;

pub use allow::{AllowRule, AllowRuleError};
pub(crate) use client::tls_config;
pub use client::{Egress, Fetched, FetchedHead, Posted};
pub use error::EgressError;
pub use limits::FetchLimits;
pub use resolve::{Resolve, SystemResolver};
pub use samples::{SampleSource, is_sample_host};

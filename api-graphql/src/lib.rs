//! GraphQL over the same use cases and read models as the REST dialects.
//!
//! One module per concept; resolvers call one use case or query each. Every field names the scope it
//! needs. Queries are bounded in depth and cost, lists in length, subscriptions in number. Errors
//! carry a stable code in `extensions.code`.

mod account;
mod creation;
mod error;
mod guard;
mod input;
mod model;
mod mutation;
mod paging;
mod query;
mod run;
mod scalar;
mod server;
mod state;
mod stream;
mod subscription;
mod usage;
mod wallet;

pub use server::{LIMITS, Limits, router, sdl};
pub use state::GraphqlState;

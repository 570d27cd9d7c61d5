//! GraphQL over the same use cases and read models as the REST dialects.
//!
//! One module per concept; resolvers call one use case or query each. Every field names the scope it
//! needs. Queries are bounded in depth and cost, lists in length, subscriptions in number. Errors
//! carry a stable code in `extensions.code`.

mod account;
mod answer;
mod batch;
mod character;
mod cli_session;
mod conversation;
mod cost;
mod counted;
mod creation;
mod document;
mod error;
mod filter;
mod fresh;
mod gate;
mod generator;
mod guard;
mod input;
mod model;
mod mutation;
mod operation;
mod page;
mod paging;
mod person;
mod places;
mod project;
mod query;
mod run;
mod scalar;
mod search;
mod server;
mod socket;
mod state;
mod stream;
mod subscription;
mod team;
mod usage;
mod wallet;
mod webhook;

pub use gate::{Admitted, Gate, Origin, TooMany};
pub use server::{LIMITS, Limits, router, sdl};
pub use socket::SocketLimits;
pub use state::GraphqlState;

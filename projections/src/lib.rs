//! The read side: what happened, in the shape in which it is asked for.
//!
//! Each [`Projection`] keeps a set of tables that must agree with each other. A runner per projection
//! and shard applies the log to them, batch by batch, each batch and its checkpoint in one
//! transaction. Adapters read them through [`ReadModels`].

pub mod accounts;
mod as_of;
mod error;
mod fact;
mod feed;
pub mod generation;
pub mod people;
mod positions;
mod projection;
mod reads;
pub mod rebuild;
mod runner;
mod schema;
pub mod search;
mod sql;
mod table;
pub mod wallets;
pub mod webhooks;

pub use as_of::{AsOf, Listed, Total};
pub use error::{ApplyError, QueryError};
pub use fact::{Event, Fact, Kind, PeopleFact};
pub use positions::{BadToken, Place, Positions, Walk};
pub use projection::{Definition, Projection, ProjectionName};
pub use reads::{Order, PAGE_ROWS_MAX, Page, Paging, ReadModels, Stretch};
pub use runner::{Board, EndWatch, Health, RunnerSettings, Runners, Status, Waited};
pub use schema::{SchemaError, migrate};
#[cfg(test)]
mod tests;

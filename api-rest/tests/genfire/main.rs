//! The GenFire dialect over HTTP, against the whole surface.

mod ask;
mod batches;
mod errors;
mod idempotency;
mod lists;
mod receipts;
mod routes;
mod scopes;
mod shape;
mod shapes;
#[path = "../support/mod.rs"]
mod support;
mod usage;
mod waiting;

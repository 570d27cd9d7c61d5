//! The GenFire dialect over HTTP, against the whole surface.

mod ask;
mod batches;
mod characters;
mod errors;
mod idempotency;
mod lists;
mod media;
mod products;
mod receipts;
mod routes;
mod s3;
mod scopes;
mod shape;
mod shapes;
#[path = "../support/mod.rs"]
mod support;
mod uploads;
mod usage;
mod waiting;
mod webhooks;
mod workflows;

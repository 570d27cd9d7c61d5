//! What Mintmark needs from the world outside its log: the embedded Postgres, storage,
//! guarded egress, keys, clock and telemetry. See `docs/ARCHITECTURE.md`.

pub mod assets;
pub mod egress;
pub mod identity;
pub mod gifts;
pub mod inputs;
pub mod keys;
pub mod links;
pub mod products;
pub mod providers;
pub mod running;
pub mod telemetry;
pub mod training;
pub mod uploads;
pub mod vault;
pub mod webhooks;
pub mod youtube;

pub use mintmark_postgres as postgres;

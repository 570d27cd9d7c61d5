//! Telling endpoints: claims what is due, makes its body where there is none yet, signs and posts it,
//! and writes down what came of it.
//!
//! Any number of processes may do so: what one has claimed nobody else gets until its lease is over. An
//! attempt that a crash cut short is made again, so an endpoint is told at least once, always with the
//! same id and bytes. A slow or dead endpoint holds only the few places that one endpoint may hold, and a
//! single one while it fails; an account holds a share of them, and all endpoints that fail another.

mod attempt;
mod escalate;
mod forgetting;
mod later;
mod places;
mod sender;
mod settings;
pub mod steps;
mod telling;

pub use sender::{SenderDeps, Sending, WebhookSender};
pub use settings::SenderSettings;

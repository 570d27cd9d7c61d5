//! Webhooks: which endpoints there are, what they are to be told, and what was delivered.
//!
//! [`WebhookFollower`] follows the log as a projection does, checkpoint and rows in one transaction, but
//! what it writes lies outside the versioned read models (`read_side`): it is never rebuilt, since that
//! would tell everything again. Ids of events and deliveries are derived, so that an event that is
//! applied again after a crash is no second delivery. [`ReadModels`](crate::ReadModels) is the outbox
//! that a sender works on, and shows deliveries to their owner.

mod claims;
mod endpoints;
mod follower;
mod happenings;
mod outbox;
mod queries;

#[cfg(test)]
pub(crate) use claims::explained;
pub use follower::WebhookFollower;
pub use queries::{Delivery, DeliveryStatus, EndpointHealth, Replay};

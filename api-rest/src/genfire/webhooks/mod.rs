//! Webhooks: endpoints, their deliveries and replays, and the bodies that are sent.

mod body;
mod deliveries;
mod endpoints;
mod resource;

pub use body::EventBodies;
pub(super) use deliveries::{__path_list_deliveries, __path_replay, list_deliveries, replay};
pub(super) use endpoints::{__path_create, __path_delete, __path_list, __path_update, create, delete, list, update};

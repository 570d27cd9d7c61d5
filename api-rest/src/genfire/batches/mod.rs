//! Batches: `POST` and `GET /batches`, `GET /batches/{id}`, its items, and `POST /batches/{id}/cancel`.
//!
//! An item's input is read by the very function that reads the single endpoint's body, and judged by
//! the same use case; what is refused is named with its item: `items[3].input.aspect_ratio`.

mod read;
mod resource;
mod routes;
mod shown;

pub(super) use resource::BatchResource;
pub(super) use routes::{__path_cancel, __path_create, __path_get, __path_items, __path_list};
pub(super) use routes::{cancel, create, get, items, list};

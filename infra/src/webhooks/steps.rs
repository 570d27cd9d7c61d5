//! The steps of a delivery at which tests stop the process; see [`crate::running::steps`].

/// After an endpoint was told, before that is written down.
pub const AFTER_POST: &str = "webhook.after_post";

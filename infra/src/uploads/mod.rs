//! Uploads: signed addresses to put a file to and to read it from, and the file streamed to storage.
//!
//! An address to put to takes one file, once. The file is stored whole or not at all; what breaks off can be
//! sent again while the address lives. Whoever stores a file holds a claim on it that it renews as the file
//! comes in, so that a process that was killed keeps nobody out for longer than a minute.

mod names;
mod receive;
mod service;
mod table;

pub use service::{SignedUploads, UploadsDeps, UploadsSettings};

/// The table, made where it is not there.
pub const SCHEMA: &str = include_str!("schema.sql");

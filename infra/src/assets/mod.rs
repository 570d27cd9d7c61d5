//! Asset storage: the files that runs make and people upload.
//!
//! A key names an asset: `users/{id}/img/image-{n}.{ext}`, `runs/{run}/{attempt}/{index}.{ext}`.
//! Its media type follows from the extension (see [`media_type()`]), so that it is the same in
//! every store, survives any copy made with other tools, and cannot be chosen by an uploader.
//! A put appears whole or not at all, and is on the disk when it returns.

mod error;
mod key;
mod media_type;
mod port;
mod range;
mod s3;
mod signer;
mod store;
mod writer;

pub use error::AssetError;
pub use key::{AssetKey, AssetKeyError};
pub use media_type::{extension_for, media_type};
pub(crate) use port::port_error;
pub use range::{ByteRange, RangeError, parse_range};
pub use s3::S3Settings;
pub use signer::{SignatureError, UrlSigner};
pub use store::{AssetBody, AssetHead, AssetStore};
pub use writer::AssetWriter;

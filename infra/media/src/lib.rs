//! Makes the sandbox provider's media: real, valid files that are drawn, played and written from a
//! prompt and a seed.
//!
//! A pure library: no network, no clock, no runtime, no files. Every function gives the same bytes for
//! the same arguments (on one platform; the last bit of floating-point functions may differ between
//! systems). What a call may cost is bounded by [`limits`]; inputs of unknown origin give typed
//! errors, never a panic. Calls take milliseconds to a few seconds of one core, so an asynchronous
//! caller runs them on a thread of their own.
//!
//! * [`draw_image`]: pictures (PNG, lossless WebP, JPEG) that also show their reference pictures;
//!   [`size_for`] gives the size for a ratio.
//! * [`make_video`]: H.264 in MP4, in seven [modes](VideoMode); [`video_size_for`] gives its size. Videos
//!   have no sound.
//! * [`make_speech`], [`make_music`]: WAV that is computed while it is read.
//! * [`make_text`], [`make_fields`], [`make_script`]: readable text, typed fields that fit a schema, and
//!   advertisements.
//! * [`probe()`]: what a file is, by its bytes.
//! * [`sample`]: built-in files for the example addresses of the documents.

mod audio;
mod container;
mod error;
pub mod limits;
mod picture;
mod probe;
mod samples;
mod seed;
mod text;
mod video;

pub use audio::{Audio, make_music, make_speech};
pub use error::MediaError;
pub use picture::{ImageFormat, Picture, draw_image, parse_ratio, size_for, video_size_for};
pub use probe::{MediaClass, MediaInfo, MediaKind, ProbeError, probe};
pub use samples::{Sample, sample};
pub use text::{FieldKind, FieldSpec, Script, ScriptSpec, TextSpec, make_fields, make_script, make_text};
pub use video::{Frame, Video, VideoMode, VideoSpec, make_video, video_frame};

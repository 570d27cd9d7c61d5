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
//! * [`draw_svg`]: vector drawings; [`cut_out`] and [`upscale_image`]: pictures of others, worked on.
//! * [`make_lipsync`], [`upscale_video`]: videos of others, worked on, with sound.
//! * [`make_speech`], [`make_music`], [`make_effect`]: WAV; [`extract_audio`] that of others.
//! * [`make_text`], [`make_fields`]: readable text, and typed fields that fit a schema;
//!   [`make_script`]: advertisements; [`make_transcript`]: words over a recording's length.
//! * [`probe()`]: what a file is, by its bytes; [`measure()`]: the same of a file on disk, its length to
//!   the last packet.
//! * [`sample`]: built-in files for the example addresses of the documents.

mod asf;
mod audio;
mod container;
mod error;
pub mod limits;
mod measure;
mod picture;
mod probe;
mod samples;
mod seed;
mod text;
mod video;

pub use audio::{
    Audio, EffectChoices, MusicChoices, MusicDetails, MusicSection, extract_audio, make_effect, make_music,
    make_music_with, make_speech,
};
pub use error::MediaError;
pub use measure::measure;
pub use picture::{
    ImageFormat, Picture, brightness, cut_out, draw_image, draw_svg, parse_ratio, portrait, size_for, svg_size,
    upscale_image, video_size_for,
};
pub use probe::{MediaClass, MediaInfo, MediaKind, ProbeError, probe};
pub use samples::{Sample, sample};
pub use text::{
    FieldKind, FieldSpec, Script, ScriptSpec, TextSpec, Transcript, TranscriptSegment, TranscriptWord, make_fields,
    make_script, make_text, make_transcript,
};
pub use video::{
    Frame, LipsyncSpec, SyncMode, Video, VideoMode, VideoSpec, make_lipsync, make_video, upscale_video, video_frame,
};

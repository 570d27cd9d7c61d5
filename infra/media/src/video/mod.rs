//! Videos: gently animated pictures and re-worked inputs, as H.264 in MP4.

mod direct;
mod frame;
mod mux;
mod rework;
mod sound;
mod source;

use bytes::Bytes;

use crate::error::MediaError;
use crate::limits::{EDGE_MIN, INPUTS_MAX, VIDEO_EDGE_MAX, VIDEO_FPS, VIDEO_SECONDS_MAX};
use crate::picture::{Rgb, decode_image};
use crate::probe::is_mp4;
use direct::Director;

pub use rework::{LipsyncSpec, SyncMode, make_lipsync, upscale_video};

/// What a video is made from.
///
/// A picture input may also be an MP4, of which the first frame is taken; a video input is MP4 with
/// an H.264 track. Errors count inputs from 0 in the order of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoMode {
    /// From the prompt alone: the camera glides over a drawn scene.
    Text,
    /// Starts as the given picture, which fills the frame, then moves into it.
    Image {
        /// PNG, JPEG or WebP.
        start: Bytes,
    },
    /// Shows every reference: first all of them in a drawn scene, then one after another.
    References {
        /// PNG, JPEG, WebP or MP4, at least one.
        inputs: Vec<Bytes>,
    },
    /// The first frame is one picture, the last frame the other.
    FirstLast {
        /// The first frame.
        first: Bytes,
        /// The last frame.
        last: Bytes,
    },
    /// The frames of a video in other colours, with a passing light; references hang in a corner.
    /// A source that is shorter than asked starts again.
    Edit {
        /// The video.
        source: Bytes,
        /// Pictures to show in the corner.
        references: Vec<Bytes>,
    },
    /// The whole video, then as much new video as asked: its last frame dissolves into a new scene.
    Extend {
        /// The video.
        source: Bytes,
    },
    /// A character's picture moves as what moves in the video, over its darkened frames.
    Motion {
        /// The character.
        character: Bytes,
        /// The video.
        source: Bytes,
    },
}

/// A video to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoSpec {
    /// The prompt; also steers scene and colours, see [`draw_image`](crate::draw_image).
    pub prompt: String,
    /// Varies everything that the prompt leaves open.
    pub seed: u64,
    /// Width in pixels; made even (odd numbers lose one).
    pub width: u32,
    /// Height in pixels; made even (odd numbers lose one).
    pub height: u32,
    /// Length in milliseconds; for [`VideoMode::Extend`] what is added to the source.
    pub duration_ms: u64,
    /// What it is made from.
    pub mode: VideoMode,
    /// Whether music of the prompt plays with it.
    pub sound: bool,
}

/// A finished video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Video {
    /// The MP4 file, its description before its frames.
    pub bytes: Vec<u8>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Length in milliseconds, exactly as asked (for an extension plus the source's).
    pub duration_ms: u64,
    /// Number of frames.
    pub frames: u32,
}

/// Makes a video: H.264 (constrained baseline) in MP4, [`VIDEO_FPS`] frames per second; its sound, if it is to have
/// one, as lossless FLAC, which browsers and players know in this container.
///
/// The same specification gives the same bytes. Frames are made and encoded one by one: memory is a
/// few frames, the encoder and the finished file. Eight seconds of 854x480 take about a second of
/// one core; cost grows with pixels and seconds.
///
/// # Errors
/// [`MediaError::Size`] beyond [`VIDEO_EDGE_MAX`], [`MediaError::Length`] beyond [`VIDEO_SECONDS_MAX`],
/// [`MediaError::TooManyInputs`], [`MediaError::NoInput`], and [`MediaError::Input`] for an input that
/// cannot be read.
pub fn make_video(spec: &VideoSpec) -> Result<Video, MediaError> {
    let (width, height) = (spec.width & !1, spec.height & !1);
    if [width, height].iter().any(|edge| !(EDGE_MIN..=VIDEO_EDGE_MAX).contains(edge)) {
        return Err(MediaError::Size { width: spec.width, height: spec.height, min: EDGE_MIN, max: VIDEO_EDGE_MAX });
    }
    check_length(spec.duration_ms)?;
    let mut director = Director::new(spec, width, height)?;
    let duration_ms = director.duration_ms();
    check_length(duration_ms)?;
    let frames = frame_count(duration_ms);
    let mut writer = mux::Writer::new(width, height)?;
    for number in 0..frames {
        writer.push(&director.frame(number, frames)?)?;
    }
    let sound = if spec.sound { Some(sound::Sound::of(&spec.prompt, spec.seed, duration_ms)?) } else { None };
    Ok(Video { bytes: writer.finish(duration_ms, sound.as_ref())?, width, height, duration_ms, frames })
}

fn check_length(ms: u64) -> Result<(), MediaError> {
    let max_ms = u64::from(VIDEO_SECONDS_MAX) * 1000;
    if ms == 0 || ms > max_ms {
        return Err(MediaError::Length { asked_ms: ms, max_ms });
    }
    Ok(())
}

/// Frames that fill a length, rounded, at least one.
fn frame_count(duration_ms: u64) -> u32 {
    ((duration_ms * u64::from(VIDEO_FPS) + 500) / 1000).max(1) as u32
}

/// Decodes one frame of an MP4 as a picture file would be: what is shown at a time, or at the end.
///
/// For previews and tests. The frame is cut to fill `width` x `height` (even numbers).
///
/// # Errors
/// [`MediaError::Input`] if the file has no H.264 track that can be decoded, [`MediaError::Size`]
/// beyond [`VIDEO_EDGE_MAX`].
pub fn video_frame(file: &Bytes, at_ms: u64, width: u32, height: u32) -> Result<Frame, MediaError> {
    if [width, height].iter().any(|edge| edge % 2 != 0 || !(EDGE_MIN..=VIDEO_EDGE_MAX).contains(edge)) {
        return Err(MediaError::Size { width, height, min: EDGE_MIN, max: VIDEO_EDGE_MAX });
    }
    let rgb = source::Source::open(file.clone(), 0, (width, height))?.at(at_ms)?.to_rgb();
    Ok(Frame { width, height, rgb: rgb.data })
}

/// The pixels of one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Red, green and blue of each pixel, row by row.
    pub rgb: Vec<u8>,
}

/// Reads an input as a picture: a picture file, or the first frame of a video.
fn still(input: &Bytes, index: usize, size: (u32, u32)) -> Result<Rgb, MediaError> {
    if is_mp4(input) {
        return Ok(source::Source::open(input.clone(), index, size)?.at(0)?.to_rgb());
    }
    decode_image(input, index)
}

/// Reads several inputs as pictures; `before` is how many inputs the mode has before them.
fn stills(inputs: &[Bytes], before: usize, size: (u32, u32)) -> Result<Vec<Rgb>, MediaError> {
    if inputs.len() + before > INPUTS_MAX {
        return Err(MediaError::TooManyInputs { given: inputs.len() + before, max: INPUTS_MAX });
    }
    inputs.iter().enumerate().map(|(i, input)| still(input, before + i, size)).collect()
}

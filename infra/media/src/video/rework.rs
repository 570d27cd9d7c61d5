//! Videos of others, worked on: enlarged, or with lips that follow a sound.

use bytes::Bytes;

use super::frame::Frame;
use super::sound::Sound;
use super::source::{self, Source};
use super::{Video, frame_count, mux};
use crate::audio::decode_audio;
use crate::error::MediaError;
use crate::limits::{
    AUDIO_SAMPLE_RATE, EDGE_MIN, REWORKED_SECONDS_MAX, UPSCALED_VIDEO_EDGE_MAX, VIDEO_EDGE_MAX, VIDEO_FPS,
};

/// How many frames are held at once while a video plays backwards.
const BACKWARD_FRAMES: u64 = 24;

/// How video and sound are brought to one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMode {
    /// What is longer is cut off.
    CutOff,
    /// The video begins anew until the sound ends.
    Loop,
    /// The video goes back and forth until the sound ends.
    Bounce,
    /// What is shorter is filled up: the sound with silence, the video with its last frame.
    Silence,
    /// The video plays slower or faster, so that it ends with the sound.
    Remap,
}

impl SyncMode {
    /// The length of the result, in the unit of both.
    pub fn length(self, video: u64, audio: u64) -> u64 {
        match self {
            Self::CutOff => video.min(audio),
            Self::Loop | Self::Bounce | Self::Remap => audio,
            Self::Silence => video.max(audio),
        }
    }
}

/// A video whose lips are to follow a sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LipsyncSpec {
    /// MP4 with an H.264 track. Errors count it as input 0.
    pub video: Bytes,
    /// Any sound that can be decoded, a video's track too. Errors count it as input 1.
    pub audio: Bytes,
    /// How they are brought to one length.
    pub mode: SyncMode,
    /// The shorter edge of the result in pixels; the source's own if there is none.
    pub short_edge: Option<u32>,
}

/// Makes a video that shows the frames of one and plays the sound of another, with a mouth that opens
/// as loud as the sound is at that moment.
///
/// # Errors
/// [`MediaError::Input`] for what cannot be read or has no sound, [`MediaError::Length`] beyond
/// [`REWORKED_SECONDS_MAX`].
pub fn make_lipsync(spec: &LipsyncSpec) -> Result<Video, MediaError> {
    let (width, height) = size_for(source::size_of(&spec.video, 0)?, spec.short_edge);
    let mut frames = Source::open_whole(spec.video.clone(), 0, (width, height))?;
    let heard = decode_audio(&spec.audio, 1)?.ok_or_else(|| MediaError::input(1, "it has no sound"))?;
    let (video_ms, audio_ms) = (frames.duration_ms(), length_ms(heard.len()));
    let duration_ms = spec.mode.length(video_ms, audio_ms);
    check_length(duration_ms)?;
    let heard = filled(heard, duration_ms);
    let count = frame_count(duration_ms);
    let mut writer = mux::Writer::new(width, height)?;
    let mut backward = Backward::default();
    let mut open = 0.0;
    for number in 0..count {
        let ms = u64::from(number) * 1000 / u64::from(VIDEO_FPS);
        let mut frame = match spec.mode {
            SyncMode::CutOff | SyncMode::Silence => frames.at(ms)?,
            SyncMode::Loop => frames.looped(ms)?,
            SyncMode::Remap => frames.at(ms * video_ms / duration_ms.max(1))?,
            SyncMode::Bounce => match ms % (2 * video_ms.max(1)) {
                forth if forth < video_ms => frames.looped(forth)?,
                back => backward.at(&mut frames, 2 * video_ms - back)?,
            },
        };
        // Lips take a moment to open and to close.
        open += (loudness(&heard, ms) - open) * 0.6;
        frame.mouth(open);
        writer.push(&frame)?;
    }
    let sound = Sound::encoded(&heard)?;
    Ok(Video { bytes: writer.finish(duration_ms, Some(&sound))?, width, height, duration_ms, frames: count })
}

/// Enlarges a video by a factor; its sound stays, where it can be decoded. It has [`VIDEO_FPS`] frames
/// per second, as every video that is made here.
///
/// # Errors
/// [`MediaError::Input`] for what cannot be read, [`MediaError::Size`] where an edge would be longer
/// than [`UPSCALED_VIDEO_EDGE_MAX`], [`MediaError::Length`] beyond [`REWORKED_SECONDS_MAX`].
pub fn upscale_video(file: &Bytes, factor: u32) -> Result<Video, MediaError> {
    let (width, height) = source::size_of(file, 0)?;
    let (width, height) = (width.saturating_mul(factor) & !1, height.saturating_mul(factor) & !1);
    if [width, height].iter().any(|edge| !(EDGE_MIN..=UPSCALED_VIDEO_EDGE_MAX).contains(edge)) {
        return Err(MediaError::Size { width, height, min: EDGE_MIN, max: UPSCALED_VIDEO_EDGE_MAX });
    }
    let mut frames = Source::open_whole(file.clone(), 0, (width, height))?;
    let duration_ms = frames.duration_ms();
    check_length(duration_ms)?;
    let count = frame_count(duration_ms);
    let mut writer = mux::Writer::new(width, height)?;
    for number in 0..count {
        writer.push(&frames.at(u64::from(number) * 1000 / u64::from(VIDEO_FPS))?)?;
    }
    // A track that nobody here can decode is left out; the picture is what was asked for.
    let heard = decode_audio(file, 0).ok().flatten();
    let sound = heard.map(|heard| Sound::encoded(&filled(heard, duration_ms))).transpose()?;
    Ok(Video { bytes: writer.finish(duration_ms, sound.as_ref())?, width, height, duration_ms, frames: count })
}

fn check_length(ms: u64) -> Result<(), MediaError> {
    let max_ms = u64::from(REWORKED_SECONDS_MAX) * 1000;
    if ms == 0 || ms > max_ms {
        return Err(MediaError::Length { asked_ms: ms, max_ms });
    }
    Ok(())
}

fn length_ms(samples: usize) -> u64 {
    samples as u64 * 1000 / u64::from(AUDIO_SAMPLE_RATE)
}

/// Cut off, or filled up with silence.
fn filled(mut samples: Vec<i16>, duration_ms: u64) -> Vec<i16> {
    let count = duration_ms * u64::from(AUDIO_SAMPLE_RATE) / 1000;
    samples.resize(count.max(1) as usize, 0);
    samples
}

/// Even edges of the source's ratio.
fn size_for(source: (u32, u32), short_edge: Option<u32>) -> (u32, u32) {
    let (w, h) = (f64::from(source.0.max(1)), f64::from(source.1.max(1)));
    let wanted = short_edge.map_or(1.0, |edge| f64::from(edge) / w.min(h));
    let scale = wanted.min(f64::from(VIDEO_EDGE_MAX) / w.max(h));
    let even = |edge: f64| ((edge * scale / 2.0).round() as u32 * 2).clamp(EDGE_MIN, VIDEO_EDGE_MAX);
    (even(w), even(h))
}

/// How loud it is at a time: 0 to 1.
fn loudness(samples: &[i16], ms: u64) -> f32 {
    let from = (ms * u64::from(AUDIO_SAMPLE_RATE) / 1000) as usize;
    let length = (AUDIO_SAMPLE_RATE / VIDEO_FPS) as usize;
    let window = samples.get(from.min(samples.len())..(from + length).min(samples.len())).unwrap_or_default();
    if window.is_empty() {
        return 0.0;
    }
    let sum: f64 = window.iter().map(|sample| f64::from(*sample) * f64::from(*sample)).sum();
    ((sum / window.len() as f64).sqrt() / 9_000.0).min(1.0) as f32
}

/// Plays backwards: some frames at a time are decoded forwards and handed out from the last.
#[derive(Default)]
struct Backward {
    first: u64,
    held: Vec<Frame>,
}

impl Backward {
    /// The frame at a time.
    fn at(&mut self, source: &mut Source, ms: u64) -> Result<Frame, MediaError> {
        let number = ms * u64::from(VIDEO_FPS) / 1000;
        let held = self.first..self.first + self.held.len() as u64;
        if !held.contains(&number) {
            self.first = number - number % BACKWARD_FRAMES;
            self.held.clear();
            for number in self.first..self.first + BACKWARD_FRAMES {
                let ms = number * 1000 / u64::from(VIDEO_FPS);
                if ms >= source.duration_ms() {
                    break;
                }
                self.held.push(source.looped(ms)?);
            }
        }
        let place = (number - self.first).min((self.held.len() as u64).saturating_sub(1));
        match self.held.get(place as usize) {
            Some(frame) => Ok(frame.clone()),
            None => source.looped(source.duration_ms().saturating_sub(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_has_its_length() {
        let lengths = |mode: SyncMode| (mode.length(5, 8), mode.length(8, 5));
        assert_eq!(lengths(SyncMode::CutOff), (5, 5));
        assert_eq!(lengths(SyncMode::Loop), (8, 5));
        assert_eq!(lengths(SyncMode::Bounce), (8, 5));
        assert_eq!(lengths(SyncMode::Remap), (8, 5));
        assert_eq!(lengths(SyncMode::Silence), (8, 8));
    }

    #[test]
    fn sizes_keep_the_ratio_and_stay_even() {
        assert_eq!(size_for((640, 360), None), (640, 360));
        assert_eq!(size_for((640, 360), Some(720)), (1280, 720));
        assert_eq!(size_for((361, 641), Some(480)), (480, 852));
        assert_eq!(size_for((3840, 2160), None), (1920, 1080));
    }
}

//! Input videos: decoded frame by frame, never held whole.

use std::collections::VecDeque;

use bytes::Bytes;
use openh264::OpenH264API;
use openh264::decoder::{DecodedYUV, Decoder, DecoderConfig, Flush};
use openh264::formats::YUVSource;

use super::frame::Frame;
use crate::container::{self, Sample};
use crate::error::MediaError;
use crate::limits::{INPUT_VIDEO_FRAMES_MAX, INPUT_VIDEO_PIXELS_MAX, REWORKED_FRAMES_MAX};
use crate::picture::Plane;

/// An H.264 track of an MP4 file that is read from its start.
pub(super) struct Source {
    file: Bytes,
    /// Place in the request, for errors.
    index: usize,
    /// Size in which frames are handed out.
    size: (u32, u32),
    samples: Vec<Sample>,
    /// When the n-th frame in order of showing is shown, in milliseconds from the first.
    shown_ms: Vec<u64>,
    /// When the last frame ends.
    end_ms: u64,
    head: Vec<u8>,
    length_size: usize,
    decoder: Decoder,
    next_sample: usize,
    next_frame: usize,
    flushed: VecDeque<Frame>,
    current: Option<Frame>,
}

impl Source {
    /// Opens a file and decodes its first frame, so that what cannot be decoded is known at once.
    pub(super) fn open(file: Bytes, index: usize, size: (u32, u32)) -> Result<Self, MediaError> {
        Self::open_up_to(file, index, size, INPUT_VIDEO_FRAMES_MAX)
    }

    /// The same for a video that is worked on whole: one with more frames is refused, not cut.
    pub(super) fn open_whole(file: Bytes, index: usize, size: (u32, u32)) -> Result<Self, MediaError> {
        let source = Self::open_up_to(file, index, size, REWORKED_FRAMES_MAX)?;
        match source.samples.len() {
            REWORKED_FRAMES_MAX.. => Err(MediaError::input(index, "it has too many frames")),
            _ => Ok(source),
        }
    }

    fn open_up_to(file: Bytes, index: usize, size: (u32, u32), frames_max: usize) -> Result<Self, MediaError> {
        let fail = |reason: &str| MediaError::input(index, reason);
        let movie = container::read(&file).ok_or_else(|| fail("not an MP4 file, or its description is missing"))?;
        let video =
            movie.tracks.iter().find(|track| &track.handler == b"vide").ok_or_else(|| fail("no video track"))?;
        let avcc = video.avcc.as_ref().ok_or_else(|| fail("only H.264 video can be read"))?;
        let pixels = u64::from(video.width) * u64::from(video.height);
        if pixels == 0 || pixels > INPUT_VIDEO_PIXELS_MAX {
            return Err(fail("the frames are too large"));
        }
        let samples = video.samples(file.len(), frames_max);
        let mut shown_ms: Vec<u64> = samples.iter().map(|sample| sample.shown_ms).collect();
        shown_ms.sort_unstable();
        let first = *shown_ms.first().ok_or_else(|| fail("no frames that could be read"))?;
        shown_ms.iter_mut().for_each(|ms| *ms -= first);
        let last = shown_ms.last().copied().unwrap_or(0);
        let frame_ms = (last / (shown_ms.len() as u64).max(2).saturating_sub(1)).clamp(1, 1000);
        let track_ms = container::to_ms(video.duration, video.timescale).unwrap_or(0);
        // A track that claims far more than its frames last is not believed.
        let end_ms = track_ms.clamp(last + 1, last + frame_ms.max(1) * 2);
        let mut head = Vec::new();
        for unit in avcc.sequence_parameter_sets.iter().chain(&avcc.picture_parameter_sets) {
            head.extend([0, 0, 0, 1]);
            head.extend(unit);
        }
        let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
        let decoder = Decoder::with_api_config(OpenH264API::from_source(), config)
            .map_err(|error| MediaError::input(index, error))?;
        let length_size = usize::from(avcc.length_size).clamp(1, 4);
        let mut source = Self {
            file,
            index,
            size,
            samples,
            shown_ms,
            end_ms,
            head,
            length_size,
            decoder,
            next_sample: 0,
            next_frame: 0,
            flushed: VecDeque::new(),
            current: None,
        };
        source.advance(0)?;
        match source.current {
            Some(_) => Ok(source),
            None => Err(MediaError::input(index, "no frame could be decoded")),
        }
    }

    /// The length in milliseconds.
    pub(super) fn duration_ms(&self) -> u64 {
        self.end_ms
    }

    /// The frame that is shown at a time. Times must not fall within one pass; after
    /// [`Self::rewind`] they may start anew.
    pub(super) fn at(&mut self, ms: u64) -> Result<Frame, MediaError> {
        let wanted = self.shown_ms.partition_point(|shown| *shown <= ms).saturating_sub(1);
        self.advance(wanted)?;
        self.current.clone().ok_or_else(|| MediaError::input(self.index, "no frame could be decoded"))
    }

    /// Like [`Self::at`], but begins anew where the time is beyond the end.
    pub(super) fn looped(&mut self, ms: u64) -> Result<Frame, MediaError> {
        let within = ms % self.end_ms.max(1);
        let wanted = self.shown_ms.partition_point(|shown| *shown <= within).saturating_sub(1);
        if wanted + 1 < self.next_frame {
            self.rewind()?;
        }
        self.at(within)
    }

    /// Starts from the first frame again.
    fn rewind(&mut self) -> Result<(), MediaError> {
        let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
        self.decoder = Decoder::with_api_config(OpenH264API::from_source(), config)
            .map_err(|error| MediaError::input(self.index, error))?;
        (self.next_sample, self.next_frame) = (0, 0);
        self.flushed.clear();
        Ok(())
    }

    /// Decodes until the `wanted`-th frame is the current one; stays at the last one that there is.
    fn advance(&mut self, wanted: usize) -> Result<(), MediaError> {
        while self.next_frame <= wanted {
            if let Some(frame) = self.flushed.pop_front() {
                self.current = Some(frame);
                self.next_frame += 1;
                continue;
            }
            let Some(sample) = self.samples.get(self.next_sample).copied() else { break };
            let mut packet = if self.next_sample == 0 { self.head.clone() } else { Vec::new() };
            self.next_sample += 1;
            let data = &self.file[sample.offset..sample.offset + sample.size];
            to_annex_b(data, self.length_size, &mut packet);
            if packet.is_empty() {
                continue;
            }
            // A damaged frame is left out; the one before it stays on screen.
            if let Ok(Some(picture)) = self.decoder.decode(&packet) {
                if self.next_frame == wanted || self.current.is_none() {
                    self.current = cover(&picture, self.size).or(self.current.take());
                }
                self.next_frame += 1;
            }
            if self.next_sample == self.samples.len() {
                let rest = self.decoder.flush_remaining().unwrap_or_default();
                self.flushed = rest.iter().filter_map(|picture| cover(picture, self.size)).collect();
            }
        }
        Ok(())
    }
}

/// Width and height of a video's own frames.
pub(super) fn size_of(file: &Bytes, index: usize) -> Result<(u32, u32), MediaError> {
    let movie = container::read(file).ok_or_else(|| MediaError::input(index, "not an MP4 file"))?;
    let video = movie.tracks.iter().find(|track| &track.handler == b"vide");
    let size = video.map(|track| (track.width, track.height)).filter(|(width, height)| *width > 0 && *height > 0);
    size.ok_or_else(|| MediaError::input(index, "no video track"))
}

/// A decoded picture, cut to fill a frame; `None` where the decoder gave something senseless.
fn cover(picture: &DecodedYUV<'_>, size: (u32, u32)) -> Option<Frame> {
    let (width, height) = picture.dimensions();
    let strides = picture.strides();
    let sane = width >= 2 && height >= 2 && (width * height) as u64 <= INPUT_VIDEO_PIXELS_MAX * 2;
    let plane = |data: &'_ [u8], stride: usize, width: usize, height: usize| {
        (stride >= width && data.len() >= stride * (height - 1) + width).then_some(())
    };
    let (half_w, half_h) = (width / 2, height / 2);
    if !sane
        || plane(picture.y(), strides.0, width, height).is_none()
        || plane(picture.u(), strides.1, half_w, half_h).is_none()
        || plane(picture.v(), strides.2, half_w, half_h).is_none()
    {
        return None;
    }
    let planes = [
        Plane { data: picture.y(), stride: strides.0, width: width as u32, height: height as u32 },
        Plane { data: picture.u(), stride: strides.1, width: half_w as u32, height: half_h as u32 },
        Plane { data: picture.v(), stride: strides.2, width: half_w as u32, height: half_h as u32 },
    ];
    Some(Frame::cover_planes(planes, size.0, size.1))
}

/// Length-prefixed units to units with start codes; what does not fit is left out.
fn to_annex_b(mut data: &[u8], length_size: usize, out: &mut Vec<u8>) {
    while let Some(prefix) = data.get(..length_size) {
        let length = prefix.iter().fold(0usize, |sum, byte| (sum << 8) | usize::from(*byte));
        let Some(unit) = data.get(length_size..length_size + length) else { return };
        if !unit.is_empty() {
            out.extend([0, 0, 0, 1]);
            out.extend(unit);
        }
        data = &data[length_size + length..];
    }
}

//! How long a file lasts, to the last packet, without holding it in memory.

use std::io::{Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

use crate::asf;
use crate::container;
use crate::limits::DESCRIPTION_BYTES_MAX;
use crate::probe::{Length, MediaInfo, MediaKind, ProbeError, damaged, described, kind_of, sound};

/// Finds out what a file is and how long it lasts, without holding it in memory: pictures by their
/// kind alone, sound and video by what they say of themselves or, where that is more, by what is in
/// them. What is priced by its length is not priced by its own word.
///
/// Never panics, whatever the bytes. Takes up to some seconds for the largest files.
///
/// # Errors
/// [`ProbeError::Unknown`] and [`ProbeError::Damaged`], the latter also for what cannot be read.
pub fn measure<S: Read + Seek + Send + Sync>(mut source: S) -> Result<MediaInfo, ProbeError> {
    const HEAD_BYTES: u64 = 4_096;
    let mut head = Vec::new();
    let size = source.seek(SeekFrom::End(0)).and_then(|size| {
        source.seek(SeekFrom::Start(0))?;
        (&mut source).take(HEAD_BYTES).read_to_end(&mut head)?;
        source.seek(SeekFrom::Start(0))?;
        Ok(size)
    });
    let size = size.map_err(|_| ProbeError::Unknown)?;
    let kind = kind_of(&head).ok_or(ProbeError::Unknown)?;
    match kind {
        MediaKind::Gif | MediaKind::Png | MediaKind::Jpeg | MediaKind::WebP => {
            Ok(MediaInfo { kind, width: None, height: None, duration_ms: None })
        }
        MediaKind::Wav => measured_wav(&mut source, size),
        MediaKind::Wma => asf::measured(&mut source, size),
        MediaKind::Mp4 | MediaKind::M4a | MediaKind::QuickTime => {
            let info = measured_movie(&mut source, size, kind)?;
            match info.duration_ms {
                Some(_) => Ok(info),
                // In fragments: each says its own part.
                None => {
                    source.seek(SeekFrom::Start(0)).map_err(|error| damaged(kind, error))?;
                    let counted = sound(Box::new(Whole { source, size }), kind, Length::Counted)?;
                    Ok(MediaInfo { duration_ms: counted.duration_ms, ..info })
                }
            }
        }
        MediaKind::Flac | MediaKind::Mp3 | MediaKind::Aac | MediaKind::Ogg | MediaKind::WebM => {
            sound(Box::new(Whole { source, size }), kind, Length::Counted)
        }
    }
}

/// A file as the readers want it.
struct Whole<S> {
    source: S,
    size: u64,
}

impl<S: Read> Read for Whole<S> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        self.source.read(to)
    }
}

impl<S: Seek> Seek for Whole<S> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.source.seek(to)
    }
}

impl<S: Read + Seek + Send + Sync> MediaSource for Whole<S> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.size)
    }
}

/// Walks the chunks of a RIFF file; its samples are counted, not read.
fn measured_wav(source: &mut (impl Read + Seek), size: u64) -> Result<MediaInfo, ProbeError> {
    let broken = |error: std::io::Error| damaged(MediaKind::Wav, error);
    let (mut at, mut bytes_per_second) = (12, 0u32);
    while at + 8 <= size {
        source.seek(SeekFrom::Start(at)).map_err(broken)?;
        let mut head = [0; 8];
        source.read_exact(&mut head).map_err(broken)?;
        let stated = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
        let body = stated.min(size - at - 8);
        match &head[..4] {
            b"fmt " if body >= 12 => {
                let mut form = [0; 12];
                source.read_exact(&mut form).map_err(broken)?;
                // The rate as its parts say it: a header that lies about their product pays all the same.
                let rate = u32::from_le_bytes([form[4], form[5], form[6], form[7]]);
                bytes_per_second = u32::from_le_bytes([form[8], form[9], form[10], form[11]])
                    .min(rate.saturating_mul(u32::from(u16::from_le_bytes([form[2], form[3]])).saturating_mul(8)));
            }
            b"data" if bytes_per_second > 0 => {
                // A stream that was not finished states nothing, or everything: what is there counts.
                let body = if stated == 0 { size - at - 8 } else { body };
                let per_second = u64::from(bytes_per_second);
                let duration_ms = (body * 1000 + per_second / 2) / per_second;
                return Ok(MediaInfo {
                    kind: MediaKind::Wav,
                    width: None,
                    height: None,
                    duration_ms: Some(duration_ms).filter(|ms| *ms > 0),
                });
            }
            _ => {}
        }
        at += 8 + body + body % 2;
    }
    Err(damaged(MediaKind::Wav, "its format or its samples are missing"))
}

/// Walks the boxes of an MP4 file and reads its description alone.
fn measured_movie(source: &mut (impl Read + Seek), size: u64, kind: MediaKind) -> Result<MediaInfo, ProbeError> {
    let broken = |error: std::io::Error| damaged(kind, error);
    let mut at = 0;
    while at + 8 <= size {
        source.seek(SeekFrom::Start(at)).map_err(broken)?;
        let mut head = [0; 16];
        let there = (size - at).min(16) as usize;
        source.read_exact(&mut head[..there]).map_err(broken)?;
        let short = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let (skip, length) = match short {
            0 => (8, size - at),
            1 => {
                (16, u64::from_be_bytes([head[8], head[9], head[10], head[11], head[12], head[13], head[14], head[15]]))
            }
            other => (8, other),
        };
        if length < skip {
            break;
        }
        if &head[4..8] == b"moov" {
            let body = (length - skip).min(size.saturating_sub(at + skip));
            if body > DESCRIPTION_BYTES_MAX {
                return Err(damaged(kind, "its description is too large"));
            }
            source.seek(SeekFrom::Start(at + skip)).map_err(broken)?;
            let mut description = Vec::new();
            source.take(body).read_to_end(&mut description).map_err(broken)?;
            let movie = container::read_description(&description);
            let info = described(&movie, kind)?;
            let frames = movie.tracks.iter().filter_map(container::Track::length_ms).max();
            return Ok(MediaInfo { duration_ms: info.duration_ms.max(frames).filter(|ms| *ms > 0), ..info });
        }
        at = at.saturating_add(length);
    }
    Err(damaged(kind, "its description is missing"))
}

//! What a file is, by its bytes alone.

use std::io::Cursor;

use image::{ImageReader, Limits};
use symphonia::core::codecs::CodecParameters;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::units::{Duration, TimeBase};

use crate::asf;
use crate::container::{self, Movie};

/// Kinds of files that are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// PNG picture.
    Png,
    /// JPEG picture.
    Jpeg,
    /// WebP picture.
    WebP,
    /// GIF picture.
    Gif,
    /// WAV sound.
    Wav,
    /// FLAC sound.
    Flac,
    /// MP3 sound.
    Mp3,
    /// AAC sound without a container (ADTS).
    Aac,
    /// Ogg sound.
    Ogg,
    /// WMA sound.
    Wma,
    /// MP4 that holds sound only.
    M4a,
    /// MP4 video.
    Mp4,
    /// QuickTime video.
    QuickTime,
    /// WebM or Matroska video.
    WebM,
}

/// The three classes of media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaClass {
    /// A still picture.
    Image,
    /// Sound only.
    Audio,
    /// Moving pictures, with or without sound.
    Video,
}

impl MediaKind {
    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
            Self::Wav => "audio/wav",
            Self::Flac => "audio/flac",
            Self::Mp3 => "audio/mpeg",
            Self::Aac => "audio/aac",
            Self::Ogg => "audio/ogg",
            Self::Wma => "audio/x-ms-wma",
            Self::M4a => "audio/mp4",
            Self::Mp4 => "video/mp4",
            Self::QuickTime => "video/quicktime",
            Self::WebM => "video/webm",
        }
    }

    /// Picture, sound or video.
    pub fn class(self) -> MediaClass {
        match self {
            Self::Png | Self::Jpeg | Self::WebP | Self::Gif => MediaClass::Image,
            Self::Wav | Self::Flac | Self::Mp3 | Self::Aac | Self::Ogg | Self::Wma | Self::M4a => MediaClass::Audio,
            Self::Mp4 | Self::QuickTime | Self::WebM => MediaClass::Video,
        }
    }
}

/// What a file says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaInfo {
    /// The kind of file.
    pub kind: MediaKind,
    /// Width in pixels of a picture or a video, where it is stated.
    pub width: Option<u32>,
    /// Height in pixels of a picture or a video, where it is stated.
    pub height: Option<u32>,
    /// Length in milliseconds of sound or video, where it is stated.
    pub duration_ms: Option<u64>,
}

impl MediaInfo {
    /// The media type.
    pub fn content_type(&self) -> &'static str {
        self.kind.content_type()
    }
}

/// Why nothing is known about a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// The bytes begin like no kind of file that is known.
    #[error("the kind of this file is not known")]
    Unknown,
    /// They begin like a known kind, but its description is missing, cut off or senseless.
    #[error("this looks like {kind:?}, but cannot be read: {reason}")]
    Damaged {
        /// What it looks like.
        kind: MediaKind,
        /// What is wrong with it, for people.
        reason: String,
    },
}

/// Finds out what a file is. Reads what describes it, not all of it: pixels are not decoded.
///
/// Never panics, whatever the bytes.
///
/// # Errors
/// [`ProbeError::Unknown`] and [`ProbeError::Damaged`].
pub fn probe(bytes: &[u8]) -> Result<MediaInfo, ProbeError> {
    let kind = kind_of(bytes).ok_or(ProbeError::Unknown)?;
    match kind {
        MediaKind::Gif => gif(bytes),
        MediaKind::Wav => wav(bytes),
        MediaKind::Wma => asf::measured(&mut Cursor::new(bytes), bytes.len() as u64),
        MediaKind::Png | MediaKind::Jpeg | MediaKind::WebP => picture(bytes, kind),
        MediaKind::Mp4 | MediaKind::M4a | MediaKind::QuickTime => movie(bytes, kind),
        MediaKind::Flac | MediaKind::Mp3 | MediaKind::Aac | MediaKind::Ogg | MediaKind::WebM => {
            sound(Box::new(Cursor::new(bytes)), kind, Length::Stated)
        }
    }
}

/// True for what begins like an MP4 or QuickTime file.
pub(crate) fn is_mp4(bytes: &[u8]) -> bool {
    matches!(kind_of(bytes), Some(MediaKind::Mp4 | MediaKind::M4a | MediaKind::QuickTime))
}

/// The kind by the first bytes.
pub(crate) fn kind_of(bytes: &[u8]) -> Option<MediaKind> {
    let at = |from: usize, mark: &[u8]| bytes.get(from..from + mark.len()) == Some(mark);
    Some(if at(0, b"\x89PNG\r\n\x1a\n") {
        MediaKind::Png
    } else if at(0, b"\xFF\xD8\xFF") {
        MediaKind::Jpeg
    } else if at(0, b"GIF87a") || at(0, b"GIF89a") {
        MediaKind::Gif
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        MediaKind::WebP
    } else if at(0, b"RIFF") && at(8, b"WAVE") {
        MediaKind::Wav
    } else if at(0, b"fLaC") {
        MediaKind::Flac
    } else if at(0, b"OggS") {
        MediaKind::Ogg
    } else if at(0, &asf::HEADER) {
        MediaKind::Wma
    } else if at(0, b"\x1A\x45\xDF\xA3") {
        MediaKind::WebM
    } else if at(4, b"ftyp") {
        // HEIF and AVIF pictures share the container, but none of the readers.
        let brands = [b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"hevc"];
        if brands.iter().any(|brand| at(8, *brand)) {
            return None;
        }
        match () {
            () if at(8, b"qt  ") => MediaKind::QuickTime,
            () if at(8, b"M4A ") || at(8, b"M4B ") => MediaKind::M4a,
            () => MediaKind::Mp4,
        }
    } else if at(4, b"moov") || at(4, b"wide") || at(4, b"mdat") {
        MediaKind::QuickTime
    } else if at(0, b"ID3") {
        MediaKind::Mp3
    } else if let [0xFF, second, third, ..] = bytes {
        // Eleven or twelve bits of sync; then the layer: none is ADTS, the third MP3.
        match (second & 0xF6, second & 0xE6) {
            (0xF0, _) => MediaKind::Aac,
            (_, 0xE2) if third >> 4 != 0xF && second & 0x18 != 0x08 => MediaKind::Mp3,
            _ => return None,
        }
    } else {
        return None;
    })
}

pub(crate) fn damaged(kind: MediaKind, reason: impl ToString) -> ProbeError {
    ProbeError::Damaged { kind, reason: reason.to_string() }
}

fn gif(bytes: &[u8]) -> Result<MediaInfo, ProbeError> {
    let edge = |at: usize| bytes.get(at..at + 2).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]])));
    match (edge(6), edge(8)) {
        (Some(width), Some(height)) if width > 0 && height > 0 => {
            Ok(MediaInfo { kind: MediaKind::Gif, width: Some(width), height: Some(height), duration_ms: None })
        }
        _ => Err(damaged(MediaKind::Gif, "it has no size")),
    }
}

/// Chunks of a RIFF file; the lengths that they state are taken as far as there are bytes.
fn wav(bytes: &[u8]) -> Result<MediaInfo, ProbeError> {
    let word = |data: &[u8], at: usize| data.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let mut rest = bytes.get(12..).unwrap_or_default();
    let (mut bytes_per_second, mut duration_ms) = (0, None);
    while let (Some(name), Some(size)) = (rest.get(..4), word(rest, 4)) {
        let body = &rest[8..];
        let size = (size as usize).min(body.len());
        match name {
            b"fmt " => bytes_per_second = word(&body[..size], 8).unwrap_or(0),
            b"data" if bytes_per_second > 0 => {
                let per_second = u64::from(bytes_per_second);
                duration_ms = Some((size as u64 * 1000 + per_second / 2) / per_second);
                break;
            }
            _ => {}
        }
        // Chunks begin at even places.
        rest = body.get(size + size % 2..).unwrap_or_default();
    }
    let duration_ms = duration_ms.ok_or_else(|| damaged(MediaKind::Wav, "its format or its samples are missing"))?;
    Ok(MediaInfo { kind: MediaKind::Wav, width: None, height: None, duration_ms: Some(duration_ms) })
}

fn picture(bytes: &[u8], kind: MediaKind) -> Result<MediaInfo, ProbeError> {
    let format = match kind {
        MediaKind::Png => image::ImageFormat::Png,
        MediaKind::WebP => image::ImageFormat::WebP,
        _ => image::ImageFormat::Jpeg,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    // Sizes only: a header that claims a huge picture is reported, not allocated.
    reader.limits(Limits::no_limits());
    let (width, height) = guarded(|| reader.into_dimensions().map_err(|error| error.to_string()))
        .map_err(|reason| damaged(kind, reason))?;
    if width == 0 || height == 0 {
        return Err(damaged(kind, "it has no size"));
    }
    Ok(MediaInfo { kind, width: Some(width), height: Some(height), duration_ms: None })
}

fn movie(bytes: &[u8], kind: MediaKind) -> Result<MediaInfo, ProbeError> {
    let movie = container::read(bytes).ok_or_else(|| damaged(kind, "its description is missing"))?;
    described(&movie, kind)
}

/// What the description of an MP4 or QuickTime file says.
pub(crate) fn described(movie: &Movie, kind: MediaKind) -> Result<MediaInfo, ProbeError> {
    let video = movie.tracks.iter().find(|track| &track.handler == b"vide");
    let has_sound = movie.tracks.iter().any(|track| &track.handler == b"soun");
    let kind = match video {
        Some(_) if kind == MediaKind::M4a => MediaKind::Mp4,
        Some(_) => kind,
        None if has_sound => MediaKind::M4a,
        None => return Err(damaged(kind, "it has neither pictures nor sound")),
    };
    let longest = || movie.tracks.iter().filter_map(|track| container::to_ms(track.duration, track.timescale)).max();
    let duration_ms = movie.duration_ms.or_else(longest).filter(|ms| *ms > 0);
    let edge = |size: u32| (size > 0).then_some(size);
    Ok(MediaInfo {
        kind,
        width: video.and_then(|track| edge(track.width)),
        height: video.and_then(|track| edge(track.height)),
        duration_ms,
    })
}

/// Which length of a file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// What the file says about itself.
    Stated,
    /// That, or what its packets come to, whichever is longer.
    Counted,
}

pub(crate) fn sound(
    source: Box<dyn MediaSource + '_>,
    kind: MediaKind,
    length: Length,
) -> Result<MediaInfo, ProbeError> {
    guarded(move || {
        let mut hint = Hint::new();
        hint.mime_type(kind.content_type());
        let stream = MediaSourceStream::new(source, Default::default());
        let mut format = symphonia::default::get_probe()
            .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| error.to_string())?;
        let video = format.first_track(TrackType::Video);
        let size = video.and_then(|track| match &track.codec_params {
            Some(CodecParameters::Video(video)) => video.width.zip(video.height),
            _ => None,
        });
        let whole = format.media_info();
        let track = format.tracks().first();
        let duration_ms = to_ms(whole.time_base, whole.duration)
            .or_else(|| track.and_then(|track| to_ms(track.time_base, track.duration)))
            .filter(|ms| *ms > 0);
        let duration_ms = match length {
            Length::Stated => duration_ms,
            Length::Counted => duration_ms.max(counted(&mut *format)),
        };
        Ok(MediaInfo {
            kind,
            width: size.map(|(width, _)| width.into()),
            height: size.map(|(_, height)| height.into()),
            duration_ms,
        })
    })
    .map_err(|reason| damaged(kind, reason))
}

/// The end of the last packet of all tracks.
fn counted(format: &mut (dyn symphonia::core::formats::FormatReader + '_)) -> Option<u64> {
    let bases: Vec<(u32, Option<TimeBase>)> = format.tracks().iter().map(|track| (track.id, track.time_base)).collect();
    let mut longest = None;
    // A file that is cut off lasts as long as what is there of it.
    while let Ok(Some(packet)) = format.next_packet() {
        let base = bases.iter().find(|(id, _)| *id == packet.track_id).and_then(|(_, base)| *base);
        let end = u64::try_from(packet.pts.get()).unwrap_or(0).saturating_add(packet.dur.get());
        longest = longest.max(to_ms(base, Some(Duration::from(end))));
    }
    longest.filter(|ms| *ms > 0)
}

fn to_ms(base: Option<TimeBase>, duration: Option<Duration>) -> Option<u64> {
    let (base, duration) = (base?, duration?);
    let ticks = u128::from(duration.get());
    let (numer, denom) = (u128::from(base.numer.get()), u128::from(base.denom.get()));
    // Rounded: a whole number of samples is seldom a whole number of milliseconds.
    u64::try_from((ticks.checked_mul(numer)?.checked_mul(1000)? + denom / 2) / denom).ok()
}

/// Runs a reader of foreign bytes; should one of the libraries panic, that is an error like another.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err("the reader gave up".to_owned()))
}

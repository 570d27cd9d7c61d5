//! Built-in samples: what the documents' example addresses answer without a network.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::audio::{make_music, make_speech};
use crate::picture::{ImageFormat, Picture, draw_image};
use crate::probe::MediaClass;
use crate::video::{VideoMode, VideoSpec, make_video};

/// Different samples per class. Names share them by hash, so that whatever names people use, memory
/// stays bounded (about 25 MB if all are ever asked for).
const VARIANTS: usize = 8;

/// Prompts of the samples whose names say nothing else.
const SUBJECTS: [&str; VARIANTS] = [
    "a mountain lake at sunset",
    "a boat on the calm sea",
    "a skyline at night",
    "flowers in a garden",
    "a quiet forest",
    "planets",
    "abstract silk",
    "dunes in the desert",
];

/// Words in names that say what a sample shows, with its prompt.
const NAMED: [(&str, &str); 8] = [
    ("character", "portrait of a girl"),
    ("forest", "a quiet forest"),
    ("product", "abstract poster of a product"),
    ("mountain", "a mountain lake at sunset"),
    ("city", "a skyline at night"),
    ("flower", "flowers in a garden"),
    ("avatar", "portrait of a woman"),
    ("sea", "a boat on the calm sea"),
];

/// A built-in file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The file.
    pub bytes: Bytes,
    /// Its media type.
    pub content_type: &'static str,
}

type Cell = OnceLock<Sample>;

static PICTURES: [[Cell; VARIANTS + NAMED.len()]; 3] =
    [const { [const { OnceLock::new() }; VARIANTS + NAMED.len()] }; 3];
static VIDEOS: [Cell; VARIANTS + NAMED.len()] = [const { OnceLock::new() }; VARIANTS + NAMED.len()];
static SPEECHES: [Cell; VARIANTS] = [const { OnceLock::new() }; VARIANTS];
static TUNES: [Cell; VARIANTS] = [const { OnceLock::new() }; VARIANTS];

/// A sample of a class by the name of a file, such as `photo.jpg`, `source.mp4`, `interview.mp3`.
///
/// Pictures are 1024x768 in the format that the name ends with (JPEG where it names none), videos
/// 5 s of 640x360 H.264 in MP4, sounds 5 to 10 s of WAV whatever the name ends with: `music` and `sfx`
/// in the name give music, all else speech. The same name always gives the same bytes. Each is made
/// once, when it is first asked for, and kept.
pub fn sample(class: MediaClass, name: &str) -> Sample {
    let name = name.to_ascii_lowercase();
    let named = NAMED.iter().position(|(word, _)| name.contains(word));
    let variant =
        name.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte))) % VARIANTS;
    let place = named.map_or(variant, |at| VARIANTS + at);
    match class {
        MediaClass::Image => {
            let (shelf, format) = match name.rsplit('.').next() {
                Some("png") => (0, ImageFormat::Png),
                Some("webp") => (1, ImageFormat::WebP),
                _ => (2, ImageFormat::Jpeg),
            };
            PICTURES[shelf][place].get_or_init(|| picture(prompt(place), format)).clone()
        }
        MediaClass::Video => VIDEOS[place].get_or_init(|| video(prompt(place))).clone(),
        MediaClass::Audio if name.contains("music") || name.contains("sfx") => {
            TUNES[variant].get_or_init(|| tune(SUBJECTS[variant])).clone()
        }
        MediaClass::Audio => SPEECHES[variant].get_or_init(|| speech(SUBJECTS[variant])).clone(),
    }
}

fn prompt(place: usize) -> &'static str {
    SUBJECTS.get(place).copied().unwrap_or_else(|| NAMED[(place - VARIANTS) % NAMED.len()].1)
}

fn picture(prompt: &str, format: ImageFormat) -> Sample {
    let outer = Picture { width: 1024, height: 768, format };
    // Constant arguments within all limits: a failure here would fail the tests.
    let bytes = draw_image(prompt, 0, outer, &[]).unwrap_or_default();
    Sample { bytes: bytes.into(), content_type: format.content_type() }
}

fn video(prompt: &str) -> Sample {
    let spec = VideoSpec {
        prompt: prompt.to_owned(),
        seed: 0,
        width: 640,
        height: 360,
        duration_ms: 5_000,
        mode: VideoMode::Text,
        sound: false,
    };
    Sample { bytes: make_video(&spec).map(|video| video.bytes).unwrap_or_default().into(), content_type: "video/mp4" }
}

fn speech(subject: &str) -> Sample {
    let text = format!("This is a recording about {subject}. Thank you for listening to it until the very end!");
    let bytes = make_speech(&text, "sample", 0).map(|audio| audio.to_vec()).unwrap_or_default();
    Sample { bytes: bytes.into(), content_type: "audio/wav" }
}

fn tune(subject: &str) -> Sample {
    let bytes = make_music(subject, 0, 10_000).map(|audio| audio.to_vec()).unwrap_or_default();
    Sample { bytes: bytes.into(), content_type: "audio/wav" }
}

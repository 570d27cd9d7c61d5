//! The sandbox's work: one output of a job, made from its prompt and seed.

use bytes::Bytes;
use mintmark_domain::catalog::{Capability, FieldType, MediaType, Mode, OutputField};
use mintmark_domain::ports::{InputRole, Job, Media, OutputReport};
use mintmark_domain::run::FailureReason;
use mintmark_media::{
    FieldKind, FieldSpec, ImageFormat, MediaError, Picture, TextSpec, VideoMode, VideoSpec, draw_image, limits,
    make_fields, make_music, make_speech, make_text, make_video, probe, size_for, video_size_for,
};
use rust_decimal::prelude::ToPrimitive;

use super::cards::Cards;
use super::rework;

/// The length of what has none, in milliseconds.
const DURATION_DEFAULT_MS: u64 = 5_000;
/// The numbers, and the numbers of texts in a list, where a field does not bound them.
const NUMBERS: (u32, u32) = (1, 90);
const ITEMS: (u32, u32) = (3, 8);
/// Names of fields that hold more than a line.
const LONG_FIELDS: [&str; 7] = ["text", "story", "poem", "body", "content", "lyrics", "essay"];

/// Makes one output. Takes up to a few seconds of one core.
pub(super) fn make(job: &Job, prompt: &str, index: u32) -> OutputReport {
    let seed = job.seed.wrapping_add(u64::from(index));
    let made = match job.parameters.capability {
        Capability::TextGeneration | Capability::Vision => return text(job, prompt, seed),
        Capability::ImageGeneration => image(job, prompt, seed),
        Capability::VideoGeneration => video(job, prompt, seed),
        Capability::SpeechGeneration => speech(job, prompt, seed),
        Capability::MusicGeneration => return rework::music(job, prompt, seed),
        Capability::SoundEffectGeneration => rework::effect(job, prompt, seed),
        Capability::ImageEditing => rework::cut_out(job),
        Capability::ImageUpscaling => rework::larger_image(job),
        Capability::VectorGeneration => rework::vector(job, prompt, seed),
        Capability::VideoUpscaling => rework::larger_video(job),
        Capability::LipsyncGeneration => rework::lipsync(job),
        Capability::Transcription => return rework::transcript(job, seed),
        Capability::ProductExtraction => {
            let message = "Product pages are read by this server itself.".to_owned();
            return OutputReport::Failed(FailureReason { code: "unsupported".into(), message });
        }
    };
    match made {
        Ok((content_type, bytes)) => {
            OutputReport::Media(Media::Bytes { content_type: content_type.to_owned(), bytes: bytes.into() })
        }
        Err(error) => OutputReport::Failed(cannot(&error)),
    }
}

/// The ready asset of a medium, for `instant` mode.
pub(super) fn ready(media_type: MediaType) -> Result<(&'static str, &'static str, Vec<u8>), MediaError> {
    const PROMPT: &str = "a mountain lake at sunset";
    match media_type {
        MediaType::Video => {
            let spec = VideoSpec {
                prompt: PROMPT.into(),
                seed: 1,
                width: 320,
                height: 180,
                duration_ms: 1_000,
                mode: VideoMode::Text,
                sound: true,
            };
            Ok(("mp4", "video/mp4", make_video(&spec)?.bytes))
        }
        MediaType::Audio => Ok(("wav", "audio/wav", make_music(PROMPT, 1, 1_000)?.to_vec())),
        MediaType::Img | MediaType::Svg | MediaType::Text => {
            let picture = Picture { width: 256, height: 256, format: ImageFormat::WebP };
            Ok(("webp", "image/webp", draw_image(PROMPT, 1, picture, &[])?))
        }
    }
}

pub(super) fn cannot(error: &MediaError) -> FailureReason {
    match error {
        MediaError::Input { .. } | MediaError::NoInput | MediaError::TooManyInputs { .. } => {
            FailureReason { code: "input_unreadable".into(), message: "An input could not be read.".into() }
        }
        MediaError::Size { .. } | MediaError::Length { .. } | MediaError::TextTooLong { .. } => {
            FailureReason { code: "unsupported".into(), message: "That size or length cannot be made.".into() }
        }
        MediaError::Encoder(_) => {
            FailureReason { code: "provider_failed".into(), message: "The file could not be written.".into() }
        }
    }
}

/// Typed fields, or one called `text`.
pub(super) fn text(job: &Job, prompt: &str, seed: u64) -> OutputReport {
    if let Some(workflow) = &job.workflow {
        return super::answers::answer(workflow, prompt, seed);
    }
    let vision = job.parameters.capability == Capability::Vision;
    let form = job.generator.as_deref().unwrap_or(if vision { "vision" } else { "" });
    let language = job.parameters.language.as_deref().unwrap_or("auto");
    // A generator's template speaks of kinds, moods and lengths; what the text is about is what the
    // person wrote.
    let asked = job.asked.as_deref().map(|asked| Cards::read(asked).1);
    let spec = TextSpec { prompt: asked.as_deref().unwrap_or(prompt), seed, language, form };
    if job.fields.is_empty() {
        let fields = [("text".to_owned(), make_text(spec).into())];
        return OutputReport::Text(fields.into_iter().collect());
    }
    let fields: Vec<FieldSpec> = job.fields.iter().map(field).collect();
    OutputReport::Text(make_fields(spec, &fields))
}

fn field(field: &OutputField) -> FieldSpec {
    let long = LONG_FIELDS.iter().any(|name| field.name == *name || field.name.ends_with(&format!("_{name}")));
    let kind = match field.field_type {
        FieldType::String if long => FieldKind::LongText,
        FieldType::String => FieldKind::Text,
        FieldType::Integer => {
            let (min, max) = bounds(field, NUMBERS);
            FieldKind::Number { min: min.into(), max: max.into() }
        }
        FieldType::StringList => {
            let (min, max) = bounds(field, ITEMS);
            FieldKind::List { min: min as usize, max: max as usize }
        }
    };
    FieldSpec::new(field.name.clone(), kind)
}

/// The field's own bounds; of the usual ones, what they leave.
fn bounds(field: &OutputField, usual: (u32, u32)) -> (u32, u32) {
    let min = field.min.unwrap_or(usual.0.min(field.max.unwrap_or(u32::MAX)));
    (min, field.max.unwrap_or(usual.1.max(min)))
}

/// The inputs of some roles, in order.
fn inputs(job: &Job, roles: &[InputRole]) -> Vec<Bytes> {
    job.media.iter().filter(|media| roles.contains(&media.role)).map(|media| media.bytes.clone()).collect()
}

pub(super) fn input(job: &Job, role: InputRole) -> Result<Bytes, MediaError> {
    inputs(job, &[role]).into_iter().next().ok_or(MediaError::NoInput)
}

/// The ratio that was asked for; else that of the first input that has one; else `fallback`.
pub(super) fn ratio(job: &Job, fallback: &str) -> String {
    let asked = job.parameters.aspect_ratio.as_deref().filter(|ratio| mintmark_media::parse_ratio(ratio).is_some());
    if let Some(asked) = asked {
        return asked.to_owned();
    }
    let sizes = job.media.iter().filter_map(|media| {
        let info = probe(&media.bytes).ok()?;
        Some(format!("{}:{}", info.width?, info.height?))
    });
    sizes.into_iter().find(|ratio| mintmark_media::parse_ratio(ratio).is_some()).unwrap_or_else(|| fallback.to_owned())
}

pub(super) type Made = Result<(&'static str, Vec<u8>), MediaError>;

fn image(job: &Job, prompt: &str, seed: u64) -> Made {
    let resolution = job.parameters.resolution.as_deref();
    let ratio = ratio(job, "1:1");
    let (width, height) = size_for(&ratio, resolution).or_else(|| size_for(&ratio, None)).unwrap_or((1_024, 1_024));
    let format = match job.parameters.output_format.as_deref() {
        Some("png") => ImageFormat::Png,
        Some("jpg" | "jpeg") => ImageFormat::Jpeg,
        _ => ImageFormat::WebP,
    };
    let references = inputs(job, &[InputRole::Image, InputRole::Reference, InputRole::Character]);
    let drawn = draw_image(prompt, seed, Picture { width, height, format }, &references)?;
    Ok((format.content_type(), drawn))
}

pub(super) fn duration_ms(job: &Job, default_ms: u64) -> u64 {
    let asked = job.parameters.duration_seconds.map(|seconds| seconds * rust_decimal::Decimal::ONE_THOUSAND);
    asked.and_then(|ms| ms.to_u64()).unwrap_or(default_ms)
}

fn video(job: &Job, prompt: &str, seed: u64) -> Made {
    let resolution = job.parameters.resolution.as_deref();
    let ratio = ratio(job, "16:9");
    let size = video_size_for(&ratio, resolution).or_else(|| video_size_for(&ratio, None));
    let (width, height) = size.unwrap_or((854, 480));
    let longest = u64::from(limits::VIDEO_SECONDS_MAX) * 1_000;
    let duration_ms = duration_ms(job, DURATION_DEFAULT_MS).min(longest);
    let first_image = || input(job, InputRole::Image).or_else(|_| input(job, InputRole::Reference));
    let mode = match job.parameters.mode {
        Mode::TextToOutput => VideoMode::Text,
        Mode::ImageToOutput => VideoMode::Image { start: first_image()? },
        Mode::References => {
            VideoMode::References { inputs: inputs(job, &[InputRole::Reference, InputRole::ReferenceVideo]) }
        }
        Mode::SourceVideo if job.parameters.model.contains("extend") => {
            VideoMode::Extend { source: input(job, InputRole::SourceVideo)? }
        }
        Mode::SourceVideo | Mode::SourceVideoWithReferences => VideoMode::Edit {
            source: input(job, InputRole::SourceVideo)?,
            references: inputs(job, &[InputRole::Reference, InputRole::Image]),
        },
        Mode::MotionControl => {
            VideoMode::Motion { character: first_image()?, source: input(job, InputRole::SourceVideo)? }
        }
        Mode::FirstLastFrame => {
            VideoMode::FirstLast { first: input(job, InputRole::FirstFrame)?, last: input(job, InputRole::LastFrame)? }
        }
        Mode::Vision | Mode::Lipsync | Mode::Transcription => return Err(MediaError::NoInput),
    };
    // Those that cannot be silent have theirs, too.
    let sound = job.parameters.generate_audio;
    let spec = VideoSpec { prompt: prompt.to_owned(), seed, width, height, duration_ms, mode, sound };
    Ok(("video/mp4", make_video(&spec)?.bytes))
}

fn speech(job: &Job, prompt: &str, seed: u64) -> Made {
    let audio = make_speech(prompt, job.parameters.voice.as_deref().unwrap_or_default(), seed)?;
    Ok((audio.content_type(), audio.to_vec()))
}

//! The sandbox's work on what it is given, and the sounds and drawings that are not pictures or films.

use mintmark_domain::catalog::SyncMode as Asked;
use mintmark_domain::ports::{InputRole, Job, Media, OutputReport};
use mintmark_media::{
    Audio, EffectChoices, ImageFormat, LipsyncSpec, MediaError, MusicChoices, MusicDetails, SyncMode, brightness,
    draw_svg, extract_audio, limits, make_effect, make_lipsync, make_music_with, make_transcript, parse_ratio, probe,
    upscale_image, upscale_video,
};
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::make::{Made, cannot, duration_ms, input, ratio};

/// The length of music that has none, in milliseconds.
const MUSIC_DEFAULT_MS: u64 = 30_000;
/// The length of an effect that has none.
const EFFECT_DEFAULT_MS: u64 = 5_000;
/// By how much is enlarged where nothing was said.
const FACTOR_DEFAULT: u32 = 2;
/// Pictures darker than this (of 255) call for a darker piece.
const DARK: u8 = 96;

/// Music; with what can be said of it where that was asked for.
pub(super) fn music(job: &Job, prompt: &str, seed: u64) -> OutputReport {
    let choices = &job.parameters.choices;
    let longest = u64::from(limits::MUSIC_SECONDS_MAX) * 1_000;
    let length = duration_ms(job, MUSIC_DEFAULT_MS).min(longest);
    let made = inspired(job, prompt).and_then(|prompt| {
        let without = job.negative_prompt.as_deref().unwrap_or_default();
        let choices = MusicChoices { instrumental: choices.instrumental, without };
        make_music_with(&prompt, seed, length, choices)
    });
    match made {
        Ok((audio, details)) if choices.details => {
            OutputReport::Both { media: wav(&audio), fields: described(&details, choices.timestamps) }
        }
        Ok((audio, _)) => OutputReport::Media(wav(&audio)),
        Err(error) => OutputReport::Failed(cannot(&error)),
    }
}

/// The prompt, and the mood of the picture that came with it.
fn inspired(job: &Job, prompt: &str) -> Result<String, MediaError> {
    let Ok(picture) = input(job, InputRole::Image) else { return Ok(prompt.to_owned()) };
    let mood = if brightness(&picture)? < DARK { "dark, calm" } else { "bright, sunny" };
    // The picture itself counts too: another one of the same mood inspires another piece.
    Ok(format!("{prompt} ({mood}, {})", hex::encode(&Sha256::digest(&picture)[..8])))
}

fn described(details: &MusicDetails, timestamps: bool) -> Map<String, Value> {
    let section = |section: &mintmark_media::MusicSection| match timestamps {
        true => json!({"name": section.name, "start": seconds(section.start_ms), "end": seconds(section.end_ms)}),
        false => json!({"name": section.name}),
    };
    let fields = [
        ("tempo_bpm", details.tempo_bpm.into()),
        ("key", details.key.clone().into()),
        ("instrumental", details.instrumental.into()),
        ("drums", details.drums.into()),
        ("sections", details.sections.iter().map(section).collect()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn wav(audio: &Audio) -> Media {
    Media::Bytes { content_type: audio.content_type().to_owned(), bytes: audio.to_vec().into() }
}

/// Milliseconds as seconds, to the millisecond.
fn seconds(ms: u64) -> Value {
    if ms.is_multiple_of(1_000) { (ms / 1_000).into() } else { (ms as f64 / 1_000.0).into() }
}

/// A sound effect.
pub(super) fn effect(job: &Job, prompt: &str, seed: u64) -> Made {
    let choices = &job.parameters.choices;
    let longest = u64::from(limits::EFFECT_SECONDS_MAX) * 1_000;
    let influence = choices.prompt_influence.and_then(|influence| influence.to_f32());
    let choices = EffectChoices { influence, seamless: choices.seamless };
    let audio = make_effect(prompt, seed, duration_ms(job, EFFECT_DEFAULT_MS).min(longest), choices)?;
    Ok((audio.content_type(), audio.to_vec()))
}

/// A picture without its background.
pub(super) fn cut_out(job: &Job) -> Made {
    Ok(("image/png", mintmark_media::cut_out(&input(job, InputRole::Image)?)?))
}

fn factor(job: &Job) -> u32 {
    job.parameters.scale_factor.unwrap_or(FACTOR_DEFAULT)
}

/// A larger picture.
pub(super) fn larger_image(job: &Job) -> Made {
    Ok(("image/png", upscale_image(&input(job, InputRole::Image)?, factor(job), ImageFormat::Png)?))
}

/// A larger video.
pub(super) fn larger_video(job: &Job) -> Made {
    Ok(("video/mp4", upscale_video(&input(job, InputRole::SourceVideo)?, factor(job))?.bytes))
}

/// A vector drawing.
pub(super) fn vector(job: &Job, prompt: &str, seed: u64) -> Made {
    let ratio = parse_ratio(&ratio(job, "1:1")).unwrap_or((1, 1));
    Ok(("image/svg+xml", draw_svg(prompt, seed, ratio).into_bytes()))
}

/// A video whose lips follow a sound.
pub(super) fn lipsync(job: &Job) -> Made {
    let asked = job.parameters.choices.sync_mode.as_deref().and_then(Asked::from_name).unwrap_or(Asked::CutOff);
    let mode = match asked {
        Asked::CutOff => SyncMode::CutOff,
        Asked::Loop => SyncMode::Loop,
        Asked::Bounce => SyncMode::Bounce,
        Asked::Silence => SyncMode::Silence,
        Asked::Remap => SyncMode::Remap,
    };
    let lines = job.parameters.resolution.as_deref().and_then(|name| name.strip_suffix('p')?.parse().ok());
    let (video, audio) = (input(job, InputRole::SourceVideo)?, input(job, InputRole::InputAudio)?);
    Ok(("video/mp4", make_lipsync(&LipsyncSpec { video, audio, mode, short_edge: lines })?.bytes))
}

/// A transcript over the recording's length, and the recording's sound where it had to be taken out of
/// a video.
pub(super) fn transcript(job: &Job, seed: u64) -> OutputReport {
    let Some(recording) =
        job.media.iter().find(|media| matches!(media.role, InputRole::InputAudio | InputRole::SourceVideo))
    else {
        return OutputReport::Failed(cannot(&MediaError::NoInput));
    };
    let stated = probe(&recording.bytes).ok().and_then(|info| info.duration_ms);
    let measured =
        job.parameters.media_seconds.and_then(|length| (length * rust_decimal::Decimal::ONE_THOUSAND).to_u64());
    let length = measured.or(stated).unwrap_or(0);
    let subject = hex::encode(Sha256::digest(&recording.bytes));
    let made = match make_transcript(&subject, seed, length) {
        Ok(made) => made,
        Err(error) => return OutputReport::Failed(cannot(&error)),
    };
    let words = made.words.iter().map(|word| {
        json!({"word": word.word, "start": seconds(word.start_ms), "end": seconds(word.end_ms), "probability": 1})
    });
    let segments = made.segments.iter().enumerate().map(|(id, segment)| {
        json!({"id": id, "start": seconds(segment.start_ms), "end": seconds(segment.end_ms), "text": segment.text})
    });
    let fields = [
        ("text", Value::from(made.text.clone())),
        ("language", "en".into()),
        ("duration", seconds(length)),
        ("words", words.collect()),
        ("segments", segments.collect()),
    ];
    let fields: Map<String, Value> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    // A track that nobody here can decode is left where it is; the transcript does not need it.
    let sound = (recording.role == InputRole::SourceVideo).then(|| extract_audio(&recording.bytes).ok().flatten());
    match sound.flatten() {
        Some(audio) => OutputReport::Both { media: wav(&audio), fields },
        None => OutputReport::Text(fields),
    }
}

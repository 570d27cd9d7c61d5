//! Sound: speech-like babble of a text, music and effects, as WAV that is made while it is read; and
//! sound of others, decoded.

mod effects;
mod music;
mod pcm;
mod speech;
mod synth;

use std::sync::Arc;

use bytes::Bytes;

pub use music::{MusicDetails, MusicSection};
pub(crate) use pcm::decode as decode_audio;

use crate::error::MediaError;
use crate::limits::{
    AUDIO_SAMPLE_RATE, EFFECT_SECONDS_MAX, MUSIC_SECONDS_MAX, SPEECH_CHARS_MAX, SPEECH_CHARS_PER_SECOND,
};
use crate::seed::Root;

/// Samples that are made at once.
const CHUNK: usize = 16_384;

/// Bytes before the first sample.
const HEADER_BYTES: u64 = 44;

/// A sound whose samples are computed when they are asked for: 16-bit PCM, mono,
/// [`AUDIO_SAMPLE_RATE`] samples per second, in a WAV file.
///
/// Holding one costs some kilobytes, whatever its length; reading it by [`Audio::chunks`] some more.
/// Only [`Audio::to_vec`] holds the whole file (44 kB per second).
#[derive(Debug, Clone)]
pub struct Audio {
    source: Voice,
    samples: u64,
}

#[derive(Debug, Clone)]
enum Voice {
    Speech(Box<speech::Speech>),
    Music(Box<music::Music>),
    /// Samples that are there already, and how many were read.
    Ready(Arc<[f32]>, usize),
}

/// What a piece of music is to be besides its prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MusicChoices<'a> {
    /// Nobody sings: the leading voice is left out.
    pub instrumental: bool,
    /// What is not to be heard, in words (`drums`, `vocals`, …).
    pub without: &'a str,
}

/// What a sound effect is to be besides its prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EffectChoices {
    /// 0 to 1: how closely the prompt is followed; 0.3 where not said.
    pub influence: Option<f32>,
    /// Whether its end runs into its beginning.
    pub seamless: bool,
}

/// Speaks a text: each character has a sound of its own (vowels, hisses, hums, stops, pauses), so it
/// sounds like babble of that very text, and lasts as long as someone reading it would take.
///
/// `voice` (an id or a name) and `seed` choose pitch and timbre. The text is read at
/// [`SPEECH_CHARS_PER_SECOND`], at least for a quarter of a second.
///
/// # Errors
/// [`MediaError::TextTooLong`] above [`SPEECH_CHARS_MAX`] characters.
pub fn make_speech(text: &str, voice: &str, seed: u64) -> Result<Audio, MediaError> {
    let chars = text.chars().count();
    if chars > SPEECH_CHARS_MAX {
        return Err(MediaError::TextTooLong { chars, max: SPEECH_CHARS_MAX });
    }
    let per_char = AUDIO_SAMPLE_RATE / SPEECH_CHARS_PER_SECOND;
    let samples = (chars as u64 * u64::from(per_char)).max(u64::from(AUDIO_SAMPLE_RATE) / 4);
    let speech = speech::Speech::new(text, &Root::new(voice, seed), per_char);
    Ok(Audio { source: Voice::Speech(Box::new(speech)), samples })
}

/// Makes music: chords, bass, arpeggio and a soft beat of exactly the asked length, to the sample.
///
/// Words such as sad, dark, calm, happy, fast steer mode and tempo; the hash of prompt and seed does
/// the rest. The end fades out.
///
/// # Errors
/// [`MediaError::Length`] for nothing or above [`MUSIC_SECONDS_MAX`].
pub fn make_music(prompt: &str, seed: u64, duration_ms: u64) -> Result<Audio, MediaError> {
    make_music_with(prompt, seed, duration_ms, MusicChoices::default()).map(|(audio, _)| audio)
}

/// [`make_music`] with choices, and what can be said of the piece.
///
/// # Errors
/// As of [`make_music`].
pub fn make_music_with(
    prompt: &str,
    seed: u64,
    duration_ms: u64,
    choices: MusicChoices<'_>,
) -> Result<(Audio, MusicDetails), MediaError> {
    let samples = samples_of(duration_ms, MUSIC_SECONDS_MAX)?;
    let music = music::Music::new(prompt, &Root::new(prompt, seed), samples).with(choices);
    let details = music.details();
    Ok((Audio { source: Voice::Music(Box::new(music)), samples }, details))
}

/// Makes a sound effect of exactly the asked length. The prompt's words choose what kind of sound it
/// is (a door that slams, rain, a beep, an engine, …), the hash of prompt and seed the rest.
///
/// # Errors
/// [`MediaError::Length`] for nothing or above [`EFFECT_SECONDS_MAX`].
pub fn make_effect(prompt: &str, seed: u64, duration_ms: u64, choices: EffectChoices) -> Result<Audio, MediaError> {
    const INFLUENCE_USUAL: f32 = 0.3;
    let samples = samples_of(duration_ms, EFFECT_SECONDS_MAX)?;
    let influence = choices.influence.unwrap_or(INFLUENCE_USUAL);
    let played = effects::play(
        prompt,
        &Root::new(prompt, seed),
        samples as usize,
        effects::Choices { influence, seamless: choices.seamless },
    );
    Ok(Audio { source: Voice::Ready(played.into(), 0), samples })
}

/// The sound of a file, a video's track too, as WAV; `None` where it has none. What lies beyond
/// [`DECODED_SECONDS_MAX`](crate::limits::DECODED_SECONDS_MAX) is left out.
///
/// # Errors
/// [`MediaError::Input`] for what cannot be decoded.
pub fn extract_audio(file: &Bytes) -> Result<Option<Audio>, MediaError> {
    let Some(decoded) = decode_audio(file, 0)? else { return Ok(None) };
    let samples = decoded.len() as u64;
    let ready: Vec<f32> = decoded.into_iter().map(|sample| f32::from(sample) / 32_000.0).collect();
    Ok(Some(Audio { source: Voice::Ready(ready.into(), 0), samples }))
}

/// How many samples a length takes.
fn samples_of(duration_ms: u64, seconds_max: u32) -> Result<u64, MediaError> {
    let max_ms = u64::from(seconds_max) * 1000;
    if duration_ms == 0 || duration_ms > max_ms {
        return Err(MediaError::Length { asked_ms: duration_ms, max_ms });
    }
    Ok((duration_ms * u64::from(AUDIO_SAMPLE_RATE) / 1000).max(1))
}

impl Audio {
    /// The media type of the file.
    pub fn content_type(&self) -> &'static str {
        "audio/wav"
    }

    /// The length in milliseconds, rounded.
    pub fn duration_ms(&self) -> u64 {
        (self.samples * 1000 + u64::from(AUDIO_SAMPLE_RATE) / 2) / u64::from(AUDIO_SAMPLE_RATE)
    }

    /// The size of the file in bytes.
    pub fn size_bytes(&self) -> u64 {
        HEADER_BYTES + self.samples * 2
    }

    /// The file, piece by piece (each at most 32 kB), made as it is read.
    pub fn chunks(&self) -> impl Iterator<Item = Bytes> + Send + use<> {
        let head = std::iter::once(Bytes::from(header(self.samples)));
        let to_bytes = |samples: Vec<i16>| samples.into_iter().flat_map(i16::to_le_bytes).collect();
        head.chain(self.pcm().map(to_bytes))
    }

    /// The samples, piece by piece, made as they are read.
    pub(crate) fn pcm(&self) -> impl Iterator<Item = Vec<i16>> + Send + use<> {
        let mut source = self.source.clone();
        let mut left = self.samples;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let mut samples = vec![0f32; left.min(CHUNK as u64) as usize];
            left -= samples.len() as u64;
            match &mut source {
                Voice::Speech(speech) => speech.fill(&mut samples),
                Voice::Music(music) => music.fill(&mut samples),
                Voice::Ready(ready, at) => {
                    let end = (*at + samples.len()).min(ready.len());
                    for (sample, made) in samples.iter_mut().zip(&ready[(*at).min(end)..end]) {
                        *sample = *made;
                    }
                    *at = end;
                }
            }
            Some(samples.into_iter().map(|sample| (sample.clamp(-1.0, 1.0) * 32_000.0) as i16).collect())
        })
    }

    /// The whole file.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut file = Vec::with_capacity(self.size_bytes() as usize);
        self.chunks().for_each(|chunk| file.extend_from_slice(&chunk));
        file
    }
}

/// The 44 bytes before the samples. Lengths stay far below what their fields hold.
fn header(samples: u64) -> Vec<u8> {
    let data = (samples * 2) as u32;
    let mut head = Vec::with_capacity(HEADER_BYTES as usize);
    head.extend(b"RIFF");
    head.extend((data + 36).to_le_bytes());
    head.extend(b"WAVEfmt ");
    head.extend(16u32.to_le_bytes());
    head.extend(1u16.to_le_bytes()); // PCM
    head.extend(1u16.to_le_bytes()); // one channel
    head.extend(AUDIO_SAMPLE_RATE.to_le_bytes());
    head.extend((AUDIO_SAMPLE_RATE * 2).to_le_bytes());
    head.extend(2u16.to_le_bytes()); // bytes per sample
    head.extend(16u16.to_le_bytes());
    head.extend(b"data");
    head.extend(data.to_le_bytes());
    head
}

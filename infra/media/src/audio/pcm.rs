//! Sound of unknown origin, decoded to the form in which all sound is made here: one channel of 16 bits
//! at [`AUDIO_SAMPLE_RATE`].

use std::io::Cursor;

use bytes::Bytes;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::formats::TrackType;
use symphonia::core::io::MediaSourceStream;

use crate::error::MediaError;
use crate::limits::{AUDIO_SAMPLE_RATE, DECODED_SECONDS_MAX};
use crate::probe::guarded;

/// Most samples that are decoded of one sound.
const SAMPLES_MAX: usize = DECODED_SECONDS_MAX as usize * AUDIO_SAMPLE_RATE as usize;

/// The sound of a file, a video's track too; `None` where it has none. What lies beyond
/// [`DECODED_SECONDS_MAX`] is left out.
///
/// Errors: [`MediaError::Input`] for what cannot be decoded.
pub(crate) fn decode(file: &Bytes, index: usize) -> Result<Option<Vec<i16>>, MediaError> {
    if file.get(..4) == Some(b"RIFF") {
        return wav(file).map(Some).ok_or_else(|| MediaError::input(index, "a WAV file of a form that is not read"));
    }
    guarded(|| coded(file)).map_err(|reason| MediaError::input(index, reason))
}

fn coded(file: &Bytes) -> Result<Option<Vec<i16>>, String> {
    let said = |error: symphonia::core::errors::Error| error.to_string();
    let source = MediaSourceStream::new(Box::new(Cursor::new(file.clone())), Default::default());
    let probe = symphonia::default::get_probe();
    let mut format = probe.probe(&Default::default(), source, Default::default(), Default::default()).map_err(said)?;
    let Some(track) = format.default_track(TrackType::Audio) else { return Ok(None) };
    let (id, parameters) = (track.id, track.codec_params.clone());
    let Some(CodecParameters::Audio(parameters)) = parameters else { return Ok(None) };
    let mut decoder =
        symphonia::default::get_codecs().make_audio_decoder(&parameters, &Default::default()).map_err(said)?;
    let mut mixed: Option<Mixer> = None;
    let mut frames: Vec<f32> = Vec::new();
    // A file that is cut off still sounds up to there.
    while let Ok(Some(packet)) = format.next_packet() {
        if packet.track_id != id {
            continue;
        }
        let Ok(decoded) = decoder.decode(&packet) else { continue };
        let (rate, channels) = (decoded.spec().rate(), decoded.spec().channels().count().max(1));
        decoded.copy_to_vec_interleaved(&mut frames);
        let mixer = mixed.get_or_insert_with(|| Mixer::new(rate));
        for frame in frames.chunks_exact(channels) {
            mixer.push(frame.iter().sum::<f32>() / channels as f32);
        }
        if mixer.is_full() {
            break;
        }
    }
    mixed.map(|mixer| Some(mixer.out)).ok_or_else(|| "no sound could be decoded".to_owned())
}

/// The samples of a WAV file: whole numbers of 8 to 32 bits, or 32-bit floats.
fn wav(file: &[u8]) -> Option<Vec<i16>> {
    let half = |data: &[u8], at: usize| data.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let word = |data: &[u8], at: usize| data.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let mut rest = file.get(12..)?;
    let mut form = None;
    while let (Some(name), Some(size)) = (rest.get(..4), word(rest, 4)) {
        let body = &rest[8..];
        let body_size = (size as usize).min(body.len());
        match name {
            b"fmt " => {
                let kind = half(body, 0)?;
                // The extensible form says the real one in its first bytes behind.
                let kind = if kind == 0xFFFE { half(body, 24)? } else { kind };
                form = Some((kind, half(body, 2)?, word(body, 4)?, half(body, 14)?));
            }
            b"data" => {
                let (kind, channels, rate, bits) = form?;
                return read_frames(&body[..body_size], kind, usize::from(channels), rate, usize::from(bits));
            }
            _ => {}
        }
        rest = body.get(body_size + body_size % 2..).unwrap_or_default();
    }
    None
}

fn read_frames(data: &[u8], kind: u16, channels: usize, rate: u32, bits: usize) -> Option<Vec<i16>> {
    let sample = |b: &[u8]| -> f32 {
        match (kind, bits) {
            (1, 8) => (f32::from(b[0]) - 128.0) / 128.0,
            (1, 16) => f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0,
            (1, 24) => (i32::from_le_bytes([0, b[0], b[1], b[2]]) >> 8) as f32 / 8_388_608.0,
            (1, 32) => i32::from_le_bytes([b[0], b[1], b[2], b[3]]) as f32 / 2_147_483_648.0,
            _ => f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
        }
    };
    let known = matches!((kind, bits), (1, 8 | 16 | 24 | 32) | (3, 32));
    if !known || channels == 0 || channels > 64 || rate == 0 {
        return None;
    }
    let width = bits / 8;
    let mut mixer = Mixer::new(rate);
    for frame in data.chunks_exact(width * channels) {
        let sum: f32 = frame.chunks_exact(width).map(sample).filter(|value| value.is_finite()).sum();
        mixer.push(sum / channels as f32);
        if mixer.is_full() {
            break;
        }
    }
    Some(mixer.out)
}

/// Takes samples of one rate to our own: averages where there are more, interpolates where fewer.
struct Mixer {
    /// Source samples per one of ours.
    step: f64,
    at: f64,
    last: f32,
    sum: f32,
    count: u32,
    out: Vec<i16>,
}

impl Mixer {
    fn new(rate: u32) -> Self {
        let step = f64::from(rate.max(1)) / f64::from(AUDIO_SAMPLE_RATE);
        Mixer { step, at: 0.0, last: 0.0, sum: 0.0, count: 0, out: Vec::new() }
    }

    fn is_full(&self) -> bool {
        self.out.len() >= SAMPLES_MAX
    }

    fn push(&mut self, sample: f32) {
        let keep = |value: f32| (value.clamp(-1.0, 1.0) * 32_000.0) as i16;
        if self.step > 1.0 {
            (self.sum, self.count) = (self.sum + sample, self.count + 1);
            self.at += 1.0;
            if self.at >= self.step {
                self.at -= self.step;
                self.out.push(keep(self.sum / self.count as f32));
                (self.sum, self.count) = (0.0, 0);
            }
            return;
        }
        while self.at < 1.0 {
            self.out.push(keep(self.last + (sample - self.last) * self.at as f32));
            self.at += self.step;
        }
        self.at -= 1.0;
        self.last = sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(kind: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Bytes {
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        file.extend(kind.to_le_bytes());
        file.extend(channels.to_le_bytes());
        file.extend(rate.to_le_bytes());
        file.extend((rate * u32::from(channels) * u32::from(bits) / 8).to_le_bytes());
        file.extend((channels * bits / 8).to_le_bytes());
        file.extend(bits.to_le_bytes());
        file.extend(b"data");
        file.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        file.extend(data);
        file.into()
    }

    #[test]
    fn every_form_of_wav_keeps_its_length_and_loudness_at_our_rate() {
        let seconds = 2usize;
        for (kind, bits, loud) in [
            (1u16, 8u16, vec![192u8]),
            (1, 16, 16_384i16.to_le_bytes().to_vec()),
            (1, 24, vec![0, 0, 0x40]),
            (1, 32, 0x4000_0000i32.to_le_bytes().to_vec()),
            (3, 32, 0.5f32.to_le_bytes().to_vec()),
        ] {
            for (rate, channels) in [(8_000u32, 1u16), (22_050, 2), (48_000, 2)] {
                let data = loud.repeat(rate as usize * usize::from(channels) * seconds);
                let decoded = decode(&file(kind, channels, rate, bits, &data), 0).unwrap().unwrap();
                let wanted = seconds * AUDIO_SAMPLE_RATE as usize;
                assert!(decoded.len().abs_diff(wanted) <= 3, "{bits} bits at {rate}: {}", decoded.len());
                let middle = decoded[decoded.len() / 2];
                assert!((15_500..=16_500).contains(&middle), "{bits} bits at {rate}: {middle}");
            }
        }
    }

    #[test]
    fn what_is_no_sound_is_a_typed_error_that_names_its_place() {
        let odd = file(7, 1, 8_000, 8, &[1; 100]);
        for bad in [Bytes::from_static(b"RIFF....WAVE"), odd, Bytes::from_static(b"nothing of the kind")] {
            assert!(matches!(decode(&bad, 4), Err(MediaError::Input { index: 4, .. })), "{bad:?}");
        }
    }
}

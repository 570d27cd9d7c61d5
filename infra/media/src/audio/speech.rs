//! Babble: a buzzing source through three resonances, whose places follow the characters of a text.

use super::synth::{Noise, RATE, Resonator};
use crate::seed::{Rng, Root};

/// How often the resonances are tuned anew, in samples.
const STEP: usize = 32;

/// What a character sounds like.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sound {
    /// Places of the three resonances in hertz.
    formants: [f32; 3],
    /// Loudness of the voice.
    voice: f32,
    /// Loudness of the hiss.
    hiss: f32,
    /// True if it begins with a stop: silence, then a burst.
    stop: bool,
}

const fn sound(formants: [f32; 3], voice: f32, hiss: f32, stop: bool) -> Sound {
    Sound { formants, voice, hiss, stop }
}

const SILENCE: Sound = sound([500.0, 1500.0, 2500.0], 0.0, 0.0, false);

const VOWELS: [Sound; 8] = [
    sound([730.0, 1090.0, 2440.0], 1.0, 0.0, false),
    sound([530.0, 1840.0, 2480.0], 0.95, 0.0, false),
    sound([290.0, 2250.0, 2950.0], 0.85, 0.0, false),
    sound([560.0, 880.0, 2410.0], 1.0, 0.0, false),
    sound([320.0, 890.0, 2240.0], 0.85, 0.0, false),
    sound([300.0, 1900.0, 2300.0], 0.85, 0.0, false),
    sound([480.0, 1500.0, 2300.0], 0.9, 0.0, false),
    sound([610.0, 1690.0, 2450.0], 0.95, 0.0, false),
];

/// The sound of a character, whatever its script: letters of other scripts alternate between
/// consonant and vowel by their number.
fn sound_of(c: char) -> Sound {
    let lower = c.to_lowercase().next().unwrap_or(c);
    match lower {
        'a' | 'à' | 'á' | 'â' | 'ã' | 'å' => VOWELS[0],
        'e' | 'è' | 'é' | 'ê' | 'ë' => VOWELS[1],
        'i' | 'ì' | 'í' | 'î' | 'ï' => VOWELS[2],
        'o' | 'ò' | 'ó' | 'ô' | 'õ' => VOWELS[3],
        'u' | 'ù' | 'ú' | 'û' => VOWELS[4],
        'y' | 'ü' => VOWELS[5],
        'ö' | 'ø' | 'œ' => VOWELS[6],
        'ä' | 'æ' => VOWELS[7],
        'm' => sound([250.0, 1000.0, 2200.0], 0.55, 0.0, false),
        'n' | 'ñ' => sound([270.0, 1600.0, 2500.0], 0.55, 0.0, false),
        'l' => sound([360.0, 1300.0, 2700.0], 0.7, 0.0, false),
        'r' => sound([420.0, 1200.0, 1650.0], 0.65, 0.04, false),
        'w' => sound([300.0, 650.0, 2200.0], 0.65, 0.0, false),
        'j' => sound([280.0, 2150.0, 2900.0], 0.65, 0.05, false),
        'v' => sound([300.0, 1200.0, 2400.0], 0.4, 0.12, false),
        'z' => sound([320.0, 1700.0, 4600.0], 0.3, 0.28, false),
        's' | 'ß' | 'ç' => sound([400.0, 1900.0, 5200.0], 0.0, 0.42, false),
        'f' => sound([420.0, 1400.0, 3600.0], 0.0, 0.26, false),
        'h' => sound([550.0, 1500.0, 2500.0], 0.0, 0.24, false),
        'x' => sound([400.0, 1900.0, 4600.0], 0.0, 0.36, true),
        'c' | 'k' | 'q' => sound([400.0, 1800.0, 2700.0], 0.0, 0.34, true),
        't' => sound([420.0, 1750.0, 3900.0], 0.0, 0.36, true),
        'p' => sound([400.0, 900.0, 2300.0], 0.0, 0.30, true),
        'b' => sound([300.0, 900.0, 2300.0], 0.5, 0.10, true),
        'd' => sound([300.0, 1700.0, 2600.0], 0.5, 0.10, true),
        'g' => sound([300.0, 1900.0, 2500.0], 0.5, 0.10, true),
        _ if lower.is_numeric() => VOWELS[lower.to_digit(10).unwrap_or(0) as usize % VOWELS.len()],
        _ if lower.is_alphabetic() => {
            let number = lower as usize;
            if number.is_multiple_of(2) {
                VOWELS[number / 2 % VOWELS.len()]
            } else {
                sound_of(char::from(b"mnlrvdgbk"[number / 2 % 9]))
            }
        }
        _ => SILENCE,
    }
}

/// A voice that speaks a text.
#[derive(Debug, Clone)]
pub(super) struct Speech {
    text: std::vec::IntoIter<char>,
    per_char: usize,
    now: Sound,
    next: Sound,
    /// Samples since the current character began.
    within: usize,
    /// Samples since the sentence began.
    spoken: usize,
    asks: bool,
    timbre: Timbre,
    resonators: [Resonator; 3],
    hiss: Resonator,
    noise: Noise,
    phase: f32,
    pitch: f32,
    gain: f32,
}

/// What tells one voice from another.
#[derive(Debug, Clone, Copy)]
struct Timbre {
    pitch: f32,
    /// Length of the throat: scales all resonances.
    scale: f32,
    breath: f32,
    melody: f32,
}

impl Timbre {
    fn draw(rng: &mut Rng) -> Self {
        // Low and high voices alike; resonances go with the pitch as they do in people.
        let height = rng.unit();
        Self {
            pitch: 92.0 * (2.4f32).powf(height),
            scale: 0.90 + 0.26 * height + rng.range(-0.03, 0.03),
            breath: rng.range(0.01, 0.05),
            melody: rng.range(0.6, 1.3),
        }
    }
}

impl Speech {
    /// A voice (from `root`) with a text; each character lasts `per_char` samples.
    pub(super) fn new(text: &str, root: &Root, per_char: u32) -> Self {
        let timbre = Timbre::draw(&mut root.stream("timbre"));
        let mut chars = text.chars().collect::<Vec<_>>().into_iter();
        let now = chars.next().map_or(SILENCE, sound_of);
        let mut speech = Self {
            text: chars,
            per_char: per_char.max(1) as usize,
            now,
            next: SILENCE,
            within: 0,
            spoken: 0,
            asks: false,
            timbre,
            resonators: [Resonator::default(); 3],
            hiss: Resonator::default(),
            noise: Noise::new(root.stream("noise").bits()),
            phase: 0.0,
            pitch: timbre.pitch,
            gain: 0.0,
        };
        speech.look_ahead();
        speech
    }

    fn look_ahead(&mut self) {
        let ahead = self.text.as_slice();
        self.next = ahead.first().map_or(SILENCE, |c| sound_of(*c));
        // A question rises in its last syllables.
        self.asks = ahead.iter().take(7).any(|c| matches!(c, '?' | '？'));
    }

    /// The next samples.
    pub(super) fn fill(&mut self, out: &mut [f32]) {
        for block in out.chunks_mut(STEP) {
            self.tune();
            for sample in block.iter_mut() {
                *sample = self.sample();
            }
            self.within += block.len();
            self.spoken += block.len();
            while self.within >= self.per_char {
                self.within -= self.per_char;
                let said = self.text.next();
                self.now = said.map_or(SILENCE, sound_of);
                if matches!(said, Some('.' | '!' | '?' | '\n' | '。')) {
                    self.spoken = 0;
                }
                self.look_ahead();
            }
        }
    }

    /// Moves pitch and resonances on their way from this character to the next.
    fn tune(&mut self) {
        let t = self.within as f32 / self.per_char as f32;
        let slide = ((t - 0.55) / 0.45).clamp(0.0, 1.0);
        let slide = slide * slide * (3.0 - 2.0 * slide);
        for (i, resonator) in self.resonators.iter_mut().enumerate() {
            let hertz = self.now.formants[i] + (self.next.formants[i] - self.now.formants[i]) * slide;
            resonator.tune(hertz * self.timbre.scale, 60.0 + 45.0 * i as f32);
        }
        let high = if self.now.hiss > 0.0 { self.now.formants[2] } else { self.next.formants[2] };
        self.hiss.tune(high * self.timbre.scale, 900.0);
        let seconds = self.spoken as f32 / RATE;
        // Sentences begin high and sink; words swing; questions rise.
        let sink = 1.14 - 0.20 * (seconds / 3.0).min(1.0);
        let swing = 1.0 + self.timbre.melody * (0.06 * (seconds * 7.3).sin() + 0.03 * (seconds * 17.0).sin());
        let rise = if self.asks { 1.22 } else { 1.0 };
        let target = self.timbre.pitch * sink * swing * rise;
        self.pitch += (target - self.pitch) * 0.05;
    }

    fn sample(&mut self) -> f32 {
        let t = self.within as f32 / self.per_char as f32;
        let (mut voice, mut hiss) = (self.now.voice, self.now.hiss);
        if self.now.stop {
            // Closed lips for the first part, then a burst.
            let open = if t < 0.42 { 0.0 } else { 1.0 };
            voice *= open;
            hiss *= open * (1.9 - 1.3 * t);
        }
        self.phase = (self.phase + self.pitch / RATE).fract();
        // A rounded saw: strong start, soft end, as the vocal folds do.
        let pulse = (1.0 - self.phase) * (1.0 - self.phase) * 2.0 - 0.667;
        let target = voice;
        self.gain += (target - self.gain) * 0.006;
        let noise = self.noise.next();
        let source = pulse * self.gain + noise * self.timbre.breath * self.gain;
        let [first, second, third] = &mut self.resonators;
        let low = first.pass(source);
        let spoken = low * 0.55 + second.pass(low + source * 0.22) * 0.5 + third.pass(source) * 0.22;
        let hissed = self.hiss.pass(noise) * hiss;
        (spoken * 0.62 + hissed * 0.5).tanh() * 0.85
    }
}

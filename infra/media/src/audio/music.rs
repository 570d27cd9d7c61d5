//! Small pieces of music: a chord progression, played by pad, bass, plucked strings and a soft beat.

use super::MusicChoices;
use super::synth::{Echo, Noise, RATE};
use crate::seed::{Rng, Root};

/// Steps per bar (sixteenths).
const STEPS: u64 = 16;

/// Most notes that sound at once; older ones end first.
const NOTES_MAX: usize = 40;

/// Progressions as degrees of the scale, four bars each.
const MAJOR: [[i32; 4]; 6] = [[0, 4, 5, 3], [0, 5, 3, 4], [5, 3, 0, 4], [0, 2, 3, 4], [3, 0, 4, 5], [0, 3, 1, 4]];
const MINOR: [[i32; 4]; 5] = [[0, 5, 2, 6], [0, 3, 6, 2], [0, 6, 5, 6], [0, 2, 5, 4], [0, 3, 4, 0]];

/// How notes of the plucked strings follow each other within a chord.
const PATTERNS: [[usize; 8]; 5] = [
    [0, 1, 2, 3, 2, 1, 2, 1],
    [0, 2, 1, 3, 0, 2, 1, 3],
    [0, 1, 2, 1, 3, 1, 2, 1],
    [3, 2, 1, 0, 1, 2, 3, 2],
    [0, 3, 1, 2, 0, 3, 2, 1],
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Pad,
    Bass,
    Pluck,
    Lead,
    Drum,
    Hat,
}

/// A sounding note.
#[derive(Debug, Clone, Copy)]
struct Note {
    kind: Kind,
    hertz: f32,
    loudness: f32,
    /// Samples it has sounded.
    age: u32,
    /// Samples until it is let go.
    held: u32,
    phase: f32,
    second: f32,
    /// Loudness that is left; each sample multiplies it by the kind's decay.
    ring: f32,
    /// The same for the overtones, or for what is left after letting go.
    bright: f32,
}

/// How fast a kind of note dies away, as factors per sample.
#[derive(Debug, Clone, Copy)]
struct Decay {
    ring: f32,
    bright: f32,
    let_go: f32,
}

impl Decay {
    /// From rates per second.
    fn new(ring: f32, bright: f32, let_go: f32) -> Self {
        let factor = |rate: f32| (-rate / RATE).exp();
        Self { ring: factor(ring), bright: factor(bright), let_go: factor(let_go) }
    }

    /// Of all kinds, in the order of [`Kind`].
    fn table() -> [Self; 6] {
        [
            Self::new(0.0, 0.0, 4.0),
            Self::new(1.1, 0.0, 25.0),
            Self::new(4.2, 9.0, 0.0),
            Self::new(1.6, 0.0, 5.0),
            Self::new(13.0, 32.0, 0.0),
            Self::new(60.0, 0.0, 0.0),
        ]
    }
}

/// Most pairs of sections that a piece is described by; ten minutes at the fastest tempo have fewer.
const SECTIONS_MAX: usize = 60;

/// What can be said of a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MusicDetails {
    /// Beats per minute.
    pub tempo_bpm: u32,
    /// `A minor`, `C# major`, …
    pub key: String,
    /// Whether nobody sings.
    pub instrumental: bool,
    /// Whether there is a beat.
    pub drums: bool,
    /// Its parts: they follow each other without a gap, from the beginning to the end.
    pub sections: Vec<MusicSection>,
}

/// A part of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MusicSection {
    /// `intro`, `verse`, …
    pub name: &'static str,
    /// When it begins, in milliseconds.
    pub start_ms: u64,
    /// When it ends, in milliseconds.
    pub end_ms: u64,
}

/// A piece that is being played.
#[derive(Debug, Clone)]
pub(super) struct Music {
    /// Samples per step.
    step: u64,
    root_hertz: f32,
    scale: [i32; 7],
    chords: [i32; 4],
    pattern: [usize; 8],
    beat: bool,
    busy: bool,
    sings: bool,
    minor: bool,
    tempo: f32,
    rng: Rng,
    noise: Noise,
    echo: Echo,
    notes: Vec<Note>,
    played: u64,
    samples: u64,
    lead: i32,
    decay: [Decay; 6],
}

impl Music {
    /// A piece of a prompt that lasts `samples`.
    pub(super) fn new(prompt: &str, root: &Root, samples: u64) -> Self {
        let words = prompt.to_lowercase();
        let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
        let mut rng = root.stream("music");
        let minor = says(&["sad", "dark", "melanchol", "night", "tense", "horror", "rain", "minor"])
            || (!says(&["happy", "joy", "bright", "upbeat", "sunny", "major"]) && rng.chance(0.4));
        let calm = says(&["calm", "ambient", "sleep", "relax", "meditat", "slow", "lofi", "lo-fi", "peace"]);
        let fast = says(&["fast", "energetic", "dance", "upbeat", "techno", "rock", "epic", "drum"]);
        let tempo = match (calm, fast) {
            (true, _) => rng.range(62.0, 78.0),
            (_, true) => rng.range(112.0, 128.0),
            _ => rng.range(82.0, 106.0),
        };
        let step = (RATE * 60.0 / tempo / 4.0) as u64;
        Self {
            step,
            root_hertz: 110.0 * 2f32.powf(rng.between(0, 8) as f32 / 12.0),
            scale: if minor { [0, 2, 3, 5, 7, 8, 10] } else { [0, 2, 4, 5, 7, 9, 11] },
            chords: if minor { *rng.pick(&MINOR) } else { *rng.pick(&MAJOR) },
            pattern: *rng.pick(&PATTERNS),
            beat: fast || (!calm && rng.chance(0.65)),
            busy: fast,
            sings: true,
            minor,
            tempo,
            noise: Noise::new(rng.bits()),
            echo: Echo::new(step as f32 * 3.0 / RATE, 0.42),
            notes: Vec::with_capacity(NOTES_MAX),
            played: 0,
            samples,
            lead: 4,
            decay: Decay::table(),
            rng,
        }
    }

    /// The same piece with what was chosen.
    pub(super) fn with(mut self, choices: MusicChoices<'_>) -> Self {
        let without = choices.without.to_lowercase();
        let names = |any: &[&str]| any.iter().any(|word| without.contains(word));
        self.sings = !choices.instrumental && !names(&["vocal", "voice", "sing", "lyric", "melod", "lead"]);
        self.beat &= !names(&["drum", "beat", "percussion", "rhythm"]);
        self
    }

    /// What can be said of the piece.
    pub(super) fn details(&self) -> MusicDetails {
        // Nine keys from A upwards, as `root_hertz` is drawn.
        const KEYS: [&str; 9] = ["A", "A#", "B", "C", "C#", "D", "D#", "E", "F"];
        let place = ((self.root_hertz / 110.0).log2() * 12.0).round() as usize;
        let bar_ms = (self.step * STEPS) as f32 / RATE * 1000.0;
        let length_ms = (self.samples as f32 / RATE * 1000.0).round() as u64;
        // The build of `begin`: pad alone, strings, everything; then eight bars at a time.
        let (mut sections, mut bar) = (Vec::new(), 0u64);
        for (name, bars) in [("intro", 1), ("build", 1), ("verse", 2)]
            .into_iter()
            .chain(std::iter::repeat_n([("chorus", 4), ("verse", 4)], SECTIONS_MAX).flatten())
        {
            let start_ms = (bar as f32 * bar_ms) as u64;
            if start_ms >= length_ms {
                break;
            }
            bar += bars;
            let end_ms = ((bar as f32 * bar_ms) as u64).min(length_ms);
            sections.push(MusicSection { name, start_ms, end_ms });
        }
        if let Some(last) = sections.last_mut() {
            last.end_ms = length_ms;
        }
        MusicDetails {
            tempo_bpm: self.tempo.round() as u32,
            key: format!("{} {}", KEYS[place.min(KEYS.len() - 1)], if self.minor { "minor" } else { "major" }),
            instrumental: !self.sings,
            drums: self.beat,
            sections,
        }
    }

    /// The next samples.
    pub(super) fn fill(&mut self, out: &mut [f32]) {
        for sample in out {
            if self.played.is_multiple_of(self.step) {
                self.begin(self.played / self.step);
            }
            let (mut dry, mut wet) = (0.0, 0.0);
            for note in &mut self.notes {
                let value = note.sample(&mut self.noise, &self.decay[note.kind as usize]);
                dry += value;
                if matches!(note.kind, Kind::Pluck | Kind::Lead) {
                    wet += value;
                }
            }
            let mixed = dry + 0.45 * self.echo.pass(wet);
            *sample = (mixed * 0.5).tanh() * 0.9 * self.fade();
            self.played += 1;
            if self.played.is_multiple_of(64) {
                self.notes.retain(|note| !note.is_over());
            }
        }
    }

    /// In at once, out over the last second and a half (or quarter of a short piece).
    fn fade(&self) -> f32 {
        let start = (self.played as f32 / (0.02 * RATE)).min(1.0);
        let length = (1.5 * RATE).min(self.samples as f32 / 4.0).max(1.0);
        let left = self.samples.saturating_sub(self.played) as f32;
        start * (left / length).min(1.0)
    }

    /// The frequency of a degree of the scale, which may lie octaves above.
    fn hertz(&self, degree: i32) -> f32 {
        let semitones = self.scale[degree.rem_euclid(7) as usize] + 12 * degree.div_euclid(7);
        self.root_hertz * 2f32.powf(semitones as f32 / 12.0)
    }

    /// Starts the notes of one step.
    fn begin(&mut self, step: u64) {
        let (bar, at) = (step / STEPS, step % STEPS);
        let chord = self.chords[(bar % 4) as usize];
        // The first bars build up: pad alone, then strings, then everything.
        let short = self.samples < 20 * self.step * STEPS / 4;
        let (strings, full) = (short || bar >= 1, short || bar >= 2);
        if at == 0 {
            for voice in [0, 2, 4, 6] {
                let loudness = if voice == 6 { 0.05 } else { 0.10 };
                self.play(Kind::Pad, self.hertz(chord + voice + 7), loudness, STEPS);
            }
        }
        if at == 0 || (at == 10 && full) {
            self.play(Kind::Bass, self.hertz(chord) / 2.0, 0.36, if at == 0 { 8 } else { 5 });
        }
        let every = if self.busy { 1 } else { 2 };
        if strings && at.is_multiple_of(every) {
            let place = self.pattern[((at / every) % 8) as usize] as i32;
            let octave = if self.rng.chance(0.12) { 14 } else { 7 };
            let accent = if at.is_multiple_of(4) { 0.20 } else { 0.14 };
            self.play(Kind::Pluck, self.hertz(chord + 2 * place + octave), accent, 2);
        }
        if self.sings && full && bar % 8 >= 4 && at.is_multiple_of(4) && self.rng.chance(0.7) {
            self.lead = (self.lead + self.rng.between(0, 4) as i32 - 2).clamp(0, 9);
            self.play(Kind::Lead, self.hertz(self.lead + 14), 0.13, 4);
        }
        if self.beat && full {
            if at == 0 || at == 8 || (self.busy && (at == 4 || at == 12)) {
                self.play(Kind::Drum, 52.0, 0.5, 2);
            }
            if at % 4 == 2 || (self.busy && at % 2 == 1) {
                self.play(Kind::Hat, 0.0, 0.07, 1);
            }
        }
    }

    fn play(&mut self, kind: Kind, hertz: f32, loudness: f32, steps: u64) {
        if self.notes.len() >= NOTES_MAX {
            self.notes.remove(0);
        }
        let held = (steps * self.step) as u32;
        self.notes.push(Note { kind, hertz, loudness, age: 0, held, phase: 0.0, second: 0.25, ring: 1.0, bright: 1.0 });
    }
}

impl Note {
    /// True once it can no longer be heard.
    fn is_over(&self) -> bool {
        self.ring < 0.003
    }

    fn sample(&mut self, noise: &mut Noise, decay: &Decay) -> f32 {
        let seconds = self.age as f32 / RATE;
        self.age += 1;
        self.phase = turned(self.phase, self.hertz);
        self.ring *= decay.ring;
        self.bright *= decay.bright;
        if self.age > self.held {
            self.ring *= decay.let_go;
        }
        let value = match self.kind {
            Kind::Pad => {
                // Two slightly detuned voices beat against each other.
                self.second = turned(self.second, self.hertz * 1.004);
                (sine(self.phase) + sine(self.second) + 0.25 * sine(self.phase * 2.0)) * (seconds / 0.5).min(1.0)
            }
            Kind::Bass => (sine(self.phase) + 0.3 * sine(self.phase * 2.0)) * (seconds / 0.012).min(1.0),
            Kind::Pluck => {
                let overtones = 0.5 * sine(self.phase * 2.0) + 0.3 * sine(self.phase * 3.0);
                (sine(self.phase) + self.bright * overtones) * (seconds / 0.004).min(1.0)
            }
            Kind::Lead => {
                self.second = turned(self.second, 5.2);
                sine(self.phase + 1.0 + 0.004 * sine(self.second)) * (seconds / 0.03).min(1.0)
            }
            // A tone that falls from a knock to a thud.
            Kind::Drum => sine(self.hertz * seconds + 3.2 * (1.0 - self.bright)),
            Kind::Hat => {
                self.second = noise.next() - self.second * 0.5;
                self.second
            }
        };
        value * self.loudness * self.ring
    }
}

/// A phase one sample later.
fn turned(phase: f32, hertz: f32) -> f32 {
    let next = phase + hertz / RATE;
    if next >= 1.0 { next - 1.0 } else { next }
}

/// The sine of a positive phase in turns, to a thousandth: two parabolas, straightened once.
fn sine(phase: f32) -> f32 {
    let x = 1.0 - 2.0 * (phase - phase as i32 as f32);
    let parabola = 4.0 * x * (1.0 - x.abs());
    0.225 * (parabola * parabola.abs() - parabola) + parabola
}

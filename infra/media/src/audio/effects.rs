//! Sound effects: each kind is a small machine of its own, chosen by the words of the prompt.

use super::synth::{Echo, Noise, RATE, Resonator};
use crate::seed::{Rng, Root};

/// A kind of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A door, a punch, something that falls.
    Impact,
    /// An explosion, thunder.
    Boom,
    /// Rain, waves, a waterfall.
    Water,
    /// Wind, something that rushes by.
    Rush,
    /// A tone of a device.
    Beep,
    /// A bell, a glass.
    Bell,
    /// An engine, a machine.
    Engine,
    /// Footsteps, a clock, clapping.
    Steps,
    /// Birds, insects.
    Chirp,
    /// Fire, static.
    Crackle,
}

const KINDS: [Kind; 10] = [
    Kind::Impact,
    Kind::Boom,
    Kind::Water,
    Kind::Rush,
    Kind::Beep,
    Kind::Bell,
    Kind::Engine,
    Kind::Steps,
    Kind::Chirp,
    Kind::Crackle,
];

/// Beginnings of words and the kind that they ask for; the first word of the prompt that matches wins.
const WORDS: &[(&str, Kind)] = &[
    ("door", Kind::Impact),
    ("slam", Kind::Impact),
    ("hit", Kind::Impact),
    ("punch", Kind::Impact),
    ("thud", Kind::Impact),
    ("knock", Kind::Impact),
    ("impact", Kind::Impact),
    ("drop", Kind::Impact),
    ("explo", Kind::Boom),
    ("boom", Kind::Boom),
    ("thunder", Kind::Boom),
    ("gun", Kind::Boom),
    ("rain", Kind::Water),
    ("water", Kind::Water),
    ("wave", Kind::Water),
    ("ocean", Kind::Water),
    ("river", Kind::Water),
    ("storm", Kind::Water),
    ("wind", Kind::Rush),
    ("whoosh", Kind::Rush),
    ("swoosh", Kind::Rush),
    ("swish", Kind::Rush),
    ("breath", Kind::Rush),
    ("beep", Kind::Beep),
    ("alarm", Kind::Beep),
    ("click", Kind::Beep),
    ("notif", Kind::Beep),
    ("laser", Kind::Beep),
    ("phone", Kind::Beep),
    ("bell", Kind::Bell),
    ("chime", Kind::Bell),
    ("ding", Kind::Bell),
    ("glass", Kind::Bell),
    ("engine", Kind::Engine),
    ("motor", Kind::Engine),
    ("car", Kind::Engine),
    ("drone", Kind::Engine),
    ("hum", Kind::Engine),
    ("machine", Kind::Engine),
    ("train", Kind::Engine),
    ("step", Kind::Steps),
    ("footstep", Kind::Steps),
    ("walk", Kind::Steps),
    ("clap", Kind::Steps),
    ("applause", Kind::Steps),
    ("tick", Kind::Steps),
    ("clock", Kind::Steps),
    ("bird", Kind::Chirp),
    ("chirp", Kind::Chirp),
    ("cricket", Kind::Chirp),
    ("insect", Kind::Chirp),
    ("fire", Kind::Crackle),
    ("crackl", Kind::Crackle),
    ("static", Kind::Crackle),
];

/// How the sound is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Choices {
    /// 0 to 1: how closely the prompt's words are followed; the less, the more is left to the seed.
    pub influence: f32,
    /// Whether the end runs into the beginning.
    pub seamless: bool,
}

/// Plays an effect of `count` samples.
pub(super) fn play(prompt: &str, root: &Root, count: usize, choices: Choices) -> Vec<f32> {
    let mut rng = root.stream("effect");
    let kind = kind_of(prompt).unwrap_or_else(|| *rng.pick(&KINDS));
    // What is left to the seed bends pitch and pace.
    let free = 0.05 + 0.45 * (1.0 - choices.influence.clamp(0.0, 1.0));
    let bend = 1.0 + rng.range(-free, free);
    let heavy = prompt.to_lowercase();
    let heavy = ["heavy", "large", "metal", "huge", "deep", "big"].iter().any(|word| heavy.contains(word));
    let seam = if choices.seamless { (count / 4).min((RATE * 0.5) as usize) } else { 0 };
    let mut machine = Machine { kind, bend, heavy, noise: Noise::new(rng.bits()), rng, at: 0 };
    let mut samples = machine.run(count + seam);
    if heavy {
        reverberate(&mut samples);
    }
    if seam == 0 {
        fade(&mut samples);
        return samples;
    }
    // What comes after the end is laid over the beginning: played again and again, nothing is heard
    // of the place where it starts anew.
    for i in 0..seam {
        let share = i as f32 / seam as f32;
        samples[i] = samples[i] * share + samples[count + i] * (1.0 - share);
    }
    samples.truncate(count);
    samples
}

fn kind_of(prompt: &str) -> Option<Kind> {
    let words = prompt.to_lowercase();
    let mut words = words.split(|c: char| !c.is_alphanumeric());
    words.find_map(|word| WORDS.iter().find(|(start, _)| word.starts_with(start)).map(|(_, kind)| *kind))
}

/// In at once, out within a tenth of a second.
fn fade(samples: &mut [f32]) {
    let length = ((RATE * 0.1) as usize).min(samples.len() / 4).max(1);
    let count = samples.len();
    for (i, sample) in samples.iter_mut().enumerate().skip(count.saturating_sub(length)) {
        *sample *= (count - i) as f32 / length as f32;
    }
}

/// A large room.
fn reverberate(samples: &mut [f32]) {
    let mut walls = [0.031, 0.047, 0.083].map(|seconds| Echo::new(seconds, 0.55));
    for sample in samples {
        let back: f32 = walls.iter_mut().map(|wall| wall.pass(*sample)).sum();
        *sample = (*sample + 0.28 * back).clamp(-1.0, 1.0);
    }
}

struct Machine {
    kind: Kind,
    bend: f32,
    heavy: bool,
    noise: Noise,
    rng: Rng,
    at: usize,
}

impl Machine {
    fn run(&mut self, count: usize) -> Vec<f32> {
        let mut band = Resonator::default();
        let (hertz, breadth) = match self.kind {
            Kind::Impact => (if self.heavy { 90.0 } else { 160.0 }, 60.0),
            Kind::Boom => (70.0, 50.0),
            Kind::Water => (2_400.0, 3_000.0),
            Kind::Rush => (700.0, 500.0),
            Kind::Beep | Kind::Bell | Kind::Chirp => (1_800.0, 900.0),
            Kind::Engine => (220.0, 180.0),
            Kind::Steps => (420.0, 260.0),
            Kind::Crackle => (3_200.0, 2_500.0),
        };
        band.tune(hertz * self.bend, breadth);
        let seconds = count as f32 / RATE;
        let beats = self.beats(seconds);
        (0..count)
            .map(|at| {
                self.at = at;
                let t = at as f32 / RATE;
                let since = beats.iter().rev().find(|beat| **beat <= t).map_or(f32::MAX, |beat| t - beat);
                let hiss = band.pass(self.noise.next());
                (self.sample(t, since, hiss, seconds) * 0.9).clamp(-1.0, 1.0)
            })
            .collect()
    }

    /// When something begins anew, in seconds, rising.
    fn beats(&mut self, seconds: f32) -> Vec<f32> {
        let (first, every, wobble) = match self.kind {
            Kind::Impact | Kind::Boom => return vec![0.02],
            Kind::Water | Kind::Rush | Kind::Engine => return vec![0.0],
            Kind::Beep => (0.0, 0.5, 0.0),
            Kind::Bell => (0.0, 1.6, 0.0),
            Kind::Steps => (0.05, 0.52, 0.04),
            Kind::Chirp => (0.0, 0.35, 0.25),
            Kind::Crackle => (0.0, 0.06, 0.055),
        };
        let (mut beats, mut at) = (Vec::new(), first);
        while at < seconds {
            beats.push(at);
            at += ((every + self.rng.range(-wobble, wobble)) / self.bend).max(0.01);
        }
        beats
    }

    fn sample(&mut self, t: f32, since: f32, hiss: f32, seconds: f32) -> f32 {
        let tone = |hertz: f32| (std::f32::consts::TAU * hertz * since.min(60.0)).sin();
        let (bend, ring) = (self.bend, |rate: f32| if since > 30.0 { 0.0 } else { (-rate * since).exp() });
        match self.kind {
            Kind::Impact => {
                let crack = self.noise.next() * ring(60.0) * 0.7;
                let body = tone(if self.heavy { 62.0 } else { 120.0 } * bend) * ring(9.0);
                let metal = if self.heavy { (tone(431.0 * bend) + tone(677.0 * bend)) * 0.18 * ring(5.0) } else { 0.0 };
                crack + body * 0.8 + metal + hiss * 6.0 * ring(12.0)
            }
            Kind::Boom => {
                let fall = tone((70.0 - 30.0 * since.min(1.0)) * bend);
                (fall * 0.8 + hiss * 14.0 + self.noise.next() * 0.3) * ring(2.2)
            }
            Kind::Water => {
                let swell = 0.75 + 0.25 * (t * 0.9 * bend).sin();
                let drop = if self.rng.chance(0.004) { self.rng.range(-0.5, 0.5) } else { 0.0 };
                (hiss * 0.8 + self.noise.next() * 0.12) * swell + drop
            }
            Kind::Rush => {
                let near = 1.0 - (2.0 * (t / seconds.max(0.1)) - 1.0).abs();
                hiss * 5.0 * (0.15 + near * near) * (0.85 + 0.15 * (t * 3.1 * bend).sin())
            }
            Kind::Beep => {
                let on = if since < 0.18 { 1.0 } else { ring(60.0).min(1.0) * 0.0 };
                tone(1_000.0 * bend) * 0.6 * on
            }
            Kind::Bell => {
                let strike = 520.0 * bend;
                (tone(strike) * ring(1.6)
                    + tone(strike * 2.76) * 0.5 * ring(2.6)
                    + tone(strike * 5.4) * 0.25 * ring(4.5))
                    * 0.5
            }
            Kind::Engine => {
                let turn = 46.0 * bend * (1.0 + 0.03 * (t * 5.0).sin());
                let saw = 2.0 * (t * turn).fract() - 1.0;
                saw * 0.35 + hiss * 4.0
            }
            Kind::Steps => (hiss * 9.0 + self.noise.next() * 0.25) * ring(38.0) + tone(90.0 * bend) * 0.4 * ring(30.0),
            Kind::Chirp => {
                let rise = 2_600.0 * bend + 2_200.0 * since.min(0.2);
                (std::f32::consts::TAU * rise * since.min(1.0)).sin() * 0.5 * ring(14.0)
            }
            Kind::Crackle => self.noise.next() * 0.8 * ring(420.0) + hiss * 0.15,
        }
    }
}

//! The smallest parts of both instruments.

use crate::limits::AUDIO_SAMPLE_RATE;

/// Samples per second.
pub(super) const RATE: f32 = AUDIO_SAMPLE_RATE as f32;

/// A resonance: rings at one frequency and lets the rest pass by.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Resonator {
    a: f32,
    b: f32,
    c: f32,
    last: f32,
    before: f32,
}

impl Resonator {
    /// Tunes it, keeping what rings.
    pub(super) fn tune(&mut self, hertz: f32, breadth: f32) {
        let decay = (-std::f32::consts::PI * breadth / RATE).exp();
        self.c = -decay * decay;
        self.b = 2.0 * decay * (std::f32::consts::TAU * hertz.min(RATE * 0.47) / RATE).cos();
        // Unit gain at the resonance's foot.
        self.a = 1.0 - self.b - self.c;
    }

    /// One sample through it.
    pub(super) fn pass(&mut self, input: f32) -> f32 {
        let out = self.a * input + self.b * self.last + self.c * self.before;
        self.before = self.last;
        self.last = out;
        out
    }
}

/// White noise, cheap and always the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise(u32);

impl Noise {
    /// Noise of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self((seed as u32) | 1)
    }

    /// The next sample, -1 to 1.
    pub(super) fn next(&mut self) -> f32 {
        // xorshift32
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as f32 / (u32::MAX / 2) as f32 - 1.0
    }
}

/// An echo that grows quieter with each return.
#[derive(Debug, Clone)]
pub(super) struct Echo {
    line: Vec<f32>,
    at: usize,
    feedback: f32,
}

impl Echo {
    /// An echo after some seconds.
    pub(super) fn new(seconds: f32, feedback: f32) -> Self {
        Self { line: vec![0.0; ((seconds * RATE) as usize).max(1)], at: 0, feedback }
    }

    /// One sample through it: what returns.
    pub(super) fn pass(&mut self, input: f32) -> f32 {
        let back = self.line[self.at];
        self.line[self.at] = input + back * self.feedback;
        self.at = (self.at + 1) % self.line.len();
        back
    }
}

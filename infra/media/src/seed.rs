//! Where all variety comes from: SHA-256 over prompt and seed.

use sha2::{Digest, Sha256};

/// The root of everything random about one piece of media.
///
/// The same prompt and number always give the same root, on every machine and in every process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Root([u8; 32]);

impl Root {
    /// Derives the root from a prompt and the caller's seed.
    pub(crate) fn new(prompt: &str, seed: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"mintmark-media/1");
        hash.update((prompt.len() as u64).to_be_bytes());
        hash.update(prompt.as_bytes());
        hash.update(seed.to_be_bytes());
        Self(hash.finalize().into())
    }

    /// An independent stream of numbers for one purpose, so that a change in how many numbers one
    /// layer draws does not change all the others.
    pub(crate) fn stream(&self, purpose: &str) -> Rng {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(purpose.as_bytes());
        let bytes: [u8; 32] = hash.finalize().into();
        let mut state = [0u64; 4];
        for (word, chunk) in state.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = chunk.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte));
        }
        // The generator's one forbidden state.
        state[0] |= 1;
        Rng { state }
    }
}

/// Pseudo-random numbers (xoshiro256++). Own code, because the output of general generators may
/// change between releases and the media of a seed must not.
#[derive(Debug, Clone)]
pub(crate) struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        out
    }

    /// A number in 0..1.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// A number in `low`..`high`.
    pub(crate) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// A whole number in 0..`count`; 0 where `count` is 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        if count == 0 {
            return 0;
        }
        ((u128::from(self.bits()) * count as u128) >> 64) as usize
    }

    /// A whole number in `low`..=`high`.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `share` of the cases.
    pub(crate) fn chance(&mut self, share: f32) -> bool {
        self.unit() < share
    }

    /// One of several; `items` must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::Root;

    #[test]
    fn streams_differ_by_prompt_seed_and_purpose_but_not_by_run() {
        let first = Root::new("a", 1).stream("x").bits();
        assert_eq!(first, Root::new("a", 1).stream("x").bits());
        assert_ne!(first, Root::new("b", 1).stream("x").bits());
        assert_ne!(first, Root::new("a", 2).stream("x").bits());
        assert_ne!(first, Root::new("a", 1).stream("y").bits());
    }

    #[test]
    fn whole_numbers_stay_in_their_range_and_reach_both_ends() {
        let mut rng = Root::new("range", 0).stream("test");
        let drawn: Vec<usize> = (0..500).map(|_| rng.between(3, 6)).collect();
        assert!(drawn.iter().all(|n| (3..=6).contains(n)));
        assert!((3..=6).all(|n| drawn.contains(&n)));
        assert_eq!(rng.below(0), 0);
    }
}

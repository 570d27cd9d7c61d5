//! Draws that repeat with their seed, and skewed ones among them.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// A sequence of draws.
pub(crate) struct Chance(StdRng);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Chance(StdRng::seed_from_u64(seed))
    }

    /// A number below `limit`, each as likely as any other.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0.random_range(0..limit.max(1))
    }

    /// True that often of a thousand times.
    pub fn in_thousand(&mut self, times: u32) -> bool {
        self.0.random_ratio(times, 1_000)
    }

    fn unit(&mut self) -> f64 {
        self.0.random()
    }
}

/// Zipf's law: what stands at place n is drawn as often as the first divided by n to the power of `exponent`.
pub(crate) struct Skew {
    /// The sum of the weights up to each place.
    sums: Vec<f64>,
}

impl Skew {
    pub fn new(places: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let weigh = |place: usize| {
            sum += (place as f64).powf(-exponent);
            sum
        };
        Skew { sums: (1..=places.max(1)).map(weigh).collect() }
    }

    /// A place, from 0.
    pub fn draw(&self, chance: &mut Chance) -> usize {
        let whole = self.sums.last().copied().unwrap_or_default();
        let at = chance.unit() * whole;
        self.sums.partition_point(|sum| *sum < at).min(self.sums.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_drawn_twice_as_often_as_the_second_and_a_hundred_times_as_often_as_the_hundredth() {
        let (skew, mut chance) = (Skew::new(1_000, 1.0), Chance::new(7));
        let mut drawn = vec![0_u32; 1_000];
        (0..200_000).for_each(|_| drawn[skew.draw(&mut chance)] += 1);
        let times = |place: usize| f64::from(drawn[0]) / f64::from(drawn[place].max(1));
        assert!((1.8..2.2).contains(&times(1)), "{}", times(1));
        assert!((70.0..140.0).contains(&times(99)), "{}", times(99));
    }

    #[test]
    fn draws_repeat_with_their_seed() {
        let draws = |seed| {
            let mut chance = Chance::new(seed);
            (0..20).map(|_| chance.below(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
    }
}

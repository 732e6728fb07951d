//! A linear congruential generator modulo 2^63, which can skip any number of steps.

const MULTIPLIER: u64 = 2_806_196_910_506_780_709;
const INCREMENT: u64 = 1;
const MODULUS: u64 = 1 << 63;

/// A place in the sequence of random numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, at least 0 and below 1.
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = step(self.0, MULTIPLIER, INCREMENT);
        self.0 as f64 / MODULUS as f64
    }

    /// The place `steps` numbers later. A step is a linear map, so squaring it takes two steps at once.
    pub(crate) fn skip(self, steps: u64) -> Self {
        let (mut multiplier, mut increment) = (MULTIPLIER, INCREMENT);
        let mut place = self.0;
        let mut left = steps;
        while left > 0 {
            if left & 1 == 1 {
                place = step(place, multiplier, increment);
            }
            increment = step(increment, multiplier, increment);
            multiplier = step(multiplier, multiplier, 0);
            left >>= 1;
        }
        Self(place)
    }
}

fn step(place: u64, multiplier: u64, increment: u64) -> u64 {
    multiplier.wrapping_mul(place).wrapping_add(increment) % MODULUS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipping_is_the_same_as_drawing() {
        for steps in [0, 1, 2, 3, 7, 100] {
            let mut drawn = Random::new(42);
            for _ in 0..steps {
                drawn.next();
            }
            let skipped = Random::new(42).skip(steps).next();
            assert_eq!(skipped.to_bits(), drawn.next().to_bits(), "{steps}");
        }
    }
}

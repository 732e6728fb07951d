//! The noise of a detector: white noise, and a drift whose power falls with the frequency, "1/f noise".

use std::f64::consts::TAU;

/// Frequency in Hz at which the drift has the power of the white noise.
const KNEE: f64 = 0.1;
/// The relaxation times of the processes that together make the drift, in seconds: each so many times the one before.
const FIRST: f64 = 1.0;
const RATIO: f64 = 4.0;
const PROCESSES: usize = 7;

/// A generator of noise. The same for the same seed, whichever rank uses it.
pub(crate) struct Noise {
    random: u64,
    /// Of white noise, per sample.
    deviation: f64,
    processes: [Process; PROCESSES],
}

/// Noise that forgets what it was, in a certain time.
#[derive(Clone, Copy, Default)]
struct Process {
    value: f64,
    /// What is left of the value after a sample.
    kept: f64,
    /// Standard deviation of what is added to it.
    added: f64,
}

impl Noise {
    /// `deviation` is that of white noise per sample, of which there are `rate` in a second.
    pub(crate) fn new(seed: u64, deviation: f64, rate: f64) -> Self {
        let mut noise = Noise {
            random: seed,
            deviation,
            processes: [Process::default(); PROCESSES],
        };
        // With the variance v for each process, the sum over all relaxation times has the power v / (ln(RATIO) f), and white noise
        // has 2 deviation^2 / rate.
        let variance = RATIO.ln() * KNEE * 2.0 * deviation * deviation / rate;
        let mut time = FIRST;
        for index in 0..PROCESSES {
            let kept = (-1.0 / (time * rate)).exp();
            noise.processes[index] = Process {
                value: variance.sqrt() * noise.normal(),
                kept,
                added: (variance * (1.0 - kept * kept)).sqrt(),
            };
            time *= RATIO;
        }
        noise
    }

    /// The noise of the next sample.
    pub(crate) fn next(&mut self) -> f64 {
        let mut drift = 0.0;
        for index in 0..PROCESSES {
            let normal = self.normal();
            let process = &mut self.processes[index];
            process.value = process.kept * process.value + process.added * normal;
            drift += process.value;
        }
        drift + self.deviation * self.normal()
    }

    /// A number of the normal distribution.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (TAU * self.uniform()).cos()
    }

    /// A number from 0 to below 1, by `SplitMix64`.
    fn uniform(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.random;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean square of the means of `len` samples.
    fn power_of_means(len: usize) -> f64 {
        let means = (0..400).map(|seed| {
            let mut noise = Noise::new(seed * 7919, 1.0, 32.0);
            (0..len).map(|_| noise.next()).sum::<f64>() / len as f64
        });
        means.map(|mean| mean * mean).sum::<f64>() / 400.0
    }

    #[test]
    fn short_means_have_white_noise_and_long_ones_drift() {
        // Of white noise alone, the product would be 1.
        let (short, long) = (power_of_means(8) * 8.0, power_of_means(2000) * 2000.0);
        assert!((0.8..1.4).contains(&short), "{short}");
        assert!(long > 10.0, "{long}");
    }
}

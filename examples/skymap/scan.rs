//! Where the detectors look, and what is there.
//!
//! The scan is that of the satellite Planck, with fewer and longer steps: it turns once a minute, the telescope looks 85 degrees away
//! from the axis, and the axis moves along the ecliptic, and a few degrees up and down. Detectors and their white noise are those at
//! 30 GHz of its low-frequency instrument: 32.5 samples per second, and the sensitivities in A. Mennella et al., "Planck pre-launch
//! status: Low Frequency Instrument calibration and expected scientific performance", A&A 520, A5 (2010), table 5.

use crate::noise::Noise;
use std::f64::consts::{PI, TAU};

/// White noise of the detectors, in microkelvin for one second.
pub(crate) const DETECTORS: [f64; 4] = [241.0, 288.0, 315.0, 251.0];
/// Samples per second, per turn of a minute, and of the turns of a period.
const RATE: f64 = 32.5;
const TURN: usize = 1950;
const SAMPLES: usize = 3 * TURN;
/// Samples for each offset: twenty seconds.
const BASELINE: usize = 650;
/// Offsets of a timeline.
pub(crate) const BASELINES: usize = SAMPLES / BASELINE;

/// Rows and columns of the map. Rows are equal steps of the sine of the latitude, so all pixels have the same area.
pub(crate) const ROWS: usize = 48;
pub(crate) const COLUMNS: usize = 96;
pub(crate) const PIXELS: usize = ROWS * COLUMNS;

/// What one detector has measured in one pointing period.
pub(crate) struct Timeline {
    /// Where it looked, for each sample.
    pub(crate) pixels: Vec<u32>,
    /// What it measured, in microkelvin.
    pub(crate) samples: Vec<f64>,
    /// One over the variance of its white noise.
    pub(crate) weight: f64,
}

impl Timeline {
    /// Three turns in one of so many periods.
    pub(crate) fn new(detector: usize, period: usize, periods: usize) -> Self {
        let deviation = DETECTORS[detector] * RATE.sqrt();
        let seed = (period * DETECTORS.len() + detector) as u64;
        let mut noise = Noise::new(seed << 32, deviation, RATE);
        let pixels: Vec<u32> = (0..SAMPLES)
            .map(|sample| pointing(detector, period as f64 / periods as f64, sample))
            .collect();
        let samples = pixels
            .iter()
            .map(|&pixel| signal(pixel as usize) + noise.next())
            .collect();
        Timeline {
            pixels,
            samples,
            weight: 1.0 / (deviation * deviation),
        }
    }
}

/// The place of a sample's offset among those of all timelines in a list.
pub(crate) fn baseline(timeline: usize, sample: usize) -> usize {
    timeline * BASELINES + sample / BASELINE
}

/// The pixel where a detector looks, `year` of a year after the start.
fn pointing(detector: usize, year: f64, sample: usize) -> u32 {
    // Half a degree between two detectors.
    let opening = (85.0 + 0.5 * (detector as f64 - 1.5)).to_radians();
    let spin = TAU * (sample as f64 + 0.25 * detector as f64) / TURN as f64;
    // The axis is at longitude 0 in this frame, and turned then.
    let (x, y, z) = (
        opening.cos(),
        opening.sin() * spin.cos(),
        opening.sin() * spin.sin(),
    );
    let tilt = 7.5_f64.to_radians() * (2.0 * TAU * year).sin();
    let (x, z) = (
        x * tilt.cos() - z * tilt.sin(),
        x * tilt.sin() + z * tilt.cos(),
    );
    let longitude = y.atan2(x) + TAU * year;
    let row = ((1.0 - z) / 2.0 * ROWS as f64) as usize;
    let column = (longitude.rem_euclid(TAU) / TAU * COLUMNS as f64) as usize;
    (row.min(ROWS - 1) * COLUMNS + column.min(COLUMNS - 1)) as u32
}

/// What is in a pixel, in microkelvin: the dipole of the cosmic microwave background, and a band that stands for the galaxy.
pub(crate) fn signal(pixel: usize) -> f64 {
    let z = 1.0 - 2.0 * ((pixel / COLUMNS) as f64 + 0.5) / ROWS as f64;
    let longitude = TAU * ((pixel % COLUMNS) as f64 + 0.5) / COLUMNS as f64;
    let dipole = 3360.0 * (1.0 - z * z).sqrt() * (longitude - 0.95 * PI).cos();
    let from_plane = z - 0.8 * longitude.cos() * (1.0 - z * z).sqrt();
    dipole + 4000.0 * (-(from_plane / 0.08).powi(2)).exp()
}

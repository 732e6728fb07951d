//! Random points on the sphere, the same for any number of ranks.
//!
//! The points come in blocks of [`BLOCK`]. A block depends on the seed and on its number only, so any rank can draw any
//! block.

/// Points per block: enough to make starting a block cheap, few enough to deal them out evenly.
pub(crate) const BLOCK: u64 = 4096;

/// A point on the unit sphere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    lon: f64,
    sin_lat: f64,
}

impl Point {
    /// Longitude in degrees, in [-180, 180).
    pub(crate) fn lon(self) -> f64 {
        self.lon
    }

    /// Latitude in degrees.
    pub(crate) fn lat(self) -> f64 {
        self.sin_lat.asin().to_degrees()
    }

    /// Sine of the latitude.
    pub(crate) fn sin_lat(self) -> f64 {
        self.sin_lat
    }

    /// The point at this longitude and latitude, in degrees.
    #[cfg(test)]
    pub(crate) fn at(lon: f64, lat: f64) -> Self {
        Self {
            lon,
            sin_lat: lat.to_radians().sin(),
        }
    }
}

/// The points of one block, spread evenly over the sphere. Endless; a block is the first [`BLOCK`] of them.
#[derive(Clone, Debug)]
pub(crate) struct Points {
    state: u64,
}

impl Points {
    /// The points of block number `block`.
    pub(crate) fn new(seed: u64, block: u64) -> Self {
        Self {
            state: mix(mix(seed).wrapping_add(block)),
        }
    }

    /// A number in [0, 1), by `SplitMix64`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mix(self.state) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl Iterator for Points {
    type Item = Point;

    fn next(&mut self) -> Option<Point> {
        // Slices of equal height hold equal areas of the sphere (Archimedes), so the sine of the latitude is uniform.
        Some(Point {
            lon: 360. * self.uniform() - 180.,
            sin_lat: 2. * self.uniform() - 1.,
        })
    }
}

/// Scrambles 64 bits; one to one. (The output function of `SplitMix64`.)
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_seeds_differ_and_repeat() {
        let first = |seed, block| Points::new(seed, block).next().unwrap();
        assert_eq!(first(1, 0), first(1, 0));
        assert_ne!(first(1, 0), first(1, 1));
        assert_ne!(first(1, 0), first(2, 0));
        assert_ne!(first(1, 1), first(2, 0));
    }

    #[test]
    fn points_are_spread_evenly() {
        // Eight octants of the sphere, one eighth of the points each.
        let mut octants = [0_i32; 8];
        for block in 0..20 {
            for point in Points::new(1, block).take(4000) {
                assert!((-180. ..180.).contains(&point.lon()));
                assert!((-90. ..=90.).contains(&point.lat()));
                let quarter = [-90., 0., 90.]
                    .iter()
                    .filter(|&&q| point.lon() >= q)
                    .count();
                octants[quarter + 4 * usize::from(point.lat() > 0.)] += 1;
            }
        }
        // Five standard deviations.
        assert!(
            octants.iter().all(|n| (n - 10_000).abs() < 470),
            "{octants:?}"
        );
    }
}

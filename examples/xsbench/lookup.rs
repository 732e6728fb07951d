//! Look-ups of macroscopic cross sections: the sum over the nuclides of a material, each interpolated between two energies.

use crate::materials::{Materials, SEED};
use crate::options::{Grid, LOOKUPS_OF_PARTICLE};
use crate::random::Random;
use crate::tables::{BINS, Point, Slices, TablesView};

/// Reads the tables of this rank's node.
pub(crate) struct Lookup<'a> {
    tables: Slices<'a>,
    materials: &'a Materials,
    grid: Grid,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(view: &TablesView<'a>, materials: &'a Materials, grid: Grid) -> Self {
        Lookup {
            tables: Slices::new(view),
            materials,
            grid,
        }
    }

    /// The contribution of an independent look-up to the checksum.
    pub(crate) fn event(&self, index: u64) -> u64 {
        // Energy and material are two random numbers.
        let mut random = Random::new(SEED).skip(2 * index);
        let energy = random.next();
        largest(&self.cross_sections(energy, Materials::pick(&mut random)))
    }

    /// The contribution of all look-ups of a particle.
    pub(crate) fn history(&self, particle: u64) -> u64 {
        // Two random numbers for each look-up, and up to five more steps after each number.
        let mut random = Random::new(SEED).skip(particle * LOOKUPS_OF_PARTICLE * 2 * 5);
        let mut energy = random.next();
        let mut material = Materials::pick(&mut random);
        let mut sum = 0;
        for _ in 0..LOOKUPS_OF_PARTICLE {
            let cross_sections = self.cross_sections(energy, material);
            sum += largest(&cross_sections);
            // What was found decides about what comes next.
            let steps = cross_sections.iter().filter(|&&value| value > 1.0).count();
            random = random.skip(steps as u64);
            energy = random.next();
            material = Materials::pick(&mut random);
        }
        sum
    }

    fn cross_sections(&self, energy: f64, material: usize) -> [f64; 5] {
        let row = match self.grid {
            Grid::Unionized => last_not_above(self.tables.energies, |&value| value, energy),
            Grid::Hash => (energy / (1.0 / BINS as f64)) as usize,
            Grid::Nuclide => 0,
        };
        let mut sums = [0.0; 5];
        for &(nuclide, concentration) in self.materials.nuclides(material) {
            let points = self.tables.of_nuclide(nuclide);
            let place = self.place(points, nuclide, row, energy);
            let [low, high] = [&points[place], &points[place + 1]];
            let weight = (high.energy - energy) / (high.energy - low.energy);
            let pairs = low.cross_sections.iter().zip(&high.cross_sections);
            for (sum, (low, high)) in sums.iter_mut().zip(pairs) {
                *sum += (high - weight * (high - low)) * concentration;
            }
        }
        sums
    }

    /// The point of a nuclide below an energy; never its last one.
    fn place(&self, points: &[Point], nuclide: usize, row: usize, energy: f64) -> usize {
        match self.grid {
            Grid::Unionized => self.tables.entries(row)[nuclide] as usize,
            Grid::Nuclide => last_not_above(points, |point| point.energy, energy),
            Grid::Hash => {
                let first = self.tables.entries(row)[nuclide] as usize;
                let last = match row + 1 {
                    BINS => points.len() - 1,
                    next => self.tables.entries(next)[nuclide] as usize + 1,
                };
                if energy <= points[first].energy {
                    0
                } else if energy >= points[last].energy {
                    points.len() - 2
                } else {
                    first + last_not_above(&points[first..=last], |point| point.energy, energy)
                }
            }
        }
    }
}

/// By bisection between the first value and the last: the place of the last one that is not above `energy`, but never the last of
/// all.
fn last_not_above<T>(values: &[T], energy_of: impl Fn(&T) -> f64, energy: f64) -> usize {
    let (mut low, mut high) = (0, values.len() - 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if energy_of(&values[middle]) > energy {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}

/// The number of the largest value, from 1.
fn largest(values: &[f64; 5]) -> u64 {
    let mut best = 0;
    for index in 1..5 {
        if values[index] > values[best] {
            best = index;
        }
    }
    best as u64 + 1
}

//! What the Hoogenboom-Martin reactor consists of: twelve materials, the nuclides in each, and how likely a neutron is in it.

use crate::options::Size;
use crate::random::Random;

/// The seed of everything that is not in the tables.
pub(crate) const SEED: u64 = 1070;

/// Nuclides of the fuel of the small reactor. The large one has fission products beside them, all that follow those of the small one.
const FUEL: [usize; 34] = [
    58, 59, 60, 61, 40, 42, 43, 44, 45, 46, 1, 2, 3, 7, 8, 9, 10, 29, 57, 47, 48, 0, 62, 15, 33,
    34, 52, 53, 54, 55, 56, 18, 23, 41,
];
const CLADDING: [usize; 5] = [63, 64, 65, 66, 67];
const WATER: [usize; 4] = [24, 41, 4, 5];
const VESSEL: [usize; 27] = [
    19, 20, 21, 22, 35, 36, 37, 38, 39, 25, 27, 28, 29, 30, 31, 32, 26, 49, 50, 51, 11, 12, 13, 14,
    6, 16, 17,
];
/// Steel, beside water in the reflectors, plates and nozzles.
const STEEL: [usize; 17] = [
    19, 20, 21, 22, 35, 36, 37, 38, 39, 25, 49, 50, 51, 11, 12, 13, 14,
];

/// The part of the volume of the reactor that each material takes.
const VOLUMES: [f64; 12] = [
    0.140, 0.052, 0.275, 0.134, 0.154, 0.064, 0.066, 0.055, 0.008, 0.015, 0.025, 0.013,
];

/// The materials: the nuclides of each, with their concentrations.
#[derive(Debug)]
pub(crate) struct Materials(Vec<Vec<(usize, f64)>>);

impl Materials {
    pub(crate) fn new(size: Size) -> Self {
        let fuel: Vec<usize> = FUEL.into_iter().chain(68..size.nuclides()).collect();
        // The large reactor's fuel has 321 nuclides of the 355.
        let fuel = fuel[..fuel.len().min(321)].to_vec();
        let with_water = |others: &[usize]| [&WATER, others].concat();
        let mut nuclides = vec![fuel, CLADDING.to_vec(), WATER.to_vec(), WATER.to_vec()];
        nuclides.push(VESSEL.to_vec());
        nuclides.extend(std::iter::repeat_n(with_water(&STEEL), 5));
        nuclides.extend(std::iter::repeat_n(with_water(&CLADDING), 2));
        let mut random = Random::new(SEED * SEED);
        let with_concentration = |nuclide| (nuclide, random.next());
        let mut with_concentrations = with_concentration;
        let materials = nuclides
            .into_iter()
            .map(|nuclides| nuclides.into_iter().map(&mut with_concentrations).collect());
        Self(materials.collect())
    }

    /// The nuclides of a material.
    pub(crate) fn nuclides(&self, material: usize) -> &[(usize, f64)] {
        &self.0[material]
    }

    /// A material at random. The first one is what remains of the others.
    pub(crate) fn pick(random: &mut Random) -> usize {
        let roll = random.next();
        // Each bound is summed from its own end, as the original does: the last digits matter.
        let bound = |material: usize| {
            (1..=material)
                .rev()
                .fold(0.0, |sum, index| sum + VOLUMES[index])
        };
        (0..VOLUMES.len())
            .find(|&material| roll < bound(material))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn materials_have_as_many_nuclides_as_the_reactor() {
        let counts = |size| {
            let materials = Materials::new(size);
            (0..12)
                .map(|material| materials.nuclides(material).len())
                .collect::<Vec<_>>()
        };
        let others = [5, 4, 4, 27, 21, 21, 21, 21, 21, 9, 9];
        assert_eq!(counts(Size::Small), [&[34], &others[..]].concat());
        assert_eq!(counts(Size::Large), [&[321], &others[..]].concat());
    }
}

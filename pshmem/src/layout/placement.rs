//! Offsets and extents of the blocks of many ranks: checks that they fit into one array and do not overlap. Pure arithmetic.

use serde::{Deserialize, Serialize};

/// Offset and extents of one block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placement {
    pub(crate) offset: Vec<usize>,
    /// Extents of the block.
    pub(crate) block: Vec<usize>,
}

/// What is wrong with the blocks. The numbers are those of their ranks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PlacementError {
    Outside(usize),
    Overlap(usize, usize),
}

impl Placement {
    fn is_inside(&self, shape: &[usize]) -> bool {
        let fits = |axis: usize| {
            let end = self.offset[axis].checked_add(self.block[axis]);
            end.is_some_and(|end| end <= shape[axis])
        };
        (0..shape.len()).all(fits)
    }

    /// The first common element of two blocks that overlap.
    pub(crate) fn first_common(&self, other: &Placement) -> Vec<usize> {
        let pairs = self.offset.iter().zip(&other.offset);
        pairs.map(|(&a, &b)| a.max(b)).collect()
    }

    /// Whether the blocks have a common element. Both are inside the array and not empty.
    fn overlaps(&self, other: &Placement) -> bool {
        let apart = |axis: usize| {
            self.offset[axis] + self.block[axis] <= other.offset[axis]
                || other.offset[axis] + other.block[axis] <= self.offset[axis]
        };
        !(0..self.offset.len()).any(apart)
    }
}

/// Checks that all blocks are inside the array, and that no two have a common element.
///
/// The result depends on nothing else, so ranks that know the same blocks get the same error.
pub(crate) fn check(shape: &[usize], placements: &[Placement]) -> Result<(), PlacementError> {
    if let Some(rank) = placements
        .iter()
        .position(|placement| !placement.is_inside(shape))
    {
        return Err(PlacementError::Outside(rank));
    }
    let mut order: Vec<usize> = (0..placements.len())
        .filter(|&rank| !placements[rank].block.contains(&0))
        .collect();
    // A sweep along this axis has the fewest blocks open at a time.
    let Some(axis) = (0..shape.len()).max_by_key(|&axis| starts(placements, axis)) else {
        return Ok(());
    };
    order.sort_by_key(|&rank| (placements[rank].offset[axis], rank));
    let mut open: Vec<usize> = Vec::new();
    for rank in order {
        let placement = &placements[rank];
        open.retain(|&other| {
            placements[other].offset[axis] + placements[other].block[axis] > placement.offset[axis]
        });
        if let Some(&other) = open
            .iter()
            .find(|&&other| placements[other].overlaps(placement))
        {
            return Err(PlacementError::Overlap(rank.min(other), rank.max(other)));
        }
        open.push(rank);
    }
    Ok(())
}

/// Number of different offsets along an axis.
fn starts(placements: &[Placement], axis: usize) -> usize {
    let mut starts: Vec<usize> = placements
        .iter()
        .map(|placement| placement.offset[axis])
        .collect();
    starts.sort_unstable();
    starts.dedup();
    starts.len()
}

/// The most bytes of an encoded placement: two lists of up to six numbers.
pub(crate) const PLACEMENT_BYTES: usize = 2 * (1 + 6 * 10);

/// Sets the offsets so that blocks follow each other along the first axis. `Err` has the first rank whose offset would overflow.
pub(crate) fn stack(placements: &mut [Placement]) -> Result<(), usize> {
    let mut end: usize = 0;
    for (rank, placement) in placements.iter_mut().enumerate() {
        placement.offset = vec![0; placement.block.len()];
        placement.offset[0] = end;
        end = end.checked_add(placement.block[0]).ok_or(rank)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placement(offset: &[usize], block: &[usize]) -> Placement {
        Placement {
            offset: offset.to_vec(),
            block: block.to_vec(),
        }
    }

    /// Finds the same by marking every element.
    fn model(shape: [usize; 2], placements: &[Placement]) -> bool {
        let mut owner = vec![None; shape[0] * shape[1]];
        placements.iter().enumerate().all(|(rank, placement)| {
            (0..placement.block[0]).all(|i| {
                (0..placement.block[1]).all(|j| {
                    let at = (placement.offset[0] + i) * shape[1] + placement.offset[1] + j;
                    owner[at].replace(rank).is_none()
                })
            })
        })
    }

    #[test]
    fn overlap_is_what_marking_elements_finds() {
        let shape = [6, 5];
        let mut seed: u64 = 1;
        let mut random_below = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize % below
        };
        let mut found = [0, 0];
        for _ in 0..2000 {
            let placements: Vec<Placement> = (0..=random_below(5))
                .map(|_| {
                    let offset = [random_below(6), random_below(5)];
                    let block = [
                        random_below(7 - offset[0]).min(3),
                        random_below(6 - offset[1]).min(3),
                    ];
                    placement(&offset, &block)
                })
                .collect();
            let apart = check(&shape, &placements).is_ok();
            assert_eq!(apart, model(shape, &placements), "{placements:?}");
            found[usize::from(apart)] += 1;
        }
        assert!(found[0] > 100 && found[1] > 100, "{found:?}");
    }

    #[test]
    fn errors_name_ranks() {
        let blocks = [
            placement(&[0], &[2]),
            placement(&[2], &[2]),
            placement(&[3], &[1]),
        ];
        assert_eq!(check(&[8], &blocks), Err(PlacementError::Overlap(1, 2)));
        assert_eq!(check(&[3], &blocks), Err(PlacementError::Outside(1)));
        assert_eq!(
            check(&[3], &[placement(&[usize::MAX], &[2])]),
            Err(PlacementError::Outside(0)),
            "no wrapping"
        );
        assert_eq!(
            check(&[3], &[placement(&[3], &[0]), placement(&[0], &[3])]),
            Ok(())
        );
        assert_eq!(check(&[3], &[]), Ok(()));
    }

    #[test]
    fn blocks_are_stacked_in_order() {
        let mut placements = [
            placement(&[], &[2, 3]),
            placement(&[], &[0, 3]),
            placement(&[], &[4, 3]),
        ];
        assert_eq!(stack(&mut placements), Ok(()));
        let starts: Vec<usize> = placements
            .iter()
            .map(|placement| placement.offset[0])
            .collect();
        assert_eq!(starts, [0, 2, 2]);
        assert_eq!(
            stack(&mut [placement(&[], &[usize::MAX]), placement(&[], &[1])]),
            Err(1)
        );
    }
}

//! Where the blocks of many ranks go in one array: whether they are inside, and apart. Pure arithmetic.

use serde::{Deserialize, Serialize};

/// Where one block goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placement {
    pub(crate) offset: Vec<usize>,
    /// Extents of the block.
    pub(crate) block: Vec<usize>,
}

/// What is wrong with the blocks, by the numbers of their ranks.
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

    /// The first element that both have, if they have any.
    pub(crate) fn first_common(&self, other: &Placement) -> Vec<usize> {
        let pairs = self.offset.iter().zip(&other.offset);
        pairs.map(|(&a, &b)| a.max(b)).collect()
    }

    /// Whether both have an element in common. Both are inside the array and not empty.
    fn overlaps(&self, other: &Placement) -> bool {
        let apart = |axis: usize| {
            self.offset[axis] + self.block[axis] <= other.offset[axis]
                || other.offset[axis] + other.block[axis] <= self.offset[axis]
        };
        !(0..self.offset.len()).any(apart)
    }
}

/// Whether all blocks are inside the array, and no two have an element in common. The answer depends on nothing else, so
/// ranks that know the same blocks find the same trouble.
pub(crate) fn check(shape: &[usize], spots: &[Placement]) -> Result<(), PlacementError> {
    if let Some(rank) = spots.iter().position(|spot| !spot.is_inside(shape)) {
        return Err(PlacementError::Outside(rank));
    }
    let mut order: Vec<usize> = (0..spots.len())
        .filter(|&rank| !spots[rank].block.contains(&0))
        .collect();
    // Along this axis a sweep meets the fewest blocks at a time.
    let Some(axis) = (0..shape.len()).max_by_key(|&axis| starts(spots, axis)) else {
        return Ok(());
    };
    order.sort_by_key(|&rank| (spots[rank].offset[axis], rank));
    let mut open: Vec<usize> = Vec::new();
    for rank in order {
        let spot = &spots[rank];
        open.retain(|&other| {
            spots[other].offset[axis] + spots[other].block[axis] > spot.offset[axis]
        });
        if let Some(&other) = open.iter().find(|&&other| spots[other].overlaps(spot)) {
            return Err(PlacementError::Overlap(rank.min(other), rank.max(other)));
        }
        open.push(rank);
    }
    Ok(())
}

/// Number of places along an axis where a block starts.
fn starts(spots: &[Placement], axis: usize) -> usize {
    let mut starts: Vec<usize> = spots.iter().map(|spot| spot.offset[axis]).collect();
    starts.sort_unstable();
    starts.dedup();
    starts.len()
}

/// Bytes of a spot when it travels: two lists of up to six numbers.
pub(crate) const PLACEMENT_BYTES: usize = 2 * (1 + 6 * 10);

/// Places blocks one after the other along the first axis. `Err` has the first that goes past the end of the address space.
pub(crate) fn stack(spots: &mut [Placement]) -> Result<(), usize> {
    let mut end: usize = 0;
    for (rank, spot) in spots.iter_mut().enumerate() {
        spot.offset = vec![0; spot.block.len()];
        spot.offset[0] = end;
        end = end.checked_add(spot.block[0]).ok_or(rank)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(offset: &[usize], block: &[usize]) -> Placement {
        Placement {
            offset: offset.to_vec(),
            block: block.to_vec(),
        }
    }

    /// The same by marking every element.
    fn model(shape: [usize; 2], spots: &[Placement]) -> bool {
        let mut owner = vec![None; shape[0] * shape[1]];
        spots.iter().enumerate().all(|(rank, spot)| {
            (0..spot.block[0]).all(|i| {
                (0..spot.block[1]).all(|j| {
                    let at = (spot.offset[0] + i) * shape[1] + spot.offset[1] + j;
                    owner[at].replace(rank).is_none()
                })
            })
        })
    }

    #[test]
    fn overlap_is_what_marking_elements_finds() {
        let shape = [6, 5];
        let mut seed: u64 = 1;
        let mut dice = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize % below
        };
        let mut found = [0, 0];
        for _ in 0..2000 {
            let spots: Vec<Placement> = (0..=dice(5))
                .map(|_| {
                    let offset = [dice(6), dice(5)];
                    let block = [dice(7 - offset[0]).min(3), dice(6 - offset[1]).min(3)];
                    spot(&offset, &block)
                })
                .collect();
            let apart = check(&shape, &spots).is_ok();
            assert_eq!(apart, model(shape, &spots), "{spots:?}");
            found[usize::from(apart)] += 1;
        }
        assert!(found[0] > 100 && found[1] > 100, "{found:?}");
    }

    #[test]
    fn trouble_names_ranks() {
        let blocks = [spot(&[0], &[2]), spot(&[2], &[2]), spot(&[3], &[1])];
        assert_eq!(check(&[8], &blocks), Err(PlacementError::Overlap(1, 2)));
        assert_eq!(check(&[3], &blocks), Err(PlacementError::Outside(1)));
        assert_eq!(
            check(&[3], &[spot(&[usize::MAX], &[2])]),
            Err(PlacementError::Outside(0)),
            "no wrapping"
        );
        assert_eq!(check(&[3], &[spot(&[3], &[0]), spot(&[0], &[3])]), Ok(()));
        assert_eq!(check(&[3], &[]), Ok(()));
    }

    #[test]
    fn blocks_are_stacked_in_order() {
        let mut spots = [spot(&[], &[2, 3]), spot(&[], &[0, 3]), spot(&[], &[4, 3])];
        assert_eq!(stack(&mut spots), Ok(()));
        let starts: Vec<usize> = spots.iter().map(|spot| spot.offset[0]).collect();
        assert_eq!(starts, [0, 2, 2]);
        assert_eq!(
            stack(&mut [spot(&[], &[usize::MAX]), spot(&[], &[1])]),
            Err(1)
        );
    }
}

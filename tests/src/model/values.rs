//! Values that the ranks of a `Comm` pass each other, compared with what each rank computes for itself.

use pshmem::{Comm, Op, Result};

use super::ops::OpKind;
use super::rng::Rng;
use crate::values::{bytes, number};

/// Bytes of a rank's value: mostly few, sometimes as many as a round takes, or more.
fn len(rng: &mut Rng) -> usize {
    match rng.below(16) {
        0 => rng.below(300_000),
        1 | 2 => 900 + rng.below(300),
        3 => rng.below(8000),
        _ => rng.below(40),
    }
}

/// Makes a call and compares what this rank gets.
pub(super) fn pass(comm: &Comm, kind: OpKind, root: usize, mut rng: Rng) -> Result<()> {
    let (rank, size) = (comm.rank(), comm.size());
    let seed = rng.below(1 << 20);
    let lens: Vec<usize> = (0..size).map(|_| len(&mut rng)).collect();
    let value = |of: usize| bytes(seed + of, lens[of]);
    let is_all = |found: &[Vec<u8>]| {
        found.len() == size
            && found
                .iter()
                .enumerate()
                .all(|(of, found)| *found == value(of))
    };
    match kind {
        OpKind::Broadcast => {
            let found = comm.broadcast(root, || value(root))?;
            assert!(found == value(root), "broadcast of {} B", lens[root]);
        }
        OpKind::AllGather => {
            let found = comm.all_gather(value(rank))?;
            assert!(is_all(&found), "all_gather of {lens:?} B");
        }
        OpKind::GatherValues => {
            let found = comm.gather(root, value(rank))?;
            assert_eq!(found.is_some(), rank == root);
            assert!(
                found.is_none_or(|found| is_all(&found)),
                "gather of {lens:?} B"
            );
        }
        _ => combine(comm, kind, seed, lens[0])?,
    }
    Ok(())
}

/// The operation depends on the order of ranks, so that any other order is found.
fn combine(comm: &Comm, kind: OpKind, seed: usize, len: usize) -> Result<()> {
    let (rank, size) = (comm.rank(), comm.size());
    let ordered = |a: u64, b: u64| a.wrapping_mul(31).wrapping_add(b);
    let of = |rank: usize, i: usize| number(seed + rank, i);
    let fold = |ranks: usize, i: usize| (0..ranks).map(|rank| of(rank, i)).reduce(ordered);
    match kind {
        OpKind::AllReduce => {
            let found = comm.all_reduce(Op::new(ordered), of(rank, 0))?;
            assert_eq!(Some(found), fold(size, 0));
        }
        OpKind::ExclusiveScan => {
            let found = comm.exclusive_scan(Op::new(ordered), of(rank, 0))?;
            assert_eq!(found, fold(rank, 0));
        }
        _ => {
            let mut values: Vec<u64> = (0..len).map(|i| of(rank, i)).collect();
            comm.all_reduce_into(Op::new(ordered), &mut values)?;
            let differs = (0..len).find(|&i| Some(values[i]) != fold(size, i));
            assert_eq!(differs, None, "all_reduce_into of {len} elements");
        }
    }
    Ok(())
}

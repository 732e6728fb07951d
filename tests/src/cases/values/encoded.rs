//! Values of any type and length that are encoded and decoded.

use std::collections::BTreeMap;
use std::fmt::Debug;

use pshmem::{Comm, Error, Shared};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::collective::check_usable;
use crate::report::{Outcome, does_not_apply};
use crate::values::{bytes, number};

/// Every rank gets the values of the first and the last rank, and those of all ranks; `of` makes the value of a rank.
fn pass<T>(comm: &Comm, of: impl Fn(usize) -> T) -> Outcome
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let (rank, size) = (comm.rank(), comm.size());
    let is_expected = |found: &[T]| {
        found.len() == size
            && found
                .iter()
                .enumerate()
                .all(|(of_rank, found)| *found == of(of_rank))
    };
    // No message with the values, which may be long.
    assert!(is_expected(&comm.all_gather(of(rank))?), "all_gather");
    for root in [0, size - 1] {
        let found = comm.broadcast(root, || {
            assert_eq!(rank, root, "the closure runs on the root only");
            of(root)
        })?;
        assert!(found == of(root), "broadcast of root {root}");
    }
    let root = size / 2;
    let found = comm.gather(root, of(rank))?;
    assert_eq!(found.is_some(), rank == root);
    assert!(found.is_none_or(|found| is_expected(&found)), "gather");
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Source {
    Nothing,
    File { path: String, line: u32 },
    Array(Vec<f64>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Settings {
    name: String,
    sources: Vec<Source>,
    limits: BTreeMap<String, (Option<f32>, [i16; 3])>,
    next: Option<Box<Settings>>,
}

fn settings(seed: usize) -> Settings {
    let file = Source::File {
        path: format!("/data/{seed}"),
        line: seed as u32,
    };
    let limit = |key: usize| (format!("key {key}"), (Some(0.5), [-1, 0, 300]));
    Settings {
        name: "x".repeat(seed),
        sources: vec![Source::Nothing, file, Source::Array(vec![0.1; seed])],
        limits: (0..seed).map(limit).collect(),
        next: (seed > 0).then(|| Box::new(settings(seed - 1))),
    }
}

/// Primitives, types of the standard library, and types with code of their own.
pub(crate) fn values_of_any_type(comm: &Comm) -> Outcome {
    pass(comm, |_| ())?;
    pass(comm, |rank| rank % 2 == 0)?;
    pass(comm, |rank| number(1, rank))?;
    pass(comm, |rank| -(rank as i128))?;
    pass(comm, |rank| f64::from(rank as u32) * 0.1)?;
    pass(comm, |rank| char::from(b'a' + rank as u8))?;
    pass(comm, |rank| "long ".repeat(rank))?;
    pass(comm, |rank| (rank % 2 == 1).then(|| vec![rank as u8; rank]))?;
    pass(comm, |rank| {
        ([rank; 4], vec![(rank, format!("{rank}")); rank])
    })?;
    pass(comm, |rank| {
        std::time::Duration::from_nanos(number(2, rank))
    })?;
    pass(comm, |rank| {
        (0..rank)
            .map(|key| (key, key * rank))
            .collect::<BTreeMap<_, _>>()
    })?;
    pass(comm, |rank| {
        if rank == 0 {
            Source::Nothing
        } else {
            Source::Array(vec![1.5; rank])
        }
    })?;
    pass(comm, settings)?;
    check_usable(comm)
}

/// The number of bytes on either side of everything that limits a round, and far beyond.
pub(crate) fn values_of_any_length(comm: &Comm) -> Outcome {
    let rounds = [0, 1, 7, 8, 9, 55, 56, 57, 63, 64, 65, 500, 900];
    let limits = (985..1030).step_by(4);
    let more = [4000, 8100, 8127, 8128, 8192, 65_536, 65_537];
    for len in rounds.into_iter().chain(limits).chain(more) {
        pass(comm, |rank| bytes(rank, len))?;
        // With code of its own, in another place of the round.
        if len < 5000 {
            pass(comm, |rank| {
                Source::Array(vec![f64::from(rank as u32); len / 8])
            })?;
        }
    }
    // Node memory that is kept, and memory that is not; only once, because tests without optimisation take long for the bytes.
    for len in [300_000, 5_000_000] {
        let root = len % comm.size();
        assert!(comm.broadcast(root, || bytes(1, len))? == bytes(1, len));
    }
    check_usable(comm)
}

/// Short values beside long ones, empty ones included, on any rank.
pub(crate) fn lengths_that_differ(comm: &Comm) -> Outcome {
    let size = comm.size();
    for long in [900, 1100, 100_000] {
        for outlier in [0, size / 2, size - 1] {
            pass(comm, |rank| {
                bytes(rank, if rank == outlier { long } else { rank })
            })?;
            pass(comm, |rank| {
                bytes(rank, if rank == outlier { rank } else { long })
            })?;
        }
        // As many together as fit into a round, or one byte more or less per rank.
        for each in [8120 / size, 8000 / size] {
            pass(comm, |rank| "x".repeat(each.saturating_sub(6) + rank % 9))?;
        }
    }
    check_usable(comm)
}

/// Calls of all lengths in turn, with objects between them: node memory that calls keep is used again, and is not that of an object.
pub(crate) fn nothing_is_lost_between_calls(comm: &Comm) -> Outcome {
    const LENS: [usize; 8] = [3000, 1, 100_000, 3000, 40, 300_000, 100, 70_000];
    let rank = comm.rank();
    let mut table = Shared::<[u64]>::from_root(comm, 0, || (0..50_000).collect())?;
    for (step, len) in LENS.into_iter().enumerate() {
        let values = |of: usize| bytes(of + step, len + of);
        let root = step % comm.size();
        let gathered = comm.all_gather(values(rank))?;
        table.update(root, |mut w| w[step] = len as u64)?;
        assert!(comm.broadcast(root, || values(root))? == values(root));
        assert!(
            gathered
                .into_iter()
                .enumerate()
                .all(|(of, found)| found == values(of))
        );
        let mut sums = vec![1_u64; len];
        comm.all_reduce_into(pshmem::Op::sum(), &mut sums)?;
        assert!(sums.iter().all(|&sum| sum == comm.size() as u64));
    }
    assert_eq!(table.view()[..8], LENS.map(|len| len as u64));
    assert!(table.view()[8..].iter().copied().eq(8..50_000));
    check_usable(comm)
}

/// `gather` to each root, of values that travel inside a round and of values that do not.
pub(crate) fn every_rank_is_root(comm: &Comm) -> Outcome {
    for len in [5, 3000] {
        for root in 0..comm.size() {
            let gathered = comm.gather(root, bytes(comm.rank(), len + comm.rank()))?;
            assert_eq!(gathered.is_some(), comm.rank() == root);
            for (rank, found) in gathered.into_iter().flatten().enumerate() {
                assert!(
                    found == bytes(rank, len + rank),
                    "rank {rank} to {root}, {len}"
                );
            }
        }
    }
    // More than is kept, so that only the root's node has memory for it.
    let (root, len) = (comm.size() - 1, 9_000_000 / comm.size());
    let gathered = comm.gather(root, bytes(comm.rank(), len))?;
    let is_expected = |(rank, found): (usize, Vec<u8>)| found == bytes(rank, len);
    assert!(gathered.into_iter().flatten().enumerate().all(is_expected));
    check_usable(comm)
}

/// What calls keep is part of what is mapped, and it is bounded.
pub(crate) fn memory_is_reported(comm: &Comm) -> Outcome {
    let mapped = || -> Result<usize, Error> {
        let memory = comm.memory()?;
        assert!(memory.objects.is_empty());
        Ok(memory
            .nodes
            .iter()
            .map(|node| node.mapped)
            .max()
            .unwrap_or(0))
    };
    let before = mapped()?;
    for len in [100_000, 400_000, 10_000_000 / comm.size()] {
        comm.all_gather(bytes(comm.rank(), len))?;
        let after = mapped()?;
        assert!(
            after <= before + (9 << 20),
            "{before} B before, {after} B after {len} B"
        );
        if comm.size() > 1 && len * comm.size() < 8 << 20 {
            assert!(after >= len * comm.size(), "{after} B for {len} B");
        }
    }
    check_usable(comm)
}

/// Values of 0 B to 100 MB on the ranks of one call.
pub(crate) fn a_hundred_megabytes(comm: &Comm) -> Outcome {
    const LONG: usize = 100_000_000;
    if comm.size() > 2 {
        return does_not_apply("worlds of up to two ranks show it");
    }
    let len = |rank: usize| LONG * rank / (comm.size() - 1).max(1);
    // Whole runs, because making each byte takes a minute without optimisation.
    let value = |rank: usize| {
        let mut value = vec![rank as u8; len(rank)];
        value[len(rank) / 3..].fill(7);
        value
    };
    let gathered = comm.all_gather(value(comm.rank()))?;
    let is_expected = |(rank, found): (usize, Vec<u8>)| found == value(rank);
    assert!(gathered.into_iter().enumerate().all(is_expected));
    let root = comm.size() - 1;
    let gathered = comm.gather(0, value(comm.rank()))?;
    assert!(gathered.into_iter().flatten().enumerate().all(is_expected));
    assert!(comm.broadcast(root, || value(root))? == value(root));
    let mut sums = vec![comm.rank() as u64; LONG / 8];
    comm.all_reduce_into(pshmem::Op::sum(), &mut sums)?;
    let sum: u64 = (0..comm.size() as u64).sum();
    assert!(sums.iter().all(|&found| found == sum));
    check_usable(comm)
}

//! Ranks that disagree where all must pass the same: the same `Err` on every rank, nothing changed, and the `Comm` as good
//! as before. Each rank in turn is the one that differs.

use ndarray::{Array1, Array2, Array3};
use pshmem::{Comm, Error, Shared};

use crate::check::{odd_ranks, one_to_eight, works};
use crate::report::Outcome;

/// Each rank in turn asks for other extents than the rest, of another size class, too.
pub fn dims_differ(comm: &Comm) -> Outcome {
    let list = one_to_eight(comm)?;
    for odd in odd_ranks(comm) {
        let mine = comm.rank() == odd;
        for other in [0, 99, 101, 300 << 10, 2 << 20] {
            let made = Shared::<[u8]>::new(comm, if mine { other } else { 100 });
            refused!(comm, list, Error::Mismatch { .. }, made);
            let made = Shared::<[u8]>::new(comm, if mine { other } else { 1 << 20 });
            refused!(comm, list, Error::Mismatch { .. }, made);
        }
        let made = Shared::<Array2<f64>>::new(comm, if mine { [3, 5] } else { [5, 3] });
        refused!(comm, list, Error::Mismatch { .. }, made);
        let made = Shared::<Array3<f64>>::new(comm, if mine { [0, 1, 2] } else { [1, 0, 2] });
        refused!(comm, list, Error::Mismatch { .. }, made);
    }
    works(comm)
}

/// Each rank in turn asks for another type than the rest, also one of the same size or one that looks the same.
pub fn types_differ(comm: &Comm) -> Outcome {
    let list = one_to_eight(comm)?;
    for odd in odd_ranks(comm) {
        let mine = comm.rank() == odd;
        macro_rules! differ {
            ($one:ty, $other:ty, $dims:expr, $other_dims:expr) => {
                let made = if mine {
                    Shared::<$other>::new(comm, $other_dims).map(drop)
                } else {
                    Shared::<$one>::new(comm, $dims).map(drop)
                };
                refused!(comm, list, Error::Mismatch { .. }, made);
            };
        }
        differ!([u8], [i8], 5, 5);
        differ!([u64], [f64], 5, 5);
        differ!([u8], Vec<u8>, 5, 5);
        differ!([u8], Array1<u8>, 5, [5]);
        differ!(u64, f64, (), ());
        differ!(u64, pshmem::Value<u64>, (), ());
        differ!([u32], [u64], 4, 2);
        differ!([u8], [u64], 100, 1 << 20);
        differ!(Array2<u8>, Array3<u8>, [2, 2], [2, 2, 1]);
    }
    works(comm)
}

/// The same in `from_root`, where only the root knows extents.
pub fn types_of_from_root_differ(comm: &Comm) -> Outcome {
    let list = one_to_eight(comm)?;
    for odd in odd_ranks(comm) {
        let mine = comm.rank() == odd;
        for root in 0..comm.size() {
            macro_rules! differ {
                ($one:ty, $other:ty, $value:expr, $other_value:expr) => {
                    let made = if mine {
                        Shared::<$other>::from_root(comm, root, || $other_value).map(drop)
                    } else {
                        Shared::<$one>::from_root(comm, root, || $value).map(drop)
                    };
                    refused!(comm, list, Error::Mismatch { .. }, made);
                };
            }
            differ!([u8], [i8], vec![1; 3], vec![1; 3]);
            differ!([u8], Vec<u64>, vec![1; 3], vec![1; 3]);
            differ!(u64, [u64; 2], 1, [1; 2]);
            // They do not even have the same number of extents.
            differ!([u8], Array2<u8>, vec![1; 4], Array2::zeros([2, 2]));
            differ!(Array2<u8>, u64, Array2::zeros([2, 2]), 1);
            differ!(
                Array3<u8>,
                Array1<u8>,
                Array3::zeros([2, 2, 2]),
                Array1::zeros([8])
            );
        }
    }
    works(comm)
}

/// `fill` with other values, short and long ones; a difference in the last byte counts.
pub fn fill_values_differ(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut floats = Shared::<[f64]>::from_root(comm, 0, || vec![1.0])?;
    let mut long = Shared::<[[u8; 4096]]>::new(comm, 2)?;
    for odd in odd_ranks(comm) {
        let mine = comm.rank() == odd;
        refused!(
            comm,
            list,
            Error::Mismatch { .. },
            list.fill(u64::from(mine))
        );
        // Bytes count, not values.
        refused!(
            comm,
            floats,
            Error::Mismatch { .. },
            floats.fill(if mine { -0.0 } else { 0.0 })
        );
        let mut value = [3; 4096];
        value[4095] += u8::from(mine);
        refused!(comm, long, Error::Mismatch { .. }, long.fill(value));
    }
    works(comm)
}

/// `with_ranks_per_node` with different numbers, and with none.
pub fn ranks_per_node_differ(comm: &Comm) -> Outcome {
    let list = one_to_eight(comm)?;
    for odd in odd_ranks(comm) {
        let n = if comm.rank() == odd { 1 } else { 2 };
        refused!(
            comm,
            list,
            Error::Mismatch { .. },
            comm.with_ranks_per_node(n)
        );
    }
    refused!(
        comm,
        list,
        Error::InvalidSetting { .. },
        comm.with_ranks_per_node(0)
    );
    works(comm)
}

/// Only one rank asks for too much: all get an error, the same.
pub fn one_rank_overflows(comm: &Comm) -> Outcome {
    let list = one_to_eight(comm)?;
    for odd in odd_ranks(comm) {
        let dims = if comm.rank() == odd {
            [usize::MAX, 3]
        } else {
            [2, 3]
        };
        let made = Shared::<Array2<u8>>::new(comm, dims);
        refused!(
            comm,
            list,
            Error::TooLarge { .. } | Error::Mismatch { .. },
            made
        );
    }
    works(comm)
}

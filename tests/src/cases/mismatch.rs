//! Arguments that differ between ranks where all must pass the same: the same error on every rank, data unchanged, and a
//! `Comm` that still works. Each rank in turn is the one that differs.

use ndarray::{Array1, Array2, Array3};
use pshmem::{Comm, Domain, Error, Shared};

use super::support::assert_rejected;
use crate::collective::{check_usable, one_to_eight, outliers};
use crate::report::Outcome;

/// One rank passes other extents, also of another size class.
pub(crate) fn dims_differ(comm: &Comm) -> Outcome {
    let list = one_to_eight(comm)?;
    for outlier in outliers(comm) {
        let mine = comm.rank() == outlier;
        for other in [0, 99, 101, 300 << 10, 2 << 20] {
            let made = Shared::<[u8]>::new(comm, if mine { other } else { 100 });
            assert_rejected!(comm, list, Error::Mismatch { .. }, made);
            let made = Shared::<[u8]>::new(comm, if mine { other } else { 1 << 20 });
            assert_rejected!(comm, list, Error::Mismatch { .. }, made);
        }
        let made = Shared::<Array2<f64>>::new(comm, if mine { [3, 5] } else { [5, 3] });
        assert_rejected!(comm, list, Error::Mismatch { .. }, made);
        let made = Shared::<Array3<f64>>::new(comm, if mine { [0, 1, 2] } else { [1, 0, 2] });
        assert_rejected!(comm, list, Error::Mismatch { .. }, made);
    }
    check_usable(comm)
}

/// One rank passes another type, also one of the same size or with an equal layout.
pub(crate) fn types_differ(comm: &Comm) -> Outcome {
    let list = one_to_eight(comm)?;
    for outlier in outliers(comm) {
        let mine = comm.rank() == outlier;
        macro_rules! differ {
            ($one:ty, $other:ty, $dims:expr, $other_dims:expr) => {
                let made = if mine {
                    Shared::<$other>::new(comm, $other_dims).map(drop)
                } else {
                    Shared::<$one>::new(comm, $dims).map(drop)
                };
                assert_rejected!(comm, list, Error::Mismatch { .. }, made);
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
    check_usable(comm)
}

/// One rank passes another type to `from_root`, where only the root knows extents.
pub(crate) fn types_of_from_root_differ(comm: &Comm) -> Outcome {
    let list = one_to_eight(comm)?;
    for outlier in outliers(comm) {
        let mine = comm.rank() == outlier;
        for root in 0..comm.size() {
            macro_rules! differ {
                ($one:ty, $other:ty, $value:expr, $other_value:expr) => {
                    let made = if mine {
                        Shared::<$other>::from_root(comm, root, || $other_value).map(drop)
                    } else {
                        Shared::<$one>::from_root(comm, root, || $value).map(drop)
                    };
                    assert_rejected!(comm, list, Error::Mismatch { .. }, made);
                };
            }
            differ!([u8], [i8], vec![1; 3], vec![1; 3]);
            differ!([u8], Vec<u64>, vec![1; 3], vec![1; 3]);
            differ!(u64, [u64; 2], 1, [1; 2]);
            // Types with different numbers of extents.
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
    check_usable(comm)
}

/// Whether these are the texts of an error, in any order: the rank that differs may be the one with which others are compared.
fn are_texts(ours: &str, theirs: &str, one: &str, other: &str) -> bool {
    (ours, theirs) == (one, other) || (ours, theirs) == (other, one)
}

/// One rank passes another value to `fill`, short or long; a difference in the last byte is found.
pub(crate) fn fill_values_differ(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut floats = Shared::<[f64]>::from_root(comm, 0, || vec![1.0])?;
    let mut long = Shared::<[[u8; 4096]]>::new(comm, 2)?;
    for outlier in outliers(comm) {
        let mine = comm.rank() == outlier;
        assert_rejected!(
            comm,
            list,
            Error::Mismatch { ref ours, ref theirs, .. } if are_texts(ours, theirs, "the value 0", "the value 1"),
            list.fill(u64::from(mine))
        );
        // Bytes are compared, not values.
        assert_rejected!(
            comm,
            floats,
            Error::Mismatch { ref ours, ref theirs, .. } if are_texts(ours, theirs, "the value 0.0", "the value -0.0"),
            floats.fill(if mine { -0.0 } else { 0.0 })
        );
        let mut value = [3; 4096];
        value[4095] += u8::from(mine);
        assert_rejected!(
            comm,
            long,
            Error::Mismatch { ref ours, ref theirs, .. }
                if are_texts(ours, theirs, "3 as element 4095 of the value", "4 as element 4095 of the value"),
            long.fill(value)
        );
    }
    check_usable(comm)
}

/// `with_ranks_per_node` with different numbers, and with zero.
pub(crate) fn ranks_per_node_differ(comm: &Comm) -> Outcome {
    let list = one_to_eight(comm)?;
    for outlier in outliers(comm) {
        let n = if comm.rank() == outlier { 1 } else { 2 };
        assert_rejected!(
            comm,
            list,
            Error::Mismatch { .. },
            comm.with_ranks_per_node(n)
        );
    }
    assert_rejected!(
        comm,
        list,
        Error::InvalidSetting { .. },
        comm.with_ranks_per_node(0)
    );
    check_usable(comm)
}

/// `with_domains` with different domains.
pub(crate) fn domains_differ(comm: &Comm) -> Outcome {
    let list = one_to_eight(comm)?;
    for outlier in outliers(comm) {
        for (one, others) in [(Domain::Numa, Domain::Node), (Domain::Node, Domain::L3)] {
            let domain = if comm.rank() == outlier { one } else { others };
            assert_rejected!(
                comm,
                list,
                Error::Mismatch { .. },
                comm.with_domains(domain)
            );
        }
    }
    check_usable(comm)
}

/// One rank passes extents that overflow: all ranks get the same error.
pub(crate) fn one_rank_overflows(comm: &Comm) -> Outcome {
    let list = one_to_eight(comm)?;
    for outlier in outliers(comm) {
        let dims = if comm.rank() == outlier {
            [usize::MAX, 3]
        } else {
            [2, 3]
        };
        let made = Shared::<Array2<u8>>::new(comm, dims);
        assert_rejected!(
            comm,
            list,
            Error::TooLarge { .. } | Error::Mismatch { .. },
            made
        );
    }
    check_usable(comm)
}

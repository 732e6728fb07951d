//! `reduce_into` and `accumulate`: private arrays of all ranks are combined into one shared array.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "whole numbers far below 2^52, or any numbers at all"
)]

use std::fmt::Debug;

use ndarray::{Array1, Array2, Array3, Dim};
use num_complex::Complex;
use pshmem::{Comm, Element, Error, Op, Shared, SharedLayout};

use super::support::{assert_panic_error, assert_rejected, call_with_panic, deliberate_panic};
use crate::collective::{check_same_text, check_usable, one_to_eight, outliers, same_error};
use crate::report::{Outcome, does_not_apply};
use crate::values::{array, assert_array_eq, assert_slice_eq, number};

/// The contribution of a rank.
fn part<T>(rank: usize, len: usize, of: impl Fn(u64) -> T) -> Vec<T> {
    (0..len).map(|i| of(number(rank + 1, i))).collect()
}

/// Reduces in both orders, with and without the old values, and compares with a reduction on one rank. The operation must
/// give the same result in any order.
fn exact<T: Element + PartialEq + Debug>(
    comm: &Comm,
    len: usize,
    of: impl Fn(u64) -> T,
    op: impl Fn() -> Op<'static, T>,
    combine: impl Fn(T, T) -> T,
) -> Outcome {
    let mine = part(comm.rank(), len, &of);
    let all: Vec<Vec<T>> = (0..comm.size()).map(|rank| part(rank, len, &of)).collect();
    let fold = |i: usize, first: Option<T>| {
        let parts = all.iter().map(|part| part[i]);
        first.into_iter().chain(parts).reduce(&combine).unwrap()
    };
    let before = part(77, len, &of);
    let sums: Vec<T> = (0..len).map(|i| fold(i, None)).collect();
    let more: Vec<T> = (0..len).map(|i| fold(i, Some(before[i]))).collect();
    for is_reproducible in [false, true] {
        let op = || {
            if is_reproducible {
                op().reproducible()
            } else {
                op()
            }
        };
        let mut table = Shared::<[T]>::from_root(comm, 0, || before.clone())?;
        table.reduce_into(op(), &mine)?;
        assert_slice_eq(table.view(), &sums);
        table.set_with(0, 0, || before.clone())?;
        table.accumulate(op(), &mine)?;
        assert_slice_eq(table.view(), &more);
    }
    Ok(())
}

/// Every operation, on types for which it is exact.
pub(crate) fn operations(comm: &Comm) -> Outcome {
    let len = 37;
    exact(comm, len, |n| n as i32 >> 8, Op::sum, |a, b| a + b)?;
    exact(comm, len, |n| n % 9, Op::product, u64::wrapping_mul)?;
    exact(comm, len, |n| n as i16, Op::min, i16::min)?;
    exact(comm, len, |n| n, Op::max, u64::max)?;
    exact(comm, len, |n| n as u8, Op::bit_and, |a, b| a & b)?;
    exact(comm, len, |n| n, Op::bit_or, |a, b| a | b)?;
    exact(comm, len, u128::from, Op::bit_xor, |a, b| a ^ b)?;
    exact(comm, len, |n| n % 5 == 0, Op::bit_or, |a, b| a | b)?;
    exact(comm, len, |n| n % 5 == 0, Op::bit_and, |a, b| a & b)?;
    let small = |n: u64| (n % 1000) as f64;
    exact(comm, len, small, Op::sum, |a, b| a + b)?;
    exact(comm, len, small, Op::min, f64::min)?;
    exact(comm, len, |n| n as f32, Op::max, f32::max)?;
    let complex = move |n| Complex::new(small(n), small(n >> 20));
    exact(comm, len, complex, Op::sum, |a, b| a + b)?;
    let larger = |a: [u32; 3], b: [u32; 3]| a.max(b);
    let three = |n| [n as u32, 1, (n >> 32) as u32];
    exact(comm, len, three, || Op::new(larger), larger)?;
    check_usable(comm)
}

/// Lengths from zero to several chunks for every rank, most of them no multiple of anything.
pub(crate) fn lengths(comm: &Comm) -> Outcome {
    for len in [0, 1, 2, 63, 4096, 70_001] {
        exact(
            comm,
            len,
            |n| n,
            || Op::new(u64::wrapping_add),
            u64::wrapping_add,
        )?;
    }
    exact(comm, 200_003, |n| n as u8, Op::max, u8::max)?;
    // Large elements, and elements of size zero.
    let large = |n: u64| [n; 2_000];
    exact(comm, 5, large, || Op::new(std::cmp::max), std::cmp::max)?;
    let mut nothing = Shared::<[()]>::new(comm, usize::MAX >> 2)?;
    nothing.reduce_into(Op::new(|(), ()| ()), &vec![(); usize::MAX >> 2])?;
    check_usable(comm)
}

#[derive(SharedLayout)]
struct Maps {
    before: [u64; 4],
    hits: Array2<u64>,
    #[shared(align = 256)]
    after: Vec<u64>,
}

/// Arrays of several dimensions and of any memory order, as one field of a struct.
pub(crate) fn arrays(comm: &Comm) -> Outcome {
    let size = comm.size();
    let sum = || Op::new(u64::wrapping_add);
    for shape in [[3, 4], [1, 70], [70, 1], [0, 3], [129, 31]] {
        let dims = MapsDims {
            hits: shape,
            after: 3,
        };
        let mut maps = Shared::<Maps>::new(comm, dims)?;
        let mut fields = maps.fields();
        fields.before.update(0, |mut w| *w = [1, 2, 3, 4])?;
        fields.after.fill(9)?;
        let parts: Vec<Array2<u64>> = (0..size).map(|rank| array(rank, Dim(shape))).collect();
        let expected = parts
            .iter()
            .fold(Array2::zeros(shape), |sum: Array2<u64>, part| {
                ndarray::Zip::from(&sum)
                    .and(part)
                    .map_collect(|a, b| a.wrapping_add(*b))
            });
        let mine = &parts[comm.rank()];
        fields.hits.reduce_into(sum(), mine)?;
        assert_array_eq(fields.hits.view(), expected.view());
        // In column-major order, and every second element of a larger array.
        let turned = mine.t().as_standard_layout().into_owned();
        fields.hits.reduce_into(sum().reproducible(), &turned.t())?;
        assert_array_eq(fields.hits.view(), expected.view());
        let mut wide = Array2::zeros([shape[0], 2 * shape[1]]);
        wide.slice_mut(ndarray::s![.., ..;2]).assign(mine);
        fields
            .hits
            .reduce_into(sum(), &wide.slice(ndarray::s![.., ..;2]))?;
        assert_array_eq(fields.hits.view(), expected.view());
        let view = maps.view();
        assert_eq!((view.before, view.after), (&[1, 2, 3, 4], &[9; 3][..]));
    }
    let mut cube = Shared::<Array3<u64>>::new(comm, [2, 3, 4])?;
    cube.accumulate(
        Op::bit_or(),
        &Array3::from_elem([2, 3, 4], 1 << comm.rank()),
    )?;
    assert!(cube.view().iter().all(|&bits| bits == (1 << size) - 1));
    check_usable(comm)
}

/// Numbers whose sum depends on the order.
fn rounding(rank: usize, len: usize) -> Vec<f64> {
    part(rank, len, |n| (n as f64).powi((n % 7) as i32 - 3))
}

/// The same bits in each of 20 runs; with `reproducible`, the bits of the sum in rank order on one rank.
pub(crate) fn bitwise_repeatable(comm: &Comm) -> Outcome {
    let len = 3000;
    let bits = |table: &Shared<[f64]>| -> Vec<u64> {
        table.view().iter().map(|sum| sum.to_bits()).collect()
    };
    let mine = rounding(comm.rank(), len);
    let mut table = Shared::<[f64]>::new(comm, len)?;
    table.reduce_into(Op::sum(), &mine)?;
    let first = bits(&table);
    for run in 0..20 {
        if run % 2 == 0 {
            table.fill(0.5)?;
        }
        table.reduce_into(Op::sum(), &mine)?;
        assert_slice_eq(&bits(&table), &first);
    }
    check_same_text(comm, &format!("{:x?}", &first[..20]))?;

    let mut sums = vec![0.0; len];
    for rank in 0..comm.size() {
        for (sum, x) in sums.iter_mut().zip(rounding(rank, len)) {
            *sum = if rank == 0 { x } else { *sum + x };
        }
    }
    let sums: Vec<u64> = sums.iter().map(|sum: &f64| sum.to_bits()).collect();
    for _ in 0..20 {
        table.reduce_into(Op::sum().reproducible(), &mine)?;
        assert_slice_eq(&bits(&table), &sums);
    }
    check_usable(comm)
}

/// `min` and `max` return NaN if any rank has NaN.
pub(crate) fn nan_propagates(comm: &Comm) -> Outcome {
    let size = comm.size();
    let mut line = Shared::<Array1<f64>>::new(comm, [size + 1])?;
    // Element r is NaN on rank r, the last one on none.
    let mut mine = Array1::from_elem(size + 1, comm.rank() as f64);
    mine[comm.rank()] = f64::NAN;
    let mut check = |op: Op<'_, f64>, last: f64| -> Outcome {
        line.reduce_into(op, &mine)?;
        let view = line.view();
        assert!((0..size).all(|i| view[i].is_nan()), "{view}");
        assert_eq!(view[size].to_bits(), last.to_bits());
        Ok(())
    };
    check(Op::min(), 0.0)?;
    check(Op::max(), size as f64 - 1.0)?;
    check(Op::min().reproducible(), 0.0)?;
    check(Op::max().reproducible(), size as f64 - 1.0)?;
    check_usable(comm)
}

/// A wrong shape on all ranks or on one, and an operation that differs between ranks.
pub(crate) fn invalid_contributions(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut grid = Shared::<Array2<u64>>::new(comm, [2, 3])?;
    for len in [0, 7, 9] {
        let wrong = vec![1; len];
        let call = list.reduce_into(Op::sum(), &wrong);
        assert_rejected!(comm, list, Error::Extents { rank: 0, .. }, call);
        for outlier in outliers(comm) {
            let mine = if comm.rank() == outlier {
                &wrong[..]
            } else {
                &[1; 8]
            };
            let call = list.accumulate(Op::sum(), mine);
            assert_rejected!(comm, list, Error::Extents { rank, .. } if rank == outlier, call);
        }
    }
    for outlier in outliers(comm) {
        let mine = comm.rank() == outlier;
        let local = Array2::ones(if mine { [3, 2] } else { [2, 3] });
        let call = grid.reduce_into(Op::max().reproducible(), &local);
        assert_rejected!(comm, grid, Error::Extents { rank, .. } if rank == outlier, call);
        let op = if mine { Op::sum() } else { Op::max() };
        let call = list.reduce_into(op, &[1; 8]);
        let names_sum = |ours: &str, theirs: &str| [ours, theirs].concat().contains("`sum`");
        assert_rejected!(comm, list, Error::Mismatch { ref ours, ref theirs, .. } if names_sum(ours, theirs), call);
        let op = if mine {
            Op::sum()
        } else {
            Op::sum().reproducible()
        };
        let call = list.accumulate(op, &[1; 8]);
        assert_rejected!(comm, list, Error::Mismatch { .. }, call);
        let op = if mine {
            Op::new(u64::wrapping_mul)
        } else {
            Op::new(u64::wrapping_add)
        };
        let call = list.reduce_into(op, &[1; 8]);
        assert_rejected!(comm, list, Error::Mismatch { .. }, call);
    }
    check_usable(comm)
}

/// The operation panics on each rank in turn: the other ranks get an error, and all copies are equal.
pub(crate) fn operation_panics(comm: &Comm) -> Outcome {
    if comm.size() == 1 {
        return does_not_apply("it needs two ranks");
    }
    let mut list = one_to_eight(comm)?;
    for is_reproducible in [false, true] {
        for failing in 0..comm.size() {
            let mine = comm.rank() == failing;
            let op = Op::new(|a: u64, b| if mine { deliberate_panic() } else { a + b });
            let op = if is_reproducible {
                op.reproducible()
            } else {
                op
            };
            let is_rejected = |error: Error| matches!(error, Error::Nested { .. });
            let error = call_with_panic(comm, failing, || list.accumulate(op, &[1; 8]))?;
            assert_panic_error(error, failing);
            check_same_text(comm, &format!("{:?}", list.view()))?;
            // A collective call inside the operation is rejected.
            let op = Op::new(|a: u64, b| {
                a + b + u64::from(comm.barrier().err().is_some_and(is_rejected))
            });
            list.reduce_into(op, &[0; 8])?;
            assert_slice_eq(list.view(), &[comm.size() as u64 - 1; 8]);
        }
    }
    let fail = list.try_update(0, |_| Err::<(), _>("after"));
    assert!(matches!(same_error(comm, fail)?, Error::Closure { .. }));
    check_usable(comm)
}

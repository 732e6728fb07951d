//! `reduce_into` and `accumulate`: private arrays of all ranks become one shared array.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "whole numbers far below 2^52, or any numbers at all"
)]

use std::fmt::Debug;

use ndarray::{Array1, Array2, Array3, Dim};
use num_complex::Complex;
use pshmem::{Comm, Element, Error, Op, Shared, SharedLayout};

use super::closures::{assert_boom, boom, others_of};
use crate::check::{
    all_say, array, assert_equal, assert_same, number, odd_ranks, one_to_eight, same_error, works,
};
use crate::report::Outcome;

/// What rank `rank` contributes.
fn part<T>(rank: usize, len: usize, of: impl Fn(u64) -> T) -> Vec<T> {
    (0..len).map(|i| of(number(rank + 1, i))).collect()
}

/// Reduces with each order, into what was there and without it, and compares with the same on one rank. The operation gives
/// the same result in any order.
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
        assert_equal(table.view(), &sums);
        table.set_with(0, 0, || before.clone())?;
        table.accumulate(op(), &mine)?;
        assert_equal(table.view(), &more);
    }
    Ok(())
}

/// Every operation, on types that it is exact for.
pub fn operations(comm: &Comm) -> Outcome {
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
    works(comm)
}

/// From no element to several chunks for every rank, with ends that fit nothing.
pub fn lengths(comm: &Comm) -> Outcome {
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
    // Large elements, and some without bytes.
    let large = |n: u64| [n; 2_000];
    exact(comm, 5, large, || Op::new(std::cmp::max), std::cmp::max)?;
    let mut nothing = Shared::<[()]>::new(comm, usize::MAX >> 2)?;
    nothing.reduce_into(Op::new(|(), ()| ()), &vec![(); usize::MAX >> 2])?;
    works(comm)
}

#[derive(SharedLayout)]
struct Maps {
    before: [u64; 4],
    hits: Array2<u64>,
    #[shared(align = 256)]
    after: Vec<u64>,
}

/// Arrays of any dimensions, whose memory is in any order, as fields among others.
pub fn arrays(comm: &Comm) -> Outcome {
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
        assert_same(fields.hits.view(), expected.view());
        // The other way round in memory, and every second element of something larger.
        let turned = mine.t().as_standard_layout().into_owned();
        fields.hits.reduce_into(sum().reproducible(), &turned.t())?;
        assert_same(fields.hits.view(), expected.view());
        let mut wide = Array2::zeros([shape[0], 2 * shape[1]]);
        wide.slice_mut(ndarray::s![.., ..;2]).assign(mine);
        fields
            .hits
            .reduce_into(sum(), &wide.slice(ndarray::s![.., ..;2]))?;
        assert_same(fields.hits.view(), expected.view());
        let view = maps.view();
        assert_eq!((view.before, view.after), (&[1, 2, 3, 4], &[9; 3][..]));
    }
    let mut cube = Shared::<Array3<u64>>::new(comm, [2, 3, 4])?;
    cube.accumulate(
        Op::bit_or(),
        &Array3::from_elem([2, 3, 4], 1 << comm.rank()),
    )?;
    assert!(cube.view().iter().all(|&bits| bits == (1 << size) - 1));
    works(comm)
}

/// Numbers whose sum depends on the order.
fn rounding(rank: usize, len: usize) -> Vec<f64> {
    part(rank, len, |n| (n as f64).powi((n % 7) as i32 - 3))
}

/// The same bits in each of 20 runs; in the order of ranks, those of the same sum on one rank.
pub fn same_bits(comm: &Comm) -> Outcome {
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
        assert_equal(&bits(&table), &first);
    }
    all_say(comm, &format!("{:x?}", &first[..20]))?;

    let mut sums = vec![0.0; len];
    for rank in 0..comm.size() {
        for (sum, x) in sums.iter_mut().zip(rounding(rank, len)) {
            *sum = if rank == 0 { x } else { *sum + x };
        }
    }
    let sums: Vec<u64> = sums.iter().map(|sum: &f64| sum.to_bits()).collect();
    for _ in 0..20 {
        table.reduce_into(Op::sum().reproducible(), &mine)?;
        assert_equal(&bits(&table), &sums);
    }
    works(comm)
}

/// NaN wins in `min` and `max`, whichever rank has it.
pub fn nan_wins(comm: &Comm) -> Outcome {
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
    works(comm)
}

/// A wrong shape, or another operation, on all ranks or on one.
pub fn wrong_locals(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut grid = Shared::<Array2<u64>>::new(comm, [2, 3])?;
    for len in [0, 7, 9] {
        let wrong = vec![1; len];
        let call = list.reduce_into(Op::sum(), &wrong);
        refused!(comm, list, Error::Extents { rank: 0, .. }, call);
        for odd in odd_ranks(comm) {
            let mine = if comm.rank() == odd {
                &wrong[..]
            } else {
                &[1; 8]
            };
            let call = list.accumulate(Op::sum(), mine);
            refused!(comm, list, Error::Extents { rank, .. } if rank == odd, call);
        }
    }
    for odd in odd_ranks(comm) {
        let mine = comm.rank() == odd;
        let local = Array2::ones(if mine { [3, 2] } else { [2, 3] });
        let call = grid.reduce_into(Op::max().reproducible(), &local);
        refused!(comm, grid, Error::Extents { rank, .. } if rank == odd, call);
        let op = if mine { Op::sum() } else { Op::max() };
        let call = list.reduce_into(op, &[1; 8]);
        let names = |ours: &str, theirs: &str| [ours, theirs].concat().contains("`sum`");
        refused!(comm, list, Error::Mismatch { ref ours, ref theirs, .. } if names(ours, theirs), call);
        let op = if mine {
            Op::sum()
        } else {
            Op::sum().reproducible()
        };
        let call = list.accumulate(op, &[1; 8]);
        refused!(comm, list, Error::Mismatch { .. }, call);
        let op = if mine {
            Op::new(u64::wrapping_mul)
        } else {
            Op::new(u64::wrapping_add)
        };
        let call = list.reduce_into(op, &[1; 8]);
        refused!(comm, list, Error::Mismatch { .. }, call);
    }
    works(comm)
}

/// The operation panics on each rank: the others have its error, and all copies are equal.
pub fn operation_panics(comm: &Comm) -> Outcome {
    if comm.size() == 1 {
        return Ok(());
    }
    let mut list = one_to_eight(comm)?;
    for is_reproducible in [false, true] {
        for bad in 0..comm.size() {
            let mine = comm.rank() == bad;
            let op = Op::new(|a: u64, b| if mine { boom() } else { a + b });
            let op = if is_reproducible {
                op.reproducible()
            } else {
                op
            };
            let is_refused = |error: Error| matches!(error, Error::Nested { .. });
            let error = others_of(comm, bad, || list.accumulate(op, &[1; 8]))?;
            assert_boom(error, bad);
            all_say(comm, &format!("{:?}", list.view()))?;
            // A collective inside is refused.
            let op = Op::new(|a: u64, b| {
                a + b + u64::from(comm.barrier().err().is_some_and(is_refused))
            });
            list.reduce_into(op, &[0; 8])?;
            assert_equal(list.view(), &[comm.size() as u64 - 1; 8]);
        }
    }
    let fail = list.try_update(0, |_| Err::<(), _>("after"));
    assert!(matches!(same_error(comm, fail)?, Error::Closure { .. }));
    works(comm)
}

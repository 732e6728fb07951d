//! Elements of all ranks are combined, compared with a fold in the order of ranks on each rank.
#![allow(
    clippy::cast_precision_loss,
    reason = "whole numbers far below 2^52, or any numbers at all"
)]

use std::fmt::Debug;

use num_complex::Complex;
use pshmem::{Comm, Element, Op};

use crate::collective::{check_same_text, check_usable};
use crate::report::Outcome;
use crate::values::{assert_slice_eq, number};

/// All three calls with the values that `of` makes for a rank and an index; `combine` is what the operation does.
fn reduce<T: Element + PartialEq + Debug>(
    comm: &Comm,
    len: usize,
    of: impl Fn(usize, usize) -> T,
    op: impl Fn() -> Op<'static, T>,
    combine: impl Fn(T, T) -> T,
) -> Outcome {
    let (rank, size) = (comm.rank(), comm.size());
    let fold = |ranks: usize, i: usize| (0..ranks).map(|rank| of(rank, i)).reduce(&combine);
    let expected: Vec<T> = (0..len).filter_map(|i| fold(size, i)).collect();
    let mut values: Vec<T> = (0..len).map(|i| of(rank, i)).collect();
    comm.all_reduce_into(op(), &mut values)?;
    assert_slice_eq(&values, &expected);
    for (i, expected) in expected.iter().enumerate().take(3) {
        assert_eq!(comm.all_reduce(op(), of(rank, i))?, *expected);
        assert_eq!(comm.exclusive_scan(op(), of(rank, i))?, fold(rank, i));
    }
    Ok(())
}

/// A matrix of 2 by 2 numbers: their product depends on the order.
type Matrix = [u64; 4];

fn product(a: Matrix, b: Matrix) -> Matrix {
    let at = |row: usize, column: usize| {
        let one = a[2 * row].wrapping_mul(b[column]);
        one.wrapping_add(a[2 * row + 1].wrapping_mul(b[2 + column]))
    };
    [at(0, 0), at(0, 1), at(1, 0), at(1, 1)]
}

fn matrix(rank: usize, i: usize) -> Matrix {
    std::array::from_fn(|at| number(rank, 4 * i + at))
}

/// Every operation, on types for which it is exact, and operations that depend on the order.
pub(crate) fn operations_in_rank_order(comm: &Comm) -> Outcome {
    let len = 37;
    let of = |rank: usize, i: usize| number(rank + 1, i);
    reduce(
        comm,
        len,
        |r, i| of(r, i) as i32 >> 8,
        Op::sum,
        |a, b| a + b,
    )?;
    reduce(
        comm,
        len,
        |r, i| of(r, i) % 9,
        Op::product,
        u64::wrapping_mul,
    )?;
    reduce(comm, len, |r, i| of(r, i) as i16, Op::min, i16::min)?;
    reduce(comm, len, of, Op::max, u64::max)?;
    reduce(comm, len, |r, i| of(r, i) as u8, Op::bit_and, |a, b| a & b)?;
    reduce(comm, len, of, Op::bit_or, |a, b| a | b)?;
    reduce(
        comm,
        len,
        |r, i| u128::from(of(r, i)),
        Op::bit_xor,
        |a, b| a ^ b,
    )?;
    reduce(
        comm,
        len,
        |r, i| of(r, i) % 5 == 0,
        Op::bit_or,
        |a, b| a | b,
    )?;
    reduce(comm, len, |r, i| of(r, i) as f32, Op::max, f32::max)?;
    let small = move |r: usize, i: usize| (of(r, i) % 1000) as f64;
    let complex = move |r, i| Complex::new(small(r, i), small(i, r));
    reduce(comm, len, complex, Op::sum, |a, b| a + b)?;
    reduce(
        comm,
        len,
        |r, i| char::from(of(r, i) as u8),
        || Op::new(char::max),
        char::max,
    )?;
    // An array is one value for the operation. These two depend on the order of ranks.
    reduce(comm, len, matrix, || Op::new(product), product)?;
    let affine = |a: [u64; 2], b: [u64; 2]| {
        [
            a[0].wrapping_mul(b[0]),
            a[1].wrapping_mul(b[0]).wrapping_add(b[1]),
        ]
    };
    let pair = |rank, i| [number(rank, i), number(rank, i + 1)];
    reduce(comm, len, pair, || Op::new(affine), affine)?;
    // `reproducible` says what is true anyway.
    reduce(comm, 5, of, || Op::max().reproducible(), u64::max)?;
    check_usable(comm)
}

/// Numbers whose sum depends on the order.
fn rounding(rank: usize, i: usize) -> f64 {
    let n = number(rank + 1, i);
    (n as f64).powi((n % 7) as i32 - 3)
}

/// The bits of the sum in rank order, on any nodes, for one number and for slices that go through node memory.
pub(crate) fn sums_have_the_bits_of_a_serial_sum(comm: &Comm) -> Outcome {
    let (rank, size) = (comm.rank(), comm.size());
    let sum = |i: usize| (1..size).fold(rounding(0, i), |sum, rank| sum + rounding(rank, i));
    for len in [1, 10, 1000, 40_001] {
        let expected: Vec<u64> = (0..len).map(|i| sum(i).to_bits()).collect();
        for _ in 0..2 {
            let mut values: Vec<f64> = (0..len).map(|i| rounding(rank, i)).collect();
            comm.all_reduce_into(Op::sum(), &mut values)?;
            let found: Vec<u64> = values.iter().map(|sum| sum.to_bits()).collect();
            assert_slice_eq(&found, &expected);
        }
        let found = comm.all_reduce(Op::sum(), rounding(rank, len))?;
        assert_eq!(found.to_bits(), sum(len).to_bits());
        check_same_text(comm, &format!("{:x}", found.to_bits()))?;
        let before = comm.exclusive_scan(Op::sum(), rounding(rank, len))?;
        let expected = (0..rank)
            .map(|rank| rounding(rank, len))
            .reduce(|a, b| a + b);
        assert_eq!(before.map(f64::to_bits), expected.map(f64::to_bits));
    }
    check_usable(comm)
}

/// Lengths from zero to many chunks in flight, most of them no multiple of anything.
pub(crate) fn slices_of_any_length(comm: &Comm) -> Outcome {
    let sum = || Op::new(u64::wrapping_add);
    let of = |rank, i| number(rank, i);
    for len in [
        0, 1, 2, 7, 8, 63, 112, 113, 120, 128, 1000, 16_384, 16_385, 70_001,
    ] {
        reduce(comm, len, of, sum, u64::wrapping_add)?;
    }
    // More chunks than there are slots: slots are used again.
    for len in [262_144, 500_003] {
        reduce(comm, len, of, sum, u64::wrapping_add)?;
    }
    reduce(
        comm,
        500_001,
        |rank, i| number(rank, i) as u8,
        Op::max,
        u8::max,
    )?;
    reduce(comm, 20_003, matrix, || Op::new(product), product)?;
    check_usable(comm)
}

/// More bytes than a chunk. Not many more, because the stacks of threads are small.
const LARGE: usize = 140_000;

/// Elements that do not fit into a round, and elements that are larger than a chunk.
pub(crate) fn large_elements(comm: &Comm) -> Outcome {
    fn large<const N: usize>(rank: usize, i: usize) -> [u32; N] {
        std::array::from_fn(|at| number(rank + 1, i * N + at) as u32)
    }
    fn largest<const N: usize>(a: [u32; N], b: [u32; N]) -> [u32; N] {
        a.max(b)
    }
    reduce(comm, 3, large::<200>, || Op::new(largest), largest)?;
    reduce(comm, 3, large::<300>, || Op::new(largest), largest)?;
    reduce(comm, 30, large::<5000>, || Op::new(largest), largest)?;
    let mut values = vec![<[u8; LARGE] as bytemuck::Zeroable>::zeroed(); 2];
    values.as_flattened_mut().fill(comm.rank() as u8);
    comm.all_reduce_into(
        Op::new(|a: [u8; LARGE], b: [u8; LARGE]| if a < b { b } else { a }),
        &mut values,
    )?;
    assert!(
        values
            .iter()
            .flatten()
            .all(|&found| usize::from(found) == comm.size() - 1)
    );
    check_usable(comm)
}

/// `()`, of which there is one value only, and slices that have no bytes.
pub(crate) fn elements_of_size_zero(comm: &Comm) -> Outcome {
    let nothing = || Op::new(|(), ()| ());
    comm.all_reduce(nothing(), ())?;
    let before = comm.exclusive_scan(nothing(), ())?;
    assert_eq!(before.is_some(), comm.rank() > 0);
    comm.all_reduce_into(nothing(), &mut [(); usize::MAX >> 2])?;
    comm.all_reduce_into(Op::sum(), &mut [0.0; 0])?;
    let mut arrays = [[0_u8; 0]; 3];
    comm.all_reduce_into(Op::new(|a: [u8; 0], _| a), &mut arrays)?;
    check_usable(comm)
}

/// `min` and `max` return NaN if any rank has NaN; a zero keeps its sign.
pub(crate) fn nan_is_kept(comm: &Comm) -> Outcome {
    let (rank, size) = (comm.rank(), comm.size());
    for nan in 0..size {
        let mine = if rank == nan { f64::NAN } else { rank as f64 };
        assert!(comm.all_reduce(Op::min(), mine)?.is_nan());
        assert!(comm.all_reduce(Op::max(), mine)?.is_nan());
        let before = comm.exclusive_scan(Op::max(), mine)?;
        assert_eq!(before.is_some_and(f64::is_nan), rank > nan);
        let mut many = vec![mine; 3000];
        comm.all_reduce_into(Op::max(), &mut many)?;
        assert!(many.iter().all(|found| found.is_nan()));
    }
    // Of equal values, that of the lowest rank.
    let zero = if rank == 0 { -0.0_f64 } else { 0.0 };
    assert!(comm.all_reduce(Op::max(), zero)?.is_sign_negative());
    check_usable(comm)
}

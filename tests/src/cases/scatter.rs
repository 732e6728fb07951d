//! `scatter`: every rank adds to any elements of one shared array.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "whole numbers far below 2^52, or any numbers at all"
)]

use std::fmt::Debug;

use ndarray::{Array2, Array3};
use num_complex::Complex;
use pshmem::{Comm, Element, Error, Op, Shared, SharedLayout};

use super::support::{assert_panic_error, assert_rejected, call_with_panic, deliberate_panic};
use crate::collective::{check_same_text, check_usable, one_to_eight, outliers, same_error};
use crate::report::{Outcome, does_not_apply};
use crate::values::{assert_array_eq, assert_slice_eq, number};

/// Hits of a rank: the elements and the values.
type Hits<T> = Vec<(usize, T)>;

/// Pseudo-random hits of a rank to `len` elements.
fn spread<T>(rank: usize, hits: usize, len: usize, of: impl Fn(u64) -> T) -> Hits<T> {
    let at = |i| number(rank + 50, i) as usize % len;
    (0..hits)
        .map(|i| (at(i), of(number(rank + 1, i))))
        .collect()
}

/// The orders in which hits are combined.
fn orders<T: Element>(op: impl Fn() -> Op<'static, T>) -> [Op<'static, T>; 2] {
    [op(), op().reproducible()]
}

/// Scatters the hits of all ranks in both orders, and compares with a serial model. The operation must give the same result in
/// any order.
fn exact<T: Element + PartialEq + Debug>(
    comm: &Comm,
    len: usize,
    hits: impl Fn(usize) -> Hits<T>,
    op: impl Fn() -> Op<'static, T>,
    combine: impl Fn(T, T) -> T,
    of: impl Fn(u64) -> T,
) -> Outcome {
    let before: Vec<T> = (0..len).map(|i| of(number(77, i))).collect();
    let mut model = before.clone();
    for rank in 0..comm.size() {
        for (at, value) in hits(rank) {
            model[at] = combine(model[at], value);
        }
    }
    let mine = hits(comm.rank());
    for op in orders(op) {
        let mut table = Shared::<[T]>::from_root(comm, 0, || before.clone())?;
        let added = table.scatter(op, |add| {
            for &(at, value) in &mine {
                add(at, value);
            }
            mine.len()
        })?;
        assert_eq!(added, mine.len());
        assert_slice_eq(table.view(), &model);
    }
    Ok(())
}

/// Random hits to arrays of any length, with types and operations that are exact in any order.
pub(crate) fn operations(comm: &Comm) -> Outcome {
    let add = u64::wrapping_add;
    for (len, hits) in [(1, 10), (5, 0), (255, 1000), (257, 3000), (70_001, 20_000)] {
        exact(
            comm,
            len,
            |rank| spread(rank, hits, len, |n| n),
            || Op::new(add),
            add,
            |n| n,
        )?;
    }
    let len = 1000;
    let some = |rank: usize| 700 + 100 * rank;
    exact(
        comm,
        len,
        |rank| spread(rank, some(rank), len, |n| n as u8),
        Op::max,
        u8::max,
        |n| n as u8,
    )?;
    exact(
        comm,
        len,
        |rank| spread(rank, some(rank), len, |n| n as i16),
        Op::min,
        i16::min,
        |n| n as i16,
    )?;
    exact(
        comm,
        len,
        |rank| spread(rank, some(rank), len, u128::from),
        Op::bit_xor,
        |a, b| a ^ b,
        u128::from,
    )?;
    let flag = |n: u64| n.is_multiple_of(3);
    exact(
        comm,
        len,
        |rank| spread(rank, some(rank), len, flag),
        Op::bit_or,
        |a, b| a | b,
        flag,
    )?;
    let small = |n: u64| Complex::new((n % 1000) as f64, (n % 77) as f64);
    exact(
        comm,
        len,
        |rank| spread(rank, some(rank), len, small),
        Op::sum,
        |a, b| a + b,
        small,
    )?;
    let three = |n: u64| [n as u8, 7, (n >> 8) as u8];
    let larger = |a: [u8; 3], b: [u8; 3]| a.max(b);
    exact(
        comm,
        len,
        |rank| spread(rank, some(rank), len, three),
        || Op::new(larger),
        larger,
        three,
    )?;
    // Elements that are larger than a bin or a buffer, and elements of size zero.
    let large = |n: u64| [n; 2_000];
    exact(
        comm,
        40,
        |rank| spread(rank, 60, 40, large),
        || Op::new(std::cmp::max),
        std::cmp::max,
        large,
    )?;
    let mut nothing = Shared::<[()]>::new(comm, usize::MAX >> 2)?;
    for op in orders(|| Op::new(|(), ()| ())) {
        nothing.scatter(op, |add| add(usize::MAX >> 3, ()))?;
    }
    check_usable(comm)
}

/// All hits to one element, to the elements of another rank, from one rank only, and none at all; far more of them than buffers
/// hold.
pub(crate) fn uneven_hits(comm: &Comm) -> Outcome {
    let (size, len) = (comm.size(), 6000);
    // A hundred thousand hits fill all buffers between two nodes.
    let many = if cfg!(debug_assertions) {
        100_000
    } else {
        400_000
    };
    let hits = |count: usize, at: &dyn Fn(usize) -> usize| -> Hits<u64> {
        (0..count).map(|i| (at(i), 1)).collect()
    };
    let last = |_: usize| len - 1;
    let sum = |hits: &dyn Fn(usize) -> Hits<u64>| {
        exact(comm, len, hits, Op::sum, |a, b| a + b, |n| n >> 9)
    };
    sum(&|_| hits(20_000, &last))?;
    sum(&|rank| {
        hits(2000, &|i| {
            ((rank + 1) % size * len / size + i % (len / size)) % len
        })
    })?;
    sum(&|rank| hits(if rank == 0 { many } else { 0 }, &last))?;
    sum(&|rank| hits(if rank == size - 1 { many } else { 1 }, &|i| i % len))?;
    sum(&|_| Vec::new())?;
    check_usable(comm)
}

#[derive(SharedLayout)]
struct Maps {
    before: [u64; 4],
    hits: Array2<u32>,
    #[shared(align = 256)]
    after: Vec<u64>,
}

/// Arrays of several dimensions, as one field of a struct: nothing else changes.
pub(crate) fn arrays(comm: &Comm) -> Outcome {
    for shape in [[3, 4], [1, 70], [70, 1], [129, 31]] {
        let dims = MapsDims {
            hits: shape,
            after: 3,
        };
        let mut maps = Shared::<Maps>::new(comm, dims)?;
        let mut fields = maps.fields();
        fields.before.update(0, |mut w| *w = [1, 2, 3, 4])?;
        fields.after.fill(9)?;
        let at = |rank: usize, i: usize| {
            let n = number(rank, i) as usize;
            [n % shape[0], (n >> 20) % shape[1]]
        };
        let mut model = Array2::zeros(shape);
        for round in 0..2 {
            for rank in 0..comm.size() {
                for i in 0..500 {
                    model[at(rank, i)] += i as u32;
                }
            }
            let [any, reproducible] = orders(Op::sum);
            fields
                .hits
                .scatter(if round == 0 { any } else { reproducible }, |add| {
                    for i in 0..500 {
                        add(at(comm.rank(), i), i as u32);
                    }
                })?;
            assert_array_eq(fields.hits.view(), model.view());
        }
        let view = maps.view();
        assert_eq!((view.before, view.after), (&[1, 2, 3, 4], &[9; 3][..]));
    }
    let mut cube = Shared::<Array3<u64>>::new(comm, [2, 3, 4])?;
    cube.scatter(Op::bit_or(), |add| add([1, 2, 3], 1 << comm.rank()))?;
    assert_eq!(cube.view()[[1, 2, 3]], (1 << comm.size()) - 1);
    assert_eq!(cube.view().sum(), (1 << comm.size()) - 1);
    check_usable(comm)
}

/// Hits of a round of one rank, as documented for `f64`.
const ROUND: usize = 4096;

/// The reproducible order is that of rounds, ranks and hits: the same bits on any nodes, and in each run.
pub(crate) fn reproducible_bits(comm: &Comm) -> Outcome {
    let len = 300;
    let uneven = |n: u64| (n as f64).powi((n % 7) as i32 - 3);
    // No two ranks have as many, and not all take part in all rounds.
    let hits = |rank: usize| spread(rank, rank * 3000 % 9100 + 17, len, uneven);
    let mut model = vec![0.5; len];
    let all: Vec<Hits<f64>> = (0..comm.size()).map(hits).collect();
    let longest = all.iter().map(Vec::len).max().unwrap_or(0);
    for round in 0..longest.div_ceil(ROUND) {
        for hits in &all {
            for &(at, value) in hits.iter().skip(round * ROUND).take(ROUND) {
                model[at] += value;
            }
        }
    }
    let bits = |values: &[f64]| -> Vec<u64> { values.iter().map(|x| x.to_bits()).collect() };
    for _ in 0..3 {
        let mut table = Shared::<[f64]>::new(comm, len)?;
        table.fill(0.5)?;
        table.scatter(Op::sum().reproducible(), |add| {
            for &(at, value) in &all[comm.rank()] {
                add(at, value);
            }
        })?;
        assert_slice_eq(&bits(table.view()), &bits(&model));
    }
    // In the usual order, the copies of all nodes are equal, whatever the bits are.
    let mut table = Shared::<[f64]>::new(comm, len)?;
    table.scatter(Op::sum(), |add| {
        for &(at, value) in &all[comm.rank()] {
            add(at, value);
        }
    })?;
    check_same_text(comm, &format!("{:x?}", &bits(table.view())[..50]))?;
    check_usable(comm)
}

/// The closure fails or panics on each rank in turn, or on all: what was added before stays.
pub(crate) fn closures_fail(comm: &Comm) -> Outcome {
    let size = comm.size() as u64;
    let mut list = Shared::<[u64]>::new(comm, 8)?;
    let mut expected = [0; 8];
    for failing in 0..comm.size() {
        let mut ops = orders(Op::sum);
        if failing % 2 == 1 {
            ops.reverse();
        }
        let [op, other] = ops;
        let result = list.try_scatter(op, |add| {
            (0..8).for_each(|i| add(i, i as u64));
            if comm.rank() == failing {
                return Err(format!("rank {failing} fails"));
            }
            add(0, 1);
            Ok(())
        });
        (0..8).for_each(|i| expected[i] += i as u64 * size);
        expected[0] += size - 1;
        let message = format!("rank {failing} fails");
        let rank = failing;
        assert_eq!(same_error(comm, result)?, Error::Closure { rank, message });
        assert_slice_eq(list.view(), &expected);
        let error = call_with_panic(comm, failing, || {
            list.scatter(other, |add| {
                add(7, 5);
                if comm.rank() == failing {
                    deliberate_panic();
                }
                (0..100_usize).for_each(|i| add(i % 8, 1));
            })
        })?;
        (0..8).for_each(|i| expected[i] += (size - 1) * if i < 4 { 13 } else { 12 });
        expected[7] += 5 * size;
        assert_panic_error(error, failing);
        assert_slice_eq(list.view(), &expected);
    }
    let result = list.try_scatter(Op::sum(), |_| Err::<(), _>(comm.rank()));
    let message = "0".to_owned();
    assert_eq!(
        same_error(comm, result)?,
        Error::Closure { rank: 0, message }
    );
    check_usable(comm)
}

/// Elements that the array does not have, on one rank or on all: the same error, and what was added before stays.
pub(crate) fn no_such_element(comm: &Comm) -> Outcome {
    let size = comm.size() as u64;
    let mut list = Shared::<[u64]>::new(comm, 8)?;
    let mut expected = [0; 8];
    for failing in 0..comm.size() {
        for wrong in [8, 9, usize::MAX] {
            for op in orders(Op::sum) {
                let result = list.scatter(op, |add| {
                    add(2, 10);
                    if comm.rank() == failing {
                        add(wrong, 1);
                        add(wrong - 1, 1);
                    }
                    add(3, 1);
                });
                expected[2] += 10 * size;
                expected[3] += size - 1;
                let error = same_error(comm, result)?;
                assert_eq!(
                    error,
                    Error::NoSuchElement {
                        call: "scatter".to_owned(),
                        rank: failing,
                        index: vec![wrong],
                        shape: vec![8]
                    }
                );
                assert_slice_eq(list.view(), &expected);
            }
        }
    }
    let mut grid = Shared::<Array2<u8>>::new(comm, [3, 4])?;
    for wrong in [[3, 0], [0, 4], [usize::MAX, 1], [1, usize::MAX]] {
        let result = grid.scatter(Op::max(), |add| add(wrong, 1));
        let error = same_error(comm, result)?;
        assert!(
            matches!(&error, Error::NoSuchElement { rank: 0, index, shape, .. } if *index == wrong && *shape == [3, 4]),
            "{error:?}"
        );
    }
    let mut empty = Shared::<[u64]>::new(comm, 0)?;
    let result = empty.scatter(Op::sum().reproducible(), |add| add(0, 1));
    assert!(matches!(
        same_error(comm, result)?,
        Error::NoSuchElement { .. }
    ));
    empty.scatter(Op::sum(), |_| ())?;
    check_usable(comm)
}

/// The operation panics on each rank in turn: the other ranks get an error, and all copies are equal.
pub(crate) fn operation_panics(comm: &Comm) -> Outcome {
    if comm.size() == 1 {
        return does_not_apply("it needs two ranks");
    }
    let mut list = one_to_eight(comm)?;
    for failing in 0..comm.size() {
        for is_reproducible in [false, true] {
            let mine = comm.rank() == failing;
            let op = Op::new(|a: u64, b| if mine { deliberate_panic() } else { a + b });
            let op = if is_reproducible {
                op.reproducible()
            } else {
                op
            };
            let call = || {
                list.scatter(op, |add| {
                    // Every rank combines some of them: its own to its node in the usual order, else those to its elements.
                    for i in 0..8 {
                        add(i, 1);
                    }
                })
            };
            let error = call_with_panic(comm, failing, call)?;
            assert_panic_error(error, failing);
            check_same_text(comm, &format!("{:?}", list.view()))?;
        }
    }
    // A collective call inside the operation is rejected.
    list.fill(0)?;
    let is_rejected = |error: Error| matches!(error, Error::Nested { .. });
    let op = Op::new(|a: u64, b| a + b + u64::from(!comm.barrier().is_err_and(is_rejected)));
    list.scatter(op, |add| add(comm.rank() % 8, 1))?;
    assert_eq!(list.view().iter().sum::<u64>(), comm.size() as u64);
    check_usable(comm)
}

/// Operations and objects that differ between ranks; a call inside the closure of another.
pub(crate) fn invalid_calls(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    for outlier in outliers(comm) {
        let mine = comm.rank() == outlier;
        let op = if mine { Op::sum() } else { Op::max() };
        let call = list.scatter(op, |_| panic!("a closure ran"));
        assert_rejected!(comm, list, Error::Mismatch { .. }, call);
        let [any, reproducible] = orders(Op::<u64>::sum);
        let call = list.scatter(if mine { any } else { reproducible }, |_| {
            panic!("a closure ran")
        });
        assert_rejected!(comm, list, Error::Mismatch { .. }, call);
    }
    let mut other = one_to_eight(comm)?;
    let nested = list.scatter(Op::sum(), |add| {
        add(0, 1);
        let inner = other.scatter(Op::sum(), |add| add(1, 1));
        add(0, 1);
        inner
    })?;
    assert_eq!(nested.is_ok(), comm.size() == 1);
    assert!(comm.size() == 1 || matches!(nested, Err(Error::Nested { .. })));
    assert_eq!(list.view()[0], 1 + 2 * comm.size() as u64);
    assert_eq!(other.view()[1], if comm.size() == 1 { 3 } else { 2 });
    check_usable(comm)
}

/// Ranks that add at very different speeds, and that read another object and take numbers meanwhile.
pub(crate) fn work_is_shared_out(comm: &Comm) -> Outcome {
    let (numbers, len) = (5000, 97);
    let weights = Shared::<[u64]>::from_root(comm, 0, || (0..len as u64).collect())?;
    let counter = comm.counter(numbers)?;
    for op in orders(Op::sum) {
        let mut sums = Shared::<[u64]>::new(comm, len)?;
        sums.scatter(op, |add| {
            while let Some(range) = counter.next(7)? {
                if comm.rank() == 0 {
                    std::thread::yield_now();
                }
                for number in range {
                    add(number % len, weights.view()[number % len]);
                }
            }
            Ok::<(), Error>(())
        })??;
        let model: Vec<u64> = (0..len)
            .map(|i| i as u64 * (numbers - i).div_ceil(len) as u64)
            .collect();
        assert_slice_eq(sums.view(), &model);
        counter.reset()?;
    }
    check_usable(comm)
}

//! Counters that all ranks share, and loops whose indices are shared out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pshmem::{Comm, Engine, Error, Op, Shared};

use super::support::{PANIC, deliberate_panic};
use crate::collective::{check_usable, gather_texts, outliers, same_error, sum};
use crate::marks::Marks;
use crate::report::Outcome;
use crate::values::assert_slice_eq;

/// How often each number of `0..len` was taken, by all ranks together.
fn count(comm: &Comm, len: usize, mine: &[usize]) -> pshmem::Result<Vec<u64>> {
    let mut counts = vec![0_u64; len];
    for &number in mine {
        counts[number] += 1;
    }
    let mut all = Shared::<[u64]>::new(comm, len)?;
    all.reduce_into(Op::sum(), &counts)?;
    Ok(all.to_owned())
}

/// Every number is taken once, with chunks of any size, and again after each reset.
pub(crate) fn each_number_once(comm: &Comm) -> Outcome {
    for limit in [0, 1, 2, 1000] {
        let counter = comm.counter(limit)?;
        assert_eq!(counter.limit(), limit);
        assert_eq!(
            counter.engine() == Engine::NodeAtomics,
            comm.node().count == 1
        );
        for chunk in [1, 7, 1000, usize::MAX] {
            let mut mine = Vec::new();
            // Every rank has its own chunks, too.
            let chunk = chunk.saturating_add(comm.rank());
            while let Some(range) = counter.next(chunk)? {
                assert!(!range.is_empty() && range.len() <= chunk && range.end <= limit);
                mine.extend(range);
            }
            assert!(mine.is_sorted());
            assert_eq!(counter.next(1)?, None);
            assert_slice_eq(&count(comm, limit, &mine)?, &vec![1; limit]);
            counter.reset()?;
        }
    }
    check_usable(comm)
}

/// Limits that no counter reaches one by one.
pub(crate) fn large_limits(comm: &Comm) -> Outcome {
    for limit in [usize::MAX, usize::MAX - 1, usize::MAX / 2] {
        for chunk in [usize::MAX / 3, usize::MAX - 5, usize::MAX] {
            let counter = comm.counter(limit)?;
            let mut taken = 0;
            while let Some(range) = counter.next(chunk)? {
                assert!(range.end <= limit && range.len() <= chunk);
                taken += range.len() as u64;
                assert!(range.len() == chunk || range.end == limit);
            }
            for _ in 0..5 {
                assert_eq!(counter.next(chunk)?, None);
            }
            assert_eq!(sum(comm, taken)?, limit as u64);
        }
    }
    check_usable(comm)
}

/// Wrong chunks on one rank, and limits that differ.
pub(crate) fn invalid_arguments(comm: &Comm) -> Outcome {
    let counter = comm.counter(10)?;
    assert!(matches!(counter.next(0), Err(Error::InvalidSetting { .. })));
    for outlier in outliers(comm) {
        let mine = usize::from(comm.rank() == outlier);
        let made = comm.counter(10 + mine);
        assert!(matches!(same_error(comm, made)?, Error::Mismatch { .. }));
        let never = |_| -> Result<(), String> { panic!("the closure ran") };
        for result in [
            comm.for_each_dynamic(0..10 + mine, 3, never),
            comm.for_each_dynamic(mine..10, 3, never),
            comm.for_each_dynamic(0..10, 3 + mine, never),
        ] {
            assert!(matches!(same_error(comm, result)?, Error::Mismatch { .. }));
        }
        let zero_on_one = comm.for_each_dynamic(0..10, 1 - mine, never);
        assert!(matches!(
            same_error(comm, zero_on_one)?,
            Error::InvalidSetting { .. }
        ));
    }
    let zero = comm.for_each_dynamic(0..10, 0, |_| Ok::<(), Error>(()));
    assert!(matches!(
        same_error(comm, zero)?,
        Error::InvalidSetting { .. }
    ));
    // Numbers can be taken inside of the closures of collective calls, but no counter can be made or reset.
    let mut list = Shared::<[u64]>::new(comm, comm.size())?;
    let (taken, made, reset) = list.update_parts(|_, _| {
        (
            counter.next(1),
            comm.counter(1).err(),
            counter.reset().err(),
        )
    })?;
    assert!(taken.is_ok());
    let is_nested = |error: Option<Error>| matches!(error, Some(Error::Nested { .. }));
    assert_eq!(is_nested(made), comm.size() > 1);
    assert_eq!(is_nested(reset), comm.size() > 1);
    check_usable(comm)
}

/// The other ranks take all numbers while rank 0, which keeps the counter, makes no calls.
pub(crate) fn home_rank_computes(comm: &Comm) -> Outcome {
    let counter = comm.counter(50)?;
    let marks = Marks::new(comm)?;
    if comm.rank() == 0 {
        marks.wait_for_others();
        assert_eq!(counter.next(1)?.is_some(), comm.size() == 1);
    } else {
        while counter.next(3)?.is_some() {}
        marks.set(comm.rank())?;
    }
    comm.barrier()?;
    Ok(())
}

/// Many counters, which ranks drop at different times, and a counter that outlives its `Comm`.
pub(crate) fn many_counters(comm: &Comm) -> Outcome {
    let mut kept = Vec::new();
    let (rounds, mut taken) = (40, 0);
    for round in 0..rounds {
        let counter = comm.counter(round)?;
        taken += counter.next(round + 1)?.map_or(0, |range| range.len());
        if (round + comm.rank()).is_multiple_of(3) {
            kept.push(counter);
        }
    }
    assert_eq!(sum(comm, taken as u64)?, (0..rounds as u64).sum::<u64>());
    let part = comm
        .split(Some(0), comm.rank())?
        .expect("a rank with a color gets a Comm");
    let counter = part.counter(4)?;
    drop(part);
    let mut taken = 0;
    while let Some(range) = counter.next(1)? {
        taken += range.len() as u64;
    }
    assert_eq!(sum(comm, taken)?, 4);
    check_usable(comm)
}

/// Every index is passed once, in chunks that are no longer than asked for.
pub(crate) fn loops(comm: &Comm) -> Outcome {
    for (range, chunk) in [
        (0..0, 1),
        (0..1, 1),
        (5..300, 7),
        (0..1000, 100),
        (0..20, usize::MAX),
    ] {
        let mut mine = Vec::new();
        comm.for_each_dynamic(range.clone(), chunk, |part| {
            assert!(!part.is_empty() && part.len() <= chunk);
            mine.extend(part);
            Ok::<(), String>(())
        })?;
        let counts = count(comm, range.end, &mine)?;
        let expected: Vec<u64> = (0..range.end)
            .map(|i| u64::from(range.contains(&i)))
            .collect();
        assert_slice_eq(&counts, &expected);
    }
    #[expect(clippy::reversed_empty_ranges, reason = "such a range is empty")]
    let reversed = 5..3;
    comm.for_each_dynamic(reversed, 2, |_| Err("the closure ran"))?;
    let mut last = Vec::new();
    comm.for_each_dynamic(usize::MAX - 3..usize::MAX, 2, |part| {
        last.extend(part.map(|i| i - (usize::MAX - 3)));
        Ok::<(), String>(())
    })?;
    assert_slice_eq(&count(comm, 3, &last)?, &[1; 3]);
    let nested = catch_unwind(AssertUnwindSafe(|| {
        comm.for_each_dynamic(0..3, 1, |_| {
            comm.for_each_dynamic(0..1, 1, |_| Ok::<(), Error>(()))
        })
    }));
    let nested = nested.map_err(|_| "it panicked")?;
    if comm.size() == 1 {
        nested?;
    } else {
        assert!(matches!(same_error(comm, nested)?, Error::Closure { .. }));
    }
    check_usable(comm)
}

/// The closure fails, or panics, on the rank that gets a certain index: all ranks get the same error, which says exactly what was
/// not done, and no rank begins another chunk.
pub(crate) fn loops_fail(comm: &Comm) -> Outcome {
    let (len, chunk) = (60, 4);
    for at in [0, 17, 59] {
        for panics in [false, true] {
            let mut done = Vec::new();
            let mut failed = 0;
            let call = || {
                comm.for_each_dynamic(0..len, chunk, |range| {
                    assert_eq!(failed, 0, "a chunk after the one that failed");
                    if range.contains(&at) {
                        failed = 1;
                        if panics {
                            deliberate_panic();
                        }
                        return Err("no file");
                    }
                    done.extend(range);
                    Ok(())
                })
            };
            let text = match catch_unwind(AssertUnwindSafe(call)) {
                Ok(Ok(())) => "no error".to_owned(),
                Ok(Err(Error::Closure { rank, message })) => format!("{rank} {message}"),
                Ok(Err(other)) => format!("{other:?}"),
                Err(payload) => payload
                    .downcast_ref::<&str>()
                    .copied()
                    .unwrap_or("another")
                    .to_owned(),
            };
            assert_eq!(sum(comm, failed)?, 1, "the closure fails once");
            let texts = gather_texts(comm, &text)?;
            let messages: Vec<&String> = texts.iter().filter(|text| *text != PANIC).collect();
            let counts = count(comm, len, &done)?;
            if panics {
                assert_eq!(messages.len(), comm.size() - 1, "{texts:?}");
                assert_eq!(failed == 1, text == PANIC);
            }
            assert!(
                messages.iter().all(|text| *text == messages[0]),
                "{texts:?}"
            );
            let Some(message) = messages.first() else {
                continue;
            };
            let why = if panics { PANIC } else { "no file" };
            let (start, ranges) = message
                .split_once("; not done: ")
                .ok_or("no list of ranges")?;
            assert!(start.ends_with(why), "{message}");
            let mut expected = vec![1; len];
            for range in ranges.split(", ") {
                let (start, end) = range.split_once("..").ok_or("no range")?;
                let range: std::ops::Range<usize> = start.parse()?..end.parse()?;
                expected[range].fill(0);
            }
            assert_slice_eq(&counts, &expected);
            assert_eq!(counts[at], 0);
        }
    }
    // On every rank that gets a chunk: the error of the lowest one.
    let result = comm.for_each_dynamic(0..comm.size(), 1, |_| {
        Err::<(), _>(format!("rank {}", comm.rank()))
    });
    let error = same_error(comm, result)?;
    let Error::Closure { rank, message } = &error else {
        panic!("{error:?}");
    };
    assert!(
        message.starts_with(&format!("rank {rank}; not done: 0..")),
        "{error:?}"
    );
    check_usable(comm)
}

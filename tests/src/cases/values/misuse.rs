//! Arguments that differ between ranks, wrong roots, different calls.

use pshmem::{Comm, Error, Op, Result};
use serde::{Deserialize, Serialize};

use crate::collective::{check_usable, duplicate, outliers, same_error};
use crate::report::{Outcome, does_not_apply};
use crate::values::bytes;

/// Asserts that a call fails on all ranks with a mismatch whose text has both words.
fn mismatch<R>(comm: &Comm, call: Result<R>, words: [&str; 2]) -> Outcome {
    let error = same_error(comm, call)?;
    let text = error.to_string();
    let is_expected = matches!(error, Error::Mismatch { .. });
    assert!(
        is_expected && words.iter().all(|word| text.contains(word)),
        "{error:?}"
    );
    comm.barrier()?;
    Ok(())
}

/// Types, operations and lengths that differ on one rank, for short and for long values.
pub(crate) fn calls_that_do_not_match(comm: &Comm) -> Outcome {
    for outlier in outliers(comm) {
        let is_other = comm.rank() == outlier;
        let op = || if is_other { Op::sum() } else { Op::max() };
        mismatch(
            comm,
            comm.all_reduce(op(), 1_u64).map(drop),
            ["`sum`", "`max`"],
        )?;
        mismatch(
            comm,
            comm.exclusive_scan(op(), 1_u64).map(drop),
            ["`sum`", "`max`"],
        )?;
        let one = || comm.all_reduce(Op::sum(), 1_u32).map(drop);
        let other = || comm.all_reduce(Op::sum(), 1.0_f32).map(drop);
        mismatch(comm, if is_other { other() } else { one() }, ["u32", "f32"])?;
        for len in [3, 40_000] {
            let mut values = vec![1_u64; len + usize::from(is_other)];
            let words = [len, len + 1].map(|len| format!("{len} elements"));
            let words = words.each_ref().map(String::as_str);
            mismatch(comm, comm.all_reduce_into(Op::sum(), &mut values), words)?;
            mismatch(
                comm,
                comm.all_reduce_into(op(), &mut values[..len]),
                ["`sum`", "`max`"],
            )?;
            assert!(
                values.iter().all(|&value| value == 1),
                "the slice has changed"
            );
            let text = || comm.all_gather("x".repeat(len)).map(drop);
            let list = || comm.all_gather(vec![1_u8; len]).map(drop);
            mismatch(
                comm,
                if is_other { list() } else { text() },
                ["String", "Vec<u8>"],
            )?;
            let text = || comm.gather(0, "x".repeat(len)).map(drop);
            let list = || comm.gather(0, vec![1_u8; len]).map(drop);
            mismatch(
                comm,
                if is_other { list() } else { text() },
                ["String", "Vec<u8>"],
            )?;
            let text = || comm.broadcast(0, || "x".repeat(len)).map(drop);
            let list = || comm.broadcast(0, || vec![1_u8; len]).map(drop);
            mismatch(
                comm,
                if is_other { list() } else { text() },
                ["String", "Vec<u8>"],
            )?;
        }
        // A long value of another type beside short ones.
        let long = || comm.all_gather(bytes(1, 10_000)).map(drop);
        let short = || comm.all_gather(1_u8).map(drop);
        mismatch(
            comm,
            if is_other { long() } else { short() },
            ["u8", "Vec<u8>"],
        )?;
    }
    check_usable(comm)
}

/// Two types of one name: elements of both have as many bytes, but not all bytes are values of both.
pub(crate) fn types_of_one_name(comm: &Comm) -> Outcome {
    if comm.size() == 1 {
        return does_not_apply("it needs two ranks");
    }
    let call = if comm.rank() == 0 {
        #[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::NoUninit)]
        #[repr(transparent)]
        struct Local(u8);
        |comm: &Comm| {
            comm.all_reduce(Op::new(|a: Local, _| Local(a.0 | 2)), Local(2))
                .map(drop)
        }
    } else {
        #[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::NoUninit)]
        #[repr(transparent)]
        struct Local(bool);
        |comm: &Comm| {
            comm.all_reduce(Op::new(|a: Local, _| Local(!a.0)), Local(true))
                .map(drop)
        }
    };
    mismatch(comm, call(comm), ["Local", "Local"])?;
    check_usable(comm)
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct WithAVeryLongNameThatIsRepeatedInTheNameOfTheTypeOfEachNestedValue<T>(T);

use WithAVeryLongNameThatIsRepeatedInTheNameOfTheTypeOfEachNestedValue as Wrapped;

type Three<T> = Wrapped<Wrapped<Wrapped<T>>>;

fn three<T>(value: T) -> Three<T> {
    Wrapped(Wrapped(Wrapped(value)))
}

fn deep<T>(value: T) -> Three<Three<Three<T>>> {
    three(three(three(value)))
}

/// Names of types that do not fit into a round are compared all the same.
pub(crate) fn long_type_names(comm: &Comm) -> Outcome {
    assert!(std::any::type_name_of_val(&deep(1_u32)).len() > 900);
    for len in [1, 2000] {
        let found = comm.broadcast(0, || deep(vec![7_u8; len]))?;
        assert!(found == deep(vec![7; len]));
        let all = comm.all_gather(deep("x".repeat(len)))?;
        assert!(all == vec![deep("x".repeat(len)); comm.size()]);
    }
    for outlier in outliers(comm) {
        let one = || comm.all_gather(deep(1_u32)).map(drop);
        let other = || comm.all_gather(deep(1_u16)).map(drop);
        let call = if comm.rank() == outlier {
            other()
        } else {
            one()
        };
        mismatch(comm, call, ["WithAVery", "WithAVery"])?;
        let other = || comm.all_gather(1_u16).map(drop);
        let call = if comm.rank() == outlier {
            other()
        } else {
            one()
        };
        let error = same_error(comm, call)?;
        assert!(matches!(error, Error::Mismatch { .. }), "{error:?}");
    }
    check_usable(comm)
}

/// A root that no rank is, on all ranks; the closure does not run.
pub(crate) fn wrong_roots(comm: &Comm) -> Outcome {
    let size = comm.size();
    for root in [size, size + 5, usize::MAX] {
        let calls: [&dyn Fn() -> Result<()>; 3] = [
            &|| comm.broadcast(root, || unreachable!("no rank is the root")),
            &|| comm.try_broadcast(root, || Err("no rank is the root")),
            &|| comm.gather(root, 1).map(drop),
        ];
        for call in calls {
            let error = same_error(comm, call())?;
            assert!(
                matches!(error, Error::NoSuchRank { root: found, size: ranks, .. } if (found, ranks) == (root, size)),
                "{error:?}"
            );
        }
    }
    check_usable(comm)
}

fn diverged<R>(comm: &Comm, call: Result<R>) -> Outcome {
    let error = call.err().ok_or("the call succeeded")?;
    assert!(matches!(error, Error::Diverged { .. }), "{error:?}");
    assert!(comm.barrier().err() == Some(error.clone()));
    Ok(())
}

/// One rank makes another call than the others.
pub(crate) fn different_value_calls(comm: &Comm) -> Outcome {
    let calls: [fn(&Comm) -> Result<()>; 7] = [
        |comm| comm.all_gather(1_u64).map(drop),
        |comm| comm.gather(0, 1_u64).map(drop),
        |comm| comm.broadcast(0, || 1_u64).map(drop),
        |comm| comm.all_reduce(Op::sum(), 1_u64).map(drop),
        |comm| comm.all_reduce_into(Op::sum(), &mut [1_u64]),
        |comm| comm.exclusive_scan(Op::sum(), 1_u64).map(drop),
        Comm::barrier,
    ];
    for outlier in outliers(comm) {
        for (at, call) in calls.iter().enumerate() {
            let victim = duplicate(comm)?;
            let is_other = comm.rank() == outlier;
            let call = if is_other {
                calls[(at + 1) % calls.len()]
            } else {
                *call
            };
            diverged(&victim, call(&victim))?;
            drop(victim);
            check_usable(comm)?;
        }
    }
    Ok(())
}

/// One rank names another root than the others.
pub(crate) fn different_value_roots(comm: &Comm) -> Outcome {
    for outlier in outliers(comm) {
        for is_broadcast in [true, false] {
            let victim = duplicate(comm)?;
            let root = usize::from(comm.rank() == outlier);
            if is_broadcast {
                diverged(&victim, victim.broadcast(root, || 1_u64))?;
            } else {
                diverged(&victim, victim.gather(root, 1_u64))?;
            }
            drop(victim);
            check_usable(comm)?;
        }
    }
    Ok(())
}

//! Ranks that make different calls, or have dropped their handles: an error on every rank, nothing written, and only this one
//! `Comm` fails.
//!
//! Each divergence happens on a `Comm` made by `split`, so that the ranks can compare results on the outer `Comm` afterwards.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ndarray::Array2;
use pshmem::{Comm, Domain, Error, Op, Shared};

use crate::collective::{check_usable, duplicate, outliers};
use crate::report::{Failure, Outcome};
use crate::values::{assert_slice_eq, number};

/// A `Comm` that is to fail, and two objects on it.
struct Fixture {
    comm: Comm,
    a: Shared<[u64]>,
    b: Shared<[u64]>,
}

impl Fixture {
    fn new(outer: &Comm) -> Result<Self, Error> {
        let comm = duplicate(outer)?;
        let a = Shared::from_root(&comm, 0, || vec![1, 2, 3])?;
        let b = Shared::from_root(&comm, 0, || vec![4, 5, 6])?;
        Ok(Fixture { comm, a, b })
    }

    /// Checks that every later call returns a fatal error at once, and that the objects keep their values.
    fn check_failed(&mut self) {
        let fatal = |error: Option<Error>| {
            assert!(
                matches!(
                    error,
                    Some(Error::Diverged { .. } | Error::RankFailed { .. })
                ),
                "{error:?}"
            );
        };
        fatal(self.comm.barrier().err());
        fatal(self.a.set(0, 0, Some(&[9])).err());
        fatal(self.b.update(0, |mut w| w[0] = 9).err());
        fatal(self.a.fill(9).err());
        fatal(self.b.update_per_node(|mut w| w[0] = 9).err());
        fatal(Shared::<u64>::new(&self.comm, ()).err());
        fatal(Shared::<u64>::from_root(&self.comm, 0, || 9).err());
        fatal(self.comm.split(Some(0), 0).err());
        fatal(self.comm.clone().barrier().err());
        self.check_unchanged();
    }

    fn check_unchanged(&self) {
        assert_slice_eq(self.a.view(), &[1, 2, 3]);
        assert_slice_eq(self.b.view(), &[4, 5, 6]);
    }
}

type Call = fn(&mut Fixture) -> Result<(), Error>;

/// Each rank in turn makes the call `of_outlier`, and the other ranks make the call `of_others`.
fn diverge(outer: &Comm, of_outlier: Call, of_others: Call) -> Outcome {
    for outlier in outliers(outer) {
        let mut fixture = Fixture::new(outer)?;
        let call = if outer.rank() == outlier {
            of_outlier
        } else {
            of_others
        };
        match call(&mut fixture) {
            Err(Error::Diverged { what }) => {
                let [first, second] = named_ranks(&what)?;
                assert_ne!(first, second, "one rank is named twice: {what}");
                let is_named = first == outlier || second == outlier;
                assert!(is_named, "rank {outlier} is not named: {what}");
            }
            other => {
                return Err(
                    format!("rank {outlier} diverged, but the call returned {other:?}").into(),
                );
            }
        }
        fixture.check_failed();
        // Before any rank drops its handles: the drop would be the divergence that a slower rank sees.
        outer.barrier()?;
        drop(fixture);
        check_usable(outer)?;
    }
    Ok(())
}

/// The two ranks that the message of a divergence names.
fn named_ranks(what: &str) -> Result<[usize; 2], Failure> {
    let rank_of = |sentence: &str| {
        let (rank, rest) = sentence.strip_prefix("rank ")?.split_once(" on ")?;
        rest.contains(" called `").then_some(rank)?.parse().ok()
    };
    let ranks = what
        .split_once("; ")
        .and_then(|(first, second)| Some([rank_of(first)?, rank_of(second)?]));
    ranks.ok_or_else(|| format!("two ranks and their calls are expected: {what}").into())
}

/// Some ranks call `leave` while the others make one of all calls. The outlier is rank 0, which collects the messages of its
/// node, or another rank.
fn leave_during_calls(
    outer: &Comm,
    leave: fn(Fixture),
    who_leaves: impl Fn(usize, usize) -> bool,
) -> Outcome {
    for (index, call) in ALL.into_iter().enumerate() {
        let others = outliers(outer).len().saturating_sub(1).max(1);
        for outlier in
            outliers(outer).filter(|&outlier| outlier == 0 || outlier == 1 + index % others)
        {
            let mut fixture = Fixture::new(outer)?;
            if who_leaves(outer.rank(), outlier) {
                leave(fixture);
            } else {
                let result = call(&mut fixture);
                if !matches!(
                    result,
                    Err(Error::Diverged { .. } | Error::RankFailed { .. })
                ) {
                    return Err(format!(
                        "rank {outlier} was the outlier in call {index}, which returned {result:?}"
                    )
                    .into());
                }
                fixture.check_failed();
            }
            check_usable(outer)?;
        }
    }
    Ok(())
}

const SET: Call = |fixture| fixture.a.set(0, 0, Some(&[9]));
const UPDATE: Call = |fixture| fixture.a.update(0, |mut w| w[0] = 9).map(drop);
const BARRIER: Call = |fixture| fixture.comm.barrier();
const SPLIT: Call = |fixture| fixture.comm.split(Some(0), 0).map(drop);
const NEW: Call = |fixture| Shared::<[u8]>::new(&fixture.comm, 10).map(drop);
const NEW_LARGE: Call = |fixture| Shared::<[u8]>::new(&fixture.comm, 1 << 20).map(drop);
const FROM_ROOT: Call = |fixture| Shared::<[u8]>::from_root(&fixture.comm, 0, || vec![1]).map(drop);
const ASSIGN: Call = |fixture| {
    let data = (fixture.comm.rank() == 0).then_some(&[9][..]);
    fixture.a.assign(0, data)
};
const FILL: Call = |fixture| fixture.a.fill(9);
const PER_NODE: Call = |fixture| fixture.a.update_per_node(|mut w| w[0] = 9).map(drop);
const LAST: Call = |fixture| {
    let last = fixture.comm.size() - 1;
    fixture.a.set(last, 0, Some(&[9]))
};
const ALL: [Call; 11] = [
    SET, UPDATE, BARRIER, SPLIT, NEW, NEW_LARGE, FROM_ROOT, ASSIGN, FILL, PER_NODE, LAST,
];

const PARTS: Call = |fixture| fixture.a.update_parts(|_, part| part.fill(9));
const GATHER: Call = |fixture| fixture.a.gather(3, &[]);
const REDUCE: Call = |fixture| fixture.a.reduce_into(Op::sum(), &[9; 3]);
const RESIZE: Call = |fixture| fixture.a.resize(4);

/// Calls in which all ranks write, against each other and against calls with one root.
pub(crate) fn parallel_writes(comm: &Comm) -> Outcome {
    diverge(comm, PARTS, UPDATE)?;
    diverge(comm, GATHER, PARTS)?;
    diverge(comm, REDUCE, GATHER)?;
    diverge(comm, RESIZE, REDUCE)?;
    diverge(comm, |fixture| fixture.a.copy_from(&fixture.b), RESIZE)?;
    diverge(
        comm,
        |fixture| fixture.a.accumulate(Op::sum(), &[9; 3]),
        REDUCE,
    )?;
    // Handles on one rank, values on the others.
    diverge(
        comm,
        |fixture| fixture.a.swap(&mut fixture.b),
        |fixture| fixture.a.fields().swap_data(&mut fixture.b.fields()),
    )?;
    diverge(
        comm,
        |fixture| fixture.a.swap(&mut fixture.b),
        |fixture| fixture.b.swap(&mut fixture.a),
    )
}

/// The message names the call of the outlier and that of another rank, with the line from which each was made: not with
/// that of an earlier call.
pub(crate) fn lines_of_both_calls(comm: &Comm) -> Outcome {
    for outlier in outliers(comm) {
        let mut fixture = Fixture::new(comm)?;
        fixture.comm.barrier()?;
        let (call, line, result) = if comm.rank() == outlier {
            ("`set`", line!(), fixture.a.set(0, 0, Some(&[9])))
        } else {
            ("`fill`", line!(), fixture.a.fill(9))
        };
        let Err(Error::Diverged { what }) = result else {
            return Err(
                format!("rank {outlier} diverged, but the call returned {result:?}").into(),
            );
        };
        let mut sentences = what.split("; ");
        let mine = sentences.find(|sentence| sentence.contains(call));
        let mine = mine.ok_or_else(|| format!("{call} is not named: {what}"))?;
        let rank = format!("rank {outlier} on ");
        assert_eq!(mine.starts_with(&rank), comm.rank() == outlier, "{what}");
        let object = format!("{call} of object 1 ([u64])");
        assert!(mine.contains(&object), "{object} is not in: {what}");
        // Level 0 keeps no source lines.
        if std::env::var("PSHMEM_CHECK").as_deref() != Ok("0") {
            let site = format!("divergence.rs:{line}:");
            assert!(mine.contains(&site), "{site} is not in: {what}");
        }
        comm.barrier()?;
        drop(fixture);
        check_usable(comm)?;
    }
    Ok(())
}

/// Calls of different kinds on the same object.
pub(crate) fn different_kinds(comm: &Comm) -> Outcome {
    diverge(comm, SET, UPDATE)?;
    diverge(comm, UPDATE, SET)?;
    diverge(comm, FILL, ASSIGN)?;
    diverge(comm, PER_NODE, FILL)?;
    diverge(comm, ASSIGN, SET)
}

/// The same call with another root.
pub(crate) fn different_roots(comm: &Comm) -> Outcome {
    diverge(comm, LAST, SET)?;
    diverge(comm, SET, LAST)?;
    diverge(
        comm,
        |fixture| {
            fixture
                .a
                .update(fixture.comm.size() - 1, |mut w| w[0] = 9)
                .map(drop)
        },
        UPDATE,
    )?;
    // A root that is no rank, passed by one rank only, is a different root, too.
    diverge(comm, |fixture| fixture.a.set(99, 0, Some(&[9])), SET)?;
    diverge(
        comm,
        |fixture| Shared::<[u8]>::from_root(&fixture.comm, 1, || vec![1]).map(drop),
        FROM_ROOT,
    )
}

/// The same call on another object.
pub(crate) fn different_objects(comm: &Comm) -> Outcome {
    diverge(comm, |fixture| fixture.b.set(0, 0, Some(&[9])), SET)?;
    diverge(
        comm,
        |fixture| fixture.b.update(0, |mut w| w[0] = 9).map(drop),
        UPDATE,
    )?;
    diverge(comm, |fixture| fixture.b.fill(9), FILL)
}

/// `close` of one object against `close` of another, which is in another mapping.
pub(crate) fn close_of_different_objects(comm: &Comm) -> Outcome {
    for rank in outliers(comm) {
        let mut fixture = Fixture::new(comm)?;
        let first = Shared::<[u64]>::new(&fixture.comm, 5)?;
        let second = Shared::<Array2<u8>>::new(&fixture.comm, [1 << 10, 1 << 10])?;
        let result = if comm.rank() == rank {
            first.close()
        } else {
            second.close()
        };
        assert!(matches!(result, Err(Error::Diverged { .. })), "{result:?}");
        fixture.check_failed();
        check_usable(comm)?;
    }
    Ok(())
}

/// One rank creates while the others write, and vice versa.
pub(crate) fn write_against_creation(comm: &Comm) -> Outcome {
    diverge(comm, NEW, SET)?;
    diverge(comm, NEW_LARGE, UPDATE)?;
    diverge(comm, FROM_ROOT, FILL)?;
    diverge(comm, SET, NEW)?;
    diverge(comm, UPDATE, FROM_ROOT)?;
    diverge(comm, NEW, FROM_ROOT)
}

/// `split`, `barrier`, `with_ranks_per_node` and `with_domains` against each other.
pub(crate) fn split_against_barrier(comm: &Comm) -> Outcome {
    diverge(comm, SPLIT, BARRIER)?;
    diverge(comm, BARRIER, SPLIT)?;
    diverge(
        comm,
        |fixture| fixture.comm.with_ranks_per_node(1).map(drop),
        SPLIT,
    )?;
    diverge(
        comm,
        |fixture| fixture.comm.with_domains(Domain::Numa).map(drop),
        BARRIER,
    )?;
    diverge(
        comm,
        |fixture| fixture.comm.with_ranks_per_node(1).map(drop),
        |fixture| fixture.comm.with_domains(Domain::Node).map(drop),
    )?;
    diverge(comm, BARRIER, SET)
}

/// One rank drops all its handles while the others make a call.
pub(crate) fn one_rank_drops_its_handles(comm: &Comm) -> Outcome {
    leave_during_calls(comm, drop, |rank, outlier| rank == outlier)
}

/// All ranks but one drop their handles.
pub(crate) fn all_but_one_drop_their_handles(comm: &Comm) -> Outcome {
    leave_during_calls(comm, drop, |rank, outlier| rank != outlier)
}

/// One rank panics; its handles are dropped while it unwinds.
pub(crate) fn one_rank_panics(comm: &Comm) -> Outcome {
    let panics = |fixture: Fixture| {
        let panicked = catch_unwind(AssertUnwindSafe(move || {
            let _dropped_while_unwinding = fixture;
            resume_unwind(Box::new("a deliberate panic"))
        }));
        assert!(panicked.is_err());
    };
    leave_during_calls(comm, panics, |rank, outlier| rank == outlier)
}

/// A rank that still has one object has not left: the calls of the others wait for it.
pub(crate) fn late_rank_is_waited_for(comm: &Comm) -> Outcome {
    for late in outliers(comm) {
        let Fixture {
            comm: part,
            mut a,
            b,
        } = Fixture::new(comm)?;
        if comm.rank() == late {
            drop((part, b));
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        a.set(late, 1, Some(&[number(late, 0)]))?;
        assert_slice_eq(a.view(), &[1, number(late, 0), 3]);
    }
    Ok(())
}

/// When a `Comm` fails, its parent and its children still work.
pub(crate) fn parents_and_children_survive(comm: &Comm) -> Outcome {
    for outlier in outliers(comm) {
        let mut parent = Fixture::new(comm)?;
        let child = duplicate(&parent.comm)?;
        let mut object = Shared::<[u64]>::new(&child, 1)?;
        let result = if comm.rank() == outlier {
            SET(&mut parent)
        } else {
            FILL(&mut parent)
        };
        assert!(matches!(result, Err(Error::Diverged { .. })), "{result:?}");
        parent.check_failed();
        check_usable(&child)?;
        drop(parent);
        object.fill(3)?;
        assert_slice_eq(object.view(), &[3]);

        let mut grandchild = Fixture::new(&child)?;
        let result = if comm.rank() == outlier {
            NEW(&mut grandchild)
        } else {
            SPLIT(&mut grandchild)
        };
        assert!(matches!(result, Err(Error::Diverged { .. })), "{result:?}");
        check_usable(&child)?;
    }
    check_usable(comm)
}

/// Divergence after many successful calls that have transferred data to other nodes.
pub(crate) fn after_many_calls(comm: &Comm) -> Outcome {
    const LEN: usize = 300 << 10;
    for outlier in outliers(comm) {
        let mut fixture = Fixture::new(comm)?;
        let mut large = Shared::<[u8]>::new(&fixture.comm, LEN)?;
        for round in 0..10_u8 {
            let root = usize::from(round) % comm.size();
            large.update(root, |mut w| w.fill(round + 1))?;
        }
        let result = if comm.rank() == outlier {
            SET(&mut fixture)
        } else {
            large.update(0, |mut w| w.fill(99)).map(drop)
        };
        assert!(matches!(result, Err(Error::Diverged { .. })), "{result:?}");
        assert!(
            large.view().iter().all(|&x| x == 10),
            "nothing was written by the call that failed"
        );
        fixture.check_failed();
        check_usable(comm)?;
    }
    Ok(())
}

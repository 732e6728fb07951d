//! Ranks that make different calls, or none any more: an error on every rank, nothing written, and only that `Comm` dies.
//!
//! Each scene plays on a `Comm` made by `split`, so that the world lives on and the other ranks' findings can be compared.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ndarray::Array2;
use pshmem::{Comm, Error, Op, Shared};

use crate::check::{assert_equal, number, odd_ranks, works};
use crate::report::Outcome;

/// What the ranks of a scene have.
struct Scene {
    comm: Comm,
    a: Shared<[u64]>,
    b: Shared<[u64]>,
}

impl Scene {
    fn new(outer: &Comm) -> Result<Self, Error> {
        let comm = outer
            .split(Some(0), outer.rank())?
            .expect("a rank with a color gets a Comm");
        let a = Shared::from_root(&comm, 0, || vec![1, 2, 3])?;
        let b = Shared::from_root(&comm, 0, || vec![4, 5, 6])?;
        Ok(Scene { comm, a, b })
    }

    /// Every later call returns an error at once, and what was in the objects is still there.
    fn check_dead(&mut self) {
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
        assert_equal(self.a.view(), &[1, 2, 3]);
        assert_equal(self.b.view(), &[4, 5, 6]);
    }
}

type Call = fn(&mut Scene) -> Result<(), Error>;

/// Each rank in turn makes the call `odd`, the others make `usual`.
fn differ(outer: &Comm, odd: Call, usual: Call) -> Outcome {
    for rank in odd_ranks(outer) {
        let mut scene = Scene::new(outer)?;
        let call = if outer.rank() == rank { odd } else { usual };
        match call(&mut scene) {
            Err(Error::Diverged { what }) => {
                assert!(what.contains("rank"), "who called what: {what}");
            }
            other => {
                return Err(format!("rank {rank} was odd, and the call returned {other:?}").into());
            }
        }
        scene.check_dead();
        // Before the scene is let go of, so that nobody's death is mistaken for another's divergence.
        outer.barrier()?;
        drop(scene);
        works(outer)?;
    }
    Ok(())
}

/// Some ranks leave in the way of `leave` while the others make a call, any call. The odd rank is the first one, which may
/// gather for its node, and another one.
fn leaves(outer: &Comm, leave: fn(Scene), who_leaves: impl Fn(usize, usize) -> bool) -> Outcome {
    for (index, call) in ALL.into_iter().enumerate() {
        let others = odd_ranks(outer).len().saturating_sub(1).max(1);
        for odd in odd_ranks(outer).filter(|&odd| odd == 0 || odd == 1 + index % others) {
            let mut scene = Scene::new(outer)?;
            if who_leaves(outer.rank(), odd) {
                leave(scene);
            } else {
                let result = call(&mut scene);
                if !matches!(
                    result,
                    Err(Error::Diverged { .. } | Error::RankFailed { .. })
                ) {
                    return Err(format!(
                        "rank {odd} was odd in call {index}, which returned {result:?}"
                    )
                    .into());
                }
                scene.check_dead();
            }
            works(outer)?;
        }
    }
    Ok(())
}

const SET: Call = |scene| scene.a.set(0, 0, Some(&[9]));
const UPDATE: Call = |scene| scene.a.update(0, |mut w| w[0] = 9).map(drop);
const BARRIER: Call = |scene| scene.comm.barrier();
const SPLIT: Call = |scene| scene.comm.split(Some(0), 0).map(drop);
const NEW: Call = |scene| Shared::<[u8]>::new(&scene.comm, 10).map(drop);
const NEW_LARGE: Call = |scene| Shared::<[u8]>::new(&scene.comm, 1 << 20).map(drop);
const FROM_ROOT: Call = |scene| Shared::<[u8]>::from_root(&scene.comm, 0, || vec![1]).map(drop);
const ASSIGN: Call = |scene| {
    let data = (scene.comm.rank() == 0).then_some(&[9][..]);
    scene.a.assign(0, data)
};
const FILL: Call = |scene| scene.a.fill(9);
const PER_NODE: Call = |scene| scene.a.update_per_node(|mut w| w[0] = 9).map(drop);
const LAST: Call = |scene| {
    let last = scene.comm.size() - 1;
    scene.a.set(last, 0, Some(&[9]))
};
const ALL: [Call; 11] = [
    SET, UPDATE, BARRIER, SPLIT, NEW, NEW_LARGE, FROM_ROOT, ASSIGN, FILL, PER_NODE, LAST,
];

const PARTS: Call = |scene| scene.a.update_parts(|_, part| part.fill(9));
const GATHER: Call = |scene| scene.a.gather(3, &[]);
const REDUCE: Call = |scene| scene.a.reduce_into(Op::sum(), &[9; 3]);
const RESIZE: Call = |scene| scene.a.resize(4);

/// Calls in which all ranks write, among each other and beside those of one writer.
pub fn parallel_writes(comm: &Comm) -> Outcome {
    differ(comm, PARTS, UPDATE)?;
    differ(comm, GATHER, PARTS)?;
    differ(comm, REDUCE, GATHER)?;
    differ(comm, RESIZE, REDUCE)?;
    differ(comm, |scene| scene.a.copy_from(&scene.b), RESIZE)?;
    differ(comm, |scene| scene.a.accumulate(Op::sum(), &[9; 3]), REDUCE)?;
    // Handles on one rank, values on the others.
    differ(
        comm,
        |scene| scene.a.swap(&mut scene.b),
        |scene| scene.a.fields().swap_data(&mut scene.b.fields()),
    )?;
    differ(
        comm,
        |scene| scene.a.swap(&mut scene.b),
        |scene| scene.b.swap(&mut scene.a),
    )
}

/// Calls of different kinds on the same object.
pub fn different_kinds(comm: &Comm) -> Outcome {
    differ(comm, SET, UPDATE)?;
    differ(comm, UPDATE, SET)?;
    differ(comm, FILL, ASSIGN)?;
    differ(comm, PER_NODE, FILL)?;
    differ(comm, ASSIGN, SET)
}

/// The same call with another root, the root itself being among those who differ.
pub fn different_roots(comm: &Comm) -> Outcome {
    differ(comm, LAST, SET)?;
    differ(comm, SET, LAST)?;
    differ(
        comm,
        |scene| {
            scene
                .a
                .update(scene.comm.size() - 1, |mut w| w[0] = 9)
                .map(drop)
        },
        UPDATE,
    )?;
    // A root that is none, on one rank only, is a different root, too.
    differ(comm, |scene| scene.a.set(99, 0, Some(&[9])), SET)?;
    differ(
        comm,
        |scene| Shared::<[u8]>::from_root(&scene.comm, 1, || vec![1]).map(drop),
        FROM_ROOT,
    )
}

/// The same call on another object.
pub fn different_objects(comm: &Comm) -> Outcome {
    differ(comm, |scene| scene.b.set(0, 0, Some(&[9])), SET)?;
    differ(
        comm,
        |scene| scene.b.update(0, |mut w| w[0] = 9).map(drop),
        UPDATE,
    )?;
    differ(comm, |scene| scene.b.fill(9), FILL)
}

/// `close` of one object against `close` of another, which lies in other memory.
pub fn same_kind_other_shape(comm: &Comm) -> Outcome {
    for rank in odd_ranks(comm) {
        let mut scene = Scene::new(comm)?;
        let first = Shared::<[u64]>::new(&scene.comm, 5)?;
        let second = Shared::<Array2<u8>>::new(&scene.comm, [1 << 10, 1 << 10])?;
        let result = if comm.rank() == rank {
            first.close()
        } else {
            second.close()
        };
        assert!(matches!(result, Err(Error::Diverged { .. })), "{result:?}");
        scene.check_dead();
        works(comm)?;
    }
    Ok(())
}

/// One rank creates while the others write, and the other way round.
pub fn write_against_creation(comm: &Comm) -> Outcome {
    differ(comm, NEW, SET)?;
    differ(comm, NEW_LARGE, UPDATE)?;
    differ(comm, FROM_ROOT, FILL)?;
    differ(comm, SET, NEW)?;
    differ(comm, UPDATE, FROM_ROOT)?;
    differ(comm, NEW, FROM_ROOT)
}

/// `split`, `barrier` and `with_ranks_per_node` among each other.
pub fn split_against_barrier(comm: &Comm) -> Outcome {
    differ(comm, SPLIT, BARRIER)?;
    differ(comm, BARRIER, SPLIT)?;
    differ(
        comm,
        |scene| scene.comm.with_ranks_per_node(1).map(drop),
        SPLIT,
    )?;
    differ(comm, BARRIER, SET)
}

/// A rank drops all it has while the others call anything.
pub fn one_lets_go(comm: &Comm) -> Outcome {
    leaves(comm, drop, |rank, odd| rank == odd)
}

/// All ranks but one drop what they have.
pub fn all_but_one_let_go(comm: &Comm) -> Outcome {
    leaves(comm, drop, |rank, odd| rank != odd)
}

/// A rank panics; its handles die while it unwinds.
pub fn one_panics(comm: &Comm) -> Outcome {
    let panics = |scene: Scene| {
        let panicked = catch_unwind(AssertUnwindSafe(move || {
            let _dies_while_unwinding = scene;
            resume_unwind(Box::new("on purpose"))
        }));
        assert!(panicked.is_err());
    };
    leaves(comm, panics, |rank, odd| rank == odd)
}

/// A rank that still holds any handle, be it an object, has not left: the others' call waits until it comes.
pub fn one_forgets_nothing(comm: &Comm) -> Outcome {
    for late in odd_ranks(comm) {
        let Scene {
            comm: part,
            mut a,
            b,
        } = Scene::new(comm)?;
        if comm.rank() == late {
            drop((part, b));
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        a.set(late, 1, Some(&[number(late, 0)]))?;
        assert_equal(a.view(), &[1, number(late, 0), 3]);
    }
    Ok(())
}

/// The death of a `Comm` leaves its parent and its children alone.
pub fn two_levels(comm: &Comm) -> Outcome {
    for odd in odd_ranks(comm) {
        let mut parent = Scene::new(comm)?;
        let child = parent
            .comm
            .split(Some(0), 0)?
            .expect("a rank with a color gets a Comm");
        let mut object = Shared::<[u64]>::new(&child, 1)?;
        let result = if comm.rank() == odd {
            SET(&mut parent)
        } else {
            FILL(&mut parent)
        };
        assert!(matches!(result, Err(Error::Diverged { .. })), "{result:?}");
        parent.check_dead();
        works(&child)?;
        drop(parent);
        object.fill(3)?;
        assert_equal(object.view(), &[3]);

        let mut grandchild = Scene::new(&child)?;
        let result = if comm.rank() == odd {
            NEW(&mut grandchild)
        } else {
            SPLIT(&mut grandchild)
        };
        assert!(matches!(result, Err(Error::Diverged { .. })), "{result:?}");
        works(&child)?;
    }
    works(comm)
}

/// Divergence after many good calls, with data under way to other nodes just before.
pub fn in_the_middle(comm: &Comm) -> Outcome {
    const LEN: usize = 300 << 10;
    for odd in odd_ranks(comm) {
        let mut scene = Scene::new(comm)?;
        let mut large = Shared::<[u8]>::new(&scene.comm, LEN)?;
        for round in 0..10_u8 {
            let root = usize::from(round) % comm.size();
            large.update(root, |mut w| w.fill(round + 1))?;
        }
        let result = if comm.rank() == odd {
            SET(&mut scene)
        } else {
            large.update(0, |mut w| w.fill(99)).map(drop)
        };
        assert!(matches!(result, Err(Error::Diverged { .. })), "{result:?}");
        assert!(
            large.view().iter().all(|&x| x == 10),
            "nothing was written by the call that failed"
        );
        scene.check_dead();
        works(comm)?;
    }
    Ok(())
}

//! Closures that fail or panic.
//!
//! A failed closure leaves what it wrote, on all nodes alike; the `Comm` lives. Panics are raised with `resume_unwind`,
//! which prints nothing, except where the real thing is what matters.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ndarray::Array2;
use pshmem::{Comm, Error, Shared};

use crate::check::{all_say, assert_equal, one_to_eight, others_error, same_error, works};
use crate::report::{Failure, Outcome};

/// Runs a call in which rank `root` panics, and gives the error that the others get.
pub(super) fn others_of<R>(
    comm: &Comm,
    root: usize,
    call: impl FnOnce() -> Result<R, Error>,
) -> Result<Option<Error>, Failure> {
    // The objects that the call has borrowed are in order after a panic: that is what is tested.
    let error = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.err(),
        Err(payload) => {
            let text = payload
                .downcast_ref::<&str>()
                .ok_or("the payload of the panic did not survive")?;
            assert_eq!(*text, "boom");
            None
        }
    };
    others_error(comm, root, error)
}

/// Whether the error says that the closure on this rank panicked with `boom`; the rank that panicked has none.
pub(super) fn assert_boom(error: Option<Error>, root: usize) {
    if let Some(error) = error {
        let Error::Closure { rank, message } = &error else {
            panic!("{error:?}")
        };
        assert!(*rank == root && message.contains("boom"), "{error:?}");
    }
}

pub(super) fn boom() -> ! {
    resume_unwind(Box::new("boom"))
}

/// Copies of all nodes hold these values, and all calls work.
pub(super) fn alive(comm: &Comm, list: &mut Shared<[u64]>, expected: &[u64]) -> Outcome {
    assert_equal(list.view(), expected);
    all_say(comm, &format!("{:?}", list.view()))?;
    works(comm)
}

/// `try_update` fails on each root after it has written: all have the error and what was written.
pub fn update_fails(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut model = list.to_owned();
    for root in 0..comm.size() {
        let result = list.try_update(root, |mut w| {
            w[root % 8] = 100;
            Err::<(), _>(format!("no luck on {root}"))
        });
        model[root % 8] = 100;
        let error = same_error(comm, result)?;
        assert_eq!(
            error,
            Error::Closure {
                rank: root,
                message: format!("no luck on {root}")
            }
        );
        alive(comm, &mut list, &model)?;
        // A failure before anything was written changes nothing.
        let error = same_error(comm, list.try_update(root, |w| Err::<(), _>(w[0])))?;
        assert_eq!(
            error,
            Error::Closure {
                rank: root,
                message: model[0].to_string()
            }
        );
        alive(comm, &mut list, &model)?;
    }
    Ok(())
}

/// `update` panics on each root after it has written.
pub fn update_panics(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut model = list.to_owned();
    for root in 0..comm.size() {
        model[root % 8] = 100;
        let error = others_of(comm, root, || {
            list.update(root, |mut w| {
                w[root % 8] = 100;
                boom()
            })
        })?;
        assert_boom(error, root);
        alive(comm, &mut list, &model)?;
        let error = others_of(comm, root, || {
            list.try_update(root, |_| -> Result<(), String> { boom() })
        })?;
        assert_boom(error, root);
        alive(comm, &mut list, &model)?;
    }
    Ok(())
}

/// `try_update_per_node` fails on one node, on all nodes: the error of the lowest rank.
pub fn per_node_fails(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let node = comm.node();
    for bad in 0..node.count {
        let result = list.try_update_per_node(|mut w| {
            w[0] = 7;
            if node.index == bad {
                Err(format!("node {bad}"))
            } else {
                Ok(())
            }
        });
        let error = same_error(comm, result)?;
        assert!(
            matches!(&error, Error::Closure { message, .. } if *message == format!("node {bad}")),
            "{error:?}"
        );
        alive(comm, &mut list, &[7, 2, 3, 4, 5, 6, 7, 8])?;
    }
    let result = list.try_update_per_node(|_| Err::<(), _>(comm.rank()));
    assert_eq!(
        same_error(comm, result)?,
        Error::Closure {
            rank: 0,
            message: "0".to_owned()
        }
    );
    works(comm)
}

/// `update_per_node` panics on one node.
pub fn per_node_panics(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    for bad in 0..comm.node().count {
        let mut ran = false;
        let call = list.update_per_node(|_| ());
        call?;
        let mut call = || {
            list.update_per_node(|mut w| {
                w[1] = 9;
                ran = true;
                if comm.node().index == bad {
                    boom()
                }
            })
        };
        let (root, mine) = first_of_node(comm, bad)?;
        assert_boom(others_of(comm, root, &mut call)?, root);
        assert_eq!(ran, comm.node().rank == 0);
        assert_eq!(mine, comm.rank() == root);
        alive(comm, &mut list, &[1, 9, 3, 4, 5, 6, 7, 8])?;
    }
    Ok(())
}

/// The rank of a node that runs its closures, and whether it is this one.
fn first_of_node(comm: &Comm, node: usize) -> Result<(usize, bool), Error> {
    let mine = comm.node().index == node && comm.node().rank == 0;
    let mut rank = Shared::<[usize]>::new(comm, 1)?;
    rank.assign(0, mine.then_some(&[comm.rank()]))?;
    Ok((rank.view()[0], mine))
}

/// The closure of `set_with` panics: nothing has been written.
pub fn set_with_panics(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let before = list.to_owned();
    for root in 0..comm.size() {
        let error = others_of(comm, root, || {
            list.set_with(root, 0, || -> Vec<u64> { boom() })
        })?;
        assert_boom(error, root);
        alive(comm, &mut list, &before)?;
    }
    Ok(())
}

/// `try_from_root` fails on each root: no object, no harm.
pub fn from_root_fails(comm: &Comm) -> Outcome {
    for root in 0..comm.size() {
        let made = Shared::<Array2<f64>>::try_from_root(comm, root, || {
            Err::<Array2<f64>, _>("no such file")
        });
        let error = same_error(comm, made)?;
        assert_eq!(
            error,
            Error::Closure {
                rank: root,
                message: "no such file".to_owned()
            }
        );
        works(comm)?;
    }
    Ok(())
}

/// `from_root` panics on each root, once in the way that panics usually come.
pub fn from_root_panics(comm: &Comm) -> Outcome {
    for root in 0..comm.size() {
        let error = others_of(comm, root, || {
            Shared::<[u64]>::from_root(comm, root, || boom())
        })?;
        assert_boom(error, root);
        works(comm)?;
    }
    #[allow(clippy::panic, reason = "a panic in a closure is the subject")]
    let error = others_of(comm, 0, || {
        Shared::<[u64]>::from_root(comm, 0, || panic!("boom"))
    })?;
    assert_boom(error, 0);
    works(comm)
}

/// Messages of any length and alphabet: all ranks have the same text, and it begins as the message does.
pub fn long_messages(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let root = comm.size() - 1;
    for text in [
        String::new(),
        "x".repeat(399),
        "x".repeat(10_000),
        "ü€𝄞".repeat(300),
        "a\0b\n".to_owned(),
    ] {
        let error = same_error(comm, list.try_update(root, |_| Err::<(), _>(&text)))?;
        let Error::Closure { message, .. } = error else {
            panic!("{error:?}")
        };
        assert!(
            message
                .chars()
                .zip(text.chars())
                .take(50)
                .all(|(a, b)| a == b),
            "{message}"
        );
        let error = same_error(comm, list.try_update_per_node(|_| Err::<(), _>(&text)))?;
        assert!(matches!(error, Error::Closure { rank: 0, .. }), "{error:?}");
        let made = Shared::<[u8]>::try_from_root(comm, root, || Err::<Vec<u8>, _>(&text));
        assert!(matches!(same_error(comm, made)?, Error::Closure { .. }));
    }
    alive(comm, &mut list, &[1, 2, 3, 4, 5, 6, 7, 8])
}

/// A payload that is no text is handed on unharmed.
pub fn payloads_of_any_type(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let root = comm.size() / 2;
    let caught = catch_unwind(AssertUnwindSafe(|| {
        list.update(root, |_| resume_unwind(Box::new(42_u8)))
    }));
    let error = match caught {
        Ok(result) => result.err(),
        Err(payload) => {
            assert_eq!(payload.downcast_ref::<u8>(), Some(&42));
            None
        }
    };
    let error = others_error(comm, root, error)?;
    assert!(error.is_none_or(|error| matches!(error, Error::Closure { rank, .. } if rank == root)));
    alive(comm, &mut list, &[1, 2, 3, 4, 5, 6, 7, 8])
}

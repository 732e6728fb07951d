//! Closures that fail or panic.
//!
//! What a closure wrote before it failed stays, equal on all nodes, and the `Comm` still works. Panics are raised by
//! `resume_unwind`, which prints nothing, except where a real panic is the subject.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ndarray::Array2;
use pshmem::{Comm, Error, Shared};

use super::support::{assert_panic_error, call_with_panic, check_values, deliberate_panic};
use crate::collective::{check_usable, error_of_others, one_to_eight, same_error};
use crate::report::Outcome;

/// The closure of `try_update` fails on each root after it has written: all ranks get the error, and all nodes what was
/// written.
pub(crate) fn update_fails(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut model = list.to_owned();
    for root in 0..comm.size() {
        let result = list.try_update(root, |mut w| {
            w[root % 8] = 100;
            Err::<(), _>(format!("rank {root} fails"))
        });
        model[root % 8] = 100;
        let error = same_error(comm, result)?;
        assert_eq!(
            error,
            Error::Closure {
                rank: root,
                message: format!("rank {root} fails")
            }
        );
        check_values(comm, &mut list, &model)?;
        // A failure before anything was written changes nothing.
        let error = same_error(comm, list.try_update(root, |w| Err::<(), _>(w[0])))?;
        assert_eq!(
            error,
            Error::Closure {
                rank: root,
                message: model[0].to_string()
            }
        );
        check_values(comm, &mut list, &model)?;
    }
    Ok(())
}

/// The closure of `update` panics on each root after it has written.
pub(crate) fn update_panics(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut model = list.to_owned();
    for root in 0..comm.size() {
        model[root % 8] = 100;
        let error = call_with_panic(comm, root, || {
            list.update(root, |mut w| {
                w[root % 8] = 100;
                deliberate_panic()
            })
        })?;
        assert_panic_error(error, root);
        check_values(comm, &mut list, &model)?;
        let error = call_with_panic(comm, root, || {
            list.try_update(root, |_| -> Result<(), String> { deliberate_panic() })
        })?;
        assert_panic_error(error, root);
        check_values(comm, &mut list, &model)?;
    }
    Ok(())
}

/// The closure of `try_update_per_node` fails on one node, and on all nodes: the error of the lowest rank counts.
pub(crate) fn per_node_fails(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let node = comm.node();
    for failing in 0..node.count {
        let result = list.try_update_per_node(|mut w| {
            w[0] = 7;
            if node.index == failing {
                Err(format!("node {failing}"))
            } else {
                Ok(())
            }
        });
        let error = same_error(comm, result)?;
        assert!(
            matches!(&error, Error::Closure { message, .. } if *message == format!("node {failing}")),
            "{error:?}"
        );
        check_values(comm, &mut list, &[7, 2, 3, 4, 5, 6, 7, 8])?;
    }
    let result = list.try_update_per_node(|_| Err::<(), _>(comm.rank()));
    assert_eq!(
        same_error(comm, result)?,
        Error::Closure {
            rank: 0,
            message: "0".to_owned()
        }
    );
    check_usable(comm)
}

/// The closure of `update_per_node` panics on one node.
pub(crate) fn per_node_panics(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    for failing in 0..comm.node().count {
        let mut ran = false;
        let call = list.update_per_node(|_| ());
        call?;
        let mut call = || {
            list.update_per_node(|mut w| {
                w[1] = 9;
                ran = true;
                if comm.node().index == failing {
                    deliberate_panic()
                }
            })
        };
        let (root, mine) = first_of_node(comm, failing)?;
        assert_panic_error(call_with_panic(comm, root, &mut call)?, root);
        assert_eq!(ran, comm.node().rank == 0);
        assert_eq!(mine, comm.rank() == root);
        check_values(comm, &mut list, &[1, 9, 3, 4, 5, 6, 7, 8])?;
    }
    Ok(())
}

/// The rank that runs the closures of a node, and whether it is this rank.
fn first_of_node(comm: &Comm, node: usize) -> Result<(usize, bool), Error> {
    let mine = comm.node().index == node && comm.node().rank == 0;
    let mut rank = Shared::<[usize]>::new(comm, 1)?;
    rank.assign(0, mine.then_some(&[comm.rank()]))?;
    Ok((rank.view()[0], mine))
}

/// The closure of `set_with` panics: nothing has been written.
pub(crate) fn set_with_panics(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let before = list.to_owned();
    for root in 0..comm.size() {
        let error = call_with_panic(comm, root, || {
            list.set_with(root, 0, || -> Vec<u64> { deliberate_panic() })
        })?;
        assert_panic_error(error, root);
        check_values(comm, &mut list, &before)?;
    }
    Ok(())
}

/// The closure of `try_from_root` fails on each root: no object is created.
pub(crate) fn from_root_fails(comm: &Comm) -> Outcome {
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
        check_usable(comm)?;
    }
    Ok(())
}

/// The closure of `from_root` panics on each root, once by `panic!`.
pub(crate) fn from_root_panics(comm: &Comm) -> Outcome {
    for root in 0..comm.size() {
        let error = call_with_panic(comm, root, || {
            Shared::<[u64]>::from_root(comm, root, || deliberate_panic())
        })?;
        assert_panic_error(error, root);
        check_usable(comm)?;
    }
    #[allow(clippy::panic, reason = "a panic in a closure is the subject")]
    let error = call_with_panic(comm, 0, || {
        Shared::<[u64]>::from_root(comm, 0, || panic!("a deliberate panic"))
    })?;
    assert_panic_error(error, 0);
    check_usable(comm)
}

/// Error messages of any length and alphabet: all ranks get the same text, which begins as the message does.
pub(crate) fn long_error_messages(comm: &Comm) -> Outcome {
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
    check_values(comm, &mut list, &[1, 2, 3, 4, 5, 6, 7, 8])
}

/// A panic payload that is no text is preserved.
pub(crate) fn panic_payloads(comm: &Comm) -> Outcome {
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
    let error = error_of_others(comm, root, error)?;
    assert!(error.is_none_or(|error| matches!(error, Error::Closure { rank, .. } if rank == root)));
    check_values(comm, &mut list, &[1, 2, 3, 4, 5, 6, 7, 8])
}

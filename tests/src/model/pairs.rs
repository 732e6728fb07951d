//! Calls on two objects, `copy_from` and `swap`, and closures in which handles are dropped.

use pshmem::{Error, Result, Shared};

use super::object::{AnyObject, on_array};
use super::ops::{Op, OpKind};
use super::rng::Rng;
use super::state::State;
use crate::collective::{duplicate, same_error};
use crate::report::Outcome;

/// Copies from a new object, or swaps with it, which then is dropped in place of the old one.
pub(super) fn copy_or_swap(object: &mut dyn AnyObject, kind: OpKind, mut rng: Rng) -> Result<()> {
    let comm = object.comm().clone();
    // A swap exchanges whole objects, whose extents may differ.
    let other_extents = kind == OpKind::Swap && rng.below(2) == 0;
    let mut other = object.partner(&comm, other_extents, rng)?;
    if kind == OpKind::Swap {
        object.swap(&mut *other)?;
    } else {
        object.copy_from(&*other)?;
    }
    object.check();
    other.check();
    Ok(())
}

/// The same with objects that do not fit together. All ranks get the same error.
pub(super) fn copy_or_swap_in_vain(object: &mut dyn AnyObject, kind: usize, rng: Rng) -> Outcome {
    let comm = object.comm().clone();
    let is_on_other_comm = !kind.is_multiple_of(3);
    let other_comm = if is_on_other_comm {
        duplicate(&comm)?
    } else {
        comm.clone()
    };
    let mut other = object.partner(&other_comm, !is_on_other_comm, rng)?;
    let result = if kind % 3 == 1 {
        object.swap(&mut *other)
    } else {
        object.copy_from(&*other)
    };
    object.check();
    other.check();
    match same_error(&comm, result)? {
        Error::OtherComm { .. } if is_on_other_comm => Ok(()),
        Error::Extents { .. } if !is_on_other_comm => Ok(()),
        error => Err(format!("unexpected error: {error:?}").into()),
    }
}

/// Writes an object by a call in whose closures a `Comm` is dropped, with all objects and locks on it. Where the closure does not
/// run, they are dropped after the call.
pub(super) fn drop_inside(state: &mut State<'_>, op: &Op) -> Outcome {
    if state.objects.is_empty() || state.comms.is_empty() || state.exits.iter().any(Option::is_some)
    {
        return Ok(());
    }
    let mut entry = state.objects.remove(op.target % state.objects.len());
    let comm = state.comms[op.root % state.comms.len()].clone();
    let mut handles = Some(state.remove(comm));
    let drop_handles = &mut || {
        drop(handles.take());
        // A `Comm` of one rank may be used inside.
        let solo = pshmem::Comm::solo();
        let inner = Shared::<[u8]>::from_root(&solo, 0, || vec![7; 3]);
        assert_eq!(inner.expect("nobody else takes part").view(), [7; 3]);
    };
    let object = &mut *entry.object;
    let root = op.root % object.comm().size();
    let mut rng = Rng::new(op.seed ^ entry.salt);
    let is_update = rng.below(2) == 0;
    on_array(object, op.seed, |array| {
        if is_update {
            array.update(root, rng, drop_handles)
        } else {
            array.update_parts(rng, drop_handles)
        }
    })?;
    drop(handles);
    entry.object.check();
    state.objects.push(entry);
    state.refill()
}

//! Collective calls inside the closure of another one: rejected at once, without any effect on other ranks.

use pshmem::{Comm, Domain, Error, Op, Shared};

use super::support::check_values;
use crate::collective::{check_usable, duplicate, one_to_eight, same_error};
use crate::report::{Outcome, does_not_apply};

/// Makes every kind of collective call on `inner`, and returns whether each was rejected.
fn all_nested(inner: &Comm, list: &mut Shared<[u64]>) -> bool {
    let nested = |error: Option<Error>| matches!(error, Some(Error::Nested { .. }));
    let data = [1];
    nested(inner.barrier().err())
        && nested(inner.split(Some(0), 0).err())
        && nested(inner.node_comm().err())
        && nested(inner.with_ranks_per_node(1).err())
        && nested(inner.with_domains(Domain::Node).err())
        && nested(Shared::<[u8]>::new(inner, 3).err())
        && nested(Shared::<u64>::from_root(inner, 0, || 1).err())
        && nested(list.set(0, 0, Some(&data)).err())
        && nested(list.set_with(0, 0, || data).err())
        && nested(list.assign(0, Some(&data)).err())
        && nested(list.fill(1).err())
        && nested(list.update(0, |mut w| w[0] = 1).err())
        && nested(list.update_per_node(|mut w| w[0] = 1).err())
        && nested(list.update_parts(|_, part| part.fill(1)).err())
        && nested(list.update_parts_by(&[8], |_, part| part.fill(1)).err())
        && nested(list.gather(0, &[]).err())
        && nested(list.gather_in_order(&[]).err())
        && nested(list.reduce_into(Op::sum(), &[1; 8]).err())
        && nested(list.accumulate(Op::sum(), &[1; 8]).err())
        && nested(list.resize(9).err())
}

/// A collective call inside the closure of `update` is rejected at once, on the same `Comm` and on another.
pub(crate) fn in_update(comm: &Comm) -> Outcome {
    if comm.size() == 1 {
        return does_not_apply("it needs two ranks");
    }
    let mut list = one_to_eight(comm)?;
    let other = duplicate(comm)?;
    let mut others = [one_to_eight(comm)?, one_to_eight(&other)?];
    for root in 0..comm.size() {
        for inner in &mut others {
            let on = inner.comm().clone();
            let rejected = list.update(root, |mut w| {
                w[7] = root as u64;
                all_nested(&on, inner)
            })?;
            assert_eq!(rejected, (comm.rank() == root).then_some(true));
            // No other rank has seen the rejected calls: the same calls work now.
            check_values(comm, inner, &[1, 2, 3, 4, 5, 6, 7, 8])?;
            inner.set(root, 0, Some(&[1]))?;
            check_usable(&on)?;
        }
        let result = list.try_update(root, |_| comm.barrier());
        assert!(matches!(same_error(comm, result)?, Error::Closure { rank, .. } if rank == root));
    }
    Ok(())
}

/// The same inside the closures of `set_with`, `update_per_node` and `from_root`.
pub(crate) fn in_other_closures(comm: &Comm) -> Outcome {
    if comm.size() == 1 {
        return does_not_apply("it needs two ranks");
    }
    let mut list = one_to_eight(comm)?;
    let mut other = one_to_eight(comm)?;
    for root in 0..comm.size() {
        let mut rejected = None;
        list.set_with(root, 0, || {
            rejected = Some(all_nested(comm, &mut other));
            [1]
        })?;
        assert_eq!(
            rejected,
            (comm.rank() == root).then_some(true),
            "in set_with"
        );
        let rejected = list.update_per_node(|_| all_nested(comm, &mut other))?;
        assert_eq!(
            rejected,
            (comm.node().rank == 0).then_some(true),
            "in update_per_node"
        );
        let made = Shared::<u8>::from_root(comm, root, || u8::from(all_nested(comm, &mut other)))?;
        assert_eq!(*made.view(), 1, "in from_root");
        let error = same_error(
            comm,
            Shared::<u8>::try_from_root(comm, root, || comm.barrier().map(|()| 1)),
        )?;
        assert!(
            matches!(error, Error::Closure { rank, .. } if rank == root),
            "{error:?}"
        );
        check_values(comm, &mut other, &[1, 2, 3, 4, 5, 6, 7, 8])?;
    }
    Ok(())
}

/// Objects and `Comm`s may be dropped inside a closure: a drop is no collective call.
pub(crate) fn drops_inside_closures(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    for root in 0..comm.size() {
        let part = duplicate(comm)?;
        let (small, large) = (one_to_eight(&part)?, Shared::<[u8]>::new(&part, 400 << 10)?);
        list.update(root, move |mut w| {
            w[0] = small.view()[0] + u64::from(large.view()[0]);
            drop((small, large, part));
        })?;
        check_values(comm, &mut list, &[1, 2, 3, 4, 5, 6, 7, 8])?;
    }
    Ok(())
}

//! User code inside collective calls: what it drops, ends or runs has no effect on other ranks before the call has ended.

use std::cell::Cell;
use std::time::Duration;

use pshmem::{AsBlock, Batch, Comm, Error, Op, Shared, SharedLayout};

use super::support::{assert_panic_error, call_with_panic, check_values, deliberate_panic};
use crate::collective::{check_usable, one_to_eight, outliers};
use crate::report::{Outcome, does_not_apply};

/// How a rank ends its task inside a closure.
#[derive(Clone, Copy)]
enum End {
    Failed,
    Done,
    Dropped,
}

/// A rank ends its task in the middle of a call on the worker's `Comm`, before it writes. No rank returns before all have
/// written, and the call succeeds. What follows on this `Comm` is an error on all ranks.
pub(crate) fn tasks_end_in_closures(comm: &Comm) -> Outcome {
    let size = comm.size();
    if size == 1 {
        return does_not_apply("it needs two ranks");
    }
    for end in [End::Failed, End::Done, End::Dropped] {
        for early in outliers(comm) {
            let batch = Batch::builder(comm, 1).worker_size(size).build()?;
            let mut task = batch.next_task()?;
            let worker = batch.worker_comm();
            let mut list = Shared::<[u64]>::new(&worker, 4 * size)?;
            let mut end_task = || {
                if worker.rank() == early {
                    let task = task.take();
                    match (end, task) {
                        (End::Failed, Some(task)) => task.failed("inside a closure").unwrap(),
                        (End::Done, Some(task)) => task.done().unwrap(),
                        (End::Dropped, task) => drop(task),
                        (_, None) => unreachable!("the task is ended once"),
                    }
                    // The others would have returned by now, if they could.
                    std::thread::sleep(Duration::from_millis(20));
                }
            };
            list.update_parts(|rows, part| {
                end_task();
                for (row, item) in rows.zip(part) {
                    *item = row as u64 + 1;
                }
            })?;
            let expected: Vec<u64> = (1..=4 * size as u64).collect();
            assert_eq!(list.view(), &expected[..]);
            if let End::Failed | End::Dropped = end {
                let error = worker.barrier().expect_err("the task has failed");
                assert!(matches!(error, Error::TaskFailed { .. }), "{error:?}");
            }
            if let Some(task) = task {
                task.done()?;
            }
            assert!(batch.next_task()?.is_none());
            drop(batch);
            check_usable(comm)?;
        }
    }
    Ok(())
}

/// The same in the operation of a reduction, and in the closure of `update_per_node` on each node.
pub(crate) fn tasks_end_in_operations(comm: &Comm) -> Outcome {
    let size = comm.size();
    if size == 1 {
        return does_not_apply("it needs two ranks");
    }
    for early in outliers(comm) {
        let batch = Batch::builder(comm, 1).worker_size(size).build()?;
        let task = Cell::new(batch.next_task()?);
        let worker = batch.worker_comm();
        let mut list = Shared::<[u64]>::new(&worker, 64 * size)?;
        let end_task = || {
            if worker.rank() == early
                && let Some(task) = task.take()
            {
                task.failed("inside an operation").unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        let add = Op::new(|a: u64, b: u64| {
            end_task();
            a + b
        });
        list.reduce_into(add, &vec![1; 64 * size])?;
        assert!(list.view().iter().all(|&sum| sum == size as u64));
        drop(list);
        if let Some(task) = task.take() {
            task.done()?;
        }
        assert!(batch.next_task()?.is_none());
        drop(batch);
        check_usable(comm)?;
    }
    for early in outliers(comm) {
        let batch = Batch::builder(comm, 1).worker_size(size).build()?;
        let mut task = batch.next_task()?;
        let worker = batch.worker_comm();
        let mut value = Shared::<u64>::new(&worker, ())?;
        value.update_per_node(|mut w| {
            if worker.rank() == early
                && let Some(task) = task.take()
            {
                task.failed("inside update_per_node").unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
            *w = 7;
        })?;
        assert_eq!(*value.view(), 7);
        if let Some(task) = task {
            task.done()?;
        }
        assert!(batch.next_task()?.is_none());
        drop(batch);
        check_usable(comm)?;
    }
    Ok(())
}

/// A block whose conversion or `Drop` misbehaves.
struct Misbehaving<'a> {
    comm: &'a Comm,
    panics: bool,
    is_rejected: &'a Cell<bool>,
}

impl AsBlock<[u64]> for Misbehaving<'_> {
    fn as_block(&self) -> &[u64] {
        if self.panics {
            deliberate_panic()
        }
        &[9, 9]
    }
}

impl Drop for Misbehaving<'_> {
    fn drop(&mut self) {
        let is_rejected = matches!(self.comm.barrier(), Err(Error::Nested { .. }));
        self.is_rejected.set(is_rejected);
    }
}

/// The block of `set_with` makes a collective call in its `Drop`, which is rejected, or panics in `as_block`, which is an error
/// of the call on the other ranks.
pub(crate) fn blocks_misbehave(comm: &Comm) -> Outcome {
    if comm.size() == 1 {
        return does_not_apply("it needs two ranks");
    }
    let mut list = one_to_eight(comm)?;
    let is_rejected = Cell::new(false);
    let block = |panics| Misbehaving {
        comm,
        panics,
        is_rejected: &is_rejected,
    };
    for root in 0..comm.size() {
        is_rejected.set(false);
        list.set_with(root, 2, || block(false))?;
        assert_eq!(is_rejected.get(), comm.rank() == root);
        check_values(comm, &mut list, &[1, 2, 9, 9, 5, 6, 7, 8])?;
        is_rejected.set(false);
        let error = call_with_panic(comm, root, || list.set_with(root, 0, || block(true)))?;
        assert_panic_error(error, root);
        assert_eq!(is_rejected.get(), comm.rank() == root);
        check_values(comm, &mut list, &[1, 2, 9, 9, 5, 6, 7, 8])?;
        list.set(root, 0, Some(&[1, 2, 3, 4]))?;
    }
    Ok(())
}

/// `next_task` fails on all ranks because one has not ended its task. The worker has a new `Comm` afterwards, which works, and
/// calls on the old one are errors.
pub(crate) fn worker_comm_after_a_held_task(comm: &Comm) -> Outcome {
    let size = comm.size();
    if size == 1 {
        return does_not_apply("it needs two ranks");
    }
    for holder in outliers(comm) {
        let batch = Batch::builder(comm, 2).worker_size(size).build()?;
        let first = batch.next_task()?.expect("two tasks");
        let kept = batch.worker_comm();
        let mut held = Some(first);
        if comm.rank() != holder
            && let Some(task) = held.take()
        {
            task.done()?;
        }
        let error = batch.next_task().map(|_| ()).expect_err("a task is held");
        assert!(matches!(error, Error::TaskHeld { .. }), "{error:?}");
        check_usable(&batch.worker_comm())?;
        // Ranks take turns: none may wait for another one on the `Comm` of before, which the others do not use any more.
        for rank in 0..size {
            if comm.rank() == rank {
                let error = kept.barrier().expect_err("it has been replaced");
                assert!(matches!(error, Error::Diverged { .. }), "{error:?}");
            }
            comm.barrier()?;
        }
        if let Some(task) = held.take() {
            task.done()?;
        }
        let second = batch.next_task()?.expect("two tasks");
        check_usable(&batch.worker_comm())?;
        second.done()?;
        assert!(batch.next_task()?.is_none());
        drop(batch);
        check_usable(comm)?;
    }
    Ok(())
}

#[derive(SharedLayout)]
struct Three {
    outer: Vec<u64>,
    inner: Vec<u64>,
    counter: u64,
}

/// Fields of one object are updated inside the updates of others, which a `Comm` of one rank allows. At `PSHMEM_CHECK=2`, no
/// update takes what another one has written for a stray write.
pub(crate) fn updates_inside_updates(comm: &Comm) -> Outcome {
    let solo = Comm::solo();
    let dims = ThreeDims { outer: 9, inner: 9 };
    let mut three = Shared::<Three>::new(&solo, dims)?;
    let mut fields = three.fields();
    for round in 1..4 {
        fields.outer.update(0, |mut outer| {
            outer[0] = round;
            let result = fields.inner.update(0, |mut inner| {
                inner.fill(round);
                fields.counter.update(0, |mut counter| *counter += round)
            });
            result.unwrap().unwrap().unwrap().unwrap();
            outer[8] = round;
        })?;
    }
    let view = three.view();
    assert_eq!((view.outer[0], view.outer[8]), (3, 3));
    assert_eq!(view.inner, [3; 9]);
    assert_eq!(*view.counter, 6);
    comm.barrier()?;
    Ok(())
}

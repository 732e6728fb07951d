//! Which worker gets which task, in which order, and when no worker gets another one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use pshmem::{Batch, Comm, Engine, Error, Shared, TaskState};

use super::{possible_worker_sizes, task_names};
use crate::collective::{check_same_text, check_usable, error_of_others, sum};
use crate::marks::Marks;
use crate::report::{Outcome, does_not_apply};
use crate::temp_dir::TempDir;

/// Each task is run once, by any worker, and all ranks get the same report.
pub(crate) fn each_task_once(comm: &Comm) -> Outcome {
    for tasks in [0, 1, 3, 200] {
        let batch = Batch::builder(comm, tasks).root(comm.size() - 1).build()?;
        let mut mine = vec![0_u64; tasks];
        let report = batch.run(|task, worker| -> Result<(), Error> {
            assert_eq!(worker.size(), 1);
            mine[task.index()] += 1;
            Ok(())
        })?;
        for (task, count) in mine.iter().enumerate() {
            assert_eq!(sum(comm, *count)?, 1, "task {task}");
        }
        assert_eq!(report.count(TaskState::Done), tasks);
        for (index, task) in report.tasks.iter().enumerate() {
            assert_eq!((task.index, task.attempts), (index, 1));
            let is_mine = task.worker == Some(batch.worker());
            assert_eq!(is_mine, mine[index] == 1);
        }
        assert!(batch.next_task()?.is_none());
        let node_only = comm.node().count == 1;
        assert_eq!(batch.engine() == Engine::NodeAtomics, node_only);
        check_same_text(comm, &report.to_csv())?;
    }
    Ok(())
}

/// All ranks of a worker get the same task, and can make collective calls while they run it.
pub(crate) fn worker_sizes(comm: &Comm) -> Outcome {
    let mut batches = Vec::new();
    for size in possible_worker_sizes(comm) {
        let batch = Batch::builder(comm, 20).worker_size(size).build()?;
        assert_eq!(batch.n_workers(), comm.size() / size);
        assert_eq!(batch.worker(), comm.rank() / size);
        batches.push(batch);
    }
    if comm.size() > 1 {
        let rest = comm.size() - 1;
        let batch = Batch::builder(comm, 20).worker_sizes(&[1, rest]).build()?;
        assert_eq!(batch.n_workers(), 2);
        batches.push(batch);
    }
    for batch in batches {
        let mut mine = 0;
        let report = batch.run(|task, worker| {
            let mut seen = Shared::<[u64]>::new(worker, worker.size())?;
            for rank in 0..worker.size() {
                seen.set_with(rank, rank, || [task.index() as u64])?;
            }
            assert!(seen.view().iter().all(|&seen| seen == task.index() as u64));
            mine += u64::from(worker.rank() == 0);
            Ok::<(), Error>(())
        })?;
        assert_eq!(report.count(TaskState::Done), 20, "{report}");
        assert_eq!(sum(comm, mine)?, 20);
    }
    Ok(())
}

/// Tasks are run in order of cost, the largest first, and tasks of equal cost in order of index.
pub(crate) fn order_by_cost(comm: &Comm) -> Outcome {
    let costs = [1.0, 5.0, f64::NAN, 5.0, 9.0];
    let batch = Batch::builder(comm, 5)
        .worker_size(comm.size())
        .order(|task| costs[task])
        .build()?;
    let mut order = Vec::new();
    while let Some(task) = batch.next_task()? {
        order.push(task.index());
        task.done()?;
    }
    assert_eq!(order, [4, 1, 3, 0, 2]);
    Ok(())
}

/// The closure of `order` panics: the other ranks get an error, and no batch is built.
pub(crate) fn order_closure_panics(comm: &Comm) -> Outcome {
    let root = comm.size() - 1;
    let build = || {
        let builder = Batch::builder(comm, 3).root(root);
        builder
            .order(|task| -> u64 { panic!("no cost for {task}") })
            .build()
    };
    let result = catch_unwind(AssertUnwindSafe(build));
    assert_eq!(result.is_err(), comm.rank() == root);
    let error = error_of_others(comm, root, result.ok().and_then(Result::err))?;
    if let Some(error) = error {
        assert!(matches!(error, Error::Closure { .. }), "{error:?}");
    }
    check_usable(comm)
}

/// The other ranks get tasks while the root of the batch makes no calls.
pub(crate) fn root_computes_while_others_claim(comm: &Comm) -> Outcome {
    let batch = Batch::builder(comm, 50).build()?;
    let marks = Marks::new(comm)?;
    if comm.rank() == 0 {
        // In a few worlds long enough to show anything that waits for a call of the root.
        let is_long = comm.size() == 3 && comm.node().count == 2;
        std::thread::sleep(Duration::from_millis(if is_long { 1500 } else { 300 }));
        marks.wait_for_others();
        let left = batch.next_task()?;
        assert_eq!(left.is_some(), comm.size() == 1);
    } else {
        while let Some(task) = batch.next_task()? {
            task.done()?;
        }
        marks.set(comm.rank())?;
    }
    comm.barrier()?;
    Ok(())
}

/// Many batches, some of them unused, and two at the same time.
pub(crate) fn many_batches(comm: &Comm) -> Outcome {
    let outer = Batch::builder(comm, 5).build()?;
    for round in 0..20 {
        let batch = Batch::builder(comm, round)
            .worker_size(comm.size())
            .build()?;
        if round % 2 == 0 {
            let report = batch.run(|_, _| Ok::<(), Error>(()))?;
            assert_eq!(report.count(TaskState::Done), round);
        }
    }
    assert_eq!(
        outer
            .run(|_, _| Ok::<(), Error>(()))?
            .count(TaskState::Done),
        5
    );
    Ok(())
}

/// A very large batch: the time depends on the tasks that are claimed, not on all.
pub(crate) fn ten_million_tasks(comm: &Comm) -> Outcome {
    if comm.size() > 2 {
        return does_not_apply("one world of two ranks shows it");
    }
    let batch = Batch::builder(comm, 10_000_000).build()?;
    for _ in 0..3 {
        let task = batch.next_task()?.ok_or("there are more")?;
        let index = task.index();
        task.done()?;
        assert_eq!(batch.state(index)?, TaskState::Done);
    }
    assert_eq!(batch.state(9_999_999)?, TaskState::Open);
    check_usable(comm)
}

/// After `stop`, `request_stop`, or at the end of the wall time, no worker gets another task, and the rest stays open.
pub(crate) fn stop(comm: &Comm) -> Outcome {
    let last = comm.rank() == comm.size() - 1;
    let batch = Batch::builder(comm, 2 * comm.size()).build()?;
    if let Some(task) = batch.next_task()? {
        comm.barrier()?;
        if last {
            batch.stop()?;
        }
        comm.barrier()?;
        assert!(batch.next_task().is_err(), "it still has a task");
        task.done()?;
    }
    assert!(batch.next_task()?.is_none());
    assert_eq!(batch.report()?.count(TaskState::Open), comm.size());

    let dir = TempDir::shared(comm)?;
    let batch = Batch::builder(comm, comm.size())
        .state_dir(dir.path(), task_names(comm.size()))
        .build()?;
    if last {
        Batch::request_stop(dir.path())?;
    }
    comm.barrier()?;
    assert!(batch.next_task()?.is_none());
    assert_eq!(batch.state(0)?, TaskState::Open);
    comm.barrier()?;

    let batch = Batch::builder(comm, 100)
        .worker_size(comm.size())
        .walltime(Duration::from_millis(200))
        .build()?;
    let report = batch.run(|_, _| {
        std::thread::sleep(Duration::from_millis(30));
        Ok::<(), Error>(())
    })?;
    let done = report.count(TaskState::Done);
    assert!(done < 7, "{done} tasks of 30 ms have ended in 200 ms");
    assert_eq!(report.count(TaskState::Open), 100 - done);
    Ok(())
}

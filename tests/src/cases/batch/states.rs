//! How tasks change state: how they end, how often they are run, and which are run at all.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pshmem::{Batch, Comm, Error, TaskState};

use super::possible_worker_sizes;
use crate::collective::{check_same_text, check_usable, outliers, same_error, sum};
use crate::report::Outcome;

/// A task is `Done` when all ranks of its worker call `done`, and else `Failed` with one message.
pub(crate) fn task_outcomes(comm: &Comm) -> Outcome {
    for size in possible_worker_sizes(comm) {
        let batch = Batch::builder(comm, 12).worker_size(size).build()?;
        while let Some(task) = batch.next_task()? {
            assert_eq!(batch.state(task.index())?, TaskState::Running);
            let failing = task.index() / 3 % size;
            if task.index() % 3 == 1 && batch.worker_rank() == failing {
                task.failed(format!("rank {failing} fails"))?;
            } else {
                task.done()?;
            }
        }
        let report = batch.report()?;
        for task in &report.tasks {
            if task.index % 3 == 1 {
                let failing = task.index / 3 % size;
                assert_eq!(task.state, TaskState::Failed);
                let reason = format!("rank {failing} fails");
                assert_eq!(task.error.as_deref(), Some(reason.as_str()));
            } else {
                assert_eq!((task.state, &task.error), (TaskState::Done, &None));
            }
            assert_eq!(batch.state(task.index)?, task.state);
        }
        check_same_text(comm, &format!("{report} {}", report.to_json()))?;
    }
    Ok(())
}

/// A task that is dropped, or ended by a panic, is `Failed`; the worker continues with the next.
pub(crate) fn dropped_and_panicked_tasks(comm: &Comm) -> Outcome {
    for size in possible_worker_sizes(comm) {
        let batch = Batch::builder(comm, 6).worker_size(size).build()?;
        while let Some(task) = batch.next_task()? {
            match task.index() % 3 {
                0 => drop(task),
                1 => {
                    let result = catch_unwind(AssertUnwindSafe(|| {
                        let _task = task;
                        panic!("a deliberate panic");
                    }));
                    assert!(result.is_err());
                }
                _ => task.done()?,
            }
        }
        let report = batch.report()?;
        assert_eq!(report.count(TaskState::Failed), 4, "{report}");
        assert_eq!(
            report.tasks[0].error.as_deref(),
            Some("it was dropped unfinished")
        );
        assert!(
            report.tasks[1]
                .error
                .as_ref()
                .is_some_and(|error| !error.is_empty())
        );
        let batch = Batch::builder(comm, 8).worker_size(size).build()?;
        let report = batch.run(|task, _| -> Result<(), Error> {
            assert!(task.index() != 5, "five is out");
            Ok(())
        })?;
        assert_eq!(report.count(TaskState::Failed), 1, "{report}");
        let error = report.tasks[5].error.clone().unwrap_or_default();
        assert!(error.contains("five is out"), "{error}");
    }
    Ok(())
}

/// Failed tasks are run again, as often as `retries` allows.
pub(crate) fn retries(comm: &Comm) -> Outcome {
    for size in possible_worker_sizes(comm) {
        let batch = Batch::builder(comm, 30)
            .worker_size(size)
            .retries(2)
            .build()?;
        let report = batch.run(|task, _| {
            if task.attempt() as usize > task.index() % 5 {
                Ok(())
            } else {
                Err(format!("not at attempt {}", task.attempt()))
            }
        })?;
        for task in &report.tasks {
            let needed = task.index % 5 + 1;
            let state = if needed <= 3 {
                TaskState::Done
            } else {
                TaskState::Failed
            };
            assert_eq!(
                (task.state, task.attempts as usize),
                (state, needed.min(3)),
                "{report}"
            );
            let error = (state == TaskState::Failed).then_some("not at attempt 3");
            assert_eq!(task.error.as_deref(), error);
        }
    }
    Ok(())
}

/// A rank fails while others wait for it on the worker's `Comm`: their call returns its message, and the next task has a
/// `Comm` that works.
pub(crate) fn failure_interrupts_the_worker(comm: &Comm) -> Outcome {
    let size = comm.size();
    let batch = Batch::builder(comm, 3 * size).worker_size(size).build()?;
    while let Some(task) = batch.next_task()? {
        let worker = batch.worker_comm();
        worker.barrier()?;
        let failing = task.index() % size;
        let index = task.index();
        if comm.rank() == failing {
            task.failed("a deliberate failure")?;
            if size > 1 {
                assert!(matches!(worker.barrier(), Err(Error::TaskFailed { .. })));
            }
            continue;
        }
        let error = worker
            .barrier()
            .expect_err("one rank does not make this call");
        let Error::TaskFailed {
            task: failed,
            rank,
            message,
            ..
        } = &error
        else {
            return Err(format!("{error:?}").into());
        };
        assert_eq!(
            (*failed, *rank, message.as_str()),
            (index, failing, "a deliberate failure")
        );
        task.failed(error)?;
    }
    let report = batch.report()?;
    assert_eq!(report.count(TaskState::Failed), 3 * size);
    for task in &report.tasks {
        assert_eq!(task.error.as_deref(), Some("a deliberate failure"));
    }
    check_usable(comm)
}

/// A rank ends its task while others wait for it on the worker's `Comm`: their call returns an error.
pub(crate) fn rank_finishes_while_others_wait(comm: &Comm) -> Outcome {
    let size = comm.size();
    for early in outliers(comm) {
        let batch = Batch::builder(comm, 2).worker_size(size).build()?;
        while let Some(task) = batch.next_task()? {
            let worker = batch.worker_comm();
            worker.barrier()?;
            if task.index() == 0 && comm.rank() != early {
                let error = worker.barrier().err();
                assert!(matches!(error, Some(Error::Diverged { .. })), "{error:?}");
                task.failed("a rank was missing")?;
            } else {
                task.done()?;
            }
        }
        let report = batch.report()?;
        assert_eq!(report.tasks[0].state, TaskState::Failed);
        assert_eq!(report.tasks[1].state, TaskState::Done);
    }
    check_usable(comm)
}

/// A rank that has not ended its task: `next_task` returns an error on its worker, which continues when the task has ended.
pub(crate) fn unfinished_task(comm: &Comm) -> Outcome {
    let size = comm.size();
    for late in 0..size {
        let batch = Batch::builder(comm, 2).worker_size(size).build()?;
        let mut task = batch.next_task()?;
        if comm.rank() != late {
            task.take().map_or(Ok(()), pshmem::Task::done)?;
        }
        let result = batch.next_task();
        let error = same_error(comm, result)?;
        assert_eq!(
            error,
            Error::TaskHeld {
                rank: late,
                task: 0
            }
        );
        task.take().map_or(Ok(()), pshmem::Task::done)?;
        let task = batch.next_task()?.ok_or("there are two tasks")?;
        assert_eq!(task.index(), 1);
        task.done()?;
        let report = batch.report()?;
        assert_eq!(report.count(TaskState::Done), 2, "{report}");
    }
    Ok(())
}

/// Only tasks whose initial state is `Open` are run, and those in the states given to `rerun`.
pub(crate) fn initial_states(comm: &Comm) -> Outcome {
    use TaskState::{Done, Failed, Invalid, Open, Running};
    let states = [Done, Open, Running, Failed, Invalid, Open, Done];
    let reruns: [(&[TaskState], &[usize]); 3] = [
        (&[], &[1, 4, 5]),
        (&[Failed, Running], &[1, 2, 3, 4, 5]),
        (&[Done], &[0, 1, 4, 5, 6]),
    ];
    for (rerun, expected) in reruns {
        let batch = Batch::builder(comm, states.len())
            .states(&states)
            .rerun(rerun)
            .build()?;
        let report = batch.run(|_, _| Ok::<(), Error>(()))?;
        let run = report.tasks.iter().filter(|task| task.attempts > 0);
        let run: Vec<usize> = run.map(|task| task.index).collect();
        assert_eq!(run, expected);
        for (index, state) in states.into_iter().enumerate() {
            let state = if run.contains(&index) { Done } else { state };
            assert_eq!(batch.state(index)?, state);
        }
    }
    Ok(())
}

/// Any rank may set a state; a task that is set to `Open` is run again.
pub(crate) fn set_state(comm: &Comm) -> Outcome {
    let batch = Batch::builder(comm, comm.size() * 2).build()?;
    let mine = comm.rank();
    batch.set_state(mine, TaskState::Failed)?;
    assert_eq!(batch.state(mine)?, TaskState::Failed);
    comm.barrier()?;
    let report = batch.run(|_, _| Ok::<(), Error>(()))?;
    assert_eq!(report.count(TaskState::Done), comm.size());
    comm.barrier()?;
    batch.set_state(mine, TaskState::Open)?;
    comm.barrier()?;
    let mut ran = 0;
    while let Some(task) = batch.next_task()? {
        assert!(task.index() < comm.size());
        ran += 1;
        task.done()?;
    }
    assert_eq!(sum(comm, ran)?, comm.size() as u64);
    let error = batch.state(comm.size() * 2).err();
    assert!(matches!(error, Some(Error::NoSuchTask { .. })));
    let error = batch.set_state(usize::MAX, TaskState::Done).err();
    assert!(matches!(error, Some(Error::NoSuchTask { .. })));
    Ok(())
}

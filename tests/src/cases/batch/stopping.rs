//! Tasks that are put back, and workers that begin no more tasks: because they are asked to, or because too many have failed.

use std::time::{Duration, Instant};

use pshmem::{Batch, Comm, Error, TaskState};

use super::{possible_worker_sizes, task_names};
use crate::collective::{check_same_text, check_usable, sum};
use crate::report::Outcome;
use crate::temp_dir::TempDir;

/// `should_stop` tells tasks that run of `stop`, and those that are put back are OPEN for the next batch, with all their retries.
pub(crate) fn tasks_are_put_back(comm: &Comm) -> Outcome {
    for size in possible_worker_sizes(comm) {
        let dir = TempDir::shared(comm)?;
        let workers = comm.size() / size;
        let tasks = 3 * workers;
        let builder = || {
            let builder = Batch::builder(comm, tasks).worker_size(size);
            builder.state_dir(dir.path(), task_names(tasks))
        };
        let batch = builder().build()?;
        let mut put_back = 0;
        while let Some(task) = batch.next_task()? {
            assert!(!task.should_stop());
            // All workers have a task.
            comm.barrier()?;
            batch.stop()?;
            let start = Instant::now();
            while !task.should_stop() {
                assert!(
                    start.elapsed() < Duration::from_secs(60),
                    "not told to stop"
                );
                std::thread::yield_now();
            }
            put_back += u64::from(batch.worker_rank() == 0);
            // One rank of a worker is enough.
            if batch.worker_rank() == size - 1 {
                task.put_back()?;
            } else {
                task.done()?;
            }
        }
        assert_eq!(sum(comm, put_back)?, workers as u64);
        let report = batch.report()?;
        assert_eq!(report.count(TaskState::Open), tasks, "{report}");
        drop(batch);
        comm.barrier()?;
        let report = builder().build()?.run(|_, _| Ok::<(), Error>(()))?;
        assert_eq!(report.count(TaskState::Done), tasks, "{report}");
        let twice = report.tasks.iter().filter(|task| task.attempts == 2);
        assert_eq!(twice.count(), workers);
        comm.barrier()?;
    }
    Ok(())
}

/// A task that a rank puts back and another one fails has failed.
pub(crate) fn failures_outweigh_put_backs(comm: &Comm) -> Outcome {
    let size = comm.size();
    let batch = Batch::builder(comm, 2).worker_size(size).build()?;
    while let Some(task) = batch.next_task()? {
        if task.index() == 1 {
            task.done()?;
        } else if comm.rank() == size - 1 {
            task.failed("no input")?;
        } else {
            task.put_back()?;
        }
    }
    let report = batch.report()?;
    let states: Vec<TaskState> = report.tasks.iter().map(|task| task.state).collect();
    assert_eq!(states, [TaskState::Failed, TaskState::Done]);
    Ok(())
}

/// A worker on which tasks fail in a row leaves, and the others do the rest.
pub(crate) fn halt_after_failures(comm: &Comm) -> Outcome {
    for retries in [0, 1] {
        let batch = Batch::builder(comm, 30)
            .halt_after(3)
            .retries(retries)
            .build()?;
        // Rank 0 is on a bad node.
        let report = batch.run(|_, _| {
            if comm.rank() == 0 {
                return Err("no disk");
            }
            std::thread::sleep(Duration::from_millis(1));
            Ok(())
        })?;
        check_same_text(comm, &report.to_csv())?;
        let failed = report.count(TaskState::Failed);
        if comm.size() == 1 {
            assert_eq!(report.count(TaskState::Open) + failed, 30, "{report}");
            assert_eq!(failed, if retries == 0 { 3 } else { 0 }, "{report}");
        } else if retries == 0 {
            assert!(
                failed <= 3 && report.count(TaskState::Open) == 0,
                "{report}"
            );
        } else {
            // Retried elsewhere.
            assert_eq!(report.count(TaskState::Done), 30, "{report}");
        }
        assert!(batch.next_task()?.is_none());
    }
    check_usable(comm)
}

/// A task that takes longer than its limit has failed with that reason, and is told to stop.
pub(crate) fn tasks_have_a_limit(comm: &Comm) -> Outcome {
    let limit = Duration::from_millis(20);
    let batch = Batch::builder(comm, 4)
        .worker_size(comm.size())
        .task_timeout(limit)
        .build()?;
    let report = batch.run(|task, _| -> Result<(), String> {
        if task.index() != 1 {
            return Ok(());
        }
        while !task.should_stop() {
            std::thread::yield_now();
        }
        Ok(())
    })?;
    assert_eq!(report.count(TaskState::Failed), 1, "{report}");
    let error = report.tasks[1].error.clone().unwrap_or_default();
    assert!(error.contains("task_timeout"), "{error}");
    Ok(())
}

/// Once a batch was stopped, nobody takes over a task of a job that has died.
pub(crate) fn nothing_is_taken_over_after_stop(comm: &Comm) -> Outcome {
    const ID: &str = "0123456789abcdef";
    let dir = TempDir::shared(comm)?;
    // A task of a process of another machine, which will be silent for the lease timeout.
    if comm.rank() == 0 {
        let (own, task) = (dir.path().join(".pshmem"), dir.path().join("task_0"));
        std::fs::create_dir_all(&own)?;
        std::fs::create_dir_all(&task)?;
        let record = "job far\nhost away\npid 7\nstarted 1\nspace there\ntimeout_ms 300\n";
        std::fs::write(own.join(ID), record)?;
        std::fs::write(task.join("state"), "RUNNING\n")?;
        std::fs::write(task.join(format!(".end.{ID}.0")), "DONE\n")?;
        std::os::unix::fs::symlink(format!("away:7:0:{ID}.0"), task.join(".attempt.1"))?;
    }
    comm.barrier()?;
    let build = || {
        let builder = Batch::builder(comm, 1).state_dir(dir.path(), ["task_0"]);
        builder.build()
    };
    let stopped = build()?;
    stopped.stop()?;
    comm.barrier()?;
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(400) {
        assert!(stopped.next_task()?.is_none());
        std::thread::sleep(Duration::from_millis(20));
    }
    // And while workers wait for it.
    let stopping = build()?;
    if comm.rank() == 0 {
        std::thread::sleep(Duration::from_millis(100));
        stopping.stop()?;
    }
    assert!(stopping.next_task()?.is_none());
    comm.barrier()?;
    let report = build()?.run(|_, _| Ok::<(), Error>(()))?;
    assert_eq!(
        (report.count(TaskState::Done), report.tasks[0].attempts),
        (1, 2)
    );
    comm.barrier()?;
    Ok(())
}

//! What several batches on one directory share: retries, reruns and the log.

use pshmem::{Batch, Comm, Error, TaskState};

use super::{possible_worker_sizes, task_names};
use crate::collective::sum;
use crate::report::Outcome;
use crate::temp_dir::TempDir;

/// A task is run once, and then as often as `retries` allows, in all batches together.
pub(crate) fn retries_over_jobs(comm: &Comm) -> Outcome {
    for size in possible_worker_sizes(comm) {
        let dir = TempDir::shared(comm)?;
        let run = |retries: u32| -> Result<u64, Error> {
            let batch = Batch::builder(comm, 3)
                .worker_size(size)
                .state_dir(dir.path(), task_names(3))
                .retries(retries)
                .build()?;
            let mut runs = 0;
            let report = batch.run(|task, worker| {
                runs += u64::from(worker.rank() == 0);
                if task.index() == 1 {
                    return Err("no luck");
                }
                Ok(())
            })?;
            assert_eq!(report.count(TaskState::Failed), 1, "{report}");
            sum(comm, runs)
        };
        assert_eq!([run(1)?, run(1)?, run(3)?, run(3)?], [4, 0, 2, 0]);
        let status = Batch::status(dir.path())?;
        assert_eq!(status.tasks()[1].attempts, 4, "{status}");
        comm.barrier()?;
    }
    Ok(())
}

/// Two batches that are at work together and ask for tasks to be rerun run each of them once.
pub(crate) fn reruns_are_shared(comm: &Comm) -> Outcome {
    let dir = TempDir::shared(comm)?;
    let builder = || Batch::builder(comm, 12).state_dir(dir.path(), task_names(12));
    builder().build()?.run(|_, _| Ok::<(), Error>(()))?;
    comm.barrier()?;
    let build = || builder().rerun(&[TaskState::Done]).build();
    let batches = [build()?, build()?];
    let mut runs = [0_u64; 12];
    for batch in batches.iter().cycle().take(30) {
        if let Some(task) = batch.next_task()? {
            runs[task.index()] += 1;
            task.done()?;
        }
    }
    comm.barrier()?;
    // A third one begins while they are there.
    let report = build()?.run(|task, _| {
        runs[task.index()] += 1;
        Ok::<(), Error>(())
    })?;
    assert_eq!(report.count(TaskState::Done), 12, "{report}");
    for (task, runs) in runs.iter().enumerate() {
        assert_eq!(sum(comm, *runs)?, 1, "task {task}");
    }
    drop(batches);
    comm.barrier()?;
    // And a fourth one after them.
    let mut again = 0;
    build()?.run(|_, _| {
        again += 1;
        Ok::<(), Error>(())
    })?;
    assert_eq!(sum(comm, again)?, 12);
    comm.barrier()?;
    Ok(())
}

/// The log has one line for each attempt, whoever made it, and is one file in the end.
pub(crate) fn the_log_lasts(comm: &Comm) -> Outcome {
    for size in possible_worker_sizes(comm) {
        let dir = TempDir::shared(comm)?;
        for job in 0..2 {
            let batch = Batch::builder(comm, 5)
                .worker_size(size)
                .state_dir(dir.path(), task_names(5))
                .retries(4)
                .build()?;
            let report = batch.run(|task, _| {
                if task.index() == 3 && task.attempt() < 3 {
                    return Err("not yet,\n\"no\"");
                }
                Ok(())
            })?;
            assert_eq!(report.tasks[3].attempts, 3, "job {job}: {report}");
            assert_eq!(report.count(TaskState::Done), 5, "job {job}: {report}");
            comm.barrier()?;
            let log = Batch::log(dir.path())?;
            assert_eq!(log.len(), 7, "job {job}: {log:?}");
            let failed: Vec<_> = log
                .iter()
                .filter(|entry| entry.state == TaskState::Failed)
                .collect();
            let attempts: Vec<u32> = failed.iter().map(|entry| entry.attempt).collect();
            assert_eq!(attempts, [1, 2]);
            assert!(
                failed
                    .iter()
                    .all(|entry| entry.task == "task_3" && entry.reason == "not yet,\n\"no\"")
            );
            assert!(
                log.iter()
                    .all(|entry| entry.worker.is_some() && entry.host == log[0].host
                        || comm.node().count > 1)
            );
            let text = dir.read("log.csv");
            assert_eq!(text.matches("DONE").count(), 5, "{text}");
            comm.barrier()?;
        }
    }
    Ok(())
}

/// The folder of a task cannot be used: the task has failed with the reason, the rest is done, and all ranks get their report.
pub(crate) fn unusable_folders(comm: &Comm) -> Outcome {
    for size in possible_worker_sizes(comm) {
        let dir = TempDir::shared(comm)?;
        let batch = Batch::builder(comm, 6)
            .worker_size(size)
            .state_dir(dir.path(), task_names(6))
            .build()?;
        comm.barrier()?;
        if comm.rank() == 0 {
            for task in ["task_1", "task_4"] {
                std::fs::remove_dir(dir.path().join(task))?;
                std::fs::write(dir.path().join(task), "")?;
            }
        }
        comm.barrier()?;
        let report = batch.run(|_, _| Ok::<(), Error>(()))?;
        assert_eq!(report.count(TaskState::Done), 4, "{report}");
        for task in [1, 4] {
            let found = &report.tasks[task];
            let error = found.error.clone().unwrap_or_default();
            assert_eq!(found.state, TaskState::Failed, "{report}");
            assert!(error.contains("Not a directory"), "{error}");
        }
        comm.barrier()?;
    }
    Ok(())
}

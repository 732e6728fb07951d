//! State files: what a batch writes, and what later batches on the same directory read.

use std::path::PathBuf;

use pshmem::{Batch, Comm, Error, TaskState};

use super::{possible_worker_sizes, task_names};
use crate::collective::sum;
use crate::report::{Failure, Outcome};
use crate::temp_dir::TempDir;

/// Every task has a directory with a state file, which is up to date as soon as all ranks have ended the task.
pub(crate) fn state_files(comm: &Comm) -> Outcome {
    for size in possible_worker_sizes(comm) {
        let dir = TempDir::shared(comm)?;
        let batch = Batch::builder(comm, 7)
            .worker_size(size)
            .state_dir(dir.path(), task_names(7))
            .build()?;
        while let Some(task) = batch.next_task()? {
            assert_eq!(task.name(), format!("task_{}", task.index()));
            assert_eq!(task.dir(), Some(dir.path().join(task.name()).as_path()));
            assert_eq!(dir.read(&format!("{}/state", task.name())), "RUNNING\n");
            assert_eq!(batch.state(task.index())?, TaskState::Running);
            batch.worker_comm().barrier()?;
            let task_dir = task.dir().map(PathBuf::from).unwrap_or_default();
            if task.index() == 3 && batch.worker_rank() == size - 1 {
                task.failed("task 3 fails")?;
            } else {
                task.done()?;
            }
            // Written once all ranks have ended the task, by the rank that ended it last.
            if task_dir.ends_with("task_0") {
                batch.worker_comm().barrier()?;
                assert_eq!(dir.read("task_0/state"), "DONE\n");
            }
        }
        comm.barrier()?;
        for task in 0..7 {
            let expected = if task == 3 { "FAILED\n" } else { "DONE\n" };
            assert_eq!(dir.read(&format!("task_{task}/state")), expected);
        }
        let report = batch.report()?;
        assert_eq!(report.tasks[3].error.as_deref(), Some("task 3 fails"));
        drop(batch);
        comm.barrier()?;
    }
    Ok(())
}

/// Later batches run only tasks that are not `Done`, or in the states given to `rerun`; retries work with state files, too.
pub(crate) fn later_jobs_resume(comm: &Comm) -> Outcome {
    let dir = TempDir::shared(comm)?;
    let builder = || Batch::builder(comm, 9).state_dir(dir.path(), task_names(9));
    let run = |batch: Batch, failing: usize| -> Result<(usize, usize), Failure> {
        let report = batch.run(|task, _| {
            if task.index() == failing {
                Err("fails")
            } else {
                Ok(())
            }
        })?;
        let runs = report.tasks.iter().filter(|task| task.worker.is_some());
        Ok((runs.count(), report.count(TaskState::Done)))
    };
    assert_eq!(run(builder().build()?, 2)?, (9, 8));
    assert_eq!(run(builder().build()?, 9)?, (0, 8));
    assert_eq!(
        run(builder().rerun(&[TaskState::Failed]).build()?, 2)?,
        (1, 8)
    );
    assert_eq!(
        run(builder().rerun(&[TaskState::Done]).build()?, 9)?,
        (8, 8)
    );
    let batch = builder().build()?;
    if comm.rank() == comm.size() - 1 {
        batch.set_state(2, TaskState::Open)?;
        batch.set_state(5, TaskState::Running)?;
    }
    comm.barrier()?;
    assert_eq!(batch.state(2)?, TaskState::Open);
    comm.barrier()?;
    // No job runs task 5, but only a later batch finds out.
    assert_eq!(run(batch, 9)?, (1, 8));
    assert_eq!(run(builder().build()?, 9)?, (1, 9));
    let dir = TempDir::shared(comm)?;
    let batch = Batch::builder(comm, 4)
        .retries(1)
        .state_dir(dir.path(), task_names(4))
        .build()?;
    let report = batch.run(|task, _| {
        if task.attempt() == 1 {
            Err("not at once")
        } else {
            Ok(())
        }
    })?;
    assert_eq!(report.count(TaskState::Done), 4, "{report}");
    assert_eq!(dir.read("task_3/state"), "DONE\n");
    comm.barrier()?;
    Ok(())
}

/// A task whose state file cannot be parsed is `Open`.
pub(crate) fn unparsable_state_files(comm: &Comm) -> Outcome {
    let dir = TempDir::shared(comm)?;
    if comm.rank() == 0 {
        let contents = ["", "DO", "DONE", "HALF\n", "FAILED\nrest", "\0\0\0"];
        for (task, content) in contents.iter().enumerate() {
            let task_dir = dir.path().join(format!("task_{task}"));
            std::fs::create_dir_all(&task_dir)?;
            std::fs::write(task_dir.join("state"), content)?;
        }
    }
    comm.barrier()?;
    let batch = Batch::builder(comm, 7)
        .state_dir(dir.path(), task_names(7))
        .build()?;
    let report = batch.run(|_, _| Ok::<(), Error>(()))?;
    let run: Vec<usize> = (0..7)
        .filter(|&task| report.tasks[task].attempts > 0)
        .collect();
    assert_eq!(run, [0, 1, 3, 5, 6]);
    assert_eq!(report.tasks[4].state, TaskState::Failed);
    comm.barrier()?;
    Ok(())
}

/// Two batches on one directory, as two jobs would have: no task is run twice.
pub(crate) fn two_batches_on_one_directory(comm: &Comm) -> Outcome {
    let dir = TempDir::shared(comm)?;
    let build = || {
        let builder = Batch::builder(comm, 40);
        builder.state_dir(dir.path(), task_names(40)).build()
    };
    let batches = [build()?, build()?];
    let mut ran = 0;
    for turn in 0.. {
        let Some(task) = batches[turn % 2].next_task()? else {
            break;
        };
        // The other batch claims while this task runs.
        if let Some(other) = batches[(turn + 1) % 2].next_task()? {
            assert_ne!(other.index(), task.index());
            other.done()?;
            ran += 1;
        }
        task.done()?;
        ran += 1;
    }
    assert_eq!(sum(comm, ran)?, 40);
    for task in 0..40 {
        for batch in &batches {
            assert_eq!(batch.state(task)?, TaskState::Done);
        }
    }
    comm.barrier()?;
    Ok(())
}

/// A task that another job has taken over: the late result is rejected on the rank that would record it.
pub(crate) fn late_result_is_rejected(comm: &Comm) -> Outcome {
    let dir = TempDir::shared(comm)?;
    let batch = Batch::builder(comm, 1)
        .worker_size(comm.size())
        .state_dir(dir.path(), ["slow"])
        .build()?;
    let task = batch.next_task()?.ok_or("it is open")?;
    comm.barrier()?;
    if comm.rank() == 0 {
        // What a takeover does: see `batch/store/lease` in the library.
        let task_dir = dir.path().join("slow");
        for entry in std::fs::read_dir(task_dir)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(".end.") {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    comm.barrier()?;
    // No error of the program: a loop over tasks goes on.
    task.done()?;
    comm.barrier()?;
    assert_eq!(batch.state(0)?, TaskState::Running);
    let report = batch.report()?;
    let error = report.tasks[0].error.clone().unwrap_or_default();
    assert!(
        error.contains("slow") && error.contains("another job"),
        "{error}"
    );
    assert_eq!(report.count(TaskState::Running), 1);
    comm.barrier()?;
    Ok(())
}

//! Names of tasks: lists, and closures that make them on the root.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pshmem::{Batch, BatchBuilder, Comm, Error, TaskState};

use super::task_names;
use crate::collective::{check_usable, error_of_others, outliers, same_error};
use crate::report::Outcome;
use crate::temp_dir::TempDir;

/// A name with characters of all kinds, of up to some hundred bytes.
fn any_name(task: usize) -> String {
    match task % 5 {
        0 => String::new(),
        1 => format!("{task}\0\n\"ü/"),
        2 => "😀".repeat(task % 100),
        _ => format!("map_{task:06}"),
    }
}

/// Runs the tasks of a batch, and compares their names on all ranks.
fn check_names(batch: &Batch, expected: fn(usize) -> String) -> Outcome {
    while let Some(task) = batch.next_task()? {
        assert_eq!(task.name(), expected(task.index()));
        task.done()?;
    }
    let report = batch.report()?;
    assert_eq!(report.count(TaskState::Done), batch.n_tasks());
    for task in &report.tasks {
        assert_eq!(task.name, expected(task.index));
    }
    Ok(())
}

/// The closure runs on the root only, once for each task, and all ranks know the names. They are few, or many enough to be
/// shared on each node.
pub(crate) fn names_with(comm: &Comm) -> Outcome {
    for (tasks, root) in [(0, 0), (1, 0), (7, comm.size() - 1), (10_000, 0)] {
        let calls = Cell::new(0);
        let batch = Batch::builder(comm, tasks)
            .root(root)
            .names_with(|task| {
                calls.set(calls.get() + 1);
                any_name(task)
            })
            .build()?;
        let expected = if comm.rank() == root { tasks } else { 0 };
        assert_eq!(calls.get(), expected);
        if tasks < 10_000 {
            check_names(&batch, any_name)?;
        } else {
            let report = batch.report()?;
            let names = report.tasks.iter().map(|task| task.name.clone());
            assert!(names.eq((0..tasks).map(any_name)));
        }
    }
    Ok(())
}

/// Lists of names are known on all ranks, too.
pub(crate) fn listed_names(comm: &Comm) -> Outcome {
    for tasks in [1, 300] {
        let names = (0..tasks).map(any_name);
        let batch = Batch::builder(comm, tasks).names(names).build()?;
        check_names(&batch, any_name)?;
    }
    let batch = Batch::builder(comm, 3).build()?;
    check_names(&batch, |task| task.to_string())
}

/// The closure takes the place of names, whichever call comes first, also with a state directory.
pub(crate) fn names_with_replaces_names(comm: &Comm) -> Outcome {
    let name = |task: usize| format!("of_closure_{task}");
    let builder = || Batch::builder(comm, 4);
    let none = std::iter::empty::<String>;
    let first = |builder: BatchBuilder<'_>| builder.names(["a"]).names_with(name).build();
    let last = |builder: BatchBuilder<'_>| builder.names_with(name).names(task_names(4)).build();
    check_names(&first(builder())?, name)?;
    check_names(&last(builder())?, name)?;
    for is_first in [true, false] {
        let dir = TempDir::shared(comm)?;
        let builder = if is_first {
            builder().names_with(name).state_dir(dir.path(), none())
        } else {
            builder().state_dir(dir.path(), none()).names_with(name)
        };
        let batch = builder.build()?;
        check_names(&batch, name)?;
        for task in 0..4 {
            assert_eq!(dir.read(&format!("{}/state", name(task))), "DONE\n");
        }
        drop(batch);
        comm.barrier()?;
    }
    Ok(())
}

/// The closure panics or makes a collective call, its names are no names of folders, or only some ranks have one: no batch is
/// built.
pub(crate) fn invalid_names_with(comm: &Comm) -> Outcome {
    let root = comm.size() - 1;
    let build = || {
        let builder = Batch::builder(comm, 3).root(root);
        let builder = builder.names_with(|task| -> String {
            assert!(task < 1, "no name for {task}");
            "a".to_owned()
        });
        builder.build()
    };
    let result = catch_unwind(AssertUnwindSafe(build));
    assert_eq!(result.is_err(), comm.rank() == root);
    let error = error_of_others(comm, root, result.ok().and_then(Result::err))?;
    if let Some(error) = error {
        assert!(
            matches!(&error, Error::Closure { rank, .. } if *rank == root),
            "{error:?}"
        );
    }
    let nested = Batch::builder(comm, 1).names_with(|_| match comm.barrier() {
        Err(Error::Nested { .. }) => "nested",
        // A rank alone waits for nobody.
        Ok(()) if comm.size() == 1 => "nested",
        _ => "",
    });
    check_names(&nested.build()?, |_| "nested".to_owned())?;
    let dir = TempDir::shared(comm)?;
    let none = std::iter::empty::<String>;
    let equal = Batch::builder(comm, 2).state_dir(dir.path(), none());
    let error = same_error(comm, equal.names_with(|_| "a").build())?;
    assert!(matches!(error, Error::InvalidSetting { .. }), "{error:?}");
    for outlier in outliers(comm) {
        let builder = Batch::builder(comm, 2).names(["a", "b"]);
        let builder = if comm.rank() == outlier {
            builder.names_with(|task| ["a", "b"][task])
        } else {
            builder
        };
        let error = same_error(comm, builder.build())?;
        assert!(matches!(error, Error::Mismatch { .. }), "{error:?}");
    }
    check_usable(comm)
}

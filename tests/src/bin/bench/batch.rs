//! Tasks that do nothing: seconds per task, for all ranks together.

use crate::nodes::in_two;
use crate::timing::{Bench, OURS};
use pshmem::{Batch, Comm, Result, TaskState};
use pshmem_tests::temp_dir::TempDir;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// The files that a batch writes and renames, without a batch.
const FILES: &str = "bare files";

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    for tasks in [100, 4_000, 1_000_000] {
        in_memory(bench, bench.comm, &format!("task of {tasks}"), tasks)?;
    }
    if bench.comm.size() > 1 {
        let comm = in_two(bench.comm)?;
        in_memory(bench, &comm, "task of 4000 over 2 nodes", 4_000)?;
    }
    on_disk(bench)
}

/// Batches without state files.
fn in_memory(bench: &Bench<'_>, comm: &Comm, row: &str, tasks: usize) -> Result<()> {
    if !bench.settings.selects(row) {
        return Ok(());
    }
    let mut seconds = Vec::new();
    for _ in 0..bench.settings.min_repetitions.max(1_000 / tasks) {
        let batch = Batch::builder(comm, tasks).build()?;
        seconds.push(per_task(bench, tasks, || drain(&batch))?);
    }
    let seconds = bench.quantile(seconds);
    bench.report(row, OURS, seconds, "s");
    Ok(())
}

fn drain(batch: &Batch) -> Result<()> {
    while let Some(task) = batch.next_task()? {
        task.done()?;
    }
    Ok(())
}

fn per_task(bench: &Bench<'_>, tasks: usize, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    bench.comm.barrier()?;
    let start = Instant::now();
    work()?;
    bench.comm.barrier()?;
    Ok(start.elapsed().as_secs_f64() / tasks as f64)
}

/// Batches with state files in the directory for temporary files, and the time to start when all tasks are done.
fn on_disk(bench: &Bench<'_>) -> Result<()> {
    const TASKS: usize = 2_000;
    const DONE: usize = 10_000;
    let row = "task with state files";
    if bench.settings.selects(row) {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..bench.settings.min_repetitions {
            let dir = TempDir::shared(bench.comm)?;
            let batch = Batch::builder(bench.comm, TASKS)
                .state_dir(dir.path(), names(TASKS))
                .build()?;
            ours.push(per_task(bench, TASKS, || drain(&batch))?);
            drop(batch);
            let mine = (bench.comm.rank()..TASKS).step_by(bench.comm.size());
            bare.push(per_task(bench, TASKS, || {
                mine.map(|task| dir.path().join(format!("t{task}")))
                    .for_each(|task_dir| write_states(&task_dir));
                Ok(())
            })?);
            remove(bench, dir)?;
        }
        bench.report(row, OURS, bench.quantile(ours), "s");
        bench.report(row, FILES, bench.quantile(bare), "s");
    }
    let row = "resume 10000 tasks";
    if bench.settings.selects(row) {
        let dir = TempDir::shared(bench.comm)?;
        let build = || {
            let builder = Batch::builder(bench.comm, DONE);
            builder.state_dir(dir.path(), names(DONE)).build()
        };
        let batch = build()?;
        for task in (bench.comm.rank()..DONE).step_by(bench.comm.size()) {
            batch.set_state(task, TaskState::Done)?;
        }
        let mut seconds = Vec::new();
        for _ in 0..bench.settings.min_repetitions {
            seconds.push(per_task(bench, 1, || drain(&build()?))?);
        }
        bench.report(row, OURS, bench.quantile(seconds), "s");
        drop(batch);
        remove(bench, dir)?;
    }
    Ok(())
}

fn names(tasks: usize) -> impl Iterator<Item = String> {
    (0..tasks).map(|task| format!("t{task}"))
}

/// Removes the directory after all ranks have used it, and before any rank continues.
fn remove(bench: &Bench<'_>, dir: TempDir) -> Result<()> {
    bench.comm.barrier()?;
    drop(dir);
    bench.comm.barrier()
}

/// Writes RUNNING and then DONE to a new file, and renames it to the state file each time.
fn write_states(dir: &Path) {
    let (new, state) = (dir.join("state.temp"), dir.join("state"));
    for word in ["RUNNING\n", "DONE\n"] {
        fs::write(&new, word)
            .and_then(|()| fs::rename(&new, &state))
            .expect("files can be written");
    }
}

//! Tasks that are claimed and finished without doing anything: seconds per task, over all ranks together.

use crate::nodes::in_two;
use crate::race::{Bench, OURS};
use pshmem::{Batch, Comm, Result, TaskState};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Files written and renamed as a batch has to, without a batch.
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

/// Batches that are run, and what a task has taken in each.
fn in_memory(bench: &Bench<'_>, comm: &Comm, row: &str, tasks: usize) -> Result<()> {
    if !bench.settings.wants(row) {
        return Ok(());
    }
    let mut seconds = Vec::new();
    for _ in 0..bench.settings.least.max(1_000 / tasks) {
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

/// With state files in the folder for temporary files; and how long it takes to begin when all is done.
fn on_disk(bench: &Bench<'_>) -> Result<()> {
    const TASKS: usize = 2_000;
    const DONE: usize = 10_000;
    let row = "task with state files";
    if bench.settings.wants(row) {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for round in 0..bench.settings.least {
            let root = root(bench, round)?;
            let batch = Batch::builder(bench.comm, TASKS)
                .state_dir(&root, names(TASKS))
                .build()?;
            ours.push(per_task(bench, TASKS, || drain(&batch))?);
            drop(batch);
            let mine = (bench.comm.rank()..TASKS).step_by(bench.comm.size());
            bare.push(per_task(bench, TASKS, || {
                mine.map(|task| root.join(format!("t{task}")))
                    .for_each(|dir| write_states(&dir));
                Ok(())
            })?);
            remove(bench, &root)?;
        }
        bench.report(row, OURS, bench.quantile(ours), "s");
        bench.report(row, FILES, bench.quantile(bare), "s");
    }
    let row = "resume 10000 tasks";
    if bench.settings.wants(row) {
        let root = root(bench, 0)?;
        let build = || {
            let builder = Batch::builder(bench.comm, DONE);
            builder.state_dir(&root, names(DONE)).build()
        };
        let batch = build()?;
        for task in (bench.comm.rank()..DONE).step_by(bench.comm.size()) {
            batch.set_state(task, TaskState::Done)?;
        }
        let mut seconds = Vec::new();
        for _ in 0..bench.settings.least {
            seconds.push(per_task(bench, 1, || drain(&build()?))?);
        }
        bench.report(row, OURS, bench.quantile(seconds), "s");
        drop(batch);
        remove(bench, &root)?;
    }
    Ok(())
}

fn names(tasks: usize) -> impl Iterator<Item = String> {
    (0..tasks).map(|task| format!("t{task}"))
}

/// A folder that all ranks agree about.
fn root(bench: &Bench<'_>, round: usize) -> Result<PathBuf> {
    let processes = bench.gather(u64::from(std::process::id()))?;
    let name = format!("pshmem-bench-{}-{round}", processes[0]);
    Ok(std::env::temp_dir().join(name))
}

fn remove(bench: &Bench<'_>, root: &Path) -> Result<()> {
    bench.comm.barrier()?;
    if bench.is_root() {
        fs::remove_dir_all(root).expect("the bench's own folder can be removed");
    }
    bench.comm.barrier()
}

/// RUNNING, then DONE, each as a file of its own that becomes the state.
fn write_states(dir: &Path) {
    let (spare, state) = (dir.join("state.temp"), dir.join("state"));
    for word in ["RUNNING\n", "DONE\n"] {
        fs::write(&spare, word)
            .and_then(|()| fs::rename(&spare, &state))
            .expect("files can be written");
    }
}

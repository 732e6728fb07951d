//! One job: its ranks run the tasks of a batch, and write into the directory of each task which process did what.
//!
//! The files of a task have one line for each event, the id of the process: `runs` when a process begins the task, `ends` when
//! its result was recorded, `rejected` when its result was rejected because another job had taken the task over.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pshmem::{Batch, Comm, Error};

use crate::job::{CONTINUE, PROCESSES, Settings};
use crate::{Outcome, text};

/// One rank of the job.
pub(crate) fn run(comm: &Comm, settings: &Settings) -> Outcome {
    let names = (0..settings.tasks).map(|task| format!("t{task}"));
    let batch = Batch::builder(comm, settings.tasks)
        .state_dir(&settings.dir, names)
        .lease_timeout(settings.lease)
        .stop_at_sigterm(true)
        // The signal is to stop it, and not the end of the job that Slurm announces.
        .walltime(Duration::MAX)
        .build()
        .map_err(text)?;
    append_process_id(&settings.dir.join(PROCESSES))?;
    // Whoever sees a task of this job sees all its processes.
    comm.barrier().map_err(text)?;
    while let Some(task) = batch.next_task().map_err(text)? {
        let dir = task.dir().map(PathBuf::from).unwrap_or_default();
        append_process_id(&dir.join("runs"))?;
        let start = Instant::now();
        while start.elapsed() < settings.spin {
            std::thread::yield_now();
        }
        while settings.waits && !settings.dir.join(CONTINUE).exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        match task.done() {
            Ok(()) => append_process_id(&dir.join("ends"))?,
            Err(Error::TaskTakenOver { .. }) => append_process_id(&dir.join("rejected"))?,
            Err(error) => return Err(text(error)),
        }
    }
    Ok(())
}

fn append_process_id(path: &Path) -> Outcome {
    let line = format!("{}\n", std::process::id());
    let file = OpenOptions::new().append(true).create(true).open(path);
    // One write for the whole line, because other processes append to the same file.
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .map_err(text)
}

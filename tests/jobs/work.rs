//! One job: its ranks run the tasks of a batch, and write into the directory of each task which process did what.
//!
//! The files of a task have one line for each event, with the id of the process, which is rank 0 of its worker: `runs` when it
//! begins the task, with the number of the attempt, `ends` when its result was recorded, `rejected` when its result was refused
//! because another job had taken the task over, `put_back` when it has put the task back.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pshmem::{Batch, Comm, Task, TaskState, signal};

use crate::job::{CONTINUE, RUNS, processes};
use crate::settings::Settings;
use crate::{Outcome, text};

/// How long a result may be missing in the log: while another job moves the lines of the log, a reader may miss some.
const LOG_PATIENCE: Duration = Duration::from_secs(10);

/// Writes down the process of this rank, before MPI is started.
pub(crate) fn note_process(settings: &Settings) -> Outcome {
    std::fs::create_dir_all(&settings.dir).map_err(text)?;
    append_line(&settings.dir.join(processes(settings.job)), "")
}

/// One rank of the job.
pub(crate) fn run(comm: &Comm, settings: &Settings) -> Outcome {
    comm.barrier().map_err(text)?;
    let start = Instant::now();
    let mut builder = Batch::builder(comm, settings.tasks)
        .state_dir(&settings.dir, std::iter::empty::<String>())
        .names_with(|task| format!("t{task}"))
        .worker_size(settings.worker_size)
        .lease_timeout(settings.lease)
        .stop_at_signals([signal::SIGTERM, signal::SIGUSR1]);
    if !settings.ends_in_time {
        builder = builder.walltime(Duration::MAX);
    }
    let batch = builder.build().map_err(text)?;
    if settings.only_opens {
        if comm.rank() == 0 {
            let seconds = start.elapsed().as_secs_f64();
            println!(
                "{} tasks opened by {} ranks in {seconds:.2} s",
                settings.tasks,
                comm.size()
            );
        }
        return Ok(());
    }
    let is_first = batch.worker_rank() == 0;
    let mut last = None;
    loop {
        let next = batch.next_task().map_err(text)?;
        // All ranks of the worker have ended the task before, so its result has been recorded or refused.
        if let Some(ended) = last.take() {
            note_end(&batch, settings, &ended)?;
        }
        let Some(task) = next else { break };
        let ended = Ended::of(&task);
        if is_first {
            append_line(&settings.dir.join(RUNS), "")?;
            append_line(&ended.dir.join("runs"), &ended.attempt.to_string())?;
        }
        batch.worker_comm().barrier().map_err(text)?;
        if compute(&task, settings) {
            task.done().map_err(text)?;
            last = is_first.then_some(ended);
        } else {
            if is_first {
                append_line(&ended.dir.join("put_back"), "")?;
            }
            task.put_back().map_err(text)?;
        }
    }
    // The lines of all ranks are in one log now.
    batch.report().map_err(text)?;
    Ok(())
}

/// An attempt that was ended.
struct Ended {
    task: usize,
    name: String,
    attempt: u32,
    dir: PathBuf,
}

impl Ended {
    fn of(task: &Task) -> Self {
        Ended {
            task: task.index(),
            name: task.name().to_owned(),
            attempt: task.attempt(),
            dir: task.dir().map(PathBuf::from).unwrap_or_default(),
        }
    }
}

/// Computes for a task. `false` when it should stop before that is done.
fn compute(task: &Task, settings: &Settings) -> bool {
    /// What computes for longer leaves the core to others.
    const SLEEP: Duration = Duration::from_millis(1);
    let start = Instant::now();
    loop {
        let left = settings.spin.saturating_sub(start.elapsed());
        let waits = task.index() >= settings.waits_from && !settings.dir.join(CONTINUE).exists();
        if left.is_zero() && !waits {
            return true;
        }
        if settings.puts_back && task.should_stop() {
            return false;
        }
        if left > SLEEP || waits {
            std::thread::sleep(SLEEP);
        } else {
            std::thread::yield_now();
        }
    }
}

/// Writes down whether the result of a task was recorded.
fn note_end(batch: &Batch, settings: &Settings, ended: &Ended) -> Outcome {
    // Where a result was refused, the task is RUNNING again, or there is another attempt.
    let next = format!(".attempt.{}", ended.attempt + 1);
    let is_suspect = batch.state(ended.task).map_err(text)? != TaskState::Done
        || ended.dir.join(next).symlink_metadata().is_ok();
    let is_refused = is_suspect && is_taken_over(&settings.dir, ended)?;
    let file = if is_refused { "rejected" } else { "ends" };
    append_line(&ended.dir.join(file), "")
}

/// Whether the log says that an attempt has ended because another job has taken the task over.
fn is_taken_over(dir: &Path, ended: &Ended) -> Outcome<bool> {
    let start = Instant::now();
    while start.elapsed() < LOG_PATIENCE {
        let log = Batch::log(dir).map_err(text)?;
        let is_this = |(name, attempt): (&str, u32)| name == ended.name && attempt == ended.attempt;
        let line = log.iter().find(|line| is_this((&line.task, line.attempt)));
        if let Some(line) = line {
            return Ok(line.state == TaskState::Running);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(format!(
        "attempt {} at {} is not in the log",
        ended.attempt, ended.name
    ))
}

/// Appends a line with the id of this process and `more`.
fn append_line(path: &Path, more: &str) -> Outcome {
    let line = format!("{} {more}\n", std::process::id());
    let file = OpenOptions::new().append(true).create(true).open(path);
    // One write for the whole line, because other processes append to the same file.
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .map_err(|error| format!("{}: {error}", path.display()))
}

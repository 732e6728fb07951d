//! Batches under Slurm whose jobs are cancelled, requeued, asked to stop, or reach their time limit, and arrays of jobs.

use super::daemons::Daemons;
use super::jobs::Jobs;
use crate::mpi::Mpi;
use crate::process::{End, Outcome};
use crate::report::{Row, Verdict};
use std::time::Instant;

/// What a row does; the text is what it has found.
pub(super) type Work = fn(&Jobs<'_>) -> Result<String, String>;

/// All rows.
pub(super) const ALL: [(&str, Work); 7] = [
    ("scancel", cancelled),
    ("scontrol requeue", requeued),
    ("scancel --signal", signalled),
    ("time limit", out_of_time),
    ("time limit, known", in_time),
    ("sbatch --array", array),
    ("scancel of one of an array", array_without_one),
];

/// A row about a batch with a state directory.
pub(super) fn row(step: &str, daemons: &Daemons, mpi: &Mpi, work: Work) -> Row {
    let mut row = Row::under(step, mpi.name, "2");
    println!("== {}", row.title());
    let start = Instant::now();
    let worked = daemons.new_folder().and_then(|folder| {
        work(&Jobs {
            daemons,
            mpi,
            folder: folder.path(),
        })
    });
    row.seconds = start.elapsed().as_secs_f64();
    match worked {
        Ok(text) => println!("{text}"),
        Err(why) => row.verdict = Verdict::Failed(why),
    }
    row
}

/// Tasks from this number on wait, in the rows that say so. Two ranks have done those before when they wait.
const WAITS_FROM: usize = 4;
const WAITING: &str = "waits_from=4";

/// Submits a job whose ranks wait in a task each, after they have done others.
fn submit_waiting(
    jobs: &Jobs<'_>,
    tasks: usize,
    options: &[&str],
    settings: &[&str],
) -> Result<(String, Outcome), String> {
    let work = jobs.work(tasks, &[&[WAITING], settings].concat());
    let submitted = jobs.submit(options, &work)?;
    let [first, second] = [0, 1].map(|more| format!("t{}/runs", WAITS_FROM + more));
    jobs.daemons.wait_for("tasks of the job", |_| {
        jobs.lines(&first) + jobs.lines(&second) == 2
    })?;
    Ok(submitted)
}

/// `scancel` ends a job whose tasks ignore SIGTERM. The next job runs again the two tasks that were not done.
fn cancelled(jobs: &Jobs<'_>) -> Result<String, String> {
    const TASKS: usize = 10;
    let (id, submitted) = submit_waiting(jobs, TASKS, &[], &[])?;
    jobs.daemons.output(&["scancel", &id]);
    jobs.wait_for_end(&id)?;
    jobs.ended_as(&id, &submitted, "CANCELLED")?;
    jobs.resume(TASKS, 2)
}

/// A job is requeued whose tasks ignore SIGTERM. It runs again under the same number, and continues where it was.
fn requeued(jobs: &Jobs<'_>) -> Result<String, String> {
    const TASKS: usize = 10;
    let (id, submitted) = submit_waiting(jobs, TASKS, &["--requeue"], &[])?;
    jobs.daemons.output(&["scontrol", "requeue", &id]);
    let is = |name: &str, value: &str| jobs.daemons.job(&id, name) == value;
    jobs.daemons.wait_for("the job in the queue again", |_| {
        is("Restarts", "1") && is("JobState", "PENDING")
    })?;
    // Ranks of the first run must not find that they need not wait any more.
    jobs.daemons
        .wait_for("the end of the first run", |_| !jobs.has_processes())?;
    jobs.go_on()?;
    // Otherwise it waits for two minutes, until nobody can have a credential of the first run any more.
    let now = [
        "scontrol",
        "update",
        &format!("JobId={id}"),
        "StartTime=now",
    ];
    jobs.daemons.output(&now);
    jobs.wait_for_end(&id)?;
    jobs.ended_as(&id, &submitted, "COMPLETED")?;
    let restarts = jobs.daemons.job(&id, "Restarts");
    if restarts != "1" {
        return Err(format!("job {id} has {restarts} restarts"));
    }
    // Two ranks of the first run, and at least one of the second.
    jobs.check(TASKS, 2, 3)
}

/// A signal asks a job to stop: tasks that run are put back, and the next job does the rest.
fn signalled(jobs: &Jobs<'_>) -> Result<String, String> {
    const TASKS: usize = 10;
    let (id, submitted) = submit_waiting(jobs, TASKS, &[], &["puts_back=true"])?;
    jobs.daemons.output(&["scancel", "--signal=USR1", &id]);
    jobs.wait_for_end(&id)?;
    jobs.ended_as(&id, &submitted, "COMPLETED")?;
    for task in 0..TASKS {
        let [runs, put_back] =
            ["runs", "put_back"].map(|file| jobs.lines(&format!("t{task}/{file}")));
        let expected = match task {
            0..WAITS_FROM => (1, 0),
            _ if task < WAITS_FROM + 2 => (1, 1),
            _ => (0, 0),
        };
        if (runs, put_back) != expected {
            return Err(format!("t{task}: {runs} runs, put back {put_back} times"));
        }
    }
    jobs.resume(TASKS, 0)
}

/// More than two ranks can do in the shortest time limit, with the half minute until Slurm looks.
const MANY_TASKS: usize = 2000;
/// How long each of them computes.
const LONG: &str = "spin_us=200000";

/// A job reaches its time limit, of which it knows nothing, and stops at the SIGTERM that announces it: no task is cut off.
fn out_of_time(jobs: &Jobs<'_>) -> Result<String, String> {
    let work = jobs.work(MANY_TASKS, &[LONG]);
    // The exit code of `sbatch` is that of the job.
    let (id, submitted) = jobs.submit(&["--time=1", "--wait"], &work)?;
    jobs.ended_as(&id, &submitted, "TIMEOUT")?;
    if submitted.end == End::Exit(0) {
        return Err("exit code 0".into());
    }
    jobs.resume(MANY_TASKS, 0)
}

/// A job finds out its time limit, and ends before it.
fn in_time(jobs: &Jobs<'_>) -> Result<String, String> {
    let work = jobs.work(MANY_TASKS, &[LONG, "ends_in_time=true"]);
    let (id, submitted) = jobs.submit(&["--time=1", "--wait"], &work)?;
    submitted.end.check()?;
    jobs.ended_as(&id, &submitted, "COMPLETED")?;
    let done = jobs.lines(".runs");
    if done == 0 || done >= MANY_TASKS {
        return Err(format!("it has run {done} of {MANY_TASKS} tasks"));
    }
    let time = jobs.daemons.job(&id, "RunTime");
    let text = jobs.resume(MANY_TASKS, 0)?;
    Ok(format!(
        "{text}, {done} of them by the first job, in {time}"
    ))
}

/// The jobs of an array share the tasks. Each task is run once.
fn array(jobs: &Jobs<'_>) -> Result<String, String> {
    const TASKS: usize = 400;
    let work = jobs.work(TASKS, &["spin_us=20000"]);
    let (id, submitted) = jobs.submit(&["--array=0-3", "--wait"], &work)?;
    submitted.end.check()?;
    jobs.ended_as(&id, &submitted, "COMPLETED")?;
    // More than one job has.
    jobs.check(TASKS, 0, 3)
}

/// One of three jobs, of a rank each, is cancelled while all of them run. The others do everything, and each task is run once.
fn array_without_one(jobs: &Jobs<'_>) -> Result<String, String> {
    const TASKS: usize = 600;
    let work = jobs.work_of(1, TASKS, &["spin_us=30000"]);
    let (id, submitted) = jobs.submit(&["--array=0-2", "-n", "1"], &work)?;
    let [first, cancelled, last] = [0, 1, 2].map(|of| format!("{id}_{of}"));
    jobs.daemons.wait_for("three jobs", |_| {
        jobs.lines(".pids.0") == 3 && jobs.lines(".runs") > 30
    })?;
    jobs.daemons.output(&["scancel", &cancelled]);
    let before = jobs.lines(".runs");
    jobs.wait_for_end(&id)?;
    jobs.ended_as(&cancelled, &submitted, "CANCELLED")?;
    jobs.ended_as(&first, &submitted, "COMPLETED")?;
    jobs.ended_as(&last, &submitted, "COMPLETED")?;
    if before >= TASKS {
        return Err("all tasks had been begun when it was cancelled".into());
    }
    let text = jobs.check(TASKS, 0, 3)?;
    Ok(format!("{text}; cancelled after {before}"))
}

//! Batches under Slurm whose jobs are cancelled, requeued, asked to stop, or reach their time limit, and arrays of jobs.

use super::daemons::Daemons;
use super::rows::{LIMIT, command, srun};
use super::{plugin, program};
use crate::cargo;
use crate::mpi::Mpi;
use crate::process::{End, Outcome};
use crate::report::{Row, Verdict};
use crate::test::leftovers::only_expected;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// How long the lease of a task lives after its job was killed.
const LEASE_MS: usize = 2000;

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

/// Jobs that share one state directory.
pub(super) struct Jobs<'a> {
    daemons: &'a Daemons,
    mpi: &'a Mpi,
    folder: &'a Path,
}

impl Jobs<'_> {
    fn state(&self) -> String {
        let state = self.folder.join("state");
        state.to_string_lossy().into_owned()
    }

    /// The words that start two ranks of a job with so many tasks, and with other settings.
    fn work(&self, tasks: usize, settings: &[&str]) -> Vec<String> {
        self.work_of(2, tasks, settings)
    }

    /// The same with so many ranks.
    fn work_of(&self, ranks: usize, tasks: usize, settings: &[&str]) -> Vec<String> {
        let mut words = srun(plugin(self.mpi), ranks);
        words.extend([program(self.mpi, "jobs"), "work".into(), self.state()]);
        words.extend([format!("tasks={tasks}"), format!("lease_ms={LEASE_MS}")]);
        words.extend(settings.iter().map(|word| (*word).to_owned()));
        words
    }

    /// Submits a script with these words. The number of the job.
    fn submit(&self, options: &[&str], words: &[String]) -> Result<(String, Outcome), String> {
        let script = self.folder.join("script");
        let line = crate::process::command_line(&command(words));
        let text = format!("#!/bin/sh\nexport PSHMEM_HANG_REPORT=20\n{line}\n");
        fs::write(&script, text).map_err(|why| why.to_string())?;
        let mut sbatch = Command::new("sbatch");
        sbatch
            .args(["--parsable", "-N", "1", "-n", "2", "--output"])
            .arg(self.folder.join("output.%j"))
            .args(options)
            .arg(&script);
        let log = cargo::log_of(&format!("sbatch {}", self.mpi.name));
        println!("   {} : {line}", crate::process::command_line(&sbatch));
        let outcome = self.daemons.run(sbatch, LIMIT, &log);
        let id = outcome.output.lines().next().unwrap_or_default().to_owned();
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("sbatch: {}", outcome.output.trim_end()));
        }
        Ok((id, outcome))
    }

    /// Lines of a file in the state directory.
    fn lines(&self, file: &str) -> usize {
        let text = fs::read_to_string(Path::new(&self.state()).join(file));
        text.unwrap_or_default().lines().count()
    }

    fn wait_for_end(&self, id: &str) -> Result<(), String> {
        let is_over = |daemons: &Daemons| daemons.output(&["squeue", "-h", "-j", id]).is_empty();
        self.daemons.wait_for("the end of the job", is_over)
    }

    /// From now on, no task waits.
    fn go_on(&self) -> Result<(), String> {
        fs::write(Path::new(&self.state()).join("continue"), "").map_err(|why| why.to_string())
    }

    /// Whether the job has ended in this state, and with nothing left.
    fn ended_as(&self, id: &str, submitted: &Outcome, expected: &str) -> Result<(), String> {
        let state = self.daemons.job(id, "JobState");
        if state != expected {
            let text = fs::read_to_string(self.folder.join(format!("output.{id}")));
            println!("{}", text.unwrap_or_default().trim_end());
            return Err(format!("job {id} is {state}, not {expected}"));
        }
        only_expected(&self.daemons.leftovers(submitted), &[])
    }

    /// What the directory says when all jobs are over: all tasks are done, no more of them than `reruns` were run twice, and at least
    /// so many processes have run some.
    fn check(&self, tasks: usize, reruns: usize, processes: usize) -> Result<String, String> {
        let mut check = Command::new(program(self.mpi, "jobs"));
        check
            .arg("check")
            .arg(self.state())
            .args([tasks, reruns, processes].map(|number| number.to_string()));
        let log = cargo::log_of(&format!("check of jobs {}", self.mpi.name));
        let outcome = self.daemons.run(check, LIMIT, &log);
        let output = outcome.output.trim_end().to_owned();
        match outcome.end {
            End::Exit(0) => Ok(output),
            _ => Err(output),
        }
    }

    /// Another job does the rest, and the directory is checked.
    fn resume(&self, tasks: usize, reruns: usize) -> Result<String, String> {
        let log = cargo::log_of(&format!("job that resumes {}", self.mpi.name));
        let work = command(&self.work(tasks, &[]));
        let outcome = self.daemons.run(work, LIMIT, &log);
        if let Err(why) = outcome.end.check() {
            println!("{}", outcome.output.trim_end());
            return Err(format!("the next job: {why}"));
        }
        only_expected(&self.daemons.leftovers(&outcome), &[])?;
        self.check(tasks, reruns, 2)
    }
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
    jobs.go_on()?;
    jobs.daemons.output(&["scontrol", "requeue", &id]);
    let is = |name: &str, value: &str| jobs.daemons.job(&id, name) == value;
    jobs.daemons.wait_for("the job in the queue again", |_| {
        is("Restarts", "1") && is("JobState", "PENDING")
    })?;
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
    // Two ranks of the first run, and two of the second one.
    jobs.check(TASKS, 2, 4)
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

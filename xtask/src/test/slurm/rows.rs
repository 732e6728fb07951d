//! What is run under Slurm: tasks of `srun` that are ranks, tasks that are refused, and batches whose jobs are ended.

use super::daemons::Daemons;
use super::{plugin, program, wrong_plugins};
use crate::cargo;
use crate::mpi::Mpi;
use crate::process::{End, Outcome};
use crate::report::{Row, Verdict};
use crate::test::cases_of_suite::{self, Cases};
use crate::test::commands::announce;
use crate::test::leftovers::only_expected;
use crate::test::programs::{has, has_failed};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The time limit of one command of Slurm.
const LIMIT: Duration = Duration::from_secs(1200);

/// How long the lease of a task lives after its job was killed.
const LEASE_MS: &str = "2000";

type Work<'a> = Box<dyn FnOnce() -> Row + 'a>;

/// All rows under one library.
pub(super) fn all<'a>(daemons: &'a Daemons, mpi: &'a Mpi) -> Vec<Work<'a>> {
    let mut rows: Vec<Work<'a>> = Vec::new();
    rows.push(Box::new(|| suite(daemons, mpi)));
    let (wrong, said) = wrong_plugins(mpi);
    for plugin in wrong {
        rows.push(Box::new(|| refused(daemons, mpi, plugin, said)));
    }
    rows.push(Box::new(|| of_batch("scancel", daemons, mpi, cancelled)));
    rows.push(Box::new(|| {
        of_batch("time limit", daemons, mpi, out_of_time)
    }));
    rows.push(Box::new(|| of_batch("sbatch --array", daemons, mpi, array)));
    rows
}

/// `srun` with so many tasks on one node, which see each other by the plugin.
fn srun(plugin: &str, tasks: usize) -> Vec<String> {
    let options = ["srun", "-N", "1", "-n"].map(str::to_owned);
    options
        .into_iter()
        .chain([tasks.to_string(), format!("--mpi={plugin}")])
        .collect()
}

fn command(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// What of the suite runs: ranks are started in another way, and do the same then.
const CASES: [&str; 3] = ["write", "locks", "batch"];

/// A part of the suite with two ranks.
fn suite(daemons: &Daemons, mpi: &Mpi) -> Row {
    let step = format!("suite, srun --mpi={}", plugin(mpi));
    let row = Row::under(&step, mpi.name, "2");
    let file = cases_of_suite::new_file(&row);
    let mut command = command(&srun(plugin(mpi), 2));
    command
        .arg(program(mpi, "suite"))
        .args(CASES)
        .env(cases_of_suite::FILE, &file);
    let listed = Cases::Usual.listed(&CASES);
    let check = |outcome: &Outcome| {
        outcome.end.check()?;
        cases_of_suite::check(&outcome.output, &cases_of_suite::read(&file)?, &listed)
    };
    let row = run(daemons, row, command, check);
    cases_of_suite::with_tally(row, &file)
}

/// Tasks that do not see each other must end with an error that names the right plugin.
fn refused(daemons: &Daemons, mpi: &Mpi, wrong: &str, said: &str) -> Row {
    let row = Row::under(&format!("refused, srun --mpi={wrong}"), mpi.name, "2");
    let mut command = command(&srun(wrong, 2));
    command.arg(program(mpi, "examples/quickstart"));
    let right = format!("Start it by `srun --mpi={} -n 2", plugin(mpi));
    run(daemons, row, command, |outcome| {
        has_failed(outcome)?;
        has(&outcome.output, &[said, &right])
    })
}

/// Runs a command with its check, and looks for what it has left.
fn run(
    daemons: &Daemons,
    mut row: Row,
    command: Command,
    check: impl FnOnce(&Outcome) -> Result<(), String>,
) -> Row {
    announce(&row, LIMIT, &command);
    let outcome = daemons.run(command, LIMIT, &cargo::log_of(&row.title()));
    row.seconds = outcome.seconds;
    let leftovers = daemons.leftovers(&outcome);
    if let Err(why) = check(&outcome).and_then(|()| only_expected(&leftovers, &[])) {
        println!("{}", outcome.output.trim_end());
        row.verdict = Verdict::Failed(why);
    }
    row
}

/// A row about a batch with a state directory.
fn of_batch(
    step: &str,
    daemons: &Daemons,
    mpi: &Mpi,
    work: fn(&Jobs<'_>) -> Result<String, String>,
) -> Row {
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
struct Jobs<'a> {
    daemons: &'a Daemons,
    mpi: &'a Mpi,
    folder: &'a Path,
}

impl Jobs<'_> {
    fn state(&self) -> String {
        let state = self.folder.join("state");
        state.to_string_lossy().into_owned()
    }

    /// The words that start the ranks of a job: so many tasks, each of which computes for some microseconds, and then waits for
    /// ever if it `waits`.
    fn work(&self, tasks: usize, spin_us: usize, waits: bool) -> Vec<String> {
        let mut words = srun(plugin(self.mpi), 2);
        words.push(program(self.mpi, "jobs"));
        words.push("work".into());
        words.push(self.state());
        words.push(tasks.to_string());
        words.push(LEASE_MS.into());
        words.push(spin_us.to_string());
        words.push(u8::from(waits).to_string());
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

    fn is_over(&self, id: &str) -> bool {
        self.daemons.output(&["squeue", "-h", "-j", id]).is_empty()
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
        let work = command(&self.work(tasks, 0, false));
        let outcome = self.daemons.run(work, LIMIT, &log);
        if let Err(why) = outcome.end.check() {
            println!("{}", outcome.output.trim_end());
            return Err(format!("the next job: {why}"));
        }
        only_expected(&self.daemons.leftovers(&outcome), &[])?;
        self.check(tasks, reruns, 2)
    }
}

/// `scancel` ends a job whose tasks ignore SIGTERM. The next job runs again the two tasks that were not done.
fn cancelled(jobs: &Jobs<'_>) -> Result<String, String> {
    const TASKS: usize = 10;
    let (id, submitted) = jobs.submit(&[], &jobs.work(TASKS, 0, true))?;
    jobs.daemons.wait_for("tasks of the job", |_| {
        jobs.lines("t0/runs") + jobs.lines("t1/runs") == 2
    })?;
    jobs.daemons.output(&["scancel", &id]);
    jobs.daemons
        .wait_for("the end of the job", |_| jobs.is_over(&id))?;
    jobs.ended_as(&id, &submitted, "CANCELLED")?;
    jobs.resume(TASKS, 2)
}

/// A job reaches its time limit, and stops at the SIGTERM that announces it: no task is cut off.
fn out_of_time(jobs: &Jobs<'_>) -> Result<String, String> {
    /// More than two ranks can do in the shortest limit, with the half minute until Slurm looks.
    const TASKS: usize = 2000;
    const MICROSECONDS: usize = 200_000;
    let work = jobs.work(TASKS, MICROSECONDS, false);
    // The exit code of `sbatch` is that of the job.
    let (id, submitted) = jobs.submit(&["--time=1", "--wait"], &work)?;
    jobs.ended_as(&id, &submitted, "TIMEOUT")?;
    if submitted.end == End::Exit(0) {
        return Err("exit code 0".into());
    }
    jobs.resume(TASKS, 0)
}

/// The jobs of an array share the tasks. Each task is run once.
fn array(jobs: &Jobs<'_>) -> Result<String, String> {
    const TASKS: usize = 400;
    let work = jobs.work(TASKS, 20_000, false);
    let (id, submitted) = jobs.submit(&["--array=0-3", "--wait"], &work)?;
    submitted.end.check()?;
    jobs.ended_as(&id, &submitted, "COMPLETED")?;
    // More than one job has.
    jobs.check(TASKS, 0, 3)
}

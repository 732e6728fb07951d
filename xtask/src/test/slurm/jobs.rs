//! Jobs under Slurm that share one state directory: submitting them, waiting for them, and checking what they have done.

use super::daemons::Daemons;
use super::rows::{LIMIT, command, srun};
use super::{plugin, program};
use crate::cargo;
use crate::mpi::Mpi;
use crate::process::{End, Outcome};
use crate::test::leftovers::only_expected;
use std::fs;
use std::path::Path;
use std::process::Command;

/// How long the lease of a task lives after its job was killed.
const LEASE_MS: usize = 2000;

/// Jobs that share one state directory.
pub(super) struct Jobs<'a> {
    pub(super) daemons: &'a Daemons,
    pub(super) mpi: &'a Mpi,
    pub(super) folder: &'a Path,
}

impl Jobs<'_> {
    fn state(&self) -> String {
        let state = self.folder.join("state");
        state.to_string_lossy().into_owned()
    }

    /// The words that start two ranks of a job with so many tasks, and with other settings.
    pub(super) fn work(&self, tasks: usize, settings: &[&str]) -> Vec<String> {
        self.work_of(2, tasks, settings)
    }

    /// The same with so many ranks.
    pub(super) fn work_of(&self, ranks: usize, tasks: usize, settings: &[&str]) -> Vec<String> {
        let mut words = srun(plugin(self.mpi), ranks);
        words.extend([program(self.mpi, "jobs"), "work".into(), self.state()]);
        words.extend([format!("tasks={tasks}"), format!("lease_ms={LEASE_MS}")]);
        words.extend(settings.iter().map(|word| (*word).to_owned()));
        words
    }

    /// Submits a script with these words. The number of the job.
    pub(super) fn submit(
        &self,
        options: &[&str],
        words: &[String],
    ) -> Result<(String, Outcome), String> {
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
    pub(super) fn lines(&self, file: &str) -> usize {
        let text = fs::read_to_string(Path::new(&self.state()).join(file));
        text.unwrap_or_default().lines().count()
    }

    pub(super) fn wait_for_end(&self, id: &str) -> Result<(), String> {
        let is_over = |daemons: &Daemons| daemons.output(&["squeue", "-h", "-j", id]).is_empty();
        self.daemons.wait_for("the end of the job", is_over)
    }

    /// Whether a rank of any job is there.
    pub(super) fn has_processes(&self) -> bool {
        let text = fs::read_to_string(Path::new(&self.state()).join(".pids.0"));
        let text = text.unwrap_or_default();
        let mut ids = text.split_whitespace();
        ids.any(|id| Path::new("/proc").join(id).exists())
    }

    /// From now on, no task waits.
    pub(super) fn go_on(&self) -> Result<(), String> {
        fs::write(Path::new(&self.state()).join("continue"), "").map_err(|why| why.to_string())
    }

    /// Whether the job has ended in this state, and with nothing left.
    pub(super) fn ended_as(
        &self,
        id: &str,
        submitted: &Outcome,
        expected: &str,
    ) -> Result<(), String> {
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
    pub(super) fn check(
        &self,
        tasks: usize,
        reruns: usize,
        processes: usize,
    ) -> Result<String, String> {
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
    pub(super) fn resume(&self, tasks: usize, reruns: usize) -> Result<String, String> {
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

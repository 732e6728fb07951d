//! Several jobs on one state directory, of which one is killed, frozen or stopped.
//!
//! ```text
//! jobs kill TASKS JOBS TIMES [LAUNCHER...]   one of the jobs is killed half-way; TIMES times, on new directories
//! jobs freeze [LAUNCHER...]                  a job is frozen for longer than its lease, and then continues
//! jobs term TASKS [LAUNCHER...]              one process of a job gets SIGTERM, and another job does the rest
//! jobs check DIR TASKS RERUNS PROCESSES      whether jobs that are over have done all tasks: see `scenarios::check`
//! jobs work DIR TASKS LEASE_MS SPIN_US WAIT  one job; the others start it, by the launcher or with PSHMEM_LOCAL
//! ```
//!
//! - `scenarios` the first four · `job` starting a job, and the directory of all jobs · `work` what a job does

mod job;
mod scenarios;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use job::Settings;
use pshmem::Comm;

type Outcome<T = ()> = Result<T, String>;

/// The text of an error of any type.
fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| {
        let argument = arguments.get(index);
        argument.and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    let from = |index: usize| arguments.get(index..).unwrap_or_default();
    let outcome = match arguments.first().map(String::as_str) {
        Some("work") => {
            let settings = Settings::from_arguments(from(1));
            return pshmem::run(|comm: &Comm| work::run(comm, &settings));
        }
        Some("kill") => {
            (0..number(3)).try_for_each(|_| scenarios::kill(number(1), number(2), from(4)))
        }
        Some("freeze") => scenarios::freeze(from(1)),
        Some("term") => scenarios::term(number(1), from(2)),
        Some("check") => {
            let dir = arguments.get(1).map(PathBuf::from).unwrap_or_default();
            scenarios::check(&dir, number(2), number(3), number(4))
        }
        other => Err(format!("no scenario is called {other:?}")),
    };
    match outcome {
        Ok(()) => {
            println!("all is well");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

//! Several jobs on one state directory, of which one is killed, frozen or stopped.
//!
//! ```text
//! jobs kill TASKS JOBS TIMES [LAUNCHER...]   one of the jobs is killed half-way; TIMES times, on new directories
//! jobs freeze [LAUNCHER...]                  a job is frozen for longer than its lease, and then continues
//! jobs term TASKS [LAUNCHER...]              one process of a job gets SIGTERM, and another job does the rest
//! jobs storm TASKS JOBS KILLS WORKER_SIZE [LAUNCHER...]
//!                                            one of the jobs is killed at a random moment, and replaced; KILLS times
//! jobs open TASKS [LAUNCHER...]              how long it takes to open a directory, also after a job was killed there
//! jobs check DIR TASKS RERUNS PROCESSES      whether jobs that are over have done all tasks: see `scenarios::check`
//! jobs work DIR [NAME=VALUE...]              one job; the others start it, by the launcher or with PSHMEM_LOCAL
//! ```
//!
//! - `scenarios` killed, frozen and stopped jobs · `storm` jobs that are killed again and again, `outcome` what must be true then
//! - `job` starting a job, and the directory of all jobs · `settings`, `work` what a job does

mod job;
mod outcome;
mod scenarios;
mod settings;
mod storm;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use pshmem::Comm;
use settings::Settings;
use storm::Storm;

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
            let settings = Settings::from_words(from(1));
            let noted = settings.and_then(|settings| {
                work::note_process(&settings)?;
                Ok(settings)
            });
            match noted {
                Ok(settings) => return pshmem::run(|comm: &Comm| work::run(comm, &settings)),
                Err(message) => Err(message),
            }
        }
        Some("kill") => {
            (0..number(3)).try_for_each(|_| scenarios::kill(number(1), number(2), from(4)))
        }
        Some("freeze") => scenarios::freeze(from(1)),
        Some("term") => scenarios::term(number(1), from(2)),
        Some("open") => scenarios::open(number(1), from(2)),
        Some("storm") => {
            let storm = Storm {
                tasks: number(1),
                jobs: number(2),
                kills: number(3),
                worker_size: number(4),
            };
            storm::storm(storm, from(5))
        }
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

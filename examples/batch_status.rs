//! Prints the states of the tasks in the state directory of a batch. It changes nothing, so jobs may be at work on it. The tool
//! `pshmem-batch` does this and more.
//!
//! ```text
//! cargo run --example batch_status -- /scratch/run7              counts, and the tasks that run or have failed
//! cargo run --example batch_status -- --all /scratch/run7        every task
//! ```

use pshmem::{Batch, TaskState};
use std::process::ExitCode;

const USAGE: &str = "usage: batch_status [--all] DIRECTORY...

The exit code is 0 when every task is DONE, 1 when not, and 2 when a directory cannot be read.";

fn main() -> ExitCode {
    let (flags, paths): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with("--"));
    if paths.is_empty() || flags.iter().any(|flag| flag != "--all") {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let mut is_done = true;
    for path in paths {
        let status = match Batch::status(&path) {
            Ok(status) => status,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(2);
            }
        };
        if flags.is_empty() {
            println!("{status}");
        } else {
            println!("{status:#}");
        }
        is_done &= status.count(TaskState::Done) == status.tasks().len();
    }
    ExitCode::from(u8::from(!is_done))
}

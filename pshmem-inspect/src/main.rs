//! `pshmem-inspect PATH`: what is in a `.npy` file or in a saved folder.
//!
//! - `args` the command line · `saved` the files of a path, and what is wrong with them
//! - `statistics` of the values of a file: `values` what is counted, `window` how the file is read · `verify` its checksums
//! - `report`, `table` and `number` what is printed

#![forbid(unsafe_code)]

mod args;
mod number;
mod report;
mod saved;
mod statistics;
mod table;
mod values;
mod verify;
mod window;

use args::Command;
use saved::Saved;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = match Command::parse(lexopt::Parser::from_env()) {
        Ok(command) => command,
        Err(error) => return fail(&[format!("{error}; see --help")]),
    };
    let (text, problems) = match command {
        Command::Help => (args::HELP.to_owned(), Vec::new()),
        Command::Version => (
            concat!("pshmem-inspect ", env!("CARGO_PKG_VERSION"), "\n").to_owned(),
            Vec::new(),
        ),
        Command::Inspect { path, verify } => {
            let mut saved = Saved::open(&path);
            let text = if verify {
                report::checksums(&mut saved)
            } else {
                report::statistics(&mut saved)
            };
            (text, saved.problems)
        }
    };
    match io::stdout().write_all(text.as_bytes()) {
        // A reader such as `head` has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(&[format!("cannot write: {error}")])
        }
        _ if problems.is_empty() => ExitCode::SUCCESS,
        _ => fail(&problems),
    }
}

/// Prints what is wrong.
fn fail(problems: &[String]) -> ExitCode {
    let mut stderr = io::stderr().lock();
    for problem in problems {
        // There is nowhere to tell that it cannot be written.
        let _ = writeln!(stderr, "pshmem-inspect: {}", table::printable(problem));
    }
    ExitCode::FAILURE
}

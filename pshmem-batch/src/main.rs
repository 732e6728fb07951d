//! `pshmem-batch COMMAND DIR`: the state directory of a batch, for its operator.
//!
//! - `args` the command line · `status` what the tasks do, and `watch` the same again and again · `log` what they have done
//! - `operate` what is changed: tasks that are opened again, and the file `stop`
//! - `output` and `table` what is printed

#![forbid(unsafe_code)]

mod args;
mod log;
mod operate;
mod output;
mod status;
mod table;
mod watch;

use args::{Command, Form};
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = Command::parse(lexopt::Parser::from_env());
    let command = command.map_err(|error| format!("{error}; see --help"));
    match command.and_then(run) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            output::complain(&why);
            ExitCode::from(2)
        }
    }
}

/// Whether all is as it was asked for. `Err` says what cannot be read or written.
fn run(command: Command) -> Result<bool, String> {
    match command {
        Command::Help => output::print(args::HELP).map(|_| true),
        Command::Version => {
            let version = concat!("pshmem-batch ", env!("CARGO_PKG_VERSION"), "\n");
            output::print(version).map(|_| true)
        }
        Command::Status { dir, form } => match form {
            Form::Watch { all, period } => watch::watch(&dir, all, period),
            Form::Json => status::print(&dir, pshmem::BatchStatus::to_json),
            Form::Text { all } => status::print(&dir, |status| status::text(status, all)),
        },
        Command::Reopen { dir, states, names } => operate::reopen(&dir, &states, &names),
        Command::Stop { dir } => operate::stop(&dir),
        Command::Resume { dir } => operate::resume(&dir),
        Command::Log {
            dir,
            is_json,
            selection,
        } => log::print(&dir, is_json, &selection),
    }
}

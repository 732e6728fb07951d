//! What is run under Slurm: tasks of `srun` that are ranks, tasks that are refused, and batches.

use super::batches;
use super::daemons::Daemons;
use super::{plugin, program, wrong_plugins};
use crate::cargo;
use crate::mpi::Mpi;
use crate::process::Outcome;
use crate::report::{Row, Verdict};
use crate::test::cases_of_suite::{self, Cases};
use crate::test::commands::announce;
use crate::test::leftovers::only_expected;
use crate::test::programs::{has, has_failed};
use std::process::Command;
use std::time::Duration;

/// The time limit of one command of Slurm.
pub(super) const LIMIT: Duration = Duration::from_secs(1200);

/// A row that is still to be run, with its name.
type Work<'a> = (String, Box<dyn FnOnce() -> Row + 'a>);

/// All rows under one library.
pub(super) fn all<'a>(daemons: &'a Daemons, mpi: &'a Mpi) -> Vec<Work<'a>> {
    let suite_step = format!("suite, srun --mpi={}", plugin(mpi));
    let name = suite_step.clone();
    let mut rows: Vec<Work<'a>> = vec![(name, Box::new(move || suite(daemons, mpi, &suite_step)))];
    let (wrong, said) = wrong_plugins(mpi);
    for plugin in wrong {
        let step = format!("refused, srun --mpi={plugin}");
        rows.push((step, Box::new(|| refused(daemons, mpi, plugin, said))));
    }
    for (step, work) in batches::ALL {
        let row = move || batches::row(step, daemons, mpi, work);
        rows.push((step.to_owned(), Box::new(row)));
    }
    rows
}

/// `srun` with so many tasks on one node, which see each other by the plugin.
pub(super) fn srun(plugin: &str, tasks: usize) -> Vec<String> {
    let options = ["srun", "-N", "1", "-n"].map(str::to_owned);
    options
        .into_iter()
        .chain([tasks.to_string(), format!("--mpi={plugin}")])
        .collect()
}

pub(super) fn command(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// What of the suite runs: ranks are started in another way, and do the same then.
const CASES: [&str; 3] = ["write", "locks", "batch"];

/// A part of the suite with two ranks.
fn suite(daemons: &Daemons, mpi: &Mpi, step: &str) -> Row {
    let row = Row::under(step, mpi.name, "2");
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

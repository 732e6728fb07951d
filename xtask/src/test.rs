//! `cargo xtask test`: everything in order. A failure stops nothing; the table at the end shows it all.

use crate::mpi::Mpi;
use crate::needs::Need;
use crate::report::{Report, Row, Verdict};
use crate::{
    args, dynamic, examples, licences, packages, python, repository, setup, steps, suites,
};
use std::time::Instant;

/// The command.
pub(crate) fn command(options: &args::Test) -> Result<(), String> {
    let mut report = Report::strict(options.strict);
    let filter = options.filter.as_deref();

    let libraries = if options.no_mpi {
        Vec::new()
    } else {
        prepare(options, &mut report)
    };
    let mut earth = Err("not run with ranks as threads".into());
    // With --nodes only the suites on nodes are wanted.
    if options.nodes.is_none() {
        if filter.is_none() {
            report.push(repository::large_files());
            report.push(licences::allowed());
        }
        for step in steps::WITHOUT_MPI
            .iter()
            .filter(|step| step.filters || filter.is_none())
        {
            report.push(step.run(None, filter));
        }
        if filter.is_none() {
            report.push(packages::dry_run());
            report.push(steps::msrv());
            if options.proof {
                dynamic::short(dynamic::Tool::Tsan, &mut report);
                dynamic::short(dynamic::Tool::Miri, &mut report);
                report.push(libraries.first().map_or_else(
                    || Row::new("Python directories").skipped("there is no MPI library"),
                    python::directories,
                ));
            }
            earth = examples::on_threads(options.verbose, &mut report);
            for step in steps::WITH_MPI {
                if let Some(mpi) = libraries.first() {
                    report.push(step.run(Some(mpi), None));
                }
            }
        }
    }
    for mpi in &libraries {
        suites::all(mpi, options, &earth, &mut report);
    }

    print!("{}", report.text());
    report.verdict()
}

/// Installs what is missing and gives the libraries to test under.
fn prepare(options: &args::Test, report: &mut Report) -> Vec<Mpi> {
    let mut needs = vec![Need::LibClang];
    if options.nodes.is_none() {
        needs.push(Need::RustComponents);
    }
    let wanted = |name: &str| options.only.as_deref().is_none_or(|only| only == name);
    needs.extend(
        [("openmpi", Need::OpenMpi), ("mpich", Need::Mpich)]
            .into_iter()
            .filter_map(|(name, need)| wanted(name).then_some(need)),
    );
    println!("== setup");
    let start = Instant::now();
    // Without iproute2 the runs over nodes are skipped, with a row that says so.
    let missing = setup::prepare(&[&needs[..], &[Need::Iproute2]].concat());
    let missing: Vec<Need> = missing
        .into_iter()
        .filter(|need| *need != Need::Iproute2)
        .collect();
    let mut row = Row {
        seconds: start.elapsed().as_secs_f64(),
        ..Row::new("setup")
    };
    if !missing.is_empty() {
        println!("\n{}", crate::needs::advice(&missing));
        row.verdict = Verdict::Failed("something is missing; what to type is printed above".into());
    }
    report.push(row);

    let libraries = Mpi::find_all();
    for mpi in libraries.iter().filter(|mpi| mpi.name == "default") {
        println!(
            "Only one MPI library goes by the usual names ({}, {}): used as `default`.",
            mpi.mpicc, mpi.launcher
        );
    }
    if missing.contains(&Need::LibClang) {
        report.push(
            Row::new("suites and examples")
                .skipped("feature `mpi` cannot be built without libclang"),
        );
        return Vec::new();
    }
    let only = options.only.as_deref();
    libraries
        .into_iter()
        .filter(|mpi| only.is_none_or(|name| mpi.is(name)))
        .collect()
}

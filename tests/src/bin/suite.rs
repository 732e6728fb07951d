//! The suite under a launcher: every case on the world and on the shapes derived from it.
//!
//! `mpirun -n 4 suite [--large] [--shapes "4;2+2"] [NAME...]` runs the cases whose names contain one of the given names, on all
//! shapes or those given. With `--large`, it runs the cases that need gigabytes of memory instead. Ranks are threads with
//! `PSHMEM_LOCAL=2+2 suite`.

use std::process::ExitCode;
use std::time::Instant;

use pshmem::Comm;
use pshmem_tests::cases::{self, Case};
use pshmem_tests::report::{self, Verdict};
use pshmem_tests::results::Results;
use pshmem_tests::{shapes, watchdog};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("suite: {message}");
            return ExitCode::FAILURE;
        }
    };
    pshmem::run(|world: &Comm| -> Result<(), String> {
        let count = run_all(world, &options)
            .map_err(|error| format!("the `Comm` of the suite failed: {error}"))?;
        if world.rank() == 0 {
            println!("{} do not apply", count.do_not_apply);
            println!("{} passed, {} failed", count.passed, count.failed);
        }
        if count.failed > 0 {
            Err(format!("{} cases failed", count.failed))
        } else {
            Ok(())
        }
    })
}

struct Options {
    cases: &'static [Case],
    names: Vec<String>,
    /// The shapes to run, or all.
    shapes: Option<Vec<String>>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options {
            cases: cases::ALL,
            names: Vec::new(),
            shapes: None,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--large" => options.cases = cases::LARGE,
                "--shapes" => {
                    let list = arguments
                        .next()
                        .ok_or("--shapes needs a list, as in \"4;2+2\"")?;
                    options.shapes = Some(list.split(';').map(str::to_owned).collect());
                }
                other if other.starts_with('-') => return Err(format!("`{other}` is no option")),
                _ => options.names.push(argument),
            }
        }
        Ok(options)
    }

    fn selected(&self) -> impl Iterator<Item = &'static Case> {
        let is_selected = |case: &&Case| {
            self.names.is_empty() || self.names.iter().any(|name| case.name.contains(name))
        };
        self.cases.iter().filter(is_selected)
    }
}

/// Runs of cases on shapes, equal on all ranks.
#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    do_not_apply: usize,
}

/// Runs the selected cases on all shapes.
fn run_all(world: &Comm, options: &Options) -> pshmem::Result<Count> {
    let mut count = Count::default();
    let results = (world.rank() == 0).then(Results::from_env);
    let print = |text: &str| {
        if world.rank() == 0 {
            println!("{text}");
        }
    };
    let mut ran_on_any = false;
    for (shape, comm) in watchdog::guard("deriving shapes", || shapes::derived(world))? {
        if options
            .shapes
            .as_ref()
            .is_some_and(|list| !list.contains(&shape))
        {
            print(&format!("-- {shape}: left out"));
            if let Some(results) = &results {
                options
                    .selected()
                    .for_each(|case| results.leave_out(case.name, &shape));
            }
            continue;
        }
        ran_on_any = true;
        print(&format!("-- {shape}"));
        for case in options.selected() {
            let start = Instant::now();
            let result = watchdog::guard(&format!("{} on {shape}", case.name), || {
                report::run(case, &comm)
            })?;
            match &result {
                Ok(Verdict::Passed) => count.passed += 1,
                Ok(Verdict::DoesNotApply(_)) => count.do_not_apply += 1,
                Err(_) => count.failed += 1,
            }
            if let Some(results) = &results {
                results.add(case.name, &shape, &result);
            }
            let verdict = match result {
                Ok(Verdict::Passed) => "ok".to_owned(),
                Ok(Verdict::DoesNotApply(why)) => format!("does not apply: {why}"),
                Err(text) => format!("FAILED\n{text}"),
            };
            print(&format!(
                "{} ({:.2} s) ... {verdict}",
                case.name,
                start.elapsed().as_secs_f64()
            ));
        }
    }
    assert!(
        ran_on_any,
        "no shape of this world is one of {:?}",
        options.shapes
    );
    Ok(count)
}

//! The suite under a launcher: every case on the world and on the shapes derived from it.
//!
//! `mpirun -n 4 suite [NAME...]` runs the cases whose names contain one of the given names. Ranks are threads with
//! `PSHMEM_LOCAL=2+2 suite`. `PSHMEM_TEST_SHAPES=4,2+2` restricts the shapes.

use std::process::ExitCode;
use std::time::Instant;

use pshmem::Comm;
use pshmem_tests::{cases, report, shapes, watchdog};

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    pshmem::run(|world: &Comm| -> Result<(), String> {
        let (passed, failed) = run_all(world, &names)
            .map_err(|error| format!("the `Comm` of the suite failed: {error}"))?;
        if world.rank() == 0 {
            println!("{passed} passed, {failed} failed");
        }
        if failed > 0 {
            Err(format!("{failed} cases failed"))
        } else {
            Ok(())
        }
    })
}

/// Runs the selected cases on all shapes. Returns the numbers of passed and failed runs, which are equal on all ranks.
fn run_all(world: &Comm, names: &[String]) -> pshmem::Result<(usize, usize)> {
    let (mut passed, mut failed, mut shapes) = (0, 0, 0);
    let print = |text: &str| {
        if world.rank() == 0 {
            println!("{text}");
        }
    };
    let only = std::env::var("PSHMEM_TEST_SHAPES").ok();
    for (shape, comm) in watchdog::guard("deriving shapes", || shapes::derived(world))? {
        let is_listed = |list: &String| list.split(',').any(|listed| listed == shape);
        if only.as_ref().is_some_and(|list| !is_listed(list)) {
            continue;
        }
        shapes += 1;
        print(&format!("-- {shape}"));
        let is_selected = |case: &&cases::Case| {
            names.is_empty() || names.iter().any(|name| case.name.contains(name))
        };
        for case in cases::ALL.iter().filter(is_selected) {
            let start = Instant::now();
            let result = watchdog::guard(&format!("{} on {shape}", case.name), || {
                report::run(case, &comm)
            })?;
            match &result {
                Ok(()) => passed += 1,
                Err(_) => failed += 1,
            }
            let verdict =
                result.map_or_else(|text| format!("FAILED\n{text}"), |()| "ok".to_owned());
            print(&format!(
                "{} ({:.2} s) ... {verdict}",
                case.name,
                start.elapsed().as_secs_f64()
            ));
        }
    }
    assert!(shapes > 0, "no shape of this world is one of {only:?}");
    Ok((passed, failed))
}

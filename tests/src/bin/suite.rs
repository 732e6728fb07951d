//! The suite under a launcher: every case on the world it gets and on shapes derived from it.
//!
//! `mpirun -n 4 suite [name..]` runs the cases whose names contain one of the names. Without MPI, `PSHMEM_LOCAL=2+2 suite`.
//! `PSHMEM_TEST_SHAPES=4,2+2` keeps only these shapes.

use std::process::ExitCode;
use std::time::Instant;

use pshmem::Comm;
use pshmem_tests::{cases, report, shapes, watchdog};

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    pshmem::run(|world: &Comm| -> Result<(), String> {
        let (passed, failed) =
            all(world, &names).map_err(|error| format!("the suite's own Comm failed: {error}"))?;
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

/// Runs what matches on all shapes; counts are the same on all ranks.
fn all(world: &Comm, names: &[String]) -> pshmem::Result<(usize, usize)> {
    let (mut passed, mut failed, mut shapes) = (0, 0, 0);
    let say = |text: &str| {
        if world.rank() == 0 {
            println!("{text}");
        }
    };
    let only = std::env::var("PSHMEM_TEST_SHAPES").ok();
    for (shape, comm) in watchdog::guard("making shapes", || shapes::derived(world))? {
        let is_listed = |list: &String| list.split(',').any(|listed| listed == shape);
        if only.as_ref().is_some_and(|list| !is_listed(list)) {
            continue;
        }
        shapes += 1;
        say(&format!("-- {shape}"));
        let is_meant = |case: &&cases::Case| {
            names.is_empty() || names.iter().any(|name| case.name.contains(name))
        };
        for case in cases::ALL.iter().filter(is_meant) {
            let start = Instant::now();
            let end = watchdog::guard(&format!("{} on {shape}", case.name), || {
                report::run(case, &comm)
            })?;
            match &end {
                Ok(()) => passed += 1,
                Err(_) => failed += 1,
            }
            let verdict = end.map_or_else(|text| format!("FAILED\n{text}"), |()| "ok".to_owned());
            say(&format!(
                "{} ({:.2} s) ... {verdict}",
                case.name,
                start.elapsed().as_secs_f64()
            ));
        }
    }
    assert!(shapes > 0, "no shape of this world is one of {only:?}");
    Ok((passed, failed))
}

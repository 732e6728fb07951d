//! Every case with ranks as threads, on nodes of every shape; and the program `suite` at other levels of checks.

use std::process::Command;
use std::time::Duration;

use pshmem_tests::results::Results;
use pshmem_tests::{cases, for_each_case, report, shapes, watchdog};

fn on_every_shape(name: &str) {
    let case = cases::named(name);
    let results = Results::from_env();
    let left_out = shapes::left_out();
    for (shape, cluster) in shapes::clusters() {
        if left_out.contains(&shape) {
            results.leave_out(name, &shape);
            continue;
        }
        let what = format!("{name} on {shape}");
        // The case gets the world itself here, and a `Comm` made by `split` under MPI: both must work.
        let of_ranks = watchdog::guard(&what, || cluster.run(|comm| report::attempt(&case, comm)));
        let result = report::verdict(of_ranks);
        results.add(name, &shape, &result);
        if let Err(text) = result {
            panic!("{what}:\n{text}");
        }
    }
}

macro_rules! tests {
    ($($module:ident { $($case:ident),* $(,)? })*) => {
        $(mod $module {
            $(#[test]
            fn $case() {
                super::on_every_shape(concat!(stringify!($module), "::", stringify!($case)));
            })*
        })*
    };
}

for_each_case!(tests);

mod large {
    use pshmem_tests::for_each_large_case;

    macro_rules! tests {
        ($($module:ident { $($case:ident),* $(,)? })*) => {
            $(mod $module {
                $(#[test]
                #[ignore = "it needs gigabytes of memory"]
                fn $case() {
                    crate::on_every_shape(concat!(stringify!($module), "::", stringify!($case)));
                })*
            })*
        };
    }

    for_each_large_case!(tests);
}

#[test]
fn the_suite_passes_at_every_check_level() {
    // Level 1 is the default, at which all tests above run.
    for level in ["0", "2"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_suite"));
        // What it runs counts as this test.
        command.env_remove(pshmem_tests::results::FILE);
        command.envs([("PSHMEM_LOCAL", "1+1"), ("PSHMEM_CHECK", level)]);
        let (output, _) = watchdog::run(&mut command, Duration::from_secs(900));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "level {level}: {errors}");
    }
}

//! Every case with ranks as threads, on nodes of every shape.

use pshmem_tests::cases::Case;
use pshmem_tests::{for_each_case, report, shapes, watchdog};

fn on_every_shape(case: &Case) {
    for (shape, cluster) in shapes::clusters() {
        let what = format!("{} on {shape}", case.name);
        // The case gets the world itself here, and a Comm made by split under mpirun: both are to work.
        let ends = watchdog::guard(&what, || cluster.run(|comm| report::attempt(case, comm)));
        let texts: Vec<String> = ends
            .into_iter()
            .map(|end| {
                end.err()
                    .map_or_else(String::new, |text| format!("failed: {text}"))
            })
            .collect();
        if let Err(text) = report::summary(&texts) {
            panic!("{what}:\n{text}");
        }
    }
}

macro_rules! tests {
    ($($module:ident { $($case:ident),* $(,)? })*) => {
        $(mod $module {
            $(#[test]
            fn $case() {
                let name = concat!(stringify!($module), "::", stringify!($case));
                super::on_every_shape(&super::Case { name, run: pshmem_tests::cases::$module::$case });
            })*
        })*
    };
}

for_each_case!(tests);

//! Every case with ranks as threads, on nodes of every shape.

use pshmem_tests::{cases, for_each_case, report, shapes, watchdog};

fn on_every_shape(name: &str) {
    let case = cases::named(name);
    for (shape, cluster) in shapes::clusters() {
        let what = format!("{name} on {shape}");
        // The case gets the world itself here, and a `Comm` made by `split` under MPI: both must work.
        let results = watchdog::guard(&what, || cluster.run(|comm| report::attempt(&case, comm)));
        if let Err(text) = report::summary(&results) {
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

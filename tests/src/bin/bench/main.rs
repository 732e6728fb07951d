//! Measures the library, raw MPI and private memory, for `cargo xtask bench`.
//!
//! Rank 0 prints one line per result: `row<TAB>column<TAB>value<TAB>unit`. Each value is a median. The columns of a row are
//! measured alternately, so that other load on the machine affects all of them alike. So ratios within a row are more reliable
//! than single values.
//!
//! ```text
//! mpirun -n 2 bench                      all rows
//! PSHMEM_LOCAL=2 bench "set 64 B$" read  ranks as threads; rows whose name contains one of these, `$` marks its end
//! ```
//!
//! | environment | |
//! |---|---|
//! | `PSHMEM_BENCH_MIB` | size of the large objects in MiB (256) |
//! | `PSHMEM_BENCH_QUICK=1` | fewer repetitions |
//! | `PSHMEM_BENCH_QUANTILE` | the quantile of the repetitions that is printed (0.5, the median); 0.1 on a busy machine |
//!
//! - `timing` measurement of the columns of a row · `settings` options · `raw` MPI without the library
//! - rows: `write` on one node · `nodes` over two nodes · `parts`, `reduce`, `scatter` where all ranks write ·
//!   `values` that ranks pass each other · `read` · `fields` of a struct · `look_ups` in maps · `create` objects, splits, barriers · `large` objects and huge
//!   pages · `lock` · `batch` tasks · `files` save and load · `memory` peaks of each rank
#![allow(
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts and times are positive and far below 2^52"
)]
#![cfg_attr(
    not(feature = "mpi"),
    allow(
        unreachable_code,
        unused_mut,
        unused_variables,
        clippy::drop_non_drop,
        reason = "without MPI the types of its columns have no values, so code that uses one is unreachable"
    )
)]

mod batch;
mod create;
mod fields;
mod files;
mod large;
mod lock;
mod look_ups;
mod memory;
mod nodes;
mod parts;
mod raw;
mod read;
mod reduce;
mod scatter;
mod settings;
mod timing;
mod values;
mod write;

use pshmem::{Comm, Result};
use settings::Settings;
use timing::Bench;

fn main() -> std::process::ExitCode {
    pshmem::run(|comm: &Comm| -> Result<()> {
        let bench = Bench::new(comm, Settings::from_environment())?;
        write::rows(&bench)?;
        nodes::rows(&bench)?;
        parts::rows(&bench)?;
        reduce::rows(&bench)?;
        values::rows(&bench)?;
        scatter::rows(&bench)?;
        read::rows(&bench)?;
        fields::rows(&bench)?;
        look_ups::rows(&bench)?;
        create::rows(&bench)?;
        large::rows(&bench)?;
        lock::rows(&bench)?;
        batch::rows(&bench)?;
        files::rows(&bench)?;
        memory::rows(&bench)
    })
}

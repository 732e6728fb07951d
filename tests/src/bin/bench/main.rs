//! Times the library beside raw MPI and plain memory, for `cargo xtask bench`.
//!
//! Rank 0 prints one line per result: `row<TAB>column<TAB>value<TAB>unit`. Each value is a median; the columns of a row
//! take turns, so that whatever else the machine does meets all of them, and ratios within a row mean more than figures.
//!
//! ```text
//! mpirun -n 2 bench                      all rows
//! PSHMEM_LOCAL=2 bench "set 64 B$" read  ranks as threads; rows named like one of these, `$` is the end of a name
//! ```
//!
//! | environment | |
//! |---|---|
//! | `PSHMEM_BENCH_MIB` | MiB of the large objects (256) |
//! | `PSHMEM_BENCH_QUICK=1` | fewer repetitions |
//! | `PSHMEM_BENCH_QUANTILE` | which of the sorted repetitions counts (0.5); 0.1 on a machine that is busy otherwise |
//!
//! - `race` how columns are timed against each other · `settings` what is asked for · `raw` MPI without the library
//! - rows: `write` on one node · `nodes` over two · `parts`, `reduce` where all ranks write · `read` · `fields` of a struct ·
//!   `create` objects, splits, barriers · `lock` · `batch` tasks · `memory` peaks
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
        reason = "without MPI its columns have no values, and what follows from one is never reached"
    )
)]

mod batch;
mod create;
mod fields;
mod lock;
mod memory;
mod nodes;
mod parts;
mod race;
mod raw;
mod read;
mod reduce;
mod settings;
mod write;

use pshmem::{Comm, Result};
use race::Bench;
use settings::Settings;

fn main() -> std::process::ExitCode {
    pshmem::run(|comm: &Comm| -> Result<()> {
        let bench = Bench::new(comm, Settings::from_environment())?;
        write::rows(&bench)?;
        nodes::rows(&bench)?;
        parts::rows(&bench)?;
        reduce::rows(&bench)?;
        read::rows(&bench)?;
        fields::rows(&bench)?;
        create::rows(&bench)?;
        lock::rows(&bench)?;
        batch::rows(&bench)?;
        memory::rows(&bench)
    })
}

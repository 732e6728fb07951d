//! One suite of cases for every transport, and what runs and checks it.
//!
//! - `cases` what must hold on any world · `shapes` the worlds to try · `report` how a failure on one rank fails the case
//! - `results` which cases ran, for the totals of `cargo xtask test`
//! - `values`, `collective` what cases compare · `temp_dir` temporary directories · `marks` of ranks in files · `watchdog` time limits
//! - `model` random sequences of calls, compared with an `ndarray` model
//!
//! `tests/threads.rs` runs the cases with ranks as threads, `bin/suite.rs` under an MPI launcher.

pub mod cases;
pub mod collective;
#[path = "../faults/list.rs"]
pub mod faults;
pub mod marks;
pub mod model;
pub mod report;
pub mod results;
pub mod shapes;
pub mod temp_dir;
pub mod values;
pub mod watchdog;

//! One suite for every transport, and what runs it.
//!
//! - `cases` what must hold on any world · `shapes` the worlds to try · `report` how one rank's failure fails the case
//! - `check` what cases compare with · `watchdog` the hard limit of everything
//! - `model` random sequences of calls beside an `ndarray` model
//!
//! `tests/threads.rs` runs the cases with ranks as threads, `bin/suite.rs` under an MPI launcher.

pub mod cases;
pub mod check;
pub mod model;
pub mod report;
pub mod shapes;
pub mod watchdog;

//! Programs of this crate, with ranks as threads: how their jobs end, and what they print.
//!
//! - `faults` a rank fails · `misuse` a program misuses the library · `jobs` several jobs on one state directory · `saves`
//!   saves that fail or are killed

mod faults;
mod jobs;
mod misuse;
mod saves;

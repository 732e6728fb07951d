//! The file in which `cargo xtask test` reads which cases have run, on which worlds, and what became of them.
//!
//! Each line is `case <tab> world <tab> result`. The standard output of a job is no place for it: launchers mix the lines of
//! ranks, and the test harness keeps what a test prints.

use std::fs::{File, OpenOptions};
use std::io::Write;

use crate::report::Verdict;

/// The environment variable with the path of the file. Without it nothing is written.
pub const FILE: &str = "PSHMEM_TEST_RESULTS";

/// Adds lines to the file.
#[derive(Debug)]
pub struct Results(Option<File>);

impl Results {
    /// Opens the file that [`FILE`] names.
    ///
    /// # Panics
    /// When it cannot be opened: what ran would count as missing.
    #[must_use]
    pub fn from_env() -> Self {
        let open = |path| OpenOptions::new().append(true).create(true).open(path);
        Results(std::env::var_os(FILE).map(|path| open(path).expect("the file of results")))
    }

    /// What became of a case on a world.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn add(&self, case: &str, world: &str, result: &Result<Verdict, String>) {
        match result {
            Ok(Verdict::Passed) => self.line(case, world, "passed"),
            Ok(Verdict::DoesNotApply(why)) => {
                self.line(case, world, &format!("does not apply: {why}"));
            }
            Err(_) => self.line(case, world, "failed"),
        }
    }

    /// A case is not run on a world because its caller has left the world out.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn leave_out(&self, case: &str, world: &str) {
        self.line(case, world, "left out");
    }

    fn line(&self, case: &str, world: &str, result: &str) {
        let Some(mut file) = self.0.as_ref() else {
            return;
        };
        // One write for each line: tests that run at the same time append to one file.
        let line = format!("{case}\t{world}\t{result}\n");
        file.write_all(line.as_bytes())
            .expect("the file of results can be written");
    }
}

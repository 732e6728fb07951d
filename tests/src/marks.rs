//! Marks that ranks set in files, for a rank that makes no calls of the library until the others have come to some point.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pshmem::{Comm, Result};

use crate::temp_dir::TempDir;

/// After this time, the others wait for the rank that waits for them.
const LIMIT: Duration = Duration::from_secs(60);

/// One mark for each rank of a `Comm`.
#[derive(Debug)]
pub struct Marks {
    dir: TempDir,
    ranks: usize,
}

impl Marks {
    /// No mark is set. Collective.
    ///
    /// # Errors
    /// When `comm` does not work.
    ///
    /// # Panics
    /// When the directory of the marks cannot be created.
    pub fn new(comm: &Comm) -> Result<Self> {
        let dir = TempDir::shared(comm)?;
        if comm.rank() == 0 {
            std::fs::create_dir(dir.path()).expect("a directory for marks");
        }
        comm.barrier()?;
        Ok(Marks {
            dir,
            ranks: comm.size(),
        })
    }

    /// Sets the mark of a rank.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set(&self, rank: usize) -> io::Result<()> {
        std::fs::write(self.file(rank), "")
    }

    /// Waits until all ranks but 0 have set their marks, without a call of the library.
    ///
    /// # Panics
    /// When they have not within a minute.
    pub fn wait_for_others(&self) {
        let start = Instant::now();
        while !(1..self.ranks).all(|rank| self.file(rank).exists()) {
            assert!(start.elapsed() < LIMIT, "the other ranks wait for rank 0");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn file(&self, rank: usize) -> PathBuf {
        self.dir.path().join(rank.to_string())
    }
}

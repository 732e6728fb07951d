//! Temporary directories that are removed when they are dropped.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use pshmem::{Comm, Result};

use crate::collective::gather_texts;

/// A directory under the system's directory for temporary files.
#[derive(Debug)]
pub struct TempDir {
    path: PathBuf,
    /// Whether this value removes the directory.
    is_owner: bool,
}

impl TempDir {
    /// Creates a directory of this process.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn new() -> io::Result<Self> {
        let path = unused_path();
        std::fs::create_dir(&path)?;
        Ok(TempDir {
            path,
            is_owner: true,
        })
    }

    /// One path for all ranks, at which nothing exists yet. Rank 0 removes the directory when it drops its value. Collective.
    ///
    /// # Errors
    /// When `comm` does not work.
    pub fn shared(comm: &Comm) -> Result<Self> {
        let paths = gather_texts(comm, &unused_path().display().to_string())?;
        Ok(TempDir {
            path: PathBuf::from(&paths[0]),
            is_owner: comm.rank() == 0,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text of a file in it; empty when there is no such file.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path.join(name)).unwrap_or_default()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if self.is_owner {
            // A directory that remains is no failure of the test.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// A path that no other call of this or another process gets: the time tells processes apart whose ids are equal because one
/// has ended, or because they run in containers.
fn unused_path() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let time = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let name = format!(
        "pshmem-tests-{}-{}-{count}",
        std::process::id(),
        time.as_nanos()
    );
    std::env::temp_dir().join(name)
}

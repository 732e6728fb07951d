//! What a run leaves on the machine: processes of its program, and names in `/dev/shm` and the folder for temporary files.

use crate::process::{self, Outcome};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long the library's daemons may take to clean up.
const PATIENCE: Duration = Duration::from_secs(4);
const SHM: &str = "/dev/shm";
/// How the name of a process that is left begins.
pub(crate) const PROCESS: &str = "process ";

/// The names that there were before a run.
pub(crate) struct Listing {
    before: BTreeSet<PathBuf>,
    /// For the run's temporary files, so that those of other programs are not taken for its own.
    folder: PathBuf,
}

impl Listing {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // A short name: sockets in it have paths of at most 107 bytes.
        let folder = std::env::temp_dir().join(format!("xtask-{}-{count}", std::process::id()));
        // Where it cannot be made the run itself fails and says so.
        let _ = std::fs::create_dir_all(&folder);
        Self {
            before: names(),
            folder,
        }
    }

    /// The folder for temporary files, to be given to the run as `TMPDIR`.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is left of a run after some patience: processes, which are ended then, and names of files.
    pub(crate) fn left(&self, run: &Outcome) -> Vec<String> {
        let start = Instant::now();
        loop {
            let survivors = run.survivors();
            let mut left: Vec<String> = survivors
                .iter()
                .map(|id| format!("{PROCESS}{id}"))
                .collect();
            left.extend(self.files());
            if left.is_empty() {
                return left;
            }
            if start.elapsed() > PATIENCE {
                survivors.into_iter().for_each(process::end);
                return left;
            }
            sleep(Duration::from_millis(50));
        }
    }

    fn files(&self) -> Vec<String> {
        let mut files: Vec<PathBuf> = names().difference(&self.before).cloned().collect();
        if !files.is_empty() {
            // Mapped by somebody who is not of this run: the file of another job.
            let maps = maps();
            files.retain(|file| {
                !maps
                    .iter()
                    .any(|map| map.contains(&*file.to_string_lossy()))
            });
        }
        let own = entries(&self.folder)
            .map(|file| format!("$TMPDIR/{}", file.file_name().unwrap_or_default().display()));
        files
            .iter()
            .map(|file| file.display().to_string())
            .chain(own)
            .collect()
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// All names of `/dev/shm`; of the machine's folder for temporary files, which others use too, those that tell of us or of MPI.
fn names() -> BTreeSet<PathBuf> {
    let tells = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        ["pshmem", "mpich", "vader", "ucx"]
            .iter()
            .any(|word| name.contains(word))
    };
    entries(Path::new(SHM))
        .chain(entries(Path::new("/tmp")).filter(tells))
        .collect()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
}

/// What every process that we may look at has mapped.
fn maps() -> Vec<String> {
    entries(Path::new("/proc"))
        .filter_map(|process| std::fs::read_to_string(process.join("maps")).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::End;

    #[test]
    fn only_names_that_are_new_and_of_nobody_else_are_left() {
        let listing = Listing::new();
        let run = Outcome {
            end: End::Exit(0),
            output: String::new(),
            seconds: 0.0,
            mark: "none".into(),
        };
        std::fs::write(listing.folder().join("socket"), "").unwrap();
        assert_eq!(listing.left(&run), ["$TMPDIR/socket"]);
        let folder = listing.folder().to_owned();
        drop(listing);
        assert!(!folder.exists());
    }
}

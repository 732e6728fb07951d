//! What a run leaves on the machine: processes of its program, and names in `/dev/shm` and the folder for temporary files.
//!
//! Other runs come and go at the same time. A name counts only if it was there from the end of the run until the patience is
//! over, so that it may be the leftover of another run that ended then, but not a file that another run is using for a moment.

use crate::process::{self, Outcome};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the MPI library's daemons may take to clean up.
const PATIENCE: Duration = Duration::from_secs(4);

const SHM: &str = "/dev/shm";

/// How the name of a process that is left begins.
pub(super) const PROCESS: &str = "process ";

/// The names that there were before a run.
pub(super) struct Snapshot {
    before: BTreeSet<PathBuf>,
    /// For the run's temporary files, so that those of other programs are not taken for its own.
    folder: TempDir,
}

impl Snapshot {
    pub(super) fn new() -> std::io::Result<Self> {
        // A short name: sockets in it have paths of at most 107 bytes.
        let folder = tempfile::Builder::new().prefix("xtask-").tempdir()?;
        Ok(Self {
            before: names(),
            folder,
        })
    }

    /// The folder for temporary files, to be given to the run as `TMPDIR`.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What is left of a run after some patience: processes, which are ended then, and names of files.
    pub(super) fn leftovers(&self, run: &Outcome) -> Vec<String> {
        let start = Instant::now();
        let mut files = self.files();
        loop {
            let survivors = run.survivors();
            let now = self.files();
            files.retain(|file| now.contains(file));
            if survivors.is_empty() && files.is_empty() {
                return Vec::new();
            }
            if start.elapsed() > PATIENCE {
                let processes = survivors.iter().map(|id| format!("{PROCESS}{id}"));
                let leftovers = processes.chain(files).collect();
                survivors.into_iter().for_each(process::end);
                return leftovers;
            }
            sleep(Duration::from_millis(50));
        }
    }

    fn files(&self) -> Vec<String> {
        let mut files: Vec<PathBuf> = names().difference(&self.before).cloned().collect();
        if !files.is_empty() {
            // What some process has mapped belongs to another job.
            let maps = maps();
            files.retain(|file| {
                let name = file.to_string_lossy();
                !maps.iter().any(|map| map.contains(&*name))
            });
        }
        let own = entries(self.folder())
            .map(|file| format!("$TMPDIR/{}", file.file_name().unwrap_or_default().display()));
        files
            .iter()
            .map(|file| file.display().to_string())
            .chain(own)
            .collect()
    }
}

/// All names of `/dev/shm`, and those of the machine's folder for temporary files that are ours or MPI's.
fn names() -> BTreeSet<PathBuf> {
    let is_of_mpi = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        ["pshmem", "mpich", "vader", "ucx"]
            .iter()
            .any(|word| name.contains(word))
    };
    entries(Path::new(SHM))
        .chain(entries(Path::new("/tmp")).filter(is_of_mpi))
        .collect()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
}

/// The mappings of every process that we may look at.
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
    fn only_names_that_stay_are_left() {
        let snapshot = Snapshot::new().unwrap();
        let run = Outcome {
            end: End::Exit(0),
            output: String::new(),
            seconds: 0.0,
            mark: "none".into(),
        };
        let folder = snapshot.folder().to_owned();
        std::fs::write(folder.join("socket"), "").unwrap();
        std::fs::write(folder.join("soon gone"), "").unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                sleep(Duration::from_millis(100));
                std::fs::remove_file(folder.join("soon gone")).unwrap();
                std::fs::write(folder.join("new"), "").unwrap();
            });
            assert_eq!(snapshot.leftovers(&run), ["$TMPDIR/socket"]);
        });
        drop(snapshot);
        assert!(!folder.exists());
    }
}

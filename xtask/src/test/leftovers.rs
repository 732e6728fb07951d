//! What a run leaves on the machine: processes of its program, and names in `/dev/shm` and the folder for temporary files.
//!
//! A run gets a `/dev/shm` of its own, a folder of the machine's that is bound there in a mount namespace, and a `TMPDIR` of its
//! own. So all that is in them afterwards is the run's, whatever else runs at the same time. Comparing the machine's `/dev/shm`
//! before and after was rejected: other runs come and go, and their names cannot be told from those that are left.

use super::permissions::{Permission, in_mount_namespace};
use crate::process::{self, Outcome};
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the MPI library's daemons may take to clean up.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

const SHM: &str = "/dev/shm";

/// How the name of a process that is left begins.
const PROCESS: &str = "process ";

/// The folders of one run.
pub(super) struct Folders {
    /// Bound at `/dev/shm`. None where this machine permits no mounts: then it is not known what is left there.
    shm: Option<TempDir>,
    temporary: TempDir,
}

impl Folders {
    pub(super) fn new() -> std::io::Result<Self> {
        // Short names: sockets have paths of at most 107 bytes.
        let new = || tempfile::Builder::new().prefix("xtask-").to_owned();
        let may_mount = Permission::Mounts.check().is_ok();
        Ok(Self {
            shm: may_mount.then(|| new().tempdir_in(SHM)).transpose()?,
            temporary: new().tempdir()?,
        })
    }

    /// The command with these folders.
    pub(super) fn around(&self, command: &Command) -> Command {
        let outer = self.shm.as_ref().map(|shm| {
            let script = format!(r#"mount --bind "$0" {SHM}; exec "$@""#);
            in_mount_namespace(&script, &shm.path().to_string_lossy())
        });
        let mut command = process::inside(outer, command);
        command.env("TMPDIR", self.temporary.path());
        command
    }

    /// What is left of a run after some patience: processes, which are ended then, and names of files.
    pub(super) fn leftovers(&self, run: &Outcome) -> Vec<String> {
        let start = Instant::now();
        loop {
            let survivors = run.survivors();
            let files = self.files();
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
        let shm = self.shm.as_ref().map(|shm| names(shm.path(), SHM));
        let temporary = names(self.temporary.path(), "$TMPDIR");
        shm.into_iter().flatten().chain(temporary).collect()
    }
}

/// The files in a folder, with the name that the run has for the folder.
fn names(folder: &Path, name: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| format!("{name}/{}", entry.file_name().display()))
        .collect();
    names.sort();
    names
}

/// An error if anything is left but files in `/dev/shm` whose names begin with one of the prefixes.
pub(super) fn only_expected(leftovers: &[String], prefixes: &[&str]) -> Result<(), String> {
    let is_expected = |name: &str| {
        let file = name
            .strip_prefix(SHM)
            .and_then(|rest| rest.strip_prefix('/'));
        file.is_some_and(|file| prefixes.iter().any(|prefix| file.starts_with(prefix)))
    };
    let others: Vec<&str> = leftovers
        .iter()
        .map(String::as_str)
        .filter(|name| !is_expected(name))
        .collect();
    if others.is_empty() {
        Ok(())
    } else {
        Err(format!("left behind: {}", others.join(" ")))
    }
}

/// An error if a process is left.
pub(super) fn only_files(leftovers: &[String]) -> Result<(), String> {
    match leftovers.iter().find(|name| name.starts_with(PROCESS)) {
        Some(process) => Err(format!("left behind: {process}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> (Folders, Outcome) {
        let folders = Folders::new().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let log = folders.temporary.path().with_extension("log");
        let command = folders.around(&command);
        let outcome = process::run(command, Duration::from_secs(60), &log, false);
        std::fs::remove_file(&log).unwrap();
        assert_eq!(outcome.end.check(), Ok(()), "{}", outcome.output);
        (folders, outcome)
    }

    #[test]
    fn what_a_run_leaves_is_found() {
        let (folders, outcome) = run(r#"echo >"$TMPDIR/socket"; echo >/dev/shm/segment"#);
        let left = folders.leftovers(&outcome);
        if Permission::Mounts.check().is_ok() {
            assert_eq!(left, ["/dev/shm/segment", "$TMPDIR/socket"]);
        } else {
            std::fs::remove_file("/dev/shm/segment").unwrap();
            assert_eq!(left, ["$TMPDIR/socket"]);
        }
        let [shm, temporary] = [
            folders.shm.as_ref().map(|shm| shm.path().to_owned()),
            Some(folders.temporary.path().to_owned()),
        ];
        drop(folders);
        assert!(shm.iter().chain(&temporary).all(|folder| !folder.exists()));
    }

    #[test]
    fn what_is_removed_in_time_is_not_left() {
        let script = r#"echo >"$TMPDIR/soon gone"
            (sleep 0.3; rm "$TMPDIR/soon gone") >/dev/null 2>&1 &"#;
        let (folders, outcome) = run(script);
        assert!(folders.leftovers(&outcome).is_empty());
    }

    #[test]
    fn a_process_that_is_left_is_named() {
        let names = ["/dev/shm/osc_sm.vm.1", "process 12"].map(str::to_owned);
        assert_eq!(only_files(&names[..1]), Ok(()));
        assert_eq!(only_files(&names), Err("left behind: process 12".into()));
    }

    #[test]
    fn only_what_is_listed_may_be_left() {
        let check = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            only_expected(&names, &["mpich_shar_tmp", "osc_sm."])
        };
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&["/dev/shm/mpich_shar_tmpDtYkDV"]), Ok(()));
        for name in ["/dev/shm/pshmem.1", "$TMPDIR/osc_sm.1", "process 12"] {
            let why = check(&["/dev/shm/osc_sm.vm.1", name]).unwrap_err();
            assert_eq!(why, format!("left behind: {name}"));
        }
    }
}

//! A cgroup with a limit of memory, for one run. Version 1 or 2, whichever this machine limits memory by.

use super::leftovers::PATIENCE;
use crate::process;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The group, which is removed when this is dropped.
pub(super) struct MemoryCgroup(PathBuf);

impl MemoryCgroup {
    /// A new group with a limit in bytes, below the root of the hierarchy as it is seen here.
    pub(super) fn new(limit: usize) -> Result<Self, String> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("xtask-{}-{number}", std::process::id());
        for point in mounts.lines().filter_map(mount_point) {
            let folder = Path::new(point).join(&name);
            if fs::create_dir(&folder).is_err() {
                continue;
            }
            let group = MemoryCgroup(folder);
            let mut files = ["memory.limit_in_bytes", "memory.max"].iter();
            if files.any(|file| fs::write(group.0.join(file), limit.to_string()).is_ok()) {
                return Ok(group);
            }
        }
        Err("this machine permits no cgroup with a limit of memory".into())
    }

    pub(super) fn name(&self) -> String {
        self.0.display().to_string()
    }

    /// The command with all its processes in the group.
    pub(super) fn around(&self, command: &Command) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-ec", r#"echo $$ >"$0/cgroup.procs"; exec "$@""#]);
        shell.arg(&self.0);
        process::inside(Some(shell), command)
    }

    /// An error if the kernel has killed a process because the group had no memory left.
    pub(super) fn no_kills(&self) -> Result<(), String> {
        let mut files = ["memory.oom_control", "memory.events"].iter();
        let text = files.find_map(|file| fs::read_to_string(self.0.join(file)).ok());
        let text = text.unwrap_or_default();
        match text.lines().find_map(|line| line.strip_prefix("oom_kill ")) {
            Some("0") => Ok(()),
            Some(kills) => Err(format!("the kernel has killed {kills} processes")),
            None => Err("the cgroup does not say whether the kernel has killed".into()),
        }
    }
}

impl Drop for MemoryCgroup {
    fn drop(&mut self) {
        let start = Instant::now();
        // Processes that have just ended are still in it.
        while fs::remove_dir(&self.0).is_err() && start.elapsed() < PATIENCE {
            sleep(Duration::from_millis(20));
        }
    }
}

/// The mount point in a line of `mountinfo`, if it is that of a hierarchy that may limit memory.
fn mount_point(line: &str) -> Option<&str> {
    let (mount, file_system) = line.split_once(" - ")?;
    let has_memory = |options: &str| options.split(',').any(|name| name == "memory");
    let may_limit = match file_system.split(' ').collect::<Vec<_>>()[..] {
        ["cgroup2", ..] => true,
        ["cgroup", _, options] => has_memory(options),
        _ => false,
    };
    mount.split(' ').nth(4).filter(|_| may_limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::permissions::Permission;

    #[test]
    fn hierarchies_that_may_limit_memory() {
        let line =
            |file_system: &str| format!("35 31 0:32 / /x/y rw,relatime shared:2 - {file_system}");
        for file_system in ["cgroup cgroup rw,memory", "cgroup2 cgroup2 rw,nsdelegate"] {
            assert_eq!(mount_point(&line(file_system)), Some("/x/y"));
        }
        for file_system in ["cgroup cgroup rw,cpu", "tmpfs memory rw"] {
            assert_eq!(mount_point(&line(file_system)), None);
        }
        assert_eq!(mount_point(""), None);
    }

    #[test]
    fn processes_are_inside_and_a_kill_is_noticed() {
        if Permission::MemoryCgroups.check().is_err() {
            return;
        }
        let group = MemoryCgroup::new(20 << 20).unwrap();
        let folder = group.0.clone();
        let run = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            group.around(&command).output().unwrap()
        };
        let output = run("cat /proc/self/cgroup");
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        assert!(String::from_utf8_lossy(&output.stdout).contains(&name));
        assert_eq!(group.no_kills(), Ok(()));
        // It reads one endless line.
        run("head -c 100000000 /dev/zero | tail -n 1 | wc -c");
        assert!(group.no_kills().is_err());
        drop(group);
        assert!(!folder.exists());
    }
}

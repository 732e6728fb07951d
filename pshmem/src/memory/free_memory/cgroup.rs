//! One cgroup: its limits of memory, and how much of them is used.
//!
//! A file that is missing, or does not hold a number, limits nothing: the kernel leaves out files of controllers that are not
//! enabled, and containers hide some.

use crate::error::printable;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Version of the interface. One machine may have hierarchies of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

impl Version {
    /// Files of limits. The kernel does not kill for what is beyond `memory.high`, but makes each process there wait until as much
    /// has been reclaimed; pages of an object cannot be reclaimed without swap, so that such a job would hardly move.
    fn limits(self) -> &'static [&'static str] {
        match self {
            Version::V1 => &["memory.limit_in_bytes"],
            Version::V2 => &["memory.max", "memory.high"],
        }
    }

    /// The file of what this group and those below it use.
    fn usage(self) -> &'static str {
        match self {
            Version::V1 => "memory.usage_in_bytes",
            Version::V2 => "memory.current",
        }
    }

    /// The lines of `memory.stat` for bytes of files that the kernel keeps, in this group and those below it: first those that
    /// have been used once, or not for some time, and then the others. They are in the usage.
    fn file_bytes(self) -> [&'static str; 2] {
        match self {
            Version::V1 => ["total_inactive_file", "total_active_file"],
            Version::V2 => ["inactive_file", "active_file"],
        }
    }
}

/// A cgroup, with the files that are read again and again open: to open one takes several times as long as to read it.
#[derive(Debug)]
pub(super) struct Cgroup {
    folder: PathBuf,
    version: Version,
    /// The files that state limits, with their names.
    limits: Vec<(&'static str, File)>,
    usage: Option<File>,
}

/// What a cgroup leaves.
#[derive(Debug, PartialEq)]
pub(super) struct Left {
    pub(super) free: usize,
    pub(super) limit: usize,
    /// The file that states the limit.
    pub(super) file: &'static str,
}

impl Cgroup {
    /// The group of which this is the folder. `None` if it has no files for limits, so that it need not be asked again.
    pub(super) fn open(folder: PathBuf, version: Version) -> Option<Self> {
        let open = |file: &str| File::open(folder.join(file)).ok();
        let limits = version.limits().iter();
        let limits: Vec<_> = limits
            .filter_map(|&file| Some((file, open(file)?)))
            .collect();
        let usage = open(version.usage());
        (!limits.is_empty()).then_some(Cgroup {
            folder,
            version,
            limits,
            usage,
        })
    }

    /// The folder, for messages to people.
    pub(super) fn name(&self) -> String {
        printable(&self.folder.to_string_lossy())
    }

    /// Whether the limits hold for the groups below it, too. In version 1 of old kernels, a file says whether they do.
    pub(super) fn limits_those_below(&self) -> bool {
        let file = File::open(self.folder.join("memory.use_hierarchy"));
        file.ok().as_ref().and_then(number) != Some(0)
    }

    /// What this group leaves, `None` if it has no limit below `capacity`, the memory of the machine. `free` is exact if it is less
    /// than `needed`: what would be reclaimed is counted only then.
    pub(super) fn left(&self, capacity: usize, needed: usize) -> Option<Left> {
        let limits = self.limits.iter();
        let limits = limits.filter_map(|(name, file)| Some((number(file)?, *name)));
        let (limit, file) = limits.min_by_key(|&(limit, _)| limit)?;
        if limit >= capacity {
            return None;
        }
        // An object that is larger than the limit cannot be made, even if nobody says how much is used.
        let used = self.usage.as_ref().and_then(number).unwrap_or(0);
        let mut free = limit.saturating_sub(used);
        if free < needed {
            let used = used.saturating_sub(self.reclaimable());
            free = limit.saturating_sub(used);
        }
        Some(Left { free, limit, file })
    }

    /// Bytes in the usage that make room when others need it: files that the kernel keeps. Half of those in use may stay, because
    /// the running programs are among them. Pages of files in memory, such as `/dev/shm`, are not counted as files there.
    fn reclaimable(&self) -> usize {
        let text = std::fs::read_to_string(self.folder.join("memory.stat")).unwrap_or_default();
        let [inactive, active] = self.version.file_bytes().map(|name| {
            let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
            text.lines().find_map(value).unwrap_or(0_usize)
        });
        inactive.saturating_add(active / 2)
    }
}

/// The number that a file holds, if it holds one: a limit may be `max`.
fn number(file: &File) -> Option<usize> {
    read(file, &mut [0; 32])?.trim().parse().ok()
}

/// The first text of a file of the system, as far as there is room for it.
pub(super) fn read<'a>(file: &File, into: &'a mut [u8]) -> Option<&'a str> {
    let len = file.read_at(into, 0).ok()?;
    std::str::from_utf8(&into[..len]).ok()
}

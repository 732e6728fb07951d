//! How much memory is free. Queried before any is allocated, because no MPI library handles a full `/dev/shm` safely, and because
//! the kernel kills a process that goes beyond the limit of its cgroup.
//!
//! - [`cgroup`]: the limits of one cgroup · [`hierarchy`]: the cgroups that limit this process

mod cgroup;
mod hierarchy;
#[cfg(all(test, not(loom)))]
mod tests;

use crate::error::CGROUP;
#[cfg(feature = "__mpi")]
use crate::error::SHM;
use cgroup::Cgroup;
use std::borrow::Cow;
use std::fs::File;
use std::path::Path;
use std::sync::OnceLock;

/// Free memory at a place where segments can be mapped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FreeMemory {
    pub(crate) free: usize,
    /// Free and used bytes together.
    pub(crate) capacity: usize,
    /// What it is called in messages to people: what limits it.
    pub(crate) place: Cow<'static, str>,
}

/// Memory for this process, private or in files that live in memory: that of the machine, or what a cgroup leaves of it.
///
/// `free` is exact if it is less than `needed`. Otherwise it may be too small, but not below `needed`: what the kernel would
/// reclaim is counted only where it decides, because it is slow to read.
pub(crate) fn private(needed: usize) -> FreeMemory {
    // A process stays in its cgroups, as a rule, and finding them takes longer than reading their limits.
    static CGROUPS: OnceLock<Vec<Cgroup>> = OnceLock::new();
    static MACHINE: OnceLock<Option<File>> = OnceLock::new();
    // Under Miri, the numbers of the system say nothing about the memory of the interpreted program.
    if cfg!(miri) {
        return of_machine("");
    }
    let cgroups = CGROUPS.get_or_init(|| hierarchy::cgroups(Path::new("/proc/self")));
    let machine = MACHINE.get_or_init(|| File::open("/proc/meminfo").ok());
    let mut buffer = [0; 4096];
    let text = machine
        .as_ref()
        .and_then(|file| cgroup::read(file, &mut buffer));
    smallest(of_machine(text.unwrap_or("")), cgroups, needed)
}

/// Memory of this machine, from the text of `/proc/meminfo`.
fn of_machine(text: &str) -> FreeMemory {
    let value = |name: &str| {
        text.lines()
            .find_map(|line| {
                line.strip_prefix(name)?
                    .trim()
                    .strip_suffix("kB")?
                    .trim()
                    .parse::<usize>()
                    .ok()
            })
            .map(|kib| kib.saturating_mul(1024))
    };
    // A system that does not report its memory is expected to refuse what it cannot provide.
    FreeMemory {
        free: value("MemAvailable:").unwrap_or(usize::MAX),
        capacity: value("MemTotal:").unwrap_or(usize::MAX),
        place: "memory".into(),
    }
}

/// The smallest of the memory of the machine and what each cgroup leaves.
fn smallest(machine: FreeMemory, cgroups: &[Cgroup], needed: usize) -> FreeMemory {
    let left = cgroups.iter().filter_map(|cgroup| {
        let left = cgroup.left(machine.capacity, needed)?;
        Some((left, cgroup))
    });
    match left.min_by_key(|(left, _)| left.free) {
        Some((left, cgroup)) if left.free < machine.free => FreeMemory {
            free: left.free,
            capacity: left.limit,
            place: format!("{CGROUP}{} ({})", cgroup.name(), left.file).into(),
        },
        _ => machine,
    }
}

/// The file system in which MPI libraries keep shared windows. Its files are memory of the processes that write them first.
/// `needed` is as in [`private`].
#[cfg(feature = "__mpi")]
pub(crate) fn shared(needed: usize) -> std::io::Result<FreeMemory> {
    let mut found = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path is a C string and `found` is room for one `statvfs`.
    let code = unsafe { libc::statvfs(c"/dev/shm".as_ptr(), found.as_mut_ptr()) };
    if code != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: statvfs returned 0, so it has filled `found`.
    let found = unsafe { found.assume_init() };
    let private = private(needed);
    let free = found.f_bavail.saturating_mul(found.f_frsize) as usize;
    if private.free <= free {
        return Ok(private);
    }
    Ok(FreeMemory {
        free,
        capacity: found.f_blocks.saturating_mul(found.f_frsize) as usize,
        place: SHM.into(),
    })
}

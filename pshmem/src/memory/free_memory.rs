//! How much memory is free, asked before any is taken: no MPI library reports a full `/dev/shm` safely.

use crate::transport::Room;

/// Private memory of this machine.
pub(crate) fn memory() -> Room {
    // The memory of an interpreted program is not what the system tells.
    let text = if cfg!(miri) {
        String::new()
    } else {
        std::fs::read_to_string("/proc/meminfo").unwrap_or_default()
    };
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
    // A system that does not tell is trusted to refuse what it cannot give.
    Room {
        free: value("MemAvailable:").unwrap_or(usize::MAX),
        capacity: value("MemTotal:").unwrap_or(usize::MAX),
        place: "memory",
    }
}

/// The file system in which an MPI library keeps shared windows.
#[cfg(feature = "mpi")]
pub(crate) fn shm() -> std::io::Result<Room> {
    let mut found = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path is a C string and `found` is room for one `statvfs`.
    let code = unsafe { libc::statvfs(c"/dev/shm".as_ptr(), found.as_mut_ptr()) };
    if code != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: statvfs returned 0, so it has filled `found`.
    let found = unsafe { found.assume_init() };
    let memory = memory();
    let free = (found.f_bavail.saturating_mul(found.f_frsize) as usize).min(memory.free);
    if free == memory.free {
        return Ok(memory);
    }
    Ok(Room {
        free,
        capacity: found.f_blocks.saturating_mul(found.f_frsize) as usize,
        place: "/dev/shm",
    })
}

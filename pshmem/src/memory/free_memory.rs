//! How much memory is free. Queried before any is allocated, because no MPI library handles a full `/dev/shm` safely.

/// Free memory at a place where segments can be mapped.
#[derive(Debug, Clone)]
pub(crate) struct FreeMemory {
    pub(crate) free: usize,
    /// Free and used bytes together.
    pub(crate) capacity: usize,
    /// What it is called in messages to people.
    pub(crate) place: &'static str,
}

/// Private memory of this machine.
pub(crate) fn private() -> FreeMemory {
    // Under Miri, the numbers of the system say nothing about the memory of the interpreted program.
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
    // A system that does not report its memory is expected to refuse what it cannot provide.
    FreeMemory {
        free: value("MemAvailable:").unwrap_or(usize::MAX),
        capacity: value("MemTotal:").unwrap_or(usize::MAX),
        place: "memory",
    }
}

/// The file system in which MPI libraries keep shared windows.
#[cfg(feature = "__mpi")]
pub(crate) fn shared() -> std::io::Result<FreeMemory> {
    let mut found = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path is a C string and `found` is room for one `statvfs`.
    let code = unsafe { libc::statvfs(c"/dev/shm".as_ptr(), found.as_mut_ptr()) };
    if code != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: statvfs returned 0, so it has filled `found`.
    let found = unsafe { found.assume_init() };
    let private = private();
    let free = (found.f_bavail.saturating_mul(found.f_frsize) as usize).min(private.free);
    if free == private.free {
        return Ok(private);
    }
    Ok(FreeMemory {
        free,
        capacity: found.f_blocks.saturating_mul(found.f_frsize) as usize,
        place: "/dev/shm",
    })
}

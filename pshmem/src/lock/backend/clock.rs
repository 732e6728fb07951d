//! The time since which a rank holds a lock, for reports.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds of the system's clock, on which the hosts of a cluster agree.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| time.as_millis() as u64)
}

/// The same from the coarse clock, which takes a few nanoseconds: an uncontended lock has no more to spare.
#[inline]
pub(crate) fn coarse_now() -> u64 {
    #[cfg(all(target_os = "linux", not(miri)))]
    {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: room for one timespec; the clock exists on every Linux.
        if unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &raw mut time) } == 0 {
            return time.tv_sec.cast_unsigned() * 1000 + time.tv_nsec.cast_unsigned() / 1_000_000;
        }
    }
    now()
}

//! Patience with errors that may pass: file servers restart, quotas are raised, handles become stale.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// The first pause before an operation is repeated, which grows by the factor up to the longest pause.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const FACTOR: u32 = 4;

/// Repeats an operation that fails, until it succeeds, fails for good, or has failed for so long.
pub(in crate::batch::store) fn repeat<T>(
    patience: Duration,
    mut operation: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut since = None;
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match operation() {
            Err(error) if may_pass(&error) => error,
            outcome => return outcome,
        };
        let since = *since.get_or_insert_with(Instant::now);
        if since.elapsed() >= patience {
            return Err(error);
        }
        std::thread::sleep(pause.min(patience));
        pause = (pause * FACTOR).min(LONGEST_PAUSE);
    }
}

/// Whether the name does not exist. Only this may mean that a file is gone.
pub(in crate::batch::store) fn is_missing(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound
}

/// The outcome of an operation; `None` if there was no such file.
pub(in crate::batch::store) fn unless_missing<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an error may pass. Those that tell what is there, or that the file system cannot do something, do not.
pub(in crate::batch::store) fn may_pass(error: &io::Error) -> bool {
    let lasts = [
        libc::ENOENT,
        libc::EEXIST,
        libc::ENOTDIR,
        libc::EISDIR,
        libc::EINVAL,
        libc::ELOOP,
        libc::ENAMETOOLONG,
        libc::EMLINK,
        libc::EPERM,
        libc::EXDEV,
        libc::EROFS,
        libc::ENOSYS,
        libc::EOPNOTSUPP,
        libc::ENOTEMPTY,
        libc::EFBIG,
    ];
    error
        .raw_os_error()
        .is_some_and(|code| !lasts.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_repeated_and_what_lasts_is_not() {
        let fails = |code: i32, times: u32| {
            let mut calls = 0;
            let outcome = repeat(Duration::from_millis(200), || {
                calls += 1;
                if calls <= times {
                    return Err(io::Error::from_raw_os_error(code));
                }
                Ok(())
            });
            (calls, outcome.is_ok())
        };
        for code in [
            libc::EIO,
            libc::ESTALE,
            libc::ENOSPC,
            libc::EACCES,
            libc::EINTR,
        ] {
            assert_eq!(fails(code, 3), (4, true));
        }
        for code in [libc::ENOENT, libc::EEXIST, libc::EROFS] {
            assert_eq!(fails(code, 3), (1, false));
        }
        let (calls, is_well) = fails(libc::EIO, u32::MAX);
        assert!(calls > 3 && !is_well);
    }
}

//! Sleeping on a word of node memory, so that many waiting ranks on few cores do not keep the holder from running.
//!
//! On Linux a futex wakes processes through any shared word. Elsewhere, and under model checkers, waiting ranks yield.

use crate::sync::atomic::AtomicU32;
use std::time::Duration;

#[cfg(all(target_os = "linux", not(any(loom, miri))))]
mod system {
    use super::{AtomicU32, Duration};

    pub(crate) fn until_changed(word: &AtomicU32, value: u32, at_most: Duration) {
        let time = libc::timespec {
            tv_sec: at_most.as_secs().cast_signed(),
            tv_nsec: at_most.subsec_nanos().into(),
        };
        // SAFETY: the word and the time are valid during the call. Whatever it returns, the caller polls the word again.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                word.as_ptr(),
                libc::FUTEX_WAIT,
                value,
                &raw const time,
            );
        }
    }

    pub(crate) fn wake(word: &AtomicU32) {
        // SAFETY: the word is valid during the call; a thread that is woken without need polls again.
        unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
    }
}

#[cfg(not(all(target_os = "linux", not(any(loom, miri)))))]
mod system {
    use super::{AtomicU32, Duration};

    pub(crate) fn until_changed(_: &AtomicU32, _: u32, _: Duration) {
        std::thread::yield_now();
    }

    pub(crate) fn wake(_: &AtomicU32) {}
}

pub(crate) use system::{until_changed, wake};

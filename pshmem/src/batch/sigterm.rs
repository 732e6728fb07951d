//! Watching for SIGTERM while a batch needs it.
//!
//! `signal-hook` installs one handler for the process, which calls the handler that was installed before and stays installed.
//! Where there was none, the default action, to end the process, is suspended while there is a watch and applies again
//! afterwards. A handler that the program installs later replaces this one.

use crate::error::{Error, Result};
use crate::sync::lock;
use signal_hook::consts::SIGTERM;
use signal_hook::flag;
use std::io;
use std::mem::MaybeUninit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether this process has received SIGTERM since the handler was installed.
static RAISED: AtomicBool = AtomicBool::new(false);
/// Whether SIGTERM ends the process, if it did before the handler was installed.
static IS_DEFAULT: AtomicBool = AtomicBool::new(true);

static WATCHES: Mutex<Watches> = Mutex::new(Watches {
    count: 0,
    is_installed: false,
});

struct Watches {
    count: usize,
    is_installed: bool,
}

/// While it lives, SIGTERM is noted and does not end the process.
#[derive(Debug)]
pub(crate) struct SigtermWatch(());

impl SigtermWatch {
    /// `rank` and `host` are for the error.
    pub(crate) fn new(rank: usize, host: &str) -> Result<Self> {
        let mut watches = lock(&WATCHES);
        if !watches.is_installed {
            install().map_err(|error| Error::System {
                call: "sigaction".to_owned(),
                rank,
                host: host.to_owned(),
                text: error.to_string(),
            })?;
            watches.is_installed = true;
        }
        watches.count += 1;
        IS_DEFAULT.store(false, Ordering::SeqCst);
        Ok(SigtermWatch(()))
    }

    /// Whether this process has received SIGTERM, also while an earlier watch lived.
    #[inline]
    #[expect(
        clippy::unused_self,
        reason = "the handler is installed only once there is a watch"
    )]
    pub(crate) fn is_raised(&self) -> bool {
        RAISED.load(Ordering::Relaxed)
    }
}

impl Drop for SigtermWatch {
    fn drop(&mut self) {
        let mut watches = lock(&WATCHES);
        watches.count -= 1;
        if watches.count == 0 {
            IS_DEFAULT.store(true, Ordering::SeqCst);
        }
    }
}

fn install() -> io::Result<()> {
    let was_default = has_default_action()?;
    IS_DEFAULT.store(false, Ordering::SeqCst);
    flag::register(SIGTERM, &RAISED)?;
    if was_default {
        flag::register_conditional_default(SIGTERM, &IS_DEFAULT)?;
    }
    Ok(())
}

/// Whether no handler is installed and the signal is not ignored.
fn has_default_action() -> io::Result<bool> {
    let mut current = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: a null pointer for the new action changes nothing, and `current` has room for the old one.
    if unsafe { libc::sigaction(SIGTERM, std::ptr::null(), current.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has succeeded, so it has written the action.
    let current = unsafe { current.assume_init() };
    Ok(current.sa_sigaction == libc::SIG_DFL)
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use crate::batch::stop::StopConditions;
    use signal_hook::low_level::raise;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, ExitStatus, Stdio};
    use std::sync::atomic::AtomicUsize;

    /// Makes a test run in a process of its own, which has this variable.
    const CHILD: &str = "PSHMEM_TEST_SIGTERM";

    fn is_child() -> bool {
        std::env::var_os(CHILD).is_some()
    }

    fn run_as_child(test: &str) -> ExitStatus {
        let (_crate, module) = module_path!().split_once("::").unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", &format!("{module}::{test}"), "--nocapture"])
            .env(CHILD, "1")
            .stdout(Stdio::null());
        command.status().unwrap()
    }

    #[test]
    fn the_default_action_applies_again_after_the_last_watch() {
        if !is_child() {
            let test = "the_default_action_applies_again_after_the_last_watch";
            assert_eq!(run_as_child(test).signal(), Some(SIGTERM));
            return;
        }
        let one = SigtermWatch::new(0, "node0").unwrap();
        let other = SigtermWatch::new(0, "node0").unwrap();
        assert!(!one.is_raised());
        raise(SIGTERM).unwrap();
        assert!(one.is_raised() && other.is_raised());
        drop(one);
        raise(SIGTERM).unwrap();
        drop(other);
        let again = SigtermWatch::new(0, "node0").unwrap();
        assert!(again.is_raised());
        raise(SIGTERM).unwrap();
        drop(again);
        raise(SIGTERM).unwrap();
        // Not reached: the parent expects the signal.
        std::process::exit(0);
    }

    static CALLS: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn count_call(_: libc::c_int) {
        CALLS.fetch_add(1, Ordering::Relaxed);
    }

    #[test]
    fn a_handler_of_the_program_is_still_called() {
        if !is_child() {
            let status = run_as_child("a_handler_of_the_program_is_still_called");
            assert_eq!(status.code(), Some(0), "{status}");
            return;
        }
        let handler: extern "C" fn(libc::c_int) = count_call;
        // SAFETY: the handler only adds to an atomic, which a signal handler may do.
        unsafe { libc::signal(SIGTERM, handler as libc::sighandler_t) };
        let watch = SigtermWatch::new(0, "node0").unwrap();
        raise(SIGTERM).unwrap();
        assert!(watch.is_raised());
        assert_eq!(CALLS.load(Ordering::Relaxed), 1);
        let stop = StopConditions::new(Some(watch), None);
        assert!(stop.is_requested(), "no further task begins");
        drop(stop);
        raise(SIGTERM).unwrap();
        assert_eq!(CALLS.load(Ordering::Relaxed), 2);
    }
}

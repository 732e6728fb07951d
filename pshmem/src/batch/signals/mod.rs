//! Watching for signals while a batch needs it.
//!
//! While there is a watch of a signal, a handler of this crate notes it, and then calls the handler that was installed before.
//! When the last watch is dropped, the earlier action is put back: a handler, the default action (usually to end the process), or
//! to ignore the signal.
//!
//! A handler that the program installs on top of ours has to call ours, as ours calls the one before it. Ours then stays
//! installed after the last watch, passes signals on, and does nothing else. It is never installed a second time above a handler
//! that may call it, since the two would call each other for ever.
//!
//! - [`handler`]: what runs when a signal arrives · [`action`]: the two calls of `sigaction`
//! - here: watches, which install the handler and put the earlier action back

mod action;
mod handler;
#[cfg(all(test, not(miri), not(loom)))]
mod tests;

use self::action::{current, is_function, replace};
use self::handler::{HANDLER, SIGNALS, SLOTS};
use crate::error::{Error, Result};
use crate::sync::lock;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

/// The signals for which our handler is installed, directly or below another one, with what was installed before.
static INSTALLED: Mutex<[Option<libc::sigaction>; SIGNALS]> = Mutex::new([None; SIGNALS]);

/// Signals that say that the process has made an error, after which it cannot continue.
const FAULTS: [i32; 7] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// While it lives, some signals are noted and do not end the process.
#[derive(Debug, Default)]
pub(crate) struct SignalWatch {
    signals: Vec<i32>,
}

impl SignalWatch {
    /// Watches for `signals`, which [`check`] has accepted. `rank` and `host` are for the error.
    pub(crate) fn new(signals: &[i32], rank: usize, host: &str) -> Result<Self> {
        let mut watch = SignalWatch::default();
        for &signal in signals {
            watch.add(signal).map_err(|error| Error::System {
                call: format!("sigaction for signal {signal}"),
                rank,
                host: host.to_owned(),
                text: error.to_string(),
            })?;
        }
        Ok(watch)
    }

    fn add(&mut self, signal: i32) -> io::Result<()> {
        let mut installed = lock(&INSTALLED);
        let slot = &SLOTS[index(signal)];
        // Before the handler is installed, so that it never finds a signal that nobody watches for.
        slot.watches.fetch_add(1, Ordering::SeqCst);
        let added = install(signal, &mut installed[index(signal)]);
        if added.is_ok() {
            self.signals.push(signal);
        } else {
            slot.watches.fetch_sub(1, Ordering::SeqCst);
        }
        added
    }

    /// Whether this process has received one of the signals, also while an earlier watch of that signal lived.
    #[inline]
    pub(crate) fn is_raised(&self) -> bool {
        let is_raised = |&signal: &i32| SLOTS[index(signal)].is_raised.load(Ordering::Relaxed);
        self.signals.iter().any(is_raised)
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        let mut installed = lock(&INSTALLED);
        for &signal in &self.signals {
            let watches = &SLOTS[index(signal)].watches;
            if watches.fetch_sub(1, Ordering::SeqCst) == 1 {
                put_back(signal, &mut installed[index(signal)]);
            }
        }
    }
}

/// Whether a signal can be watched for. If not, the reason.
pub(crate) fn check(signal: i32) -> Result<(), String> {
    let allowed = "give SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU (see `pshmem::signal`), or another signal that a handler \
                   can catch and that reports no fault";
    let reason = if signal == libc::SIGKILL || signal == libc::SIGSTOP {
        "no handler can catch it"
    } else if FAULTS.contains(&signal) {
        "it reports a fault of the process"
    } else if !exists(signal) {
        "there is no such signal"
    } else {
        return Ok(());
    };
    Err(format!("{reason}; {allowed}"))
}

#[cfg(target_os = "linux")]
fn exists(signal: i32) -> bool {
    // The C library keeps the numbers in between for itself.
    (1..32).contains(&signal) || (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&signal)
}

#[cfg(not(target_os = "linux"))]
fn exists(signal: i32) -> bool {
    (1..32).contains(&signal)
}

/// The place of a signal that [`check`] has accepted.
fn index(signal: i32) -> usize {
    usize::try_from(signal).expect("signals are positive")
}

/// Installs the handler, unless it is installed or may be called by the one that is.
fn install(signal: i32, installed: &mut Option<libc::sigaction>) -> io::Result<()> {
    let found = current(signal)?;
    // A function that was installed on top of ours may call it. The default action and SIG_IGN do not.
    if installed.is_some() && is_function(&found) {
        return Ok(());
    }
    let mut ours = found;
    ours.sa_sigaction = HANDLER as usize;
    // The earlier handler runs inside ours. It keeps its stack and the signals that it blocks.
    ours.sa_flags &= libc::SA_ONSTACK | libc::SA_NODEFER;
    ours.sa_flags |= libc::SA_SIGINFO | libc::SA_RESTART;
    let slot = &SLOTS[index(signal)];
    slot.set_earlier(&found);
    let replaced = replace(signal, &ours)?;
    // Another thread may have installed a handler meanwhile.
    slot.set_earlier(&replaced);
    *installed = Some(replaced);
    Ok(())
}

/// Puts back what was installed before our handler, unless another one is installed on top.
fn put_back(signal: i32, installed: &mut Option<libc::sigaction>) {
    let is_ours = |action: &libc::sigaction| action.sa_sigaction == HANDLER as usize;
    let Some(mut earlier) = *installed else {
        return;
    };
    if SLOTS[index(signal)].is_used_up(&earlier) {
        earlier.sa_sigaction = libc::SIG_DFL;
        earlier.sa_flags = 0;
    }
    // Errors are ignored: both calls have succeeded for this signal before, and `drop` has no way to return one. Our handler
    // would stay and pass signals on.
    if !current(signal).is_ok_and(|found| is_ours(&found)) {
        return;
    }
    match replace(signal, &earlier) {
        Ok(replaced) if is_ours(&replaced) => *installed = None,
        // Another thread has installed a handler meanwhile, which may call ours.
        Ok(replaced) => {
            let _ = replace(signal, &replaced);
        }
        Err(_) => {}
    }
}

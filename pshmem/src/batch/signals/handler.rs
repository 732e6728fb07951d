//! The handler of signals that are watched for: notes the signal, and calls the handler that was installed before.
//!
//! It may run at any time on any thread, so it uses only atomics, `sigaction` and `raise`.

use super::action::{current, replace};
use libc::{c_int, c_void, siginfo_t};
use std::mem::transmute;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Numbers of signals are smaller.
pub(super) const SIGNALS: usize = 65;

/// A handler that is installed without `SA_SIGINFO`.
type Plain = extern "C" fn(c_int);
/// A handler that is installed with it.
type WithInfo = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// Our handler. A static, so that its address is the same wherever it is compared.
pub(super) static HANDLER: WithInfo = on_signal;

/// What the handler knows of each signal.
pub(super) static SLOTS: [Slot; SIGNALS] = [const { Slot::new() }; SIGNALS];

/// What the handler knows of one signal.
#[derive(Debug)]
pub(super) struct Slot {
    /// Whether it arrived while there was a watch.
    pub(super) is_raised: AtomicBool,
    /// The number of watches.
    pub(super) watches: AtomicUsize,
    /// The earlier action, if it is no handler with `SA_SIGINFO`: a handler, `SIG_DFL` or `SIG_IGN`.
    plain: AtomicUsize,
    /// The earlier handler, if it has `SA_SIGINFO`, else 0.
    with_info: AtomicUsize,
    /// Whether the earlier handler is to be called only once (`SA_RESETHAND`).
    once: AtomicBool,
}

impl Slot {
    const fn new() -> Self {
        Slot {
            is_raised: AtomicBool::new(false),
            watches: AtomicUsize::new(0),
            plain: AtomicUsize::new(libc::SIG_DFL),
            with_info: AtomicUsize::new(0),
            once: AtomicBool::new(false),
        }
    }

    /// Sets what the handler calls. A handler that runs at this moment on another thread may call what was set before.
    pub(super) fn set_earlier(&self, action: &libc::sigaction) {
        let has_info = action.sa_flags & libc::SA_SIGINFO != 0 && super::is_function(action);
        let (plain, with_info) = if has_info {
            (libc::SIG_IGN, action.sa_sigaction)
        } else {
            (action.sa_sigaction, 0)
        };
        let once = action.sa_flags & libc::SA_RESETHAND != 0;
        self.once.store(once, Ordering::SeqCst);
        self.plain.store(plain, Ordering::SeqCst);
        self.with_info.store(with_info, Ordering::SeqCst);
    }

    /// Whether the earlier handler was to be called once, and has been.
    pub(super) fn is_used_up(&self, earlier: &libc::sigaction) -> bool {
        super::is_function(earlier)
            && self.plain.load(Ordering::SeqCst) == libc::SIG_DFL
            && self.with_info.load(Ordering::SeqCst) == 0
    }

    /// The earlier action, as `(plain, with_info)`. A handler that is to be called once is replaced by the default action.
    fn take_earlier(&self) -> (usize, usize) {
        let is_handler = |address: usize| ![libc::SIG_DFL, libc::SIG_IGN].contains(&address);
        let earlier = (
            self.plain.load(Ordering::SeqCst),
            self.with_info.load(Ordering::SeqCst),
        );
        let is_once = self.once.load(Ordering::SeqCst);
        if !is_once || !(is_handler(earlier.0) || is_handler(earlier.1)) {
            return earlier;
        }
        // Of two threads, one takes it.
        if self.once.swap(false, Ordering::SeqCst) {
            self.plain.store(libc::SIG_DFL, Ordering::SeqCst);
            self.with_info.store(0, Ordering::SeqCst);
            return earlier;
        }
        (libc::SIG_IGN, 0)
    }
}

extern "C" fn on_signal(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let slot = usize::try_from(signal)
        .ok()
        .and_then(|signal| SLOTS.get(signal));
    let Some(slot) = slot else {
        return;
    };
    let is_watched = slot.watches.load(Ordering::SeqCst) > 0;
    if is_watched {
        slot.is_raised.store(true, Ordering::SeqCst);
    }
    let (plain, with_info) = slot.take_earlier();
    if with_info != 0 {
        // SAFETY: the address of a handler that was installed with `SA_SIGINFO`, so it is a function of this type. Functions are
        // never unloaded while they are installed as handlers, by the contract of `sigaction`.
        let earlier = unsafe { transmute::<usize, WithInfo>(with_info) };
        earlier(signal, info, context);
    }
    match plain {
        libc::SIG_IGN => {}
        libc::SIG_DFL if is_watched => {}
        libc::SIG_DFL => apply_default(signal),
        plain => {
            // SAFETY: as above, for a handler that was installed without `SA_SIGINFO`.
            let earlier = unsafe { transmute::<usize, Plain>(plain) };
            earlier(signal);
        }
    }
}

/// Puts the default action back and lets it act, if our handler is the one that the system called. If another one was
/// installed on top, that one has handled the signal.
#[cold]
fn apply_default(signal: c_int) {
    let Ok(mut action) = current(signal) else {
        return;
    };
    if action.sa_sigaction != HANDLER as usize {
        return;
    }
    action.sa_sigaction = libc::SIG_DFL;
    action.sa_flags = 0;
    if replace(signal, &action).is_ok() {
        // SAFETY: a handler may call it. The signal is blocked in its handler, so it acts when the handler has returned.
        unsafe { libc::raise(signal) };
    }
}

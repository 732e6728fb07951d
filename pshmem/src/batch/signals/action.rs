//! The calls of `sigaction`: what is installed for a signal, and installing something else.

use std::io;
use std::mem::MaybeUninit;
use std::ptr::{from_ref, null};

/// What is installed for a signal.
pub(super) fn current(signal: i32) -> io::Result<libc::sigaction> {
    call(signal, null())
}

/// Installs an action for a signal. Returns the one before.
///
/// The action is one that [`current`] or this function has returned, or has our handler.
pub(super) fn replace(signal: i32, action: &libc::sigaction) -> io::Result<libc::sigaction> {
    call(signal, from_ref(action))
}

/// Whether an action is a handler: not the default action, and not to ignore the signal.
pub(super) fn is_function(action: &libc::sigaction) -> bool {
    ![libc::SIG_DFL, libc::SIG_IGN].contains(&action.sa_sigaction)
}

/// Also called by the handler, so it does nothing else.
fn call(signal: i32, new: *const libc::sigaction) -> io::Result<libc::sigaction> {
    let mut old = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: `new` is null, which changes nothing, or points to an action that lives until the call returns. Its handler is one
    // that was installed before, or ours, which calls only what a handler may call. `old` has room for an action.
    if unsafe { libc::sigaction(signal, new, old.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has succeeded, so it has written the action.
    Ok(unsafe { old.assume_init() })
}

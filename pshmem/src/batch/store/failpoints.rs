//! Failpoints between the system calls of the store: a test names one at which its process gets a signal, so that it can end
//! or freeze a process at each of them in turn. Or the reply to a call is lost, as network file systems lose it.

use std::cell::Cell;
use std::io;
use std::process::Command;

thread_local! {
    /// The signal, and how many failpoints of this thread pass before it.
    static PLAN: Cell<Option<(&'static str, u32)>> = const { Cell::new(None) };
}

/// Sends this process a signal after so many failpoints of this thread.
pub(super) fn plan(signal: &'static str, after: u32) {
    PLAN.set(Some((signal, after)));
}

thread_local! {
    /// How many repeatable calls of this thread pass before the one whose reply is lost.
    static LOST: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Loses the reply to a call of this thread, after so many others.
pub(super) fn lose_reply(after: u32) {
    LOST.set(Some(after));
}

/// Whether no reply is to be lost any more.
pub(super) fn reply_was_lost() -> bool {
    LOST.take().is_none()
}

/// Executes a call as a network file system does: when the reply is lost, it repeats the call, and returns the second reply.
pub(super) fn repeatable(call: impl Fn() -> io::Result<()>) -> io::Result<()> {
    match LOST.take() {
        Some(0) => {
            let _lost = call();
        }
        left => LOST.set(left.map(|left| left - 1)),
    }
    call()
}

pub(super) fn failpoint() {
    match PLAN.get() {
        Some((signal, 0)) => {
            PLAN.set(None);
            send(signal, std::process::id());
        }
        Some((signal, left)) => PLAN.set(Some((signal, left - 1))),
        None => {}
    }
}

/// Sends a signal by its name, as `kill` does.
pub(super) fn send(signal: &str, pid: u32) {
    let mut kill = Command::new("kill");
    let status = kill
        .args(["-s", signal, &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success(), "kill -s {signal} {pid}");
}

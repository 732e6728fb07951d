//! Failpoints between the system calls of the store: a test names one at which its process gets a signal, so that it can end
//! or freeze a process at each of them in turn.

use std::cell::Cell;
use std::process::Command;

thread_local! {
    /// The signal, and how many failpoints of this thread pass before it.
    static PLAN: Cell<Option<(&'static str, u32)>> = const { Cell::new(None) };
}

/// Sends this process a signal after so many failpoints of this thread.
pub(super) fn plan(signal: &'static str, after: u32) {
    PLAN.set(Some((signal, after)));
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

//! A child process that is killed and waited for when its guard is dropped.

use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::process::{Child, ChildStdout, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Limits of the time between two polls of a child that may run only for some time.
const MIN_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// A child process that does not outlive the guard.
#[derive(Debug)]
pub(crate) struct ChildGuard {
    child: Child,
}

impl ChildGuard {
    /// Starts the program.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.spawn()?;
        Ok(ChildGuard { child })
    }

    /// Where its output is read, if that is a pipe; only once.
    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Closes this end of its pipes: it reads nothing from them, and cannot write to them.
    pub(crate) fn close_pipes(&mut self) {
        let Child {
            stdin,
            stdout,
            stderr,
            ..
        } = &mut self.child;
        drop((stdin.take(), stdout.take(), stderr.take()));
    }

    /// Waits until it ends.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Waits until it ends, at most until `deadline`. `None` if it runs on.
    pub(crate) fn wait_until(&mut self, deadline: Instant) -> io::Result<Option<ExitStatus>> {
        let mut pause = MIN_PAUSE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            sleep(pause.min(left));
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Asks it to end, by SIGTERM. It has not been waited for, so its number is still its own.
    pub(crate) fn terminate(&mut self) -> io::Result<()> {
        match self.child.try_wait()? {
            Some(_) => Ok(()),
            None => Ok(kill_process(Pid::from_child(&self.child), Signal::TERM)?),
        }
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.child.kill()
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        // Both do nothing if it has been waited for. Otherwise they fail only where another part of the program has waited for
        // it, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(all(test, not(miri), not(loom)))]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::os::unix::process::ExitStatusExt;

    fn sleeping() -> ChildGuard {
        ChildGuard::spawn(Command::new("sleep").arg("1000")).unwrap()
    }

    #[test]
    fn a_child_that_is_left_is_killed_and_waited_for() {
        let guard = sleeping();
        let id = Pid::from_child(&guard.child);
        drop(guard);
        let gone = kill_process(id, Signal::CONT).map_err(|error| io::Error::from(error).kind());
        // A child that nobody has waited for would still have its number.
        assert_ne!(gone, Ok(()));
        let missing = Command::new("/no/such/program");
        let error = ChildGuard::spawn(&mut { missing }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn waiting_ends_with_the_child_or_at_the_deadline() {
        let mut guard = sleeping();
        let start = Instant::now();
        let pause = Duration::from_millis(20);
        assert_eq!(guard.wait_until(start + pause).unwrap(), None);
        assert!(start.elapsed() >= pause);
        guard.terminate().unwrap();
        let status = guard.wait().unwrap();
        assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
        guard.terminate().unwrap();
        assert_eq!(guard.wait_until(start).unwrap(), Some(status));
    }
}

//! What the process of a program does after `fork` and before `exec`.
//!
//! Other threads of the rank may have held locks at the `fork`, so it only makes system calls.

use rustix::process::{Pid, chdir, getpid};
use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// What is prepared before the `fork`.
#[derive(Debug)]
pub(super) struct BeforeExec {
    /// The rank that starts the program.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "Linux only"))]
    parent: Pid,
    /// The working directory.
    dir: Option<CString>,
}

impl BeforeExec {
    /// For a program that this rank starts in `dir`.
    pub(super) fn new(dir: Option<&Path>) -> io::Result<Self> {
        // Absolute, because an earlier use of the same command may have changed the directory before.
        let dir = dir.map(std::path::absolute).transpose()?;
        let dir = dir.map(|dir| CString::new(dir.as_os_str().as_bytes()));
        Ok(BeforeExec {
            parent: getpid(),
            dir: dir.transpose()?,
        })
    }

    /// Makes the process do it. What was added before is done before.
    pub(super) fn add_to(self, command: &mut Command) {
        // SAFETY: the closure makes only system calls that a signal handler may make. It allocates nothing and takes no locks. It
        // owns what it uses.
        unsafe { command.pre_exec(move || self.run()) };
    }

    fn run(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        self.die_with_parent()?;
        reset_signals()?;
        // Here and not by `Command::current_dir`, which would look like a setting of the user when the command is used again.
        if let Some(dir) = &self.dir {
            chdir(dir.as_c_str())?;
        }
        Ok(())
    }

    /// The system kills the process when the thread that has started it ends.
    #[cfg(target_os = "linux")]
    fn die_with_parent(&self) -> io::Result<()> {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};

        set_parent_process_death_signal(Some(Signal::KILL))?;
        // A parent that has ended before sends nothing.
        if getppid() != Some(self.parent) {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        Ok(())
    }
}

/// The program gets all signals, and SIGTERM ends it unless it handles it: a blocked or ignored signal of the rank would be
/// inherited. Handlers are not.
fn reset_signals() -> io::Result<()> {
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: there is room for a set.
    if unsafe { libc::sigemptyset(none.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has written the set. The old mask is not asked for.
    let error =
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut()) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    // SAFETY: the default action needs no handler, and this process has one thread.
    if unsafe { libc::signal(libc::SIGTERM, libc::SIG_DFL) } == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

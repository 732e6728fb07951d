//! Whether a process has ended.

use std::io::ErrorKind;
use std::sync::OnceLock;

/// A process, identified among all that have its number at other times or on other machines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// Its start time, in clock ticks since the system started.
    pub(super) started: u64,
    /// Where its number is valid: the boot id of the machine and the process namespace. Empty if unknown.
    pub(super) space: String,
}

impl Process {
    pub(super) fn own() -> Self {
        let pid = std::process::id();
        Process {
            pid,
            started: stat(pid).ok().flatten().map_or(0, |stat| stat.started),
            space: space().to_owned(),
        }
    }

    /// Whether it is one of this machine, so that it is known whether it has ended.
    pub(super) fn is_of_this_machine(&self) -> bool {
        self.pid != 0 && self.started != 0 && !self.space.is_empty() && self.space == space()
    }

    /// Whether it is known to run at this moment: a process of this machine that is not stopped.
    pub(super) fn is_running(&self) -> bool {
        self.is_of_this_machine()
            && matches!(stat(self.pid), Ok(Some(stat)) if stat.started == self.started
                && !stat.is_zombie && !stat.is_stopped)
    }

    /// Whether it is known to have ended. `false` for processes of other machines, and where the system does not tell.
    pub(super) fn has_ended(&self) -> bool {
        if !self.is_of_this_machine() {
            return false;
        }
        match stat(self.pid) {
            Ok(Some(stat)) => stat.started != self.started || stat.is_zombie,
            // Some systems hide the processes of other users from /proc, but not from `kill`.
            Err(error) if error.kind() == ErrorKind::NotFound => !exists(self.pid),
            Ok(None) | Err(_) => false,
        }
    }
}

/// Where the process numbers of this system are valid.
fn space() -> &'static str {
    static SPACE: OnceLock<String> = OnceLock::new();
    SPACE.get_or_init(|| {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        let names = std::fs::read_link("/proc/self/ns/pid");
        match (boot, names) {
            (Ok(boot), Ok(names)) => format!("{} {}", boot.trim(), names.display()),
            _ => String::new(),
        }
    })
}

#[derive(Debug)]
struct Stat {
    started: u64,
    /// Whether it is a zombie: ended, but not yet waited for by its parent.
    is_zombie: bool,
    /// Whether it is stopped, by a signal or by a debugger.
    is_stopped: bool,
}

/// The status of a process. `None` when it cannot be parsed.
fn stat(pid: u32) -> std::io::Result<Option<Stat>> {
    let text = std::fs::read(format!("/proc/{pid}/stat"))?;
    Ok(parse(&String::from_utf8_lossy(&text)))
}

fn parse(text: &str) -> Option<Stat> {
    // The program name, in parentheses, may contain anything. proc(5) numbers the fields.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    let threads: u64 = field(20)?.parse().ok()?;
    Some(Stat {
        started: field(22)?.parse().ok()?,
        // A process whose first thread has ended is shown as a zombie while other threads run.
        is_zombie: matches!(field(3)?, "Z" | "X") && threads <= 1,
        is_stopped: matches!(field(3)?, "T" | "t"),
    })
}

fn exists(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else {
        return false;
    };
    // SAFETY: signal 0 is never sent; the call only checks whether it could be.
    let code = unsafe { libc::kill(pid, 0) };
    code == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn names_of_programs_do_not_matter() {
        let line = "7 (a) Z 1 (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 2 18 777 20";
        let stat = parse(line).unwrap();
        assert_eq!((stat.started, stat.is_zombie), (777, false));
        let line = "7 (a) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 1 18 777 20";
        assert!(parse(line).unwrap().is_zombie);
        assert!(parse("7 (a").is_none() && parse("").is_none() && parse("7 (a) S 1").is_none());
    }

    #[test]
    fn this_process_has_not_ended_and_others_have() {
        let own = Process::own();
        assert!(own.started > 0 && !own.space.is_empty());
        assert!(!own.has_ended() && own.is_running());
        let other = |change: &dyn Fn(&mut Process)| {
            let mut process = own.clone();
            change(&mut process);
            process
        };
        // Its number has been reused, by this process.
        assert!(other(&|process| process.started += 1).has_ended());
        // Nothing is known of another machine.
        assert!(!other(&|process| (process.started, process.space) = (1, "x".into())).has_ended());
        assert!(!Process::default().has_ended());
    }

    #[test]
    fn a_process_that_nobody_has_waited_for_has_ended() {
        let mut child = Command::new("sleep").arg("100").spawn().unwrap();
        let pid = child.id();
        let started = stat(pid).unwrap().unwrap().started;
        let process = Process {
            pid,
            started,
            space: space().to_owned(),
        };
        assert!(!process.has_ended() && process.is_running());
        for (signal, is_running) in [(libc::SIGSTOP, false), (libc::SIGCONT, true)] {
            // SAFETY: the call touches no memory of this process, and the child has not been waited for.
            assert_eq!(unsafe { libc::kill(pid.cast_signed(), signal) }, 0);
            while process.is_running() != is_running {
                std::thread::yield_now();
            }
            assert!(!process.has_ended());
        }
        child.kill().unwrap();
        while !process.has_ended() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(process.has_ended());
    }
}

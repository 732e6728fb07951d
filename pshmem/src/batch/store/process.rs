//! Whether a process that was once seen is still there.

use std::io::ErrorKind;
use std::sync::OnceLock;

/// A process, told apart from others that have its number before or after it, or at the same time elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// When it started, in ticks since the system did.
    pub(super) started: u64,
    /// Where its number means something: this boot of this machine, and the process namespace. Empty where unknown.
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

    /// Whether it is known to be gone. `false` for processes elsewhere and where the system does not tell.
    pub(super) fn is_gone(&self) -> bool {
        if self.pid == 0 || self.started == 0 || self.space.is_empty() || self.space != space() {
            return false;
        }
        match stat(self.pid) {
            Ok(Some(stat)) => stat.started != self.started || stat.is_over,
            // Some systems hide the processes of other users, but not that there are any.
            Err(error) if error.kind() == ErrorKind::NotFound => !exists(self.pid),
            Ok(None) | Err(_) => false,
        }
    }
}

/// Where the numbers of this process's system are valid.
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
    /// Ended, but its parent has not looked yet.
    is_over: bool,
}

/// What the system says of a process; `None` where it cannot be understood.
fn stat(pid: u32) -> std::io::Result<Option<Stat>> {
    let text = std::fs::read(format!("/proc/{pid}/stat"))?;
    Ok(parse(&String::from_utf8_lossy(&text)))
}

fn parse(text: &str) -> Option<Stat> {
    // The program's name, in parentheses, may contain anything. See proc(5) for the numbers of the fields.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    let threads: u64 = field(20)?.parse().ok()?;
    Some(Stat {
        started: field(22)?.parse().ok()?,
        // Other threads may go on when the first one has ended.
        is_over: matches!(field(3)?, "Z" | "X") && threads <= 1,
    })
}

fn exists(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else {
        return false;
    };
    // SAFETY: signal 0 is not sent; the call only says whether it could be.
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
        assert_eq!((stat.started, stat.is_over), (777, false));
        let line = "7 (a) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 1 18 777 20";
        assert!(parse(line).unwrap().is_over);
        assert!(parse("7 (a").is_none() && parse("").is_none() && parse("7 (a) S 1").is_none());
    }

    #[test]
    fn this_process_is_not_gone_and_others_are() {
        let own = Process::own();
        assert!(own.started > 0 && !own.space.is_empty());
        assert!(!own.is_gone());
        let other = |change: &dyn Fn(&mut Process)| {
            let mut process = own.clone();
            change(&mut process);
            process
        };
        // Its number is used rerun, by us.
        assert!(other(&|process| process.started += 1).is_gone());
        // Of another machine nothing is known.
        assert!(!other(&|process| (process.started, process.space) = (1, "x".into())).is_gone());
        assert!(!Process::default().is_gone());
    }

    #[test]
    fn a_process_that_nobody_has_waited_for_is_gone() {
        let mut child = Command::new("sleep").arg("100").spawn().unwrap();
        let pid = child.id();
        let started = stat(pid).unwrap().unwrap().started;
        let process = Process {
            pid,
            started,
            space: space().to_owned(),
        };
        assert!(!process.is_gone());
        child.kill().unwrap();
        while !process.is_gone() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(process.is_gone());
    }
}

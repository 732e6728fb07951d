//! Runs one program with a time limit.
//!
//! The program gets a process group of its own, and an environment variable that all its descendants inherit. At the limit the
//! group gets SIGTERM, so that a launcher can end its ranks, and five seconds later SIGKILL. Processes that still have the
//! variable get SIGKILL one by one: Open MPI puts ranks into groups of their own. If xtask itself ends, for instance by Ctrl-C, a
//! helper process does the same, because the terminal's signals do not reach another process group.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The environment variable that marks all processes of one run.
const MARK: &str = "PSHMEM_TEST_RUN";
/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// How a run ended.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    Exit(i32),
    Signal(i32),
    /// Reached its time limit and was ended.
    Hang(Duration),
    /// Could not be started, and why.
    NotStarted(String),
}

impl End {
    /// `Ok` for exit code 0, else one short phrase for the table.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            End::Exit(0) => Ok(()),
            End::Exit(code) => Err(format!("exit code {code}")),
            End::Signal(signal) => Err(format!("signal {signal}")),
            End::Hang(limit) => Err(format!("HANG: ended after {} s", limit.as_secs())),
            End::NotStarted(why) => Err(format!("not started: {why}")),
        }
    }
}

/// What a run left: its end, stdout and stderr as they came, and how long it took.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    pub(crate) output: String,
    pub(crate) seconds: f64,
    /// What its processes carry in their environment.
    pub(crate) mark: String,
}

impl Outcome {
    /// That of a run that could not be started.
    pub(crate) fn not_started(why: String) -> Self {
        Self {
            end: End::NotStarted(why),
            output: String::new(),
            seconds: 0.0,
            mark: String::new(),
        }
    }

    /// The processes of the run that still live.
    pub(crate) fn survivors(&self) -> Vec<u32> {
        marked(&self.mark)
    }
}

/// The command as one line that can be pasted into a shell (the environment left out).
pub(crate) fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| {
            let word = word.to_string_lossy();
            if word.is_empty()
                || word.contains(|c: char| c.is_whitespace() || "'\"$&|;<>()*?".contains(c))
            {
                format!("'{}'", word.replace('\'', r"'\''"))
            } else {
                word.into_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// `outer` with the words of `inner` as its last arguments, and with its environment and folder; without `outer`, a copy of `inner`.
pub(crate) fn inside(outer: Option<Command>, inner: &Command) -> Command {
    let mut command = match outer {
        Some(mut outer) => {
            outer.arg(inner.get_program());
            outer
        }
        None => Command::new(inner.get_program()),
    };
    command.args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(folder) = inner.get_current_dir() {
        command.current_dir(folder);
    }
    command
}

/// Runs `command` for at most `limit`. With `echo`, its output also appears on our stdout as it comes.
pub(crate) fn run(mut command: Command, limit: Duration, log: &Path, echo: bool) -> Outcome {
    let start = Instant::now();
    let mark = new_mark();
    let mut output = Vec::new();
    let end = match start_child(&mut command, log, &mark) {
        Err(why) => End::NotStarted(format!("{}: {why}", command.get_program().display())),
        Ok((mut child, mut reader)) => {
            let guard = DeathGuard::new(child.id());
            let end = wait(&mut child, start, limit, &mark, || {
                drain(&mut reader, &mut output, echo);
            });
            guard.dismiss();
            drain(&mut reader, &mut output, echo);
            end
        }
    };
    let output = String::from_utf8_lossy(&output).into_owned();
    Outcome {
        end,
        output,
        seconds: start.elapsed().as_secs_f64(),
        mark,
    }
}

fn new_mark() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// Output goes to a file, not a pipe: a process that outlives the run can then not block the reader.
fn start_child(command: &mut Command, log: &Path, mark: &str) -> std::io::Result<(Child, File)> {
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder)?;
    }
    File::create(log)?;
    let writer = OpenOptions::new().append(true).open(log)?;
    let reader = File::open(log)?;
    let child = command
        .env(MARK, mark)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .spawn()?;
    Ok((child, reader))
}

fn drain(reader: &mut File, output: &mut Vec<u8>, echo: bool) {
    let old = output.len();
    // A file that cannot be read any more shows as missing output, which the checks then report.
    let _ = reader
        .seek(SeekFrom::Start(old as u64))
        .and_then(|_| reader.read_to_end(output));
    if echo && output.len() > old {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout
            .write_all(&output[old..])
            .and_then(|()| stdout.flush());
    }
}

fn wait(
    child: &mut Child,
    start: Instant,
    limit: Duration,
    mark: &str,
    mut meanwhile: impl FnMut(),
) -> End {
    let mut nap = Duration::from_millis(1);
    while start.elapsed() < limit {
        match child.try_wait() {
            Ok(Some(status)) => return ended(status),
            Ok(None) => {}
            Err(why) => return End::NotStarted(format!("waiting failed: {why}")),
        }
        meanwhile();
        sleep(nap);
        nap = (nap * 2).min(Duration::from_millis(50));
    }
    stop(child, mark);
    End::Hang(limit)
}

fn ended(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exit(code),
        (None, signal) => End::Signal(signal.unwrap_or(0)),
    }
}

fn stop(child: &mut Child, mark: &str) {
    let group = format!("-{}", child.id());
    kill("TERM", &group);
    let asked = Instant::now();
    while asked.elapsed() < GRACE && matches!(child.try_wait(), Ok(None)) {
        sleep(Duration::from_millis(20));
    }
    kill("KILL", &group);
    // A process may start another between the listing and its end: look until none is left.
    for _ in 0..20 {
        let left = marked(mark);
        if left.is_empty() {
            break;
        }
        for pid in left {
            end(pid);
        }
        sleep(Duration::from_millis(20));
    }
    let _ = child.wait();
}

/// Ends one process at once.
pub(crate) fn end(pid: u32) {
    kill("KILL", &pid.to_string());
}

/// `kill` of the shell: it is there on machines without procps. That the target is gone is no error.
fn kill(signal: &str, target: &str) {
    let _ = Command::new("sh")
        .args(["-c", r#"kill -s "$0" -- "$1""#, signal, target])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// The processes that carry `mark` in their environment (none where there is no /proc).
fn marked(mark: &str) -> Vec<u32> {
    let wanted = format!("{MARK}={mark}");
    let carries = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|vars| {
            vars.split(|&byte| byte == 0)
                .any(|var| var == wanted.as_bytes())
        })
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(carries).collect()
}

/// A process that waits for us to say that the run is over, and ends the group if we die instead.
struct DeathGuard(Option<Child>);

impl DeathGuard {
    const SCRIPT: &'static str = r#"read -r over && exit 0
        kill -s TERM -- "-$0"; sleep 5; kill -s KILL -- "-$0""#;

    fn new(group: u32) -> Self {
        let guard = Command::new("sh")
            .args(["-c", Self::SCRIPT, &group.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        Self(guard.ok())
    }

    fn dismiss(self) {
        if let Some(mut guard) = self.0 {
            if let Some(mut stdin) = guard.stdin.take() {
                let _ = stdin.write_all(b"over\n");
            }
            let _ = guard.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit_ms: u64, name: &str) -> Outcome {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let log = std::env::temp_dir().join(format!("xtask-test-{}-{name}", std::process::id()));
        let outcome = run(command, Duration::from_millis(limit_ms), &log, false);
        std::fs::remove_file(&log).unwrap();
        outcome
    }

    #[test]
    fn output_and_code_come_back() {
        let outcome = sh("echo out; echo err >&2; exit 3", 60_000, "code");
        assert_eq!(outcome.end, End::Exit(3));
        assert_eq!(outcome.output, "out\nerr\n");
        assert_eq!(outcome.end.check(), Err("exit code 3".into()));
        assert_eq!(sh("kill -s KILL $$", 60_000, "signal").end, End::Signal(9));
    }

    #[test]
    fn a_missing_program_is_named() {
        let outcome = run(
            Command::new("/no/such/program"),
            Duration::from_secs(1),
            &std::env::temp_dir().join(format!("xtask-test-{}-missing", std::process::id())),
            false,
        );
        assert!(
            outcome
                .end
                .check()
                .unwrap_err()
                .contains("/no/such/program"),
            "{outcome:?}"
        );
    }

    fn alive(pid: &str) -> bool {
        // A zombie that nobody has reaped yet is not alive.
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
            !stat
                .rsplit(')')
                .next()
                .unwrap_or("")
                .trim_start()
                .starts_with('Z')
        })
    }

    /// A child in the group, one that ignores SIGTERM, and one in a session of its own: all must go.
    #[test]
    #[cfg(target_os = "linux")]
    fn the_limit_ends_children_too() {
        let script = "sleep 300 & echo $!
            sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' &
            setsid sh -c 'echo $$; sleep 300' &
            sleep 300";
        let outcome = sh(script, 1_000, "children");
        assert_eq!(outcome.end, End::Hang(Duration::from_secs(1)));
        let pids: Vec<&str> = outcome.output.lines().collect();
        assert_eq!(pids.len(), 3, "{outcome:?}");
        sleep(Duration::from_millis(100));
        for pid in pids {
            assert!(!alive(pid), "process {pid} outlived the run");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_guard_ends_the_group_when_we_die() {
        let mut child = Command::new("sh")
            .args(["-c", "sleep 300 & wait"])
            .process_group(0)
            .spawn()
            .unwrap();
        let mut guard = DeathGuard::new(child.id()).0.unwrap();
        drop(guard.stdin.take());
        assert_eq!(ended(child.wait().unwrap()), End::Signal(15));
        kill("KILL", &format!("-{}", guard.id()));
        guard.wait().unwrap();
    }

    #[test]
    fn a_command_inside_another_keeps_its_environment_and_folder() {
        let mut inner = Command::new("sh");
        inner
            .args(["-c", "echo $A-$HOME; pwd"])
            .env("A", "1")
            .env_remove("HOME")
            .current_dir("/");
        let output = |outer| inside(outer, &inner).output().unwrap().stdout;
        for outer in [None, Some(Command::new("env"))] {
            assert_eq!(output(outer), b"1-\n/\n");
        }
    }

    #[test]
    fn a_line_can_be_pasted() {
        let mut command = Command::new("mpirun");
        command.args(["-n", "2", "my prog", "it's", ""]);
        assert_eq!(
            command_line(&command),
            r"mpirun -n 2 'my prog' 'it'\''s' ''"
        );
    }
}

//! A job in a process of its own: this test program starts itself as one.

use super::*;
use crate::batch::store::CommitOutcome;
use crate::batch::store::folder::failpoints;
use crate::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

/// The variable that tells a process which is started as a job what to do: the root, a command and its arguments.
const PLAN: &str = "PSHMEM_TEST_STORE_JOB";
/// A job that takes longer is taken for hanging.
const LIMIT: Duration = Duration::from_secs(60);

/// A process that runs [`job`]. It is killed when the value is dropped.
pub(super) struct Job(Child);

impl Job {
    pub(super) fn start(root: &Path, plan: &str) -> Self {
        Job::spawn(Command::new(program()), root, plan)
    }

    /// The same in a shell that ignores SIGXFSZ, so that writing beyond the limit on file sizes is an error.
    pub(super) fn start_without_sigxfsz(root: &Path, plan: &str) -> Self {
        let mut shell = Command::new("bash");
        shell
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(program());
        Job::spawn(shell, root, plan)
    }

    fn spawn(mut command: Command, root: &Path, plan: &str) -> Self {
        let (_crate, module) = module_path!().split_once("::").unwrap();
        command
            .args(["--exact", &format!("{module}::job"), "--nocapture"])
            .env(PLAN, format!("{} {plan}", root.display()))
            .stdout(Stdio::null());
        Job(command.spawn().unwrap())
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it has ended or is frozen. Returns whether it is frozen.
    pub(super) fn wait_until_frozen(&mut self) -> bool {
        self.until("it neither ends nor freezes", |job| {
            if job.0.try_wait().unwrap().is_some() {
                return Some(false);
            }
            let stat = fs::read_to_string(format!("/proc/{}/stat", job.pid())).unwrap();
            let (_, rest) = stat.rsplit_once(')').unwrap();
            rest.starts_with(" T").then_some(true)
        })
    }

    pub(super) fn wait(&mut self) -> ExitStatus {
        self.until("it does not end", |job| job.0.try_wait().unwrap())
    }

    pub(super) fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    pub(super) fn kill(&mut self) {
        self.0.kill().unwrap();
    }

    /// Polls until there is a result, within a limit of time.
    pub(super) fn until<R>(
        &mut self,
        what: &str,
        mut poll: impl FnMut(&mut Self) -> Option<R>,
    ) -> R {
        let start = Instant::now();
        loop {
            if let Some(found) = poll(self) {
                return found;
            }
            assert!(start.elapsed() < LIMIT, "{what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// This test program.
fn program() -> PathBuf {
    std::env::current_exe().unwrap()
}

impl Drop for Job {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Not a test: the main function of a process that was started as a job.
#[test]
fn job() {
    let Ok(plan) = std::env::var(PLAN) else {
        return;
    };
    let mut words = plan.split(' ');
    let root = PathBuf::from(words.next().unwrap());
    match words.next().unwrap() {
        "once" => once(&root, words),
        "work" => work(&root, words),
        "full" => full(&root),
        other => panic!("{other}"),
    }
}

/// Runs one task, gets a signal at a failpoint, and writes down the outcome.
fn once<'a>(root: &Path, mut words: impl Iterator<Item = &'a str>) {
    let mut word = || words.next().unwrap();
    let signal = if word() == "STOP" { "STOP" } else { "KILL" };
    let after = word().parse().unwrap();
    let end = word().parse().unwrap();
    let timeout = word().parse().unwrap();
    let store = Store::attach(
        root,
        task_names(1),
        &options_of("once", Duration::from_millis(timeout)),
    );
    failpoints::plan(signal, after);
    let outcome = match store.begin(0, &Admission::default()).unwrap() {
        BeginOutcome::Leased(lease) => format!("{:?}", lease.commit(end, "").unwrap()),
        BeginOutcome::OwnedBy(_) => "TakenBy".to_owned(),
        BeginOutcome::NotOpen(state) => format!("Is {state}"),
    };
    fs::write(root.join("outcome"), outcome).unwrap();
}

/// Runs tasks until all are done, and keeps a diary of those it begins and records.
fn work<'a>(root: &Path, mut words: impl Iterator<Item = &'a str>) {
    let count = words.next().unwrap().parse().unwrap();
    let pid = std::process::id();
    let store = Store::attach(
        root,
        task_names(count),
        &options_of(&format!("job {pid}"), MINUTE),
    );
    let mut diary = fs::File::options()
        .create(true)
        .append(true)
        .open(root.join(format!("diary.{pid}")))
        .unwrap();
    // A line is one call, so a kill leaves all of it or nothing.
    let mut note = |line: String| diary.write_all(line.as_bytes()).unwrap();
    let start = pid as usize % count;
    loop {
        let mut left = 0;
        for task in (start..count).chain(0..start) {
            match store.begin(task, &Admission::default()).unwrap() {
                BeginOutcome::Leased(lease) => {
                    note(format!("begun {task} {}\n", lease.attempt()));
                    let commit = lease.commit(TaskState::Done, "").unwrap();
                    note(format!("{commit:?} {task} 0\n"));
                }
                BeginOutcome::OwnedBy(_) => left += 1,
                BeginOutcome::NotOpen(state) => assert_eq!(state, TaskState::Done),
            }
        }
        if left == 0 {
            return;
        }
    }
}

/// Runs out of room for files between the begin and the end of its tasks.
fn full(root: &Path) {
    let store = Store::attach(root, task_names(3), &options_of("full", MINUTE));
    let begin = |task| store.begin(task, &Admission::default());
    let (BeginOutcome::Leased(well), BeginOutcome::Leased(badly)) =
        (begin(0).unwrap(), begin(1).unwrap())
    else {
        panic!("nobody owns them");
    };
    let pid = std::process::id().to_string();
    let mut limit = Command::new("prlimit");
    limit.args(["--pid", &pid, "--fsize=0"]);
    assert!(limit.status().unwrap().success());
    assert!(
        fs::write(root.join("something"), "x").is_err(),
        "there is still room"
    );
    // The word was written before the task began.
    let outcome = well.commit(TaskState::Done, "").unwrap();
    assert_eq!(outcome, CommitOutcome::Recorded);
    // Unlike on a full file system, overwriting fails too under this limit: then nothing is recorded.
    let error = badly.commit(TaskState::Failed, "why").unwrap_err();
    assert!(
        matches!(&error, Error::Directory { call, .. } if call == "writing"),
        "{error}"
    );
    assert_eq!(store.state(1).unwrap(), TaskState::Running);
    let error = begin(2).unwrap_err();
    assert!(error.to_string().contains("task_2"), "{error}");
    assert_eq!(fs::read_dir(store.dir(2)).unwrap().count(), 0);
    assert!(store.set_state(2, TaskState::Done).is_err());
    assert_eq!(store.state(2).unwrap(), TaskState::Open);
}

//! Several processes on one directory: killed, frozen and woken, at every failpoint. This test program starts itself as a job.

use crate::batch::store::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use tempfile::{TempDir, tempdir};

/// What a process that is started as a job is to do.
const PLAN: &str = "PSHMEM_TEST_STORE_JOB";
/// A job that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(60);

fn options(timeout_ms: u64, job: &str) -> Options {
    Options {
        lease_timeout: Duration::from_millis(timeout_ms),
        job: job.to_owned(),
        rank: 0,
        host: "node0".to_owned(),
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|task| format!("t{task}")).collect()
}

/// A process of this program that runs [`job`] by a plan; it does not survive the test.
struct Job(Child);

impl Job {
    fn start(root: &Path, plan: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "batch::store::tests::jobs::job", "--nocapture"])
            .env(PLAN, format!("{} {plan}", root.display()))
            .stdout(Stdio::null());
        Job(command.spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it has ended, or is frozen; whether it is frozen.
    fn rests(&mut self) -> bool {
        self.until("it neither ends nor freezes", |job| {
            if job.0.try_wait().unwrap().is_some() {
                return Some(false);
            }
            let stat = fs::read_to_string(format!("/proc/{}/stat", job.pid())).unwrap();
            let (_, rest) = stat.rsplit_once(')').unwrap();
            rest.starts_with(" T").then_some(true)
        })
    }

    fn ends(&mut self) {
        self.until("it does not end", |job| job.0.try_wait().unwrap());
    }

    fn until<R>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<R>) -> R {
        let start = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(start.elapsed() < LIMIT, "{what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Not a test: what a process does that was started as a job.
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

/// Runs one task, gets a signal at some failpoint, and notes what it was told.
fn once<'a>(root: &Path, mut words: impl Iterator<Item = &'a str>) {
    let mut word = || words.next().unwrap();
    let signal = if word() == "STOP" { "STOP" } else { "KILL" };
    let after = word().parse().unwrap();
    let end = word().parse().unwrap();
    let timeout = word().parse().unwrap();
    let store = Store::attach(root, names(1), &options(timeout, "once"));
    failpoints::plan(signal, after);
    let outcome = match store.begin(0, Rerun::default()).unwrap() {
        Begin::Ours(lease) => format!("{:?}", lease.commit(end, "").unwrap()),
        Begin::TakenBy { .. } => "TakenBy".to_owned(),
        Begin::Is(state) => format!("Is {state}"),
    };
    fs::write(root.join("outcome"), outcome).unwrap();
}

/// Runs tasks until all are done, and keeps a diary of those it begins and records.
fn work<'a>(root: &Path, mut words: impl Iterator<Item = &'a str>) {
    let count = words.next().unwrap().parse().unwrap();
    let pid = std::process::id();
    let store = Store::attach(root, names(count), &options(60_000, &format!("job {pid}")));
    let mut diary = fs::File::options()
        .create(true)
        .append(true)
        .open(root.join(format!("diary.{pid}")))
        .unwrap();
    // A line is one call, so that a kill leaves it whole or not at all.
    let mut note = |line: String| diary.write_all(line.as_bytes()).unwrap();
    let start = pid as usize % count;
    loop {
        let mut left = 0;
        for task in (start..count).chain(0..start) {
            match store.begin(task, Rerun::default()).unwrap() {
                Begin::Ours(lease) => {
                    note(format!("begun {task} {}\n", lease.attempt()));
                    let commit = lease.commit(TaskState::Done, "").unwrap();
                    note(format!("{commit:?} {task} 0\n"));
                }
                Begin::TakenBy { .. } => left += 1,
                Begin::Is(state) => assert_eq!(state, TaskState::Done),
            }
        }
        if left == 0 {
            return;
        }
    }
}

/// Runs out of room for files between the begin and the end of its tasks.
fn full(root: &Path) {
    let store = Store::attach(root, names(3), &options(60_000, "full"));
    let begin = |task| store.begin(task, Rerun::default());
    let (Begin::Ours(well), Begin::Ours(badly)) = (begin(0).unwrap(), begin(1).unwrap()) else {
        panic!("they are nobody's");
    };
    let pid = std::process::id().to_string();
    let mut limit = Command::new("prlimit");
    limit.args(["--pid", &pid, "--fsize=0"]);
    assert!(limit.status().unwrap().success());
    assert!(
        fs::write(root.join("something"), "x").is_err(),
        "there is still room"
    );
    // Its word was written before it began.
    let outcome = well.commit(TaskState::Done, "").unwrap();
    assert_eq!(outcome, Commit::Recorded);
    // Another word cannot be written here, as the limit is not that of a directory: then nothing is recorded.
    let error = badly.commit(TaskState::Failed, "why").unwrap_err();
    assert!(
        matches!(&error, Error::Directory { call, .. } if call == "writing"),
        "{error}"
    );
    assert_eq!(store.state(1).unwrap(), TaskState::Running);
    let error = begin(2).unwrap_err();
    assert!(error.to_string().contains("t2"), "{error}");
    assert_eq!(fs::read_dir(store.dir(2)).unwrap().count(), 0);
    assert!(store.set_state(2, TaskState::Done).is_err());
    assert_eq!(store.state(2).unwrap(), TaskState::Open);
}

/// A root with one task: new, or left by a job that died in its middle.
fn prepare(is_left: bool) -> TempDir {
    let root = tempdir().unwrap();
    drop(Store::create(root.path(), names(1), &options(60_000, "test")).unwrap());
    if is_left {
        // Between begin and commit there is no failpoint, so one in the commit serves: before its only call.
        let store = Store::attach(root.path(), names(1), &options(60_000, "left"));
        let Begin::Ours(lease) = store.begin(0, Rerun::default()).unwrap() else {
            panic!("it is nobody's");
        };
        let dir = store.dir(0);
        let key = lease::last(&dir, 0).unwrap().unwrap().key;
        let (id, _) = key.rsplit_once('.').unwrap();
        std::mem::forget(lease);
        // As if its process had another start.
        let heartbeat = root.path().join(names::OWN).join(id);
        let text = fs::read_to_string(&heartbeat).unwrap();
        fs::write(heartbeat, text.replace("started ", "started 1")).unwrap();
    }
    root
}

fn words_of(root: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(root.join("t0")).unwrap() {
        writeln!(text, "{}", entry.unwrap().file_name().display()).unwrap();
    }
    text
}

#[test]
fn a_job_may_be_killed_at_every_moment() {
    for (is_left, end) in [
        (false, TaskState::Done),
        (false, TaskState::Failed),
        (true, TaskState::Done),
    ] {
        let mut after = 0;
        loop {
            let root = prepare(is_left);
            let what = format!("left {is_left}, {end}, killed after {after}");
            let mut job = Job::start(root.path(), &format!("once KILL {after} {end} 60000"));
            job.ends();
            if root.path().join("outcome").exists() {
                break;
            }
            let opened = Store::create(root.path(), names(1), &options(60_000, "next")).unwrap();
            assert!(
                opened.unparsable.is_empty(),
                "{what}: {:?}",
                opened.unparsable
            );
            match opened.store.begin(0, Rerun::default()).unwrap() {
                Begin::Ours(lease) => {
                    assert_eq!(
                        lease.commit(TaskState::Done, "").unwrap(),
                        Commit::Recorded,
                        "{what}"
                    );
                    assert_eq!(opened.store.state(0).unwrap(), TaskState::Done);
                }
                Begin::Is(state) => assert_eq!(state, end, "{what}"),
                taken @ Begin::TakenBy { .. } => panic!("{what}: {taken:?}"),
            }
            let left = words_of(root.path());
            assert!(
                !left.contains(".end.") && !left.contains(".running."),
                "{what}: {left}"
            );
            after += 1;
        }
        // Two files, the link, the state; their content; what is read before.
        assert!(after > 8, "only {after} failpoints");
    }
}

#[test]
fn a_job_may_freeze_at_every_moment_and_its_late_result_is_refused() {
    // The other job has the task when the frozen one wakes, or has ended it.
    for (is_left, is_ended) in [(false, false), (false, true), (true, false), (true, true)] {
        let (mut after, mut refused) = (0, 0);
        loop {
            let root = prepare(is_left);
            let what = format!("left {is_left}, ended {is_ended}, frozen after {after}");
            let mut job = Job::start(root.path(), &format!("once STOP {after} FAILED 60"));
            if !job.rests() {
                break;
            }
            let store = Store::attach(root.path(), names(1), &options(60_000, "next"));
            // Until its silence is long enough.
            let begin = job.until("it is not taken over", |_| {
                let begin = store.begin(0, Rerun::default()).unwrap();
                (!matches!(begin, Begin::TakenBy { .. })).then_some(begin)
            });
            let mut lease = match begin {
                Begin::Ours(lease) => Some(lease),
                Begin::Is(state) => {
                    assert_eq!(state, TaskState::Failed, "{what}");
                    None
                }
                Begin::TakenBy { .. } => unreachable!(),
            };
            let was_ours = lease.is_some();
            let commit = |lease: Option<Lease>| {
                if let Some(lease) = lease {
                    let commit = lease.commit(TaskState::Done, "").unwrap();
                    assert_eq!(commit, Commit::Recorded, "{what}");
                }
            };
            if is_ended {
                commit(lease.take());
            }
            failpoints::send("CONT", job.pid());
            job.ends();
            let outcome = fs::read_to_string(root.path().join("outcome")).unwrap();
            refused += u32::from(outcome == "Refused");
            let expected: &[&str] = match (was_ours, is_ended) {
                (false, _) => &["Recorded"],
                (true, true) => &["Refused", "Is DONE"],
                (true, false) => &["Refused", "TakenBy"],
            };
            assert!(expected.contains(&&*outcome), "{what}: {outcome}");
            commit(lease);
            let end = if was_ours {
                TaskState::Done
            } else {
                TaskState::Failed
            };
            assert_eq!(store.state(0).unwrap(), end, "{what}");
            let left = words_of(root.path());
            assert!(
                !left.contains(".end.") && !left.contains(".running."),
                "{what}: {left}"
            );
            after += 1;
        }
        assert!(
            after > 10 && refused > 0,
            "{after} failpoints, {refused} refused"
        );
    }
}

#[test]
fn without_room_no_task_is_begun_and_none_is_done_that_is_not() {
    let root = tempdir().unwrap();
    drop(Store::create(root.path(), names(3), &options(60_000, "test")).unwrap());
    let program = std::env::current_exe().unwrap();
    let mut job = Command::new("bash");
    // Too large a file is an error then, and not the end of the process.
    job.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(program)
        .args(["--exact", "batch::store::tests::jobs::job", "--nocapture"])
        .env(PLAN, format!("{} full", root.path().display()))
        .stdout(Stdio::null());
    let mut job = Job(job.spawn().unwrap());
    let status = job.until("it does not end", |job| job.0.try_wait().unwrap());
    assert!(status.success());
    let opened = Store::create(root.path(), names(3), &options(60_000, "next")).unwrap();
    let expected = [TaskState::Done, TaskState::Running, TaskState::Open];
    assert_eq!(opened.states, expected);
    assert!(matches!(
        opened.store.begin(1, Rerun::default()).unwrap(),
        Begin::Ours(_)
    ));
}

#[test]
fn of_three_jobs_one_is_killed_and_every_task_is_done_once() {
    const TASKS: usize = 400;
    for repetition in 0..5 {
        let root = tempdir().unwrap();
        drop(Store::create(root.path(), names(TASKS), &options(60_000, "test")).unwrap());
        let mut jobs: Vec<Job> = (0..3)
            .map(|_| Job::start(root.path(), &format!("work {TASKS}")))
            .collect();
        let victim = jobs[0].pid();
        let diary = root.path().join(format!("diary.{victim}"));
        // In the middle of its work, at some failpoint.
        jobs[0].until("it does not work", |job| {
            let lines = fs::read_to_string(&diary)
                .unwrap_or_default()
                .lines()
                .count();
            let is_over = job.0.try_wait().unwrap().is_some();
            (is_over || lines > 20 + 10 * repetition).then_some(())
        });
        jobs[0].0.kill().unwrap();
        jobs.iter_mut().for_each(Job::ends);

        let (mut begun, mut recorded) = (BTreeMap::<usize, u32>::new(), BTreeSet::new());
        let mut of_victim = BTreeSet::new();
        for job in &jobs {
            let text = fs::read_to_string(root.path().join(format!("diary.{}", job.pid())));
            for line in text.unwrap().lines() {
                let words: Vec<&str> = line.split(' ').collect();
                let task = words[1].parse().unwrap();
                match words[0] {
                    "begun" => {
                        *begun.entry(task).or_default() += 1;
                        if job.pid() == victim {
                            of_victim.insert(task);
                        }
                    }
                    "Recorded" => assert!(recorded.insert(task), "{task} was recorded twice"),
                    other => panic!("{other} {task}"),
                }
            }
        }
        assert_eq!(begun.len(), TASKS);
        let twice = begun.iter().filter(|(_, times)| **times > 1);
        let twice: Vec<_> = twice.map(|(task, _)| *task).collect();
        assert!(
            twice.len() <= 1 && twice.iter().all(|task| of_victim.contains(task)),
            "{twice:?}"
        );
        // The killed job may have recorded one without a note of it.
        assert!(recorded.len() >= TASKS - 1, "{}", recorded.len());
        let opened = Store::create(root.path(), names(TASKS), &options(60_000, "look")).unwrap();
        assert_eq!(opened.states, vec![TaskState::Done; TASKS]);
    }
}

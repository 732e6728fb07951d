//! Several jobs on one state directory, of which some are killed or frozen.
//!
//! ```text
//! jobs kill TASKS JOBS TIMES [LAUNCHER...]   one of the jobs is killed half-way, TIMES times on fresh directories
//! jobs freeze [LAUNCHER...]                  a job is frozen for longer than its lease, and wakes up
//! jobs term TASKS [LAUNCHER...]              one process of a job gets SIGTERM, and another job goes on
//! jobs work DIR TASKS LEASE_MS SPIN_US WAIT  one job; the others start it, by the launcher or with PSHMEM_LOCAL
//! ```
//!
//! Each task writes down who has run it and whose end was recorded, so that every claim can be checked afterwards.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use pshmem::{Batch, Comm, Error, TaskState};

/// Hard limit of one job.
const LIMIT: Duration = Duration::from_secs(60);

type Outcome<T = ()> = Result<T, String>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| {
        words
            .get(at)
            .and_then(|word| word.parse().ok())
            .unwrap_or(0)
    };
    let outcome = match words.first().map(String::as_str) {
        Some("work") => {
            let settings = Settings {
                dir: words.get(1).map(PathBuf::from).unwrap_or_default(),
                tasks: number(2),
                lease: Duration::from_millis(number(3) as u64),
                spin: Duration::from_micros(number(4) as u64),
                waits: number(5) > 0,
            };
            return pshmem::run(|comm: &Comm| work(comm, &settings));
        }
        Some("kill") => {
            let launcher = words.get(4..).unwrap_or_default();
            (0..number(3)).try_for_each(|_| kill(number(1), number(2), launcher))
        }
        Some("freeze") => freeze(words.get(1..).unwrap_or_default()),
        Some("term") => term(number(1), words.get(2..).unwrap_or_default()),
        other => Err(format!("unknown scene {other:?}")),
    };
    match outcome {
        Ok(()) => {
            println!("all is well");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// What a job is to do.
struct Settings {
    dir: PathBuf,
    tasks: usize,
    lease: Duration,
    spin: Duration,
    /// Whether a task waits for the file `go`.
    waits: bool,
}

fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(format!("{line}\n").as_bytes())
}

/// One rank of one job.
fn work(comm: &Comm, settings: &Settings) -> Outcome {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let names = (0..settings.tasks).map(|task| format!("t{task}"));
    let batch = Batch::builder(comm, settings.tasks)
        .state_dir(&settings.dir, names)
        .lease_timeout(settings.lease)
        .stop_at_sigterm(true)
        .build()
        .map_err(|error| text(&error))?;
    let me = std::process::id();
    append(&settings.dir.join(".pids"), &me.to_string()).map_err(|error| text(&error))?;
    while let Some(task) = batch.next_task().map_err(|error| text(&error))? {
        let dir = task.dir().map(PathBuf::from).unwrap_or_default();
        append(&dir.join("runs"), &me.to_string()).map_err(|error| text(&error))?;
        let start = Instant::now();
        while start.elapsed() < settings.spin {
            std::thread::yield_now();
        }
        while settings.waits && !settings.dir.join("go").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        match task.done() {
            Ok(()) => append(&dir.join("ends"), &me.to_string()),
            Err(Error::TaskTakenOver { .. }) => append(&dir.join("refused"), &me.to_string()),
            Err(error) => return Err(text(&error)),
        }
        .map_err(|error| text(&error))?;
    }
    Ok(())
}

/// A job that was started; ended when it is dropped.
struct Job(Child);

impl Job {
    fn start(settings: &Settings, launcher: &[String]) -> Outcome<Self> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = match launcher {
            [] => Command::new(&program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(&program);
                command
            }
        };
        command.arg("work").arg(&settings.dir).args([
            settings.tasks.to_string(),
            settings.lease.as_millis().to_string(),
            settings.spin.as_micros().to_string(),
            u8::from(settings.waits).to_string(),
        ]);
        let child = command.stdin(Stdio::null()).spawn();
        child
            .map(Job)
            .map_err(|error| format!("{command:?}: {error}"))
    }

    /// Whether it ended well.
    fn wait(&mut self) -> Outcome<bool> {
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            if let Some(status) = self.0.try_wait().map_err(|error| error.to_string())? {
                return Ok(status.success());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err("a job does not end".to_owned())
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory of this run's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Outcome<Self> {
        let name = format!("pshmem-jobs-{}-{}", std::process::id(), now());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Folder(path))
    }

    fn lines(&self, name: &str) -> Vec<i32> {
        let text = std::fs::read_to_string(self.0.join(name)).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Waits until the file has so many lines.
    fn await_lines(&self, name: &str, count: usize) -> Outcome {
        let start = Instant::now();
        while self.lines(name).len() < count {
            if start.elapsed() > LIMIT {
                return Err(format!("{name} does not get {count} lines"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn now() -> u128 {
    let since = std::time::UNIX_EPOCH.elapsed();
    since.map_or(0, |time| time.as_nanos())
}

fn signal(pids: &[i32], signal: i32) {
    for &pid in pids {
        // SAFETY: the call touches no memory. The processes are ranks of a job that this one has started and not waited for.
        unsafe { libc::kill(pid, signal) };
    }
}

/// One of several jobs is killed half-way: every task ends as DONE, recorded once, and only what the killed job had is run
/// twice.
fn kill(tasks: usize, jobs: usize, launcher: &[String]) -> Outcome {
    let folder = Folder::new()?;
    let settings = Settings {
        dir: folder.0.clone(),
        tasks,
        lease: Duration::from_secs(30),
        spin: Duration::from_micros(500),
        waits: false,
    };
    let mut victim = Job::start(&settings, launcher)?;
    folder.await_lines("t0/ends", 1)?;
    let victims = folder.lines(".pids");
    let others: Outcome<Vec<Job>> = (1..jobs).map(|_| Job::start(&settings, launcher)).collect();
    // Somewhere in the middle, at a moment that nobody has chosen.
    folder.await_lines(&format!("t{}/runs", tasks / 2), 1)?;
    std::thread::sleep(Duration::from_micros((now() % 10_000) as u64));
    signal(&victims, libc::SIGKILL);
    victim.wait()?;
    for mut job in others? {
        if !job.wait()? {
            return Err("a job that was not killed has failed".to_owned());
        }
    }
    // What the others have left: nothing, unless the victim was faster than they.
    if !Job::start(&settings, launcher)?.wait()? {
        return Err("the last job has failed".to_owned());
    }
    let status = Batch::status(&folder.0).map_err(|error| error.to_string())?;
    let done = status.count(TaskState::Done);
    let mut wrong = String::new();
    let mut twice = 0;
    for task in 0..tasks {
        let runs = folder.lines(&format!("t{task}/runs"));
        let ends = folder.lines(&format!("t{task}/ends"));
        let refused = folder.lines(&format!("t{task}/refused"));
        let by_victim = runs.iter().filter(|pid| victims.contains(pid)).count();
        twice += runs.len().saturating_sub(1);
        // A rank that was killed may not have come to write down its end.
        let is_well = runs.len() - by_victim <= 1
            && by_victim <= 1
            && ends.len() <= 1
            && refused.is_empty()
            && (ends.len() == 1 || by_victim == 1);
        if !is_well {
            let _ = writeln!(
                wrong,
                "t{task}: runs {runs:?}, ends {ends:?}, refused {refused:?}"
            );
        }
    }
    if done != tasks || !wrong.is_empty() {
        return Err(format!(
            "{done} of {tasks} tasks are DONE; killed: {victims:?}\n{wrong}"
        ));
    }
    println!("{tasks} tasks DONE by {jobs} jobs; {twice} run again");
    Ok(())
}

/// A job is frozen with its task, another one takes it over, and the frozen one wakes up: its result is refused.
fn freeze(launcher: &[String]) -> Outcome {
    let folder = Folder::new()?;
    let mut settings = Settings {
        dir: folder.0.clone(),
        tasks: 1,
        lease: Duration::from_millis(400),
        spin: Duration::ZERO,
        waits: true,
    };
    let mut sleeper = Job::start(&settings, launcher)?;
    folder.await_lines("t0/runs", 1)?;
    let pids = folder.lines(".pids");
    signal(&pids, libc::SIGSTOP);
    settings.waits = false;
    let outcome = Job::start(&settings, launcher)?.wait();
    std::fs::write(folder.0.join("go"), "").map_err(|error| error.to_string())?;
    signal(&pids, libc::SIGCONT);
    if !outcome? || !sleeper.wait()? {
        return Err("a job has failed".to_owned());
    }
    let (runs, ends) = (folder.lines("t0/runs"), folder.lines("t0/ends"));
    let refused = folder.lines("t0/refused");
    let state = std::fs::read_to_string(folder.0.join("t0/state")).unwrap_or_default();
    let is_well = runs.len() == 2 && ends == runs[1..] && refused == runs[..1] && state == "DONE\n";
    if !is_well {
        return Err(format!(
            "runs {runs:?}, ends {ends:?}, refused {refused:?}, {state}"
        ));
    }
    println!("the frozen job's result was refused");
    Ok(())
}

/// A batch system wants a job to end: no rank begins another task, those under way are done, and the next job does the rest.
fn term(tasks: usize, launcher: &[String]) -> Outcome {
    let folder = Folder::new()?;
    let settings = Settings {
        dir: folder.0.clone(),
        tasks,
        lease: Duration::from_secs(30),
        spin: Duration::from_millis(1),
        waits: false,
    };
    let mut job = Job::start(&settings, launcher)?;
    folder.await_lines("t0/ends", 1)?;
    // One rank is told; the others learn of it.
    signal(&folder.lines(".pids")[..1], libc::SIGTERM);
    if !job.wait()? {
        return Err("a job that was told to end has failed".to_owned());
    }
    let count = |state| {
        let status = Batch::status(&folder.0).map_err(|error| error.to_string())?;
        Ok::<usize, String>(status.count(state))
    };
    let (done, running) = (count(TaskState::Done)?, count(TaskState::Running)?);
    if done == 0 || done == tasks || running > 0 {
        return Err(format!("{done} of {tasks} are DONE, {running} RUNNING"));
    }
    if !Job::start(&settings, launcher)?.wait()? {
        return Err("the next job has failed".to_owned());
    }
    let once = |task: &usize| folder.lines(&format!("t{task}/ends")).len() == 1;
    if count(TaskState::Done)? != tasks || !(0..tasks).all(|task| once(&task)) {
        return Err("the next job has not done the rest, or too much".to_owned());
    }
    println!("{done} tasks DONE before the end, {} after", tasks - done);
    Ok(())
}

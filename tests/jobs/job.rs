//! Starting a job as processes of its own, and what its processes have written.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pshmem_tests::temp_dir::TempDir;

use crate::{Outcome, text};

/// The file with the ids of all processes of all jobs.
pub(crate) const PROCESSES: &str = ".pids";
/// The file for which tasks wait, if the settings say so.
pub(crate) const CONTINUE: &str = "continue";
/// Hard limit of one job.
const LIMIT: Duration = Duration::from_secs(60);

/// What a job does.
pub(crate) struct Settings {
    pub(crate) dir: PathBuf,
    pub(crate) tasks: usize,
    pub(crate) lease: Duration,
    /// How long a task computes.
    pub(crate) spin: Duration,
    /// Whether a task waits for the file [`CONTINUE`].
    pub(crate) waits: bool,
}

impl Settings {
    /// Settings of `jobs work`.
    pub(crate) fn from_arguments(arguments: &[String]) -> Self {
        let number = |index: usize| -> u64 {
            let argument = arguments.get(index);
            argument.and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        Settings {
            dir: arguments.first().map(PathBuf::from).unwrap_or_default(),
            tasks: number(1) as usize,
            lease: Duration::from_millis(number(2)),
            spin: Duration::from_micros(number(3)),
            waits: number(4) > 0,
        }
    }

    /// The inverse of `from_arguments`, except for the directory.
    fn numbers(&self) -> [String; 4] {
        [
            self.tasks.to_string(),
            self.lease.as_millis().to_string(),
            self.spin.as_micros().to_string(),
            u8::from(self.waits).to_string(),
        ]
    }
}

/// A job that was started; it is killed when it is dropped.
pub(crate) struct Job(Child);

impl Job {
    pub(crate) fn start(settings: &Settings, launcher: &[String]) -> Outcome<Self> {
        let program = std::env::current_exe().map_err(text)?;
        let mut command = match launcher {
            [] => Command::new(&program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(&program);
                command
            }
        };
        command.arg("work").arg(&settings.dir);
        command.args(settings.numbers());
        let child = command.stdin(Stdio::null()).spawn();
        child
            .map(Job)
            .map_err(|error| format!("{command:?}: {error}"))
    }

    /// Waits for the end of the job, and returns whether it succeeded.
    pub(crate) fn wait(&mut self) -> Outcome<bool> {
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            if let Some(status) = self.0.try_wait().map_err(text)? {
                return Ok(status.success());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(format!("a job has not ended after {} s", LIMIT.as_secs()))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // Both fail when the job has ended, which is no error.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The process ids in a file of the directory, in order.
pub(crate) fn process_ids(dir: &TempDir, file: &str) -> Vec<i32> {
    ids_in(&dir.path().join(file))
}

/// The process ids in a file, in order; none where there is no such file.
pub(crate) fn ids_in(file: &Path) -> Vec<i32> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Waits until a file has as many lines.
pub(crate) fn wait_for_lines(dir: &TempDir, file: &str, count: usize) -> Outcome {
    let start = Instant::now();
    while process_ids(dir, file).len() < count {
        if start.elapsed() > LIMIT {
            return Err(format!(
                "{file} has not got {count} lines after {} s",
                LIMIT.as_secs()
            ));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Sends a signal to ranks of jobs that this process has started and not waited for.
pub(crate) fn send_signal(process_ids: &[i32], signal: i32) {
    for &id in process_ids {
        // SAFETY: the call touches no memory of this process.
        unsafe { libc::kill(id, signal) };
    }
}

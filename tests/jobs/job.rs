//! Starting a job as processes of its own, and what its processes have written.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pshmem_tests::temp_dir::TempDir;

use crate::settings::Settings;
use crate::{Outcome, text};

/// The file with a line for each attempt at any task that was begun.
pub(crate) const RUNS: &str = ".runs";
/// The file for which tasks wait, if the settings say so.
pub(crate) const CONTINUE: &str = "continue";
/// Hard limit of one job.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The file with the ids of all processes of a job.
pub(crate) fn processes(job: usize) -> String {
    format!(".pids.{job}")
}

/// A job that was started; it is killed when it is dropped.
pub(crate) struct Job {
    child: Child,
    /// Where its launcher keeps its files: launchers of Open MPI that start or end at the same time remove those of each other.
    #[expect(dead_code, reason = "held for its drop")]
    temp: TempDir,
}

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
        command.args(settings.words());
        let temp = TempDir::new().map_err(text)?;
        command.env("TMPDIR", temp.path());
        let child = command.stdin(Stdio::null()).spawn();
        let child = child.map_err(|error| format!("{command:?}: {error}"))?;
        Ok(Job { child, temp })
    }

    /// Whether the job has succeeded; `None` while it runs.
    pub(crate) fn outcome(&mut self) -> Outcome<Option<bool>> {
        let status = self.child.try_wait().map_err(text)?;
        Ok(status.map(|status| status.success()))
    }

    /// Waits for the end of the job, and returns whether it succeeded.
    pub(crate) fn wait(&mut self) -> Outcome<bool> {
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            if let Some(success) = self.outcome()? {
                return Ok(success);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(format!("a job has not ended after {} s", LIMIT.as_secs()))
    }

    /// Kills the ranks with these ids, and then the launcher.
    pub(crate) fn kill(mut self, process_ids: &[i32]) -> Outcome {
        send_signal(process_ids, libc::SIGKILL);
        // It fails when the launcher has ended since, which is no error.
        let _ = self.child.kill();
        self.child.wait().map(|_| ()).map_err(text)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // Both fail when the job has ended, which is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process ids in a file of the directory, in order.
pub(crate) fn process_ids(dir: &TempDir, file: &str) -> Vec<i32> {
    ids_in(&dir.path().join(file))
}

/// The process ids in a file, in order; none where there is no such file.
pub(crate) fn ids_in(file: &Path) -> Vec<i32> {
    lines_in(file).into_iter().map(|(id, _)| id).collect()
}

/// The lines of a file: the process id, and the number of the attempt if there is one, or 0.
pub(crate) fn lines_in(file: &Path) -> Vec<(i32, u32)> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let parse = |line: &str| {
        let (id, attempt) = line.split_once(' ')?;
        Some((id.parse().ok()?, attempt.parse().unwrap_or_default()))
    };
    text.lines().filter_map(parse).collect()
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

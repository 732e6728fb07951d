//! `Task::command`: runs a program for a task.
//!
//! - [`output`]: the files for what the program writes · [`environment`]: what it learns of its launcher · [`before_exec`]: what
//!   its process does before it becomes the program
//! - here: starting it, waiting for it, and how it ended

mod before_exec;
mod environment;
mod output;
#[cfg(all(test, not(miri), not(loom)))]
mod tests;

use self::before_exec::BeforeExec;
use self::output::OutputFiles;
use crate::batch::Task;
use crate::batch::child_guard::ChildGuard;
use crate::error::{Error, Result, clip};
use std::borrow::BorrowMut;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// The time between SIGTERM and SIGKILL for a program that has reached its time limit.
const GRACE: Duration = Duration::from_secs(2);
/// Bytes of the program and its arguments that errors show.
const SHOWN: usize = 100;

impl Task {
    /// Runs a program for the task, and waits for it. Each rank of a worker may run one.
    ///
    /// The program runs in the [folder of the task](Task::dir), unless [`current_dir`](Command::current_dir) was called. If its own
    /// path is relative and not looked up in `PATH`, it starts at that folder too. What it writes to stdout and stderr goes to
    /// the files `stdout` and `stderr` in the folder, on ranks other than the first of the worker to `stdout.<rank>` and
    /// `stderr.<rank>`. Each attempt at the task replaces them. They are used even if the command has other ones. Without a state
    /// directory, the settings of the command apply; the output is not redirected if there are none, and a pipe has no reader.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    /// use std::process::Command;
    ///
    /// let root = std::env::temp_dir().join(format!("pshmem-command-{}", std::process::id()));
    /// let batch = Batch::builder(&Comm::solo(), 2).state_dir(&root, ["a", "b"]).build()?;
    /// let report = batch.run(|task, _| {
    ///     let name = task.name();
    ///     task.command(Command::new("sh").args(["-c", &format!("echo {name}; test {name} = a")]))
    /// })?;
    /// assert_eq!(std::fs::read_to_string(root.join("a/stdout")).unwrap(), "a\n");
    /// assert_eq!(report.count(TaskState::Failed), 1); // b, with exit code 1
    /// # std::fs::remove_dir_all(root).unwrap();
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # The end of the rank
    /// On Linux, the system kills the program when the rank is killed, so that it does not write in the folder while another job
    /// runs the task again. This holds for the rank's thread, which starts the program, and for the program itself: not for
    /// processes that the program has started, nor for programs that run with other privileges (set-user-ID). On other systems,
    /// the program is killed when the rank returns or panics.
    ///
    /// Tasks that run are finished after a signal, but one that is sent to all processes of a job reaches the program, too.
    ///
    /// # Environment
    /// A program that uses MPI would take itself for a rank of this job. So variables that begin with `OMPI_`, `PMIX_`, `PMI_`,
    /// `MPI_LOCAL`, `HYDI_` or `HYDRA_` are removed, unless they were set on the command. No signal is blocked in the program, and
    /// SIGTERM ends it unless it handles it.
    ///
    /// These changes stay in `command`, which may be used again, also for another task.
    ///
    /// # Collective
    /// No. While the program runs, this rank makes no other calls, as during a computation.
    ///
    /// # Errors
    /// [`Error::Command`] when the program cannot be started, or does not end with exit code 0; [`Error::Directory`] when the files
    /// for its output cannot be made.
    pub fn command(&self, mut command: impl BorrowMut<Command>) -> Result<()> {
        self.command_until(command.borrow_mut(), self.deadline())
    }

    /// The same, where the program may run until `deadline`: then it gets SIGTERM, and two seconds later SIGKILL.
    pub(crate) fn command_until(
        &self,
        command: &mut Command,
        deadline: Option<Instant>,
    ) -> Result<()> {
        let comm = &self.batch_rank().client.comm;
        let open = |dir| OutputFiles::open(dir, self.batch_rank().worker.rank());
        let output = self.dir().map(open).transpose();
        let output = output.map_err(|(path, error)| Error::Directory {
            path: path.display().to_string(),
            call: "opening".to_owned(),
            text: error.to_string(),
            rank: comm.rank(),
            host: comm.host().to_owned(),
        })?;
        let shown = shown(command);
        run(command, self.dir(), output.as_ref(), deadline).map_err(|status| Error::Command {
            command: shown,
            status,
            tail: output.as_ref().map(OutputFiles::tail).unwrap_or_default(),
            rank: comm.rank(),
            host: comm.host().to_owned(),
        })
    }
}

/// Runs a program. If it does not succeed, says why.
fn run(
    command: &mut Command,
    dir: Option<&Path>,
    output: Option<&OutputFiles>,
    deadline: Option<Instant>,
) -> Result<(), String> {
    let mut program = start(command, dir, output).map_err(|error| {
        let hint = relative_hint(Path::new(command.get_program()), dir);
        format!("could not be started: {error}{hint}")
    })?;
    match wait(&mut program, deadline) {
        Ok(None) => Ok(()),
        Ok(Some(status)) => Err(status),
        Err(error) => Err(format!("could not be waited for: {error}")),
    }
}

fn start(
    command: &mut Command,
    dir: Option<&Path>,
    output: Option<&OutputFiles>,
) -> io::Result<ChildGuard> {
    if let Some(output) = output {
        let (stdout, stderr) = output.handles()?;
        command.stdout(stdout).stderr(stderr);
    }
    environment::remove_launcher(command);
    let dir = command.get_current_dir().or(dir);
    BeforeExec::new(dir)?.add_to(command);
    let mut program = ChildGuard::spawn(command)?;
    program.close_pipes();
    Ok(program)
}

/// Waits until the program ends, and ends it at the deadline. `None` if it has succeeded, else how it has ended.
fn wait(program: &mut ChildGuard, deadline: Option<Instant>) -> io::Result<Option<String>> {
    let ended = match deadline {
        Some(deadline) => program.wait_until(deadline)?,
        None => Some(program.wait()?),
    };
    if let Some(status) = ended {
        return Ok((!status.success()).then(|| ended_by_itself(status)));
    }
    let at_limit = |signal| Ok(Some(format!("has reached its time limit and got {signal}")));
    program.terminate()?;
    if program.wait_until(Instant::now() + GRACE)?.is_some() {
        return at_limit("SIGTERM");
    }
    program.kill()?;
    program.wait()?;
    at_limit("SIGTERM, and SIGKILL two seconds later")
}

fn ended_by_itself(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => format!("was ended by {status}").replace("signal: ", "signal "),
    }
}

/// The program and its arguments, for errors.
fn shown(command: &Command) -> String {
    let word = |word: &OsStr| {
        let text = word.to_string_lossy();
        let is_plain = |c: char| !(c.is_whitespace() || c.is_control() || "\"'`".contains(c));
        if !text.is_empty() && text.chars().all(is_plain) {
            text.into_owned()
        } else {
            format!("{text:?}")
        }
    };
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(word).collect();
    clip(&words.join(" "), SHOWN)
}

/// Where a program is looked up whose path is relative, unless that is where the user expects it.
fn relative_hint(program: &Path, dir: Option<&Path>) -> String {
    match dir {
        Some(dir) if program.is_relative() && program.components().count() > 1 => {
            let dir = dir.display();
            format!("; its path is relative, and starts at the working directory, by default {dir}")
        }
        _ => String::new(),
    }
}

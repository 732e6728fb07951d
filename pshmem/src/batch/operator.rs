//! What people and scripts do with a state directory from outside a job: look at it, and ask the jobs there to stop.

use crate::batch::Batch;
use crate::batch::store;
use crate::batch::store::log::LogEntry;
use crate::batch::store::status::BatchStatus;
use crate::batch::task_state::TaskState;
use crate::error::Result;
use std::path::Path;

impl Batch {
    /// The status of every task in a state directory, for people and scripts, while jobs work on it or later.
    ///
    /// The tasks are those that jobs have named, and every other folder with a file `state`; in a directory of the Python package
    /// every folder. Nothing is changed, so read permission is enough. The tool `pshmem-batch` prints it.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    ///
    /// let root = std::env::temp_dir().join(format!("pshmem-operator-{}", std::process::id()));
    /// let batch = Batch::builder(&Comm::solo(), 2).state_dir(&root, ["a", "b"]).build()?;
    /// let task = batch.next_task()?.expect("both are open");
    /// let status = Batch::status(&root)?;
    /// assert_eq!((status.count(TaskState::Running), status.count(TaskState::Open)), (1, 1));
    /// task.done()?;
    /// # std::fs::remove_dir_all(root).unwrap();
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Directory`](crate::Error::Directory) when the directory or a file in it cannot be read.
    pub fn status(path: impl AsRef<Path>) -> Result<BatchStatus> {
        store::inspect(path.as_ref())
    }

    /// The log of a state directory: one entry for each attempt at a task that has ended, in all jobs together, in the order in
    /// which they have begun, as far as the clocks of their hosts agree. Those of jobs that run are there as well. It is also a
    /// file `log.csv` in the directory, to which jobs append when they end. The tool `pshmem-batch` prints it.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    ///
    /// let root = std::env::temp_dir().join(format!("pshmem-log-{}", std::process::id()));
    /// let batch = Batch::builder(&Comm::solo(), 2).state_dir(&root, ["a", "b"]).build()?;
    /// batch.run(|task, _| if task.name() == "a" { Ok(()) } else { Err("no input") })?;
    /// let log = Batch::log(&root)?;
    /// assert_eq!((log[0].state, log[1].state), (TaskState::Done, TaskState::Failed));
    /// assert_eq!(log[1].reason, "no input");
    /// # std::fs::remove_dir_all(root).unwrap();
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Directory`](crate::Error::Directory) when the directory or a file in it cannot be read.
    pub fn log(path: impl AsRef<Path>) -> Result<Vec<LogEntry>> {
        store::read_log(path.as_ref())
    }

    /// Opens the tasks of a state directory again that are in one of these states and that no live process runs, and returns
    /// their names. They are run by the next job, or by one that is built meanwhile, with all their retries. RUNNING tasks of
    /// processes that have died need not be opened: they are run again anyway.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    ///
    /// let root = std::env::temp_dir().join(format!("pshmem-reopen-{}", std::process::id()));
    /// let batch = Batch::builder(&Comm::solo(), 2).state_dir(&root, ["a", "b"]).build()?;
    /// batch.run(|task, _| if task.name() == "a" { Ok(()) } else { Err("no input") })?;
    /// assert_eq!(Batch::reopen(&root, &[TaskState::Failed])?, ["b"]);
    /// assert_eq!(Batch::status(&root)?.count(TaskState::Open), 1);
    /// # std::fs::remove_dir_all(root).unwrap();
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Directory`](crate::Error::Directory) when a file cannot be read or written. Tasks before it have been opened.
    pub fn reopen(path: impl AsRef<Path>, states: &[TaskState]) -> Result<Vec<String>> {
        store::reopen(path.as_ref(), states, None)
    }

    /// The same as [`reopen`](Self::reopen), but only of tasks with these names.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    ///
    /// let root = std::env::temp_dir().join(format!("pshmem-reopen-tasks-{}", std::process::id()));
    /// let batch = Batch::builder(&Comm::solo(), 2).state_dir(&root, ["a", "b"]).build()?;
    /// batch.run(|_, _| Err("no input"))?;
    /// assert_eq!(Batch::reopen_tasks(&root, &[TaskState::Failed], ["b"])?, ["b"]);
    /// assert!(Batch::reopen_tasks(&root, &[TaskState::Failed], ["c"]).is_err());
    /// assert_eq!(Batch::status(&root)?.count(TaskState::Failed), 1);
    /// # std::fs::remove_dir_all(root).unwrap();
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) when the directory has no task of one of these names: nothing has
    /// changed. [`Error::Directory`](crate::Error::Directory) as for `reopen`.
    pub fn reopen_tasks(
        path: impl AsRef<Path>,
        states: &[TaskState],
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<String>> {
        let names = names.into_iter().map(Into::into).collect();
        store::reopen(path.as_ref(), states, Some(names))
    }

    /// Asks all jobs that work on a state directory to begin no more tasks, and also those that start later: makes a file
    /// `stop` there, as `touch` would. Remove the file, by `pshmem-batch resume` or by `rm`, to continue with new jobs: those
    /// that have seen it end.
    ///
    /// Tasks that run are finished. Jobs check for the file ten times a second, when a worker asks for its next task.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let root = std::env::temp_dir().join(format!("pshmem-stop-{}", std::process::id()));
    /// let batch = Batch::builder(&Comm::solo(), 2).state_dir(&root, ["a", "b"]).build()?;
    /// Batch::request_stop(&root)?;
    /// assert!(batch.next_task()?.is_none());
    /// # std::fs::remove_dir_all(root).unwrap();
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Directory`](crate::Error::Directory) when the file cannot be made.
    pub fn request_stop(path: impl AsRef<Path>) -> Result<()> {
        store::request_stop(path.as_ref())
    }
}

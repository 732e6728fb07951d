//! What people and scripts do with a state directory from outside a job: look at it, and ask the jobs there to stop.

use crate::batch::Batch;
use crate::batch::store;
use crate::batch::store::status::BatchStatus;
use crate::error::Result;
use std::path::Path;

impl Batch {
    /// The status of every task in a state directory, for people and scripts, while jobs work on it or later.
    ///
    /// Every folder in it counts as a task. Nothing is changed, so read permission is enough. See the example `batch_status`.
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

    /// Asks all jobs that work on a state directory to begin no more tasks, and also those that start later: makes a file
    /// `stop` there, as `touch` would. Remove the file to continue.
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

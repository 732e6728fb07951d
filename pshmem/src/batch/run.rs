//! `Batch::run`: works on tasks until none is left.

use crate::batch::{Batch, BatchReport, Task};
use crate::comm::Comm;
use crate::comm::thread_state;
use crate::error::{Result, panic_text};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};

impl Batch {
    /// Works on tasks until none is left: each rank of a worker runs the closure for each task of the worker, with the worker's
    /// `Comm`. A task is DONE when the closure returns `Ok` on all of them. An `Err` or a panic ends the task as FAILED, and
    /// the worker continues with the next one. Returns, on all ranks, what became of every task.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState, local::Cluster};
    ///
    /// let reports = Cluster::new(&[2, 2]).run(|comm| -> pshmem::Result<_> {
    ///     let batch = Batch::builder(comm, 20).worker_size(2).build()?;
    ///     batch.run(|task, worker: &Comm| {
    ///         if task.index() == 7 {
    ///             return Err("no input".to_owned());
    ///         }
    ///         worker.barrier().map_err(|error| error.to_string())
    ///     })
    /// });
    /// let report = reports[3].as_ref().unwrap();
    /// assert_eq!(report.count(TaskState::Done), 19);
    /// assert_eq!(report.tasks[7].error.as_deref(), Some("no input"));
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the batch. Workers synchronize only at the end, for the report: what each rank has recorded, some ten
    /// bytes for each attempt, is then sent to each other node once, and one rank of each node makes the report for all of its
    /// ranks. That takes a dozen rounds, and one more for each 80 ranks.
    ///
    /// # Errors
    /// The error of the first worker that could not continue, on all ranks: those of [`next_task`](Batch::next_task). What is
    /// wrong with the files of a task is in the report: the task has failed. [`Error::NoRoom`](crate::Error::NoRoom) for the
    /// report.
    #[track_caller]
    pub fn run<E: Display>(
        &self,
        mut work: impl FnMut(&Task, &Comm) -> Result<(), E>,
    ) -> Result<BatchReport> {
        let site = Location::caller();
        let outcome = self.work(&mut work);
        self.collect_report(outcome.err(), site)
    }

    fn work<E: Display>(&self, work: &mut impl FnMut(&Task, &Comm) -> Result<(), E>) -> Result<()> {
        while let Some(task) = self.next_task()? {
            let comm = self.worker_comm();
            // Values that the closure has borrowed may be left inconsistent by a panic; the task itself is ended below.
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&task, &comm)));
            let recorded = match outcome {
                Ok(Ok(())) => task.done(),
                Ok(Err(error)) => task.failed(error),
                Err(payload) => {
                    let text = thread_state::take_panic();
                    let text = text
                        .unwrap_or_else(|| format!("panicked: {}", panic_text(payload.as_ref())));
                    task.failed(text)
                }
            };
            match recorded {
                Ok(()) => {}
                // Returned only when the ranks of the worker synchronize, so that none of them waits for this one.
                Err(error) => self.rank.keep_error(error),
            }
        }
        Ok(())
    }
}

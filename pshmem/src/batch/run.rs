//! All tasks at once: `run`, and the report that all ranks get.

use crate::batch::report::records::{Record, Records};
use crate::batch::report::{BatchReport, TaskReport};
use crate::batch::table::SlotState;
use crate::batch::{Batch, Task};
use crate::comm::Comm;
use crate::comm::collective::call::{Call, Kind, Step};
use crate::comm::collective::contribution::Contribution;
use crate::comm::thread_state;
use crate::error::{Error, Result, panic_text};
use crate::shared::Shared;
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};

/// What one rank adds to the report.
#[derive(Debug, Serialize, Deserialize)]
struct Share {
    worker: usize,
    records: Records,
    /// On the root: what all tasks are.
    states: Vec<u8>,
}

impl Batch {
    /// Works on tasks until none is left: each rank of a worker runs the closure for each of its tasks, with the worker's
    /// `Comm`. The task is DONE when it returns `Ok` on all of them; an `Err` or a panic is its end as FAILED, and the worker
    /// goes on with the next. Returns, on all ranks, what became of every task.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState, local::Cluster};
    ///
    /// let reports = Cluster::new(&[2, 2]).run(|comm| -> pshmem::Result<_> {
    ///     let batch = Batch::builder(comm, 20).worker_size(2).build()?;
    ///     batch.run(|task, worker: &Comm| {
    ///         if task.index() == 7 {
    ///             return Err("no luck".to_owned());
    ///         }
    ///         worker.barrier().map_err(|error| error.to_string())
    ///     })
    /// });
    /// let report = reports[3].as_ref().unwrap();
    /// assert_eq!(report.count(TaskState::Done), 19);
    /// assert_eq!(report.tasks[7].error.as_deref(), Some("no luck"));
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the batch. Workers meet at the end only, for the report: then each rank tells the others what it has
    /// recorded.
    ///
    /// # Errors
    /// On all ranks, that of the first worker which could not go on: those of [`next_task`](Batch::next_task), and
    /// [`Error::Directory`] when the state of a task cannot be written. A task that another job has taken over is none.
    #[track_caller]
    pub fn run<E: Display>(
        &self,
        mut work: impl FnMut(&Task, &Comm) -> Result<(), E>,
    ) -> Result<BatchReport> {
        let site = Location::caller();
        let outcome = self.work(&mut work);
        self.collect(outcome.err(), site)
    }

    /// What has become of every task so far, for programs that loop over [`next_task`](Batch::next_task) themselves.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 2).build()?;
    /// batch.next_task()?.expect("nobody has taken it").done()?;
    /// println!("{}", batch.report()?);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the batch, as at the end of [`run`](Batch::run).
    ///
    /// # Errors
    /// Those of [`Comm::barrier`], and [`Error::NoRoom`].
    #[track_caller]
    pub fn report(&self) -> Result<BatchReport> {
        self.collect(None, Location::caller())
    }

    fn work<E: Display>(&self, work: &mut impl FnMut(&Task, &Comm) -> Result<(), E>) -> Result<()> {
        while let Some(task) = self.next_task()? {
            let comm = self.worker_comm();
            // What the closure has borrowed is its own affair; the task is ended below.
            let end = catch_unwind(AssertUnwindSafe(|| work(&task, &comm)));
            let recorded = match end {
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
                Ok(()) | Err(Error::TaskTakenOver { .. }) => {}
                // Kept until the ranks of the worker meet, so that none of them waits for this one.
                Err(error) => self.core.give_up(error),
            }
        }
        Ok(())
    }

    fn collect(
        &self,
        failure: Option<Error>,
        site: &'static Location<'static>,
    ) -> Result<BatchReport> {
        let comm = &self.core.client.comm;
        let core = &comm.core;
        let call = Call::new(Kind::Report);
        core.enter(Kind::Report.name(), site)?;
        // Before all meet, so that the root knows of every end.
        let failure = failure.or(self.core.client.settle().err());
        core.agree(call, Contribution::fault(failure.map(Error::clipped)))?;
        let states = if comm.rank() == self.core.given.root {
            let slot_states = self.core.client.slot_states();
            slot_states
                .into_iter()
                .map(|slot_state| slot_state as u8)
                .collect()
        } else {
            Vec::new()
        };
        let share = Share {
            worker: self.worker(),
            records: self.core.records.borrow().clone(),
            states,
        };
        let mine = postcard::to_allocvec(&share).expect("plain data always encodes");
        let everybody: Vec<usize> = (0..comm.size()).collect();
        let lens = core.allgather(
            call.step(Step::Gather),
            &everybody,
            Some(&(mine.len() as u64)),
        )?;
        let total: u64 = lens.iter().sum();
        let mut table = Shared::<[u8]>::new(comm, total as usize)?;
        let mut at = 0;
        for (rank, len) in lens.iter().enumerate() {
            table.set(rank, at, (rank == comm.rank()).then_some(&mine[..]))?;
            at += *len as usize;
        }
        let mut rest = table.view();
        let shares = lens.iter().map(|len| {
            let (share, others) = rest.split_at(*len as usize);
            rest = others;
            postcard::from_bytes::<Share>(share).expect("what this executable encoded")
        });
        let names = &self.core.given.names;
        let mut report = BatchReport {
            tasks: (0..self.n_tasks())
                .map(|index| unknown(index, names.get(index)))
                .collect(),
            workers: self.n_workers(),
        };
        shares.for_each(|share| share.tell(&mut report));
        Ok(report)
    }
}

impl Share {
    fn tell(mut self, report: &mut BatchReport) {
        for (index, slot_state) in self.states.iter().enumerate() {
            report.tasks[index].state = SlotState::of(u64::from(*slot_state)).task_state();
        }
        let mut reasons = std::mem::take(&mut self.records.reasons)
            .into_iter()
            .peekable();
        for (place, end) in self.records.ends.iter().enumerate() {
            let reason = reasons.next_if(|(of, _)| *of as usize == place);
            let task = &mut report.tasks[end.task as usize];
            let Record {
                attempt, seconds, ..
            } = *end;
            // Attempts at a task may have been recorded by different ranks.
            if u32::from(attempt) >= task.attempts {
                task.attempts = u32::from(attempt);
                task.worker = Some(self.worker);
                task.seconds = f64::from(seconds);
                task.error = reason.map(|(_, reason)| reason);
            }
        }
    }
}

/// A task of which nobody has told anything yet.
fn unknown(index: usize, name: Option<&String>) -> TaskReport {
    TaskReport {
        index,
        name: name.map_or_else(|| index.to_string(), Clone::clone),
        state: crate::TaskState::Open,
        worker: None,
        seconds: 0.0,
        attempts: 0,
        error: None,
    }
}

//! One rank's part of a batch: claims tasks for its worker, and records how they ended.

use crate::batch::directory::{StateDirectory, Takeover, TaskLease};
use crate::batch::names::TaskNames;
use crate::batch::progress::Progress;
use crate::batch::report::records::AttemptRecords;
use crate::batch::stop::StopConditions;
use crate::batch::store::{CommitOutcome, EndedAttempt};
use crate::batch::table::client::TableClient;
use crate::batch::table::{Claim, ClaimEnd, ClaimOutcome, RankEnd, SlotState, TaskEnd};
use crate::batch::task_state::TaskState;
use crate::batch::worker::{Assignment, Worker};
use crate::error::{Error, Result};
use crate::stderr::report;
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Limits of the time between two looks of a worker for which there is no task now.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(200)];
/// After so many tasks in a row whose files could not be used, a worker takes no more.
const UNUSABLE_IN_A_ROW: u32 = 5;
/// Time between two requests to the home rank by `should_stop`.
const STOP_PERIOD: Duration = Duration::from_millis(100);

/// What a [`Batch`](crate::Batch) and its tasks share on one rank.
#[derive(Debug)]
pub(crate) struct BatchRank {
    pub(crate) client: TableClient,
    pub(crate) worker: Worker,
    pub(crate) config: BatchConfig,
    /// The task that this rank has and has not ended.
    current: Cell<Option<u32>>,
    pub(crate) records: RefCell<AttemptRecords>,
    /// Why this rank cannot continue. Its worker learns of it when its ranks synchronize.
    pending_error: RefCell<Option<Error>>,
    /// On the leader of a worker: tasks in a row whose files could not be used.
    unusable: Cell<u32>,
    /// Whether the worker takes no more tasks because of failures. It has said so.
    has_left: Cell<bool>,
    /// When the table was last asked whether it is closed, and the answer.
    closed: Cell<(Option<Instant>, bool)>,
    /// When all ranks have made the batch.
    built: Instant,
}

/// The settings of a batch, as one rank needs them.
#[derive(Debug)]
pub(crate) struct BatchConfig {
    /// The names of the tasks; empty if they have none.
    pub(crate) names: TaskNames,
    pub(crate) directory: Option<StateDirectory>,
    /// How often a task that failed is run again.
    pub(crate) retries: u32,
    /// How long a task may take.
    pub(crate) task_timeout: Option<Duration>,
    pub(crate) root: usize,
    pub(crate) stop: StopConditions,
    /// On the root, if it was asked for.
    pub(crate) progress: Option<Progress>,
}

impl BatchRank {
    pub(crate) fn new(client: TableClient, worker: Worker, config: BatchConfig) -> Self {
        BatchRank {
            client,
            worker,
            config,
            current: Cell::new(None),
            records: RefCell::default(),
            pending_error: RefCell::default(),
            unusable: Cell::default(),
            has_left: Cell::default(),
            closed: Cell::default(),
            built: Instant::now(),
        }
    }

    /// Keeps an error until the ranks of the worker synchronize, when all of them return it.
    pub(crate) fn keep_error(&self, error: Error) {
        self.pending_error
            .borrow_mut()
            .get_or_insert(error.clipped());
    }

    /// The next task of this rank's worker.
    #[inline]
    pub(crate) fn next(&self, site: &'static Location<'static>) -> Result<Option<Assignment>> {
        let claimed = Cell::new(None);
        let held = |task| Error::TaskHeld {
            rank: self.worker.rank(),
            task: task as usize,
        };
        let fault = self
            .current
            .get()
            .map(held)
            .or_else(|| self.pending_error.take());
        let assigned = self.worker.next(fault, site, || {
            let assigned = self.claim().map_err(Error::clipped)?;
            claimed.set(assigned);
            Ok(assigned)
        });
        match &assigned {
            Ok(assigned) => self.note_next(*assigned),
            Err(_) => {
                // The ranks failed to synchronize after the claim, so the task is for other workers.
                if let Some(assigned) = claimed.get() {
                    if let Some(directory) = &self.config.directory {
                        directory.drop_lease();
                    }
                    let worker = self.worker.index;
                    self.end_claim(worker, assigned.claim, ClaimEnd::PutBack)?;
                }
            }
        }
        assigned
    }

    #[inline]
    fn note_next(&self, assigned: Option<Assignment>) {
        self.current
            .set(assigned.map(|assigned| assigned.claim.task));
        if let Some(progress) = &self.config.progress {
            let counts = || self.client.counts().unwrap_or_default();
            progress.show(assigned.is_none(), counts);
        }
        if let Some(Assignment { claim, .. }) = assigned {
            let worker = self.worker.index;
            tracing::debug!(worker, task = claim.task, attempt = claim.attempt, "begun");
        }
    }

    /// Claims a task for all ranks of the worker. Called on its leader.
    #[inline]
    fn claim(&self) -> Result<Option<Assignment>> {
        if self.has_left.get() || self.is_stopped()? {
            return Ok(None);
        }
        if self.config.directory.is_none() && !self.client.layout.has_costs {
            let (worker, size) = (self.worker.index, self.worker.size());
            match self.client.claim(worker, size, self.age())? {
                ClaimOutcome::Claimed(claim) => return Ok(Some(Assignment { claim, lease: 0 })),
                ClaimOutcome::Empty | ClaimOutcome::Closed => return Ok(None),
                ClaimOutcome::Delayed | ClaimOutcome::Halted => {}
            }
        }
        self.claim_or_wait()
    }

    /// The same where a claim is not all, or nothing can be claimed yet.
    fn claim_or_wait(&self) -> Result<Option<Assignment>> {
        if let Some(directory) = &self.config.directory {
            // All ranks have ended the task before.
            directory.drop_lease();
        }
        let mut waiting = Waiting::default();
        loop {
            if self.has_left.get() || self.is_stopped()? {
                return Ok(None);
            }
            let (worker, size) = (self.worker.index, self.worker.size());
            match self.client.claim(worker, size, self.age())? {
                ClaimOutcome::Claimed(claim) => {
                    if let Some(assigned) = self.begin(claim)? {
                        return Ok(Some(assigned));
                    }
                    continue;
                }
                ClaimOutcome::Closed => return Ok(None),
                ClaimOutcome::Halted => {
                    let count = self.client.layout.halt_after;
                    self.leave(format_args!(
                        "{count} tasks in a row have failed (`halt_after`)"
                    ));
                    return Ok(None);
                }
                ClaimOutcome::Delayed => {}
                ClaimOutcome::Empty => {
                    let Some(directory) = &self.config.directory else {
                        return Ok(None);
                    };
                    let takeover = waiting.takeover.get_or_insert_with(|| directory.takeover());
                    let ended = |claim, state| self.end_elsewhere(claim, state);
                    if let Some((claim, lease)) = takeover.poll(ended)? {
                        // It may have taken long to get here.
                        if self.is_stopped()? || self.client.is_closed()? {
                            directory.drop_lease();
                            return Ok(None);
                        }
                        return Ok(Some(Assignment { claim, lease }));
                    }
                    if takeover.is_over() {
                        return Ok(None);
                    }
                }
            }
            waiting.pause();
        }
    }

    /// Whether no task is to be begun any more, now that the leader of the worker asks for one.
    #[inline]
    fn is_stopped(&self) -> Result<bool> {
        let stop = &self.config.stop;
        if stop.is_requested() {
            self.client.close()?;
            return Ok(true);
        }
        let directory = self.config.directory.as_ref();
        // With costs, the next task may be shorter: each is judged by its own.
        let is_late = if self.client.layout.has_costs {
            stop.is_over()
        } else {
            stop.is_late(None)
        };
        Ok(is_late || directory.is_some_and(|directory| directory.store.stop_requested()))
    }

    /// Begins a task that was claimed. `None` when it is not to be run.
    #[inline]
    fn begin(&self, claim: Claim) -> Result<Option<Assignment>> {
        let worker = self.worker.index;
        if self.client.layout.has_costs && self.config.stop.is_late(self.cost(claim)) {
            self.end_claim(worker, claim, ClaimEnd::Skipped)?;
            return Ok(None);
        }
        let Some(directory) = &self.config.directory else {
            return Ok(Some(Assignment { claim, lease: 0 }));
        };
        match directory.begin(claim) {
            Ok(TaskLease::Acquired(lease)) => {
                self.unusable.set(0);
                return Ok(Some(Assignment { claim, lease }));
            }
            Ok(TaskLease::RunElsewhere) => {
                self.end_claim(worker, claim, ClaimEnd::RunElsewhere)?;
            }
            Ok(TaskLease::NotOpen(state)) => self.end_elsewhere(claim, state)?,
            Err(error) => self.unusable_files(claim, &error)?,
        }
        Ok(None)
    }

    /// Another job has changed the state of a task that the table handed out.
    fn end_elsewhere(&self, claim: Claim, state: TaskState) -> Result<()> {
        let end = match state {
            TaskState::Done => ClaimEnd::EndedElsewhere { is_done: true },
            TaskState::Failed => ClaimEnd::EndedElsewhere { is_done: false },
            TaskState::Invalid | TaskState::Open | TaskState::Running => ClaimEnd::OpenElsewhere,
        };
        if let Some(directory) = &self.config.directory
            && let Ok(attempts) = directory.store.attempts(claim.task as usize)
        {
            let mut records = self.records.borrow_mut();
            records.elsewhere.push((claim.task, attempts));
        }
        self.end_claim(self.worker.index, claim, end)
    }

    /// The files of a task could not be used, although it was tried for a while: it fails, and the rest goes on.
    #[cold]
    fn unusable_files(&self, claim: Claim, error: &Error) -> Result<()> {
        let (worker, task) = (self.worker.index, claim.task);
        tracing::warn!(worker, task, %error, "not begun");
        let mut records = self.records.borrow_mut();
        records.add(claim, Duration::ZERO, Some(&error.to_string()));
        drop(records);
        self.unusable.set(self.unusable.get() + 1);
        if self.unusable.get() >= UNUSABLE_IN_A_ROW {
            self.leave(format_args!(
                "the files of {UNUSABLE_IN_A_ROW} tasks in a row cannot be used: {error}"
            ));
        }
        self.end_claim(worker, claim, ClaimEnd::Failed)
    }

    /// The worker takes no more tasks.
    #[cold]
    fn leave(&self, why: std::fmt::Arguments<'_>) {
        self.has_left.set(true);
        report(format_args!(
            "worker {} on {} takes no more tasks, which are left to others: {why}",
            self.worker.index,
            self.client.comm.host()
        ));
    }

    #[inline]
    fn end_claim(&self, worker: usize, claim: Claim, end: ClaimEnd) -> Result<()> {
        self.client.end_claim(worker, claim, end, self.age())
    }

    /// The age of the batch, where it matters: asking the clock takes as long as claiming a task.
    #[inline]
    fn age(&self) -> Duration {
        match self.client.layout.retry_pause {
            Some(_) => self.built.elapsed(),
            None => Duration::ZERO,
        }
    }

    /// The cost of a task, if it is known.
    fn cost(&self, claim: Claim) -> Option<f64> {
        let has_costs = self.client.layout.has_costs;
        has_costs.then(|| f64::from(f32::from_bits(claim.cost)))
    }

    /// This rank ends its task. The last rank of the worker to do so records it.
    #[inline]
    pub(crate) fn end(&self, assigned: Assignment, since: Instant, end: RankEnd) -> Result<()> {
        self.current.set(None);
        let elapsed = since.elapsed();
        let claim = assigned.claim;
        self.config.stop.note_duration(elapsed, self.cost(claim));
        let end = match self.config.task_timeout {
            Some(limit) if elapsed > limit => too_long(elapsed, limit, end),
            _ => end,
        };
        let worker = &self.worker;
        if worker.size() == 1 {
            return match end {
                RankEnd::Done => self.record(assigned, elapsed, &TaskEnd::Done),
                RankEnd::PutBack => self.record(assigned, elapsed, &TaskEnd::PutBack),
                RankEnd::Failed(reason) => {
                    self.record(assigned, elapsed, &TaskEnd::Failed(0, reason))
                }
            };
        }
        let ended = self
            .client
            .end(worker.index, worker.size(), worker.rank(), &end);
        // After the reason is in the table: ranks whose calls return now fail too, with a reason of their own.
        if let RankEnd::Failed(reason) = &end {
            worker.fail(claim.task as usize, reason);
        }
        match ended? {
            None => Ok(()),
            Some(end) => self.record(assigned, elapsed, &end),
        }
    }

    #[inline]
    fn record(&self, assigned: Assignment, elapsed: Duration, end: &TaskEnd) -> Result<()> {
        let claim = assigned.claim;
        let (state, reason) = match end {
            TaskEnd::Done => (TaskState::Done, ""),
            TaskEnd::PutBack => (TaskState::Open, ""),
            TaskEnd::Failed(_, reason) => (TaskState::Failed, reason.as_str()),
        };
        let mut failures_before = claim.attempt - 1;
        if let Some(directory) = &self.config.directory {
            match directory.commit(claim, assigned.lease, state, reason) {
                Ok((CommitOutcome::Recorded, failures)) => failures_before = failures,
                Ok((CommitOutcome::Refused, _)) => return self.taken_over(assigned, elapsed),
                Err(error) => return self.not_recorded(assigned, elapsed, &error),
            }
            directory.log(&EndedAttempt {
                task: claim.task as usize,
                attempt: assigned.lease,
                state,
                worker: self.worker.index,
                elapsed,
                reason,
            });
        }
        let is_retried = failures_before < self.config.retries;
        let (worker, task) = (self.worker.index, claim.task);
        let (end, failure) = match end {
            TaskEnd::Done => {
                tracing::debug!(worker, task, "done");
                (ClaimEnd::Done, None)
            }
            TaskEnd::PutBack => {
                tracing::debug!(worker, task, "put back");
                return self.end_claim(worker, claim, ClaimEnd::PutBack);
            }
            TaskEnd::Failed(_, _) => {
                tracing::warn!(worker, task, reason, is_retried, "failed");
                let end = if is_retried {
                    ClaimEnd::Retry
                } else {
                    ClaimEnd::Failed
                };
                (end, Some(reason))
            }
        };
        self.remember(assigned, elapsed, failure);
        self.end_claim(worker, claim, end)
    }

    /// Another job runs the task now, because this process was silent for too long: its result is not recorded. That is no error
    /// of the program, which goes on with the next task.
    #[cold]
    fn taken_over(&self, assigned: Assignment, elapsed: Duration) -> Result<()> {
        let task = assigned.claim.task as usize;
        let name = self.config.names.get(task).unwrap_or_default().to_owned();
        let error = Error::TaskTakenOver { task, name };
        self.report_not_recorded(assigned, elapsed, &error);
        let worker = self.worker.index;
        self.end_claim(worker, assigned.claim, ClaimEnd::RunElsewhere)
    }

    /// The result of a task could not be recorded in its directory, although it was tried for a while: the task fails.
    #[cold]
    fn not_recorded(&self, assigned: Assignment, elapsed: Duration, error: &Error) -> Result<()> {
        self.report_not_recorded(assigned, elapsed, error);
        let worker = self.worker.index;
        self.end_claim(worker, assigned.claim, ClaimEnd::Failed)
    }

    fn report_not_recorded(&self, assigned: Assignment, elapsed: Duration, error: &Error) {
        let (worker, task) = (self.worker.index, assigned.claim.task);
        tracing::warn!(worker, task, %error, "not recorded");
        report(format_args!(
            "the end of task {task} is not recorded: {error}"
        ));
        self.remember(assigned, elapsed, Some(&error.to_string()));
    }

    /// Remembers an attempt for the report.
    #[inline]
    fn remember(&self, assigned: Assignment, elapsed: Duration, failure: Option<&str>) {
        let claim = Claim {
            attempt: assigned.number(),
            ..assigned.claim
        };
        self.records.borrow_mut().add(claim, elapsed, failure);
    }

    /// Finds out which tasks other jobs have ended, for the report, and ends this rank's part of the log.
    pub(crate) fn note_other_jobs(&self) {
        let Some(directory) = &self.config.directory else {
            return;
        };
        directory.store.close_log();
        for (claim, state) in directory.take_ended() {
            // If the table cannot be reached, the report says so.
            let _ = self.end_elsewhere(claim, state);
        }
    }

    /// Makes one file of the logs of all ranks, which have ended their parts.
    pub(crate) fn merge_logs(&self) {
        if let Some(directory) = &self.config.directory
            && self.client.comm.rank() == self.config.root
        {
            directory.store.merge_logs();
        }
    }

    /// Whether a task that began at `since` should end early.
    pub(crate) fn should_stop(&self, since: Instant) -> bool {
        let stop = &self.config.stop;
        let is_too_long = |limit: Duration| since.elapsed() > limit;
        stop.is_requested()
            || stop.is_over()
            || self.config.task_timeout.is_some_and(is_too_long)
            || self
                .config
                .directory
                .as_ref()
                .is_some_and(|directory| directory.store.stop_requested())
            || self.is_closed()
    }

    /// Whether the batch was stopped. What cannot be asked counts as no.
    fn is_closed(&self) -> bool {
        let (asked, is_closed) = self.closed.get();
        if is_closed || asked.is_some_and(|at| at.elapsed() < STOP_PERIOD) {
            return is_closed;
        }
        let is_closed = self.client.is_closed().unwrap_or(false);
        self.closed.set((Some(Instant::now()), is_closed));
        is_closed
    }

    /// The folder of a task, if the batch has a state directory.
    pub(crate) fn dir(&self, task: usize) -> Option<PathBuf> {
        let directory = self.config.directory.as_ref()?;
        Some(directory.store.dir(task))
    }

    pub(crate) fn state(&self, task: usize) -> Result<TaskState> {
        self.check_task("state", task)?;
        let slot_state = self.client.slot_state(task)?;
        match &self.config.directory {
            // Another job may have changed it.
            Some(directory) if slot_state != SlotState::Done => directory.store.state(task),
            _ => Ok(slot_state.task_state()),
        }
    }

    pub(crate) fn set_state(&self, task: usize, state: TaskState) -> Result<()> {
        self.check_task("set_state", task)?;
        if let Some(directory) = &self.config.directory {
            directory.store.set_state(task, state)?;
        }
        self.client.set(task, state.into())
    }

    fn check_task(&self, call: &str, task: usize) -> Result<()> {
        let tasks = self.client.layout.tasks;
        if task < tasks {
            return Ok(());
        }
        Err(Error::NoSuchTask {
            call: call.to_owned(),
            task,
            tasks,
        })
    }
}

/// The end of a task that took too long. What was put back stays so: it is for somebody else to finish.
fn too_long(elapsed: Duration, limit: Duration, end: RankEnd) -> RankEnd {
    let what = format!("it took {elapsed:.1?}, more than its limit of {limit:?} (`task_timeout`)");
    match end {
        RankEnd::Done => RankEnd::Failed(what),
        RankEnd::PutBack => RankEnd::PutBack,
        RankEnd::Failed(reason) => RankEnd::Failed(format!("{what}: {reason}")),
    }
}

/// A worker for which there is no task now, but may be one later.
#[derive(Debug, Default)]
struct Waiting<'a> {
    pauses: u32,
    takeover: Option<Takeover<'a>>,
}

impl Waiting<'_> {
    fn pause(&mut self) {
        std::thread::sleep((PAUSES[0] * (1 << self.pauses.min(8))).min(PAUSES[1]));
        self.pauses += 1;
    }
}

impl Drop for BatchRank {
    fn drop(&mut self) {
        if let Some(directory) = &self.config.directory
            && self.worker.size() > 1
        {
            directory.leak_lease();
        }
    }
}

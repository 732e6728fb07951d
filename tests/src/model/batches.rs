//! Batches: tasks that are done, failed or dropped, outside and inside the closures of calls, and what must become of them.
//!
//! Which worker runs a task is up to the library. How the task ends follows from its number and attempt, so all ranks know it.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pshmem::{Batch, Comm, Error, Op as ReduceOp, Result, Shared, Task, TaskState};

use super::early_exits::DELIBERATE;
use super::ops::Op;
use super::rng::Rng;
use super::state::State;
use crate::report::Outcome;
use crate::values::number;

/// Elements of the object that a worker makes for a task.
const LEN: usize = 40;

/// How a rank ends its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    Failed,
    Dropped,
    Panicked,
}

/// Where the ranks of a worker end their task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    /// Inside the closure of `update`, on its root only; the others end it afterwards.
    Update,
    /// Inside the closures of `update_parts`.
    UpdateParts,
    UpdatePerNode,
    /// Inside the operation of a reduction, where it is called.
    Reduce,
}

/// What happens in one attempt of a task.
#[derive(Debug)]
struct Attempt {
    /// The rank of the worker that ends it without success, and how.
    failure: Option<(usize, End)>,
    place: Place,
    /// The root of `update`.
    root: usize,
    /// Whether the ranks ask for another task first, which must fail.
    asks_too_early: bool,
    seed: usize,
}

/// What all ranks of a batch know about it.
struct Plan {
    seed: usize,
    tasks: usize,
    retries: u32,
    /// State of each task at first.
    states: Vec<TaskState>,
    /// Tasks after which each worker stops.
    limit: Option<usize>,
}

impl Plan {
    fn attempt(&self, task: usize, attempt: u32, ranks: usize) -> Attempt {
        let mut rng = Rng::new(number(self.seed, task * 16 + attempt as usize) as usize);
        let failing = rng.next() as usize % ranks;
        let end = [End::Failed, End::Dropped, End::Panicked][rng.below(3)];
        let fails = self.fails(task, attempt);
        let places = [
            Place::Outside,
            Place::Outside,
            Place::Update,
            Place::UpdateParts,
            Place::UpdatePerNode,
            Place::Reduce,
        ];
        Attempt {
            failure: fails.then_some((failing, end)),
            place: places[rng.below(places.len())],
            root: rng.next() as usize % ranks,
            asks_too_early: rng.below(8) == 0,
            seed: rng.next() as usize,
        }
    }

    fn fails(&self, task: usize, attempt: u32) -> bool {
        number(self.seed ^ 1, task * 16 + attempt as usize).is_multiple_of(3)
    }

    /// Whether a task is handed out, and how often.
    fn attempts(&self, task: usize) -> u32 {
        if self.states[task] != TaskState::Open {
            return 0;
        }
        let last = (1..=self.retries).find(|&attempt| !self.fails(task, attempt));
        last.unwrap_or(self.retries + 1)
    }

    fn final_state(&self, task: usize) -> TaskState {
        match self.attempts(task) {
            0 => self.states[task],
            last if self.fails(task, last) => TaskState::Failed,
            _ => TaskState::Done,
        }
    }
}

/// Builds a batch on a `Comm`, and works on its tasks.
pub(super) fn run(state: &mut State<'_>, op: &Op) -> Outcome {
    let Some(at) = op.target.checked_rem(state.comms.len()) else {
        return Ok(());
    };
    let entry = state.comms[at].clone();
    let (comm, mut rng) = (&entry.comm, Rng::new(op.seed ^ entry.salt));
    let tasks = rng.below(6);
    let states = [
        TaskState::Open,
        TaskState::Open,
        TaskState::Open,
        TaskState::Done,
    ];
    let plan = Plan {
        seed: op.seed ^ entry.salt,
        tasks,
        retries: rng.below(3) as u32,
        states: (0..tasks).map(|_| states[rng.below(4)]).collect(),
        limit: (rng.below(4) == 0).then(|| rng.below(3)),
    };
    let divisors: Vec<usize> = (1..=comm.size())
        .filter(|n| comm.size().is_multiple_of(*n))
        .collect();
    let sizes = parts_of(comm.size(), &mut rng);
    let mut builder = Batch::builder(comm, tasks)
        .states(&plan.states)
        .retries(plan.retries)
        .root(op.root % comm.size());
    builder = if rng.below(2) == 0 {
        builder.worker_size(divisors[rng.below(divisors.len())])
    } else {
        builder.worker_sizes(&sizes)
    };
    if rng.below(3) == 0 {
        builder = builder.order(|task| task);
    }
    let built = builder.build();
    if state.has_exited(&entry.group) {
        return state.expect_exit_error(&entry.group, built);
    }
    work(&built?, &plan, comm)
}

/// Positive numbers whose sum is `total`.
fn parts_of(mut total: usize, rng: &mut Rng) -> Vec<usize> {
    let mut parts = Vec::new();
    while total > 0 {
        let part = 1 + rng.below(total);
        parts.push(part);
        total -= part;
    }
    parts
}

fn work(batch: &Batch, plan: &Plan, comm: &Comm) -> Outcome {
    let mut worked = 0;
    while plan.limit != Some(worked) {
        let Some(task) = batch.next_task()? else {
            break;
        };
        worked += 1;
        let attempt = plan.attempt(task.index(), task.attempt(), batch.worker_comm().size());
        let text = format!("{task:?}, {attempt:?}");
        run_task(batch, task, &attempt).map_err(|failure| format!("{text}: {failure:?}"))?;
    }
    if plan.limit.is_some() {
        // Some workers go on with their tasks while the ranks of others make their next calls.
        return Ok(());
    }
    let report = batch.report()?;
    for (task, found) in report.tasks.iter().enumerate() {
        let expected = plan.final_state(task);
        if found.state != expected {
            return Err(
                format!("task {task} is {}, not {expected}: {report:?}", found.state).into(),
            );
        }
        let state = batch.state(task)?;
        let is_late = state == TaskState::Running && comm.node().count > 1;
        if state != expected && !is_late {
            return Err(format!("the state of task {task} is {state}, not {expected}").into());
        }
    }
    if report.tasks.len() != plan.tasks {
        return Err(format!("{} tasks: {report:?}", plan.tasks).into());
    }
    Ok(())
}

/// The ranks of a worker work on a task, and end it.
fn run_task(batch: &Batch, task: Task, attempt: &Attempt) -> Outcome {
    if attempt.asks_too_early {
        match batch.next_task() {
            Err(Error::TaskHeld { .. }) => {}
            other => return Err(format!("a second task: {other:?}").into()),
        }
    }
    let worker = batch.worker_comm();
    let (rank, task_index) = (worker.rank(), task.index());
    let own_end = attempt.failure.filter(|(failing, _)| *failing == rank);
    let own_end = own_end.map_or(End::Done, |(_, end)| end);
    let task = RefCell::new(Some(task));
    let ended = Cell::new(Ok(()));
    // Ends the task on this rank, if that has not been done. A panic does not leave it, because it is the task's and not the
    // closure's.
    let end = || {
        let Some(task) = task.borrow_mut().take() else {
            return;
        };
        ended.set(match own_end {
            End::Done => task.done(),
            End::Failed => task.failed(DELIBERATE),
            End::Dropped => {
                drop(task);
                Ok(())
            }
            End::Panicked => {
                let unwound = catch_unwind(AssertUnwindSafe(|| {
                    let _dropped_while_unwinding = task;
                    resume_unwind(Box::new(DELIBERATE));
                }));
                drop(unwound);
                Ok(())
            }
        });
    };
    let outcome = call(&worker, attempt, &end);
    // Whatever a closure did, the call ended well on all ranks: they were all in it. One that came before the first round did not.
    outcome?;
    let Some((failing, _)) = attempt.failure else {
        worker.barrier()?;
        end();
        return Ok(ended.take_result()?);
    };
    if rank == failing {
        end();
        return Ok(ended.take_result()?);
    }
    match worker.barrier() {
        Err(Error::TaskFailed { task, rank, .. }) if (task, rank) == (task_index, failing) => {}
        other => return Err(format!("a barrier of a task that has failed: {other:?}").into()),
    }
    end();
    Ok(ended.take_result()?)
}

/// Makes a call on the worker's `Comm`, inside whose closures `end` is called, and checks what it wrote.
fn call(worker: &Comm, attempt: &Attempt, end: &dyn Fn()) -> Outcome {
    if attempt.place == Place::Outside {
        return Ok(());
    }
    let value = |index: usize| number(attempt.seed, index);
    let mut table = Shared::<[u64]>::new(worker, LEN)?;
    let write = |slice: &mut [u64], start: usize| {
        // The first half before the task ends, the second half afterwards: nobody may read meanwhile.
        let half = slice.len() / 2;
        for (index, word) in slice.iter_mut().enumerate() {
            if index == half {
                end();
                std::thread::yield_now();
            }
            *word = value(start + index);
        }
    };
    match attempt.place {
        Place::Outside => {}
        Place::Update => {
            table.update(attempt.root, |mut w| write(&mut w, 0))?;
        }
        Place::UpdateParts => table.update_parts(|rows, part| write(part, rows.start))?,
        Place::UpdatePerNode => {
            table.update_per_node(|mut w| write(&mut w, 0))?;
        }
        Place::Reduce => {
            let op = ReduceOp::new(|a: u64, b: u64| {
                end();
                a.max(b)
            });
            let local: Vec<u64> = (0..LEN).map(value).collect();
            table.reduce_into(op, &local)?;
        }
    }
    let expected: Vec<u64> = (0..LEN).map(value).collect();
    crate::values::assert_slice_eq(table.view(), &expected);
    Ok(())
}

/// Reads a result from a cell.
trait TakeResult {
    fn take_result(&self) -> Result<()>;
}

impl TakeResult for Cell<Result<()>> {
    fn take_result(&self) -> Result<()> {
        self.replace(Ok(()))
    }
}

//! Batches: who gets which task, how tasks end, and what goes wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pshmem::{Batch, Comm, Engine, Error, Shared, TaskState};

use crate::check::{all_say, gather, odd_ranks, others_error, same_error, works};
use crate::report::{Failure, Outcome};

/// Adds what all ranks pass.
fn sum(comm: &Comm, mine: u64) -> pshmem::Result<u64> {
    let mut table = Shared::<[u64]>::new(comm, comm.size())?;
    for rank in 0..comm.size() {
        table.set_with(rank, rank, || [mine])?;
    }
    Ok(table.view().iter().sum())
}

/// Divisors of the number of ranks.
fn sizes(comm: &Comm) -> impl Iterator<Item = usize> {
    let ranks = comm.size();
    (1..=ranks).filter(move |size| ranks.is_multiple_of(*size))
}

/// Whoever works, each task is run once, and all ranks get the same report.
pub fn each_task_once(comm: &Comm) -> Outcome {
    for tasks in [0, 1, 3, 200] {
        let batch = Batch::builder(comm, tasks).root(comm.size() - 1).build()?;
        let mut mine = vec![0_u64; tasks];
        let report = batch.run(|task, worker| -> Result<(), Error> {
            assert_eq!(worker.size(), 1);
            mine[task.index()] += 1;
            Ok(())
        })?;
        for (task, count) in mine.iter().enumerate() {
            assert_eq!(sum(comm, *count)?, 1, "task {task}");
        }
        assert_eq!(report.count(TaskState::Done), tasks);
        for (index, task) in report.tasks.iter().enumerate() {
            assert_eq!((task.index, task.attempts), (index, 1));
            let is_mine = task.worker == Some(batch.worker());
            assert_eq!(is_mine, mine[index] == 1);
        }
        assert!(batch.next_task()?.is_none());
        let node_only = comm.node().count == 1;
        assert_eq!(batch.engine() == Engine::NodeAtomics, node_only);
        all_say(comm, &report.to_csv())?;
    }
    Ok(())
}

/// All ranks of a worker get the same task, and can work on it together.
pub fn workers_of_every_size(comm: &Comm) -> Outcome {
    let mut batches = Vec::new();
    for size in sizes(comm) {
        let batch = Batch::builder(comm, 20).worker_size(size).build()?;
        assert_eq!(batch.n_workers(), comm.size() / size);
        assert_eq!(batch.worker(), comm.rank() / size);
        batches.push(batch);
    }
    if comm.size() > 1 {
        let rest = comm.size() - 1;
        let batch = Batch::builder(comm, 20).worker_sizes(&[1, rest]).build()?;
        assert_eq!(batch.n_workers(), 2);
        batches.push(batch);
    }
    for batch in batches {
        let mut mine = 0;
        let report = batch.run(|task, worker| {
            let mut seen = Shared::<[u64]>::new(worker, worker.size())?;
            for rank in 0..worker.size() {
                seen.set_with(rank, rank, || [task.index() as u64])?;
            }
            assert!(seen.view().iter().all(|&seen| seen == task.index() as u64));
            mine += u64::from(worker.rank() == 0);
            Ok::<(), Error>(())
        })?;
        assert_eq!(report.count(TaskState::Done), 20, "{report}");
        assert_eq!(sum(comm, mine)?, 20);
    }
    Ok(())
}

/// A task is DONE when all ranks of its worker say so, and FAILED with one reason otherwise.
pub fn ends_of_tasks(comm: &Comm) -> Outcome {
    for size in sizes(comm) {
        let batch = Batch::builder(comm, 12).worker_size(size).build()?;
        while let Some(task) = batch.next_task()? {
            assert_eq!(batch.state(task.index())?, TaskState::Running);
            let culprit = task.index() / 3 % size;
            if task.index() % 3 == 1 && batch.worker_rank() == culprit {
                task.failed(format!("rank {culprit} says no"))?;
            } else {
                task.done()?;
            }
        }
        let report = batch.report()?;
        for task in &report.tasks {
            if task.index % 3 == 1 {
                let culprit = task.index / 3 % size;
                assert_eq!(task.state, TaskState::Failed);
                let reason = format!("rank {culprit} says no");
                assert_eq!(task.error.as_deref(), Some(reason.as_str()));
            } else {
                assert_eq!((task.state, &task.error), (TaskState::Done, &None));
            }
            assert_eq!(batch.state(task.index)?, task.state);
        }
        all_say(comm, &format!("{report} {}", report.to_json()))?;
    }
    Ok(())
}

/// Tasks that are dropped, or that a panic ends, have failed; the workers go on.
pub fn dropped_and_panicked(comm: &Comm) -> Outcome {
    for size in sizes(comm) {
        let batch = Batch::builder(comm, 6).worker_size(size).build()?;
        while let Some(task) = batch.next_task()? {
            match task.index() % 3 {
                0 => drop(task),
                1 => {
                    let end = catch_unwind(AssertUnwindSafe(|| {
                        let _task = task;
                        panic!("half way through");
                    }));
                    assert!(end.is_err());
                }
                _ => task.done()?,
            }
        }
        let report = batch.report()?;
        assert_eq!(report.count(TaskState::Failed), 4, "{report}");
        assert_eq!(
            report.tasks[0].error.as_deref(),
            Some("it was dropped unfinished")
        );
        assert!(
            report.tasks[1]
                .error
                .as_ref()
                .is_some_and(|error| !error.is_empty())
        );
        let batch = Batch::builder(comm, 8).worker_size(size).build()?;
        let report = batch.run(|task, _| -> Result<(), Error> {
            assert!(task.index() != 5, "five is out");
            Ok(())
        })?;
        assert_eq!(report.count(TaskState::Failed), 1, "{report}");
        let error = report.tasks[5].error.clone().unwrap_or_default();
        assert!(error.contains("five is out"), "{error}");
    }
    Ok(())
}

/// Failed tasks come again, as often as was asked for.
pub fn retried(comm: &Comm) -> Outcome {
    for size in sizes(comm) {
        let batch = Batch::builder(comm, 30)
            .worker_size(size)
            .retries(2)
            .build()?;
        let report = batch.run(|task, _| {
            if task.attempt() as usize > task.index() % 5 {
                Ok(())
            } else {
                Err(format!("not at attempt {}", task.attempt()))
            }
        })?;
        for task in &report.tasks {
            let needed = task.index % 5 + 1;
            let state = if needed <= 3 {
                TaskState::Done
            } else {
                TaskState::Failed
            };
            assert_eq!(
                (task.state, task.attempts as usize),
                (state, needed.min(3)),
                "{report}"
            );
            let error = (state == TaskState::Failed).then_some("not at attempt 3");
            assert_eq!(task.error.as_deref(), error);
        }
    }
    Ok(())
}

/// Only tasks that are open at first are run, and those in states that were asked for.
pub fn states_at_first(comm: &Comm) -> Outcome {
    use TaskState::{Done, Failed, Invalid, Open, Running};
    let states = [Done, Open, Running, Failed, Invalid, Open, Done];
    let again: [(&[TaskState], &[usize]); 3] = [
        (&[], &[1, 4, 5]),
        (&[Failed, Running], &[1, 2, 3, 4, 5]),
        (&[Done], &[0, 1, 4, 5, 6]),
    ];
    for (again, expected) in again {
        let batch = Batch::builder(comm, states.len())
            .states(&states)
            .rerun(again)
            .build()?;
        let report = batch.run(|_, _| Ok::<(), Error>(()))?;
        let run = report.tasks.iter().filter(|task| task.attempts > 0);
        let run: Vec<usize> = run.map(|task| task.index).collect();
        assert_eq!(run, expected);
        for (index, state) in states.into_iter().enumerate() {
            let state = if run.contains(&index) { Done } else { state };
            assert_eq!(batch.state(index)?, state);
        }
    }
    Ok(())
}

/// Any rank may set a state, and what it opens is handed out again.
pub fn states_that_change(comm: &Comm) -> Outcome {
    let batch = Batch::builder(comm, comm.size() * 2).build()?;
    let mine = comm.rank();
    batch.set_state(mine, TaskState::Failed)?;
    assert_eq!(batch.state(mine)?, TaskState::Failed);
    comm.barrier()?;
    let report = batch.run(|_, _| Ok::<(), Error>(()))?;
    assert_eq!(report.count(TaskState::Done), comm.size());
    comm.barrier()?;
    batch.set_state(mine, TaskState::Open)?;
    comm.barrier()?;
    let mut ran = 0;
    while let Some(task) = batch.next_task()? {
        assert!(task.index() < comm.size());
        ran += 1;
        task.done()?;
    }
    assert_eq!(sum(comm, ran)?, comm.size() as u64);
    let error = batch.state(comm.size() * 2).err();
    assert!(matches!(error, Some(Error::NoSuchTask { .. })));
    let error = batch.set_state(usize::MAX, TaskState::Done).err();
    assert!(matches!(error, Some(Error::NoSuchTask { .. })));
    Ok(())
}

/// The order is that of costs, then of numbers.
pub fn costly_ones_first(comm: &Comm) -> Outcome {
    let costs = [1.0, 5.0, f64::NAN, 5.0, 9.0];
    let batch = Batch::builder(comm, 5)
        .worker_size(comm.size())
        .order(|task| costs[task])
        .build()?;
    let mut order = Vec::new();
    while let Some(task) = batch.next_task()? {
        order.push(task.index());
        task.done()?;
    }
    assert_eq!(order, [4, 1, 3, 0, 2]);
    Ok(())
}

/// Ranks that wait on the worker's `Comm` for one that fails come back with its reason; the next task is as good as new.
pub fn a_failure_calls_others_back(comm: &Comm) -> Outcome {
    let size = comm.size();
    let batch = Batch::builder(comm, 3 * size).worker_size(size).build()?;
    while let Some(task) = batch.next_task()? {
        let worker = batch.worker_comm();
        worker.barrier()?;
        let culprit = task.index() % size;
        let index = task.index();
        if comm.rank() == culprit {
            task.failed("out of luck")?;
            if size > 1 {
                assert!(matches!(worker.barrier(), Err(Error::TaskFailed { .. })));
            }
            continue;
        }
        let error = worker.barrier().expect_err("one rank never comes");
        let Error::TaskFailed {
            task: failed,
            rank,
            message,
            ..
        } = &error
        else {
            return Err(format!("{error:?}").into());
        };
        assert_eq!(
            (*failed, *rank, message.as_str()),
            (index, culprit, "out of luck")
        );
        task.failed(error)?;
    }
    let report = batch.report()?;
    assert_eq!(report.count(TaskState::Failed), 3 * size);
    for task in &report.tasks {
        assert_eq!(task.error.as_deref(), Some("out of luck"));
    }
    works(comm)
}

/// A rank that goes on to the next task while others wait for it on the worker's `Comm`: they come back with an error.
pub fn one_goes_on_while_others_wait(comm: &Comm) -> Outcome {
    let size = comm.size();
    for hasty in odd_ranks(comm) {
        let batch = Batch::builder(comm, 2).worker_size(size).build()?;
        while let Some(task) = batch.next_task()? {
            let worker = batch.worker_comm();
            worker.barrier()?;
            if task.index() == 0 && comm.rank() != hasty {
                let error = worker.barrier().err();
                assert!(matches!(error, Some(Error::Diverged { .. })), "{error:?}");
                task.failed("left alone")?;
            } else {
                task.done()?;
            }
        }
        let report = batch.report()?;
        assert_eq!(report.tasks[0].state, TaskState::Failed);
        assert_eq!(report.tasks[1].state, TaskState::Done);
    }
    works(comm)
}

/// The rank that keeps the account computes for a while; the others get tasks all the same.
pub fn the_host_may_compute_tasks(comm: &Comm) -> Outcome {
    let batch = Batch::builder(comm, 50).build()?;
    comm.barrier()?;
    if comm.rank() == 0 {
        // Long enough, in a few worlds, for anything that waits for a call of the host to show.
        let is_long = comm.size() == 3 && comm.node().count == 2;
        std::thread::sleep(Duration::from_millis(if is_long { 1500 } else { 300 }));
        let left = batch.next_task()?;
        if comm.size() > 1 {
            assert!(left.is_none(), "they waited for the host");
        }
        drop(left);
    } else {
        while let Some(task) = batch.next_task()? {
            task.done()?;
        }
    }
    comm.barrier()?;
    Ok(())
}

/// Batches come and go, some of them unused, and some at the same time.
pub fn many_batches(comm: &Comm) -> Outcome {
    let outer = Batch::builder(comm, 5).build()?;
    for round in 0..20 {
        let batch = Batch::builder(comm, round)
            .worker_size(comm.size())
            .build()?;
        if round % 2 == 0 {
            let report = batch.run(|_, _| Ok::<(), Error>(()))?;
            assert_eq!(report.count(TaskState::Done), round);
        }
    }
    assert_eq!(
        outer
            .run(|_, _| Ok::<(), Error>(()))?
            .count(TaskState::Done),
        5
    );
    Ok(())
}

/// As many as anybody will have; only what is claimed is looked at.
pub fn ten_million_tasks(comm: &Comm) -> Outcome {
    if comm.size() > 2 {
        return Ok(());
    }
    let batch = Batch::builder(comm, 10_000_000).build()?;
    for _ in 0..3 {
        let task = batch.next_task()?.ok_or("there are more")?;
        let index = task.index();
        task.done()?;
        assert_eq!(batch.state(index)?, TaskState::Done);
    }
    assert_eq!(batch.state(9_999_999)?, TaskState::Open);
    works(comm)
}

/// What cannot be is the same error on all ranks.
pub fn bad_settings(comm: &Comm) -> Outcome {
    let size = comm.size();
    let builder = || Batch::builder(comm, 3);
    let wrong: Vec<(&str, pshmem::Result<Batch>)> = vec![
        ("size 0", builder().worker_size(0).build()),
        ("too large", builder().worker_size(size + 1).build()),
        ("no sizes", builder().worker_sizes(&[]).build()),
        (
            "an empty worker",
            builder().worker_sizes(&[size, 0]).build(),
        ),
        ("too few", builder().worker_sizes(&[size + 2]).build()),
        ("names", builder().names(["a", "b"]).build()),
        ("states", builder().states(&[TaskState::Open]).build()),
        ("root", builder().root(size).build()),
        ("tasks", Batch::builder(comm, usize::MAX).build()),
    ];
    for (what, result) in wrong {
        let error = same_error(comm, result)?;
        assert!(
            matches!(
                error,
                Error::InvalidSetting { .. } | Error::NoSuchRank { .. } | Error::TooLarge { .. }
            ),
            "{what}: {error:?}"
        );
    }
    works(comm)
}

/// Settings that differ between ranks are one error on all.
pub fn settings_that_differ(comm: &Comm) -> Outcome {
    for odd in odd_ranks(comm) {
        let is_odd = comm.rank() == odd;
        let tasks = Batch::builder(comm, 3 + usize::from(is_odd)).build();
        let names = Batch::builder(comm, 1)
            .names([if is_odd { "a" } else { "b" }])
            .build();
        let order = Batch::builder(comm, 2);
        let order = if is_odd {
            order.order(|task| task).build()
        } else {
            order.build()
        };
        for result in [tasks, names, order] {
            let error = same_error(comm, result)?;
            assert!(matches!(error, Error::Mismatch { .. }), "{error:?}");
        }
    }
    works(comm)
}

/// A rank that still has its task cannot get the next; its worker is told, and goes on when it has ended it.
pub fn a_task_not_ended(comm: &Comm) -> Outcome {
    let size = comm.size();
    for lazy in 0..size {
        let batch = Batch::builder(comm, 2).worker_size(size).build()?;
        let mut task = batch.next_task()?;
        if comm.rank() != lazy {
            task.take().map_or(Ok(()), pshmem::Task::done)?;
        }
        let result = batch.next_task();
        let error = same_error(comm, result)?;
        assert_eq!(
            error,
            Error::TaskHeld {
                rank: lazy,
                task: 0
            }
        );
        task.take().map_or(Ok(()), pshmem::Task::done)?;
        let task = batch.next_task()?.ok_or("there are two tasks")?;
        assert_eq!(task.index(), 1);
        task.done()?;
        let report = batch.report()?;
        assert_eq!(report.count(TaskState::Done), 2, "{report}");
    }
    Ok(())
}

/// A folder that rank 0 makes, and removes when it is dropped.
struct Folder {
    path: PathBuf,
    is_mine: bool,
}

impl Folder {
    fn new(comm: &Comm) -> pshmem::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pshmem-suite-{}-{number}", std::process::id());
        let texts = gather(comm, &std::env::temp_dir().join(name).display().to_string())?;
        let is_mine = comm.rank() == 0;
        let path = PathBuf::from(&texts[0]);
        Ok(Folder { path, is_mine })
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.path.join(name)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_mine {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|task| format!("task_{task}")).collect()
}

/// Every task has a directory, and its state file tells how it ended as soon as all ranks have ended it.
pub fn states_on_disk(comm: &Comm) -> Outcome {
    for size in sizes(comm) {
        let folder = Folder::new(comm)?;
        let batch = Batch::builder(comm, 7)
            .worker_size(size)
            .state_dir(&folder.path, names(7))
            .build()?;
        while let Some(task) = batch.next_task()? {
            assert_eq!(task.name(), format!("task_{}", task.index()));
            assert_eq!(task.dir(), Some(folder.path.join(task.name()).as_path()));
            assert_eq!(folder.file(&format!("{}/state", task.name())), "RUNNING\n");
            assert_eq!(batch.state(task.index())?, TaskState::Running);
            batch.worker_comm().barrier()?;
            let dir = task.dir().map(PathBuf::from).unwrap_or_default();
            if task.index() == 3 && batch.worker_rank() == size - 1 {
                task.failed("three is out")?;
            } else {
                task.done()?;
            }
            // Not before all have ended it, but then whoever was last.
            if dir.ends_with("task_0") {
                batch.worker_comm().barrier()?;
                assert_eq!(folder.file("task_0/state"), "DONE\n");
            }
        }
        comm.barrier()?;
        for task in 0..7 {
            let expected = if task == 3 { "FAILED\n" } else { "DONE\n" };
            assert_eq!(folder.file(&format!("task_{task}/state")), expected);
        }
        let report = batch.report()?;
        assert_eq!(report.tasks[3].error.as_deref(), Some("three is out"));
        drop(batch);
        comm.barrier()?;
    }
    Ok(())
}

/// What is DONE stays done; what was asked for is run again; failed tasks are retried on disk too.
pub fn later_jobs_go_on(comm: &Comm) -> Outcome {
    let folder = Folder::new(comm)?;
    let builder = || Batch::builder(comm, 9).state_dir(&folder.path, names(9));
    let run = |batch: Batch, fails: usize| -> Result<(usize, usize), Failure> {
        let report = batch.run(|task, _| {
            if task.index() == fails {
                Err("out")
            } else {
                Ok(())
            }
        })?;
        let runs = report.tasks.iter().filter(|task| task.worker.is_some());
        Ok((runs.count(), report.count(TaskState::Done)))
    };
    assert_eq!(run(builder().build()?, 2)?, (9, 8));
    assert_eq!(run(builder().build()?, 9)?, (0, 8));
    assert_eq!(
        run(builder().rerun(&[TaskState::Failed]).build()?, 2)?,
        (1, 8)
    );
    assert_eq!(
        run(builder().rerun(&[TaskState::Done]).build()?, 9)?,
        (8, 8)
    );
    let batch = builder().build()?;
    if comm.rank() == comm.size() - 1 {
        batch.set_state(2, TaskState::Open)?;
        batch.set_state(5, TaskState::Running)?;
    }
    comm.barrier()?;
    assert_eq!(batch.state(2)?, TaskState::Open);
    comm.barrier()?;
    // Nobody runs task 5, but only a later job looks.
    assert_eq!(run(batch, 9)?, (1, 8));
    assert_eq!(run(builder().build()?, 9)?, (1, 9));
    let folder = Folder::new(comm)?;
    let batch = Batch::builder(comm, 4)
        .retries(1)
        .state_dir(&folder.path, names(4))
        .build()?;
    let report = batch.run(|task, _| {
        if task.attempt() == 1 {
            Err("not at once")
        } else {
            Ok(())
        }
    })?;
    assert_eq!(report.count(TaskState::Done), 4, "{report}");
    assert_eq!(folder.file("task_3/state"), "DONE\n");
    comm.barrier()?;
    Ok(())
}

/// Files that hold no state count as open.
pub fn strange_files(comm: &Comm) -> Outcome {
    let folder = Folder::new(comm)?;
    if comm.rank() == 0 {
        let contents = ["", "DO", "DONE", "HALF\n", "FAILED\nrest", "\0\0\0"];
        for (task, content) in contents.iter().enumerate() {
            let dir = folder.path.join(format!("task_{task}"));
            std::fs::create_dir_all(&dir)?;
            std::fs::write(dir.join("state"), content)?;
        }
    }
    comm.barrier()?;
    let batch = Batch::builder(comm, 7)
        .state_dir(&folder.path, names(7))
        .build()?;
    let report = batch.run(|_, _| Ok::<(), Error>(()))?;
    let run: Vec<usize> = (0..7)
        .filter(|&task| report.tasks[task].attempts > 0)
        .collect();
    assert_eq!(run, [0, 1, 3, 5, 6]);
    assert_eq!(report.tasks[4].state, TaskState::Failed);
    comm.barrier()?;
    Ok(())
}

/// Names that cannot be those of directories, and directories that cannot be.
pub fn bad_directories(comm: &Comm) -> Outcome {
    let folder = Folder::new(comm)?;
    let build = |names: [&str; 2]| {
        let builder = Batch::builder(comm, 2);
        builder.state_dir(&folder.path, names).build()
    };
    let long = "x".repeat(300);
    for names in [
        ["a", "a"],
        ["a", "b/c"],
        ["..", "b"],
        ["", "b"],
        ["a\0b", "b"],
        [&long, "b"],
    ] {
        let error = same_error(comm, build(names))?;
        assert!(
            matches!(error, Error::InvalidSetting { .. }),
            "{names:?}: {error:?}"
        );
    }
    let batch = Batch::builder(comm, 2);
    let error = same_error(
        comm,
        batch.state_dir("/proc/no/such/place", ["a", "b"]).build(),
    )?;
    assert!(matches!(error, Error::Directory { .. }), "{error:?}");
    let both = Batch::builder(comm, 2)
        .state_dir(&folder.path, ["a", "b"])
        .states(&[TaskState::Open; 2]);
    let error = same_error(comm, both.build())?;
    assert!(matches!(error, Error::InvalidSetting { .. }), "{error:?}");
    let timeout = Batch::builder(comm, 2).lease_timeout(Duration::ZERO);
    let error = same_error(comm, timeout.build())?;
    assert!(matches!(error, Error::InvalidSetting { .. }), "{error:?}");
    works(comm)
}

/// Two batches on one directory, as two jobs would have them: no task is run twice.
pub fn two_at_a_time(comm: &Comm) -> Outcome {
    let folder = Folder::new(comm)?;
    let build = || {
        let builder = Batch::builder(comm, 40);
        builder.state_dir(&folder.path, names(40)).build()
    };
    let batches = [build()?, build()?];
    let mut ran = 0;
    for turn in 0.. {
        let Some(task) = batches[turn % 2].next_task()? else {
            break;
        };
        // The other one meets it while it runs.
        if let Some(other) = batches[(turn + 1) % 2].next_task()? {
            assert_ne!(other.index(), task.index());
            other.done()?;
            ran += 1;
        }
        task.done()?;
        ran += 1;
    }
    assert_eq!(sum(comm, ran)?, 40);
    for task in 0..40 {
        for batch in &batches {
            assert_eq!(batch.state(task)?, TaskState::Done);
        }
    }
    comm.barrier()?;
    Ok(())
}

/// A task that another job has taken over: the late result is refused, on whichever rank records it.
pub fn a_late_result(comm: &Comm) -> Outcome {
    let folder = Folder::new(comm)?;
    let batch = Batch::builder(comm, 1)
        .worker_size(comm.size())
        .state_dir(&folder.path, ["slow"])
        .build()?;
    let task = batch.next_task()?.ok_or("it is open")?;
    comm.barrier()?;
    if comm.rank() == 0 {
        // As a takeover does it: see `store/lease.rs`.
        let dir = folder.path.join("slow");
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(".end.") {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    comm.barrier()?;
    let late = match task.done() {
        Err(Error::TaskTakenOver { task: 0, name }) => u64::from(name == "slow"),
        Err(error) => return Err(error.into()),
        Ok(()) => 0,
    };
    assert_eq!(sum(comm, late)?, 1);
    assert_eq!(batch.state(0)?, TaskState::Running);
    comm.barrier()?;
    Ok(())
}

/// No worker begins a task any more, whoever has asked for it and how; what is left stays open.
pub fn stopped(comm: &Comm) -> Outcome {
    let last = comm.rank() == comm.size() - 1;
    let batch = Batch::builder(comm, 2 * comm.size()).build()?;
    if let Some(task) = batch.next_task()? {
        comm.barrier()?;
        if last {
            batch.stop()?;
        }
        comm.barrier()?;
        assert!(batch.next_task().is_err(), "it still has a task");
        task.done()?;
    }
    assert!(batch.next_task()?.is_none());
    assert_eq!(batch.report()?.count(TaskState::Open), comm.size());

    let folder = Folder::new(comm)?;
    let batch = Batch::builder(comm, comm.size())
        .state_dir(&folder.path, names(comm.size()))
        .build()?;
    if last {
        Batch::request_stop(&folder.path)?;
    }
    comm.barrier()?;
    assert!(batch.next_task()?.is_none());
    assert_eq!(batch.state(0)?, TaskState::Open);
    comm.barrier()?;

    let batch = Batch::builder(comm, 100)
        .worker_size(comm.size())
        .walltime(Duration::from_millis(200))
        .build()?;
    let report = batch.run(|_, _| {
        std::thread::sleep(Duration::from_millis(30));
        Ok::<(), Error>(())
    })?;
    let done = report.count(TaskState::Done);
    assert!(done < 7, "{done} tasks of 30 ms have ended in 200 ms");
    assert_eq!(report.count(TaskState::Open), 100 - done);
    Ok(())
}

/// The closure that tells costs panics: an error on the others, and the batch is not made.
pub fn an_order_that_panics(comm: &Comm) -> Outcome {
    let root = comm.size() - 1;
    let build = || {
        let builder = Batch::builder(comm, 3).root(root);
        builder
            .order(|task| -> u64 { panic!("no cost for {task}") })
            .build()
    };
    let end = catch_unwind(AssertUnwindSafe(build));
    assert_eq!(end.is_err(), comm.rank() == root);
    let error = others_error(comm, root, end.ok().and_then(Result::err))?;
    if let Some(error) = error {
        assert!(matches!(error, Error::Closure { .. }), "{error:?}");
    }
    works(comm)
}

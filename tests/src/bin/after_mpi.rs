//! A program that initialises and finalises MPI itself: `mpirun -n 2 after_mpi`.
//!
//! It uses a lock where MPI allows calls of one thread only. After `MPI_Finalize`, views stay valid, calls return errors, and
//! drops call no MPI. It is a program of its own, because a process can initialise MPI only once.

use pshmem::{Batch, BatchReport, Comm, Error, Mutex, Result, Shared, TaskState};
use std::process::ExitCode;

fn main() -> ExitCode {
    let universe = mpi::initialize().expect("MPI has not been initialised before");
    let objects = create_objects(&universe);
    drop(universe);
    match objects.map(check) {
        Ok(()) => {
            println!("after_mpi: all is well");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("after_mpi: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Tasks enough for a report in node memory.
const TASKS: usize = 5000;

/// A small object in the arena, a large one with its own mapping, and one whose handle is leaked; a report that has not been
/// read.
struct Objects {
    comm: Comm,
    small: Shared<[u64]>,
    large: Shared<[u64]>,
    leaked: &'static [u64],
    report: BatchReport,
}

fn create_objects(universe: &mpi::environment::Universe) -> Result<Objects> {
    let comm = Comm::from_mpi(&universe.world())?;
    let mut small = Shared::<[u64]>::new(&comm, 100)?;
    let mut large = Shared::<[u64]>::new(&comm, 1 << 20)?;
    let mut third = Shared::<[u64]>::new(&comm, 1000)?;
    use_lock(&comm)?;
    small.fill(1)?;
    large.fill(2)?;
    third.fill(3)?;
    let leaked = Box::leak(Box::new(third)).view();
    let batch = Batch::builder(&comm, TASKS).names_with(|task| format!("name of task {task}"));
    let report = batch.build()?.run(|task, _| match task.index() {
        7 => Err("no input"),
        _ => Ok(()),
    })?;
    Ok(Objects {
        comm,
        small,
        large,
        leaked,
        report,
    })
}

/// A lock with a home rank on another node. Where MPI allows calls of one thread only, the home rank replies during its calls.
fn use_lock(comm: &Comm) -> Result<()> {
    let separate = comm.with_ranks_per_node(1)?;
    let mut count = Mutex::<u64>::new(&separate, 0)?;
    for _ in 0..50 {
        *count.lock()? += 1;
    }
    separate.barrier()?;
    assert_eq!(*count.lock()?, 50 * comm.size() as u64);
    separate.barrier()?;
    if comm.rank() == 0 {
        println!("after_mpi: the lock works by {}", count.engine());
    }
    Ok(())
}

fn check(objects: Objects) {
    let Objects {
        comm,
        mut small,
        large,
        leaked,
        report,
    } = objects;
    let all = |view: &[u64], value| assert!(view.iter().all(|&x| x == value));
    all(small.view(), 1);
    all(large.view(), 2);
    all(leaked, 3);
    if comm.size() > 1 {
        let finished = |error: Option<Error>| {
            assert!(
                matches!(error, Some(Error::MpiFinalized { .. })),
                "{error:?}"
            );
        };
        finished(comm.barrier().err());
        finished(small.set(0, 0, Some(&[9])).err());
        finished(Shared::<u64>::new(&comm, ()).err());
        finished(comm.split(Some(0), 0).err());
        finished(comm.memory().err());
        all(small.view(), 1);
    }
    // In this order, so that the Comm is gone before the last object.
    drop(comm);
    drop(small);
    all(large.view(), 2);
    drop(large);
    all(leaked, 3);
    assert_eq!(report.count(TaskState::Done), TASKS - 1);
    assert_eq!(report.tasks[7].error.as_deref(), Some("no input"));
    assert_eq!(report.tasks[4999].name, "name of task 4999");
}

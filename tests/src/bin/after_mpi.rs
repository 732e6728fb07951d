//! A program that starts MPI itself: locks where threads may not call MPI, and objects that outlive `MPI_Finalize`: views
//! stay, calls are errors, drops call no MPI.
//!
//! `mpirun -n 2 after_mpi`; a program of its own, because MPI starts and ends once in a process.
#![cfg_attr(not(feature = "mpi"), allow(unused_imports, dead_code))]

use pshmem::{Comm, Error, Mutex, Result, Shared};
use std::process::ExitCode;

#[cfg(not(feature = "mpi"))]
fn main() -> ExitCode {
    eprintln!("after_mpi: built without the feature `mpi`, so there is no MPI to outlive");
    ExitCode::FAILURE
}

#[cfg(feature = "mpi")]
fn main() -> ExitCode {
    let universe = mpi::initialize().expect("MPI has not been started before");
    let made = objects(&universe);
    drop(universe);
    match made.map(check) {
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

/// A small object in the arena, a large one with a mapping of its own, and one whose handle is leaked.
#[cfg(feature = "mpi")]
struct Objects {
    comm: Comm,
    small: Shared<[u64]>,
    large: Shared<[u64]>,
    leaked: &'static [u64],
}

#[cfg(feature = "mpi")]
fn objects(universe: &mpi::environment::Universe) -> Result<Objects> {
    let comm = Comm::from_mpi(&universe.world())?;
    let mut small = Shared::<[u64]>::new(&comm, 100)?;
    let mut large = Shared::<[u64]>::new(&comm, 1 << 20)?;
    let mut kept = Shared::<[u64]>::new(&comm, 1000)?;
    take_turns(&comm)?;
    small.fill(1)?;
    large.fill(2)?;
    kept.fill(3)?;
    let leaked = Box::leak(Box::new(kept)).view();
    Ok(Objects {
        comm,
        small,
        large,
        leaked,
    })
}

/// A lock that one rank hosts for others: where MPI was started for one thread, it answers when it makes calls.
#[cfg(feature = "mpi")]
fn take_turns(comm: &Comm) -> Result<()> {
    let apart = comm.with_ranks_per_node(1)?;
    let mut count = Mutex::<u64>::new(&apart, 0)?;
    for _ in 0..50 {
        *count.lock()? += 1;
    }
    apart.barrier()?;
    assert_eq!(*count.lock()?, 50 * comm.size() as u64);
    apart.barrier()?;
    if comm.rank() == 0 {
        println!("after_mpi: the lock works by {}", count.engine());
    }
    Ok(())
}

#[cfg(feature = "mpi")]
fn check(objects: Objects) {
    let Objects {
        comm,
        mut small,
        large,
        leaked,
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
}

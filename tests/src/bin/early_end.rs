//! A rank that drops its handles, or ends MPI, before the others: `mpirun -n 2 early_end SCENARIO LEVEL`.
//!
//! Rank 0 is the home rank of a mutex and of a batch, whose ranks are on nodes of their own. The other ranks go on with them. MPI is
//! started by the program itself, with the thread level `single` (the home rank handles requests when it makes calls) or
//! `multiple` (a service thread does). It is a program of its own, because a process can initialise MPI only once.

use mpi::Threading;
use mpi::environment::Universe;
use mpi::traits::{Communicator, Destination, Source};
use pshmem::{Batch, Comm, Engine, Error, Mutex, Result, Shared, TaskState};
use std::process::ExitCode;
use std::time::Duration;

/// So many that their message is not buffered by MPI.
const MANY: usize = 1 << 17;
const ROUNDS: u64 = 100;
const TASKS: usize = 20;

/// What a rank does. It ends MPI.
type Scenario = fn(Universe) -> Result<()>;

/// What rank 0 does while the others go on, and what each rank does then.
const SCENARIOS: [(&str, Scenario); 5] = [
    ("drops", drops),
    ("finalizes", finalizes),
    ("keeps", keeps),
    ("leaks", leaks),
    ("sends", sends),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let threading = match arguments.last().map(String::as_str) {
        Some("single") => Threading::Single,
        Some("multiple") => Threading::Multiple,
        _ => return usage(),
    };
    let Some((_, scenario)) = SCENARIOS.iter().find(|(name, _)| *name == arguments[0]) else {
        return usage();
    };
    let (universe, _) = mpi::initialize_with_threading(threading).expect("MPI was not started");
    match scenario(universe) {
        Ok(()) => {
            println!("early_end: all is well");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("early_end: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    let names = SCENARIOS.map(|(name, _)| name).join("|");
    eprintln!("usage: early_end {names} single|multiple");
    ExitCode::FAILURE
}

/// A mutex and a batch at rank 0, shared by ranks on nodes of their own.
struct Hosted {
    comm: Comm,
    count: Mutex<u64>,
    batch: Batch,
}

impl Hosted {
    fn new(universe: &Universe) -> Result<Self> {
        let comm = Comm::from_mpi(&universe.world())?.with_ranks_per_node(1)?;
        let count = Mutex::new(&comm, 0)?;
        let batch = Batch::builder(&comm, TASKS).build()?;
        if comm.rank() == 0 {
            println!("early_end: works by {}", count.engine());
        }
        Ok(Hosted { comm, count, batch })
    }

    /// What the other ranks do when rank 0 is no longer there. Alone they can tell the value of the mutex.
    fn go_on(&mut self) -> Result<()> {
        std::thread::sleep(Duration::from_millis(300));
        let before = *self.count.lock()?;
        for _ in 0..ROUNDS {
            *self.count.lock()? += 1;
        }
        let after = *self.count.lock()?;
        let is_alone = self.comm.size() == 2;
        assert!(after == before + ROUNDS || !is_alone && after > before + ROUNDS);
        let mut mine = 0;
        while let Some(task) = self.batch.next_task()? {
            task.done()?;
            mine += 1;
        }
        assert!(mine == TASKS || !is_alone);
        for task in 0..TASKS {
            let state = self.batch.state(task)?;
            assert!(state == TaskState::Done || !is_alone, "{state}");
        }
        Ok(())
    }
}

/// Rank 0 drops all that it has and ends MPI.
fn finalizes(universe: Universe) -> Result<()> {
    let mut hosted = Hosted::new(&universe)?;
    if hosted.comm.rank() > 0 {
        hosted.go_on()?;
    }
    drop(hosted);
    drop(universe);
    Ok(())
}

/// Rank 0 drops all that it has, and waits in a call of MPI that depends on the others.
fn drops(universe: Universe) -> Result<()> {
    let mut hosted = Hosted::new(&universe)?;
    let world = universe.world();
    if hosted.comm.rank() == 0 {
        drop(hosted);
        for other in 1..world.size() {
            world.process_at_rank(other).receive::<u8>();
        }
        drop(universe);
        return Ok(());
    }
    let result = hosted.go_on();
    if hosted.count.engine() == Engine::HostCalls {
        // Rank 0 makes no calls, so these end with an error when `PSHMEM_HANG_REPORT` is over.
        for error in [
            result.err(),
            hosted.count.lock().err().map(Error::from),
            hosted.batch.next_task().err(),
        ] {
            assert!(
                matches!(error, Some(Error::HomeLeft { rank: 0, .. })),
                "{error:?}"
            );
        }
    } else {
        result?;
    }
    world.process_at_rank(0).send(&1_u8);
    drop(universe);
    Ok(())
}

/// Rank 0 ends MPI and keeps its handles. The others learn that it makes no more calls.
fn keeps(universe: Universe) -> Result<()> {
    let mut hosted = Hosted::new(&universe)?;
    let mut table = Shared::<[u64]>::new(&hosted.comm, 10)?;
    table.fill(4)?;
    if hosted.comm.rank() == 0 {
        drop(universe);
        assert_eq!(table.view(), [4; 10]);
        let finished = |error: Option<Error>| matches!(error, Some(Error::MpiFinalized { .. }));
        assert!(finished(hosted.comm.barrier().err()));
        assert!(finished(hosted.count.lock().err().map(Error::from)));
        return Ok(());
    }
    hosted.go_on()?;
    let gone = |error: Option<Error>| matches!(error, Some(Error::Diverged { .. }));
    assert!(gone(table.fill(5).err()));
    assert!(gone(hosted.comm.barrier().err()));
    assert_eq!(table.view(), [4; 10]);
    Ok(())
}

/// Rank 0 ends MPI without having released the mutex: the next rank gets it as poisoned.
fn leaks(universe: Universe) -> Result<()> {
    let mut hosted = Hosted::new(&universe)?;
    if hosted.comm.rank() == 0 {
        std::mem::forget(hosted.count.lock()?);
        hosted.comm.barrier()?;
        std::mem::forget(hosted);
        drop(universe);
        return Ok(());
    }
    hosted.comm.barrier()?;
    match hosted.count.lock().map(|value| *value) {
        Ok(_) => assert!(hosted.comm.size() > 2, "rank 0 had the lock"),
        Err(error) => assert!(matches!(Error::from(error), Error::Poisoned { .. })),
    }
    Ok(())
}

/// Rank 1 drops its last handle while the value that it has written is still being sent to rank 0. For two ranks.
fn sends(universe: Universe) -> Result<()> {
    let world = universe.world();
    let comm = Comm::from_mpi(&world)?.with_ranks_per_node(1)?;
    let mut mutex = Mutex::<[u64]>::from_slice(&comm, &vec![0; MANY])?;
    if comm.rank() == 0 {
        // It grants the lock in this call, and makes no other one before it hears from rank 1.
        comm.barrier()?;
        world.process_at_rank(1).receive::<u8>();
        assert!(mutex.lock()?.iter().all(|&x| x == 7));
        return Ok(());
    }
    let mut guard = mutex.lock()?;
    comm.barrier()?;
    guard.fill(7);
    drop(guard);
    drop((mutex, comm));
    // What was freed is used for something else.
    let other: Vec<Vec<u64>> = (0..64).map(|_| vec![u64::MAX; MANY + 8]).collect();
    world.process_at_rank(0).send(&1_u8);
    drop(universe);
    assert!(other.iter().flatten().all(|&x| x == u64::MAX));
    Ok(())
}

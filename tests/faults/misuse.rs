//! Misuse of the library: writes outside of updates, deadlocks, and locks that are never released.

use pshmem::local::Cluster;
use pshmem::{Comm, Domain, Error, Lock, Mutex, Result, RwLock, Shared, SharedLayout};
use pshmem_tests::collective::duplicate;
use pshmem_tests::faults::MisuseKind;
use std::mem::ManuallyDrop;
use std::time::Duration;

/// Runs the part of one rank.
pub(crate) fn run(kind: MisuseKind, comm: &Comm) -> Result<()> {
    match kind {
        MisuseKind::StrayWrite => stray_write(comm),
        MisuseKind::DataRace => data_race(comm),
        MisuseKind::Deadlock => deadlock(comm),
        MisuseKind::Forgotten => forgotten(comm),
        MisuseKind::HeldLock => held_lock(comm),
        MisuseKind::LeakedGuard => leaked_guard(comm),
        MisuseKind::LockInBarrier => lock_in_barrier(comm),
        MisuseKind::LockRing => lock_ring(comm),
        MisuseKind::ReadersInBarrier => readers_in_barrier(comm),
        MisuseKind::LockLimits => lock_limits(comm),
        MisuseKind::SlowLocks => slow_locks(comm),
        MisuseKind::ExitInCluster => exit_in_cluster(),
        MisuseKind::ManyThreads => many_threads(),
        MisuseKind::Unbound => unbound(comm),
        MisuseKind::TwoReasons => two_reasons(comm),
    }
}

#[derive(SharedLayout)]
struct Pair {
    written: Vec<u64>,
    other: Vec<u64>,
}

/// The closure writes to a field through a pointer that was made before.
fn stray_write(comm: &Comm) -> Result<()> {
    let mut pair = Shared::<Pair>::new(
        comm,
        PairDims {
            written: 9,
            other: 9,
        },
    )?;
    let stray = pair.view().other.as_ptr().cast_mut();
    pair.update(0, |mut w| {
        w.written[0] = 1;
        // SAFETY: not sound: the library is to find it. The memory is mapped and writable.
        unsafe { stray.write_volatile(7) };
    })?;
    Ok(())
}

/// A thread of the last rank writes to the copy of its node all the time.
fn data_race(comm: &Comm) -> Result<()> {
    // The thread below must not outlive the memory, also when a call has failed.
    let mut table = ManuallyDrop::new(Shared::<[u64]>::new(comm, 100_000)?);
    if comm.rank() + 1 == comm.size() {
        let address = table.view().as_ptr() as usize;
        std::thread::spawn(move || {
            for round in 1_u64.. {
                // SAFETY: not sound: the library is to find it. The memory is mapped and writable until the process ends.
                let element = unsafe { (address as *mut u64).add(round as usize % 100_000) };
                // SAFETY: as above.
                unsafe { element.write_volatile(round) };
            }
        });
    }
    for round in 0..10_000 {
        table.update(0, |mut w| w.fill(round))?;
    }
    Ok(())
}

/// The last rank returns before the call that the others wait in.
fn forgotten(comm: &Comm) -> Result<()> {
    let mut table = Shared::<[u64]>::new(comm, 4)?;
    table.set(0, 0, Some(&[1]))?;
    if comm.rank() + 1 < comm.size() {
        table.fill(2)?;
    }
    Ok(())
}

/// Rank 0 holds a lock for ever, and the others wait for it.
fn held_lock(comm: &Comm) -> Result<()> {
    let mut lock = Lock::new(comm)?;
    if comm.rank() == 0 {
        let _guard = lock.lock()?;
        comm.barrier()?;
        std::thread::sleep(Duration::from_secs(3600));
    } else {
        comm.barrier()?;
        drop(lock.lock()?);
    }
    Ok(())
}

/// Rank 0 returns with a lock whose guard it has leaked.
fn leaked_guard(comm: &Comm) -> Result<()> {
    let lock = Box::leak(Box::new(Lock::new(comm)?));
    if comm.rank() == 0 {
        std::mem::forget(lock.lock()?);
        comm.barrier()
    } else {
        comm.barrier()?;
        lock.lock().map(drop).map_err(Error::from)
    }
}

/// Two ranks wait for each other on two `Comm`s.
fn deadlock(comm: &Comm) -> Result<()> {
    let first = duplicate(comm)?;
    let second = duplicate(comm)?;
    if comm.rank() == 0 {
        first.barrier()?;
        second.barrier()
    } else {
        second.barrier()?;
        first.barrier()
    }
}

/// All ranks fail by themselves, and all but rank 1 for the same reason.
fn two_reasons(comm: &Comm) -> Result<()> {
    let reason = match comm.rank() {
        1 => "a reason of its own",
        _ => "a common reason",
    };
    let reason = reason.to_owned();
    Err(Error::Start { reason })
}

/// Divides nodes by domains, and fails with what has become of them.
fn unbound(comm: &Comm) -> Result<()> {
    let place = match comm.rank() {
        1 | 2 => Err("it may run everywhere".to_owned()),
        rank => Ok(rank as u32),
    };
    let divided = comm.with_made_up_domains(Domain::Numa, place)?;
    let (before, after) = (comm.node().count, divided.node().count);
    Err(Error::Start {
        reason: format!("{before} nodes became {after}"),
    })
}

/// Starts a cluster of eight threads. The test limits the memory of this process, so that the system refuses some of them.
fn many_threads() -> Result<()> {
    Cluster::new(&[8]).run(Comm::barrier).into_iter().collect()
}

/// Rank 0 waits in a barrier for the others, and they wait for the lock that it holds.
fn lock_in_barrier(comm: &Comm) -> Result<()> {
    let mut lock = Lock::new(comm)?;
    if comm.rank() == 0 {
        let _guard = lock.lock()?;
        comm.split(Some(0), 0)?;
        comm.barrier()
    } else {
        comm.split(Some(0), 0)?;
        drop(lock.lock()?);
        comm.barrier()
    }
}

/// As many locks as there are ranks, those of this rank and the next one first.
fn ring_of_locks(comm: &Comm) -> Result<Vec<Lock>> {
    let locks: Result<Vec<Lock>> = (0..comm.size()).map(|_| Lock::new(comm)).collect();
    let mut locks = locks?;
    locks.rotate_left(comm.rank());
    Ok(locks)
}

/// Each rank holds one lock, and waits for that of the next rank.
fn lock_ring(comm: &Comm) -> Result<()> {
    let mut locks = ring_of_locks(comm)?;
    let (first, others) = locks.split_at_mut(1);
    let _first = first[0].lock()?;
    comm.barrier()?;
    let _second = others[0].lock()?;
    Ok(())
}

/// The same with a limit, after which each rank gives up.
fn lock_limits(comm: &Comm) -> Result<()> {
    let mut locks = ring_of_locks(comm)?;
    let (first, others) = locks.split_at_mut(1);
    let held = first[0].lock()?;
    comm.barrier()?;
    let second = others[0].lock_timeout(Duration::from_secs(3))?;
    assert!(second.is_none());
    comm.barrier()?;
    drop(held);
    Ok(())
}

/// Rank 0 reads, and waits in a barrier meanwhile. The last rank waits to write, and those between wait behind it, to read.
fn readers_in_barrier(comm: &Comm) -> Result<()> {
    let mut table = RwLock::<u64>::new(comm, 0)?;
    if comm.rank() == 0 {
        let _guard = table.read()?;
        comm.split(Some(0), 0)?;
        return comm.barrier();
    }
    comm.split(Some(0), 0)?;
    if comm.rank() + 1 == comm.size() {
        *table.write()? += 1;
    } else {
        std::thread::sleep(Duration::from_millis(200));
        drop(table.read()?);
    }
    comm.barrier()
}

/// What programs do that are in no deadlock: locks in one order, a lock in a barrier before which nobody wants it, calls on two
/// `Comm`s in one order. Each rank is late at random.
fn slow_locks(comm: &Comm) -> Result<()> {
    const ROUNDS: u64 = 200;
    let second = duplicate(comm)?;
    let mut outer = Lock::new(comm)?;
    let mut inner = Mutex::<u64>::new(comm, 0)?;
    let mut table = RwLock::<u64>::new(&second, 0)?;
    let mut random = comm.rank() as u64 + 1;
    let mut pause = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let long = if (random >> 40).is_multiple_of(16) {
            60_000
        } else {
            3000
        };
        std::thread::sleep(Duration::from_micros((random >> 33) % long));
    };
    for round in 0..ROUNDS {
        pause();
        let guard = outer.lock()?;
        pause();
        *inner.lock()? += 1;
        drop(guard);
        if round % 3 == 0 {
            *table.write()? += 1;
        } else {
            let guard = table.read()?;
            pause();
            drop(guard);
        }
        comm.barrier()?;
        // Held in a call for which no other rank needs it.
        let owner = round as usize % comm.size();
        let guard = (comm.rank() == owner).then(|| outer.lock()).transpose()?;
        pause();
        second.barrier()?;
        drop(guard);
        comm.barrier()?;
    }
    let ranks = comm.size() as u64;
    assert_eq!(*inner.lock()?, ROUNDS * ranks);
    assert_eq!(*table.read()?, ROUNDS.div_ceil(3) * ranks);
    comm.barrier()
}

fn exit_in_cluster() -> Result<()> {
    let main = |comm: &Comm| match comm.rank() {
        1 => std::process::exit(0),
        _ => comm.barrier(),
    };
    Cluster::new(&[1, 2]).run(main).into_iter().collect()
}

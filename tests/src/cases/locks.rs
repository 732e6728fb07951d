//! Locks: exclusion, order, giving up, poison, and what they protect.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use pshmem::{Comm, Engine, Error, Fairness, Lock, LockError, Mutex, RwLock, Shared};

use crate::check::{all_say, same_error, works};
use crate::report::Outcome;

/// Rounds of each rank; few where ranks outnumber cores.
fn rounds(comm: &Comm) -> usize {
    if comm.size() <= 2 { 300 } else { 30 }
}

/// Every rank adds to one number in many steps that another rank must not see.
pub fn one_at_a_time(comm: &Comm) -> Outcome {
    for fairness in [Fairness::Fifo, Fairness::NodeBatch(2)] {
        let mut lock = Lock::builder(comm)
            .root(comm.size() - 1)
            .fairness(fairness)
            .build()?;
        let mut count = Mutex::<[u64]>::from_slice(comm, &[0; 5])?;
        for _ in 0..rounds(comm) {
            let outer = lock.lock()?;
            let mut guard = count.lock()?;
            let next = guard[0] + 1;
            for place in guard.iter_mut() {
                assert_eq!(*place, next - 1);
                *place = next;
            }
            drop(guard);
            drop(outer);
        }
        comm.barrier()?;
        let expected = (rounds(comm) * comm.size()) as u64;
        assert_eq!(*count.lock()?, [expected; 5]);
        let node_only = comm.node().count == 1;
        assert_eq!(lock.engine() == Engine::NodeAtomics, node_only);
        comm.barrier()?;
    }
    Ok(())
}

/// Ranks get in line one after the other, and are served so.
pub fn in_order_of_request(comm: &Comm) -> Outcome {
    let size = comm.size();
    let mut lock = Lock::new(comm)?;
    let mut turn = Mutex::<u64>::new(comm, 0)?;
    let mut served = Mutex::<[u64]>::from_slice(comm, &vec![0; size + 1])?;
    for first in 0..size {
        let mine = (comm.rank() + size - first) % size;
        if mine == 0 {
            // Has the lock until all others stand in line, each behind the one before.
            let guard = lock.lock()?;
            comm.barrier()?;
            for next in 1..size {
                *turn.lock()? = next as u64;
                while guard.waiting() < next {
                    std::thread::yield_now();
                }
            }
            drop(guard);
        } else {
            comm.barrier()?;
            while *turn.lock()? != mine as u64 {
                std::thread::yield_now();
            }
            let guard = lock.lock()?;
            let mut table = served.lock()?;
            table[0] += 1;
            let place = table[0] as usize;
            table[place] = mine as u64;
            drop(table);
            drop(guard);
        }
        comm.barrier()?;
        let order: Vec<u64> = (1..size as u64).collect();
        assert_eq!(served.lock()?[1..size], order);
        comm.barrier()?;
        if comm.rank() == 0 {
            served.lock()?[0] = 0;
            *turn.lock()? = 0;
        }
        comm.barrier()?;
    }
    Ok(())
}

/// A rank that gives up leaves the line; one that only tries does not get in it.
pub fn giving_up(comm: &Comm) -> Outcome {
    let mut lock = Lock::new(comm)?;
    for holder in 0..comm.size() {
        if comm.rank() == holder {
            let guard = lock.lock()?;
            comm.barrier()?;
            comm.barrier()?;
            assert_eq!(guard.waiting(), 0);
            comm.barrier()?;
            drop(guard);
        } else {
            comm.barrier()?;
            assert!(lock.try_lock()?.is_none());
            assert!(lock.lock_timeout(Duration::from_millis(3))?.is_none());
            assert!(lock.lock_timeout(Duration::ZERO)?.is_none());
            comm.barrier()?;
            comm.barrier()?;
        }
        drop(lock.lock()?);
        comm.barrier()?;
        // What others gave back may still be on its way to the host.
        while lock.holder().is_some() {
            std::thread::yield_now();
        }
        comm.barrier()?;
    }
    Ok(())
}

/// Ranks that give up while the lock is handed over: whoever got it has it, and nobody is forgotten.
pub fn giving_up_in_a_hurry(comm: &Comm) -> Outcome {
    let mut count = Mutex::<u64>::new(comm, 0)?;
    let mut mine = 0;
    for round in 0..rounds(comm) {
        let patience = Duration::from_micros((round * 7 % 50) as u64);
        if let Some(mut guard) = count.lock_timeout(patience)? {
            *guard += 1;
            mine += 1;
        }
        if round % 3 == 0 {
            *count.lock()? += 1;
            mine += 1;
        }
    }
    let mut sum = Shared::<[u64]>::new(comm, comm.size())?;
    for rank in 0..comm.size() {
        sum.set_with(rank, rank, || [mine])?;
    }
    assert_eq!(*count.lock()?, sum.view().iter().sum::<u64>());
    comm.barrier()?;
    Ok(())
}

/// The host of a lock is outside the library for a while, and the others take and pass the lock all the same.
pub fn the_host_may_compute(comm: &Comm) -> Outcome {
    let mut count = Mutex::<u64>::new(comm, 0)?;
    comm.barrier()?;
    if comm.rank() == 0 {
        std::thread::sleep(Duration::from_millis(400));
        assert_eq!(
            *count.lock()?,
            10 * (comm.size() as u64 - 1),
            "they waited for the host"
        );
    } else {
        for _ in 0..10 {
            *count.lock()? += 1;
        }
    }
    comm.barrier()?;
    Ok(())
}

/// Readers see whole values, and writers get their turn.
pub fn readers_and_writers(comm: &Comm) -> Outcome {
    let mut table = RwLock::<[u64]>::from_slice(comm, &[0; 7])?;
    for round in 0..rounds(comm) {
        if (round + comm.rank()).is_multiple_of(4) {
            let mut guard = table.write()?;
            let next = guard[0] + 1;
            guard.fill(next);
        } else {
            let guard = table.read()?;
            assert!(guard.iter().all(|&x| x == guard[0]));
        }
    }
    comm.barrier()?;
    let written = (0..comm.size()).map(|rank| {
        (0..rounds(comm))
            .filter(|round| (round + rank) % 4 == 0)
            .count() as u64
    });
    assert_eq!(table.read()?[6], written.sum::<u64>());
    // All at once.
    let guard = table.read()?;
    comm.barrier()?;
    drop(guard);
    comm.barrier()?;
    Ok(())
}

/// Whoever comes after a panic is told, with the value.
pub fn poisoned_by_a_panic(comm: &Comm) -> Outcome {
    let culprit = comm.size() - 1;
    let mut value = Mutex::<u64>::new(comm, 1)?;
    if comm.rank() == culprit {
        let broken = catch_unwind(AssertUnwindSafe(|| {
            let mut guard = value.lock().unwrap();
            *guard = 2;
            panic!("half way through");
        }));
        assert!(broken.is_err());
    }
    comm.barrier()?;
    match value.lock() {
        Err(LockError::Poisoned { guard, rank }) => assert_eq!((*guard, rank), (2, culprit)),
        other => return Err(format!("{other:?}").into()),
    }
    let text = Error::from(value.lock().expect_err("it stays poisoned")).to_string();
    all_say(comm, &text)?;
    if comm.rank() == 0 {
        let Err(LockError::Poisoned { mut guard, .. }) = value.lock() else {
            return Err("it stays poisoned until it is cleared".into());
        };
        *guard = 3;
        guard.clear_poison();
    }
    comm.barrier()?;
    assert_eq!(*value.lock()?, 3);
    comm.barrier()?;
    Ok(())
}

/// Many locks, made and dropped, and some of them at once.
pub fn many_locks(comm: &Comm) -> Outcome {
    let count = if comm.size() <= 2 { 1000 } else { 60 };
    for _ in 0..count {
        drop(Lock::new(comm)?.lock()?);
    }
    let mut locks: Vec<Lock> = (0..20)
        .map(|index| Lock::builder(comm).root(index % comm.size()).build())
        .collect::<Result<_, _>>()?;
    for lock in &mut locks {
        drop(lock.lock()?);
    }
    // In any order, without waiting for each other.
    if comm.rank().is_multiple_of(2) {
        locks.reverse();
    }
    drop(locks);
    works(comm)
}

/// A lock for each row of a grid: they do not know of each other.
pub fn a_lock_per_row(comm: &Comm) -> Outcome {
    let row = comm.split(Some(comm.rank() / 2), comm.rank())?;
    let row = row.ok_or("every rank has a row")?;
    let mut count = Mutex::<u64>::new(&row, 0)?;
    let mut all = Mutex::<u64>::new(comm, 0)?;
    for _ in 0..20 {
        let mut guard = count.lock()?;
        *guard += 1;
        *all.lock()? += 1;
    }
    comm.barrier()?;
    assert_eq!(*count.lock()?, 20 * row.size() as u64);
    assert_eq!(*all.lock()?, 20 * comm.size() as u64);
    comm.barrier()?;
    Ok(())
}

/// A lock of a `Comm` that can no longer be used, and one that ranks drop while others wait for it.
pub fn ends_of_locks(comm: &Comm) -> Outcome {
    let mut lock = Lock::new(comm)?;
    for first in 0..comm.size() {
        let mut other = Lock::new(comm)?;
        if comm.rank() == first {
            let guard = other.lock()?;
            comm.barrier()?;
            drop(guard);
            drop(other);
        } else {
            comm.barrier()?;
            drop(other.lock()?);
        }
    }
    if comm.size() > 1 {
        let inner = comm.split(Some(0), comm.rank())?;
        let inner = inner.ok_or("a rank with a color gets a Comm")?;
        let mut dead = Lock::new(&inner)?;
        let met = if comm.rank() == 0 {
            inner.barrier()
        } else {
            inner.memory().map(|_| ())
        };
        assert!(matches!(met, Err(Error::Diverged { .. })), "{met:?}");
        let locked = dead.lock().map(|_| ()).map_err(Error::from);
        assert!(matches!(locked, Err(Error::Diverged { .. })), "{locked:?}");
        comm.barrier()?;
    }
    drop(lock.lock()?);
    works(comm)
}

/// A guard that was leaked, calls where they must not be, and ranks that disagree.
pub fn mistakes(comm: &Comm) -> Outcome {
    let wrong = Lock::builder(comm).root(comm.size()).build().map(|_| ());
    let error = same_error(comm, wrong)?;
    assert!(matches!(error, Error::NoSuchRank { .. }), "{error:?}");
    if comm.size() > 1 {
        let differs = Mutex::<u64>::new(comm, comm.rank() as u64).map(|_| ());
        let error = same_error(comm, differs)?;
        assert!(matches!(error, Error::Mismatch { .. }), "{error:?}");
    }
    let mut lock = Lock::new(comm)?;
    if comm.rank() == 0 {
        std::mem::forget(lock.lock()?);
        let again = lock.lock().map(|_| ()).map_err(Error::from);
        assert!(
            matches!(again, Err(Error::AlreadyLocked { .. })),
            "{again:?}"
        );
    }
    comm.barrier()?;
    if comm.rank() == 0 {
        drop(lock);
    } else {
        drop(lock.lock()?);
    }
    let mut table = Shared::<u64>::new(comm, ())?;
    let mut inner = Lock::new(comm)?;
    if comm.size() > 1 {
        let found = table.update(0, |_| inner.lock().map(|_| ()).map_err(Error::from).err())?;
        assert!(found.is_none_or(|error| matches!(error, Some(Error::Nested { .. }))));
    }
    works(comm)
}

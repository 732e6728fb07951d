//! Locks and the values that they protect: exclusion, order, timeouts, poisoning, invalid calls.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use pshmem::{Comm, Engine, Error, Fairness, Lock, LockError, Mutex, RwLock, Shared};

use crate::collective::{check_same_text, check_usable, duplicate, same_error, sum};
use crate::marks::Marks;
use crate::report::{Outcome, does_not_apply};

/// Rounds of each rank; fewer where there are more ranks than cores.
fn rounds(comm: &Comm) -> usize {
    if comm.size() <= 2 { 300 } else { 30 }
}

/// Every rank increments several numbers under the lock; no other rank sees them differ.
pub(crate) fn mutual_exclusion(comm: &Comm) -> Outcome {
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

/// Ranks acquire the lock in the order in which they requested it.
pub(crate) fn fifo_order(comm: &Comm) -> Outcome {
    let size = comm.size();
    let mut lock = Lock::new(comm)?;
    let mut turn = Mutex::<u64>::new(comm, 0)?;
    let mut served = Mutex::<[u64]>::from_slice(comm, &vec![0; size + 1])?;
    for first in 0..size {
        let mine = (comm.rank() + size - first) % size;
        if mine == 0 {
            // Holds the lock until all others wait for it, one after the other.
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

/// `lock_timeout` leaves the queue when its time is over, and `try_lock` never enters it.
pub(crate) fn try_lock_and_timeout(comm: &Comm) -> Outcome {
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
        // The release of another rank may not have reached the home rank yet.
        while lock.holder().is_some() {
            std::thread::yield_now();
        }
        comm.barrier()?;
    }
    Ok(())
}

/// Timeouts while the lock is handed over: no acquisition is lost, and none is counted twice.
pub(crate) fn timeout_during_handover(comm: &Comm) -> Outcome {
    let mut count = Mutex::<u64>::new(comm, 0)?;
    let mut mine = 0;
    for round in 0..rounds(comm) {
        let timeout = Duration::from_micros((round * 7 % 50) as u64);
        if let Some(mut guard) = count.lock_timeout(timeout)? {
            *guard += 1;
            mine += 1;
        }
        if round % 3 == 0 {
            *count.lock()? += 1;
            mine += 1;
        }
    }
    let expected = sum(comm, mine)?;
    assert_eq!(*count.lock()?, expected);
    comm.barrier()?;
    Ok(())
}

/// The other ranks acquire and release a lock while its home rank makes no calls.
pub(crate) fn home_rank_computes(comm: &Comm) -> Outcome {
    let mut count = Mutex::<u64>::new(comm, 0)?;
    let marks = Marks::new(comm)?;
    if comm.rank() == 0 {
        marks.wait_for_others();
        assert_eq!(*count.lock()?, 10 * (comm.size() as u64 - 1));
    } else {
        for _ in 0..10 {
            *count.lock()? += 1;
        }
        marks.set(comm.rank())?;
    }
    comm.barrier()?;
    Ok(())
}

/// Readers see complete values, and writers make progress.
pub(crate) fn readers_and_writers(comm: &Comm) -> Outcome {
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
    // All ranks read at the same time.
    let guard = table.read()?;
    comm.barrier()?;
    drop(guard);
    comm.barrier()?;
    Ok(())
}

/// After a panic under the lock, every later acquisition returns `Poisoned` with the value, until it is cleared.
pub(crate) fn poisoned_by_panic(comm: &Comm) -> Outcome {
    let panicking = comm.size() - 1;
    let mut value = Mutex::<u64>::new(comm, 1)?;
    if comm.rank() == panicking {
        let broken = catch_unwind(AssertUnwindSafe(|| {
            let mut guard = value.lock().unwrap();
            *guard = 2;
            panic!("a deliberate panic");
        }));
        assert!(broken.is_err());
    }
    comm.barrier()?;
    match value.lock() {
        Err(LockError::Poisoned { guard, rank }) => assert_eq!((*guard, rank), (2, panicking)),
        other => return Err(format!("{other:?}").into()),
    }
    let text = Error::from(value.lock().expect_err("it stays poisoned")).to_string();
    check_same_text(comm, &text)?;
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

/// Runs `work`, which panics.
fn panics(work: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(work)).is_err());
}

/// The same for a lock without a value: what it protects is elsewhere.
pub(crate) fn lock_poisoned_by_panic(comm: &Comm) -> Outcome {
    let mut lock = Lock::new(comm)?;
    for panicking in 0..comm.size() {
        if comm.rank() == panicking {
            panics(|| {
                let _guard = lock.lock().unwrap();
                panic!("a deliberate panic");
            });
        }
        comm.barrier()?;
        for attempt in ["lock", "try_lock", "lock_timeout"] {
            let found = loop {
                let found = match attempt {
                    "lock" => lock.lock().map(Some),
                    "try_lock" => lock.try_lock(),
                    _ => lock.lock_timeout(Duration::from_secs(3600)),
                };
                // Another rank may have it at this moment.
                if !matches!(found, Ok(None)) {
                    break found.map(drop).map_err(Error::from);
                }
            };
            let is_poisoned = matches!(found, Err(Error::Poisoned { rank }) if rank == panicking);
            assert!(is_poisoned, "{attempt}: {found:?}");
        }
        comm.barrier()?;
        if comm.rank() == comm.size() - 1 {
            let Err(LockError::Poisoned { mut guard, .. }) = lock.lock() else {
                return Err("it stays poisoned until it is cleared".into());
            };
            guard.clear_poison();
        }
        comm.barrier()?;
        drop(lock.lock()?);
        comm.barrier()?;
    }
    Ok(())
}

/// A writer that panics poisons the lock for readers and writers. A reader that panics has changed nothing.
pub(crate) fn rwlock_poisoned_by_panic(comm: &Comm) -> Outcome {
    let mut value = RwLock::<u64>::new(comm, 1)?;
    for panicking in 0..comm.size() {
        if comm.rank() == panicking {
            panics(|| {
                let _guard = value.read().unwrap();
                panic!("a deliberate panic of a reader");
            });
        }
        comm.barrier()?;
        assert_eq!(*value.read()?, 1);
        comm.barrier()?;
        if comm.rank() == panicking {
            panics(|| {
                *value.write().unwrap() = 2;
                let _guard = value.write().unwrap();
                panic!("a deliberate panic of a writer");
            });
        }
        comm.barrier()?;
        match value.read() {
            Err(LockError::Poisoned { guard, rank }) => {
                assert_eq!((*guard, rank), (2, panicking));
            }
            other => return Err(format!("{other:?}").into()),
        }
        match value.write() {
            Err(LockError::Poisoned { guard, rank }) => {
                assert_eq!((*guard, rank), (2, panicking));
            }
            other => return Err(format!("{other:?}").into()),
        }
        comm.barrier()?;
        if comm.rank() == 0 {
            let Err(LockError::Poisoned { mut guard, .. }) = value.write() else {
                return Err("it stays poisoned until it is cleared".into());
            };
            *guard = 1;
            guard.clear_poison();
        }
        comm.barrier()?;
        assert_eq!(*value.read()?, 1);
        drop(value.write()?);
        comm.barrier()?;
    }
    Ok(())
}

/// Many locks, one after the other, and some of them at the same time.
pub(crate) fn many_locks(comm: &Comm) -> Outcome {
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
    // Drops are not collective: each rank may choose its order.
    if comm.rank().is_multiple_of(2) {
        locks.reverse();
    }
    drop(locks);
    check_usable(comm)
}

/// One lock for each row of a grid of ranks: they are independent.
pub(crate) fn lock_per_row_of_ranks(comm: &Comm) -> Outcome {
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

/// A lock that ranks drop while others wait for it, and a lock of a `Comm` that has failed.
pub(crate) fn dropped_locks_and_dead_comms(comm: &Comm) -> Outcome {
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
        let inner = duplicate(comm)?;
        let mut dead = Lock::new(&inner)?;
        let found = if comm.rank() == 0 {
            inner.barrier()
        } else {
            inner.memory().map(|_| ())
        };
        assert!(matches!(found, Err(Error::Diverged { .. })), "{found:?}");
        let locked = dead.lock().map(|_| ()).map_err(Error::from);
        assert!(matches!(locked, Err(Error::Diverged { .. })), "{locked:?}");
        comm.barrier()?;
    }
    drop(lock.lock()?);
    check_usable(comm)
}

/// An invalid home rank, values that differ between ranks, a leaked guard, and `lock` inside a closure.
pub(crate) fn invalid_calls(comm: &Comm) -> Outcome {
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
    check_usable(comm)
}

/// Two types of one name, declared in two blocks, are two types: values never change their type between ranks.
pub(crate) fn types_of_one_name(comm: &Comm) -> Outcome {
    if comm.size() == 1 {
        return does_not_apply("it needs two ranks");
    }
    let create = if comm.rank() == 0 {
        #[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::NoUninit)]
        #[repr(transparent)]
        struct Local(u8);
        |comm: &Comm| Mutex::new(comm, Local(1)).map(|_| ())
    } else {
        #[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::NoUninit)]
        #[repr(transparent)]
        struct Local(bool);
        |comm: &Comm| Mutex::new(comm, Local(true)).map(|_| ())
    };
    let error = same_error(comm, create(comm))?;
    assert!(matches!(error, Error::Mismatch { .. }), "{error:?}");
    let create = if comm.rank() == 0 {
        #[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::NoUninit)]
        #[repr(transparent)]
        struct Local([u8; 4]);
        |comm: &Comm| RwLock::new(comm, Local([1; 4])).map(|_| ())
    } else {
        #[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::NoUninit)]
        #[repr(transparent)]
        struct Local(u32);
        |comm: &Comm| RwLock::new(comm, Local(0x0101_0101)).map(|_| ())
    };
    let error = same_error(comm, create(comm))?;
    assert!(matches!(error, Error::Mismatch { .. }), "{error:?}");
    check_usable(comm)
}

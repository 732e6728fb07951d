//! Programs that do what they may not, or that wait for each other, for tests of what is reported: `trouble SCENE`.

use pshmem::{Comm, Error, Lock, Result, Shared, SharedLayout};
use std::process::ExitCode;
use std::time::Duration;

#[derive(SharedLayout)]
struct Pair {
    written: Vec<u64>,
    other: Vec<u64>,
}

fn main() -> ExitCode {
    let scene = std::env::args().nth(1).unwrap_or_default();
    pshmem::run(|comm: &Comm| match scene.as_str() {
        "stray" => stray(comm),
        "race" => race(comm),
        "circle" => circle(comm),
        "holder" => holder(comm),
        "leaked" => leaked(comm),
        _ => panic!("no scene is called `{scene}`"),
    })
}

/// The closure writes to a field through a pointer that it has from elsewhere.
fn stray(comm: &Comm) -> Result<()> {
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
        // SAFETY: none; it is what the check is for. The memory is mapped and writable.
        unsafe { stray.write_volatile(7) };
    })?;
    Ok(())
}

/// A thread of the last rank writes to its node's copy whenever it likes.
fn race(comm: &Comm) -> Result<()> {
    let mut table = Shared::<[u64]>::new(comm, 100_000)?;
    if comm.rank() + 1 == comm.size() {
        let address = table.view().as_ptr() as usize;
        std::thread::spawn(move || {
            for round in 1_u64.. {
                // SAFETY: none; it is what the check is for. The memory is mapped and writable until the process ends.
                let place = unsafe { (address as *mut u64).add(round as usize % 100_000) };
                // SAFETY: as above.
                unsafe { place.write_volatile(round) };
            }
        });
    }
    for round in 0..10_000 {
        table.update(0, |mut w| w.fill(round))?;
    }
    // The thread must not outlive the memory.
    std::mem::forget(table);
    Ok(())
}

/// Rank 0 has a lock for ever, the others want it.
fn holder(comm: &Comm) -> Result<()> {
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

/// Rank 0 leaves with a lock whose guard it has leaked.
fn leaked(comm: &Comm) -> Result<()> {
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
fn circle(comm: &Comm) -> Result<()> {
    let first = comm
        .split(Some(0), 0)?
        .expect("a rank with a color gets a Comm");
    let second = comm
        .split(Some(0), 0)?
        .expect("a rank with a color gets a Comm");
    if comm.rank() == 0 {
        first.barrier()?;
        second.barrier()
    } else {
        second.barrier()?;
        first.barrier()
    }
}

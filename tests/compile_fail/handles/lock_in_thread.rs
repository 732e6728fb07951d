//! The ranks take turns at a lock, not the threads of one rank.

use pshmem::{Comm, Mutex, Result};

fn main() -> Result<()> {
    let mut total = Mutex::<u64>::new(&Comm::solo(), 0)?;
    std::thread::scope(|scope| {
        scope.spawn(|| *total.lock().unwrap() += 1);
    });
    Ok(())
}

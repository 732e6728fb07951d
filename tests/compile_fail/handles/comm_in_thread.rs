//! Collective calls are made by the thread of the rank.

use pshmem::{Comm, Result};

fn main() -> Result<()> {
    let comm = Comm::solo();
    std::thread::spawn(move || comm.barrier()).join().unwrap()
}

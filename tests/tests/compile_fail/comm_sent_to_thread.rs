//! A Comm stays on the thread of its rank.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let comm = Comm::solo();
    std::thread::spawn(move || comm.barrier()).join().unwrap()
}

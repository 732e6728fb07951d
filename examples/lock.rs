//! A lock over all nodes: ranks append to one file in turn, and count in a `Mutex`.
//!
//! ```text
//! cargo run --example lock                               one rank
//! PSHMEM_LOCAL=2+2 cargo run --example lock              four ranks on two nodes, as threads
//! mpirun -n 4 target/debug/examples/lock                 after `cargo build --features mpi --example lock`
//! ```

use pshmem::{Comm, Error, Lock, Mutex};
use std::fs::OpenOptions;
use std::io::Write;

const LINES: usize = 5;

fn main() -> std::process::ExitCode {
    pshmem::run(|comm: &Comm| -> Result<(), Box<dyn std::error::Error>> {
        let file = std::env::temp_dir().join(format!("pshmem-lock-{}.txt", job(comm)?));
        let mut lock = Lock::new(comm)?;
        let mut count = Mutex::<u64>::new(comm, 0)?;
        if comm.rank() == 0 {
            println!("the lock works by {}", lock.engine());
        }

        for line in 0..LINES {
            // Requests are served in order. Dropping the guard releases the lock, also after a `?` or a panic.
            let _guard = lock.lock().map_err(Error::from)?;
            let mut file = OpenOptions::new().create(true).append(true).open(&file)?;
            // Two writes, to show that no other rank writes in between.
            write!(file, "rank {} of {}", comm.rank(), comm.size())?;
            writeln!(file, " writes line {line}")?;

            // The value moves with its lock: the next rank sees this change, on any node.
            *count.lock().map_err(Error::from)? += 1;
        }

        comm.barrier()?;
        if comm.rank() == 0 {
            let text = std::fs::read_to_string(&file)?;
            let whole = text.lines().filter(|line| line.contains(" writes line "));
            println!(
                "{} whole lines in {}, counted {}",
                whole.count(),
                file.display(),
                *count.lock().map_err(Error::from)?
            );
            std::fs::remove_file(&file)?;
        }
        Ok(())
    })
}

/// A number for this job, the same on all ranks: the process id of rank 0.
fn job(comm: &Comm) -> pshmem::Result<u32> {
    let job = pshmem::Shared::<u32>::from_root(comm, 0, std::process::id)?;
    Ok(*job.view())
}

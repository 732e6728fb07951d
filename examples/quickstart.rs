//! One array that all ranks of a node share: written by one rank, read by every rank, no copies.
//!
//! ```text
//! cargo run --example quickstart                         one rank
//! PSHMEM_LOCAL=4 cargo run --example quickstart          four ranks, as threads
//! mpirun -n 4 target/debug/examples/quickstart           after `cargo build --features mpi --example quickstart`
//! ```

use ndarray::{Array2, array};
use pshmem::{Comm, Result, Shared};

// `run` hands every rank the world, and turns an error on any rank into the end of the whole job.
fn main() -> std::process::ExitCode {
    pshmem::run(|comm: &Comm| -> Result<()> {
        // Every rank makes the call; each node holds one array, and it starts as zeros.
        let mut shm = Shared::<Array2<f64>>::new(comm, [3, 5])?;
        if comm.rank() == 0 {
            println!("{shm}");
        }

        // One rank has the data. It goes in at row 1, column 1, and all ranks see it when the call returns. All take
        // part because all lend their array: nobody can be reading it meanwhile.
        let data = array![[0., 1., 2.], [3., 4., 5.]];
        let mine = (comm.rank() == 0).then(|| data.view());
        shm.set(0, [1, 1], mine)?;

        // The same when the other ranks do not know who has the data: `assign` finds the one that passes `Some`.
        shm.assign([1, 1], mine)?;

        // Reading is plain reading: no lock, no message. The barriers only keep the lines in order.
        for rank in 0..comm.size() {
            if rank == comm.rank() {
                println!("rank {rank}: {}", shm.view().to_string().replace('\n', ""));
            }
            comm.barrier()?;
        }
        if comm.rank() == 3 {
            println!("rank 3 reads {} at [2, 3]", shm.view()[[2, 3]]);
        }
        Ok(())
    })
}

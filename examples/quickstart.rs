//! One array per node: written by one rank, read by all ranks without copies.
//!
//! ```text
//! cargo run --example quickstart                         one rank
//! PSHMEM_LOCAL=4 cargo run --example quickstart          four ranks, as threads
//! mpirun -n 4 target/debug/examples/quickstart           after `cargo build --features mpi --example quickstart`
//! ```

use ndarray::{Array2, array};
use pshmem::{Comm, Result, Shared};

// `run` starts the ranks and calls the closure on each of them. An error on one rank ends the job.
fn main() -> std::process::ExitCode {
    pshmem::run(|comm: &Comm| -> Result<()> {
        // Collective: every rank makes the call. Each node holds one array, filled with zeros.
        let mut shm = Shared::<Array2<f64>>::new(comm, [3, 5])?;
        if comm.rank() == 0 {
            println!("{shm}");
        }

        // Rank 0 has the data. It is written at row 1, column 1, and all ranks see it when the call returns. All ranks
        // call `set`, because it needs `&mut` on every rank: no rank can be reading the array meanwhile.
        let data = array![[0., 1., 2.], [3., 4., 5.]];
        let mine = (comm.rank() == 0).then(|| data.view());
        shm.set(0, [1, 1], mine)?;

        // The same when the other ranks do not know which rank has the data: `assign` finds the one with `Some`.
        shm.assign([1, 1], mine)?;

        // Reading needs no lock and no message. The barriers only keep the printed lines in order.
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

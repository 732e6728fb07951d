//! Ten tasks for workers of two ranks, with state files: it can be killed and started again, or started twice at once.
//!
//! ```text
//! PSHMEM_LOCAL=4 cargo run --example batch               two workers of two ranks, as threads
//! mpirun -n 4 target/debug/examples/batch                after `cargo build --features mpi --example batch`
//! cargo run -p pshmem-batch -- status DIRECTORY          the states of the tasks, while it runs or later
//! ```
//!
//! Arguments: `batch [DIRECTORY] [MILLISECONDS]`, the state directory and the duration of a task. With one rank, there is one
//! worker of one rank.

use pshmem::{Batch, Comm, TaskState};
use std::path::PathBuf;
use std::time::Duration;

const TASKS: usize = 10;

fn main() -> std::process::ExitCode {
    pshmem::run(|comm: &Comm| -> Result<(), Box<dyn std::error::Error>> {
        let mut words = std::env::args().skip(1);
        let dir = words.next().map_or_else(
            || std::env::temp_dir().join("pshmem-batch-example"),
            PathBuf::from,
        );
        let length = Duration::from_millis(words.next().map_or(Ok(200), |word| word.parse())?);

        let names = (0..TASKS).map(|task| format!("task_{task:02}"));
        let batch = Batch::builder(comm, TASKS)
            .worker_size(if comm.size() == 1 { 1 } else { 2 })
            .state_dir(&dir, names)
            .retries(1)
            .progress(true)
            .build()?;

        // Both ranks of a worker run the closure for the same task. The task is DONE when it returns `Ok` on both.
        let report = batch.run(
            |task, worker: &Comm| -> Result<(), Box<dyn std::error::Error>> {
                std::thread::sleep(length);
                if task.index() == 7 && task.attempt() == 1 {
                    return Err("no luck at the first attempt".into());
                }
                worker.barrier()?;
                if let (0, Some(dir)) = (worker.rank(), task.dir()) {
                    std::fs::write(dir.join("result"), format!("{} is done\n", task.name()))?;
                }
                Ok(())
            },
        )?;

        if comm.rank() == 0 {
            println!("{report}");
            println!("states in {}", dir.display());
            if report.count(TaskState::Done) == TASKS {
                println!("all is done; remove the directory to begin anew");
            }
        }
        Ok(())
    })
}

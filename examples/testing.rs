//! How a program tests what its ranks do together: one case, with ranks as threads, and under MPI where there is a launcher.
//!
//! ```text
//! cargo test --example testing                           with threads
//! cargo test --features mpi --example testing            also in two processes, started by `mpirun`
//! MPIEXEC="srun -n 2" cargo test ...                     by another launcher
//! ```

use pshmem::{Comm, Op, Result, Shared};
use std::process::ExitCode;

fn main() -> ExitCode {
    pshmem::run(|comm: &Comm| -> Result<()> {
        let histogram = histogram(comm, &[0, 1, 1, 3], 4)?;
        if comm.rank() == 0 {
            println!("{:?}", histogram.view());
        }
        Ok(())
    })
}

/// How many of the values of all ranks are 0, 1, ... Others are left out. Collective.
fn histogram(comm: &Comm, mine: &[usize], kinds: usize) -> Result<Shared<[u64]>> {
    let mut counts = vec![0; kinds];
    for value in mine {
        if let Some(count) = counts.get_mut(*value) {
            *count += 1;
        }
    }
    let mut histogram = Shared::<[u64]>::new(comm, kinds)?;
    histogram.reduce_into(Op::sum(), &counts[..])?;
    Ok(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pshmem::local::Cluster;

    /// What must hold on any number of ranks and nodes.
    fn values_of_all_ranks_are_counted(comm: &Comm) -> Result<()> {
        let ranks = comm.size() as u64;
        let histogram = histogram(comm, &[0, comm.rank(), 999], 2)?;
        // Each rank has a 0, rank 0 has two of them; rank 1 has the only 1.
        assert_eq!(histogram.view(), [ranks + 1, u64::from(ranks > 1)]);
        Ok(())
    }

    #[test]
    fn with_threads() {
        for nodes in [&[1][..], &[3], &[2, 1], &[1, 1, 1]] {
            // An error of a rank fails the test with its message, as a panic does.
            Cluster::new(nodes).run_ok(values_of_all_ranks_are_counted);
        }
    }

    #[test]
    #[cfg(any(feature = "mpi", feature = "mpi-abi"))]
    fn under_mpi() {
        in_processes("tests::under_mpi", values_of_all_ranks_are_counted);
    }

    /// Runs a case in two processes: a launcher starts this program again, with the test `name` only, which then comes here as a
    /// rank. Where there is no launcher, nothing is run.
    #[cfg(any(feature = "mpi", feature = "mpi-abi"))]
    fn in_processes(name: &str, case: fn(&Comm) -> Result<()>) {
        use std::io::ErrorKind;
        use std::process::Command;
        use std::sync::atomic::{AtomicBool, Ordering};

        const IS_RANK: &str = "STARTED_BY_TEST";
        if std::env::var_os(IS_RANK).is_some() {
            let succeeded = AtomicBool::new(false);
            pshmem::run(|comm: &Comm| -> Result<()> {
                case(comm)?;
                succeeded.store(true, Ordering::Relaxed);
                Ok(())
            });
            assert!(succeeded.into_inner(), "`run` has printed why");
            return;
        }
        let launcher = std::env::var("MPIEXEC").unwrap_or_else(|_| "mpirun -n 2".to_owned());
        let mut words = launcher.split_whitespace();
        let status = Command::new(words.next().unwrap_or_default())
            .args(words)
            .arg(std::env::current_exe().expect("the path of this program"))
            .args(["--exact", name, "--nocapture"])
            .env(IS_RANK, "1")
            // Ranks that wait for each other end after a minute.
            .env("PSHMEM_HANG_ABORT", "60")
            .status();
        match status {
            Ok(status) => assert!(status.success(), "{launcher}: {status}"),
            Err(why) if why.kind() == ErrorKind::NotFound => println!("not run: no `{launcher}`"),
            Err(why) => panic!("{launcher}: {why}"),
        }
    }
}

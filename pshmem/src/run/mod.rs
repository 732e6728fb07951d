//! `run`: starts the ranks, and turns a failure on one of them into the end of the job.

pub(crate) mod cluster;
pub(crate) mod launch;

use crate::comm::Comm;
use crate::comm::rank_state::leave_all;
use crate::comm::thread_state;
use crate::comm::wait::limits;
use crate::error::{Result, panic_text};
use crate::lock;
use crate::run::cluster::{places, start_ranks};
use crate::run::launch::Launch;
use crate::stderr::report;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Once, mpsc};
use std::time::Duration;

/// How long ranks may go on after another one failed.
const GRACE: Duration = Duration::from_secs(5);

/// Runs `main` on every rank of the job, and ends the job when one of them fails.
///
/// | environment | ranks |
/// |---|---|
/// | under `mpirun`, `mpiexec`, `srun` | MPI processes (feature `mpi`) |
/// | `PSHMEM_LOCAL=4` | 4 threads on one node |
/// | `PSHMEM_LOCAL=2+3+1` | 6 threads on three nodes |
/// | none of these | one rank |
///
/// `PSHMEM_RANKS_PER_NODE=n` cuts each node into nodes of `n` ranks. `MPI_DISABLE=1` keeps MPI off: under a launcher, each
/// process then runs alone.
///
/// A rank that returns an error or panics prints it with its number and host. Ranks that wait for it in a collective get
/// [`Error::RankFailed`](crate::Error::RankFailed); whoever is still running five seconds later is ended. The exit code is then not zero.
/// `std::process::exit` inside `main` ends the whole job: under MPI with a report and an exit code that is not zero, whatever
/// it was given.
///
/// ```
/// use pshmem::{Comm, Result, Shared};
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     pshmem::run(|comm: &Comm| -> Result<()> {
///         let table = Shared::<[f64]>::from_root(comm, 0, || vec![1.0, 2.0, 3.0])?;
///         println!("rank {} reads {:?}", comm.rank(), table.view());
///         Ok(())
///     })
/// }
/// ```
///
/// # Collective
/// Under a launcher, all processes call it once. The program may not have started MPI before; if it has, use
/// `Comm::from_mpi` instead.
pub fn run<E: Display>(main: impl Fn(&Comm) -> Result<(), E> + Sync) -> ExitCode {
    keep_panics();
    let ended = match launch::launch() {
        Ok(Launch::Threads(nodes)) => on_threads(&nodes, &main),
        #[cfg(feature = "mpi")]
        Ok(Launch::Mpi) => on_mpi(&main),
        Err(error) => {
            report(error);
            false
        }
    };
    if ended {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs `main` on one rank and leaves all its `Comm`s. Whether it ended well.
fn one_rank<E: Display>(
    world: &Result<Comm>,
    main: &(impl Fn(&Comm) -> Result<(), E> + Sync),
) -> bool {
    let place = world.as_ref().map_or(String::new(), |comm| {
        format!("rank {} on {} ", comm.rank(), comm.host())
    });
    // Lives until the others have been told why this rank ends.
    let mut cut = None;
    // What `main` borrowed is not used again after a panic.
    let result = catch_unwind(AssertUnwindSafe(|| {
        let comm = world.as_ref().map_err(ToString::to_string)?;
        limits::check_environment().map_err(|error| error.to_string())?;
        if let Some(n) = launch::ranks_per_node().map_err(|error| error.to_string())? {
            cut = Some(
                comm.with_ranks_per_node(n)
                    .map_err(|error| error.to_string())?,
            );
        }
        main(cut.as_ref().unwrap_or(comm)).map_err(|error| error.to_string())
    }));
    let message = match result {
        Ok(Ok(())) => None,
        Ok(Err(message)) => Some(message),
        Err(payload) => {
            Some(thread_state::take_panic().unwrap_or_else(|| panic_text(payload.as_ref())))
        }
    };
    if let Some(message) = &message {
        report(format_args!("{place}failed: {message}"));
    }
    let well = message.is_none();
    thread_state::set_failure(message);
    lock::raw_lock::leave_all();
    leave_all();
    thread_state::set_failure(None);
    well
}

fn on_threads<E: Display>(
    nodes: &[usize],
    main: &(impl Fn(&Comm) -> Result<(), E> + Sync),
) -> bool {
    if nodes == [1] {
        return one_rank(&Ok(Comm::solo()), main);
    }
    let places = places(nodes, false);
    let ranks = places.len();
    let (tell, ends) = mpsc::channel();
    std::thread::scope(|scope| {
        start_ranks(scope, places, |world| {
            let tell = tell.clone();
            let well = one_rank(&world, main);
            drop(world);
            // The receiver lives until all ranks have told.
            let _ = tell.send(well);
        });
        let mut all_agree = true;
        for _ in 0..ranks {
            let end = if all_agree {
                ends.recv().ok()
            } else {
                ends.recv_timeout(GRACE).ok()
            };
            let Some(well) = end else {
                report(format_args!(
                    "some ranks still run {} s after another one failed; ending the job",
                    GRACE.as_secs()
                ));
                std::process::exit(1);
            };
            all_agree &= well;
        }
        all_agree
    })
}

#[cfg(feature = "mpi")]
fn on_mpi<E: Display>(main: &(impl Fn(&Comm) -> Result<(), E> + Sync)) -> bool {
    use crate::transport::Transport;
    use crate::transport::mpi::Mpi;
    use std::rc::Rc;

    let Some((universe, _)) = mpi::initialize_with_threading(mpi::Threading::Multiple) else {
        report(
            "MPI has been started before `run`; use `Comm::from_mpi` in a program that starts it itself",
        );
        return false;
    };
    let transport = match Mpi::new(&universe.world()) {
        Ok(transport) => Rc::new(transport),
        Err(error) => {
            // All ranks come to the same result here, so each may end for itself.
            report(error);
            return false;
        }
    };
    transport.abort_at_exit();
    let world = Comm::world(transport.clone());
    let well = one_rank(&world, main);
    // A rank that failed gives the others some time to notice; one that ended well waits for all, as MPI_Finalize would.
    if !transport.shutdown_barrier((!well).then_some(GRACE)) {
        report(format_args!(
            "some ranks still run {} s after another one failed; ending the job",
            GRACE.as_secs()
        ));
        transport.abort();
    }
    drop(world);
    drop(universe);
    well
}

/// Keeps message and source line of the last panic of each thread, for the report of its rank.
fn keep_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info
                .location()
                .map_or(String::new(), |place| format!(" at {place}"));
            let text = format!("panicked{place}: {}", panic_text(info.payload()));
            thread_state::keep_panic(text);
            before(info);
        }));
    });
}

impl Comm {
    /// The `Comm` of a communicator of a program that starts MPI itself.
    ///
    /// The communicator is duplicated, so messages of the program never mix with those of this crate. Two duplicates and a
    /// communicator of the node's processes live until MPI ends: make one `Comm` and clone or split it.
    ///
    /// ```no_run
    /// let universe = mpi::initialize().expect("MPI was not started before");
    /// let comm = pshmem::Comm::from_mpi(&universe.world())?;
    /// println!("rank {} of {}", comm.rank(), comm.size());
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all processes of the communicator. It costs a few MPI collectives and one window.
    ///
    /// # Errors
    /// [`Error::Mpi`](crate::Error::Mpi), [`Error::Start`](crate::Error::Start) when ranks run different
    /// executables, [`Error::NoRoom`](crate::Error::NoRoom).
    #[cfg(feature = "mpi")]
    pub fn from_mpi(communicator: &impl mpi::traits::Communicator) -> Result<Comm> {
        Comm::world(std::rc::Rc::new(crate::transport::mpi::Mpi::new(
            communicator,
        )?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_closure_is_a_failing_exit_code() {
        assert!(!one_rank(&Ok(Comm::solo()), &|_: &Comm| Err(
            "no input file"
        )));
        assert!(one_rank(&Ok(Comm::solo()), &|_: &Comm| Ok::<
            (),
            crate::Error,
        >(())));
    }
}

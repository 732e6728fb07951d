//! `run`: starts the ranks as MPI processes or as threads, and ends the job when one of them fails.
//!
//! `launch` reads the environment; `cluster` starts threads.

pub(crate) mod cluster;
pub(crate) mod launch;
mod rank_end;

use crate::comm::Comm;
use crate::comm::thread_state;
use crate::comm::wait::limits;
use crate::error::{Result, panic_text};
use crate::run::cluster::{nodes_of_ranks, start_ranks};
use crate::run::launch::Launch;
use crate::run::rank_end::RankEnd;
use crate::stderr::report;
use crate::transport::thread_exit;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Once, mpsc};
use std::time::Duration;

/// How long ranks may continue after another one has failed.
const GRACE: Duration = Duration::from_secs(5);

/// Runs `main` on every rank of the job, and ends the job when one of them fails.
///
/// The environment decides what a rank is:
///
/// | environment | ranks |
/// |---|---|
/// | under `mpirun`, `mpiexec`, `srun` | MPI processes (feature `mpi`) |
/// | `PSHMEM_LOCAL=4` | 4 threads on one node |
/// | `PSHMEM_LOCAL=2+3+1` | 6 threads on three nodes |
/// | none of these | one rank |
///
/// `PSHMEM_RANKS_PER_NODE=n` cuts each node into nodes of `n` ranks. `MPI_DISABLE=1` turns MPI off: under a launcher, each
/// process is then a job of one rank. A program without feature `mpi` stops with an error under a launcher that starts several
/// processes, instead of running as many one-rank jobs.
///
/// If a rank returns an error or panics, this is printed with its number and host. Ranks that wait for it in a collective get
/// [`Error::RankFailed`](crate::Error::RankFailed); ranks that still run five seconds later are ended. The exit code is then not
/// zero. `std::process::exit` inside `main` ends the whole job, with a report and with an exit code that is not zero, also for
/// `exit(0)`. Only in a job of one rank without MPI, it is the end that the program asked for.
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
/// Under a launcher, all processes call it, once. A program that starts MPI itself uses `Comm::from_mpi` instead.
///
/// # Errors
/// It returns no error: it prints what went wrong on stderr, and the exit code is not zero.
pub fn run<E: Display>(main: impl Fn(&Comm) -> Result<(), E> + Sync) -> ExitCode {
    record_panics();
    let succeeded = match launch::launch() {
        Ok(Launch::Threads(nodes)) => on_threads(&nodes, &main),
        #[cfg(feature = "__mpi")]
        Ok(Launch::Mpi) => on_mpi(&main),
        Err(error) => {
            report(error);
            false
        }
    };
    if succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs `main` on one rank, then leaves all its `Comm`s. Returns whether it succeeded.
fn one_rank<E: Display>(
    end: RankEnd,
    world: &Result<Comm>,
    main: &(impl Fn(&Comm) -> Result<(), E> + Sync),
) -> bool {
    let place = world.as_ref().map_or(String::new(), |comm| {
        format!("rank {} on {} ", comm.rank(), comm.host())
    });
    // Dropped after `RankEnd::leave` has told the other ranks why this one ends.
    let mut divided = None;
    // What `main` borrowed is not used again after a panic.
    let result = catch_unwind(AssertUnwindSafe(|| {
        let comm = world.as_ref().map_err(ToString::to_string)?;
        limits::check_environment().map_err(|error| error.to_string())?;
        if let Some(n) = launch::ranks_per_node().map_err(|error| error.to_string())? {
            divided = Some(
                comm.with_ranks_per_node(n)
                    .map_err(|error| error.to_string())?,
            );
        }
        main(divided.as_ref().unwrap_or(comm)).map_err(|error| error.to_string())
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
    let succeeded = message.is_none();
    end.leave(message);
    succeeded
}

fn on_threads<E: Display>(
    nodes: &[usize],
    main: &(impl Fn(&Comm) -> Result<(), E> + Sync),
) -> bool {
    if nodes == [1] {
        let end = RankEnd::new();
        return one_rank(end, &Ok(Comm::solo()), main);
    }
    let nodes = nodes_of_ranks(nodes, false);
    let ranks = nodes.len();
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        let threads = start_ranks(scope, nodes, |end, world| {
            let sender = sender.clone();
            let succeeded = one_rank(end, &world, main);
            drop(world);
            // The receiver lives until all ranks have sent.
            let _ = sender.send(succeeded);
        });
        let mut all_succeeded = threads.len() == ranks;
        if threads.is_empty() {
            report("the system could not start any thread");
        }
        for _ in threads {
            let result = if all_succeeded {
                results.recv().ok()
            } else {
                results.recv_timeout(GRACE).ok()
            };
            let Some(succeeded) = result else {
                report(format_args!(
                    "some ranks still run {} s after another one failed; ending the job",
                    GRACE.as_secs()
                ));
                thread_exit::end_process();
            };
            all_succeeded &= succeeded;
        }
        all_succeeded
    })
}

#[cfg(feature = "__mpi")]
fn on_mpi<E: Display>(main: &(impl Fn(&Comm) -> Result<(), E> + Sync)) -> bool {
    use crate::transport::Transport;
    use crate::transport::mpi::Started;
    use std::rc::Rc;

    let started = match Started::new() {
        Ok(started) => started,
        Err(error) => {
            report(error);
            return false;
        }
    };
    let transport = match started.world() {
        Ok(transport) => Rc::new(transport),
        Err(error) => {
            // All ranks get an error here, so each may end by itself.
            report(error);
            return false;
        }
    };
    transport.abort_at_exit();
    let end = RankEnd::new();
    let world = Comm::world(transport.clone());
    let succeeded = one_rank(end, &world, main);
    // A rank that failed gives the others some time to notice. One that succeeded waits for all, as MPI_Finalize would.
    if !transport.shutdown_barrier((!succeeded).then_some(GRACE)) {
        report(format_args!(
            "some ranks still run {} s after another one failed; ending the job",
            GRACE.as_secs()
        ));
        transport.abort();
    }
    drop(world);
    drop(started);
    succeeded
}

/// Records message and source line of the last panic of each thread, for the report of its rank.
fn record_panics() {
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
    /// Makes a `Comm` from a communicator, in a program that starts MPI itself.
    ///
    /// The communicator is duplicated, so messages of the program never mix with those of this crate. Two duplicates and a
    /// communicator of the node's processes live until MPI ends, so make one `Comm` and clone or split it.
    ///
    /// When this rank ends MPI, it leaves the `Comm`s that it still has, and waits for the other ranks to end MPI as well. Meanwhile
    /// it handles their requests about locks and batches that it keeps.
    ///
    /// ```no_run
    /// let universe = mpi::initialize().expect("MPI was not started before");
    /// let comm = pshmem::Comm::from_mpi(&universe.world())?;
    /// println!("rank {} of {}", comm.rank(), comm.size());
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// All processes of the communicator call it. It costs a few MPI collectives and one window.
    ///
    /// # Errors
    /// [`Error::NoRoom`](crate::Error::NoRoom), and [`Error::Start`](crate::Error::Start) when the ranks run different
    /// executables. A failure of MPI ends the job.
    #[cfg(any(feature = "mpi", doc))]
    #[cfg_attr(docsrs, doc(cfg(feature = "mpi")))]
    pub fn from_mpi(communicator: &impl mpi::traits::Communicator) -> Result<Comm> {
        #[cfg(feature = "mpi")]
        {
            let transport = crate::transport::mpi::Mpi::from_user(communicator)?;
            // A rank makes no more calls when it ends MPI, so it leaves then what the program still has.
            transport.before_finalize(rank_end::leave_all);
            Comm::world(std::rc::Rc::new(transport))
        }
        #[cfg(not(feature = "mpi"))]
        {
            let _ = communicator;
            unreachable!("only documentation has this function without feature `mpi`")
        }
    }
}

/// Stands in for the crate `mpi` where documentation is built without it, as on docs.rs: the crate cannot be compiled
/// without an MPI library.
#[cfg(all(doc, not(feature = "mpi")))]
mod mpi {
    pub(super) mod traits {
        pub trait Communicator {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_closure_is_a_failing_exit_code() {
        assert!(!one_rank(RankEnd::new(), &Ok(Comm::solo()), &|_: &Comm| {
            Err("no input file")
        }));
        assert!(one_rank(
            RankEnd::new(),
            &Ok(Comm::solo()),
            &|_: &Comm| Ok::<(), crate::Error>(())
        ));
    }
}

//! `run`: starts the ranks as MPI processes or as threads, and ends the job when one of them fails.
//!
//! - `launch` reads the environment · `cluster` starts threads · `mpi_start` starts MPI · `launcher_watch` what becomes of ranks without launcher
//! - `failures` is what is printed when ranks fail · `rank_end` what a rank leaves

pub(crate) mod cluster;
mod failures;
pub(crate) mod launch;
#[cfg(feature = "__mpi")]
mod launcher_watch;
#[cfg(feature = "__mpi")]
mod mpi_start;
mod rank_end;

use crate::comm::Comm;
use crate::comm::settings;
use crate::comm::thread_state;
use crate::comm::wait::limits;
use crate::error::{Result, panic_text};
use crate::run::cluster::{nodes_of_ranks, start_ranks};
use crate::run::failures::Failure;
use crate::run::launch::{Launch, Start};
use crate::run::rank_end::RankEnd;
use crate::stderr::report;
use crate::transport::thread_exit;
use crate::transport::threads::Threads;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Once, mpsc};
use std::time::{Duration, Instant};

/// How long ranks may continue after another one has failed.
const GRACE: Duration = Duration::from_secs(5);

/// How long the reason of a failure waits for other ranks that fail for the same reason, to be printed with them.
const TOGETHER: Duration = Duration::from_secs(1);

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
/// `PSHMEM_DOMAIN=numa` (or `socket`, `l3`, `node`) divides each node by memory domains, as [`Comm::with_domains`] does.
/// `PSHMEM_RANKS_PER_NODE=n` divides each node, or each of its domains, into nodes of `n` ranks. `MPI_DISABLE=1` turns MPI off:
/// under a launcher, each process is then a job of one rank. A program that a launcher has started as several processes, and
/// that has no MPI or a library that does not join the job of this launcher, stops with an error that names the fitting command,
/// instead of running as many one-rank jobs. Environment variables that begin with `PSHMEM_` and are no settings are named once.
///
/// If a rank returns an error or panics, this is printed with its number and host; an error that several ranks return within a
/// second is printed once, as in `ranks 0-3,5 failed: ...`. Ranks that wait for it in a collective get
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
        Ok(Start { launch, notices }) => {
            notices.iter().for_each(report);
            match launch {
                Launch::Threads(nodes) => on_threads(&nodes, &main),
                #[cfg(feature = "__mpi")]
                Launch::Mpi(launchers) => on_mpi(&launchers, &main),
            }
        }
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

/// Runs `main` on one rank, then leaves all its `Comm`s. Returns why it has failed, if it has.
fn one_rank<E: Display>(
    end: RankEnd,
    world: &Result<Comm>,
    main: &(impl Fn(&Comm) -> Result<(), E> + Sync),
) -> Option<Failure> {
    let place = world.as_ref().ok();
    let place = place.map(|comm| (comm.rank(), comm.host().to_string()));
    // Dropped after `RankEnd::leave` has told the other ranks why this one ends.
    let mut divided = Vec::new();
    // What `main` borrowed is not used again after a panic.
    let result = catch_unwind(AssertUnwindSafe(|| {
        let comm = world.as_ref().map_err(ToString::to_string)?;
        settings::check_environment()
            .and(limits::check_environment())
            .map_err(|error| error.to_string())?;
        divide_world(comm, &mut divided).map_err(|error| error.to_string())?;
        main(divided.last().unwrap_or(comm)).map_err(|error| error.to_string())
    }));
    let message = match result {
        Ok(Ok(())) => None,
        Ok(Err(message)) => Some(message),
        Err(payload) => {
            Some(thread_state::take_panic().unwrap_or_else(|| panic_text(payload.as_ref())))
        }
    };
    end.leave(message.clone());
    message.map(|message| Failure { place, message })
}

/// Divides the nodes of the world as the environment asks for: by domains, then each domain by a number of ranks.
fn divide_world(world: &Comm, divided: &mut Vec<Comm>) -> Result<()> {
    let division = launch::division()?;
    if let Some(domain) = division.domain {
        divided.push(world.with_domains(domain)?);
    }
    if let Some(n) = division.ranks_per_node {
        let whole = divided.last().unwrap_or(world);
        divided.push(whole.with_ranks_per_node(n)?);
    }
    Ok(())
}

fn on_threads<E: Display>(
    nodes: &[usize],
    main: &(impl Fn(&Comm) -> Result<(), E> + Sync),
) -> bool {
    if nodes == [1] {
        let end = RankEnd::new();
        let failure = one_rank(end, &Ok(Comm::solo()), main);
        failure.iter().for_each(report);
        return failure.is_none();
    }
    let nodes = nodes_of_ranks(nodes, false);
    let ranks = nodes.len();
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        let threads = start_ranks(scope, nodes, Threads::connect, |end, world| {
            let sender = sender.clone();
            let failure = one_rank(end, &world, main);
            drop(world);
            // The receiver lives until all ranks have sent.
            let _ = sender.send(failure);
        });
        if threads.is_empty() {
            report("the system could not start any thread");
        }
        let all_started = threads.len() == ranks;
        let all_succeeded = collect_failures(&results, threads.len());
        all_started && all_succeeded
    })
}

/// Waits for the results of so many ranks and reports failures. Ends the process when ranks still run long after another one has
/// failed. Returns whether all have succeeded.
fn collect_failures(results: &mpsc::Receiver<Option<Failure>>, ranks: usize) -> bool {
    let mut first: Option<Instant> = None;
    let mut failures = Vec::new();
    let report_failures = |failures: &mut Vec<Failure>| {
        failures::lines(std::mem::take(failures))
            .iter()
            .for_each(report);
    };
    let mut is_reported = false;
    let mut running = ranks;
    while running > 0 {
        let wait = if is_reported { GRACE } else { TOGETHER };
        let result = match first {
            None => results.recv().ok(),
            Some(first) => results
                .recv_timeout((first + wait).saturating_duration_since(Instant::now()))
                .ok(),
        };
        match result {
            Some(failure) => {
                running -= 1;
                if failure.is_some() {
                    first.get_or_insert_with(Instant::now);
                }
                failures.extend(failure);
            }
            None if !is_reported => {
                report_failures(&mut failures);
                is_reported = true;
            }
            None => {
                report_failures(&mut failures);
                report_overdue();
                thread_exit::end_process();
            }
        }
    }
    report_failures(&mut failures);
    first.is_none()
}

fn report_overdue() {
    report(format_args!(
        "some ranks still run {} s after another one failed; ending the job",
        GRACE.as_secs()
    ));
}

/// What is printed where MPI has not given the thread level that was asked for.
#[cfg(feature = "__mpi")]
const FEW_THREADS: &str = "the MPI library does not give MPI_THREAD_MULTIPLE: over several nodes, a lock or batch waits for its home rank \
    to make a call of pshmem";

#[cfg(feature = "__mpi")]
fn on_mpi<E: Display>(
    launchers: &launch::Launchers,
    main: &(impl Fn(&Comm) -> Result<(), E> + Sync),
) -> bool {
    use crate::transport::Transport;
    use std::rc::Rc;

    let Some(started) = mpi_start::start(launchers) else {
        return false;
    };
    let library = started.library_if_alone();
    let joined = library.map_or(Ok(()), |library| launch::check_joined(launchers, &library));
    let transport = match joined.and_then(|()| started.world()) {
        Ok(transport) => Rc::new(transport),
        Err(error) => {
            // All ranks get the same error here, so each may end by itself, and the first one reports.
            let (rank, ranks) = started.rank_and_size();
            match rank {
                0 if ranks == 1 => report(error),
                0 => report(Failure::of_all(&error).of_ranks(&(0..ranks).collect::<Vec<_>>())),
                _ => {}
            }
            return false;
        }
    };
    transport.abort_at_exit();
    launcher_watch::watch(format!("rank {} on {}", transport.rank(), transport.host()));
    if transport.rank() == 0 && !transport.has_threads() {
        report(FEW_THREADS);
    }
    let end = RankEnd::new();
    let world = Comm::world(transport.clone());
    let failure = one_rank(end, &world, main);
    let succeeded = failure.is_none();
    end_together(&transport, failure);
    drop(world);
    drop(started);
    succeeded
}

/// Waits for the other ranks, and reports failures. Ranks that have failed end the job when others still run long after that; one
/// that has succeeded waits for all, as `MPI_Finalize` would.
#[cfg(feature = "__mpi")]
fn end_together(transport: &crate::transport::mpi::Mpi, mut failure: Option<Failure>) {
    use crate::transport::Transport;

    let start = Instant::now();
    let has_failed = failure.is_some();
    let after = |wait| has_failed.then(|| start + wait);
    let mut count = transport.sum_at_end(vec![u64::from(has_failed)]);
    if count.wait(after(TOGETHER)).is_none() {
        // Somebody still runs, and may go on for long, or end the job.
        failure.take().iter().for_each(report);
    }
    let Some(failed) = count.wait(after(GRACE)) else {
        report_overdue();
        transport.abort();
    };
    if failed != [0] {
        let mut mine = vec![0; transport.node_of().len()];
        if let Some(failure) = &failure {
            mine[transport.rank()] = failure.fingerprint();
        }
        let mut fingerprints = transport.sum_at_end(mine);
        // All ranks have come to the end, so none is waited for in vain.
        let all = fingerprints.wait(None).unwrap_or_default();
        let ranks = failures::to_report(all, transport.rank());
        if let (Some(failure), Some(ranks)) = (&failure, ranks) {
            report(failure.of_ranks(&ranks));
        }
    }
    transport.end();
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
    /// executables, or when the launcher has started several processes of which MPI sees only this one. A failure of MPI ends the
    /// job.
    #[cfg(any(feature = "mpi", doc))]
    #[cfg_attr(docsrs, doc(cfg(feature = "mpi")))]
    pub fn from_mpi(communicator: &impl mpi::traits::Communicator) -> Result<Comm> {
        #[cfg(feature = "mpi")]
        {
            if let Some(library) = crate::transport::mpi::linked_library_if_alone() {
                launch::check_joined_by_itself(&library)?;
            }
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
        let world = Ok(Comm::solo());
        let failed = one_rank(RankEnd::new(), &world, &|_: &Comm| Err("no input file"));
        assert_eq!(failed.unwrap().message, "no input file");
        let ended = |_: &Comm| Ok::<(), crate::Error>(());
        assert_eq!(one_rank(RankEnd::new(), &world, &ended), None);
    }
}

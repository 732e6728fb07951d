//! `Cluster`: ranks as threads of one process, on nodes of any size.

use crate::comm::Comm;
use crate::error::Error;
use crate::error::{Result, panic_text};
use crate::run::failures::Failure;
use crate::run::rank_end::RankEnd;
use crate::sync::lock;
use crate::transport::Transport;
#[cfg(feature = "__delays")]
use crate::transport::delayed::{Delayed, Network};
use crate::transport::thread_exit::{RankPlace, RankThread};
use crate::transport::threads::{ThreadWorld, Threads};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Scope, ScopedJoinHandle};

/// A simulated cluster: nodes with ranks, all of them threads of this process.
///
/// Nodes are as separate as on a real cluster: each has its own copy of every object, and messages carry the bytes between
/// them. Use it in tests, and to run without MPI.
///
/// ```
/// use pshmem::{Shared, local::Cluster};
///
/// // Three nodes with 4, 2 and 1 ranks.
/// let sums = Cluster::new(&[4, 2, 1]).run(|comm| {
///     let table = Shared::<[u64]>::from_root(comm, 5, || vec![1, 2, 3]).unwrap();
///     table.view().iter().sum::<u64>()
/// });
/// assert_eq!(sums, [6; 7]);
/// ```
#[derive(Debug, Clone)]
pub struct Cluster {
    nodes: Vec<usize>,
    cyclic: bool,
    /// The seed of the delays of messages.
    #[cfg(feature = "__delays")]
    delays: Option<u64>,
}

impl Cluster {
    /// Nodes with these numbers of ranks. Consecutive ranks share a node; nodes without ranks are left out.
    ///
    /// ```
    /// let nodes = pshmem::local::Cluster::new(&[2, 1]).run(|comm| comm.node().index);
    /// assert_eq!(nodes, [0, 0, 1]);
    /// ```
    ///
    /// # Panics
    /// If there is no rank at all.
    #[must_use]
    pub fn new(ranks_per_node: &[usize]) -> Self {
        assert!(
            ranks_per_node.iter().any(|&ranks| ranks > 0),
            "a cluster needs at least one rank"
        );
        Cluster {
            nodes: ranks_per_node.to_vec(),
            cyclic: false,
            #[cfg(feature = "__delays")]
            delays: None,
        }
    }

    /// Assigns ranks to the nodes round-robin.
    ///
    /// ```
    /// let nodes = pshmem::local::Cluster::new(&[1, 3]).cyclic().run(|comm| comm.node().index);
    /// assert_eq!(nodes, [0, 1, 1, 1]);
    /// ```
    #[must_use]
    pub fn cyclic(mut self) -> Self {
        self.cyclic = true;
        self
    }

    /// Delays messages between ranks, and changes their order where MPI promises none, in a way that depends on `seed`.
    #[cfg(feature = "__delays")]
    #[doc(hidden)]
    #[must_use]
    pub fn with_delays(mut self, seed: u64) -> Self {
        self.delays = Some(seed);
        self
    }

    /// What connects a rank to the others.
    #[cfg(feature = "__delays")]
    fn connect(
        &self,
    ) -> impl Fn(Arc<ThreadWorld>, usize) -> Rc<dyn Transport> + Send + Sync + Clone + use<> {
        let network = self.delays.map(Network::new);
        move |world, rank| match &network {
            Some(network) => Rc::new(Delayed::new(network.clone(), world, rank)),
            None => Threads::connect(world, rank),
        }
    }

    /// Runs `main` on every rank and returns what they returned, in the order of ranks.
    ///
    /// Where ranks return a `Result`, [`run_ok`](Cluster::run_ok) makes an error a panic.
    ///
    /// ```
    /// let ranks = pshmem::local::Cluster::new(&[3]).run(|comm| comm.rank());
    /// assert_eq!(ranks, [0, 1, 2]);
    /// ```
    ///
    /// # Panics
    /// - If a rank panics, with the payload of the lowest such rank, after all ranks have ended. Ranks that wait for it get
    ///   [`Error::RankFailed`](crate::Error::RankFailed).
    /// - If the system cannot start a thread for each rank. `main` is then called on none.
    #[must_use = "results may be errors of ranks; `run_ok` panics with the first one"]
    pub fn run<R: Send>(&self, main: impl Fn(&Comm) -> R + Sync) -> Vec<R> {
        let results = self.run_until(main, |_, result| {
            let failure = result.as_ref().err();
            failure.map(|payload| panic_text(payload.as_ref()))
        });
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(|payload| resume_unwind(payload)))
            .collect()
    }

    /// Runs `main` on every rank and returns the values of all, in the order of ranks. An error of a rank is a panic: for tests.
    ///
    /// As in [`run`](crate::run), ranks that wait for one that has returned an error get
    /// [`Error::RankFailed`](crate::Error::RankFailed).
    ///
    /// ```
    /// use pshmem::{Result, Shared, local::Cluster};
    ///
    /// let sums = Cluster::new(&[2, 1]).run_ok(|comm| -> Result<u64> {
    ///     let table = Shared::<[u64]>::from_root(comm, 0, || vec![1, 2, 3])?;
    ///     Ok(table.view().iter().sum())
    /// });
    /// assert_eq!(sums, [6, 6, 6]);
    /// ```
    ///
    /// # Panics
    /// - If a rank returns an error, with the error that came first in time, its rank and its host, after all ranks have ended.
    /// - Where [`run`](Cluster::run) panics.
    #[track_caller]
    pub fn run_ok<R: Send, E: Display>(
        &self,
        main: impl Fn(&Comm) -> Result<R, E> + Sync,
    ) -> Vec<R> {
        // The first failure in time is the reason of those that follow. `None` for a panic, which has its own message.
        let first = Mutex::new(None::<Option<Failure>>);
        // Errors become text on their own thread, because they need not be `Send`.
        let main = |comm: &Comm| main(comm).map_err(|error| error.to_string());
        let results = self.run_until(main, |comm, result| {
            let (failure, message) = match result {
                Ok(Ok(_)) => return None,
                Ok(Err(message)) => {
                    let place = Some((comm.rank(), comm.host().to_string()));
                    let message = message.clone();
                    let failure = Failure {
                        place,
                        message: message.clone(),
                    };
                    (Some(failure), message)
                }
                Err(payload) => (None, panic_text(payload.as_ref())),
            };
            lock(&first).get_or_insert(failure);
            Some(message)
        });
        if let Some(Some(failure)) = &*lock(&first) {
            panic!("{failure}");
        }
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(|payload| resume_unwind(payload)))
            .map(|result| result.unwrap_or_else(|message| panic!("{message}")))
            .collect()
    }

    /// Runs `main` on every rank. `failure_of` says why a rank has failed, if it has; ranks that wait for it get this text.
    fn run_until<R: Send>(
        &self,
        main: impl Fn(&Comm) -> R + Sync,
        failure_of: impl Fn(&Comm, &std::thread::Result<R>) -> Option<String> + Sync,
    ) -> Vec<std::thread::Result<R>> {
        #[cfg(feature = "__delays")]
        let connect = self.connect();
        #[cfg(not(feature = "__delays"))]
        let connect = Threads::connect;
        std::thread::scope(|scope| {
            let threads = start_ranks(
                scope,
                nodes_of_ranks(&self.nodes, self.cyclic),
                connect,
                |end, world| {
                    let comm = world.unwrap_or_else(|error| panic!("{error}"));
                    // Nothing that `main` borrowed is used again after a panic.
                    let result = catch_unwind(AssertUnwindSafe(|| main(&comm)));
                    end.leave(failure_of(&comm, &result));
                    drop(comm);
                    result
                },
            );
            assert!(!threads.is_empty(), "the system could not start any thread");
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(Err))
                .collect()
        })
    }
}

/// The node of each rank, for nodes with these numbers of ranks.
pub(crate) fn nodes_of_ranks(nodes: &[usize], cyclic: bool) -> Vec<u32> {
    if !cyclic {
        let repeat = |(node, &ranks): (usize, &usize)| std::iter::repeat_n(node as u32, ranks);
        return nodes.iter().enumerate().flat_map(repeat).collect();
    }
    let rounds = nodes.iter().copied().max().unwrap_or(0);
    (0..rounds)
        .flat_map(|round| (0..nodes.len()).filter(move |&node| nodes[node] > round))
        .map(|node| node as u32)
        .collect()
}

/// Whether all threads of a job have been started, once that is known.
#[derive(Debug, Default)]
struct StartGate {
    all_started: Mutex<Option<bool>>,
    is_known: Condvar,
}

impl StartGate {
    fn open(&self, all_started: bool) {
        *lock(&self.all_started) = Some(all_started);
        self.is_known.notify_all();
    }

    fn wait(&self) -> bool {
        let mut known = lock(&self.all_started);
        loop {
            if let Some(all_started) = *known {
                return all_started;
            }
            known = self
                .is_known
                .wait(known)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Starts a thread for each rank, which calls `body` with its world, to which `connect` connects it. If a thread cannot be
/// started, all ranks get an error instead of waiting for the missing one.
pub(crate) fn start_ranks<'scope, R: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    nodes: Vec<u32>,
    connect: impl Fn(Arc<ThreadWorld>, usize) -> Rc<dyn Transport> + Sync + Send + Clone + 'scope,
    body: impl Fn(RankEnd, Result<Comm>) -> R + Sync + Send + Clone + 'scope,
) -> Vec<ScopedJoinHandle<'scope, R>> {
    let world = ThreadWorld::new(nodes);
    let ranks = world.size();
    let gate = Arc::new(StartGate::default());
    let mut threads = Vec::with_capacity(ranks);
    for rank in 0..ranks {
        let (world, connect) = (world.clone(), connect.clone());
        let (body, gate) = (body.clone(), gate.clone());
        let node = world.node_of(rank);
        let thread = std::thread::Builder::new().name(format!("rank {rank}"));
        let run = move || {
            let end = RankEnd::new();
            // Until the body has ended.
            let _rank = RankThread::new(RankPlace { rank, node });
            let comm = if gate.wait() {
                Comm::world(connect(world, rank))
            } else {
                Err(Error::Start {
                    reason: format!(
                        "the system could not start {ranks} threads, one for each rank; ask for fewer ranks, or raise the limit of \
                         processes (`ulimit -u`) or memory"
                    ),
                })
            };
            body(end, comm)
        };
        match thread.spawn_scoped(scope, run) {
            Ok(thread) => threads.push(thread),
            Err(_) => break,
        }
    }
    gate.open(threads.len() == ranks);
    threads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_on_the_nodes_that_were_asked_for() {
        assert_eq!(nodes_of_ranks(&[2, 0, 1], false), [0, 0, 2]);
        assert_eq!(nodes_of_ranks(&[1, 2, 4], true), [0, 1, 2, 1, 2, 2, 2]);
    }
}

//! Ranks as threads of one process: to start with nothing installed, and to test on nodes of any shape.

use crate::comm::Comm;
use crate::comm::core::leave_all;
use crate::comm::guard;
use crate::error::panic_text;
use crate::transport::local::{Local, World};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

/// Some nodes, each with some ranks, all of them threads of this process.
///
/// Nodes are as separate as on a cluster: each has its own copy of every object, and bytes travel between them as messages.
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
}

impl Cluster {
    /// Nodes with these numbers of ranks, consecutive ranks on a node. Nodes without ranks are left out.
    ///
    /// # Panics
    /// When there is no rank at all.
    #[must_use]
    pub fn new(ranks_per_node: &[usize]) -> Self {
        assert!(ranks_per_node.iter().any(|&ranks| ranks > 0), "a cluster needs at least one rank");
        Cluster { nodes: ranks_per_node.to_vec(), cyclic: false }
    }

    /// The same nodes, with ranks dealt out round-robin.
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

    /// Node of each rank.
    fn places(&self) -> Vec<u32> {
        if !self.cyclic {
            let repeat = |(node, &ranks): (usize, &usize)| std::iter::repeat_n(node as u32, ranks);
            return self.nodes.iter().enumerate().flat_map(repeat).collect();
        }
        let rounds = self.nodes.iter().copied().max().unwrap_or(0);
        (0..rounds)
            .flat_map(|round| (0..self.nodes.len()).filter(move |&node| self.nodes[node] > round))
            .map(|node| node as u32)
            .collect()
    }

    /// Runs `main` on every rank and returns what they returned, in the order of ranks.
    ///
    /// ```
    /// let ranks = pshmem::local::Cluster::new(&[3]).run(|comm| comm.rank());
    /// assert_eq!(ranks, [0, 1, 2]);
    /// ```
    ///
    /// # Panics
    /// When a rank panics, with the payload of the lowest such rank, after all ranks have ended. Ranks that wait for it get
    /// [`Error::RankFailed`](crate::Error::RankFailed).
    pub fn run<R: Send>(&self, main: impl Fn(&Comm) -> R + Sync) -> Vec<R> {
        let world = World::new(self.places());
        let ranks = self.places().len();
        let results: Vec<_> = std::thread::scope(|scope| {
            let start = |rank: usize| {
                let (world, main) = (&world, &main);
                let body = move || {
                    let comm = Comm::world(Rc::new(Local::new(world.clone(), rank))).expect("memory for control blocks");
                    // Nothing of `main` is used again after its panic has been kept.
                    let result = catch_unwind(AssertUnwindSafe(|| main(&comm)));
                    if let Err(payload) = &result {
                        guard::set_failure(Some(panic_text(payload.as_ref())));
                    }
                    drop(comm);
                    leave_all();
                    guard::set_failure(None);
                    result
                };
                let name = format!("rank {rank}");
                std::thread::Builder::new().name(name).spawn_scoped(scope, body).expect("a thread for each rank")
            };
            let threads: Vec<_> = (0..ranks).map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(Err)).collect()
        });
        results.into_iter().map(|result| result.unwrap_or_else(|payload| resume_unwind(payload))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_dealt_as_asked() {
        assert_eq!(Cluster::new(&[2, 0, 1]).places(), [0, 0, 2]);
        assert_eq!(Cluster::new(&[1, 2, 4]).cyclic().places(), [0, 1, 2, 1, 2, 2, 2]);
    }
}

//! The worlds on which cases run: how many ranks each node has, and how ranks are assigned to nodes.

use pshmem::local::Cluster;
use pshmem::{Comm, Result, Shared};

use crate::collective::split;

/// A cluster of threads.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Ranks on each node.
    pub nodes: Vec<usize>,
    /// Whether ranks are assigned to nodes in turn, instead of node by node.
    pub cyclic: bool,
    /// The seed of delays, where messages between ranks are late and arrive in another order.
    pub delays: Option<u64>,
}

/// The clusters on which every case runs.
const CLUSTERS: &[(&[usize], bool, Option<u64>)] = &[
    (&[1], false, None),
    (&[2], false, None),
    (&[4], false, None),
    (&[1, 1], false, None),
    (&[2, 2], false, None),
    (&[1, 3], false, None),
    (&[2, 2], true, None),
    (&[3, 2, 1], true, None),
    // A tree of nodes with three levels.
    (&[1, 1, 1, 1, 1], false, None),
    // One seed with one-sided operations and one without.
    (&[2, 1], false, Some(0)),
    (&[1, 2], false, Some(1)),
];

/// The environment variable with the names of clusters that are left out, as in `4;1+3`.
pub const LEFT_OUT: &str = "PSHMEM_TEST_LEAVE_OUT";

/// The names of the clusters that are left out.
#[must_use]
pub fn left_out() -> Vec<String> {
    let list = std::env::var(LEFT_OUT).unwrap_or_default();
    list.split(';').map(str::to_owned).collect()
}

impl Shape {
    /// The cluster of this shape.
    #[must_use]
    pub fn cluster(&self) -> Cluster {
        let mut cluster = Cluster::new(&self.nodes);
        if self.cyclic {
            cluster = cluster.cyclic();
        }
        if let Some(seed) = self.delays {
            cluster = cluster.with_delays(seed);
        }
        cluster
    }

    /// `2+2`, `2+2 cyclic` or `2+2 delays 7`.
    fn name(&self) -> String {
        let name = join(&self.nodes, "+");
        let order = if self.cyclic { " cyclic" } else { "" };
        let delays = self.delays.map(|seed| format!(" delays {seed}"));
        name + order + &delays.unwrap_or_default()
    }
}

/// All clusters with their names.
pub fn clusters() -> impl Iterator<Item = (String, Cluster)> {
    CLUSTERS.iter().map(|&(nodes, cyclic, delays)| {
        let shape = Shape {
            nodes: nodes.to_vec(),
            cyclic,
            delays,
        };
        (shape.name(), shape.cluster())
    })
}

/// `world` and `Comm`s derived from it: nodes divided into smaller ones, and ranks in another order. No two have the same
/// node for each rank. Collective.
///
/// # Errors
/// When `world` does not work.
pub fn derived(world: &Comm) -> Result<Vec<(String, Comm)>> {
    let mut derived: Vec<(Vec<usize>, Comm)> = Vec::new();
    let mut add = |comm: Comm| -> Result<()> {
        let nodes = node_of_each_rank(&comm)?;
        if derived.iter().all(|(known, _)| *known != nodes) {
            derived.push((nodes, comm));
        }
        Ok(())
    };
    add(world.clone())?;
    for n in 1..=3 {
        let divided = world.with_ranks_per_node(n)?;
        // A split keeps the nodes, so another order of ranks makes 1+3 from 3+1, and cyclic assignment from 2+2.
        let reversed = split(&divided, 0, divided.size() - divided.rank())?;
        let cyclic = split(&divided, 0, divided.node().rank)?;
        for comm in [divided, reversed, cyclic] {
            add(comm)?;
        }
    }
    Ok(derived
        .into_iter()
        .map(|(nodes, comm)| (name(&nodes), comm))
        .collect())
}

/// The number of the node of each rank. Collective.
///
/// # Errors
/// When `comm` does not work.
pub fn node_of_each_rank(comm: &Comm) -> Result<Vec<usize>> {
    let mut nodes = Shared::<[usize]>::new(comm, comm.size())?;
    for rank in 0..comm.size() {
        nodes.set(rank, rank, Some(&[comm.node().index]))?;
    }
    Ok(nodes.to_owned())
}

/// `2+2` for ranks assigned node by node, and else the node of each rank: `nodes 0,1,0,1`.
fn name(nodes: &[usize]) -> String {
    if nodes.is_sorted() {
        let counts: Vec<usize> = nodes.chunk_by(|a, b| a == b).map(<[usize]>::len).collect();
        join(&counts, "+")
    } else {
        format!("nodes {}", join(nodes, ","))
    }
}

fn join(numbers: &[usize], separator: &str) -> String {
    let texts: Vec<String> = numbers.iter().map(usize::to_string).collect();
    texts.join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_ranks_give_all_shapes_of_four() {
        let names = Cluster::new(&[4]).run(|world| {
            derived(world)
                .unwrap()
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        });
        for of_rank in names {
            for name in ["4", "1+1+1+1", "2+2", "nodes 0,1,0,1", "3+1", "1+3"] {
                assert!(
                    of_rank.iter().any(|found| found == name),
                    "{name} is not among {of_rank:?}"
                );
            }
        }
    }
}

//! The worlds on which cases run: ranks per node and how ranks are dealt.

use pshmem::local::Cluster;
use pshmem::{Comm, Result, Shared};

/// A cluster of threads, by its name: ranks per node, dealt round-robin where it says so.
const CLUSTERS: &[(&[usize], bool)] = &[
    (&[1], false),
    (&[2], false),
    (&[3], false),
    (&[4], false),
    (&[1, 1], false),
    (&[2, 2], false),
    (&[1, 3], false),
    (&[3, 1], false),
    (&[2, 2], true),
    (&[1, 2, 4], false),
    (&[4, 2, 1], true),
    (&[1, 1, 1, 1, 1, 1, 1, 1], false),
];

/// All clusters with their names.
pub fn clusters() -> impl Iterator<Item = (String, Cluster)> {
    CLUSTERS.iter().map(|&(nodes, cyclic)| {
        let counts: Vec<String> = nodes.iter().map(usize::to_string).collect();
        let name = counts.join("+");
        let cluster = Cluster::new(nodes);
        if cyclic {
            (name + " cyclic", cluster.cyclic())
        } else {
            (name, cluster)
        }
    })
}

/// `world` and what can be derived from it: nodes cut into pieces, and ranks dealt in another order. No placement of ranks
/// comes twice. Collective.
///
/// # Errors
/// When `world` does not work.
pub fn derived(world: &Comm) -> Result<Vec<(String, Comm)>> {
    let mut found: Vec<(Vec<u8>, String, Comm)> = Vec::new();
    let mut add = |comm: Comm| -> Result<()> {
        let nodes = placement(&comm)?;
        if found.iter().all(|(known, ..)| *known != nodes) {
            let name = name(&nodes);
            found.push((nodes, name, comm));
        }
        Ok(())
    };
    add(world.clone())?;
    for n in 1..=3 {
        let cut = world.with_ranks_per_node(n)?;
        // Nodes are kept by a split, so other orders of ranks give 1+3 from 3+1 and cyclic dealing from 2+2.
        let reversed = reorder(&cut, cut.size() - cut.rank())?;
        let cyclic = reorder(&cut, cut.node().rank)?;
        for comm in [cut, reversed, cyclic] {
            add(comm)?;
        }
    }
    Ok(found
        .into_iter()
        .map(|(_, name, comm)| (name, comm))
        .collect())
}

fn reorder(comm: &Comm, key: usize) -> Result<Comm> {
    Ok(comm
        .split(Some(0), key)?
        .expect("a rank with a color gets a Comm"))
}

/// Node of each rank.
fn placement(comm: &Comm) -> Result<Vec<u8>> {
    let mut nodes = Shared::<[u8]>::new(comm, comm.size())?;
    for rank in 0..comm.size() {
        nodes.set(rank, rank, Some(&[comm.node().index as u8]))?;
    }
    Ok(nodes.to_owned())
}

/// `2+2` for consecutive ranks, else the node of each rank: `nodes 0,1,0,1`.
fn name(nodes: &[u8]) -> String {
    let join = |numbers: Vec<String>, separator: &str| numbers.join(separator);
    if nodes.is_sorted() {
        let counts = nodes
            .chunk_by(|a, b| a == b)
            .map(|node| node.len().to_string());
        return join(counts.collect(), "+");
    }
    format!(
        "nodes {}",
        join(nodes.iter().map(u8::to_string).collect(), ",")
    )
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

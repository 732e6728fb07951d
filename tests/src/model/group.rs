//! Which ranks a `Comm` has, and on which nodes, as the model expects it after each call that creates a `Comm`.

use pshmem::Comm;

use crate::report::Outcome;

/// The ranks of a `Comm`, in rank order.
#[derive(Debug, Clone)]
pub(super) struct Group(Vec<Member>);

/// One rank of a `Comm`.
#[derive(Debug, Clone, Copy)]
struct Member {
    /// Its rank in the world.
    world: usize,
    /// Its node; numbers are not those of the `Comm`.
    node: usize,
}

impl Group {
    /// All ranks of a cluster.
    pub(super) fn of_world(ranks_per_node: &[usize], cyclic: bool) -> Self {
        let rounds = ranks_per_node.iter().copied().max().unwrap_or(0);
        let nodes: Vec<usize> = if cyclic {
            // Each round assigns one rank to each node that still has room.
            let of_round =
                |round| (0..ranks_per_node.len()).filter(move |&node| ranks_per_node[node] > round);
            (0..rounds).flat_map(of_round).collect()
        } else {
            let of_node = |(node, &ranks)| std::iter::repeat_n(node, ranks);
            ranks_per_node
                .iter()
                .enumerate()
                .flat_map(of_node)
                .collect()
        };
        let member = |(world, node)| Member { world, node };
        Group(nodes.into_iter().enumerate().map(member).collect())
    }

    /// The ranks with the color of `me`, in the order of their keys.
    pub(super) fn split(
        &self,
        me: usize,
        color: impl Fn(usize) -> usize,
        key: impl Fn(usize) -> usize,
    ) -> Self {
        let mut ranks: Vec<usize> = (0..self.0.len())
            .filter(|&rank| color(rank) == color(me))
            .collect();
        ranks.sort_by_key(|&rank| (key(rank), rank));
        Group(ranks.into_iter().map(|rank| self.0[rank]).collect())
    }

    /// The ranks on the node of `me`.
    pub(super) fn of_node(&self, me: usize) -> Self {
        self.split(me, |rank| self.0[rank].node, |rank| rank)
    }

    /// The same ranks on nodes of at most `n` ranks.
    pub(super) fn with_ranks_per_node(&self, n: usize) -> Self {
        self.divided(|rank| self.local_rank(rank) / n)
    }

    /// The same ranks on nodes that are divided into parts of these numbers.
    pub(super) fn divided(&self, part: impl Fn(usize) -> usize) -> Self {
        let part = |rank: usize| (self.0[rank].node, part(rank));
        let parts: Vec<_> = (0..self.0.len()).map(part).collect();
        let member = |(rank, member): (usize, &Member)| {
            let node = parts.iter().position(|other| *other == parts[rank]);
            Member {
                node: node.expect("its own part is in the list"),
                ..*member
            }
        };
        Group(self.0.iter().enumerate().map(member).collect())
    }

    /// The number of lower ranks on the same node.
    fn local_rank(&self, rank: usize) -> usize {
        let before = self.0[..rank].iter();
        before
            .filter(|other| other.node == self.0[rank].node)
            .count()
    }

    /// The ranks of the world, in the order of the group.
    pub(super) fn world_ranks(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|member| member.world)
    }

    /// The lowest rank on the node of a rank of the world, as a rank of the world.
    pub(super) fn leader_of(&self, world: usize) -> usize {
        let mut members = self.0.iter();
        let node = members.find(|member| member.world == world);
        let node = node.map(|member| member.node);
        let mut members = self.0.iter();
        let leader = members.find(|member| Some(member.node) == node);
        leader.expect("a rank of the group").world
    }

    /// Checks that `comm` has these ranks and nodes; `me` is this rank in the world.
    pub(super) fn check(&self, comm: &Comm, me: usize) -> Outcome {
        let rank = comm.rank();
        if comm.size() != self.0.len() || self.0[rank].world != me {
            return Err(format!(
                "rank {rank} of {} should be rank {me} of the world, in {self:?}",
                comm.size()
            )
            .into());
        }
        let mut nodes: Vec<usize> = Vec::new();
        for member in &self.0 {
            if !nodes.contains(&member.node) {
                nodes.push(member.node);
            }
        }
        let node = self.0[rank].node;
        let found = comm.node();
        let size = self.0.iter().filter(|member| member.node == node).count();
        let index = nodes.iter().position(|&other| other == node);
        if (Some(found.index), found.count) != (index, nodes.len())
            || (found.rank, found.size) != (self.local_rank(rank), size)
        {
            return Err(format!("rank {rank} of {self:?} reports {found:?}").into());
        }
        Ok(())
    }
}

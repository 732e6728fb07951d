//! Who is in a group, as the model has it: the ranks of the world and their nodes, foretold for each call that makes a `Comm`.

use pshmem::Comm;

use crate::report::Outcome;

/// The ranks of a `Comm` in order.
#[derive(Debug, Clone)]
pub(super) struct Members(Vec<Member>);

/// One rank of a `Comm`.
#[derive(Debug, Clone, Copy)]
struct Member {
    /// Its rank in the world.
    world: usize,
    /// Its node, in any numbering.
    node: usize,
}

impl Members {
    /// All ranks of a cluster.
    pub(super) fn of_world(ranks_per_node: &[usize], cyclic: bool) -> Self {
        // A round takes one rank of each node, or all ranks of one.
        let rounds = ranks_per_node.iter().copied().max().unwrap_or(0);
        let nodes: Vec<usize> = if cyclic {
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
        Members(nodes.into_iter().enumerate().map(member).collect())
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
        Members(ranks.into_iter().map(|rank| self.0[rank]).collect())
    }

    /// The ranks on the node of `me`.
    pub(super) fn of_node(&self, me: usize) -> Self {
        self.split(me, |rank| self.0[rank].node, |rank| rank)
    }

    /// The same ranks on nodes of at most `n` ranks.
    pub(super) fn cut(&self, n: usize) -> Self {
        let place = |rank: usize| (self.0[rank].node, self.slot(rank) / n);
        let places: Vec<_> = (0..self.0.len()).map(place).collect();
        let cut = |(rank, member): (usize, &Member)| {
            let node = places.iter().position(|other| *other == places[rank]);
            Member {
                node: node.expect("its own place is in the list"),
                ..*member
            }
        };
        Members(self.0.iter().enumerate().map(cut).collect())
    }

    /// Position of a rank among those of its node.
    fn slot(&self, rank: usize) -> usize {
        let before = self.0[..rank].iter();
        before
            .filter(|other| other.node == self.0[rank].node)
            .count()
    }

    /// Ranks of the world, in order.
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

    /// `comm` says the same of itself; `me` is this rank in the world.
    pub(super) fn check(&self, comm: &Comm, me: usize) -> Outcome {
        let rank = comm.rank();
        if comm.size() != self.0.len() || self.0[rank].world != me {
            return Err(format!("rank {rank} of {} is to be {me} of {self:?}", comm.size()).into());
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
            || (found.rank, found.size) != (self.slot(rank), size)
        {
            return Err(format!("rank {rank} of {self:?} says {found:?}").into());
        }
        Ok(())
    }
}

//! The queue of a lock at its home rank: who has the lock, who waits, who is next. Pure data, without messages or clock.

use crate::lock::Fairness;
use crate::lock::backend::Mode;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A rank of the world.
pub(crate) type WorldRank = usize;

/// Who has a lock and who waits for it, in order of request.
#[derive(Debug)]
pub(crate) struct FifoQueue {
    fairness: Fairness,
    /// Requests that wait, by the number of their arrival.
    waiting: BTreeMap<u64, (WorldRank, Mode)>,
    /// The number of the request of each rank that waits.
    numbers: HashMap<WorldRank, u64>,
    /// The numbers by the node of the rank.
    by_node: HashMap<u32, BTreeSet<u64>>,
    arrivals: u64,
    writer: Option<WorldRank>,
    readers: BTreeSet<WorldRank>,
    /// The node whose rank got the lock last, and how many of its ranks got it in a row.
    run: (u32, usize),
}

impl FifoQueue {
    pub(crate) fn new(fairness: Fairness) -> Self {
        FifoQueue {
            fairness,
            waiting: BTreeMap::new(),
            numbers: HashMap::new(),
            by_node: HashMap::new(),
            arrivals: 0,
            writer: None,
            readers: BTreeSet::new(),
            run: (0, 0),
        }
    }

    /// Who has the lock for writing.
    pub(crate) fn writer(&self) -> Option<WorldRank> {
        self.writer
    }

    /// One of those that have the lock to read.
    pub(crate) fn reader(&self) -> Option<WorldRank> {
        self.readers.first().copied()
    }

    /// Whether a rank waits.
    pub(crate) fn is_waiting(&self, rank: WorldRank) -> bool {
        self.numbers.contains_key(&rank)
    }

    /// Ranks that wait, the one that has waited longest first.
    pub(crate) fn waiting(&self) -> impl ExactSizeIterator<Item = WorldRank> {
        self.waiting.values().map(|&(rank, _)| rank)
    }

    /// Whether a request would be granted at once.
    pub(crate) fn is_free(&self, mode: Mode) -> bool {
        self.waiting.is_empty()
            && self.writer.is_none()
            && (mode == Mode::Read || self.readers.is_empty())
    }

    pub(crate) fn enqueue(&mut self, rank: WorldRank, node: u32, mode: Mode) {
        self.arrivals += 1;
        self.waiting.insert(self.arrivals, (rank, mode));
        self.numbers.insert(rank, self.arrivals);
        self.by_node.entry(node).or_default().insert(self.arrivals);
    }

    /// Withdraws the request of a rank. `false` when there is none, because it has been granted.
    pub(crate) fn cancel(&mut self, rank: WorldRank, node: u32) -> bool {
        let Some(number) = self.numbers.get(&rank).copied() else {
            return false;
        };
        self.dequeue(number, node);
        true
    }

    /// The rank releases the lock. `false` when it does not hold it.
    pub(crate) fn release(&mut self, rank: WorldRank) -> bool {
        if self.writer == Some(rank) {
            self.writer = None;
            return true;
        }
        self.readers.remove(&rank)
    }

    /// Grants the lock to the next rank, if one may have it now.
    pub(crate) fn next(&mut self, node_of: impl Fn(WorldRank) -> u32) -> Option<WorldRank> {
        if self.writer.is_some() {
            return None;
        }
        let number = self.first()?;
        let (rank, mode) = self.waiting[&number];
        let node = node_of(rank);
        match mode {
            Mode::Write if self.readers.is_empty() => self.writer = Some(rank),
            Mode::Write => return None,
            Mode::Read => {
                self.readers.insert(rank);
            }
        }
        self.dequeue(number, node);
        let (last, count) = self.run;
        self.run = (node, if node == last { count + 1 } else { 1 });
        Some(rank)
    }

    /// The number of the request that is granted next.
    fn first(&self) -> Option<u64> {
        let (node, count) = self.run;
        if let Fairness::NodeBatch(limit) = self.fairness
            && count > 0
            && count < limit
            && let Some(number) = self.by_node.get(&node).and_then(BTreeSet::first)
        {
            return Some(*number);
        }
        self.waiting.keys().next().copied()
    }

    fn dequeue(&mut self, number: u64, node: u32) {
        if let Some((rank, _)) = self.waiting.remove(&number) {
            self.numbers.remove(&rank);
        }
        if let Some(numbers) = self.by_node.get_mut(&node) {
            numbers.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two ranks on each node.
    fn node_of(rank: WorldRank) -> u32 {
        rank as u32 / 2
    }

    fn queue(fairness: Fairness, requests: &[(WorldRank, Mode)]) -> FifoQueue {
        let mut queue = FifoQueue::new(fairness);
        for &(rank, mode) in requests {
            queue.enqueue(rank, node_of(rank), mode);
        }
        queue
    }

    fn served(mut queue: FifoQueue) -> Vec<WorldRank> {
        let mut order = Vec::new();
        while let Some(rank) = queue.next(node_of) {
            order.push(rank);
            assert_eq!(queue.next(node_of), None, "a writer excludes all");
            assert!(queue.release(rank));
        }
        order
    }

    #[test]
    fn writers_are_served_in_order_of_request() {
        let requests = [2, 0, 3, 1].map(|rank| (rank, Mode::Write));
        assert_eq!(served(queue(Fairness::Fifo, &requests)), [2, 0, 3, 1]);
    }

    #[test]
    fn a_node_keeps_the_lock_for_a_batch() {
        let requests = [0, 2, 4, 3, 1].map(|rank| (rank, Mode::Write));
        assert_eq!(
            served(queue(Fairness::NodeBatch(2), &requests)),
            [0, 1, 2, 3, 4]
        );
        let mut batches = queue(Fairness::NodeBatch(2), &requests[..2]);
        for _ in 0..2 {
            let rank = batches.next(node_of).unwrap();
            batches.release(rank);
            batches.enqueue(rank, node_of(rank), Mode::Write);
        }
        assert_eq!(batches.next(node_of), Some(2), "two in a row are enough");
        // Nobody has had the lock before, so no node has a batch.
        let requests = [2, 0, 3, 1].map(|rank| (rank, Mode::Write));
        assert_eq!(
            served(queue(Fairness::NodeBatch(2), &requests)),
            [2, 3, 0, 1]
        );
    }

    #[test]
    fn a_lock_is_free_if_nobody_has_it_or_waits() {
        let free = |queue: &FifoQueue| [Mode::Read, Mode::Write].map(|mode| queue.is_free(mode));
        let mut queue = FifoQueue::new(Fairness::Fifo);
        assert_eq!(free(&queue), [true, true]);
        queue.enqueue(2, 1, Mode::Write);
        assert_eq!(free(&queue), [false, false]);
        assert_eq!(queue.waiting().collect::<Vec<_>>(), [2]);
        assert_eq!((queue.next(node_of), queue.writer()), (Some(2), Some(2)));
        assert_eq!((free(&queue), queue.waiting().len()), ([false, false], 0));
        queue.release(2);
        queue.enqueue(0, 0, Mode::Read);
        assert_eq!((queue.next(node_of), queue.writer()), (Some(0), None));
        assert_eq!(free(&queue), [true, false]);
    }

    #[test]
    fn who_gives_up_is_skipped() {
        let requests = [2, 0, 3].map(|rank| (rank, Mode::Write));
        let mut queue = queue(Fairness::Fifo, &requests);
        assert_eq!(queue.next(node_of), Some(2));
        assert!(!queue.cancel(2, 1), "it has the lock already");
        assert!(queue.cancel(0, 0));
        assert!(queue.release(2));
        assert!(!queue.release(2));
        assert_eq!(queue.next(node_of), Some(3));
    }

    #[test]
    fn readers_share_and_do_not_overtake_writers() {
        let requests = [
            (0, Mode::Read),
            (1, Mode::Read),
            (2, Mode::Write),
            (3, Mode::Read),
        ];
        let mut queue = queue(Fairness::Fifo, &requests);
        assert_eq!(
            [queue.next(node_of), queue.next(node_of)],
            [Some(0), Some(1)]
        );
        assert_eq!(queue.next(node_of), None);
        queue.release(1);
        assert_eq!(queue.next(node_of), None);
        queue.release(0);
        assert_eq!(queue.next(node_of), Some(2));
        assert_eq!(queue.next(node_of), None);
        queue.release(2);
        assert_eq!(queue.next(node_of), Some(3));
        assert!(!queue.is_free(Mode::Write));
        assert!(queue.is_free(Mode::Read));
    }
}

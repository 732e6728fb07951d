//! The line in front of a lock that is hosted on one rank: who has it, who waits, who is next. No messages, no clock.

use crate::lock::Fairness;
use crate::lock::backend::node_lock::Mode;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A rank of the world, as messages name it.
pub(crate) type Rank = usize;

/// Who has a lock and who waits for it, in order of request.
#[derive(Debug)]
pub(crate) struct FifoQueue {
    fairness: Fairness,
    /// Requests that wait, by the number of their arrival.
    waiting: BTreeMap<u64, (Rank, Mode)>,
    numbers: HashMap<Rank, u64>,
    /// The same by the node of the rank, where fairness looks at nodes.
    by_node: HashMap<u32, BTreeSet<u64>>,
    arrivals: u64,
    writer: Option<Rank>,
    readers: BTreeSet<Rank>,
    /// The node that has had the lock last, and how often in a row.
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
    pub(crate) fn writer(&self) -> Option<Rank> {
        self.writer
    }

    /// Those who wait, the one that has waited longest first.
    pub(crate) fn waiting(&self) -> impl ExactSizeIterator<Item = Rank> {
        self.waiting.values().map(|&(rank, _)| rank)
    }

    /// Whether a request would be met at once.
    pub(crate) fn is_free(&self, mode: Mode) -> bool {
        self.waiting.is_empty()
            && self.writer.is_none()
            && (mode == Mode::Read || self.readers.is_empty())
    }

    pub(crate) fn request(&mut self, rank: Rank, node: u32, mode: Mode) {
        self.arrivals += 1;
        self.waiting.insert(self.arrivals, (rank, mode));
        self.numbers.insert(rank, self.arrivals);
        self.by_node.entry(node).or_default().insert(self.arrivals);
    }

    /// Takes a request back. `false` when there is none, because it has been met.
    pub(crate) fn cancel(&mut self, rank: Rank, node: u32) -> bool {
        let Some(number) = self.numbers.get(&rank).copied() else {
            return false;
        };
        self.acquire(number, node);
        true
    }

    /// The rank gives the lock back. `false` when it does not have it.
    pub(crate) fn release(&mut self, rank: Rank) -> bool {
        if self.writer == Some(rank) {
            self.writer = None;
            return true;
        }
        self.readers.remove(&rank)
    }

    /// The next rank that gets the lock, if any may have it now.
    pub(crate) fn next(&mut self, node_of: impl Fn(Rank) -> u32) -> Option<Rank> {
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
        self.acquire(number, node);
        let (last, count) = self.run;
        self.run = (node, if node == last { count + 1 } else { 1 });
        Some(rank)
    }

    /// The number of the request whose turn it is.
    fn first(&self) -> Option<u64> {
        let (node, count) = self.run;
        if let Fairness::NodeBatch(most) = self.fairness
            && count > 0
            && count < most
            && let Some(number) = self.by_node.get(&node).and_then(BTreeSet::first)
        {
            return Some(*number);
        }
        self.waiting.keys().next().copied()
    }

    fn acquire(&mut self, number: u64, node: u32) {
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
    fn node_of(rank: Rank) -> u32 {
        rank as u32 / 2
    }

    fn line(fairness: Fairness, requests: &[(Rank, Mode)]) -> FifoQueue {
        let mut line = FifoQueue::new(fairness);
        for &(rank, mode) in requests {
            line.request(rank, node_of(rank), mode);
        }
        line
    }

    fn served(mut line: FifoQueue) -> Vec<Rank> {
        let mut order = Vec::new();
        while let Some(rank) = line.next(node_of) {
            order.push(rank);
            assert_eq!(line.next(node_of), None, "a writer excludes all");
            assert!(line.release(rank));
        }
        order
    }

    #[test]
    fn writers_are_served_in_order_of_request() {
        let requests = [2, 0, 3, 1].map(|rank| (rank, Mode::Write));
        assert_eq!(served(line(Fairness::Fifo, &requests)), [2, 0, 3, 1]);
    }

    #[test]
    fn a_node_keeps_the_lock_for_a_batch() {
        let requests = [0, 2, 4, 3, 1].map(|rank| (rank, Mode::Write));
        assert_eq!(
            served(line(Fairness::NodeBatch(2), &requests)),
            [0, 1, 2, 3, 4]
        );
        let mut batches = line(Fairness::NodeBatch(2), &requests[..2]);
        for _ in 0..2 {
            let rank = batches.next(node_of).unwrap();
            batches.release(rank);
            batches.request(rank, node_of(rank), Mode::Write);
        }
        assert_eq!(batches.next(node_of), Some(2), "two in a row are enough");
    }

    #[test]
    fn who_gives_up_is_skipped() {
        let requests = [2, 0, 3].map(|rank| (rank, Mode::Write));
        let mut line = line(Fairness::Fifo, &requests);
        assert_eq!(line.next(node_of), Some(2));
        assert!(!line.cancel(2, 1), "it has the lock already");
        assert!(line.cancel(0, 0));
        assert!(line.release(2));
        assert!(!line.release(2));
        assert_eq!(line.next(node_of), Some(3));
    }

    #[test]
    fn readers_share_and_do_not_overtake_writers() {
        let requests = [
            (0, Mode::Read),
            (1, Mode::Read),
            (2, Mode::Write),
            (3, Mode::Read),
        ];
        let mut line = line(Fairness::Fifo, &requests);
        assert_eq!([line.next(node_of), line.next(node_of)], [Some(0), Some(1)]);
        assert_eq!(line.next(node_of), None);
        line.release(1);
        assert_eq!(line.next(node_of), None);
        line.release(0);
        assert_eq!(line.next(node_of), Some(2));
        assert_eq!(line.next(node_of), None);
        line.release(2);
        assert_eq!(line.next(node_of), Some(3));
        assert!(!line.is_free(Mode::Write));
        assert!(line.is_free(Mode::Read));
    }
}

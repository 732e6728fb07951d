//! The state of a lock at the server of its home rank: who has it, who waits, its value, and whether it is poisoned.

use crate::lock::Fairness;
use crate::lock::backend::clock::now;
use crate::lock::backend::fifo_queue::{FifoQueue, WorldRank};
use crate::lock::backend::{Mode, Poison};
use crate::transport::rpc::{HomeObject, RequestId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// A request of one rank.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum LockRequest {
    /// Acquires the lock. With `wait`, the reply comes when it is this rank's turn; without, at once.
    Acquire { mode: Mode, wait: bool },
    /// Withdraws the request to acquire, which then gets the reply `NotGranted`. Without effect when the lock has been
    /// granted before: then the rank has it. Has no reply of its own.
    Cancel,
    /// Releases the lock, with the value as a writer leaves it. Has no reply.
    Release {
        value: Option<Vec<u8>>,
        poison: Option<Poison>,
    },
    /// Asks who has the lock.
    Status,
}

/// The reply to a request.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LockReply {
    Granted {
        value: Vec<u8>,
        poisoned: Option<WorldRank>,
    },
    /// The lock is not free, or the request has been withdrawn.
    NotGranted,
    /// Who has it for writing and since when, one of those that have it to read, who is next, whether the rank that asks waits,
    /// and how many do.
    Status {
        holder: Option<(WorldRank, u64)>,
        reader: Option<WorldRank>,
        next: Option<WorldRank>,
        is_queued: bool,
        waiting: usize,
    },
}

/// A lock at its home rank.
#[derive(Debug)]
pub(crate) struct HomeLock {
    queue: FifoQueue,
    /// The node of each rank of the world.
    node_of: Arc<[u32]>,
    value: Vec<u8>,
    poisoned: Option<WorldRank>,
    since: u64,
    /// Requests to acquire that have no reply yet: the number of each, by rank.
    pending: HashMap<WorldRank, u64>,
}

impl HomeLock {
    pub(crate) fn new(fairness: Fairness, node_of: Arc<[u32]>, value: Vec<u8>) -> Self {
        HomeLock {
            queue: FifoQueue::new(fairness),
            node_of,
            value,
            poisoned: None,
            since: 0,
            pending: HashMap::new(),
        }
    }

    /// Grants the lock to those who may have it now.
    fn grant(&mut self) -> Vec<(RequestId, LockReply)> {
        let mut replies = Vec::new();
        while let Some(rank) = self.queue.next(|rank| self.node_of[rank]) {
            self.since = now();
            let number = self.pending.remove(&rank).unwrap_or(0);
            let reply = LockReply::Granted {
                value: self.value.clone(),
                poisoned: self.poisoned,
            };
            replies.push((RequestId { rank, number }, reply));
        }
        replies
    }
}

impl HomeObject for HomeLock {
    type Request = LockRequest;
    type Reply = LockReply;

    fn has_reply(request: &LockRequest) -> bool {
        matches!(request, LockRequest::Acquire { .. } | LockRequest::Status)
    }

    fn handle(&mut self, from: RequestId, request: LockRequest) -> Vec<(RequestId, LockReply)> {
        let RequestId { rank, number } = from;
        match request {
            LockRequest::Acquire { mode, wait } => {
                if !wait && !self.queue.is_free(mode) {
                    return vec![(from, LockReply::NotGranted)];
                }
                self.queue.enqueue(rank, self.node_of[rank], mode);
                self.pending.insert(rank, number);
                self.grant()
            }
            LockRequest::Cancel => {
                if !self.queue.cancel(rank, self.node_of[rank]) {
                    return Vec::new();
                }
                let cancelled = self.pending.remove(&rank);
                let reply = |number| (RequestId { rank, number }, LockReply::NotGranted);
                // Those behind this rank may not have to wait any longer.
                let granted = self.grant();
                cancelled.map(reply).into_iter().chain(granted).collect()
            }
            LockRequest::Release { value, poison } => {
                if !self.queue.release(rank) {
                    return Vec::new();
                }
                if let Some(value) = value {
                    self.value = value;
                }
                if let Some(poison) = poison {
                    self.poisoned = (poison == Poison::Panicked).then_some(rank);
                }
                self.grant()
            }
            LockRequest::Status => {
                let mut waiting = self.queue.waiting();
                let reply = LockReply::Status {
                    holder: self.queue.writer().map(|rank| (rank, self.since)),
                    reader: self.queue.reader(),
                    is_queued: self.queue.is_waiting(rank),
                    waiting: waiting.len(),
                    next: waiting.next(),
                };
                vec![(from, reply)]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(
        lock: &mut HomeLock,
        rank: WorldRank,
        number: u64,
        request: LockRequest,
    ) -> Vec<(RequestId, LockReply)> {
        lock.handle(RequestId { rank, number }, request)
    }

    fn acquire(wait: bool) -> LockRequest {
        LockRequest::Acquire {
            mode: Mode::Write,
            wait,
        }
    }

    fn lock() -> HomeLock {
        HomeLock::new(Fairness::Fifo, [0, 0, 1].into(), vec![5])
    }

    #[test]
    fn the_value_goes_with_the_lock() {
        let mut lock = lock();
        assert_eq!(send(&mut lock, 2, 1, acquire(true)).len(), 1);
        assert!(send(&mut lock, 0, 1, acquire(true)).is_empty());
        let release = LockRequest::Release {
            value: Some(vec![6]),
            poison: Some(Poison::Panicked),
        };
        let replies = send(&mut lock, 2, 2, release);
        let granted = LockReply::Granted {
            value: vec![6],
            poisoned: Some(2),
        };
        assert_eq!(replies, [(RequestId { rank: 0, number: 1 }, granted)]);
    }

    #[test]
    fn who_gives_up_too_late_has_the_lock() {
        let mut lock = lock();
        send(&mut lock, 0, 1, acquire(true));
        send(&mut lock, 1, 4, acquire(true));
        let not_granted = |rank, number| [(RequestId { rank, number }, LockReply::NotGranted)];
        let replies = send(&mut lock, 1, 5, LockRequest::Cancel);
        assert_eq!(replies, not_granted(1, 4));
        assert!(send(&mut lock, 0, 2, LockRequest::Cancel).is_empty());
        let replies = send(&mut lock, 2, 1, acquire(false));
        assert_eq!(replies, not_granted(2, 1));
    }

    #[test]
    fn a_request_has_a_reply_if_its_rank_waits_for_one() {
        let release = LockRequest::Release {
            value: None,
            poison: None,
        };
        let has_reply = |request| HomeLock::has_reply(&request);
        assert!(has_reply(acquire(true)) && has_reply(acquire(false)));
        assert!(has_reply(LockRequest::Status));
        assert!(!has_reply(LockRequest::Cancel) && !has_reply(release));
    }

    #[test]
    fn reports_name_who_has_the_lock_and_who_is_next() {
        let mut lock = lock();
        for (number, rank) in (1..).zip([2, 1, 0]) {
            send(&mut lock, rank, number, acquire(true));
        }
        let replies = send(&mut lock, 0, 9, LockRequest::Status);
        let [
            (
                id,
                LockReply::Status {
                    holder,
                    reader: None,
                    next,
                    is_queued: true,
                    waiting,
                },
            ),
        ] = &replies[..]
        else {
            panic!("{replies:?}");
        };
        assert_eq!(*id, RequestId { rank: 0, number: 9 });
        assert_eq!(holder.map(|(rank, _)| rank), Some(2));
        assert_eq!((*next, *waiting), (Some(1), 2));
    }

    #[test]
    fn a_reader_that_has_the_lock_is_named_and_is_not_in_the_queue() {
        let mut lock = lock();
        let read = LockRequest::Acquire {
            mode: Mode::Read,
            wait: true,
        };
        send(&mut lock, 2, 1, read);
        for rank in [2, 1] {
            send(&mut lock, 1, 1, acquire(true));
            let replies = send(&mut lock, rank, 9, LockRequest::Status);
            let [
                (
                    _,
                    LockReply::Status {
                        holder: None,
                        reader: Some(2),
                        is_queued,
                        ..
                    },
                ),
            ] = replies[..]
            else {
                panic!("{replies:?}");
            };
            assert_eq!(is_queued, rank == 1);
        }
    }
}

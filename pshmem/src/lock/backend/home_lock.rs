//! The server of a rank that hosts locks and tables of batches for ranks of other nodes: answers requests, one at a time.
//!
//! Requests come as messages or, from the host's own thread, as calls; where a service thread answers them, the host may
//! compute for hours. A request is answered once: at once, or when the lock is handed over. What tables are asked is in
//! `batch/hosted.rs`.

use crate::batch::table::home_table::{HomeTables, TableReply, TableRequest};
use crate::lock::Fairness;
use crate::lock::backend::fifo_queue::{FifoQueue, Rank};
use crate::lock::backend::node_lock::Mode;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a rank asks of the host of a lock or board.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Its number: that of its `Comm` and, within it, of the object.
    pub(crate) lock: u64,
    /// Number of the request among those of its rank.
    pub(crate) number: u64,
    pub(crate) what: LockRequest,
}

/// The kinds of requests.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum LockRequest {
    /// The lock; with `wait`, in its turn.
    Take { mode: Mode, wait: bool },
    /// No longer the lock. Not answered if it has been handed over: then the rank has it.
    GiveUp,
    /// To be rid of the lock, with the value as a writer leaves it. Not answered.
    GiveBack {
        value: Option<Vec<u8>>,
        poison: Option<Poison>,
    },
    /// To know who has it.
    Holder,
    /// Never to use it again. Not answered.
    Close,
    /// Something of a board.
    Table(TableRequest),
}

/// What becomes known of a lock when it is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Poison {
    /// Its holder panicked.
    Panicked,
    /// All is well again.
    Cleared,
}

/// What the host answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) lock: u64,
    pub(crate) number: u64,
    pub(crate) what: LockReply,
}

/// The kinds of answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum LockReply {
    Granted {
        value: Vec<u8>,
        poisoned: Option<Rank>,
    },
    /// The lock is not free, or the request has been taken back.
    NotGranted,
    /// Who has it for writing and since when, who is next, and how many wait.
    Holder {
        holder: Option<(Rank, u64)>,
        next: Option<Rank>,
        waiting: usize,
    },
    /// What a board says.
    Table(TableReply),
}

/// All locks and tables of one host.
#[derive(Debug)]
pub(crate) struct Server {
    nodes: Vec<u32>,
    locks: HashMap<u64, HomeLock>,
    pub(crate) tables: HomeTables,
}

#[derive(Debug)]
struct HomeLock {
    line: FifoQueue,
    /// Ranks that have not closed it.
    users: usize,
    value: Vec<u8>,
    poisoned: Option<Rank>,
    since: u64,
    /// The numbers of requests that have not been answered.
    open: HashMap<Rank, u64>,
}

/// Milliseconds of the system's clock: the one that hosts of a cluster agree on.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| time.as_millis() as u64)
}

impl Server {
    /// `nodes` tells the node of each rank of the world.
    pub(crate) fn new(nodes: &[u32]) -> Self {
        Server {
            nodes: nodes.to_vec(),
            locks: HashMap::new(),
            tables: HomeTables::default(),
        }
    }

    /// Begins to host a lock that `users` ranks will close.
    pub(crate) fn open(&mut self, lock: u64, users: usize, fairness: Fairness, value: Vec<u8>) {
        let hosted = HomeLock {
            line: FifoQueue::new(fairness),
            users,
            value,
            poisoned: None,
            since: 0,
            open: HashMap::new(),
        };
        self.locks.insert(lock, hosted);
    }

    /// Whether there is nothing to be asked for.
    #[cfg(feature = "mpi")]
    pub(crate) fn is_empty(&self) -> bool {
        self.locks.is_empty() && self.tables.is_empty()
    }

    /// Hosts a lock no longer, because it has never come to be.
    pub(crate) fn remove(&mut self, lock: u64) {
        self.locks.remove(&lock);
    }

    /// Answers a message; the answers go to the ranks that stand beside them.
    pub(crate) fn handle_message(&mut self, from: Rank, request: &[u8]) -> Vec<(Rank, Vec<u8>)> {
        // Only this library writes to the server, so what cannot be read is a defect of the transport, which is not for the
        // host to die of.
        let Ok(request) = postcard::from_bytes::<Request>(request) else {
            return Vec::new();
        };
        let encode = |(to, answer): (Rank, Reply)| {
            let bytes = postcard::to_allocvec(&answer).expect("plain data always encodes");
            (to, bytes)
        };
        self.handle(from, request).into_iter().map(encode).collect()
    }

    fn handle(&mut self, from: Rank, request: Request) -> Vec<(Rank, Reply)> {
        let Request { lock, number, what } = request;
        let what = match what {
            LockRequest::Table(request) => {
                let word = self.tables.handle(lock, request).map(LockReply::Table);
                let answer = |what| (from, Reply { lock, number, what });
                return word.map(answer).into_iter().collect();
            }
            what => what,
        };
        let Some(hosted) = self.locks.get_mut(&lock) else {
            return Vec::new();
        };
        let nodes = &self.nodes;
        let answer = |what| vec![(from, Reply { lock, number, what })];
        match what {
            LockRequest::Take { mode, wait } => {
                if !wait && !hosted.line.is_free(mode) {
                    return answer(LockReply::NotGranted);
                }
                hosted.line.request(from, nodes[from], mode);
                hosted.open.insert(from, number);
            }
            LockRequest::GiveUp => {
                if !hosted.line.cancel(from, nodes[from]) {
                    return Vec::new();
                }
                let mut answers = Vec::new();
                if let Some(number) = hosted.open.remove(&from) {
                    let what = LockReply::NotGranted;
                    answers.push((from, Reply { lock, number, what }));
                }
                answers.extend(hosted.hand_over(lock, nodes));
                return answers;
            }
            LockRequest::GiveBack { value, poison } => {
                if !hosted.line.release(from) {
                    return Vec::new();
                }
                if let Some(value) = value {
                    hosted.value = value;
                }
                if let Some(poison) = poison {
                    hosted.poisoned = (poison == Poison::Panicked).then_some(from);
                }
            }
            LockRequest::Holder => {
                let holder = hosted.line.writer().map(|rank| (rank, hosted.since));
                let mut line = hosted.line.waiting();
                let waiting = line.len();
                let next = line.next();
                return answer(LockReply::Holder {
                    holder,
                    next,
                    waiting,
                });
            }
            LockRequest::Close => {
                hosted.users -= 1;
                if hosted.users == 0 {
                    self.locks.remove(&lock);
                }
                return Vec::new();
            }
            LockRequest::Table(_) => return Vec::new(),
        }
        hosted.hand_over(lock, nodes)
    }
}

impl HomeLock {
    fn hand_over(&mut self, lock: u64, nodes: &[u32]) -> Vec<(Rank, Reply)> {
        let mut answers = Vec::new();
        while let Some(rank) = self.line.next(|rank| nodes[rank]) {
            self.since = now();
            let number = self.open.remove(&rank).unwrap_or(0);
            let what = LockReply::Granted {
                value: self.value.clone(),
                poisoned: self.poisoned,
            };
            answers.push((rank, Reply { lock, number, what }));
        }
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(server: &mut Server, from: Rank, number: u64, what: LockRequest) -> Vec<(Rank, Reply)> {
        let lock = 7;
        server.handle(from, Request { lock, number, what })
    }

    fn take(wait: bool) -> LockRequest {
        LockRequest::Take {
            mode: Mode::Write,
            wait,
        }
    }

    fn server() -> Server {
        let mut server = Server::new(&[0, 0, 1]);
        server.open(7, 3, Fairness::Fifo, vec![5]);
        server
    }

    #[test]
    fn the_value_goes_with_the_lock() {
        let mut server = server();
        assert_eq!(ask(&mut server, 2, 1, take(true)).len(), 1);
        assert!(ask(&mut server, 0, 1, take(true)).is_empty());
        let back = LockRequest::GiveBack {
            value: Some(vec![6]),
            poison: Some(Poison::Panicked),
        };
        let answers = ask(&mut server, 2, 2, back);
        let [
            (
                0,
                Reply {
                    what: LockReply::Granted { value, poisoned },
                    ..
                },
            ),
        ] = &answers[..]
        else {
            panic!("{answers:?}");
        };
        assert_eq!((value.as_slice(), *poisoned), (&[6][..], Some(2)));
    }

    #[test]
    fn who_gives_up_too_late_has_the_lock() {
        let mut server = server();
        ask(&mut server, 0, 1, take(true));
        ask(&mut server, 1, 4, take(true));
        let answers = ask(&mut server, 1, 5, LockRequest::GiveUp);
        assert!(matches!(
            &answers[..],
            [(
                1,
                Reply {
                    number: 4,
                    what: LockReply::NotGranted,
                    ..
                }
            )]
        ));
        assert!(ask(&mut server, 0, 2, LockRequest::GiveUp).is_empty());
        assert!(matches!(
            &ask(&mut server, 2, 1, take(false))[..],
            [(
                2,
                Reply {
                    what: LockReply::NotGranted,
                    ..
                }
            )]
        ));
    }

    #[test]
    fn a_lock_lives_until_all_have_closed_it() {
        let mut server = server();
        for rank in 0..3 {
            assert_eq!(server.locks.len(), 1);
            ask(&mut server, rank, 9, LockRequest::Close);
        }
        assert!(server.locks.is_empty());
        assert!(ask(&mut server, 0, 10, take(true)).is_empty());
    }
}

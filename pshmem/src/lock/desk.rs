//! The desk of a rank that hosts locks and boards of batches for ranks of other nodes: answers requests, one at a time.
//!
//! Requests come as messages or, from the host's own thread, as calls; where a service thread answers them, the host may
//! compute for hours. A request is answered once: at once, or when the lock is handed over. What boards are asked is in
//! `batch/hosted.rs`.

use crate::batch::hosted::{self, Boards};
use crate::lock::Fairness;
use crate::lock::line::{Line, Rank};
use crate::lock::queue::Mode;
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
    pub(crate) what: Wish,
}

/// The kinds of requests.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Wish {
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
    Board(hosted::Wish),
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
pub(crate) struct Answer {
    pub(crate) lock: u64,
    pub(crate) number: u64,
    pub(crate) what: Word,
}

/// The kinds of answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Word {
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
    Board(hosted::Word),
}

/// All locks and boards of one host.
#[derive(Debug)]
pub(crate) struct Desk {
    nodes: Vec<u32>,
    locks: HashMap<u64, Hosted>,
    pub(crate) boards: Boards,
}

#[derive(Debug)]
struct Hosted {
    line: Line,
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

impl Desk {
    /// `nodes` tells the node of each rank of the world.
    pub(crate) fn new(nodes: &[u32]) -> Self {
        Desk {
            nodes: nodes.to_vec(),
            locks: HashMap::new(),
            boards: Boards::default(),
        }
    }

    /// Begins to host a lock that `users` ranks will close.
    pub(crate) fn open(&mut self, lock: u64, users: usize, fairness: Fairness, value: Vec<u8>) {
        let hosted = Hosted {
            line: Line::new(fairness),
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
        self.locks.is_empty() && self.boards.is_empty()
    }

    /// Hosts a lock no longer, because it has never come to be.
    pub(crate) fn remove(&mut self, lock: u64) {
        self.locks.remove(&lock);
    }

    /// Answers a message; the answers go to the ranks that stand beside them.
    pub(crate) fn answer(&mut self, from: Rank, request: &[u8]) -> Vec<(Rank, Vec<u8>)> {
        // Only this library writes to the desk, so what cannot be read is a defect of the transport, which is not for the
        // host to die of.
        let Ok(request) = postcard::from_bytes::<Request>(request) else {
            return Vec::new();
        };
        let encode = |(to, answer): (Rank, Answer)| {
            let bytes = postcard::to_allocvec(&answer).expect("plain data always encodes");
            (to, bytes)
        };
        self.decide(from, request).into_iter().map(encode).collect()
    }

    fn decide(&mut self, from: Rank, request: Request) -> Vec<(Rank, Answer)> {
        let Request { lock, number, what } = request;
        let what = match what {
            Wish::Board(wish) => {
                let word = self.boards.decide(lock, wish).map(Word::Board);
                let answer = |what| (from, Answer { lock, number, what });
                return word.map(answer).into_iter().collect();
            }
            what => what,
        };
        let Some(hosted) = self.locks.get_mut(&lock) else {
            return Vec::new();
        };
        let nodes = &self.nodes;
        let answer = |what| vec![(from, Answer { lock, number, what })];
        match what {
            Wish::Take { mode, wait } => {
                if !wait && !hosted.line.is_free(mode) {
                    return answer(Word::NotGranted);
                }
                hosted.line.request(from, nodes[from], mode);
                hosted.open.insert(from, number);
            }
            Wish::GiveUp => {
                if !hosted.line.cancel(from, nodes[from]) {
                    return Vec::new();
                }
                let mut answers = Vec::new();
                if let Some(number) = hosted.open.remove(&from) {
                    let what = Word::NotGranted;
                    answers.push((from, Answer { lock, number, what }));
                }
                answers.extend(hosted.hand_over(lock, nodes));
                return answers;
            }
            Wish::GiveBack { value, poison } => {
                if !hosted.line.give_back(from) {
                    return Vec::new();
                }
                if let Some(value) = value {
                    hosted.value = value;
                }
                if let Some(poison) = poison {
                    hosted.poisoned = (poison == Poison::Panicked).then_some(from);
                }
            }
            Wish::Holder => {
                let holder = hosted.line.writer().map(|rank| (rank, hosted.since));
                let mut line = hosted.line.waiting();
                let waiting = line.len();
                let next = line.next();
                return answer(Word::Holder {
                    holder,
                    next,
                    waiting,
                });
            }
            Wish::Close => {
                hosted.users -= 1;
                if hosted.users == 0 {
                    self.locks.remove(&lock);
                }
                return Vec::new();
            }
            Wish::Board(_) => return Vec::new(),
        }
        hosted.hand_over(lock, nodes)
    }
}

impl Hosted {
    fn hand_over(&mut self, lock: u64, nodes: &[u32]) -> Vec<(Rank, Answer)> {
        let mut answers = Vec::new();
        while let Some(rank) = self.line.next(|rank| nodes[rank]) {
            self.since = now();
            let number = self.open.remove(&rank).unwrap_or(0);
            let what = Word::Granted {
                value: self.value.clone(),
                poisoned: self.poisoned,
            };
            answers.push((rank, Answer { lock, number, what }));
        }
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(desk: &mut Desk, from: Rank, number: u64, what: Wish) -> Vec<(Rank, Answer)> {
        let lock = 7;
        desk.decide(from, Request { lock, number, what })
    }

    fn take(wait: bool) -> Wish {
        Wish::Take {
            mode: Mode::Write,
            wait,
        }
    }

    fn desk() -> Desk {
        let mut desk = Desk::new(&[0, 0, 1]);
        desk.open(7, 3, Fairness::Fifo, vec![5]);
        desk
    }

    #[test]
    fn the_value_goes_with_the_lock() {
        let mut desk = desk();
        assert_eq!(ask(&mut desk, 2, 1, take(true)).len(), 1);
        assert!(ask(&mut desk, 0, 1, take(true)).is_empty());
        let back = Wish::GiveBack {
            value: Some(vec![6]),
            poison: Some(Poison::Panicked),
        };
        let answers = ask(&mut desk, 2, 2, back);
        let [
            (
                0,
                Answer {
                    what: Word::Granted { value, poisoned },
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
        let mut desk = desk();
        ask(&mut desk, 0, 1, take(true));
        ask(&mut desk, 1, 4, take(true));
        let answers = ask(&mut desk, 1, 5, Wish::GiveUp);
        assert!(matches!(
            &answers[..],
            [(
                1,
                Answer {
                    number: 4,
                    what: Word::NotGranted,
                    ..
                }
            )]
        ));
        assert!(ask(&mut desk, 0, 2, Wish::GiveUp).is_empty());
        assert!(matches!(
            &ask(&mut desk, 2, 1, take(false))[..],
            [(
                2,
                Answer {
                    what: Word::NotGranted,
                    ..
                }
            )]
        ));
    }

    #[test]
    fn a_lock_lives_until_all_have_closed_it() {
        let mut desk = desk();
        for rank in 0..3 {
            assert_eq!(desk.locks.len(), 1);
            ask(&mut desk, rank, 9, Wish::Close);
        }
        assert!(desk.locks.is_empty());
        assert!(ask(&mut desk, 0, 10, take(true)).is_empty());
    }
}

//! Boards that a rank hosts for ranks of other nodes: what can be asked, and who answers what.
//!
//! The host runs the protocol of `board.rs` on words of its own, one request after the other, at its desk
//! (`lock/desk.rs`). A claim is one request and one answer; what is finished is one message.

use crate::batch::board::{Board, Claimed, Ended, Layout, Mark};
use crate::sync::atomic::AtomicU64;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a rank asks of a board's host.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Wish {
    /// The next task, for a worker of which all ranks have ended the one before.
    Claim { worker: usize },
    /// To end a claim and to count it, unless it is to be run again. Not answered.
    Finish {
        worker: usize,
        claim: Claimed,
        mark: u64,
        counts: bool,
    },
    /// To know what a task is.
    Mark { task: usize },
    /// To change what a task is.
    Set { task: usize, mark: u64 },
    /// To count a rank of a worker that has ended its task.
    End {
        worker: usize,
        size: usize,
        rank: usize,
        failure: Option<String>,
    },
    /// That no more tasks are handed out.
    Stop,
    /// To know how many tasks have been done, and have failed.
    Counts,
    /// Never to use it again. Not answered.
    Close,
}

impl Wish {
    pub(crate) fn is_answered(&self) -> bool {
        !matches!(self, Wish::Finish { .. } | Wish::Close)
    }
}

/// What the host answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    Claimed(Option<Claimed>),
    Mark(u64),
    Ended(Option<Ended>),
    Counts(u64, u64),
}

/// All boards of one host.
#[derive(Debug, Default)]
pub(crate) struct Boards(HashMap<u64, Hosted>);

#[derive(Debug)]
struct Hosted {
    layout: Layout,
    words: Vec<AtomicU64>,
    /// Ranks that have not closed it.
    users: usize,
}

impl Boards {
    /// Begins to host a board that `users` ranks will close. `None` when there is no memory for it.
    pub(crate) fn open(
        &mut self,
        number: u64,
        layout: Layout,
        users: usize,
    ) -> Option<Board<&[AtomicU64]>> {
        let len = layout.words()?;
        let mut words = Vec::new();
        words.try_reserve_exact(len).ok()?;
        words.resize_with(len, || AtomicU64::new(0));
        let hosted = Hosted {
            layout,
            words,
            users,
        };
        self.0.insert(number, hosted);
        self.board(number)
    }

    /// Hosts a board no longer, because it has never come to be.
    pub(crate) fn remove(&mut self, number: u64) {
        self.0.remove(&number);
    }

    pub(crate) fn board(&self, number: u64) -> Option<Board<&[AtomicU64]>> {
        self.0.get(&number).map(Hosted::board)
    }

    #[cfg(feature = "mpi")]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Does what is asked; the answer, where there is one.
    pub(crate) fn decide(&mut self, number: u64, wish: Wish) -> Option<Word> {
        let hosted = self.0.get_mut(&number)?;
        let board = hosted.board();
        match wish {
            Wish::Claim { worker } => {
                board.open_line(worker);
                return Some(Word::Claimed(board.claim()));
            }
            Wish::Finish {
                worker,
                claim,
                mark,
                counts,
            } => {
                let mark = Mark::of(mark);
                board.finish(claim, mark);
                if counts {
                    board.count(worker, mark == Mark::Done);
                }
            }
            Wish::Mark { task } => return Some(Word::Mark(board.mark(task) as u64)),
            Wish::Set { task, mark } => {
                board.set(task, Mark::of(mark));
                return Some(Word::Mark(mark));
            }
            Wish::End {
                worker,
                size,
                rank,
                failure,
            } => {
                let ended = board.end(worker, size, (rank, failure.as_deref()));
                return Some(Word::Ended(ended));
            }
            Wish::Stop => {
                board.close();
                return Some(Word::Counts(0, 0));
            }
            Wish::Counts => {
                let (done, failed) = board.counts();
                return Some(Word::Counts(done, failed));
            }
            Wish::Close => {
                hosted.users -= 1;
                if hosted.users == 0 {
                    self.0.remove(&number);
                }
            }
        }
        None
    }
}

impl Hosted {
    fn board(&self) -> Board<&[AtomicU64]> {
        Board {
            layout: self.layout,
            words: &self.words,
        }
    }
}

//! A lock at the server of its host, which answers requests: by a thread, or when it makes calls.

use crate::comm::rank_state::RankState;
use crate::lock::backend::node_lock::Mode;
use crate::lock::backend::server::{LockReply, LockRequest, Poison, Request};
use crate::lock::lock_wait::{Deadline, LockWait};
use crate::lock::raw_lock::LockStatus;
use std::cell::Cell;

/// One rank's part of it.
#[derive(Debug)]
pub(crate) struct HomeBackend {
    host: usize,
    lock: u64,
    /// Requests made.
    asked: Cell<u64>,
}

impl HomeBackend {
    pub(crate) fn new(host: usize, lock: u64) -> Self {
        HomeBackend {
            host,
            lock,
            asked: Cell::new(0),
        }
    }

    /// Gives the number of the request.
    fn ask(&self, core: &RankState, what: LockRequest) -> u64 {
        let number = self.asked.get() + 1;
        self.asked.set(number);
        let is_answered = matches!(what, LockRequest::Take { .. } | LockRequest::Holder);
        let lock = self.lock;
        let request = Request { lock, number, what };
        let bytes = postcard::to_allocvec(&request).expect("plain data always encodes");
        core.world.transport.ask(self.host, &bytes, is_answered);
        number
    }

    /// Takes the lock; gives its value, and the rank of the world that panicked with it. `None` when deadline ends before.
    pub(crate) fn acquire(
        &self,
        core: &RankState,
        mode: Mode,
        deadline: Deadline,
        mut waiting: LockWait<'_>,
    ) -> Option<(Vec<u8>, Option<usize>)> {
        let wait = deadline != Deadline::None;
        let number = self.ask(core, LockRequest::Take { mode, wait });
        let mut gave_up = false;
        let word = loop {
            if let Some(word) = core.world.take_reply(self.lock, number) {
                break word;
            }
            if wait && !gave_up && waiting.is_over() {
                // Answered with the number of the request above, unless the lock is on its way already.
                gave_up = true;
                self.ask(core, LockRequest::GiveUp);
            }
            waiting.pause_for_reply();
            waiting.is_time_to_look();
        };
        match word {
            LockReply::Granted { value, poisoned } => Some((value, poisoned)),
            _ => None,
        }
    }

    /// Gives the lock back, with the value if a writer has changed it.
    pub(crate) fn release(&self, core: &RankState, value: Option<Vec<u8>>, poison: Option<Poison>) {
        if core.world.transport.is_open() {
            self.ask(core, LockRequest::GiveBack { value, poison });
        }
    }

    pub(crate) fn close(&self, core: &RankState) {
        if core.world.transport.is_open() {
            self.ask(core, LockRequest::Close);
        }
    }

    /// `rank_of` gives the rank in the `Comm` of a rank of the world. `None` when the host does not answer in time.
    pub(crate) fn look(
        &self,
        core: &RankState,
        mut wait: LockWait<'_>,
        rank_of: impl Fn(usize) -> Option<usize>,
    ) -> Option<LockStatus> {
        let number = self.ask(core, LockRequest::Holder);
        loop {
            if let Some(LockReply::Holder {
                holder,
                next,
                waiting,
            }) = core.world.take_reply(self.lock, number)
            {
                return Some(LockStatus {
                    holder: holder.and_then(|(of, since)| Some((rank_of(of)?, since))),
                    is_next: next == Some(core.world.transport.rank()),
                    waiting,
                });
            }
            wait.pause_for_reply();
            if wait.is_over() {
                return None;
            }
        }
    }
}

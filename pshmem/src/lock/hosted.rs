//! A lock at the desk of its host, which answers requests: by a thread, or when it makes calls.

use crate::comm::core::Core;
use crate::lock::desk::{Poison, Request, Wish, Word};
use crate::lock::queue::Mode;
use crate::lock::raw::Looks;
use crate::lock::wait::{Patience, Wait};
use std::cell::Cell;

/// One rank's part of it.
#[derive(Debug)]
pub(crate) struct Hosted {
    host: usize,
    lock: u64,
    /// Requests made.
    asked: Cell<u64>,
}

impl Hosted {
    pub(crate) fn new(host: usize, lock: u64) -> Self {
        Hosted {
            host,
            lock,
            asked: Cell::new(0),
        }
    }

    /// Gives the number of the request.
    fn ask(&self, core: &Core, what: Wish) -> u64 {
        let number = self.asked.get() + 1;
        self.asked.set(number);
        let is_answered = matches!(what, Wish::Take { .. } | Wish::Holder);
        let lock = self.lock;
        let request = Request { lock, number, what };
        let bytes = postcard::to_allocvec(&request).expect("plain data always encodes");
        core.post.transport.ask(self.host, &bytes, is_answered);
        number
    }

    /// Takes the lock; gives its value, and the rank of the world that panicked with it. `None` when patience ends before.
    pub(crate) fn take(
        &self,
        core: &Core,
        mode: Mode,
        patience: Patience,
        mut waiting: Wait<'_>,
    ) -> Option<(Vec<u8>, Option<usize>)> {
        let wait = patience != Patience::None;
        let number = self.ask(core, Wish::Take { mode, wait });
        let mut gave_up = false;
        let word = loop {
            if let Some(word) = core.post.take_answer(self.lock, number) {
                break word;
            }
            if wait && !gave_up && waiting.is_over() {
                // Answered with the number of the request above, unless the lock is on its way already.
                gave_up = true;
                self.ask(core, Wish::GiveUp);
            }
            waiting.pause_for_message();
            waiting.is_time_to_look();
        };
        match word {
            Word::Granted { value, poisoned } => Some((value, poisoned)),
            _ => None,
        }
    }

    /// Gives the lock back, with the value if a writer has changed it.
    pub(crate) fn give_back(&self, core: &Core, value: Option<Vec<u8>>, poison: Option<Poison>) {
        if core.post.transport.is_open() {
            self.ask(core, Wish::GiveBack { value, poison });
        }
    }

    pub(crate) fn close(&self, core: &Core) {
        if core.post.transport.is_open() {
            self.ask(core, Wish::Close);
        }
    }

    /// `rank_of` gives the rank in the `Comm` of a rank of the world. `None` when the host does not answer in time.
    pub(crate) fn look(
        &self,
        core: &Core,
        mut wait: Wait<'_>,
        rank_of: impl Fn(usize) -> Option<usize>,
    ) -> Option<Looks> {
        let number = self.ask(core, Wish::Holder);
        loop {
            if let Some(Word::Holder {
                holder,
                next,
                waiting,
            }) = core.post.take_answer(self.lock, number)
            {
                return Some(Looks {
                    holder: holder.and_then(|(of, since)| Some((rank_of(of)?, since))),
                    is_next: next == Some(core.post.transport.rank()),
                    waiting,
                });
            }
            wait.pause_for_message();
            if wait.is_over() {
                return None;
            }
        }
    }
}

//! The protocol by which workers claim tasks, over the atomic words of one batch.
//!
//! - A claim takes a position with one fetch-and-add of the cursor, and the task there with one compare-and-swap of its slot.
//!   After the last position it takes tasks off the stack.
//! - Whoever swaps a slot from OPEN to RUNNING has the task, whichever way it was found. A task may therefore be ahead of the
//!   cursor and on the stack at the same time.
//! - Only the rank that sets the `STACKED` bit of a slot links its task in, and only the rank that takes the task off the
//!   stack clears the bit. A task is therefore on the stack at most once.
//! - The stack word counts its changes, so that a swap cannot succeed on a stack that has changed and changed back.

use crate::batch::table::slot_state::{STATE, SlotState};
use crate::batch::table::table_layout::{
    CLOSED, CURSOR, NEXT, STACK, STACKED, TableLayout, attempts, running, stack, started,
};
use crate::batch::table::words::TableWords;

/// A task that a worker has claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Claim {
    pub(crate) task: u32,
    /// How often the task has been claimed, this time included.
    pub(crate) attempt: u32,
}

/// The protocol, over the words of one batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TaskTable<W> {
    pub(crate) layout: TableLayout,
    pub(crate) words: W,
}

impl<W: TableWords> TaskTable<W> {
    /// Writes the first states of the tasks and their order. Called before any other rank can reach the table.
    pub(crate) fn fill(
        &self,
        slot_states: impl Iterator<Item = SlotState>,
        order: impl Iterator<Item = usize>,
    ) {
        for (task, slot_state) in slot_states.enumerate() {
            self.words.store(self.layout.slot(task), slot_state as u64);
        }
        for (position, task) in order.enumerate() {
            self.words
                .store(self.layout.position(position), task as u64);
        }
    }

    /// Claims the next open task.
    pub(crate) fn claim(&self) -> Option<Claim> {
        loop {
            let position = self.words.fetch_add(CURSOR, 1);
            if position >= CLOSED {
                return None;
            }
            if position >= self.layout.tasks as u64 {
                return self.pop();
            }
            let position = position as usize;
            let task = if self.layout.ordered {
                self.words.load(self.layout.position(position)) as usize
            } else {
                position
            };
            if let Some(claim) = self.start(task) {
                return Some(claim);
            }
        }
    }

    /// Stops handing out tasks.
    pub(crate) fn close(&self) {
        if self.words.load(CURSOR) < CLOSED {
            self.words.fetch_add(CURSOR, CLOSED);
        }
    }

    /// Claims one task if it is open.
    fn start(&self, task: usize) -> Option<Claim> {
        let at = self.layout.slot(task);
        // A guess that saves a load: most slots are as they were at first.
        let mut slot = SlotState::Open as u64;
        loop {
            if !SlotState::of(slot).is_claimable() {
                return None;
            }
            match self.words.compare_exchange(at, slot, started(slot)) {
                Ok(_) => return Some(claimed(task, started(slot))),
                Err(found) => slot = found,
            }
        }
    }

    /// Takes tasks off the stack until one of them is open, and claims it.
    fn pop(&self) -> Option<Claim> {
        loop {
            let head = self.words.load(STACK);
            let task = (head as u32).checked_sub(1)? as usize;
            let at = self.layout.slot(task);
            // Valid if the swap below succeeds: the link of a task does not change while it is on the stack.
            let next = self.words.load(at) >> 32;
            if self
                .words
                .compare_exchange(STACK, head, stack(head, next))
                .is_err()
            {
                continue;
            }
            let mut slot = self.words.load(at);
            loop {
                let is_open = SlotState::of(slot).is_claimable();
                let off = slot & !(STACKED | NEXT);
                let new = if is_open { started(off) } else { off };
                match self.words.compare_exchange(at, slot, new) {
                    Ok(_) if is_open => return Some(claimed(task, new)),
                    Ok(_) => break,
                    Err(found) => slot = found,
                }
            }
        }
    }

    /// Ends a claim.
    pub(crate) fn finish(&self, claim: Claim, slot_state: SlotState) {
        let at = self.layout.slot(claim.task as usize);
        // A guess that saves a load: nobody else has changed the slot since it was claimed.
        let mut slot = running(claim.attempt);
        while let Err(found) =
            self.words
                .compare_exchange(at, slot, (slot & !STATE) | slot_state as u64)
        {
            slot = found;
        }
    }

    pub(crate) fn slot_state(&self, task: usize) -> SlotState {
        SlotState::of(self.words.load(self.layout.slot(task)))
    }

    /// Sets the state of a task, whatever it is now. A task that is opened is handed out, also if the cursor has passed it.
    pub(crate) fn set(&self, task: usize, slot_state: SlotState) {
        let at = self.layout.slot(task);
        let opens = slot_state == SlotState::Open;
        let mut slot = self.words.load(at);
        loop {
            let mut new = (slot & !STATE) | slot_state as u64;
            if opens {
                new |= STACKED;
            }
            match self.words.compare_exchange(at, slot, new) {
                Ok(_) if opens && slot & STACKED == 0 => return self.push(task),
                Ok(_) => return,
                Err(found) => slot = found,
            }
        }
    }

    /// Links in a task whose `STACKED` bit the caller has set.
    fn push(&self, task: usize) {
        let at = self.layout.slot(task);
        loop {
            let head = self.words.load(STACK);
            let next = (head & 0xffff_ffff) << 32;
            let mut slot = self.words.load(at);
            // Other ranks may change the state of the task meanwhile.
            while let Err(found) = self.words.compare_exchange(at, slot, (slot & !NEXT) | next) {
                slot = found;
            }
            let new = stack(head, task as u64 + 1);
            if self.words.compare_exchange(STACK, head, new).is_ok() {
                return;
            }
        }
    }
}

fn claimed(task: usize, slot: u64) -> Claim {
    Claim {
        task: task as u32,
        attempt: attempts(slot),
    }
}

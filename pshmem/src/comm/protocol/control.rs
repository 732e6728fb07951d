//! The steps of a round on one node, as changes of the words of its control block.
//!
//! Everything here works on typed atomics, so that the model checker runs this very code. Calls on a `Comm` are numbered from
//! 1. Call `n` on a node:
//!
//! ```text
//! every rank     arrive(n): stores its call and contribution, then `arrived = n`                   [ARRIVE]
//! the leader     sees that all ranks have arrived with equal calls, then OPEN(n) -> WRITING(n)     (the claim)
//! any rank       sees a rank that differs or has left, then OPEN(n) -> POISONED, `poisoned = n`    [POISON]
//! the claimer    writes the segment, then `state = OPEN(n + 1)`, `released = n`                    [RELEASE]
//! every rank     sees `released = n`, then reads the outcome and the segment
//! ```
//!
//! Claim and poison are compare-and-swap operations on the same word, so one of them wins for all ranks of the node: no rank
//! returns with an error while bytes are being written, and nobody writes after a rank has returned with an error.
//!
//! On one node, the claimer is the writer of the call, or the leader in a call without one. On several nodes, the leader
//! claims the call for its node, and may pass the claim on to the writer (`[PASS]`).
//!
//! What becomes visible:
//!
//! - `[ARRIVE]` to the claimer: a rank's call and contribution, and the end of all its earlier reads of the segment. So the
//!   claimer may write the segment.
//! - `[PASS]` to the writer: what the leader has acquired by `[ARRIVE]` and from other nodes.
//! - `[RELEASE]` to every rank: the segment as it was written, and the outcome.
//! - `[POISON]` to every rank: the error.
//! - `[TURN]` to the ranks that wait for it: what a rank has written in its turn, and the end of its reads.
//!
//! Poison has words of its own, because a rank that is slow to wake may still have to read the outcome of call `n - 1` while
//! others poison call `n`. A waiting rank polls `released` before `poisoned`.

use crate::comm::protocol::call::Call;
use crate::comm::protocol::control_block::{
    CONTRIBUTION_BYTES, ControlHead, OUTCOME_BYTES, POISON_BYTES, RankBlock, SITE_BYTES,
    load_bytes, load_into, store_bytes,
};
use crate::memory::Segment;
use crate::sync::atomic::Ordering;

/// In `arrived`: the rank makes no further call.
const LEFT: u64 = 1 << 63;

const OPEN: u64 = 0;
const WRITING: u64 = 1;
const POISONED: u64 = 2;

fn state(n: u64, what: u64) -> u64 {
    ((n - 1) << 2) | what
}

/// How a call has ended on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Released {
    /// With success, and without an outcome.
    Plain,
    /// With an outcome to read.
    Outcome,
    /// Not at all: the block was poisoned.
    Poisoned,
}

/// Why a call cannot be completed. The number is a local rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// This rank has arrived with another call.
    Differs(usize),
    /// This rank has left.
    Left(usize),
}

/// Whether all ranks of the node have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gathered {
    /// All of them, with the same call.
    Agreed,
    /// They never will.
    Conflict(Conflict),
    /// Another rank has poisoned the block.
    Poisoned,
}

/// How to wait. `pause` is called between two polls of a word.
pub(crate) trait Pause {
    /// Waits for a moment. `true` when it is time to check for ranks that will never arrive.
    fn pause(&mut self) -> bool;
}

/// The control block of one node, as typed atomics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Control<'a> {
    pub(super) head: &'a ControlHead,
    pub(super) ranks: &'a [RankBlock],
}

impl<'a> Control<'a> {
    /// Bytes of a control block for `ranks` ranks.
    pub(crate) fn bytes(ranks: usize) -> usize {
        size_of::<ControlHead>() + ranks * size_of::<RankBlock>()
    }

    /// The control block at the start of a segment.
    ///
    /// # Safety
    /// The segment was allocated for [`Control::bytes`] of `ranks` ranks, aligned to 64, and zeroed before the first rank
    /// used it. Every rank of the node uses these bytes as a control block of that many ranks only.
    #[inline]
    pub(crate) unsafe fn in_segment(segment: &'a Segment, ranks: usize) -> Self {
        // SAFETY: the caller's duties.
        let head = unsafe { segment.get(0) };
        // SAFETY: the caller's duties. The rank blocks follow the head, whose size is a multiple of their alignment.
        let ranks = unsafe { segment.slice(size_of::<ControlHead>(), ranks) };
        Control { head, ranks }
    }

    /// Publishes that this rank makes `call` as its `n`-th.
    pub(crate) fn arrive(self, me: usize, n: u64, call: Call, contribution: &[u8]) {
        let rank = &self.ranks[me];
        for (word, value) in rank.call.iter().zip(call.words()) {
            word.store(value, Ordering::Relaxed);
        }
        store_bytes(&rank.contribution_len, &rank.contribution, contribution);
        // [ARRIVE] release: call, contribution, source line, and this rank's last reads of the segment.
        rank.arrived.store(n, Ordering::Release);
    }

    /// Stores the source line of this rank's next calls. Needed again only when it changes.
    pub(crate) fn set_site(self, me: usize, site: &str) {
        let rank = &self.ranks[me];
        let bytes = &site.as_bytes()[site.len().saturating_sub(SITE_BYTES)..];
        store_bytes(&rank.site_len, &rank.site, bytes);
    }

    /// Publishes that this rank makes no call after its `done`-th, and why.
    pub(crate) fn leave(self, me: usize, done: u64, reason: &[u8]) {
        let rank = &self.ranks[me];
        let reason = &reason[..reason.len().min(CONTRIBUTION_BYTES)];
        store_bytes(&rank.contribution_len, &rank.contribution, reason);
        // [ARRIVE] release: the reason.
        rank.arrived.store(done | LEFT, Ordering::Release);
    }

    /// Undoes `leave` on behalf of all ranks, while none of them uses the block. `false`, and no change, when they have left
    /// after different calls or the block is poisoned.
    pub(crate) fn rejoin(self) -> bool {
        // [ARRIVE] acquire.
        let done = self.ranks[0].arrived.load(Ordering::Acquire) & !LEFT;
        let is_common = |rank: &RankBlock| rank.arrived.load(Ordering::Acquire) & !LEFT == done;
        // [POISON] acquire.
        let is_poisoned = self.head.poisoned.0.load(Ordering::Acquire) != 0;
        if is_poisoned || !self.ranks.iter().all(is_common) {
            return false;
        }
        for rank in self.ranks {
            // [ARRIVE] release.
            rank.arrived.store(done, Ordering::Release);
        }
        true
    }

    /// Publishes how many turns this rank has finished in a lane.
    #[inline]
    pub(crate) fn set_turns(self, me: usize, lane: usize, turns: u64) {
        // [TURN] release: what this rank has written in its turns, and the end of its reads.
        self.ranks[me].turns.0[lane].store(turns, Ordering::Release);
    }

    /// How many turns a rank has finished in a lane.
    #[inline]
    pub(crate) fn turns(self, rank: usize, lane: usize) -> u64 {
        // [TURN] acquire: what that rank has written in them.
        self.ranks[rank].turns.0[lane].load(Ordering::Acquire)
    }

    /// The number of the last call at which the rank has arrived, and whether it has left.
    pub(crate) fn arrival(self, rank: usize) -> (u64, bool) {
        // [ARRIVE] acquire: what `call`, `contribution` and `site` read.
        let arrived = self.ranks[rank].arrived.load(Ordering::Acquire);
        (arrived & !LEFT, arrived & LEFT != 0)
    }

    /// Whether the rank has left before its `n`-th call.
    pub(crate) fn has_left(self, rank: usize, n: u64) -> bool {
        let (done, left) = self.arrival(rank);
        left && done < n
    }

    /// The rank's last call.
    pub(crate) fn call(self, rank: usize) -> Call {
        Call::from_words(std::array::from_fn(|word| {
            self.ranks[rank].call[word].load(Ordering::Relaxed)
        }))
    }

    /// The source line of the rank's last call; empty without reports.
    pub(crate) fn site(self, rank: usize) -> String {
        let rank = &self.ranks[rank];
        let site = load_bytes(&rank.site_len, &rank.site);
        String::from_utf8_lossy(&site).into_owned()
    }

    /// The rank's contribution, empty in most calls; or why it has left.
    pub(crate) fn contribution(self, rank: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.contribution_into(rank, &mut bytes);
        bytes
    }

    /// The same, in place of what `bytes` holds.
    pub(crate) fn contribution_into(self, rank: usize, bytes: &mut Vec<u8>) {
        let rank = &self.ranks[rank];
        load_into(bytes, &rank.contribution_len, &rank.contribution);
    }

    /// Whether a rank has arrived at call `n`, and with the same call as this one. `None` when it may still arrive.
    fn check(self, rank: usize, n: u64, mine: Call) -> Option<Result<(), Conflict>> {
        match self.arrival(rank) {
            (done, left) if done < n => left.then_some(Err(Conflict::Left(rank))),
            _ if self.call(rank) == mine => Some(Ok(())),
            _ => Some(Err(Conflict::Differs(rank))),
        }
    }

    /// Waits until every rank of the node has arrived at call `n`, and compares their calls with this rank's.
    pub(crate) fn gather(self, n: u64, mine: Call, pause: &mut impl Pause) -> Gathered {
        for rank in 0..self.ranks.len() {
            loop {
                match self.check(rank, n, mine) {
                    Some(Ok(())) => break,
                    Some(Err(conflict)) => return Gathered::Conflict(conflict),
                    None => {}
                }
                // Relaxed: the caller reads the error after [POISON].
                if pause.pause() && self.head.state.0.load(Ordering::Relaxed) & 3 == POISONED {
                    return Gathered::Poisoned;
                }
            }
        }
        Gathered::Agreed
    }

    /// Checks once for a rank that makes another call or has left. For ranks that wait while no rank gathers.
    pub(crate) fn find_conflict(self, n: u64, mine: Call) -> Option<Conflict> {
        if self.head.state.0.load(Ordering::Acquire) != state(n, OPEN) {
            return None;
        }
        // What a rank has published for call n stays until its release, which excludes `poison` by the compare-and-swap.
        (0..self.ranks.len()).find_map(|rank| self.check(rank, n, mine)?.err())
    }

    /// Claims call `n`: from here on, it ends on this node by a release or by `poison_claimed` only. `false` when it was
    /// poisoned before.
    pub(crate) fn claim(self, n: u64) -> bool {
        self.change_state(n, WRITING)
    }

    /// Ends call `n` with an error, and the `Comm` with it. `false` when the call was claimed or poisoned before.
    pub(crate) fn poison(self, n: u64, error: impl FnOnce() -> Vec<u8>) -> bool {
        let won = self.change_state(n, POISONED);
        if won {
            self.publish_poison(n, &error());
        }
        won
    }

    /// The one compare-and-swap that decides between claim and poison, for all ranks of the node.
    fn change_state(self, n: u64, to: u64) -> bool {
        let (open, to) = (state(n, OPEN), state(n, to));
        self.head
            .state
            .0
            .compare_exchange(open, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Like `poison`, for the holder of the claim.
    pub(crate) fn poison_claimed(self, n: u64, error: &[u8]) {
        self.head
            .state
            .0
            .store(state(n, POISONED), Ordering::Relaxed);
        self.publish_poison(n, error);
    }

    fn publish_poison(self, n: u64, error: &[u8]) {
        assert!(
            error.len() <= POISON_BYTES,
            "an error of {} B was not clipped",
            error.len()
        );
        store_bytes(&self.head.poison_len, &self.head.poison, error);
        // [POISON] release: the error.
        self.head.poisoned.0.store(n, Ordering::Release);
    }

    fn is_poisoned(self, n: u64) -> bool {
        // [POISON] acquire: the error.
        let poisoned = self.head.poisoned.0.load(Ordering::Acquire);
        poisoned != 0 && poisoned <= n
    }

    /// The error of a poisoned block.
    pub(crate) fn poison_error(self) -> Vec<u8> {
        load_bytes(&self.head.poison_len, &self.head.poison)
    }

    /// Passes the claim on to the writer, which waits in `await_claim`.
    pub(crate) fn pass_claim(self, n: u64) {
        // [PASS] release: all that the leader has acquired from the ranks of its node and from other nodes.
        self.head.passed.0.store(n, Ordering::Release);
    }

    /// Waits for the claim of call `n`. `false` when the call was poisoned instead.
    pub(crate) fn await_claim(
        self,
        n: u64,
        pause: &mut impl Pause,
        mut check_others: impl FnMut(),
    ) -> bool {
        loop {
            // [PASS] acquire: what the leader has acquired.
            if self.head.passed.0.load(Ordering::Acquire) >= n {
                return true;
            }
            if self.is_poisoned(n) {
                return false;
            }
            if pause.pause() {
                check_others();
            }
        }
    }

    /// Ends call `n` for every rank of the node. For the holder of the claim only.
    pub(crate) fn release(self, n: u64, outcome: &[u8]) {
        assert!(
            outcome.len() <= OUTCOME_BYTES,
            "an outcome of {} B was not clipped",
            outcome.len()
        );
        self.head
            .state
            .0
            .store(state(n + 1, OPEN), Ordering::Relaxed);
        let release = &self.head.release;
        if !outcome.is_empty() {
            store_bytes(&release.outcome_len, &release.outcome, outcome);
        }
        // [RELEASE] release: the segment as it was written, the outcome, and the state word.
        release
            .released
            .store((n << 1) | u64::from(!outcome.is_empty()), Ordering::Release);
    }

    /// Waits for the end of call `n`. `check_others` runs when it is time to check for ranks that will never arrive.
    pub(crate) fn await_release(
        self,
        n: u64,
        pause: &mut impl Pause,
        mut check_others: impl FnMut(),
    ) -> Released {
        loop {
            // [RELEASE] acquire: the segment and the outcome.
            let released = self.head.release.released.load(Ordering::Acquire);
            if released >> 1 >= n {
                return if released & 1 == 0 {
                    Released::Plain
                } else {
                    Released::Outcome
                };
            }
            if self.is_poisoned(n) {
                return Released::Poisoned;
            }
            if pause.pause() {
                check_others();
            }
        }
    }

    /// The outcome of the call that was released last. It stays until the next release, for which all ranks must have arrived.
    pub(crate) fn outcome(self) -> Vec<u8> {
        load_bytes(&self.head.release.outcome_len, &self.head.release.outcome)
    }
}

#[cfg(all(test, not(loom)))]
mod tests;

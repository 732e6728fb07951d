//! The control block of a `Comm` on one node: the words through which its ranks meet, and the steps that change them.
//!
//! The block lies in node memory, and zeroed memory is the state before call 1. Everything here works on typed atomics, so
//! that the model checker runs this very code.
//!
//! Calls on a `Comm` are numbered from 1. The life of call `n` on a node:
//!
//! ```text
//!   every rank     arrive(n): call and note into its local_rank, then `arrived = n`                      [ARRIVE]
//!   the gatherer   sees all ranks at n with equal calls, then   OPEN(n) -> WRITING(n)              (one compare-and-swap)
//!   anybody        sees a local_rank that differs or has gone, then   OPEN(n) -> POISONED, `poisoned = n`  [POISON]
//!   the writer     changes the segment, then `state = OPEN(n + 1)`, `release = n`                  [RELEASE]
//!   every rank     sees `release = n` and reads the outcome and the segment
//! ```
//!
//! A rank that is slow to wake may still have to read the outcome of call `n - 1` while others poison call `n`: poison has
//! a word and a text of its own, and a waiting rank looks at `release` first.
//!
//! `[ARRIVE]` makes a rank's call, its note and the end of all its earlier reads of the segment visible to the gatherer, so
//! the writer may change the segment. `[RELEASE]` makes the writer's changes and the outcome visible to every rank. With
//! several nodes the gatherer is the node's leader and the writer may be another rank: `[GO]` passes on to it what the
//! leader acquired.
//!
//! Who wins the compare-and-swap decides between writing and poison, once, for all ranks of the node: nobody can return
//! with an error while bytes are being written, and nobody can start to write after somebody returned with an error.

use crate::comm::collective::call::{CALL_WORDS, Call};
use crate::memory::Segment;
use crate::memory::cast::AtomicBlock;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a note: what a rank adds to its arrival.
pub(crate) const CONTRIBUTION_BYTES: usize = CONTRIBUTION_WORDS * 8;
/// Bytes of an outcome that fit into the block.
pub(crate) const OUTCOME_BYTES: usize = OUTCOME_WORDS * 8;

#[cfg(not(loom))]
mod sizes {
    pub(super) const CONTRIBUTION_WORDS: usize = 128;
    pub(super) const SITE_WORDS: usize = 16;
    pub(super) const OUTCOME_WORDS: usize = 1024;
    pub(super) const POISON_WORDS: usize = 256;
}
/// The model checker pays for every word.
#[cfg(loom)]
mod sizes {
    pub(super) const CONTRIBUTION_WORDS: usize = 1;
    pub(super) const SITE_WORDS: usize = 1;
    pub(super) const OUTCOME_WORDS: usize = 1;
    pub(super) const POISON_WORDS: usize = 1;
}
use sizes::{CONTRIBUTION_WORDS, OUTCOME_WORDS, POISON_WORDS, SITE_WORDS};

/// A word on a cache line of its own.
#[derive(Debug)]
#[repr(C, align(64))]
struct Line(AtomicU64);

/// The words that all ranks of the node share.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Head {
    /// OPEN(n), WRITING(n) or POISONED; zero is OPEN(1).
    state: Line,
    /// The last call that was released, and how.
    release: Line,
    /// The last call that all nodes agreed to, for a writer that is not the leader.
    go: Line,
    /// The call that was poisoned, 0 for none. Written once.
    poisoned: Line,
    outcome_len: AtomicU64,
    outcome: [AtomicU64; OUTCOME_WORDS],
    poison_len: AtomicU64,
    /// Why the block was poisoned.
    poison: [AtomicU64; POISON_WORDS],
}

/// What one rank posts. Its first line holds all that a call without a note needs.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct RankBlock {
    /// The last call at which the rank arrived; with `GONE` set it makes no further ones.
    arrived: AtomicU64,
    call: [AtomicU64; CALL_WORDS],
    note_len: AtomicU64,
    site_len: AtomicU64,
    /// In the world's block only: for whom this rank waits, on whichever `Comm`; see `hang.rs`.
    waits: AtomicU64,
    /// Steps that the rank has done inside calls in which the ranks of a node work in turns; see `pace.rs`.
    steps: AtomicU64,
    note: [AtomicU64; CONTRIBUTION_WORDS],
    /// The caller's source line as text: an address means nothing in another process.
    site: [AtomicU64; SITE_WORDS],
    /// In the world's block only: arrivals of this rank on all its `Comm`s together.
    arrivals: AtomicU64,
    /// In the world's block only: arrivals of the rank waited for, when it was seen to be missing.
    seen: AtomicU64,
    plight_len: AtomicU64,
    /// In the world's block only: the call in which it waits.
    wait_reason: [AtomicU64; SITE_WORDS],
}

// SAFETY: a `repr(C)` struct of one atomic integer.
unsafe impl AtomicBlock for Line {}
// SAFETY: a `repr(C)` struct of atomic integers, arrays of these, and `Line`s.
unsafe impl AtomicBlock for Head {}
// SAFETY: a `repr(C)` struct of atomic integers and arrays of these.
unsafe impl AtomicBlock for RankBlock {}

const GONE: u64 = 1 << 63;

const OPEN: u64 = 0;
const WRITING: u64 = 1;
const POISONED: u64 = 2;

fn state(n: u64, what: u64) -> u64 {
    ((n - 1) << 2) | what
}

/// How a call ended on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Released {
    /// Well, and with nothing to say.
    Plain,
    /// With an outcome to read.
    Outcome,
    /// Never: the block was poisoned.
    Poisoned,
}

/// Why a call cannot be completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The rank in this local_rank arrived with another call.
    Differs(usize),
    /// The rank in this local_rank has gone.
    Gone(usize),
}

/// What gathering found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gathered {
    /// All ranks of the node make this call.
    Agreed,
    /// They never will.
    Conflict(Conflict),
    /// Somebody else has poisoned the block.
    Poisoned,
}

/// How to wait. `pause` is called between two looks at a word; it says when it is time to look for trouble.
pub(crate) trait Pause {
    fn pause(&mut self) -> bool;
}

/// The block of one node, seen through typed atomics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Control<'a> {
    pub(crate) head: &'a Head,
    pub(crate) ranks: &'a [RankBlock],
}

impl<'a> Control<'a> {
    /// Bytes of a control block for `ranks` ranks.
    pub(crate) fn bytes(ranks: usize) -> usize {
        size_of::<Head>() + ranks * size_of::<RankBlock>()
    }

    /// The control block at the start of a segment.
    ///
    /// # Safety
    /// The segment was allocated for [`Control::bytes`] of `ranks` ranks, aligned to 64, and zeroed before the first rank
    /// used it. Every rank of the node uses these bytes as a control block of that many ranks only.
    pub(crate) unsafe fn in_segment(segment: &'a Segment, ranks: usize) -> Self {
        // SAFETY: the caller's duties.
        let head = unsafe { segment.get(0) };
        // SAFETY: the caller's duties. The rank blocks follow the head, whose size is a multiple of their alignment.
        let ranks = unsafe { segment.slice(size_of::<Head>(), ranks) };
        Control { head, ranks }
    }

    /// Posts that this rank makes `call` as its `n`-th.
    pub(crate) fn arrive(self, me: usize, n: u64, call: Call, note: &[u8]) {
        let local_rank = &self.ranks[me];
        for (word, value) in local_rank.call.iter().zip(call.words()) {
            word.store(value, Ordering::Relaxed);
        }
        local_rank
            .note_len
            .store(note.len() as u64, Ordering::Relaxed);
        put(&local_rank.note, note);
        // [ARRIVE] release: call, note, site and this rank's last reads of the segment.
        local_rank.arrived.store(n, Ordering::Release);
    }

    /// Keeps the source line of this rank's calls; only needed again when it changes.
    pub(crate) fn set_site(self, me: usize, site: &str) {
        let local_rank = &self.ranks[me];
        let bytes = &site.as_bytes()[site.len().saturating_sub(SITE_WORDS * 8)..];
        local_rank
            .site_len
            .store(bytes.len() as u64, Ordering::Relaxed);
        put(&local_rank.site, bytes);
    }

    /// Posts that this rank makes no call after its `done`-th; `why` stays readable in its note.
    pub(crate) fn leave(self, me: usize, done: u64, why: &[u8]) {
        let local_rank = &self.ranks[me];
        let why = &why[..why.len().min(CONTRIBUTION_BYTES)];
        local_rank
            .note_len
            .store(why.len() as u64, Ordering::Relaxed);
        put(&local_rank.note, why);
        // [ARRIVE] release: the reason.
        local_rank.arrived.store(done | GONE, Ordering::Release);
    }

    /// Posts how many steps this rank has done.
    #[inline]
    pub(crate) fn step(self, me: usize, steps: u64) {
        // [STEP] release: what this rank wrote in its steps, and the end of its reads.
        self.ranks[me].steps.store(steps, Ordering::Release);
    }

    /// How many steps a rank has done.
    #[inline]
    pub(crate) fn steps(self, rank: usize) -> u64 {
        // [STEP] acquire: what that rank wrote in them.
        self.ranks[rank].steps.load(Ordering::Acquire)
    }

    /// Takes back what all ranks have posted by `leave`; none of them uses the block meanwhile. `false` when they have left
    /// after different calls or the block is poisoned, so that they cannot go on together.
    pub(crate) fn rejoin(self) -> bool {
        let done = self.ranks[0].arrived.load(Ordering::Acquire) & !GONE;
        let is_common =
            |local_rank: &RankBlock| local_rank.arrived.load(Ordering::Acquire) & !GONE == done;
        let is_well = self.head.poisoned.0.load(Ordering::Acquire) == 0;
        if !is_well || !self.ranks.iter().all(is_common) {
            return false;
        }
        for local_rank in self.ranks {
            local_rank.arrived.store(done, Ordering::Release);
        }
        true
    }

    /// Counts an arrival on any `Comm`, after it was posted there.
    #[inline]
    pub(crate) fn count_arrival(self, me: usize) {
        let count = &self.ranks[me].arrivals;
        // [COUNT] release: the arrival itself.
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    /// Arrivals of a rank on all its `Comm`s.
    pub(crate) fn arrivals(self, rank: usize) -> u64 {
        // [COUNT] acquire: whoever reads a count before it looks for an arrival has seen no arrival that is counted later.
        self.ranks[rank].arrivals.load(Ordering::Acquire)
    }

    /// Posts for whom this rank waits, how often that one had arrived then, and in which call; 0 for nobody.
    pub(crate) fn set_waits(self, me: usize, waits: u64, seen: u64, wait_reason: &str) {
        let local_rank = &self.ranks[me];
        let wait_reason = &wait_reason.as_bytes()[..wait_reason.len().min(SITE_WORDS * 8)];
        local_rank
            .plight_len
            .store(wait_reason.len() as u64, Ordering::Relaxed);
        put(&local_rank.wait_reason, wait_reason);
        local_rank.seen.store(seen, Ordering::Relaxed);
        // [WAITS] release: what was posted with it, and the count of this rank's arrivals.
        local_rank.waits.store(waits, Ordering::Release);
    }

    /// What the rank posted by `set_waits`.
    pub(crate) fn waits(self, rank: usize) -> (u64, u64, String) {
        let local_rank = &self.ranks[rank];
        // [WAITS] acquire.
        let waits = local_rank.waits.load(Ordering::Acquire);
        let wait_reason = get(
            &local_rank.wait_reason,
            local_rank.plight_len.load(Ordering::Relaxed),
        );
        let seen = local_rank.seen.load(Ordering::Relaxed);
        (
            waits,
            seen,
            String::from_utf8_lossy(&wait_reason).into_owned(),
        )
    }

    /// The number of the last call at which the rank arrived, and whether it has gone.
    pub(crate) fn progress(self, rank: usize) -> (u64, bool) {
        // [ARRIVE] acquire: what `posted` reads.
        let arrived = self.ranks[rank].arrived.load(Ordering::Acquire);
        (arrived & !GONE, arrived & GONE != 0)
    }

    /// Whether the rank has gone before its `n`-th call.
    pub(crate) fn is_gone(self, rank: usize, n: u64) -> bool {
        // [ARRIVE] acquire: the reason.
        let arrived = self.ranks[rank].arrived.load(Ordering::Acquire);
        arrived & GONE != 0 && arrived & !GONE < n
    }

    /// What the rank posted at its last arrival: the call, the note and the source line.
    pub(crate) fn posted(self, rank: usize) -> (Call, Vec<u8>, String) {
        let local_rank = &self.ranks[rank];
        let site = get(
            &local_rank.site,
            local_rank.site_len.load(Ordering::Relaxed),
        );
        (
            self.call(rank),
            self.note(rank),
            String::from_utf8_lossy(&site).into_owned(),
        )
    }

    /// The rank's note, empty for most calls.
    pub(crate) fn note(self, rank: usize) -> Vec<u8> {
        let local_rank = &self.ranks[rank];
        get(
            &local_rank.note,
            local_rank.note_len.load(Ordering::Relaxed),
        )
    }

    fn call(self, rank: usize) -> Call {
        Call::from_words(std::array::from_fn(|word| {
            self.ranks[rank].call[word].load(Ordering::Relaxed)
        }))
    }

    /// Whether the rank in `local_rank` has arrived at call `n`, and with the same call.
    fn look(self, local_rank: usize, n: u64, mine: Call) -> Option<Result<(), Conflict>> {
        // [ARRIVE] acquire: call and note of that rank, and the end of its reads.
        let arrived = self.ranks[local_rank].arrived.load(Ordering::Acquire);
        if arrived & !GONE < n {
            return (arrived & GONE != 0).then_some(Err(Conflict::Gone(local_rank)));
        }
        Some(if self.call(local_rank) == mine {
            Ok(())
        } else {
            Err(Conflict::Differs(local_rank))
        })
    }

    /// Waits until every rank of the node has arrived at call `n`, and compares their calls with `mine`.
    pub(crate) fn gather(self, n: u64, mine: Call, pause: &mut impl Pause) -> Gathered {
        for local_rank in 0..self.ranks.len() {
            loop {
                match self.look(local_rank, n, mine) {
                    Some(Ok(())) => break,
                    Some(Err(conflict)) => return Gathered::Conflict(conflict),
                    None => {}
                }
                if pause.pause() && self.head.state.0.load(Ordering::Relaxed) & 3 == POISONED {
                    return Gathered::Poisoned;
                }
            }
        }
        Gathered::Agreed
    }

    /// Looks once for a rank that makes another call or has gone; for ranks that wait while nobody gathers.
    pub(crate) fn look_around(self, n: u64, mine: Call) -> Option<Conflict> {
        if self.head.state.0.load(Ordering::Acquire) != state(n, OPEN) {
            return None;
        }
        // Slots at call n cannot change before its release, which `poison` excludes by its compare-and-swap.
        (0..self.ranks.len()).find_map(|local_rank| self.look(local_rank, n, mine)?.err())
    }

    /// The gatherer's claim: from here on, only a release ends call `n` on this node. `false` when it was poisoned.
    pub(crate) fn claim(self, n: u64) -> bool {
        self.head
            .state
            .0
            .compare_exchange(
                state(n, OPEN),
                state(n, WRITING),
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .is_ok()
    }

    /// Ends call `n` with an outcome that says why, and the `Comm` with it. `false` when a writer or another rank was first.
    pub(crate) fn poison(self, n: u64, outcome: impl FnOnce() -> Vec<u8>) -> bool {
        let won = self
            .head
            .state
            .0
            .compare_exchange(
                state(n, OPEN),
                state(n, POISONED),
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .is_ok();
        if won {
            self.tell_poison(n, &outcome());
        }
        won
    }

    /// Like `poison`, for the holder of the claim.
    pub(crate) fn poison_claimed(self, n: u64, outcome: &[u8]) {
        self.head
            .state
            .0
            .store(state(n, POISONED), Ordering::Relaxed);
        self.tell_poison(n, outcome);
    }

    fn tell_poison(self, n: u64, outcome: &[u8]) {
        assert!(
            outcome.len() <= POISON_WORDS * 8,
            "a reason of {} B was not clipped",
            outcome.len()
        );
        self.head
            .poison_len
            .store(outcome.len() as u64, Ordering::Relaxed);
        put(&self.head.poison, outcome);
        // [POISON] release: the reason.
        self.head.poisoned.0.store(n, Ordering::Release);
    }

    fn is_poisoned(self, n: u64) -> bool {
        // [POISON] acquire.
        let poisoned = self.head.poisoned.0.load(Ordering::Acquire);
        poisoned != 0 && poisoned <= n
    }

    /// Why the block was poisoned.
    pub(crate) fn reason(self) -> Vec<u8> {
        get(
            &self.head.poison,
            self.head.poison_len.load(Ordering::Relaxed),
        )
    }

    /// Passes the claim on to the writer, which waits in `await_go`.
    pub(crate) fn go(self, n: u64) {
        // [GO] release: all that the leader acquired from the node's arrivals and from the other nodes.
        self.head.go.0.store(n, Ordering::Release);
    }

    /// Waits for the claim. `false` when the call was released, with an error, instead.
    pub(crate) fn await_go(
        self,
        n: u64,
        pause: &mut impl Pause,
        mut trouble: impl FnMut(),
    ) -> bool {
        loop {
            // [GO] acquire.
            if self.head.go.0.load(Ordering::Acquire) >= n {
                return true;
            }
            if self.is_poisoned(n) {
                return false;
            }
            if pause.pause() {
                trouble();
            }
        }
    }

    /// Ends call `n` for every rank of the node. Only the holder of the claim may call it.
    pub(crate) fn release(self, n: u64, outcome: &[u8]) {
        self.head
            .state
            .0
            .store(state(n + 1, OPEN), Ordering::Relaxed);
        self.publish(n, outcome);
    }

    fn publish(self, n: u64, outcome: &[u8]) {
        assert!(
            outcome.len() <= OUTCOME_BYTES,
            "an outcome of {} B was not clipped",
            outcome.len()
        );
        if !outcome.is_empty() {
            self.head
                .outcome_len
                .store(outcome.len() as u64, Ordering::Relaxed);
            put(&self.head.outcome, outcome);
        }
        // [RELEASE] release: the segment as the writer left it, the outcome, and the state word.
        self.head
            .release
            .0
            .store((n << 1) | u64::from(!outcome.is_empty()), Ordering::Release);
    }

    /// Waits for the end of call `n`; `trouble` runs whenever it is time to look for some.
    pub(crate) fn await_release(
        self,
        n: u64,
        pause: &mut impl Pause,
        mut trouble: impl FnMut(),
    ) -> Released {
        loop {
            // [RELEASE] acquire.
            let release = self.head.release.0.load(Ordering::Acquire);
            if release >> 1 >= n {
                return if release & 1 == 0 {
                    Released::Plain
                } else {
                    Released::Outcome
                };
            }
            if self.is_poisoned(n) {
                return Released::Poisoned;
            }
            if pause.pause() {
                trouble();
            }
        }
    }

    /// The outcome of the call that was released last. It stays until all ranks have arrived at the next call and its writer
    /// has released that.
    pub(crate) fn outcome(self) -> Vec<u8> {
        get(
            &self.head.outcome,
            self.head.outcome_len.load(Ordering::Relaxed),
        )
    }
}

fn put(words: &[AtomicU64], bytes: &[u8]) {
    for (word, chunk) in words.iter().zip(bytes.chunks(8)) {
        let mut value = [0; 8];
        value[..chunk.len()].copy_from_slice(chunk);
        word.store(u64::from_le_bytes(value), Ordering::Relaxed);
    }
}

fn get(words: &[AtomicU64], len: u64) -> Vec<u8> {
    // A rank that looks around may meet a length that is being changed; it must not meet a panic.
    let len = (len as usize).min(words.len() * 8);
    let mut bytes = Vec::with_capacity(len.next_multiple_of(8));
    for word in &words[..len.div_ceil(8)] {
        bytes.extend_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

#[cfg(all(test, loom))]
pub(crate) mod fresh {
    //! Control blocks outside node memory, for models.
    use super::{AtomicU64, CALL_WORDS, Head, Line, RankBlock};
    use super::{CONTRIBUTION_WORDS, OUTCOME_WORDS, POISON_WORDS, SITE_WORDS};

    pub(crate) fn head() -> Head {
        Head {
            state: line(),
            release: line(),
            go: line(),
            outcome_len: AtomicU64::new(0),
            outcome: zeros::<OUTCOME_WORDS>(),
            poisoned: line(),
            poison_len: AtomicU64::new(0),
            poison: zeros::<POISON_WORDS>(),
        }
    }

    pub(crate) fn local_rank() -> RankBlock {
        RankBlock {
            arrived: AtomicU64::new(0),
            call: zeros::<CALL_WORDS>(),
            note_len: AtomicU64::new(0),
            site_len: AtomicU64::new(0),
            note: zeros::<CONTRIBUTION_WORDS>(),
            site: zeros::<SITE_WORDS>(),
            waits: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            arrivals: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            plight_len: AtomicU64::new(0),
            wait_reason: zeros::<SITE_WORDS>(),
        }
    }

    fn line() -> Line {
        Line(AtomicU64::new(0))
    }

    fn zeros<const N: usize>() -> [AtomicU64; N] {
        std::array::from_fn(|_| AtomicU64::new(0))
    }
}

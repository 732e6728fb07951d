//! The wait table of a node: for whom each rank waits, and in which call. Reports and the detection of deadlocks read it.
//!
//! A rank whose wait has lasted for some milliseconds posts it. There is one table for the world, because ranks may wait for
//! each other on different `Comm`s. If rank a waits for b, b for c, and c for a, none of them can ever continue: a rank's
//! wait ends only after the rank that it waits for has arrived.
//!
//! A rank that has been released may be slow to wake, and still be in the table. So each rank counts its arrivals, and posts
//! with its wait how often the missing rank had arrived. The link from one rank to the next holds only as long as that count
//! stands. If a circle is found twice, all its links have held at one moment.
//!
//! A rank that waits for a lock waits for the rank that holds it. A rank also counts the locks that it has released, each after
//! the release. A waiter reads the count of the holder, and then that it holds the lock: as long as the count stands and the
//! holder waits, it has not released the lock.
//!
//! What becomes visible:
//!
//! - `[WAIT]` what a rank has posted with its wait, and its count of arrivals.
//! - `[COUNT]` the arrivals and releases that were counted.

use crate::comm::protocol::control_block::{load_bytes, store_bytes};
use crate::memory::Segment;
use crate::memory::cast::AtomicBlock;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::cell::Cell;
use std::rc::Rc;

/// Words of the text that says in which call a rank waits.
const REASON_WORDS: usize = if cfg!(loom) { 1 } else { 48 };
/// In the low half of the word of a wait: the rank waits for a lock, which the missing rank holds.
const LOCK: u64 = 1 << 31;
/// The same: the wait has a time limit, so it is part of no deadlock.
const ENDS: u64 = 1 << 30;
/// The rest of the low half.
const MISSING: u64 = ENDS - 1;

/// What one rank posts.
#[derive(Debug)]
#[repr(C, align(64))]
struct WaitEntry {
    /// A number of this wait, never used again, in the high half. In the low half, the local rank that is missing plus one, or
    /// 0 if none of this node is. Zero: the rank does not wait.
    wait: AtomicU64,
    /// How often the missing rank had arrived when it was missing.
    missing_arrivals: AtomicU64,
    reason_len: AtomicU64,
    reason: [AtomicU64; REASON_WORDS],
    /// How often this rank has arrived, on all its `Comm`s together, and has released a lock.
    arrivals: AtomicU64,
}

// SAFETY: a `repr(C)` struct of atomic integers and an array of these.
unsafe impl AtomicBlock for WaitEntry {}

/// A rank that another one waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MissingRank {
    /// Its local rank in the world.
    pub(crate) local_rank: usize,
    /// How often it had arrived when it was missing.
    pub(crate) arrivals: u64,
}

/// For what a rank waits, but for the rank that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct WaitKind {
    /// For a lock, which the missing rank holds.
    pub(crate) is_for_lock: bool,
    /// Whether the wait ends by itself, because it has a time limit.
    pub(crate) has_limit: bool,
}

/// A wait that a rank has posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PostedWait {
    /// In which call.
    pub(crate) reason: String,
    pub(crate) is_for_lock: bool,
    /// World rank of the rank of this node that it waits for, if it waits for one.
    pub(crate) missing: Option<usize>,
}

/// The wait table of this node, as one of its ranks sees it.
#[derive(Debug)]
pub(crate) struct WaitTable {
    /// Holds one entry for each rank of the node, from the byte `start` on.
    segment: Rc<Segment>,
    start: usize,
    /// World ranks of the ranks of the node.
    ranks: Vec<usize>,
    /// Index of this rank among them.
    me: usize,
    /// Waits that this rank has posted.
    posts: Cell<u64>,
}

impl WaitTable {
    /// Bytes of a table for `ranks` ranks.
    pub(crate) fn bytes(ranks: usize) -> usize {
        ranks * size_of::<WaitEntry>()
    }

    /// # Safety
    /// The segment was allocated with an alignment of 64, and zeroed before the first rank used it. Every rank of the node uses
    /// its [`WaitTable::bytes`] bytes from `start`, a multiple of 64, as the wait table of `ranks` only.
    pub(crate) unsafe fn new(
        segment: Rc<Segment>,
        start: usize,
        ranks: Vec<usize>,
        me: usize,
    ) -> Self {
        WaitTable {
            segment,
            start,
            ranks,
            me,
            posts: Cell::new(0),
        }
    }

    #[inline]
    fn entries(&self) -> &[WaitEntry] {
        // SAFETY: duty of `new`, kept by the private fields.
        unsafe { self.segment.slice(self.start, self.ranks.len()) }
    }

    /// Posts that this rank waits, for a missing rank of this node or for something else, and in which call. For a lock, the
    /// missing rank is the one that holds it.
    pub(crate) fn post(&self, missing: Option<MissingRank>, kind: WaitKind, reason: &str) {
        self.posts.set(self.posts.get() + 1);
        let (local_rank, arrivals) = missing.map_or((0, 0), |missing| {
            (missing.local_rank as u64 + 1, missing.arrivals)
        });
        let lock = if kind.is_for_lock { LOCK } else { 0 };
        let ends = if kind.has_limit { ENDS } else { 0 };
        let wait = (self.posts.get() << 32) | lock | ends | local_rank;
        self.set(wait, arrivals, reason);
    }

    /// Removes what this rank has posted.
    pub(crate) fn clear(&self) {
        self.set(0, 0, "");
    }

    fn set(&self, wait: u64, missing_arrivals: u64, reason: &str) {
        let entry = &self.entries()[self.me];
        let reason = &reason.as_bytes()[..reason.len().min(REASON_WORDS * 8)];
        store_bytes(&entry.reason_len, &entry.reason, reason);
        entry
            .missing_arrivals
            .store(missing_arrivals, Ordering::Relaxed);
        // [WAIT] release: what was posted with it, and this rank's count of arrivals.
        entry.wait.store(wait, Ordering::Release);
    }

    /// Counts an arrival of this rank, after it was published, or the release of a lock, after it was released.
    #[inline]
    pub(crate) fn count_arrival(&self) {
        let count = &self.entries()[self.me].arrivals;
        // [COUNT] release: the arrival, or the release of the lock. Only this rank stores, so the load needs no order.
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    /// How often a rank of the node has arrived.
    pub(crate) fn arrivals(&self, local_rank: usize) -> u64 {
        // [COUNT] acquire: a rank that reads a count, and then finds that an arrival is missing, knows that this arrival will be
        // counted later.
        self.entries()[local_rank].arrivals.load(Ordering::Acquire)
    }

    /// The local rank of a world rank, if it is on this node.
    pub(crate) fn local_rank(&self, world: usize) -> Option<usize> {
        self.ranks.iter().position(|&rank| rank == world)
    }

    /// The wait of a world rank of this node, if it waits.
    pub(crate) fn wait_of(&self, world: usize) -> Option<PostedWait> {
        let entry = &self.entries()[self.local_rank(world)?];
        // [WAIT] acquire: the reason.
        let wait = entry.wait.load(Ordering::Acquire);
        let missing = missing_of(wait).and_then(|missing| self.ranks.get(missing));
        (wait != 0).then(|| PostedWait {
            reason: reason_of(entry),
            is_for_lock: wait & LOCK != 0,
            missing: missing.copied(),
        })
    }

    /// A report if this rank is in a deadlock of ranks of this node.
    pub(crate) fn deadlock(&self) -> Option<String> {
        let circle = self.circle()?;
        if circle.len() < 2 || self.circle()? != circle {
            return None;
        }
        // From the lowest rank on, so that all ranks of the circle report the same.
        let lowest = (0..circle.len()).min_by_key(|&index| circle[index].0)?;
        let waits: Vec<WaitInCircle> = (0..circle.len())
            .map(|index| {
                let (rank, wait) = circle[(lowest + index) % circle.len()];
                WaitInCircle {
                    rank: format!("rank {}", self.ranks[rank]),
                    reason: reason_of(&self.entries()[rank]),
                    is_for_lock: wait & LOCK != 0,
                }
            })
            .collect();
        Some(deadlock_text(&waits))
    }

    /// The circle of waits that leads back to this rank: local ranks, and their wait words.
    fn circle(&self) -> Option<Vec<(usize, u64)>> {
        let entries = self.entries();
        let mut circle = Vec::new();
        let mut at = self.me;
        loop {
            // [WAIT] acquire: the count that was posted with the wait.
            let wait = entries[at].wait.load(Ordering::Acquire);
            let missing_arrivals = entries[at].missing_arrivals.load(Ordering::Relaxed);
            let next = missing_of(wait).filter(|_| wait & ENDS == 0)?;
            circle.push((at, wait));
            // A path into a circle that this rank is not part of is for the others to report.
            if circle.len() > self.ranks.len() || next >= self.ranks.len() {
                return None;
            }
            // [WAIT] acquire: the count of the next rank is at least what it was when that rank posted its own wait.
            let is_waiting = entries[next].wait.load(Ordering::Acquire) != 0;
            if !is_waiting || self.arrivals(next) != missing_arrivals {
                return None;
            }
            if next == self.me {
                return Some(circle);
            }
            at = next;
        }
    }
}

/// A wait of a rank in a deadlock.
pub(crate) struct WaitInCircle {
    pub(crate) rank: String,
    /// The call that it waits in.
    pub(crate) reason: String,
    pub(crate) is_for_lock: bool,
}

/// The report of a deadlock of ranks each of which waits for the next one, and the last for the first.
pub(crate) fn deadlock_text(circle: &[WaitInCircle]) -> String {
    let next = circle.iter().cycle().skip(1);
    let waits: Vec<String> = circle
        .iter()
        .zip(next)
        .map(|(wait, next)| {
            let has_lock = if wait.is_for_lock {
                ", which has the lock"
            } else {
                ""
            };
            let (rank, reason) = (&wait.rank, &wait.reason);
            format!("{rank} waits in {reason} for {}{has_lock}", next.rank)
        })
        .collect();
    format!("deadlock among ranks of the world: {}", waits.join("; "))
}

/// The local rank that is missing, in the word of a wait.
fn missing_of(wait: u64) -> Option<usize> {
    Some((wait & MISSING).checked_sub(1)? as usize)
}

fn reason_of(entry: &WaitEntry) -> String {
    let reason = load_bytes(&entry.reason_len, &entry.reason);
    String::from_utf8_lossy(&reason).into_owned()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::layout::placer::PAGE;
    use crate::memory::Chunk;
    use crate::memory::map::{Heap, Mapping};
    use std::sync::Arc;

    const FOR_LOCK: WaitKind = WaitKind {
        is_for_lock: true,
        has_limit: false,
    };

    /// The table of a node as each of its ranks sees it. Their numbers in the world begin at 10.
    fn tables(ranks: usize) -> Vec<WaitTable> {
        let heap = Arc::new(Heap::new(WaitTable::bytes(ranks), PAGE).unwrap());
        let chunk = Chunk::of_mapping(Mapping::heap(heap));
        let segment = Rc::new(Segment::whole(chunk, WaitTable::bytes(ranks)));
        let world: Vec<usize> = (10..10 + ranks).collect();
        // SAFETY: zeroed, page aligned, and used as this table only.
        let table = |me| unsafe { WaitTable::new(segment.clone(), 0, world.clone(), me) };
        (0..ranks).map(table).collect()
    }

    /// A rank waits for another one that is missing now.
    fn wait_for(tables: &[WaitTable], me: usize, local_rank: usize) {
        let arrivals = tables[me].arrivals(local_rank);
        let missing = MissingRank {
            local_rank,
            arrivals,
        };
        tables[me].post(Some(missing), WaitKind::default(), &format!("call {me}"));
    }

    /// In which call a rank of the world waits, as another rank sees it.
    fn reason(table: &WaitTable, world: usize) -> Option<String> {
        table.wait_of(world).map(|wait| wait.reason)
    }

    #[test]
    fn ranks_that_wait_for_each_other_report_the_same() {
        let tables = tables(4);
        for (me, missing) in [(1, 3), (3, 2)] {
            wait_for(&tables, me, missing);
            assert!(tables.iter().all(|table| table.deadlock().is_none()));
        }
        wait_for(&tables, 2, 1);
        // On the way to a circle, but not part of it.
        wait_for(&tables, 0, 1);
        let text = "deadlock among ranks of the world: rank 11 waits in call 1 for rank 13; \
                    rank 13 waits in call 3 for rank 12; rank 12 waits in call 2 for rank 11";
        for table in &tables[1..] {
            assert_eq!(table.deadlock().as_deref(), Some(text));
        }
        assert_eq!(tables[0].deadlock(), None);
        tables[2].clear();
        assert!(tables.iter().all(|table| table.deadlock().is_none()));
    }

    #[test]
    fn a_rank_that_has_arrived_since_is_in_no_deadlock() {
        let tables = tables(2);
        tables[0].count_arrival();
        wait_for(&tables, 0, 1);
        wait_for(&tables, 1, 0);
        assert!(tables[0].deadlock().is_some() && tables[1].deadlock().is_some());
        // It was slow to wake: it has arrived at the call in which rank 0 waits for it.
        tables[1].count_arrival();
        assert_eq!(tables[0].deadlock(), None);
        assert_eq!(tables[1].deadlock(), None);
        wait_for(&tables, 0, 1);
        assert!(tables[0].deadlock().is_some() && tables[1].deadlock().is_some());
    }

    #[test]
    fn who_waits_for_no_rank_or_for_itself_is_in_no_deadlock() {
        let tables = tables(2);
        wait_for(&tables, 0, 1);
        tables[1].post(None, FOR_LOCK, "a lock");
        assert_eq!(tables[0].deadlock(), None);
        assert_eq!(reason(&tables[0], 11).as_deref(), Some("a lock"));
        assert_eq!(reason(&tables[1], 10).as_deref(), Some("call 0"));
        assert_eq!(reason(&tables[0], 12), None);
        tables[1].clear();
        assert_eq!(reason(&tables[0], 11), None);
        wait_for(&tables, 0, 0);
        assert_eq!(tables[0].deadlock(), None);
    }

    #[test]
    fn a_rank_that_waits_for_a_lock_may_be_part_of_a_deadlock() {
        let tables = tables(2);
        let arrivals = tables[0].arrivals(1);
        let holder = MissingRank {
            local_rank: 1,
            arrivals,
        };
        tables[0].post(Some(holder), FOR_LOCK, "lock 3");
        wait_for(&tables, 1, 0);
        let text = tables[1].deadlock().unwrap();
        let first = "rank 10 waits in lock 3 for rank 11, which has the lock; ";
        assert!(text.contains(first), "{text}");
        assert!(
            text.ends_with("rank 11 waits in call 1 for rank 10"),
            "{text}"
        );
        assert!(tables[1].wait_of(10).unwrap().is_for_lock);
        assert_eq!(tables[1].wait_of(10).unwrap().missing, Some(11));
        assert!(!tables[0].wait_of(11).unwrap().is_for_lock);
        // The wait for the lock has a limit.
        let limited = WaitKind {
            has_limit: true,
            ..FOR_LOCK
        };
        tables[0].post(Some(holder), limited, "lock 3");
        assert_eq!(tables[1].deadlock(), None);
        assert_eq!(tables[1].wait_of(10).unwrap().missing, Some(11));
        // It has released the lock.
        tables[0].post(Some(holder), FOR_LOCK, "lock 3");
        assert!(tables[1].deadlock().is_some());
        tables[1].count_arrival();
        assert_eq!(tables[1].deadlock(), None);
    }

    #[test]
    fn long_reasons_are_cut() {
        let tables = tables(1);
        tables[0].post(None, WaitKind::default(), &"x".repeat(1000));
        assert_eq!(reason(&tables[0], 10), Some("x".repeat(REASON_WORDS * 8)));
    }
}

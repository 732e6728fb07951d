//! The steps of a round under the model checker: every interleaving of two ranks, or within bounds of three, that run the code
//! of `control`.
//!
//! The segment is a cell that reports unordered access, so a missing acquire or release fails these models.

use crate::comm::protocol::call::{Call, Kind};
use crate::comm::protocol::control::{Control, Gathered, Pause, Released};
use crate::comm::protocol::control_block::{ControlHead, RankBlock};
use loom::cell::UnsafeCell;
use loom::sync::Arc;

mod three_ranks;

/// The control block of a node, and a segment of one word.
struct Node {
    head: ControlHead,
    ranks: Vec<RankBlock>,
    segment: UnsafeCell<u32>,
}

/// Lets another rank run, and always has the other ranks checked.
struct Yield;

impl Pause for Yield {
    fn pause(&mut self) -> bool {
        loom::thread::yield_now();
        true
    }
}

impl Node {
    fn new(ranks: usize) -> Arc<Self> {
        let ranks = (0..ranks).map(|_| RankBlock::zeroed()).collect();
        Arc::new(Node {
            head: ControlHead::zeroed(),
            ranks,
            segment: UnsafeCell::new(0),
        })
    }

    fn control(&self) -> Control<'_> {
        Control {
            head: &self.head,
            ranks: &self.ranks,
        }
    }

    fn read(&self) -> u32 {
        // SAFETY: the checker reports a read that is not ordered after the last write.
        self.segment.with(|word| unsafe { *word })
    }

    /// The root of the call adds one to the segment, as `collective::write` does on one node. Returns whether the call has
    /// succeeded.
    fn add(&self, me: usize, n: u64, call: Call) -> bool {
        let control = self.control();
        control.arrive(me, n, call, &[]);
        if call.root_rank() == me {
            match control.gather(n, call, &mut Yield) {
                Gathered::Agreed => {
                    if control.claim(n) {
                        // SAFETY: the checker reports a write that is not ordered after all reads before.
                        self.segment.with_mut(|word| unsafe { *word += 1 });
                        control.release(n, &[]);
                    }
                }
                Gathered::Conflict(_) => {
                    control.poison(n, || vec![1]);
                }
                Gathered::Poisoned => {}
            }
        }
        let check_others = || {
            if control.find_conflict(n, call).is_some() {
                control.poison(n, || vec![1]);
            }
        };
        match control.await_release(n, &mut Yield, check_others) {
            Released::Plain => true,
            Released::Outcome => unreachable!("no call here has an outcome"),
            Released::Poisoned => {
                assert_eq!(control.poison_error(), [1]);
                false
            }
        }
    }
}

fn set(root: usize) -> Call {
    Call::new(Kind::Set).root(root)
}

/// Steps of one interleaving. The default is too few for three ranks.
const MAX_BRANCHES: usize = 100_000;

/// Runs `rank` on all ranks of a node of two, in every interleaving within three preemptions.
fn on_two(rank: impl Fn(&Node, usize) + Send + Sync + Copy + 'static) {
    on_node(2, 3, rank);
}

/// Runs `rank` on all ranks of a node, in every interleaving within so many preemptions.
fn on_node(
    ranks: usize,
    preemptions: usize,
    rank: impl Fn(&Node, usize) + Send + Sync + Copy + 'static,
) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.max_branches = MAX_BRANCHES;
    model.check(move || {
        let node = Node::new(ranks);
        let others: Vec<_> = (1..ranks)
            .map(|me| {
                let node = node.clone();
                loom::thread::spawn(move || rank(&node, me))
            })
            .collect();
        rank(&node, 0);
        for other in others {
            other.join().unwrap();
        }
    });
}

#[test]
fn loom_readers_see_the_write_and_the_writer_waits_for_readers() {
    on_two(|node, me| {
        assert!(node.add(me, 1, set(0)));
        assert_eq!(node.read(), 1);
        assert!(node.add(me, 2, set(1)));
        assert_eq!(node.read(), 2);
    });
}

#[test]
fn loom_different_roots_poison_and_nobody_writes() {
    on_two(|node, me| {
        assert!(!node.add(me, 1, set(me)));
        assert_eq!(node.read(), 0);
    });
}

#[test]
fn loom_ranks_that_wait_for_each_other_find_out() {
    // Each takes the other for the writer: nobody gathers.
    on_two(|node, me| {
        assert!(!node.add(me, 1, set(1 - me)));
        assert_eq!(node.read(), 0);
    });
}

#[test]
fn loom_a_rank_that_leaves_is_missed_only_by_later_calls() {
    on_two(|node, me| {
        assert!(node.add(me, 1, set(0)));
        if me == 1 {
            node.control().leave(1, 1, &[]);
        } else {
            assert_eq!(node.read(), 1);
            assert!(!node.add(0, 2, set(1)));
        }
    });
}

#[test]
fn loom_the_claim_passes_from_the_leader_to_the_writer() {
    // Rank 0 leads a node of several, rank 1 writes.
    on_two(|node, me| {
        let (control, call) = (node.control(), set(1));
        // The write must also be ordered after this read of the leader's.
        if me == 0 {
            assert_eq!(node.read(), 0);
        }
        control.arrive(me, 1, call, &[]);
        if me == 0 {
            assert_eq!(control.gather(1, call, &mut Yield), Gathered::Agreed);
            assert!(control.claim(1));
            control.pass_claim(1);
        } else if control.await_claim(1, &mut Yield, || {}) {
            // SAFETY: as in `Node::add`.
            node.segment.with_mut(|word| unsafe { *word += 1 });
            control.release(1, &[]);
        }
        assert_eq!(control.await_release(1, &mut Yield, || {}), Released::Plain);
        assert_eq!(node.read(), 1);
    });
}

#[test]
fn loom_a_slow_rank_gets_the_call_that_succeeded() {
    // The next call is poisoned while rank 1 may not have seen the end of this one.
    on_two(|node, me| {
        assert!(node.add(me, 1, set(0)));
        if me == 0 {
            assert!(node.control().poison(2, || vec![1]));
        }
        assert_eq!(node.read(), 1);
    });
}

#[test]
fn loom_ranks_write_in_turns() {
    on_two(|node, me| {
        let control = node.control();
        // Rank 0 writes in its first turn, and rank 1 in its own after that. Both read when both have finished.
        if me == 1 {
            while control.turns(0, 0) < 1 {
                loom::thread::yield_now();
            }
        }
        // SAFETY: the checker reports a write that is not ordered after the other's.
        node.segment.with_mut(|word| unsafe { *word += 1 });
        control.set_turns(me, 0, 1);
        while control.turns(1 - me, 0) < 1 {
            loom::thread::yield_now();
        }
        assert_eq!(node.read(), 2);
    });
}

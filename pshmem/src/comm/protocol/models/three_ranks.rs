//! Rounds of three ranks: one of them may be two steps behind the others.
//!
//! Three threads that poll have too many interleavings. So either a thread is left only where its rank waits, in every order of
//! the ranks and with every value that a load may return; or two ranks take their steps on one thread, and the third one, which
//! is slow, may be interrupted three times.

use super::{MAX_BRANCHES, Node, Yield, on_node, set};
use crate::comm::protocol::call::{Call, Kind};
use crate::comm::protocol::control::{Conflict, Gathered, Pause, Released};

/// Lets another rank run, and never has the other ranks checked: each check multiplies the interleavings.
struct Patient;

impl Pause for Patient {
    fn pause(&mut self) -> bool {
        loom::thread::yield_now();
        false
    }
}

fn sum() -> Call {
    Call::new(Kind::Gather)
}

/// The steps of a call to which each rank contributes a byte, and whose outcome is their sum.
impl Node {
    /// Rank 0 leads.
    fn lead_sum(&self, n: u64) {
        let control = self.control();
        assert_eq!(control.gather(n, sum(), &mut Patient), Gathered::Agreed);
        assert!(control.claim(n));
        let bytes = (0..self.ranks.len()).flat_map(|rank| control.contribution(rank));
        control.release(n, &[bytes.sum()]);
    }

    fn await_sum(&self, n: u64) -> Vec<u8> {
        let control = self.control();
        match control.await_release(n, &mut Patient, || {}) {
            Released::Outcome => control.outcome(),
            other => unreachable!("{other:?} instead of an outcome"),
        }
    }

    fn sum(&self, me: usize, n: u64, mine: u8) -> Vec<u8> {
        self.control().arrive(me, n, sum(), &[mine]);
        if me == 0 {
            self.lead_sum(n);
        }
        self.await_sum(n)
    }
}

/// Rank 2 on a thread of its own, ranks 0 and 1 on another, in every interleaving within three preemptions.
fn with_slow_rank(
    quick: impl Fn(&Node) + Send + Sync + Copy + 'static,
    slow: impl Fn(&Node) + Send + Sync + Copy + 'static,
) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.max_branches = MAX_BRANCHES;
    model.check(move || {
        let node = Node::new(3);
        let other = {
            let node = node.clone();
            loom::thread::spawn(move || slow(&node))
        };
        quick(&node);
        other.join().unwrap();
    });
}

#[test]
fn loom_words_are_used_again_only_when_the_slow_rank_has_read_them() {
    with_slow_rank(
        |node| {
            for (n, unit) in [(1, 1), (2, 10)] {
                node.control().arrive(1, n, sum(), &[2 * unit]);
                node.control().arrive(0, n, sum(), &[unit]);
                node.lead_sum(n);
                assert_eq!(node.await_sum(n), [6 * unit]);
            }
        },
        |node| {
            assert_eq!(node.sum(2, 1, 3), [6]);
            assert_eq!(node.sum(2, 2, 30), [60]);
        },
    );
}

#[test]
fn loom_the_slow_rank_reads_its_outcome_while_the_next_call_is_poisoned() {
    with_slow_rank(
        |node| {
            let control = node.control();
            control.arrive(1, 1, sum(), &[2]);
            control.arrive(0, 1, sum(), &[1]);
            node.lead_sum(1);
            control.leave(0, 1, &[7]);
            control.arrive(1, 2, set(0), &[]);
            assert_eq!(control.find_conflict(2, set(0)), Some(Conflict::Left(0)));
            assert!(control.poison(2, || control.contribution(0)));
        },
        |node| {
            assert_eq!(node.sum(2, 1, 3), [6]);
            let control = node.control();
            control.arrive(2, 2, set(0), &[]);
            let released = control.await_release(2, &mut Patient, || {});
            assert_eq!(released, Released::Poisoned);
            assert_eq!(control.poison_error(), [7]);
        },
    );
}

#[test]
fn loom_why_a_rank_has_left_reaches_all_others() {
    with_slow_rank(
        |node| {
            node.control().arrive(0, 1, set(0), &[]);
            node.control().leave(1, 0, &[7]);
        },
        |node| {
            let (control, call) = (node.control(), set(0));
            control.arrive(2, 1, call, &[]);
            let check_others = || {
                if let Some(conflict) = control.find_conflict(1, call) {
                    assert_eq!(conflict, Conflict::Left(1));
                    control.poison(1, || control.contribution(1));
                }
            };
            // Also without a pause before: after one, the checker returns no old values.
            check_others();
            let released = control.await_release(1, &mut Yield, check_others);
            assert_eq!(released, Released::Poisoned);
            assert_eq!(control.poison_error(), [7]);
        },
    );
}

#[test]
fn loom_three_ranks_contribute_and_read_the_outcome() {
    on_node(3, 0, |node, me| {
        let mine = me as u8 + 1;
        assert_eq!(node.sum(me, 1, mine), [6]);
        assert_eq!(node.sum(me, 2, 10 * mine), [60]);
    });
}

#[test]
fn loom_one_of_three_that_differs_ends_the_call_for_all() {
    // Ranks 0 and 1 agree that 0 writes, rank 2 says 1: whoever finds out first, nobody writes and all get one error.
    on_node(3, 0, |node, me| {
        let root = usize::from(me == 2);
        assert!(!node.add(me, 1, set(root)));
        assert_eq!(node.read(), 0);
    });
}

#[test]
fn loom_three_ranks_write_in_turn_and_read_all() {
    on_node(3, 0, |node, me| {
        for n in 1..=2 {
            assert!(node.add(me, n, set(n as usize)));
            assert_eq!(u64::from(node.read()), n);
        }
    });
}

#[test]
fn loom_the_claim_passes_to_a_writer_while_a_third_rank_reads() {
    on_node(3, 0, |node, me| {
        let (control, call) = (node.control(), set(1));
        assert_eq!(node.read(), 0);
        control.arrive(me, 1, call, &[]);
        if me == 0 {
            assert_eq!(control.gather(1, call, &mut Yield), Gathered::Agreed);
            assert!(control.claim(1));
            control.pass_claim(1);
        } else if me == 1 && control.await_claim(1, &mut Yield, || {}) {
            // SAFETY: as in `Node::add`.
            node.segment.with_mut(|word| unsafe { *word += 1 });
            control.release(1, &[]);
        }
        assert_eq!(control.await_release(1, &mut Yield, || {}), Released::Plain);
        assert_eq!(node.read(), 1);
    });
}

#[test]
fn loom_the_holder_of_the_claim_poisons_for_all() {
    // On several nodes, the leader has the claim when another node reports a conflict.
    on_node(3, 0, |node, me| {
        let (control, call) = (node.control(), set(1));
        control.arrive(me, 1, call, &[]);
        if me == 0 {
            assert_eq!(control.gather(1, call, &mut Yield), Gathered::Agreed);
            assert!(control.claim(1));
            control.poison_claimed(1, &[9]);
        }
        if me == 1 {
            assert!(!control.await_claim(1, &mut Yield, || {}));
        }
        let check_others = || assert_eq!(control.find_conflict(1, call), None);
        let released = control.await_release(1, &mut Yield, check_others);
        assert_eq!(released, Released::Poisoned);
        assert_eq!(control.poison_error(), [9]);
    });
}

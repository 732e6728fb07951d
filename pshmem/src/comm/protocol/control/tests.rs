//! The steps of a round, one after the other: one thread plays all ranks of a node.

use super::*;
use crate::comm::protocol::call::Kind;
use crate::layout::placer::PAGE;
use crate::memory::Chunk;
use crate::memory::map::{Heap, Mapping};
use std::sync::Arc;

const RANKS: usize = 3;

/// Memory for a control block, and no more.
fn segment() -> Segment {
    let bytes = Control::bytes(RANKS);
    let heap = Arc::new(Heap::new(bytes, PAGE).unwrap());
    Segment::whole(Chunk::of_mapping(Mapping::heap(heap)), bytes)
}

fn control(segment: &Segment) -> Control<'_> {
    // SAFETY: zeroed, page aligned, and used as this control block only.
    unsafe { Control::in_segment(segment, RANKS) }
}

/// Lets something happen during each wait. A wait that nothing ends fails the test.
struct During<F: FnMut()> {
    happens: F,
    pauses: u32,
}

fn during<F: FnMut()>(happens: F) -> During<F> {
    During { happens, pauses: 0 }
}

impl<F: FnMut()> Pause for During<F> {
    fn pause(&mut self) -> bool {
        self.pauses += 1;
        assert!(self.pauses < 10, "it waits for ever");
        (self.happens)();
        true
    }
}

fn nothing() -> During<impl FnMut()> {
    during(|| {})
}

fn arrive_all(control: Control<'_>, n: u64, call: Call) {
    for rank in 0..RANKS {
        control.arrive(rank, n, call, &[]);
    }
}

#[test]
fn a_block_has_a_head_and_one_part_for_each_rank() {
    let bytes = |ranks| Control::bytes(ranks);
    assert_eq!(bytes(0), size_of::<ControlHead>());
    assert_eq!(bytes(5) - bytes(2), 3 * size_of::<RankBlock>());
}

#[test]
fn what_a_rank_publishes_is_what_others_read() {
    let segment = segment();
    let control = control(&segment);
    let call = Call::new(Kind::Fill);
    assert_eq!(control.arrival(1), (0, false));
    control.set_site(1, "src/main.rs:7:3");
    control.arrive(1, 1, call, b"mine");
    control.set_turns(1, 0, 5);
    assert_eq!(control.arrival(1), (1, false));
    assert_eq!(control.call(1), call);
    assert_eq!(control.site(1), "src/main.rs:7:3");
    assert_eq!(control.contribution(1), b"mine");
    assert_eq!((control.turns(1, 0), control.turns(0, 0)), (5, 0));
    control.set_turns(1, 2, 7);
    assert_eq!([0, 1, 2].map(|lane| control.turns(1, lane)), [5, 0, 7]);
    let long = "x".repeat(SITE_BYTES) + "the end";
    control.set_site(1, &long);
    assert_eq!(control.site(1), long[long.len() - SITE_BYTES..]);
    assert_eq!(control.arrival(2), (0, false));
}

#[test]
fn rounds_follow_each_other_and_may_have_an_outcome() {
    let segment = segment();
    let control = control(&segment);
    let call = Call::new(Kind::Barrier);
    for (n, outcome) in (1..).zip([&b""[..], b"first", b"", b"second", b""]) {
        arrive_all(control, n, call);
        assert_eq!(control.gather(n, call, &mut nothing()), Gathered::Agreed);
        assert_eq!(control.find_conflict(n, call), None);
        assert!(control.claim(n));
        assert!(!control.claim(n), "it was claimed before");
        assert!(!control.poison(n, Vec::new), "the claimer is writing");
        // A rank waits until the release, and has the others checked meanwhile.
        let mut checks = 0;
        let mut release = during(|| control.release(n, outcome));
        let released = control.await_release(n, &mut release, || checks += 1);
        assert_eq!((release.pauses, checks), (1, 1));
        if outcome.is_empty() {
            assert_eq!(released, Released::Plain);
        } else {
            assert_eq!(released, Released::Outcome);
            assert_eq!(control.outcome(), outcome);
        }
        // One that comes late finds it released.
        let late = control.await_release(n, &mut nothing(), || ());
        assert_eq!(late, released);
    }
    assert_eq!(control.outcome(), b"second", "it stays until the next one");
}

#[test]
fn a_gatherer_waits_for_every_rank() {
    let segment = segment();
    let control = control(&segment);
    let call = Call::new(Kind::Set);
    control.arrive(0, 1, call, &[]);
    control.arrive(2, 1, call, &[]);
    let mut last = during(|| control.arrive(1, 1, call, &[]));
    assert_eq!(control.gather(1, call, &mut last), Gathered::Agreed);
    assert_eq!(last.pauses, 1);
}

#[test]
fn who_makes_another_call_or_has_left_is_a_conflict() {
    let (set, fill) = (Call::new(Kind::Set), Call::new(Kind::Fill));
    let segment = segment();
    let control = control(&segment);
    control.arrive(0, 1, set, &[]);
    assert_eq!(control.find_conflict(1, set), None, "the others may come");
    control.arrive(1, 1, fill, &[]);
    let differs = Conflict::Differs(1);
    assert_eq!(control.find_conflict(1, set), Some(differs));
    assert_eq!(
        control.gather(1, set, &mut nothing()),
        Gathered::Conflict(differs)
    );
    // Before the block was poisoned; afterwards there is nothing to find.
    assert!(control.poison(1, || b"why".to_vec()));
    assert_eq!(control.find_conflict(1, set), None);
    let gathered = control.gather(1, fill, &mut nothing());
    assert_eq!(gathered, Gathered::Conflict(Conflict::Differs(0)));
}

#[test]
fn who_left_after_a_call_is_missing_in_the_next_one_only() {
    let segment = segment();
    let control = control(&segment);
    let call = Call::new(Kind::Barrier);
    arrive_all(control, 1, call);
    control.leave(2, 1, b"reason");
    assert_eq!(control.arrival(2), (1, true));
    assert_eq!(control.contribution(2), b"reason");
    assert!(!control.has_left(2, 1) && control.has_left(2, 2));
    assert!(!control.has_left(0, 2), "it may still come");
    assert_eq!(control.find_conflict(1, call), None);
    assert_eq!(control.gather(1, call, &mut nothing()), Gathered::Agreed);
    assert!(control.claim(1));
    control.release(1, &[]);
    let left = Conflict::Left(2);
    assert_eq!(control.find_conflict(2, call), Some(left));
    for rank in 0..2 {
        control.arrive(rank, 2, call, &[]);
    }
    assert_eq!(
        control.gather(2, call, &mut nothing()),
        Gathered::Conflict(left)
    );
    // Long reasons are cut.
    control.leave(0, 2, &[b'x'; CONTRIBUTION_BYTES + 1]);
    assert_eq!(control.contribution(0).len(), CONTRIBUTION_BYTES);
}

#[test]
fn poison_ends_the_waits_of_all_ranks() {
    let segment = segment();
    let control = control(&segment);
    let call = Call::new(Kind::Set);
    arrive_all(control, 1, call);
    assert!(control.claim(1));
    control.release(1, &[]);
    // A rank that gathers, one that waits for the claim, one that waits for the release.
    let poison = || {
        during(|| {
            control.poison(2, || b"why".to_vec());
        })
    };
    assert_eq!(control.gather(2, call, &mut poison()), Gathered::Poisoned);
    assert!(!control.poison(2, || b"again".to_vec()), "it is poisoned");
    assert!(!control.claim(2));
    let mut checks = 0;
    assert!(!control.await_claim(2, &mut nothing(), || checks += 1));
    let released = control.await_release(2, &mut nothing(), || checks += 1);
    assert_eq!((released, checks), (Released::Poisoned, 0));
    assert_eq!(control.poison_error(), b"why");
    // A rank that is slow to wake still learns how the call before has ended.
    let before = control.await_release(1, &mut nothing(), || ());
    assert_eq!(before, Released::Plain);
    // And who makes a later call finds the block poisoned.
    let later = control.await_release(3, &mut nothing(), || ());
    assert_eq!(later, Released::Poisoned);
}

#[test]
fn poison_of_a_later_call_says_nothing_about_this_one() {
    let segment = segment();
    let control = control(&segment);
    let call = Call::new(Kind::Update);
    arrive_all(control, 1, call);
    assert!(control.claim(1));
    // The writer of call 1 waits for the claim that the leader passes on.
    control.publish_poison(2, b"of the next call");
    let mut checks = 0;
    let mut pass = during(|| control.pass_claim(1));
    assert!(control.await_claim(1, &mut pass, || checks += 1));
    assert_eq!((pass.pauses, checks), (1, 1));
    assert!(!control.await_claim(2, &mut nothing(), || ()));
}

#[test]
fn the_holder_of_the_claim_may_poison_the_call() {
    let segment = segment();
    let control = control(&segment);
    let call = Call::new(Kind::Update);
    arrive_all(control, 1, call);
    assert!(control.claim(1));
    control.poison_claimed(1, b"no room");
    assert!(!control.claim(1) && !control.poison(1, Vec::new));
    // A rank of another call that gathers learns of it, although it may not have seen the error yet.
    let gathered = control.gather(2, call, &mut nothing());
    assert_eq!(gathered, Gathered::Poisoned);
    let released = control.await_release(1, &mut nothing(), || ());
    assert_eq!(released, Released::Poisoned);
    assert_eq!(control.poison_error(), b"no room");
}

#[test]
fn ranks_that_left_together_rejoin_together() {
    let segment = segment();
    let control = control(&segment);
    let call = Call::new(Kind::Barrier);
    arrive_all(control, 1, call);
    assert!(control.claim(1));
    control.release(1, &[]);
    for rank in 0..RANKS {
        control.leave(rank, 1, b"");
    }
    assert!(control.has_left(1, 2));
    assert!(control.rejoin());
    for rank in 0..RANKS {
        assert_eq!(control.arrival(rank), (1, false));
    }
    // They have left after different calls.
    control.leave(0, 1, b"");
    control.leave(1, 2, b"");
    control.leave(2, 1, b"");
    assert!(!control.rejoin());
    assert_eq!(control.arrival(0), (1, true));
    // Together, but the block is poisoned.
    control.leave(1, 1, b"");
    assert!(control.poison(2, || b"why".to_vec()));
    assert!(!control.rejoin());
    assert_eq!(control.arrival(2), (1, true));
}

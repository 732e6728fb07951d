//! One thread plays all ranks, so that every order of requests can be tested.
use super::*;
use crate::transport::rma::RESERVED;
use crate::transport::rma::thread_atomics::ThreadAtomics;
use proptest::prelude::*;
use std::collections::VecDeque;

const RANKS: usize = 4;

/// A lock on rank 1 beside others, and the ranks' parts of it.
fn lock() -> (ThreadAtomics, Vec<TicketLock>) {
    let at = RemoteAddress {
        rank: 1,
        word: RESERVED + 3,
    };
    let memory = ThreadAtomics::new(RANKS, at.word + words(RANKS));
    memory.write(at, &initial_words(RANKS));
    let lock = |me| TicketLock::new(at, RANKS, me);
    (memory, (0..RANKS).map(lock).collect())
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Request(usize),
    Try(usize),
    Cancel(usize),
    Release { panics: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..RANKS).prop_map(Step::Request),
        1 => (0..RANKS).prop_map(Step::Try),
        2 => (0..RANKS).prop_map(Step::Cancel),
        3 => any::<bool>().prop_map(|panics| Step::Release { panics }),
    ]
}

/// What the lock has to do: tickets in order, each of a rank that waits or has cancelled, and who panicked last.
#[derive(Default)]
struct Model {
    holder: Option<usize>,
    queue: VecDeque<(usize, bool)>,
    poisoned: Option<usize>,
}

impl Model {
    fn waiting(&self) -> impl Iterator<Item = usize> {
        let waits = |&(rank, waits): &(usize, bool)| waits.then_some(rank);
        self.queue.iter().filter_map(waits)
    }

    fn is_idle(&self, rank: usize) -> bool {
        self.holder != Some(rank) && !self.waiting().any(|waits| waits == rank)
    }

    fn cancelled(&self, rank: usize) -> usize {
        let has_cancelled = |&&(of, waits): &&(usize, bool)| of == rank && !waits;
        self.queue.iter().filter(has_cancelled).count()
    }
}

proptest! {
    #[test]
    fn serves_in_order_of_request(steps in proptest::collection::vec(step(), 1..200)) {
        let (memory, locks) = lock();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Request(rank) if model.is_idle(rank) => {
                    let turn = locks[rank].acquire_or_enqueue(&memory, 7);
                    prop_assert_eq!(turn == Turn::Full, model.cancelled(rank) == ENTRIES_PER_RANK);
                    match turn {
                        Turn::Now(TicketAcquired { poisoned }) => {
                            prop_assert_eq!(model.holder.replace(rank), None);
                            prop_assert_eq!(poisoned, model.poisoned);
                        }
                        Turn::Later => {
                            prop_assert!(model.holder.is_some());
                            model.queue.push_back((rank, true));
                        }
                        Turn::Full => {}
                    }
                }
                Step::Try(rank) if model.is_idle(rank) => {
                    let acquired = locks[rank].try_acquire(&memory, 7);
                    if let Some(TicketAcquired { poisoned }) = acquired {
                        prop_assert_eq!(model.holder.replace(rank), None);
                        prop_assert_eq!(poisoned, model.poisoned);
                    } else {
                        prop_assert!(model.holder.is_some());
                    }
                }
                Step::Cancel(rank) => if let Some(entry) = model.queue.iter_mut().find(|entry| **entry == (rank, true)) {
                    prop_assert!(locks[rank].cancel(&memory));
                    entry.1 = false;
                },
                Step::Release { panics } => if let Some(rank) = model.holder.take() {
                    if panics {
                        model.poisoned = Some(rank);
                    }
                    locks[rank].release(&memory, model.poisoned);
                    while let Some((next, waits)) = model.queue.pop_front() {
                        if !waits {
                            continue;
                        }
                        prop_assert!(!locks[next].cancel(&memory), "it has been granted");
                        let acquired = locks[next].poll_granted(&memory, 7);
                        let poisoned = model.poisoned;
                        prop_assert_eq!(acquired, Some(TicketAcquired { poisoned }));
                        model.holder = Some(next);
                        break;
                    }
                },
                _ => {}
            }
            for rank in model.waiting() {
                prop_assert_eq!(locks[rank].poll_granted(&memory, 7), None);
            }
            let status = TicketStatus {
                holder: model.holder.map(|rank| (rank, 7)),
                next: model.waiting().next(),
                waiting: model.waiting().count(),
            };
            prop_assert_eq!(locks[0].status(&memory, 7), status);
        }
    }
}

#[test]
fn the_time_of_the_holder_is_restored_from_its_low_bits() {
    // Some day of 2026, in milliseconds.
    let now = 1_795_000_000_000;
    assert!(
        now > TIME,
        "the holder word has no room for the whole number"
    );
    for since in [now, now - 5000, now - 15 * 365 * 86_400_000, now + 5000] {
        assert_eq!(time_near(since & TIME, now), since);
    }
    let (memory, locks) = lock();
    locks[2].try_acquire(&memory, now - 60_000);
    let holder = locks[0].status(&memory, now).holder;
    assert_eq!(holder, Some((2, now - 60_000)));
}

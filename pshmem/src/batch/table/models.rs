//! Loom models of the task table.

use crate::batch::table::{Claim, ClaimEnd, ClaimOutcome, SlotState, TableLayout, TaskTable};
use crate::sync::atomic::AtomicU64;
use loom::sync::Arc;
use loom::thread;
use std::time::Duration;

fn words(layout: TableLayout) -> Arc<Vec<AtomicU64>> {
    let words = (0..layout.words().unwrap()).map(|_| AtomicU64::new(0));
    Arc::new(words.collect())
}

/// Each of two ranks opens a task again that has failed, while the other one claims: each attempt is made once.
#[test]
fn loom_each_attempt_is_made_once() {
    loom::model(|| {
        let layout = TableLayout {
            tasks: 1,
            workers: 0,
            ordered: false,
            has_costs: false,
            retry_pause: None,
            halt_after: 0,
        };
        let words = words(layout);
        let rank = move |words: &[AtomicU64], rerun: bool| {
            let table = TaskTable { layout, words };
            let mut attempts = Vec::new();
            while let Some(claim) = table.claim() {
                attempts.push(claim.attempt);
                table.finish(claim, SlotState::Failed);
                if rerun && claim.attempt < 2 {
                    table.set(0, SlotState::Open);
                }
            }
            attempts
        };
        let other = {
            let words = words.clone();
            thread::spawn(move || rank(&words, true))
        };
        let mut attempts = rank(&words, true);
        attempts.extend(other.join().unwrap());
        attempts.sort_unstable();
        assert_eq!(attempts, [1, 2]);
    });
}

/// Two ranks claim two tasks, each of which fails once and is opened again while the other rank takes tasks off the stack: each
/// attempt at each task is made once, and none is lost.
#[test]
fn loom_two_tasks_are_opened_again_by_two_ranks() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(|| {
        let words = words(TWO_TASKS);
        let rank = move |words: &[AtomicU64]| {
            let table = TaskTable {
                layout: TWO_TASKS,
                words,
            };
            let mut attempts = Vec::new();
            while let Some(claim) = table.claim() {
                attempts.push((claim.task, claim.attempt));
                table.finish(claim, SlotState::Failed);
                if claim.attempt < 2 {
                    table.set(claim.task as usize, SlotState::Open);
                }
            }
            attempts
        };
        let other = {
            let words = words.clone();
            thread::spawn(move || rank(&words))
        };
        let mut attempts = rank(&words);
        attempts.extend(other.join().unwrap());
        attempts.sort_unstable();
        assert_eq!(attempts, [(0, 1), (0, 2), (1, 1), (1, 2)]);
    });
}

const TWO_TASKS: TableLayout = TableLayout {
    tasks: 2,
    workers: 0,
    ordered: false,
    has_costs: false,
    retry_pause: None,
    halt_after: 0,
};

/// Claims until no task is left.
fn claim_all(words: &[AtomicU64]) -> Vec<Claim> {
    let table = TaskTable {
        layout: TWO_TASKS,
        words,
    };
    std::iter::from_fn(|| table.claim()).collect()
}

/// Runs `rank` while another rank claims until no task is left. Both tasks have been claimed before. Then all tasks are claimed
/// that are left, and each must be RUNNING: none was lost from the stack.
fn beside_claims(rank: impl Fn(&TaskTable<&[AtomicU64]>, [Claim; 2]) + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let words = words(TWO_TASKS);
        let table = TaskTable {
            layout: TWO_TASKS,
            words: &words[..],
        };
        let claims = [table.claim().unwrap(), table.claim().unwrap()];
        table.finish(claims[0], SlotState::Failed);
        table.set(0, SlotState::Open);
        let other = {
            let words = words.clone();
            thread::spawn(move || claim_all(&words))
        };
        rank(&table, claims);
        let mut found = other.join().unwrap();
        found.extend(claim_all(&words));
        let states = [0, 1].map(|task| table.slot_state(task));
        assert_eq!(states, [SlotState::Running; 2], "{found:?}");
    });
}

/// A rank takes the one task off the stack and puts two on it, with the same one on top, while another rank takes tasks off: it
/// must not take the stack for the one that it has seen before.
#[test]
fn loom_a_stack_that_changed_and_changed_back_is_another_one() {
    beside_claims(|table, claims| {
        let again = table.claim();
        table.finish(claims[1], SlotState::Failed);
        table.set(1, SlotState::Open);
        if let Some(claim) = again {
            table.finish(claim, SlotState::Failed);
            table.set(claim.task as usize, SlotState::Open);
        }
    });
}

/// A task that is opened twice, while it is on the stack and while another rank takes it off, is linked in once: the task below
/// it is not lost.
#[test]
fn loom_a_task_is_on_the_stack_once() {
    beside_claims(|table, claims| {
        table.finish(claims[1], SlotState::Failed);
        table.set(1, SlotState::Open);
        table.set(1, SlotState::Open);
    });
}

/// Two ranks stop a batch while they claim: it stays stopped.
#[test]
fn loom_a_closed_table_stays_closed() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let words = words(TWO_TASKS);
        let claim_and_close = |words: &[AtomicU64]| {
            let table = TaskTable {
                layout: TWO_TASKS,
                words,
            };
            table.claim();
            table.close();
            assert!(table.is_closed());
            assert_eq!(table.claim(), None);
        };
        let other = {
            let words = words.clone();
            thread::spawn(move || claim_and_close(&words))
        };
        claim_and_close(&words);
        other.join().unwrap();
        assert_eq!(claim_all(&words), []);
    });
}

/// A task that is to be retried and waits below another one is claimed where it is, while another rank takes tasks off the stack:
/// each is claimed once.
#[test]
fn loom_a_retry_is_claimed_once() {
    const LAYOUT: TableLayout = TableLayout {
        workers: 2,
        retry_pause: Some(Duration::from_secs(1)),
        ..TWO_TASKS
    };
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(|| {
        let words = words(LAYOUT);
        let claims = |words: &[AtomicU64], worker: usize, now: u64| {
            let layout = LAYOUT;
            let table = TaskTable { layout, words };
            let next = || match table.next(worker, Duration::from_secs(now)) {
                ClaimOutcome::Claimed(claim) => Some((claim.task, claim.attempt)),
                _ => None,
            };
            std::iter::from_fn(next).collect::<Vec<_>>()
        };
        let table = TaskTable {
            layout: LAYOUT,
            words: &words[..],
        };
        for worker in [1, 0] {
            let claim = table.claim().unwrap();
            table.end_claim(worker, claim, ClaimEnd::Retry, Duration::ZERO);
        }
        let other = {
            let words = words.clone();
            thread::spawn(move || claims(&words, 1, 2))
        };
        // The top is its own, the one below is not.
        let mut found = claims(&words, 0, 1);
        found.extend(other.join().unwrap());
        found.extend(claims(&words, 0, 2));
        found.sort_unstable();
        assert_eq!(found, [(0, 2), (1, 2)]);
    });
}

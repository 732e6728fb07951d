//! Tests of the task table in memory, with one thread and with several.

use crate::batch::table::{
    Claim, ClaimEnd, ClaimOutcome, RankEnd, SlotState, TableLayout, TaskEnd, TaskTable,
};
use crate::batch::task_state::TaskState;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn plain(tasks: usize) -> TableLayout {
    TableLayout {
        tasks,
        workers: 2,
        ordered: false,
        has_costs: false,
        retry_pause: None,
        halt_after: 0,
    }
}

/// A table in memory.
struct MemoryTable {
    layout: TableLayout,
    words: Vec<AtomicU64>,
}

impl MemoryTable {
    fn new(tasks: usize, ordered: bool) -> Self {
        MemoryTable::with(TableLayout {
            ordered,
            ..plain(tasks)
        })
    }

    fn with(layout: TableLayout) -> Self {
        let words = (0..layout.words().unwrap()).map(|_| AtomicU64::new(0));
        MemoryTable {
            layout,
            words: words.collect(),
        }
    }

    fn table(&self) -> TaskTable<&[AtomicU64]> {
        TaskTable {
            layout: self.layout,
            words: &self.words[..],
        }
    }
}

fn claim(table: &TaskTable<&[AtomicU64]>) -> Option<(u32, u32)> {
    table.claim().map(|claim| (claim.task, claim.attempt))
}

#[test]
fn every_task_is_claimed_once_in_order() {
    let memory = MemoryTable::new(3, false);
    let table = memory.table();
    assert_eq!(
        [(); 4].map(|()| claim(&table).map(|(task, _)| task)),
        [Some(0), Some(1), Some(2), None]
    );
}

#[test]
fn an_order_of_its_own_is_kept() {
    let memory = MemoryTable::new(3, true);
    let table = memory.table();
    table.fill(
        [SlotState::Open; 3].into_iter(),
        [2, 0, 1].into_iter(),
        std::iter::empty(),
    );
    assert_eq!(
        [(); 4].map(|()| claim(&table).map(|(task, _)| task)),
        [Some(2), Some(0), Some(1), None]
    );
}

#[test]
fn only_open_tasks_are_claimed() {
    let memory = MemoryTable::new(8, false);
    let table = memory.table();
    let slot_states = [
        SlotState::Done,
        SlotState::Running,
        SlotState::Failed,
        SlotState::Invalid,
        SlotState::RerunRunning,
        SlotState::RerunDone,
        SlotState::RerunFailed,
        SlotState::Open,
    ];
    table.fill(
        slot_states.into_iter(),
        std::iter::empty(),
        std::iter::empty(),
    );
    assert_eq!(claim(&table), Some((4, 1)));
    let not_reached = [5, 6].map(|task| table.slot_state(task).task_state());
    assert_eq!(not_reached, [TaskState::Done, TaskState::Failed]);
    for task in 5..8 {
        assert_eq!(claim(&table), Some((task, 1)));
    }
    assert_eq!(claim(&table), None);
    assert_eq!(table.slot_state(0), SlotState::Done);
    assert_eq!(table.slot_state(4), SlotState::Running);
}

#[test]
fn what_is_opened_again_is_claimed_again_once() {
    let memory = MemoryTable::new(4, false);
    let table = memory.table();
    table.set(3, SlotState::Open); // the cursor has not passed it yet
    for _ in 0..4 {
        let claim = table.claim().unwrap();
        table.finish(claim, SlotState::Failed);
        assert_eq!(table.slot_state(claim.task as usize), SlotState::Failed);
    }
    assert_eq!(table.claim(), None);
    for task in [1, 2, 1] {
        table.set(task, SlotState::Open);
    }
    assert_eq!(claim(&table), Some((2, 2)));
    table.set(2, SlotState::Open);
    assert_eq!(claim(&table), Some((2, 3)));
    table.set(1, SlotState::Done);
    assert_eq!(claim(&table), None);
    assert_eq!(table.slot_state(2), SlotState::Running);
}

#[test]
fn a_closed_table_hands_out_nothing() {
    let memory = MemoryTable::new(4, false);
    let table = memory.table();
    assert_eq!(claim(&table), Some((0, 1)));
    table.set(0, SlotState::Open);
    table.close();
    table.close();
    assert_eq!(claim(&table), None);
    assert_eq!(table.slot_state(1), SlotState::Open);
}

#[test]
fn however_many_close_a_table_it_stays_closed() {
    let memory = MemoryTable::new(1000, false);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let table = memory.table();
                while claim(&table).is_some_and(|(task, _)| task < 100) {}
                table.close();
                assert!(table.is_closed());
                assert_eq!(claim(&table), None);
            });
        }
    });
    let table = memory.table();
    assert_eq!(table.next(0, Duration::ZERO), ClaimOutcome::Closed);
    assert_eq!(table.slot_state(999), SlotState::Open);
}

#[test]
fn the_last_rank_learns_how_all_have_ended() {
    let memory = MemoryTable::new(1, false);
    let table = memory.table();
    let failed = |reason: &str| RankEnd::Failed(reason.to_owned());
    assert_eq!(table.end(1, 3, 0, &RankEnd::PutBack), None);
    assert_eq!(table.end(1, 3, 2, &failed("no input, no output")), None);
    assert_eq!(
        table.end(1, 3, 1, &failed("second")),
        Some(TaskEnd::Failed(2, "no input, no output".into()))
    );
    table.reset_worker(1);
    assert_eq!(table.end(1, 1, 0, &RankEnd::Done), Some(TaskEnd::Done));
    for early in 0..2 {
        table.reset_worker(1);
        let ends = [RankEnd::PutBack, RankEnd::Done];
        assert_eq!(table.end(1, 2, early, &ends[early]), None);
        let last = table.end(1, 2, 1 - early, &ends[1 - early]);
        assert_eq!(last, Some(TaskEnd::PutBack));
    }
}

#[test]
fn ends_of_claims_are_counted() {
    let memory = MemoryTable::new(7, false);
    let table = memory.table();
    let ends = [
        (ClaimEnd::Done, TaskState::Done),
        (ClaimEnd::Failed, TaskState::Failed),
        (ClaimEnd::RunElsewhere, TaskState::Running),
        (ClaimEnd::EndedElsewhere { is_done: true }, TaskState::Done),
        (
            ClaimEnd::EndedElsewhere { is_done: false },
            TaskState::Failed,
        ),
        (ClaimEnd::OpenElsewhere, TaskState::Open),
        (ClaimEnd::Skipped, TaskState::Open),
    ];
    for (worker, (end, state)) in ends.into_iter().enumerate() {
        let claim = table.claim().unwrap();
        table.end_claim(worker % 2, claim, end, Duration::ZERO);
        let found = table.slot_state(claim.task as usize).task_state();
        assert_eq!(found, state, "{end:?}");
    }
    assert_eq!(table.counts(), (2, 2));
    // None of them is handed out again.
    assert_eq!(claim(&table), None);
}

#[test]
fn what_is_put_back_is_handed_out_again_as_if_it_had_not_been_begun() {
    let memory = MemoryTable::new(2, false);
    let table = memory.table();
    let first = table.claim().unwrap();
    table.end_claim(0, first, ClaimEnd::PutBack, Duration::ZERO);
    assert_eq!(claim(&table), Some((1, 1)));
    assert_eq!(claim(&table), Some((0, 1)));
    assert_eq!(claim(&table), None);
}

const PAUSE: Duration = Duration::from_secs(5);

/// A table with retries, and so many workers.
fn with_retries(tasks: usize, workers: usize) -> MemoryTable {
    MemoryTable::with(TableLayout {
        workers,
        retry_pause: Some(PAUSE),
        ..plain(tasks)
    })
}

fn fail(table: &TaskTable<&[AtomicU64]>, worker: usize) -> Claim {
    let ClaimOutcome::Claimed(claim) = table.next(worker, Duration::ZERO) else {
        panic!("a task is open");
    };
    table.end_claim(worker, claim, ClaimEnd::Retry, Duration::ZERO);
    claim
}

#[test]
fn a_task_is_retried_on_another_worker_after_a_pause() {
    let memory = with_retries(3, 2);
    let table = memory.table();
    let task = |outcome| match outcome {
        ClaimOutcome::Claimed(claim) => claim.task,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        [
            fail(&table, 0).task,
            fail(&table, 0).task,
            fail(&table, 1).task
        ],
        [0, 1, 2]
    );
    let almost = Duration::from_millis(4999);
    for worker in [0, 1] {
        assert_eq!(table.next(worker, almost), ClaimOutcome::Delayed);
    }
    // The top is the own one of worker 1, so it takes one below it, and worker 0 the top.
    assert_eq!(task(table.next(1, PAUSE)), 1);
    assert_eq!(task(table.next(0, PAUSE)), 2);
    assert_eq!(table.next(0, PAUSE), ClaimOutcome::Delayed);
    assert_eq!(task(table.next(0, 2 * PAUSE)), 0);
    assert_eq!(table.next(0, 2 * PAUSE), ClaimOutcome::Empty);
    // The time counts from the failure.
    let at = Duration::from_secs(60);
    let claim = Claim {
        task: 2,
        attempt: 2,
        cost: 0,
        is_new: false,
    };
    table.end_claim(0, claim, ClaimEnd::Retry, at);
    assert_eq!(table.next(1, at + almost), ClaimOutcome::Delayed);
    assert_eq!(table.next(1, Duration::ZERO), ClaimOutcome::Delayed);
    assert_eq!(task(table.next(1, at + PAUSE)), 2);
    // What is opened by hand need not wait.
    table.open(1);
    assert_eq!(task(table.next(1, Duration::ZERO)), 1);
}

#[test]
fn the_only_worker_waits_for_one_pause() {
    let memory = with_retries(1, 1);
    let table = memory.table();
    fail(&table, 0);
    assert_eq!(table.next(0, Duration::ZERO), ClaimOutcome::Delayed);
    assert!(matches!(table.next(0, PAUSE), ClaimOutcome::Claimed(claim) if claim.attempt == 2));
}

#[test]
fn attempts_are_counted_far_beyond_a_byte() {
    let memory = with_retries(1, 1);
    let table = memory.table();
    for attempt in 1..=1000 {
        let ClaimOutcome::Claimed(claim) = table.next(0, PAUSE) else {
            panic!("it is retried");
        };
        assert_eq!(claim.attempt, attempt);
        table.end_claim(0, claim, ClaimEnd::Retry, Duration::ZERO);
    }
}

#[test]
fn a_worker_with_failures_in_a_row_gets_nothing_more() {
    let memory = MemoryTable::with(TableLayout {
        halt_after: 3,
        ..plain(100)
    });
    let table = memory.table();
    let end = |worker: usize, end: ClaimEnd| {
        let ClaimOutcome::Claimed(claim) = table.next(worker, Duration::ZERO) else {
            panic!("a task is open");
        };
        table.end_claim(worker, claim, end, Duration::ZERO);
    };
    for ends in [ClaimEnd::Failed, ClaimEnd::Failed, ClaimEnd::Done] {
        end(0, ends);
    }
    for ends in [
        ClaimEnd::Failed,
        ClaimEnd::PutBack,
        ClaimEnd::RunElsewhere,
        ClaimEnd::Failed,
        ClaimEnd::Failed,
    ] {
        end(0, ends);
        end(1, ClaimEnd::Done);
    }
    assert_eq!(table.next(0, Duration::ZERO), ClaimOutcome::Halted);
    assert!(matches!(
        table.next(1, Duration::ZERO),
        ClaimOutcome::Claimed(_)
    ));
}

#[test]
fn costs_are_handed_out_with_the_tasks() {
    let memory = MemoryTable::with(TableLayout {
        ordered: true,
        has_costs: true,
        retry_pause: Some(PAUSE),
        ..plain(3)
    });
    let table = memory.table();
    let costs = [1.5, 9.0, 3.0];
    table.fill(
        [SlotState::Open; 3].into_iter(),
        [1, 2, 0].into_iter(),
        costs.into_iter(),
    );
    for task in [1, 2, 0] {
        let claim = table.claim().unwrap();
        assert_eq!(claim.task, task);
        let cost = f64::from(f32::from_bits(claim.cost));
        assert!((cost - costs[task as usize]).abs() < f64::EPSILON);
        table.end_claim(0, claim, ClaimEnd::Retry, Duration::ZERO);
    }
}

#[test]
fn many_threads_share_what_is_opened_again() {
    let memory = MemoryTable::new(200, false);
    let runs: Vec<AtomicU64> = (0..200).map(|_| AtomicU64::new(0)).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let table = memory.table();
                while let Some(claim) = table.claim() {
                    let runs = &runs[claim.task as usize];
                    assert_eq!(
                        u64::from(claim.attempt),
                        runs.fetch_add(1, Ordering::Relaxed) + 1
                    );
                    table.finish(claim, SlotState::Failed);
                    if claim.attempt < 20 {
                        table.set(claim.task as usize, SlotState::Open);
                    }
                }
            });
        }
    });
    assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 20));
}

//! Tests of the task table in memory, with one thread and with several.

use crate::batch::table::{SlotState, TableLayout, TaskEnd, TaskTable};
use crate::sync::atomic::{AtomicU64, Ordering};

/// A table in memory.
struct MemoryTable {
    layout: TableLayout,
    words: Vec<AtomicU64>,
}

impl MemoryTable {
    fn new(tasks: usize, ordered: bool) -> Self {
        let layout = TableLayout {
            tasks,
            workers: 2,
            ordered,
        };
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
    table.fill([SlotState::Open; 3].into_iter(), [2, 0, 1].into_iter());
    assert_eq!(
        [(); 4].map(|()| claim(&table).map(|(task, _)| task)),
        [Some(2), Some(0), Some(1), None]
    );
}

#[test]
fn only_open_tasks_are_claimed() {
    let memory = MemoryTable::new(6, false);
    let table = memory.table();
    let slot_states = [
        SlotState::Done,
        SlotState::Running,
        SlotState::Failed,
        SlotState::Invalid,
        SlotState::Unverified,
        SlotState::Open,
    ];
    table.fill(slot_states.into_iter(), std::iter::empty());
    assert_eq!(claim(&table), Some((4, 1)));
    assert_eq!(claim(&table), Some((5, 1)));
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
fn the_last_rank_learns_of_the_first_failure() {
    let memory = MemoryTable::new(1, false);
    let table = memory.table();
    assert_eq!(table.end(1, 3, (0, None)), None);
    assert_eq!(table.end(1, 3, (2, Some("no input, no output"))), None);
    assert_eq!(
        table.end(1, 3, (1, Some("second"))),
        Some(TaskEnd::Failed(2, "no input, no output".into()))
    );
    table.reset_worker(1);
    assert_eq!(table.end(1, 1, (0, None)), Some(TaskEnd::Done));
    table.count(0, true);
    table.count(1, false);
    table.count(1, true);
    assert_eq!(table.counts(), (2, 1));
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

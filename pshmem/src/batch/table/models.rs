//! Loom models of the task table.

use crate::batch::table::{SlotState, TableLayout, TaskTable};
use crate::sync::atomic::AtomicU64;
use loom::sync::Arc;
use loom::thread;

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

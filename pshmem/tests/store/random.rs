//! Random jobs whose system calls fail at random, beside a model of what must be true.

use super::*;
use crate::batch::store::CommitOutcome;
use crate::batch::store::folder::failpoints::{self, RandomFailures};
use std::collections::BTreeMap;
use std::sync::Mutex;
use tempfile::tempdir;

const TASKS: usize = 12;
const RETRIES: u32 = 2;

/// What all jobs of a root have done.
#[derive(Debug, Default)]
struct Diary {
    /// Of each task: how often it was recorded so.
    recorded: BTreeMap<(usize, TaskState), u32>,
    /// How often it ended with nothing recorded, as far as its job knows.
    unknown: BTreeMap<usize, u32>,
}

struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % limit
    }
}

/// Works on tasks until all have ended, and fails some of them on purpose.
fn job(root: &Path, seed: u64, one_of: u64, diary: &Mutex<Diary>) {
    let mut rng = Rng(seed | 1);
    let store = impatient(root, TASKS, &format!("job {seed}"));
    let admission = Admission {
        retries: RETRIES,
        ..Admission::default()
    };
    failpoints::fail_at_random(Some(RandomFailures {
        one_of,
        state: rng.below(1 << 40) | 1,
    }));
    loop {
        let mut left = 0;
        let start = rng.below(TASKS as u64) as usize;
        for task in (start..TASKS).chain(0..start) {
            match store.begin(task, &admission) {
                Ok(BeginOutcome::Leased(lease)) => {
                    let fails = rng.below(3) == 0;
                    let end = if fails {
                        TaskState::Failed
                    } else {
                        TaskState::Done
                    };
                    left += usize::from(fails);
                    if rng.below(10) == 0 {
                        // Dropped, as by a rank that is killed.
                        left += 1;
                        continue;
                    }
                    let reason = if fails { "on purpose" } else { "" };
                    let outcome = lease.commit(end, reason);
                    let mut diary = diary.lock().unwrap();
                    match outcome {
                        Ok(CommitOutcome::Recorded) => {
                            *diary.recorded.entry((task, end)).or_default() += 1;
                        }
                        Ok(CommitOutcome::Refused) => {
                            panic!("task {task} of live job {seed} was taken over")
                        }
                        Err(_) => {
                            left += 1;
                            *diary.unknown.entry(task).or_default() += 1;
                        }
                    }
                }
                Ok(BeginOutcome::OwnedBy(_)) | Err(_) => left += 1,
                Ok(BeginOutcome::NotOpen(state)) => {
                    assert!(
                        matches!(state, TaskState::Done | TaskState::Failed),
                        "{state}"
                    );
                }
            }
        }
        if left == 0 {
            break;
        }
    }
    failpoints::fail_at_random(None);
}

/// Every task is recorded DONE once or has failed as often as it may, whatever fails; no worker is lost.
#[test]
fn whatever_fails_each_task_ends_once() {
    for seed in 1..=40_u64 {
        let root = tempdir().unwrap();
        drop(open(root.path(), TASKS));
        let diary = Mutex::new(Diary::default());
        // From one failure in three calls to one in a hundred.
        let one_of = [3, 10, 30, 100][seed as usize % 4];
        std::thread::scope(|scope| {
            for of in 0..3 {
                let (root, diary) = (root.path(), &diary);
                scope.spawn(move || job(root, seed * 1000 + of, one_of, diary));
            }
        });
        let diary = diary.into_inner().unwrap();
        let opened = open(root.path(), TASKS);
        assert!(
            opened.unparsable.is_empty(),
            "{seed}: {:?}",
            opened.unparsable
        );
        for task in 0..TASKS {
            let times = |state| {
                diary
                    .recorded
                    .get(&(task, state))
                    .copied()
                    .unwrap_or_default()
            };
            let (done, failed) = (times(TaskState::Done), times(TaskState::Failed));
            let what = format!(
                "seed {seed}, task {task}: {:?}, {done} done, {failed} failed",
                opened.recorded[task]
            );
            assert!(done <= 1, "{what}");
            let unknown = diary.unknown.get(&task).copied().unwrap_or_default();
            match opened.states[task] {
                TaskState::Done => assert!(done == 1 || unknown > 0, "{what}"),
                TaskState::Failed => {
                    assert_eq!(done, 0, "{what}");
                    // Failures that a job does not know of may have been recorded all the same.
                    assert!(
                        failed + unknown > RETRIES && failed <= RETRIES + 1,
                        "{what}"
                    );
                    assert_eq!(opened.recorded[task].failures, RETRIES + 1, "{what}");
                }
                other => panic!("{what}: {other}"),
            }
        }
    }
}

//! Reads that are answered from a cache, as network file systems do: with what was there before.

use super::*;
use crate::batch::store::folder::failpoints;
use crate::batch::store::lease::Claimed;
use crate::batch::store::{CommitOutcome, Owner};
use std::rc::Rc;
use tempfile::tempdir;

/// What another job does with the task between what this one may have seen and its own attempt.
type Change = fn(&Store);

/// Lets one job change a task, and then another one begin it with one outdated read, each read in turn. `check` is told the
/// outcome, and whether a read was outdated.
fn with_each_outdated_read(
    before: Change,
    change: Change,
    check: impl Fn(&Store, BeginOutcome, u32),
) -> u32 {
    let mut after = 0;
    loop {
        let root = tempdir().unwrap();
        let first = other(root.path(), 1, "first");
        drop(open(root.path(), 1));
        before(&first);
        let second = other(root.path(), 1, "second");
        let snapshot = failpoints::snapshot(&second.dir(0));
        change(&first);
        failpoints::outdate(snapshot, after);
        let outcome = second.begin(0, &Admission::default()).unwrap();
        if !failpoints::was_outdated() {
            return after;
        }
        check(&second, outcome, after);
        let left = file_names(&second.dir(0));
        let held = left.iter().filter(|name| *name == ".end.").count();
        assert!(
            held <= 1 && !left.contains(&".running.".to_owned()),
            "{after}: {left:?}"
        );
        after += 1;
    }
}

fn end(store: &Store, task: usize, state: TaskState) {
    let outcome = begin(store, task).commit(state, "").unwrap();
    assert_eq!(outcome, CommitOutcome::Recorded);
}

#[test]
fn a_task_that_is_done_is_not_run_again() {
    let befores: [Change; 3] = [
        |_| {},
        // An attempt that was given up: the state is still RUNNING, as a hard link of the next attempt will be.
        |first| drop(begin(first, 0)),
        |first| first.set_state(0, TaskState::Open).unwrap(),
    ];
    for before in befores {
        let reads = with_each_outdated_read(
            before,
            |first| end(first, 0, TaskState::Done),
            |second, outcome, after| {
                let is_over = matches!(outcome, BeginOutcome::NotOpen(TaskState::Done));
                assert!(is_over, "read {after} was outdated: {outcome:?}");
                assert_eq!(word(second, 0), "DONE\n");
            },
        );
        assert!(reads > 0, "no read was outdated");
    }
}

#[test]
fn a_task_that_others_run_is_not_begun() {
    let befores: [Change; 2] = [|_| {}, |first| drop(begin(first, 0))];
    for before in befores {
        let reads = with_each_outdated_read(
            before,
            |first| std::mem::forget(begin(first, 0)),
            |_, outcome, after| {
                let is_owned =
                    matches!(&outcome, BeginOutcome::OwnedBy(Owner { job, .. }) if job == "first");
                assert!(is_owned, "read {after} was outdated: {outcome:?}");
            },
        );
        assert!(reads > 0, "no read was outdated");
    }
}

#[test]
fn a_task_that_has_ended_many_times_is_not_begun_with_an_old_number() {
    let reads = with_each_outdated_read(
        |first| (0..10).for_each(|_| drop(begin(first, 0))),
        |first| {
            // Links of earlier attempts are removed meanwhile.
            (10..40).for_each(|_| drop(begin(first, 0)));
            std::mem::forget(begin(first, 0));
        },
        |second, outcome, after| {
            let links = file_names(&second.dir(0));
            let links = links.iter().filter(|name| name.starts_with(".attempt."));
            assert!(links.count() <= 17, "read {after} was outdated");
            assert!(
                matches!(outcome, BeginOutcome::OwnedBy(_)),
                "read {after} was outdated: {outcome:?}"
            );
        },
    );
    assert!(reads > 3, "only {reads} reads were outdated");
}

#[test]
fn a_job_that_has_slept_makes_no_number_again_whose_link_was_removed() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    (0..40).for_each(|_| drop(begin(&store, 0)));
    let links = file_names(&store.dir(0));
    let links: Vec<_> = links
        .iter()
        .filter(|name| name.starts_with(".attempt."))
        .collect();
    assert_eq!(links.len(), 9, "32 to 40: {links:?}");
    let held = begin(&store, 0);
    let dir = Rc::new(folder(&store.dir(0)));
    for number in [1, 2, 16, 31] {
        let claimed = store
            .leases()
            .unwrap()
            .claim(&dir, number, 0, &Admission::default());
        assert!(
            matches!(claimed, Ok(Claimed::Outdated(32))),
            "{number}: {claimed:?}"
        );
    }
    for number in [32, 40, 41] {
        let claimed = store
            .leases()
            .unwrap()
            .claim(&dir, number, 0, &Admission::default());
        assert!(
            matches!(claimed, Ok(Claimed::Lost)),
            "{number}: {claimed:?}"
        );
    }
    let left = file_names(&store.dir(0));
    assert_eq!(
        left.iter().filter(|name| *name == ".end.").count(),
        1,
        "{left:?}"
    );
    // Also where all links were removed by hand.
    assert_eq!(
        held.commit(TaskState::Failed, "").unwrap(),
        CommitOutcome::Recorded
    );
    for name in left.iter().filter(|name| name.starts_with(".attempt.")) {
        fs::remove_file(store.dir(0).join(name)).unwrap();
    }
    store.set_state(0, TaskState::Open).unwrap();
    assert_eq!(begin(&store, 0).attempt(), 32);
}

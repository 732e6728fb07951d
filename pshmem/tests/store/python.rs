//! Directories that the Python package continues, and directories that it has left. `cargo xtask test --proof` installs the
//! package and runs these tests.

use super::*;
use crate::batch::store::CommitOutcome;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::tempdir;

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn python_names() -> TaskNames {
    TaskNames::of(&NAMES)
}

/// An interpreter that has the package.
fn python() -> PathBuf {
    let named = std::env::var_os("PSHMEM_TEST_PYTHON");
    named
        .expect("PSHMEM_TEST_PYTHON names an interpreter")
        .into()
}

/// Runs lines of Python on `batch`, a batch of the package on that root; what they print.
fn run(python: &Path, root: &Path, lines: &str) -> String {
    let program = format!(
        "from pshmem import MPIBatch\nbatch = MPIBatch(None, 1, {}, task_fs_root={:?}, task_fs_names={NAMES:?})\n{lines}",
        NAMES.len(),
        root.display().to_string(),
    );
    // With a limit, because the package's local mode may wait for ever.
    let mut command = Command::new("timeout");
    command.arg("60").arg(python).args(["-c", &program]);
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{lines}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs the Python package"]
fn what_python_has_left_is_resumed() {
    use TaskState::{Done, Failed, Open, Running};
    let python = python();
    let root = tempdir().unwrap();
    let lines = "for task, state in enumerate([batch.OPEN, batch.RUNNING, batch.DONE, batch.FAILED]):\n    batch.set_task_state(task, state)";
    run(&python, root.path(), lines);
    let opened = create(root.path(), python_names(), &options()).unwrap();
    assert_eq!(opened.states, [Open, Running, Done, Failed, Open]);
    assert!(opened.unparsable.is_empty(), "{:?}", opened.unparsable);
    for (task, state) in opened.states.iter().enumerate() {
        match (
            state,
            opened.store.begin(task, &Admission::default()).unwrap(),
        ) {
            (Open | Running, BeginOutcome::Leased(lease)) => {
                assert_eq!(lease.commit(Done, "").unwrap(), CommitOutcome::Recorded);
            }
            (Done | Failed, BeginOutcome::NotOpen(is)) => assert_eq!(is, *state),
            (_, other) => panic!("{task}: {other:?}"),
        }
    }
    let status = crate::Batch::status(root.path()).unwrap();
    assert_eq!((status.count(Done), status.count(Failed)), (4, 1));
}

#[test]
#[ignore = "needs the Python package"]
fn what_is_left_is_resumed_by_python() {
    let python = python();
    let root = tempdir().unwrap();
    let store = create(root.path(), python_names(), &options())
        .unwrap()
        .store;
    let ends = [Some(TaskState::Done), Some(TaskState::Failed), None];
    for (task, end) in ends.into_iter().enumerate() {
        let BeginOutcome::Leased(lease) = store.begin(task, &Admission::default()).unwrap() else {
            panic!("nobody owns it");
        };
        if let Some(end) = end {
            assert_eq!(
                lease.commit(end, "a reason").unwrap(),
                CommitOutcome::Recorded
            );
        }
    }
    let lines = "print([batch.state_to_string(batch.get_task_state(i)) for i in range(5)])\n\
                 task = batch.next_task()\nprint(task)\nbatch.set_task_state(task, batch.DONE)\n\
                 task = batch.next_task(ignore_failed=True)\nprint(task)\nbatch.set_task_state(task, batch.DONE)";
    let printed = run(&python, root.path(), lines);
    assert_eq!(
        printed,
        "['DONE', 'FAILED', 'RUNNING', 'OPEN', 'OPEN']\n3\n1\n"
    );
    // And back again.
    let opened = create(root.path(), python_names(), &options()).unwrap();
    let words: Vec<_> = opened.states.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["DONE", "DONE", "RUNNING", "DONE", "OPEN"]);
    assert!(opened.unparsable.is_empty());
    assert!(fs::read_dir(store.dir(3)).unwrap().count() > 0);
}

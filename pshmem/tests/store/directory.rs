//! Directories of the Python package, files that others have put there, and what an observer is told.

use super::*;
use crate::batch::store::{CommitOutcome, reopen, request_stop};
use crate::error::Error;
use tempfile::tempdir;

#[test]
fn directories_of_the_python_package_are_understood() {
    use TaskState::{Done, Failed, Open, Running};
    let root = tempdir().unwrap();
    let words = [
        "OPEN", "RUNNING", "DONE", "FAILED", "INVALID", "", "DO", "done",
    ];
    for (task, word) in words.iter().enumerate() {
        let dir = root.path().join(format!("task_{task}"));
        fs::create_dir(&dir).unwrap();
        let text = if word.is_empty() {
            String::new()
        } else {
            format!("{word}\n")
        };
        fs::write(dir.join("state"), text).unwrap();
    }
    let opened = open(root.path(), 9);
    let expected = [Open, Running, Done, Failed, Open, Open, Open, Open, Open];
    assert_eq!(opened.states, expected);
    assert_eq!(opened.unparsable.len(), 3, "{:?}", opened.unparsable);
    assert!(opened.unparsable[0].contains("task_5") && opened.unparsable[0].contains("is empty"));
    assert!(
        opened.unparsable[1].contains("\"DO\""),
        "{}",
        opened.unparsable[1]
    );
    // Nobody owns a RUNNING task without a lease.
    for task in [1, 4, 5, 6, 7, 8] {
        assert_eq!(
            begin(&opened.store, task).commit(Done, "").unwrap(),
            CommitOutcome::Recorded
        );
        assert_eq!(word(&opened.store, task), "DONE\n");
    }
}

#[test]
fn foreign_files_do_no_harm() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 3).store;
    // A file in the place of a link takes up its number.
    fs::write(store.dir(0).join(".attempt.1"), "hello").unwrap();
    assert_eq!(begin(&store, 0).attempt(), 2);
    for (attempt, link) in [
        "",
        "x",
        "a:b:c",
        "a:1:../../x.1",
        ":::..",
        "n:1:0123456789abcdef.0",
    ]
    .iter()
    .enumerate()
    .skip(1)
    {
        std::os::unix::fs::symlink(link, store.dir(1).join(format!(".attempt.{attempt}"))).unwrap();
    }
    assert_eq!(begin(&store, 1).attempt(), 6);
    fs::remove_file(store.dir(1).join("state")).unwrap();
    assert_eq!(store.state(1).unwrap(), TaskState::Open);
    // Foreign files among the heartbeats.
    fs::create_dir(root.path().join(".pshmem/folder")).unwrap();
    fs::write(root.path().join(".pshmem/0123456789abcdef"), "").unwrap();
    open(root.path(), 3);
    fs::remove_dir_all(root.path().join(".pshmem")).unwrap();
    assert_eq!(
        begin(&store, 2).commit(TaskState::Done, "").unwrap(),
        CommitOutcome::Recorded
    );
}

#[test]
fn errors_name_what_is_wrong() {
    let root = tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("deeper")] {
        let error = create(&path, task_names(1), &options()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Directory { .. }), "{text}");
        assert!(
            text.contains("file") && text.contains("rank 0 (node0)"),
            "{text}"
        );
    }
    fs::write(root.path().join("task_0"), "").unwrap();
    assert!(matches!(
        create(root.path(), task_names(1), &options()),
        Err(Error::Directory { .. })
    ));
    let twice = TaskNames::of(&["a", "a"]);
    assert!(matches!(
        create(root.path(), twice, &options()),
        Err(Error::InvalidSetting { .. })
    ));
    assert!(!root.path().join("a").exists());
    // A folder that was removed by hand.
    let store = open(&root.path().join("root"), 1).store;
    fs::remove_dir(store.dir(0)).unwrap();
    assert!(store.begin(0, &Admission::default()).is_err());
    assert!(store.set_state(0, TaskState::Done).is_err());
    assert_eq!(store.state(0).unwrap(), TaskState::Open);
    assert!(open(&root.path().join("none"), 0).states.is_empty());
}

#[test]
fn a_stop_request_is_seen() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    assert!(!store.stop_requested());
    request_stop(root.path()).unwrap();
    while !store.stop_requested() {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(open(root.path(), 1).store.stop_requested());
}

#[test]
fn an_observer_sees_who_runs_what_and_changes_nothing() {
    use TaskState::{Done, Failed, Open, Running};
    let root = tempdir().unwrap();
    let store = open(root.path(), 5).store;
    assert_eq!(
        begin(&store, 0).commit(TaskState::Done, "").unwrap(),
        CommitOutcome::Recorded
    );
    let reason = "no ink\nat all";
    assert_eq!(
        begin(&store, 1).commit(TaskState::Failed, reason).unwrap(),
        CommitOutcome::Recorded
    );
    let held = begin(&store, 2);
    drop(begin(&store, 3));
    fs::write(root.path().join("notes.txt"), "not a task").unwrap();
    let status = crate::Batch::status(root.path()).unwrap();
    let found: Vec<TaskState> = status.tasks().iter().map(|task| task.state).collect();
    assert_eq!(found, [Done, Failed, Running, Running, Open]);
    assert_eq!(status.tasks()[1].reason.as_deref(), Some(reason));
    let holder = status.tasks()[2].holder.as_ref().unwrap();
    assert_eq!(
        (&*holder.job, &*holder.host, holder.pid),
        ("job 1", "node0", std::process::id())
    );
    assert!(holder.is_alive && status.tasks()[3].holder.is_none());
    let text = status.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].ends_with(": 1 DONE, 2 RUNNING, 1 FAILED, 1 OPEN"),
        "{text}"
    );
    assert_eq!(lines[1], "FAILED   task_1  attempt 1  no ink; at all");
    assert!(
        lines[2].starts_with("RUNNING  task_2  attempt 1 by job job 1 on node0, process "),
        "{text}"
    );
    assert_eq!(
        lines[3],
        "RUNNING  task_3  attempt 1  nobody runs it; the next job does"
    );
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(format!("{status:#}").lines().count(), 6);
    // An empty state file, a request to stop, a holder that is dead.
    fs::write(store.dir(4).join("state"), "").unwrap();
    request_stop(root.path()).unwrap();
    // The note of an operator stays.
    fs::write(root.path().join("stop"), "maintenance\n").unwrap();
    request_stop(root.path()).unwrap();
    let note = fs::read_to_string(root.path().join("stop")).unwrap();
    assert_eq!(note, "maintenance\n");
    mark_dead(root.path(), &key(&store.dir(2)));
    let before = file_names(&store.dir(2));
    let text = crate::Batch::status(root.path()).unwrap().to_string();
    assert!(
        text.contains("which is dead or silent") && text.contains("is empty"),
        "{text}"
    );
    assert!(text.ends_with("/stop"), "{text}");
    assert_eq!(file_names(&store.dir(2)), before);
    assert_eq!(held.commit(Done, "").unwrap(), CommitOutcome::Recorded);
}

#[test]
fn an_operator_opens_what_no_live_process_runs() {
    use TaskState::{Done, Failed, Running};
    let root = tempdir().unwrap();
    let store = open(root.path(), 5).store;
    let ends = [Done, Failed, Failed, Failed];
    for (task, end) in ends.into_iter().enumerate() {
        let committed = begin(&store, task).commit(end, "no ink").unwrap();
        assert_eq!(committed, CommitOutcome::Recorded);
    }
    // Processes that were about to begin a task again: a live one, and one that was killed.
    let retry = Admission {
        retries: 1,
        ..Admission::default()
    };
    let BeginOutcome::Leased(held) = store.begin(2, &retry).unwrap() else {
        panic!("it may be retried");
    };
    fs::write(store.dir(2).join("state"), "FAILED\n").unwrap();
    std::os::unix::fs::symlink(
        "node1:1:1:00000000000000ff.0",
        store.dir(3).join(".attempt.2"),
    )
    .unwrap();
    fs::write(store.dir(3).join(".end.00000000000000ff.0"), "DONE\n").unwrap();
    let text = crate::Batch::status(root.path()).unwrap().to_string();
    assert!(!text.contains("the next job runs it again"), "{text}");

    let only = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
    let opened = |states: &[TaskState], names| reopen(root.path(), states, names);
    let error = opened(&[Failed], only(&["task_1", "x"])).unwrap_err();
    assert!(matches!(error, Error::InvalidSetting { .. }), "{error}");
    assert_eq!(opened(&[Done], only(&["task_1"])).unwrap(), [""; 0]);
    assert_eq!(
        opened(&[Failed, Running], None).unwrap(),
        ["task_1", "task_3"]
    );
    assert_eq!(
        opened(&[Done, Failed], only(&["task_0", "task_1"])).unwrap(),
        ["task_0"]
    );
    // The live one was left alone, and the attempt of the other one is taken over.
    assert_eq!(held.commit(Done, "").unwrap(), CommitOutcome::Recorded);
    assert_eq!(begin(&store, 3).attempt(), 3);
}

#[test]
fn links_that_others_have_planted_are_not_followed() {
    use std::os::unix::fs::{lchown, symlink};
    let root = tempdir().unwrap();
    let victims = tempdir().unwrap();
    let victim = victims.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let store = open(root.path(), 3).store;
    for name in ["reason.1", "state"] {
        symlink(&victim, store.dir(0).join(name)).unwrap();
    }
    symlink(&victim, root.path().join("stop")).unwrap();
    assert_eq!(
        begin(&store, 0).commit(TaskState::Failed, "why").unwrap(),
        CommitOutcome::Recorded
    );
    assert!(!store.dir(0).join("state").is_symlink());
    assert!(request_stop(root.path()).is_err() || root.path().join("stop").is_symlink());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    // A folder on another file system is reached by a link of one's own, and by no other.
    for (task, owner) in [(1, None), (2, Some(12345))] {
        let target = victims.path().join(format!("folder_{task}"));
        fs::create_dir(&target).unwrap();
        fs::remove_dir(store.dir(task)).unwrap();
        symlink(&target, store.dir(task)).unwrap();
        if owner.is_some() && lchown(store.dir(task), owner, owner).is_err() {
            // Only root may give links away.
            continue;
        }
        let begun = store.begin(task, &Admission::default());
        match (begun, owner) {
            (Ok(BeginOutcome::Leased(_)), None) => {}
            (Err(error), Some(_)) => {
                assert!(error.to_string().contains("another user"), "{error}");
                assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
            }
            (other, _) => panic!("{task}: {other:?}"),
        }
    }
}

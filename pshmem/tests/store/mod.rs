//! One process on a directory: what the store promises, and every point at which a job may have been killed.

mod jobs;
mod python;

use super::*;
use std::fs;
use tempfile::tempdir;

fn options() -> Options {
    Options {
        lease_timeout: Duration::from_secs(60),
        job: "job 1".to_owned(),
        rank: 0,
        host: "node0".to_owned(),
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|task| format!("task_{task}")).collect()
}

fn open(root: &Path, count: usize) -> Opened {
    Store::create(root, names(count), &options()).unwrap()
}

/// The store of another job, which has a heartbeat of its own.
fn other(root: &Path, count: usize, job: &str) -> Store {
    let job = job.to_owned();
    Store::attach(root, names(count), &Options { job, ..options() })
}

fn lease(store: &Store, task: usize) -> Lease {
    match store.begin(task, Rerun::default()).unwrap() {
        Begin::Ours(lease) => lease,
        other => panic!("{other:?}"),
    }
}

fn word(store: &Store, task: usize) -> String {
    fs::read_to_string(store.dir(task).join("state")).unwrap()
}

/// Names in a folder, sorted, with keys cut off.
fn files(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let kind = [".running.", ".end.", ".set."]
                .into_iter()
                .find(|kind| name.starts_with(kind));
            kind.map_or(name.clone(), ToOwned::to_owned)
        })
        .collect();
    names.sort();
    names
}

/// The key of the last attempt at a task.
fn key(dir: &Path) -> String {
    lease::last(dir, 0).unwrap().unwrap().key
}

/// Makes the holder of a lease a process of this machine that is gone.
fn bereave(root: &Path, key: &str) {
    let (id, _) = key.rsplit_once('.').unwrap();
    let heartbeat = root.join(".pshmem").join(id);
    let text = fs::read_to_string(&heartbeat).unwrap();
    fs::write(heartbeat, text.replace("started ", "started 1")).unwrap();
}

#[test]
fn a_task_goes_from_open_to_done() {
    let root = tempdir().unwrap();
    let opened = open(root.path(), 2);
    assert_eq!(opened.states, [TaskState::Open; 2]);
    assert!(opened.unparsable.is_empty());
    let store = opened.store;
    let lease = lease(&store, 1);
    assert_eq!(lease.attempt(), 1);
    assert_eq!(word(&store, 1), "RUNNING\n");
    assert_eq!(files(&store.dir(1)), [".attempt.1", ".end.", "state"]);
    let taken = store.begin(1, Rerun::default()).unwrap();
    assert!(
        matches!(&taken, Begin::TakenBy { job, host, pid, .. }
            if job == "job 1" && host == "node0" && *pid == std::process::id()),
        "{taken:?}"
    );
    assert_eq!(lease.commit(TaskState::Done, "").unwrap(), Commit::Recorded);
    assert_eq!(word(&store, 1), "DONE\n");
    assert_eq!(files(&store.dir(1)), [".attempt.1", "state"]);
    let is = store.begin(1, Rerun::default()).unwrap();
    assert!(matches!(is, Begin::Is(TaskState::Done)), "{is:?}");
    assert_eq!(
        open(root.path(), 2).states,
        [TaskState::Open, TaskState::Done]
    );
}

#[test]
fn failed_tasks_keep_their_reason_and_are_begun_on_request() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    let first = lease(&store, 0);
    assert_eq!(
        first.commit(TaskState::Failed, "no ink").unwrap(),
        Commit::Recorded
    );
    assert_eq!(word(&store, 0), "FAILED\n");
    assert_eq!(
        fs::read_to_string(store.dir(0).join("reason.1")).unwrap(),
        "no ink\n"
    );
    assert!(matches!(
        store.begin(0, Rerun::default()).unwrap(),
        Begin::Is(TaskState::Failed)
    ));
    let rerun = Rerun {
        failed: true,
        done: false,
    };
    let Begin::Ours(second) = store.begin(0, rerun).unwrap() else {
        panic!("it is nobody's");
    };
    assert_eq!(second.attempt(), 2);
    assert_eq!(
        second.commit(TaskState::Done, "").unwrap(),
        Commit::Recorded
    );
    assert!(matches!(
        store.begin(0, rerun).unwrap(),
        Begin::Is(TaskState::Done)
    ));
    for state in TaskState::ALL {
        let Begin::Ours(lease) = store
            .begin(
                0,
                Rerun {
                    failed: true,
                    done: true,
                },
            )
            .unwrap()
        else {
            panic!("it is nobody's");
        };
        assert_eq!(lease.commit(state, "").unwrap(), Commit::Recorded);
        assert_eq!(word(&store, 0), format!("{state}\n"));
    }
}

#[test]
fn a_lease_that_is_dropped_leaves_the_task_to_others() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    drop(lease(&store, 0));
    assert_eq!(word(&store, 0), "RUNNING\n");
    let second = lease(&store, 0);
    assert_eq!(second.attempt(), 2);
    assert_eq!(word(&store, 0), "RUNNING\n");
    assert_eq!(
        second.commit(TaskState::Done, "").unwrap(),
        Commit::Recorded
    );
    assert_eq!(files(&store.dir(0)), [".attempt.1", ".attempt.2", "state"]);
}

#[test]
fn who_is_taken_over_is_refused() {
    let root = tempdir().unwrap();
    for late in [TaskState::Done, TaskState::Failed] {
        let store = open(root.path(), 1).store;
        store.set_state(0, TaskState::Open).unwrap();
        let slow = lease(&other(root.path(), 1, "slow"), 0);
        bereave(root.path(), &key(&store.dir(0)));
        let quick = lease(&store, 0);
        assert_eq!(quick.attempt(), slow.attempt() + 1);
        assert_eq!(slow.commit(late, "late").unwrap(), Commit::Refused);
        assert_eq!(word(&store, 0), "RUNNING\n");
        assert_eq!(quick.commit(TaskState::Done, "").unwrap(), Commit::Recorded);
        assert_eq!(word(&store, 0), "DONE\n");
    }
    // Also after the end of the one that took it over.
    let store = open(root.path(), 2).store;
    let slow = lease(&other(root.path(), 2, "slow"), 1);
    bereave(root.path(), &key(&store.dir(1)));
    assert_eq!(
        lease(&store, 1).commit(TaskState::Failed, "").unwrap(),
        Commit::Recorded
    );
    assert_eq!(slow.commit(TaskState::Done, "").unwrap(), Commit::Refused);
    assert_eq!(word(&store, 1), "FAILED\n");
}

#[test]
fn silence_beyond_the_timeout_is_death() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    let slow = lease(&other(root.path(), 1, "slow"), 0);
    let last = lease::last(&store.dir(0), 0).unwrap().unwrap();
    let heartbeat = root.path().join(".pshmem").join(last.heartbeat());
    let old = std::time::SystemTime::now() - Duration::from_secs(59);
    let file = fs::File::options().write(true).open(heartbeat).unwrap();
    file.set_modified(old).unwrap();
    assert!(matches!(
        store.begin(0, Rerun::default()).unwrap(),
        Begin::TakenBy { age, .. } if age >= Duration::from_secs(58)
    ));
    file.set_modified(old - Duration::from_secs(2)).unwrap();
    assert_eq!(
        lease(&store, 0).commit(TaskState::Done, "").unwrap(),
        Commit::Recorded
    );
    assert_eq!(slow.commit(TaskState::Done, "").unwrap(), Commit::Refused);
}

#[test]
fn hearts_beat_while_there_are_leases_and_go_with_their_store() {
    let root = tempdir().unwrap();
    let quick = Options {
        lease_timeout: Duration::from_millis(40),
        ..options()
    };
    let store = Store::create(root.path(), names(1), &quick).unwrap().store;
    let held = lease(&store, 0);
    let id = lease::last(&store.dir(0), 0)
        .unwrap()
        .unwrap()
        .heartbeat()
        .to_owned();
    let heartbeat = root.path().join(".pshmem").join(id);
    let first = fs::metadata(&heartbeat).unwrap().modified().unwrap();
    while fs::metadata(&heartbeat).unwrap().modified().unwrap() < first + Duration::from_millis(100)
    {
        std::thread::sleep(Duration::from_millis(1));
    }
    // Removed by hand, it comes rerun.
    fs::remove_file(&heartbeat).unwrap();
    while !heartbeat.exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(held.commit(TaskState::Done, "").unwrap(), Commit::Recorded);
    drop(store);
    while heartbeat.exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn every_moment_of_a_kill_leaves_a_task_that_can_be_begun() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    let dir = store.dir(0);
    // What a killed job leaves, step by step: the files without a link, with it, the state, the content of its end.
    for step in 0..6 {
        drop(store.set_state(0, TaskState::Open));
        let dead = lease(&other(root.path(), 1, &format!("dead {step}")), 0);
        let key = key(&dir);
        let (running, end) = (
            dir.join(format!(".running.{key}")),
            dir.join(format!(".end.{key}")),
        );
        match step {
            0 => {
                fs::remove_file(dir.join(format!(".attempt.{}", dead.attempt()))).unwrap();
                fs::rename(dir.join("state"), &running).unwrap();
            }
            1 => fs::rename(dir.join("state"), &running).unwrap(),
            2 => {}
            3 => fs::write(&end, "FAI").unwrap(),
            // A takeover that was itself killed after its first removal, and after its second.
            4 => assert!(!running.exists()),
            _ => fs::remove_file(&end).unwrap(),
        }
        let number = dead.attempt();
        bereave(root.path(), &key);
        std::mem::forget(dead);
        let opened = open(root.path(), 1);
        assert!(
            opened.unparsable.is_empty(),
            "{step}: {:?}",
            opened.unparsable
        );
        let next = lease(&opened.store, 0);
        let begun = if step == 0 { number } else { number + 1 };
        assert_eq!(next.attempt(), begun, "{step}");
        assert_eq!(word(&store, 0), "RUNNING\n");
        assert_eq!(next.commit(TaskState::Done, "").unwrap(), Commit::Recorded);
        let left = files(&dir);
        assert!(
            !left.iter().any(|name| name.ends_with('.')),
            "{step}: {left:?}"
        );
    }
}

#[test]
fn an_old_look_cannot_make_an_old_number_again() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    // Another job has done the task since this one read OPEN.
    assert_eq!(
        lease(&store, 0).commit(TaskState::Done, "").unwrap(),
        Commit::Recorded
    );
    let claims = Claims {
        root: root.path(),
        options: &store.options,
        heartbeat: &store.heartbeat,
        link_template: &store.link_template,
    };
    assert!(claims.claim(&store.dir(0), 1).unwrap().is_none());
    assert_eq!(files(&store.dir(0)), [".attempt.1", "state"]);
    assert_eq!(word(&store, 0), "DONE\n");
}

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
    // A RUNNING task without a lease is nobody's.
    for task in [1, 4, 5, 6, 7, 8] {
        assert_eq!(
            lease(&opened.store, task).commit(Done, "").unwrap(),
            Commit::Recorded
        );
        assert_eq!(word(&opened.store, task), "DONE\n");
    }
}

#[test]
fn what_others_put_there_does_no_harm() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 3).store;
    // A file in the place of a link takes its number.
    fs::write(store.dir(0).join(".attempt.1"), "hello").unwrap();
    assert_eq!(lease(&store, 0).attempt(), 2);
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
    assert_eq!(lease(&store, 1).attempt(), 6);
    fs::remove_file(store.dir(1).join("state")).unwrap();
    assert_eq!(store.state(1).unwrap(), TaskState::Open);
    // Foreign things among the heartbeats.
    fs::create_dir(root.path().join(".pshmem/folder")).unwrap();
    fs::write(root.path().join(".pshmem/0123456789abcdef"), "").unwrap();
    open(root.path(), 3);
    fs::remove_dir_all(root.path().join(".pshmem")).unwrap();
    assert_eq!(
        lease(&store, 2).commit(TaskState::Done, "").unwrap(),
        Commit::Recorded
    );
}

#[test]
fn what_cannot_be_is_an_error_that_names_it() {
    let root = tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("deeper")] {
        let error = Store::create(&path, names(1), &options()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Directory { .. }), "{text}");
        assert!(
            text.contains("file") && text.contains("rank 0 (node0)"),
            "{text}"
        );
    }
    fs::write(root.path().join("task_0"), "").unwrap();
    assert!(matches!(
        Store::create(root.path(), names(1), &options()),
        Err(Error::Directory { .. })
    ));
    let twice = vec!["a".to_owned(), "a".to_owned()];
    assert!(matches!(
        Store::create(root.path(), twice, &options()),
        Err(Error::InvalidSetting { .. })
    ));
    assert!(!root.path().join("a").exists());
    // A folder that was removed by hand.
    let store = open(&root.path().join("root"), 1).store;
    fs::remove_dir(store.dir(0)).unwrap();
    assert!(store.begin(0, Rerun::default()).is_err());
    assert!(store.set_state(0, TaskState::Done).is_err());
    assert_eq!(store.state(0).unwrap(), TaskState::Open);
    assert!(open(&root.path().join("none"), 0).states.is_empty());
}

#[test]
fn a_stop_is_seen_within_a_moment() {
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
fn threads_share_tasks_without_running_any_twice() {
    let root = tempdir().unwrap();
    let count = 300;
    drop(open(root.path(), count));
    let begun: Vec<usize> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let store = Store::attach(root.path(), names(count), &options());
                    let mut begun = Vec::new();
                    for task in 0..count {
                        if let Begin::Ours(lease) = store.begin(task, Rerun::default()).unwrap() {
                            begun.push(task);
                            assert_eq!(lease.attempt(), 1);
                            let commit = lease.commit(TaskState::Done, "").unwrap();
                            assert_eq!(commit, Commit::Recorded);
                        }
                    }
                    begun
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(begun.len(), count);
    assert_eq!(
        open(root.path(), count).states,
        vec![TaskState::Done; count]
    );
}

#[test]
fn somebody_who_looks_sees_who_runs_what_and_changes_nothing() {
    use TaskState::{Done, Failed, Open, Running};
    let root = tempdir().unwrap();
    let store = open(root.path(), 5).store;
    assert_eq!(
        lease(&store, 0).commit(TaskState::Done, "").unwrap(),
        Commit::Recorded
    );
    let reason = "no ink\nat all";
    assert_eq!(
        lease(&store, 1).commit(TaskState::Failed, reason).unwrap(),
        Commit::Recorded
    );
    let held = lease(&store, 2);
    drop(lease(&store, 3));
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
    // Strange files, a request to stop, a holder that is gone.
    fs::write(store.dir(4).join("state"), "").unwrap();
    request_stop(root.path()).unwrap();
    bereave(root.path(), &key(&store.dir(2)));
    let before = files(&store.dir(2));
    let text = crate::Batch::status(root.path()).unwrap().to_string();
    assert!(
        text.contains("which is dead or silent") && text.contains("is empty"),
        "{text}"
    );
    assert!(text.ends_with("/stop"), "{text}");
    assert_eq!(files(&store.dir(2)), before);
    assert_eq!(held.commit(Done, "").unwrap(), Commit::Recorded);
}

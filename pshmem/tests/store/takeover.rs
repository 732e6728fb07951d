//! Heartbeats, and tasks that are taken over from processes that are silent or dead.

use super::*;
use crate::batch::store::folder::failpoints;
use crate::batch::store::lease::Claimed;
use crate::batch::store::log::LogEntry;
use crate::batch::store::{CommitOutcome, read_log, reopen};
use std::rc::Rc;
use std::time::{Instant, SystemTime};
use tempfile::tempdir;

#[test]
fn who_is_taken_over_is_refused() {
    let root = tempdir().unwrap();
    for late in [TaskState::Done, TaskState::Failed] {
        let store = open(root.path(), 1).store;
        store.set_state(0, TaskState::Open).unwrap();
        let slow = begin(&other(root.path(), 1, &format!("slow {late}")), 0);
        mark_dead(root.path(), &key(&store.dir(0)));
        let quick = begin(&store, 0);
        assert_eq!(quick.attempt(), slow.attempt() + 1);
        assert_eq!(slow.commit(late, "late").unwrap(), CommitOutcome::Refused);
        assert_eq!(word(&store, 0), "RUNNING\n");
        assert_eq!(
            quick.commit(TaskState::Done, "").unwrap(),
            CommitOutcome::Recorded
        );
        assert_eq!(word(&store, 0), "DONE\n");
    }
    // Also after the attempt that took it over has ended.
    let store = open(root.path(), 2).store;
    let slow = begin(&other(root.path(), 2, "slow"), 1);
    mark_dead(root.path(), &key(&store.dir(1)));
    assert_eq!(
        begin(&store, 1).commit(TaskState::Failed, "").unwrap(),
        CommitOutcome::Recorded
    );
    assert_eq!(
        slow.commit(TaskState::Done, "").unwrap(),
        CommitOutcome::Refused
    );
    assert_eq!(word(&store, 1), "FAILED\n");
}

/// A heartbeat of a process of another machine, of which nothing else is known.
fn foreign_heartbeat(root: &Path, id: &str, timeout: Duration) -> fs::File {
    let own = root.join(".pshmem");
    fs::create_dir_all(&own).unwrap();
    let timeout = timeout.as_millis();
    let text = format!("job far\nhost away\npid 7\nstarted 1\nspace there\ntimeout_ms {timeout}\n");
    fs::write(own.join(id), text).unwrap();
    fs::File::options().write(true).open(own.join(id)).unwrap()
}

/// A task that such a process runs.
fn foreign_attempt(dir: &Path, id: &str) {
    fs::write(dir.join("state"), "RUNNING\n").unwrap();
    fs::write(dir.join(format!(".end.{id}.0")), "DONE\n").unwrap();
    std::os::unix::fs::symlink(format!("away:7:2:{id}.0"), dir.join(".attempt.1")).unwrap();
}

#[test]
fn a_task_is_taken_over_when_no_new_heartbeat_was_seen_for_the_lease_timeout() {
    const ID: &str = "0123456789abcdef";
    let timeout = Duration::from_millis(300);
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    foreign_attempt(&store.dir(0), ID);
    let heartbeat = foreign_heartbeat(root.path(), ID, timeout);
    // Clocks of other machines may say anything.
    let times = [0, 1, 1 << 40, 3].map(Duration::from_secs);
    let mut changes = 0;
    let mut last = Instant::now();
    for time in times {
        heartbeat
            .set_modified(SystemTime::UNIX_EPOCH + time)
            .unwrap();
        let seen = Instant::now();
        while seen.elapsed() < timeout / 2 {
            match store.begin(0, &Admission::default()).unwrap() {
                BeginOutcome::OwnedBy(owner) => {
                    assert_eq!((owner.host.as_str(), owner.pid), ("away", 7));
                    changes += usize::from(owner.changed.is_some_and(|at| at > last));
                    last = owner.changed.unwrap_or(last);
                }
                other => assert!(seen.elapsed() > timeout / 2, "{other:?}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert_eq!(changes, times.len() - 1);
    let lease = loop {
        match store.begin(0, &Admission::default()).unwrap() {
            BeginOutcome::OwnedBy(owner) => assert!(owner.silence <= timeout),
            BeginOutcome::Leased(lease) => break lease,
            BeginOutcome::NotOpen(state) => panic!("{state}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(last.elapsed() >= timeout);
    assert_eq!((lease.attempt(), lease.failures()), (2, 2));
    assert_eq!(
        lease.commit(TaskState::Done, "").unwrap(),
        CommitOutcome::Recorded
    );
}

#[test]
fn heartbeats_of_other_machines_that_are_silent_are_removed() {
    const ID: &str = "0123456789abcdef";
    let root = tempdir().unwrap();
    drop(open(root.path(), 2));
    foreign_attempt(&root.path().join("task_1"), ID);
    foreign_heartbeat(root.path(), ID, Duration::from_millis(20));
    fs::write(
        root.path().join("task_0").join(format!(".running.{ID}.1")),
        "RUNNING\n",
    )
    .unwrap();
    let opened = open(root.path(), 2);
    std::thread::sleep(Duration::from_millis(50));
    assert!(root.path().join(".pshmem").join(ID).exists());
    drop(opened);
    assert!(!root.path().join(".pshmem").join(ID).exists());
    // The next job removes what it has left, and writes to the log that the attempt was lost.
    let next = open(root.path(), 2).store;
    next.close_log();
    next.merge_logs();
    drop(next);
    assert_eq!(read_log(root.path()).unwrap().len(), 1);
    let left = fs::read_dir(root.path().join(".pshmem")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        left.iter()
            .all(|name| name.to_string_lossy().starts_with("tasks.")),
        "{left:?}"
    );
    for task in 0..2 {
        let files = file_names(&root.path().join(format!("task_{task}")));
        assert!(!files.iter().any(|name| name.ends_with('.')), "{files:?}");
    }
    // One that was only slow makes its file again, and is alive.
    foreign_heartbeat(root.path(), ID, MINUTE);
    fs::write(root.path().join(format!(".pshmem/{ID}.dead")), "").unwrap();
    drop(open(root.path(), 2));
    assert!(root.path().join(".pshmem").join(ID).exists());
    assert!(!root.path().join(format!(".pshmem/{ID}.dead")).exists());
}

#[test]
fn heartbeats_continue_while_there_are_leases_and_end_with_their_store() {
    let root = tempdir().unwrap();
    let quick = StoreOptions {
        lease_timeout: Duration::from_millis(40),
        ..options()
    };
    let store = create(root.path(), task_names(1), &quick).unwrap().store;
    let held = begin(&store, 0);
    let id = lease::last(&folder(&store.dir(0)), 0)
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
    // Removed by hand, the file is made again.
    fs::remove_file(&heartbeat).unwrap();
    while !heartbeat.exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(
        held.commit(TaskState::Done, "").unwrap(),
        CommitOutcome::Recorded
    );
    drop(store);
    while heartbeat.exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn after_a_kill_at_any_point_the_task_can_be_begun() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    let dir = store.dir(0);
    // What a killed job leaves, by crash point: files without a link; with the link; the state; part of the end file.
    for step in 0..6 {
        drop(store.set_state(0, TaskState::Open));
        let dead = begin(&other(root.path(), 1, &format!("dead {step}")), 0);
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
            // A takeover that was itself killed after its first removal, and after its second one.
            4 => assert!(!running.exists()),
            _ => fs::remove_file(&end).unwrap(),
        }
        let number = dead.attempt();
        mark_dead(root.path(), &key);
        std::mem::forget(dead);
        let opened = open(root.path(), 1);
        assert!(
            opened.unparsable.is_empty(),
            "{step}: {:?}",
            opened.unparsable
        );
        let next = begin(&opened.store, 0);
        let begun = if step == 0 { number } else { number + 1 };
        assert_eq!(next.attempt(), begun, "{step}");
        assert_eq!(word(&store, 0), "RUNNING\n");
        assert_eq!(
            next.commit(TaskState::Done, "").unwrap(),
            CommitOutcome::Recorded
        );
        let left = file_names(&dir);
        assert!(
            !left.iter().any(|name| name.ends_with('.')),
            "{step}: {left:?}"
        );
    }
}

#[test]
fn an_outdated_read_cannot_make_an_old_number_again() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    // Another job has done the task after this one read OPEN.
    assert_eq!(
        begin(&store, 0).commit(TaskState::Done, "").unwrap(),
        CommitOutcome::Recorded
    );
    let folder = Rc::new(folder(&store.dir(0)));
    let claimed = store
        .leases()
        .unwrap()
        .claim(&folder, 1, 0, &Admission::default());
    assert!(matches!(claimed, Ok(Claimed::Lost)), "{claimed:?}");
    assert_eq!(file_names(&store.dir(0)), [".attempt.1", "state"]);
    assert_eq!(word(&store, 0), "DONE\n");
}

/// Begins and ends a task with the reply to one call lost, each call in turn: nobody else owns it, and the result is recorded.
#[test]
fn whose_reply_is_lost_owns_the_task_all_the_same() {
    let mut after = 0;
    loop {
        let root = tempdir().unwrap();
        // A task that is new, and one that is taken over from a dead process.
        let store = open(root.path(), 2).store;
        let dead = begin(&other(root.path(), 2, "dead"), 1);
        mark_dead(root.path(), &key(&store.dir(1)));
        std::mem::forget(dead);
        failpoints::lose_reply(after);
        for (task, attempt) in [(0, 1), (1, 2)] {
            let lease = begin(&store, task);
            assert_eq!(lease.attempt(), attempt, "reply {after} was lost");
            assert_eq!(word(&store, task), "RUNNING\n", "reply {after} was lost");
            let taken = store.begin(task, &Admission::default()).unwrap();
            assert!(matches!(taken, BeginOutcome::OwnedBy(_)), "{taken:?}");
            let end = [TaskState::Done, TaskState::Failed][task];
            assert_eq!(
                lease.commit(end, "").unwrap(),
                CommitOutcome::Recorded,
                "reply {after} was lost"
            );
            assert_eq!(word(&store, task), format!("{end}\n"));
            let left = file_names(&store.dir(task));
            let is_temporary = |name: &String| name.ends_with('.');
            assert!(!left.iter().any(is_temporary), "reply {after}: {left:?}");
        }
        if !failpoints::reply_was_lost() {
            break;
        }
        after += 1;
    }
    // A hard link or two, the links, RUNNING and the result of both tasks, and what the takeover removes.
    assert!(after >= 9, "only {after} calls can lose their reply");
}

#[test]
fn the_log_tells_of_attempts_whose_processes_have_died() {
    let root = tempdir().unwrap();
    open(root.path(), 3);
    let lost = other(root.path(), 3, "job 0");
    let leases = [0, 2].map(|task| begin(&lost, task));
    std::mem::forget(leases);
    mark_dead(root.path(), &key(&lost.dir(0)));
    // An operator has opened one of them again.
    let states = [TaskState::Running];
    let only = Some(["task_2".to_owned()].into());
    assert_eq!(reopen(root.path(), &states, only).unwrap(), ["task_2"]);
    let opened = open(root.path(), 3);
    assert_eq!(
        opened.states,
        [TaskState::Running, TaskState::Open, TaskState::Open]
    );
    for again in 0..2 {
        let log = crate::Batch::log(root.path()).unwrap();
        let found = log.iter().map(|entry| {
            let LogEntry {
                task,
                attempt,
                state,
                host,
                job,
                worker,
                ..
            } = entry;
            (
                task.as_str(),
                *attempt,
                *state,
                host.as_str(),
                job.as_str(),
                *worker,
            )
        });
        let expected =
            ["task_0", "task_2"].map(|task| (task, 1, TaskState::Running, "node0", "job 0", None));
        assert_eq!(found.collect::<Vec<_>>(), expected, "{again}");
        // There is nothing left to tell of.
        open(root.path(), 3);
    }
    assert_eq!(begin(&opened.store, 0).attempt(), 2);
}

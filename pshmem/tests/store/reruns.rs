//! Retries and reruns that several jobs share.

use super::*;
use crate::batch::store::CommitOutcome;
use tempfile::tempdir;

fn end(store: &Store, task: usize, admission: &Admission, state: TaskState) -> bool {
    match store.begin(task, admission).unwrap() {
        BeginOutcome::Leased(lease) => {
            assert_eq!(lease.commit(state, "").unwrap(), CommitOutcome::Recorded);
            true
        }
        BeginOutcome::NotOpen(_) => false,
        taken @ BeginOutcome::OwnedBy(_) => panic!("{taken:?}"),
    }
}

fn retries(retries: u32) -> Admission {
    Admission {
        retries,
        ..Admission::default()
    }
}

#[test]
fn retries_are_counted_over_jobs() {
    use TaskState::{Failed, Open};
    let root = tempdir().unwrap();
    for (job, texts) in [
        "FAILED\n",
        "FAILED\nfailures 2 rerun 0\n",
        "FAILED\nfailures 3 rerun 0\n",
    ]
    .into_iter()
    .enumerate()
    {
        let store = create(
            root.path(),
            task_names(1),
            &options_of(&format!("{job}"), MINUTE),
        )
        .unwrap()
        .store;
        assert!(end(&store, 0, &retries(2), Failed), "job {job}");
        assert_eq!(word(&store, 0), texts);
    }
    let opened = open(root.path(), 1);
    assert_eq!(opened.recorded[0].failures, 3);
    assert!(!end(&opened.store, 0, &retries(2), Failed));
    // A job that may retry more often does. An attempt that is lost does not count, and what is put back keeps its count.
    drop(begin_with(&opened.store, 0, &retries(4)));
    assert!(end(&opened.store, 0, &retries(4), Open));
    assert_eq!(word(&opened.store, 0), "OPEN\nfailures 3 rerun 0\n");
    assert!(end(&opened.store, 0, &retries(4), Failed));
    assert_eq!(open(root.path(), 1).recorded[0].failures, 4);
    // What is opened by hand has all its retries again.
    opened.store.set_state(0, Open).unwrap();
    for failures in 1..=3 {
        assert!(end(&opened.store, 0, &retries(2), Failed));
        assert_eq!(open(root.path(), 1).recorded[0].failures, failures);
    }
    assert!(!end(&opened.store, 0, &retries(2), Failed));
    // A state of the Python package counts as one failure.
    fs::write(opened.store.dir(0).join("state"), "FAILED\n").unwrap();
    assert!(end(&opened.store, 0, &retries(1), Failed));
    assert!(!end(&opened.store, 0, &retries(1), Failed));
}

fn begin_with(store: &Store, task: usize, admission: &Admission) -> Lease {
    match store.begin(task, admission).unwrap() {
        BeginOutcome::Leased(lease) => lease,
        other => panic!("{other:?}"),
    }
}

/// A job that asks for tasks in all states to be rerun, and what it may begin.
fn asking(root: &Path, job: &str) -> (Store, Admission) {
    let opened = create_for(root, task_names(4), &options_of(job, MINUTE), true).unwrap();
    let admission = Admission {
        retries: 1,
        reruns_failed: true,
        reruns_done: true,
        request: opened.request,
    };
    (opened.store, admission)
}

#[test]
fn jobs_at_work_together_rerun_each_task_once() {
    use TaskState::{Done, Failed};
    let root = tempdir().unwrap();
    let store = open(root.path(), 4).store;
    for task in 0..4 {
        let state = if task < 2 { Done } else { Failed };
        assert!(end(&store, task, &Admission::default(), state));
    }
    drop(store);
    let (one, of_one) = asking(root.path(), "one");
    assert!(end(&one, 0, &of_one, Done));
    assert!(end(&one, 2, &of_one, Failed));
    // The second job comes later, when the first one is between two tasks.
    let (other, of_other) = asking(root.path(), "other");
    assert_eq!(of_one.request, of_other.request);
    let reruns = |task, state| {
        let mut times = 0;
        for (store, admission) in [(&one, &of_one), (&other, &of_other)].repeat(3) {
            times += u32::from(end(store, task, admission, state));
        }
        times
    };
    assert_eq!(reruns(0, Done), 0);
    assert_eq!(reruns(1, Done), 1);
    // One retry for what has failed when it was rerun, and a rerun with one retry.
    assert_eq!(reruns(2, Failed), 1);
    assert_eq!(reruns(3, Failed), 2);
    // A job that does not ask for reruns leaves its results to nobody either.
    one.set_state(1, TaskState::Open).unwrap();
    let plain = create(root.path(), task_names(4), &options_of("plain", MINUTE)).unwrap();
    let of_plain = Admission {
        request: plain.request,
        ..Admission::default()
    };
    assert!(end(&plain.store, 1, &of_plain, Done));
    assert_eq!(reruns(1, Done), 0);
    drop((one, other, plain));
    // When none of them is at work any more, it is another request.
    let (later, of_later) = asking(root.path(), "later");
    assert_ne!(of_later.request, of_one.request);
    for task in 0..4 {
        assert!(end(&later, task, &of_later, Done), "{task}");
        assert!(!end(&later, task, &of_later, Done), "{task}");
    }
}

#[test]
fn a_job_of_another_machine_that_has_died_does_not_keep_its_request() {
    let root = tempdir().unwrap();
    drop(open(root.path(), 1));
    let own = root.path().join(".pshmem");
    std::os::unix::fs::symlink("0123456789abcdef", own.join("rerun.3")).unwrap();
    let record = "job far\nhost away\npid 7\nstarted 1\nspace there\ntimeout_ms 100\n";
    fs::write(own.join("0123456789abcdef"), record).unwrap();
    let (_store, admission) = asking(root.path(), "next");
    assert_eq!(admission.request, 4);
}

#[test]
fn jobs_that_begin_together_make_one_request() {
    let root = tempdir().unwrap();
    drop(open(root.path(), 4));
    let barrier = std::sync::Barrier::new(4);
    let requests: Vec<u32> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|job| {
                let (root, barrier) = (root.path(), &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let (store, admission) = asking(root, &format!("{job}"));
                    barrier.wait();
                    drop(store);
                    admission.request
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(
        requests.iter().all(|&request| request == requests[0]),
        "{requests:?}"
    );
}

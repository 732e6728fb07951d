//! `local::Cluster`: ranks that return early or panic, and the order of results.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use pshmem::local::Cluster;
use pshmem::{Comm, Error, Fairness, Lock, LockError, Mutex, RwLock, Shared};
use pshmem_tests::collective::duplicate;
use pshmem_tests::shapes::clusters;
use pshmem_tests::watchdog::guard;

type WaitingCall = fn(&Comm) -> Result<(), Error>;

/// Calls that wait for all other ranks.
const WAITING_CALLS: [WaitingCall; 5] = [
    Comm::barrier,
    |comm| Shared::<[u64]>::new(comm, 3).map(drop),
    |comm| Shared::<[u8]>::new(comm, 1 << 20).map(drop),
    |comm| Shared::<u64>::from_root(comm, 0, || 1).map(drop),
    |comm| comm.split(Some(0), 0).map(drop),
];

#[test]
fn a_rank_that_returns_early_is_divergence() {
    for (name, cluster) in clusters() {
        for call in WAITING_CALLS {
            let results = guard(&format!("an early return on {name}"), || {
                cluster.run(|comm| {
                    if comm.rank() == comm.size() - 1 {
                        Ok(())
                    } else {
                        call(comm)
                    }
                })
            });
            let (_, others) = results.split_last().expect("at least one rank");
            for result in others {
                assert!(
                    matches!(result, Err(Error::Diverged { .. })),
                    "{result:?} on {name}"
                );
            }
        }
    }
}

#[test]
fn a_rank_that_returns_with_leaked_handles_is_divergence() {
    for (name, cluster) in clusters() {
        let results = guard(&format!("a leak on {name}"), || {
            cluster.run(|comm| {
                let object = Shared::<[u64]>::from_root(comm, 0, || vec![1, 2])?;
                let part = duplicate(comm)?;
                if comm.rank() == 0 {
                    std::mem::forget((object, part));
                    return Ok(());
                }
                let result = part.barrier();
                assert_eq!(object.view(), [1, 2]);
                result
            })
        });
        for result in &results[1..] {
            assert!(
                matches!(result, Err(Error::Diverged { .. })),
                "{result:?} on {name}"
            );
        }
    }
}

#[test]
fn a_panic_is_an_error_with_rank_and_message() {
    for (name, cluster) in clusters() {
        for call in WAITING_CALLS {
            let found = std::sync::Mutex::new(Vec::new());
            let panicked = guard(&format!("a panic on {name}"), || {
                catch_unwind(AssertUnwindSafe(|| {
                    cluster.run(|comm| {
                        if comm.rank() == comm.size() - 1 {
                            std::panic::resume_unwind(Box::new("a message"));
                        }
                        let result = call(comm);
                        found
                            .lock()
                            .expect("no rank panics with the mutex")
                            .push((comm.size() - 1, result));
                    })
                }))
            });
            let payload = panicked.expect_err("the panic is resumed after all ranks have ended");
            assert_eq!(payload.downcast_ref::<&str>(), Some(&"a message"));
            for (last, result) in found.into_inner().expect("no rank panics with the mutex") {
                let Err(Error::RankFailed {
                    rank,
                    message,
                    host,
                }) = &result
                else {
                    panic!("{result:?} on {name}")
                };
                assert!(
                    *rank == last && message.contains("a message") && !host.is_empty(),
                    "{result:?} on {name}"
                );
            }
        }
    }
}

#[test]
fn results_are_in_rank_order() {
    for (name, cluster) in clusters() {
        let ranks = cluster.run(|comm| (comm.rank(), comm.size()));
        let expected: Vec<_> = (0..ranks.len()).map(|rank| (rank, ranks.len())).collect();
        assert_eq!(ranks, expected, "{name}");
    }
}

#[test]
fn nested_and_successive_clusters() {
    let sums = Cluster::new(&[2]).run(|outer| {
        let inner = Cluster::new(&[1, 2]).run(|comm| {
            let object = Shared::<[usize]>::from_root(comm, 1, || vec![comm.size()]).unwrap();
            object.view()[0]
        });
        outer.barrier().unwrap();
        inner.iter().sum::<usize>()
    });
    assert_eq!(sums, [9, 9]);
}

#[test]
fn an_object_outlives_the_other_ranks() {
    for (name, cluster) in clusters() {
        let results = guard(&format!("a late reader on {name}"), || {
            cluster.run(|comm| {
                let object = Shared::<[u8]>::from_root(comm, 0, || vec![7; 400 << 10]).unwrap();
                if comm.rank() == comm.size() - 1 {
                    // The other ranks have most likely returned by then.
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                object.view().iter().all(|&x| x == 7)
            })
        });
        assert!(results.iter().all(|&result| result), "{name}");
    }
}

/// On rank 0: leaks a lock with its guard, and returns. On the others: waits for the lock, and returns who has poisoned it.
macro_rules! leak_or_lock {
    ($new:expr, $call:ident) => {
        |comm: &Comm| {
            let lock = Box::leak(Box::new($new(comm).unwrap()));
            if comm.rank() == 0 {
                std::mem::forget(lock.$call().unwrap());
            }
            comm.barrier().unwrap();
            if comm.rank() == 0 {
                return None;
            }
            match lock.$call() {
                Err(LockError::Poisoned { rank, .. }) => Some(rank),
                other => panic!("{other:?}"),
            }
        }
    };
}

/// Returns the rank that has poisoned the lock.
type LeakOrLock = fn(&Comm) -> Option<usize>;

#[test]
fn a_lock_that_was_leaked_with_its_guard_is_poisoned() {
    let locks: [LeakOrLock; 4] = [
        leak_or_lock!(Lock::new, lock),
        leak_or_lock!(|comm| Mutex::<u64>::new(comm, 7), lock),
        leak_or_lock!(|comm| RwLock::<u64>::new(comm, 7), write),
        leak_or_lock!(
            |comm| Lock::builder(comm).fairness(Fairness::NodeBatch(2)).build(),
            lock
        ),
    ];
    for lock in locks {
        let poisoned = guard("a leaked lock", || Cluster::new(&[1, 1]).run(lock));
        assert_eq!(poisoned, [None, Some(0)]);
    }
}

#[test]
fn a_job_inside_a_parallel_update_ends_nothing_of_the_outer_one() {
    let results = guard("a job inside a closure", || {
        Cluster::new(&[2, 1]).run(|comm| -> Result<Vec<u64>, Error> {
            let mut list = Shared::<[u64]>::new(comm, 30)?;
            let kept = duplicate(comm)?;
            list.update_parts(|rows, part| {
                if comm.rank() == 0 {
                    let code = pshmem::run(|inner: &Comm| {
                        let inner = Shared::<[u64]>::from_root(inner, 0, || vec![1, 2])?;
                        std::mem::forget(inner);
                        Ok::<(), Error>(())
                    });
                    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
                    // The others would have returned by now, if the end of the inner job were the end of this rank.
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                for (row, item) in rows.zip(part) {
                    *item = row as u64;
                }
            })?;
            comm.barrier()?;
            kept.barrier()?;
            Ok(list.view().to_vec())
        })
    });
    let expected: Vec<u64> = (0..30).collect();
    assert_eq!(results, [(); 3].map(|()| Ok(expected.clone())));
}

#[test]
fn run_ok_returns_the_values_of_all_ranks() {
    for (name, cluster) in clusters() {
        let values = guard(&format!("run_ok on {name}"), || {
            cluster.run_ok(|comm| -> pshmem::Result<usize> {
                comm.barrier()?;
                Ok(comm.rank())
            })
        });
        assert_eq!(values, (0..values.len()).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn run_ok_panics_with_the_error_that_came_first() {
    for (name, cluster) in clusters() {
        let observed = std::sync::Mutex::new(Vec::new());
        let main = |comm: &Comm| -> Result<(), String> {
            if comm.rank() + 1 == comm.size() {
                return Err("no input file".to_owned());
            }
            // The others fail because of it, and come later.
            let error = comm.barrier().expect_err("a rank is missing");
            observed.lock().unwrap().push(error.to_string());
            Err(error.to_string())
        };
        let run = || catch_unwind(AssertUnwindSafe(|| cluster.run_ok(main)));
        let payload = guard(&format!("an error on {name}"), run).expect_err("it panics");
        let text = pshmem_tests::report::panic_message(payload.as_ref());
        let last = cluster.run(Comm::size)[0] - 1;
        assert!(
            text.starts_with(&format!("rank {last} on node")),
            "{text} on {name}"
        );
        assert!(text.ends_with(" failed: no input file"), "{text} on {name}");
        for error in observed.into_inner().unwrap() {
            assert!(error.contains("failed: no input file"), "{error} on {name}");
        }
    }
}

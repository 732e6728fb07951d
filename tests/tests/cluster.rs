//! What only `local::Cluster` shows: the ends of ranks, and how the world is put together.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pshmem::local::Cluster;
use pshmem::{Comm, Error, Lock, Mutex, Shared};
use pshmem_tests::shapes::clusters;
use pshmem_tests::watchdog::guard;

type Wait = fn(&Comm) -> Result<(), Error>;

/// Waits for all others in every way that a rank can wait.
const WAITS: [Wait; 5] = [
    Comm::barrier,
    |comm| Shared::<[u64]>::new(comm, 3).map(drop),
    |comm| Shared::<[u8]>::new(comm, 1 << 20).map(drop),
    |comm| Shared::<u64>::from_root(comm, 0, || 1).map(drop),
    |comm| comm.split(Some(0), 0).map(drop),
];

#[test]
fn a_rank_that_returns_early_is_divergence() {
    for (name, cluster) in clusters() {
        for wait in WAITS {
            let ends = guard(&format!("an early return on {name}"), || {
                cluster.run(|comm| {
                    if comm.rank() == comm.size() - 1 {
                        Ok(())
                    } else {
                        wait(comm)
                    }
                })
            });
            let (_, others) = ends.split_last().expect("at least one rank");
            for end in others {
                assert!(
                    matches!(end, Err(Error::Diverged { .. })),
                    "{end:?} on {name}"
                );
            }
        }
    }
}

#[test]
fn leaked_handles_do_not_hide_that_a_rank_has_returned() {
    for (name, cluster) in clusters() {
        let ends = guard(&format!("a leak on {name}"), || {
            cluster.run(|comm| {
                let object = Shared::<[u64]>::from_root(comm, 0, || vec![1, 2])?;
                let part = comm
                    .split(Some(0), 0)?
                    .expect("a rank with a color gets a Comm");
                if comm.rank() == 0 {
                    std::mem::forget((object, part));
                    return Ok(());
                }
                let end = part.barrier();
                assert_eq!(object.view(), [1, 2]);
                end
            })
        });
        for end in &ends[1..] {
            assert!(
                matches!(end, Err(Error::Diverged { .. })),
                "{end:?} on {name}"
            );
        }
    }
}

#[test]
fn a_panic_reaches_the_others_with_rank_and_message() {
    for (name, cluster) in clusters() {
        for wait in WAITS {
            let found = std::sync::Mutex::new(Vec::new());
            let panicked = guard(&format!("a panic on {name}"), || {
                catch_unwind(AssertUnwindSafe(|| {
                    cluster.run(|comm| {
                        if comm.rank() == comm.size() - 1 {
                            std::panic::resume_unwind(Box::new("a message"));
                        }
                        let end = wait(comm);
                        found
                            .lock()
                            .expect("no panic while it is held")
                            .push((comm.size() - 1, end));
                    })
                }))
            });
            let payload = panicked.expect_err("the panic goes on after all ranks have ended");
            assert_eq!(payload.downcast_ref::<&str>(), Some(&"a message"));
            for (last, end) in found.into_inner().expect("no panic while it is held") {
                let Err(Error::RankFailed {
                    rank,
                    message,
                    host,
                }) = &end
                else {
                    panic!("{end:?} on {name}")
                };
                assert!(
                    *rank == last && message.contains("a message") && !host.is_empty(),
                    "{end:?} on {name}"
                );
            }
        }
    }
}

#[test]
fn results_come_in_the_order_of_ranks() {
    for (name, cluster) in clusters() {
        let ranks = cluster.run(|comm| (comm.rank(), comm.size()));
        let expected: Vec<_> = (0..ranks.len()).map(|rank| (rank, ranks.len())).collect();
        assert_eq!(ranks, expected, "{name}");
    }
}

#[test]
fn clusters_inside_clusters_and_one_after_the_other() {
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
fn sixty_four_ranks_on_eight_nodes_take_turns() {
    for cluster in [Cluster::new(&[8; 8]), Cluster::new(&[64])] {
        let sums = guard("64 ranks with one lock", || {
            cluster.run(|comm| {
                let mut lock = Lock::new(comm).unwrap();
                let mut count = Mutex::<[u64]>::from_slice(comm, &[0; 2]).unwrap();
                for round in 0..20 {
                    if (comm.rank() + round) % 5 == 0 {
                        let patience = std::time::Duration::from_micros(50);
                        drop(lock.lock_timeout(patience).unwrap());
                    }
                    let _guard = lock.lock().unwrap();
                    let mut both = count.lock().unwrap();
                    both[0] += 1;
                    both[1] += 1;
                    assert_eq!(both[0], both[1]);
                }
                comm.barrier().unwrap();
                let sum = count.lock().unwrap()[0];
                comm.barrier().unwrap();
                sum
            })
        });
        assert_eq!(sums, [20 * 64; 64]);
    }
}

#[test]
fn an_object_may_outlive_the_ranks_that_share_it() {
    for (name, cluster) in clusters() {
        let ends = guard(&format!("a late reader on {name}"), || {
            cluster.run(|comm| {
                let object = Shared::<[u8]>::from_root(comm, 0, || vec![7; 400 << 10]).unwrap();
                if comm.rank() == comm.size() - 1 {
                    // The others have most likely returned by then; what this rank holds stays.
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                object.view().iter().all(|&x| x == 7)
            })
        });
        assert!(ends.iter().all(|&end| end), "{name}");
    }
}

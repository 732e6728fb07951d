//! More ranks than any shape of the suite has: 64 of them, with many tasks and with one lock; and more than a thousand `Comm`s
//! from one `split`.

use std::time::Duration;

use pshmem::local::Cluster;
use pshmem::{Batch, Lock, Mutex, Op, Shared, TaskState};
use pshmem_tests::watchdog;

const TASKS: usize = 100_000;

/// All ranks claim tasks: each task is run once.
fn each_task_once(nodes: &[usize]) {
    let ranks: usize = nodes.iter().sum();
    let runs = watchdog::guard("many tasks", || {
        Cluster::new(nodes).run(|comm| {
            let batch = Batch::builder(comm, TASKS).root(ranks / 2).build().unwrap();
            let mut mine = Vec::new();
            while let Some(task) = batch.next_task().unwrap() {
                mine.push(task.index());
                task.done().unwrap();
            }
            comm.barrier().unwrap();
            assert_eq!(batch.state(mine.len() % TASKS).unwrap(), TaskState::Done);
            mine
        })
    });
    let mut all: Vec<usize> = runs.into_iter().flatten().collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..TASKS));
}

#[test]
fn tasks_of_sixty_four_ranks_on_eight_nodes() {
    each_task_once(&[8; 8]);
}

#[test]
fn tasks_of_sixty_four_ranks_on_one_node() {
    each_task_once(&[64]);
}

#[test]
fn sixty_four_ranks_share_a_lock() {
    for cluster in [Cluster::new(&[8; 8]), Cluster::new(&[64])] {
        let sums = watchdog::guard("64 ranks with one lock", || {
            cluster.run(|comm| {
                let mut lock = Lock::new(comm).unwrap();
                let mut count = Mutex::<[u64]>::from_slice(comm, &[0; 2]).unwrap();
                for round in 0..20 {
                    if (comm.rank() + round) % 5 == 0 {
                        let timeout = Duration::from_micros(50);
                        drop(lock.lock_timeout(timeout).unwrap());
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

/// Values of many ranks are too many for a round, or for a message between nodes, although each of them is short.
#[test]
fn short_values_of_many_ranks() {
    for cluster in [Cluster::new(&[110; 3]), Cluster::new(&[330])] {
        watchdog::guard("330 ranks with short values", || {
            cluster.run_ok(|comm| -> pshmem::Result<()> {
                let (rank, size) = (comm.rank(), comm.size());
                let all = comm.all_gather("x".repeat(rank))?;
                assert!(all.iter().map(String::len).eq(0..size));
                // All items have 250 KiB, and all prefixes of numbers 10 KiB.
                let largest = comm.all_reduce(Op::max(), [rank as u64; 100])?;
                assert_eq!(largest, [size as u64 - 1; 100]);
                let before = comm.exclusive_scan(Op::max(), [rank as u64; 4])?;
                assert_eq!(before, rank.checked_sub(1).map(|before| [before as u64; 4]));
                let sum = comm.all_reduce(Op::sum(), 1_u64)?;
                assert_eq!(sum, size as u64);
                Ok(())
            })
        });
    }
}

/// What the leader of a node tells its ranks about the memory of so many `Comm`s does not fit into one outcome.
#[test]
fn eleven_hundred_colors_on_one_node() {
    let sums = watchdog::guard("1100 colors", || {
        Cluster::new(&[1100, 2]).run(|comm| {
            // The last two ranks are alone on a node, with few colors.
            let own = comm.split(Some(comm.rank()), 0).unwrap().unwrap();
            let pair = comm.split(Some(comm.rank() / 2), 0).unwrap().unwrap();
            let mut value = Shared::<u64>::new(&own, ()).unwrap();
            value.update(0, |mut w| *w = comm.rank() as u64).unwrap();
            let ranks = Shared::<[u64]>::from_root(&pair, 1, || vec![*value.view()]).unwrap();
            (own.size(), pair.size(), ranks.view()[0])
        })
    });
    for (rank, sum) in sums.into_iter().enumerate() {
        assert_eq!(sum, (1, 2, rank as u64 | 1));
    }
}

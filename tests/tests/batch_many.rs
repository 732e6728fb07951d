//! Many ranks and many tasks.

use pshmem::local::Cluster;
use pshmem::{Batch, TaskState};
use pshmem_tests::watchdog;

const TASKS: usize = 100_000;

/// Sixty-four ranks claim a hundred thousand tasks: each one once.
fn each_once(nodes: &[usize]) {
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
fn sixty_four_ranks_on_eight_nodes() {
    each_once(&[8; 8]);
}

#[test]
fn sixty_four_ranks_on_one_node() {
    each_once(&[64]);
}

//! Calls of every kind on small clusters. Quick to build and to run, because `cargo xtask mutants` does both for each mutant of
//! the library. What the calls promise in full is tested by the suite in `tests/`.

use ndarray::{Array1, Array2, Array4, s};
use pshmem::local::Cluster;
use pshmem::{Batch, Comm, Error, Lock, LockError, Mutex, Op, Result, RwLock, Shared, TaskState};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

/// Runs a test on clusters of one and several nodes. A test that hangs ends the process.
fn on_clusters(test: fn(&Comm) -> Result<()>) {
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(100));
        eprintln!("a test hangs");
        std::process::abort();
    });
    for (nodes, cyclic) in [
        (&[1][..], false),
        (&[3], false),
        (&[2, 1], false),
        (&[2, 2, 1], true),
    ] {
        let cluster = Cluster::new(nodes);
        let cluster = if cyclic { cluster.cyclic() } else { cluster };
        for (rank, result) in cluster.run(test).into_iter().enumerate() {
            assert_eq!(result, Ok(()), "rank {rank} of {nodes:?}");
        }
    }
}

#[test]
fn one_rank_writes() {
    on_clusters(|comm| {
        for root in 0..comm.size() {
            let mut list = Shared::<[u32]>::from_root(comm, root, || (0..9).collect())?;
            assert!(list.view().iter().copied().eq(0..9));
            list.set(root, 3, (comm.rank() == root).then_some(&[7, 8]))?;
            list.assign(0, (comm.rank() == root).then_some(&[5]))?;
            list.fields().update(root, |mut w| w[8] = root as u32)?;
            assert_eq!(list.view(), [5, 1, 2, 7, 8, 5, 6, 7, root as u32]);
            list.update_per_node(|mut w| w[1] = 4)?;
            assert_eq!(list.view()[..2], [5, 4]);
            list.fill(3)?;
            assert_eq!(list.to_owned(), [3; 9]);
            list.close()?;
        }
        Ok(())
    });
}

#[test]
fn large_and_strided_blocks_reach_all_nodes() {
    on_clusters(|comm| {
        let root = comm.size() - 1;
        // More than two pieces. Whole slices are compared, which is quick also without optimisation.
        let mut expected = (0..251).collect::<Vec<u8>>().repeat(38_000);
        expected.truncate(9 << 20);
        let mut long = Shared::<[u8]>::new(comm, expected.len())?;
        long.update(root, |mut w| w.copy_from_slice(&expected))?;
        assert!(long.view() == expected);
        let mut grid = Shared::<Array4<u32>>::new(comm, [12, 13, 14, 60])?;
        let block = Array4::from_shape_fn([9, 10, 11, 50], |(a, b, c, d)| {
            (a * 1_000_000 + b * 10_000 + c * 100 + d + 1) as u32
        });
        grid.set(
            root,
            [2, 1, 3, 5],
            (comm.rank() == root).then(|| block.view()),
        )?;
        let view = grid.view();
        assert_eq!(view.slice(s![2..11, 1..11, 3..14, 5..55]), block);
        let others = view.iter().filter(|value| **value != 0).count();
        assert_eq!(others, block.len());
        Ok(())
    });
}

#[test]
fn all_ranks_write() {
    on_clusters(|comm| {
        let (me, size) = (comm.rank(), comm.size());
        let (mine, ranks) = (me as u64, size as u64);
        let mut grid = Shared::<Array2<u32>>::new(comm, [7, 3])?;
        grid.update_parts(|rows, mut part| part.fill(rows.start as u32 + 1))?;
        assert!(grid.view().iter().all(|&value| value > 0));
        let mut wide = Shared::<Array2<u32>>::new(comm, [2, size])?;
        wide.gather([0, me], &Array2::from_elem([2, 1], me as u32))?;
        assert!(wide.view().row(1).iter().copied().eq(0..size as u32));
        let mut sums = Shared::<[u64]>::new(comm, 40_000)?;
        sums.reduce_into(Op::sum(), &vec![mine; 40_000])?;
        let sum = ranks * (ranks - 1) / 2;
        assert!(sums.view().iter().all(|&value| value == sum));
        sums.accumulate(Op::sum().reproducible(), &vec![1; 40_000])?;
        let sum = sum + ranks;
        assert!(sums.view().iter().all(|&value| value == sum));
        sums.resize(5)?;
        assert_eq!(sums.view(), [sum; 5]);
        let mut other = Shared::<[u64]>::new(comm, 5)?;
        other.copy_from(&sums)?;
        sums.fill(0)?;
        sums.swap(&mut other)?;
        assert_eq!((sums.view()[4], other.view()[4]), (sum, 0));
        sums.fields().swap_data(&mut other.fields())?;
        assert_eq!((sums.view()[4], other.view()[4]), (0, sum));
        Ok(())
    });
}

#[test]
fn objects_come_and_go() {
    on_clusters(|comm| {
        let mut objects = Vec::new();
        for round in 0..60_usize {
            let mut object = Shared::<[u64]>::new(comm, round * 37 % 300 + 1)?;
            assert!(object.view().iter().all(|&value| value == 0));
            object.fill(round as u64 + 1)?;
            objects.push(object);
            if round % 3 == 2 {
                objects.remove(round / 3);
            }
        }
        for object in &objects {
            let first = object.view()[0];
            assert!(object.view().iter().all(|&value| value == first));
        }
        let large = Shared::<Array1<u8>>::new(comm, [3 << 20])?;
        assert!(large.view().as_slice() == Some(&vec![0; 3 << 20]));
        let memory = comm.memory()?;
        let expected = Shared::<Array1<u8>>::bytes_for(&[3 << 20])?;
        assert_eq!(memory.objects.last().map(|o| o.bytes), Some(expected));
        assert!(memory.to_string().contains('B'));
        Ok(())
    });
}

#[test]
fn comms_are_split() {
    on_clusters(|comm| {
        let (me, size) = (comm.rank(), comm.size());
        let parity = comm.split(Some(me % 2), size - me)?.unwrap();
        assert_eq!(parity.size(), (size + 1 - me % 2) / 2);
        let mut seen = Shared::<[usize]>::new(&parity, parity.size())?;
        for root in 0..parity.size() {
            seen.set_with(root, root, || [me])?;
        }
        assert!(seen.view().is_sorted_by(|a, b| a > b));
        assert!(comm.split((me > 0).then_some(0), 0)?.is_some() == (me > 0));
        let single = comm.with_ranks_per_node(1)?;
        assert_eq!(single.node().count, size);
        single.barrier()?;
        comm.node_comm()?.barrier()
    });
}

#[test]
fn locks_exclude_and_poison() {
    on_clusters(|comm| {
        let (me, size) = (comm.rank(), comm.size() as u64);
        let mut lock = Lock::new(comm)?;
        let mut count = Mutex::<[u64]>::from_slice(comm, &[0; 3])?;
        let mut table = RwLock::<u64>::new(comm, 0)?;
        for _ in 0..20 {
            let _outer = lock.lock()?;
            let mut guard = count.lock()?;
            guard.iter_mut().for_each(|value| *value += 1);
            *table.write()? += 1;
            drop(guard);
            assert!(*table.read()? > 0);
        }
        comm.barrier()?;
        assert_eq!(*count.lock()?, [20 * size; 3]);
        assert_eq!(*table.read()?, 20 * size);
        comm.barrier()?;
        if me == 0 {
            let guard = lock.lock()?;
            comm.barrier()?;
            comm.barrier()?;
            assert_eq!(guard.waiting(), 0);
        } else {
            comm.barrier()?;
            assert!(lock.try_lock()?.is_none());
            assert!(lock.lock_timeout(Duration::from_millis(2))?.is_none());
            assert_eq!(lock.holder().map(|holder| holder.rank), Some(0));
            comm.barrier()?;
        }
        drop(lock.lock()?);
        comm.barrier()?;
        if me as u64 == size - 1 {
            let broken = catch_unwind(AssertUnwindSafe(|| {
                let _guard = lock.lock().unwrap();
                resume_unwind(Box::new("a deliberate panic"));
            }));
            assert!(broken.is_err());
        }
        comm.barrier()?;
        let Err(LockError::Poisoned { rank, .. }) = lock.lock() else {
            panic!("it is poisoned");
        };
        assert_eq!(rank as u64, size - 1);
        comm.barrier()
    });
}

#[test]
fn values_are_poisoned_until_a_rank_repairs_them() {
    on_clusters(|comm| {
        let (me, last) = (comm.rank(), comm.size() - 1);
        let mut count = Mutex::<u64>::new(comm, 5)?;
        let mut table = RwLock::<[u64]>::from_slice(comm, &[1, 2])?;
        if me == last {
            let broken = catch_unwind(AssertUnwindSafe(|| {
                let mut value = count.lock().unwrap();
                let mut values = table.write().unwrap();
                *value = 6;
                values[1] = 7;
                resume_unwind(Box::new("a deliberate panic"));
            }));
            assert!(broken.is_err());
            // A reader breaks nothing.
            let broken = catch_unwind(AssertUnwindSafe(|| {
                let _guard = table.read();
                resume_unwind(Box::new("a deliberate panic"));
            }));
            assert!(broken.is_err());
        }
        comm.barrier()?;
        for root in 0..=last {
            if me == root {
                let Err(LockError::Poisoned { rank, guard }) = count.try_lock() else {
                    panic!("it is poisoned");
                };
                assert_eq!((rank, *guard), (last, 6));
            }
            comm.barrier()?;
        }
        let Err(LockError::Poisoned { rank, guard }) = table.read() else {
            panic!("it is poisoned");
        };
        assert_eq!((rank, &*guard), (last, &[1, 7][..]));
        drop(guard);
        comm.barrier()?;
        if me == 0 {
            let Err(LockError::Poisoned { mut guard, .. }) = count.lock() else {
                panic!("it is poisoned");
            };
            guard.clear_poison();
            drop(guard);
            let Err(LockError::Poisoned { mut guard, .. }) = table.write() else {
                panic!("it is poisoned");
            };
            guard.clear_poison();
        }
        comm.barrier()?;
        assert_eq!(*table.read()?, [1, 7]);
        let guard = count.lock_timeout(Duration::from_secs(3600))?.unwrap();
        assert_eq!(*guard, 6);
        drop(guard);
        comm.barrier()?;
        if me == last {
            let guard = count.lock()?;
            comm.barrier()?;
            comm.barrier()?;
            drop(guard);
        } else {
            comm.barrier()?;
            assert_eq!(count.holder().map(|holder| holder.rank), Some(last));
            assert!(count.try_lock()?.is_none());
            comm.barrier()?;
        }
        Ok(())
    });
}

#[test]
fn tasks_are_done_once() {
    on_clusters(|comm| {
        let batch = Batch::builder(comm, 30).build()?;
        let mut ran = Mutex::<[u64]>::from_slice(comm, &[0; 30])?;
        let report = batch.run(|task, _| -> Result<()> {
            ran.lock()?[task.index()] += 1;
            Ok(())
        })?;
        assert_eq!(report.count(TaskState::Done), 30);
        assert_eq!(*ran.lock()?, [1; 30]);
        let batch = Batch::builder(comm, 3).worker_size(comm.size()).build()?;
        let report = batch.run(|task, worker| {
            worker.barrier()?;
            if task.index() == 1 && worker.rank() == 0 {
                return Err(Error::Start {
                    reason: "a deliberate failure".to_owned(),
                });
            }
            Ok(())
        })?;
        assert_eq!(report.count(TaskState::Done), 2);
        assert_eq!(report.count(TaskState::Failed), 1);
        let batch = Batch::builder(comm, 50).build()?;
        let report = batch.run(|_, _| batch.stop())?;
        // Each rank may have begun a task before it learnt that the batch is over.
        let done = report.count(TaskState::Done);
        assert!((1..=comm.size()).contains(&done), "{done}");
        Ok(())
    });
}

#[test]
fn mistakes_are_the_same_error_on_all_ranks() {
    on_clusters(|comm| {
        let (me, last) = (comm.rank(), comm.size() - 1);
        let mut object = Shared::<[u32]>::new(comm, 4)?;
        let wrong = object.set(last, 3, (me == last).then_some(&[1, 2]));
        assert!(matches!(wrong, Err(Error::OutOfBounds { .. })), "{wrong:?}");
        let failed = object.try_update(last, |_| Err::<(), _>("no data"));
        assert!(matches!(failed, Err(Error::Closure { .. })), "{failed:?}");
        let mut inside = None;
        object.update(last, |_| inside = Some(comm.barrier()))?;
        let is_right = match inside {
            None => me != last,
            Some(Ok(())) => comm.size() == 1,
            Some(Err(Error::Nested { .. })) => comm.size() > 1,
            _ => false,
        };
        assert!(is_right, "{inside:?}");
        if comm.size() > 1 {
            let unequal = Shared::<[u32]>::new(comm, me + 1).map(drop);
            assert!(
                matches!(unequal, Err(Error::Mismatch { .. })),
                "{unequal:?}"
            );
            let part = comm.split(Some(0), me)?.unwrap();
            let mut dead = Shared::<[u32]>::new(&part, 1)?;
            let diverged = if me == last {
                part.barrier()
            } else {
                dead.fill(1)
            };
            let Err(Error::Diverged { what }) = diverged else {
                panic!("{diverged:?}");
            };
            assert!(what.contains(&format!("rank {last} on ")), "{what}");
            assert!(
                what.contains("`barrier` at ") && what.contains("`fill`"),
                "{what}"
            );
            assert!(dead.fill(1).is_err());
            assert_eq!(dead.view(), [0]);
            comm.barrier()?;
        }
        object.fill(6)?;
        assert_eq!(object.view(), [6; 4]);
        Ok(())
    });
}

//! A small `/dev/shm`: objects are created until memory is exhausted, and everything must still work after the error.
//!
//! `cargo xtask test` runs it where the machine allows a private mount namespace:
//! `unshare --mount sh -c 'mount -t tmpfs -o size=16m tmpfs /dev/shm && mpirun -n 2 small_shm'`. There must be no SIGBUS, no rank
//! that waits for ever, and no error that differs between ranks.

use std::process::ExitCode;

use pshmem::{Batch, Comm, Error, Op, Shared, TaskState};
use pshmem_tests::collective::{check_usable, same_error};
use pshmem_tests::report::Failure;
use pshmem_tests::watchdog;

/// More bytes than the `/dev/shm` for this test may have.
const MAX_BYTES: usize = 512 << 20;

fn main() -> ExitCode {
    pshmem::run(|comm: &Comm| -> Result<(), String> {
        watchdog::guard("small_shm", || until_full(comm)).map_err(|failure| format!("{failure:?}"))
    })
}

fn until_full(comm: &Comm) -> Result<(), Failure> {
    if comm.node().size == 1 {
        println!("small_shm: a rank alone on its node uses private memory; nothing to test");
        return Ok(());
    }
    // First, while no memory is kept for small objects.
    batches(comm)?;
    values(comm)?;
    for bytes in [6 << 20, 1 << 20, 200 << 10, 1 << 10] {
        let (mut objects, error) = fill_up(comm, bytes)?;
        let Error::NoRoom { needed, free, .. } = &error else {
            return Err(format!("objects of {bytes} B ended with {error:?}").into());
        };
        if comm.rank() == 0 {
            println!("{} objects of {bytes} B, then: {error}", objects.len());
        }
        assert!(needed > free, "{error}");
        // Existing objects still hold their values, and calls that need no new memory still work.
        for (index, object) in objects.iter_mut().enumerate() {
            assert!(
                object.view().iter().all(|&x| x == index as u8),
                "object {index}"
            );
            object.update(index % comm.size(), |mut w| w.fill(1))?;
            assert!(object.view().iter().all(|&x| x == 1), "object {index}");
        }
        comm.barrier()?;
        // Memory that all ranks have freed can be allocated again.
        if objects.pop().is_some() {
            comm.barrier()?;
            let next = Shared::<[u8]>::new(comm, bytes)?;
            assert!(next.view().iter().all(|&x| x == 0));
        }
        drop(objects);
        comm.barrier()?;
        check_usable(comm)?;
    }
    if comm.rank() == 0 {
        println!("small_shm: all is well");
    }
    Ok(())
}

/// Names of tasks and a report that do not fit are an error, and the batch still gives its report once there is room.
fn batches(comm: &Comm) -> Result<(), Failure> {
    const TASKS: usize = 100_000;
    let batch = Batch::builder(comm, TASKS).build()?;
    let (objects, _) = fill_up(comm, 1 << 20)?;
    let builder = Batch::builder(comm, 2).names_with(|_| "x".repeat(2 << 20));
    for error in [
        same_error(comm, builder.build())?,
        same_error(comm, batch.report())?,
    ] {
        if !matches!(error, Error::NoRoom { .. }) {
            return Err(format!("a batch without room ended with {error:?}").into());
        }
    }
    drop(objects);
    comm.barrier()?;
    let report = batch.report()?;
    assert_eq!(report.count(TaskState::Open), TASKS);
    check_usable(comm)?;
    Ok(())
}

/// Values that do not fit are an error on all ranks, and the same calls work once there is room.
fn values(comm: &Comm) -> Result<(), Failure> {
    const LEN: usize = 2 << 20;
    let calls: [fn(&Comm) -> pshmem::Result<()>; 4] = [
        |comm| comm.all_gather(vec![1_u8; LEN]).map(drop),
        |comm| comm.gather(0, vec![1_u8; LEN]).map(drop),
        |comm| comm.broadcast(0, || vec![1_u8; LEN]).map(drop),
        |comm| comm.all_reduce_into(Op::sum(), &mut vec![1_u64; LEN / 8]),
    ];
    for call in calls {
        let (objects, _) = fill_up(comm, 1 << 20)?;
        let error = same_error(comm, call(comm))?;
        if !matches!(error, Error::NoRoom { .. }) {
            return Err(format!("values without room ended with {error:?}").into());
        }
        drop(objects);
        comm.barrier()?;
    }
    for call in calls {
        call(comm)?;
    }
    check_usable(comm)?;
    Ok(())
}

/// Objects, and the error of the next creation.
type Filled = (Vec<Shared<[u8]>>, Error);

/// Creates objects of this size until that fails, and fills each of them with its index.
fn fill_up(comm: &Comm, bytes: usize) -> Result<Filled, Failure> {
    let mut objects = Vec::new();
    while objects.len() * bytes < MAX_BYTES {
        match Shared::<[u8]>::new(comm, bytes) {
            Ok(mut object) => {
                object.fill(objects.len() as u8)?;
                objects.push(object);
            }
            Err(error) => {
                let error = same_error::<()>(comm, Err(error))?;
                return Ok((objects, error));
            }
        }
    }
    Err(format!("{MAX_BYTES} B were available: start this program with a small /dev/shm").into())
}

//! Little memory: objects are created until it is exhausted, and everything must still work after the error. There must be no
//! SIGBUS, no process that the kernel kills, no rank that waits for ever, and no error that differs between ranks.
//!
//! - `small_memory shm` in a small `/dev/shm`:
//!   `unshare --mount sh -c 'mount -t tmpfs -o size=16m tmpfs /dev/shm && mpirun -n 2 small_memory shm'`
//! - `small_memory cgroup` in a cgroup with a limit of some 200 MB, `/sys/fs/cgroup/small` for example:
//!   `sh -c 'echo $$ >/sys/fs/cgroup/small/cgroup.procs; exec mpirun -n 2 small_memory cgroup'`
//!
//! `cargo xtask test` runs both where the machine permits it.

use std::process::ExitCode;

use pshmem::{Batch, Comm, Error, Op, Shared, TaskState};
use pshmem_tests::collective::{check_usable, same_error};
use pshmem_tests::report::Failure;
use pshmem_tests::watchdog;

/// More bytes than there may be for this test.
const MAX_BYTES: usize = 512 << 20;

fn main() -> ExitCode {
    pshmem::run(|comm: &Comm| -> Result<(), String> {
        let scenario = std::env::args().nth(1).unwrap_or_default();
        let run = || match scenario.as_str() {
            "shm" => small_shm(comm),
            "cgroup" => small_cgroup(comm),
            other => Err(format!("{other} is no scenario").into()),
        };
        watchdog::guard("small_memory", run).map_err(|failure| format!("{failure:?}"))
    })
}

fn small_shm(comm: &Comm) -> Result<(), Failure> {
    if comm.node().size == 1 {
        println!("small_memory: a rank alone on its node uses private memory; nothing to test");
        return Ok(());
    }
    // First, while no memory is kept for small objects.
    batches(comm)?;
    values(comm)?;
    until_full(comm, &[6 << 20, 1 << 20, 200 << 10, 1 << 10], "/dev/shm")
}

/// The kernel kills what goes beyond the limit, so whatever is private to the ranks must stay small here, too: no objects that are
/// hardly larger than their handles.
fn small_cgroup(comm: &Comm) -> Result<(), Failure> {
    const CGROUP: &str = "the cgroup ";
    // There is room in `/dev/shm` for this one.
    let made = Shared::<[u8]>::new(comm, MAX_BYTES);
    check_place(&same_error(comm, made)?, CGROUP)?;
    until_full(comm, &[6 << 20, 1 << 20, 200 << 10], CGROUP)
}

/// Objects of each of these sizes, until an error says that the place has no room.
fn until_full(comm: &Comm, sizes: &[usize], place: &str) -> Result<(), Failure> {
    for &bytes in sizes {
        let (mut objects, error) = fill_up(comm, bytes)?;
        if comm.rank() == 0 {
            println!("{} objects of {bytes} B, then: {error}", objects.len());
        }
        check_place(&error, place)?;
        // Existing objects still hold their values, and calls that need no new memory still work.
        for (index, object) in objects.iter_mut().enumerate() {
            assert!(holds(object, index as u8), "object {index}");
            object.update(index % comm.size(), |mut w| w.fill(1))?;
            assert!(holds(object, 1), "object {index}");
        }
        comm.barrier()?;
        // Memory that all ranks have freed can be allocated again.
        if objects.pop().is_some() {
            comm.barrier()?;
            let next = Shared::<[u8]>::new(comm, bytes)?;
            assert!(holds(&next, 0));
        }
        drop(objects);
        comm.barrier()?;
        check_usable(comm)?;
    }
    if comm.rank() == 0 {
        println!("small_memory: all is well");
    }
    Ok(())
}

/// The error must be that there is no room in a place whose name begins so.
fn check_place(error: &Error, expected: &str) -> Result<(), Failure> {
    match error {
        Error::NoRoom {
            place,
            needed,
            free,
            ..
        } if place.starts_with(expected) && needed > free => Ok(()),
        _ => Err(format!("no error about {expected}: {error:?}").into()),
    }
}

/// Whether each page of an object holds a value.
fn holds(object: &Shared<[u8]>, value: u8) -> bool {
    object.view().iter().step_by(512).all(|&byte| byte == value)
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
    // MPICH itself fills half of a `/dev/shm` of 16 MB.
    const LEN: usize = 1 << 20;
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
    Err(format!("{MAX_BYTES} B were available: start this program with less memory").into())
}

//! Where shared memory is small: objects until there is no room, and life after that.
//!
//! Started by hand or by `cargo xtask test` where the machine allows a private mount namespace:
//! `unshare --mount sh -c 'mount -t tmpfs -o size=16m tmpfs /dev/shm && mpirun -n 2 small_shm'`. What must not happen is a
//! SIGBUS, a rank that waits for ever, or an error that differs between ranks.

use std::process::ExitCode;

use pshmem::{Comm, Error, Shared};
use pshmem_tests::collective::{check_usable, same_error};
use pshmem_tests::report::Failure;
use pshmem_tests::watchdog;

/// More than any `/dev/shm` meant for this test.
const ENOUGH: usize = 512 << 20;

fn main() -> ExitCode {
    pshmem::run(|comm: &Comm| -> Result<(), String> {
        watchdog::guard("small_shm", || until_full(comm)).map_err(|failure| format!("{failure:?}"))
    })
}

fn until_full(comm: &Comm) -> Result<(), Failure> {
    if comm.node().size == 1 {
        println!(
            "small_shm: a rank alone on its node keeps objects in its own memory; nothing to test"
        );
        return Ok(());
    }
    for bytes in [6 << 20, 1 << 20, 200 << 10, 1 << 10] {
        let (mut objects, error) = fill_up(comm, bytes)?;
        let Error::NoRoom { needed, free, .. } = &error else {
            return Err(format!("objects of {bytes} B ended with {error:?}").into());
        };
        if comm.rank() == 0 {
            println!("{} objects of {bytes} B, then: {error}", objects.len());
        }
        assert!(needed > free, "{error}");
        // What exists still works, byte for byte, and so does everything that needs no new memory.
        for (index, object) in objects.iter_mut().enumerate() {
            assert!(
                object.view().iter().all(|&x| x == index as u8),
                "object {index}"
            );
            object.update(index % comm.size(), |mut w| w.fill(1))?;
            assert!(object.view().iter().all(|&x| x == 1), "object {index}");
        }
        comm.barrier()?;
        // Room that all ranks gave back can be used again.
        if objects.pop().is_some() {
            comm.barrier()?;
            let again = Shared::<[u8]>::new(comm, bytes)?;
            assert!(again.view().iter().all(|&x| x == 0));
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

/// Objects, and the error that the next one met.
type Filled = (Vec<Shared<[u8]>>, Error);

/// Objects of this size until one is refused, each full of its number, and the refusal.
fn fill_up(comm: &Comm, bytes: usize) -> Result<Filled, Failure> {
    let mut objects = Vec::new();
    while objects.len() * bytes < ENOUGH {
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
    Err(format!("{ENOUGH} B found room: start this with a small /dev/shm").into())
}

//! MPI functions on `MPI_COMM_WORLD`. Its error handler ends the job, so that return codes need not be checked. Sections refer to
//! the MPI standard, version 4.0.

use mpi::ffi;
use std::ffi::c_int;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::{NonNull, null_mut};

/// MPI, which `pshmem::run` has initialised, and does not finalise while the bench runs.
pub(crate) struct Raw {
    world: ffi::MPI_Comm,
    /// Only the thread that created this value makes MPI calls.
    this_thread: PhantomData<*mut ()>,
}

/// Shared memory of a node, of which each rank uses its own part only. Created and dropped by all ranks together.
pub(crate) struct Window {
    handle: ffi::MPI_Win,
    start: NonNull<u8>,
    len: usize,
}

/// A communicator of one rank of each node. Created and dropped by all ranks together.
pub(crate) struct Leaders {
    /// `None` on the other ranks.
    comm: Option<ffi::MPI_Comm>,
}

impl Raw {
    /// `None` when ranks are threads.
    pub(crate) fn new() -> Option<Self> {
        let mut flag = 0;
        // SAFETY: may be called at any time (section 11.4.1).
        unsafe { ffi::MPI_Initialized(&raw mut flag) };
        (flag != 0).then_some(Raw {
            // SAFETY: reading a constant that the binding's C part defines.
            world: unsafe { ffi::RSMPI_COMM_WORLD },
            this_thread: PhantomData,
        })
    }

    pub(crate) fn barrier(&self) {
        // SAFETY: collective over the world (section 6.3).
        unsafe { ffi::MPI_Barrier(self.world) };
    }

    /// The sum of the arrays of all ranks, on all of them.
    pub(crate) fn sum(&self, mine: &[f64], sum: &mut [f64]) {
        assert_eq!(mine.len(), sum.len());
        let count = c_int::try_from(mine.len()).expect("fewer than 2^31 numbers");
        // SAFETY: two buffers as long as said, the second one exclusive; collective over the world (section 6.9.6).
        unsafe {
            ffi::MPI_Allreduce(
                mine.as_ptr().cast(),
                sum.as_mut_ptr().cast(),
                count,
                ffi::RSMPI_DOUBLE,
                ffi::RSMPI_SUM,
                self.world,
            )
        };
    }

    /// Copies the bytes of `root` to all ranks.
    pub(crate) fn broadcast(&self, root: usize, bytes: &mut [u8]) {
        let int = |number: usize| c_int::try_from(number).expect("fewer than 2^31");
        // SAFETY: the buffer is exclusive and as long as said; collective over the world (section 6.4).
        unsafe {
            ffi::MPI_Bcast(
                bytes.as_mut_ptr().cast(),
                int(bytes.len()),
                ffi::RSMPI_UINT8_T,
                int(root),
                self.world,
            )
        };
    }

    /// Copies the bytes of each rank to all ranks, in rank order. All pass equally many.
    pub(crate) fn all_gather(&self, mine: &[u8], all: &mut [u8]) {
        let count = c_int::try_from(mine.len()).expect("fewer than 2^31 bytes");
        let mut size = 0;
        // SAFETY: the world is a valid communicator (section 7.4.1).
        unsafe { ffi::MPI_Comm_size(self.world, &raw mut size) };
        assert_eq!(
            Ok(all.len()),
            usize::try_from(size).map(|size| size * mine.len())
        );
        // SAFETY: the buffers are as long as said, the second one exclusive; collective over the world (section 6.7).
        unsafe {
            ffi::MPI_Allgather(
                mine.as_ptr().cast(),
                count,
                ffi::RSMPI_UINT8_T,
                all.as_mut_ptr().cast(),
                count,
                ffi::RSMPI_UINT8_T,
                self.world,
            )
        };
    }

    /// The sum of the numbers of the ranks before this one; 0 on rank 0.
    pub(crate) fn exclusive_sum(&self, mine: f64) -> f64 {
        let mut sum = 0.0_f64;
        // SAFETY: one number on either side; collective over the world (section 6.11.2).
        unsafe {
            ffi::MPI_Exscan(
                (&raw const mine).cast(),
                (&raw mut sum).cast(),
                1,
                ffi::RSMPI_DOUBLE,
                ffi::RSMPI_SUM,
                self.world,
            )
        };
        sum
    }

    /// Creates a communicator of all ranks, and frees it.
    pub(crate) fn split(&self) {
        free(self.split_by(0));
    }

    /// Collective over the world.
    fn split_by(&self, color: c_int) -> ffi::MPI_Comm {
        let mut comm = MaybeUninit::uninit();
        // SAFETY: collective over the world (section 7.4.2); `comm` is valid for the result.
        unsafe { ffi::MPI_Comm_split(self.world, color, 0, comm.as_mut_ptr()) };
        // SAFETY: a call that returned has written the handle, as errors end the job.
        unsafe { comm.assume_init() }
    }

    /// A window of shared memory, with `mine` bytes for this rank. All ranks of the world must share one node.
    pub(crate) fn window(&self, mine: usize) -> Window {
        let mut start: *mut u8 = null_mut();
        let mut window = MaybeUninit::uninit();
        // SAFETY: collective over the world, whose ranks share a node; the results are written to local variables (section 12.2.3).
        unsafe {
            ffi::MPI_Win_allocate_shared(
                mine as ffi::MPI_Aint,
                1,
                ffi::RSMPI_INFO_NULL,
                self.world,
                (&raw mut start).cast(),
                window.as_mut_ptr(),
            )
        };
        Window {
            // SAFETY: a call that returned has written the handle, as errors end the job.
            handle: unsafe { window.assume_init() },
            // The standard promises no address to a rank that asked for no bytes.
            start: match NonNull::new(start) {
                Some(start) if mine > 0 => start,
                _ => NonNull::<u64>::dangling().cast(),
            },
            len: mine,
        }
    }

    /// A window of one number on each rank, on any nodes; `None` if the MPI library has no such windows.
    pub(crate) fn window_over_nodes(&self) -> Option<Window> {
        let mut start: *mut u8 = null_mut();
        let mut window = MaybeUninit::uninit();
        let comm = self.split_by(0);
        // SAFETY: a valid communicator (section 9.3).
        let code = unsafe { ffi::MPI_Comm_set_errhandler(comm, ffi::RSMPI_ERRORS_RETURN) };
        assert_eq!(code, ffi::MPI_SUCCESS as c_int);
        // SAFETY: collective over a valid communicator; the results are written to local variables (section 12.2.2).
        let code = unsafe {
            ffi::MPI_Win_allocate(
                8,
                1,
                ffi::RSMPI_INFO_NULL,
                comm,
                (&raw mut start).cast(),
                window.as_mut_ptr(),
            )
        };
        (code == ffi::MPI_SUCCESS as c_int).then(|| Window {
            // SAFETY: a successful call has written the handle.
            handle: unsafe { window.assume_init() },
            start: NonNull::new(start).unwrap_or(NonNull::<u64>::dangling().cast()),
            len: 8,
        })
    }

    /// A communicator of the ranks that pass `true`; the lowest of them is its rank 0.
    pub(crate) fn leaders(&self, is_leader: bool) -> Leaders {
        // SAFETY: reading a constant that the binding's C part defines.
        let undefined = unsafe { ffi::RSMPI_UNDEFINED };
        let comm = self.split_by(if is_leader { 0 } else { undefined });
        Leaders {
            comm: is_leader.then_some(comm),
        }
    }
}

impl Window {
    /// The bytes that this rank asked for. Open MPI aligns them to 8 bytes only.
    pub(crate) fn mine(&mut self) -> &mut [u8] {
        // SAFETY: these bytes belong to this rank's part of the window, which lives as long as `self`; other ranks use
        // their own parts only, because this method is the only way to one. Every byte is initialised: MPI has
        // written it, or the system has mapped a page of zeros.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }

    /// Locks the part of rank 0 exclusively, and unlocks it (section 12.5.3).
    pub(crate) fn lock_and_unlock(&self) {
        // SAFETY: a valid window, outside any other epoch; rank 0 has a part of it.
        unsafe { ffi::MPI_Win_lock(ffi::MPI_LOCK_EXCLUSIVE as c_int, 0, 0, self.handle) };
        // SAFETY: inside the epoch that the line above has opened.
        unsafe { ffi::MPI_Win_unlock(0, self.handle) };
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The other ranks do not make this call: this rank must return to `run`, which ends the job.
            return;
        }
        // SAFETY: a valid window, not used again; all ranks drop it together (section 12.2.5).
        unsafe { ffi::MPI_Win_free(&raw mut self.handle) };
    }
}

impl Leaders {
    /// Rank 0 of the leaders sends its numbers to the other leaders. It does nothing on other ranks.
    pub(crate) fn broadcast(&self, numbers: &mut [u64]) {
        let Some(comm) = self.comm else { return };
        let count = c_int::try_from(numbers.len()).expect("fewer than 2^31 numbers");
        // SAFETY: the buffer is exclusive and as long as said; collective over the leaders (section 6.4).
        unsafe {
            ffi::MPI_Bcast(
                numbers.as_mut_ptr().cast(),
                count,
                ffi::RSMPI_UINT64_T,
                0,
                comm,
            )
        };
    }

    /// Gathers the numbers of all leaders, in rank order, on all leaders. It does nothing on other ranks. Leader i contributes
    /// `counts[i]` numbers.
    pub(crate) fn gather(&self, mine: &[u64], counts: &[usize], all: &mut [u64]) {
        let Some(comm) = self.comm else { return };
        assert_eq!(counts.iter().sum::<usize>(), all.len());
        let int = |number: usize| c_int::try_from(number).expect("fewer than 2^31 numbers");
        let lens: Vec<c_int> = counts.iter().map(|&count| int(count)).collect();
        let starts: Vec<c_int> = (0..counts.len())
            .map(|i| int(counts[..i].iter().sum()))
            .collect();
        // SAFETY: the buffers are as long as said, the second one exclusive, and each leader's part of it is inside;
        // collective over the leaders (section 6.7).
        unsafe {
            ffi::MPI_Allgatherv(
                mine.as_ptr().cast(),
                int(mine.len()),
                ffi::RSMPI_UINT64_T,
                all.as_mut_ptr().cast(),
                lens.as_ptr(),
                starts.as_ptr(),
                ffi::RSMPI_UINT64_T,
                comm,
            )
        };
    }
}

impl Drop for Leaders {
    fn drop(&mut self) {
        if let Some(comm) = self.comm
            && !std::thread::panicking()
        {
            free(comm);
        }
    }
}

fn free(mut comm: ffi::MPI_Comm) {
    // SAFETY: a valid communicator, not used again; collective over it (section 7.4.3).
    unsafe { ffi::MPI_Comm_free(&raw mut comm) };
}

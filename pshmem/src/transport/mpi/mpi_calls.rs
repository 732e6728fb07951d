//! MPI functions on communicators, each with its return code checked.
//!
//! The private communicators return errors instead of aborting (section 9.3, MPI_ERRORS_RETURN), so that the report names the
//! call, rank and host. A failure ends the job: other ranks may be inside the same collective, or wait for the message, and
//! nothing reaches them there. Only for one-sided operations, which are optional, the ranks agree on what to do: see `rma_window`.

use crate::error::{Error, Result};
use crate::stderr::report;
use crate::transport::mpi::lifecycle::{abort, watch_finalize};
use mpi::ffi;
use std::cell::Cell;
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

/// A nonblocking operation. The null request once it is complete.
#[derive(Debug)]
pub(super) struct MpiRequest(Cell<ffi::MPI_Request>);

/// The MPI functions as one rank calls them, with the rank and host that its errors name.
#[derive(Debug, Clone)]
pub(super) struct MpiCalls {
    rank: usize,
    host: String,
}

impl MpiCalls {
    pub(super) fn new(rank: usize, host: String) -> Self {
        MpiCalls { rank, host }
    }

    pub(super) fn rank(&self) -> usize {
        self.rank
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The error that a return code stands for.
    pub(super) fn check(&self, call: &str, code: c_int) -> Result<()> {
        if code == ffi::MPI_SUCCESS as c_int {
            return Ok(());
        }
        let mut class = code;
        let mut text = [0_u8; ffi::MPI_MAX_ERROR_STRING as usize];
        let mut len = 0;
        // SAFETY: MPI_Error_class and MPI_Error_string take any code that MPI returned (section 9.4); `text` has the length
        // that the standard asks for. Their own codes are of no use here.
        unsafe {
            ffi::MPI_Error_class(code, &raw mut class);
            ffi::MPI_Error_string(code, text.as_mut_ptr().cast(), &raw mut len);
        }
        let text =
            String::from_utf8_lossy(&text[..(len.max(0) as usize).min(text.len())]).into_owned();
        Err(Error::Mpi {
            call: call.to_owned(),
            code,
            class,
            text,
            rank: self.rank,
            host: self.host.clone(),
        })
    }

    /// Ends the job when a call has failed.
    pub(super) fn must(&self, call: &str, code: c_int) {
        if let Err(error) = self.check(call, code) {
            self.end_with(&error);
        }
    }

    /// Ends the job because of an error at a place where ranks can no longer agree on one.
    pub(super) fn end_with(&self, error: &Error) -> ! {
        report(format_args!(
            "{error}; other ranks wait for this, so the job ends"
        ));
        self.abort()
    }

    pub(super) fn abort(&self) -> ! {
        abort();
        std::process::abort()
    }

    pub(super) fn processor_name(&self) -> String {
        watch_finalize(self);
        // SAFETY: reading a constant that the binding's C part defines.
        let room = unsafe { ffi::RSMPI_MAX_PROCESSOR_NAME } as usize;
        let mut name = vec![0_u8; room + 1];
        let mut len = 0;
        // SAFETY: the buffer has MPI_MAX_PROCESSOR_NAME bytes (section 9.1.2).
        let code = unsafe { ffi::MPI_Get_processor_name(name.as_mut_ptr().cast(), &raw mut len) };
        self.must("MPI_Get_processor_name", code);
        name.truncate(len.max(0) as usize);
        String::from_utf8_lossy(&name).into_owned()
    }

    /// # Safety
    /// `comm` is a valid communicator.
    pub(super) unsafe fn comm_dup(&self, comm: ffi::MPI_Comm) -> ffi::MPI_Comm {
        let mut new = MaybeUninit::uninit();
        // SAFETY: valid communicator (caller's duty); collective, as the caller's documentation says (section 7.4.2).
        let code = unsafe { ffi::MPI_Comm_dup(comm, new.as_mut_ptr()) };
        self.must("MPI_Comm_dup", code);
        // SAFETY: a successful call has written the handle.
        let new = unsafe { new.assume_init() };
        // SAFETY: the new communicator is ours.
        let code = unsafe { ffi::MPI_Comm_set_errhandler(new, ffi::RSMPI_ERRORS_RETURN) };
        self.must("MPI_Comm_set_errhandler", code);
        new
    }

    /// Whether all threads of this process may call MPI (section 11.6.2).
    pub(super) fn has_threads(&self) -> bool {
        let mut provided = 0;
        // SAFETY: MPI is initialised.
        let code = unsafe { ffi::MPI_Query_thread(&raw mut provided) };
        self.must("MPI_Query_thread", code);
        // SAFETY: reading a constant that the binding's C part defines.
        provided >= unsafe { ffi::RSMPI_THREAD_MULTIPLE }
    }

    pub(super) fn comm_rank(&self, comm: ffi::MPI_Comm) -> usize {
        let mut rank = 0;
        // SAFETY: a communicator of ours.
        let code = unsafe { ffi::MPI_Comm_rank(comm, &raw mut rank) };
        self.must("MPI_Comm_rank", code);
        rank as usize
    }

    pub(super) fn comm_size(&self, comm: ffi::MPI_Comm) -> usize {
        let mut size = 0;
        // SAFETY: a communicator of ours.
        let code = unsafe { ffi::MPI_Comm_size(comm, &raw mut size) };
        self.must("MPI_Comm_size", code);
        size as usize
    }

    /// The processes that can share memory with this one; inherits the error handler (section 9.3).
    pub(super) fn comm_split_shared(&self, comm: ffi::MPI_Comm, key: usize) -> ffi::MPI_Comm {
        let mut new = MaybeUninit::uninit();
        // SAFETY: a communicator of ours; collective over it (section 7.4.2).
        let code = unsafe {
            ffi::MPI_Comm_split_type(
                comm,
                ffi::RSMPI_COMM_TYPE_SHARED,
                key as c_int,
                ffi::RSMPI_INFO_NULL,
                new.as_mut_ptr(),
            )
        };
        self.must("MPI_Comm_split_type", code);
        // SAFETY: a successful call has written the handle.
        unsafe { new.assume_init() }
    }

    /// A communicator of some of the processes; collective over these only (section 7.4.2).
    pub(super) fn comm_create_group(
        &self,
        comm: ffi::MPI_Comm,
        ranks: &[usize],
        key: u64,
    ) -> ffi::MPI_Comm {
        // The smallest upper bound of tags that the standard allows is 32767 (section 9.1.2).
        const TAGS: u64 = 32_767;
        let ranks: Vec<c_int> = ranks.iter().map(|&rank| rank as c_int).collect();
        let mut all = MaybeUninit::uninit();
        // SAFETY: a communicator of ours.
        let code = unsafe { ffi::MPI_Comm_group(comm, all.as_mut_ptr()) };
        self.must("MPI_Comm_group", code);
        // SAFETY: a successful call has written the handle.
        let mut all = unsafe { all.assume_init() };
        let mut some = MaybeUninit::uninit();
        // SAFETY: `ranks` are different ranks of the group.
        let code = unsafe {
            ffi::MPI_Group_incl(all, ranks.len() as c_int, ranks.as_ptr(), some.as_mut_ptr())
        };
        self.must("MPI_Group_incl", code);
        // SAFETY: as above.
        let mut some = unsafe { some.assume_init() };
        let mut new = MaybeUninit::uninit();
        // SAFETY: all processes of the group make this call with the same group and tag (duty of `Transport::map`).
        let code = unsafe {
            ffi::MPI_Comm_create_group(comm, some, (key % TAGS) as c_int, new.as_mut_ptr())
        };
        self.must("MPI_Comm_create_group", code);
        // SAFETY: groups of ours, not used again.
        let codes = unsafe {
            [
                ffi::MPI_Group_free(&raw mut some),
                ffi::MPI_Group_free(&raw mut all),
            ]
        };
        codes
            .into_iter()
            .for_each(|code| self.must("MPI_Group_free", code));
        // SAFETY: as above; every process of the group gets a communicator.
        unsafe { new.assume_init() }
    }

    pub(super) fn comm_free(&self, mut comm: ffi::MPI_Comm) {
        // SAFETY: a communicator of ours, not used again; collective (section 7.4.3).
        let code = unsafe { ffi::MPI_Comm_free(&raw mut comm) };
        self.must("MPI_Comm_free", code);
    }

    pub(super) fn allreduce_min(&self, comm: ffi::MPI_Comm, value: u64) -> u64 {
        self.extremes(comm, value)[0]
    }

    /// Whether all ranks pass `true`.
    pub(super) fn all_true(&self, comm: ffi::MPI_Comm, value: bool) -> bool {
        self.allreduce_min(comm, u64::from(value)) == 1
    }

    /// Whether a collective has succeeded on all ranks, which they have just called on another communicator than `comm`.
    ///
    /// Ranks on which it has not failed may be inside it for ever because it has failed elsewhere. A rank with an `error` waits for
    /// them for a limited time, then it ends the job.
    pub(super) fn all_succeeded(&self, comm: ffi::MPI_Comm, error: Option<&Error>) -> bool {
        const LIMIT: Duration = Duration::from_secs(30);
        let mine = u64::from(error.is_none());
        let mut min = 0_u64;
        let mut request = MaybeUninit::uninit();
        // SAFETY: one element of the type named on either side, which stays in place until the request is complete: nothing below
        // returns or unwinds earlier. Collective over a communicator of ours (section 6.12.8).
        let code = unsafe {
            ffi::MPI_Iallreduce(
                (&raw const mine).cast(),
                (&raw mut min).cast(),
                1,
                ffi::RSMPI_UINT64_T,
                ffi::RSMPI_MIN,
                comm,
                request.as_mut_ptr(),
            )
        };
        self.must("MPI_Iallreduce", code);
        // SAFETY: a successful call has written the handle.
        let request = MpiRequest(Cell::new(unsafe { request.assume_init() }));
        let start = Instant::now();
        while !self.test(&request) {
            if let Some(error) = error.filter(|_| start.elapsed() > LIMIT) {
                self.end_with(error);
            }
            std::thread::yield_now();
        }
        min == 1
    }

    /// The smallest and the largest number of all ranks, in one collective.
    pub(super) fn extremes(&self, comm: ffi::MPI_Comm, value: u64) -> [u64; 2] {
        let values = [value, !value];
        let mut min = [0_u64; 2];
        // SAFETY: two elements of the type named on either side; collective over a communicator of ours (section 6.9.6).
        let code = unsafe {
            ffi::MPI_Allreduce(
                values.as_ptr().cast(),
                min.as_mut_ptr().cast(),
                2,
                ffi::RSMPI_UINT64_T,
                ffi::RSMPI_MIN,
                comm,
            )
        };
        self.must("MPI_Allreduce", code);
        [min[0], !min[1]]
    }

    pub(super) fn allgather(&self, comm: ffi::MPI_Comm, value: u64) -> Vec<u64> {
        let mut all = vec![0_u64; self.comm_size(comm)];
        // SAFETY: one element from each process, room for all of them; collective over a communicator of ours (section 6.7).
        let code = unsafe {
            ffi::MPI_Allgather(
                (&raw const value).cast(),
                1,
                ffi::RSMPI_UINT64_T,
                all.as_mut_ptr().cast(),
                1,
                ffi::RSMPI_UINT64_T,
                comm,
            )
        };
        self.must("MPI_Allgather", code);
        all
    }

    /// Waits until all ranks have entered.
    pub(super) fn barrier(&self, comm: ffi::MPI_Comm) {
        let barrier = self.ibarrier(comm);
        while !self.test(&barrier) {
            std::thread::yield_now();
        }
    }

    pub(super) fn ibarrier(&self, comm: ffi::MPI_Comm) -> MpiRequest {
        let mut request = MaybeUninit::uninit();
        // SAFETY: collective over a communicator of ours (section 6.12.1).
        let code = unsafe { ffi::MPI_Ibarrier(comm, request.as_mut_ptr()) };
        self.must("MPI_Ibarrier", code);
        // SAFETY: a successful call has written the handle.
        MpiRequest(Cell::new(unsafe { request.assume_init() }))
    }

    /// # Safety
    /// The bytes stay valid and unwritten until the request has been tested as complete.
    pub(super) unsafe fn isend(
        &self,
        comm: ffi::MPI_Comm,
        bytes: *const u8,
        len: usize,
        to: usize,
        tag: c_int,
    ) -> MpiRequest {
        let (bytes, len, to) = (bytes.cast(), len as c_int, to as c_int);
        let mut request = MaybeUninit::uninit();
        // SAFETY: the buffer is the caller's duty (section 3.7.2); pieces are far below 2^31 bytes.
        let code = unsafe {
            ffi::MPI_Isend(
                bytes,
                len,
                ffi::RSMPI_UINT8_T,
                to,
                tag,
                comm,
                request.as_mut_ptr(),
            )
        };
        self.must("MPI_Isend", code);
        // SAFETY: a successful call has written the handle.
        MpiRequest(Cell::new(unsafe { request.assume_init() }))
    }

    /// Like `isend`, but complete only when the receiver has begun to receive (section 3.4, synchronous mode).
    ///
    /// # Safety
    /// As for `isend`.
    pub(super) unsafe fn issend(
        &self,
        comm: ffi::MPI_Comm,
        bytes: *const u8,
        len: usize,
        to: usize,
        tag: c_int,
    ) -> MpiRequest {
        let (bytes, len, to) = (bytes.cast(), len as c_int, to as c_int);
        let mut request = MaybeUninit::uninit();
        // SAFETY: as in `isend`.
        let code = unsafe {
            ffi::MPI_Issend(
                bytes,
                len,
                ffi::RSMPI_UINT8_T,
                to,
                tag,
                comm,
                request.as_mut_ptr(),
            )
        };
        self.must("MPI_Issend", code);
        // SAFETY: a successful call has written the handle.
        MpiRequest(Cell::new(unsafe { request.assume_init() }))
    }

    /// # Safety
    /// The bytes stay valid and untouched until the request has been tested as complete.
    pub(super) unsafe fn irecv(
        &self,
        comm: ffi::MPI_Comm,
        bytes: *mut u8,
        len: usize,
        from: usize,
        tag: c_int,
    ) -> MpiRequest {
        let mut request = MaybeUninit::uninit();
        // SAFETY: the buffer is the caller's duty (section 3.7.2).
        let code = unsafe {
            ffi::MPI_Irecv(
                bytes.cast(),
                len as c_int,
                ffi::RSMPI_UINT8_T,
                from as c_int,
                tag,
                comm,
                request.as_mut_ptr(),
            )
        };
        self.must("MPI_Irecv", code);
        // SAFETY: a successful call has written the handle.
        MpiRequest(Cell::new(unsafe { request.assume_init() }))
    }

    /// Whether an operation is complete; stays `true` afterwards (a null request is complete, section 3.7.3).
    pub(super) fn test(&self, request: &MpiRequest) -> bool {
        let mut handle = request.0.get();
        let mut flag = 0;
        // SAFETY: a request of ours, or the null request that a completed one has become.
        let code =
            unsafe { ffi::MPI_Test(&raw mut handle, &raw mut flag, ffi::RSMPI_STATUS_IGNORE) };
        self.must("MPI_Test", code);
        request.0.set(handle);
        flag != 0
    }

    /// Receives a message that has arrived, from any rank. Drives progress when there is none.
    pub(super) fn take_message(&self, comm: ffi::MPI_Comm, tag: c_int) -> Option<(usize, Vec<u8>)> {
        let mut flag = 0;
        let mut message = MaybeUninit::uninit();
        let mut status = MaybeUninit::<ffi::MPI_Status>::uninit();
        // SAFETY: a communicator of ours (section 3.8.2).
        let code = unsafe {
            ffi::MPI_Improbe(
                ffi::RSMPI_ANY_SOURCE,
                tag,
                comm,
                &raw mut flag,
                message.as_mut_ptr(),
                status.as_mut_ptr(),
            )
        };
        self.must("MPI_Improbe", code);
        if flag == 0 {
            return None;
        }
        // SAFETY: with the flag set, both have been written.
        let (mut message, status) = unsafe { (message.assume_init(), status.assume_init()) };
        let mut len = 0;
        // SAFETY: the status of the message.
        let code =
            unsafe { ffi::MPI_Get_count(&raw const status, ffi::RSMPI_UINT8_T, &raw mut len) };
        self.must("MPI_Get_count", code);
        let mut bytes = vec![0_u8; len.max(0) as usize];
        // SAFETY: the buffer is as long as the message, which was matched above and is received once.
        let code = unsafe {
            ffi::MPI_Mrecv(
                bytes.as_mut_ptr().cast(),
                len,
                ffi::RSMPI_UINT8_T,
                &raw mut message,
                ffi::RSMPI_STATUS_IGNORE,
            )
        };
        self.must("MPI_Mrecv", code);
        Some((status.MPI_SOURCE as usize, bytes))
    }
}

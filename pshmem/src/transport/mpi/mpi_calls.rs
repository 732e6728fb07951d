//! MPI functions on communicators, each with its return code checked.
//!
//! The private communicators return errors instead of aborting (section 9.3, MPI_ERRORS_RETURN), so that the report names the
//! call, rank and host. A failure ends the job: other ranks may be inside the same collective, or wait for the message, and
//! nothing reaches them there. Only for one-sided operations, which are optional, the ranks agree on what to do: see `rma_window`.

use crate::error::{Error, Result};
use crate::stderr::report;
use crate::transport::mpi::api::{
    Api, Comm, Constants, Functions, Group, MAX_TEXT, Op, Request, SUCCESS, Status, Win,
};
use crate::transport::mpi::lifecycle::{abort, watch_finalize};
use std::cell::Cell;
use std::ffi::c_int;
use std::time::{Duration, Instant};

/// A nonblocking operation. The null request once it is complete.
#[derive(Debug)]
pub(super) struct MpiRequest(Cell<Request>);

/// The largest number in a reduction. MPICH 4.0 compares unsigned numbers of 64 bits as signed ones, which makes no difference up to
/// this one, nor for the complements of such numbers.
const LARGEST: u64 = u64::MAX >> 1;

/// The MPI functions as one rank calls them, with the rank and host that its errors name.
#[derive(Debug, Clone)]
pub(super) struct MpiCalls {
    api: &'static Api,
    rank: usize,
    host: String,
}

impl MpiCalls {
    pub(super) fn new(api: &'static Api, rank: usize, host: String) -> Self {
        MpiCalls { api, rank, host }
    }

    /// The MPI library.
    pub(super) fn api(&self) -> &'static Api {
        self.api
    }

    /// The functions of the MPI library.
    pub(super) fn mpi(&self) -> &'static Functions {
        &self.api.functions
    }

    /// Its constants.
    pub(super) fn constants(&self) -> &'static Constants {
        &self.api.constants
    }

    pub(super) fn rank(&self) -> usize {
        self.rank
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The error that a return code stands for.
    ///
    /// Called after each call that returns one, by the thread that has made the call.
    pub(super) fn check(&self, call: &str, code: c_int) -> Result<()> {
        let code = self.api.errors.code(code);
        if code == SUCCESS {
            return Ok(());
        }
        let mut class = code;
        let mut text = [0_u8; MAX_TEXT];
        let mut len = 0;
        // SAFETY: MPI_Error_class and MPI_Error_string take any code that MPI returned (section 9.4); `text` has the length
        // that the standard asks for. Their own codes are of no use here.
        unsafe {
            (self.mpi().error_class)(code, &raw mut class);
            (self.mpi().error_string)(code, text.as_mut_ptr().cast(), &raw mut len);
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

    /// Ends the job with an error.
    pub(super) fn expect<T>(&self, result: Result<T>) -> T {
        result.unwrap_or_else(|error| self.end_with(&error))
    }

    /// Ends the job when a call has failed.
    pub(super) fn must(&self, call: &str, code: c_int) {
        if let Err(error) = self.check(call, code) {
            self.end_with(&error);
        }
    }

    /// The same for a call that a library without what it needs fails on all ranks: one of them says so.
    pub(super) fn must_on_all(&self, call: &str, code: c_int) {
        /// How long the others leave it to rank 0.
        const PATIENCE: Duration = Duration::from_secs(2);
        if let Err(error) = self.check(call, code) {
            if self.rank > 0 {
                std::thread::sleep(PATIENCE);
            }
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
        abort(self.api);
        std::process::abort()
    }

    pub(super) fn processor_name(&self) -> String {
        watch_finalize(self);
        let mut name = vec![0_u8; MAX_TEXT];
        let mut len = 0;
        // SAFETY: the buffer has MPI_MAX_PROCESSOR_NAME bytes (section 9.1.2).
        let code =
            unsafe { (self.mpi().get_processor_name)(name.as_mut_ptr().cast(), &raw mut len) };
        self.must("MPI_Get_processor_name", code);
        name.truncate(len.max(0) as usize);
        String::from_utf8_lossy(&name).into_owned()
    }

    /// Makes a window return errors.
    ///
    /// # Safety
    /// A window that this rank has allocated and not freed.
    pub(super) unsafe fn win_return_errors(&self, win: Win) -> Result<()> {
        let code = self.api.errors.for_win().map_or_else(
            |code| code,
            // SAFETY: the caller's duty.
            |handler| unsafe { (self.mpi().win_set_errhandler)(win, handler) },
        );
        self.check("MPI_Win_set_errhandler", code)
    }

    /// # Safety
    /// `comm` is a valid communicator.
    pub(super) unsafe fn comm_dup(&self, comm: Comm) -> Comm {
        let mut new = Comm::unset();
        // SAFETY: valid communicator (caller's duty); collective, as the caller's documentation says (section 7.4.2).
        let code = unsafe { (self.mpi().comm_dup)(comm, &raw mut new) };
        self.must("MPI_Comm_dup", code);
        let code = self.api.errors.for_comm().map_or_else(
            |code| code,
            // SAFETY: the new communicator is ours.
            |handler| unsafe { (self.mpi().comm_set_errhandler)(new, handler) },
        );
        self.must("MPI_Comm_set_errhandler", code);
        new
    }

    /// Whether all threads of this process may call MPI (section 11.6.2).
    pub(super) fn has_threads(&self) -> bool {
        let mut provided = 0;
        // SAFETY: MPI is initialised.
        let code = unsafe { (self.mpi().query_thread)(&raw mut provided) };
        self.must("MPI_Query_thread", code);
        provided >= self.constants().thread_multiple
    }

    pub(super) fn comm_rank(&self, comm: Comm) -> usize {
        let mut rank = 0;
        // SAFETY: a communicator of ours.
        let code = unsafe { (self.mpi().comm_rank)(comm, &raw mut rank) };
        self.must("MPI_Comm_rank", code);
        rank as usize
    }

    pub(super) fn comm_size(&self, comm: Comm) -> usize {
        let mut size = 0;
        // SAFETY: a communicator of ours.
        let code = unsafe { (self.mpi().comm_size)(comm, &raw mut size) };
        self.must("MPI_Comm_size", code);
        size as usize
    }

    /// The processes that can share memory with this one; inherits the error handler (section 9.3).
    pub(super) fn comm_split_shared(&self, comm: Comm, key: usize) -> Comm {
        let mut new = Comm::unset();
        // SAFETY: a communicator of ours; collective over it (section 7.4.2).
        let code = unsafe {
            (self.mpi().comm_split_type)(
                comm,
                self.constants().comm_type_shared,
                key as c_int,
                self.constants().info_null,
                &raw mut new,
            )
        };
        self.must("MPI_Comm_split_type", code);
        new
    }

    /// A communicator of some of the processes; collective over these only (section 7.4.2).
    pub(super) fn comm_create_group(&self, comm: Comm, ranks: &[usize], key: u64) -> Comm {
        // The smallest upper bound of tags that the standard allows is 32767 (section 9.1.2).
        const TAGS: u64 = 32_767;
        let ranks: Vec<c_int> = ranks.iter().map(|&rank| rank as c_int).collect();
        let mut all = Group::unset();
        // SAFETY: a communicator of ours.
        let code = unsafe { (self.mpi().comm_group)(comm, &raw mut all) };
        self.must("MPI_Comm_group", code);
        let mut some = Group::unset();
        // SAFETY: `ranks` are different ranks of the group.
        let code = unsafe {
            (self.mpi().group_incl)(all, ranks.len() as c_int, ranks.as_ptr(), &raw mut some)
        };
        self.must("MPI_Group_incl", code);
        let mut new = Comm::unset();
        // SAFETY: all processes of the group make this call with the same group and tag (duty of `Transport::map`).
        let code = unsafe {
            (self.mpi().comm_create_group)(comm, some, (key % TAGS) as c_int, &raw mut new)
        };
        self.must("MPI_Comm_create_group", code);
        // SAFETY: groups of ours, not used again.
        let codes = unsafe {
            [
                (self.mpi().group_free)(&raw mut some),
                (self.mpi().group_free)(&raw mut all),
            ]
        };
        for code in codes {
            self.must("MPI_Group_free", code);
        }
        new
    }

    pub(super) fn comm_free(&self, mut comm: Comm) {
        // SAFETY: a communicator of ours, not used again; collective (section 7.4.3).
        let code = unsafe { (self.mpi().comm_free)(&raw mut comm) };
        self.must("MPI_Comm_free", code);
    }

    /// All ranks get the error of the lowest rank that passes one. `comm` has the ranks that errors name.
    pub(super) fn agree(&self, comm: Comm, error: Option<Error>) -> Result<()> {
        let me = error.as_ref().map(|_| self.rank as u64);
        let lowest = self.allreduce_min(comm, me.unwrap_or(LARGEST));
        if lowest == LARGEST {
            return Ok(());
        }
        let encode = |error| postcard::to_allocvec(&error).expect("plain data always encodes");
        let bytes = error.map(encode).unwrap_or_default();
        let bytes = self.broadcast(comm, lowest as usize, &bytes);
        Err(postcard::from_bytes(&bytes).expect("an error that this executable encoded"))
    }

    /// The bytes that rank `root` passes, on all ranks. `comm` has the ranks that errors name.
    pub(super) fn broadcast(&self, comm: Comm, root: usize, bytes: &[u8]) -> Vec<u8> {
        let mut len = (bytes.len() as u64).to_ne_bytes();
        self.broadcast_into(comm, root, &mut len);
        let mut all = bytes.to_vec();
        // Those of the root already have this length.
        all.resize(u64::from_ne_bytes(len) as usize, 0);
        self.broadcast_into(comm, root, &mut all);
        all
    }

    /// The same for equally many bytes on all ranks.
    fn broadcast_into(&self, comm: Comm, root: usize, bytes: &mut [u8]) {
        // SAFETY: so many bytes on all ranks; collective over a communicator of ours (section 6.4).
        let code = unsafe {
            (self.mpi().bcast)(
                bytes.as_mut_ptr().cast(),
                bytes.len() as c_int,
                self.constants().uint8_t,
                root as c_int,
                comm,
            )
        };
        self.must("MPI_Bcast", code);
    }

    pub(super) fn allreduce_min(&self, comm: Comm, value: u64) -> u64 {
        self.extremes(comm, value)[0]
    }

    /// Whether all ranks pass `true`.
    pub(super) fn all_true(&self, comm: Comm, value: bool) -> bool {
        self.allreduce_min(comm, u64::from(value)) == 1
    }

    /// Whether a collective has succeeded on all ranks, or on none. All of them have just called it on another communicator than
    /// `comm`, with this `result` here. Where it has succeeded on some ranks only, the job ends.
    ///
    /// Ranks on which it has not failed may be inside it for ever because it has failed elsewhere. A rank on which it has failed
    /// waits for them for a limited time, then it ends the job.
    pub(super) fn all_or_none_succeeded(&self, comm: Comm, call: &str, result: Result<()>) -> bool {
        const LIMIT: Duration = Duration::from_secs(30);
        let mine = [u64::from(result.is_ok()), u64::from(result.is_err())];
        let mut min = [0_u64; 2];
        // SAFETY: two elements on either side, which stay in place until the request is complete: nothing below returns or unwinds
        // earlier.
        let request = unsafe {
            let op = self.constants().min;
            self.iallreduce(comm, mine.as_ptr(), min.as_mut_ptr(), 2, op)
        };
        let start = Instant::now();
        while !self.test(&request) {
            if let Err(error) = &result
                && start.elapsed() > LIMIT
            {
                self.end_with(error);
            }
            std::thread::yield_now();
        }
        match min {
            [1, _] => true,
            [_, 1] => false,
            _ => self.end_with(&result.err().unwrap_or_else(|| Error::Start {
                reason: format!("{call} failed on another rank"),
            })),
        }
    }

    /// Begins to add up numbers of all ranks, element by element.
    ///
    /// # Safety
    /// As for `iallreduce`.
    pub(super) unsafe fn iallreduce_sum(
        &self,
        comm: Comm,
        mine: *const u64,
        sums: *mut u64,
        count: usize,
    ) -> MpiRequest {
        // SAFETY: passed on from the caller.
        unsafe { self.iallreduce(comm, mine, sums, count, self.constants().sum) }
    }

    /// Begins a reduction of numbers of all ranks, element by element.
    ///
    /// # Safety
    /// Both buffers have so many elements, and nobody else uses them until the request has been tested as complete.
    unsafe fn iallreduce(
        &self,
        comm: Comm,
        mine: *const u64,
        results: *mut u64,
        count: usize,
        op: Op,
    ) -> MpiRequest {
        let mut request = Request::unset();
        // SAFETY: the buffers are the caller's duty; collective over a communicator of ours (section 6.12.8). There are at most as
        // many elements as ranks, or two.
        let code = unsafe {
            (self.mpi().iallreduce)(
                mine.cast(),
                results.cast(),
                count as c_int,
                self.constants().uint64_t,
                op,
                comm,
                &raw mut request,
            )
        };
        self.must("MPI_Iallreduce", code);
        MpiRequest(Cell::new(request))
    }

    /// The smallest and the largest number of all ranks, in one collective. No number is above [`LARGEST`].
    pub(super) fn extremes(&self, comm: Comm, value: u64) -> [u64; 2] {
        debug_assert!(value <= LARGEST, "{value}");
        let values = [value, !value];
        let mut min = [0_u64; 2];
        // SAFETY: two elements of the type named on either side; collective over a communicator of ours (section 6.9.6).
        let code = unsafe {
            (self.mpi().allreduce)(
                values.as_ptr().cast(),
                min.as_mut_ptr().cast(),
                2,
                self.constants().uint64_t,
                self.constants().min,
                comm,
            )
        };
        self.must("MPI_Allreduce", code);
        [min[0], !min[1]]
    }

    pub(super) fn allgather(&self, comm: Comm, value: u64) -> Vec<u64> {
        let mut all = vec![0_u64; self.comm_size(comm)];
        // SAFETY: one element from each process, room for all of them; collective over a communicator of ours (section 6.7).
        let code = unsafe {
            (self.mpi().allgather)(
                (&raw const value).cast(),
                1,
                self.constants().uint64_t,
                all.as_mut_ptr().cast(),
                1,
                self.constants().uint64_t,
                comm,
            )
        };
        self.must("MPI_Allgather", code);
        all
    }

    /// Waits until all ranks have entered.
    pub(super) fn barrier(&self, comm: Comm) {
        let barrier = self.ibarrier(comm);
        while !self.test(&barrier) {
            std::thread::yield_now();
        }
    }

    pub(super) fn ibarrier(&self, comm: Comm) -> MpiRequest {
        let mut request = Request::unset();
        // SAFETY: collective over a communicator of ours (section 6.12.1).
        let code = unsafe { (self.mpi().ibarrier)(comm, &raw mut request) };
        self.must("MPI_Ibarrier", code);
        MpiRequest(Cell::new(request))
    }

    /// # Safety
    /// The bytes stay valid and unwritten until the request has been tested as complete.
    pub(super) unsafe fn isend(
        &self,
        comm: Comm,
        bytes: *const u8,
        len: usize,
        to: usize,
        tag: c_int,
    ) -> MpiRequest {
        let (bytes, len, to) = (bytes.cast(), len as c_int, to as c_int);
        let mut request = Request::unset();
        // SAFETY: the buffer is the caller's duty (section 3.7.2); pieces are far below 2^31 bytes.
        let code = unsafe {
            (self.mpi().isend)(
                bytes,
                len,
                self.constants().uint8_t,
                to,
                tag,
                comm,
                &raw mut request,
            )
        };
        self.must("MPI_Isend", code);
        MpiRequest(Cell::new(request))
    }

    /// Like `isend`, but complete only when the receiver has begun to receive (section 3.4, synchronous mode).
    ///
    /// # Safety
    /// As for `isend`.
    pub(super) unsafe fn issend(
        &self,
        comm: Comm,
        bytes: *const u8,
        len: usize,
        to: usize,
        tag: c_int,
    ) -> MpiRequest {
        let (bytes, len, to) = (bytes.cast(), len as c_int, to as c_int);
        let mut request = Request::unset();
        // SAFETY: as in `isend`.
        let code = unsafe {
            (self.mpi().issend)(
                bytes,
                len,
                self.constants().uint8_t,
                to,
                tag,
                comm,
                &raw mut request,
            )
        };
        self.must("MPI_Issend", code);
        MpiRequest(Cell::new(request))
    }

    /// # Safety
    /// The bytes stay valid and untouched until the request has been tested as complete.
    pub(super) unsafe fn irecv(
        &self,
        comm: Comm,
        bytes: *mut u8,
        len: usize,
        from: usize,
        tag: c_int,
    ) -> MpiRequest {
        // SAFETY: passed on from the caller.
        unsafe { self.irecv_from(comm, bytes, len, from as c_int, tag) }
    }

    /// Like `irecv`, from any rank.
    ///
    /// # Safety
    /// As for `irecv`.
    pub(super) unsafe fn irecv_any(
        &self,
        comm: Comm,
        bytes: *mut u8,
        len: usize,
        tag: c_int,
    ) -> MpiRequest {
        // SAFETY: passed on from the caller.
        unsafe { self.irecv_from(comm, bytes, len, self.constants().any_source, tag) }
    }

    /// # Safety
    /// As for `irecv`.
    unsafe fn irecv_from(
        &self,
        comm: Comm,
        bytes: *mut u8,
        len: usize,
        from: c_int,
        tag: c_int,
    ) -> MpiRequest {
        let mut request = Request::unset();
        // SAFETY: the buffer is the caller's duty (section 3.7.2).
        let code = unsafe {
            (self.mpi().irecv)(
                bytes.cast(),
                len as c_int,
                self.constants().uint8_t,
                from,
                tag,
                comm,
                &raw mut request,
            )
        };
        self.must("MPI_Irecv", code);
        MpiRequest(Cell::new(request))
    }

    /// Whether an operation is complete; stays `true` afterwards (a null request is complete, section 3.7.3).
    pub(super) fn test(&self, request: &MpiRequest) -> bool {
        // SAFETY: a status that MPI does not write.
        unsafe { self.test_with(request, self.constants().status_ignore) }
    }

    /// # Safety
    /// MPI may write to `status`.
    unsafe fn test_with(&self, request: &MpiRequest, status: *mut Status) -> bool {
        let mut handle = request.0.get();
        let mut flag = 0;
        // SAFETY: a request of ours, or the null request that a completed one has become; the status is the caller's duty.
        let code = unsafe { (self.mpi().test)(&raw mut handle, &raw mut flag, status) };
        self.must("MPI_Test", code);
        request.0.set(handle);
        flag != 0
    }

    /// Once a receive is complete: from which rank it has received how many bytes. Not to be called again then.
    pub(super) fn test_receive(&self, request: &MpiRequest) -> Option<(usize, usize)> {
        let mut status = Status::unset();
        // SAFETY: a status of ours.
        if !unsafe { self.test_with(request, &raw mut status) } {
            return None;
        }
        let mut len = 0;
        // SAFETY: the status of a receive.
        let code = unsafe {
            (self.mpi().get_count)(&raw const status, self.constants().uint8_t, &raw mut len)
        };
        self.must("MPI_Get_count", code);
        let from = status.int(self.constants().status_source);
        Some((from as usize, len.max(0) as usize))
    }

    /// Cancels a receive, and waits until MPI no longer uses its buffer (section 3.8.4).
    pub(super) fn cancel(&self, request: &MpiRequest) {
        let mut handle = request.0.get();
        // SAFETY: a request of ours that is not complete.
        let code = unsafe { (self.mpi().cancel)(&raw mut handle) };
        self.must("MPI_Cancel", code);
        while !self.test(request) {
            std::thread::yield_now();
        }
    }
}

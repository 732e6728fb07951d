//! Every MPI function that the library calls, each with its return code checked.
//!
//! The private communicators return errors instead of aborting (section 9.3, MPI_ERRORS_RETURN). Calls at which ranks can
//! still agree on an error return it; those that carry messages end the job, because other ranks have been promised an
//! outcome by then.

use crate::error::{Error, Result};
use crate::stderr::report;
use crate::sync::lock;
use mpi::ffi;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, OnceLock};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

/// Set while MPI_Finalize runs, before anything of MPI is gone.
static FINALIZED: AtomicBool = AtomicBool::new(false);

/// Set once this process is ending the job.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Whether MPI has ended, or is ending, on this process.
pub(super) fn is_finalized() -> bool {
    FINALIZED.load(Ordering::Acquire)
}

/// Threads that call MPI, for whose end MPI_Finalize has to wait: also for what their libraries do when a thread ends.
static SERVICES: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Set when nobody will ask for anything any more.
static STOPPING: AtomicBool = AtomicBool::new(false);

/// Whether service threads have to end.
pub(super) fn is_stopping() -> bool {
    STOPPING.load(Ordering::SeqCst)
}

/// Ends the service threads and waits for them.
pub(super) fn stop_services() {
    STOPPING.store(true, Ordering::SeqCst);
    let services = std::mem::take(&mut *lock(&SERVICES));
    for service in services {
        service.thread().unpark();
        // A thread that panicked has said so.
        let _ = service.join();
    }
}

/// Starts a thread that calls MPI and ends soon after `is_stopping`. `None` when there can be none.
pub(super) fn start_service(serve: impl FnOnce() + Send + 'static) -> Option<Thread> {
    let mut services = lock(&SERVICES);
    // Asked with the list locked: whoever sets it takes the list afterwards.
    if is_stopping() {
        return None;
    }
    let thread = std::thread::Builder::new().name("pshmem service".to_owned());
    let handle = thread.spawn(serve).ok()?;
    let thread = handle.thread().clone();
    services.push(handle);
    Some(thread)
}

/// A nonblocking operation.
#[derive(Debug)]
pub(super) struct Request(Cell<ffi::MPI_Request>);

/// MPI as one rank calls it, with the names that its errors carry.
#[derive(Debug, Clone)]
pub(super) struct Calls {
    rank: usize,
    host: String,
}

impl Calls {
    pub(super) fn new(rank: usize, host: String) -> Self {
        Calls { rank, host }
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
        // that the standard asks for. Their own codes say nothing that could still be used.
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

    /// Ends the job when a message cannot be bytes_sent.
    fn must(&self, call: &str, code: c_int) {
        if let Err(error) = self.check(call, code) {
            self.end_with(&error);
        }
    }

    /// Ends the job because of an error at a place where nothing can be agreed any more.
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

    pub(super) fn processor_name(&self) -> Result<String> {
        watch_finalize(self)?;
        // SAFETY: reading a constant that the binding's C part defines.
        let room = unsafe { ffi::RSMPI_MAX_PROCESSOR_NAME } as usize;
        let mut name = vec![0_u8; room + 1];
        let mut len = 0;
        // SAFETY: the buffer has MPI_MAX_PROCESSOR_NAME bytes (section 9.1.2).
        let code = unsafe { ffi::MPI_Get_processor_name(name.as_mut_ptr().cast(), &raw mut len) };
        self.check("MPI_Get_processor_name", code)?;
        name.truncate(len.max(0) as usize);
        Ok(String::from_utf8_lossy(&name).into_owned())
    }

    /// # Safety
    /// `comm` is a valid communicator.
    pub(super) unsafe fn comm_dup(&self, comm: ffi::MPI_Comm) -> Result<ffi::MPI_Comm> {
        let mut new = MaybeUninit::uninit();
        // SAFETY: valid communicator (caller's duty); collective, as the caller's documentation says (section 7.4.2).
        let code = unsafe { ffi::MPI_Comm_dup(comm, new.as_mut_ptr()) };
        self.check("MPI_Comm_dup", code)?;
        // SAFETY: a successful call has written the handle.
        let new = unsafe { new.assume_init() };
        // SAFETY: the new communicator is ours.
        let code = unsafe { ffi::MPI_Comm_set_errhandler(new, ffi::RSMPI_ERRORS_RETURN) };
        self.check("MPI_Comm_set_errhandler", code)?;
        Ok(new)
    }

    /// Whether all threads of this process may call MPI (section 11.6.2).
    pub(super) fn has_threads(&self) -> Result<bool> {
        let mut provided = 0;
        // SAFETY: MPI is initialised.
        let code = unsafe { ffi::MPI_Query_thread(&raw mut provided) };
        self.check("MPI_Query_thread", code)?;
        // SAFETY: reading a constant that the binding's C part defines.
        Ok(provided >= unsafe { ffi::RSMPI_THREAD_MULTIPLE })
    }

    pub(super) fn comm_rank(&self, comm: ffi::MPI_Comm) -> Result<usize> {
        let mut rank = 0;
        // SAFETY: a communicator of ours.
        let code = unsafe { ffi::MPI_Comm_rank(comm, &raw mut rank) };
        self.check("MPI_Comm_rank", code)?;
        Ok(rank as usize)
    }

    pub(super) fn comm_size(&self, comm: ffi::MPI_Comm) -> Result<usize> {
        let mut size = 0;
        // SAFETY: a communicator of ours.
        let code = unsafe { ffi::MPI_Comm_size(comm, &raw mut size) };
        self.check("MPI_Comm_size", code)?;
        Ok(size as usize)
    }

    /// The processes that can share memory with this one; inherits the error handler (section 9.3).
    pub(super) fn comm_split_shared(
        &self,
        comm: ffi::MPI_Comm,
        key: usize,
    ) -> Result<ffi::MPI_Comm> {
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
        self.check("MPI_Comm_split_type", code)?;
        // SAFETY: a successful call has written the handle.
        Ok(unsafe { new.assume_init() })
    }

    /// A communicator of some of the processes; collective over these only (section 7.4.2).
    pub(super) fn comm_create_group(
        &self,
        comm: ffi::MPI_Comm,
        ranks: &[usize],
        key: u64,
    ) -> Result<ffi::MPI_Comm> {
        // The smallest upper bound of tags that the standard allows is 32767 (section 9.1.2).
        const TAGS: u64 = 32_767;
        let ranks: Vec<c_int> = ranks.iter().map(|&rank| rank as c_int).collect();
        let mut all = MaybeUninit::uninit();
        // SAFETY: a communicator of ours.
        let code = unsafe { ffi::MPI_Comm_group(comm, all.as_mut_ptr()) };
        self.check("MPI_Comm_group", code)?;
        // SAFETY: a successful call has written the handle.
        let mut all = unsafe { all.assume_init() };
        let mut some = MaybeUninit::uninit();
        // SAFETY: `ranks` are different ranks of the group.
        let code = unsafe {
            ffi::MPI_Group_incl(all, ranks.len() as c_int, ranks.as_ptr(), some.as_mut_ptr())
        };
        self.check("MPI_Group_incl", code)?;
        // SAFETY: as above.
        let mut some = unsafe { some.assume_init() };
        let mut new = MaybeUninit::uninit();
        // SAFETY: all processes of the group make this call with the same group and tag (duty of `Transport::map`).
        let code = unsafe {
            ffi::MPI_Comm_create_group(comm, some, (key % TAGS) as c_int, new.as_mut_ptr())
        };
        self.check("MPI_Comm_create_group", code)?;
        // SAFETY: groups of ours, not used again.
        let codes = unsafe {
            [
                ffi::MPI_Group_free(&raw mut some),
                ffi::MPI_Group_free(&raw mut all),
            ]
        };
        codes
            .into_iter()
            .try_for_each(|code| self.check("MPI_Group_free", code))?;
        // SAFETY: as above; every process of the group gets a communicator.
        Ok(unsafe { new.assume_init() })
    }

    pub(super) fn comm_free(&self, mut comm: ffi::MPI_Comm) -> Result<()> {
        // SAFETY: a communicator of ours, not used again; collective (section 7.4.3).
        let code = unsafe { ffi::MPI_Comm_free(&raw mut comm) };
        self.check("MPI_Comm_free", code)
    }

    pub(super) fn allreduce_min(&self, comm: ffi::MPI_Comm, mine: u64) -> Result<u64> {
        Ok(self.extremes(comm, mine)?[0])
    }

    /// Whether all ranks pass `true`.
    pub(super) fn all_true(&self, comm: ffi::MPI_Comm, value: bool) -> Result<bool> {
        Ok(self.allreduce_min(comm, u64::from(value))? == 1)
    }

    /// The smallest and the largest number of all ranks, in one collective.
    pub(super) fn extremes(&self, comm: ffi::MPI_Comm, mine: u64) -> Result<[u64; 2]> {
        let mine = [mine, !mine];
        let mut min = [0_u64; 2];
        // SAFETY: two elements of the type named on either side; collective over a communicator of ours (section 6.9.6).
        let code = unsafe {
            ffi::MPI_Allreduce(
                mine.as_ptr().cast(),
                min.as_mut_ptr().cast(),
                2,
                ffi::RSMPI_UINT64_T,
                ffi::RSMPI_MIN,
                comm,
            )
        };
        self.check("MPI_Allreduce", code)?;
        Ok([min[0], !min[1]])
    }

    pub(super) fn allgather(&self, comm: ffi::MPI_Comm, mine: u64) -> Result<Vec<u64>> {
        let mut all = vec![0_u64; self.comm_size(comm)?];
        // SAFETY: one element from each process, room for all of them; collective over a communicator of ours (section 6.7).
        let code = unsafe {
            ffi::MPI_Allgather(
                (&raw const mine).cast(),
                1,
                ffi::RSMPI_UINT64_T,
                all.as_mut_ptr().cast(),
                1,
                ffi::RSMPI_UINT64_T,
                comm,
            )
        };
        self.check("MPI_Allgather", code)?;
        Ok(all)
    }

    /// Meets all ranks.
    pub(super) fn barrier(&self, comm: ffi::MPI_Comm) {
        let barrier = self.ibarrier(comm);
        while !self.test(&barrier) {
            std::thread::yield_now();
        }
    }

    pub(super) fn ibarrier(&self, comm: ffi::MPI_Comm) -> Request {
        let mut request = MaybeUninit::uninit();
        // SAFETY: collective over a communicator of ours (section 6.12.1).
        let code = unsafe { ffi::MPI_Ibarrier(comm, request.as_mut_ptr()) };
        self.must("MPI_Ibarrier", code);
        // SAFETY: a successful call has written the handle.
        Request(Cell::new(unsafe { request.assume_init() }))
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
    ) -> Request {
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
        Request(Cell::new(unsafe { request.assume_init() }))
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
    ) -> Request {
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
        Request(Cell::new(unsafe { request.assume_init() }))
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
    ) -> Request {
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
        Request(Cell::new(unsafe { request.assume_init() }))
    }

    /// Whether an operation is complete; stays `true` afterwards (a null request is complete, section 3.7.3).
    pub(super) fn test(&self, request: &Request) -> bool {
        let mut handle = request.0.get();
        let mut flag = 0;
        // SAFETY: a request of ours, or the null request that a completed one has become.
        let code =
            unsafe { ffi::MPI_Test(&raw mut handle, &raw mut flag, ffi::RSMPI_STATUS_IGNORE) };
        self.must("MPI_Test", code);
        request.0.set(handle);
        flag != 0
    }

    /// A message that has come, from anybody. Drives progress when there is none.
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

/// Ends the job. Launchers may drop what they have not yet read of a rank's output, so they get a moment.
///
/// The whole world, because that needs the launcher only: with any other communicator MPICH sends messages to its ranks, and
/// waits for ever for those that are not inside MPI.
fn abort() {
    ENDING.store(true, Ordering::Release);
    std::thread::sleep(Duration::from_millis(100));
    // SAFETY: MPI is initialised; MPI_Abort may be called at any time (section 9.7).
    unsafe { ffi::MPI_Abort(ffi::RSMPI_COMM_WORLD, 1) };
}

/// Ends the job when this process exits while MPI runs.
///
/// That is left to chance otherwise: seen from MPICH's launcher such a process ended well, so the others wait for it for ever,
/// or are killed and the whole job counts as a success.
pub(super) fn abort_at_exit(place: &str) {
    /// The process, not one that it may fork, and how it is called.
    static ME: OnceLock<(u32, String)> = OnceLock::new();
    extern "C" fn at_exit() {
        let Some((_, place)) = ME.get().filter(|(id, _)| *id == std::process::id()) else {
            return;
        };
        // MPI_Abort may end the process by `exit`.
        if !is_finalized() && !ENDING.load(Ordering::Acquire) {
            report(format_args!("{place} exits inside `run`; ending the job"));
            // Handlers run in the reverse order of their registration, so MPI's own, registered in MPI_Init, come later.
            abort();
        }
    }
    if ME.set((std::process::id(), place.to_owned())).is_ok() {
        // SAFETY: the function lives as long as the program. It is refused for lack of memory only, and then nothing is lost
        // but this help.
        unsafe { libc::atexit(at_exit) };
    }
}

/// Makes MPI tell when it ends: attributes of MPI_COMM_SELF are deleted first of all in MPI_Finalize (section 11.2.4).
fn watch_finalize(calls: &Calls) -> Result<()> {
    unsafe extern "C" fn copy(
        _: ffi::MPI_Comm,
        _: c_int,
        _: *mut c_void,
        _: *mut c_void,
        _: *mut c_void,
        flag: *mut c_int,
    ) -> c_int {
        // SAFETY: MPI passes a valid place for the answer, which is: do not copy.
        unsafe { *flag = 0 };
        ffi::MPI_SUCCESS as c_int
    }
    unsafe extern "C" fn delete(
        _: ffi::MPI_Comm,
        _: c_int,
        _: *mut c_void,
        _: *mut c_void,
    ) -> c_int {
        FINALIZED.store(true, Ordering::SeqCst);
        stop_services();
        ffi::MPI_SUCCESS as c_int
    }
    static ONCE: Once = Once::new();
    let mut result = Ok(());
    ONCE.call_once(|| {
        let mut key = 0;
        // SAFETY: both functions have the types that section 7.7.2 prescribes, and live as long as the program.
        let code = unsafe {
            ffi::MPI_Comm_create_keyval(Some(copy), Some(delete), &raw mut key, null_mut())
        };
        result = calls.check("MPI_Comm_create_keyval", code);
        if result.is_ok() {
            // SAFETY: a key of ours, on a communicator that always exists.
            let code = unsafe { ffi::MPI_Comm_set_attr(ffi::RSMPI_COMM_SELF, key, null_mut()) };
            result = calls.check("MPI_Comm_set_attr", code);
        }
    });
    result
}

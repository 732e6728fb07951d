//! The one list of the MPI functions that the transport uses, with the types of the C interface (appendix A.3).

use super::{
    Aint, Comm, CopyAttribute, Datatype, DeleteAttribute, Errhandler, Group, Info, Op, Request,
    Status, Win,
};
use std::ffi::{c_char, c_int, c_void};

/// Declares the table of functions, and how it is filled from either source.
macro_rules! functions {
    ($($field:ident = $name:ident($($arg:ident: $ty:ty),* $(,)?);)*) => {
        /// The functions of a library.
        #[derive(Debug)]
        pub(in crate::transport::mpi) struct Functions {
            $(pub(in crate::transport::mpi) $field: unsafe extern "C" fn($($ty),*) -> c_int,)*
        }

        #[cfg(feature = "mpi")]
        impl Functions {
            /// Those that the program is linked with.
            pub(super) const LINKED: Self = Functions {
                $($field: {
                    unsafe extern "C" fn call($($arg: $ty),*) -> c_int {
                        // SAFETY: the arguments are those of the caller, whose duties are those of the function itself. Their
                        // types become those of the library as `linked` describes.
                        unsafe { ::mpi::ffi::$name($(super::linked::ToLinked::to_linked($arg)),*) }
                    }
                    call
                },)*
            };
        }

        #[cfg(feature = "mpi-abi")]
        impl Functions {
            /// Those of a library that has been loaded. Returns the name of a function that it lacks.
            ///
            /// # Safety
            /// The library has the standard ABI, and is never unloaded.
            pub(super) unsafe fn load(library: &libloading::Library) -> Result<Self, &'static str> {
                Ok(Functions {
                    $($field: {
                        // SAFETY: the standard ABI gives the function of this name this type.
                        let symbol = unsafe {
                            library.get::<unsafe extern "C" fn($($ty),*) -> c_int>(
                                concat!(stringify!($name), "\0").as_bytes(),
                            )
                        };
                        *symbol.map_err(|_| stringify!($name))?
                    },)*
                })
            }
        }

        /// Name and argument types of each function, as they are written below.
        #[cfg(all(test, feature = "mpi-abi"))]
        pub(super) const SIGNATURES: &[(&str, &[&str])] =
            &[$((stringify!($name), &[$(stringify!($ty)),*])),*];
    };
}

functions! {
    init_thread = MPI_Init_thread(
        argc: *mut c_int, argv: *mut *mut *mut c_char, required: c_int, provided: *mut c_int,
    );
    initialized = MPI_Initialized(flag: *mut c_int);
    finalize = MPI_Finalize();
    query_thread = MPI_Query_thread(provided: *mut c_int);
    abort = MPI_Abort(comm: Comm, code: c_int);
    get_library_version = MPI_Get_library_version(text: *mut c_char, len: *mut c_int);
    get_processor_name = MPI_Get_processor_name(name: *mut c_char, len: *mut c_int);
    error_class = MPI_Error_class(code: c_int, class: *mut c_int);
    error_string = MPI_Error_string(code: c_int, text: *mut c_char, len: *mut c_int);

    comm_dup = MPI_Comm_dup(comm: Comm, new: *mut Comm);
    comm_free = MPI_Comm_free(comm: *mut Comm);
    comm_rank = MPI_Comm_rank(comm: Comm, rank: *mut c_int);
    comm_size = MPI_Comm_size(comm: Comm, size: *mut c_int);
    comm_group = MPI_Comm_group(comm: Comm, group: *mut Group);
    comm_create_group = MPI_Comm_create_group(comm: Comm, group: Group, tag: c_int, new: *mut Comm);
    comm_split_type = MPI_Comm_split_type(comm: Comm, kind: c_int, key: c_int, info: Info, new: *mut Comm);
    comm_set_errhandler = MPI_Comm_set_errhandler(comm: Comm, handler: Errhandler);
    comm_create_keyval = MPI_Comm_create_keyval(
        copy: CopyAttribute, delete: DeleteAttribute, key: *mut c_int, extra: *mut c_void,
    );
    comm_set_attr = MPI_Comm_set_attr(comm: Comm, key: c_int, value: *mut c_void);
    group_incl = MPI_Group_incl(group: Group, n: c_int, ranks: *const c_int, new: *mut Group);
    group_free = MPI_Group_free(group: *mut Group);

    allgather = MPI_Allgather(
        send: *const c_void, send_count: c_int, send_type: Datatype,
        recv: *mut c_void, recv_count: c_int, recv_type: Datatype, comm: Comm,
    );
    bcast = MPI_Bcast(
        bytes: *mut c_void,
        count: c_int,
        datatype: Datatype,
        root: c_int,
        comm: Comm,
    );
    allreduce = MPI_Allreduce(
        send: *const c_void, recv: *mut c_void, count: c_int, datatype: Datatype, op: Op, comm: Comm,
    );
    iallreduce = MPI_Iallreduce(
        send: *const c_void,
        recv: *mut c_void,
        count: c_int,
        datatype: Datatype,
        op: Op,
        comm: Comm,
        request: *mut Request,
    );
    ibarrier = MPI_Ibarrier(comm: Comm, request: *mut Request);

    isend = MPI_Isend(
        bytes: *const c_void, count: c_int, datatype: Datatype, to: c_int, tag: c_int, comm: Comm,
        request: *mut Request,
    );
    issend = MPI_Issend(
        bytes: *const c_void, count: c_int, datatype: Datatype, to: c_int, tag: c_int, comm: Comm,
        request: *mut Request,
    );
    irecv = MPI_Irecv(
        bytes: *mut c_void, count: c_int, datatype: Datatype, from: c_int, tag: c_int, comm: Comm,
        request: *mut Request,
    );
    test = MPI_Test(request: *mut Request, flag: *mut c_int, status: *mut Status);
    cancel = MPI_Cancel(request: *mut Request);
    get_count = MPI_Get_count(status: *const Status, datatype: Datatype, count: *mut c_int);

    win_allocate = MPI_Win_allocate(
        len: Aint, unit: c_int, info: Info, comm: Comm, base: *mut c_void, win: *mut Win,
    );
    win_allocate_shared = MPI_Win_allocate_shared(
        len: Aint, unit: c_int, info: Info, comm: Comm, base: *mut c_void, win: *mut Win,
    );
    win_shared_query = MPI_Win_shared_query(
        win: Win, rank: c_int, len: *mut Aint, unit: *mut c_int, base: *mut c_void,
    );
    win_set_errhandler = MPI_Win_set_errhandler(win: Win, handler: Errhandler);
    win_free = MPI_Win_free(win: *mut Win);
    win_lock_all = MPI_Win_lock_all(assertion: c_int, win: Win);
    win_unlock_all = MPI_Win_unlock_all(win: Win);
    win_flush = MPI_Win_flush(rank: c_int, win: Win);
    fetch_and_op = MPI_Fetch_and_op(
        operand: *const c_void, result: *mut c_void, datatype: Datatype, rank: c_int, at: Aint, op: Op, win: Win,
    );
    compare_and_swap = MPI_Compare_and_swap(
        new: *const c_void, compare: *const c_void, result: *mut c_void, datatype: Datatype, rank: c_int, at: Aint,
        win: Win,
    );
    get = MPI_Get(
        into: *mut c_void, count: c_int, datatype: Datatype,
        rank: c_int, at: Aint, target_count: c_int, target_type: Datatype, win: Win,
    );
    put = MPI_Put(
        from: *const c_void, count: c_int, datatype: Datatype,
        rank: c_int, at: Aint, target_count: c_int, target_type: Datatype, win: Win,
    );
    accumulate = MPI_Accumulate(
        from: *const c_void, count: c_int, datatype: Datatype,
        rank: c_int, at: Aint, target_count: c_int, target_type: Datatype, op: Op, win: Win,
    );
}

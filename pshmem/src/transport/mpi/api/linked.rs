//! The library that the program is linked with, as the crate `mpi` declares it.

use super::types::{call_on_delete, never_copy};
use super::{
    Aint, Api, Comm, Constants, CopyAttribute, Datatype, DeleteAttribute, Errhandler, Errors,
    Functions, Group, Info, Op, Request, Status, Win,
};
use mpi::ffi;
use std::ffi::{c_char, c_int, c_void};
use std::mem::offset_of;
use std::sync::OnceLock;

/// The library.
pub(in crate::transport::mpi) fn api() -> &'static Api {
    static API: OnceLock<Api> = OnceLock::new();
    API.get_or_init(|| Api {
        functions: Functions::LINKED,
        constants: constants(),
        // SAFETY: reading a constant that the C part of the binding defines.
        errors: Errors::Returned(Errhandler::from_linked(unsafe { ffi::RSMPI_ERRORS_RETURN })),
    })
}

/// The communicator of a user.
pub(in crate::transport::mpi) fn comm(comm: ffi::MPI_Comm) -> Comm {
    Comm::from_linked(comm)
}

fn constants() -> Constants {
    // SAFETY: reading constants that the C part of the binding defines.
    unsafe {
        Constants {
            comm_world: Comm::from_linked(ffi::RSMPI_COMM_WORLD),
            comm_self: Comm::from_linked(ffi::RSMPI_COMM_SELF),
            uint8_t: Datatype::from_linked(ffi::RSMPI_UINT8_T),
            uint64_t: Datatype::from_linked(ffi::RSMPI_UINT64_T),
            min: Op::from_linked(ffi::RSMPI_MIN),
            sum: Op::from_linked(ffi::RSMPI_SUM),
            info_null: Info::from_linked(ffi::RSMPI_INFO_NULL),
            status_ignore: ffi::RSMPI_STATUS_IGNORE.cast(),
            any_source: ffi::RSMPI_ANY_SOURCE,
            comm_type_shared: ffi::RSMPI_COMM_TYPE_SHARED,
            mode_nocheck: ffi::MPI_MODE_NOCHECK as c_int,
            thread_multiple: ffi::RSMPI_THREAD_MULTIPLE,
            status_source: offset_of!(ffi::MPI_Status, MPI_SOURCE) / size_of::<c_int>(),
        }
    }
}

const _: () = {
    assert!(ffi::MPI_SUCCESS as c_int == super::SUCCESS);
    assert!(ffi::MPI_MAX_ERROR_STRING as usize <= super::MAX_TEXT);
    assert!(size_of::<ffi::MPI_Status>() <= size_of::<Status>());
    assert!(align_of::<ffi::MPI_Status>() <= align_of::<Status>());
    assert!(size_of::<ffi::MPI_Aint>() == size_of::<Aint>());
};

/// A handle of the library in the form of this folder.
trait FromLinked {
    /// Its type in the library.
    type Linked;

    /// The same handle.
    fn from_linked(handle: Self::Linked) -> Self;
}

/// An argument in the type of the library.
pub(super) trait ToLinked {
    /// That type.
    type Linked;

    /// The same argument.
    fn to_linked(self) -> Self::Linked;
}

macro_rules! handles {
    ($($name:ident = $linked:ident),* $(,)?) => {$(
        const _: () = {
            assert!(size_of::<ffi::$linked>() <= size_of::<$name>());
            assert!(align_of::<ffi::$linked>() <= align_of::<$name>());
        };

        impl FromLinked for $name {
            type Linked = ffi::$linked;

            fn from_linked(handle: ffi::$linked) -> Self {
                let mut place = $name::unset();
                // SAFETY: the assertions above show that the library's handle fits.
                unsafe { (&raw mut place).cast::<ffi::$linked>().write(handle) };
                place
            }
        }

        impl ToLinked for $name {
            type Linked = ffi::$linked;

            fn to_linked(self) -> ffi::$linked {
                // SAFETY: the first bytes of a handle hold the library's handle. The assertions above show that it fits; any bytes
                // are a valid pointer or int.
                unsafe { (&raw const self).cast::<ffi::$linked>().read() }
            }
        }

        impl ToLinked for *mut $name {
            type Linked = *mut ffi::$linked;

            fn to_linked(self) -> *mut ffi::$linked {
                self.cast()
            }
        }
    )*};
}

handles!(
    Comm = MPI_Comm,
    Group = MPI_Group,
    Win = MPI_Win,
    Request = MPI_Request,
    Datatype = MPI_Datatype,
    Op = MPI_Op,
    Info = MPI_Info,
    Errhandler = MPI_Errhandler,
);

macro_rules! unchanged {
    ($($ty:ty),* $(,)?) => {$(
        impl ToLinked for $ty {
            type Linked = $ty;

            fn to_linked(self) -> $ty {
                self
            }
        }
    )*};
}

unchanged!(
    c_int,
    *const c_int,
    *mut c_int,
    *const c_void,
    *mut c_void,
    *mut c_char,
    *mut *mut *mut c_char,
);

impl ToLinked for Aint {
    type Linked = ffi::MPI_Aint;

    #[allow(
        clippy::unnecessary_cast,
        reason = "the type differs between libraries"
    )]
    fn to_linked(self) -> ffi::MPI_Aint {
        self as ffi::MPI_Aint
    }
}

impl ToLinked for *mut Aint {
    type Linked = *mut ffi::MPI_Aint;

    fn to_linked(self) -> *mut ffi::MPI_Aint {
        self.cast()
    }
}

impl ToLinked for *mut Status {
    type Linked = *mut ffi::MPI_Status;

    fn to_linked(self) -> *mut ffi::MPI_Status {
        self.cast()
    }
}

impl ToLinked for *const Status {
    type Linked = *const ffi::MPI_Status;

    fn to_linked(self) -> *const ffi::MPI_Status {
        self.cast()
    }
}

/// There is one function of either kind, so its twin with the library's type of communicators takes its place.
impl ToLinked for CopyAttribute {
    type Linked = ffi::MPI_Comm_copy_attr_function;

    fn to_linked(self) -> ffi::MPI_Comm_copy_attr_function {
        Some(never_copy::<ffi::MPI_Comm>)
    }
}

impl ToLinked for DeleteAttribute {
    type Linked = ffi::MPI_Comm_delete_attr_function;

    fn to_linked(self) -> ffi::MPI_Comm_delete_attr_function {
        Some(call_on_delete::<ffi::MPI_Comm>)
    }
}

//! What a library says of itself.

use super::SUCCESS;
use std::ffi::{c_char, c_int};

/// Room for the text of any library.
pub(super) const MAX_TEXT: usize = 8192;

/// MPI_Get_library_version, whose type is the same in every library.
pub(super) type GetText = unsafe extern "C" fn(*mut c_char, *mut c_int) -> c_int;

/// Name and version of the library that has this function, in one line.
///
/// # Safety
/// It is MPI_Get_library_version.
pub(in crate::transport::mpi) unsafe fn library_name(get: GetText) -> Option<String> {
    let mut text = vec![0_u8; MAX_TEXT];
    let mut len = 0;
    // SAFETY: room for the longest text of any library; may be called before MPI_Init (section 9.1.1).
    if unsafe { get(text.as_mut_ptr().cast(), &raw mut len) } != SUCCESS {
        return None;
    }
    text.truncate(len.max(0) as usize);
    let text = String::from_utf8_lossy(&text);
    // Libraries add how they were built, on further lines or behind a comma, and put tabs between words.
    let line = text.lines().next().unwrap_or_default();
    let line = line.split(',').next().unwrap_or_default();
    Some(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

//! Tasks that groups of ranks take until none is left, across jobs and crashes.

pub(crate) mod state;
// What only workers use is not used yet.
#[allow(dead_code, unused_imports)]
pub(crate) mod store;

/// Tasks with states in a directory.
///
/// ```
/// assert!(pshmem::Batch::status("no such folder").is_err());
/// ```
#[derive(Debug)]
pub struct Batch {
    _private: (),
}

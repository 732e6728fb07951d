//! Tasks that groups of ranks take until none is left, across jobs and crashes.

pub(crate) mod state;
// What only workers use is not used yet.
#[allow(dead_code, unused_imports)]
pub(crate) mod store;

//! Tasks that groups of ranks take until none is left, across jobs and crashes.

pub(crate) mod state;

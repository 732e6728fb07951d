//! Objects kept by one home rank (locks, task tables), and how other ranks reach them.

pub(crate) mod access;
pub(crate) mod allocator;
pub(crate) mod engine;

//! Derive macros of pshmem.

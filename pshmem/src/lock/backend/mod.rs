//! Where the state of a lock lives, and how ranks change it.

pub(crate) mod fifo_queue;
pub(crate) mod futex;
pub(crate) mod home_backend;
pub(crate) mod node_lock;
pub(crate) mod rma_backend;
pub(crate) mod server;
pub(crate) mod ticket_lock;

//! Heartbeats: how jobs tell a worker that computes for hours from one that is dead.
//!
//! Each process has one file per root, `<root>/.pshmem/<id>`. It names the job, host and process, and how long the process may
//! be silent. Its modification time is the heartbeat: the process touches the file while it holds leases.
//!
//! - *Ages* are differences of two modification times, both set by the file server, so that the clocks of the nodes do not
//!   matter. A reader opens the file first: network file systems may answer a plain `stat` from a cache that is up to a minute
//!   old.
//! - *A process of the same machine* that has ended is known to be dead at once, by its number and its start time (numbers
//!   are reused). The boot id and the process namespace tell whether it is the same machine; a host name would not, as
//!   containers may share one.
//! - *A false positive* (a process that is frozen, or cut off from the file server) costs duplicate work, never a duplicate
//!   result: who records a result is decided by [`lease`](super::lease).
//!
//! Files: [`beat`] writes this process's heartbeat, [`keep_alive`] repeats it while there are leases, [`record`] is the content
//! of a heartbeat file, [`liveness`] judges the heartbeats of other processes.

mod beat;
mod keep_alive;
mod liveness;
mod record;

pub(super) use beat::Heartbeat;
pub(super) use keep_alive::{KeepAlive, heartbeat_of};
pub(crate) use liveness::Owner;
pub(super) use liveness::{Liveness, ids, liveness, remove_dead};

//! Heartbeats: how jobs tell a worker that computes for hours from one that is dead.
//!
//! Each process has one file per root, `<root>/.pshmem/<id>`. It names the job, host and process, and how long the process may
//! be silent. Its modification time is the heartbeat: the process touches the file while it holds leases.
//!
//! - *Silence* is measured by each reader with its own clock: how long it has seen the same modification time. The times
//!   themselves come from file servers or from other hosts and are only compared with each other for equality. A reader opens
//!   the file: network file systems may answer a plain `stat` from a cache that is up to a minute old.
//! - *A process of the same machine* that has ended is known to be dead at once, by its number and its start time (numbers
//!   are reused). The boot id and the process namespace tell whether it is the same machine; a host name would not, as
//!   containers may share one. One that is there and not stopped is known to be alive without a new heartbeat.
//! - *A false positive* (a process that is frozen, or cut off from the file server) costs duplicate work, never a duplicate
//!   result: who records a result is decided by [`lease`](super::lease).
//!
//! - *A beat that fails* is tried again by the next one, on the same file.
//! - *Files of processes that died elsewhere* are removed by jobs that have seen them silent for longer than their timeout.
//!
//! Files: [`beat`] writes this process's heartbeat, [`keep_alive`] repeats it while there are leases, [`record`] is the content
//! of a heartbeat file, [`liveness`] judges the heartbeats of other processes, [`retire`] removes those of processes that have
//! ended.

mod beat;
mod keep_alive;
mod liveness;
mod record;
mod retire;

pub(super) use beat::Heartbeat;
pub(super) use keep_alive::{KeepAlive, heartbeat_of};
pub(crate) use liveness::Owner;
pub(super) use liveness::{Liveness, Observer, holder, is_id, job};
pub(super) use retire::{dead, is_of, others_work, remove_dead, retire_silent};

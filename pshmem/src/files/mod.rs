//! Objects in files: `save`, `load`, `read_from`, `load_with`, and [`Checkpoints`].
//!
//! | file | contents |
//! |---|---|
//! | `calls` | the calls of `Shared` and `Field` |
//! | `save`, `load` | what their ranks agree on, and who does what |
//! | `leaf_files`, `pieces` | which file holds which leaf, and which rank reads or writes which piece |
//! | `find` | what headers and sizes tell before anything is read |
//! | `entries` | what is in a folder |
//! | `read`, `fortran`, `write` | bytes between files and node memory |
//! | `replace` | new files and folders take the place of old ones |
//! | `source` | data from other formats |
//! | `checkpoints` | a folder of saves, one for each step |
//! | `failure`, `progress` | errors, and what is shown of long calls |

mod calls;
mod checkpoints;
mod entries;
mod failure;
mod find;
mod fortran;
mod leaf_files;
mod load;
mod pieces;
mod progress;
mod read;
mod replace;
mod save;
mod source;
mod write;

pub use checkpoints::Checkpoints;
pub use source::Source;

/// Which ranks read a file; an argument of [`Shared::load_by`](crate::Shared::load_by).
///
/// ```no_run
/// use pshmem::{Comm, Reading, Shared};
///
/// // Each node has a copy of the file on a disk of its own.
/// let table = Shared::<[f64]>::load_by(&Comm::solo(), "/local/table.npy", Reading::PerNode)?;
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Reading {
    /// Every byte is read once in the whole job: each rank reads a share, and sends it to the other nodes. For file systems that all
    /// hosts share.
    #[default]
    Once,
    /// Every node reads all: its ranks share the work, and nothing is sent. For disks that each host has for itself, and for burst
    /// buffers.
    PerNode,
}

//! `Comm::memory`: how much node memory the objects of a `Comm` use.

use crate::comm::Comm;
use crate::comm::collective::allgather::AllgatherItem;
use crate::comm::protocol::call::{Call, Kind};
use crate::error::text::size;
use crate::error::{Result, clip};
use crate::memory::huge_pages;
use crate::memory::source::MemorySource;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::panic::Location;

/// Memory of one [`Comm`]: how much each node uses, and the objects that this rank has handles of. [`Comm::memory`] returns it.
///
/// `Display` prints two tables.
///
/// ```
/// use pshmem::{Comm, Shared};
///
/// let comm = Comm::solo();
/// let table = Shared::<[f64]>::new(&comm, 1000)?;
/// let memory = comm.memory()?;
/// assert_eq!(memory.objects[0].bytes, 8000);
/// println!("{memory}");
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Memory {
    /// One entry for each node of the `Comm`; the same on all ranks.
    pub nodes: Vec<NodeUse>,
    /// The objects of which this rank has a handle, oldest first.
    pub objects: Vec<ObjectUse>,
}

/// Memory of one node, an entry of [`Memory::nodes`].
///
/// ```
/// let memory = pshmem::Comm::solo().memory()?;
/// let node = &memory.nodes[0];
/// assert!(node.objects <= node.mapped && node.free <= node.capacity);
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NodeUse {
    /// Host of the node's first rank.
    pub host: String,
    /// Bytes of the objects of which the node's first rank has a handle.
    pub objects: usize,
    /// Bytes mapped for this `Comm`: its objects, and free memory for more small ones.
    pub mapped: usize,
    /// Free bytes where objects are mapped: in `/dev/shm` if they lie in windows, else in the memory of the node. Less if the machine
    /// or a cgroup of the job has less.
    pub free: usize,
    /// Free and used bytes there, together.
    pub capacity: usize,
    /// Bytes that the objects of all `Comm`s of the job use on the node, and what is kept for small ones.
    pub used: usize,
    /// The most that `used` has been.
    pub peak: usize,
    /// The most that `used` may be; see [`Comm::set_memory_limit`].
    pub limit: Option<usize>,
    /// Where memory comes from.
    pub source: MemorySource,
    /// Why it comes from there.
    pub reason: String,
}

/// One object, an entry of [`Memory::objects`].
///
/// ```
/// use pshmem::{Comm, Shared};
///
/// let comm = Comm::solo();
/// let table = Shared::<[f64]>::new(&comm, 1000)?;
/// let memory = comm.memory()?;
/// assert_eq!((memory.objects[0].number, memory.objects[0].bytes), (1, 8000));
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectUse {
    /// Number of the object within its `Comm`, as errors and reports show it.
    pub number: u64,
    /// Its type.
    pub type_name: &'static str,
    /// Bytes on each node.
    pub bytes: usize,
    /// How many of them this rank has as huge pages, as far as the system tells.
    pub huge: usize,
}

/// Bytes of a reason that are passed on.
const REASON: usize = 120;

impl AllgatherItem for NodeUse {
    // A host of up to 64 bytes and a reason, which may get an ellipsis, seven numbers of up to ten, and flags.
    const BYTES: usize = 64 + REASON + 8 + 7 * 10 + 8;
}

impl Comm {
    /// How much node memory the objects of this `Comm` use, and how much is free.
    ///
    /// ```
    /// use pshmem::{Shared, local::Cluster};
    ///
    /// Cluster::new(&[2, 1]).run(|comm| {
    ///     let table = Shared::<[u8]>::new(comm, 1 << 20).unwrap();
    ///     let memory = comm.memory().unwrap();
    ///     assert_eq!(memory.nodes.len(), 2);
    ///     assert_eq!(memory.nodes[1].objects, 1 << 20);
    ///     if comm.rank() == 0 {
    ///         println!("{memory}");
    ///     }
    /// });
    /// ```
    ///
    /// # Collective
    /// Over all ranks. Takes one round for each 28 nodes.
    ///
    /// # Errors
    /// Those of [`barrier`](Comm::barrier), and [`Error::System`](crate::Error::System) if the system call for free memory fails
    /// on a node.
    #[track_caller]
    pub fn memory(&self) -> Result<Memory> {
        let (core, group) = (&self.core, &self.core.group);
        let _call = core.enter(Kind::Memory.name(), Location::caller())?;
        let call = Call::new(Kind::Memory);
        let world = &group.world;
        let live = world.objects.of_comm(group.id);
        let own = live.iter().map(|(_, object)| object.own_mapping.clone());
        let own: Vec<_> = own.collect();
        let huge = huge_pages::bytes_in(&own);
        let objects: Vec<ObjectUse> = live
            .iter()
            .zip(huge)
            .map(|((number, object), huge)| ObjectUse {
                number: *number,
                type_name: object.type_name,
                bytes: object.bytes,
                huge: huge.min(object.bytes),
            })
            .collect();
        let mine = if group.topology.is_leader() {
            let ranks = group.topology.node_ranks.len();
            let (source, reason) = match ranks {
                1 => (MemorySource::Private, "one rank on this node"),
                _ => world.transport.memory_source(),
            };
            let own: usize = own.iter().map(Range::len).sum();
            match world.transport.free_memory(ranks, usize::MAX) {
                Ok(memory) => Some(NodeUse {
                    host: clip(self.host(), 64),
                    objects: objects.iter().map(|object| object.bytes).sum(),
                    mapped: core.memory.mapped() + own,
                    free: memory.free,
                    capacity: memory.capacity,
                    used: world.node_usage.used(),
                    peak: world.node_usage.peak(),
                    limit: world.node_usage.limit(),
                    source,
                    reason: clip(reason, REASON),
                }),
                Err(error) => return Err(core.refuse(call, error)),
            }
        } else {
            None
        };
        let nodes = core.allgather_nodes(call, mine.as_ref())?;
        Ok(Memory { nodes, objects })
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.nodes.iter().map(|node| node.host.len()).max();
        let hosts = hosts.unwrap_or(0).max("host".len());
        writeln!(
            f,
            "node  {:hosts$}  {:>10}  {:>10}  {:>10}  {:>10}  {:>10}  {:>10}  {:>10}  source",
            "host", "objects", "mapped", "used", "peak", "limit", "free", "capacity"
        )?;
        for (index, node) in self.nodes.iter().enumerate() {
            writeln!(
                f,
                "{index:>4}  {:hosts$}  {:>10}  {:>10}  {:>10}  {:>10}  {:>10}  {:>10}  {:>10}  {} ({})",
                node.host,
                size(node.objects),
                size(node.mapped),
                size(node.used),
                size(node.peak),
                node.limit.map_or_else(|| "none".to_owned(), size),
                known(node.free),
                known(node.capacity),
                node.source,
                node.reason
            )?;
        }
        writeln!(f, "object  {:>10}  {:>10}  type", "bytes", "huge pages")?;
        for object in &self.objects {
            let (number, bytes, huge) = (object.number, size(object.bytes), size(object.huge));
            writeln!(
                f,
                "{number:>6}  {bytes:>10}  {huge:>10}  {}",
                object.type_name
            )?;
        }
        Ok(())
    }
}

/// A size of the system's, which may not tell.
fn known(bytes: usize) -> String {
    if bytes == usize::MAX {
        return "unknown".to_owned();
    }
    size(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_tables() {
        let memory = Memory {
            nodes: vec![NodeUse {
                host: "node0".into(),
                objects: 8000,
                mapped: 1 << 20,
                free: 3 << 29,
                capacity: 1 << 31,
                used: 2 << 20,
                peak: 3 << 20,
                limit: Some(1 << 30),
                source: MemorySource::Memfd,
                reason: "all can open it".into(),
            }],
            objects: vec![ObjectUse {
                number: 3,
                type_name: "[f64]",
                bytes: 8000,
                huge: 0,
            }],
        };
        assert_eq!(
            memory.to_string(),
            "node  host      objects      mapped        used        peak       limit        free    capacity  source\n\
             \x20  0  node0     7.8 KiB     1.0 MiB     2.0 MiB     3.0 MiB     1.0 GiB     1.5 GiB     2.0 GiB  \
             memfd (all can open it)\n\
             object       bytes  huge pages  type\n\
             \x20    3     7.8 KiB         0 B  [f64]\n"
        );
    }
}

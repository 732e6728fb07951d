//! `Comm::memory`: how much node memory the objects of a `Comm` use.

use crate::comm::Comm;
use crate::comm::collective::allgather::AllgatherItem;
use crate::comm::protocol::call::{Call, Kind};
use crate::error::{Result, clip};
use serde::{Deserialize, Serialize};
use std::fmt;
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
    /// Free bytes where objects are mapped: in `/dev/shm`, or in private memory if the node has only one rank. Less if the machine
    /// or a cgroup of the job has less.
    pub free: usize,
    /// Free and used bytes there, together.
    pub capacity: usize,
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
}

impl AllgatherItem for NodeUse {
    // A host of up to 64 bytes and four numbers of up to ten.
    const BYTES: usize = 112;
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
    /// Over all ranks. Takes one round for each 63 nodes.
    ///
    /// # Errors
    /// Those of [`barrier`](Comm::barrier), and [`Error::System`](crate::Error::System) if the system call for free memory fails
    /// on a node.
    #[track_caller]
    pub fn memory(&self) -> Result<Memory> {
        let (core, group) = (&self.core, &self.core.group);
        let _call = core.enter(Kind::Memory.name(), Location::caller())?;
        let call = Call::new(Kind::Memory);
        let objects: Vec<ObjectUse> = core
            .memory
            .objects()
            .into_iter()
            .map(|(number, object)| ObjectUse {
                number,
                type_name: object.type_name,
                bytes: object.bytes,
            })
            .collect();
        let mine = if group.topology.is_leader() {
            let ranks = group.topology.node_ranks.len();
            match group.world.transport.free_memory(ranks, usize::MAX) {
                Ok(memory) => Some(NodeUse {
                    host: clip(self.host(), 64),
                    objects: objects.iter().map(|object| object.bytes).sum(),
                    mapped: core.memory.mapped(),
                    free: memory.free,
                    capacity: memory.capacity,
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
        let width = |longest: usize, head: &str| longest.max(head.len());
        let hosts = self.nodes.iter().map(|node| node.host.len()).max();
        let hosts = width(hosts.unwrap_or(0), "host");
        writeln!(
            f,
            "node  {:hosts$}  {:>10}  {:>10}  {:>10}  {:>10}",
            "host", "objects", "mapped", "free", "capacity"
        )?;
        for (index, node) in self.nodes.iter().enumerate() {
            writeln!(
                f,
                "{index:>4}  {:hosts$}  {:>10}  {:>10}  {:>10}  {:>10}",
                node.host,
                size(node.objects),
                size(node.mapped),
                size(node.free),
                size(node.capacity)
            )?;
        }
        writeln!(f, "object  {:>10}  type", "bytes")?;
        for object in &self.objects {
            let (number, bytes) = (object.number, size(object.bytes));
            writeln!(f, "{number:>6}  {bytes:>10}  {}", object.type_name)?;
        }
        Ok(())
    }
}

/// `1.5 MiB`
#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn size(bytes: usize) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
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
            }],
            objects: vec![ObjectUse {
                number: 3,
                type_name: "[f64]",
                bytes: 8000,
            }],
        };
        assert_eq!(
            memory.to_string(),
            "node  host      objects      mapped        free    capacity\n\
             \x20  0  node0     7.8 KiB     1.0 MiB     1.5 GiB     2.0 GiB\n\
             object       bytes  type\n\
             \x20    3     7.8 KiB  [f64]\n"
        );
    }
}

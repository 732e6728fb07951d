//! Node memory of MPI processes: files in memory that one process makes and its mates open, or shared windows of MPI.
//!
//! - `window`: memory of `MPI_Win_allocate_shared`
//! - `files`: how a process opens the files of another one · `file_socket`: where it can receive them only
//!
//! The ranks choose once, at the start. Files are preferred: they need no call of MPI, have no limit but the memory of the
//! machine, and leave nothing behind.

mod file_socket;
mod files;
mod window;

use crate::error::{Error, Result, clip};
use crate::memory::map::{Mapping, MemoryFile};
use crate::memory::source::{MemorySource, SourceSetting};
use crate::transport::mpi::api::Comm;
use crate::transport::mpi::mpi_calls::MpiCalls;
use crate::transport::{MapRequest, NewMemory};
use files::Files;

/// How the ranks of this node get memory.
#[derive(Debug)]
pub(super) struct NodeMemorySource {
    kind: Kind,
    /// Why, for people.
    reason: String,
}

#[derive(Debug)]
enum Kind {
    /// This process is alone on its node.
    Private,
    Files(Files),
    Windows,
}

/// The processes of a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) comm: Comm,
    /// Ranks of its processes, in its order.
    pub(super) ranks: &'a [usize],
}

impl NodeMemorySource {
    /// Chooses, as the environment asks. Collective over `world`, which contains the `node` of each rank.
    pub(super) fn choose(calls: &MpiCalls, world: Comm, node: Node<'_>) -> Result<Self> {
        let setting = SourceSetting::from_environment();
        calls.agree(world, setting.as_ref().err().cloned())?;
        // Launchers may pass the variables of one node only.
        let highest = calls.extremes(world, setting? as u64)[1];
        let setting = SourceSetting::of_number(highest).expect("every rank has passed a setting");
        let chosen = Self::of_node(calls, node, setting);
        calls.agree(world, chosen.as_ref().err().cloned())?;
        chosen
    }

    /// Collective over the processes of `node`.
    fn of_node(calls: &MpiCalls, node: Node<'_>, setting: SourceSetting) -> Result<Self> {
        let chosen = |kind, reason: &str| {
            Ok(NodeMemorySource {
                kind,
                reason: reason.to_owned(),
            })
        };
        if node.ranks.len() == 1 {
            return chosen(Kind::Private, "one rank on this node");
        }
        if setting == SourceSetting::Window {
            return chosen(Kind::Windows, "PSHMEM_MEMORY=window");
        }
        match Files::open(calls, node) {
            Ok(files) => {
                let reason = files.reason();
                chosen(Kind::Files(files), reason)
            }
            Err(why) if setting == SourceSetting::Auto => {
                chosen(Kind::Windows, &clip(&format!("no memfd: {why}"), 200))
            }
            Err(why) => Err(Error::InvalidSetting {
                name: SourceSetting::VARIABLE.to_owned(),
                value: "memfd".to_owned(),
                reason: format!(
                    "the ranks on {} cannot map memory of each other ({}); write auto or window",
                    calls.host(),
                    clip(&why, 200)
                ),
            }),
        }
    }

    pub(super) fn kind_and_reason(&self) -> (MemorySource, &str) {
        let source = match self.kind {
            Kind::Private => MemorySource::Private,
            Kind::Files(_) => MemorySource::Memfd,
            Kind::Windows => MemorySource::Window,
        };
        (source, &self.reason)
    }

    /// On the first rank of a group: makes memory for it, if it is not made by all ranks together.
    pub(super) fn new_memory(&self, ranks: usize, len: usize) -> std::io::Result<NewMemory> {
        match &self.kind {
            Kind::Files(_) if ranks > 1 => MemoryFile::new(len).map(NewMemory::File),
            _ => Ok(NewMemory::Together),
        }
    }

    /// Maps memory that the ranks of `group` share. Collective over them.
    pub(super) fn map(
        &self,
        calls: &MpiCalls,
        world: Comm,
        node: Node<'_>,
        group: &[usize],
        request: &MapRequest,
        memory: &NewMemory,
    ) -> Result<Mapping> {
        let &MapRequest { key, len, align } = request;
        let failed = |call: &str, error: &std::io::Error| Error::System {
            call: call.to_owned(),
            rank: calls.rank(),
            host: calls.host().to_owned(),
            text: error.to_string(),
        };
        if group.len() == 1 {
            // MPI would return malloc memory here, which is not zeroed and not a mapping that can be duplicated.
            return Mapping::anonymous(len, align).map_err(|error| failed("mmap", &error));
        }
        if let Kind::Files(files) = &self.kind {
            let mapped = match memory {
                NewMemory::Together => files.map_at_start(calls, node, request),
                NewMemory::File(file) => {
                    files.offer(group, key, file).and_then(|()| file.map(align))
                }
                NewMemory::OfLeader(number) => files.map_of(group[0], *number, request),
            };
            return mapped.map_err(|error| failed("mapping memory of another process", &error));
        }
        if group == node.ranks {
            return window::map(calls, node.comm, len);
        }
        let comm = calls.comm_create_group(world, group, key);
        let mapping = window::map(calls, comm, len);
        calls.comm_free(comm);
        mapping
    }
}

//! Where node memory comes from.

#[cfg(feature = "__mpi")]
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where the memory of a node comes from, as [`NodeUse::source`](crate::NodeUse::source) tells.
///
/// ```
/// use pshmem::{Comm, MemorySource};
///
/// let memory = Comm::solo().memory()?;
/// assert_eq!(memory.nodes[0].source, MemorySource::Private);
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum MemorySource {
    /// Memory of one process: the node has one rank, or its ranks are threads.
    Private,
    /// Files in memory without a name (`memfd_create`). They are limited by the memory of the node only, and nothing of them is
    /// left when the processes end, however they do.
    Memfd,
    /// Shared windows of the MPI library, usually files in `/dev/shm`.
    Window,
}

impl fmt::Display for MemorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            MemorySource::Private => "private",
            MemorySource::Memfd => "memfd",
            MemorySource::Window => "window",
        })
    }
}

/// What `PSHMEM_MEMORY` asks for. In this order the last one wins if ranks differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg(any(feature = "__mpi", test))]
pub(crate) enum SourceSetting {
    /// Files in memory where all ranks of a node can open them, else windows.
    Auto,
    Memfd,
    Window,
}

#[cfg(any(feature = "__mpi", test))]
impl SourceSetting {
    #[cfg(feature = "__mpi")]
    pub(crate) const VARIABLE: &str = "PSHMEM_MEMORY";

    const ALL: [(SourceSetting, &str); 3] = [
        (SourceSetting::Auto, "auto"),
        (SourceSetting::Memfd, "memfd"),
        (SourceSetting::Window, "window"),
    ];

    #[cfg(feature = "__mpi")]
    pub(crate) fn from_environment() -> Result<Self> {
        match std::env::var(Self::VARIABLE) {
            Ok(value) => Self::parse(&value).ok_or_else(|| Error::InvalidSetting {
                name: Self::VARIABLE.to_owned(),
                value,
                reason: "write auto, memfd or window".to_owned(),
            }),
            Err(_) => Ok(SourceSetting::Auto),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let named = |&&(_, name): &&(SourceSetting, &str)| name == text.trim();
        Self::ALL.iter().find(named).map(|&(setting, _)| setting)
    }

    pub(crate) fn of_number(number: u64) -> Option<Self> {
        let entry = Self::ALL.get(usize::try_from(number).ok()?);
        entry.map(|&(setting, _)| setting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_words() {
        for (setting, text) in SourceSetting::ALL {
            assert_eq!(SourceSetting::parse(text), Some(setting));
            assert_eq!(SourceSetting::of_number(setting as u64), Some(setting));
        }
        assert_eq!(
            SourceSetting::parse(" window "),
            Some(SourceSetting::Window)
        );
        for text in ["", "shm", "MEMFD"] {
            assert_eq!(SourceSetting::parse(text), None, "{text}");
        }
        assert_eq!(SourceSetting::of_number(3), None);
    }

    #[test]
    fn sources_have_names() {
        let names = [
            MemorySource::Private,
            MemorySource::Memfd,
            MemorySource::Window,
        ];
        assert_eq!(
            names.map(|source| source.to_string()),
            ["private", "memfd", "window"]
        );
    }
}

//! Where node memory comes from, how much of it is used, and limits on that.

use pshmem::{Comm, Error, MemorySource, NodeUse, Result, Shared};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::path::Path;

use crate::collective::{check_usable, same_error, split, sum};
use crate::report::{Outcome, does_not_apply};
use crate::values::number;

const LARGE: usize = 1 << 20;

/// The numbers of the files that this process has open.
const OPEN_FILES: &str = "/proc/self/fd";

/// The node of this rank. Collective.
fn my_node(comm: &Comm) -> Result<NodeUse> {
    let mut nodes = comm.memory()?.nodes;
    Ok(nodes.swap_remove(comm.node().index))
}

/// What is used rises with each object on any `Comm`, and falls when the last rank has dropped it.
pub(crate) fn use_of_the_node(comm: &Comm) -> Outcome {
    let pairs = split(comm, comm.rank() / 2, 0)?;
    let before = my_node(comm)?;
    assert!(before.used <= before.peak && !before.reason.is_empty());
    let object = Shared::<[u8]>::new(comm, LARGE)?;
    let of_pair = Shared::<[u8]>::new(&pairs, LARGE)?;
    let during = my_node(comm)?;
    // Each node has an object of a pair, also where pairs lie on several nodes.
    assert!(during.used >= before.used + 2 * LARGE);
    assert!(during.peak >= during.used);
    let kept = (comm.rank() == comm.size() - 1).then_some(object);
    drop(of_pair);
    comm.barrier()?;
    let meanwhile = my_node(comm)?;
    if kept.is_some() {
        assert!(meanwhile.used >= before.used + LARGE, "{meanwhile:?}");
    }
    drop(kept);
    comm.barrier()?;
    let after = my_node(comm)?;
    assert_eq!(after.used, before.used);
    assert!(after.peak >= during.used);
    Ok(())
}

/// What passes a limit is the same error on all ranks, and names what holds the rest.
pub(crate) fn memory_limits(comm: &Comm) -> Outcome {
    let nodes = comm.memory()?.nodes;
    // Nodes that are parts of one machine count together.
    let large = nodes.len() * LARGE;
    let most = nodes.iter().map(|node| node.used).max();
    let limit = most.unwrap_or(0) + 3 * large;
    comm.set_memory_limit(Some(limit))?;
    assert_eq!(my_node(comm)?.limit, Some(limit));
    let held = Shared::<[u64]>::new(comm, LARGE / 8)?;
    let error = same_error(comm, Shared::<[u8]>::new(comm, 4 * large))?;
    let Error::MemoryLimit {
        needed,
        used,
        limit: of_error,
        held: text,
        ..
    } = &error
    else {
        return Err(format!("not the limit: {error}").into());
    };
    assert!(
        *needed >= 4 * large && used + needed > limit && *of_error == limit,
        "{error}"
    );
    assert!(text.contains("1.0 MiB [u64]"), "{error}");
    // A limit below what is used changes nothing, and so does one that differs between ranks.
    let error = same_error(comm, comm.set_memory_limit(Some(1)))?;
    assert!(
        matches!(
            error,
            Error::MemoryLimit {
                needed: 0,
                limit: 1,
                ..
            }
        ),
        "{error}"
    );
    if comm.size() > 1 {
        let mine = Some(limit + comm.rank());
        let error = same_error(comm, comm.set_memory_limit(mine))?;
        assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    }
    assert_eq!(my_node(comm)?.limit, Some(limit));
    check_usable(comm)?;
    drop(held);
    comm.set_memory_limit(None)?;
    drop(Shared::<[u8]>::new(comm, 4 * large)?);
    Ok(())
}

/// A rank that can open no more files is an error on all ranks, and nothing is left of the attempt.
pub(crate) fn no_more_open_files(comm: &Comm) -> Outcome {
    let before = my_node(comm)?;
    // Without /proc, a process does not know how many files it has open.
    let knows_files = Path::new(OPEN_FILES).is_dir();
    let has_files = u64::from(knows_files && before.source == MemorySource::Memfd);
    if sum(comm, has_files)? == 0 {
        return does_not_apply("node memory is no file that ranks open");
    }
    for rank in 0..comm.size() {
        // A rank alone on its node opens no file.
        let is_rank = comm.rank() == rank;
        if sum(comm, has_files * u64::from(is_rank))? == 0 {
            continue;
        }
        let full = if is_rank {
            Some(NoMoreFiles::new().map_err(|error| error.to_string())?)
        } else {
            None
        };
        let made = Shared::<[u8]>::new(comm, LARGE);
        drop(full);
        let error = same_error(comm, made)?;
        let is_of_rank =
            matches!(&error, Error::System { text, .. } if text.contains("os error 24"));
        assert!(is_of_rank, "rank {rank}: {error}");
        check_usable(comm)?;
    }
    assert_eq!(my_node(comm)?.used, before.used);
    Ok(())
}

/// As many open files as this process may have, until it is dropped.
struct NoMoreFiles {
    limits: Rlimit,
    _files: Vec<File>,
}

impl NoMoreFiles {
    fn new() -> std::io::Result<Self> {
        let limits = getrlimit(Resource::Nofile);
        // Not fewer than are open: the MPI library polls them.
        let numbers = std::fs::read_dir(OPEN_FILES)?.filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_str()?.parse::<u64>().ok()
        });
        let current = numbers.max().map(|last| last + 1);
        setrlimit(Resource::Nofile, Rlimit { current, ..limits })?;
        let mut files = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            files.push(file);
        }
        Ok(NoMoreFiles {
            limits,
            _files: files,
        })
    }
}

impl Drop for NoMoreFiles {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.limits).expect("a limit that was there before");
    }
}

/// Objects that ask for huge pages hold zeros at first and values afterwards, whatever the system gives.
pub(crate) fn objects_with_huge_pages(comm: &Comm) -> Outcome {
    // The last one ends with a part of a huge page.
    for bytes in [16 << 20, (16 << 20) + 4096, (18 << 20) - 8] {
        let mut object = Shared::<[u64]>::new(comm, bytes / 8)?;
        assert!(object.view().iter().all(|&value| value == 0));
        object.update_parts(|range, part| {
            for (index, value) in range.zip(part) {
                *value = number(0, index);
            }
        })?;
        let expected = (0..bytes / 8).map(|index| number(0, index));
        assert!(object.view().iter().copied().eq(expected));
        let memory = comm.memory()?;
        let last = memory.objects.last().ok_or("an object is live")?;
        assert!(last.bytes == bytes && last.huge <= bytes, "{memory}");
    }
    Ok(())
}

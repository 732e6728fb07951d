//! `load` and `read_from`: all ranks read an object from files, each a share of it.

use crate::comm::Comm;
use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::{Contribution, Contributions};
use crate::comm::rank_state::RankState;
use crate::comm::transfer::Target;
use crate::error::{Error, Result};
use crate::files::Reading;
use crate::files::failure::Failure;
use crate::files::find::{FileView, FoundLeaf, find};
use crate::files::leaf_files::{PlacedLeaf, is_one_file, saved};
use crate::files::pieces::Pieces;
use crate::files::progress::Progress;
use crate::files::read::{ReadLeaf, read_share, zero};
use crate::files::replace;
use crate::layout::Field;
use crate::layout::file_layout::{FileLayout, FileLeaf, FileLeaves, LeafShapes, Role};
use crate::layout::region::Region;
use crate::shared::Shared;
use serde::{Deserialize, Serialize};
use std::os::unix::ffi::OsStrExt;
use std::panic::Location;
use std::path::Path;

/// Implements the calls of the same name.
pub(super) fn load<L: FileLayout + ?Sized>(
    comm: &Comm,
    site: &'static Location<'static>,
    path: &Path,
    reading: Reading,
    verify: bool,
) -> Result<Shared<L>> {
    // Here, where no rank waits yet: the implementation may be a user's.
    let files = FileLeaves::of::<L>();
    let core = &comm.core;
    let _call = core.enter(Kind::Load.name(), site)?;
    let call = Call::new(Kind::Load);
    // Taken before anything can fail, so that all ranks number later objects alike.
    let number = core.memory.next_object();
    let found = find_on_root(core, call, &files, path, reading, verify)?;
    // A rank whose type is not that of rank 0 may find other leaves. It must still take part in the round that compares the types.
    let dims = check_leaves::<L>(core, &files, &found.leaves);
    let dims = match dims.and_then(|()| dims_of::<L>(&found.leaves)) {
        Ok(dims) => dims,
        Err(error) => return Err(core.refuse(call, error)),
    };
    let mut shared = Shared::<L>::create(comm, call, number, &dims)?;
    let mut field = shared.whole_mut();
    read_into(&mut field, call, &files, path, reading, found)?;
    Ok(shared)
}

/// Implements the calls of the same name.
pub(super) fn read_from<L: FileLayout + ?Sized>(
    field: &mut Field<'_, L>,
    site: &'static Location<'static>,
    path: &Path,
) -> Result<()> {
    // Here, where no rank waits yet: the implementation may be a user's.
    let files = FileLeaves::of::<L>();
    let core = field.core();
    let _call = core.enter(Kind::ReadFrom.name(), site)?;
    let call = field.call(Kind::ReadFrom);
    let found = find_on_root(core, call, &files, path, Reading::Once, false)?;
    read_into(field, call, &files, path, Reading::Once, found)
}

/// What rank 0 has found, and for what.
#[derive(Debug, Serialize, Deserialize)]
struct Found {
    /// See `types_of`.
    types: String,
    leaves: Vec<FoundLeaf>,
}

/// What the implementation of `FileLayout` says, but for the types of elements, which are compared with those of the leaves.
fn types_of(files: &[FileLeaf]) -> String {
    let text = |leaf: &FileLeaf| {
        let name = leaf.names.join(".");
        format!(
            "{name}: {:?} {} in {} axes",
            leaf.role, leaf.type_name, leaf.axes
        )
    };
    files.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// All ranks agree on the arguments, and rank 0 looks at the files.
fn find_on_root(
    core: &RankState,
    call: Call,
    files: &[FileLeaf],
    path: &Path,
    reading: Reading,
    verify: bool,
) -> Result<Found> {
    // No beginning of one is another one, so no two arguments are equal.
    let how: &[u8] = match (reading, verify) {
        (Reading::Once, false) => b"once: ",
        (Reading::Once, true) => b"once, verified: ",
        (Reading::PerNode, false) => b"on each node: ",
        (Reading::PerNode, true) => b"on each node, verified: ",
    };
    let argument = [how, path.as_os_str().as_bytes()].concat();
    core.agree_on(call.step(Step::Path), &argument, Contribution::default())?;
    let found = core.write_long(call.root(0).step(Step::Extents), || {
        if !is_one_file(files) {
            // A job that may only read finds nothing to put back, or cannot.
            let _ = replace::recover(path);
        }
        let leaves =
            find(path, files, verify).map_err(|failure| failure.error(core, call.name()))?;
        let found = Found {
            types: types_of(files),
            leaves,
        };
        Ok(postcard::to_allocvec(&found).expect("plain data always encodes"))
    })?;
    Ok(postcard::from_bytes(&found).expect("rank 0 runs the same executable"))
}

/// Whether what rank 0 has found for its type are leaves of `L`.
fn check_leaves<L: FileLayout + ?Sized>(
    core: &RankState,
    files: &[FileLeaf],
    found: &[FoundLeaf],
) -> Result<()> {
    let axes = saved(files).map(|leaf| leaf.axes);
    if axes.eq(found.iter().map(|leaf| leaf.extents.len())) {
        return Ok(());
    }
    Err(Error::Mismatch {
        call: Kind::Load.name().to_owned(),
        reference: 0,
        ours: format!("a type that is saved as {} arrays", found.len()),
        rank: core.group.topology.rank,
        theirs: format!("the type {}", std::any::type_name::<L>()),
    })
}

/// The extents of an object with these leaves, which are those of `L`.
fn dims_of<L: FileLayout + ?Sized>(found: &[FoundLeaf]) -> Result<L::Dims> {
    let extents: Vec<_> = found.iter().map(|leaf| leaf.extents.clone()).collect();
    L::dims_from_shapes(&mut LeafShapes::new(&extents))
}

/// Each rank reads its share, and sends it to the other nodes.
fn read_into<L: FileLayout + ?Sized>(
    field: &mut Field<'_, L>,
    call: Call,
    files: &[FileLeaf],
    path: &Path,
    reading: Reading,
    found: Found,
) -> Result<()> {
    let core = field.core();
    let topology = &core.group.topology;
    let place = || {
        // The implementation of `FileLayout` may be a user's, and say something else on each rank.
        let types = types_of(files);
        if types != found.types {
            return Err(Error::Mismatch {
                call: call.name().to_owned(),
                reference: 0,
                ours: found.types,
                rank: topology.rank,
                theirs: types,
            });
        }
        let used = used_of(field, files, &found.leaves);
        let leaves = placed_leaves(field, files, &used, found.leaves);
        let leaves =
            leaves.map_err(|reason| Failure::new(path, reason).error(core, call.name()))?;
        Ok((used, leaves))
    };
    let placed = place();
    // No rank writes a byte before all of them know that they share the same bytes of the same files.
    let fault = placed.as_ref().err().cloned();
    core.agree(call.step(Step::Compare), Contribution::fault(fault))?;
    let (used, leaves) = placed?;
    let pieces = Pieces::new(leaves.iter().map(ReadLeaf::pieces));
    let regions_of = |index: usize, shares: usize| -> Vec<Region> {
        let share = pieces.share(index, shares);
        let regions = share
            .iter()
            .map(|(leaf, range)| leaves[*leaf].region(range));
        regions.filter(|region| region.bytes() > 0).collect()
    };
    let (index, shares) = match reading {
        Reading::Once => (topology.rank, topology.size()),
        Reading::PerNode => (topology.local_rank, topology.node_ranks.len()),
    };
    let share = pieces.share(index, shares);
    // SAFETY: every rank that arrived at this call holds its handle to the leaves mutably, as here.
    let target = unsafe { field.handle().target(&field.leaves()) };
    let view = match reading {
        _ if topology.node() == 0 => FileView::SameHost,
        Reading::Once => FileView::SharedFileSystem,
        Reading::PerNode => FileView::Copies,
    };
    let mine = regions_of(index, shares);
    let bytes = mine.iter().map(Region::bytes).sum();
    let mut progress = Progress::new(core, call.name(), bytes);
    // The check of values may be a user's, and panic.
    let mut closure = ClosureRunner::new(topology.rank);
    let read = closure.run(|| {
        // SAFETY: all ranks have arrived at this call. Shares are disjoint, this rank has this one alone on its node, and what
        // other nodes send are the shares of their own ranks.
        Ok(unsafe { read_share(&target, &leaves, &share, view, &mut progress) })
    });
    progress.end(call.name(), path);
    let fault = match read {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure.error(core, call.name())),
        Err(panic) => {
            for region in &mine {
                // SAFETY: as for `read_share`, which has ended.
                unsafe { zero(&target, region) };
            }
            Some(panic)
        }
    };
    if reading == Reading::Once {
        core.exchange_with_all_nodes(call, &target, |rank| regions_of(rank, shares));
    }
    let agreed = core.agree(call.step(Step::Finish), Contribution::fault(fault));
    if reading == Reading::PerNode
        && let Err(error) = &agreed
        && !error.is_fatal()
    {
        // Some nodes have read all, and some have not: all get what the first has.
        let first = &topology.ranks_of_nodes()[0];
        core.exchange_with_all_nodes(call, &target, |rank| {
            let index = first.iter().position(|&of_first| of_first == rank);
            index.map_or(Vec::new(), |index| regions_of(index, first.len()))
        });
        core.barrier(call.step(Step::Equalise))?;
    }
    let completed = complete(field, call, path, &target, &used, agreed);
    let checked = completed.and_then(|()| {
        let regions: Vec<Region> = field
            .handle()
            .used_regions(&target, &field.leaves())
            .collect();
        core.check_copies(call, &target, &regions)
    });
    closure.finish(checked)
}

/// Each node computes what files do not contain of its composites, and checks them. If that fails on any node, or if something could
/// not be read, composites are empty afterwards: what was read of them may be inconsistent.
fn complete<L: FileLayout + ?Sized>(
    field: &Field<'_, L>,
    call: Call,
    path: &Path,
    target: &Target<'_>,
    used: &[Option<usize>],
    read: Result<Contributions>,
) -> Result<()> {
    let (core, leaves) = (field.core(), field.leaves());
    let topology = &core.group.topology;
    let handle = field.handle();
    if handle.composites(&leaves).next().is_none()
        || matches!(&read, Err(error) if error.is_fatal())
    {
        return read.map(drop);
    }
    let completed = read.and_then(|_| {
        let mut fault = None;
        if topology.is_leader() {
            let used: Vec<usize> = used.iter().map(|used| used.unwrap_or(0)).collect();
            // SAFETY: all ranks have arrived at this call, and all bytes of the files are in place. The other ranks of this node wait
            // in the next round.
            let completed = unsafe { handle.complete_all(target, &leaves, &used) };
            fault = completed
                .err()
                .map(|why| Failure::new(path, why).error(core, call.name()));
        }
        core.agree(call.step(Step::Complete), Contribution::fault(fault))
    });
    if let Err(error) = &completed
        && !error.is_fatal()
    {
        if topology.is_leader() {
            for composite in handle.composites(&leaves) {
                for region in handle.regions(&composite.leaves) {
                    // SAFETY: as above.
                    unsafe { zero(target, &region) };
                }
            }
        }
        core.barrier(call.step(Step::Equalise))?;
    }
    completed.map(drop)
}

/// The elements that will be in use of each leaf of the field; `None` for leaves of which all are.
fn used_of<L: FileLayout + ?Sized>(
    field: &Field<'_, L>,
    files: &[FileLeaf],
    found: &[FoundLeaf],
) -> Vec<Option<usize>> {
    let mut found = found.iter();
    let mut all = Vec::with_capacity(field.leaves().len());
    for file in files {
        match file.role {
            Role::Whole => {
                found.next();
                all.push(None);
            }
            Role::Used => all.push(found.next().map(|found| found.extents[0])),
            Role::Derived => all.push(Some(0)),
            Role::Extents => drop(found.next()),
        }
    }
    all
}

/// The leaves of the field, each with its file. An error says why what was found has no room in the field.
fn placed_leaves<'a, L: FileLayout + ?Sized>(
    field: &Field<'_, L>,
    files: &'a [FileLeaf],
    used: &[Option<usize>],
    found: Vec<FoundLeaf>,
) -> std::result::Result<Vec<ReadLeaf<'a>>, String> {
    let schema = &field.handle().schema().fields[field.leaves()];
    let too_long = schema.iter().zip(used).find(|(leaf, used)| {
        let used = used.unwrap_or(0);
        leaf.extents.first().is_some_and(|&room| used > room)
    });
    if let Some((leaf, used)) = too_long {
        return Err(format!(
            "it has {} elements of `{}`, but the object has room for {}; load it as a new object instead",
            used.unwrap_or(0),
            leaf.name,
            leaf.extents[0]
        ));
    }
    field.handle().check_lengths(&field.leaves(), used)?;
    let mut leaves = Vec::new();
    for (placed, found) in PlacedLeaf::all(field, files, used).into_iter().zip(found) {
        if placed.expected() != found.extents {
            return Err(format!(
                "`{}` has the extents {:?} there, but {:?} in the object; load it as a new object instead",
                placed.file.names.join("."),
                found.extents,
                placed.expected()
            ));
        }
        if placed.is_leaf() {
            leaves.push(ReadLeaf { placed, found });
        }
    }
    Ok(leaves)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::comm::check::Level;
    use crate::local::Cluster;
    use crate::{RaggedDims, Strings};

    #[test]
    #[cfg_attr(miri, ignore = "files")]
    fn what_is_not_in_use_is_not_compared_between_nodes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words");
        let read = Cluster::new(&[2, 1]).run(|comm| {
            comm.core.group.world.level.set(Level::Copies);
            let saved = Shared::<Strings>::from_root(comm, 0, || Strings::from(vec!["one"]));
            saved.unwrap().save(&path).unwrap();
            let mut words = Shared::<Strings>::new(comm, RaggedDims { rows: 2, items: 9 }).unwrap();
            let written = words.update(0, |mut w| {
                // Written on one node, and not sent.
                w.push("three").unwrap();
                w.clear();
            });
            written.unwrap();
            words.read_from(&path).map(|()| words.to_owned())
        });
        for words in read {
            assert_eq!(words, Ok(Strings::from(vec!["one"])));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "files")]
    fn ranks_that_would_share_other_bytes_write_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words");
        let outcomes = Cluster::new(&[2, 1]).run(|comm| {
            let words = || Strings::from(vec!["one", "two"]);
            let mut shared = Shared::<Strings>::from_root(comm, 0, words).unwrap();
            shared.save(&path).unwrap();
            let mut files = FileLeaves::of::<Strings>();
            if comm.rank() == 1 {
                files[2].role = Role::Whole;
            }
            let mut field = shared.whole_mut();
            let (core, call) = (field.core(), field.call(Kind::ReadFrom));
            let found = find_on_root(core, call, &files, &path, Reading::Once, false);
            let read = read_into(
                &mut field,
                call,
                &files,
                &path,
                Reading::Once,
                found.unwrap(),
            );
            assert_eq!(shared.view(), words());
            shared.read_from(&path).unwrap();
            read.unwrap_err()
        });
        for error in &outcomes {
            assert!(matches!(error, Error::Mismatch { rank: 1, .. }), "{error}");
            assert_eq!(error, &outcomes[0]);
        }
    }
}

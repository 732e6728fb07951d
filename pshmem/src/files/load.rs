//! `load` and `read_from`: all ranks read an object from files, each a share of it.

use crate::comm::Comm;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::rank_state::RankState;
use crate::error::{Error, Result};
use crate::files::Reading;
use crate::files::find::{FoundLeaf, Seen, find};
use crate::files::leaf_files::PlacedLeaf;
use crate::files::pieces::Pieces;
use crate::files::progress::Progress;
use crate::files::read::{ReadLeaf, read_share};
use crate::files::replace;
use crate::layout::Field;
use crate::layout::file_layout::{FileLayout, FileLeaves, LeafShapes};
use crate::layout::region::Region;
use crate::shared::Shared;
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
    const NAME: &str = "load";
    let core = &comm.core;
    let _call = core.enter(NAME, site)?;
    let call = Call::new(Kind::Load);
    // Taken before anything can fail, so that all ranks number later objects alike.
    let number = core.memory.next_object();
    let found = find_on_root::<L>(core, call, NAME, path, reading, verify, |_| Ok(()))?;
    // A rank whose type is not that of rank 0 may find other leaves. It must still take part in the round that compares the types.
    let dims = match check_leaves::<L>(core, &found).and_then(|()| dims_of::<L>(&found)) {
        Ok(dims) => dims,
        Err(error) => return Err(core.refuse(call, error)),
    };
    let mut shared = Shared::<L>::create(comm, call, number, &dims)?;
    let mut field = shared.whole_mut();
    read_into(&mut field, call, NAME, path, reading, found)?;
    Ok(shared)
}

/// Implements the calls of the same name.
pub(super) fn read_from<L: FileLayout + ?Sized>(
    field: &mut Field<'_, L>,
    site: &'static Location<'static>,
    path: &Path,
) -> Result<()> {
    const NAME: &str = "read_from";
    let core = field.core();
    let _call = core.enter(NAME, site)?;
    let call = field.call(Kind::ReadFrom);
    let dims = L::dims(field.plan());
    let reading = Reading::Once;
    let found = find_on_root::<L>(core, call, NAME, path, reading, false, |found| {
        let there = dims_of::<L>(found)?;
        if there == dims {
            return Ok(());
        }
        Err(Error::File {
            call: NAME.to_owned(),
            path: path.display().to_string(),
            reason: format!(
                "it has the extents {there:?}, but the object has {dims:?}; load it as a new object instead"
            ),
            rank: core.group.topology.rank,
            host: core.group.host().to_owned(),
        })
    })?;
    read_into(field, call, NAME, path, reading, found)
}

/// All ranks agree on the arguments, and rank 0 looks at the files.
fn find_on_root<L: FileLayout + ?Sized>(
    core: &RankState,
    call: Call,
    name: &str,
    path: &Path,
    reading: Reading,
    verify: bool,
    check: impl FnOnce(&[FoundLeaf]) -> Result<()>,
) -> Result<Vec<FoundLeaf>> {
    let how = match (reading, verify) {
        (Reading::Once, false) => "",
        (Reading::Once, true) => ", verified",
        (Reading::PerNode, false) => ", read on each node",
        (Reading::PerNode, true) => ", read on each node, verified",
    };
    let argument = [path.as_os_str().as_bytes(), how.as_bytes()].concat();
    core.agree_on(call.step(Step::Path), &argument, Contribution::default())?;
    let found = core.write_long(call.root(0).step(Step::Extents), || {
        // A job that may only read finds nothing to put back, or cannot.
        let _ = replace::recover(path);
        let found = find(path, &FileLeaves::of::<L>(), verify)
            .map_err(|failure| failure.error(core, name))?;
        check(&found)?;
        Ok(postcard::to_allocvec(&found).expect("plain data always encodes"))
    })?;
    Ok(postcard::from_bytes(&found).expect("rank 0 runs the same executable"))
}

/// Whether what rank 0 has found for its type are leaves of `L`.
fn check_leaves<L: FileLayout + ?Sized>(core: &RankState, found: &[FoundLeaf]) -> Result<()> {
    let leaves = FileLeaves::of::<L>();
    let axes = leaves.iter().map(|leaf| leaf.axes);
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
    name: &'static str,
    path: &Path,
    reading: Reading,
    found: Vec<FoundLeaf>,
) -> Result<()> {
    let core = field.core();
    let topology = &core.group.topology;
    let files = FileLeaves::of::<L>();
    let placed = PlacedLeaf::all(field.handle().placed(&field.leaves()), &files);
    let leaves: Vec<ReadLeaf<'_>> = placed
        .into_iter()
        .zip(found)
        .map(|(placed, found)| ReadLeaf { placed, found })
        .collect();
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
    let bytes = regions_of(index, shares).iter().map(Region::bytes).sum();
    let mut progress = Progress::new(core, name, bytes);
    let seen = match reading {
        _ if topology.node() == 0 => Seen::HereAndThere,
        Reading::Once => Seen::OnSharedFiles,
        Reading::PerNode => Seen::AsCopies,
    };
    // SAFETY: all ranks have arrived at this call. Shares are disjoint, this rank has this one alone on its node, and what other
    // nodes send are the shares of their own ranks.
    let read = unsafe { read_share(&target, &leaves, &share, seen, &mut progress) };
    progress.end(name, path);
    if reading == Reading::Once {
        core.exchange_with_all_nodes(call, &target, |rank| regions_of(rank, shares));
    }
    let fault = read.err().map(|failure| failure.error(core, name));
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
    agreed?;
    let regions: Vec<Region> = field.handle().regions(&field.leaves()).collect();
    core.check_copies(call, &target, &regions)
}

//! `concat`: rows that all ranks bring become one object, in the order of ranks.

use crate::comm::Comm;
use crate::comm::closure::ClosureRunner;
use crate::comm::collective::allgather::NUMBERS;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::rank_state::RankState;
use crate::comm::transfer::Target;
use crate::error::{Error, Result};
use crate::layout::region::Region;
use crate::layout::stack::parts::{StackData, StackPart};
use crate::layout::stack::places::{Places, PlacesError};
use crate::layout::stack::{StackParts, StackShapes};
use crate::layout::{AsRows, Leaf, SharedLayout, StackLayout};
use crate::shared::Shared;
use pshmem_format::Checksum;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::panic::Location;

/// Bytes that are copied at a time if elements are not contiguous.
const COPY_BYTES: usize = 256 << 10;

impl<L: SharedLayout + ?Sized> Shared<L> {
    /// Makes an object of rows that all ranks bring: in the order of ranks, one copy on each node. Returns the object and the rows
    /// of this rank.
    ///
    /// No rank needs to know how many rows the others have found. A row is one element of a slice, one index of the first axis of an
    /// array, one record of [`Columns`](crate::Columns), one row of a [`Ragged`](crate::Ragged), one string, or one row of a
    /// [`Csr`](crate::Csr). A rank may bring no rows. Each rank writes its own straight into node memory.
    ///
    /// ```
    /// use pshmem::{Shared, Strings, local::Cluster};
    ///
    /// let found = Cluster::new(&[2, 1]).run(|comm| {
    ///     let mine: Strings = (0..comm.rank()).map(|i| format!("{i} of rank {}", comm.rank())).collect();
    ///     let (all, rows) = Shared::<Strings>::concat(comm, &mine).unwrap();
    ///     (all.to_owned(), rows)
    /// });
    /// assert_eq!(found[1].0, Strings::from(vec!["0 of rank 1", "0 of rank 2", "1 of rank 2"]));
    /// assert_eq!(found[1].1, 0..1);
    /// ```
    ///
    /// A derived struct names the dim that counts its rows: `rows = n`. Fields whose first extent is `n` are stacked; all ranks bring
    /// the same values of the other fields.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use pshmem::{Comm, Shared, SharedLayout, Strings};
    ///
    /// #[derive(SharedLayout)]
    /// #[shared(dims(n, bytes), rows = n)]
    /// struct Stations {
    ///     #[shared(shape = [n, 2])]
    ///     position: Array2<f64>,
    ///     #[shared(shape = [n, bytes])]
    ///     name: Strings,
    ///     year: u32,
    /// }
    ///
    /// let mine = Stations { position: Array2::zeros((2, 2)), name: vec!["Bern", "Basel"].into(), year: 1990 };
    /// let (stations, rows) = Shared::<Stations>::concat(&Comm::solo(), &mine)?;
    /// assert_eq!((rows, &stations.view().name[1]), (0..2, "Basel"));
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// All ranks of `comm` call it, with the same type. The rounds of [`new`](Shared::new) and three more, one of them again for each
    /// 80 ranks and each 8 leaves, because all ranks learn how many rows each has. Over N nodes, each rank's rows are sent to each other
    /// node once.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if ranks pass different types, rows of different extents, or different values of a common field,
    /// [`Error::Shape`] if the fields of a rank's struct contradict each other; those of [`new`](Shared::new). No object exists then.
    #[track_caller]
    pub fn concat<M: AsRows<L> + ?Sized>(comm: &Comm, mine: &M) -> Result<(Self, Range<usize>)>
    where
        L: StackLayout,
    {
        // Here, where no rank waits yet: the implementation may be a user's.
        let rows = mine.as_rows();
        let core = &comm.core;
        let _call = core.enter(Kind::Concat.name(), Location::caller())?;
        let number = core.memory.next_object();
        Self::stack(comm, Call::new(Kind::Concat), number, rows)
    }
}

impl<L: StackLayout + ?Sized> Shared<L> {
    /// The rounds of `concat`.
    pub(super) fn stack(
        comm: &Comm,
        call: Call,
        number: u64,
        rows: L::Rows<'_>,
    ) -> Result<(Self, Range<usize>)> {
        let mut stacked = Stacked::<L>::new(comm, call, number, rows)?;
        let completed = stacked.complete();
        stacked.finish(completed)
    }
}

/// An object with the rows of all ranks, before what follows from them is computed.
pub(super) struct Stacked<L: StackLayout + ?Sized> {
    call: Call,
    /// Of what the implementation of `StackLayout` has copied; it may be a user's, and panic.
    copies: ClosureRunner,
    /// Such a panic, if the ranks have not agreed on it yet.
    fault: Option<Error>,
    pub(super) shared: Shared<L>,
    pub(super) places: Places,
}

impl<L: StackLayout + ?Sized> Stacked<L> {
    /// All rounds but the last one. The rows of all ranks are in place on this rank's node when this returns.
    pub(super) fn new(comm: &Comm, call: Call, number: u64, rows: L::Rows<'_>) -> Result<Self> {
        let core = &comm.core;
        let mut parts = StackParts::default();
        let fault = L::parts(rows, &mut parts).err();
        let parts = parts.into_parts();
        let type_name = std::any::type_name::<L>();
        core.agree_on(
            call.step(Step::Type),
            type_name.as_bytes(),
            Contribution::fault(fault),
        )?;
        let places = gather(core, call, &parts)?;
        let dims = L::dims_of_stack(&mut StackShapes::new(&places.shapes()))?;
        let mut shared = Shared::<L>::create(comm, call, number, &dims)?;
        let field = shared.whole_mut();
        let (handle, leaves) = (field.handle(), field.leaves());
        let in_memory = handle.placed(&leaves);
        let schema = &handle.schema().fields[leaves.clone()];
        // Otherwise bytes of one type could be written where another one is.
        assert!(
            in_memory
                .iter()
                .map(|leaf| leaf.type_id)
                .eq(parts.iter().map(|part| part.type_id))
                && places.fill(schema.iter().map(|field| &field.extents[..])),
            "the implementation of `StackLayout` names other leaves than that of `SharedLayout`"
        );
        let topology = &core.group.topology;
        let mut copies = ClosureRunner::new(topology.rank);
        if let Err(error) = agree_on_common(core, call, &parts, &mut copies) {
            return copies.finish(Err(error));
        }
        // SAFETY: only the ranks in this call know the object.
        let target = unsafe { handle.target(&leaves) };
        let written = copies.run(|| {
            // SAFETY: all ranks have arrived at this call, and no rank has a view of the object. The rows of two ranks have no byte
            // in common, and common leaves are written by the leader of each node alone.
            unsafe {
                write(
                    &target,
                    in_memory,
                    &parts,
                    &places,
                    topology.rank,
                    topology.is_leader(),
                );
            };
            Ok(())
        });
        let mut fault = written.err();
        // Also after a panic: the other nodes wait for these bytes.
        core.exchange_with_all_nodes(call, &target, |rank| places.regions(in_memory, rank));
        if handle.composites(&leaves).next().is_some() {
            // What this node's ranks write and receive is in place before one of them computes the rest.
            let in_place = core.agree(call.step(Step::Write), Contribution::fault(fault.take()));
            if let Err(error) = in_place {
                return copies.finish(Err(error));
            }
        }
        drop(target);
        Ok(Stacked {
            call,
            copies,
            fault,
            shared,
            places,
        })
    }

    /// The leader of each node computes what follows from the rows.
    fn complete(&mut self) -> Result<()> {
        if !self.shared.comm().core.group.topology.is_leader() {
            return Ok(());
        }
        let leaves = self.shared.whole_mut().leaves();
        self.complete_composites(&leaves)
    }

    /// The same for the composites inside of an object that is one itself. On the leader of each node.
    pub(super) fn complete_inner(&mut self) -> Result<()> {
        let leaves = self.shared.whole_mut().leaves();
        self.complete_composites(&(leaves.start + 1..leaves.end))
    }

    /// The composites among these leaves.
    fn complete_composites(&mut self, leaves: &Range<usize>) -> Result<()> {
        let field = self.shared.whole_mut();
        let used = &self.places.used()[leaves.start - field.leaves().start..];
        // SAFETY: only the ranks in this call know the object.
        let target = unsafe { field.handle().target(leaves) };
        // SAFETY: the rows are in place, and the other ranks of the node wait in the last round.
        let completed = unsafe { field.handle().complete_all(&target, leaves, used) };
        completed.map_err(|what| Error::Corrupt {
            call: self.call.name().to_owned(),
            what,
        })
    }

    /// The last round. Returns the object, and the rows of this rank.
    pub(super) fn finish(mut self, completed: Result<()>) -> Result<(Shared<L>, Range<usize>)> {
        let field = self.shared.whole_mut();
        let (core, leaves) = (field.core(), field.leaves());
        let fault = self.fault.take().or(completed.err());
        let finish = || {
            core.agree(self.call.step(Step::Finish), Contribution::fault(fault))?;
            let regions: Vec<Region> = field.handle().regions(&leaves).collect();
            // SAFETY: only the ranks in this call know the object.
            let target = unsafe { field.handle().target(&leaves) };
            core.check_copies(self.call, &target, &regions)?;
            Ok(self.places.rows(core.group.topology.rank))
        };
        let rows = finish();
        self.copies.finish(rows.map(|rows| (self.shared, rows)))
    }
}

/// All ranks learn how many rows each of them brings, or get the same error.
fn gather(core: &RankState, call: Call, parts: &[StackPart<'_>]) -> Result<Places> {
    let numbers = parts.iter().flat_map(|part| part.data.extents());
    let mine: Vec<u64> = std::iter::once(hash_of_kinds(parts))
        .chain(numbers.map(|extent| extent as u64))
        .collect();
    let ranks: Vec<usize> = (0..core.group.topology.size()).collect();
    let mut extents = vec![Vec::new(); ranks.len()];
    for some in mine.chunks(NUMBERS) {
        let found = core.allgather(call.step(Step::Gather), &ranks, Some(&some.to_vec()))?;
        for (all, some) in extents.iter_mut().zip(found) {
            all.extend(some.into_iter().map(|extent| extent as usize));
        }
        // From the first ones on, all ranks know whether all have as many numbers: the implementation of `StackLayout` may be a
        // user's, and name other parts on each rank.
        check_hashes(call, &extents)?;
    }
    for all in &mut extents {
        all.remove(0);
    }
    let kinds = parts.iter().map(StackPart::kind).collect();
    Places::new(kinds, extents).map_err(|error| match error {
        PlacesError::Differ {
            part,
            rank,
            first,
            found,
        } => {
            let text = |extents: &[usize]| format!("{}extents {extents:?}", parts[part].label());
            Error::Mismatch {
                call: call.name().to_owned(),
                reference: 0,
                ours: text(&first),
                rank,
                theirs: text(&found),
            }
        }
        PlacesError::TooMany { part } => Error::TooLarge {
            what: format!("{}rows of all ranks", parts[part].label()),
            extents: vec![usize::MAX],
            size: parts[part].element,
        },
    })
}

/// The first number of each rank is a hash of its parts.
fn check_hashes(call: Call, numbers: &[Vec<usize>]) -> Result<()> {
    let Some(rank) = numbers.iter().position(|all| all[0] != numbers[0][0]) else {
        return Ok(());
    };
    let text = |rank: usize| format!("parts with the checksum {:016x}", numbers[rank][0]);
    Err(Error::Mismatch {
        call: call.name().to_owned(),
        reference: 0,
        ours: text(0),
        rank,
        theirs: text(rank),
    })
}

/// A hash of all that the parts are but their rows. The same on all ranks if these are, because all run the same executable.
fn hash_of_kinds(parts: &[StackPart<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for part in parts {
        (&part.name, part.type_id, part.element, part.kind()).hash(&mut hasher);
    }
    hasher.finish()
}

/// All ranks compare what each of them brings of common parts.
fn agree_on_common(
    core: &RankState,
    call: Call,
    parts: &[StackPart<'_>],
    copies: &mut ClosureRunner,
) -> Result<()> {
    let is_compared =
        |part: &&StackPart<'_>| part.is_common && !matches!(part.data, StackData::Derived);
    for part in parts.iter().filter(is_compared) {
        let mut sum = Checksum::new();
        let summed = copies.run(|| {
            match &part.data {
                StackData::Derived => {}
                StackData::Offsets { offsets, .. } => sum.update(bytemuck::cast_slice(offsets)),
                StackData::Elements { extents, copy } => {
                    let mut buffer = vec![0; part.element.max(COPY_BYTES)];
                    for some in pieces(extents.iter().product(), part.element) {
                        let bytes = &mut buffer[..some.len() * part.element];
                        copy(some, bytes);
                        sum.update(bytes);
                    }
                }
            }
            Ok(())
        });
        let text = format!(
            "{}value with the checksum {:016x}",
            part.label(),
            sum.value()
        );
        core.agree_on(
            call.step(Step::Common),
            text.as_bytes(),
            Contribution::fault(summed.err()),
        )?;
    }
    Ok(())
}

/// Writes the rows of this rank, and common parts if `is_leader`.
///
/// # Safety
/// As for [`Target::run_mut`], for these bytes. The leaves are of the types of the parts.
unsafe fn write(
    target: &Target<'_>,
    leaves: &[Leaf],
    parts: &[StackPart<'_>],
    places: &Places,
    rank: usize,
    is_leader: bool,
) {
    for (index, (part, leaf)) in parts.iter().zip(leaves).enumerate() {
        if part.is_common && !is_leader {
            continue;
        }
        let region = places.region(leaf, index, rank);
        match &part.data {
            StackData::Derived => {}
            StackData::Offsets { offsets, .. } => {
                // SAFETY: passed on from the caller.
                let bytes = unsafe { target.run_mut(region.start, region.run) };
                let first = places.start(index + 1, rank) as u64;
                let into = bytemuck::cast_slice_mut::<u8, u64>(bytes);
                for (into, offset) in into.iter_mut().zip(&offsets[1..]) {
                    *into = first + offset;
                }
            }
            StackData::Elements { extents, copy } => {
                for some in pieces(extents.iter().product(), part.element) {
                    let at = region.start + some.start * part.element;
                    // SAFETY: passed on from the caller.
                    let bytes = unsafe { target.run_mut(at, some.len() * part.element) };
                    copy(some, bytes);
                }
            }
        }
    }
}

/// Cuts a number of elements into runs. None of elements without bytes.
fn pieces(elements: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    let per_piece = COPY_BYTES.checked_div(size).unwrap_or(usize::MAX).max(1);
    let elements = if size == 0 { 0 } else { elements };
    (0..elements)
        .step_by(per_piece)
        .map(move |start| start..elements.min(start + per_piece))
}

//! [`Source`]: data of any format fill an object in place. `load_with`.

use crate::comm::Comm;
use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::error::Result;
use crate::layout::partition::Partition;
use crate::layout::rows::regions_of_rows;
use crate::layout::{BlockLayout, RowLayout};
use crate::shared::Shared;
use std::fmt::Display;
use std::ops::Range;
use std::panic::Location;

/// Something that rows of elements can be read from: a dataset of HDF5, netCDF, Zarr or FITS, a text file, a socket.
///
/// [`Shared::load_with`] shows one.
pub trait Source<T> {
    /// Why it cannot be read.
    type Error: Display;

    /// The extents of the whole, outermost first. A row is everything with one index of the first axis.
    ///
    /// # Errors
    /// Those of the source. They end the call on all ranks.
    fn extents(&mut self) -> Result<Vec<usize>, Self::Error>;

    /// Reads some rows. `into` has exactly as many elements, in row-major order. They are zero before.
    ///
    /// # Errors
    /// Those of the source. They end the call on all ranks.
    fn read(&mut self, rows: Range<usize>, into: &mut [T]) -> Result<(), Self::Error>;
}

impl<L: RowLayout + BlockLayout + ?Sized> Shared<L> {
    /// Makes a slice or an array from a [`Source`]: each rank reads a share of the rows straight into node memory.
    ///
    /// `open` runs on each rank that reads, that is on rank 0, which asks for the extents, and on all that have rows.
    ///
    /// ```
    /// use pshmem::{Comm, Shared, Source};
    /// use std::ops::Range;
    ///
    /// struct Squares;
    ///
    /// impl Source<u64> for Squares {
    ///     type Error = String;
    ///
    ///     fn extents(&mut self) -> Result<Vec<usize>, String> {
    ///         Ok(vec![100])
    ///     }
    ///
    ///     fn read(&mut self, rows: Range<usize>, into: &mut [u64]) -> Result<(), String> {
    ///         for (row, place) in rows.zip(into) {
    ///             *place = (row * row) as u64;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let squares = Shared::<[u64]>::load_with(&Comm::solo(), || Ok::<_, String>(Squares))?;
    /// assert_eq!(squares.view()[9], 81);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// All ranks of `comm` call it, with the same type. Rows are in equal shares as in
    /// [`update_parts`](Shared::update_parts), so each is read once in the whole job, and sent to each other node. Two rounds more
    /// than [`new`](Shared::new).
    ///
    /// # Errors
    /// [`Error::Closure`](crate::Error::Closure) if a source cannot be opened or read, or gives a wrong number of extents; those of
    /// [`new`](Shared::new). No object exists then.
    ///
    /// # Panics
    /// On the ranks where the closure or the source panics, after the other ranks have got their error.
    #[track_caller]
    pub fn load_with<S: Source<L::Item>, E: Display>(
        comm: &Comm,
        open: impl FnOnce() -> Result<S, E>,
    ) -> Result<Self> {
        Self::from_source(comm, Location::caller(), open)
    }

    fn from_source<S: Source<L::Item>, E: Display>(
        comm: &Comm,
        site: &'static Location<'static>,
        open: impl FnOnce() -> Result<S, E>,
    ) -> Result<Self> {
        let core = &comm.core;
        let _call = core.enter(Kind::LoadWith.name(), site)?;
        let call = Call::new(Kind::LoadWith);
        // Taken before anything can fail, so that all ranks number later objects alike.
        let number = core.memory.next_object();
        let mut source = Unopened(Some(open));
        let mut opened = None;
        let mut closure = ClosureRunner::new(0);
        let sent = core.write_long(call.root(0).step(Step::Extents), || {
            let extents = closure.run(|| {
                let source = opened.insert(source.open()?);
                let extents = source.extents().map_err(|error| error.to_string())?;
                dims_from::<L>(&extents).map(|_| extents)
            })?;
            Ok(postcard::to_allocvec(&extents).expect("numbers always encode"))
        });
        let sent = closure.finish(sent)?;
        let extents: Vec<usize> =
            postcard::from_bytes(&sent).expect("rank 0 runs the same executable");
        // A rank with another type may need another number of extents. It must still take part in the round that compares the types.
        let dims = match dims_from::<L>(&extents) {
            Ok(dims) => dims,
            Err(message) => {
                let error = crate::Error::Closure { rank: 0, message };
                return Err(core.refuse(call, error));
            }
        };
        let mut shared = Self::create(comm, call, number, &dims)?;
        let mut field = shared.whole_mut();
        let rows = L::rows(field.plan());
        let partition = Partition::balanced(rows, &core.group.topology.ranks_of_nodes());
        let mine = partition.of(core.group.topology.rank);
        let per_row = L::elements(field.plan()).checked_div(rows).unwrap_or(0);
        let run = mine.start * per_row..mine.end * per_row;
        let (plan, base) = (field.plan(), field.handle().base_mut());
        let leaves = field.handle().placed(&field.leaves());
        let regions_of = |rank| regions_of_rows(leaves, rows, &partition.of(rank));
        field.write_regions(call.step(Step::Write), leaves, regions_of, || {
            // Dropped here, where other ranks learn of a panic.
            let mut source = match opened.take() {
                Some(source) => source,
                None if mine.is_empty() => return Ok(()),
                None => source.open()?,
            };
            if mine.is_empty() {
                return Ok(());
            }
            let there = source.extents().map_err(|error| error.to_string())?;
            if there != extents {
                return Err(format!(
                    "the source has the extents {there:?} here, but {extents:?} on rank 0"
                ));
            }
            // SAFETY: the segment is laid out by the plan. The object has just been made, so no rank has a view of it. Until all
            // ranks have finished, only this rank uses these rows on its node: the partition gives each row to one rank, and other
            // nodes send only the rows of their ranks.
            let into = unsafe { L::run_mut(plan, base, run) };
            source.read(mine, into).map_err(|error| error.to_string())
        })?;
        Ok(shared)
    }
}

/// A source that may still be opened, once.
struct Unopened<O>(Option<O>);

impl<S, E: Display, O: FnOnce() -> Result<S, E>> Unopened<O> {
    fn open(&mut self) -> Result<S, String> {
        let open = self.0.take().expect("a source is opened once");
        open().map_err(|error| error.to_string())
    }
}

/// The extents as those of `L`.
fn dims_from<L: RowLayout + ?Sized>(extents: &[usize]) -> Result<L::Dims, String> {
    let mut numbers = extents.iter().copied();
    let dims = L::decode_dims(&mut numbers);
    dims.filter(|_| numbers.next().is_none()).ok_or_else(|| {
        format!(
            "the source has the extents {extents:?}, which are not as many as `{}` has axes",
            std::any::type_name::<L>()
        )
    })
}

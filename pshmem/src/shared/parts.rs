//! `update_parts` and its variants: all ranks write at the same time, each a part of its own, in place.

use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::error::{Error, Result};
use crate::layout::partition::Partition;
use crate::layout::region::Region;
use crate::layout::{Field, RowLayout};
use crate::shared::Shared;
use std::fmt::Display;
use std::ops::Range;
use std::panic::Location;

/// Defines the calls on one type. `$write` is the `Field` on which they are implemented.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $write:expr) => {
        impl<$($generics)* L: RowLayout + ?Sized> $type {
            /// All ranks write at the same time, each a part of its own, in place.
            ///
            /// The closure gets the rows of this rank's part and the part itself: `&mut [T]` of a slice, `ArrayViewMut` of an
            /// array, one slice for each column. Returns the closure's result on each rank.
            ///
            /// Parts are equal shares of the rows. Parts of one node are adjacent: they are in the order of nodes, and on a node
            /// in the order of ranks. If there are fewer rows than ranks, some parts are empty; the closure runs there too.
            ///
            /// The closure may read another object or field, so a step from one field to the next needs no copy. A rank may
            /// also use threads inside its part.
            ///
            /// ```
            /// use ndarray::Array1;
            /// use pshmem::{Shared, SharedLayout, local::Cluster};
            ///
            /// #[derive(SharedLayout)]
            /// #[shared(dims(n))]
            /// struct Flow {
            ///     #[shared(shape = [n])]
            ///     now: Array1<f64>,
            ///     #[shared(shape = [n])]
            ///     next: Array1<f64>,
            /// }
            ///
            /// let sums = Cluster::new(&[2, 1]).run(|comm| {
            ///     let mut flow = Shared::<Flow>::new(comm, FlowDims { n: 8 }).unwrap();
            ///     let mut f = flow.fields();
            ///     f.now.fill(1.0).unwrap();
            ///     f.next.update_parts(|rows, mut out| {
            ///         let now = f.now.view(); // all of it, also the rows of other ranks
            ///         for (i, out) in rows.zip(out.iter_mut()) {
            ///             *out = now[i] + now[(i + 1) % now.len()];
            ///         }
            ///     }).unwrap();
            ///     flow.view().next.sum()
            /// });
            /// assert_eq!(sums, [16.0; 3]);
            /// ```
            ///
            /// # Collective
            /// All ranks call it, with the same object. Two rounds, and each rank waits until its node's copy is complete. Over
            /// N nodes, each part is sent to each other node once, from its rank to one rank there, as soon as its closure has
            /// ended.
            ///
            /// # Errors
            /// [`Error::Closure`](crate::Error::Closure) on the other ranks when a closure panics, that of the lowest rank if
            /// several do; the errors of [`Comm::barrier`](crate::Comm::barrier).
            ///
            /// # Panics
            /// On the ranks where the closure panics. What all closures wrote by then is sent to the other nodes first.
            #[track_caller]
            pub fn update_parts<R>(&mut $self, write: impl FnOnce(Range<usize>, L::Part<'_>) -> R) -> Result<R> {
                $write.write_equal_parts(Location::caller(), |rows, part| Ok(write(rows, part)))
            }

            /// Like [`update_parts`](Self::update_parts), with a closure that may fail.
            ///
            /// The error of the lowest rank that fails becomes [`Error::Closure`](crate::Error::Closure) on all ranks. What all
            /// closures wrote by then is on every node.
            ///
            /// ```
            /// use pshmem::{Error, Shared, local::Cluster};
            ///
            /// let failed = Cluster::new(&[1, 1]).run(|comm| {
            ///     let mut table = Shared::<[u64]>::new(comm, 4).unwrap();
            ///     table.try_update_parts(|rows, _| if rows.start == 0 { Ok(()) } else { Err("no file") })
            /// });
            /// let error = Error::Closure { rank: 1, message: "no file".to_owned() };
            /// assert_eq!(failed, [Err(error.clone()), Err(error)]);
            /// ```
            ///
            /// # Collective
            /// As [`update_parts`](Self::update_parts).
            ///
            /// # Errors
            /// As [`update_parts`](Self::update_parts).
            ///
            /// # Panics
            /// As [`update_parts`](Self::update_parts).
            #[track_caller]
            pub fn try_update_parts<R, E: Display>(
                &mut $self,
                write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, E>,
            ) -> Result<R> {
                $write.write_equal_parts(Location::caller(), |rows, part| {
                    write(rows, part).map_err(|error| error.to_string())
                })
            }

            /// Like [`update_parts`](Self::update_parts), with parts of given sizes: rank r has `counts[r]` rows, which follow
            /// those of rank r - 1.
            ///
            /// ```
            /// use pshmem::{Shared, local::Cluster};
            ///
            /// let tables = Cluster::new(&[3]).run(|comm| {
            ///     let mut table = Shared::<[usize]>::new(comm, 6).unwrap();
            ///     table.update_parts_by(&[1, 5, 0], |_, part| part.fill(comm.rank() + 1)).unwrap();
            ///     table.to_owned()
            /// });
            /// assert_eq!(tables[2], [1, 2, 2, 2, 2, 2]);
            /// ```
            ///
            /// # Collective
            /// As [`update_parts`](Self::update_parts), with the same counts on all ranks.
            ///
            /// # Errors
            /// [`Error::Counts`](crate::Error::Counts) when there is not one count for each rank or their sum is not the number
            /// of rows, [`Error::Mismatch`](crate::Error::Mismatch) when ranks pass different counts; no closure was called
            /// then. The errors of [`update_parts`](Self::update_parts).
            ///
            /// # Panics
            /// As [`update_parts`](Self::update_parts).
            #[track_caller]
            pub fn update_parts_by<R>(
                &mut $self,
                counts: &[usize],
                write: impl FnOnce(Range<usize>, L::Part<'_>) -> R,
            ) -> Result<R> {
                $write.write_counted_parts(Location::caller(), counts, |rows, part| Ok(write(rows, part)))
            }

            /// Like [`update_parts_by`](Self::update_parts_by), with a closure that may fail.
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// let mut table = Shared::<[u64]>::new(&Comm::solo(), 2)?;
            /// let failed = table.try_update_parts_by(&[2], |_, part| {
            ///     part[0] = "12".parse()?;
            ///     part[1] = "no number".parse()?;
            ///     Ok::<(), std::num::ParseIntError>(())
            /// });
            /// assert!(failed.is_err());
            /// assert_eq!(table.view(), [12, 0]);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// As [`update_parts_by`](Self::update_parts_by).
            ///
            /// # Errors
            /// As [`update_parts_by`](Self::update_parts_by).
            ///
            /// # Panics
            /// As [`update_parts`](Self::update_parts).
            #[track_caller]
            pub fn try_update_parts_by<R, E: Display>(
                &mut $self,
                counts: &[usize],
                write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, E>,
            ) -> Result<R> {
                $write.write_counted_parts(Location::caller(), counts, |rows, part| {
                    write(rows, part).map_err(|error| error.to_string())
                })
            }
        }
    };
}

calls!([] Shared<L>, self, self.whole_mut());
calls!(['a,] Field<'a, L>, self, self);

impl<L: RowLayout + ?Sized> Field<'_, L> {
    fn write_equal_parts<R>(
        &mut self,
        site: &'static Location<'static>,
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, String>,
    ) -> Result<R> {
        let core = self.core();
        let _call = core.enter(Kind::UpdateParts.name(), site)?;
        let call = self.call(Kind::UpdateParts);
        core.barrier(call)?;
        let partition =
            Partition::balanced(L::rows(self.plan()), &core.group.topology.ranks_of_nodes());
        self.write_parts(call, &partition, write)
    }

    fn write_counted_parts<R>(
        &mut self,
        site: &'static Location<'static>,
        counts: &[usize],
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, String>,
    ) -> Result<R> {
        let core = self.core();
        let _call = core.enter(Kind::UpdatePartsBy.name(), site)?;
        let call = self.call(Kind::UpdatePartsBy);
        let (rank, ranks) = (core.group.topology.rank, core.group.topology.size());
        let rows = L::rows(self.plan());
        let wrong = |sum| Error::Counts {
            rank,
            counts: counts.len(),
            sum,
            size: ranks,
            rows,
        };
        let partition = Partition::by_counts(counts, rows)
            .map_err(wrong)
            .and_then(|partition| {
                let is_whole = counts.len() == ranks;
                is_whole.then_some(partition).ok_or_else(|| wrong(rows))
            });
        let list = postcard::to_allocvec(counts).expect("numbers always encode");
        core.agree_on(
            call,
            &list,
            Contribution::fault(partition.as_ref().err().cloned()),
        )?;
        self.write_parts(call, &partition?, write)
    }

    /// The second round. The ranks have agreed on `call` and `partition`; each writes its part and sends it to the other nodes.
    fn write_parts<R>(
        &mut self,
        call: Call,
        partition: &Partition,
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, String>,
    ) -> Result<R> {
        let rows = partition.of(self.core().group.topology.rank);
        // SAFETY: the segment is laid out by the plan (`Field::new`). All ranks of the node are in this same call with their
        // handles to these leaves held mutably, so no view of them is alive, and none leaves before all have finished. Until
        // then only this rank uses these rows on its node: the partition, on which all agreed, gives each row to one rank, and
        // other nodes send only the rows of their ranks.
        let part = unsafe { L::part(self.plan(), self.handle().base_mut(), rows.clone()) };
        self.write_rows(call, partition, || write(rows, part))
    }

    /// The second round of a call in which each rank writes its rows of `partition`, which is what `write` does on this one.
    pub(crate) fn write_rows<R>(
        &mut self,
        call: Call,
        partition: &Partition,
        write: impl FnOnce() -> Result<R, String>,
    ) -> Result<R> {
        let core = self.core();
        let leaves = self.leaves();
        let mut closure = ClosureRunner::new(core.group.topology.rank);
        let written = closure.run(write);
        // SAFETY: every rank that arrived at this call holds its handle to the leaves mutably, as here.
        let target = unsafe { self.handle().target(&leaves) };
        let n_rows = L::rows(self.plan());
        core.exchange_with_all_nodes(call, &target, |rank| {
            self.handle().rows(&leaves, n_rows, &partition.of(rank))
        });
        let agreed = core.agree(
            call.step(Step::Finish),
            Contribution::fault(written.as_ref().err().cloned()),
        );
        let regions: Vec<Region> = self.handle().regions(&leaves).collect();
        let checked = match &agreed {
            Err(error) if error.is_fatal() => Ok(()),
            _ => core.check_copies(call, &target, &regions),
        };
        closure.finish(agreed.and(checked).and(written))
    }
}

//! Writing in parallel: every rank writes a part of its own, in place.

use crate::comm::closure::ClosureRunner;
use crate::comm::collective::call::{Call, Kind, Step};
use crate::comm::collective::contribution::Contribution;
use crate::error::{Error, Result};
use crate::layout::partition::Partition;
use crate::layout::region::Region;
use crate::layout::{Field, RowLayout};
use crate::shared::Shared;
use std::fmt::Display;
use std::ops::Range;
use std::panic::Location;

/// Writes the calls for one type; `$write` makes the `Field` that does the work.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $write:expr) => {
        impl<$($generics)* L: RowLayout + ?Sized> $type {
            /// All ranks write, each a part of its own, in place: the closure gets the rows of this rank's part and the part
            /// itself, `&mut [T]` of a slice, `ArrayViewMut` of an array, one slice for each column. Returns what the closure
            /// returned here.
            ///
            /// Parts are equal shares of the rows. Those of one node lie next to each other: parts follow the nodes, and on
            /// a node the ranks. Where there are fewer rows than ranks, some parts are empty; the closure runs there too.
            ///
            /// Reading *another* object or field in the closure is ordinary code, so a step from one field to the next needs
            /// no copy, and a rank may use threads inside its part:
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
            /// Over all ranks, with the same object. Two meetings, and a rank waits until its node's copy is whole. Over N
            /// nodes, each part travels to each other node once, from its rank to one of theirs, straight from segment to
            /// segment, as soon as its closure has ended.
            ///
            /// # Errors
            /// [`Error::Closure`](crate::Error::Closure) on the other ranks when a closure panics, that of the lowest rank
            /// where several do; those of [`Comm::barrier`](crate::Comm::barrier).
            ///
            /// # Panics
            /// When the closure panics, on the ranks where it did; what all closures had written by then is on every node.
            #[track_caller]
            pub fn update_parts<R>(&mut $self, write: impl FnOnce(Range<usize>, L::Part<'_>) -> R) -> Result<R> {
                $write.write_equal_parts(Location::caller(), |rows, part| Ok(write(rows, part)))
            }

            /// Like [`update_parts`](Self::update_parts), with a closure that may fail; its error becomes
            /// [`Error::Closure`](crate::Error::Closure) on all ranks. What all closures had written by then is on every node.
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

            /// Like [`update_parts`](Self::update_parts), with parts of given sizes: rank r has `counts[r]` rows, behind those
            /// of rank r - 1.
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
            /// of rows, [`Error::Mismatch`](crate::Error::Mismatch) when ranks give different counts: no closure runs then.
            /// Else as [`update_parts`](Self::update_parts).
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
        core.enter(Kind::UpdateParts.name(), site)?;
        let call = self.handle().call(Kind::UpdateParts, &L::span(self.plan()));
        core.barrier(call)?;
        let partition = Partition::balanced(L::rows(self.plan()), &core.topology.ranks_of_nodes());
        self.write_parts(call, &partition, write)
    }

    fn write_counted_parts<R>(
        &mut self,
        site: &'static Location<'static>,
        counts: &[usize],
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, String>,
    ) -> Result<R> {
        let core = self.core();
        core.enter(Kind::UpdatePartsBy.name(), site)?;
        let call = self
            .handle()
            .call(Kind::UpdatePartsBy, &L::span(self.plan()));
        let (rank, ranks) = (core.topology.rank, core.topology.size());
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
        core.agree_on(call, &list, partition.as_ref().err().cloned())?;
        self.write_parts(call, &partition?, write)
    }

    /// The ranks have agreed on `call` and `partition`: each writes its part, sends it to the other nodes, and they meet again.
    fn write_parts<R>(
        &mut self,
        call: Call,
        partition: &Partition,
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, String>,
    ) -> Result<R> {
        let core = self.core();
        let span = L::span(self.plan());
        let rank = core.topology.rank;
        let rows = partition.of(rank);
        // SAFETY: the segment is laid out by the plan (`Field::new`). All ranks of the node are in this same call with their
        // handles to these leaves held mutably, so no view of them is alive, and none leaves before all have met again. Until
        // then this rank alone uses these rows here: the partition, on which all agreed, gives each row to one rank, and from
        // other nodes come only the rows of their ranks.
        let part = unsafe { L::part(self.plan(), self.handle().base_mut(), rows.clone()) };
        let mut closure = ClosureRunner::new(rank);
        let written = closure.run(|| write(rows, part));
        // SAFETY: every rank that arrived at this call holds its handle to the leaves mutably, as here.
        let target = unsafe { self.handle().target(&span) };
        if core.is_multi_node() {
            let all = L::rows(self.plan());
            let (sends, receives) = core
                .topology
                .all_to_nodes(|rank| self.handle().rows(&span, all, &partition.of(rank)));
            core.exchange(call, &target, &sends, &receives, None);
        }
        let agreed = core.agree(
            call.step(Step::Finish),
            Contribution::fault(written.as_ref().err().cloned()),
        );
        let regions: Vec<Region> = self.handle().all(&span).collect();
        let checked = match &agreed {
            Err(error) if error.is_fatal() => Ok(()),
            _ => core.check_fields(call, &target, &regions),
        };
        closure.finish(agreed.and(checked).and(written))
    }
}

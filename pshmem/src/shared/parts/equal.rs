//! `update_parts`: all ranks write equal shares of the rows.

use crate::comm::protocol::call::Kind;
use crate::comm::protocol::contribution::Contribution;
use crate::error::Result;
use crate::layout::partition::Partition;
use crate::layout::{Field, RowLayout, SharedLayout};
use crate::shared::Shared;
use std::fmt::Display;
use std::ops::Range;
use std::panic::Location;

/// Defines the calls on one type. `$write` is the `Field` on which they are implemented.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $write:expr) => {
        impl<$($generics)* L: SharedLayout + ?Sized> $type {
            /// All ranks write at the same time, each a part of its own, in place.
            ///
            /// The closure gets the rows of this rank's part and the part itself: `&mut [T]` of a slice, `ArrayViewMut` of an
            /// array, one slice for each column, one part for each field of a struct that has the rows. Returns the closure's
            /// result on each rank.
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
            /// A struct that derives [`SharedLayout`](derive@crate::SharedLayout) with `rows = n` is written as a whole: the part
            /// has the rows of each field whose extents begin with `n`, and all of them travel together. Fields of
            /// [`Ragged`](crate::Ragged) and other tables are left out, because their rows have no fixed length.
            ///
            /// ```
            /// use ndarray::Array2;
            /// use pshmem::{Comm, Shared, SharedLayout};
            ///
            /// #[derive(SharedLayout)]
            /// #[shared(dims(n), rows = n)]
            /// struct Gas {
            ///     #[shared(shape = [n, 3])]
            ///     velocity: Array2<f64>,
            ///     #[shared(shape = [n])]
            ///     energy: Vec<f64>,
            ///     step: u64, // not in the part
            /// }
            ///
            /// let mut gas = Shared::<Gas>::new(&Comm::solo(), GasDims { n: 8 })?;
            /// gas.update_parts(|rows, mut part: GasPart<'_>| {
            ///     part.velocity.fill(2.0);
            ///     for (energy, v) in part.energy.iter_mut().zip(part.velocity.rows()) {
            ///         *energy = v.dot(&v) / 2.0;
            ///     }
            ///     assert_eq!(rows.len(), part.energy.len());
            /// })?;
            /// assert_eq!(gas.view().energy, [6.0; 8]);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// All ranks call it, with the same object. Two rounds, and each rank waits until its node's copy is complete. Over
            /// N nodes, each part is sent to each other node once, from its rank to one rank there, as soon as its closure has
            /// ended: in pieces of up to 32 MiB; the parts of small fields in one.
            ///
            /// # Errors
            /// [`Error::Closure`](crate::Error::Closure) on the other ranks when a closure panics, that of the lowest rank if
            /// several do; [`Error::Shape`](crate::Error::Shape) when a nested struct has other rows than the struct around it,
            /// after which nothing has changed; the errors of [`Comm::barrier`](crate::Comm::barrier).
            ///
            /// # Panics
            /// On the ranks where the closure panics. What all closures wrote by then is sent to the other nodes first.
            #[track_caller]
            pub fn update_parts<R>(&mut $self, write: impl FnOnce(Range<usize>, L::Part<'_>) -> R) -> Result<R>
            where
                L: RowLayout,
            {
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
            ) -> Result<R>
            where
                L: RowLayout,
            {
                $write.write_equal_parts(Location::caller(), |rows, part| {
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
        let leaves = self.row_leaves();
        core.agree(call, Contribution::fault(leaves.as_ref().err().cloned()))?;
        let partition =
            Partition::balanced(L::rows(self.plan()), &core.group.topology.ranks_of_nodes());
        self.write_parts(call, &leaves?, &partition, write)
    }
}

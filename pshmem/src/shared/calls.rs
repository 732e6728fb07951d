//! The calls in which at most one rank's data count, and those that read: documented once, for `Shared` and `Field`.
//!
//! `update.rs` and `set.rs` implement those that write.

use crate::error::Result;
use crate::layout::{AsBlock, BlockLayout, Field, SharedLayout};
use crate::shared::Shared;
use std::fmt::Display;
use std::panic::Location;

/// Defines the calls on one type. `$read` and `$write` are the `Field` on which they are implemented.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $read:expr, $write:expr) => {
        impl<$($generics)* L: SharedLayout + ?Sized> $type {
            /// The values, as plain references into node memory.
            ///
            /// The view borrows this handle, so no call that writes compiles while the view is used. Not collective; it costs
            /// a pointer addition.
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// let table = Shared::<[i32]>::from_root(&Comm::solo(), 0, || vec![1, 2, 3])?;
            /// assert_eq!(table.view().iter().sum::<i32>(), 6);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            pub fn view(&$self) -> L::View<'_> {
                $read.read()
            }

            /// Copies the values into private memory. Not collective.
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// let table = Shared::<[i32]>::from_root(&Comm::solo(), 0, || vec![1, 2, 3])?;
            /// let copy: Vec<i32> = table.to_owned();
            /// assert_eq!(copy, [1, 2, 3]);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            #[allow(clippy::should_implement_trait, clippy::same_name_method, reason = "the layout's Owned, as in std")]
            pub fn to_owned(&$self) -> L::Owned {
                $read.copy()
            }

            /// The extents. Not collective.
            ///
            /// ```
            /// use ndarray::Array2;
            /// use pshmem::{Comm, Shared};
            ///
            /// let grid = Shared::<Array2<f32>>::new(&Comm::solo(), [3, 5])?;
            /// assert_eq!(grid.dims(), [3, 5]);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            pub fn dims(&$self) -> L::Dims {
                L::dims($read.plan())
            }

            /// Number of bytes of the values, which each node holds once. Not collective.
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// assert_eq!(Shared::<[f64]>::new(&Comm::solo(), 10)?.bytes(), 80);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            pub fn bytes(&$self) -> usize {
                let field = $read;
                field.handle().bytes(&field.leaves())
            }

            /// Writes in place on one rank, then replicates what was written.
            ///
            /// The closure runs on `root` only and writes to its node's copy. The fields that it used mutably are then sent to
            /// the other nodes. Returns the closure's result on `root`, `None` on the other ranks.
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// let comm = Comm::solo();
            /// let mut table = Shared::<[u64]>::new(&comm, 4)?;
            /// let sum = table.update(0, |mut w| {
            ///     w[1] = 5;
            ///     w.iter().sum::<u64>()
            /// })?;
            /// assert_eq!(sum, Some(5));
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// All ranks call it, with the same object and root; only the root's closure is called. One round. Over N nodes, a
            /// header and the touched fields are sent to each other node once; the ranks of the root's node need not wait for
            /// that.
            ///
            /// # Errors
            /// [`Error::NoSuchRank`](crate::Error::NoSuchRank); [`Error::Closure`](crate::Error::Closure) on the other ranks
            /// when the closure panics; the errors of [`Comm::barrier`](crate::Comm::barrier).
            ///
            /// # Panics
            /// On `root`, when the closure panics. The fields that it touched are sent to the other nodes first, so all copies
            /// stay equal.
            #[track_caller]
            pub fn update<R>(&mut $self, root: usize, write: impl FnOnce(L::ViewMut<'_>) -> R) -> Result<Option<R>> {
                $write.update_on_root(root, Location::caller(), |view| Ok(write(view)))
            }

            /// Like [`update`](Self::update), with a closure that may fail.
            ///
            /// The closure's error becomes [`Error::Closure`](crate::Error::Closure) on all ranks. The fields that it touched
            /// are sent to the other nodes all the same.
            ///
            /// ```
            /// use pshmem::{Comm, Error, Shared};
            ///
            /// let mut table = Shared::<[u64]>::new(&Comm::solo(), 4)?;
            /// let result = table.try_update(0, |mut w| {
            ///     w[0] = "12".parse()?;
            ///     w[1] = "no number".parse()?;
            ///     Ok::<(), std::num::ParseIntError>(())
            /// });
            /// assert!(matches!(result, Err(Error::Closure { rank: 0, .. })));
            /// assert_eq!(table.view()[0], 12);
            /// # Ok::<(), Error>(())
            /// ```
            ///
            /// # Collective
            /// As [`update`](Self::update).
            ///
            /// # Errors
            /// As [`update`](Self::update).
            ///
            /// # Panics
            /// As [`update`](Self::update).
            #[track_caller]
            pub fn try_update<R, E: Display>(
                &mut $self,
                root: usize,
                write: impl FnOnce(L::ViewMut<'_>) -> Result<R, E>,
            ) -> Result<Option<R>> {
                $write.update_on_root(root, Location::caller(), |view| write(view).map_err(|error| error.to_string()))
            }

            /// Writes in place on one rank of each node, and sends nothing.
            ///
            /// The closure runs on the lowest rank of each node, to load a local file or to compute a table where it is needed.
            /// The caller must see to it that it writes the same on all nodes. Returns the closure's result on the ranks that
            /// called it, `None` on the others.
            ///
            /// ```
            /// let sums = pshmem::local::Cluster::new(&[2, 2]).run(|comm| {
            ///     let mut squares = pshmem::Shared::<[usize]>::new(comm, 10).unwrap();
            ///     squares.update_per_node(|mut w| w.iter_mut().enumerate().for_each(|(i, s)| *s = i * i)).unwrap();
            ///     squares.view().iter().sum::<usize>()
            /// });
            /// assert_eq!(sums, [285; 4]);
            /// ```
            ///
            /// # Collective
            /// All ranks call it, with the same object. Two rounds; no data are sent.
            ///
            /// # Errors
            /// [`Error::Closure`](crate::Error::Closure) on the other ranks when a closure panics, that of the lowest rank if
            /// several do; the errors of [`Comm::barrier`](crate::Comm::barrier).
            ///
            /// # Panics
            /// On the ranks where the closure panics.
            #[track_caller]
            pub fn update_per_node<R>(&mut $self, write: impl FnOnce(L::ViewMut<'_>) -> R) -> Result<Option<R>> {
                $write.update_on_leaders(Location::caller(), |view| Ok(write(view)))
            }

            /// Like [`update_per_node`](Self::update_per_node), with a closure that may fail.
            ///
            /// The error of the lowest rank that fails becomes [`Error::Closure`](crate::Error::Closure) on all ranks. What a
            /// closure wrote by then stays on its node.
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// let mut table = Shared::<[u8]>::new(&Comm::solo(), 4)?;
            /// let result = table.try_update_per_node(|_| Err::<(), _>("no such file"));
            /// assert_eq!(result.unwrap_err().to_string(), "the closure on rank 0 failed: no such file");
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// As [`update_per_node`](Self::update_per_node).
            ///
            /// # Errors
            /// As [`update_per_node`](Self::update_per_node).
            ///
            /// # Panics
            /// As [`update_per_node`](Self::update_per_node).
            #[track_caller]
            pub fn try_update_per_node<R, E: Display>(
                &mut $self,
                write: impl FnOnce(L::ViewMut<'_>) -> Result<R, E>,
            ) -> Result<Option<R>> {
                $write.update_on_leaders(Location::caller(), |view| write(view).map_err(|error| error.to_string()))
            }
        }

        impl<$($generics)* L: BlockLayout + ?Sized> $type {
            /// Writes a block at an offset. `root` passes `Some(block)`; the data of other ranks are ignored.
            ///
            /// The offset counts elements, not bytes: an index of a slice, `[row, column, ..]` of an array. It is where the
            /// first element of the block goes.
            ///
            /// ```
            /// use ndarray::{Array2, array};
            /// use pshmem::{Comm, Shared};
            ///
            /// let comm = Comm::solo();
            /// let mut grid = Shared::<Array2<f64>>::new(&comm, [3, 5])?;
            /// let block = array![[1.0, 2.0]];
            /// grid.set(0, [2, 3], (comm.rank() == 0).then(|| block.view()))?;
            /// assert_eq!(grid.view()[[2, 4]], 2.0);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// All ranks call it, with the same object and root; offset and block count on the root only. One round. Over N
            /// nodes, a header and the block are sent to each other node once; a block of up to about 1000 bytes travels with the
            /// messages of the round.
            ///
            /// # Errors
            /// [`Error::OutOfBounds`](crate::Error::OutOfBounds), [`Error::NoData`](crate::Error::NoData) and
            /// [`Error::NoSuchRank`](crate::Error::NoSuchRank), after which nothing has changed; the errors of
            /// [`Comm::barrier`](crate::Comm::barrier).
            #[track_caller]
            pub fn set(&mut $self, root: usize, offset: L::Offset, data: Option<L::Block<'_>>) -> Result<()> {
                $write.set_block(root, Location::caller(), offset, data.as_ref())
            }

            /// Like [`set`](Self::set), with a block that a closure makes on `root` only.
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// let mut table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
            /// table.set_with(0, 8, || vec![1.0, 2.0])?;
            /// assert_eq!(table.view()[9], 2.0);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// As [`set`](Self::set).
            ///
            /// # Errors
            /// As [`set`](Self::set), and [`Error::Closure`](crate::Error::Closure) on the other ranks when the closure panics.
            ///
            /// # Panics
            /// On `root`, when the closure panics.
            #[track_caller]
            pub fn set_with<B: AsBlock<L>>(
                &mut $self,
                root: usize,
                offset: L::Offset,
                block: impl FnOnce() -> B,
            ) -> Result<()> {
                $write.set_block_with(root, Location::caller(), offset, block)
            }

            /// Writes a block that one rank passes as `Some(block)`; the other ranks need not know which.
            ///
            /// The offset counts elements, as in [`set`](Self::set).
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// let comm = Comm::solo();
            /// let mut table = Shared::<[f64]>::new(&comm, 10)?;
            /// let found = comm.rank() == comm.size() - 1;
            /// table.assign(3, found.then_some(&[1.0, 2.0][..]))?;
            /// assert_eq!(table.view()[4], 2.0);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// All ranks call it, with the same object. Two rounds: one to find the rank, one to write. [`set`](Self::set)
            /// needs only the second.
            ///
            /// # Errors
            /// [`Error::Holders`](crate::Error::Holders) when no rank or more than one passes a block; the errors of
            /// [`set`](Self::set).
            #[track_caller]
            pub fn assign(&mut $self, offset: L::Offset, data: Option<L::Block<'_>>) -> Result<()> {
                $write.assign_block(Location::caller(), offset, data.as_ref())
            }

            /// Sets every element to the same value. Each rank writes a share of its node's copy.
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// let mut table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
            /// table.fill(1.5)?;
            /// assert_eq!(table.view(), [1.5; 10]);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// All ranks call it, with the same object and a value of the same bytes. Two rounds; no data are sent.
            ///
            /// # Errors
            /// [`Error::Mismatch`](crate::Error::Mismatch) when the values differ, after which nothing has changed; the errors
            /// of [`Comm::barrier`](crate::Comm::barrier).
            #[track_caller]
            pub fn fill(&mut $self, value: L::Item) -> Result<()> {
                $write.fill_all(Location::caller(), value)
            }
        }
    };
}

calls!([] Shared<L>, self, self.whole(), self.whole_mut());
calls!(['a,] Field<'a, L>, self, self, self);

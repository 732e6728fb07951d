//! `Shared<L>`: a typed object that each node holds once; and the calls of `Shared` and [`Field`].
//!
//! Every call is implemented once, on `Field`. `Shared` makes a field that covers the whole object and calls it.
//!
//! | file | contents |
//! |---|---|
//! | `object` | an object in node memory, and access to its leaves |
//! | `create`, `concat` | `new`, `from_root`; objects of rows that all ranks bring |
//! | `freeze` | bytes that are only read once they are made |
//! | `collect/` | objects of what all ranks bring, in which entries of several ranks are combined |
//! | `calls` | the calls that read, and those in which one rank's data count; `update` and `set` implement them |
//! | `parts`, `gather`, `reduce`, `scatter` | the calls in which all ranks write |
//! | `whole` | `resize`, `copy_from`, `swap`, `swap_data` |
//! | `composites` | leaves that belong together |
//! | `summary` | how objects print |

mod calls;
mod collect;
mod composites;
mod concat;
mod create;
mod freeze;
mod gather;
mod object;
mod parts;
mod reduce;
mod scatter;
mod set;
mod summary;
mod update;
mod whole;

use crate::comm::Comm;
use crate::comm::protocol::call::Kind;
use crate::error::Result;
use crate::layout::{Field, Schema, SharedLayout};
use crate::rank_thread::stays_on_rank_thread;
use object::Object;
use std::panic::Location;

/// A typed object of which every node of a [`Comm`] holds one copy, equal on all nodes.
///
/// [`view`](Shared::view) returns plain references into node memory. Every write is a collective call that takes `&mut self`,
/// so a program that holds a reference during a write does not compile, on any rank:
///
/// ```compile_fail
/// # let comm = pshmem::Comm::solo();
/// let mut table = pshmem::Shared::<[f64]>::new(&comm, 10)?;
/// let first = &table.view()[0];
/// table.update(0, |mut w| w[0] = 1.0)?; // error: `table` is borrowed by `first`
/// println!("{first}");
/// # Ok::<(), pshmem::Error>(())
/// ```
///
/// ```
/// use pshmem::{Comm, Shared};
///
/// let comm = Comm::solo();
/// let mut table = Shared::<[f64]>::new(&comm, 10)?;
/// table.update(0, |mut w| w[0] = 1.0)?;
/// assert_eq!(table.view()[0], 1.0);
/// # Ok::<(), pshmem::Error>(())
/// ```
///
/// Dropping is local and does not wait; the memory of a node is freed when the last of its ranks has dropped the object. A
/// `Shared` belongs to the thread of its rank: it is neither `Send` nor `Sync`. Its views are `Send` and `Sync` like `&T`, so
/// many threads of a rank may read.
pub struct Shared<L: SharedLayout + ?Sized> {
    /// Made together with the object's segment: the segment is laid out by it.
    plan: L::Plan,
    object: Object,
}

stays_on_rank_thread!([L: SharedLayout + ?Sized] Shared<L>);

impl<L: SharedLayout + ?Sized> Field<'_, L> {
    /// Disjoint handles to the fields of a nested struct; see [`Shared::fields`].
    ///
    /// ```
    /// use pshmem::{Comm, Shared, SharedLayout};
    ///
    /// #[derive(SharedLayout)]
    /// struct Inner {
    ///     table: Vec<f64>,
    /// }
    ///
    /// #[derive(SharedLayout)]
    /// struct Outer {
    ///     #[shared(layout)]
    ///     inner: Inner,
    ///     step: u64,
    /// }
    ///
    /// let dims = OuterDims { inner: InnerDims { table: 3 } };
    /// let mut outer = Shared::<Outer>::new(&Comm::solo(), dims)?;
    /// let mut fields = outer.fields();
    /// fields.inner.fields().table.fill(1.5)?;
    /// assert_eq!(fields.inner.view().table, [1.5; 3]);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn fields(&mut self) -> L::Fields<'_> {
        // SAFETY: the handle's object is laid out by a plan that this one is a part of, and `&mut self` makes the result the
        // only way to its leaves.
        unsafe { L::fields(self.plan(), self.handle()) }
    }
}

impl<'a, L: SharedLayout + ?Sized> Field<'a, L> {
    /// A view for as long as the object could be borrowed. Callers shorten it to their own borrow.
    fn read(&self) -> L::View<'a> {
        // SAFETY: the segment is laid out by the plan (`Field::new`). The leaves are written only by calls that hold them
        // mutably on every rank of the node; this rank cannot take part in one while it borrows `self`, and no call ends
        // without it.
        unsafe { L::view(self.plan(), self.handle().base()) }
    }

    fn copy(&self) -> L::Owned {
        // SAFETY: as in `read`, for the time of this call.
        unsafe { L::load(self.plan(), self.handle().base()) }
    }
}

impl<L: SharedLayout + ?Sized> Shared<L> {
    /// A field that covers the whole object, for reading.
    pub(crate) fn whole(&self) -> Field<'_, L> {
        // SAFETY: the object was made with this plan. The value is only read from: no call that writes is reached through a
        // shared reference to `self` (`calls.rs` uses `whole_mut` for these).
        unsafe { Field::new(self.object.handle(), &self.plan) }
    }

    /// A field that covers the whole object, for writing.
    pub(crate) fn whole_mut(&mut self) -> Field<'_, L> {
        // SAFETY: the object was made with this plan, and `&mut self` makes the value the only way to it.
        unsafe { Field::new(self.object.handle(), &self.plan) }
    }

    /// Disjoint handles to the fields: one can be read while another is written. Not collective.
    ///
    /// For a struct that derives `SharedLayout` this is a generated struct with one [`Field`] for each field; see
    /// [`derive@SharedLayout`](derive@crate::SharedLayout). An array or a value is its own only field.
    ///
    /// ```
    /// use pshmem::{Comm, Shared};
    ///
    /// let mut count = Shared::<u64>::new(&Comm::solo(), ())?;
    /// count.fields().update(0, |mut w| *w += 1)?;
    /// assert_eq!(*count.view(), 1);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn fields(&mut self) -> L::Fields<'_> {
        // SAFETY: the object was made with this plan, and `&mut self` makes the result the only way to it.
        unsafe { L::fields(&self.plan, self.object.handle()) }
    }

    /// The `Comm` on which the object was made. Not collective.
    ///
    /// ```
    /// use pshmem::{Comm, Shared};
    ///
    /// let table = Shared::<[u8]>::new(&Comm::solo(), 1)?;
    /// assert_eq!(table.comm().size(), 1);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn comm(&self) -> &Comm {
        &self.object.comm
    }

    /// Name, type, extents and offset of every field. Not collective.
    ///
    /// ```
    /// use pshmem::{Comm, Shared};
    ///
    /// let table = Shared::<[u8]>::new(&Comm::solo(), 5)?;
    /// assert_eq!(table.schema().fields.len(), 1);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn schema(&self) -> &Schema {
        self.object.schema()
    }

    /// Drops the object on all ranks together.
    ///
    /// A plain drop waits for no other rank. After `close` returns, all ranks have dropped the object, so its memory is free.
    ///
    /// ```
    /// use pshmem::{Comm, Shared};
    ///
    /// let table = Shared::<[u8]>::new(&Comm::solo(), 5)?;
    /// table.close()?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// All ranks call it, with the same object. One round.
    ///
    /// # Errors
    /// The errors of [`Comm::barrier`].
    #[track_caller]
    pub fn close(self) -> Result<()> {
        let comm = self.object.comm.clone();
        let _call = comm.core.enter(Kind::Close.name(), Location::caller())?;
        let call = self.whole().call(Kind::Close);
        drop(self);
        comm.core.barrier(call)
    }
}

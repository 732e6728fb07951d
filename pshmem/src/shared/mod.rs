//! `Shared<L>`: a typed object that lives once per node, and `Field`: a handle to a part of one.
//!
//! - `object` what lies behind both · `create` how an object comes to be
//! - `read`, `update`, `block` the calls of which one rank's data count, written once for `Field` and offered by both
//! - `parts`, `gather`, `reduce` the calls in which all ranks write · `whole` other extents, copies, exchange · `summary` how objects print

mod block;
mod calls;
mod create;
mod gather;
mod object;
mod parts;
mod read;
mod reduce;
mod summary;
mod update;
mod whole;

use crate::comm::Comm;
use crate::comm::collective::call::{Call, Kind};
use crate::error::Result;
use crate::layout::{Field, Schema, SharedLayout};
use object::Object;
use std::panic::Location;

/// A typed object that every node of a [`Comm`] holds once, equal on all nodes.
///
/// Reading is free: [`view`](Shared::view) returns plain references into node memory. Every write is a collective call that
/// takes `&mut self`, so the compiler refuses a program that reads while it may be written, on any rank:
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
/// Dropping is local and waits for nobody; the node's memory is free when its last rank has let go. A `Shared` belongs to
/// the thread of its rank (it is neither `Send` nor `Sync`); its views are what `&T` is and may be read by many threads.
pub struct Shared<L: SharedLayout + ?Sized> {
    /// Made together with the object's segment: the segment is laid out by it.
    plan: L::Plan,
    object: Object,
}

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

impl<L: SharedLayout + ?Sized> Shared<L> {
    /// The whole object, for reading.
    fn whole(&self) -> Field<'_, L> {
        // SAFETY: the object was made with this plan. The value is only read from: no call that writes is reached through a
        // shared reference to `self` (`calls.rs` uses `whole_mut` for these).
        unsafe { Field::new(self.object.handle(), &self.plan) }
    }

    /// The whole object, for writing.
    fn whole_mut(&mut self) -> Field<'_, L> {
        // SAFETY: the object was made with this plan, and `&mut self` makes the value the only way to it.
        unsafe { Field::new(self.object.handle(), &self.plan) }
    }

    /// Disjoint handles to the fields: one can be read while another is written.
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

    /// The `Comm` on which the object was made.
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

    /// Name, type, extents and place of every field.
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

    /// Lets go of the object on all ranks together, and says whether they did.
    ///
    /// Dropping does the same without meeting; `close` is for programs that want to be sure that memory is free again.
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
    /// Over all ranks: one meeting.
    ///
    /// # Errors
    /// Those of [`Comm::barrier`].
    #[track_caller]
    pub fn close(self) -> Result<()> {
        let comm = self.object.comm.clone();
        comm.core.enter(Kind::Close.name(), Location::caller())?;
        let span = L::span(&self.plan);
        let call: Call = self.object.handle().call(Kind::Close, &span);
        drop(self);
        comm.core.barrier(call)
    }
}

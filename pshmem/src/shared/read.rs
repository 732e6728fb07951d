//! Reading: a pointer addition, or a private copy.

use crate::layout::{Field, SharedLayout};

impl<'a, L: SharedLayout + ?Sized> Field<'a, L> {
    /// A view for as long as the object could be borrowed; the callers shorten it to their own borrow.
    pub(super) fn read(&self) -> L::View<'a> {
        // SAFETY: the segment is laid out by the plan (`Field::new`). The leaves are written only by calls that hold them
        // mutably on every rank of the node; this rank cannot take part in one while it borrows `self`, and no call ends
        // without it.
        unsafe { L::view(self.plan(), self.handle().base()) }
    }

    pub(super) fn copy(&self) -> L::Owned {
        // SAFETY: as in `read`, for the time of this call.
        unsafe { L::load(self.plan(), self.handle().base()) }
    }
}

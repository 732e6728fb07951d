//! `Field` and `Handle`: what a layout hands out for each of its fields.
//!
//! Layouts only pass handles on. `shared` makes them, knows the object behind one, and gives `Field` its calls.

use crate::layout::raw::Planned;
use crate::rank_thread::stays_on_rank_thread;
use std::any::Any;
use std::marker::PhantomData;

/// The object whose fields a layout hands out.
///
/// `dyn Any`, so that this module needs to know nothing of objects. The cast back checks the type and needs no `unsafe`.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct Handle<'a> {
    object: &'a dyn Any,
}

impl<'a> Handle<'a> {
    pub(crate) fn new(object: &'a dyn Any) -> Self {
        Handle { object }
    }

    /// The object; `T` is the type of the value that [`new`](Handle::new) was given.
    #[inline]
    pub(crate) fn downcast<T: Any>(self) -> &'a T {
        self.object
            .downcast_ref()
            .expect("handles are made of one type of object")
    }
}

/// A handle to one field of a [`Shared`](crate::Shared) struct, or to all of an array. It has the calls of `Shared` and is
/// disjoint from the handles to the other fields.
///
/// ```
/// use pshmem::{Comm, Shared};
///
/// let mut table = Shared::<[u32]>::new(&Comm::solo(), 3)?;
/// let mut field = table.fields(); // an array is its own only field
/// field.fill(7)?;
/// assert_eq!(field.view(), [7, 7, 7]);
/// # Ok::<(), pshmem::Error>(())
/// ```
pub struct Field<'a, L: Planned + ?Sized> {
    handle: Handle<'a>,
    /// A plan, or a part of the plan, by which the object's segment is laid out.
    plan: &'a L::Plan,
    /// No other value gives access to the leaves of the plan during `'a`.
    unique: PhantomData<&'a mut L::Plan>,
}

stays_on_rank_thread!(['a, L: Planned + ?Sized] Field<'a, L>);

impl<'a, L: Planned + ?Sized> Field<'a, L> {
    /// # Safety
    /// The segment of the handle's object is laid out by `plan` or a plan of which it is a part; writes through this value
    /// are the only use of the plan's leaves during `'a`.
    pub(crate) unsafe fn new(handle: Handle<'a>, plan: &'a L::Plan) -> Self {
        Field {
            handle,
            plan,
            unique: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn handle(&self) -> Handle<'a> {
        self.handle
    }

    #[inline]
    pub(crate) fn plan(&self) -> &'a L::Plan {
        self.plan
    }
}

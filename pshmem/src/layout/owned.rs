//! From the type of a private value to the layout that it is for, so that `Shared::from_root(comm, 0, || Gas::read(path))` need
//! not name `Gas` twice.

use crate::layout::{Columns, Element, SharedColumns, SharedLayout, Value};

/// Says that values of this type can be shared with the layout `L`, whose `Owned` they are.
///
/// It only serves inference: there is one layout for most types, and the compiler finds it. For `Vec<T>`, which can be shared
/// as `[T]` and as `Vec<T>`, write `Shared::<[T]>::from_root(..)`.
pub trait OwnedBy<L: SharedLayout + ?Sized> {}

impl<L: SharedLayout<Owned = L>> OwnedBy<L> for L {}
impl<T: Element> OwnedBy<[T]> for Vec<T> {}
impl<T: Element> OwnedBy<Value<T>> for T {}
impl<P: SharedColumns> OwnedBy<Columns<P>> for Vec<P> {}

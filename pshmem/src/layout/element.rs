//! `Element`: what may live in node-shared memory.

use bytemuck::{NoUninit, Zeroable};

/// A type whose values may live in node-shared memory.
///
/// It is implemented for every type that is [`Zeroable`] (all bytes zero is a value: fresh memory is zeroed), [`NoUninit`]
/// (no padding, no pointers, no interior mutability: its bytes can be compared, copied and sent) and `Send + Sync`.
/// That covers the integers and floats, `bool`, `char`, complex numbers, arrays of these, and every struct that derives
/// bytemuck's `Pod`, or `Zeroable` and `NoUninit`.
///
/// ```
/// use bytemuck::{Pod, Zeroable};
/// use pshmem::{Comm, Shared};
///
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Line {
///     frequency: f64,
///     strength: f64,
/// }
///
/// let lines = Shared::<[Line]>::new(&Comm::solo(), 10)?;
/// assert_eq!(lines.view()[9].strength, 0.0);
/// # Ok::<(), pshmem::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in node-shared memory",
    label = "its bytes must mean the same to every rank: no pointer, no padding, and all bytes zero is a value",
    note = "use numbers, `bool`, `char`, arrays of these, or a struct with `#[repr(C)]` and `#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]`",
    note = "a field that is a struct with `#[derive(SharedLayout)]`, or an alias of a container, needs `#[shared(layout)]`"
)]
pub trait Element: Zeroable + NoUninit + Send + Sync {}

#[diagnostic::do_not_recommend]
impl<T: Zeroable + NoUninit + Send + Sync> Element for T {}

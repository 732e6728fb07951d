//! Handles stay on the thread of their rank: a program that moves one to another thread, or shares it, gets one error of the
//! compiler, which says what to do instead.
//!
//! Without this, the compiler would print an error for each private type inside a handle that is not `Send` or not `Sync`.

/// What a handle would need to be used by several threads. No type has it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` belongs to the thread of its rank: other threads cannot use it",
    label = "used by another thread here",
    note = "to read in threads, make a view before them, `let v = t.view();`, and use `v` inside: views are `Send` and `Sync`",
    note = "handles (`Comm`, `Shared`, `Field`, locks, batches) are neither, because their calls belong to the rank"
)]
pub trait UsableByThreads<'a> {}

/// Makes handles neither `Send` nor `Sync`: `stays_on_rank_thread!([generics] type, ..)`.
///
/// The implementations need what no type has, so there are none. For the compiler, the reason is then that trait and not a field.
macro_rules! stays_on_rank_thread {
    ($([$($generics:tt)*] $handle:ty),+ $(,)?) => {$(
        // SAFETY: never there, because nothing implements `UsableByThreads`, which only this crate can name. With a lifetime,
        // because a condition without any parameter would have to hold.
        unsafe impl<$($generics)*> Send for $handle
        where
            for<'any> $handle: $crate::rank_thread::UsableByThreads<'any>,
        {
        }
        // SAFETY: as above.
        unsafe impl<$($generics)*> Sync for $handle
        where
            for<'any> $handle: $crate::rank_thread::UsableByThreads<'any>,
        {
        }
    )+};
}
pub(crate) use stays_on_rank_thread;

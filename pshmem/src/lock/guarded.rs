//! `Guarded`: a lock with the value that it protects, for `Mutex` and `RwLock`.

use crate::comm::Comm;
use crate::error::Result;
use crate::home::engine::Engine;
use crate::layout::Element;
use crate::layout::identity::type_bytes;
use crate::layout::placer::PAGE;
use crate::lock::Fairness;
use crate::lock::backend::{Acquired, LockConfig, Mode, Poison};
use crate::lock::lock_wait::Deadline;
use crate::lock::raw_lock::RawLock;
use std::panic::Location;
use std::ptr::NonNull;
use std::rc::Rc;

/// What a [`Mutex`](crate::Mutex) or an [`RwLock`](crate::RwLock) can protect: an [`Element`] `T`, or several as `[T]`.
///
/// ```
/// use pshmem::{Comm, Mutex};
///
/// let one = Mutex::<f64>::new(&Comm::solo(), 1.5)?;
/// let many = Mutex::<[u32]>::from_slice(&Comm::solo(), &[1, 2, 3])?;
/// # Ok::<(), pshmem::Error>(())
/// ```
pub trait Lockable: 'static {
    /// The type of one element.
    type Item: Element;

    #[doc(hidden)]
    fn of(items: &[Self::Item]) -> &Self;

    #[doc(hidden)]
    fn of_mut(items: &mut [Self::Item]) -> &mut Self;
}

impl<T: Element> Lockable for T {
    type Item = T;

    fn of(items: &[T]) -> &T {
        &items[0]
    }

    fn of_mut(items: &mut [T]) -> &mut T {
        &mut items[0]
    }
}

impl<T: Element> Lockable for [T] {
    type Item = T;

    fn of(items: &[T]) -> &[T] {
        items
    }

    fn of_mut(items: &mut [T]) -> &mut [T] {
        items
    }
}

/// A lock with a value. On one node the value is in node memory behind the lock. Otherwise each rank has a private copy, which is
/// current while it holds the lock.
#[derive(Debug)]
pub(crate) struct Guarded<T: Lockable + ?Sized> {
    pub(crate) raw: Rc<RawLock>,
    /// Number of elements. On one node, that many are behind the lock, aligned and initialised.
    len: usize,
    local: Vec<T::Item>,
    touched: bool,
}

impl<T: Lockable + ?Sized> Guarded<T> {
    /// Collective over the `Comm`: all ranks pass the same items.
    pub(crate) fn new(
        comm: &Comm,
        (kind, has_readers): (&str, bool),
        root: usize,
        fairness: Fairness,
        items: &[T::Item],
        site: &'static Location<'static>,
    ) -> Result<Self> {
        const {
            assert!(
                align_of::<T::Item>() <= PAGE,
                "alignments above 4096 are not supported: only the offset in a page is common to all ranks"
            );
        };
        let plan = LockConfig {
            root,
            fairness,
            kind: &format!("{kind}<{}>", std::any::type_name::<T>()),
            // Two types may have one name, for example types declared inside functions.
            value_type: &type_bytes::<T>(),
            value: bytemuck::cast_slice(items),
            align: align_of::<T::Item>(),
            has_readers,
        };
        let raw = RawLock::new(comm, &plan, site)?;
        let local = match raw.engine() {
            Engine::NodeAtomics => Vec::new(),
            _ => items.to_vec(),
        };
        Ok(Guarded {
            raw,
            len: items.len(),
            local,
            touched: false,
        })
    }

    /// Acquires the lock if that needs no wait and no message.
    #[inline]
    pub(crate) fn try_acquire_fast(
        &mut self,
        mode: Mode,
        site: &'static Location<'static>,
    ) -> bool {
        self.raw.try_acquire_fast(mode, site)
    }

    /// Acquires the lock and its value. `None` if the deadline passes before.
    pub(crate) fn acquire(
        &mut self,
        name: &'static str,
        mode: Mode,
        deadline: Deadline,
        site: &'static Location<'static>,
    ) -> Result<Option<Acquired>> {
        let Some(mut acquired) = self.raw.acquire(name, mode, deadline, site)? else {
            return Ok(None);
        };
        self.touched = false;
        if let Some(value) = acquired.value.take() {
            assert_eq!(
                value.len(),
                size_of_val(self.local.as_slice()),
                "a value has as many bytes on all ranks"
            );
            // SAFETY: as many bytes on both sides, of which those of the message were items of the same type on another rank
            // (the ids of the types and the lengths are compared when the lock is made), so they are valid here.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    value.as_ptr(),
                    self.local.as_mut_ptr().cast::<u8>(),
                    value.len(),
                );
            }
        }
        Ok(Some(acquired))
    }

    #[inline]
    pub(crate) fn release(&mut self, mode: Mode, poison: Option<Poison>) {
        let is_sent = mode == Mode::Write && self.touched && self.raw.value().is_none();
        let value = is_sent.then(|| bytemuck::cast_slice(&self.local).to_vec());
        self.raw.release(value, poison);
    }

    fn items(&self) -> Option<NonNull<T::Item>> {
        Some(self.raw.value()?.cast())
    }

    /// # Safety
    /// This rank holds the lock.
    #[inline]
    pub(crate) unsafe fn value(&self) -> &T {
        let items = match self.items() {
            // SAFETY: `len` items are there (`len`); other ranks only read them while this one holds the lock.
            Some(items) => unsafe { std::slice::from_raw_parts(items.as_ptr(), self.len) },
            None => &self.local,
        };
        T::of(items)
    }

    /// # Safety
    /// This rank holds the lock for writing.
    #[inline]
    pub(crate) unsafe fn value_mut(&mut self) -> &mut T {
        self.touched = true;
        let items = match self.items() {
            // SAFETY: `len` items are there (`len`); no other rank uses them while this one holds the lock.
            Some(items) => unsafe { std::slice::from_raw_parts_mut(items.as_ptr(), self.len) },
            None => &mut self.local,
        };
        T::of_mut(items)
    }
}

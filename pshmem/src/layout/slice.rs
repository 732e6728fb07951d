//! The layouts `[T]`, `Vec<T>` and `Box<[T]>`: contiguous elements, their number known at run time.

use crate::error::Result;
use crate::layout::block::{AsBlock, BlockError, BlockLayout};
use crate::layout::printing::preview_list;
use crate::layout::raw::{Planned, RawLayout, checked_layout};
use crate::layout::region::Region;
use crate::layout::rows::{RawRows, ResizeLayout, checked_rows};
use crate::layout::{Base, BaseMut, Element, Flag, Leaf, Placer, Preview};
use std::fmt::{self, Debug, Write};
use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;

/// A slice inside the closure of an update; derefs to `[T]`.
///
/// Only slices that the closure uses mutably are sent to the other nodes.
///
/// ```
/// use pshmem::{Comm, Shared, SliceMut};
///
/// let mut table = Shared::<[f64]>::new(&Comm::solo(), 3)?;
/// table.update(0, |mut w: SliceMut<f64>| w.fill(1.5))?;
/// assert_eq!(table.view(), [1.5; 3]);
/// # Ok::<(), pshmem::Error>(())
/// ```
pub struct SliceMut<'a, T> {
    elements: &'a mut [T],
    touched: &'a Flag,
}

impl<T> Deref for SliceMut<'_, T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        self.elements
    }
}

impl<T> DerefMut for SliceMut<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.touched.set(true);
        self.elements
    }
}

impl<T: Debug> Debug for SliceMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.elements.fmt(f)
    }
}

/// The place of a slice in its segment.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct SlicePlan {
    pub(super) leaf: Leaf,
    pub(super) len: usize,
}

impl SlicePlan {
    /// The plan of some rows alone, in the same leaf.
    pub(crate) fn part(&self, rows: &Range<usize>) -> Self {
        let size = self.leaf.bytes.checked_div(self.len).unwrap_or(0);
        SlicePlan {
            leaf: Leaf {
                offset: self.leaf.offset + rows.start * size,
                bytes: rows.len() * size,
                ..self.leaf
            },
            len: rows.len(),
        }
    }
}

/// A private copy of `len` elements.
///
/// # Safety
/// `len` elements are at `source`, and their type is `Copy`.
pub(super) unsafe fn copy_out<T>(source: NonNull<T>, len: usize) -> Vec<T> {
    let mut copy = Vec::with_capacity(len);
    // SAFETY: `len` elements are at `source`, the vector has room for them, and the two do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(source.as_ptr(), copy.as_mut_ptr(), len) };
    // SAFETY: `len` elements have been written.
    unsafe { copy.set_len(len) };
    copy
}

/// Implements the layout of `$layout`, a run of `T`s that is owned as `$owned`.
macro_rules! slice_layout {
    ($layout:ty, $owned:ty) => {
        impl<T: 'static> Planned for $layout {
            type Plan = SlicePlan;
        }

        // SAFETY: one leaf of `len` elements, placed with the placer and kept in the plan; `view` and `view_mut` make one
        // reference to it; `SliceMut` marks it in `DerefMut`, the only way to a `&mut`.
        unsafe impl<T: 'static> RawLayout for $layout {
            type Element = T;
            type Owned = $owned;
            type Dims = usize;
            type View<'a> = &'a [T];
            type ViewMut<'a> = SliceMut<'a, T>;

            fn plan(&len: &usize, placer: &mut Placer) -> Result<SlicePlan> {
                Ok(SlicePlan {
                    leaf: placer.leaf::<T>(&[len])?,
                    len,
                })
            }

            fn dims(plan: &SlicePlan) -> usize {
                plan.len
            }

            fn leaves(plan: &SlicePlan) -> Range<usize> {
                plan.leaf.index..plan.leaf.index + 1
            }

            fn dims_of(owned: &$owned) -> Result<usize> {
                Ok(owned.len())
            }

            fn encode_dims(&len: &usize, out: &mut Vec<usize>) {
                out.push(len);
            }

            fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<usize> {
                from.next()
            }

            #[inline]
            unsafe fn view<'a>(plan: &SlicePlan, base: Base<'a>) -> &'a [T] {
                // SAFETY: passed on from the caller.
                let first = unsafe { base.leaf::<T>(&plan.leaf) };
                // SAFETY: `len` elements of T are in the leaf, aligned and at most isize::MAX bytes (`Placer::leaf`), each a
                // valid T (zeroed memory is one, and only Ts are written), and not written during 'a (caller's duty).
                unsafe { std::slice::from_raw_parts(first.as_ptr(), plan.len) }
            }

            #[inline]
            unsafe fn view_mut<'a>(plan: &SlicePlan, base: BaseMut<'a>) -> SliceMut<'a, T> {
                // SAFETY: passed on from the caller.
                let first = unsafe { base.leaf::<T>(&plan.leaf) };
                // SAFETY: as in `view`; the reference is unique during 'a (caller's duty).
                let elements = unsafe { std::slice::from_raw_parts_mut(first.as_ptr(), plan.len) };
                SliceMut {
                    elements,
                    touched: base.flag(&plan.leaf),
                }
            }

            unsafe fn store(plan: &SlicePlan, base: BaseMut<'_>, owned: &$owned) {
                // Checked here, so that safety rests neither on `dims_of` nor on how a struct compares extents.
                assert_eq!(
                    owned.len(),
                    plan.len,
                    "the value has the extents of the plan"
                );
                // SAFETY: passed on from the caller.
                let target = unsafe { base.leaf::<T>(&plan.leaf) };
                // SAFETY: both have `len` elements (asserted), which are `Copy` (`Element`s); private and shared memory do
                // not overlap.
                unsafe { std::ptr::copy_nonoverlapping(owned.as_ptr(), target.as_ptr(), plan.len) };
            }

            unsafe fn load(plan: &SlicePlan, base: Base<'_>) -> $owned {
                // SAFETY: passed on from the caller.
                let source = unsafe { base.leaf::<T>(&plan.leaf) };
                // SAFETY: `len` elements are at `source`, and they are `Copy` (`Element`s).
                unsafe { copy_out(source, plan.len) }.into()
            }
        }

        checked_layout! {
            [T] $layout, where [T: Element]
            Owned = $owned, Dims = usize, View<'a> = &'a [T], ViewMut<'a> = SliceMut<'a, T>
        }

        // SAFETY: `region` is inside the leaf, because the block was checked to end before `len`; `copy` writes exactly it.
        unsafe impl<T: Element> BlockLayout for $layout {
            type Item = T;
            type Offset = usize;
            type Block<'a> = &'a [T];

            fn region(
                plan: &SlicePlan,
                &offset: &usize,
                block: &&[T],
            ) -> Result<Region, BlockError> {
                if offset
                    .checked_add(block.len())
                    .is_none_or(|end| end > plan.len)
                {
                    return Err(BlockError {
                        offset: vec![offset],
                        block: vec![block.len()],
                        shape: vec![plan.len],
                    });
                }
                Ok(Region::run(
                    plan.leaf.offset + offset * size_of::<T>(),
                    size_of_val::<[T]>(*block),
                ))
            }

            fn bytes<'a>(block: &'a &[T]) -> Option<&'a [u8]> {
                Some(bytemuck::cast_slice(block))
            }

            unsafe fn copy(plan: &SlicePlan, base: BaseMut<'_>, &offset: &usize, block: &&[T]) {
                // SAFETY: passed on from the caller.
                let mut target = unsafe { <Self as RawLayout>::view_mut(plan, base) };
                target[offset..offset + block.len()].copy_from_slice(block);
            }

            unsafe fn run_mut<'a>(
                plan: &SlicePlan,
                base: BaseMut<'a>,
                run: Range<usize>,
            ) -> &'a mut [T] {
                // SAFETY: passed on from the caller; a row is one element.
                unsafe { <Self as RawRows>::part(plan, base, run) }
            }

            fn elements(plan: &SlicePlan) -> usize {
                plan.len
            }

            #[inline]
            fn place(plan: &SlicePlan, &offset: &usize) -> Option<usize> {
                (offset < plan.len).then_some(offset)
            }

            fn numbers(&offset: &usize) -> Vec<usize> {
                vec![offset]
            }

            fn at_row(row: usize) -> usize {
                row
            }

            fn extents(block: &&[T]) -> Vec<usize> {
                vec![block.len()]
            }

            fn run_of<'b>(block: &'b &[T], run: Range<usize>, _: &'b mut Vec<T>) -> &'b [T] {
                &block[run]
            }
        }

        // SAFETY: one leaf, in which a row is one element; `part` makes a reference to the elements of these rows.
        unsafe impl<T: 'static> RawRows for $layout {
            type Part<'a> = &'a mut [T];

            fn rows(plan: &SlicePlan) -> usize {
                plan.len
            }

            unsafe fn part<'a>(
                plan: &SlicePlan,
                base: BaseMut<'a>,
                rows: Range<usize>,
            ) -> &'a mut [T] {
                // SAFETY: passed on from the caller.
                let first = unsafe { base.leaf::<T>(&plan.leaf) };
                // SAFETY: `rows` is inside the leaf's `len` elements, and no other reference to these is used (caller's duty).
                unsafe {
                    std::slice::from_raw_parts_mut(first.as_ptr().add(rows.start), rows.len())
                }
            }
        }

        checked_rows! { [T: Element] $layout, Part<'a> = &'a mut [T] }

        // SAFETY: one leaf of `len` elements.
        unsafe impl<T: Element> ResizeLayout for $layout {}

        impl<T: Element + Debug> Preview for $layout {
            fn preview(view: &[T], f: &mut dyn Write) -> fmt::Result {
                preview_list(f, view.len(), |f, at| write!(f, "{:?}", view[at]))
            }
        }

        impl<T: Element> AsBlock<$layout> for Vec<T> {
            fn as_block(&self) -> &[T] {
                self
            }
        }

        impl<T: Element> AsBlock<$layout> for Box<[T]> {
            fn as_block(&self) -> &[T] {
                self
            }
        }

        impl<T: Element> AsBlock<$layout> for [T] {
            fn as_block(&self) -> &[T] {
                self
            }
        }

        impl<T: Element> AsBlock<$layout> for &[T] {
            fn as_block(&self) -> &[T] {
                self
            }
        }

        impl<T: Element, const N: usize> AsBlock<$layout> for [T; N] {
            fn as_block(&self) -> &[T] {
                self
            }
        }
    };
}

slice_layout!([T], Vec<T>);
slice_layout!(Vec<T>, Vec<T>);
slice_layout!(Box<[T]>, Box<[T]>);

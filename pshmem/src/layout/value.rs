//! Layouts of single values: primitives, complex numbers, fixed arrays, and `Value<T>` for any other element.

use crate::error::Result;
use crate::layout::raw::{Planned, RawLayout, checked_layout};
use crate::layout::{Base, BaseMut, Element, Flag, Leaf, Placer, Preview};
use num_complex::Complex;
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Range};

/// The layout of one value of any [`Element`] type, for types that are not layouts themselves.
///
/// ```
/// use bytemuck::{Pod, Zeroable};
/// use pshmem::{Comm, Shared, Value};
///
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Cosmology {
///     hubble: f64,
///     matter: f64,
/// }
///
/// let mut model = Shared::<Value<Cosmology>>::new(&Comm::solo(), ())?;
/// model.update(0, |mut w| w.hubble = 67.4)?;
/// assert_eq!(model.view().hubble, 67.4);
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug)]
pub struct Value<T>(PhantomData<fn() -> T>);

/// A value inside the closure of an update; derefs to `T`.
///
/// Only values that the closure uses mutably are sent to the other nodes.
///
/// ```
/// use pshmem::{Comm, Shared, ValueMut};
///
/// let mut step = Shared::<u64>::new(&Comm::solo(), ())?;
/// step.update(0, |mut w: ValueMut<u64>| *w += 1)?;
/// assert_eq!(*step.view(), 1);
/// # Ok::<(), pshmem::Error>(())
/// ```
pub struct ValueMut<'a, T> {
    value: &'a mut T,
    touched: &'a Flag,
}

impl<T> Deref for ValueMut<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> DerefMut for ValueMut<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.touched.set(true);
        self.value
    }
}

impl<T: Debug> Debug for ValueMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: Element + Debug> Preview for Value<T> {
    fn preview(view: &T, f: &mut dyn fmt::Write) -> fmt::Result {
        write!(f, "{view:?}")
    }
}

/// Implements the layout of a single value of type `$t` for `$layout`.
macro_rules! value_layout {
    ([$($generics:tt)*] $layout:ty, $t:ty, where [$($any:tt)*] [$($bounds:tt)*]) => {
        impl<$($generics)*> Planned for $layout where $($any)* {
            type Plan = Leaf;
        }

        // SAFETY: one leaf, placed with the placer and kept as the plan; `view` and `view_mut` make one reference to it;
        // `ValueMut` marks it in `DerefMut`, the only way to a `&mut`; `leaves` is that leaf.
        unsafe impl<$($generics)*> RawLayout for $layout where $($any)* {
            type Element = $t;
            type Owned = $t;
            type Dims = ();
            type View<'a> = &'a $t;
            type ViewMut<'a> = ValueMut<'a, $t>;

            fn plan((): &(), placer: &mut Placer) -> Result<Leaf> {
                placer.leaf::<$t>(&[])
            }

            fn dims(_: &Leaf) {}

            fn leaves(plan: &Leaf) -> Range<usize> {
                plan.index..plan.index + 1
            }

            fn dims_of(_: &$t) -> Result<()> {
                Ok(())
            }

            fn encode_dims((): &(), _: &mut Vec<usize>) {}

            fn decode_dims(_: &mut dyn Iterator<Item = usize>) -> Option<()> {
                Some(())
            }

            #[inline]
            unsafe fn view<'a>(plan: &Leaf, base: Base<'a>) -> &'a $t {
                // SAFETY: the leaf is in the segment, aligned for T (`Placer::leaf`), holds a T (zeroed memory is one, and
                // only Ts are written) and is not written during 'a (caller's duty).
                unsafe { base.leaf::<$t>(plan).as_ref() }
            }

            #[inline]
            unsafe fn view_mut<'a>(plan: &Leaf, base: BaseMut<'a>) -> ValueMut<'a, $t> {
                // SAFETY: as in `view`; the reference is unique during 'a (caller's duty).
                let value = unsafe { base.leaf::<$t>(plan).as_mut() };
                ValueMut { value, touched: base.flag(plan) }
            }

            unsafe fn store(plan: &Leaf, base: BaseMut<'_>, owned: &$t) {
                // SAFETY: passed on from the caller.
                let target = unsafe { base.leaf::<$t>(plan) };
                // SAFETY: both are one T, which is `Copy` (an `Element`); private and shared memory do not overlap.
                unsafe { std::ptr::copy_nonoverlapping(owned, target.as_ptr(), 1) };
            }

            unsafe fn load(plan: &Leaf, base: Base<'_>) -> $t {
                // SAFETY: passed on from the caller.
                let source = unsafe { base.leaf::<$t>(plan) };
                // SAFETY: the leaf holds a T, which is `Copy` (an `Element`).
                unsafe { source.read() }
            }
        }

        checked_layout! {
            [$($generics)*] $layout, where [$($bounds)*]
            Owned = $t, Dims = (), View<'a> = &'a $t, ViewMut<'a> = ValueMut<'a, $t>
        }
    };
}

value_layout!([T] Value<T>, T, where [T: 'static] [T: Element]);
value_layout!([T, const N: usize] [T; N], [T; N], where [T: 'static] [T: Element, [T; N]: Element]);
value_layout!([T] Complex<T>, Complex<T>, where [T: 'static] [T: Element, Complex<T>: Element]);

impl<T: Element + Debug, const N: usize> Preview for [T; N]
where
    [T; N]: Element,
{
    fn preview(view: &[T; N], f: &mut dyn fmt::Write) -> fmt::Result {
        <[T]>::preview(view, f)
    }
}

impl<T: Element + Debug> Preview for Complex<T>
where
    Complex<T>: Element,
{
    fn preview(view: &Complex<T>, f: &mut dyn fmt::Write) -> fmt::Result {
        write!(f, "{view:?}")
    }
}

macro_rules! primitives {
    ($($t:ty)*) => {$(
        value_layout!([] $t, $t, where [] []);

        impl Preview for $t {
            fn preview(view: &$t, f: &mut dyn fmt::Write) -> fmt::Result {
                write!(f, "{view:?}")
            }
        }
    )*};
}

primitives!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool char);

//! `Columns<P>`: records of a plain struct, stored as one array per field.

use crate::error::Result;
use crate::layout::RowLayout;
use crate::layout::raw::Planned;
use crate::layout::rows::{ResizeLayout, RowLeaves};
use crate::layout::stack::StackParts;
use crate::layout::{Base, BaseMut, Handle, Placer, Preview, SharedLayout};
use std::fmt;
use std::ops::{Deref, DerefMut, Range};

/// Records of a plain struct `P`, stored in node memory as one array per field of `P` (a structure of arrays).
///
/// Loops over one or two fields then read only these arrays. `P` derives
/// [`SharedColumns`](derive@crate::SharedColumns); its fields are plain values. The view has one slice for each field, and
/// `get` gathers a whole record; in an update, `set` scatters one.
///
/// ```
/// use pshmem::{Columns, Comm, Shared, SharedColumns};
///
/// #[derive(Clone, Copy, Debug, PartialEq, SharedColumns)]
/// struct Particle {
///     x: f64,
///     mass: f32,
/// }
///
/// let comm = Comm::solo();
/// let mut gas = Shared::<Columns<Particle>>::from_root(&comm, 0, || vec![Particle { x: 1.0, mass: 2.0 }; 1000])?;
/// assert_eq!(gas.view().x.iter().sum::<f64>(), 1000.0);
/// gas.update(0, |mut w| {
///     w.mass[0] = 3.0; // one field
///     w.set(1, Particle { x: 0.0, mass: 0.0 }); // a whole record
/// })?;
/// assert_eq!(gas.view().get(0), Particle { x: 1.0, mass: 3.0 });
/// let private: Vec<Particle> = gas.to_owned();
/// # assert_eq!(private.len(), 1000);
/// # Ok::<(), pshmem::Error>(())
/// ```
///
/// As a field of a struct that derives [`SharedLayout`](derive@crate::SharedLayout), a value of this type holds the private
/// records: it is made from a `Vec<P>` and derefs to it. `Shared<Columns<P>>` takes and gives the `Vec<P>` itself.
///
/// ```
/// use pshmem::{Columns, Comm, Shared, SharedColumns, SharedLayout};
///
/// # #[derive(Clone, Copy, Debug, PartialEq, SharedColumns)]
/// # struct Particle {
/// #     x: f64,
/// #     mass: f32,
/// # }
/// #[derive(SharedLayout)]
/// struct Halo {
///     particles: Columns<Particle>,
///     redshift: f64,
/// }
///
/// let read = || Halo { particles: vec![Particle { x: 1.0, mass: 2.0 }; 10].into(), redshift: 0.5 };
/// let halo = Shared::<Halo>::from_root(&Comm::solo(), 0, read)?;
/// assert_eq!(halo.view().particles.mass[9], 2.0);
/// assert_eq!(halo.to_owned().particles.len(), 10);
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Columns<P> {
    records: Vec<P>,
}

impl<P> Default for Columns<P> {
    fn default() -> Self {
        Columns {
            records: Vec::new(),
        }
    }
}

impl<P> From<Vec<P>> for Columns<P> {
    fn from(records: Vec<P>) -> Self {
        Columns { records }
    }
}

impl<P> From<Columns<P>> for Vec<P> {
    fn from(columns: Columns<P>) -> Self {
        columns.records
    }
}

impl<P> FromIterator<P> for Columns<P> {
    fn from_iter<I: IntoIterator<Item = P>>(records: I) -> Self {
        Columns {
            records: records.into_iter().collect(),
        }
    }
}

impl<P> IntoIterator for Columns<P> {
    type Item = P;
    type IntoIter = std::vec::IntoIter<P>;
    fn into_iter(self) -> Self::IntoIter {
        self.records.into_iter()
    }
}

impl<'a, P> IntoIterator for &'a Columns<P> {
    type Item = &'a P;
    type IntoIter = std::slice::Iter<'a, P>;
    fn into_iter(self) -> Self::IntoIter {
        self.records.iter()
    }
}

impl<P> Deref for Columns<P> {
    type Target = Vec<P>;
    fn deref(&self) -> &Vec<P> {
        &self.records
    }
}

impl<P> DerefMut for Columns<P> {
    fn deref_mut(&mut self) -> &mut Vec<P> {
        &mut self.records
    }
}

/// A plain struct whose records can be stored as [`Columns`]; implemented by
/// [`#[derive(SharedColumns)]`](derive@crate::SharedColumns).
///
/// ```
/// use pshmem::{Columns, Comm, Shared, SharedColumns};
///
/// // Generic code over the type of the records.
/// fn zeroed<P: SharedColumns>(comm: &Comm, len: usize) -> pshmem::Result<Vec<P>> {
///     Ok(Shared::<Columns<P>>::new(comm, len)?.to_owned())
/// }
///
/// #[derive(Clone, Copy, Debug, PartialEq, SharedColumns)]
/// struct Particle {
///     x: f64,
///     mass: f32,
/// }
/// assert_eq!(zeroed::<Particle>(&Comm::solo(), 2)?, [Particle { x: 0.0, mass: 0.0 }; 2]);
/// # Ok::<(), pshmem::Error>(())
/// ```
///
/// # Safety
/// As for [`SharedLayout`] and [`RowLayout`], with the columns in place of the fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in columns",
    label = "does not derive `SharedColumns`",
    note = "add `#[derive(Clone, Copy, pshmem::SharedColumns)]` to the struct, or use `Vec` to store whole records"
)]
pub unsafe trait SharedColumns: Sized + 'static {
    /// One slice for each field, and `get(i)`, `len()`.
    type View<'a>: Copy;
    /// One writable slice for each field, and `get(i)`, `set(i, record)`, `len()`.
    type ViewMut<'a>;
    /// One handle for each field.
    type Fields<'a>;

    #[doc(hidden)]
    type Plan: 'static;

    #[doc(hidden)]
    fn plan(len: usize, placer: &mut Placer) -> Result<Self::Plan>;

    #[doc(hidden)]
    fn len(plan: &Self::Plan) -> usize;

    #[doc(hidden)]
    fn leaves(plan: &Self::Plan) -> Range<usize>;

    /// # Safety
    /// As for `SharedLayout::view`.
    #[doc(hidden)]
    unsafe fn view<'a>(plan: &Self::Plan, base: Base<'a>) -> Self::View<'a>;

    /// # Safety
    /// As for `SharedLayout::view_mut`.
    #[doc(hidden)]
    unsafe fn view_mut<'a>(plan: &Self::Plan, base: BaseMut<'a>) -> Self::ViewMut<'a>;

    /// # Safety
    /// As for `RowLayout::part`.
    #[doc(hidden)]
    unsafe fn part<'a>(
        plan: &Self::Plan,
        base: BaseMut<'a>,
        rows: Range<usize>,
    ) -> Self::ViewMut<'a>;

    /// # Safety
    /// As for `SharedLayout::fields`.
    #[doc(hidden)]
    unsafe fn fields<'a>(plan: &'a Self::Plan, handle: Handle<'a>) -> Self::Fields<'a>;

    /// # Safety
    /// As for `SharedLayout::store`.
    #[doc(hidden)]
    unsafe fn store(plan: &Self::Plan, base: BaseMut<'_>, owned: &[Self]);

    /// # Safety
    /// As for `SharedLayout::load`.
    #[doc(hidden)]
    unsafe fn load(plan: &Self::Plan, base: Base<'_>) -> Vec<Self>;

    /// Adds one part for each column.
    #[doc(hidden)]
    fn stack_columns<'r>(records: &'r [Self], into: &mut StackParts<'r>);

    #[doc(hidden)]
    fn preview(view: Self::View<'_>, f: &mut dyn fmt::Write) -> fmt::Result;
}

impl<P: SharedColumns> Planned for Columns<P> {
    type Plan = P::Plan;
}

// SAFETY: every function is that of `P`, whose contract is the same.
unsafe impl<P: SharedColumns> SharedLayout for Columns<P> {
    type Owned = Vec<P>;
    type Dims = usize;
    type View<'a> = P::View<'a>;
    type ViewMut<'a> = P::ViewMut<'a>;
    type Fields<'a> = P::Fields<'a>;

    fn plan(&len: &usize, placer: &mut Placer) -> Result<P::Plan> {
        P::plan(len, placer)
    }

    fn dims(plan: &P::Plan) -> usize {
        P::len(plan)
    }

    fn leaves(plan: &P::Plan) -> Range<usize> {
        P::leaves(plan)
    }

    fn dims_of(owned: &Vec<P>) -> Result<usize> {
        Ok(owned.len())
    }

    fn encode_dims(&len: &usize, out: &mut Vec<usize>) {
        out.push(len);
    }

    fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<usize> {
        from.next()
    }

    unsafe fn view<'a>(plan: &P::Plan, base: Base<'a>) -> P::View<'a> {
        // SAFETY: passed on from the caller.
        unsafe { P::view(plan, base) }
    }

    unsafe fn view_mut<'a>(plan: &P::Plan, base: BaseMut<'a>) -> P::ViewMut<'a> {
        // SAFETY: passed on from the caller.
        unsafe { P::view_mut(plan, base) }
    }

    unsafe fn fields<'a>(plan: &'a P::Plan, handle: Handle<'a>) -> P::Fields<'a> {
        // SAFETY: passed on from the caller.
        unsafe { P::fields(plan, handle) }
    }

    unsafe fn store(plan: &P::Plan, base: BaseMut<'_>, owned: &Vec<P>) {
        assert_eq!(
            owned.len(),
            P::len(plan),
            "the value has the extents of the plan"
        );
        // SAFETY: passed on from the caller.
        unsafe { P::store(plan, base, owned) };
    }

    unsafe fn load(plan: &P::Plan, base: Base<'_>) -> Vec<P> {
        // SAFETY: passed on from the caller.
        unsafe { P::load(plan, base) }
    }
}

// SAFETY: every column is a slice of `len` elements, of which `P::part` takes those of these rows.
unsafe impl<P: SharedColumns> RowLayout for Columns<P> {
    type Part<'a> = P::ViewMut<'a>;

    fn rows(plan: &P::Plan) -> usize {
        P::len(plan)
    }

    fn row_leaves(plan: &P::Plan, into: &mut RowLeaves) {
        into.add(P::leaves(plan), P::len(plan));
    }

    unsafe fn part<'a>(plan: &P::Plan, base: BaseMut<'a>, rows: Range<usize>) -> P::ViewMut<'a> {
        // SAFETY: passed on from the caller.
        unsafe { P::part(plan, base, rows) }
    }
}

// SAFETY: every column has `len` elements.
unsafe impl<P: SharedColumns> ResizeLayout for Columns<P> {}

impl<P: SharedColumns> Preview for Columns<P> {
    fn preview(view: P::View<'_>, f: &mut dyn fmt::Write) -> fmt::Result {
        P::preview(view, f)
    }
}

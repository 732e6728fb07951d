//! `FileLayout`: layouts whose values can be saved to files, and what generated code calls for it.
//!
//! Nothing here is `unsafe`, and no `unsafe` code may rest on what an implementation says. It says which [`Record`] each leaf
//! holds; who saves or loads compares their types and their number with the leaves of the plan.

use crate::error::{Error, Result};
use crate::layout::derived::{check_dims, check_fits};
use crate::layout::placer::in_field;
use crate::layout::record::first_invalid;
use crate::layout::{
    Columns, Csr, CsrDims, Ragged, RaggedDims, Record, SharedColumns, SharedLayout, Strings, Text,
    Value,
};
use ndarray::{Array, Dim};
use num_complex::Complex;
use pshmem_format::Item;
use std::any::{TypeId, type_name};

/// A layout whose values can be saved to files and loaded from them: each of its leaves is a [`Record`].
///
/// It is implemented for all layouts of this crate. The derives implement it too, for structs whose leaves are records. A struct
/// with other leaves can be shared all the same; only saving it does not compile, and the message names the leaf. The hidden items
/// are for the derives and may change in any release.
///
/// ```
/// use pshmem::{FileLayout, SharedLayout};
///
/// #[derive(SharedLayout)]
/// struct Gas {
///     density: Vec<f64>,
///     step: u64,
/// }
///
/// // Generic code has it as a bound.
/// fn can_be_saved<L: FileLayout>() {}
/// can_be_saved::<Gas>();
/// ```
///
/// ```compile_fail
/// # use pshmem::{FileLayout, SharedLayout};
/// #[derive(SharedLayout)]
/// struct Keys {
///     hashes: Vec<u128>,
/// }
///
/// # fn can_be_saved<L: FileLayout>() {}
/// can_be_saved::<Keys>(); // error: `u128` cannot be stored in files
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved to files or loaded from them",
    label = "this type does not implement `pshmem::FileLayout`",
    note = "a layout is saved if each of its elements is a `pshmem::Record`; `u128` and `i128` are not: use `[u64; 2]`",
    note = "add `#[derive(pshmem::SharedLayout)]` to a struct; one plain value is a `Value<T>`, many are a `Vec<T>`, `Box<[T]>` or `Array1<T>` to `Array6<T>`; see also `Ragged<T>`, `Strings`, `Text`, `Map<K, V>` and `Csr<T>`"
)]
pub trait FileLayout: SharedLayout {
    /// Adds one entry for each leaf, in the order of the plan.
    #[doc(hidden)]
    fn file_leaves(into: &mut FileLeaves);

    /// The extents, from those of the leaves, of which it takes one after the other.
    ///
    /// # Errors
    /// [`Error::Shape`] if the extents of leaves contradict each other.
    #[doc(hidden)]
    fn dims_from_shapes(shapes: &mut LeafShapes<'_>) -> Result<Self::Dims>;
}

/// How a file and a leaf belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub enum Role {
    /// The file has all elements of the leaf.
    Whole,
    /// The file has those elements of a composite's leaf that are in use, which are the first ones.
    Used,
    /// A leaf of a composite that follows from the others. It has no file.
    Derived,
    /// A file of numbers that are no leaf: the first extents of the composite whose leaves come before.
    Extents,
}

/// One leaf, as files know it.
#[derive(Debug)]
#[doc(hidden)]
pub struct FileLeaf {
    /// What the file has of the leaf.
    pub role: Role,
    /// Names of the field and of the structs around it, from the outermost inwards. None for a whole object.
    pub names: Vec<String>,
    /// Number of extents, without those of the item.
    pub axes: usize,
    /// Type of the elements.
    pub type_id: TypeId,
    /// Its name.
    pub type_name: &'static str,
    /// Its description.
    pub item: Item,
    /// Whether all bytes are valid elements.
    pub any_bits: bool,
    /// The first of these elements that is not valid.
    pub first_invalid: fn(&[u8]) -> Option<usize>,
}

/// The leaves of a layout.
#[derive(Debug, Default)]
#[doc(hidden)]
pub struct FileLeaves {
    names: Vec<String>,
    leaves: Vec<FileLeaf>,
}

impl FileLeaves {
    /// All leaves of `L`.
    #[must_use]
    pub fn of<L: FileLayout + ?Sized>() -> Vec<FileLeaf> {
        let mut all = FileLeaves::default();
        L::file_leaves(&mut all);
        all.leaves
    }

    /// Adds a leaf of `T`s with this number of extents.
    pub fn leaf<T: Record>(&mut self, axes: usize) {
        self.add::<T>(Role::Whole, axes);
    }

    /// Adds a leaf of `T`s with one axis, or a file of extents, under a name of its own.
    pub(crate) fn part<T: Record>(&mut self, name: &str, role: Role, axes: usize) {
        self.names.push(name.to_owned());
        self.add::<T>(role, axes);
        self.names.pop();
    }

    fn add<T: Record>(&mut self, role: Role, axes: usize) {
        self.leaves.push(FileLeaf {
            role,
            names: self.names.clone(),
            axes,
            type_id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
            item: T::item(),
            any_bits: T::ANY_BITS,
            first_invalid: first_invalid::<T>,
        });
    }

    /// Adds the leaves of the field `name` of a struct.
    pub fn field<L: FileLayout + ?Sized>(&mut self, name: &str) {
        self.names.push(name.to_owned());
        L::file_leaves(self);
        self.names.pop();
    }
}

/// The extents of each leaf, without those of its item, in the order of the plan.
#[derive(Debug)]
#[doc(hidden)]
pub struct LeafShapes<'a> {
    rest: std::slice::Iter<'a, Vec<usize>>,
}

impl<'a> LeafShapes<'a> {
    /// Each shape has as many extents as its [`FileLeaf`] has axes.
    #[must_use]
    pub fn new(shapes: &'a [Vec<usize>]) -> Self {
        LeafShapes {
            rest: shapes.iter(),
        }
    }

    /// The extents of the next leaf that has a file.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is none, or if it has another number of extents. The shapes are those of another layout then:
    /// rank 0, which has looked at the files, called with another type than this rank.
    pub fn take<const N: usize>(&mut self) -> Result<[usize; N]> {
        let shape = self.rest.next().map_or(&[][..], |shape| &shape[..]);
        shape.try_into().map_err(|_| Error::Shape {
            field: String::new(),
            expected: vec![0; N],
            found: shape.to_vec(),
        })
    }

    /// The extents of the field `name` of a struct.
    ///
    /// # Errors
    /// Those of the field, with its name.
    pub fn field<L: FileLayout + ?Sized>(&mut self, name: &str) -> Result<L::Dims> {
        in_field(name, L::dims_from_shapes(self))
    }
}

/// The bound of generated implementations for the layout `Self` of their field `INDEX`, with extents `D`.
///
/// The compiler reports a bound on a concrete type that does not hold at once, but with `for<'a>` in front of it only where the
/// implementation is used. So `'a` has no meaning. `INDEX` has none either: two fields may have the same layout under two names, and
/// with the same bound twice, the compiler would not know which of the two to use.
#[doc(hidden)]
pub trait FileField<'a, const INDEX: usize, D> {
    /// Adds the leaves of the field.
    fn file_leaves(name: &str, into: &mut FileLeaves);
    /// Takes the extents of the field's leaves.
    ///
    /// # Errors
    /// Those of the field, with its name.
    fn dims_from_shapes(name: &str, shapes: &mut LeafShapes<'_>) -> Result<D>;
    /// Compares the extents that the shape gives with those of the files. Of a composite, files have only what is in use.
    ///
    /// # Errors
    /// [`Error::Shape`] if they differ, or if those of a composite are larger.
    fn check_dims(name: &str, expected: &D, found: &D) -> Result<()>;
}

impl<L: FileLayout + ?Sized, const INDEX: usize> FileField<'_, INDEX, L::Dims> for L {
    fn file_leaves(name: &str, into: &mut FileLeaves) {
        into.field::<L>(name);
    }

    fn dims_from_shapes(name: &str, shapes: &mut LeafShapes<'_>) -> Result<L::Dims> {
        shapes.field::<L>(name)
    }

    fn check_dims(name: &str, expected: &L::Dims, found: &L::Dims) -> Result<()> {
        if (FileLeaves::of::<L>().iter()).all(|leaf| leaf.role == Role::Whole) {
            return check_dims(name, expected, found, L::encode_dims);
        }
        check_fits(name, expected, found, L::encode_dims)
    }
}

/// Records of which each column can be saved. `#[derive(SharedColumns)]` implements it under the condition that they can.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`Columns<{Self}>` cannot be saved to files or loaded from them",
    label = "does not derive `SharedColumns`",
    note = "add `#[derive(Clone, Copy, pshmem::SharedColumns)]` to the struct; each of its fields must be a `pshmem::Record`"
)]
pub trait FileColumns: SharedColumns {
    /// Adds one leaf for each column.
    fn file_columns(into: &mut FileLeaves);
}

impl<P: FileColumns> FileLayout for Columns<P> {
    fn file_leaves(into: &mut FileLeaves) {
        P::file_columns(into);
    }

    fn dims_from_shapes(shapes: &mut LeafShapes<'_>) -> Result<usize> {
        let mut len = None;
        for column in FileLeaves::of::<Self>() {
            let [found] = shapes.take()?;
            let expected = *len.get_or_insert(found);
            if found != expected {
                return Err(Error::Shape {
                    field: column.names.join("."),
                    expected: vec![expected],
                    found: vec![found],
                });
            }
        }
        Ok(len.unwrap_or_default())
    }
}

/// Implements `FileLayout` for layouts of one leaf.
macro_rules! one_leaf {
    ([$($generics:tt)*] $layout:ty, $t:ty, $axes:expr, |$shape:ident| $dims:expr $(, where $($bounds:tt)*)?) => {
        impl<$($generics)*> FileLayout for $layout $(where $($bounds)*)? {
            fn file_leaves(into: &mut FileLeaves) {
                into.leaf::<$t>($axes);
            }

            fn dims_from_shapes(shapes: &mut LeafShapes<'_>) -> Result<Self::Dims> {
                let $shape = shapes.take::<{ $axes }>()?;
                Ok($dims)
            }
        }
    };
}

macro_rules! primitives {
    ($($t:ty)*) => {$(
        one_leaf!([] $t, $t, 0, |_none| ());
    )*};
}

macro_rules! arrays {
    ($($n:literal)*) => {$(
        one_leaf!([T: Record] Array<T, Dim<[usize; $n]>>, T, $n, |shape| shape);
    )*};
}

primitives!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize f32 f64 bool char);
one_leaf!([T: Record] Value<T>, T, 0, |_none| ());
one_leaf!([T: Record, const N: usize] [T; N], [T; N], 0, |_none| (), where [T; N]: Record);
one_leaf!([T: Record] Complex<T>, Complex<T>, 0, |_none| (), where Complex<T>: Record);
one_leaf!([T: Record] [T], T, 1, |shape| shape[0]);
one_leaf!([T: Record] Vec<T>, T, 1, |shape| shape[0]);
one_leaf!([T: Record] Box<[T]>, T, 1, |shape| shape[0]);
arrays!(1 2 3 4 5 6);

/// Number of rows, from that of their offsets.
fn rows_of(offsets: usize) -> Result<usize> {
    offsets.checked_sub(1).ok_or_else(|| Error::Shape {
        field: String::new(),
        expected: vec![1],
        found: vec![offsets],
    })
}

/// Implements `FileLayout` for rows of `$t`s, which the file `$items` contains.
macro_rules! rows {
    ([$($generics:tt)*] $layout:ty, $t:ty, $items:literal) => {
        impl<$($generics)*> FileLayout for $layout {
            fn file_leaves(into: &mut FileLeaves) {
                into.part::<u64>("used", Role::Derived, 0);
                into.part::<u64>("offsets", Role::Used, 1);
                into.part::<$t>($items, Role::Used, 1);
            }

            fn dims_from_shapes(shapes: &mut LeafShapes<'_>) -> Result<RaggedDims> {
                let ([offsets], [items]) = (shapes.take()?, shapes.take()?);
                Ok(RaggedDims { rows: rows_of(offsets)?, items })
            }
        }
    };
}

rows!([T: Record] Ragged<T>, T, "items");
rows!([] Strings, u8, "bytes");

impl FileLayout for Text {
    fn file_leaves(into: &mut FileLeaves) {
        into.part::<u64>("used", Role::Derived, 0);
        // Without a name: a text is one file.
        into.add::<u8>(Role::Used, 1);
    }

    fn dims_from_shapes(shapes: &mut LeafShapes<'_>) -> Result<usize> {
        let [bytes] = shapes.take()?;
        Ok(bytes)
    }
}

/// As scipy names the arrays of a `csr_matrix`.
impl<T: Record> FileLayout for Csr<T> {
    fn file_leaves(into: &mut FileLeaves) {
        into.part::<u64>("indptr", Role::Used, 1);
        into.part::<u32>("indices", Role::Used, 1);
        into.part::<T>("data", Role::Used, 1);
        // Rows and columns.
        into.part::<u64>("shape", Role::Extents, 2);
    }

    fn dims_from_shapes(shapes: &mut LeafShapes<'_>) -> Result<CsrDims> {
        let ([offsets], [nnz], [values]) = (shapes.take()?, shapes.take()?, shapes.take()?);
        let [rows, cols] = shapes.take()?;
        // `complete` would find it, too, but could not say that the files do not belong together.
        let equal = |name, found: usize, expected: usize| {
            let shape = Error::Shape {
                field: String::new(),
                expected: vec![expected],
                found: vec![found],
            };
            in_field(
                name,
                if found == expected {
                    Ok(())
                } else {
                    Err(shape)
                },
            )
        };
        equal("indptr", offsets, rows.saturating_add(1))?;
        equal("data", values, nnz)?;
        Ok(CsrDims { rows, cols, nnz })
    }
}

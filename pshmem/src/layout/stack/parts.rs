//! What one rank brings of each leaf, and the extents of what all ranks bring.

use crate::error::Result;
use crate::layout::placer::in_field;
use crate::layout::stack::places::{Form, PartKind};
use crate::layout::{Element, StackLayout};
use std::any::TypeId;
use std::ops::Range;

/// What one rank brings of one leaf.
pub(crate) struct StackPart<'r> {
    /// Names of the field and of the structs around it.
    pub(crate) name: String,
    pub(crate) type_id: TypeId,
    /// Bytes of one element.
    pub(crate) element: usize,
    pub(crate) data: StackData<'r>,
    /// All ranks bring the same.
    pub(crate) is_common: bool,
}

pub(crate) enum StackData<'r> {
    /// Elements of some extents. Their rows stand behind those of the ranks before.
    Elements {
        extents: Vec<usize>,
        copy: Box<CopyElements<'r>>,
    },
    /// Offsets of rows, one more than there are rows, in the leaf that follows. They are made to begin where its elements begin.
    Offsets {
        offsets: &'r [u64],
        /// Extents of a row that are those of no leaf, such as the columns of a matrix. They must be the same on all ranks.
        of_row: Vec<usize>,
    },
    /// Follows from the other leaves of a composite.
    Derived,
}

/// Copies elements with these numbers, in row-major order, to bytes.
pub(crate) type CopyElements<'r> = dyn Fn(Range<usize>, &mut [u8]) + 'r;

impl StackPart<'_> {
    pub(crate) fn kind(&self) -> PartKind {
        PartKind {
            form: match self.data {
                StackData::Elements { .. } => Form::Elements,
                StackData::Offsets { .. } => Form::Offsets,
                StackData::Derived => Form::Derived,
            },
            axes: self.data.extents().len(),
            is_common: self.is_common,
        }
    }

    /// How an error begins that is about this part.
    pub(crate) fn label(&self) -> String {
        if self.name.is_empty() {
            return String::new();
        }
        format!("`{}`: ", self.name)
    }
}

impl StackData<'_> {
    /// What a rank brings: rows, and the extents of each row.
    pub(crate) fn extents(&self) -> Vec<usize> {
        match self {
            StackData::Elements { extents, .. } => extents.clone(),
            StackData::Offsets { offsets, of_row } => {
                let rows = offsets.len() - 1;
                std::iter::once(rows)
                    .chain(of_row.iter().copied())
                    .collect()
            }
            StackData::Derived => Vec::new(),
        }
    }
}

/// The parts of one rank.
#[derive(Default)]
#[doc(hidden)]
pub struct StackParts<'r> {
    names: Vec<String>,
    is_common: bool,
    parts: Vec<StackPart<'r>>,
}

impl std::fmt::Debug for StackParts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.parts.iter().map(|part| &part.name))
            .finish()
    }
}

impl<'r> StackParts<'r> {
    pub(crate) fn into_parts(self) -> Vec<StackPart<'r>> {
        self.parts
    }

    /// Adds the field `name` of a struct, whose rows are those of the struct.
    ///
    /// # Errors
    /// Those of the field, with its name.
    pub fn field<L: StackLayout + ?Sized>(
        &mut self,
        name: &str,
        owned: &'r L::Owned,
    ) -> Result<()> {
        self.names.push(name.to_owned());
        let added = L::parts(L::rows_of(owned), self);
        self.names.pop();
        in_field(name, added)
    }

    /// Adds the field `name` of a struct, of which all ranks bring the same value.
    ///
    /// # Errors
    /// Those of the field, with its name.
    pub fn common<L: StackLayout + ?Sized>(
        &mut self,
        name: &str,
        owned: &'r L::Owned,
    ) -> Result<()> {
        let outer = std::mem::replace(&mut self.is_common, true);
        let added = self.field::<L>(name, owned);
        self.is_common = outer;
        added
    }

    /// Adds a column of records.
    pub fn column<P: 'static, T: 'static>(
        &mut self,
        name: &str,
        records: &'r [P],
        get: fn(&P) -> T,
    ) {
        let size = size_of::<T>();
        let data = StackData::Elements {
            extents: vec![records.len()],
            copy: Box::new(move |range, into| {
                for (record, into) in records[range]
                    .iter()
                    .zip(into.chunks_exact_mut(size.max(1)))
                {
                    let value = get(record);
                    let from = std::ptr::from_ref(&value).cast::<u8>();
                    // SAFETY: both have the bytes of one `T`, and are not the same memory. They are initialised: the part is of the
                    // type of a leaf, as is checked before anything is copied, and leaves are of `Element`s only.
                    unsafe { std::ptr::copy_nonoverlapping(from, into.as_mut_ptr(), size) };
                }
            }),
        };
        self.part::<T>(name, data);
    }

    /// Adds a part with a name of its own inside of its composite.
    pub(crate) fn part<T: 'static>(&mut self, name: &str, data: StackData<'r>) {
        self.names.push(name.to_owned());
        self.add::<T>(data);
        self.names.pop();
    }

    /// Adds the offsets of rows in the leaf that follows.
    pub(crate) fn offsets(&mut self, name: &str, offsets: &'r [u64], of_row: Vec<usize>) {
        self.part::<u64>(name, StackData::Offsets { offsets, of_row });
    }

    /// Adds elements that are contiguous.
    pub(crate) fn elements<T: Element>(&mut self, name: &str, elements: &'r [T]) {
        self.part::<T>(
            name,
            StackData::Elements {
                extents: vec![elements.len()],
                copy: Box::new(move |range, into| {
                    into.copy_from_slice(bytemuck::cast_slice(&elements[range]));
                }),
            },
        );
    }

    pub(crate) fn add<T: 'static>(&mut self, data: StackData<'r>) {
        // What has no rows has one place for all ranks, whatever the implementation says.
        let is_one = matches!(&data, StackData::Elements { extents, .. } if extents.is_empty());
        self.parts.push(StackPart {
            name: self.names.join("."),
            type_id: TypeId::of::<T>(),
            element: size_of::<T>(),
            data,
            is_common: self.is_common || is_one,
        });
    }
}

/// The extents of each stacked leaf but the derived ones, in the order of the plan. Those of offsets are a number of rows.
#[derive(Debug)]
#[doc(hidden)]
pub struct StackShapes<'a> {
    rest: std::slice::Iter<'a, Vec<usize>>,
}

impl<'a> StackShapes<'a> {
    pub(crate) fn new(shapes: &'a [Vec<usize>]) -> Self {
        StackShapes {
            rest: shapes.iter(),
        }
    }

    /// The extents of the next leaf.
    ///
    /// # Panics
    /// If there is none, or if it has another number of extents: an implementation that names other parts than it takes.
    #[must_use]
    pub fn take<const N: usize>(&mut self) -> [usize; N] {
        let shape = self.rest.next().map_or(&[][..], |shape| &shape[..]);
        shape.try_into().expect("as many extents as the part has")
    }

    /// The extents of the field `name` of a struct.
    ///
    /// # Errors
    /// Those of the field, with its name.
    pub fn field<L: StackLayout + ?Sized>(&mut self, name: &str) -> Result<L::Dims> {
        in_field(name, L::dims_of_stack(self))
    }
}

/// The bound of generated implementations for the layout `Self` of their field `INDEX`, with private values `O` and extents `D`.
///
/// Its lifetime and `INDEX` have the purpose of those of [`FileField`](crate::layout::file_layout::FileField): a struct with a field
/// that cannot be stacked compiles until it is.
#[doc(hidden)]
pub trait StackField<'a, const INDEX: usize, O: ?Sized, D> {
    /// Adds the field, whose rows are those of the struct.
    ///
    /// # Errors
    /// Those of the field, with its name.
    fn rows<'r>(name: &str, owned: &'r O, into: &mut StackParts<'r>) -> Result<()>;
    /// Adds the field, of which all ranks bring the same value.
    ///
    /// # Errors
    /// Those of the field, with its name.
    fn common<'r>(name: &str, owned: &'r O, into: &mut StackParts<'r>) -> Result<()>;
    /// The extents of the field.
    ///
    /// # Errors
    /// Those of the field, with its name.
    fn dims_of_stack(name: &str, shapes: &mut StackShapes<'_>) -> Result<D>;
}

impl<L: StackLayout + ?Sized, const INDEX: usize> StackField<'_, INDEX, L::Owned, L::Dims> for L {
    fn rows<'r>(name: &str, owned: &'r L::Owned, into: &mut StackParts<'r>) -> Result<()> {
        into.field::<L>(name, owned)
    }

    fn common<'r>(name: &str, owned: &'r L::Owned, into: &mut StackParts<'r>) -> Result<()> {
        into.common::<L>(name, owned)
    }

    fn dims_of_stack(name: &str, shapes: &mut StackShapes<'_>) -> Result<L::Dims> {
        shapes.field::<L>(name)
    }
}

//! `Placer`: computes sizes, offsets and alignment of fields in checked arithmetic, without any memory.

use crate::error::{Error, Result};
use crate::layout::composite::PlacedComposite;
use crate::layout::schema::{FieldSchema, Schema};
use std::any::TypeId;

/// Every field starts on a cache line of its own, so that writing one does not slow down readers of another.
pub(crate) const LINE: usize = 64;

/// The largest alignment. Ranks map a segment at different addresses; only the offset inside a page is the same on all.
pub(crate) const PAGE: usize = 4096;

/// What an object without fields is called in errors.
const WHOLE: &str = "the object";

/// Refuses types whose values cannot be aligned alike on all ranks of a node.
pub(crate) const fn assert_alignment<T>() {
    assert!(
        align_of::<T>() <= PAGE,
        "alignments above 4096 are not supported: only the offset in a page is common to all ranks"
    );
}

/// `value` rounded up to a multiple of `align` (a power of two), or `None` past `isize::MAX`.
pub(crate) fn round_up(value: usize, align: usize) -> Option<usize> {
    debug_assert!(align.is_power_of_two());
    let up = value.checked_add(align - 1)? & !(align - 1);
    isize::try_from(up).is_ok().then_some(up)
}

/// The bytes of a mapping for an object of so many.
pub(crate) fn whole_pages(bytes: usize) -> Result<usize> {
    round_up(bytes, PAGE).ok_or_else(|| Error::TooLarge {
        what: WHOLE.to_owned(),
        extents: vec![bytes],
        size: 1,
    })
}

/// Bytes of an array, or `None` when the product of its non-zero extents and the element size exceeds `isize::MAX`.
///
/// Zero extents are left out of the product, so that a slice along any axis of an empty array is sound too; an element of
/// size zero counts as one byte.
pub(crate) fn array_bytes(extents: &[usize], size: usize) -> Option<usize> {
    let mut product = size.max(1);
    for &extent in extents.iter().filter(|&&extent| extent != 0) {
        product = product
            .checked_mul(extent)
            .filter(|&bytes| isize::try_from(bytes).is_ok())?;
    }
    if extents.contains(&0) || size == 0 {
        Some(0)
    } else {
        Some(product)
    }
}

/// A placed field: offset, size, type of its elements, and number within the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub struct Leaf {
    /// Position among the leaves of the object.
    pub(crate) index: usize,
    /// Bytes from the start of the segment.
    pub(crate) offset: usize,
    /// Bytes of the field.
    pub(crate) bytes: usize,
    /// Bytes of one element.
    pub(crate) element: usize,
    /// Type of its elements. Bytes that come from a file are checked by the rules of this type.
    pub(crate) type_id: TypeId,
}

/// Places fields one after the other.
#[derive(Debug)]
#[doc(hidden)]
pub struct Placer {
    end: usize,
    align: usize,
    next_align: usize,
    leaves: Vec<Leaf>,
    composites: Vec<PlacedComposite>,
    description: Option<Description>,
}

/// Names and types of the placed fields. Only schemas and error messages need them, so most placers have none.
#[derive(Debug, Default)]
struct Description {
    path: Vec<String>,
    schema: Schema,
}

/// The result of a [`Placer`].
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) leaves: Vec<Leaf>,
    /// An inner one comes before the one around it.
    pub(crate) composites: Vec<PlacedComposite>,
    pub(crate) bytes: usize,
    pub(crate) align: usize,
}

impl Placer {
    pub(crate) fn new() -> Self {
        Placer {
            end: 0,
            align: LINE,
            next_align: LINE,
            leaves: Vec::new(),
            composites: Vec::new(),
            description: None,
        }
    }

    /// A placer that keeps a schema, and whose errors name the field.
    pub(crate) fn describing() -> Self {
        Placer {
            description: Some(Description::default()),
            ..Placer::new()
        }
    }

    /// Places a field of `extents` elements of `T` behind those placed before.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when the field or the whole object would not fit into an address space.
    pub(crate) fn leaf<T: 'static>(&mut self, extents: &[usize]) -> Result<Leaf> {
        const { assert_alignment::<T>() };
        let size = size_of::<T>();
        let align = align_of::<T>().max(LINE).max(self.next_align);
        let too_large = || Error::TooLarge {
            what: self.name(),
            extents: extents.to_vec(),
            size,
        };
        let bytes = array_bytes(extents, size).ok_or_else(too_large)?;
        let offset = round_up(self.end, align).ok_or_else(too_large)?;
        let end = offset
            .checked_add(bytes)
            .filter(|&end| end <= isize::MAX as usize - PAGE)
            .ok_or_else(too_large)?;
        let leaf = Leaf {
            index: self.leaves.len(),
            offset,
            bytes,
            element: size,
            type_id: TypeId::of::<T>(),
        };
        if let Some(Description { path, schema }) = &mut self.description {
            schema.fields.push(FieldSchema {
                name: path.join("."),
                type_name: std::any::type_name::<T>().to_owned(),
                extents: extents.to_vec(),
                offset,
                bytes,
                align: align_of::<T>(),
            });
        }
        self.leaves.push(leaf);
        self.end = end;
        self.align = self.align.max(align);
        self.next_align = LINE;
        Ok(leaf)
    }

    /// Calls `place` for the field `name` of a struct. The first byte that it places is aligned to `align`.
    pub(crate) fn place<R>(
        &mut self,
        name: &str,
        align: usize,
        place: impl FnOnce(&mut Self) -> Result<R>,
    ) -> Result<R> {
        if let Some(Description { path, .. }) = &mut self.description {
            path.push(name.to_owned());
        }
        self.next_align = self.next_align.max(align);
        let placed = place(self);
        if let Some(Description { path, .. }) = &mut self.description {
            path.pop();
        }
        self.next_align = LINE;
        in_field(name, placed)
    }

    /// Notes that some of the leaves placed so far belong together.
    pub(crate) fn add_composite(&mut self, composite: PlacedComposite) {
        self.composites.push(composite);
    }

    /// Number of the next leaf.
    #[must_use]
    pub fn position(&self) -> usize {
        self.leaves.len()
    }

    pub(crate) fn finish(self) -> Placed {
        Placed {
            leaves: self.leaves,
            composites: self.composites,
            bytes: self.end,
            align: self.align,
        }
    }

    /// What a describing placer has kept.
    pub(crate) fn into_schema(self) -> Schema {
        self.description
            .map(|description| description.schema)
            .unwrap_or_default()
    }

    fn name(&self) -> String {
        match &self.description {
            Some(Description { path, .. }) if !path.is_empty() => {
                format!("field `{}`", path.join("."))
            }
            _ => WHOLE.to_owned(),
        }
    }
}

/// Adds the name of a field to an error about extents. Nested structs call it from the innermost field outwards.
pub(crate) fn in_field<R>(name: &str, result: Result<R>) -> Result<R> {
    result.map_err(|mut error| {
        if let Error::Shape { field, .. } | Error::Extent { field, .. } = &mut error {
            *field = if field.is_empty() {
                name.to_owned()
            } else {
                format!("{name}.{field}")
            };
        }
        error
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_start_on_lines_of_their_own() {
        let mut placer = Placer::new();
        let a = placer.place("a", 1, |p| p.leaf::<u8>(&[3])).unwrap();
        let b = placer.place("b", 4096, |p| p.leaf::<f64>(&[2, 2])).unwrap();
        let c = placer.place("c", 1, |p| p.leaf::<u64>(&[])).unwrap();
        assert_eq!((a.offset, a.bytes), (0, 3));
        assert_eq!((b.offset, b.bytes), (4096, 32));
        assert_eq!((c.offset, c.bytes), (4096 + 64, 8));
        assert_eq!(placer.leaves.len(), 3);
        let whole = placer.finish();
        assert_eq!((whole.bytes, whole.align), (4096 + 72, 4096));
    }

    #[test]
    fn products_are_checked_although_an_extent_is_zero() {
        assert_eq!(array_bytes(&[3, 0], 8), Some(0));
        assert_eq!(array_bytes(&[usize::MAX, 0, 2], 8), None);
        assert_eq!(array_bytes(&[usize::MAX / 2, 3], 0), None);
        assert_eq!(
            array_bytes(&[isize::MAX as usize], 1),
            Some(isize::MAX as usize)
        );
        assert_eq!(array_bytes(&[isize::MAX as usize], 2), None);
        assert_eq!(array_bytes(&[], 16), Some(16));
    }

    #[test]
    fn objects_past_the_address_space_are_refused() {
        let mut placer = Placer::describing();
        placer.leaf::<u8>(&[isize::MAX as usize / 2]).unwrap();
        let error = placer
            .place("more", 1, |p| p.leaf::<u8>(&[isize::MAX as usize / 2 + 2]))
            .unwrap_err();
        assert!(
            error.to_string().starts_with("field `more` with extents"),
            "{error}"
        );
    }
}

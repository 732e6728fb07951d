//! The leaves of a layout, and the file in which each one is saved.

use crate::layout::file_layout::{FileLeaf, Role};
use crate::layout::{Field, Leaf, SharedLayout};
use pshmem_format::{SavedSchema, piece_bytes};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The file that lists the others of a folder.
pub(super) const SCHEMA: &str = SavedSchema::FILE;

/// The leaves that have a file.
pub(super) fn saved(leaves: &[FileLeaf]) -> impl Iterator<Item = &FileLeaf> {
    leaves.iter().filter(|leaf| leaf.role != Role::Derived)
}

/// Whether an object with these leaves is saved as one file. Otherwise it is a folder.
pub(super) fn is_one_file(leaves: &[FileLeaf]) -> bool {
    only_file(leaves).is_some()
}

/// The leaf of an object that is saved as one file.
pub(super) fn only_file(leaves: &[FileLeaf]) -> Option<&FileLeaf> {
    let mut saved = saved(leaves);
    let first = saved.next().filter(|leaf| leaf.names.is_empty());
    first.filter(|_| saved.next().is_none())
}

/// Where the file of a leaf is, from the folder of its object: `opacity/table.npy`.
pub(super) fn relative_path(leaf: &FileLeaf) -> String {
    format!("{}.npy", leaf.names.join("/"))
}

/// The file of a leaf of an object that is saved at `path`.
pub(super) fn path_of(path: &Path, leaf: &FileLeaf) -> PathBuf {
    if leaf.names.is_empty() {
        path.to_owned()
    } else {
        path.join(relative_path(leaf))
    }
}

/// What a file contains: the elements of a leaf or, of composites, those in use; or numbers that are no leaf.
#[derive(Debug)]
pub(super) struct PlacedLeaf<'a> {
    /// Its bytes are those that the file contains. Without a place in the object for numbers that are no leaf.
    pub(super) leaf: Leaf,
    pub(super) file: &'a FileLeaf,
    /// Extents of what the file contains, without those of its elements.
    pub(super) extents: Vec<usize>,
    /// If these are no leaf: the numbers.
    numbers: Option<Vec<u64>>,
}

impl<'a> PlacedLeaf<'a> {
    /// Brings the leaves of a field's plan and those of its layout together. `used` has the elements in use of each leaf of a
    /// composite.
    ///
    /// # Panics
    /// If they are not of the same types: an implementation of `FileLayout` that does not belong to its layout. Nothing may be read
    /// into memory then, because what is a value of one type may be none of the other.
    pub(super) fn all<L: SharedLayout + ?Sized>(
        field: &Field<'_, L>,
        files: &'a [FileLeaf],
        used: &[Option<usize>],
    ) -> Vec<Self> {
        let (handle, leaves) = (field.handle(), field.leaves());
        let (placed, schema) = (
            handle.placed(&leaves),
            &handle.schema().fields[leaves.clone()],
        );
        let in_memory = files.iter().filter(|file| file.role != Role::Extents);
        let types = placed.iter().map(|leaf| leaf.type_id);
        assert!(
            types.eq(in_memory.map(|file| file.type_id)),
            "the implementation of `FileLayout` names other leaves than that of `SharedLayout`"
        );
        let mut all = Vec::new();
        let mut at = 0;
        for file in files {
            if file.role == Role::Extents {
                all.push(Self::numbers(field, file, leaves.start + at));
                continue;
            }
            let (mut leaf, mut extents) = (placed[at], schema[at].extents.clone());
            if let (Role::Used, Some(used)) = (file.role, used[at]) {
                // Otherwise bytes of the next leaf could be written. A leaf of several axes may have rows, but no bytes.
                assert!(
                    extents.len() == 1 && used <= extents[0],
                    "no more is in use than the leaf has"
                );
                leaf.bytes = used * leaf.element;
                extents = vec![used];
            }
            at += 1;
            if file.role != Role::Derived {
                let numbers = None;
                all.push(PlacedLeaf {
                    leaf,
                    file,
                    extents,
                    numbers,
                });
            }
        }
        all
    }

    /// The first extents of the composite whose leaves end at `end`.
    fn numbers<L: SharedLayout + ?Sized>(
        field: &Field<'_, L>,
        file: &'a FileLeaf,
        end: usize,
    ) -> Self {
        let mut composites = field.handle().composites(&field.leaves());
        let composite = composites.find(|composite| composite.leaves.end == end);
        let dims = composite.map_or(&[][..], |composite| &composite.dims);
        let numbers: Vec<u64> = dims[..file.axes]
            .iter()
            .map(|&number| number as u64)
            .collect();
        PlacedLeaf {
            leaf: Leaf {
                index: usize::MAX,
                offset: 0,
                bytes: size_of_val(&numbers[..]),
                element: size_of::<u64>(),
                type_id: file.type_id,
            },
            file,
            extents: vec![numbers.len()],
            numbers: Some(numbers),
        }
    }

    /// What the file must have: the extents of the leaf, or the numbers.
    pub(super) fn expected(&self) -> Vec<usize> {
        match &self.numbers {
            Some(numbers) => numbers.iter().map(|&number| number as usize).collect(),
            None => self.extents.clone(),
        }
    }

    /// Whether this is a leaf, and no file of numbers.
    pub(super) fn is_leaf(&self) -> bool {
        self.numbers.is_none()
    }

    /// Some of the bytes that the file contains.
    pub(super) fn bytes_in<'b, L: SharedLayout + ?Sized>(
        &'b self,
        field: &'b Field<'_, L>,
        bytes: Range<usize>,
    ) -> &'b [u8] {
        match &self.numbers {
            Some(numbers) => &bytemuck::cast_slice(numbers)[bytes],
            None => field.bytes_of(&self.leaf, bytes),
        }
    }

    /// Bytes of an element.
    pub(super) fn element(&self) -> usize {
        self.file.item.size()
    }

    /// Bytes of a piece, but for the last one.
    pub(super) fn piece_bytes(&self) -> usize {
        piece_bytes(self.element())
    }

    /// Number of pieces.
    pub(super) fn pieces(&self) -> usize {
        self.leaf.bytes.div_ceil(self.piece_bytes())
    }

    /// The bytes of some pieces, from the start of the leaf.
    pub(super) fn bytes_of(&self, pieces: &Range<usize>) -> Range<usize> {
        let size = self.piece_bytes();
        pieces.start * size..(pieces.end * size).min(self.leaf.bytes)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::layout::file_layout::FileLeaves;
    use crate::{Comm, Shared, Text};
    use ndarray::Array2;

    #[test]
    #[should_panic(expected = "no more is in use than the leaf has")]
    fn a_leaf_with_rows_but_no_bytes_is_not_a_part_of_a_composite() {
        let object = Shared::<Array2<u8>>::new(&Comm::solo(), [5, 0]).unwrap();
        let mut files = FileLeaves::of::<Text>();
        files.remove(0);
        PlacedLeaf::all(&object.whole(), &files, &[Some(5)]);
    }
}

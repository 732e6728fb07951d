//! The leaves of a layout, and the file in which each one is saved.

use crate::layout::file_layout::FileLeaf;
use crate::layout::{Field, Leaf, SharedLayout};
use pshmem_format::{SavedSchema, piece_bytes};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The file that lists the others of a folder.
pub(super) const SCHEMA: &str = SavedSchema::FILE;

/// Whether an object with these leaves is saved as one file. Otherwise it is a folder.
pub(super) fn is_one_file(leaves: &[FileLeaf]) -> bool {
    matches!(leaves, [leaf] if leaf.names.is_empty())
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

/// A leaf of an object, with what its files need to know of it.
#[derive(Debug)]
pub(super) struct PlacedLeaf<'a> {
    pub(super) leaf: Leaf,
    pub(super) file: &'a FileLeaf,
    /// Its extents, without those of its elements.
    pub(super) extents: &'a [usize],
}

impl<'a> PlacedLeaf<'a> {
    /// Brings the leaves of a field's plan and those of its layout together.
    ///
    /// # Panics
    /// If they are not of the same types: an implementation of `FileLayout` that does not belong to its layout. Nothing may be read
    /// into memory then, because what is a value of one type may be none of the other.
    pub(super) fn all<L: SharedLayout + ?Sized>(
        field: &Field<'a, L>,
        files: &'a [FileLeaf],
    ) -> Vec<Self> {
        let (handle, leaves) = (field.handle(), field.leaves());
        let (placed, schema) = (handle.placed(&leaves), &handle.schema().fields[leaves]);
        let types = placed.iter().map(|leaf| leaf.type_id);
        assert!(
            types.eq(files.iter().map(|file| file.type_id)),
            "the implementation of `FileLayout` names other leaves than that of `SharedLayout`"
        );
        let all = placed.iter().zip(files).zip(schema);
        all.map(|((&leaf, file), schema)| PlacedLeaf {
            leaf,
            file,
            extents: &schema.extents,
        })
        .collect()
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

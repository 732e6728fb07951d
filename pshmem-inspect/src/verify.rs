//! Compares a file with the checksums of `schema.json`.

use crate::saved::NpyFile;
use crate::window::{WINDOW, Window};
use pshmem_format::{Checksum, SavedField};
use std::io;

/// A piece whose checksum differs.
#[derive(Debug, PartialEq)]
pub(crate) struct Different {
    /// Which piece, from 0.
    pub(crate) piece: usize,
    /// Its bytes of the data, up to the second number.
    pub(crate) bytes: (u64, u64),
}

/// The pieces that differ.
pub(crate) fn different(file: &mut NpyFile, schema: &SavedField) -> io::Result<Vec<Different>> {
    let bytes = file.bytes;
    let mut window = Window::new(file);
    let mut different = Vec::new();
    for (piece, listed) in schema.pieces.iter().enumerate() {
        // The schema was checked: it has as many pieces as fit the bytes.
        let start = piece as u64 * schema.piece_bytes;
        let end = bytes.min(start.saturating_add(schema.piece_bytes));
        let mut checksum = Checksum::new();
        let mut at = start;
        while at < end {
            let len = (end - at).min(WINDOW as u64);
            checksum.update(window.read(at, len as usize)?);
            at += len;
        }
        if Checksum::from_hex(listed) != Some(checksum.value()) {
            let bytes = (start, end);
            different.push(Different { piece, bytes });
        }
    }
    Ok(different)
}

//! Reads pieces of files into node memory, and checks that what was read are values.

use crate::comm::transfer::Target;
use crate::files::failure::{Failure, Result};
use crate::files::find::{FileView, FoundLeaf, Stamp, open};
use crate::files::fortran;
use crate::files::leaf_files::PlacedLeaf;
use crate::files::progress::Progress;
use crate::layout::region::Region;
use pshmem_format::checksum;
use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// One leaf of an object, and where its data are.
pub(super) struct ReadLeaf<'a> {
    pub(super) placed: PlacedLeaf<'a>,
    pub(super) found: FoundLeaf,
}

impl ReadLeaf<'_> {
    /// Number of pieces. A file in Fortran order is cut along its last axis.
    pub(super) fn pieces(&self) -> usize {
        if self.found.is_fortran {
            fortran::Slabs::new(&self.placed, &self.found).pieces()
        } else {
            self.placed.pieces()
        }
    }

    /// The bytes of the object that some pieces fill.
    pub(super) fn region(&self, pieces: &Range<usize>) -> Region {
        if self.found.is_fortran {
            return fortran::Slabs::new(&self.placed, &self.found).region(pieces);
        }
        let bytes = self.placed.bytes_of(pieces);
        Region::run(self.placed.leaf.offset + bytes.start, bytes.len())
    }
}

/// Reads a share: leaves, each with some of its pieces. `view` is how this rank and rank 0 see the files.
///
/// After a failure the rest of the share stays as it was. Whatever happens, all bytes of the share are values then.
///
/// # Safety
/// As for [`Target::run_mut`], for the bytes of the share, until this returns.
pub(super) unsafe fn read_share(
    target: &Target<'_>,
    leaves: &[ReadLeaf<'_>],
    share: &[(usize, Range<usize>)],
    view: FileView,
    progress: &mut Progress,
) -> Result<()> {
    for (leaf, pieces) in share {
        let leaf = &leaves[*leaf];
        let path = leaf.found.path();
        let file = open_same(&path, leaf.found.stamp, view)?;
        if leaf.found.is_fortran {
            let slabs = fortran::Slabs::new(&leaf.placed, &leaf.found);
            // SAFETY: passed on from the caller.
            unsafe { slabs.read(target, &file, &path, pieces.clone(), progress) }?;
            continue;
        }
        for piece in pieces.clone() {
            let region = leaf.region(&(piece..piece + 1));
            // SAFETY: a part of the share, passed on from the caller.
            let bytes = unsafe { target.run_mut(region.start, region.run) };
            let read = read_piece(leaf, &file, &path, piece, bytes);
            if read.is_err() {
                // What was read so far may be no value, and is not what the file says.
                bytes.fill(0);
            }
            read?;
            progress.add(region.run);
        }
    }
    Ok(())
}

/// Writes zeros, which are values of every element.
///
/// # Safety
/// As for [`Target::run_mut`], for the bytes of the region, until this returns.
pub(super) unsafe fn zero(target: &Target<'_>, region: &Region) {
    for start in region.runs(0) {
        // SAFETY: passed on from the caller.
        unsafe { target.run_mut(start, region.run) }.fill(0);
    }
}

/// Opens the file that rank 0 has looked at.
fn open_same(path: &Path, stamp: Stamp, view: FileView) -> Result<File> {
    let file = open(path)?;
    let data = file.metadata();
    let data = data.map_err(Failure::system("opening it", path))?;
    if Stamp::of(&data).matches(stamp, view) {
        return Ok(file);
    }
    Err(Failure::new(
        path,
        "it is not the file that rank 0 has opened; another job has replaced it, or the hosts do not share this file system",
    ))
}

fn read_piece(
    leaf: &ReadLeaf<'_>,
    file: &File,
    path: &Path,
    piece: usize,
    bytes: &mut [u8],
) -> Result<()> {
    let start = leaf.placed.bytes_of(&(piece..piece + 1)).start;
    read_exact(file, path, bytes, leaf.found.data_at + start as u64)?;
    check_sum(path, start, bytes, leaf.found.checksums.get(piece))?;
    let element = leaf.placed.element();
    reverse(bytes, element, &leaf.found.swaps);
    check_values(&leaf.placed, path, start, bytes)
}

/// Compares the bytes of a file from `start` on with their checksum, if there is one.
pub(super) fn check_sum(
    path: &Path,
    start: usize,
    bytes: &[u8],
    expected: Option<&u64>,
) -> Result<()> {
    let Some(&expected) = expected else {
        return Ok(());
    };
    let found = checksum(bytes);
    if found == expected {
        return Ok(());
    }
    let reason = format!(
        "the checksum of its bytes from {start} on is {found:016x}, but `schema.json` says {expected:016x}; the file was changed or \
         damaged"
    );
    Err(Failure::new(path, reason))
}

/// Checks that bytes of a leaf from `start` on are values.
pub(super) fn check_values(
    placed: &PlacedLeaf<'_>,
    path: &Path,
    start: usize,
    bytes: &[u8],
) -> Result<()> {
    // What has no other bytes than values is not even looked at.
    let Some(invalid) = (placed.file.first_invalid)(bytes) else {
        return Ok(());
    };
    let element = placed.element();
    let at = invalid * element;
    let reason = format!(
        "element {} has the bytes {:02x?}, which are no value of `{}`",
        (start + at) / element,
        &bytes[at..(at + element).min(at + 32)],
        placed.file.type_name
    );
    Err(Failure::new(path, reason))
}

pub(super) fn read_exact(file: &File, path: &Path, into: &mut [u8], at: u64) -> Result<()> {
    file.read_exact_at(into, at).map_err(|error| {
        if error.kind() == ErrorKind::UnexpectedEof {
            return Failure::new(path, "it has become shorter while it was read");
        }
        Failure::system("reading it", path)(error)
    })
}

/// Reverses the bytes of scalars, in every element.
pub(super) fn reverse(bytes: &mut [u8], element: usize, swaps: &[(usize, usize)]) {
    if swaps.is_empty() {
        return;
    }
    for element in bytes.chunks_exact_mut(element) {
        for &(at, size) in swaps {
            element[at..at + size].reverse();
        }
    }
}

//! Writes pieces of an object to files.

use crate::files::failure::{Failure, Result};
use crate::files::leaf_files::{PlacedLeaf, path_of};
use crate::files::pieces::Pieces;
use crate::files::progress::Progress;
use crate::layout::{Field, SharedLayout};
use pshmem_format::{Header, checksum};
use rustix::process::{Resource, getrlimit};
use std::fs::{self, File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file beside the others of a folder, in which the ranks note the checksums of their pieces until rank 0 has read them.
pub(super) const CHECKSUMS: &str = "checksums.partial";

/// The headers of the leaves.
pub(super) fn headers(leaves: &[PlacedLeaf<'_>], extents: &[Vec<usize>]) -> Vec<Vec<u8>> {
    let pairs = leaves.iter().zip(extents);
    pairs
        .map(|(leaf, extents)| Header::encode(&leaf.file.item, extents))
        .collect()
}

/// Creates the file of each leaf inside `partial`, with its header and its final size.
pub(super) fn create_files(
    partial: &Path,
    leaves: &[PlacedLeaf<'_>],
    headers: &[Vec<u8>],
) -> Result<()> {
    for (leaf, header) in leaves.iter().zip(headers) {
        let path = path_of(partial, leaf.file);
        let len = (header.len() + leaf.leaf.bytes) as u64;
        check_limit(&path, len)?;
        if !leaf.file.names.is_empty() {
            let folder = path.parent().expect("a file inside the folder");
            fs::create_dir_all(folder).map_err(Failure::system("creating it", folder))?;
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Failure::system("creating it", &path))?;
        file.set_len(len)
            .and_then(|()| file.write_all_at(header, 0))
            .map_err(Failure::system("writing its header", &path))?;
    }
    Ok(())
}

/// Refuses a file that is longer than this process may write. Trying would end the process by a signal.
fn check_limit(path: &Path, len: u64) -> Result<()> {
    match getrlimit(Resource::Fsize).current {
        Some(limit) if limit < len => Err(Failure::new(
            path,
            format_args!(
                "the file has {len} B, but processes on this host may write {limit} B to a file (`ulimit -f`)"
            ),
        )),
        _ => Ok(()),
    }
}

/// Writes a share of the pieces of `field`: leaves, each with some pieces. What was written is on the disk when this returns.
pub(super) fn write_share<L: SharedLayout + ?Sized>(
    field: &Field<'_, L>,
    partial: &Path,
    leaves: &[PlacedLeaf<'_>],
    headers: &[Vec<u8>],
    pieces: &Pieces,
    share: &[(usize, Range<usize>)],
    progress: &mut Progress,
) -> Result<()> {
    let sums = checksum_file(partial, leaves)?;
    for (index, range) in share {
        let (leaf, header) = (&leaves[*index], &headers[*index]);
        let path = path_of(partial, leaf.file);
        check_limit(&path, (header.len() + leaf.leaf.bytes) as u64)?;
        let file = OpenOptions::new()
            .write(true)
            .open(&path)
            .map_err(Failure::system("opening it", &path))?;
        for piece in range.clone() {
            let at = leaf.bytes_of(&(piece..piece + 1));
            let bytes = field.bytes_of(&leaf.leaf, at.clone());
            if let Some((path, sums)) = &sums {
                let number = (pieces.first_of(*index) + piece) as u64;
                let sum = checksum(bytes).to_le_bytes();
                sums.write_all_at(&sum, number * sum.len() as u64)
                    .map_err(Failure::system("writing it", path))?;
            }
            file.write_all_at(bytes, (header.len() + at.start) as u64)
                .map_err(Failure::system("writing it", &path))?;
            progress.add(bytes.len());
        }
        file.sync_all()
            .map_err(Failure::system("writing it to the disk", &path))?;
    }
    Ok(())
}

/// The file for checksums, which a folder has.
fn checksum_file(partial: &Path, leaves: &[PlacedLeaf<'_>]) -> Result<Option<(PathBuf, File)>> {
    if leaves.iter().all(|leaf| leaf.file.names.is_empty()) {
        return Ok(None);
    }
    let path = partial.join(CHECKSUMS);
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = opened.map_err(Failure::system("opening it", &path))?;
    Ok(Some((path, file)))
}

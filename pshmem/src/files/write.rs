//! Writes pieces of an object to files.

use crate::files::failure::{Failure, Result};
use crate::files::leaf_files::{PlacedLeaf, path_of};
use crate::files::pieces::Pieces;
use crate::files::progress::Progress;
use crate::layout::{Field, SharedLayout};
use pshmem_format::{Header, checksum};
use rustix::fs::{Advice, Mode, OFlags, fadvise};
use rustix::process::{Resource, getrlimit};
use std::fs::{self, File, OpenOptions};
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file beside the others of a folder, in which the ranks note the checksums of their pieces until rank 0 has read them.
pub(super) const CHECKSUMS: &str = "checksums.partial";

/// The headers of the leaves.
pub(super) fn headers(leaves: &[PlacedLeaf<'_>]) -> Vec<Vec<u8>> {
    let header = |leaf: &PlacedLeaf<'_>| Header::encode(&leaf.file.item, &leaf.extents);
    leaves.iter().map(header).collect()
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
        if leaf.leaf.bytes == 0 {
            // No rank has a piece of it to write.
            file.sync_all()
                .map_err(Failure::system("writing it to the disk", &path))?;
        }
    }
    Ok(())
}

/// Refuses a file that is longer than this process may write. Trying would end the process by a signal.
pub(super) fn check_limit(path: &Path, len: u64) -> Result<()> {
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
/// `target` is where it will stand.
#[expect(clippy::too_many_arguments, reason = "all that a save knows")]
pub(super) fn write_share<L: SharedLayout + ?Sized>(
    field: &Field<'_, L>,
    partial: &Path,
    target: &Path,
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
            let bytes = leaf.bytes_in(field, at.clone());
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
        evict_from_page_cache(&path_of(target, leaf.file), &leaf.bytes_of(range));
    }
    Ok(())
}

/// Tells the system that these bytes of a file, which is about to be replaced, need not stay in the page cache.
///
/// Otherwise rank 0 alone frees the pages of the whole file, inside the call that replaces it, while all other ranks wait. The file
/// itself stays as it is. An error is ignored: the pages are freed later then.
fn evict_from_page_cache(path: &Path, bytes: &Range<usize>) {
    // Whatever is at the path now: nothing waits for a pipe, nothing follows a link.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    if let Ok(file) = rustix::fs::open(path, flags, Mode::empty()) {
        // A length of zero would mean the rest of the file.
        if let Some(len) = NonZeroU64::new(bytes.len() as u64) {
            let _ = fadvise(file, bytes.start as u64, Some(len), Advice::DontNeed);
        }
    }
}

/// The file for checksums, which a folder has.
fn checksum_file(partial: &Path, leaves: &[PlacedLeaf<'_>]) -> Result<Option<(PathBuf, File)>> {
    if leaves.iter().all(|leaf| leaf.file.names.is_empty()) {
        return Ok(None);
    }
    let path = partial.join(CHECKSUMS);
    let pieces: usize = leaves.iter().map(PlacedLeaf::pieces).sum();
    check_limit(&path, (pieces * size_of::<u64>()) as u64)?;
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = opened.map_err(Failure::system("opening it", &path))?;
    Ok(Some((path, file)))
}

// Miri has no pipes and no advice on files.
#[cfg(all(test, not(loom), not(miri)))]
mod tests {
    use super::*;
    use pshmem_format::PIECE_BYTES;
    use rustix::fs::{CWD, mkfifoat};

    #[test]
    fn what_is_evicted_stays_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes = vec![7; 3 * PIECE_BYTES];
        fs::write(&path, &bytes).unwrap();
        // Some of them are not on the disk yet.
        evict_from_page_cache(&path, &(PIECE_BYTES..2 * PIECE_BYTES));
        File::open(&path).unwrap().sync_all().unwrap();
        evict_from_page_cache(&path, &(0..10 * PIECE_BYTES));
        assert!(fs::read(&path).unwrap() == bytes);
    }

    #[test]
    fn nothing_waits_where_there_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        for path in [&pipe, &link, &folder.path().join("none")] {
            evict_from_page_cache(path, &(0..1));
        }
    }
}

//! `save`: the ranks of one node write an object to files, which then take the place of older ones.

use crate::comm::protocol::call::{Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::error::Result;
use crate::files::entries::visit_entries;
use crate::files::failure::{Failure, Result as FileResult};
use crate::files::leaf_files::{PlacedLeaf, SCHEMA, is_one_file, relative_path};
use crate::files::pieces::Pieces;
use crate::files::progress::Progress;
use crate::files::replace::{self, Partial};
use crate::files::write::{CHECKSUMS, check_limit, create_files, headers, write_share};
use crate::layout::Field;
use crate::layout::file_layout::{FileLayout, FileLeaves};
use pshmem_format::{Checksum, SavedField, SavedSchema};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::panic::Location;
use std::path::{Path, PathBuf};

/// Implements the calls of the same name.
pub(super) fn save<L: FileLayout + ?Sized>(
    field: &Field<'_, L>,
    site: &'static Location<'static>,
    path: &Path,
) -> Result<()> {
    // Here, where no rank waits yet: the implementation may be a user's.
    let files = FileLeaves::of::<L>();
    let core = field.core();
    let _call = core.enter(Kind::Save.name(), site)?;
    let call = field.call(Kind::Save);
    let topology = &core.group.topology;
    let leaves = PlacedLeaf::all(field, &files, &field.used());
    let is_folder = !is_one_file(&files);
    let headers = headers(&leaves);
    core.agree_on(call, path.as_os_str().as_bytes(), Contribution::default())?;
    // Rank 0 keeps it from the second round to the last one.
    let partial = RefCell::new(None);
    let created = core.write_long(call.root(0).step(Step::Create), || {
        let made = create(path, core.group.host(), is_folder, &leaves, &headers);
        let made = made.map_err(|failure| failure.error(core, call.name()))?;
        let name = made.path().as_os_str().as_bytes().to_vec();
        partial.replace(Some(made));
        Ok(name)
    })?;
    let created = PathBuf::from(OsStr::from_bytes(&created));
    let pieces = Pieces::new(leaves.iter().map(PlacedLeaf::pieces));
    let mut written = Ok(());
    if topology.node() == 0 {
        let share = pieces.share(topology.local_rank, topology.node_ranks.len());
        let bytes = share
            .iter()
            .map(|(leaf, range)| leaves[*leaf].bytes_of(range).len());
        let mut progress = Progress::new(core, call.name(), bytes.sum());
        written = write_share(
            field,
            &created,
            path,
            &leaves,
            &headers,
            &pieces,
            &share,
            &mut progress,
        );
        progress.end(call.name(), path);
    }
    let fault = written
        .err()
        .map(|failure| failure.error(core, call.name()));
    let agreed = core.agree(call.step(Step::Finish), Contribution::fault(fault));
    if let Err(error) = agreed {
        if let Some(partial) = partial.take() {
            partial.discard();
        }
        return Err(error);
    }
    core.write_long(call.root(0).step(Step::Commit), || {
        let partial = partial.take().expect("rank 0 has created it");
        commit::<L>(partial, path, &leaves)
            .map(|()| Vec::new())
            .map_err(|failure| failure.error(core, call.name()))
    })?;
    Ok(())
}

/// Rank 0 creates the files, empty but for their headers.
fn create(
    path: &Path,
    host: &str,
    is_folder: bool,
    leaves: &[PlacedLeaf<'_>],
    headers: &[Vec<u8>],
) -> FileResult<Partial> {
    if is_folder {
        replace::recover(path)
            .map_err(Failure::system("putting back what a crash has left", path))?;
    }
    check_place(path, is_folder)?;
    let path = std::path::absolute(path).map_err(Failure::system("finding it", path))?;
    let partial = Partial::new(&path, host, is_folder)
        .map_err(Failure::system("creating a file beside it", &path))?;
    match create_files(partial.path(), leaves, headers) {
        Ok(()) => Ok(partial),
        Err(failure) => {
            partial.discard();
            Err(failure)
        }
    }
}

/// Checks that what is at the path may be replaced: a file by a file, a saved folder by a folder.
fn check_place(path: &Path, is_folder: bool) -> FileResult<()> {
    let refuse = |reason: &str| Err(Failure::new(path, reason));
    let Ok(data) = path.symlink_metadata() else {
        return Ok(());
    };
    if data.is_symlink() {
        return refuse(
            "it is a symbolic link, which a save would replace; pass the path to which it points",
        );
    }
    if !is_folder {
        return if data.is_file() {
            Ok(())
        } else if data.is_dir() {
            refuse(
                "it is a folder, but one array is saved as one file; add a name that ends in `.npy`",
            )
        } else {
            refuse("it is no regular file")
        };
    }
    if !data.is_dir() {
        return refuse(
            "it is a file, but a struct is saved as a folder; remove it or choose another path",
        );
    }
    check_contents(path)
}

/// Checks that a folder holds nothing but an earlier save, because a save removes it.
fn check_contents(folder: &Path) -> FileResult<()> {
    let known: BTreeSet<String> = match fs::read(folder.join(SCHEMA)) {
        Ok(text) => SavedSchema::from_json(&text)
            .map(|schema| schema.fields.into_iter().map(|field| field.file).collect())
            .unwrap_or_default(),
        Err(_) => BTreeSet::new(),
    };
    visit_entries(folder, |name, _| {
        let is_inner = known
            .iter()
            .any(|file| file.starts_with(&format!("{name}/")));
        if !is_inner
            && !known.contains(name)
            && (known.is_empty() || name != SCHEMA)
            && name != replace::MARK
        {
            let reason = format!(
                "`{name}` in this folder is not part of a saved object, and a save replaces the whole folder; choose another path"
            );
            return Err(Failure::new(folder, reason));
        }
        Ok(is_inner)
    })
}

/// Rank 0 completes the files, which all ranks have written, and puts them where they are to stand.
fn commit<L: FileLayout + ?Sized>(
    partial: Partial,
    path: &Path,
    leaves: &[PlacedLeaf<'_>],
) -> FileResult<()> {
    let is_folder = partial.is_folder();
    let completed = (|| {
        if is_folder {
            write_schema::<L>(partial.path(), leaves)?;
        }
        sync_folders(partial.path(), leaves)?;
        // What the users have put there in the meantime.
        check_place(path, is_folder)
    })();
    if let Err(failure) = completed {
        partial.discard();
        return Err(failure);
    }
    partial
        .commit(path)
        .map_err(Failure::system("putting the new one in its place", path))
}

fn write_schema<L: FileLayout + ?Sized>(
    folder: &Path,
    leaves: &[PlacedLeaf<'_>],
) -> FileResult<()> {
    let noted = folder.join(CHECKSUMS);
    let sums = fs::read(&noted).map_err(Failure::system("reading it", &noted))?;
    let mut sums = sums
        .chunks_exact(size_of::<u64>())
        .map(|sum| u64::from_le_bytes(sum.try_into().expect("eight bytes")));
    let mut fields = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let pieces: Vec<u64> = sums.by_ref().take(leaf.pieces()).collect();
        let item = &leaf.file.item;
        fields.push(SavedField {
            name: leaf.file.names.join("."),
            file: relative_path(leaf.file),
            dtype: item.dtype.to_string(),
            shape: [&leaf.extents[..], &item.extents].concat(),
            bytes: leaf.leaf.bytes as u64,
            piece_bytes: leaf.piece_bytes() as u64,
            file_checksum: Checksum::to_hex(Checksum::of_pieces(&pieces)),
            pieces: pieces.into_iter().map(Checksum::to_hex).collect(),
        });
    }
    let schema = SavedSchema::new(std::any::type_name::<L>().to_owned(), fields);
    let path = folder.join(SCHEMA);
    fs::remove_file(&noted).map_err(Failure::system("removing it", &noted))?;
    let text = schema.to_json();
    check_limit(&path, text.len() as u64)?;
    File::create_new(&path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .map_err(Failure::system("writing it", &path))
}

/// The names of the files reach the disk.
fn sync_folders(partial: &Path, leaves: &[PlacedLeaf<'_>]) -> FileResult<()> {
    let mut folders = BTreeSet::new();
    for leaf in leaves {
        let names = &leaf.file.names;
        for depth in 0..names.len() {
            folders.insert(partial.join(names[..depth].join("/")));
        }
    }
    for folder in folders {
        File::open(&folder)
            .and_then(|open| open.sync_all())
            .map_err(Failure::system("writing it to the disk", &folder))?;
    }
    Ok(())
}

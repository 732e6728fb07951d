//! What rank 0 learns from headers, sizes and `schema.json` before anything is read: where each leaf's data are, and how they lie.

use crate::files::entries::visit_entries;
use crate::files::failure::{Failure, Result};
use crate::files::leaf_files::{SCHEMA, only_file, path_of, relative_path, saved};
use crate::files::read::{check_sum, read_exact, reverse};
use crate::layout::file_layout::{FileLeaf, Role};
use pshmem_format::{Header, SavedField, SavedSchema, piece_bytes};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The data of one leaf in its file. Rank 0 sends it to all ranks.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FoundLeaf {
    path: Vec<u8>,
    pub(super) stamp: Stamp,
    /// Bytes before the data.
    pub(super) data_at: u64,
    /// Extents of the leaf, without those of its elements; or the numbers in a file of extents.
    pub(super) extents: Vec<usize>,
    /// The first axis varies fastest.
    pub(super) is_fortran: bool,
    /// Scalars of an element whose bytes are to be reversed: offset and size.
    pub(super) swaps: Vec<(usize, usize)>,
    /// Of each piece, if they are to be verified.
    pub(super) checksums: Vec<u64>,
}

/// Distinguishes a file from one that has taken its place since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    len: u64,
    written: (i64, i64),
    inode: u64,
}

/// How two ranks see a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileView {
    /// On one host.
    SameHost,
    /// On two hosts that share a file system. Some file systems number files on each host anew.
    SharedFileSystem,
    /// On two hosts that may have a copy each.
    Copies,
}

impl Stamp {
    pub(super) fn of(data: &Metadata) -> Self {
        Stamp {
            len: data.len(),
            written: (data.mtime(), data.mtime_nsec()),
            inode: data.ino(),
        }
    }

    /// Whether the two may be those of one file.
    pub(super) fn matches(self, other: Stamp, view: FileView) -> bool {
        self.len == other.len
            && (self.written == other.written || view == FileView::Copies)
            && (self.inode == other.inode || view != FileView::SameHost)
    }
}

impl FoundLeaf {
    pub(super) fn path(&self) -> PathBuf {
        OsStr::from_bytes(&self.path).into()
    }
}

/// Opens a file. Nothing waits for the other end of a pipe.
pub(super) fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(Failure::system("opening it", path))
}

/// How often another job may replace the folder before this one gives up.
const ATTEMPTS: usize = 100;

/// Looks at the files of an object with these leaves, without reading its data.
pub(super) fn find(path: &Path, leaves: &[FileLeaf], verify: bool) -> Result<Vec<FoundLeaf>> {
    for _ in 0..ATTEMPTS {
        let before = fs::metadata(path).map_err(Failure::system("opening it", path))?;
        let found = find_in(path, &before, leaves, verify);
        let after = fs::metadata(path).map_err(Failure::system("opening it", path))?;
        // The files of two folders must not be mixed.
        if Stamp::of(&before) == Stamp::of(&after) {
            return found;
        }
    }
    Err(Failure::new(path, "other jobs replace it all the time"))
}

fn find_in(
    path: &Path,
    data: &Metadata,
    leaves: &[FileLeaf],
    verify: bool,
) -> Result<Vec<FoundLeaf>> {
    if let Some(leaf) = only_file(leaves) {
        if data.is_dir() {
            return Err(Failure::new(
                path,
                "it is a folder, but one array is loaded from one `.npy` file; name a file inside it",
            ));
        }
        if verify {
            return Err(Failure::new(
                path,
                "a single file has no checksums; those of a folder are in its `schema.json`",
            ));
        }
        return Ok(vec![find_leaf(path, leaf, None)?]);
    }
    if !data.is_dir() {
        return Err(Failure::new(
            path,
            "it is a file, but a struct is loaded from a folder with one `.npy` file for each field",
        ));
    }
    let schema = read_schema(path)?;
    if verify && schema.is_none() {
        let reason = "there is no such file, so there are no checksums to verify";
        return Err(Failure::new(&path.join(SCHEMA), reason));
    }
    check_names(path, leaves, schema.as_ref())?;
    let in_schema = |leaf: &FileLeaf| {
        let file = relative_path(leaf);
        let fields = schema.as_ref().map(|schema| &schema.fields);
        fields.and_then(|fields| fields.iter().find(|field| field.file == file))
    };
    let found = |leaf| {
        let file = path_of(path, leaf);
        let mut found = find_leaf(&file, leaf, in_schema(leaf))?;
        if leaf.role == Role::Extents {
            found.extents = read_extents(&file, leaf, &found, verify)?;
        }
        if !verify {
            found.checksums.clear();
        } else if found.is_fortran {
            let reason = "it is in Fortran order, which no save writes, so its checksums are those of another file";
            return Err(Failure::new(&file, reason));
        }
        Ok(found)
    };
    saved(leaves).map(found).collect()
}

/// `None` for a folder without one, whose files were written by other programs.
fn read_schema(folder: &Path) -> Result<Option<SavedSchema>> {
    let path = folder.join(SCHEMA);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::system("reading it", &path)(error)),
    };
    let schema = SavedSchema::from_json(&text).map_err(|error| Failure::new(&path, error))?;
    Ok(Some(schema))
}

/// Checks that the folder has a file for each leaf, and no further ones.
fn check_names(folder: &Path, leaves: &[FileLeaf], schema: Option<&SavedSchema>) -> Result<()> {
    let mut expected: Vec<String> = saved(leaves).map(relative_path).collect();
    let mut there: Vec<String> = match schema {
        Some(schema) => schema
            .fields
            .iter()
            .map(|field| field.file.clone())
            .collect(),
        None => npy_files(folder)?,
    };
    expected.sort();
    there.sort();
    if let Some(missing) = expected.iter().find(|&file| !there.contains(file)) {
        let reason = format!("the field `{missing}` of the program's type is not in this folder");
        return Err(Failure::new(folder, reason));
    }
    if let Some(extra) = there.iter().find(|&file| !expected.contains(file)) {
        let reason = format!("the file `{extra}` is no field of the program's type");
        return Err(Failure::new(folder, reason));
    }
    Ok(())
}

/// All `.npy` files of a folder and its sub-folders, from the folder.
fn npy_files(folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    visit_entries(folder, |name, kind| {
        if !kind.is_dir() && Path::new(name).extension() == Some(OsStr::new("npy")) {
            files.push(name.to_owned());
        }
        Ok(kind.is_dir())
    })?;
    Ok(files)
}

fn find_leaf(path: &Path, leaf: &FileLeaf, saved: Option<&SavedField>) -> Result<FoundLeaf> {
    let mut file = open(path)?;
    let data = file
        .metadata()
        .map_err(Failure::system("opening it", path))?;
    if !data.is_file() {
        return Err(Failure::new(path, "it is not a regular file"));
    }
    let header = Header::read(&mut file, data.len()).map_err(|error| Failure::new(path, error))?;
    let bytes = header
        .check_length(data.len())
        .map_err(|error| Failure::new(path, error))?;
    let swaps = leaf
        .item
        .byte_swaps(&header.dtype)
        .map_err(|error| Failure::new(path, error))?;
    let extents = extents_of(path, leaf, &header)?;
    // With one axis, or with only one that is longer than 1, both orders are the same.
    let long_axes = header.shape.iter().filter(|&&extent| extent != 1).count();
    let mut checksums = Vec::new();
    if let Some(saved) = saved {
        checksums = check_saved(path, leaf, saved, &header, bytes)?;
    }
    Ok(FoundLeaf {
        path: path.as_os_str().as_bytes().to_vec(),
        stamp: Stamp::of(&data),
        data_at: header.data_at,
        extents,
        is_fortran: header.fortran_order && long_axes > 1,
        swaps,
        checksums,
    })
}

/// The numbers in a file of extents.
fn read_extents(
    path: &Path,
    leaf: &FileLeaf,
    found: &FoundLeaf,
    verify: bool,
) -> Result<Vec<usize>> {
    let element = leaf.item.size();
    let mut bytes = vec![0; leaf.axes * element];
    read_exact(&open(path)?, path, &mut bytes, found.data_at)?;
    if verify {
        check_sum(path, 0, &bytes, found.checksums.first())?;
    }
    reverse(&mut bytes, element, &found.swaps);
    let numbers = bytes.chunks_exact(element);
    Ok(numbers
        .map(|number| u64::from_ne_bytes(number.try_into().expect("eight bytes")) as usize)
        .collect())
}

/// The extents of the leaf, if the file has as many axes, and the last ones are those of an element.
fn extents_of(path: &Path, leaf: &FileLeaf, header: &Header) -> Result<Vec<usize>> {
    let inner = &leaf.item.extents;
    let shape = &header.shape;
    if leaf.role == Role::Extents {
        if shape[..] == [leaf.axes] {
            return Ok(shape.clone());
        }
        let reason = format!(
            "its shape is {shape:?}, but it must have {} numbers",
            leaf.axes
        );
        return Err(Failure::new(path, reason));
    }
    let axes = leaf.axes;
    if shape.len() == axes + inner.len() && shape[axes..] == inner[..] {
        return Ok(shape[..axes].to_vec());
    }
    let of_element = if inner.is_empty() {
        String::new()
    } else {
        format!(", the last of which are {inner:?}")
    };
    let reason = format!(
        "its shape is {shape:?}, but the program's type `{}` needs {} axes{of_element}",
        leaf.type_name,
        axes + inner.len()
    );
    Err(Failure::new(path, reason))
}

/// Compares a file with what `schema.json` says of it. Returns the checksums of its pieces.
fn check_saved(
    path: &Path,
    leaf: &FileLeaf,
    saved: &SavedField,
    header: &Header,
    bytes: u64,
) -> Result<Vec<u64>> {
    let (dtype, piece) = (
        header.dtype.to_string(),
        piece_bytes(leaf.item.size()) as u64,
    );
    let compared = [
        (
            "shape",
            format!("{:?}", saved.shape),
            format!("{:?}", header.shape),
        ),
        ("dtype", saved.dtype.clone(), dtype),
        (
            "number of bytes",
            saved.bytes.to_string(),
            bytes.to_string(),
        ),
        (
            "piece size",
            saved.piece_bytes.to_string(),
            piece.to_string(),
        ),
    ];
    for (what, in_schema, here) in compared {
        if in_schema != here {
            let reason =
                format!("`schema.json` says that its {what} is {in_schema}, but it is {here}");
            return Err(Failure::new(path, reason));
        }
    }
    let checksums = saved.piece_checksums();
    Ok(checksums.expect("`SavedSchema::from_json` has checked them"))
}

//! The names of the tasks of a root, for observers: which of its folders are tasks that were never begun.
//!
//! Each set of names that a job has brought is a file `.pshmem/tasks.<checksum>`, in which a zero byte ends each name.

use crate::batch::store::folder::{Content, Folder};
use std::collections::BTreeSet;
use std::io;
use xxhash_rust::xxh3::xxh3_64;

const PREFIX: &str = "tasks.";
/// The longest list that is read, in bytes.
const MAX_LEN: usize = 1 << 30;

/// Writes down the names, unless that has been done.
pub(super) fn write<'a>(
    own: &Folder,
    names: impl Iterator<Item = &'a str>,
    key: &str,
) -> io::Result<()> {
    let mut text = String::new();
    for name in names {
        text.push_str(name);
        text.push('\0');
    }
    let list = format!("{PREFIX}{:016x}", xxh3_64(text.as_bytes()));
    if own.exists(&list)? {
        return Ok(());
    }
    // Complete as soon as it has its name.
    let spare = format!("new.{key}");
    own.create(&spare, &text)?;
    own.rename(&spare, &list).map(|_| ())
}

/// All names that jobs have brought; `None` if no job has.
pub(super) fn read(own: &Folder) -> io::Result<Option<BTreeSet<String>>> {
    let mut tasks: Option<BTreeSet<String>> = None;
    for list in own.names()?.iter().filter(|name| name.starts_with(PREFIX)) {
        if let (Content::File(text), _) = own.read_file(list, MAX_LEN)? {
            let text = String::from_utf8_lossy(&text);
            let names = text.split_terminator('\0').map(str::to_owned);
            tasks.get_or_insert_default().extend(names);
        }
    }
    Ok(tasks)
}

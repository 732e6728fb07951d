//! The entries of a folder and of its sub-folders.

use crate::files::failure::{Failure, Result};
use std::fs::{self, FileType};
use std::path::Path;

/// Calls `visit` with each entry: its path from the folder, and what it is; symbolic links are not followed. Where `visit` returns
/// `true`, the entries of that sub-folder follow.
pub(super) fn visit_entries(
    folder: &Path,
    mut visit: impl FnMut(&str, FileType) -> Result<bool>,
) -> Result<()> {
    let mut folders = vec![String::new()];
    while let Some(inner) = folders.pop() {
        let at = folder.join(&inner);
        let entries = fs::read_dir(&at).map_err(Failure::system("listing it", &at))?;
        for entry in entries {
            let entry = entry.map_err(Failure::system("listing it", &at))?;
            let kind = entry
                .file_type()
                .map_err(Failure::system("listing it", &at))?;
            let name = format!("{inner}{}", entry.file_name().to_string_lossy());
            if visit(&name, kind)? {
                folders.push(name + "/");
            }
        }
    }
    Ok(())
}

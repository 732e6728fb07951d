//! Names of tasks, which are the names of their folders in the root, and the names there that are reserved.

use crate::batch::store::log::LOG;
use crate::error::{Error, Result};
use std::collections::HashSet;
use std::path::is_separator;

/// Reserved names, beside that of the log: the folder of this library's own files, and the file that stops all jobs.
pub(super) const OWN: &str = ".pshmem";
pub(super) const STOP: &str = "stop";

/// The limit of file systems, in bytes.
const MAX_LEN: usize = 255;

/// Checks that every name can be that of a folder, and that no two are equal.
pub(super) fn check<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    for (task, name) in names.enumerate() {
        let reason = match name {
            "" => "a task needs a name",
            "." | ".." => "this is the name of another folder; take another",
            OWN | STOP | LOG => "this name is reserved; take another",
            name if name.contains(is_separator) => {
                "the folder of a task is made in the state directory itself; remove the separator"
            }
            name if name.contains('\0') => "a file name cannot contain a zero byte",
            name if name.len() > MAX_LEN => "a file name has at most 255 bytes",
            name if !seen.insert(name) => "another task has the same name; give each task its own",
            _ => continue,
        };
        return Err(Error::InvalidSetting {
            name: format!("name of task {task}"),
            value: format!("{name:?}"),
            reason: reason.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(names: &[&str]) -> Result<()> {
        check(names.iter().copied())
    }

    #[test]
    fn names_are_names_of_folders() {
        assert_eq!(with(&[]), Ok(()));
        assert_eq!(with(&["a", "b c", "ä", "...", ".a", "state"]), Ok(()));
        assert_eq!(with(&["x".repeat(255).as_str()]), Ok(()));
        let long = "x".repeat(256);
        let reserved = [".pshmem", "stop", "log.csv"];
        let others = ["", ".", "..", "a/b", "/a", "a\0", &long];
        for wrong in reserved.into_iter().chain(others) {
            let error = with(&["a", wrong]).expect_err(wrong);
            assert!(error.to_string().starts_with("name of task 1="), "{error}");
        }
        assert!(with(&["a", "b", "a"]).is_err());
    }
}

//! Which names tasks may have: each is the name of a folder in the root.

use crate::error::{Error, Result};
use std::collections::HashSet;
use std::path::is_separator;

/// Names in the root that are not those of tasks.
pub(super) const OWN: &str = ".pshmem";
pub(super) const STOP: &str = "stop";

/// What file systems allow.
const LONGEST: usize = 255;

/// Whether every name can be a folder of its own.
pub(super) fn check(names: &[String]) -> Result<()> {
    let mut seen = HashSet::with_capacity(names.len());
    for (task, name) in names.iter().enumerate() {
        let reason = match name.as_str() {
            "" => "a task needs a name",
            "." | ".." => "a task cannot have the name of another folder",
            OWN | STOP => "this name has a meaning of its own; take another",
            name if name.contains(is_separator) => {
                "a task's folder is made in the state directory itself; leave the separator out"
            }
            name if name.contains('\0') => "a file name cannot contain a zero byte",
            name if name.len() > LONGEST => "a file name has at most 255 bytes",
            name if !seen.insert(name) => "the name stands twice; each task needs one of its own",
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
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        check(&names)
    }

    #[test]
    fn names_are_names_of_folders() {
        assert_eq!(with(&[]), Ok(()));
        assert_eq!(with(&["a", "b c", "ä", "...", ".a", "state"]), Ok(()));
        assert_eq!(with(&["x".repeat(255).as_str()]), Ok(()));
        let long = "x".repeat(256);
        for wrong in ["", ".", "..", "a/b", "/a", "a\0", ".pshmem", "stop", &long] {
            let error = with(&["a", wrong]).expect_err(wrong);
            assert!(error.to_string().starts_with("name of task 1="), "{error}");
        }
        assert!(with(&["a", "b", "a"]).is_err());
    }
}

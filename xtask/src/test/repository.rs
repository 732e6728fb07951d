//! Checks that no large file is under version control by accident, such as a core dump or build output.

use crate::cargo;
use crate::report::{Row, Verdict};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The largest file that needs no entry in [`DATA`].
const LIMIT: u64 = 1_000_000;

/// Data that may be larger.
const DATA: &[&str] = &["examples/data/land-50m.csv"];

/// Fails if a tracked file is larger than the limit and is not listed as data.
pub(crate) fn large_files() -> Row {
    let row = Row::new("large files");
    let start = Instant::now();
    let files = match tracked(&cargo::root()) {
        Ok(files) => files,
        Err(why) => return row.skipped(why),
    };
    let found = too_large(&files);
    Row {
        seconds: start.elapsed().as_secs_f64(),
        verdict: if found.is_empty() {
            Verdict::Passed
        } else {
            Verdict::Failed(format!("tracked and above 1 MB: {}", found.join(", ")))
        },
        ..row
    }
}

/// The tracked files that exist in the work tree, with their sizes.
fn tracked(root: &Path) -> Result<Vec<(String, u64)>, String> {
    let output = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "-z"])
        .output()
        .map_err(|why| format!("git cannot be started: {why}"))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        let first = told.lines().next().unwrap_or("git ls-files failed");
        return Err(format!("no list of tracked files: {first}"));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    // A file that was deleted but not yet committed has no size.
    let sized = |name: &str| {
        Some((
            name.to_owned(),
            root.join(name).symlink_metadata().ok()?.len(),
        ))
    };
    Ok(names.split_terminator('\0').filter_map(sized).collect())
}

/// The files that are larger than the limit without being listed, with their sizes in MB.
fn too_large(files: &[(String, u64)]) -> Vec<String> {
    files
        .iter()
        .filter(|(name, size)| *size > LIMIT && !DATA.contains(&name.as_str()))
        .map(|(name, size)| format!("{name} ({}.{} MB)", size / LIMIT, size % LIMIT / 100_000))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_files_that_are_not_listed_are_found() {
        let files = [
            ("core", 29_511_680),
            ("README.md", LIMIT),
            (DATA[0], 1_290_624),
            ("tests/big.bin", LIMIT + 1),
        ]
        .map(|(name, size)| (name.to_owned(), size));
        assert_eq!(
            too_large(&files),
            ["core (29.5 MB)", "tests/big.bin (1.0 MB)"]
        );
    }

    #[test]
    fn every_file_that_is_listed_as_data_exists() {
        for name in DATA {
            assert!(cargo::root().join(name).is_file(), "{name}");
        }
    }

    #[test]
    fn tracked_files_have_their_sizes() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.current_dir(folder).args(arguments).output()
        };
        // Without git the check is skipped, too.
        if git(&["init"]).is_ok_and(|output| output.status.success()) {
            for name in ["kept", "deleted", "untracked"] {
                std::fs::write(folder.join(name), name).unwrap();
            }
            git(&["add", "kept", "deleted"]).unwrap();
            std::fs::remove_file(folder.join("deleted")).unwrap();
            assert_eq!(tracked(folder), Ok(vec![("kept".to_owned(), 4)]));
        }
    }
}

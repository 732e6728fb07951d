//! Checks what would be published: `cargo publish --dry-run` for the crates that are, and the files that each package must contain.
//!
//! In one call cargo packages all of them and compiles each package as a stranger would, against the packages of the others, which
//! need not be on crates.io yet.

use super::commands::cargo_row;
use crate::cargo;
use crate::report::{Row, Verdict};
use std::path::{Path, PathBuf};

/// The crates that are published.
const CRATES: [&str; 5] = [
    "pshmem-derive",
    "pshmem-format",
    "pshmem-inspect",
    "pshmem",
    "pshmem-batch",
];

/// What every package must contain beside its source.
const FILES: [&str; 3] = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// What cargo prints when it cannot reach crates.io.
const OFFLINE: [&str; 2] = ["--offline was specified", "spurious network error"];

/// The dry run; without a network `cargo package`, which does the same but for asking crates.io for the versions that it has.
pub(crate) fn dry_run() -> Row {
    let mut row = call(&["publish", "--dry-run"]);
    if matches!(&row.verdict, Verdict::Failed(_)) && is_offline(&row) {
        row = call(&["package", "--offline"]);
    }
    if row.passed()
        && let Err(why) = CRATES.iter().try_for_each(|name| complete(&unpacked(name)))
    {
        row.verdict = Verdict::Failed(why);
    }
    row
}

/// Removes what earlier runs have left in cargo's home of the packages of this folder. Cargo would compile the library against the
/// old ones, because their versions are the same.
fn forget_old_packages() {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    for kind in ["src", "cache"] {
        let folder = home.as_ref().map(|home| home.join("registry").join(kind));
        let registries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
        for registry in registries.into_iter().flatten().flatten() {
            // Those of folders have no name before the hash of their path.
            if registry.file_name().to_string_lossy().starts_with('-') {
                for name in CRATES {
                    let package = format!("{name}-{}", env!("CARGO_PKG_VERSION"));
                    let _ = std::fs::remove_dir_all(registry.path().join(&package));
                    let _ = std::fs::remove_file(registry.path().join(package + ".crate"));
                }
            }
        }
    }
}

/// A folder for this alone, empty at the start. Of a package with a version, cargo does not look whether its source has changed.
fn folder() -> PathBuf {
    cargo::target_of("packages")
}

fn call(words: &[&str]) -> Row {
    forget_old_packages();
    let _ = std::fs::remove_dir_all(folder());
    let mut command = cargo::cargo();
    command.env("CARGO_TARGET_DIR", folder());
    // What is about to be committed is what is to be checked.
    command.args(words).arg("--allow-dirty");
    for name in CRATES {
        command.args(["-p", name]);
    }
    cargo_row(Row::new("packages"), command)
}

/// Whether the last call failed because crates.io cannot be reached.
fn is_offline(row: &Row) -> bool {
    let log = std::fs::read_to_string(cargo::log_of(&row.title())).unwrap_or_default();
    OFFLINE.iter().any(|text| log.contains(text))
}

/// Where cargo has unpacked a package in order to compile it.
fn unpacked(name: &str) -> PathBuf {
    let package = format!("{name}-{}", env!("CARGO_PKG_VERSION"));
    folder().join("package").join(package)
}

/// `Err` if a file is missing, also one that the source includes only when tests are built.
fn complete(package: &Path) -> Result<(), String> {
    let missing = |file: &Path| Err(format!("{} is missing", file.display()));
    for name in FILES {
        let file = package.join(name);
        if !file.is_file() {
            return missing(&file);
        }
    }
    for source in sources(&package.join("src")) {
        let text = std::fs::read_to_string(&source)
            .map_err(|why| format!("{}: {why}", source.display()))?;
        let folder = source.parent().unwrap_or(package);
        for name in included(&text) {
            let file = folder.join(name);
            let inside = file.canonicalize().ok().zip(package.canonicalize().ok());
            if inside.is_none_or(|(file, package)| !file.starts_with(package)) {
                return missing(&file);
            }
        }
    }
    Ok(())
}

/// All Rust files of a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The paths in the calls of `include_str!` and `include_bytes!`.
fn included(text: &str) -> impl Iterator<Item = &str> {
    ["include_str!(\"", "include_bytes!(\""]
        .into_iter()
        .flat_map(|call| text.split(call).skip(1))
        .filter_map(|rest| Some(rest.split_once('"')?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn included_files_are_found() {
        let text = r#"#[doc = include_str!("../a.md")] const B: &[u8] = include_bytes!("b");"#;
        assert_eq!(included(text).collect::<Vec<_>>(), ["../a.md", "b"]);
    }

    #[test]
    fn a_package_must_contain_what_its_source_includes() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("package");
        std::fs::create_dir_all(package.join("src/inner")).unwrap();
        for name in FILES {
            assert!(complete(&package).unwrap_err().contains(name));
            std::fs::write(package.join(name), "").unwrap();
        }
        let source = package.join("src/inner/mod.rs");
        std::fs::write(&source, r#"include_str!("../../README.md")"#).unwrap();
        assert_eq!(complete(&package), Ok(()));
        // It exists, but outside the package.
        std::fs::write(folder.path().join("README.md"), "").unwrap();
        std::fs::write(&source, r#"include_str!("../../../README.md")"#).unwrap();
        assert!(complete(&package).unwrap_err().contains("README.md"));
    }
}

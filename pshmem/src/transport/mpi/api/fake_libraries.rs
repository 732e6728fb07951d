//! Tests with libraries that the C compiler makes: each function of the list exists and does nothing, but for what a test is about.

use super::abi::load;
use super::find_library::Candidate;
use super::functions::SIGNATURES;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// The functions that create handlers are not in the list.
const OTHERS: [&str; 3] = [
    "MPI_Comm_create_errhandler",
    "MPI_Win_create_errhandler",
    "MPI_Abi_get_version",
];

/// The version of the ABI that the library is for.
const VERSION: &str =
    "int MPI_Abi_get_version(int *major, int *minor) { *major = 1; *minor = 0; return 0; }";
const NAME: &str = "int MPI_Get_library_version(char *text, int *len) { *len = 8; __builtin_strcpy(text, \"Fake 1.0\"); return 0; }";

/// A library with all functions but those that `lacks` or `instead` has, and with `instead`.
fn library(lacks: &str, instead: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    let names = SIGNATURES.iter().map(|(name, _)| *name).chain(OTHERS);
    for name in names {
        let is_written = instead
            .iter()
            .any(|code| code.contains(&format!(" {name}(")));
        if name != lacks && !is_written {
            writeln!(text, "int {name}(void) {{ return 0; }}").unwrap();
        }
    }
    text += &instead.join("\n");
    let (source, file) = (
        folder.path().join("fake.c"),
        folder.path().join("libfake.so"),
    );
    std::fs::write(&source, text).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-w", "-o"])
        .arg(&file)
        .arg(&source);
    assert!(cc.status().expect("cc").success());
    (folder, file)
}

/// What is said of it, or an empty text if it is accepted.
fn said_of(lacks: &str, instead: &[&str]) -> String {
    let (_folder, file) = library(lacks, instead);
    let candidates = [Candidate {
        file: file.into_os_string(),
        why: "a test",
    }];
    load(&candidates).err().unwrap_or_default()
}

#[test]
fn a_library_with_everything_is_accepted() {
    assert_eq!(said_of("", &[VERSION, NAME]), "");
}

#[test]
fn a_function_that_is_missing_is_named() {
    let in_list = [0, 8, 20, SIGNATURES.len() - 1].map(|at| SIGNATURES[at].0);
    for lacks in in_list.into_iter().chain(OTHERS) {
        let instead = [VERSION, NAME].map(|code| {
            if code.contains(&format!(" {lacks}(")) {
                ""
            } else {
                code
            }
        });
        let text = said_of(lacks, &instead);
        assert!(text.contains("libfake.so (a test) "), "{text}");
        assert!(
            text.contains(&format!("lacks the function {lacks}"))
                || text.contains(&format!("lacks {lacks}")),
            "{text}"
        );
        assert_eq!(
            text.contains("(Fake 1.0)"),
            lacks != "MPI_Get_library_version",
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn a_draft_of_the_abi_is_refused() {
    let draft = VERSION.replace("*major = 1; *minor = 0", "*major = 0; *minor = 1");
    let text = said_of("", &[&draft, NAME]);
    assert!(
        text.contains(
            "has version 0.1 of the standard ABI, and this program needs version 1 (Fake 1.0)"
        ),
        "{text}"
    );
    let later = VERSION.replace("*minor = 0", "*minor = 3");
    assert_eq!(said_of("", &[&later, NAME]), "");
}

#[test]
fn a_library_that_does_not_say_its_version_or_name_has_neither() {
    let failing = "int MPI_Abi_get_version(int *major, int *minor) { return 1; }";
    let text = said_of("", &[failing, NAME]);
    assert!(
        text.contains("has version -1.-1 of the standard ABI"),
        "{text}"
    );
    let nameless = "int MPI_Get_library_version(char *text, int *len) { return 1; }";
    let text = said_of("MPI_Init_thread", &[VERSION, nameless]);
    assert!(
        text.ends_with("lacks the function MPI_Init_thread"),
        "{text}"
    );
}

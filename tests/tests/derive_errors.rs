//! What the compiler says about mistakes in a struct that derives, or in its use.
//!
//! Each file in `ui/` makes one mistake; the text expected is beside it. The text is that of one compiler: after an update of
//! [`COMPILER`], and after a change of a message, bless it with `TRYBUILD=overwrite cargo test -p pshmem-tests --test
//! derive_errors` and read the difference.

use std::process::Command;

/// The compiler whose words are expected.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn mistakes_are_explained() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .expect("rustc runs");
    let version = String::from_utf8_lossy(&version.stdout);
    if !version.starts_with(COMPILER) {
        println!("skipped: the texts are those of {COMPILER}x, this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

//! Programs that must not compile, and the messages of the compiler about them.
//!
//! The expected message is beside each program. Messages differ between compilers: after an update of [`COMPILER`], and after a
//! change of a message, renew them with `TRYBUILD=overwrite cargo test -p pshmem-compile-fail`, and read the
//! difference.

use std::process::Command;

/// The compiler whose messages are expected.
const COMPILER: &str = "rustc 1.95.";

/// Programs that would race, or use a handle on another thread than that of its rank.
#[test]
fn racy_programs_do_not_compile() {
    trybuild::TestCases::new().compile_fail("handles/*.rs");
}

/// Each program makes one mistake in a struct with a derive, or in its use.
#[test]
fn mistakes_with_derives_are_explained() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .expect("rustc runs");
    let version = String::from_utf8_lossy(&version.stdout);
    if !version.starts_with(COMPILER) {
        println!("skipped: the messages are those of {COMPILER}x, this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("derive/*.rs");
}

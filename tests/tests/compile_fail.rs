//! Programs that would race, or tear a handle from its rank, and must not compile.
//!
//! The expected messages are those of the compiler that CI uses; `TRYBUILD=overwrite cargo test --test compile_fail` renews
//! them.

#[test]
fn racy_programs_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

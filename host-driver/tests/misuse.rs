//! What the types rule out does not compile: `tests/misuse/NAME.rs` is one misuse each, and `NAME.stderr` what the
//! compiler says.
//!
//! After a change of the toolchain: `TRYBUILD=overwrite cargo test --package wayfarer-host-driver --test misuse`, and
//! look at what has changed.

#[test]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/misuse/*.rs");
}

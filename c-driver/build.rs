//! Compiles the C driver and the programs that use it.

/// What is compiled, and what it includes.
const SOURCES: [&str; 5] = [
    "c/driver.c",
    "c/ping.c",
    "c/mistakes.c",
    "c/silence.c",
    "c/losses.c",
];
const HEADERS: [&str; 3] = ["c/driver.h", "c/programs.h", "../abi/include/wayfarer.h"];

fn main() {
    for file in SOURCES.iter().chain(&HEADERS) {
        println!("cargo:rerun-if-changed={file}");
    }
    cc::Build::new()
        .files(SOURCES)
        .include("../abi/include")
        .std("c11")
        .warnings(true)
        .extra_warnings(true)
        .warnings_into_errors(true)
        .flag("-Wpedantic")
        .flag("-Wconversion")
        // A run that ends early unwinds the stacks of programs that wait, the C code's frames among them.
        .flag("-fexceptions")
        .compile("wayfarer_c_driver");
}

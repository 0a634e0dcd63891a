//! The generator as a program: the same bytes each time, refusals, revisions.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

const REVISION: &str = "1234abcd5678";

fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("a directory for scratch files");
    directory
}

fn generate(arguments: &[&Path], revision: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_generate"));
    command.arg("--output").args(arguments);
    command.env("WAYFARER_REVISION", revision);
    command.output().expect("the generator runs")
}

fn niu(directory: &Path, revision: &str) -> String {
    let output = generate(&[directory], revision);
    assert!(output.status.success(), "{output:?}");
    fs::read_to_string(directory.join("niu.v")).expect("niu.v is written")
}

#[test]
fn two_runs_give_the_same_bytes_and_the_revision_is_in_them() {
    let first = niu(&scratch("first"), REVISION);
    assert_eq!(first, niu(&scratch("second"), REVISION));
    assert!(first.contains("module niu("), "top module");
    assert!(first.contains("1234abcd"), "source revision");
    let other = niu(&scratch("other"), "1234abce");
    let lines = first.lines().zip(other.lines());
    let changed = lines.filter(|(a, b)| a != b).count();
    assert_eq!(changed, 1, "the revision stands in one place");
}

#[test]
fn a_revision_that_is_no_number_is_refused() {
    let output = generate(&[&scratch("revision")], "unknown!");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(
        text.contains("\"unknown!\" is no hexadecimal revision"),
        "{text}"
    );
}

#[test]
fn an_illegal_configuration_is_refused_by_name_and_leaves_nothing() {
    let directory = scratch("illegal");
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("configurations/default.toml");
    let text = fs::read_to_string(default).expect("the default configuration");
    let file = directory.join("illegal.toml");
    let text = text.replace("transmit = 32", "transmit = 512");
    fs::write(&file, text).expect("a scratch file");
    let output = directory.join("output");
    let result = generate(&[&output, Path::new("--configuration"), &file], REVISION);
    let text = String::from_utf8_lossy(&result.stderr).into_owned();
    assert!(!result.status.success());
    let message =
        "illegal.toml: queues.transmit: 512 is out of range; legal: power of two from 4 to 256";
    assert!(text.contains(message), "{text}");
    assert!(!output.exists(), "nothing was written");
}

#[test]
fn the_compiled_in_configuration_may_be_named() {
    if env::var_os("WAYFARER_CONFIGURATION").is_some() {
        eprintln!("not tested: this build is of another configuration than the default");
        return;
    }
    let directory = scratch("named");
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("configurations/default.toml");
    let result = generate(
        &[&directory, Path::new("--configuration"), &default],
        REVISION,
    );
    assert!(result.status.success(), "{result:?}");
    assert!(directory.join("niu.v").exists());
}

//! `cargo xtask ci`: what a change must pass.

use std::time::Instant;

use anyhow::Result;
use clap::Parser;

use crate::command_line::CommandLine;

/// The commands of `cargo xtask` that a change must pass, in order. `.ci/run` calls the same.
const CHECKS: [&[&str]; 7] = [
    &["lint"],
    &["dependencies"],
    &["test"],
    &["test", "--configuration", "minimum"],
    &["bench", "--quick"],
    &["bench", "--quick", "--only", "latency", "--check-skip"],
    &["trace", "--quick"],
];

/// Runs all checks, and says how long each took.
///
/// # Errors
/// That of the first that fails.
pub fn ci() -> Result<()> {
    for check in CHECKS {
        let started = Instant::now();
        let line = CommandLine::try_parse_from(["cargo xtask"].iter().chain(check))?;
        let result = line.run();
        let verdict = if result.is_ok() { "passed" } else { "failed" };
        eprintln!(
            "ci: {} {verdict} after {:.0} s",
            check.join(" "),
            started.elapsed().as_secs_f64()
        );
        result?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_a_command() {
        for check in CHECKS {
            let line = CommandLine::try_parse_from(["cargo xtask"].iter().chain(check));
            assert!(line.is_ok(), "{check:?}");
        }
    }

    #[test]
    fn the_script_calls_all_checks_and_the_test_command_of_the_readme() {
        let script = include_str!("../../.ci/run");
        let called: Vec<&str> = script
            .lines()
            .filter(|line| line.starts_with("cargo"))
            .collect();
        let checks = CHECKS.map(|check| format!("cargo xtask {}", check.join(" ")));
        assert_eq!(called, checks);
        let readme = include_str!("../../README.md").lines();
        let mut tests = readme.filter_map(|line| line.strip_suffix("# runs every test"));
        let test = tests.next().expect("README.md says how to run every test");
        assert!(called.contains(&test.trim_end()), "{test}");
    }
}

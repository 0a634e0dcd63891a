//! The revision of the sources, which hardware and firmware carry and tell the host.

use crate::workspace;
use std::process::Command;
use std::{env, error, fmt};

/// Names the revision where git is not to be asked.
pub const REVISION_VARIABLE: &str = "WAYFARER_REVISION";

/// Digits that are told.
const DIGITS: usize = 8;

/// The variable holds something else than a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionError {
    text: String,
}

impl fmt::Display for RevisionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{REVISION_VARIABLE}: {:?} is no hexadecimal revision, as hardware and firmware carry it; unset the \
             variable to have git asked, or set it to the commit's first {DIGITS} digits",
            self.text
        )
    }
}

impl error::Error for RevisionError {}

/// First eight hexadecimal digits of the commit: those in `WAYFARER_REVISION`, else git's; zero
/// outside of a repository.
///
/// # Errors
/// The variable holds something else.
pub fn revision() -> Result<u32, RevisionError> {
    let text = env::var(REVISION_VARIABLE);
    parse(&text.unwrap_or_else(|_| asked_of_git().unwrap_or_default()))
}

fn parse(text: &str) -> Result<u32, RevisionError> {
    let digits: String = text.trim().chars().take(DIGITS).collect();
    if digits.is_empty() {
        return Ok(0);
    }
    u32::from_str_radix(&digits, 16).map_err(|_| RevisionError { text: text.into() })
}

fn asked_of_git() -> Option<String> {
    let mut git = Command::new("git");
    git.current_dir(workspace());
    let output = git.args(["rev-parse", "HEAD"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_cut_to_eight_digits_and_none_is_zero() {
        assert_eq!(parse("1234abcd5678\n"), Ok(0x1234_abcd));
        assert_eq!(parse("12ab"), Ok(0x12ab));
        assert_eq!(parse(""), Ok(0));
    }

    #[test]
    fn what_is_no_number_is_refused_with_what_to_do() {
        let text = parse("unknown!").map_err(|error| error.to_string());
        let text = text.expect_err("it is no number");
        for part in ["WAYFARER_REVISION", "\"unknown!\"", "unset"] {
            assert!(text.contains(part), "{text}");
        }
    }
}

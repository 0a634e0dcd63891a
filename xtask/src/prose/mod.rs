//! What documents and comments must keep to, as far as a program can see it.

mod lines;
mod mechanisms;
mod names;
mod sources;

use std::path::Path;

use anyhow::{Result, bail};

use sources::Source;

/// Checks documents and comments of the checkout.
///
/// # Errors
/// Lists every place that breaks a rule.
pub fn check(root: &Path) -> Result<()> {
    let sources = sources::all(root)?;
    let findings = findings(&sources);
    if findings.is_empty() {
        return Ok(());
    }
    bail!("{}", findings.join("\n"))
}

fn findings(sources: &[Source]) -> Vec<String> {
    let rules = [mechanisms::findings, lines::findings, names::findings];
    rules.iter().flat_map(|rule| rule(sources)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_comments_keep_to_the_rules() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        check(&root).unwrap_or_else(|findings| panic!("{findings}"));
    }
}

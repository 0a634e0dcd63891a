//! The files whose prose is checked.

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// Ends of the names of files with prose in them.
const KINDS: [&str; 9] = ["rs", "md", "toml", "c", "h", "cpp", "v", "vlt", "in"];
/// What is built, and what belongs to no revision.
const SKIPPED: [&str; 2] = ["target", ".git"];

/// A text file of the repository.
#[derive(Debug)]
pub struct Source {
    /// From the top of the repository, with `/` between folders.
    pub path: String,
    /// Its contents.
    pub text: String,
}

impl Source {
    /// Whether its name ends so.
    pub fn is(&self, kind: &str) -> bool {
        self.path
            .rsplit_once('.')
            .is_some_and(|(_, end)| end == kind)
    }

    /// The lines with their numbers, of a Rust file only comments.
    pub fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let rust = self.is("rs");
        let lines = (1..).zip(self.text.lines());
        lines.filter(move |(_, line)| !rust || line.trim_start().starts_with("//"))
    }
}

/// All of them, in a fixed order.
///
/// # Errors
/// When a file or a folder cannot be read.
pub fn all(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    collect(root, "", &mut sources)?;
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(sources)
}

fn collect(folder: &Path, prefix: &str, sources: &mut Vec<Source>) -> Result<()> {
    let cannot_read = || format!("{} cannot be read", folder.display());
    for entry in fs::read_dir(folder).with_context(cannot_read)? {
        let entry = entry.with_context(cannot_read)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type().with_context(cannot_read)?.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                collect(&entry.path(), &format!("{path}/"), sources)?;
            }
        } else if name
            .rsplit_once('.')
            .is_some_and(|(_, end)| KINDS.contains(&end))
        {
            let text = fs::read_to_string(entry.path())
                .with_context(|| format!("{path} cannot be read"))?;
            sources.push(Source { path, text });
        }
    }
    Ok(())
}

//! The frame of every page: navigation beside the contents.

use std::{fs, path::Path};

use anyhow::{Context, Result};

const STYLE: &str = include_str!("style.css");

/// Pages that belong together.
pub struct Group<'a> {
    pub title: &'a str,
    pub entries: Vec<Entry>,
}

/// A page in the navigation.
pub struct Entry {
    pub title: String,
    /// Its path in the book.
    pub place: String,
}

/// The page at `place`, with links to all others.
pub fn page(groups: &[Group<'_>], place: &str, title: &str, body: &str) -> String {
    let mut navigation = String::new();
    for group in groups {
        navigation += &format!("<h2>{}</h2>\n<ul>\n", group.title);
        for entry in &group.entries {
            let here = if entry.place == place {
                " aria-current=\"page\""
            } else {
                ""
            };
            let (link, title) = (relative(place, &entry.place), escaped(&entry.title));
            navigation += &format!("<li><a href=\"{link}\"{here}>{title}</a></li>\n");
        }
        navigation += "</ul>\n";
    }
    let entries: Vec<&Entry> = groups.iter().flat_map(|group| &group.entries).collect();
    let own = entries.iter().position(|entry| entry.place == place);
    let neighbour = |number: Option<usize>, arrow: &str| {
        let entry = number.and_then(|number| entries.get(number));
        entry.map_or(String::new(), |entry| {
            let (link, title) = (relative(place, &entry.place), escaped(&entry.title));
            format!("<a href=\"{link}\">{arrow} {title}</a>")
        })
    };
    let before = neighbour(own.and_then(|own| own.checked_sub(1)), "\u{2190}");
    let after = neighbour(own.map(|own| own + 1), "\u{2192}");
    let title = escaped(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title} - Wayfarer</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<nav>\n{navigation}</nav>\n<main>\n{body}\n\
         <footer>{before} {after}</footer>\n</main>\n</body>\n</html>\n"
    )
}

/// A file of the repository as the contents of a page; of a folder, what is in it.
pub fn file(path: &str, file: &Path) -> Result<String> {
    let cannot_read = || format!("{path} cannot be read");
    let text = if file.is_dir() {
        let entries = fs::read_dir(file).with_context(cannot_read)?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names.join("\n")
    } else {
        fs::read_to_string(file).with_context(cannot_read)?
    };
    let (title, text) = (escaped(path), escaped(&text));
    Ok(format!("<h1>{title}</h1>\n<pre><code>{text}</code></pre>"))
}

/// The link from one page of the book to another.
pub fn relative(from: &str, to: &str) -> String {
    let up = from.matches('/').count();
    "../".repeat(up) + to
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

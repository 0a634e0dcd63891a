//! Comments that say nothing but the name of what they stand at.

use std::collections::BTreeSet;

use super::sources::Source;

/// Words that add nothing.
const EMPTY: [&str; 9] = ["a", "an", "the", "its", "this", "that", "of", "to", "for"];
/// Words before the name of an item.
const BEFORE: [&str; 12] = [
    "pub", "const", "static", "async", "unsafe", "fn", "struct", "enum", "mod", "trait", "type",
    "mut",
];

/// Each of them.
pub fn findings(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is("rs")) {
        let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
        for (number, comment) in lines.iter().enumerate() {
            let Some(comment) = comment.strip_prefix("///") else {
                continue;
            };
            let is_comment = |line: Option<&&str>| line.is_some_and(|line| line.starts_with("///"));
            let before = number.checked_sub(1).and_then(|before| lines.get(before));
            if is_comment(before) || is_comment(lines.get(number + 1)) {
                continue;
            }
            let behind = lines[number + 1..]
                .iter()
                .find(|line| !line.starts_with("#["));
            let name = behind.and_then(|line| name(line));
            if name.is_some_and(|name| repeats(comment, name)) {
                let place = format!("{}:{}", source.path, number + 1);
                findings.push(format!(
                    "{place}: the comment repeats the name: \"{}\"",
                    comment.trim()
                ));
            }
        }
    }
    findings
}

/// The name that a line declares.
fn name(line: &str) -> Option<&str> {
    let mut words = line.split(|character: char| !character.is_alphanumeric() && character != '_');
    words.find(|word| !word.is_empty() && !BEFORE.contains(word))
}

/// Whether the comment's words are among those of the name, but for the plural.
fn repeats(comment: &str, name: &str) -> bool {
    let singular = |word: &str| word.trim_end_matches('s').to_string();
    let said = comment.split(|character: char| !character.is_alphanumeric() && character != '_');
    let said = said.map(str::to_lowercase);
    let said: BTreeSet<String> = said
        .filter(|word| !word.is_empty() && !EMPTY.contains(&word.as_str()))
        .map(|word| singular(&word))
        .collect();
    let named: BTreeSet<String> = words(name).iter().map(|word| singular(word)).collect();
    !said.is_empty() && said.is_subset(&named)
}

/// The words of a name in snake or camel case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for character in name.chars() {
        if character == '_' || (character.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = character.is_lowercase();
        if let (true, Some(word)) = (character != '_', words.last_mut()) {
            word.extend(character.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_that_repeats_a_name_is_found_whatever_stands_between() {
        let text = "/// Clock.\npub clock: Signal<In, Clock>,\n/// The request's queue.\n#[inline]\nfn queue() {}\n\
                    /// Its tags.\n#[must_use]\npub(crate) fn read_tag() {}\n/// Of it.\nit: u8,\n";
        let source = Source {
            path: "a.rs".into(),
            text: text.into(),
        };
        let found = findings(&[source]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("a.rs:1:") && found[1].starts_with("a.rs:9:"));
    }

    #[test]
    fn a_comment_that_adds_a_word_or_a_line_is_none() {
        let text =
            "/// Clock of all ports.\npub clock: u8,\n/// Tag.\n/// It comes back.\npub tag: u8,\n";
        let source = Source {
            path: "a.rs".into(),
            text: text.into(),
        };
        assert_eq!(findings(&[source]), [""; 0]);
        assert_eq!(
            words("PacketReceive_ready2"),
            ["packet", "receive", "ready2"]
        );
    }
}

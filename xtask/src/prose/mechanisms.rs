//! Numbers of mechanisms: `docs/mechanisms.md` lists all of them, and every other file cites only those.

use super::sources::Source;

/// The page that explains them.
const PAGE: &str = "docs/mechanisms.md";
/// Letters, and how many mechanisms each has.
const SERIES: [(char, usize); 4] = [('V', 30), ('S', 19), ('T', 14), ('U', 9)];
/// What the last column of the page may say.
const STATES: [&str; 5] = ["built", "in part", "modelled", "not yet", "none"];

/// Mechanisms that the page lacks or gives no state, and citations of mechanisms that do not exist.
pub fn findings(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        if source.path == PAGE {
            page(&source.text, &mut findings);
        }
        for (number, line) in source.prose() {
            for unknown in citations(line).filter(|id| !exists(id)) {
                findings.push(format!(
                    "{}:{number}: there is no mechanism {unknown} ({PAGE})",
                    source.path
                ));
            }
        }
    }
    findings
}

/// The rows must be all mechanisms, each once, with a known state in the last column.
fn page(text: &str, findings: &mut Vec<String>) {
    for id in SERIES
        .iter()
        .flat_map(|(letter, last)| (1..=*last).map(move |number| format!("{letter}{number}")))
    {
        let start = format!("| {id} |");
        let rows: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with(&start))
            .collect();
        let [row] = rows[..] else {
            findings.push(format!(
                "{PAGE}: {id} has {} rows in place of one",
                rows.len()
            ));
            continue;
        };
        let state = row
            .trim_end_matches(['|', ' '])
            .rsplit('|')
            .next()
            .unwrap_or_default();
        if !STATES.contains(&state.trim()) {
            findings.push(format!(
                "{PAGE}: {id} has no state: one of {}",
                STATES.join(", ")
            ));
        }
    }
}

/// Words of a line that look like a mechanism's number: its letter and at most two digits.
fn citations(line: &str) -> impl Iterator<Item = &str> {
    let words =
        line.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.filter(|word| {
        let mut characters = word.chars();
        let letter = characters.next().unwrap_or_default();
        let digits = characters.as_str();
        SERIES.iter().any(|(series, _)| *series == letter)
            && matches!(digits.len(), 1 | 2)
            && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}

fn exists(id: &str) -> bool {
    let (letter, digits) = id.split_at(1);
    let number = digits.parse().unwrap_or(0);
    SERIES
        .iter()
        .any(|(series, last)| letter.starts_with(*series) && (1..=*last).contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: path.into(),
            text: text.into(),
        }
    }

    fn whole_page() -> String {
        let rows = SERIES.iter().flat_map(|(letter, last)| {
            (1..=*last).map(move |number| format!("| {letter}{number} | name | here | built |\n"))
        });
        rows.collect()
    }

    #[test]
    fn a_citation_without_a_mechanism_is_found_in_comments_and_documents_only() {
        let code = "// As V30 and (V31) say.\nlet V99 = 0; /// S20\n    /// U9, T15.\n";
        let files = [
            source("hdl/src/block.rs", code),
            source("docs/page.md", "V13 to V15, V0, V1a, RV32, V123"),
        ];
        let expected = [
            "hdl/src/block.rs:1: there is no mechanism V31 (docs/mechanisms.md)",
            "hdl/src/block.rs:3: there is no mechanism T15 (docs/mechanisms.md)",
            "docs/page.md:1: there is no mechanism V0 (docs/mechanisms.md)",
        ];
        assert_eq!(findings(&files), expected);
    }

    #[test]
    fn the_page_must_list_each_mechanism_once_and_with_a_state() {
        let text = whole_page();
        assert_eq!(findings(&[source(PAGE, &text)]), [""; 0]);
        let broken = text.replace("| T2 | name", "| T2 and more | name").replace(
            "| S7 | name | here | built |",
            "| S7 | name | here | soon |",
        );
        let found = findings(&[source(PAGE, &broken)]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("S7 has no state") && found[1].contains("T2 has 0 rows"));
    }
}

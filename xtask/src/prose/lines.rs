//! Lines that are too long to read.

use super::sources::Source;

/// Characters of a line, at most.
const MAXIMUM: usize = 120;

/// Each line that is longer, but for rows of tables.
pub fn findings(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        for (number, line) in (1..).zip(source.text.lines()) {
            let text = line
                .trim_start()
                .trim_start_matches(['/', '!'])
                .trim_start();
            let is_row =
                text.starts_with('|') && (source.is("md") || text.len() < line.trim_start().len());
            let length = line.chars().count();
            if length > MAXIMUM && !is_row {
                findings.push(format!(
                    "{}:{number}: {length} columns, at most {MAXIMUM}",
                    source.path
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_found_but_for_rows_of_tables() {
        let long = "x".repeat(MAXIMUM + 1);
        let text = format!("{long}\n| {long} |\n{}\n", &long[1..]);
        let of = |path: &str| Source {
            path: path.into(),
            text: text.clone(),
        };
        assert_eq!(
            findings(&[of("a.md")]),
            ["a.md:1: 121 columns, at most 120"]
        );
        assert_eq!(findings(&[of("a.rs")]).len(), 2);
        let row = Source {
            path: "a.rs".into(),
            text: format!("    /// | {long} |\n"),
        };
        assert_eq!(findings(&[row]), [""; 0]);
    }
}

//! Writes the reference pages and the C header from the schema: `generate-reference [--check]`.
//!
//! With `--check` nothing is written; a file that is not as it would be written ends the program with an error.

use abi::schema::{Access, Codes, Map, Section, Word};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};
use wayfarer_abi as abi;

/// Sections whose address space has a picture.
const SPACES: &[(&str, &str)] = &[
    ("control", "space-bar0"),
    ("endpoint", "space-bar2"),
    ("processor", "space-processor"),
];

const NOTICE: &str = "Made from `abi/` by `cargo xtask generate`; do not edit.";

fn main() -> ExitCode {
    let check = env::args().any(|argument| argument == "--check");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut stale = false;
    for (path, text) in files() {
        let file = root.join(&path);
        if fs::read_to_string(&file).is_ok_and(|present| present == text) {
            continue;
        }
        if check {
            eprintln!(
                "{} is not what the schema says: run `cargo xtask generate` and commit it",
                path.display()
            );
            stale = true;
            continue;
        }
        let folder = file.parent().unwrap_or(&root);
        if let Err(error) = fs::create_dir_all(folder).and_then(|()| fs::write(&file, text)) {
            eprintln!("cannot write {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    if stale {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Every generated file, by its path from the top of the repository.
fn files() -> Vec<(PathBuf, String)> {
    let mut files = vec![(PathBuf::from("abi/include/wayfarer.h"), c_header())];
    let mut index = format!("# Reference\n\n{NOTICE}\n\n");
    for section in abi::SECTIONS {
        let _ = writeln!(index, "* [{}]({}.md)", section.meaning, section.name);
        files.push((
            format!("docs/reference/{}.md", section.name).into(),
            page(section),
        ));
    }
    files.push(("docs/reference/README.md".into(), index));
    files
}

fn page(section: &Section) -> String {
    let mut text = format!("# {}\n\n{NOTICE}\n", section.meaning);
    for map in section.maps {
        map_page(section.name, map, &mut text);
    }
    for word in section.words {
        let _ = write!(
            text,
            "\n## `{}` ({} bits)\n\n{}\n",
            word.name,
            word.bits,
            paragraph(word.meaning)
        );
        fields(section.name, word, &mut text);
    }
    for codes in section.codes {
        codes_page(codes, &mut text);
    }
    if !section.numbers.is_empty() {
        text.push_str("\n## Numbers\n\n| name | value | meaning |\n|---|---|---|\n");
        for number in section.numbers {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} |",
                number.name,
                value(number.value),
                number.meaning
            );
        }
    }
    text
}

fn map_page(section: &str, map: &Map, text: &mut String) {
    let _ = write!(
        text,
        "\n## `{}`\n\n{}\n\n",
        map.name,
        paragraph(map.meaning)
    );
    if let Some((_, picture)) = SPACES.iter().find(|(name, _)| *name == section) {
        let _ = writeln!(text, "![{}](pictures/{picture}.svg)\n", prose(map.meaning));
    }
    text.push_str(
        "| offset | name | bits | access | reset | meaning |\n|---|---|---|---|---|---|\n",
    );
    for register in map.registers {
        let times = if register.count > 1 {
            format!(" x {}", register.count)
        } else {
            String::new()
        };
        let access = match register.access {
            Access::ReadOnly => "read",
            Access::ReadWrite => "read, write",
            Access::WriteOnly => "write",
            Access::WriteOneToClear => "read, write 1 to clear",
        };
        let word = register.word;
        let meaning = prose(word.meaning);
        let _ = writeln!(
            text,
            "| {:#05x} | `{}`{times} | {} | {access} | {:#x} | {meaning} |",
            register.offset, word.name, word.bits, register.reset
        );
    }
    for register in map
        .registers
        .iter()
        .filter(|register| !register.word.fields.is_empty())
    {
        let _ = write!(text, "\n### `{}`\n", register.word.name);
        fields(section, &register.word, text);
    }
}

fn fields(section: &str, word: &Word, text: &mut String) {
    // A picture of one field would say less than its row; `wayfarer-pictures` draws the others.
    if word.fields.len() > 1 {
        let _ = writeln!(
            text,
            "\n![Bits of {}](pictures/{section}-{}.svg)",
            word.name, word.name
        );
    }
    text.push_str("\n| bits | field | meaning |\n|---|---|---|\n");
    for field in word.fields {
        let bits = if field.width == 1 {
            field.shift.to_string()
        } else {
            format!("{}:{}", field.shift + field.width - 1, field.shift)
        };
        let _ = writeln!(text, "| {bits} | `{}` | {} |", field.name, field.meaning);
    }
}

fn codes_page(codes: &Codes, text: &mut String) {
    let _ = write!(
        text,
        "\n## `{}`\n\n{}\n\n| value | name | meaning |\n|---|---|---|\n",
        codes.name,
        paragraph(codes.meaning)
    );
    for code in codes.values {
        let _ = writeln!(
            text,
            "| {} | `{}` | {} |",
            value(code.value),
            code.name,
            code.meaning
        );
    }
}

/// Sizes and small codes are read in decimal, masks and addresses in hexadecimal.
fn value(number: u64) -> String {
    if number < 0x1_0000 {
        number.to_string()
    } else {
        format!("{number:#x}")
    }
}

/// The lines of a doc comment as a paragraph whose lines are not too long.
fn paragraph(meaning: &str) -> String {
    const COLUMNS: usize = 120;
    let mut lines = vec![String::new()];
    for word in prose(meaning).split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= COLUMNS => *line += &format!(" {word}"),
            _ => lines.push(word.into()),
        }
    }
    lines.join("\n")
}

/// The lines of a doc comment as one line.
fn prose(meaning: &str) -> String {
    meaning
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ")
        .trim()
        .to_string()
}

fn c_header() -> String {
    let mut text = format!("/* {NOTICE} */\n#ifndef WAYFARER_H\n#define WAYFARER_H\n");
    let _ = write!(
        text,
        "\n#define WAYFARER_ABI_VERSION_MAJOR {}\n#define WAYFARER_ABI_VERSION_MINOR {}\n",
        abi::ABI_VERSION_MAJOR,
        abi::ABI_VERSION_MINOR
    );
    for section in abi::SECTIONS {
        let _ = write!(text, "\n/* {} */\n", section.meaning);
        let define = |text: &mut String, parts: &[&str], value: u64| {
            let name = parts.join("_").to_uppercase();
            let suffix = if value > 0xffff_ffff { "ull" } else { "u" };
            let _ = writeln!(text, "#define WAYFARER_{name} {value:#x}{suffix}");
        };
        for number in section.numbers {
            define(&mut text, &[section.name, number.name], number.value);
        }
        for map in section.maps {
            for register in map.registers {
                define(
                    &mut text,
                    &[section.name, register.word.name, "offset"],
                    register.offset as u64,
                );
                c_fields(&mut text, section.name, &register.word);
            }
        }
        for word in section.words {
            c_fields(&mut text, section.name, word);
        }
        for codes in section.codes {
            for code in codes.values {
                define(
                    &mut text,
                    &[section.name, codes.name, code.name],
                    code.value,
                );
            }
        }
    }
    text.push_str("\n#endif\n");
    text
}

fn c_fields(text: &mut String, section: &str, word: &Word) {
    for field in word.fields {
        let name = [section, word.name, field.name].join("_").to_uppercase();
        let _ = writeln!(text, "#define WAYFARER_{name}_SHIFT {}", field.shift);
        let _ = writeln!(text, "#define WAYFARER_{name}_WIDTH {}", field.width);
    }
}

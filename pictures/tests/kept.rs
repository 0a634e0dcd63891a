//! The pictures of the schema that are kept in the repository are those of today's schema, and the pages show them.

use std::fs;
use wayfarer_pictures::kept::{check, root};
use wayfarer_pictures::{bit_fields, spaces};

const FOLDER: &str = "docs/reference/pictures";

/// Each picture's file name and contents.
fn pictures() -> Vec<(String, String)> {
    let mut pictures = Vec::new();
    for section in abi::SECTIONS {
        let registers = section.maps.iter().flat_map(|map| map.registers);
        let registers = registers.map(|register| &register.word);
        let words = registers.chain(section.words);
        for word in words.filter(|word| bit_fields::is_worth_drawing(word)) {
            let name = format!("{}-{}.svg", section.name, word.name);
            pictures.push((name, bit_fields::word(word)));
        }
    }
    let spaces = spaces::pictures().into_iter();
    pictures.extend(spaces.map(|(name, svg)| (format!("space-{name}.svg"), svg)));
    pictures
}

#[test]
fn pictures_of_the_schema_are_fresh_and_there_are_no_others() {
    let mut drawn = Vec::new();
    let mut stale = Vec::new();
    for (name, svg) in pictures() {
        stale.extend(check(&format!("{FOLDER}/{name}"), &svg).err());
        drawn.push(name);
    }
    assert!(stale.is_empty(), "{}", stale.join("\n"));
    drawn.sort();
    let folder = fs::read_dir(root().join(FOLDER)).expect("the folder");
    let mut kept: Vec<String> = folder
        .map(|entry| {
            entry
                .expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    kept.sort();
    assert_eq!(kept, drawn);
}

#[test]
fn every_picture_of_the_schema_is_shown_on_a_page() {
    let mut pages = String::new();
    for folder in ["docs/reference", "docs/contracts"] {
        for entry in fs::read_dir(root().join(folder)).expect("the folder") {
            let path = entry.expect("a page").path();
            if path.extension().is_some_and(|end| end == "md") {
                pages += &fs::read_to_string(path).expect("a page");
            }
        }
    }
    let missing: Vec<String> = pictures()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| !pages.contains(&format!("pictures/{name})")))
        .collect();
    assert_eq!(missing, [""; 0]);
}

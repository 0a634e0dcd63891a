//! `cargo xtask docs`: the documents and the interfaces of all crates as one book of HTML, in `target/book`.

mod markdown;
mod page;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::{progress::run_step, workspace::Workspace};
use markdown::{Document, Target};
use page::{Entry, Group};

/// Pages of `docs/` in reading order; what is not named comes behind them.
const ORDER: [(&str, &[&str]); 3] = [
    ("First steps", &["getting-started", "tutorial", "glossary"]),
    (
        "Design",
        &[
            "architecture",
            "protocol",
            "microarchitecture",
            "mechanisms",
        ],
    ),
    ("Work", &["simulator", "testing", "synthesis"]),
];
/// Folders of `docs/`, each a group of its own.
const FOLDERS: [(&str, &str); 2] = [
    ("Contracts", "docs/contracts"),
    ("Reference", "docs/reference"),
];
/// Where the interfaces of the crates stand in the book.
const INTERFACES: &str = "api";

/// Writes the book, and says where it begins.
///
/// # Errors
/// When a link leads nowhere, rustdoc finds something, or a file cannot be written.
pub fn write(workspace: &Workspace) -> Result<()> {
    let book = workspace.target().join("book");
    if book.exists() {
        fs::remove_dir_all(&book)
            .with_context(|| format!("{} cannot be removed", book.display()))?;
    }
    let crates = interfaces(workspace, &book.join(INTERFACES))?;
    for (path, text) in pages(workspace.root(), &crates)? {
        write_file(&book.join(path), text.as_bytes())?;
    }
    let pictures = ["docs/pictures", "docs/reference/pictures"];
    for folder in pictures {
        copy_folder(&workspace.root().join(folder), &book.join(folder))?;
    }
    println!("book: {}", book.join("index.html").display());
    Ok(())
}

fn write_file(path: &Path, contents: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, contents))
        .with_context(|| format!("{} cannot be written", path.display()))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let entries =
        fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))?;
    fs::create_dir_all(to).with_context(|| format!("{} cannot be made", to.display()))?;
    for entry in entries {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            fs::copy(&from, &to).with_context(|| format!("{} cannot be written", to.display()))?;
        }
    }
    Ok(())
}

/// Puts what rustdoc writes into a folder; the names of the crates.
fn interfaces(workspace: &Workspace, folder: &Path) -> Result<Vec<String>> {
    // What is there may be of crates that no longer exist, or with private items.
    let documented = workspace.target().join("doc");
    if documented.exists() {
        fs::remove_dir_all(&documented)?;
    }
    let mut cargo = workspace.cargo();
    cargo.args(["doc", "--locked", "--workspace", "--no-deps", "--lib"]);
    run_step("Interfaces of the crates", &mut cargo)?;
    copy_folder(&documented, folder)?;
    let mut crates = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("wayfarer_") && folder.join(&name).join("index.html").exists() {
            crates.push(name);
        }
    }
    crates.sort();
    Ok(crates)
}

/// All Markdown files, in reading order: the group's title and the paths from the top of the repository.
fn order(root: &Path) -> Result<Vec<(&'static str, Vec<String>)>> {
    let files_of = |folder: &str| -> Result<Vec<String>> {
        let entries =
            fs::read_dir(root.join(folder)).with_context(|| format!("{folder} cannot be read"))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".md")).collect();
        // The page that lists the others first.
        names.sort_by_key(|name| (name != "README.md", name.clone()));
        Ok(names
            .into_iter()
            .map(|name| format!("{folder}/{name}"))
            .collect())
    };
    let mut rest = files_of("docs")?;
    let mut groups = vec![("Wayfarer", vec!["README.md".to_string()])];
    for (title, names) in ORDER {
        let wanted = names.iter().map(|name| format!("docs/{name}.md"));
        let present: Vec<String> = wanted.filter(|path| rest.contains(path)).collect();
        rest.retain(|path| !present.contains(path));
        groups.push((title, present));
    }
    groups.push(("More", rest));
    for (title, folder) in FOLDERS {
        groups.push((title, files_of(folder)?));
    }
    groups.retain(|(_, paths)| !paths.is_empty());
    Ok(groups)
}

/// Where a file of the repository stands in the book.
fn place(path: &str) -> String {
    match path.strip_suffix(".md") {
        Some("README") => "index.html".into(),
        Some(stem) => format!("{}.html", stem.replace("README", "index")),
        None => format!("files/{path}.html"),
    }
}

/// Every page of the book but those of the interfaces, by its path in the book.
fn pages(root: &Path, crates: &[String]) -> Result<BTreeMap<String, String>> {
    let order = order(root)?;
    let mut documents = BTreeMap::new();
    for path in order.iter().flat_map(|(_, paths)| paths) {
        let text = fs::read_to_string(root.join(path))
            .with_context(|| format!("{path} cannot be read"))?;
        documents.insert(path.clone(), Document::read(&text));
    }
    let mut groups = Vec::new();
    for (title, paths) in &order {
        let entry = |path: &String| Entry {
            title: documents[path].title.clone(),
            place: place(path),
        };
        groups.push(Group {
            title,
            entries: paths.iter().map(entry).collect(),
        });
    }
    let interface = |name: &String| Entry {
        title: name.clone(),
        place: format!("{INTERFACES}/{name}/index.html"),
    };
    groups.push(Group {
        title: "Interfaces",
        entries: crates.iter().map(interface).collect(),
    });

    let mut pages = BTreeMap::new();
    let mut broken = Vec::new();
    let mut shown: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (path, document) in &documents {
        let body = document.html(|link| match resolve(root, &documents, path, link) {
            Some(Target::File(file)) => {
                shown.insert(file.clone(), root.join(&file));
                page::relative(&place(path), &place(&file))
            }
            Some(Target::Page(file, anchor)) => {
                page::relative(&place(path), &place(&file)) + &anchor
            }
            Some(Target::Elsewhere) => link.into(),
            None => {
                broken.push(format!("{path}: {link} leads nowhere"));
                link.into()
            }
        });
        let place = place(path);
        pages.insert(
            place.clone(),
            page::page(&groups, &place, &document.title, &body),
        );
    }
    ensure!(broken.is_empty(), "{}", broken.join("\n"));
    for (path, file) in shown {
        let place = place(&path);
        let body = page::file(&path, &file)?;
        pages.insert(place.clone(), page::page(&groups, &place, &path, &body));
    }
    Ok(pages)
}

/// What a link on this page leads to.
fn resolve(
    root: &Path,
    documents: &BTreeMap<String, Document>,
    page: &str,
    link: &str,
) -> Option<Target> {
    if link.contains("://") {
        return Some(Target::Elsewhere);
    }
    let (file, anchor) = match link.split_once('#') {
        Some((file, anchor)) => (file, format!("#{anchor}")),
        None => (link, String::new()),
    };
    let path = if file.is_empty() {
        page.to_string()
    } else {
        joined(page, file)?
    };
    if let Some(document) = documents.get(&path) {
        let known = anchor.is_empty() || document.anchors.contains(&anchor[1..]);
        return known.then_some(Target::Page(path, anchor));
    }
    if path.ends_with(".svg") && root.join(&path).is_file() {
        return Some(Target::Elsewhere);
    }
    let exists = !path.is_empty() && root.join(&path).exists();
    exists.then_some(Target::File(path))
}

/// The path that a link on a page means, from the top of the repository.
fn joined(page: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn every_link_of_the_documents_leads_somewhere() {
        let pages =
            pages(&root(), &["wayfarer_abi".into()]).unwrap_or_else(|error| panic!("{error}"));
        let start = &pages["index.html"];
        assert!(start.contains(r#"href="docs/architecture.html""#));
        assert!(start.contains(r#"href="api/wayfarer_abi/index.html""#));
        let contract = &pages["docs/contracts/1-host-abi.html"];
        assert!(contract.contains(r#"href="../../index.html""#));
        assert!(contract.contains(r#"src="../reference/pictures/space-bar4.svg""#));
    }

    #[test]
    fn links_are_taken_from_the_page_they_stand_on() {
        assert_eq!(joined("docs/a/b.md", "../c.md"), Some("docs/c.md".into()));
        assert_eq!(joined("README.md", "docs/c.md"), Some("docs/c.md".into()));
        assert_eq!(joined("README.md", "../c.md"), None);
        let documents = BTreeMap::from([("docs/c.md".to_string(), Document::read("# One two\n"))]);
        let leads = |link: &str| resolve(&root(), &documents, "docs/b.md", link).is_some();
        for (link, somewhere) in [
            ("c.md", true),
            ("c.md#one-two", true),
            ("c.md#one-three", false),
            ("d.md", false),
            ("../abi/src/lib.rs", true),
            ("../abi/src/missing.rs", false),
            ("pictures/missing.svg", false),
        ] {
            assert_eq!(leads(link), somewhere, "{link}");
        }
    }
}

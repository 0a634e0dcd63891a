//! The file that the results are written to.

use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file that the results are written to in the end. Until then it is what it was, whatever ends the program.
#[derive(Debug)]
pub struct ResultsFile {
    /// As the user named it.
    name: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A file, which another takes the place of.
    File {
        /// Without symbolic links, which stay what they are.
        path: PathBuf,
        /// Where the results are written, in the same folder.
        aside: PathBuf,
    },
    /// A pipe or a terminal.
    Stream(File),
}

impl ResultsFile {
    /// Looks whether the file can be written, before anything is measured.
    pub fn open(name: &Path) -> Result<Self> {
        let place = Place::open(name).with_context(|| cannot_write(name))?;
        Ok(ResultsFile {
            name: name.into(),
            place,
        })
    }

    /// Writes the text, and says where.
    pub fn write(self, text: &str) -> Result<()> {
        self.place
            .write(text.as_bytes())
            .with_context(|| cannot_write(&self.name))?;
        println!("results: {}", self.name.display());
        Ok(())
    }
}

fn cannot_write(name: &Path) -> String {
    format!("cannot write {}", name.display())
}

impl Place {
    fn open(name: &Path) -> io::Result<Self> {
        let path = match File::options().write(true).open(name) {
            Ok(file) if !file.metadata()?.is_file() => return Ok(Place::Stream(file)),
            Ok(_) => fs::canonicalize(name)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => name.into(),
            Err(error) => return Err(error),
        };
        let mut aside = path
            .file_name()
            .ok_or(io::ErrorKind::IsADirectory)?
            .to_owned();
        aside.push(format!(".{}", std::process::id()));
        let aside = path.with_file_name(aside);
        File::create(&aside)?;
        fs::remove_file(&aside)?;
        Ok(Place::File { path, aside })
    }

    fn write(self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Place::Stream(mut file) => file.write_all(bytes),
            Place::File { path, aside } => {
                let written = fs::write(&aside, bytes).and_then(|()| fs::rename(&aside, path));
                written.inspect_err(|_| drop(fs::remove_file(&aside)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty folder of this test's own.
    fn folder(test: &str) -> PathBuf {
        let name = format!("niu-bench-{}-{test}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a scratch folder");
        folder
    }

    fn files(folder: &Path) -> usize {
        fs::read_dir(folder).expect("the folder").count()
    }

    #[test]
    fn a_program_that_is_stopped_leaves_the_folder_as_it_was() {
        let folder = folder("stopped");
        let path = folder.join("results.json");
        let open = || ResultsFile::open(&path).expect("it can be written");
        // As Ctrl-C does, this runs no destructor.
        std::mem::forget(open());
        assert_eq!(files(&folder), 0);
        fs::write(&path, "of an earlier run").expect("a scratch file");
        let results = open();
        assert_eq!(files(&folder), 1);
        let read = || fs::read_to_string(&path).expect("it is there");
        assert_eq!(read(), "of an earlier run");
        results.write("new").expect("it can be written");
        assert_eq!((read(), files(&folder)), ("new".into(), 1));
        fs::remove_dir_all(folder).expect("the scratch folder");
    }

    #[test]
    fn results_go_where_a_link_leads_and_into_streams() {
        let folder = folder("links");
        let (path, link) = (folder.join("results.json"), folder.join("latest.json"));
        fs::write(&path, "old").expect("a scratch file");
        std::os::unix::fs::symlink("results.json", &link).expect("a link");
        let write = |name: &Path| ResultsFile::open(name).and_then(|file| file.write("new"));
        write(&link).expect("it can be written");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "new");
        assert_eq!(files(&folder), 2);
        write(Path::new("/dev/null")).expect("it takes everything");
        fs::remove_dir_all(folder).expect("the scratch folder");
    }

    #[test]
    fn what_cannot_be_written_is_refused_before_anything_is_measured() {
        let folder = folder("refused");
        let missing = folder.join("missing/results.json");
        for name in [&folder, &missing] {
            let error = ResultsFile::open(name).expect_err("it cannot be written");
            let name = name.display().to_string();
            assert!(error.to_string().contains(&name), "{error}");
        }
        fs::remove_dir_all(folder).expect("the scratch folder");
    }
}

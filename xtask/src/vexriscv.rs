//! The soft core's Verilog: taken out of the luna-soc wheel, with three text edits, into `target/generated/vexriscv.v`.
//!
//! Nothing of it stands in this repository; the licence notice travels with the file.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// One text edit. The text to replace must occur exactly once, so that another release of the core cannot slip by.
struct Edit {
    why: &'static str,
    find: &'static str,
    replace: &'static str,
}

/// What debuggers (probe-rs) trip over in the core as generated.
const EDITS: [Edit; 3] = [
    Edit {
        why: "misa shall report RV32IMAC: debuggers take the presence of compressed instructions from it",
        find: "CsrPlugin_misa_extensions = 26'h0000042",
        replace: "CsrPlugin_misa_extensions = 26'h0001105",
    },
    Edit {
        why: "reading the trigger register tdata2 (CSR 0x7A2) shall be legal: debuggers count hardware breakpoints so",
        find: "    if(execute_CsrPlugin_csr_1954) begin
      if(execute_CSR_WRITE_OPCODE) begin
        execute_CsrPlugin_illegalAccess = 1'b0;
      end
    end",
        replace: "    if(execute_CsrPlugin_csr_1954) begin
      execute_CsrPlugin_illegalAccess = 1'b0;
    end",
    },
    Edit {
        why: "tdata2 shall read as the address that the selected trigger holds",
        find: "assign CsrPlugin_csrMapping_readDataInit = (",
        replace: "wire [31:0] tdata2_read = !execute_CsrPlugin_csr_1954 ? 32'h0 :
    CsrPlugin_trigger_tselect_index ? CsrPlugin_trigger_slots_1_tdata2_value : CsrPlugin_trigger_slots_0_tdata2_value;
  assign CsrPlugin_csrMapping_readDataInit = tdata2_read | (",
    },
];

/// Writes the edited core to `target/generated/vexriscv.v`, unless it stands there already, byte for byte.
///
/// # Errors
/// When the wheel does not hold the core, or an edit does not match exactly once.
pub fn extract(workspace: &Workspace) -> Result<()> {
    let site_packages = workspace.tools().site_packages()?;
    let core =
        site_packages.join("luna_soc/gateware/cpu/verilog/vexriscv/vexriscv_cynthion+jtag.v");
    let original = read(&core)?;
    let licence = read(&find_licence(&site_packages)?)?;
    let verilog = patch(&original)
        .with_context(|| format!("{} is not the file the edits are for", core.display()))?;
    workspace.write_generated("vexriscv.v", (notice(&licence) + &verilog).as_bytes())
}

/// Applies all edits to the Verilog of the core.
fn patch(original: &str) -> Result<String> {
    let mut verilog = original.to_owned();
    for edit in &EDITS {
        let matches = verilog.matches(edit.find).count();
        if matches != 1 {
            bail!(
                "an edit of VexRiscv must match exactly once, but matched {matches} times ({}). Was luna-soc updated \
                 in tools/requirements.txt? Then compare the core with the edits in xtask/src/vexriscv.rs. Text \
                 sought:\n{}",
                edit.why,
                edit.find
            );
        }
        verilog = verilog.replace(edit.find, edit.replace);
    }
    Ok(verilog)
}

/// The licence as a Verilog comment, with where the file came from and that it was changed.
fn notice(licence: &str) -> String {
    let mut text = String::from(
        "// VexRiscv (variant cynthion+jtag) as distributed with luna-soc, changed by `cargo xtask` in three places:\n",
    );
    for edit in &EDITS {
        text += &format!("//  * {}\n", edit.why);
    }
    text += "//\n";
    for line in licence.lines() {
        text += format!("// {line}").trim_end();
        text += "\n";
    }
    text + "\n"
}

fn find_licence(site_packages: &Path) -> Result<std::path::PathBuf> {
    for entry in site_packages.read_dir()? {
        let folder = entry?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("luna_soc-") && name.ends_with(".dist-info") {
            return Ok(folder.join("licenses/LICENSE.txt"));
        }
    }
    bail!("luna-soc is not installed in {}", site_packages.display())
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| {
        format!(
            "{} cannot be read; remove target/tools and run `cargo xtask tools`",
            file.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text in which every edit matches once.
    fn matching() -> String {
        EDITS.map(|edit| edit.find).join("\n")
    }

    #[test]
    fn each_edit_is_applied() {
        let patched = patch(&matching()).unwrap();
        for edit in &EDITS {
            assert!(patched.contains(edit.replace), "{}", edit.why);
        }
        assert!(!patched.contains("26'h0000042"));
        assert!(!patched.contains("execute_CSR_WRITE_OPCODE"));
    }

    #[test]
    fn an_edit_that_does_not_match_is_an_error_that_names_it() {
        for missing in &EDITS {
            let error = patch(&matching().replace(missing.find, ""))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("matched 0 times") && error.contains(missing.why),
                "{error}"
            );
        }
    }

    #[test]
    fn an_edit_that_matches_twice_is_an_error() {
        for twice in &EDITS {
            let error = patch(&(matching() + "\n" + twice.find))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("matched 2 times") && error.contains(twice.why),
                "{error}"
            );
        }
    }

    #[test]
    fn patching_twice_is_refused() {
        assert!(patch(&patch(&matching()).unwrap()).is_err());
    }

    #[test]
    fn the_licence_is_kept_as_a_comment() {
        let text = notice("BSD 3-Clause License\n\nCopyright (c) Somebody\n");
        assert!(
            text.contains("// BSD 3-Clause License\n//\n// Copyright (c) Somebody\n"),
            "{text}"
        );
        assert!(
            text.lines()
                .all(|line| line.is_empty() || line.starts_with("//"))
        );
    }
}

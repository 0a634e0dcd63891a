//! The soft core's Verilog: taken out of the luna-soc wheel and edited, into `target/generated/vexriscv.v`.
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

/// What debuggers (probe-rs) trip over in the core as generated, and how it fetches.
const EDITS: [Edit; 9] = [
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
    Edit {
        why: "fetches shall read the service processor's RAM in one cycle: the port",
        find: "  output reg           iBusWishbone_CYC,
  output reg           iBusWishbone_STB,
  input  wire          iBusWishbone_ACK,
  output wire          iBusWishbone_WE,
  output wire [29:0]   iBusWishbone_ADR,
  input  wire [31:0]   iBusWishbone_DAT_MISO,
  output wire [31:0]   iBusWishbone_DAT_MOSI,
  output wire [3:0]    iBusWishbone_SEL,
  input  wire          iBusWishbone_ERR,
  output wire [2:0]    iBusWishbone_CTI,
  output wire [1:0]    iBusWishbone_BTE,
",
        replace: "  output wire          instructionMemory_enable,
  output wire [29:0]   instructionMemory_address,
  input  wire [31:0]   instructionMemory_data,
",
    },
    Edit {
        why: "fetches shall read the service processor's RAM in one cycle: none is held up",
        find: "  output reg           io_cpu_prefetch_haltIt,\n",
        replace: "  output wire          io_cpu_prefetch_haltIt,\n",
    },
    Edit {
        why: "fetches shall read the service processor's RAM in one cycle: no bursts",
        find: "  assign iBusWishbone_ADR = {_zz_iBusWishbone_ADR_1,_zz_iBusWishbone_ADR};
  assign iBusWishbone_CTI = ((_zz_iBusWishbone_ADR == 3'b111) ? 3'b111 : 3'b010);
  assign iBusWishbone_BTE = 2'b00;
  assign iBusWishbone_SEL = 4'b1111;
  assign iBusWishbone_WE = 1'b0;
  assign iBusWishbone_DAT_MOSI = 32'bxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx;
  always @(*) begin
    iBusWishbone_CYC = 1'b0;
    if(when_InstructionCache_l239) begin
      iBusWishbone_CYC = 1'b1;
    end
  end

  always @(*) begin
    iBusWishbone_STB = 1'b0;
    if(when_InstructionCache_l239) begin
      iBusWishbone_STB = 1'b1;
    end
  end

  assign when_InstructionCache_l239 = (iBus_cmd_valid || (_zz_iBusWishbone_ADR != 3'b000));
  assign iBus_cmd_ready = (iBus_cmd_valid && iBusWishbone_ACK);
  assign iBus_rsp_valid = _zz_iBus_rsp_valid;
  assign iBus_rsp_payload_data = iBusWishbone_DAT_MISO_regNext;
  assign iBus_rsp_payload_error = 1'b0;
",
        replace: "  assign instructionMemory_enable = iBus_cmd_valid;
  assign instructionMemory_address = iBus_cmd_payload_address[31 : 2];
  assign iBus_cmd_ready = 1'b1;
  assign iBus_rsp_valid = 1'b0;
  assign iBus_rsp_payload_data = instructionMemory_data;
  assign iBus_rsp_payload_error = 1'b0;
",
    },
    Edit {
        why: "fetches shall read the service processor's RAM in one cycle: no burst's reset",
        find: "      _zz_iBusWishbone_ADR <= 3'b000;
      _zz_iBus_rsp_valid <= 1'b0;
",
        replace: "",
    },
    Edit {
        why: "fetches shall read the service processor's RAM in one cycle: no burst's word",
        find: "      if(when_InstructionCache_l239) begin
        if(iBusWishbone_ACK) begin
          _zz_iBusWishbone_ADR <= (_zz_iBusWishbone_ADR + 3'b001);
        end
      end
      _zz_iBus_rsp_valid <= (iBusWishbone_CYC && iBusWishbone_ACK);
",
        replace: "",
    },
    Edit {
        why: "fetches shall read the service processor's RAM in one cycle: no burst's data",
        find: "    iBusWishbone_DAT_MISO_regNext <= iBusWishbone_DAT_MISO;
",
        replace: "",
    },
];

/// In place of the instruction cache's contents: each fetch is a hit. The RAM is asked with the address of the coming
/// instruction, and answers in the cycle in which a cache's block RAM would.
const FETCH: &str = "
  assign io_cpu_prefetch_haltIt = 1'b0;
  assign io_mem_cmd_valid = (! io_cpu_fetch_isStuck);
  assign io_mem_cmd_payload_address = io_cpu_prefetch_pc;
  assign io_mem_cmd_payload_size = 3'b000;
  assign io_cpu_fetch_data = io_mem_rsp_payload_data;
  assign io_cpu_fetch_cacheMiss = 1'b0;
  assign io_cpu_fetch_physicalAddress = io_cpu_fetch_mmuRsp_physicalAddress;
  assign io_cpu_fetch_error = ((! io_cpu_fetch_mmuRsp_isPaging) &&
    (io_cpu_fetch_mmuRsp_exception || (! io_cpu_fetch_mmuRsp_allowExecute)));
  assign io_cpu_fetch_mmuRefilling = io_cpu_fetch_mmuRsp_refilling;
  assign io_cpu_fetch_mmuException = (((! io_cpu_fetch_mmuRsp_refilling) && io_cpu_fetch_mmuRsp_isPaging) &&
    (io_cpu_fetch_mmuRsp_exception || (! io_cpu_fetch_mmuRsp_allowExecute)));
  assign io_cpu_decode_physicalAddress = 32'h0;
  assign io_cpu_decode_data = 32'h0;
";

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
    replace_body(&mut verilog, "InstructionCache", FETCH)?;
    Ok(verilog)
}

/// Replaces all between a module's ports and its end.
fn replace_body(verilog: &mut String, module: &str, body: &str) -> Result<()> {
    let head = format!("\nmodule {module} (");
    let places = verilog.find(&head).and_then(|start| {
        let ports_end = start + verilog[start..].find("\n);\n")? + "\n);\n".len();
        let end = ports_end + verilog[ports_end..].find("\nendmodule")?;
        Some((ports_end, end))
    });
    let Some((start, end)) = places else {
        bail!("VexRiscv has no module {module}. Was luna-soc updated in tools/requirements.txt?");
    };
    verilog.replace_range(start..end, body);
    Ok(())
}

/// The licence as a Verilog comment, with where the file came from and that it was changed.
fn notice(licence: &str) -> String {
    let mut text = String::from(
        "// VexRiscv (variant cynthion+jtag) as distributed with luna-soc, changed by `cargo xtask`:\n",
    );
    for edit in &EDITS {
        text += &format!("//  * {}\n", edit.why);
    }
    text += "//  * the instruction cache is gone: each fetch is a hit\n";
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
        let edited = EDITS.map(|edit| edit.find).join("\n");
        edited + "\nmodule InstructionCache (\n  input wire clk\n);\n  reg way;\nendmodule\n"
    }

    #[test]
    fn the_cache_has_its_ports_and_another_body() {
        let patched = patch(&matching()).unwrap();
        let expected =
            format!("module InstructionCache (\n  input wire clk\n);\n{FETCH}\nendmodule\n");
        assert!(patched.ends_with(&expected), "{patched}");
        let error =
            patch(&matching().replace("module InstructionCache", "module Cache")).unwrap_err();
        assert!(
            error.to_string().contains("no module InstructionCache"),
            "{error}"
        );
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

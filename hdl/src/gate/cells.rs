//! What a block becomes on an FPGA.

use super::{build::scratch_for, tools};
use crate::emit::emit;
use rust_hdl::core::block::Block;
use std::fs;

/// Kinds and numbers of the ECP5 cells that Yosys makes of `unit`, sorted by name. Logic is not yet mapped to LUTs,
/// so cells such as `$mux` may appear; memories are mapped.
///
/// # Panics
/// If the block does not pass rust-hdl's checks or Yosys fails.
pub fn ecp5_cells<U: Block>(name: &str, mut unit: U) -> Vec<(String, usize)> {
    unit.connect_all();
    let verilog = emit(name, &unit);
    let script = format!(
        "read_verilog -sv block.v; synth_ecp5 -top {name} -run :map_ffs; tee -q -o cells.txt stat"
    );
    report(name, &verilog, &script)
}

/// LUT4 and block RAMs that Yosys makes of `unit`, as nextpnr counts them: a carry cell takes two LUT4, and 16 words of
/// 4 bits of distributed RAM take six. (What nextpnr adds at the ends of carry chains is not counted.)
///
/// # Panics
/// As [`ecp5_cells`].
pub fn ecp5_size<U: Block>(name: &str, mut unit: U) -> (usize, usize) {
    unit.connect_all();
    let verilog = emit(name, &unit);
    let script =
        format!("read_verilog -sv block.v; synth_ecp5 -abc9 -top {name}; tee -q -o cells.txt stat");
    let cells = report(name, &verilog, &script);
    let of = |kind: &str| {
        let mut found = cells.iter().filter(|(name, _)| name == kind);
        found.next().map_or(0, |(_, count)| *count)
    };
    let luts = of("LUT4") + 2 * of("CCU2C") + 6 * of("TRELLIS_DPR16X4");
    (luts, of("DP16KD"))
}

/// Runs a script that writes Yosys' statistics to `cells.txt`, once per Verilog, and reads them.
fn report(name: &str, verilog: &str, script: &str) -> Vec<(String, usize)> {
    let folder = scratch_for(&format!("{name}-cells"), &(verilog, script));
    let report = folder.join("cells.txt");
    if !report.exists() {
        fs::create_dir_all(&folder).expect("the folder for builds can be made");
        fs::write(folder.join("block.v"), verilog).expect("the build folder can be written");
        tools::run(
            tools::yosys()
                .current_dir(&folder)
                .args(["-q", "-p", script]),
        )
        .unwrap_or_else(|text| panic!("{name}: Yosys fails:\n{text}"));
    }
    let report = fs::read_to_string(report).expect("Yosys wrote its report");
    // Lines such as "  4   DP16KD" below the line "  4 cells".
    let lines = report
        .lines()
        .skip_while(|line| !line.trim_end().ends_with(" cells"))
        .skip(1);
    let mut cells: Vec<(String, usize)> = lines
        .filter_map(|line| {
            let (count, kind) = line.trim().split_once(' ')?;
            (kind.trim() != "submodules").then_some(())?;
            Some((kind.trim().to_string(), count.parse().ok()?))
        })
        .collect();
    cells.sort();
    cells
}

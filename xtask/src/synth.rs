//! `cargo xtask synth`: the NIU with its processor through Yosys and nextpnr, in a harness, for one board. What it
//! takes of the device and how fast it is.

mod board;
mod crossings;
mod glitches;
mod harness;
mod path;
mod report;
mod slowest;

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{generate, progress::run_step, tools, workspace::Workspace};

use board::Board;
use crossings::Crossing;
use report::Report;
use slowest::Arrivals;

/// The soft core's module in `vexriscv.v`.
const SOFT_CORE: &str = "VexRiscv";

/// What can be chosen for one run.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder of the board below constraints/
    #[arg(long, default_value = "ecp5-versa")]
    board: String,
    /// Seed of the placer, if not the board's
    #[arg(long)]
    seed: Option<u32>,
    /// One more option for Yosys' synth_ecp5, such as -cmp2softlogic (may be given several times)
    #[arg(long, allow_hyphen_values = true)]
    yosys_option: Vec<String>,
    /// One more option for nextpnr-ecp5, such as --router=router2 (may be given several times)
    #[arg(long, allow_hyphen_values = true)]
    nextpnr_option: Vec<String>,
    /// Print the critical path and the slowest blocks of each clock even when timing is met
    #[arg(long)]
    critical_paths: bool,
}

/// Synthesises, places and routes; prints the result.
///
/// # Errors
/// When a tool fails, a clock of the board is not reached, or what crosses from one clock to another takes too long or
/// comes from logic.
pub fn synth(workspace: &Workspace, options: &Options) -> Result<()> {
    let board = Board::load(
        &workspace
            .root()
            .join("constraints")
            .join(&options.board)
            .join("board.toml"),
    )?;
    tools::ensure(workspace)?;
    let folder = workspace.target().join("synth").join(&options.board);
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    generate::verilog_without_revision(workspace, &folder)?;

    let harness_flip_flops = write_harness(workspace, &board, &folder)?;
    synthesise(workspace, options, &folder)?;
    let (report, arrivals) = place_and_route(workspace, options, &board, &folder)?;

    println!(
        "{}, {}-{} {}",
        board.name, board.device, board.speed_grade, board.package
    );
    print!("{}", report.summary(&board)?);
    println!("  of these flip-flops, {harness_flip_flops} belong to the harness");
    let crossings = Crossing::all(report.paths(), &board)?;
    print!("{}", crossings::table(&crossings));
    println!("Logs and report: {}", folder.display());
    let mut failures = report.failures(&board)?;
    for clock in &board.clocks {
        if options.critical_paths || failures.contains(&clock.port) {
            println!("\n{}", report.critical_path(&clock.port));
            // Ends within a tenth of the period are the next to miss it.
            let limit_ns = 0.9 * 1000.0 / clock.megahertz;
            println!("\n{}", arrivals.slowest(&clock.port, limit_ns));
        }
    }
    for crossing in crossings.iter().filter(|crossing| crossing.is_too_long()) {
        println!("\n{}", crossing.listing());
        failures.push(format!(
            "the path from {} is longer than a period of the faster clock",
            crossing.name()
        ));
    }
    for input in glitches::inputs(&arrivals) {
        failures.push(format!(
            "{input} takes a signal of another clock that does not come straight from a flip-flop"
        ));
    }
    if !failures.is_empty() {
        bail!(
            "the design does not meet its constraints: {}",
            failures.join(", ")
        );
    }
    println!("Timing is met.");
    Ok(())
}

/// Writes `harness.v` around the ports that the top module has, and the clock constraints. Returns the number of
/// flip-flops the harness adds.
fn write_harness(workspace: &Workspace, board: &Board, folder: &Path) -> Result<usize> {
    run_step(
        "Ports of the NIU",
        workspace.tools().yosys().current_dir(folder).args([
            "-q",
            "-p",
            "read_verilog niu.v; read_verilog -lib vexriscv.v; hierarchy -check -top niu; tee -q -o ports.txt portlist niu",
        ]),
    )?;
    let ports = harness::parse_ports(&read(&folder.join("ports.txt"))?)?;
    let harness = harness::Harness::new(board, ports)?;
    write(&folder.join("harness.v"), &harness.verilog())?;
    write(&folder.join("clocks.lpf"), &board.clock_constraints())?;
    Ok(harness.flip_flops())
}

/// What ABC takes a wire for, in picoseconds: on this device one wire in two takes longer, placed and routed. Yosys' own
/// figure of 300 buys area with levels of logic that then miss the clock.
const WIRE_PICOSECONDS: u32 = 900;

/// As Yosys' `synth_ecp5`, but for the mapping to LUTs. It maps the soft core by itself and then the rest: in one piece the
/// soft core's paths, which have twice the time, are the longest, and all others are allowed to get as long.
fn synthesise(workspace: &Workspace, options: &Options, folder: &Path) -> Result<()> {
    let more = options.yosys_option.join(" ");
    let script = [
        "read_verilog harness.v niu.v vexriscv.v".to_owned(),
        format!("setattr -mod -set keep_hierarchy 1 {SOFT_CORE}"),
        format!("synth_ecp5 -top harness {more} -run begin:map_luts"),
        "techmap -map +/lattice/latches_map.v".to_owned(),
        format!("abc9 -W {WIRE_PICOSECONDS}; clean"),
        format!("setattr -mod -unset keep_hierarchy {SOFT_CORE}; flatten; clean"),
        format!("synth_ecp5 -top harness {more} -run map_cells: -json harness.json"),
    ];
    let log = run_step(
        "Yosys: synthesis for ECP5",
        workspace
            .tools()
            .yosys()
            .current_dir(folder)
            .args(["-p", &script.join("; ")]),
    )?;
    write(&folder.join("yosys.log"), &log)
}

fn place_and_route(
    workspace: &Workspace,
    options: &Options,
    board: &Board,
    folder: &Path,
) -> Result<(Report, Arrivals)> {
    let log = run_step(
        "nextpnr: place and route (minutes)",
        workspace
            .tools()
            .nextpnr_ecp5()
            .current_dir(folder)
            .args(board.nextpnr_arguments()?)
            .args([
                "--json",
                "harness.json",
                "--lpf",
                "clocks.lpf",
                "--lpf-allow-unconstrained",
            ])
            // The verdict is ours, with the report at hand.
            .args(["--timing-allow-fail", "--report", "report.json"])
            .arg("--detailed-timing-report")
            .args([
                "--seed",
                &options.seed.unwrap_or(board.placer_seed).to_string(),
            ])
            .args(&options.nextpnr_option),
    )?;
    write(&folder.join("nextpnr.log"), &log)?;
    let text = read(&folder.join("report.json"))?;
    Ok((Report::parse(&text)?, Arrivals::parse(&text)?))
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

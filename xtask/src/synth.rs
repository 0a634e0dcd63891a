//! `cargo xtask synth`: the NIU with its processor through Yosys and nextpnr, in a harness, for one board. What each
//! block takes of the device, and how fast the whole is.

mod blocks;
mod board;
mod budget;
mod carries;
mod crossings;
mod glitches;
mod harness;
mod hierarchy;
mod netlist;
mod outcome;
mod owners;
mod path;
mod report;
mod slowest;
mod usage;

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result, anyhow, bail};

use crate::{generate, progress::run_step, tools, workspace::Workspace};

use blocks::Blocks;
use board::Board;
use budget::Budget;
use crossings::Crossing;
use hierarchy::Hierarchy;
use netlist::Netlist;
use outcome::{Outcome, Placed};
use report::Report;
use slowest::Arrivals;

/// The soft core's module in `vexriscv.v`.
const SOFT_CORE: &str = "VexRiscv";

/// The soft core's clock at the top of the design.
const PROCESSOR_CLOCK: &str = "processor_clock";

/// What can be chosen for one run.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder of the board below constraints/ [default: the board that names the configuration]
    #[arg(long)]
    board: Option<String>,
    /// Seeds of the placer, such as 1,2,3, if not the board's
    #[arg(long, value_delimiter = ',', value_name = "SEED,...")]
    seed: Vec<u32>,
    /// Stop before place and route: what the blocks take, in a fraction of the time
    #[arg(long, visible_alias = "no-route", conflicts_with = "seed")]
    only_blocks: bool,
    /// Write what was found to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Tell what became different since the run that wrote this file with --json
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
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

/// Synthesises, places and routes; prints the result. Without a configuration it is the one that
/// the board names, or the default one.
///
/// # Errors
/// When a tool fails, a block takes more than its share of the budget, a clock of the board is not reached, or what
/// crosses from one clock to another takes too long or comes from logic.
pub fn synth(workspace: Workspace, configuration: Option<&str>, options: &Options) -> Result<()> {
    let target = Target::choose(&workspace, configuration, options.board.as_deref())?;
    let workspace = match target.configuration_file.as_str() {
        DEFAULT_CONFIGURATION => workspace,
        name => workspace.with_configuration(name)?,
    };
    let budget = target.budget(&workspace)?;
    // Before the long part: a file that cannot be read.
    let earlier = options.compare.as_deref().map(Outcome::load).transpose()?;
    tools::ensure(&workspace)?;
    let folder = workspace.target().join("synth").join(target.name());
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    generate::verilog_without_revision(&workspace, &folder)?;

    let board = &target.board;
    let harness_flip_flops = write_harness(&workspace, board, &folder)?;
    synthesise(&workspace, options, &folder)?;
    let netlist = open_unread_carries(&folder.join("harness.json"))?;
    let hierarchy = Hierarchy::parse(&read(&folder.join("niu.v"))?, SOFT_CORE)?;
    let blocks = Blocks::new(&netlist, &hierarchy, budget.as_ref());

    println!(
        "{}, {}-{} {}, configuration {}",
        board.name, board.device, board.speed_grade, board.package, target.configuration
    );
    print!("{}", blocks.table(budget.as_ref()));
    println!("  of the flip-flops, {harness_flip_flops} belong to the harness");
    let mut failures = Vec::new();
    if let Some(budget) = &budget {
        failures.extend(budget.mismatches(hierarchy.instances()));
        failures.extend(blocks.failures(budget));
    } else {
        println!(
            "  no budget: hdl/configurations/budgets has no {}.toml",
            target.configuration
        );
    }

    let mut placed = Vec::new();
    let mut whole = blocks.whole();
    if !options.only_blocks {
        for run in place_and_route(&workspace, options, board, &folder)? {
            println!("\nSeed {}:", run.seed);
            failures.extend(run.judge(board, options.critical_paths)?);
            placed.push(Placed {
                seed: run.seed,
                core_megahertz: run.report.achieved(harness::CORE_CLOCK)?,
                processor_megahertz: run.report.achieved(PROCESSOR_CLOCK)?,
            });
            whole.lut4 = run.report.lut4().unwrap_or(whole.lut4);
        }
    }
    let outcome = Outcome {
        configuration: target.configuration.clone(),
        board: target.board_name.clone(),
        device: board.device.clone(),
        lut4: whole.lut4,
        flip_flops: whole.flip_flops,
        block_rams: whole.block_rams,
        slowest: Outcome::slowest_of(&placed),
        blocks,
        seeds: placed,
    };
    if let Some(file) = &options.json {
        outcome.save(file)?;
    }
    if let Some(earlier) = &earlier {
        println!("\nSince the earlier run (LUT4, flip-flops, block RAMs):");
        print!("{}", outcome.comparison(earlier));
    }
    println!("Logs and reports: {}", folder.display());
    if !failures.is_empty() {
        bail!(
            "the design does not meet its constraints:\n  {}",
            failures.join("\n  ")
        );
    }
    println!(
        "{}",
        match options.only_blocks {
            true => "Nothing was placed; each block is within its share.",
            false => "Timing is met, and each block is within its share.",
        }
    );
    Ok(())
}

/// The configuration that is built where none is named.
const DEFAULT_CONFIGURATION: &str = "default";

/// What is synthesised, and for which board.
struct Target {
    /// As it was given: a name, or a file.
    configuration_file: String,
    /// Without folder and ending.
    configuration: String,
    board_name: String,
    board: Board,
}

impl Target {
    fn choose(
        workspace: &Workspace,
        configuration: Option<&str>,
        board: Option<&str>,
    ) -> Result<Self> {
        let folder = workspace.root().join("constraints");
        let (board_name, board) = match board {
            Some(name) => (
                name.to_owned(),
                Board::load(&folder.join(name).join("board.toml"))?,
            ),
            None => {
                Board::of_configuration(&folder, configuration.unwrap_or(DEFAULT_CONFIGURATION))?
            }
        };
        let file = configuration.unwrap_or(&board.configuration).to_owned();
        let stem = Path::new(&file).file_stem().unwrap_or_default();
        Ok(Self {
            configuration: stem.to_string_lossy().into_owned(),
            configuration_file: file,
            board_name,
            board,
        })
    }

    /// `ecpix-5-default`.
    fn name(&self) -> String {
        format!("{}-{}", self.board_name, self.configuration)
    }

    fn budget(&self, workspace: &Workspace) -> Result<Option<Budget>> {
        let folder = workspace.root().join("hdl/configurations/budgets");
        let file = folder.join(format!("{}.toml", self.configuration));
        file.is_file().then(|| Budget::load(&file)).transpose()
    }
}

/// Writes `harness.v` around the ports that the top module has, and the clock constraints. Returns the number of
/// flip-flops the harness adds.
fn write_harness(workspace: &Workspace, board: &Board, folder: &Path) -> Result<usize> {
    run_step(
        "Ports of the NIU",
        workspace.tools().yosys().current_dir(folder).args([
            "-q",
            "-p",
            "read_verilog niu.v; read_verilog -lib vexriscv.v; hierarchy -check -top niu; tee -q -o ports.txt \
             portlist niu",
        ]),
    )?;
    let ports = harness::parse_ports(&read(&folder.join("ports.txt"))?)?;
    let harness = harness::Harness::new(board, ports)?;
    write(&folder.join("harness.v"), &harness.verilog())?;
    write(&folder.join("clocks.lpf"), &board.clock_constraints())?;
    Ok(harness.flip_flops())
}

/// What ABC takes a wire for, in picoseconds: on this device one wire in two takes longer, placed and routed. Yosys'
/// own figure of 300 buys area with levels of logic that then miss the clock.
const WIRE_PICOSECONDS: u32 = 900;

/// As Yosys' `synth_ecp5`, but for the mapping to LUTs. The soft core, whose paths have twice the time, is mapped by
/// itself: in one piece its paths are the longest, and all others are allowed to get as long. It does without the
/// multiplexers that make wider LUTs of LUT4, which saves one LUT4 in twelve and costs levels.
fn synthesise(workspace: &Workspace, options: &Options, folder: &Path) -> Result<()> {
    let more = options.yosys_option.join(" ");
    let top = netlist::TOP;
    let script = [
        format!("read_verilog {top}.v niu.v vexriscv.v"),
        format!("setattr -mod -set keep_hierarchy 1 {SOFT_CORE}"),
        format!("synth_ecp5 -top {top} {more} -run begin:map_luts"),
        "techmap -map +/lattice/latches_map.v".to_owned(),
        format!("design -save all; delete {top}"),
        format!("abc9 -W {WIRE_PICOSECONDS} -maxlut 4; clean; design -stash soft_core"),
        format!("design -load all; blackbox {SOFT_CORE}"),
        format!("abc9 -W {WIRE_PICOSECONDS}; clean; delete ={SOFT_CORE}"),
        format!("design -copy-from soft_core -as {SOFT_CORE} {SOFT_CORE}"),
        format!("setattr -mod -unset keep_hierarchy {SOFT_CORE}; flatten; clean"),
        format!("synth_ecp5 -top {top} {more} -run map_cells: -json {top}.json"),
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

/// Opens the carries in the netlist that nothing reads, and returns what is left.
fn open_unread_carries(file: &Path) -> Result<Netlist> {
    let text = read(file)?;
    let text = carries::open_unread(&text, &Netlist::parse(&text)?)?;
    write(file, &text)?;
    Netlist::parse(&text)
}

/// What nextpnr reports for one seed.
struct Run {
    seed: u32,
    report: Report,
    arrivals: Arrivals,
}

impl Run {
    /// Prints what was reached, and the critical paths where that is not enough. What is not enough.
    fn judge(&self, board: &Board, critical_paths: bool) -> Result<Vec<String>> {
        print!("{}", self.report.summary(board)?);
        let crossings = Crossing::all(self.report.paths(), board)?;
        print!("{}", crossings::table(&crossings));
        let missed = self.report.failures(board)?;
        for clock in &board.clocks {
            if critical_paths || missed.contains(&clock.port) {
                println!("\n{}", self.report.critical_path(&clock.port));
                // Ends within a tenth of the period are the next to miss it.
                let limit_ns = 0.9 * 1000.0 / clock.megahertz;
                println!("\n{}", self.arrivals.slowest(&clock.port, limit_ns));
            }
        }
        let mut failures: Vec<String> = missed
            .iter()
            .map(|clock| format!("{clock} does not reach its frequency"))
            .collect();
        for crossing in crossings.iter().filter(|crossing| crossing.is_too_long()) {
            println!("\n{}", crossing.listing());
            failures.push(format!(
                "the path from {} is longer than a period of the faster clock",
                crossing.name()
            ));
        }
        for input in glitches::inputs(&self.arrivals) {
            failures.push(format!(
                "{input} takes a signal of another clock that does not come straight from a flip-flop"
            ));
        }
        let seed = self.seed;
        Ok(failures
            .into_iter()
            .map(|failure| format!("seed {seed}: {failure}"))
            .collect())
    }
}

/// Places and routes the netlist once for each seed, as many at a time as the machine has processors.
fn place_and_route(
    workspace: &Workspace,
    options: &Options,
    board: &Board,
    folder: &Path,
) -> Result<Vec<Run>> {
    let seeds = match options.seed.as_slice() {
        [] => &[board.placer_seed],
        chosen => chosen,
    };
    let at_a_time = thread::available_parallelism().map_or(1, usize::from);
    let mut runs = Vec::new();
    for seeds in seeds.chunks(at_a_time) {
        let results: Vec<Result<Run>> = thread::scope(|scope| {
            let run = |&seed| scope.spawn(move || place(workspace, options, board, folder, seed));
            let threads: Vec<_> = seeds.iter().map(run).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, Result<Run>>| {
                let panicked = |_| Err(anyhow!("the thread that runs nextpnr panicked"));
                thread.join().unwrap_or_else(panicked)
            };
            threads.into_iter().map(join).collect()
        });
        for result in results {
            runs.push(result?);
        }
    }
    Ok(runs)
}

/// The placer to ask for, unless an option names one: of nextpnr's, this one leaves the shortest paths here
/// (`docs/synthesis.md`, "What the flow does for the clock").
fn placer(options: &[String]) -> &'static [&'static str] {
    if options.iter().any(|option| option.starts_with("--placer")) {
        return &[];
    }
    &["--placer", "static"]
}

fn place(
    workspace: &Workspace,
    options: &Options,
    board: &Board,
    folder: &Path,
    seed: u32,
) -> Result<Run> {
    let report = format!("report-{seed}.json");
    let log = run_step(
        &format!("nextpnr: place and route with seed {seed} (minutes)"),
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
            .args(["--timing-allow-fail", "--report", &report])
            .arg("--detailed-timing-report")
            .args(["--seed", &seed.to_string()])
            .args(placer(&options.nextpnr_option))
            .args(&options.nextpnr_option),
    )?;
    write(&folder.join(format!("nextpnr-{seed}.log")), &log)?;
    let text = read(&folder.join(report))?;
    Ok(Run {
        seed,
        report: Report::parse(&text)?,
        arrivals: Arrivals::parse(&text)?,
    })
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

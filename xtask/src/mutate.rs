//! `cargo xtask mutate`: breaks the NIU on purpose, one line of its Verilog at a time, and sees whether the tests of whole
//! clusters notice. Run by hand: half a minute to a minute a mutation.

mod list;
mod mutant;

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command, time::Instant};

use anyhow::{Context, Result, bail};

use self::{list::MUTANTS, mutant::Mutant};
use crate::{progress, run, workspace::Workspace};

/// Programs of `host-driver/tests` that the list names tests of.
const TEST_PROGRAMS: [&str; 8] = [
    "back_pressure",
    "bad_input",
    "bus_master",
    "destroy",
    "gaps",
    "priority",
    "quiesce",
    "soak",
];

/// Options of the command.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only mutations whose name contains this (may be given several times)
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

/// Runs the tests on the NIU as it is, then on each mutant, and prints a table of who noticed what.
///
/// # Errors
/// A mutation no longer fits the Verilog, a test fails on the NIU as it is, or no test notices a mutant.
pub fn mutate(workspace: &Workspace, options: &Options) -> Result<()> {
    let only = &options.only;
    let is_chosen =
        |mutant: &&Mutant| only.is_empty() || only.iter().any(|only| mutant.name.contains(only));
    let chosen: Vec<&Mutant> = MUTANTS.iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        bail!(
            "no mutation is called {}; they are listed in xtask/src/mutate/list.rs",
            only.join(" or ")
        );
    }
    run::prepare(workspace)?;
    let file = workspace.generated().join("niu.v");
    let whole =
        fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    // All at once before anything is built: a mutation that no longer fits is told at once.
    let mutated: Vec<String> = chosen
        .iter()
        .map(|mutant| mutant.apply(&whole))
        .collect::<Result<_>>()?;

    let rig = Rig::new(workspace)?;
    let tests: BTreeSet<&str> = chosen
        .iter()
        .flat_map(|mutant| mutant.tests)
        .copied()
        .collect();
    let failed = rig.run("the NIU as it is", &whole, &Vec::from_iter(tests))?;
    if !failed.is_empty() {
        bail!(
            "the tests must pass on the NIU as it is before mutants mean anything, but these failed: {}",
            failed.join(", ")
        );
    }
    println!("| mutation | what the NIU does wrong | noticed by |\n|---|---|---|");
    let mut survivors = Vec::new();
    for (mutant, verilog) in chosen.iter().zip(&mutated) {
        let failed = rig.run(mutant.name, verilog, mutant.tests)?;
        let noticed = failed.iter().map(|test| format!("`{test}`"));
        let noticed = Vec::from_iter(noticed).join(", ");
        println!("| `{}` | {} | {noticed} |", mutant.name, mutant.fault);
        if failed.is_empty() {
            survivors.push(mutant.name);
        }
    }
    if !survivors.is_empty() {
        bail!(
            "no test noticed: {}. Write the test that does, and name it in xtask/src/mutate/list.rs",
            survivors.join(", ")
        );
    }
    Ok(())
}

/// Where mutants are built and tested: a target folder of their own, so that nothing else has to be built again after them.
struct Rig<'a> {
    workspace: &'a Workspace,
    folder: PathBuf,
}

impl<'a> Rig<'a> {
    fn new(workspace: &'a Workspace) -> Result<Self> {
        let folder = workspace.target().join("mutate");
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(Rig { workspace, folder })
    }

    /// Runs these tests on a simulator with this NIU; gives those that failed.
    fn run(&self, name: &str, verilog: &str, tests: &[&str]) -> Result<Vec<String>> {
        let started = Instant::now();
        let file = self.verilog();
        fs::write(&file, verilog)
            .with_context(|| format!("{} cannot be written", file.display()))?;
        progress::run_step(&format!("{name}: simulator"), self.cargo().arg("--no-run"))?;
        let text = progress::run_step_that_may_fail(
            &format!("{name}: tests"),
            self.cargo()
                .args(["--no-fail-fast", "--", "--exact"])
                .args(tests),
        )?;
        let ended = |test: &str, how: &str| text.contains(&format!("test {test} ... {how}\n"));
        let mut failed = Vec::new();
        for test in tests {
            if ended(test, "FAILED") {
                failed.push((*test).to_owned());
            } else if !ended(test, "ok") {
                bail!(
                    "{name}: the test {test} did not run to its end. Was it renamed? Then adapt xtask/src/mutate/list.rs. \
                     The tests said:\n{text}"
                );
            }
        }
        eprintln!(
            "{name}: {} of {} tests failed, {:.0} s",
            failed.len(),
            tests.len(),
            started.elapsed().as_secs_f64()
        );
        Ok(failed)
    }

    fn verilog(&self) -> PathBuf {
        self.folder.join("niu.v")
    }

    /// `cargo test` of the cluster tests.
    fn cargo(&self) -> Command {
        let mut command = self.workspace.cargo();
        command
            .env("CARGO_TARGET_DIR", &self.folder)
            .env("WAYFARER_NIU_VERILOG", self.verilog())
            .args(["test", "--locked", "--package", run::HOST_DRIVER])
            .args(TEST_PROGRAMS.iter().flat_map(|program| ["--test", program]));
        command
    }
}

//! `cargo xtask mutate`: breaks the NIU on purpose, one line of its Verilog at a time, and sees whether the tests of
//! whole clusters notice. Run by hand: half a minute to a minute a mutation.

mod list;
mod mutant;

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command, time::Instant};

use anyhow::{Context, Result, bail};

use self::{list::MUTANTS, mutant::Mutant};
use crate::{generate, progress, run, tools, workspace::Workspace};

/// Programs of `cluster/tests` that the list names tests of.
const TEST_PROGRAMS: [&str; 15] = [
    "back_pressure",
    "bad_input",
    "bus_master",
    "destroy",
    "gaps",
    "give_up",
    "interrupts",
    "priority",
    "quiesce",
    "remote_memory",
    "remote_transfers",
    "reuse",
    "slow_host",
    "soak",
    "virtual_endpoints",
];

/// Options of the command.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only mutations whose name contains this (may be given several times)
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Only see that each mutation fits exactly one line of today's Verilog
    #[arg(long)]
    check: bool,
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
    if options.check {
        tools::ensure(workspace)?;
        generate::verilog(workspace)?;
        apply(workspace, &chosen)?;
        println!("{} mutations fit", chosen.len());
        return Ok(());
    }
    run::prepare(workspace)?;
    // All at once before anything is built: a mutation that no longer fits is told at once.
    let (whole, mutated) = apply(workspace, &chosen)?;

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

/// Sees that every mutation fits the Verilog that was generated.
///
/// # Errors
/// Names all that do not.
pub fn check(workspace: &Workspace) -> Result<()> {
    apply(workspace, &Vec::from_iter(MUTANTS)).map(|_| ())
}

/// The generated Verilog, and each of these mutations of it.
fn apply(workspace: &Workspace, mutants: &[&Mutant]) -> Result<(String, Vec<String>)> {
    let file = workspace.generated().join("niu.v");
    let whole =
        fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mut mutated = Vec::new();
    let mut stale = Vec::new();
    for mutant in mutants {
        match mutant.apply(&whole) {
            Ok(verilog) => mutated.push(verilog),
            Err(error) => stale.push(error.to_string()),
        }
    }
    if !stale.is_empty() {
        bail!("{}", stale.join("\n"));
    }
    Ok((whole, mutated))
}

/// Where mutants are built and tested: a target folder of their own, so that nothing else has to be
/// built again after them.
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
                    "{name}: the test {test} did not run to its end. Was it renamed? Then adapt \
                     xtask/src/mutate/list.rs. The tests said:\n{text}"
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
            .args(["test", "--locked", "--package", run::CLUSTER])
            .args(TEST_PROGRAMS.iter().flat_map(|program| ["--test", program]));
        command
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The source of a test as `cargo test` names it: `module::name`, or `name` at the top of its program.
    fn source(test: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cluster/tests");
        let module = test.rsplit_once("::").map(|(module, _)| module);
        let file = |program: &&str| match module {
            Some(module) => folder.join(program).join(format!("{module}.rs")),
            None => folder.join(format!("{program}.rs")),
        };
        let files = TEST_PROGRAMS.iter().map(file);
        files
            .filter_map(|file| fs::read_to_string(file).ok())
            .collect()
    }

    #[test]
    fn every_mutation_has_a_name_of_its_own_and_tests_that_exist() {
        let names: BTreeSet<&str> = MUTANTS.iter().map(|mutant| mutant.name).collect();
        assert_eq!(names.len(), MUTANTS.len());
        for mutant in MUTANTS {
            assert!(!mutant.tests.is_empty(), "{}", mutant.name);
            for test in mutant.tests {
                let name = test.rsplit("::").next().unwrap_or(test);
                let heading = format!("#[test]\nfn {name}() {{");
                assert!(
                    source(test).iter().any(|text| text.contains(&heading)),
                    "{}: no test is called {test}",
                    mutant.name
                );
            }
        }
    }

    /// A mutation that docs/testing.md does not tell of, or the other way round, would go unnoticed.
    #[test]
    fn the_table_in_the_documentation_lists_every_mutation_and_its_fault() {
        let page = include_str!("../../docs/testing.md");
        let mut rows = page.lines().filter_map(|line| {
            let (name, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
            let mut cells = rest.split(" | ");
            Some((name, cells.next()?)).filter(|_| cells.next().is_some())
        });
        for mutant in MUTANTS {
            let row = rows.find(|(name, _)| *name == mutant.name);
            assert_eq!(row, Some((mutant.name, mutant.fault)));
        }
    }
}

//! A board is data: `constraints/BOARD/board.toml`.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// What the flow needs to know of a board.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// For people.
    pub name: String,
    /// The part, without speed and package, as the vendor writes it.
    pub device: String,
    /// The vendor's name of the package.
    pub package: String,
    /// The vendor's speed grade.
    pub speed_grade: u8,
    /// The configuration that is built for it unless another one is named.
    pub configuration: String,
    /// Seed of the placer for which the goals were seen to be met.
    #[serde(default = "first_seed")]
    pub placer_seed: u32,
    /// The clocks that come in at ports of the top module.
    pub clocks: Vec<Clock>,
}

fn first_seed() -> u32 {
    1
}

/// One clock and its goal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Port of the top module.
    pub port: String,
    /// Frequency to be reached.
    pub megahertz: f64,
}

impl Board {
    /// Reads the board's facts.
    pub fn load(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| {
            format!(
                "{} cannot be read; the boards are the folders of constraints/",
                file.display()
            )
        })?;
        Self::parse(&text).with_context(|| format!("{} is not valid", file.display()))
    }

    /// The board that names a configuration, with the name of its folder.
    ///
    /// # Errors
    /// None or several do, or a board cannot be read.
    pub fn of_configuration(boards: &Path, configuration: &str) -> Result<(String, Self)> {
        let entries =
            fs::read_dir(boards).with_context(|| format!("{} cannot be read", boards.display()))?;
        let mut found = Vec::new();
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let board = Self::load(&entry.path().join("board.toml"))?;
            all.push(format!("{name} ({})", board.configuration));
            if board.configuration == configuration {
                found.push((name, board));
            }
        }
        all.sort();
        match <[_; 1]>::try_from(found) {
            Ok([board]) => Ok(board),
            Err(found) => bail!(
                "{} boards name the configuration {configuration}: choose one with --board; there are {}",
                found.len(),
                all.join(", ")
            ),
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let board: Self = toml::from_str(text)?;
        if let Some(clock) = board
            .clocks
            .iter()
            .find(|clock| !clock.megahertz.is_normal() || clock.megahertz < 0.0)
        {
            bail!(
                "the clock {} needs a frequency above zero, not {}",
                clock.port,
                clock.megahertz
            );
        }
        Ok(board)
    }

    /// The device as nextpnr-ecp5 wants to be told.
    pub fn nextpnr_arguments(&self) -> Result<Vec<String>> {
        let family_and_size = match self.device.as_str() {
            "LFE5UM5G-25F" => "--um5g-25k",
            "LFE5UM5G-45F" => "--um5g-45k",
            "LFE5UM5G-85F" => "--um5g-85k",
            "LFE5UM-45F" => "--um-45k",
            other => bail!(
                "nextpnr's option for the device {other} is not known here: add it to xtask/src/synth/board.rs"
            ),
        };
        let slowest = self
            .clocks
            .iter()
            .map(|clock| clock.megahertz)
            .fold(f64::INFINITY, f64::min);
        Ok([
            family_and_size,
            "--package",
            &self.package,
            "--speed",
            &self.speed_grade.to_string(),
            // For clocks without a constraint of their own.
            "--freq",
            &slowest.to_string(),
        ]
        .map(str::to_owned)
        .to_vec())
    }

    /// Preferences in Lattice's format: the frequency of each clock.
    pub fn clock_constraints(&self) -> String {
        self.clocks
            .iter()
            .map(|clock| {
                format!(
                    "FREQUENCY PORT \"{}\" {} MHZ;\n",
                    clock.port, clock.megahertz
                )
            })
            .collect()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The board that this repository begins with.
    pub fn versa() -> Board {
        Board::parse(include_str!("../../../constraints/ecp5-versa/board.toml")).unwrap()
    }

    #[test]
    fn the_versa_board_has_the_clocks_of_the_design_goal() {
        let board = versa();
        assert_eq!(
            board.clock_constraints(),
            "FREQUENCY PORT \"core_clock\" 125 MHZ;\n\
             FREQUENCY PORT \"processor_clock\" 62.5 MHZ;\n\
             FREQUENCY PORT \"jtag_tck\" 10 MHZ;\n"
        );
        assert_eq!(
            board.nextpnr_arguments().unwrap(),
            [
                "--um5g-45k",
                "--package",
                "CABGA381",
                "--speed",
                "8",
                "--freq",
                "10"
            ]
        );
    }

    #[test]
    fn each_configuration_with_a_board_finds_it() {
        let boards = Path::new(env!("CARGO_MANIFEST_DIR")).join("../constraints");
        let of = |configuration| Board::of_configuration(&boards, configuration);
        for (configuration, name, device) in [
            ("default", "ecpix-5", "--um5g-85k"),
            ("versa", "ecp5-versa", "--um5g-45k"),
        ] {
            let (found, board) = of(configuration).unwrap();
            assert_eq!(found, name);
            assert_eq!(board.nextpnr_arguments().unwrap()[0], device);
        }
        let error = of("small").err().unwrap().to_string();
        assert!(
            error.starts_with("0 boards name the configuration small"),
            "{error}"
        );
        assert!(
            error.contains("ecp5-versa (versa), ecpix-5 (default)"),
            "{error}"
        );
    }

    #[test]
    fn mistakes_are_named() {
        let text =
            "name = 'B'\ndevice = 'D'\npackage = 'P'\nspeed_grade = 8\nconfiguration = 'C'\n";
        let error = |text: &str| format!("{:#}", Board::parse(text).unwrap_err());
        assert!(error(text).contains("clocks"));
        assert!(
            error(&format!(
                "{text}clocks = [{{ port = 'c', megahertz = 0.0 }}]"
            ))
            .contains("above zero")
        );
        assert!(error(&format!("{text}clocks = []\ncolour = 'red'")).contains("colour"));
        let board = Board::parse(&format!("{text}clocks = []")).unwrap();
        assert!(
            board
                .nextpnr_arguments()
                .unwrap_err()
                .to_string()
                .contains("device D")
        );
    }
}

//! What a run found, as `--json` writes it and `--compare` reads it.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::blocks::Blocks;

/// The keys `core_megahertz`, `processor_megahertz` and `seed` are missing where nothing was placed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Name of the configuration.
    pub configuration: String,
    /// Folder of the board below constraints/.
    pub board: String,
    /// The vendor's name of the device.
    pub device: String,
    /// Of the whole, harness included; of the seed below, if something was placed.
    pub lut4: u64,
    /// The same of flip-flops.
    pub flip_flops: u64,
    /// The same of block RAMs.
    pub block_rams: u64,
    /// Of several seeds the one with the slowest core clock.
    #[serde(flatten)]
    pub slowest: Option<Placed>,
    /// Block by block.
    #[serde(flatten)]
    pub blocks: Blocks,
    /// Every seed that was placed.
    #[serde(default)]
    pub seeds: Vec<Placed>,
}

/// How fast the design is with one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// Seed of the placer.
    pub seed: u32,
    /// Frequency that the core clock may have.
    pub core_megahertz: f64,
    /// Frequency that the processor clock may have.
    pub processor_megahertz: f64,
}

impl Outcome {
    /// The seed that counts: the one with the slowest core clock.
    pub fn slowest_of(seeds: &[Placed]) -> Option<Placed> {
        let slower = |a: &&Placed, b: &&Placed| a.core_megahertz.total_cmp(&b.core_megahertz);
        seeds.iter().min_by(slower).cloned()
    }

    /// Reads what an earlier run wrote.
    ///
    /// # Errors
    /// The file cannot be read, or is no such file.
    pub fn load(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is not what `cargo xtask synth --json` writes",
                file.display()
            )
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(file, text + "\n")
            .with_context(|| format!("{} cannot be written", file.display()))
    }

    /// What became different since an earlier run.
    pub fn comparison(&self, earlier: &Self) -> String {
        let mut text = String::new();
        for (now, then) in [
            (&self.configuration, &earlier.configuration),
            (&self.device, &earlier.device),
        ] {
            if now != then {
                text += &format!("  {then} then, {now} now\n");
            }
        }
        let changes = self.blocks.comparison(&earlier.blocks);
        if changes.is_empty() {
            text += "  no block takes more or less\n";
        } else {
            text += &changes;
        }
        if let (Some(now), Some(then)) = (&self.slowest, &earlier.slowest) {
            for (clock, now, then) in [
                ("core", now.core_megahertz, then.core_megahertz),
                (
                    "processor",
                    now.processor_megahertz,
                    then.processor_megahertz,
                ),
            ] {
                let name = format!("{clock} clock, MHz");
                text += &format!("  {name:<40} {now:.1} ({:+.1})\n", now - then);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{blocks::Row, usage::Usage},
        *,
    };

    fn outcome(lut4: u64, megahertz: &[f64]) -> Outcome {
        let usage = Usage {
            lut4,
            flip_flops: 7,
            block_rams: 2,
        };
        let row = |name: &str| Row {
            name: name.into(),
            usage,
        };
        let placed = |(index, &core_megahertz): (usize, &f64)| Placed {
            seed: index as u32 + 1,
            core_megahertz,
            processor_megahertz: 70.0,
        };
        let seeds: Vec<Placed> = megahertz.iter().enumerate().map(placed).collect();
        Outcome {
            configuration: "versa".into(),
            board: "ecp5-versa".into(),
            device: "LFE5UM5G-45F".into(),
            lut4,
            flip_flops: 7,
            block_rams: 2,
            slowest: Outcome::slowest_of(&seeds),
            blocks: Blocks {
                blocks: vec![row("link")],
                instances: vec![row("link.receive")],
            },
            seeds,
        }
    }

    /// The keys that others read, spelt out.
    #[test]
    fn the_json_has_the_agreed_keys_at_the_top() {
        let json = serde_json::to_value(outcome(40, &[130.0, 126.5])).unwrap();
        let expected = serde_json::json!({
            "configuration": "versa", "board": "ecp5-versa", "device": "LFE5UM5G-45F",
            "seed": 2, "lut4": 40, "flip_flops": 7, "block_rams": 2, "core_megahertz": 126.5, "processor_megahertz":
            70.0,
            "blocks": [{"name": "link", "lut4": 40, "flip_flops": 7, "block_rams": 2}],
            "instances": [{"name": "link.receive", "lut4": 40, "flip_flops": 7, "block_rams": 2}],
            "seeds": [
                {"seed": 1, "core_megahertz": 130.0, "processor_megahertz": 70.0},
                {"seed": 2, "core_megahertz": 126.5, "processor_megahertz": 70.0}
            ]
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn what_was_written_can_be_read_again() {
        let name = format!("wayfarer-outcome-{}.json", std::process::id());
        let file = std::env::temp_dir().join(name);
        for outcome in [outcome(40, &[130.0]), outcome(40, &[])] {
            outcome.save(&file).unwrap();
            assert_eq!(Outcome::load(&file).unwrap(), outcome);
        }
        fs::write(&file, "{}").unwrap();
        assert!(Outcome::load(&file).is_err());
        fs::remove_file(&file).unwrap();
    }

    #[test]
    fn a_comparison_names_what_changed_and_by_how_much() {
        let (now, then) = (outcome(40, &[126.5]), outcome(45, &[130.0]));
        let text = now.comparison(&then);
        let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap();
        assert!(line("link.receive").contains("40 (-5)"), "{text}");
        assert!(line("link.receive").contains("7 (+0)"), "{text}");
        assert!(line("core clock").contains("126.5 (-3.5)"), "{text}");
        assert!(
            then.comparison(&then)
                .contains("no block takes more or less")
        );
    }
}

//! What each block of the floor plan may take: `hdl/configurations/budgets/CONFIGURATION.toml`.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The budget of one configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// LUT4 of the whole.
    pub lut4: u64,
    /// Block RAMs of the whole.
    pub block_rams: u64,
    /// A share for each of them.
    pub blocks: Vec<Share>,
}

/// A block of the floor plan.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// For people.
    pub name: String,
    /// Instances of the NIU that belong to it, with all they contain but what another block names.
    pub instances: Vec<String>,
    /// LUT4 that it may take.
    pub lut4: u64,
    /// Block RAMs that it may take.
    pub block_rams: u64,
}

impl Budget {
    /// Reads the budget of a configuration.
    ///
    /// # Errors
    /// The file cannot be read, or is not valid.
    pub fn load(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not valid", file.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let budget: Self = toml::from_str(text)?;
        let mut instances = BTreeSet::new();
        for share in &budget.blocks {
            for instance in &share.instances {
                if !instances.insert(instance) {
                    bail!("two blocks name the instance {instance}");
                }
            }
        }
        Ok(budget)
    }

    /// The block that an instance belongs to: the one that names it, or the innermost instance around it that is named.
    pub fn block_of(&self, instance: &str) -> Option<&str> {
        let named = |name: &String| {
            instance
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let all = self
            .blocks
            .iter()
            .flat_map(|share| share.instances.iter().map(move |name| (name, share)));
        all.filter(|(name, _)| named(name))
            .max_by_key(|(name, _)| name.len())
            .map(|(_, share)| share.name.as_str())
    }

    /// The share of a block.
    pub fn share(&self, block: &str) -> Option<&Share> {
        self.blocks.iter().find(|share| share.name == block)
    }

    /// What is named but does not exist, and what exists at the top of the NIU and belongs to no block.
    pub fn mismatches(&self, instances: &BTreeSet<String>) -> Vec<String> {
        let mut found = Vec::new();
        for share in &self.blocks {
            for name in &share.instances {
                if !instances.contains(name) {
                    found.push(format!(
                        "the budget's block {} names the instance {name}, which the NIU does not have",
                        share.name
                    ));
                }
            }
        }
        let at_top = instances.iter().filter(|name| !name.contains('.'));
        found.extend(
            at_top
                .filter(|name| self.block_of(name).is_none())
                .map(|name| format!("the instance {name} belongs to no block of the budget")),
        );
        found
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Two blocks, one around the other's instance.
    pub fn budget() -> Budget {
        Budget::parse(
            "lut4 = 100
             block_rams = 4
             [[blocks]]
             name = 'soft core'
             instances = ['processor.core']
             lut4 = 50
             block_rams = 1
             [[blocks]]
             name = 'control'
             instances = ['processor', 'registers']
             lut4 = 20
             block_rams = 2",
        )
        .unwrap()
    }

    #[test]
    fn the_innermost_named_instance_decides() {
        let budget = budget();
        assert_eq!(budget.block_of("processor.core.cache"), Some("soft core"));
        assert_eq!(budget.block_of("processor.core_reset"), Some("control"));
        assert_eq!(budget.block_of("registers"), Some("control"));
        assert_eq!(budget.block_of("link"), None);
    }

    #[test]
    fn a_renamed_instance_is_noticed_on_both_sides() {
        let names = ["processor", "processor.core", "bank", "bank.first"];
        let instances = names.map(str::to_owned).into();
        assert_eq!(
            budget().mismatches(&instances),
            [
                "the budget's block control names the instance registers, which the NIU does not have",
                "the instance bank belongs to no block of the budget"
            ]
        );
    }

    #[test]
    fn an_instance_cannot_count_twice() {
        let text = "lut4 = 1\nblock_rams = 1\nblocks = [
            { name = 'a', instances = ['x'], lut4 = 1, block_rams = 1 },
            { name = 'b', instances = ['x'], lut4 = 1, block_rams = 1 }]";
        let error = format!("{:#}", Budget::parse(text).unwrap_err());
        assert!(error.contains("two blocks name the instance x"), "{error}");
    }

    #[test]
    fn the_shares_of_each_budget_fit_its_whole() {
        for text in [
            include_str!("../../../hdl/configurations/budgets/default.toml"),
            include_str!("../../../hdl/configurations/budgets/versa.toml"),
        ] {
            let budget = Budget::parse(text).unwrap();
            let shares = |of: fn(&Share) -> u64| budget.blocks.iter().map(of).sum::<u64>();
            assert!(shares(|share| share.lut4) <= budget.lut4);
            assert!(shares(|share| share.block_rams) <= budget.block_rams);
        }
    }
}

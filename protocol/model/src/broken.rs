//! The protocol with one rule taken away.

use protocol::{Rule, Rules};

/// All rules but one, or all.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct AllBut(pub Option<Rule>);

impl Rules for AllBut {
    fn holds(self, rule: Rule) -> bool {
        self.0 != Some(rule)
    }
}

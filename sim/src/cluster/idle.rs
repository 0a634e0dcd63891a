//! Cycles of an idle NIU that are left out.

use crate::model::NiuModel;

/// What is done with cycles in which nothing happens in a NIU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Skip {
    /// They are run like all others.
    Never,
    /// They are left out; only the processor's clock goes on.
    #[default]
    Idle,
    /// They are run like all others, and the run fails if anything happens in them.
    Check,
}

/// A node's way through idle cycles.
#[derive(Debug)]
pub struct Idleness {
    skip: Skip,
    /// The NIU stands still: cycles since then, and cycles after which it does not.
    still: Option<(u64, u64)>,
    /// Cycles left out so far, or that could have been.
    skipped: u64,
}

/// A rest shorter than this is not worth its beginning and end.
const LEAST_CYCLES: u64 = 8;

impl Idleness {
    /// Of a NIU that is at work.
    pub fn new(skip: Skip) -> Self {
        Idleness {
            skip,
            still: None,
            skipped: 0,
        }
    }

    /// The NIU stands still: it needs no rising edge unless its inputs change.
    pub fn is_still(&self) -> bool {
        self.still.is_some()
    }

    /// It stands still, and its cycles are left out.
    pub fn leaves_out(&self) -> bool {
        self.still.is_some() && self.skip == Skip::Idle
    }

    /// Cycles left out so far, or that could have been.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Ends the rest, before the edge that the NIU needs.
    pub fn wake(&mut self, model: &mut NiuModel) {
        if let Some((cycles, _)) = self.still.take() {
            match self.skip {
                Skip::Idle => model.wake(cycles),
                Skip::Check | Skip::Never => model.stir(),
            }
        }
    }

    /// A cycle of rest has passed. `crossed`: something has crossed from the processor's clock.
    ///
    /// # Panics
    /// With [`Skip::Check`], if something has happened in it.
    pub fn rested(&mut self, model: &mut NiuModel, crossed: bool) {
        let Some((cycles, most)) = &mut self.still else {
            return;
        };
        *cycles += 1;
        self.skipped += 1;
        let ends = crossed || cycles >= most;
        if self.skip == Skip::Check
            && let Some(name) = model.changed()
        {
            panic!("{name} has changed in an idle NIU, {cycles} cycles after the last change");
        }
        if ends {
            self.wake(model);
        }
    }

    /// A cycle of work has passed. `quiet`: nothing has crossed a port in it.
    pub fn worked(&mut self, model: &mut NiuModel, quiet: bool) {
        if self.skip == Skip::Never {
            return;
        }
        if !quiet {
            model.stir();
        } else if model.is_still() {
            let most = model.time_left();
            if most >= LEAST_CYCLES {
                self.still = Some((0, most));
                if self.skip == Skip::Check {
                    model.remember();
                }
            }
        }
    }
}

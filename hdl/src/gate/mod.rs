//! The gate every block passes: what rust-hdl's own simulator computes is what the generated Verilog does.
//!
//! The two can differ without a word from rust-hdl (carries that survive, locals read too early, latches, clocks late
//! by a hop). [`Gate::run`] therefore
//! 1. runs rust-hdl's checks and emits the Verilog;
//! 2. steps the block natively with seeded random inputs and records every port in every cycle;
//! 3. lints the Verilog with Verilator (`-Wall`): only the warnings in [`WAIVED`] pass, and those about widths only
//!    where [`width`] shows that they are harmless;
//! 4. replays the record through the Verilated block and compares every output in every cycle;
//! 5. lets Yosys look for latches, loops and signals with several drivers.
//!
//! ```
//! use wayfarer_hdl::{gate::Gate, library::fifo::Fifo};
//! use rust_hdl::prelude::*;
//!
//! Gate::new("fifo_example", Fifo::<Bits<12>, 4, 5>::default())
//!     .clock(|unit| &mut unit.clock)
//!     .cycles(500)
//!     .seed(1)
//!     .run(|unit, random, cycle| {
//!         unit.reset.next = cycle < 2 || random.chance(1);
//!         unit.write.next = random.chance(60);
//!         unit.read.next = random.chance(40);
//!         unit.data_in.next = random.bits();
//!     });
//! ```
//!
//! Inputs that the closure leaves alone keep their value. A block without a clock is given none; a second clock is
//! declared with [`Gate::slow_clock`]. The tools come from `WAYFARER_TOOLS`, else `target/tools` (`cargo xtask tools`
//! fetches them); without them the gate fails. `WAYFARER_GATE=fast` skips step 5. Builds are kept in `target/gate`
//! and used again while the Verilog stays the same.

mod build;
mod cells;
mod latches;
mod lint;
mod prove;
mod random;
mod record;
mod step;
mod tools;
pub mod width;

pub use crate::clock_cycle;
pub use cells::{ecp5_cells, ecp5_size};
pub use lint::{WAIVED, complaints};
pub use prove::{prove, prove_inside};
pub use random::Random;
pub use step::settle;

use crate::emit::emit;
use record::Recording;
use rust_hdl::core::{atom::Atom, block::Block};
use rust_hdl::prelude::*;

/// A clock input, and how often it ticks.
struct ClockInput<U> {
    field: fn(&mut U) -> &mut Signal<In, Clock>,
    /// It ticks in every cycle that this number divides.
    divisor: u64,
}

/// One run of the gate; see the module.
pub struct Gate<U: Block> {
    name: String,
    unit: U,
    seed: u64,
    cycles: u64,
    clocks: Vec<ClockInput<U>>,
}

impl<U: Block> Gate<U> {
    /// A gate for `unit`, not yet connected. `name` becomes the name of the Verilog module.
    pub fn new(name: &str, unit: U) -> Self {
        Self {
            name: name.to_string(),
            unit,
            seed: 1,
            cycles: 1000,
            clocks: Vec::new(),
        }
    }

    /// Declares a clock that ticks in every cycle.
    pub fn clock(self, field: fn(&mut U) -> &mut Signal<In, Clock>) -> Self {
        self.slow_clock(1, field)
    }

    /// Declares a clock that ticks in one of `divisor` cycles. Clocks that tick in the same cycle do so one after the
    /// other, in the order of their declaration.
    pub fn slow_clock(mut self, divisor: u64, field: fn(&mut U) -> &mut Signal<In, Clock>) -> Self {
        self.clocks.push(ClockInput { field, divisor });
        self
    }

    /// Cycles to run; 1000 unless told.
    pub fn cycles(mut self, cycles: u64) -> Self {
        self.cycles = cycles;
        self
    }

    /// Seed of the random numbers; 1 unless told.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Runs the gate. `drive` sets the block's inputs (through `.next`) before each cycle's clock edges; what it
    /// reads of the block is the state after the edges before.
    ///
    /// # Panics
    /// If the block does not pass; the message tells where the two differ, or which tool complained of what.
    pub fn run(mut self, mut drive: impl FnMut(&mut U, &mut Random, u64)) {
        println!("gate {}: seed {}", self.name, self.seed);
        self.unit.connect_all();
        let verilog = emit(&self.name, &self.unit);
        let recording = self.record(&mut drive);
        let built = build::build(&self.name, &verilog, &recording.ports);
        let complaints = complaints("block.v", &verilog, &built.warnings());
        assert!(
            complaints.is_empty(),
            "{}: Verilator warns of {}:\n{}",
            self.name,
            built.verilog_path().display(),
            complaints.join("\n")
        );
        built.replay(&recording);
        if std::env::var("WAYFARER_GATE").as_deref() != Ok("fast") {
            latches::check(&self.name, &built);
        }
    }

    /// Steps the block natively.
    fn record(&mut self, drive: &mut impl FnMut(&mut U, &mut Random, u64)) -> Recording {
        let ids: Vec<usize> = self
            .clocks
            .iter()
            .map(|clock| (clock.field)(&mut self.unit).id())
            .collect();
        let mut recording = Recording::new(&self.name, &self.unit, &ids);
        let mut random = Random::new(self.seed);
        settle(&mut self.unit);
        for cycle in 0..self.cycles {
            drive(&mut self.unit, &mut random, cycle);
            settle(&mut self.unit);
            let ticks = self.clocks.iter().enumerate();
            let ticks = ticks.filter(|(_, clock)| cycle % clock.divisor == 0);
            let ticks: Vec<usize> = ticks.map(|(index, _)| index).collect();
            recording.cycle(&self.unit, &ticks);
            for index in ticks {
                for level in [true, false] {
                    (self.clocks[index].field)(&mut self.unit).next.clk = level;
                    settle(&mut self.unit);
                }
            }
        }
        recording
    }
}

#[cfg(test)]
mod tests;

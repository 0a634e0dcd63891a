//! Resets of the two clocks of the processor.

use crate::library::synchronizer::BitSynchronizer;
use rust_hdl::prelude::*;

/// Makes out of one reset in the core clock those of the crossings' two sides and of the soft core.
///
/// The crossings' sides are reset together for at least 12 cycles of the processor clock, however short `reset` was.
/// `hold` and the debugger reset the soft core alone: its peripherals and the crossings go on, and
/// nothing of what stands in them is lost.
#[derive(LogicBlock)]
pub struct ProcessorReset {
    /// Clock of the datapath.
    pub core_clock: Signal<In, Clock>,
    /// Processor clock, half the core clock or more.
    pub processor_clock: Signal<In, Clock>,
    /// Core clock: reset everything.
    pub reset: Signal<In, Bit>,
    /// Core clock: hold the soft core in reset.
    pub hold: Signal<In, Bit>,
    /// Processor clock: the debugger resets the soft core.
    pub debugger_resets: Signal<In, Bit>,
    /// Core clock: reset of the crossings and of what feeds them.
    pub core_side: Signal<Out, Bit>,
    /// Processor clock: reset of the crossings, the peripherals and the debug module.
    pub processor_side: Signal<Out, Bit>,
    /// Processor clock: reset of the soft core.
    pub soft_core: Signal<Out, Bit>,
    remaining: DFF<Bits<5>>,
    stretched: DFF<Bit>,
    crossed: BitSynchronizer,
    held: BitSynchronizer,
    debugger: DFF<Bits<4>>,
    core_reset: DFF<Bit>,
    longest: Constant<Bits<5>>,
}

impl Default for ProcessorReset {
    fn default() -> Self {
        Self {
            core_clock: Default::default(),
            processor_clock: Default::default(),
            reset: Default::default(),
            hold: Default::default(),
            debugger_resets: Default::default(),
            core_side: Default::default(),
            processor_side: Default::default(),
            soft_core: Default::default(),
            remaining: Default::default(),
            stretched: Default::default(),
            crossed: Default::default(),
            held: Default::default(),
            debugger: Default::default(),
            core_reset: Default::default(),
            longest: Constant::new(31u32.to_bits()),
        }
    }
}

impl Logic for ProcessorReset {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, core_clock, remaining, stretched);
        dff_setup!(self, processor_clock, debugger, core_reset);
        clock!(self, processor_clock, crossed, held);
        self.stretched.d.next = self.reset.val() | self.remaining.q.val().any();
        if self.remaining.q.val().any() {
            self.remaining.d.next = self.remaining.q.val() - 1;
        }
        if self.reset.val() {
            self.remaining.d.next = self.longest.val();
        }
        self.core_side.next = self.stretched.q.val() | self.reset.val();
        self.crossed.data_in.next = self.stretched.q.val();
        self.processor_side.next = self.crossed.data_out.val();
        self.held.data_in.next = self.hold.val();

        // The debugger's wish ends with the reset that it brings: made a few cycles long.
        self.debugger.d.next =
            (self.debugger.q.val() << 1) | bit_cast::<4, 1>(self.debugger_resets.val().into());
        self.core_reset.d.next =
            self.crossed.data_out.val() | self.held.data_out.val() | self.debugger.q.val().any();
        self.soft_core.next = self.core_reset.q.val() | self.crossed.data_out.val();
    }
}

//! Time stamps: when each stage of a marked message's way saw it.

use rust_hdl::prelude::*;

/// Sixteen registers that take the cycle number at a pulse.
///
/// `value` is the register that `index` names, combinational; it shows a pulse from the cycle after it on. Written as
/// Verilog because a kernel cannot index by a signal.
#[derive(LogicBlock)]
pub struct StageTimes {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: all registers go to zero.
    pub reset: Signal<In, Bit>,
    /// One pulse input a stage (`abi::control::stage`).
    pub pulses: Signal<In, Bits<16>>,
    /// Low half of the cycle counter.
    pub now: Signal<In, Bits<32>>,
    /// The register looked at.
    pub index: Signal<In, Bits<4>>,
    /// Its contents.
    pub value: Signal<Out, Bits<32>>,
    _times: Vec<Bits<32>>,
}

impl Default for StageTimes {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            pulses: Default::default(),
            now: Default::default(),
            index: Default::default(),
            value: Default::default(),
            _times: vec![Bits::default(); abi::control::STAGES],
        }
    }
}

impl Logic for StageTimes {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            for (stage, time) in self._times.iter_mut().enumerate() {
                if self.reset.val() {
                    *time = Bits::default();
                } else if self.pulses.val().get_bit(stage) {
                    *time = self.now.val();
                }
            }
        }
        let index: LiteralType = self.index.val().into();
        self.value.next = self._times[index as usize];
    }

    fn connect(&mut self) {
        self.value.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(
            "\
reg [511:0] times;
integer stage;
always @(posedge clock) begin
  for (stage = 0; stage < 16; stage = stage + 1) begin
    if (reset) times[stage * 32 +: 32] <= 32'd0;
    else if (pulses[stage]) times[stage * 32 +: 32] <= now;
  end
end
always @(*) value = times[{index, 5'd0} +: 32];
"
            .into(),
        )
    }
}

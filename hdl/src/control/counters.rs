//! Statistics counters in one block RAM.
//!
//! A 32-bit counter in flip-flops for each cause would cost more than a thousand flip-flops and as many adder bits. Here each
//! cause has a small count of the pulses that are not yet in the RAM, and one adder goes round.

use crate::library::block_ram::BlockRam;
use rust_hdl::prelude::*;

/// Cycles the scan spends on a counter: two to bring its total up to date, two in which a read is served.
const SCAN_CYCLES: usize = 4;

/// For each cause the pulses that are not yet in the RAM: 8 bits each, in flip-flops.
///
/// `chosen` is the count that `select` names, combinational; with `drain` that count starts again from the pulse of this
/// cycle. Written as Verilog because a kernel cannot index by a signal.
#[derive(LogicBlock)]
pub struct PendingCounts<const USED: usize> {
    /// Clock of all ports.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// One more; causes from `USED` on are ignored.
    pub pulses: Signal<In, Bits<64>>,
    /// Number of the chosen cause.
    pub select: Signal<In, Bits<6>>,
    /// The chosen count is taken.
    pub drain: Signal<In, Bit>,
    /// The chosen count, without the pulse of this cycle; zero from `USED` on.
    pub chosen: Signal<Out, Bits<8>>,
    _counts: Vec<u8>,
}

impl<const USED: usize> Default for PendingCounts<USED> {
    fn default() -> Self {
        assert!(
            (1..=64).contains(&USED) && USED * SCAN_CYCLES < 256,
            "a count of 8 bits must hold the pulses of one scan"
        );
        Self {
            clock: Default::default(),
            reset: Default::default(),
            pulses: Default::default(),
            select: Default::default(),
            drain: Default::default(),
            chosen: Default::default(),
            _counts: vec![0; USED],
        }
    }
}

impl<const USED: usize> Logic for PendingCounts<USED> {
    fn update(&mut self) {
        let select: LiteralType = self.select.val().into();
        let select = select as usize;
        if self.clock.pos_edge() {
            let pulses = self.pulses.val();
            for (cause, count) in self._counts.iter_mut().enumerate() {
                if self.reset.val() {
                    *count = 0;
                } else {
                    let kept = if self.drain.val() && cause == select {
                        0
                    } else {
                        *count
                    };
                    *count = kept.wrapping_add(u8::from(pulses.get_bit(cause)));
                }
            }
        }
        self.chosen.next = self._counts.get(select).copied().unwrap_or(0).to_bits();
    }

    fn connect(&mut self) {
        self.chosen.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "\
wire [{spare}:0] unused = pulses[63:{used}];
reg [{top}:0] counts;
integer cause;
always @(posedge clock) begin
  for (cause = 0; cause < {used}; cause = cause + 1) begin
    if (reset) counts[cause * 8 +: 8] <= 8'd0;
    else counts[cause * 8 +: 8] <= ((drain && select == cause[5:0]) ? 8'd0 : counts[cause * 8 +: 8]) + {{7'd0, pulses[cause]}};
  end
end
always @(*) chosen = select < 6'd{used} ? counts[{{select, 3'd0}} +: 8] : 8'd0;
",
            used = USED,
            top = USED * 8 - 1,
            spare = 63 - USED,
        ))
    }
}

/// `USED` counters of 32 bits, wrapping; the others of 64 read as zero.
///
/// Every counter may be pulsed in every cycle and no pulse is lost. A read is exact as of two cycles before `done` and takes 3
/// to 6 cycles, longer in the first `4 * USED` cycles after reset, while the RAM is cleared. `read` and `index` stay until
/// `done`, and `read` falls in the cycle after it.
#[derive(LogicBlock)]
pub struct CounterBank<const USED: usize> {
    /// Clock of all ports.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: all counters go to zero.
    pub reset: Signal<In, Bit>,
    /// One pulse input a counter.
    pub pulses: Signal<In, Bits<64>>,
    /// A counter is wanted.
    pub read: Signal<In, Bit>,
    /// Which.
    pub index: Signal<In, Bits<6>>,
    /// `value` is the counter wanted.
    pub done: Signal<Out, Bit>,
    /// The counter.
    pub value: Signal<Out, Bits<32>>,
    pending: PendingCounts<USED>,
    totals: BlockRam<Bits<32>, 6>,
    phase: DFF<Bits<2>>,
    scan: DFF<Bits<6>>,
    select: DFF<Bits<6>>,
    addend: DFF<Bits<8>>,
    clearing: DFF<Bit>,
    serving: DFF<Bit>,
    is_done: DFF<Bit>,
    result: DFF<Bits<32>>,
    total: Signal<Local, Bits<32>>,
    sum: Signal<Local, Bits<32>>,
    absent: Signal<Local, Bit>,
    last: Constant<Bits<6>>,
}

impl<const USED: usize> Default for CounterBank<USED> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            pulses: Default::default(),
            read: Default::default(),
            index: Default::default(),
            done: Default::default(),
            value: Default::default(),
            pending: Default::default(),
            totals: Default::default(),
            phase: Default::default(),
            scan: Default::default(),
            select: Default::default(),
            addend: Default::default(),
            clearing: Default::default(),
            serving: Default::default(),
            is_done: Default::default(),
            result: Default::default(),
            total: Default::default(),
            sum: Default::default(),
            absent: Default::default(),
            last: Constant::new((USED - 1).to_bits()),
        }
    }
}

impl<const USED: usize> Logic for CounterBank<USED> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, phase, scan, select, addend, clearing, serving, is_done, result
        );
        clock!(self, clock, pending, totals);
        self.pending.reset.next = self.reset.val();
        self.pending.pulses.next = self.pulses.val();
        self.pending.select.next = self.select.q.val();
        self.pending.drain.next = self.phase.q.val() == 0;
        self.addend.d.next = self.pending.chosen.val();

        self.totals.read_address.next = self.select.q.val();
        self.totals.write_address.next = self.select.q.val();
        self.totals.write_enable.next = self.phase.q.val() == 1;
        self.absent.next = self.select.q.val() > self.last.val();
        self.total.next = self.totals.read_data.val();
        // What the RAM holds counts only once it is cleared, and only where there is a counter.
        if self.clearing.q.val() | self.absent.val() {
            self.total.next = 0.into();
        }
        self.sum.next = self.total.val() + bit_cast::<32, 8>(self.addend.q.val());
        self.totals.write_data.next = self.sum.val();

        // Phase 0 and 1: the total of `scan` takes in what is pending. Phase 2 and 3: a read looks at total and pending.
        self.phase.d.next = self.phase.q.val() + 1;
        self.is_done.d.next = false;
        if self.phase.q.val() == 1 {
            self.select.d.next = self.index.val();
            self.serving.d.next = self.read.val() & !self.clearing.q.val();
            self.scan.d.next = self.scan.q.val() + 1;
            if self.scan.q.val() == self.last.val() {
                self.scan.d.next = 0.into();
                self.clearing.d.next = false;
            }
        }
        if self.phase.q.val() == 3 {
            self.select.d.next = self.scan.q.val();
            self.result.d.next = self.sum.val();
            self.is_done.d.next = self.serving.q.val();
        }
        self.done.next = self.is_done.q.val();
        self.value.next = self.result.q.val();

        if self.reset.val() {
            self.phase.d.next = 0.into();
            self.scan.d.next = 0.into();
            self.select.d.next = 0.into();
            self.clearing.d.next = true;
            self.serving.d.next = false;
            self.is_done.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Gate;

    #[test]
    fn gate() {
        Gate::new("counter_bank", CounterBank::<34>::default())
            .clock(|unit| &mut unit.clock)
            .cycles(2000)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2 || random.below(500) == 0;
                unit.pulses.next = random.bits();
                if !unit.read.val() || unit.done.val() {
                    unit.read.next = !unit.read.val() && random.chance(40);
                    unit.index.next = random.below(40).to_bits();
                }
            });
    }
}

//! Statistics counters in one block RAM.
//!
//! A 32-bit counter in flip-flops for each cause would cost more than a thousand flip-flops and as many adder bits.
//! Here each cause has a small count of the pulses that are not yet in the RAM, and one adder goes round.

use crate::library::block_ram::BlockRam;
use crate::library::fixed::Fixed;
use rust_hdl::prelude::*;

/// Cycles the scan spends on a counter: two to bring its total up to date, two in which a read is served.
const SCAN_CYCLES: usize = 4;
/// Cycles with pulses after which a scan that has stopped goes on, and how long that takes.
const REST_PULSES: usize = 32;
const START_CYCLES: usize = 2;

/// For each cause the pulses that are not yet in the RAM: 8 bits each, in flip-flops.
///
/// `count` and `more` belong to the cause that `select` named in the cycle before. `count` leaves out the pulse of
/// that cycle; if `drain` was high, the pending count has become zero, and `more` is that pulse.
///
/// Written as Verilog because a kernel cannot index by a signal. Each half of a count is a register of four bits that
/// is shifted through all its 16 states, from zero: one LUT that is, where an adder of 8 bits takes twelve with the
/// ends of its carry chain. What number a state stands for is looked up behind the choice, once for all causes.
#[derive(LogicBlock)]
pub struct PendingCounts<const USED: usize> {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// One more; causes from `USED` on are ignored.
    pub pulses: Signal<In, Bits<64>>,
    /// Number of the chosen cause.
    pub select: Signal<In, Bits<6>>,
    /// The chosen count is taken.
    pub drain: Signal<In, Bit>,
    /// The count chosen in the cycle before; zero from `USED` on.
    pub count: Signal<Out, Bits<8>>,
    /// One more was taken.
    pub more: Signal<Out, Bit>,
    _pending: Vec<u8>,
    _count: u8,
    _more: bool,
}

impl<const USED: usize> Default for PendingCounts<USED> {
    fn default() -> Self {
        assert!(
            (1..=63).contains(&USED) && REST_PULSES + START_CYCLES + USED * SCAN_CYCLES < 256,
            "a count of 8 bits must hold the pulses of a rest and one scan"
        );
        Self {
            clock: Default::default(),
            reset: Default::default(),
            pulses: Default::default(),
            select: Default::default(),
            drain: Default::default(),
            count: Default::default(),
            more: Default::default(),
            _pending: vec![0; USED],
            _count: 0,
            _more: false,
        }
    }
}

/// The state of half a count that is followed by zero.
const LAST_STATE: u8 = 0b1000;

/// The state behind `state`, of four bits: a shift register with feedback, and zero between 1000 and 0001.
fn next_state(state: u8) -> u8 {
    let feedback = (state >> 3) ^ (state >> 2) ^ u8::from(state & 0b111 == 0);
    (state << 1 | feedback & 1) & 0xf
}

/// Cases of a Verilog function: the number that each state stands for.
fn numbers_of_states() -> String {
    let mut state = 0;
    let mut text = String::new();
    for number in 0..16 {
        text += &format!("    4'd{state}: number = 4'd{number};\n");
        state = next_state(state);
    }
    text
}

impl<const USED: usize> Logic for PendingCounts<USED> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            let (pulses, select) = (self.pulses.val(), self.select.val().index());
            let drain = self.drain.val();
            self._count = self._pending.get(select).copied().unwrap_or(0);
            self._more = drain && select < USED && pulses.get_bit(select);
            for (cause, pending) in self._pending.iter_mut().enumerate() {
                if self.reset.val() || drain && cause == select {
                    *pending = 0;
                } else {
                    *pending = pending.wrapping_add(u8::from(pulses.get_bit(cause)));
                }
            }
        }
        self.count.next = self._count.to_bits();
        self.more.next = self._more;
    }

    fn connect(&mut self) {
        self.count.connect();
        self.more.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "\
wire [{spare}:0] unused = pulses[63:{used}];
reg [{top}:0] states;
reg [7:0] chosen;
reg chosen_pulse;
integer cause;
function [3:0] following(input [3:0] state);
  following = {{state[2:0], state[3] ^ state[2] ^ ~|state[2:0]}};
endfunction
function [3:0] number(input [3:0] state);
  case (state)
{numbers}  endcase
endfunction
always @(posedge clock) begin
  for (cause = 0; cause < {used}; cause = cause + 1) begin
    if (reset || (drain && select == cause[5:0])) states[cause * 8 +: 8] <= 8'd0;
    else if (pulses[cause]) begin
      states[cause * 8 +: 4] <= following(states[cause * 8 +: 4]);
      if (states[cause * 8 +: 4] == 4'd{last}) states[cause * 8 + 4 +: 4] <= following(states[cause * 8 + 4 +: 4]);
    end
  end
  chosen <= select < 6'd{used} ? states[{{select, 3'd0}} +: 8] : 8'd0;
  chosen_pulse <= drain && select < 6'd{used} && pulses[select];
end
always @(*) begin
  count = {{number(chosen[7:4]), number(chosen[3:0])}};
  more = chosen_pulse;
end
",
            used = USED,
            top = USED * 8 - 1,
            spare = 63 - USED,
            last = LAST_STATE,
            numbers = numbers_of_states(),
        ))
    }
}

/// `USED` counters of 32 bits, wrapping; the others of 64 read as zero.
///
/// Every counter may be pulsed in every cycle and no pulse is lost. A read is exact as of two cycles before `done`
/// and takes 3 to 10 cycles, longer in the first `4 * USED` cycles after reset, while the RAM is cleared. `read` and
/// `index` stay until `done`, and `read` falls in the cycle after it.
///
/// The scan rests, in its phase 3, until there were pulses in 32 cycles, which the counts hold. A read sees what they
/// hold; so nothing changes in an idle NIU. Then the scan goes on for at least a whole round.
#[derive(LogicBlock)]
pub struct CounterBank<const USED: usize> {
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
    /// The counter whose total is in `result`.
    written: DFF<Bits<6>>,
    clearing: DFF<Bit>,
    /// The scan runs, and for another round behind the present one.
    running: DFF<Bit>,
    again: DFF<Bit>,
    /// Cycles with pulses since the scan went on, up to `REST_PULSES`.
    tally: DFF<Bits<7>>,
    serving: DFF<Bit>,
    is_done: DFF<Bit>,
    result: DFF<Bits<32>>,
    total: Signal<Local, Bits<32>>,
    /// `more` comes in as a carry from a bit below.
    total_and_one: Signal<Local, Bits<33>>,
    pending_and_more: Signal<Local, Bits<33>>,
    sum: Signal<Local, Bits<33>>,
    absent: Signal<Local, Bit>,
    stops: Signal<Local, Bit>,
    rested: Signal<Local, Bit>,
    rest_pulses: Fixed<7, REST_PULSES>,
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
            written: Default::default(),
            clearing: Default::default(),
            running: Default::default(),
            again: Default::default(),
            tally: Default::default(),
            serving: Default::default(),
            is_done: Default::default(),
            result: Default::default(),
            total: Default::default(),
            total_and_one: Default::default(),
            pending_and_more: Default::default(),
            sum: Default::default(),
            absent: Default::default(),
            stops: Default::default(),
            rested: Default::default(),
            rest_pulses: Default::default(),
            last: Constant::new((USED - 1).to_bits()),
        }
    }
}

impl<const USED: usize> Logic for CounterBank<USED> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, phase, scan, select, written, clearing, running, again, tally, serving,
            is_done, result
        );
        clock!(self, clock, pending, totals);
        self.pending.reset.next = self.reset.val();
        self.pending.pulses.next = self.pulses.val();
        self.pending.select.next = self.select.q.val();
        self.pending.drain.next = self.phase.q.val() == 0;

        self.totals.read_address.next = self.select.q.val();
        self.totals.write_address.next = self.written.q.val();
        self.totals.write_enable.next = self.phase.q.val() == 2;
        self.totals.write_data.next = self.result.q.val();
        self.absent.next = self.select.q.val() > self.last.val();
        self.total.next = self.totals.read_data.val();
        // What the RAM holds counts only once it is cleared, and only where there is a counter.
        if self.clearing.q.val() | self.absent.val() {
            self.total.next = 0.into();
        }
        self.total_and_one.next = (bit_cast::<33, 32>(self.total.val()) << 1) | 1;
        self.pending_and_more.next = (bit_cast::<33, 8>(self.pending.count.val()) << 1)
            | bit_cast::<33, 1>(self.pending.more.val().into());
        self.sum.next = self.total_and_one.val() + self.pending_and_more.val();

        // Phase 0 to 2: the total of `scan` takes in what is pending. Phase 2 and 3: a read looks at total and
        // pending; not of the total that is written in that phase 2, which has to wait for the next round.
        self.rested.next = self.tally.q.val() >= self.rest_pulses.val();
        if self.pulses.val().any() & !self.rested.val() {
            self.tally.d.next = self.tally.q.val() + 1;
        }
        if self.rested.val() & !self.running.q.val() {
            self.running.d.next = true;
            // Reads in the rest have moved the scan on.
            self.again.d.next = self.scan.q.val().any();
            self.tally.d.next = 0.into();
        }
        self.stops.next = (self.phase.q.val() == 3) & !self.running.q.val() & !self.read.val();
        if !self.stops.val() {
            self.phase.d.next = self.phase.q.val() + 1;
        }
        self.is_done.d.next = false;
        if self.phase.q.val() == 1 {
            self.select.d.next = self.index.val();
            self.result.d.next = self.sum.val().get_bits::<32>(1);
            self.written.d.next = self.select.q.val();
            self.serving.d.next = self.read.val()
                & !self.clearing.q.val()
                & (self.index.val() != self.select.q.val());
            self.scan.d.next = self.scan.q.val() + 1;
            if self.scan.q.val() == self.last.val() {
                self.scan.d.next = 0.into();
                self.clearing.d.next = false;
                self.running.d.next = self.again.q.val();
                self.again.d.next = false;
            }
        }
        if (self.phase.q.val() == 3) & !self.stops.val() {
            self.select.d.next = self.scan.q.val();
            self.result.d.next = self.sum.val().get_bits::<32>(1);
            self.is_done.d.next = self.serving.q.val();
        }
        self.done.next = self.is_done.q.val();
        self.value.next = self.result.q.val();

        if self.reset.val() {
            self.phase.d.next = 0.into();
            self.scan.d.next = 0.into();
            self.select.d.next = 0.into();
            self.clearing.d.next = true;
            self.running.d.next = true;
            self.again.d.next = true;
            self.tally.d.next = 0.into();
            self.serving.d.next = false;
            self.is_done.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    #[test]
    fn half_a_count_goes_through_all_states() {
        let mut seen = 0u16;
        let mut state = 0;
        for _ in 0..15 {
            seen |= 1 << state;
            assert_ne!(state, LAST_STATE);
            state = next_state(state);
        }
        assert_eq!(state, LAST_STATE);
        assert_eq!((seen | 1 << state, next_state(state)), (u16::MAX, 0));
    }

    /// Against sums: whatever is pulsed, a read gives what had been pulsed two cycles before `done`.
    #[test]
    fn a_read_is_exact_as_of_two_cycles_before_it_is_done() {
        let seed = 11;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = CounterBank::<34>::default();
        unit.connect_all();
        unit.reset.next = true;
        settle(&mut unit);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let mut history = vec![[0u64; 64]];
        let mut reads = 0;
        for cycle in 0..6000u64 {
            // Some causes are pulsed in every cycle for long.
            let pulses = if cycle / 300 % 2 == 0 {
                u64::MAX
            } else {
                random.word()
            };
            unit.pulses.next = pulses.to_bits();
            settle(&mut unit);
            if unit.done.val() {
                let index = unit.index.val().index();
                let expected = if index < 34 {
                    history[history.len() - 3][index]
                } else {
                    0
                };
                assert_eq!(
                    unit.value.val().to_u64(),
                    expected,
                    "cycle {cycle}, counter {index}"
                );
                unit.read.next = false;
                reads += 1;
            } else if !unit.read.val() && random.chance(50) {
                unit.read.next = true;
                unit.index.next = random.below(40).to_bits();
            }
            settle(&mut unit);
            let mut counts = *history.last().unwrap();
            for (cause, count) in counts.iter_mut().enumerate() {
                *count += pulses >> cause & 1;
            }
            history.push(counts);
            clock_cycle!(unit, clock);
        }
        assert!(reads > 500, "{reads} reads");
    }

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

//! A register in the way of a stream, to cut a long path in two.

use super::stream::{Beat, StreamSink, StreamSource};
use rust_hdl::prelude::*;

/// Passes a stream through registers, in both directions: `source` and `sink.ready` come straight from flip-flops.
///
/// Contract: the beats of `sink`, in order, each once. One beat a cycle; the second register takes the beat that
/// comes in the cycle in which `source.ready` falls.
///
/// Latency: one cycle.
#[derive(LogicBlock, Default)]
pub struct StreamRegister {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: empties both registers.
    pub reset: Signal<In, Bit>,
    /// Beats in.
    pub sink: StreamSink,
    /// Beats out.
    pub source: StreamSource,

    /// The beat offered.
    front: DFF<Beat>,
    front_valid: DFF<Bit>,
    /// The beat behind it, while `front` cannot leave.
    spare: DFF<Beat>,
    spare_valid: DFF<Bit>,
}

impl Logic for StreamRegister {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, front, front_valid, spare, spare_valid);
        self.sink.ready.next = !self.spare_valid.q.val();
        self.source.valid.next = self.front_valid.q.val();
        self.source.beat.next = self.front.q.val();

        if !self.spare_valid.q.val() {
            self.spare.d.next = self.sink.beat.val();
        }
        if self.source.ready.val() | !self.front_valid.q.val() {
            self.front_valid.d.next = self.sink.valid.val() | self.spare_valid.q.val();
            self.front.d.next = self.sink.beat.val();
            if self.spare_valid.q.val() {
                self.front.d.next = self.spare.q.val();
            }
            self.spare_valid.d.next = false;
        } else {
            self.spare_valid.d.next = self.sink.valid.val() | self.spare_valid.q.val();
        }
        if self.reset.val() {
            self.front_valid.d.next = false;
            self.spare_valid.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, prove, settle};
    use std::collections::VecDeque;

    fn unit() -> StreamRegister {
        let mut unit = StreamRegister::default();
        unit.clock.connect();
        unit.reset.connect();
        unit.sink.valid.connect();
        unit.sink.beat.connect();
        unit.source.ready.connect();
        unit.connect_all();
        settle(&mut unit);
        unit
    }

    #[test]
    fn passes_each_beat_once_in_order() {
        let seed = 6;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = unit();
        let mut inside = VecDeque::new();
        let (mut sent, mut passed) = (0u64, 0u64);
        for cycle in 0..4000 {
            let (valid, ready) = (
                random.chance(if cycle / 200 % 2 == 0 { 90 } else { 30 }),
                random.chance(if cycle / 300 % 2 == 0 { 90 } else { 30 }),
            );
            unit.sink.valid.next = valid;
            unit.sink.beat.next = Beat {
                data: sent.to_bits(),
                last: sent.is_multiple_of(3),
            };
            unit.source.ready.next = ready;
            settle(&mut unit);
            assert_eq!(unit.source.valid.val(), !inside.is_empty());
            assert_eq!(unit.sink.ready.val(), inside.len() < 2);
            if unit.source.valid.val() && ready {
                let expected: u64 = inside.pop_front().unwrap();
                let beat = unit.source.beat.val();
                assert_eq!(beat.data, expected.to_bits());
                assert_eq!(beat.last, expected.is_multiple_of(3));
                passed += 1;
            }
            if valid && unit.sink.ready.val() {
                inside.push_back(sent);
                sent += 1;
            }
            clock_cycle!(unit, clock);
        }
        assert!(passed > 1500, "{passed} beats passed");
    }

    #[test]
    fn one_beat_a_cycle_after_one_cycle() {
        let mut unit = unit();
        unit.sink.valid.next = true;
        unit.source.ready.next = true;
        for cycle in 0..20u64 {
            unit.sink.beat.next.data = cycle.to_bits();
            settle(&mut unit);
            assert!(unit.sink.ready.val());
            if cycle > 0 {
                assert_eq!(unit.source.beat.val().data, (cycle - 1).to_bits());
            }
            assert_eq!(unit.source.valid.val(), cycle > 0);
            clock_cycle!(unit, clock);
        }
    }

    #[test]
    fn gate() {
        Gate::new("stream_register", StreamRegister::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = random.chance(1);
                unit.sink.valid.next = random.chance(if cycle / 200 % 2 == 0 { 90 } else { 30 });
                unit.sink.beat.next = random.beat();
                unit.source.ready.next = random.chance(if cycle / 300 % 2 == 0 { 90 } else { 30 });
            });
    }

    /// Whatever the inputs: what is offered stays until it is taken, and no beat is lost or made up.
    #[test]
    fn stream_contract_is_proved() {
        prove(
            "stream_register_proved",
            StreamRegister::default(),
            3,
            "module properties(input clock, input reset, input valid, input ready, input [128:0] beat);
               wire sink_ready, source_valid;
               wire [128:0] source_beat;
               reg [1:0] count = 0;
               reg stalled = 0;
               reg [128:0] shown = 0;
               stream_register_proved unit(.clock(clock), .reset(reset), .sink$valid(valid), .sink$ready(sink_ready),
                 .sink$beat(beat), .source$valid(source_valid), .source$ready(ready), .source$beat(source_beat));
               always @(posedge clock) begin
                 count <= reset ? 0 : count + (valid && sink_ready) - (source_valid && ready);
                 stalled <= source_valid && !ready && !reset;
                 shown <= source_beat;
               end
               always @(*) begin
                 assert (count <= 2);
                 assert (source_valid == (count != 0));
                 assert (sink_ready == (count != 2));
                 if (stalled) assert (source_valid && source_beat == shown);
               end
             endmodule",
        );
    }
}

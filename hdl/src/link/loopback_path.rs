//! Messages to the own node: from the transmit engine to the receive engine, without the wire.

use super::lookup_result::LookupResult;
use crate::bundles::Answer;
use crate::bundles::stored_header::GAP_EPOCH_BITS;
use crate::library::fixed::Fixed;
use crate::library::stream::{Beat, StreamSink, StreamSource};
use abi::link::kind;
use rust_hdl::prelude::*;

/// Passes message frames on with the look-up of their RQID beside the header
/// (`bundles::stored_header`), and answers pings.
///
/// Contract: `sink` carries message frames and pings as `LinkTransmit::frame` does; no CRC is appended, and bits
/// 127:96 of a last beat have no meaning. A header is taken only in a cycle with `lookup_ready`; `lookup_resident`
/// and `lookup_queue` must be those of `lookup_id` in the cycle after `lookup_valid` and `lookup_ready`. A ping (a
/// frame of one beat) leaves as `ping_valid` and is taken with `ping_ready`.
///
/// Latency: one cycle; one beat a cycle. `sink.ready` depends on `source.ready` in the same cycle.
#[derive(LogicBlock, Default)]
pub struct LoopbackPath {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Frames from the transmit engine.
    pub sink: StreamSink,
    /// Frames for the receive engine.
    pub source: StreamSource,
    /// Messages have waited for the host recently: pings are answered with `WAITING` instead of `LOST`.
    pub stalled_recently: Signal<In, Bit>,
    /// `lookup_id` is to be looked up.
    pub lookup_valid: Signal<Out, Bit>,
    /// The look-up happens in this cycle.
    pub lookup_ready: Signal<In, Bit>,
    /// Significant bits of an RQID.
    pub lookup_id: Signal<Out, Bits<12>>,
    /// The cycle after the look-up: a resident receive queue has that RQID.
    pub lookup_resident: Signal<In, Bit>,
    /// With `lookup_resident`: the queue.
    pub lookup_queue: Signal<In, Bits<8>>,
    /// The answer to a ping waits.
    pub ping_valid: Signal<Out, Bit>,
    /// It is taken in this cycle.
    pub ping_ready: Signal<In, Bit>,
    /// It; `node` is this node.
    pub ping: Signal<Out, Answer>,
    /// The present epoch (`GapEpoch`).
    pub gap_epoch: Signal<In, Bits<GAP_EPOCH_BITS>>,
    /// Pulse: a message was given the present epoch.
    pub recorded: Signal<Out, Bit>,
    /// Stage: the header of a marked message was taken.
    pub frame_out: Signal<Out, Bit>,
    /// Stage: the last beat of a marked message was taken.
    pub frame_in: Signal<Out, Bit>,

    lookup_result: LookupResult,
    in_frame: DFF<Bit>,
    marked: DFF<Bit>,
    occupied: DFF<Bit>,
    held: DFF<Beat>,
    /// `held` is a header that was taken in the cycle before: the result of its look-up comes now.
    looked_up: DFF<Bit>,

    data: Signal<Local, Bits<128>>,
    last: Signal<Local, Bit>,
    register_free: Signal<Local, Bit>,
    is_ping: Signal<Local, Bit>,
    begins: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
    complete: Signal<Local, Beat>,
    waiting: Fixed<4, { kind::WAITING & 7 }>,
    lost: Fixed<4, { kind::LOST & 7 }>,
}

impl Logic for LoopbackPath {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_frame, marked, occupied, held, looked_up);
        self.data.next = self.sink.beat.val().data;
        self.last.next = self.sink.beat.val().last;
        self.register_free.next = !self.occupied.q.val() | self.source.ready.val();

        // The header needs a look-up.
        self.is_ping.next = self.sink.valid.val() & !self.in_frame.q.val() & self.last.val();
        self.begins.next = self.sink.valid.val() & !self.in_frame.q.val() & !self.last.val();
        self.lookup_valid.next = self.begins.val() & self.register_free.val();
        self.lookup_id.next = self
            .data
            .val()
            .get_bits::<12>(abi::link::header::receive_queue_id::SHIFT);
        self.take.next = self.sink.valid.val()
            & self.register_free.val()
            & !self.is_ping.val()
            & (self.in_frame.q.val() | self.lookup_ready.val());
        self.sink.ready.next = self.take.val() | (self.is_ping.val() & self.ping_ready.val());

        // A ping is answered here. It has the layout of an answer; `index` stands where `base` does.
        self.ping_valid.next = self.is_ping.val();
        self.ping.next.node = self
            .data
            .val()
            .get_bits::<10>(abi::link::ping::source_node::SHIFT);
        self.ping.next.slot = self.data.val().get_bits::<8>(abi::link::ping::slot::SHIFT);
        self.ping.next.generation = self
            .data
            .val()
            .get_bits::<8>(abi::link::ping::generation::SHIFT);
        self.ping.next.base = self.data.val().get_bits::<7>(abi::link::ping::index::SHIFT);
        self.ping.next.bitmap = 1.into();
        self.ping.next.verdict = self.lost.val();
        if self.stalled_recently.val() {
            self.ping.next.verdict = self.waiting.val();
        }

        // The register, and the result of the look-up on its way out of it.
        self.lookup_result.wire_header.next = self.held.q.val().data;
        self.lookup_result.resident.next = self.lookup_resident.val();
        self.lookup_result.receive_queue.next = self.lookup_queue.val();
        self.lookup_result.gap_epoch.next = self.gap_epoch.val();
        self.recorded.next = self.occupied.q.val() & self.looked_up.q.val();
        self.complete.next = self.held.q.val();
        if self.looked_up.q.val() {
            self.complete.next.data = self.lookup_result.stored_header.val();
        }
        self.source.valid.next = self.occupied.q.val();
        self.source.beat.next = self.complete.val();
        self.held.d.next = self.complete.val();
        self.looked_up.d.next = false;
        if self.register_free.val() {
            self.occupied.d.next = self.take.val();
            self.held.d.next = self.sink.beat.val();
            self.looked_up.d.next = !self.in_frame.q.val();
        }
        if self.take.val() {
            self.in_frame.d.next = !self.last.val();
            if !self.in_frame.q.val() {
                self.marked.d.next = self.data.val().get_bit(abi::link::header::marked::SHIFT);
            }
        }
        self.frame_out.next = self.take.val()
            & !self.in_frame.q.val()
            & self.data.val().get_bit(abi::link::header::marked::SHIFT);
        self.frame_in.next =
            self.take.val() & self.in_frame.q.val() & self.last.val() & self.marked.q.val();

        if self.reset.val() {
            self.in_frame.d.next = false;
            self.occupied.d.next = false;
            self.looked_up.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, prove};

    // Its behaviour is tested with that of `LinkUnit`.
    #[test]
    fn gate() {
        Gate::new("loopback_path", LoopbackPath::default())
            .clock(|unit| &mut unit.clock)
            .cycles(2000)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.sink.valid.next = random.chance(80);
                unit.sink.beat.next = random.beat();
                unit.source.ready.next = random.chance(70);
                unit.stalled_recently.next = random.chance(50);
                unit.lookup_ready.next = random.chance(70);
                unit.lookup_resident.next = random.chance(50);
                unit.lookup_queue.next = random.bits();
                unit.gap_epoch.next = random.bits();
                unit.ping_ready.next = random.chance(70);
            });
    }

    /// Whatever the inputs: what is offered stays until it is taken, and no beat but a ping is lost, and none made up.
    #[test]
    fn stream_contract_is_proved() {
        prove(
            "loopback_path_proved",
            LoopbackPath::default(),
            3,
            "module properties(input clock, input reset, input valid, input ready, input [128:0] beat, input stalled,
                 input lookup_ready, input resident, input [7:0] queue, input ping_ready);
               wire sink_ready, source_valid, lookup_valid, ping_valid;
               wire [128:0] source_beat;
               reg count = 0;
               reg waits = 0;
               reg [128:0] shown = 0;
               loopback_path_proved unit(.clock(clock), .reset(reset), .sink$valid(valid), .sink$ready(sink_ready),
                 .sink$beat(beat), .source$valid(source_valid), .source$ready(ready), .source$beat(source_beat),
                 .stalled_recently(stalled), .lookup_valid(lookup_valid), .lookup_ready(lookup_ready),
                 .lookup_resident(resident), .lookup_queue(queue), .ping_valid(ping_valid), .ping_ready(ping_ready));
               wire comes = valid && sink_ready && !ping_valid;
               wire leaves = source_valid && ready;
               always @(posedge clock) begin
                 count <= reset ? 0 : count + comes - leaves;
                 waits <= source_valid && !ready && !reset;
                 shown <= source_beat;
               end
               always @(*) begin
                 assert (source_valid == count);
                 if (comes) assert (!count || leaves);
                 if (waits) assert (source_valid && source_beat == shown);
                 if (lookup_valid) assert (!ping_valid && (sink_ready == lookup_ready));
               end
             endmodule",
        );
    }
}

//! Packets from the host: checked, aligned to lanes, and sent to whoever they concern.

use super::header::{Header, HeaderDecoder};
use crate::bundles::{HostWrite, ReadRequest};
use crate::configuration::NONPOSTED_CREDITS_LOG2;
use crate::library::{fifo::Fifo, stream::Beat};
use rust_hdl::prelude::*;

/// Receives transaction-layer packets, one beat a cycle, pauses allowed anywhere, and never holds one up.
///
/// **Writes.** Lane-beat `j` of a packet (see `LanePlan`) leaves in the cycle after packet beat `j + 1`
/// came in, so that an 8-byte store is out one cycle after its second and last beat: latency 1. A
/// lane-beat that is left when the packet ends is flushed in the following cycle: latency 2. This needs
/// no storage and loses nothing: a packet of `n` beats has at most `n` lane-beats (its payload has at
/// most `4 n - 3` double words and begins at most 3 lanes in), they are made in the cycles of beats 1
/// to `n`, beat `n` being the first of the next packet, and a first beat makes no lane-beat itself.
///
/// **Reads** wait in a FIFO of `NONPOSTED_CREDITS`. A malformed read enters it too, with length 0:
/// nothing to be answered, but its buffer is to be freed in turn. Latency 3 from the last beat.
/// Other requests that are owed a completion enter it as reads of one double word of nothing: their
/// completion, Unsupported Request, is that of such a read (2.2.9).
///
/// **Completions** pass, one cycle later, all of their beats unchanged: poisoned ones, those with a digest, malformed
/// ones too. With the last beat `completion_malformed` tells whether the packet was malformed; its user must not
/// believe any of its beats before that.
///
/// **Errors.** A packet that is wrong by its header (`HeaderDecoder`) or whose beats are not as many as its header
/// says is counted `malformed` at its end; the next packet begins after `last`, however wrong this one was. Of a
/// write that is wrong by its header nothing leaves. Of one that ends too early or too late, the lanes that left
/// before that was seen have left; if there are any, a lane-beat without enables and with `last` closes the packet,
/// unless its final lane-beat has left already. Who must do nothing for a malformed packet waits for the pulse. A
/// write of no byte has no effect.
///
/// Pulses come one cycle after the last beat of the packet (PCI Express Base Specification 2.2, 2.3.1), so that a
/// packet's last lane-beat leaves in the cycle after them at the latest.
#[derive(LogicBlock)]
pub struct PacketReceive {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset; the next beat is taken for a first one.
    pub reset: Signal<In, Bit>,
    /// A beat comes in. It is always taken.
    pub receive_valid: Signal<In, Bit>,
    /// Its 16 bytes, and whether the packet ends.
    pub receive_beat: Signal<In, Beat>,
    /// Base address of the control registers.
    pub bar0: Signal<In, Bits<64>>,
    /// Base address of the endpoint pages.
    pub bar2: Signal<In, Bits<64>>,
    /// Base address of the slot memory and the outbox.
    pub bar4: Signal<In, Bits<64>>,
    /// Memory Space Enable.
    pub memory_enable: Signal<In, Bit>,
    /// Maximum payload as in Device Control: 128 << n bytes; above 5 is taken as 5. Takes effect a cycle later.
    pub maximum_payload: Signal<In, Bits<3>>,
    /// `write` counts in this cycle.
    pub write_valid: Signal<Out, Bit>,
    /// Lanes of a write to a BAR.
    pub write: Signal<Out, HostWrite>,
    /// A read waits.
    pub read_request_valid: Signal<Out, Bit>,
    /// It is taken.
    pub read_request_ready: Signal<In, Bit>,
    /// The read. Length 0: nothing to answer.
    pub read_request: Signal<Out, ReadRequest>,
    /// A beat of a completion.
    pub completion_valid: Signal<Out, Bit>,
    /// The beat.
    pub completion: Signal<Out, Beat>,
    /// With a completion's last beat: it is malformed, and counted here.
    pub completion_malformed: Signal<Out, Bit>,
    /// Pulse: a packet has ended.
    pub packet: Signal<Out, Bit>,
    /// Pulse: it was malformed or a poisoned write, or a read that no buffer was left for.
    pub malformed: Signal<Out, Bit>,
    /// Pulse: it was a request to nothing.
    pub unsupported: Signal<Out, Bit>,
    /// Pulse: it was a good write to an endpoint page or slot memory.
    pub receive_last: Signal<Out, Bit>,
    decoder: HeaderDecoder,
    beyond_payload: DFF<Bits<10>>,
    requests: Fifo<ReadRequest, NONPOSTED_CREDITS_LOG2, { NONPOSTED_CREDITS_LOG2 + 1 }>,
    // The packet that comes in.
    in_packet: DFF<Bit>,
    seen: DFF<Bit>,
    ended: DFF<Bit>,
    overrun: DFF<Bit>,
    left: DFF<Bits<9>>,
    previous: DFF<Bits<128>>,
    header: DFF<Header>,
    // Its lanes.
    started: DFF<Bit>,
    done: DFF<Bit>,
    lane_address: DFF<Bits<8>>,
    write_valid_out: DFF<Bit>,
    write_out: DFF<HostWrite>,
    data: Signal<Local, Bits<128>>,
    last: Signal<Local, Bit>,
    is_header: Signal<Local, Bit>,
    is_payload: Signal<Local, Bit>,
    none_left: Signal<Local, Bit>,
    one_left: Signal<Local, Bit>,
    complete: Signal<Local, Bit>,
    as_expected: Signal<Local, Bit>,
    writing: Signal<Local, Bit>,
    payload_step: Signal<Local, Bit>,
    flush_step: Signal<Local, Bit>,
    final_step: Signal<Local, Bit>,
    broken: Signal<Local, Bit>,
    aligned: Signal<Local, Bits<128>>,
    first_mask: Signal<Local, Bits<16>>,
    final_mask: Signal<Local, Bits<16>>,
    lanes: Signal<Local, HostWrite>,
    request: Signal<Local, ReadRequest>,
    request_arrives: Signal<Local, Bit>,
    passed_on: Signal<Local, Beat>,
    smallest: Constant<Bits<10>>,
}

impl Default for PacketReceive {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            receive_valid: Default::default(),
            receive_beat: Default::default(),
            bar0: Default::default(),
            bar2: Default::default(),
            bar4: Default::default(),
            memory_enable: Default::default(),
            maximum_payload: Default::default(),
            write_valid: Default::default(),
            write: Default::default(),
            read_request_valid: Default::default(),
            read_request_ready: Default::default(),
            read_request: Default::default(),
            completion_valid: Default::default(),
            completion: Default::default(),
            completion_malformed: Default::default(),
            packet: Default::default(),
            malformed: Default::default(),
            unsupported: Default::default(),
            receive_last: Default::default(),
            decoder: Default::default(),
            beyond_payload: Default::default(),
            requests: Default::default(),
            in_packet: Default::default(),
            seen: Default::default(),
            ended: Default::default(),
            overrun: Default::default(),
            left: Default::default(),
            previous: Default::default(),
            header: Default::default(),
            started: Default::default(),
            done: Default::default(),
            lane_address: Default::default(),
            write_valid_out: Default::default(),
            write_out: Default::default(),
            data: Default::default(),
            last: Default::default(),
            is_header: Default::default(),
            is_payload: Default::default(),
            none_left: Default::default(),
            one_left: Default::default(),
            complete: Default::default(),
            as_expected: Default::default(),
            writing: Default::default(),
            payload_step: Default::default(),
            flush_step: Default::default(),
            final_step: Default::default(),
            broken: Default::default(),
            aligned: Default::default(),
            first_mask: Default::default(),
            final_mask: Default::default(),
            lanes: Default::default(),
            request: Default::default(),
            request_arrives: Default::default(),
            passed_on: Default::default(),
            smallest: Constant::new(0x3e0u64.to_bits()),
        }
    }
}

impl Logic for PacketReceive {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            beyond_payload,
            in_packet,
            seen,
            ended,
            overrun,
            left,
            previous,
            header,
            started,
            done,
            lane_address,
            write_valid_out,
            write_out
        );
        clock!(self, clock, requests);
        self.requests.reset.next = self.reset.val();

        self.data.next = self.receive_beat.val().data;
        self.last.next = self.receive_beat.val().last;
        self.is_header.next = self.receive_valid.val() & !self.in_packet.q.val();
        self.is_payload.next = self.receive_valid.val() & self.in_packet.q.val();

        self.decoder.data.next = self.data.val();
        self.decoder.bar0.next = self.bar0.val();
        self.decoder.bar2.next = self.bar2.val();
        self.decoder.bar4.next = self.bar4.val();
        self.decoder.memory_enable.next = self.memory_enable.val();
        // All but the five bits of 32 double words; nothing is left for 4096 bytes and more.
        self.beyond_payload.d.next = self.smallest.val() << self.maximum_payload.val();
        self.decoder.beyond_payload.next = self.beyond_payload.q.val();

        // Beats against the length field. `left` counts the beats that must still follow the last one seen.
        self.none_left.next = self.left.q.val() == 0;
        self.one_left.next = self.left.q.val() == 1;
        self.complete.next = self.none_left.val() & !self.overrun.q.val();
        self.as_expected.next = (self.one_left.val() & self.last.val())
            | (!self.one_left.val() & !self.none_left.val() & !self.last.val());
        self.seen.d.next = self.receive_valid.val();
        self.ended.d.next = self.receive_valid.val() & self.last.val();
        if self.receive_valid.val() {
            self.in_packet.d.next = !self.last.val();
            self.previous.d.next = self.data.val();
        }
        if self.is_payload.val() {
            self.left.d.next = self.left.q.val() - 1;
            if self.none_left.val() {
                self.left.d.next = 0.into();
                self.overrun.d.next = true;
            }
        }

        // Lanes: one lane-beat with each beat after the first, or in the cycle after the last beat.
        self.writing.next = self.header.q.val().write
            & self.header.q.val().hit
            & !self.header.q.val().illegal
            & !self.header.q.val().nothing;
        self.payload_step.next = self.is_payload.val() & self.writing.val() & !self.done.q.val();
        self.flush_step.next =
            self.ended.q.val() & self.complete.val() & self.writing.val() & !self.done.q.val();
        self.final_step.next = self.flush_step.val()
            | (self.left.q.val() == bit_cast::<9, 2>(self.header.q.val().final_left));
        self.broken.next = self.payload_step.val() & !self.as_expected.val();
        if self.payload_step.val() {
            self.started.d.next = true;
            self.done.d.next = self.final_step.val() | self.broken.val();
            self.lane_address.d.next = self.lane_address.q.val() + 1;
        }

        self.aligned.next = self.previous.q.val();
        if self.header.q.val().shift == 0 {
            self.aligned.next = self.data.val();
        }
        if self.header.q.val().shift == 1 {
            self.aligned.next = (self.data.val() << 32) | (self.previous.q.val() >> 96);
        }
        if self.header.q.val().shift == 2 {
            self.aligned.next = (self.data.val() << 64) | (self.previous.q.val() >> 64);
        }
        if self.header.q.val().shift == 3 {
            self.aligned.next = (self.data.val() << 96) | (self.previous.q.val() >> 32);
        }
        self.first_mask.next = 0xffff.into();
        if !self.started.q.val() {
            self.first_mask.next = self.header.q.val().first_mask;
        }
        self.final_mask.next = 0xffff.into();
        if self.final_step.val() {
            self.final_mask.next = self.header.q.val().final_mask;
        }
        if self.broken.val() {
            self.final_mask.next = 0.into();
        }
        self.lanes.next.space = self.header.q.val().space;
        self.lanes.next.address = (self.header.q.val().offset & 0x1fff000)
            | (bit_cast::<25, 8>(self.lane_address.q.val()) << 4);
        self.lanes.next.data = self.aligned.val();
        self.lanes.next.enables = self.first_mask.val() & self.final_mask.val();
        self.lanes.next.single = self.header.q.val().single & !self.broken.val();
        self.lanes.next.last = self.final_step.val() | self.broken.val();
        self.write_out.d.next = self.lanes.val();
        self.write_valid_out.d.next = self.flush_step.val()
            | (self.payload_step.val() & (self.as_expected.val() | self.started.q.val()));
        self.write_valid.next = self.write_valid_out.q.val();
        self.write.next = self.write_out.q.val();

        // Verdict, the cycle after the last beat.
        self.packet.next = self.ended.q.val();
        self.request_arrives.next =
            self.ended.q.val() & (self.header.q.val().read | self.header.q.val().foreign);
        self.malformed.next = self.ended.q.val()
            & (self.header.q.val().illegal
                | !self.complete.val()
                | (self.request_arrives.val() & self.requests.full.val()));
        self.unsupported.next = self.ended.q.val()
            & self.complete.val()
            & !self.header.q.val().illegal
            & !self.header.q.val().hit
            & (self.header.q.val().read | self.header.q.val().write | self.header.q.val().foreign);
        self.receive_last.next = self.ended.q.val()
            & self.complete.val()
            & self.writing.val()
            & (self.header.q.val().space != 0);

        self.request.next.space = self.header.q.val().space;
        self.request.next.address = self.header.q.val().offset;
        self.request.next.length = self.header.q.val().length;
        self.request.next.first_enables = self.header.q.val().first_enables;
        self.request.next.last_enables = self.header.q.val().last_enables;
        if self.header.q.val().foreign {
            self.request.next.address = 0.into();
            self.request.next.length = 1.into();
            self.request.next.first_enables = 15.into();
            self.request.next.last_enables = 0.into();
        }
        if self.header.q.val().illegal | !self.complete.val() {
            self.request.next.length = 0.into();
        }
        self.request.next.requester = self.header.q.val().requester;
        self.request.next.tag = self.header.q.val().tag;
        self.request.next.traffic_class = self.header.q.val().traffic_class;
        self.request.next.attributes = self.header.q.val().attributes;
        self.request.next.unsupported = !self.header.q.val().hit;
        self.request.next.locked = self.header.q.val().locked;
        self.requests.data_in.next = self.request.val();
        self.requests.write.next = self.request_arrives.val() & !self.requests.full.val();
        self.read_request_valid.next = !self.requests.empty.val();
        self.read_request.next = self.requests.data_out.val();
        self.requests.read.next = self.read_request_ready.val() & !self.requests.empty.val();

        self.passed_on.next.data = self.previous.q.val();
        self.passed_on.next.last = self.ended.q.val();
        self.completion.next = self.passed_on.val();
        self.completion_valid.next = self.seen.q.val() & self.header.q.val().completion;
        self.completion_malformed.next = self.header.q.val().illegal | !self.complete.val();

        // A new packet: last, so that it prevails over what the old one's flush would leave behind.
        if self.is_header.val() {
            self.header.d.next = self.decoder.header.val();
            self.left.d.next = self.decoder.header.val().beats_after;
            self.overrun.d.next = false;
            self.started.d.next = false;
            self.done.d.next = false;
            self.lane_address.d.next = self.decoder.lane_address.val();
        }
        if self.reset.val() {
            self.in_packet.d.next = false;
            self.seen.d.next = false;
            self.ended.d.next = false;
            self.write_valid_out.d.next = false;
        }
    }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

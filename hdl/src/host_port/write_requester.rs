//! Write packets of the datapath become memory write requests.

use super::{request_cutter::RequestCutter, request_header::RequestHeader};
use crate::bundles::write_packet;
use crate::library::{
    fifo::Fifo,
    stream::{StreamSink, StreamSource},
};
use rust_hdl::prelude::*;

/// What the beat offered at `source` is.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum WritePhase {
    /// Nothing; waits for a descriptor.
    Idle,
    /// The request's first beat goes out.
    Header,
    /// Data behind the header goes out.
    Payload,
}

/// Turns write packets (`docs/microarchitecture.md`, "Bundles") into MWr requests: cut at multiples of the maximum
/// payload, and so never across 4 KiB; three double words of header below 4 GiB, else four.
///
/// Descriptors and payload wait in a FIFO each, so that the next descriptor is at hand whatever becomes of the
/// payload. A beat offered is made of double words of `held` (its upper lanes, `residue` of them) and, if these are
/// too few, of the payload's next beat; what is left of that is held for the beat behind.
///
/// Latency: the header is offered two cycles after the descriptor was taken, the payload straight behind it. One beat a
/// cycle; no bubble between packets, nor between requests, except one cycle if a request of a
/// single beat ends a 4 KiB page (the carry into the page number has a cycle of its own), and one
/// behind a header with the packet's last double word.
#[derive(LogicBlock)]
pub struct WriteRequester {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Write packets: a descriptor, then `length` bytes, dense; address and length are multiples of 4. Of its first and
    /// last double word the descriptor may leave bytes out (`write_packet`).
    pub sink: StreamSink,
    /// Bus, device and function.
    pub requester_id: Signal<In, Bits<16>>,
    /// As in Device Control: 128 << n bytes; above 5 is taken as 5.
    pub maximum_payload: Signal<In, Bits<3>>,
    /// Memory write requests. The first one's tag is 1 if the write packet was marked, all others' 0.
    pub source: StreamSource,
    /// Pulse: the last beat of a packet's last request was taken.
    pub finished: Signal<Out, Bit>,
    /// A packet, or a part of one, is in here.
    pub busy: Signal<Out, Bit>,

    descriptors: Fifo<Bits<89>, 2, 3>,
    payload: Fifo<Bits<128>, 2, 3>,
    /// The next beat at `sink` is payload.
    in_packet: DFF<Bit>,
    phase: DFF<WritePhase>,
    /// Address bits 63:12 and 11:2 of the next request, and whether the page number is still short by one.
    page: DFF<Bits<52>>,
    offset: DFF<Bits<10>>,
    carry: DFF<Bit>,
    /// The address is 2^32 or more.
    wide: DFF<Bit>,
    /// The next request is a marked packet's first.
    marked: DFF<Bit>,
    /// Bytes of the next request's first double word, and of the packet's last one, that are not written.
    skip_first: DFF<Bits<4>>,
    skip_last: DFF<Bits<4>>,
    /// Double words of the packet from the next request on, less one.
    remaining: DFF<Bits<10>>,
    /// Double words of the request in hand, less one; whether they fit in one beat; whether the
    /// request is the packet's last.
    left: DFF<Bits<10>>,
    at_end: DFF<Bit>,
    complete: DFF<Bit>,
    held: DFF<Bits<128>>,
    residue: DFF<Bits<2>>,

    cutter: RequestCutter,
    header: RequestHeader,

    data: Signal<Local, Bits<128>>,
    window: Signal<Local, Bits<128>>,
    mask: Signal<Local, Bits<128>>,
    idle: Signal<Local, Bit>,
    heading: Signal<Local, Bit>,
    paying: Signal<Local, Bit>,
    left_low: Signal<Local, Bits<2>>,
    draws: Signal<Local, Bit>,
    offered: Signal<Local, Bit>,
    fire: Signal<Local, Bit>,
    pays_last: Signal<Local, Bit>,
    accept: Signal<Local, Bit>,
    descriptor: Signal<Local, Bits<89>>,
    skipped_at_end: Signal<Local, Bits<4>>,
    data_length: Signal<Local, Bits<13>>,
    ones: Constant<Bits<128>>,
}

impl Default for WriteRequester {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            sink: Default::default(),
            requester_id: Default::default(),
            maximum_payload: Default::default(),
            source: Default::default(),
            finished: Default::default(),
            busy: Default::default(),
            descriptors: Default::default(),
            payload: Default::default(),
            in_packet: Default::default(),
            phase: Default::default(),
            page: Default::default(),
            offset: Default::default(),
            carry: Default::default(),
            wide: Default::default(),
            marked: Default::default(),
            skip_first: Default::default(),
            skip_last: Default::default(),
            remaining: Default::default(),
            left: Default::default(),
            at_end: Default::default(),
            complete: Default::default(),
            held: Default::default(),
            residue: Default::default(),
            cutter: Default::default(),
            header: Default::default(),
            data: Default::default(),
            window: Default::default(),
            mask: Default::default(),
            idle: Default::default(),
            heading: Default::default(),
            paying: Default::default(),
            left_low: Default::default(),
            draws: Default::default(),
            offered: Default::default(),
            fire: Default::default(),
            pays_last: Default::default(),
            accept: Default::default(),
            descriptor: Default::default(),
            skipped_at_end: Default::default(),
            data_length: Default::default(),
            ones: Constant::new(Bits::<128>::mask()),
        }
    }
}

impl Logic for WriteRequester {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, in_packet, phase, page, offset, carry, wide, marked, skip_first,
            skip_last, remaining, left, at_end, complete, held, residue
        );
        clock!(self, clock, descriptors, payload, cutter);
        self.descriptors.reset.next = self.reset.val();
        self.payload.reset.next = self.reset.val();
        self.cutter.maximum.next = self.maximum_payload.val();
        self.cutter.offset.next = self.offset.q.val();
        self.cutter.remaining.next = self.remaining.q.val();
        self.header.write.next = true;
        self.header.wide.next = self.wide.q.val();
        self.header.page.next = self.page.q.val();
        self.header.offset.next = self.offset.q.val();
        self.header.length.next = self.cutter.length.val();
        self.skipped_at_end.next = 0.into();
        if self.cutter.complete.val() {
            self.skipped_at_end.next = self.skip_last.q.val();
        }
        self.header.first_enables.next = !self.skip_first.q.val();
        self.header.last_enables.next = !self.skipped_at_end.val();
        if self.cutter.single.val() {
            self.header.first_enables.next = !(self.skip_first.q.val() | self.skipped_at_end.val());
            self.header.last_enables.next = 0.into();
        }
        self.header.requester_id.next = self.requester_id.val();
        self.header.tag.next = bit_cast::<8, 1>(self.marked.q.val().into());

        // In: descriptors to one FIFO, payload to the other.
        self.data.next = self.sink.beat.val().data;
        self.descriptors.data_in.next = self.data.val().get_bits::<89>(0);
        self.descriptors.write.next = self.sink.valid.val() & !self.in_packet.q.val();
        self.payload.data_in.next = self.data.val();
        self.payload.write.next = self.sink.valid.val() & self.in_packet.q.val();
        self.sink.ready.next = (!self.in_packet.q.val() & !self.descriptors.full.val())
            | (self.in_packet.q.val() & !self.payload.full.val());
        if self.sink.valid.val()
            & ((!self.in_packet.q.val() & !self.descriptors.full.val())
                | (self.in_packet.q.val() & !self.payload.full.val()))
        {
            self.in_packet.d.next = !self.sink.beat.val().last;
        }

        // Is there a beat to offer, and does it take of the payload's next?
        self.idle.next = self.phase.q.val() == WritePhase::Idle;
        self.heading.next = self.phase.q.val() == WritePhase::Header;
        self.paying.next = self.phase.q.val() == WritePhase::Payload;
        self.left_low.next = self.left.q.val().get_bits::<2>(0);
        self.draws.next = (self.heading.val() & !self.wide.q.val() & (self.residue.q.val() == 0))
            | (self.paying.val()
                & (!self.at_end.q.val() | (self.left_low.val() >= self.residue.q.val())));
        self.offered.next = (self.paying.val() | (self.heading.val() & !self.carry.q.val()))
            & (!self.draws.val() | !self.payload.empty.val());
        self.source.valid.next = self.offered.val();
        self.busy.next = !self.idle.val() | self.in_packet.q.val() | !self.descriptors.empty.val();
        self.fire.next = self.offered.val() & self.source.ready.val();
        self.payload.read.next = self.fire.val() & self.draws.val();
        if self.fire.val() & self.draws.val() {
            self.held.d.next = self.payload.data_out.val();
        }

        // The beat. Lanes behind a request's end are zero: what is there may change while the beat waits.
        self.window.next = self.payload.data_out.val();
        if self.residue.q.val() == 3 {
            self.window.next = (self.held.q.val() >> 32) | (self.payload.data_out.val() << 96);
        }
        if self.residue.q.val() == 2 {
            self.window.next = (self.held.q.val() >> 64) | (self.payload.data_out.val() << 64);
        }
        if self.residue.q.val() == 1 {
            self.window.next = (self.held.q.val() >> 96) | (self.payload.data_out.val() << 32);
        }
        self.mask.next = self.ones.val();
        if self.at_end.q.val() {
            if self.left_low.val() == 0 {
                self.mask.next = self.ones.val() >> 96;
            }
            if self.left_low.val() == 1 {
                self.mask.next = self.ones.val() >> 64;
            }
            if self.left_low.val() == 2 {
                self.mask.next = self.ones.val() >> 32;
            }
        }
        self.source.beat.next.data = self.window.val() & self.mask.val();
        self.source.beat.next.last = self.at_end.q.val();
        if self.heading.val() {
            self.source.beat.next.data = self.header.header.val();
            self.source.beat.next.last = false;
            if !self.wide.q.val() {
                self.source.beat.next.data = self.header.header.val() | (self.window.val() << 96);
                self.source.beat.next.last = self.cutter.single.val();
            }
        }

        // What follows. Modulo 4 the residue shrinks by what a beat needs, whether it draws or not.
        if self.carry.q.val() {
            self.page.d.next = self.page.q.val() + 1;
            self.carry.d.next = false;
            // The page number leaves 2^20 - 1 behind.
            if self.page.q.val().get_bits::<20>(0).all() {
                self.wide.d.next = true;
            }
        }
        if self.fire.val() & self.heading.val() {
            self.phase.d.next = WritePhase::Payload;
            self.marked.d.next = false;
            self.skip_first.d.next = 0.into();
            self.left.d.next = self.cutter.length_less_one.val();
            self.at_end.d.next = self.cutter.length_less_one.val() < 4;
            self.complete.d.next = self.cutter.complete.val();
            self.offset.d.next = self.cutter.next_offset.val();
            self.remaining.d.next = self.cutter.next_remaining.val();
            self.carry.d.next = self.cutter.page_ends.val() & !self.cutter.complete.val();
            if !self.wide.q.val() {
                self.left.d.next = self.cutter.length_less_one.val() - 1;
                self.at_end.d.next = self.cutter.length_less_one.val() < 5;
                self.residue.d.next = self.residue.q.val() - 1;
                if self.cutter.single.val() {
                    self.phase.d.next = WritePhase::Header;
                    if self.cutter.complete.val() {
                        self.phase.d.next = WritePhase::Idle;
                        self.residue.d.next = 0.into();
                    }
                }
            }
        }
        if self.fire.val() & self.paying.val() {
            self.left.d.next = self.left.q.val() - 4;
            self.at_end.d.next = self.left.q.val() < 8;
            if self.at_end.q.val() {
                self.residue.d.next = self.residue.q.val() - self.left_low.val() - 1;
                self.phase.d.next = WritePhase::Header;
                if self.complete.q.val() {
                    self.phase.d.next = WritePhase::Idle;
                    self.residue.d.next = 0.into();
                }
            }
        }
        self.pays_last.next = self.paying.val() & self.at_end.q.val() & self.complete.q.val();
        self.finished.next = self.fire.val()
            & (self.pays_last.val()
                | (self.heading.val()
                    & !self.wide.q.val()
                    & self.cutter.single.val()
                    & self.cutter.complete.val()));

        self.accept.next = !self.descriptors.empty.val()
            & (self.idle.val() | (self.fire.val() & self.pays_last.val()));
        self.descriptors.read.next = self.accept.val();
        self.descriptor.next = self.descriptors.data_out.val();
        self.data_length.next = self
            .descriptor
            .val()
            .get_bits::<13>(write_packet::LENGTH_SHIFT);
        if self.accept.val() {
            self.phase.d.next = WritePhase::Header;
            self.page.d.next = self.descriptor.val().get_bits::<52>(12);
            self.offset.d.next = self.descriptor.val().get_bits::<10>(2);
            self.wide.d.next = self.descriptor.val().get_bits::<32>(32).any();
            self.marked.d.next = self.descriptor.val().get_bit(write_packet::MARKED_BIT);
            self.skip_first.d.next = self
                .descriptor
                .val()
                .get_bits::<4>(write_packet::SKIP_FIRST_SHIFT);
            self.skip_last.d.next = self
                .descriptor
                .val()
                .get_bits::<4>(write_packet::SKIP_LAST_SHIFT);
            self.remaining.d.next = self.data_length.val().get_bits::<10>(2) - 1;
        }
        if self.reset.val() {
            self.in_packet.d.next = false;
            self.phase.d.next = WritePhase::Idle;
            self.carry.d.next = false;
            self.residue.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests;

//! Write packets of the datapath become memory write requests.

use super::{request_cutter::RequestCutter, request_header::RequestHeader};
use crate::bundles::write_packet;
use crate::library::stream::{StreamSink, StreamSource};
use rust_hdl::prelude::*;

/// What the beat offered at `source` is.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum WritePhase {
    /// Nothing; waits for a descriptor.
    Idle,
    /// A header.
    Header,
    /// Payload.
    Payload,
}

/// Turns write packets (`docs/microarchitecture.md`, "Bundles") into MWr requests: cut at multiples of the maximum payload,
/// and so never across 4 KiB; three double words of header below 4 GiB, else four.
///
/// Latency: the header is offered the cycle after the descriptor was taken, the payload straight behind it. With a header of
/// four double words the payload passes a register that fills while the header leaves; with one of three, the lane beside the
/// header and the lanes that a beat draws from the next payload beat come straight from `sink`. One beat a cycle; no bubble
/// between requests, except one cycle if a request of a single beat ends a 4 KiB page (the carry into the page number has a
/// cycle of its own), nor between packets, since the next descriptor is taken while the last beat leaves, unless that beat
/// needs the sink itself (narrow headers, or addresses that are no multiple of 16) or is a header with the packet's last double word.
///
/// Payload goes through a window of four to eight double words: `residue` of `held` (its upper lanes), then the beat at `sink`.
#[derive(LogicBlock, Default)]
pub struct WriteRequester {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Write packets: a descriptor, then `length` bytes, dense; address and length are multiples of 4.
    pub sink: StreamSink,
    /// Bus, device and function.
    pub requester_id: Signal<In, Bits<16>>,
    /// As in Device Control: 128 << n bytes; above 5 is taken as 5.
    pub maximum_payload: Signal<In, Bits<3>>,
    /// Memory write requests. The first one's tag is 1 if the write packet was marked, all others' 0.
    pub source: StreamSource,
    /// Pulse: the last beat of a packet's last request was taken.
    pub finished: Signal<Out, Bit>,

    phase: DFF<WritePhase>,
    /// Address bits 63:12 and 11:2 of the next request, and whether the page number is still short by one.
    page: DFF<Bits<52>>,
    offset: DFF<Bits<10>>,
    carry: DFF<Bit>,
    /// The address is 2^32 or more.
    wide: DFF<Bit>,
    /// The next request is a marked packet's first.
    marked: DFF<Bit>,
    /// Double words of the packet from the next request on, less one.
    remaining: DFF<Bits<10>>,
    /// Double words of the request in hand, less one; whether they fit in one beat; whether the request is the packet's last.
    left: DFF<Bits<10>>,
    at_end: DFF<Bit>,
    complete: DFF<Bit>,
    held: DFF<Bits<128>>,
    residue: DFF<Bits<3>>,

    cutter: RequestCutter,
    header: RequestHeader,

    data: Signal<Local, Bits<128>>,
    drawn: Signal<Local, Bits<128>>,
    window: Signal<Local, Bits<128>>,
    heading: Signal<Local, Bit>,
    paying: Signal<Local, Bit>,
    empty: Signal<Local, Bit>,
    full: Signal<Local, Bit>,
    enough: Signal<Local, Bit>,
    fill: Signal<Local, Bit>,
    must_draw: Signal<Local, Bit>,
    may_draw: Signal<Local, Bit>,
    offered: Signal<Local, Bit>,
    fire: Signal<Local, Bit>,
    request_ends: Signal<Local, Bit>,
    finishes: Signal<Local, Bit>,
    accept: Signal<Local, Bit>,
    left_low: Signal<Local, Bits<3>>,
    residue_behind_header: Signal<Local, Bits<3>>,
    residue_behind_end: Signal<Local, Bits<3>>,
    data_length: Signal<Local, Bits<13>>,
}

impl Logic for WriteRequester {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, phase, page, offset, carry, wide, marked, remaining, left, at_end,
            complete, held, residue
        );
        clock!(self, clock, cutter);
        self.cutter.maximum.next = self.maximum_payload.val();
        self.cutter.offset.next = self.offset.q.val();
        self.cutter.remaining.next = self.remaining.q.val();
        self.header.write.next = true;
        self.header.wide.next = self.wide.q.val();
        self.header.page.next = self.page.q.val();
        self.header.offset.next = self.offset.q.val();
        self.header.length.next = self.cutter.length.val();
        self.header.single.next = self.cutter.single.val();
        self.header.requester_id.next = self.requester_id.val();
        self.header.tag.next = bit_cast::<8, 1>(self.marked.q.val().into());

        self.heading.next = self.phase.q.val() == WritePhase::Header;
        self.paying.next = self.phase.q.val() == WritePhase::Payload;
        self.empty.next = self.residue.q.val() == 0;
        self.full.next = self.residue.q.val() == 4;
        self.left_low.next = bit_cast::<3, 2>(self.left.q.val().get_bits::<2>(0));
        self.enough.next = self.at_end.q.val() & (self.left_low.val() < self.residue.q.val());

        // The window's first four double words. A last beat that needs nothing of the sink shows nothing of it, since what is
        // there may change while the beat waits.
        self.data.next = self.sink.beat.val().data;
        self.drawn.next = self.data.val();
        if self.enough.val() {
            self.drawn.next = 0.into();
        }
        self.window.next = self.held.q.val();
        if self.residue.q.val() == 3 {
            self.window.next = (self.held.q.val() >> 32) | (self.drawn.val() << 96);
        }
        if self.residue.q.val() == 2 {
            self.window.next = (self.held.q.val() >> 64) | (self.drawn.val() << 64);
        }
        if self.residue.q.val() == 1 {
            self.window.next = (self.held.q.val() >> 96) | (self.drawn.val() << 32);
        }

        // The register takes a payload beat ahead of its use; or the beat offered draws from the sink, of necessity, or to
        // keep the register full.
        self.fill.next =
            self.empty.val() & (self.paying.val() | (self.heading.val() & self.wide.q.val()));
        self.must_draw.next = (self.heading.val() & !self.wide.q.val() & self.empty.val())
            | (self.paying.val() & !self.enough.val() & !self.full.val());
        self.may_draw.next = self.paying.val() & self.full.val() & !self.at_end.q.val();
        self.request_ends.next =
            (self.heading.val() & !self.wide.q.val() & self.cutter.single.val())
                | (self.paying.val() & self.at_end.q.val());
        self.finishes.next = self.paying.val() & self.enough.val() & self.complete.q.val();
        self.offered.next =
            (self.heading.val() & !self.carry.q.val()) | (self.paying.val() & !self.empty.val());

        self.source.valid.next =
            self.offered.val() & (!self.must_draw.val() | self.sink.valid.val());
        self.fire.next = self.offered.val()
            & self.source.ready.val()
            & (!self.must_draw.val() | self.sink.valid.val());
        // What `finishes` or may draw is offered in any case.
        self.accept.next = self.sink.valid.val()
            & ((self.phase.q.val() == WritePhase::Idle)
                | (self.source.ready.val() & self.finishes.val()));
        self.sink.ready.next = (self.phase.q.val() == WritePhase::Idle)
            | self.fill.val()
            | (self.source.ready.val()
                & ((self.offered.val() & self.must_draw.val())
                    | self.may_draw.val()
                    | self.finishes.val()));

        self.source.beat.next.data = self.window.val();
        if self.heading.val() {
            self.source.beat.next.data = self.header.header.val();
            if !self.wide.q.val() {
                self.source.beat.next.data = self.header.header.val() | (self.window.val() << 96);
                if self.empty.val() {
                    self.source.beat.next.data = self.header.header.val() | (self.data.val() << 96);
                }
            }
        }
        self.source.beat.next.last = self.request_ends.val();

        // A descriptor is not taken for payload: `residue` says what of `held` counts.
        if self.sink.valid.val()
            & (self.fill.val() | (self.fire.val() & (self.must_draw.val() | self.may_draw.val())))
        {
            self.held.d.next = self.data.val();
        }
        if self.sink.valid.val() & self.fill.val() {
            self.residue.d.next = 4.into();
        }
        if self.carry.q.val() {
            self.page.d.next = self.page.q.val() + 1;
            self.carry.d.next = false;
            // The page number leaves 2^20 - 1 behind.
            if self.page.q.val().get_bits::<20>(0).all() {
                self.wide.d.next = true;
            }
        }
        // What follows this beat, worked out before it is known whether the beat leaves. Of the last request nothing stays.
        self.residue_behind_header.next = self.residue.q.val() - 1;
        if self.empty.val() {
            self.residue_behind_header.next = 3.into();
        }
        if self.cutter.single.val() & self.cutter.complete.val() {
            self.residue_behind_header.next = 0.into();
        }
        self.residue_behind_end.next = self.residue.q.val() - self.left_low.val() - 1;
        if !self.enough.val() {
            self.residue_behind_end.next = self.residue.q.val() - self.left_low.val() + 3;
        }
        if self.complete.q.val() {
            self.residue_behind_end.next = 0.into();
        }
        if self.fire.val() & self.heading.val() {
            self.phase.d.next = WritePhase::Payload;
            self.marked.d.next = false;
            self.left.d.next = self.cutter.length_less_one.val();
            self.at_end.d.next = self.cutter.length_less_one.val() < 4;
            self.complete.d.next = self.cutter.complete.val();
            self.offset.d.next = self.cutter.next_offset.val();
            self.remaining.d.next = self.cutter.next_remaining.val();
            self.carry.d.next = self.cutter.page_ends.val() & !self.cutter.complete.val();
            if !self.wide.q.val() {
                self.left.d.next = self.cutter.length_less_one.val() - 1;
                self.at_end.d.next = self.cutter.length_less_one.val() < 5;
                self.residue.d.next = self.residue_behind_header.val();
                if self.cutter.single.val() {
                    self.phase.d.next = WritePhase::Header;
                    if self.cutter.complete.val() {
                        self.phase.d.next = WritePhase::Idle;
                    }
                }
            }
        }
        if self.fire.val() & self.paying.val() {
            self.left.d.next = self.left.q.val() - 4;
            self.at_end.d.next = self.left.q.val() < 8;
            if self.may_draw.val() & !self.sink.valid.val() {
                self.residue.d.next = 0.into();
            }
            if self.at_end.q.val() {
                self.residue.d.next = self.residue_behind_end.val();
                self.phase.d.next = WritePhase::Header;
                if self.complete.q.val() {
                    self.phase.d.next = WritePhase::Idle;
                }
            }
        }

        self.finished.next = self.fire.val()
            & ((self.heading.val()
                & !self.wide.q.val()
                & self.cutter.single.val()
                & self.cutter.complete.val())
                | (self.paying.val() & self.at_end.q.val() & self.complete.q.val()));
        self.data_length.next = self.data.val().get_bits::<13>(write_packet::LENGTH_SHIFT);
        if self.accept.val() {
            self.phase.d.next = WritePhase::Header;
            self.page.d.next = self.data.val().get_bits::<52>(12);
            self.offset.d.next = self.data.val().get_bits::<10>(2);
            self.wide.d.next = self.data.val().get_bits::<32>(32).any();
            self.marked.d.next = self.data.val().get_bit(write_packet::MARKED_BIT);
            self.remaining.d.next = self.data_length.val().get_bits::<10>(2) - 1;
        }
        if self.reset.val() {
            self.phase.d.next = WritePhase::Idle;
            self.carry.d.next = false;
            self.residue.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests;

//! Completions of the NIU's own reads: which are right, and what they bring.

use super::read_tags::TagEntry;
use crate::library::stream::Beat;
use rust_hdl::prelude::*;

/// Checks completions against the table of tags and passes their payload on, at one beat a cycle, always.
///
/// A completion with data is accepted if its tag is outstanding, the requester ID is ours, it is
/// successful, its byte count is exactly what the tag still waits for (so the parts of one request come in
/// order), and its length is no more than that. A completion without data but with an error status ends
/// its tag. A poisoned one (PCI Express 2.7.2.2) counts as the part that it is, so that the parts behind
/// it find their place, and the tag remembers it: it ends as refused. A malformed one (2.2.2:
/// `completion_malformed` says so with its last beat) changes nothing and is pulsed nowhere: whoever found
/// it counts it. All else is dropped and pulsed as unexpected. A tag left without its data times out.
///
/// Nothing is decided before a packet's last beat. Payload of a completion that is malformed or
/// poisoned has been written to the inbox by then, but only where its own request's data belong:
/// the completion that is still to come overwrites it.
///
/// Stages: the beat registered, its tag looked up and its header checked as far as that needs no table; the check
/// against the table; after a packet's last beat the update of the tag. A completion that follows another of the same
/// tag in the next cycle is checked against that one's update instead of the table.
#[derive(LogicBlock)]
pub struct CompletionReceive {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// A beat of a completion.
    pub completion_valid: Signal<In, Bit>,
    /// The beat.
    pub completion: Signal<In, Beat>,
    /// With the last beat: the packet is malformed.
    pub completion_malformed: Signal<In, Bit>,
    /// Our bus, device and function.
    pub requester_id: Signal<In, Bits<16>>,
    /// To the table of tags: look this one up.
    pub lookup_tag: Signal<Out, Bits<4>>,
    /// The cycle after: its entry.
    pub lookup: Signal<In, TagEntry>,
    /// Change an entry.
    pub update_valid: Signal<Out, Bit>,
    /// Which.
    pub update_tag: Signal<Out, Bits<4>>,
    /// To what.
    pub update_entry: Signal<Out, TagEntry>,
    /// A packet is being looked up, checked or taken, or its update told.
    pub busy: Signal<Out, Bit>,
    /// Pulse, with `update_valid`: the tag ends.
    pub ends: Signal<Out, Bit>,
    /// With `ends`: the host refused the request, or poisoned its data.
    pub refused: Signal<Out, Bit>,
    /// Payload for the inbox or the chunk buffers.
    pub payload_valid: Signal<Out, Bit>,
    /// The first beat of its packet.
    pub payload_first: Signal<Out, Bit>,
    /// The beat as it came.
    pub payload_data: Signal<Out, Bits<128>>,
    /// Lanes of 4 bytes that are payload.
    pub payload_lanes: Signal<Out, Bits<4>>,
    /// Double word for lane 0, as `TagEntry::position`.
    pub payload_base: Signal<Out, Bits<12>>,
    /// Pulse: a completion was dropped.
    pub unexpected: Signal<Out, Bit>,
    /// Pulse: a completion said Unsupported Request, Completer Abort or another error, or was poisoned.
    pub error_completion: Signal<Out, Bit>,

    beat_valid: DFF<Bit>,
    beat: DFF<Beat>,
    /// Were the beat a header: it is for us, with a tag that exists, and brings data, or says that there are none.
    brings_data: DFF<Bit>,
    brings_error: DFF<Bit>,
    /// Its data are said to be wrong.
    poisoned: DFF<Bit>,
    /// The beat does not end a good packet.
    malformed: DFF<Bit>,
    /// Its length in double words, and the tag that was looked up.
    length: DFF<Bits<10>>,
    looked_up: DFF<Bits<4>>,
    /// Within a packet; within one that counts so far.
    in_packet: DFF<Bit>,
    taking: DFF<Bit>,
    /// What that one brings is poisoned.
    taking_poison: DFF<Bit>,
    tag: DFF<Bits<4>>,
    base: DFF<Bits<12>>,
    /// Double words of the packet still to come.
    rest: DFF<Bits<10>>,
    /// The entry once the packet has come.
    after: DFF<TagEntry>,
    unexpected_pulse: DFF<Bit>,
    error_pulse: DFF<Bit>,
    /// The update told.
    updated: DFF<Bit>,
    updated_tag: DFF<Bits<4>>,
    updated_entry: DFF<TagEntry>,
    ended: DFF<Bit>,
    /// The beat has the tag of the one before it.
    same_tag: DFF<Bit>,

    incoming: Signal<Local, Bits<128>>,
    data: Signal<Local, Bits<128>>,
    long_tag: Signal<Local, Bits<8>>,
    heads: Signal<Local, Bit>,
    byte_count: Signal<Local, Bits<12>>,
    requester: Signal<Local, Bits<16>>,
    status: Signal<Local, Bits<3>>,
    format: Signal<Local, Bits<8>>,
    /// Tag of the packet being checked, and its entry.
    checked_tag: Signal<Local, Bits<4>>,
    entry: Signal<Local, TagEntry>,
    bytes_left: Signal<Local, Bits<12>>,
    for_us: Signal<Local, Bit>,
    incoming_length: Signal<Local, Bits<10>>,
    known: Signal<Local, Bit>,
    fits: Signal<Local, Bit>,
    brings: Signal<Local, Bit>,
    refuses: Signal<Local, Bit>,
    /// The packet, as far as it has come, is accepted unless it turns out malformed.
    counts: Signal<Local, Bit>,
    spoils: Signal<Local, Bit>,
    next_entry: Signal<Local, TagEntry>,
    full_beat: Signal<Local, Bit>,
    complete: Signal<Local, Bit>,
    free: Constant<Bits<2>>,
    fresh: Constant<Bits<2>>,
    aged: Constant<Bits<2>>,
}

impl Default for CompletionReceive {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            completion_valid: Default::default(),
            completion: Default::default(),
            completion_malformed: Default::default(),
            requester_id: Default::default(),
            lookup_tag: Default::default(),
            lookup: Default::default(),
            update_valid: Default::default(),
            update_tag: Default::default(),
            update_entry: Default::default(),
            busy: Default::default(),
            ends: Default::default(),
            refused: Default::default(),
            payload_valid: Default::default(),
            payload_first: Default::default(),
            payload_data: Default::default(),
            payload_lanes: Default::default(),
            payload_base: Default::default(),
            unexpected: Default::default(),
            error_completion: Default::default(),
            beat_valid: Default::default(),
            beat: Default::default(),
            brings_data: Default::default(),
            brings_error: Default::default(),
            poisoned: Default::default(),
            malformed: Default::default(),
            length: Default::default(),
            looked_up: Default::default(),
            in_packet: Default::default(),
            taking: Default::default(),
            taking_poison: Default::default(),
            tag: Default::default(),
            base: Default::default(),
            rest: Default::default(),
            after: Default::default(),
            unexpected_pulse: Default::default(),
            error_pulse: Default::default(),
            updated: Default::default(),
            updated_tag: Default::default(),
            updated_entry: Default::default(),
            ended: Default::default(),
            same_tag: Default::default(),
            incoming: Default::default(),
            data: Default::default(),
            long_tag: Default::default(),
            heads: Default::default(),
            byte_count: Default::default(),
            requester: Default::default(),
            status: Default::default(),
            format: Default::default(),
            checked_tag: Default::default(),
            entry: Default::default(),
            bytes_left: Default::default(),
            for_us: Default::default(),
            incoming_length: Default::default(),
            known: Default::default(),
            fits: Default::default(),
            brings: Default::default(),
            refuses: Default::default(),
            counts: Default::default(),
            spoils: Default::default(),
            next_entry: Default::default(),
            full_beat: Default::default(),
            complete: Default::default(),
            free: Constant::new(super::read_tags::FREE.to_bits()),
            fresh: Constant::new(super::read_tags::FRESH.to_bits()),
            aged: Constant::new(super::read_tags::AGED.to_bits()),
        }
    }
}

impl Logic for CompletionReceive {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            beat_valid,
            beat,
            brings_data,
            brings_error,
            poisoned,
            malformed,
            length,
            looked_up,
            in_packet,
            taking,
            taking_poison,
            tag,
            base,
            rest,
            after,
            unexpected_pulse,
            error_pulse,
            updated,
            updated_tag,
            updated_entry,
            ended,
            same_tag
        );
        // First stage: the tag of every beat is looked up; it means something at a header only.
        self.beat_valid.d.next = self.completion_valid.val();
        self.beat.d.next = self.completion.val();
        self.incoming.next = self.completion.val().data;
        self.lookup_tag.next = self
            .incoming
            .val()
            .get_bits::<4>(abi::pcie::completion::tag::SHIFT);

        // What the header says for itself.
        self.format.next = self
            .incoming
            .val()
            .get_bits::<8>(abi::pcie::completion::format_type::SHIFT);
        self.requester.next = (bit_cast::<16, 8>(
            self.incoming
                .val()
                .get_bits::<8>(abi::pcie::completion::requester_high::SHIFT),
        ) << 8)
            | bit_cast::<16, 8>(
                self.incoming
                    .val()
                    .get_bits::<8>(abi::pcie::completion::requester_low::SHIFT),
            );
        self.status.next = self
            .incoming
            .val()
            .get_bits::<3>(abi::pcie::completion::status::SHIFT);
        self.long_tag.next = self
            .incoming
            .val()
            .get_bits::<8>(abi::pcie::completion::tag::SHIFT);
        self.incoming_length.next = (bit_cast::<10, 2>(
            self.incoming
                .val()
                .get_bits::<2>(abi::pcie::completion::length_high::SHIFT),
        ) << 8)
            | bit_cast::<10, 8>(
                self.incoming
                    .val()
                    .get_bits::<8>(abi::pcie::completion::length_low::SHIFT),
            );
        self.length.d.next = self.incoming_length.val();
        self.looked_up.d.next = self.long_tag.val().get_bits::<4>(0);
        self.for_us.next =
            (self.long_tag.val() < 16) & (self.requester.val() == self.requester_id.val());
        self.brings_data.d.next = self.for_us.val()
            & (self.format.val() == abi::pcie::format_type::COMPLETION_DATA.to_bits())
            & (self.status.val() == abi::pcie::completion_status::SUCCESSFUL.to_bits())
            & (self.incoming_length.val() != 0);
        self.poisoned.d.next = self
            .incoming
            .val()
            .get_bit(abi::pcie::completion::poisoned::SHIFT);
        self.brings_error.d.next = self.for_us.val()
            & self.completion.val().last
            & (self.format.val() == abi::pcie::format_type::COMPLETION.to_bits())
            & (self.status.val() != abi::pcie::completion_status::SUCCESSFUL.to_bits());
        self.malformed.d.next = self.completion_malformed.val();

        // Second stage: the header against the table.
        self.data.next = self.beat.q.val().data;
        self.heads.next = self.beat_valid.q.val() & !self.in_packet.q.val();
        self.checked_tag.next = self.tag.q.val();
        if self.heads.val() {
            self.checked_tag.next = self.looked_up.q.val();
        }
        self.same_tag.d.next = self.long_tag.val().get_bits::<4>(0) == self.checked_tag.val();
        self.entry.next = self.lookup.val();
        if self.updated.q.val() & self.same_tag.q.val() {
            self.entry.next = self.updated_entry.q.val();
        }
        self.byte_count.next = (bit_cast::<12, 4>(
            self.data
                .val()
                .get_bits::<4>(abi::pcie::completion::byte_count_high::SHIFT),
        ) << 8)
            | bit_cast::<12, 8>(
                self.data
                    .val()
                    .get_bits::<8>(abi::pcie::completion::byte_count_low::SHIFT),
            );
        self.bytes_left.next = bit_cast::<12, 10>(self.entry.val().left) << 2;
        self.known.next = (self.entry.val().state == self.fresh.val())
            | (self.entry.val().state == self.aged.val());
        self.fits.next = (self.length.q.val() <= self.entry.val().left)
            & (self.byte_count.val() == self.bytes_left.val());
        self.brings.next =
            self.heads.val() & self.known.val() & self.fits.val() & self.brings_data.q.val();
        self.refuses.next = self.heads.val() & self.known.val() & self.brings_error.q.val();

        // The entry behind this packet.
        self.next_entry.next = self.entry.val();
        self.next_entry.next.left = self.entry.val().left - self.length.q.val();
        self.next_entry.next.position =
            self.entry.val().position + bit_cast::<12, 10>(self.length.q.val());
        self.next_entry.next.spoiled =
            self.entry.val().spoiled | self.poisoned.q.val() | self.refuses.val();
        if (self.length.q.val() == self.entry.val().left) | self.refuses.val() {
            self.next_entry.next.state = self.free.val();
        }

        // Beats behind the header.
        self.full_beat.next = self.rest.q.val().get_bits::<8>(2) != 0;

        self.payload_valid.next =
            self.brings.val() | (self.beat_valid.q.val() & self.taking.q.val());
        self.payload_first.next = self.heads.val();
        self.payload_data.next = self.data.val();
        self.payload_lanes.next = 15.into();
        self.payload_base.next = self.base.q.val();
        if self.heads.val() {
            self.payload_lanes.next = 8.into();
            self.payload_base.next = self.entry.val().position - 3;
        } else if !self.full_beat.val() {
            self.payload_lanes.next = 0.into();
            if self.rest.q.val() == 1 {
                self.payload_lanes.next = 1.into();
            }
            if self.rest.q.val() == 2 {
                self.payload_lanes.next = 3.into();
            }
            if self.rest.q.val() == 3 {
                self.payload_lanes.next = 7.into();
            }
        }

        // The update. A malformed packet ends without one.
        self.complete.next =
            self.beat_valid.q.val() & self.beat.q.val().last & !self.malformed.q.val();
        self.counts.next = self.taking.q.val() | self.brings.val() | self.refuses.val();
        self.spoils.next = self.taking_poison.q.val();
        if self.heads.val() {
            self.spoils.next = self.poisoned.q.val() | self.refuses.val();
        }
        self.busy.next = self.completion_valid.val()
            | self.beat_valid.q.val()
            | self.taking.q.val()
            | self.updated.q.val();
        self.updated.d.next = self.complete.val() & self.counts.val();
        self.updated_tag.d.next = self.checked_tag.val();
        self.updated_entry.d.next = self.after.q.val();
        self.ended.d.next = self.after.q.val().state == self.free.val();
        if self.heads.val() {
            self.updated_entry.d.next = self.next_entry.val();
            self.ended.d.next = self.refuses.val() | (self.length.q.val() == self.entry.val().left);
        }
        self.update_valid.next = self.updated.q.val();
        self.update_tag.next = self.updated_tag.q.val();
        self.update_entry.next = self.updated_entry.q.val();
        self.ends.next = self.updated.q.val() & self.ended.q.val();
        self.refused.next = self.updated_entry.q.val().spoiled;

        if self.beat_valid.q.val() {
            self.in_packet.d.next = !self.beat.q.val().last;
            self.base.d.next = self.base.q.val() + 4;
            self.rest.d.next = self.rest.q.val() - 4;
            if !self.full_beat.val() {
                self.rest.d.next = 0.into();
            }
            if self.beat.q.val().last {
                self.taking.d.next = false;
            }
        }
        if self.heads.val() {
            self.taking.d.next = self.brings.val() & !self.beat.q.val().last;
            self.taking_poison.d.next = self.poisoned.q.val();
            self.tag.d.next = self.looked_up.q.val();
            self.base.d.next = self.entry.val().position + 1;
            self.rest.d.next = self.length.q.val() - 1;
            self.after.d.next = self.next_entry.val();
        }
        self.unexpected_pulse.d.next = self.complete.val() & !self.counts.val();
        self.error_pulse.d.next = self.complete.val() & self.counts.val() & self.spoils.val();
        self.unexpected.next = self.unexpected_pulse.q.val();
        self.error_completion.next = self.error_pulse.q.val();

        if self.reset.val() {
            self.beat_valid.d.next = false;
            self.in_packet.d.next = false;
            self.taking.d.next = false;
            self.updated.d.next = false;
        }
    }
}

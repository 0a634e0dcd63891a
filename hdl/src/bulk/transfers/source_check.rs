//! May a frame of a transfer read the memory of this node, and where is it?

use crate::bundles::SegmentEntry;
use crate::library::fixed::Fixed;
use abi::message::error;
use abi::queue_state::{segment_extent, segment_place};
use rust_hdl::prelude::*;

/// Checks the source of a frame of `TransferEngine`: the segment, its owner or generation, the right, the range.
///
/// A transfer: `BAD_SEGMENT` without the right `local`, or of another owner than `endpoint`; else `SEGMENT_RANGE`. A
/// reply: `BAD_SEGMENT`, `STALE_SEGMENT`, `SEGMENT_RIGHTS` without `remote_read`, `SEGMENT_RANGE`, the first that
/// holds.
///
/// Contract: the other inputs stay from `found` until the outcome is no longer needed.
///
/// Latency: `found` in cycle t, the outcome from t + 3 on, until the next `found`.
#[derive(LogicBlock, Default)]
pub struct SourceCheck {
    pub clock: Signal<In, Clock>,
    pub found: Signal<In, Bit>,
    pub entry: Signal<In, SegmentEntry>,
    pub is_reply: Signal<In, Bit>,
    pub endpoint: Signal<In, Bits<12>>,
    pub generation: Signal<In, Bits<8>>,
    /// The offset, with its carry; and the remote offset's.
    pub wide_offset: Signal<In, Bits<33>>,
    pub remote_carry: Signal<In, Bit>,
    /// Bytes less one.
    pub rest: Signal<In, Bits<15>>,
    pub error: Signal<Out, Bit>,
    pub code: Signal<Out, Bits<4>>,
    /// Host address of the first byte.
    pub address: Signal<Out, Bits<64>>,

    segment: DFF<Bits<128>>,
    bad: DFF<Bit>,
    stale: DFF<Bit>,
    forbidden: DFF<Bit>,
    last_byte: DFF<Bits<33>>,
    low_address: DFF<Bits<33>>,
    is_error: DFF<Bit>,
    error_code: DFF<Bits<4>>,
    upper_address: DFF<Bits<25>>,
    entry_words: Signal<Local, Bits<128>>,
    place: Signal<Local, Bits<64>>,
    extent: Signal<Local, Bits<64>>,
    page: Signal<Local, Bits<45>>,
    upper: Signal<Local, Bits<25>>,
    carry: Signal<Local, Bits<25>>,
    offset: Signal<Local, Bits<32>>,
    outside: Signal<Local, Bit>,
    bad_segment: Fixed<4, { error::BAD_SEGMENT }>,
    stale_segment: Fixed<4, { error::STALE_SEGMENT }>,
    segment_rights: Fixed<4, { error::SEGMENT_RIGHTS }>,
    segment_range: Fixed<4, { error::SEGMENT_RANGE }>,
}

impl Logic for SourceCheck {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            segment,
            bad,
            stale,
            forbidden,
            last_byte,
            low_address,
            is_error,
            error_code,
            upper_address
        );
        self.entry_words.next = self.entry.val().words;
        if self.found.val() {
            self.segment.d.next = self.entry_words.val();
        }

        // The segment.
        self.place.next = self.segment.q.val().get_bits::<64>(0);
        self.extent.next = self.segment.q.val().get_bits::<64>(64);
        self.page.next = self.place.val().get_bits::<45>(segment_place::page::SHIFT);
        self.offset.next = self.wide_offset.val().get_bits::<32>(0);
        self.bad.d.next = !self.place.val().get_bit(segment_place::valid::SHIFT);
        self.stale.d.next = false;
        self.forbidden.d.next = false;
        if self.is_reply.val() {
            self.stale.d.next = self.generation.val()
                != self
                    .extent
                    .val()
                    .get_bits::<8>(segment_extent::generation::SHIFT);
            self.forbidden.d.next = !self.place.val().get_bit(segment_place::remote_read::SHIFT);
        } else {
            self.bad.d.next = !self.place.val().get_bit(segment_place::valid::SHIFT)
                | !self.place.val().get_bit(segment_place::local::SHIFT)
                | (self.endpoint.val()
                    != self
                        .extent
                        .val()
                        .get_bits::<12>(segment_extent::owner::SHIFT));
        }
        self.last_byte.d.next =
            bit_cast::<33, 32>(self.offset.val()) + bit_cast::<33, 15>(self.rest.val());
        self.low_address.d.next = (bit_cast::<33, 20>(self.page.val().get_bits::<20>(0)) << 12)
            + bit_cast::<33, 32>(self.offset.val());

        // The range.
        self.outside.next = self.wide_offset.val().get_bit(32)
            | self.remote_carry.val()
            | (self.last_byte.q.val()
                > bit_cast::<33, 32>(
                    self.extent
                        .val()
                        .get_bits::<32>(segment_extent::last::SHIFT),
                ));
        self.is_error.d.next =
            self.bad.q.val() | self.stale.q.val() | self.forbidden.q.val() | self.outside.val();
        self.error_code.d.next = self.segment_range.val();
        if self.forbidden.q.val() {
            self.error_code.d.next = self.segment_rights.val();
        }
        if self.stale.q.val() {
            self.error_code.d.next = self.stale_segment.val();
        }
        if self.bad.q.val() {
            self.error_code.d.next = self.bad_segment.val();
        }
        self.upper.next = self.page.val().get_bits::<25>(20);
        self.carry.next = bit_cast::<25, 1>(self.low_address.q.val().get_bit(32).into());
        self.upper_address.d.next = self.upper.val() + self.carry.val();

        self.error.next = self.is_error.q.val();
        self.code.next = self.error_code.q.val();
        self.address.next = bit_cast::<64, 32>(self.low_address.q.val().get_bits::<32>(0))
            | (bit_cast::<64, 25>(self.upper_address.q.val()) << 32);
    }
}

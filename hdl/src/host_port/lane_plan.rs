//! How the payload of a memory write falls onto 16-byte lanes.

use rust_hdl::prelude::*;

/// Where the payload's double words go, worked out from the header alone. Combinational.
///
/// With `a` the lane (0 to 3) of the first double word and `h` the header's double words (3 or 4), payload double
/// word `i` stands at position `h + i` of the packet and goes to lane `(a + i) mod 4` of lane-beat `(a + i) / 4`.
/// Lane-beat `j` is taken from packet beats `j` and `j + 1`, shifted up by `s = a + 4 - h` lanes (0 to 4), which is
/// the same for the whole packet.
#[derive(LogicBlock, Default)]
pub struct LanePlan {
    /// Lane of the first double word: address bits 3 and 2.
    pub first_lane: Signal<In, Bits<2>>,
    /// Payload double words modulo 4.
    pub length: Signal<In, Bits<2>>,
    /// The payload is one double word.
    pub one: Signal<In, Bit>,
    /// The header has 4 double words, otherwise 3.
    pub long: Signal<In, Bit>,
    /// A digest follows the payload (TD).
    pub digest: Signal<In, Bit>,
    /// Byte enables of the first double word.
    pub first_enables: Signal<In, Bits<4>>,
    /// Byte enables of the last double word, if it is not the first.
    pub last_enables: Signal<In, Bits<4>>,
    /// Lanes of the later packet beat move up by this many double words: 0 to 4.
    pub shift: Signal<Out, Bits<3>>,
    /// Bytes written in the first lane-beat, as far as the packet's beginning limits them.
    pub first_mask: Signal<Out, Bits<16>>,
    /// Bytes written in the final lane-beat, as far as the packet's end limits them.
    pub final_mask: Signal<Out, Bits<16>>,
    /// Packet beats expected to follow, this one included, when the final lane-beat is complete: 1 with the last
    /// packet beat, 2 one earlier (a digest follows in a beat of its own), 0 one later.
    pub final_left: Signal<Out, Bits<2>>,
    /// The double words of header, payload remainder and digest fill a second beat.
    pub spills: Signal<Out, Bit>,
    packet_end: Signal<Local, Bits<4>>,
    lanes_end: Signal<Local, Bits<4>>,
    last_lane: Signal<Local, Bits<2>>,
    lane_beats: Signal<Local, Bits<2>>,
    packet_beats: Signal<Local, Bits<2>>,
    final_enables: Signal<Local, Bits<4>>,
    first_mask_bits: Signal<Local, Bits<16>>,
    final_mask_bits: Signal<Local, Bits<16>>,
}

impl Logic for LanePlan {
    #[hdl_gen]
    fn update(&mut self) {
        self.shift.next = bit_cast::<3, 2>(self.first_lane.val()) + 1;
        if self.long.val() {
            self.shift.next = bit_cast::<3, 2>(self.first_lane.val());
        }

        // Beats, rounded up, without the whole beats (length / 4) that both counts share.
        self.packet_end.next = bit_cast::<4, 2>(self.length.val())
            + bit_cast::<4, 1>(self.long.val().into())
            + bit_cast::<4, 1>(self.digest.val().into())
            + 6;
        self.lanes_end.next =
            bit_cast::<4, 2>(self.length.val()) + bit_cast::<4, 2>(self.first_lane.val()) + 3;
        self.packet_beats.next = self.packet_end.val().get_bits::<2>(2);
        self.lane_beats.next = self.lanes_end.val().get_bits::<2>(2);
        self.last_lane.next = self.lanes_end.val().get_bits::<2>(0);
        self.final_left.next = self.packet_beats.val() - self.lane_beats.val();
        self.spills.next = self.packet_end.val().get_bit(3);

        self.first_mask_bits.next = bit_cast::<16, 4>(self.first_enables.val()) | 0xfff0;
        if self.first_lane.val() == 1 {
            self.first_mask_bits.next = (bit_cast::<16, 4>(self.first_enables.val()) << 4) | 0xff00;
        }
        if self.first_lane.val() == 2 {
            self.first_mask_bits.next = (bit_cast::<16, 4>(self.first_enables.val()) << 8) | 0xf000;
        }
        if self.first_lane.val() == 3 {
            self.first_mask_bits.next = bit_cast::<16, 4>(self.first_enables.val()) << 12;
        }
        self.first_mask.next = self.first_mask_bits.val();

        // The only double word is limited by the first enables alone.
        self.final_enables.next = self.last_enables.val();
        if self.one.val() {
            self.final_enables.next = 0xf.into();
        }
        self.final_mask_bits.next = bit_cast::<16, 4>(self.final_enables.val());
        if self.last_lane.val() == 1 {
            self.final_mask_bits.next = (bit_cast::<16, 4>(self.final_enables.val()) << 4) | 0x000f;
        }
        if self.last_lane.val() == 2 {
            self.final_mask_bits.next = (bit_cast::<16, 4>(self.final_enables.val()) << 8) | 0x00ff;
        }
        if self.last_lane.val() == 3 {
            self.final_mask_bits.next =
                (bit_cast::<16, 4>(self.final_enables.val()) << 12) | 0x0fff;
        }
        self.final_mask.next = self.final_mask_bits.val();
    }
}

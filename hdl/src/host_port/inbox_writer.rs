//! Payload of completions into the lanes of the inbox and of the chunk buffers.

use rust_hdl::prelude::*;

/// Writes double words that arrive four at a time, at any double-word address, to two memories of
/// 16-byte words, the inbox and the chunk buffers: one write a cycle suffices.
///
/// Lane `i` of `data` goes to double word `base + i`, so a beat touches up to two words. What belongs to the second
/// is kept for a cycle and written together with the next beat of the packet, or alone. At most one word is ever
/// kept, because the first beat of a completion carries one double word only.
///
/// Latency: one or two cycles from a beat to its last write.
#[derive(LogicBlock, Default)]
pub struct InboxWriter {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// A beat; no back-pressure.
    pub valid: Signal<In, Bit>,
    /// First beat of a packet.
    pub first: Signal<In, Bit>,
    /// The beat. In a first beat only lane 3 may count.
    pub data: Signal<In, Bits<128>>,
    /// Lanes of 4 bytes that count.
    pub lanes: Signal<In, Bits<4>>,
    /// Double word for lane 0: of the inbox below 512, of the chunk buffers from 2048 on. Within a packet it advances
    /// by 4.
    pub base: Signal<In, Bits<12>>,
    /// A write to the inbox happens.
    pub inbox_valid: Signal<Out, Bit>,
    /// Word of 16 bytes.
    pub inbox_address: Signal<Out, Bits<7>>,
    /// A write to the chunk buffers happens, with `inbox_data` and `inbox_enables`.
    pub chunk_valid: Signal<Out, Bit>,
    /// Word of 16 bytes: four bits of buffer, five of beat.
    pub chunk_address: Signal<Out, Bits<9>>,
    /// The word.
    pub inbox_data: Signal<Out, Bits<128>>,
    /// Bytes to write.
    pub inbox_enables: Signal<Out, Bits<16>>,

    beat_valid: DFF<Bit>,
    beat_first: DFF<Bit>,
    beat_data: DFF<Bits<128>>,
    beat_lanes: DFF<Bits<4>>,
    beat_base: DFF<Bits<12>>,
    kept_data: DFF<Bits<128>>,
    kept_lanes: DFF<Bits<4>>,
    kept_word: DFF<Bits<10>>,

    word: Signal<Local, Bits<10>>,
    address: Signal<Local, Bits<10>>,
    turn: Signal<Local, Bits<2>>,
    turned: Signal<Local, Bits<128>>,
    turned_lanes: Signal<Local, Bits<4>>,
    now_lanes: Signal<Local, Bits<4>>,
    later_lanes: Signal<Local, Bits<4>>,
    written_lanes: Signal<Local, Bits<4>>,
    lane_0: Signal<Local, Bits<32>>,
    lane_1: Signal<Local, Bits<32>>,
    lane_2: Signal<Local, Bits<32>>,
    lane_3: Signal<Local, Bits<32>>,
    wide_0: Signal<Local, Bits<128>>,
    wide_1: Signal<Local, Bits<128>>,
    wide_2: Signal<Local, Bits<128>>,
    wide_3: Signal<Local, Bits<128>>,
    nibble_0: Signal<Local, Bits<4>>,
    nibble_1: Signal<Local, Bits<4>>,
    nibble_2: Signal<Local, Bits<4>>,
    nibble_3: Signal<Local, Bits<4>>,
}

impl Logic for InboxWriter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, beat_valid, beat_first, beat_data, beat_lanes, beat_base, kept_data,
            kept_lanes, kept_word
        );
        self.beat_valid.d.next = self.valid.val();
        self.beat_first.d.next = self.first.val();
        self.beat_data.d.next = self.data.val();
        self.beat_lanes.d.next = self.lanes.val();
        self.beat_base.d.next = self.base.val();

        // Rotate: `now` stays in the word of lane 0, `later` falls into the next.
        self.word.next = self.beat_base.q.val().get_bits::<10>(2);
        self.turn.next = self.beat_base.q.val().get_bits::<2>(0);
        self.turned.next = self.beat_data.q.val();
        self.turned_lanes.next = self.beat_lanes.q.val();
        self.now_lanes.next = 0.into();
        self.later_lanes.next = self.beat_lanes.q.val();
        if self.turn.val() == 1 {
            self.turned.next = (self.beat_data.q.val() << 32) | (self.beat_data.q.val() >> 96);
            self.now_lanes.next = self.beat_lanes.q.val() << 1;
            self.later_lanes.next = self.beat_lanes.q.val() >> 3;
        }
        if self.turn.val() == 2 {
            self.turned.next = (self.beat_data.q.val() << 64) | (self.beat_data.q.val() >> 64);
            self.now_lanes.next = self.beat_lanes.q.val() << 2;
            self.later_lanes.next = self.beat_lanes.q.val() >> 2;
        }
        if self.turn.val() == 3 {
            self.turned.next = (self.beat_data.q.val() << 96) | (self.beat_data.q.val() >> 32);
            self.now_lanes.next = self.beat_lanes.q.val() << 3;
            self.later_lanes.next = self.beat_lanes.q.val() >> 1;
        }
        if !self.beat_valid.q.val() {
            self.now_lanes.next = 0.into();
            self.later_lanes.next = 0.into();
        }

        // A beat that starts at a word boundary is kept whole. `kept_word` equals `word` whenever both parts count.
        self.kept_data.d.next = self.turned.val();
        self.kept_lanes.d.next = self.later_lanes.val();
        self.kept_word.d.next = self.word.val();
        if self.turn.val() != 0 {
            self.kept_word.d.next = self.word.val() + 1;
        }

        self.written_lanes.next = self.now_lanes.val() | self.kept_lanes.q.val();
        self.address.next = self.kept_word.q.val();
        if self.beat_valid.q.val() & !self.beat_first.q.val() & (self.turn.val() != 0) {
            self.address.next = self.word.val();
        }
        self.inbox_valid.next = (self.written_lanes.val() != 0) & !self.address.val().get_bit(9);
        self.inbox_address.next = self.address.val().get_bits::<7>(0);
        self.chunk_valid.next = (self.written_lanes.val() != 0) & self.address.val().get_bit(9);
        self.chunk_address.next = self.address.val().get_bits::<9>(0);
        self.lane_0.next = self.turned.val().get_bits::<32>(0);
        self.nibble_0.next = 0.into();
        if self.kept_lanes.q.val().get_bit(0) {
            self.lane_0.next = self.kept_data.q.val().get_bits::<32>(0);
        }
        if self.written_lanes.val().get_bit(0) {
            self.nibble_0.next = 15.into();
        }
        self.lane_1.next = self.turned.val().get_bits::<32>(32);
        self.nibble_1.next = 0.into();
        if self.kept_lanes.q.val().get_bit(1) {
            self.lane_1.next = self.kept_data.q.val().get_bits::<32>(32);
        }
        if self.written_lanes.val().get_bit(1) {
            self.nibble_1.next = 15.into();
        }
        self.lane_2.next = self.turned.val().get_bits::<32>(64);
        self.nibble_2.next = 0.into();
        if self.kept_lanes.q.val().get_bit(2) {
            self.lane_2.next = self.kept_data.q.val().get_bits::<32>(64);
        }
        if self.written_lanes.val().get_bit(2) {
            self.nibble_2.next = 15.into();
        }
        self.lane_3.next = self.turned.val().get_bits::<32>(96);
        self.nibble_3.next = 0.into();
        if self.kept_lanes.q.val().get_bit(3) {
            self.lane_3.next = self.kept_data.q.val().get_bits::<32>(96);
        }
        if self.written_lanes.val().get_bit(3) {
            self.nibble_3.next = 15.into();
        }
        self.wide_0.next = bit_cast::<128, 32>(self.lane_0.val());
        self.wide_1.next = bit_cast::<128, 32>(self.lane_1.val());
        self.wide_2.next = bit_cast::<128, 32>(self.lane_2.val());
        self.wide_3.next = bit_cast::<128, 32>(self.lane_3.val());
        self.inbox_data.next = self.wide_0.val()
            | (self.wide_1.val() << 32)
            | (self.wide_2.val() << 64)
            | (self.wide_3.val() << 96);
        self.inbox_enables.next = bit_cast::<16, 4>(self.nibble_0.val())
            | (bit_cast::<16, 4>(self.nibble_1.val()) << 4)
            | (bit_cast::<16, 4>(self.nibble_2.val()) << 8)
            | (bit_cast::<16, 4>(self.nibble_3.val()) << 12);
        if self.reset.val() {
            self.beat_valid.d.next = false;
            self.kept_lanes.d.next = 0.into();
        }
    }
}

//! Firmware packets to the inbox.

use crate::bundles::ConfigurationWrite;
use crate::library::stream::Beat;
use rust_hdl::prelude::*;

/// Writes packets from the link to four places of 256 bytes in the upper half of the inbox, in turn (V16, V23).
///
/// Contract: `take` accompanies each beat of a packet behind its header; a packet begins only while `free`. Firmware
/// gives places back in order (`REGION_PACKET_RELEASE`).
///
/// Latency: the write comes one cycle after the beat.
#[derive(LogicBlock)]
pub struct ReceiveInbox {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Region 4 of `abi::queue_state`.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// `beat` is the packet's next.
    pub take: Signal<In, Bit>,
    /// The beat; the last one ends with the CRC.
    pub beat: Signal<In, Beat>,
    /// There is a place.
    pub free: Signal<Out, Bit>,
    /// Place of the packet under way, or of the next one.
    pub place: Signal<Out, Bits<2>>,
    /// Write to the inbox.
    pub inbox_valid: Signal<Out, Bit>,
    /// Beat of the inbox, 64 to 127.
    pub inbox_address: Signal<Out, Bits<7>>,
    /// The bytes.
    pub inbox_data: Signal<Out, Bits<128>>,
    /// Which of them are written.
    pub inbox_enables: Signal<Out, Bits<16>>,
    places_free: DFF<Bits<3>>,
    next_place: DFF<Bits<2>>,
    next_beat: DFF<Bits<4>>,
    write_valid: DFF<Bit>,
    write_address: DFF<Bits<7>>,
    write_beat: DFF<Beat>,
    index: Signal<Local, Bits<16>>,
    region: Signal<Local, Bits<4>>,
    ends: Signal<Local, Bit>,
    gives_back: Signal<Local, Bit>,
    last: Signal<Local, Bit>,
    places: Constant<Bits<3>>,
    first_beat: Constant<Bits<7>>,
    whole: Constant<Bits<16>>,
    without_crc: Constant<Bits<16>>,
}

impl Default for ReceiveInbox {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            configuration: Default::default(),
            take: Default::default(),
            beat: Default::default(),
            free: Default::default(),
            place: Default::default(),
            inbox_valid: Default::default(),
            inbox_address: Default::default(),
            inbox_data: Default::default(),
            inbox_enables: Default::default(),
            places_free: Default::default(),
            next_place: Default::default(),
            next_beat: Default::default(),
            write_valid: Default::default(),
            write_address: Default::default(),
            write_beat: Default::default(),
            index: Default::default(),
            region: Default::default(),
            ends: Default::default(),
            gives_back: Default::default(),
            last: Default::default(),
            places: Constant::new(4u64.to_bits()),
            first_beat: Constant::new(64u64.to_bits()),
            whole: Constant::new(0xffffu64.to_bits()),
            without_crc: Constant::new(0x0fffu64.to_bits()),
        }
    }
}

impl Logic for ReceiveInbox {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            places_free,
            next_place,
            next_beat,
            write_valid,
            write_address,
            write_beat
        );

        self.write_valid.d.next = self.take.val();
        self.write_beat.d.next = self.beat.val();
        self.write_address.d.next = self.first_beat.val()
            | (bit_cast::<7, 2>(self.next_place.q.val()) << 4)
            | bit_cast::<7, 4>(self.next_beat.q.val());
        self.ends.next = self.take.val() & self.beat.val().last;
        if self.take.val() {
            self.next_beat.d.next = self.next_beat.q.val() + 1;
        }
        if self.ends.val() {
            self.next_beat.d.next = 0.into();
            self.next_place.d.next = self.next_place.q.val() + 1;
        }

        self.index.next = self.configuration.val().index;
        self.region.next = self
            .index
            .val()
            .get_bits::<4>(abi::queue_state::REGION_SHIFT);
        self.gives_back.next = self.configuration.val().valid
            & (self.region.val() == abi::queue_state::REGION_PACKET_RELEASE.to_bits());
        if self.gives_back.val()
            & !self.ends.val()
            & (self.places_free.q.val() != self.places.val())
        {
            self.places_free.d.next = self.places_free.q.val() + 1;
        }
        if self.ends.val() & !self.gives_back.val() {
            self.places_free.d.next = self.places_free.q.val() - 1;
        }
        self.free.next = self.places_free.q.val().any();
        self.place.next = self.next_place.q.val();

        self.last.next = self.write_beat.q.val().last;
        self.inbox_valid.next = self.write_valid.q.val();
        self.inbox_address.next = self.write_address.q.val();
        self.inbox_data.next = self.write_beat.q.val().data;
        self.inbox_enables.next = self.whole.val();
        if self.last.val() {
            self.inbox_enables.next = self.without_crc.val();
        }

        if self.reset.val() {
            self.places_free.d.next = self.places.val();
            self.next_place.d.next = 0.into();
            self.next_beat.d.next = 0.into();
            self.write_valid.d.next = false;
        }
    }
}

//! The next frame of two virtual channels.

use crate::library::stream::{Beat, StreamSink};
use rust_hdl::prelude::*;

/// Takes the headers of both channels ahead and passes the frames one after the other, those of channel 1 first (V20);
/// but a frame of channel 0 that has seen eight others begin goes next, so that no sender on channel 1 keeps it out.
///
/// Contract: a frame has two beats or more. `header` is the next frame's while `choosing`; `begins` takes it, and then `beat`
/// comes from its channel until `choosing` is high again. With `begins` the frame's second beat may be taken too. Each header
/// is taken on its own: no channel's `ready` waits for the other's `valid`.
///
/// Latency: a header is offered the cycle after it was taken; beats pass through.
#[derive(LogicBlock, Default)]
pub struct FrameSelect {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Frames of virtual channel 0.
    pub channel_0: StreamSink,
    /// Frames of virtual channel 1.
    pub channel_1: StreamSink,
    /// No frame is under way.
    pub choosing: Signal<In, Bit>,
    /// Pulse while `choosing`: the frame of `header` is under way from the next cycle on.
    pub begins: Signal<In, Bit>,
    /// The last beat of the frame under way was taken.
    pub ended: Signal<In, Bit>,
    /// A header is offered.
    pub header_valid: Signal<Out, Bit>,
    /// The header; undefined unless `choosing`.
    pub header: Signal<Out, Bits<128>>,
    /// It is a packet's; undefined unless `choosing`.
    pub is_packet: Signal<Out, Bit>,
    /// The beat behind it, or the next beat of the frame under way, is offered.
    pub beat_valid: Signal<Out, Bit>,
    /// The beat is taken in this cycle.
    pub beat_ready: Signal<In, Bit>,
    /// The beat.
    pub beat: Signal<Out, Beat>,
    header_0: DFF<Bits<128>>,
    header_1: DFF<Bits<128>>,
    packet_0: DFF<Bit>,
    packet_1: DFF<Bit>,
    has_header_0: DFF<Bit>,
    has_header_1: DFF<Bit>,
    /// Frames that began since a header of channel 0 waits, eight at most.
    overtaken: DFF<Bits<4>>,
    /// The frame under way comes from virtual channel 1.
    from_1: DFF<Bit>,
    use_1: Signal<Local, Bit>,
    take_header_0: Signal<Local, Bit>,
    take_header_1: Signal<Local, Bit>,
    data_0: Signal<Local, Bits<128>>,
    data_1: Signal<Local, Bits<128>>,
    kind_0: Signal<Local, Bits<4>>,
    kind_1: Signal<Local, Bits<4>>,
}

impl Logic for FrameSelect {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            header_0,
            header_1,
            packet_0,
            packet_1,
            has_header_0,
            has_header_1,
            from_1,
            overtaken
        );
        self.take_header_0.next = !self.has_header_0.q.val()
            & (self.choosing.val() | self.from_1.q.val() | self.ended.val());
        self.take_header_1.next = !self.has_header_1.q.val()
            & (self.choosing.val() | !self.from_1.q.val() | self.ended.val());
        self.data_0.next = self.channel_0.beat.val().data;
        self.kind_0.next = self
            .data_0
            .val()
            .get_bits::<4>(abi::link::header::kind::SHIFT);
        self.data_1.next = self.channel_1.beat.val().data;
        self.kind_1.next = self
            .data_1
            .val()
            .get_bits::<4>(abi::link::header::kind::SHIFT);
        // What is loaded but not taken is loaded again.
        if !self.has_header_0.q.val() {
            self.header_0.d.next = self.data_0.val();
            self.packet_0.d.next = self.kind_0.val() == abi::link::kind::PACKET.to_bits();
        }
        if !self.has_header_1.q.val() {
            self.header_1.d.next = self.data_1.val();
            self.packet_1.d.next = self.kind_1.val() == abi::link::kind::PACKET.to_bits();
        }
        if self.take_header_0.val() {
            self.has_header_0.d.next = self.channel_0.valid.val();
        }
        if self.take_header_1.val() {
            self.has_header_1.d.next = self.channel_1.valid.val();
        }

        self.use_1.next = self.from_1.q.val();
        if self.choosing.val() {
            self.use_1.next = self.has_header_1.q.val()
                & !(self.has_header_0.q.val() & self.overtaken.q.val().get_bit(3));
        }
        self.from_1.d.next = self.use_1.val();
        self.header_valid.next = self.has_header_0.q.val() | self.has_header_1.q.val();
        self.header.next = self.header_0.q.val();
        self.is_packet.next = self.packet_0.q.val();
        self.beat_valid.next = self.channel_0.valid.val();
        self.beat.next = self.channel_0.beat.val();
        if self.use_1.val() {
            self.header.next = self.header_1.q.val();
            self.is_packet.next = self.packet_1.q.val();
            self.beat_valid.next = self.channel_1.valid.val();
            self.beat.next = self.channel_1.beat.val();
        }
        self.channel_0.ready.next =
            self.take_header_0.val() | (self.beat_ready.val() & !self.use_1.val());
        self.channel_1.ready.next =
            self.take_header_1.val() | (self.beat_ready.val() & self.use_1.val());
        if self.begins.val() {
            if self.use_1.val() {
                self.has_header_1.d.next = false;
                if self.has_header_0.q.val() & !self.overtaken.q.val().get_bit(3) {
                    self.overtaken.d.next = self.overtaken.q.val() + 1;
                }
            } else {
                self.has_header_0.d.next = false;
                self.overtaken.d.next = 0.into();
            }
        }

        if self.reset.val() {
            self.has_header_0.d.next = false;
            self.has_header_1.d.next = false;
            self.overtaken.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, clock_cycle, settle};

    /// Channel 1 always has a frame; channel 0's first waits for eight of them, and no longer.
    #[test]
    fn channel_1_goes_first_but_does_not_keep_channel_0_out() {
        let mut unit = FrameSelect::default();
        unit.connect_all();
        unit.reset.next = true;
        settle(&mut unit);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        unit.channel_0.valid.next = true;
        unit.channel_1.valid.next = true;
        unit.beat_ready.next = true;
        for (channel, data) in [(0, 100), (1, 200)] {
            let beat = Beat {
                data: (data as u64).to_bits(),
                last: true,
            };
            match channel {
                0 => unit.channel_0.beat.next = beat,
                _ => unit.channel_1.beat.next = beat,
            }
        }
        // A frame is its header here, chosen in one cycle; the next two bring the next header.
        let mut chosen = Vec::new();
        while chosen.len() < 27 {
            unit.choosing.next = true;
            unit.ended.next = true;
            settle(&mut unit);
            let begins = unit.header_valid.val();
            if begins {
                chosen.push(unit.header.val().to_u128());
            }
            unit.begins.next = begins;
            settle(&mut unit);
            clock_cycle!(unit, clock);
            unit.begins.next = false;
            unit.choosing.next = false;
            settle(&mut unit);
            clock_cycle!(unit, clock);
        }
        let expected = [vec![200; 8], vec![100]].concat().repeat(3);
        assert_eq!(chosen, expected);
    }

    #[test]
    fn gate() {
        Gate::new("frame_select", FrameSelect::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2 || random.chance(1);
                unit.channel_0.valid.next = random.chance(60);
                unit.channel_0.beat.next = random.beat();
                unit.channel_1.valid.next = random.chance(40);
                unit.channel_1.beat.next = random.beat();
                unit.choosing.next = random.chance(40);
                unit.begins.next = random.chance(20);
                unit.ended.next = random.chance(30);
                unit.beat_ready.next = random.chance(60);
            });
    }
}

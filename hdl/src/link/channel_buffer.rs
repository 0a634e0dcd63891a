//! Buffer of one virtual channel, from which a frame leaves only once it was found right.

use crate::configuration::CHANNEL_BEATS_LOG2;
use crate::library::block_ram::BlockRam;
use crate::library::stream::{Beat, StreamSource};
use rust_hdl::prelude::*;

/// A FIFO of 2^`CHANNEL_BEATS_LOG2` beats whose last frame can be kept or taken back (V20, V28).
///
/// `candidate` comes from registers and only steers the read ahead, so that the CRC's verdict is not in front of the
/// memory: if the candidate is dropped the memory's output is wrong for one cycle, in which no frame can be accepted.
///
/// Contract: beats of one frame are written in any cycles; with the last of them `accept` or `drop` tells what
/// becomes of the frame. A frame has two beats or more if it is accepted. The writer never has more beats in here.
///
/// Latency: `accept` in cycle t, header beat on `source` in the same cycle, one beat a cycle from there.
#[derive(LogicBlock, Default)]
pub struct ChannelBuffer {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// `beat` belongs to the frame under way.
    pub write: Signal<In, Bit>,
    /// Its 16 bytes, and whether the frame ends.
    pub beat: Signal<In, Beat>,
    /// A frame of two beats or more ends; `accept` or `drop` comes with it.
    pub candidate: Signal<In, Bit>,
    /// The frame that ends is right; its last beat is written.
    pub accept: Signal<In, Bit>,
    /// The frame that ends never was.
    pub drop: Signal<In, Bit>,
    /// Accepted frames, in order.
    pub source: StreamSource,
    /// Pulse: a beat left.
    pub consumed: Signal<Out, Bit>,
    memory: BlockRam<Beat, CHANNEL_BEATS_LOG2>,
    /// Where the next beat goes.
    write_pointer: DFF<Bits<CHANNEL_BEATS_LOG2>>,
    /// Where the frame under way began: end of the accepted ones.
    frame_start: DFF<Bits<CHANNEL_BEATS_LOG2>>,
    read_pointer: DFF<Bits<CHANNEL_BEATS_LOG2>>,
    /// `read_pointer + 1`, kept to have no adder in front of the memory.
    read_next: DFF<Bits<CHANNEL_BEATS_LOG2>>,
    /// An accepted beat is there.
    stored: DFF<Bit>,
    /// The beat at the memory's output was written while it was read; and that beat.
    forwards: DFF<Bit>,
    forwarded: DFF<Beat>,
    write_next: Signal<Local, Bits<CHANNEL_BEATS_LOG2>>,
    read_address: Signal<Local, Bits<CHANNEL_BEATS_LOG2>>,
    available: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
}

impl Logic for ChannelBuffer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            write_pointer,
            frame_start,
            read_pointer,
            read_next,
            stored,
            forwards,
            forwarded
        );
        clock!(self, clock, memory);

        self.write_next.next = self.write_pointer.q.val() + 1;
        if self.write.val() {
            self.write_pointer.d.next = self.write_next.val();
        }
        if self.drop.val() {
            self.write_pointer.d.next = self.frame_start.q.val();
        }
        if self.accept.val() {
            self.frame_start.d.next = self.write_next.val();
        }
        self.memory.write_address.next = self.write_pointer.q.val();
        self.memory.write_data.next = self.beat.val();
        self.memory.write_enable.next = self.write.val();

        // The memory is read ahead: its output is the beat at `read_pointer`.
        self.available.next = self.stored.q.val() | self.accept.val();
        self.take.next = self.available.val() & self.source.ready.val();
        self.read_address.next = self.read_pointer.q.val();
        if (self.stored.q.val() | self.candidate.val()) & self.source.ready.val() {
            self.read_address.next = self.read_next.q.val();
        }
        self.memory.read_address.next = self.read_address.val();
        // Unless it was written in the cycle in which it was read, as beats of a frame of two are.
        self.forwards.d.next =
            self.write.val() & (self.write_pointer.q.val() == self.read_address.val());
        self.forwarded.d.next = self.beat.val();
        if self.take.val() {
            self.read_pointer.d.next = self.read_next.q.val();
            self.read_next.d.next = self.read_next.q.val() + 1;
            self.stored.d.next = self.read_next.q.val() != self.frame_start.q.val();
        }
        // It has two beats, of which one can leave at most.
        if self.accept.val() {
            self.stored.d.next = true;
        }
        self.source.valid.next = self.available.val();
        self.source.beat.next = self.memory.read_data.val();
        if self.forwards.q.val() {
            self.source.beat.next = self.forwarded.q.val();
        }
        self.consumed.next = self.take.val();

        if self.reset.val() {
            self.write_pointer.d.next = 0.into();
            self.frame_start.d.next = 0.into();
            self.read_pointer.d.next = 0.into();
            self.read_next.d.next = 1.into();
            self.stored.d.next = false;
            self.forwards.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use std::collections::VecDeque;

    /// Writes frames of one to five beats, with pauses, and judges each with its last beat.
    #[derive(Default)]
    struct Writer {
        /// Beats of the frame under way, and how many it will have.
        frame: Vec<Beat>,
        length: usize,
    }

    impl Writer {
        /// Sets the inputs of a cycle. Returns the frame that is accepted in it.
        fn drive(&mut self, unit: &mut ChannelBuffer, random: &mut Random) -> Option<Vec<Beat>> {
            let writes = random.chance(80);
            unit.write.next = writes;
            unit.beat.next = random.beat();
            unit.candidate.next = false;
            unit.accept.next = false;
            unit.drop.next = false;
            if !writes {
                return None;
            }
            if self.frame.is_empty() {
                self.length = 1 + random.below(5) as usize;
            }
            self.frame.push(unit.beat.next);
            if self.frame.len() < self.length {
                return None;
            }
            let frame = std::mem::take(&mut self.frame);
            let accepts = frame.len() >= 2 && random.chance(70);
            unit.candidate.next = frame.len() >= 2;
            unit.accept.next = accepts;
            unit.drop.next = !accepts;
            accepts.then_some(frame)
        }
    }

    #[test]
    fn accepted_frames_leave_whole_from_the_cycle_of_their_verdict_on_and_others_never() {
        let seed = 12;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = ChannelBuffer::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let (mut writer, mut reference) = (Writer::default(), VecDeque::new());
        let (mut taken, mut at_once) = (0, 0);
        for _ in 0..20_000 {
            let was_empty = reference.is_empty();
            reference.extend(writer.drive(&mut unit, &mut random).into_iter().flatten());
            // Fast enough that the buffer never runs over.
            let ready = random.chance(90);
            unit.source.ready.next = ready;
            settle(&mut unit);
            assert_eq!(unit.source.valid.val(), !reference.is_empty());
            if let Some(&beat) = reference.front() {
                assert_eq!(unit.source.beat.val(), beat);
                at_once += u32::from(was_empty && ready);
            }
            assert_eq!(unit.consumed.val(), ready && !reference.is_empty());
            if ready && reference.pop_front().is_some() {
                taken += 1;
            }
            clock_cycle!(unit, clock);
        }
        assert!(taken > 5000 && at_once > 500, "{taken} {at_once}");
    }

    #[test]
    fn gate() {
        let mut writer = Writer::default();
        Gate::new("channel_buffer", ChannelBuffer::default())
            .clock(|unit| &mut unit.clock)
            .cycles(3000)
            .run(move |unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.source.ready.next = random.chance(90);
                writer.drive(unit, random);
            });
    }
}

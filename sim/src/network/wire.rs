//! A wire: beats come out as they went in, later, and damaged if a test wants them so.

use super::flit::{Beats, Flit};
use super::frame::{Frame, is_answer};
use abi::link::kind::{BULK, BULK_ANSWER, MESSAGE};
use abi::link::{Answer, Header};
use std::collections::VecDeque;

/// Damage to do to one beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which beat, counted from the start of the run.
    pub beat: u64,
    /// Bits to flip.
    pub flip: u128,
    /// Whether to flip `last`, so that frames run together or fall apart.
    pub flip_last: bool,
}

/// What to do to some frames; others stay whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tampering {
    /// The frames that are meant.
    pub frames: Frames,
    /// How many of them pass untouched first.
    pub spared: u32,
    /// What happens to all others.
    pub tamper: Tamper,
}

/// Which frames are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// All, credit frames too: the node behind the wire is gone.
    All,
    /// Messages for this receive queue (RQID).
    MessagesFor(u16),
    /// Answers to messages of this transmit queue.
    AnswersTo(u8),
    /// Frames of remote memory.
    Bulk,
    /// Answers to them that are not `ACCEPTED`.
    BulkAnswers,
}

impl Frames {
    /// Whether the frame with this first beat is meant.
    fn include(self, beat: u128) -> bool {
        let header = Header::unpack(beat);
        match self {
            Frames::All => true,
            Frames::MessagesFor(receive_queue_id) => {
                header.kind == MESSAGE as u64
                    && header.receive_queue_id == u64::from(receive_queue_id)
            }
            Frames::AnswersTo(queue) => {
                is_answer(header.kind) && Answer::unpack(beat).slot == u64::from(queue)
            }
            Frames::Bulk => header.kind == BULK as u64,
            Frames::BulkAnswers => header.kind == BULK_ANSWER as u64,
        }
    }
}

/// How a frame is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// A bit of the last beat is flipped, so that the CRC is wrong.
    Corrupt,
    /// The header has this version of the wire format, of 4 bits, and the CRC is right: a peer of another revision.
    Version(u8),
    /// The header names this node as the destination, and the CRC is right: a switch that has gone astray.
    Destination(u16),
    /// The header names this node as the source, and the CRC is right: a peer that speaks for another.
    Source(u16),
    /// These bits of this beat are flipped, and the CRC is right: a peer that lies.
    Forged {
        /// Which beat of the frame.
        beat: usize,
        /// Which bits.
        bits: u128,
    },
}

impl Tamper {
    /// The first beat of a frame, changed. Answers have these fields in the same places.
    fn header(self, beat: u128) -> u128 {
        let mut header = Header::unpack(beat);
        match self {
            Tamper::Version(version) => header.version = version.into(),
            Tamper::Destination(node) => header.destination_node = node.into(),
            Tamper::Source(node) => header.source_node = node.into(),
            Tamper::Corrupt | Tamper::Forged { .. } => {}
        }
        header.pack()
    }
}

/// One direction of a link.
#[derive(Debug)]
pub struct Wire {
    delay_cycles: u64,
    cycles_per_beat: u64,
    free_at: u64,
    carried: u64,
    faults: VecDeque<Fault>,
    tampering: Option<Tampering>,
    /// Beats of the frame under way, as they were sent on.
    frame: Vec<u128>,
    /// The frame under way is to be changed.
    changed: bool,
    in_flight: Beats,
}

impl Wire {
    /// A wire of this delay that takes one beat every `cycles_per_beat` core cycles (1: the stream's raw rate).
    pub fn new(delay_cycles: u64, cycles_per_beat: u64) -> Self {
        Wire {
            delay_cycles,
            cycles_per_beat: cycles_per_beat.max(1),
            free_at: 0,
            carried: 0,
            faults: VecDeque::new(),
            tampering: None,
            frame: Vec::new(),
            changed: false,
            in_flight: Beats::new(),
        }
    }

    /// Damage to do, in ascending order of beats.
    pub fn set_faults(&mut self, faults: Vec<Fault>) {
        assert!(
            faults.is_sorted_by_key(|fault| fault.beat),
            "faults come in order of their beats"
        );
        self.faults = faults.into();
    }

    /// Frames to change.
    pub fn set_tampering(&mut self, tampering: Option<Tampering>) {
        self.tampering = tampering;
    }

    /// Changes a beat of a frame that is meant.
    fn tamper(&mut self, flit: &mut Flit) {
        let Some(tampering) = &mut self.tampering else {
            return;
        };
        if self.frame.is_empty() {
            let is_meant = tampering.frames.include(flit.data);
            self.changed = is_meant && tampering.spared == 0;
            tampering.spared -= u32::from(is_meant && !self.changed);
            if self.changed {
                flit.data = tampering.tamper.header(flit.data);
            }
        }
        if let (true, Tamper::Forged { beat, bits }) = (self.changed, tampering.tamper)
            && beat == self.frame.len()
        {
            flit.data ^= bits;
        }
        self.frame.push(flit.data);
        if flit.last {
            let beats = std::mem::take(&mut self.frame);
            if self.changed && tampering.tamper == Tamper::Corrupt {
                flit.data ^= 1;
            } else if self.changed {
                let sealed = Frame::sealed(beats);
                flit.data = sealed.beats.last().copied().unwrap_or(flit.data);
            }
        }
    }

    /// Whether the wire takes a beat in this cycle.
    pub fn ready(&self, cycle: u64) -> bool {
        cycle >= self.free_at
    }

    /// Takes a beat in this cycle.
    pub fn send(&mut self, cycle: u64, mut flit: Flit) {
        while let Some(fault) = self
            .faults
            .front()
            .filter(|fault| fault.beat <= self.carried)
        {
            if fault.beat == self.carried {
                flit.data ^= fault.flip;
                flit.last ^= fault.flip_last;
            }
            self.faults.pop_front();
        }
        self.tamper(&mut flit);
        self.carried += 1;
        self.free_at = cycle + self.cycles_per_beat;
        self.in_flight.push((cycle + self.delay_cycles, flit));
    }

    /// Takes out every beat under way, each with the cycle in which it arrives.
    pub fn take(&mut self) -> Beats {
        std::mem::take(&mut self.in_flight)
    }

    /// Beats carried so far.
    pub fn carried(&self) -> u64 {
        self.carried
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_comes_out_after_the_delay_and_damaged_as_asked() {
        let mut wire = Wire::new(3, 2);
        wire.set_faults(vec![Fault {
            beat: 1,
            flip: 0b100,
            flip_last: true,
        }]);
        for (cycle, data) in [(0, 7), (2, 7)] {
            assert!(wire.ready(cycle));
            wire.send(cycle, Flit { data, last: false });
            assert!(!wire.ready(cycle + 1), "half rate");
        }
        let arrived: Vec<_> = wire.take().into_vec();
        assert_eq!(
            arrived,
            [
                (
                    3,
                    Flit {
                        data: 7,
                        last: false
                    }
                ),
                (
                    5,
                    Flit {
                        data: 3,
                        last: true
                    }
                )
            ]
        );
        assert_eq!(wire.carried(), 2);
    }

    #[test]
    fn only_the_frames_that_are_meant_change() {
        let message = |receive_queue_id: u64, fill: u128| {
            let header = Header {
                kind: MESSAGE as u64,
                version: abi::link::VERSION as u64,
                receive_queue_id,
                ..Header::default()
            };
            Frame::sealed(vec![header.pack(), fill, fill])
        };
        let frames = [message(7, 1), message(8, 2), message(7, 3), message(8, 4)];
        for tamper in [
            Tamper::Corrupt,
            Tamper::Version(9),
            Tamper::Destination(5),
            Tamper::Source(6),
            Tamper::Forged { beat: 1, bits: 6 },
        ] {
            let mut wire = Wire::new(0, 1);
            wire.set_tampering(Some(Tampering {
                frames: Frames::MessagesFor(7),
                spared: 1,
                tamper,
            }));
            let mut cycle = 0;
            for frame in &frames {
                for (index, &data) in frame.beats.iter().enumerate() {
                    let last = index == 2;
                    wire.send(cycle, Flit { data, last });
                    cycle += 1;
                }
            }
            let mut assembler = crate::network::FrameAssembler::default();
            let arrived: Vec<Frame> = wire
                .take()
                .into_iter()
                .filter_map(|(_, flit)| assembler.push(flit))
                .collect();
            for index in [0, 1, 3] {
                assert_eq!(arrived[index], frames[index]);
            }
            assert_ne!(arrived[2], frames[2]);
            let header = arrived[2].header();
            match tamper {
                Tamper::Corrupt => assert!(!arrived[2].is_whole()),
                Tamper::Version(other) => {
                    assert!(arrived[2].is_whole());
                    assert_eq!(header.version, u64::from(other));
                }
                Tamper::Destination(other) => {
                    assert!(arrived[2].is_whole());
                    assert_eq!(arrived[2].destination(), other);
                }
                Tamper::Source(other) => {
                    assert!(arrived[2].is_whole());
                    assert_eq!(header.source_node, u64::from(other));
                }
                Tamper::Forged { beat, bits } => {
                    assert!(arrived[2].is_whole());
                    assert_eq!(arrived[2].beats[beat], frames[2].beats[beat] ^ bits);
                }
            }
        }
    }
}

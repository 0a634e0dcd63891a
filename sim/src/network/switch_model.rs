//! A stand-in for a switch: store and forward, one output queue for each port and virtual channel, the NIU's own link
//! protocol (`abi::link`) on every port. Not RTL: it exists so that more than two NIUs can talk.

use super::flit::Flit;
use super::frame::{Frame, FrameAssembler, is_answer};
use abi::link::kind::{CREDIT, Kind};
use abi::link::{Credit, VERSION};
use std::collections::VecDeque;

/// Beats that each port accepts ahead on each virtual channel.
const BUFFER_BEATS: u16 = 512;
/// A credit frame goes out at the latest after so many cycles.
const CREDIT_INTERVAL_CYCLES: u64 = 512;
/// A credit frame goes out once so many beats were freed.
const CREDIT_STEP_BEATS: u16 = 64;

/// One port: the switch's end of one NIU's link.
#[derive(Debug, Default)]
struct Port {
    assembler: FrameAssembler,
    /// Beats received on each channel, and those of them that have left the switch again.
    freed: [u16; 2],
    told: [u16; 2],
    last_credit: Option<u64>,
    sent: [u16; 2],
    limit: [u16; 2],
    /// Frames to the NIU that take credits, with the port they came from.
    output: [VecDeque<(usize, Frame)>; 2],
    /// Answers and pings to the NIU: they take none.
    answers: VecDeque<Frame>,
    /// Beats of the frame that is going out.
    leaving: VecDeque<Flit>,
    channel_turn: usize,
}

/// A switch with one port for each node; node numbers are port numbers.
#[derive(Debug)]
pub struct SwitchModel {
    ports: Vec<Port>,
    /// Frames that were broken or led nowhere; a switch drops such.
    pub dropped: u64,
}

impl SwitchModel {
    /// A switch for nodes 0 to `ports` - 1.
    pub fn new(ports: usize) -> Self {
        SwitchModel {
            ports: (0..ports).map(|_| Port::default()).collect(),
            dropped: 0,
        }
    }

    /// A beat comes in from a NIU.
    pub fn receive(&mut self, port: usize, flit: Flit) {
        let Some(frame) = self.ports[port].assembler.push(flit) else {
            return;
        };
        if !frame.is_whole() {
            self.dropped += 1;
            return;
        }
        let destination = usize::from(frame.destination());
        match frame.kind() {
            Some(Kind::Credit) => {
                let credit = Credit::unpack(frame.beats[0]);
                self.ports[port].limit = [credit.limit_0, credit.limit_1].map(|limit| limit as u16);
                // What was lost on the way counts as freed.
                let sent = [credit.sent_0, credit.sent_1].map(|sent| sent as u16);
                self.resynchronise(port, sent);
            }
            Some(Kind::Message | Kind::Packet | Kind::Bulk) if destination < self.ports.len() => {
                let channel = frame.virtual_channel();
                self.ports[destination].output[channel].push_back((port, frame));
            }
            Some(kind) if is_free(kind) && destination < self.ports.len() => {
                self.ports[destination].answers.push_back(frame)
            }
            _ => {
                self.dropped += 1;
                if frame.takes_credits() {
                    let beats = frame.beats.len() as u16;
                    let freed = &mut self.ports[port].freed[frame.virtual_channel()];
                    *freed = freed.wrapping_add(beats);
                }
            }
        }
    }

    /// The port's NIU says how many beats it has sent: those that are neither here nor gone through were lost.
    fn resynchronise(&mut self, port: usize, sent: [u16; 2]) {
        for (channel, sent) in sent.into_iter().enumerate() {
            let waiting: usize = self
                .ports
                .iter()
                .flat_map(|other| &other.output[channel])
                .filter(|(source, _)| *source == port)
                .map(|(_, frame)| frame.beats.len())
                .sum();
            self.ports[port].freed[channel] = sent.wrapping_sub(waiting as u16);
        }
    }

    /// The beat that goes out to a NIU in this cycle.
    pub fn send(&mut self, port: usize, cycle: u64) -> Option<Flit> {
        if self.ports[port].leaving.is_empty() {
            let frame = self.next_frame(port, cycle)?;
            let beats = frame.beats.len();
            self.ports[port].leaving = frame
                .beats
                .into_iter()
                .enumerate()
                .map(|(n, data)| Flit {
                    data,
                    last: n + 1 == beats,
                })
                .collect();
        }
        self.ports[port].leaving.pop_front()
    }

    fn next_frame(&mut self, port: usize, cycle: u64) -> Option<Frame> {
        if let Some(frame) = self.credit_frame(port, cycle) {
            return Some(frame);
        }
        let state = &mut self.ports[port];
        if let Some(frame) = state.answers.pop_front() {
            return Some(frame);
        }
        for turn in 0..2 {
            let channel = (state.channel_turn + turn) % 2;
            let Some((_, frame)) = state.output[channel].front() else {
                continue;
            };
            let beats = frame.beats.len() as u16;
            if state.limit[channel]
                .wrapping_sub(state.sent[channel])
                .wrapping_sub(beats)
                < 0x8000
            {
                state.sent[channel] = state.sent[channel].wrapping_add(beats);
                state.channel_turn = channel + 1;
                let (source, frame) = state.output[channel].pop_front()?;
                let freed = &mut self.ports[source].freed[channel];
                *freed = freed.wrapping_add(beats);
                return Some(frame);
            }
        }
        None
    }

    fn credit_frame(&mut self, port: usize, cycle: u64) -> Option<Frame> {
        let state = &mut self.ports[port];
        let stepped = (0..2).any(|channel| {
            state.freed[channel].wrapping_sub(state.told[channel]) >= CREDIT_STEP_BEATS
        });
        let due = state
            .last_credit
            .is_none_or(|last| cycle >= last + CREDIT_INTERVAL_CYCLES);
        if !stepped && !due {
            return None;
        }
        state.last_credit = Some(cycle);
        state.told = state.freed;
        let limit = |channel: usize| state.freed[channel].wrapping_add(BUFFER_BEATS).into();
        let credit = Credit {
            kind: CREDIT as u64,
            version: VERSION as u64,
            limit_0: limit(0),
            limit_1: limit(1),
            sent_0: state.sent[0].into(),
            sent_1: state.sent[1].into(),
            ..Credit::default()
        };
        Some(Frame::sealed(vec![credit.pack()]))
    }
}

/// Whether frames of this kind go to a node without credits.
fn is_free(kind: Kind) -> bool {
    kind == Kind::Ping || is_answer(kind.code())
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::link::Header;

    fn frame(kind: Kind, destination: u64, beats: usize) -> Frame {
        let header = Header {
            kind: kind.code(),
            version: VERSION as u64,
            destination_node: destination,
            ..Header::default()
        };
        let mut words = vec![header.pack()];
        words.resize(beats, 5);
        Frame::sealed(words)
    }

    fn message(destination: u64, beats: usize) -> Frame {
        frame(Kind::Message, destination, beats)
    }

    fn feed(switch: &mut SwitchModel, port: usize, frame: &Frame) {
        for (n, &data) in frame.beats.iter().enumerate() {
            switch.receive(
                port,
                Flit {
                    data,
                    last: n + 1 == frame.beats.len(),
                },
            );
        }
    }

    fn credits(switch: &mut SwitchModel, port: usize, limit: u64, sent: u64) {
        let credit = Credit {
            kind: CREDIT as u64,
            limit_0: limit,
            sent_0: sent,
            ..Credit::default()
        };
        feed(switch, port, &Frame::sealed(vec![credit.pack()]));
    }

    fn drain(switch: &mut SwitchModel, port: usize, cycles: std::ops::Range<u64>) -> Vec<Frame> {
        let mut assembler = FrameAssembler::default();
        cycles
            .filter_map(|cycle| switch.send(port, cycle))
            .filter_map(|flit| assembler.push(flit))
            .collect()
    }

    #[test]
    fn frames_wait_for_credits_and_go_where_they_are_addressed() {
        let mut switch = SwitchModel::new(3);
        let frame = message(2, 4);
        feed(&mut switch, 0, &frame);
        let first = drain(&mut switch, 2, 0..20);
        assert_eq!(
            first.len(),
            1,
            "only the start-up credit frame: no credits yet"
        );
        credits(&mut switch, 2, 4, 0);
        assert_eq!(drain(&mut switch, 2, 20..40), vec![frame]);
        assert!(
            drain(&mut switch, 1, 0..100)
                .iter()
                .all(|frame| frame.kind() == Some(Kind::Credit))
        );
    }

    #[test]
    fn a_broken_frame_costs_no_credit_for_ever() {
        let mut switch = SwitchModel::new(2);
        let mut broken = message(1, 4);
        broken.beats[1] ^= 1;
        feed(&mut switch, 0, &broken);
        assert_eq!(switch.dropped, 1);
        credits(&mut switch, 0, 0, 4);
        let told = drain(&mut switch, 0, 0..20);
        let credit = Credit::unpack(told[0].beats[0]);
        assert_eq!(credit.limit_0, 4 + u64::from(BUFFER_BEATS));
    }

    #[test]
    fn answers_and_pings_wait_for_no_credits_and_what_nobody_knows_is_dropped() {
        const NODES: u64 = 700;
        let mut switch = SwitchModel::new(NODES as usize);
        let kinds = [Kind::Accepted, Kind::Full, Kind::Lost, Kind::Ping];
        let free: Vec<Frame> = kinds.map(|kind| frame(kind, NODES - 1, 1)).into();
        for frame in &free {
            feed(&mut switch, 3, frame);
        }
        feed(&mut switch, 3, &message(NODES - 1, 2));
        let arrived = drain(&mut switch, NODES as usize - 1, 0..20);
        assert_eq!(arrived[1..], free, "behind the first credit frame");
        for (kind, destination) in [(Kind::Packed, 1), (Kind::Nack, 1), (Kind::Accepted, NODES)] {
            feed(&mut switch, 3, &frame(kind, destination, 1));
        }
        assert_eq!(switch.dropped, 3);
        assert_eq!(switch.ports[3].freed, [0; 2], "they took no credits");
    }
}

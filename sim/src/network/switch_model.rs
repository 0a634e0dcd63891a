//! A stand-in for a switch: store and forward, one output queue for each port and virtual channel, the NIU's own link protocol
//! (`abi::link`) on every port. Not RTL: it exists so that more than two NIUs can talk.

use super::flit::Flit;
use super::frame::{Frame, FrameAssembler};
use abi::link::{self, kind::Kind};
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
    /// Acknowledgements to the NIU: they take none.
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
                let word = frame.beats[0];
                let state = &mut self.ports[port];
                state.limit = [
                    link::credit::limit_0::get(word) as u16,
                    link::credit::limit_1::get(word) as u16,
                ];
                // What was lost on the way counts as freed.
                let sent = [
                    link::credit::sent_0::get(word) as u16,
                    link::credit::sent_1::get(word) as u16,
                ];
                self.resynchronise(port, sent);
            }
            Some(Kind::Acknowledge) if destination < self.ports.len() => {
                self.ports[destination].answers.push_back(frame)
            }
            Some(Kind::Message | Kind::Packet) if destination < self.ports.len() => {
                let channel = frame.virtual_channel();
                self.ports[destination].output[channel].push_back((port, frame));
            }
            _ => {
                self.dropped += 1;
                let beats = frame.beats.len() as u16;
                let channel = frame.virtual_channel();
                self.ports[port].freed[channel] =
                    self.ports[port].freed[channel].wrapping_add(beats);
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
        let mut word = link::credit::kind::set(0, link::kind::CREDIT as u64);
        word = link::credit::version::set(word, link::VERSION as u64);
        word = link::credit::limit_0::set(word, state.freed[0].wrapping_add(BUFFER_BEATS).into());
        word = link::credit::limit_1::set(word, state.freed[1].wrapping_add(BUFFER_BEATS).into());
        word = link::credit::sent_0::set(word, state.sent[0].into());
        word = link::credit::sent_1::set(word, state.sent[1].into());
        Some(Frame::sealed(vec![word]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(destination: u64, beats: usize) -> Frame {
        let mut header = link::header::kind::set(0, link::kind::MESSAGE as u64);
        header = link::header::version::set(header, link::VERSION as u64);
        header = link::header::destination_node::set(header, destination);
        let mut words = vec![header];
        words.resize(beats, 5);
        Frame::sealed(words)
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
        let mut word = link::credit::kind::set(0, link::kind::CREDIT as u64);
        word = link::credit::limit_0::set(word, limit);
        word = link::credit::sent_0::set(word, sent);
        feed(switch, port, &Frame::sealed(vec![word]));
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
        assert_eq!(
            link::credit::limit_0::get(told[0].beats[0]),
            4 + u64::from(BUFFER_BEATS)
        );
    }
}

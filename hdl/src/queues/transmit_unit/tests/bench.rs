//! A `TransmitUnit` with a host before it and receivers behind it.

use super::super::*;
use crate::bundles::{Acknowledgement, ConfigurationWrite, Event, HostWrite};
use crate::gate::{clock_cycle, settle};
use crate::queues::test_support::configuration;
use abi::queue_state::{REGION_TRANSLATION, REGION_TRANSMIT_QUEUE, translation, transmit_control};
use std::collections::{BTreeMap, VecDeque};

/// This node.
pub const NODE: u64 = 33;

/// A message frame that left, and the cycles in which its header was offered first and its last beat was taken.
#[derive(Clone, Debug)]
pub struct Frame {
    pub header: u128,
    pub payload: Vec<u8>,
    pub offered: u64,
    pub ended: u64,
}

impl Frame {
    pub fn queue(&self) -> u64 {
        abi::link::header::source_queue::get(self.header)
    }

    pub fn slot(&self) -> u64 {
        abi::link::header::slot::get(self.header)
    }

    pub fn restart(&self) -> bool {
        abi::link::header::restart::get(self.header) == 1
    }
}

/// The unit, what is on its way to it, and everything that came out of it.
pub struct Bench {
    pub unit: TransmitUnit<6>,
    pub cycle: u64,
    /// Host writes, one a cycle.
    pub stores: VecDeque<Option<HostWrite>>,
    /// Answers with the cycle in which they come.
    pub answers: VecDeque<(u64, Acknowledgement)>,
    pub ready: bool,
    pub rooms: [bool; 2],
    pub frames: Vec<Frame>,
    /// Counter and stage pulses by name, with their cycles.
    pub pulses: BTreeMap<&'static str, Vec<u64>>,
    pub events: Vec<Event>,
    /// Shadow lines in host memory.
    pub shadows: BTreeMap<u64, u64>,
    beats: Vec<u128>,
    offered: u64,
    waiting: Option<(u128, bool)>,
    shadow_address: Option<u64>,
}

impl Bench {
    pub fn new() -> Bench {
        let mut unit = TransmitUnit::<6>::default();
        unit.connect_all();
        unit.node.next = NODE.to_bits();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        // `EndpointPage` clears its map.
        for _ in 0..abi::endpoint::PAGES {
            settle(&mut unit);
            clock_cycle!(unit, clock);
        }
        Bench {
            unit,
            cycle: 0,
            stores: VecDeque::new(),
            answers: VecDeque::new(),
            ready: true,
            rooms: [true; 2],
            frames: vec![],
            pulses: BTreeMap::new(),
            events: vec![],
            shadows: BTreeMap::new(),
            beats: vec![],
            offered: 0,
            waiting: None,
            shadow_address: None,
        }
    }

    pub fn configure(&mut self, region: usize, index: u64, word: u64) {
        self.unit.configuration.next = configuration(region, index, word);
        self.step();
        self.unit.configuration.next = ConfigurationWrite::default();
    }

    /// Endpoint page `queue` with that resident queue behind it, a window of eight destinations at `queue * 8`, and a shadow line.
    pub fn open(&mut self, queue: u64) {
        self.configure(0, queue, queue | 1 << 7 | queue << 8 | 1 << 15);
        self.configure(REGION_TRANSMIT_QUEUE, queue * 2 + 1, shadow_address(queue));
        self.enable(queue);
    }

    pub fn enable(&mut self, queue: u64) {
        let mut word = transmit_control::enabled::set(0, 1);
        word = transmit_control::virtual_channel_limit::set(word, 1);
        word = transmit_control::window_mask::set(word, 7);
        word = transmit_control::window_base::set(word, queue * 8);
        self.configure(REGION_TRANSMIT_QUEUE, queue * 2, word as u64);
    }

    /// Where a destination of a queue leads.
    pub fn lead(&mut self, queue: u64, destination: u64, node: u64, channel: u64, valid: bool) {
        let mut word = translation::node::set(0, node);
        word = translation::receive_queue_id::set(word, receive_queue_id(queue, destination));
        word = translation::virtual_channel::set(word, channel);
        word = translation::valid::set(word, u64::from(valid));
        self.configure(REGION_TRANSLATION, queue * 8 + destination, word as u64);
    }

    /// One aligned 8-byte store to BAR2. With its header it takes two beats: the cycle behind it brings none.
    pub fn store(&mut self, queue: u64, offset: u64, value: u64) {
        let upper = offset & 8 != 0;
        self.stores.push_back(Some(HostWrite {
            space: 1u64.to_bits(),
            address: (queue * 4096 + (offset & !0xf)).to_bits(),
            data: (u128::from(value) << if upper { 64 } else { 0 }).to_bits(),
            enables: if upper { 0xff00u64 } else { 0x00ff }.to_bits(),
            single: true,
            last: true,
        }));
        self.stores.push_back(None);
    }

    pub fn express(&mut self, queue: u64, destination: u64, tag: u64, value: u64) {
        self.store(queue, 2048 + destination * 32 + tag * 8, value);
    }

    /// Composes a Basic message in a slot; a producer store launches it.
    pub fn compose(&mut self, queue: u64, slot: u64, header: u64, payload: &[u8]) {
        let mut bytes = header.to_le_bytes().to_vec();
        bytes.extend(payload);
        for (beat, chunk) in bytes.chunks(16).enumerate() {
            let mut lanes = [0; 16];
            lanes[..chunk.len()].copy_from_slice(chunk);
            self.stores.push_back(Some(HostWrite {
                space: 2u64.to_bits(),
                address: (queue * 4096 + slot % 16 * 256 + beat as u64 * 16).to_bits(),
                data: u128::from_le_bytes(lanes).to_bits(),
                enables: ((1u64 << chunk.len()) - 1).to_bits(),
                single: false,
                last: (beat + 1) * 16 >= bytes.len(),
            }));
        }
    }

    /// Answers a frame `delay` cycles from now.
    pub fn answer(&mut self, frame: &Frame, status: usize, delay: u64) {
        let acknowledgement = Acknowledgement {
            node: abi::link::header::destination_node::get(frame.header).to_bits(),
            queue: frame.queue().to_bits(),
            slot: frame.slot().to_bits(),
            status: status.to_bits(),
        };
        self.answers
            .push_back((self.cycle + delay, acknowledgement));
    }

    pub fn pulses(&self, name: &str) -> &[u64] {
        self.pulses.get(name).map_or(&[], Vec::as_slice)
    }

    pub fn steps(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.step();
        }
    }

    pub fn step(&mut self) {
        let unit = &mut self.unit;
        let store = self.stores.pop_front().flatten();
        unit.write_valid.next = store.is_some();
        unit.write.next = store.unwrap_or_default();
        let due = self
            .answers
            .front()
            .is_some_and(|(due, _)| *due <= self.cycle);
        unit.acknowledge_valid.next = due;
        if due {
            unit.acknowledgement.next = self.answers.pop_front().unwrap().1;
        }
        unit.frame.ready.next = self.ready;
        unit.shadow.ready.next = true;
        unit.room_0.next = self.rooms[0];
        unit.room_1.next = self.rooms[1];
        settle(unit);
        self.observe_pulses();
        self.observe_frame();
        self.observe_shadow();
        clock_cycle!(self.unit, clock);
        self.cycle += 1;
    }

    fn observe_pulses(&mut self) {
        let unit = &self.unit;
        for (name, level) in [
            ("torn_store", unit.torn_store.val()),
            ("transmit_overflow", unit.transmit_overflow.val()),
            ("too_long", unit.too_long.val()),
            ("outside_window", unit.outside_window.val()),
            ("invalid_translation", unit.invalid_translation.val()),
            ("message_sent", unit.message_sent.val()),
            ("message_accepted", unit.message_accepted.val()),
            ("message_refused", unit.message_refused.val()),
            ("restarted", unit.restarted.val()),
            ("acknowledge_timeout", unit.acknowledge_timeout.val()),
            ("acknowledge_unexpected", unit.acknowledge_unexpected.val()),
            ("composed", unit.composed.val()),
            ("granted", unit.granted.val()),
            ("translated", unit.translated.val()),
            ("acknowledged", unit.acknowledged.val()),
        ] {
            if level {
                self.pulses.entry(name).or_default().push(self.cycle);
            }
        }
        if unit.error_event_valid.val() {
            self.events.push(unit.error_event.val());
        }
    }

    fn observe_frame(&mut self) {
        let valid = self.unit.frame.valid.val();
        let beat = self.unit.frame.beat.val();
        let beat = (beat.data.to_u128(), beat.last);
        if let Some(waiting) = self.waiting {
            assert!(valid && beat == waiting, "an offered beat changed");
        }
        if valid && self.beats.is_empty() && self.waiting.is_none() {
            self.offered = self.cycle;
            let channel = abi::link::header::virtual_channel::get(beat.0);
            assert!(self.rooms[channel as usize], "a frame without credits");
        }
        self.waiting = (valid && !self.ready).then_some(beat);
        if !valid || !self.ready {
            return;
        }
        self.beats.push(beat.0);
        if beat.1 {
            let header = self.beats[0];
            assert_eq!(beat.0 >> abi::link::CRC_SHIFT, 0, "the CRC's place");
            let mut payload: Vec<u8> = self.beats[1..]
                .iter()
                .flat_map(|beat| beat.to_le_bytes())
                .collect();
            let length = abi::link::header::length::get(header) as usize;
            assert_eq!(payload.len() / 16, (length + 4).div_ceil(16), "beats");
            assert!(
                payload[length..].iter().all(|byte| *byte == 0),
                "zeros behind the payload"
            );
            payload.truncate(length);
            self.frames.push(Frame {
                header,
                payload,
                offered: self.offered,
                ended: self.cycle,
            });
            self.beats.clear();
        }
    }

    fn observe_shadow(&mut self) {
        if !self.unit.shadow.valid.val() {
            return;
        }
        let beat = self.unit.shadow.beat.val();
        let data = beat.data.to_u128();
        match self.shadow_address.take() {
            None => {
                assert_eq!(data >> 64, 8);
                self.shadow_address = Some(data as u64);
            }
            Some(address) => {
                assert!(beat.last);
                self.shadows.insert(address, data as u64);
            }
        }
    }
}

/// Shadow line of a queue.
pub fn shadow_address(queue: u64) -> u64 {
    0x4_0000_0000 + queue * 64
}

/// The name of the receive queue behind a destination.
pub fn receive_queue_id(queue: u64, destination: u64) -> u64 {
    queue * 256 + destination + 5
}

/// A transmit slot's header.
pub fn slot_header(destination: u64, length: u64, tag: u64) -> u64 {
    use abi::message::transmit_header;
    let mut word = transmit_header::destination::set(0, destination);
    word = transmit_header::length::set(word, length);
    transmit_header::tag::set(word, tag) as u64
}

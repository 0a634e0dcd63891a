//! A slow, obvious endpoint: takes one packet at a time, answers reads from plain memory, sends what it is told to.
//! It decodes and encodes byte by byte on its own, so that the bridge is not judged by its own code.

use std::collections::{BTreeMap, VecDeque};

use crate::pcie::configuration_space::BAR_BYTES;
use crate::pcie::{HostPortInputs, HostPortOutputs};

/// What the endpoint saw of one of its reads.
#[derive(Clone, Debug, Default)]
pub struct ReadSeen {
    pub bytes: Vec<u8>,
    pub completions: usize,
    pub status: u8,
    pub poisoned: bool,
    pub done: bool,
}

#[derive(Clone, Debug)]
struct OpenRead {
    read: usize,
    address: u64,
    bytes: usize,
}

/// The device under the bridge.
#[derive(Default)]
pub struct Endpoint {
    /// Bytes of BAR0, BAR2 and BAR4, by BAR and offset.
    pub registers: BTreeMap<(u8, u64), u8>,
    /// Every packet that came, in order.
    pub received: Vec<Vec<u8>>,
    /// Packets to send, in order.
    pub to_send: VecDeque<Vec<u8>>,
    /// Reads it began, in order.
    pub reads: Vec<ReadSeen>,
    /// Completions are cut at this boundary.
    pub cut: usize,
    /// Host reads are neither answered nor freed while this is set.
    pub deaf: bool,
    /// `*_allowed` is not looked at.
    pub greedy: bool,
    /// Largest number of host reads held at once.
    pub most_held: usize,
    assembling: Vec<u8>,
    held: VecDeque<Vec<u8>>,
    open: BTreeMap<u8, OpenRead>,
    sending: Option<(Vec<u8>, usize)>,
    free_pulses: u32,
    /// Alternation of tags seen: pairs of neighbouring completions with different tags.
    pub tag_changes: usize,
    last_tag: Option<u8>,
}

fn word(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn length_of(packet: &[u8]) -> usize {
    match word(&packet[2..4]) & 0x3ff {
        0 => 1024,
        length => length as usize,
    }
}

fn address_of(packet: &[u8]) -> (u64, usize) {
    if packet[0] & 0x20 == 0 {
        (word(&packet[8..12]), 12)
    } else {
        (word(&packet[8..16]), 16)
    }
}

/// Bytes of a request as `(address, enabled)`.
fn lanes(packet: &[u8]) -> Vec<(u64, bool)> {
    let (address, length) = (address_of(packet).0, length_of(packet));
    (0..4 * length)
        .map(|index| {
            let enables = match index / 4 {
                0 => packet[7] & 0xf,
                word if word == length - 1 => packet[7] >> 4,
                _ => 0xf,
            };
            (address + index as u64, enables >> (index % 4) & 1 == 1)
        })
        .collect()
}

impl Endpoint {
    pub fn new() -> Endpoint {
        Endpoint {
            cut: 128,
            ..Endpoint::default()
        }
    }

    /// Begins a read of host memory: a whole number of double words within the rules, at an IOVA.
    pub fn read(&mut self, requester: u16, tag: u8, iova: u64, bytes: usize) -> usize {
        assert!(!self.open.contains_key(&tag));
        let read = self.reads.len();
        self.reads.push(ReadSeen::default());
        self.open.insert(
            tag,
            OpenRead {
                read,
                address: iova,
                bytes,
            },
        );
        self.to_send
            .push_back(request_packet(0x00, requester, tag, iova, bytes, &[]));
        read
    }

    /// Forgets a read, as after a timeout.
    pub fn give_up(&mut self, tag: u8) {
        self.open.remove(&tag);
    }

    pub fn tag_is_free(&self, tag: u8) -> bool {
        !self.open.contains_key(&tag)
    }

    /// One cycle: what it drives, given what it is driven with.
    pub fn outputs(&mut self, inputs: &HostPortInputs) -> HostPortOutputs {
        if self.sending.is_none()
            && let Some(packet) = self.to_send.front()
        {
            let allowed = match packet[0] {
                0x00 | 0x20 => inputs.host_transmit_nonposted_allowed,
                0x0a | 0x4a => inputs.host_transmit_completion_allowed,
                _ => inputs.host_transmit_posted_allowed,
            };
            if allowed || self.greedy {
                self.sending = self.to_send.pop_front().map(|packet| (packet, 0));
            }
        }
        let mut outputs = HostPortOutputs::default();
        if self.free_pulses > 0 {
            self.free_pulses -= 1;
            outputs.host_receive_nonposted_free = true;
        }
        if let Some((packet, start)) = &self.sending {
            outputs.host_transmit_valid = true;
            for (index, byte) in packet[*start..].iter().take(16).enumerate() {
                outputs.host_transmit_data |= u128::from(*byte) << (8 * index);
            }
            outputs.host_transmit_last = start + 16 >= packet.len();
        }
        outputs
    }

    /// The clock edge at the end of the cycle.
    pub fn edge(&mut self, inputs: &HostPortInputs) {
        if inputs.host_transmit_ready
            && let Some((packet, start)) = &mut self.sending
        {
            *start += 16;
            if *start >= packet.len() {
                self.sending = None;
            }
        }
        if inputs.host_receive_valid {
            self.assembling
                .extend_from_slice(&inputs.host_receive_data.to_le_bytes());
            if inputs.host_receive_last {
                let packet = std::mem::take(&mut self.assembling);
                self.receive(packet, inputs);
            }
        }
        if !self.deaf
            && let Some(packet) = self.held.pop_front()
        {
            self.answer(&packet, inputs);
            self.free_pulses += 1;
        }
    }

    fn receive(&mut self, mut packet: Vec<u8>, inputs: &HostPortInputs) {
        let size = match packet[0] {
            0x00 | 0x0a => 12,
            0x20 => 16,
            0x40 | 0x4a => 12 + 4 * length_of(&packet),
            0x60 => 16 + 4 * length_of(&packet),
            _ => packet.len(),
        };
        packet.truncate(size);
        self.received.push(packet.clone());
        if packet.len() < size {
            return;
        }
        match packet[0] {
            0x40 | 0x60 => {
                let start = address_of(&packet).1;
                for (index, (address, enabled)) in lanes(&packet).into_iter().enumerate() {
                    if enabled && let Some(place) = place(inputs, address) {
                        self.registers.insert(place, packet[start + index]);
                    }
                }
            }
            0x00 | 0x20 => {
                self.held.push_back(packet);
                self.most_held = self.most_held.max(self.held.len());
            }
            0x0a | 0x4a => self.completion(&packet, inputs),
            _ => {}
        }
    }

    /// Checks a completion against what is open, by the rules of 2.3.1.1 spelt out.
    fn completion(&mut self, packet: &[u8], inputs: &HostPortInputs) {
        let tag = packet[10];
        self.tag_changes += usize::from(self.last_tag.is_some_and(|last| last != tag));
        self.last_tag = Some(tag);
        let Some(open) = self.open.get(&tag).cloned() else {
            panic!("completion for closed tag {tag}")
        };
        assert_eq!(word(&packet[8..10]), u64::from(inputs.config_requester));
        let read = &mut self.reads[open.read];
        read.completions += 1;
        read.status = packet[6] >> 5;
        read.poisoned |= packet[2] & 0x40 != 0;
        if packet[0] == 0x0a {
            assert_ne!(read.status, 0);
            read.done = true;
            self.open.remove(&tag);
            return;
        }
        assert_eq!(read.status, 0);
        let next = open.address + read.bytes.len() as u64;
        let left = open.bytes - read.bytes.len();
        assert_eq!(word(&[packet[6] & 0xf, packet[7]]) as usize, left & 0xfff);
        assert_eq!(u64::from(packet[11]), next & 0x7f);
        let payload = 4 * length_of(packet);
        assert!(payload <= 128 << inputs.config_maximum_payload);
        let skip = (next % 4) as usize;
        let bytes = left.min(payload - skip);
        assert_eq!(payload, (skip + bytes).next_multiple_of(4));
        read.bytes
            .extend_from_slice(&packet[12 + skip..12 + skip + bytes]);
        if bytes == left {
            read.done = true;
            self.open.remove(&tag);
        } else {
            assert_eq!((next + bytes as u64) % 64, 0, "cut away from the boundary");
        }
    }

    /// Answers a host read: registers that were never written are Unsupported Requests.
    fn answer(&mut self, packet: &[u8], inputs: &HostPortInputs) {
        let lanes = lanes(packet);
        let enabled: Vec<u64> = lanes
            .iter()
            .filter(|lane| lane.1)
            .map(|lane| lane.0)
            .collect();
        let (first, count) = match (enabled.first(), enabled.last()) {
            (Some(first), Some(last)) => (*first, (last - first + 1) as usize),
            _ => (lanes[0].0, 1),
        };
        let known = enabled.iter().all(|address| {
            place(inputs, *address).is_some_and(|place| self.registers.contains_key(&place))
        });
        let mut done = 0;
        while done < count {
            let at = first + done as u64;
            let length = (count - done).min(self.cut - at as usize % self.cut);
            let skip = (at % 4) as usize;
            let words = if known {
                (skip + length).div_ceil(4)
            } else {
                0
            };
            let left = count - done;
            let mut answer = vec![
                if known { 0x4a } else { 0x0a },
                packet[1],
                packet[2] & 0x30 | (words >> 8) as u8 & 3,
            ];
            answer.push(words as u8);
            answer.extend_from_slice(&inputs.config_requester.to_be_bytes());
            answer.push((left >> 8) as u8 & 0xf | if known { 0 } else { 1 << 5 });
            answer.push(left as u8);
            answer.extend_from_slice(&[packet[4], packet[5], packet[6], (at & 0x7f) as u8]);
            if !known {
                self.to_send.push_back(answer);
                return;
            }
            for index in 0..4 * words {
                let address = (at & !3) + index as u64;
                let byte = place(inputs, address).and_then(|place| self.registers.get(&place));
                answer.push(byte.copied().unwrap_or(0xee));
            }
            self.to_send.push_back(answer);
            done += length;
        }
    }
}

/// BAR and offset of an address.
fn place(inputs: &HostPortInputs, address: u64) -> Option<(u8, u64)> {
    let bars = [
        (0, inputs.config_bar0),
        (2, inputs.config_bar2),
        (4, inputs.config_bar4),
    ];
    let sized = bars.into_iter().zip(BAR_BYTES);
    sized.into_iter().find_map(|((bar, base), bytes)| {
        let offset = address.checked_sub(base)?;
        (inputs.config_memory_enable && offset < bytes).then_some((bar, offset))
    })
}

/// A memory request; `kind` is 0x00 to read and 0x40 to write. `payload` is as long as the double words it touches.
pub fn request_packet(
    kind: u8,
    requester: u16,
    tag: u8,
    address: u64,
    bytes: usize,
    payload: &[u8],
) -> Vec<u8> {
    let long = address >> 32 != 0;
    let skip = (address % 4) as usize;
    let words = (skip + bytes).div_ceil(4).max(1);
    let enables: Vec<u8> = (0..4 * words)
        .map(|index| u8::from((skip..skip + bytes).contains(&index)))
        .collect();
    let nibble = |lanes: &[u8]| lanes[0] | lanes[1] << 1 | lanes[2] << 2 | lanes[3] << 3;
    let first = nibble(&enables[..4]);
    let last = if words == 1 {
        0
    } else {
        nibble(&enables[4 * words - 4..])
    };
    let mut packet = vec![
        kind | if long { 0x20 } else { 0 },
        0,
        (words >> 8) as u8 & 3,
        words as u8,
    ];
    packet.extend_from_slice(&requester.to_be_bytes());
    packet.extend_from_slice(&[tag, last << 4 | first]);
    if long {
        packet.extend_from_slice(&(address & !3).to_be_bytes());
    } else {
        packet.extend_from_slice(&(address as u32 & !3).to_be_bytes());
    }
    packet.extend_from_slice(payload);
    packet
}

/// A memory write of whole double words.
pub fn write_packet(requester: u16, address: u64, payload: &[u8]) -> Vec<u8> {
    request_packet(0x40, requester, 0, address, payload.len(), payload)
}

impl Endpoint {
    /// Nothing to send and nothing to answer.
    pub fn is_idle(&self) -> bool {
        self.to_send.is_empty() && self.sending.is_none() && (self.deaf || self.held.is_empty())
    }
}

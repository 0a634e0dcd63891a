//! Frames as the receive engine gets them, made by software, slowly and obviously.

use crate::bundles::stored_header;
use crate::gate::Random;
use crate::library::stream::Beat;
use abi::link::{CRC_BYTES, CRC_SHIFT, header, kind};
use rust_hdl::prelude::*;

/// What the header of a message or firmware packet says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Frame {
    pub packet: bool,
    pub channel: u64,
    pub restart: bool,
    pub marked: bool,
    pub node: u64,
    pub slot: u64,
    pub generation: u64,
    pub index: u64,
    pub endpoint: u64,
    pub id: u64,
    pub tag: u64,
    /// What the look-up of `id` found.
    pub queue: Option<u64>,
    /// When it came: another one behind a frame that was lost.
    pub epoch: u64,
}

impl Frame {
    /// The header as it is stored.
    pub fn header(&self, length: usize) -> u128 {
        let kind = if self.packet {
            kind::PACKET
        } else {
            kind::MESSAGE
        };
        let mut word = header::kind::set(0, kind as u64);
        word = header::version::set(word, abi::link::VERSION as u64);
        word = header::virtual_channel::set(word, self.channel);
        word = header::restart::set(word, self.restart.into());
        word = header::marked::set(word, self.marked.into());
        word = header::source_node::set(word, self.node);
        word = header::slot::set(word, self.slot);
        word = header::generation::set(word, self.generation);
        word = header::index::set(word, self.index % 128);
        word = header::source_endpoint::set(word, self.endpoint);
        word = header::receive_queue_id::set(word, self.id);
        word = header::tag::set(word, self.tag);
        word = header::length::set(word, length as u64);
        word |= u128::from(self.epoch) << stored_header::GAP_EPOCH_SHIFT;
        if let Some(queue) = self.queue {
            word |= u128::from(queue) << stored_header::RECEIVE_QUEUE_SHIFT
                | 1 << stored_header::RESIDENT_BIT;
        }
        word
    }

    /// All beats of the frame: header, payload, zeros, and in the last four bytes what is not payload.
    pub fn beats(&self, payload: &[u8]) -> Vec<u128> {
        let mut bytes = payload.to_vec();
        bytes.resize((payload.len() + CRC_BYTES).next_multiple_of(16), 0);
        let mut beats = vec![self.header(payload.len())];
        beats.extend(
            bytes
                .chunks(16)
                .map(|chunk| u128::from_le_bytes(chunk.try_into().expect("whole beats"))),
        );
        *beats.last_mut().expect("a frame has a beat") |= 0x9d3c_71e5_u128 << CRC_SHIFT;
        beats
    }
}

/// A beat of a stream.
pub fn beat(word: u128, last: bool) -> Beat {
    Beat {
        data: word.to_bits(),
        last,
    }
}

/// The 128 bits of a beat.
pub fn word_of(data: Bits<128>) -> u128 {
    u128::from(data.get_bits::<64>(0).to_u64()) | u128::from(data.get_bits::<64>(64).to_u64()) << 64
}

/// The beats of whole frames, each with whether it is the last of its frame.
pub fn with_last(frames: &[Vec<u128>]) -> impl Iterator<Item = (u128, bool)> + '_ {
    frames.iter().flat_map(|frame| {
        let end = frame.len() - 1;
        let beats = frame.iter().enumerate();
        beats.map(move |(at, word)| (*word, at == end))
    })
}

/// Bytes without meaning.
pub fn random_bytes(random: &mut Random, count: usize) -> Vec<u8> {
    (0..count).map(|_| random.word() as u8).collect()
}

//! Frames made by software, slowly and obviously, for tests.

use crate::gate::Random;
use crate::library::crc32::crc32;
use crate::library::stream::Beat;
use abi::link::{acknowledgement, credit, header};
use rust_hdl::prelude::*;

/// Header of a message or packet; fields not named here may be set afterwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Header(pub u128);

impl Header {
    pub(crate) fn new(
        kind: usize,
        channel: u64,
        source: u64,
        destination: u64,
        length: usize,
    ) -> Self {
        let mut word = header::kind::set(0, kind as u64);
        word = header::version::set(word, abi::link::VERSION as u64);
        word = header::virtual_channel::set(word, channel);
        word = header::source_node::set(word, source);
        word = header::destination_node::set(word, destination);
        Self(header::length::set(word, length as u64))
    }
}

/// A frame's words with the place of the CRC left zero.
pub(crate) fn without_crc(header: Header, payload: &[u8]) -> Vec<u128> {
    let mut bytes = header.0.to_le_bytes().to_vec();
    bytes.extend(payload);
    bytes.resize((bytes.len() + 4).next_multiple_of(16), 0);
    words(&bytes)
}

/// `words` with the CRC in the last four bytes.
pub(crate) fn seal(mut words: Vec<u128>) -> Vec<u128> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let sum = crc32(&bytes[..bytes.len() - 4]);
    let last = words.last_mut().expect("a frame has a beat");
    *last = (*last & (u128::MAX >> 32)) | u128::from(sum) << 96;
    words
}

/// A credit frame.
pub(crate) fn credit_frame(limits: [u64; 2], sent: [u64; 2]) -> Vec<u128> {
    let mut word = credit::kind::set(0, abi::link::kind::CREDIT as u64);
    word = credit::version::set(word, abi::link::VERSION as u64);
    word = credit::limit_0::set(word, limits[0]);
    word = credit::limit_1::set(word, limits[1]);
    word = credit::sent_0::set(word, sent[0]);
    seal(vec![credit::sent_1::set(word, sent[1])])
}

/// An acknowledge frame.
pub(crate) fn acknowledge_frame(
    source: u64,
    destination: u64,
    queue: u64,
    slot_status: u64,
) -> Vec<u128> {
    let mut word = acknowledgement::kind::set(0, abi::link::kind::ACKNOWLEDGE as u64);
    word = acknowledgement::version::set(word, abi::link::VERSION as u64);
    word = acknowledgement::virtual_channel::set(word, 1);
    word = acknowledgement::source_node::set(word, source);
    word = acknowledgement::destination_node::set(word, destination);
    word = acknowledgement::queue::set(word, queue);
    seal(vec![acknowledgement::slot_status::set(word, slot_status)])
}

/// Sixteen bytes a word, first byte lowest.
pub(crate) fn words(bytes: &[u8]) -> Vec<u128> {
    bytes
        .chunks(16)
        .map(|chunk| {
            let mut word = [0; 16];
            word[..chunk.len()].copy_from_slice(chunk);
            u128::from_le_bytes(word)
        })
        .collect()
}

/// A beat of a stream.
pub(crate) fn beat(word: u128, last: bool) -> Beat {
    Beat {
        data: word.to_bits(),
        last,
    }
}

/// The 128 bits of a beat.
pub(crate) fn word_of(beat: Beat) -> u128 {
    u128::from(beat.data.get_bits::<64>(0).to_u64())
        | u128::from(beat.data.get_bits::<64>(64).to_u64()) << 64
}

/// Bytes without meaning.
pub(crate) fn random_bytes(random: &mut Random, count: usize) -> Vec<u8> {
    (0..count).map(|_| random.word() as u8).collect()
}

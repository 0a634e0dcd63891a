//! Frames made by software, slowly and obviously, for tests.

use crate::bundles::Answer;
use crate::bundles::stored_header::{RECEIVE_QUEUE_SHIFT, RESIDENT_BIT};
use crate::gate::Random;
use crate::library::crc32::crc32;
use crate::library::stream::Beat;
use abi::link::kind::Kind;
use abi::link::{answer, credit, header, ping};
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

/// An answer; `answer.node` is where it goes.
pub(crate) fn answer_frame(source: u64, to: Answer) -> Vec<u128> {
    let kind = 1 << abi::link::ANSWER_SHIFT | to.verdict.to_u64();
    let mut word = answer::kind::set(0, kind);
    word = answer::version::set(word, abi::link::VERSION as u64);
    word = answer::virtual_channel::set(word, 1);
    word = answer::source_node::set(word, source);
    word = answer::destination_node::set(word, to.node.to_u64());
    word = answer::slot::set(word, to.slot.to_u64());
    word = answer::generation::set(word, to.generation.to_u64());
    word = answer::base::set(word, to.base.to_u64());
    seal(vec![answer::bitmap::set(word, to.bitmap.to_u64())])
}

/// An answer without meaning to `node`.
pub(crate) fn random_answer(random: &mut Random, node: u64) -> Answer {
    Answer {
        node: node.to_bits(),
        slot: random.bits(),
        generation: random.bits(),
        base: random.bits(),
        bitmap: random.bits(),
        verdict: random.below(7).to_bits(),
    }
}

/// A ping, with the place of the CRC left zero.
pub(crate) fn ping(channel: u64, source: u64, destination: u64, about: Answer) -> u128 {
    let header = Header::new(abi::link::kind::PING, channel, source, destination, 0);
    let mut word = ping::slot::set(header.0, about.slot.to_u64());
    word = ping::generation::set(word, about.generation.to_u64());
    ping::index::set(word, about.base.to_u64())
}

/// The answer to a ping from `node`.
pub(crate) fn answer_to(ping: u128, stalled: bool) -> Answer {
    let kind = if stalled { Kind::Waiting } else { Kind::Lost };
    Answer {
        node: ping::source_node::get(ping).to_bits(),
        slot: ping::slot::get(ping).to_bits(),
        generation: ping::generation::get(ping).to_bits(),
        base: ping::index::get(ping).to_bits(),
        bitmap: 1u64.to_bits(),
        verdict: (kind.code() & 7).to_bits(),
    }
}

/// What the tests' receive map makes of an RQID's significant bits: resident or not, and the queue.
pub(crate) fn look_up(id: u64) -> (bool, u64) {
    (!id.is_multiple_of(3), ((id * 37) >> 2) & 255)
}

/// A frame as it leaves the link for the receive engine.
pub(crate) fn stored(mut words: Vec<u128>) -> Vec<u128> {
    let (resident, queue) = look_up(header::receive_queue_id::get(words[0]) & 0xfff);
    words[0] = header::acknowledge::set(header::sequence::set(words[0], 0), 0)
        | u128::from(queue) << RECEIVE_QUEUE_SHIFT
        | u128::from(resident) << RESIDENT_BIT;
    words
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

//! What the tests of the requesters share: beats, and a slow, obvious reader of request packets.

use crate::bundles::write_packet;
use crate::library::stream::Beat;
use rust_hdl::prelude::*;

pub use crate::gate::{Random, clock_cycle, settle};

/// A beat of 16 bytes as the datapath's type.
pub fn beat(data: u128, last: bool) -> Beat {
    Beat {
        data: wide(data),
        last,
    }
}

/// 128 bits from a number.
pub fn wide(data: u128) -> Bits<128> {
    let high: Bits<128> = ((data >> 64) as u64).to_bits();
    let low: Bits<128> = (data as u64).to_bits();
    (high << 64) | low
}

/// The number in 128 bits.
pub fn number(data: Bits<128>) -> u128 {
    data.to_u128()
}

/// Bytes as beats: zeroes behind the last byte.
pub fn beats_of(bytes: &[u8]) -> Vec<(u128, bool)> {
    let count = bytes.len().div_ceil(16);
    bytes
        .chunks(16)
        .enumerate()
        .map(|(index, chunk)| {
            let mut lanes = [0u8; 16];
            lanes[..chunk.len()].copy_from_slice(chunk);
            (u128::from_le_bytes(lanes), index + 1 == count)
        })
        .collect()
}

/// A memory request, read from its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub write: bool,
    pub address: u64,
    pub double_words: usize,
    pub requester: u16,
    pub tag: u8,
    /// Byte enables of the first double word, and of the last one.
    pub enables: [u8; 2],
    pub payload: Vec<u8>,
}

/// Reads a memory request and checks every rule of 2.2.7 that it can break.
///
/// # Panics
/// If it breaks one.
pub fn read_request(beats: &[u128], maximum_bytes: usize) -> Request {
    let bytes: Vec<u8> = beats.iter().flat_map(|beat| beat.to_le_bytes()).collect();
    let (write, header_bytes) = match bytes[0] {
        0x00 => (false, 12),
        0x20 => (false, 16),
        0x40 => (true, 12),
        0x60 => (true, 16),
        other => panic!("format and type {other:#x}"),
    };
    assert_eq!(bytes[1], 0, "traffic class and reserved bits");
    assert_eq!(bytes[2] & !3, 0, "attributes, poison, digest");
    let length = (usize::from(bytes[2] & 3) << 8) | usize::from(bytes[3]);
    let double_words = if length == 0 { 1024 } else { length };
    let requester = u16::from_be_bytes([bytes[4], bytes[5]]);
    let tag = bytes[6];
    let enables = [bytes[7] & 0xf, bytes[7] >> 4];
    assert!(write || enables[0] == 0xf, "first byte enables of a read");
    assert_eq!(
        enables[1] == 0,
        double_words == 1,
        "last byte enables: {enables:?}"
    );
    if double_words > 1 {
        assert!(
            [0xf, 0xe, 0xc, 8].contains(&enables[0]) && [0xf, 7, 3, 1].contains(&enables[1]),
            "gaps in the byte enables {enables:?}"
        );
    }
    let address = if header_bytes == 12 {
        u64::from(u32::from_be_bytes(bytes[8..12].try_into().unwrap()))
    } else {
        u64::from_be_bytes(bytes[8..16].try_into().unwrap())
    };
    assert_eq!(
        header_bytes == 12,
        address < 1 << 32,
        "short header below 4 GiB, and only there"
    );
    assert_eq!(address % 4, 0, "address");
    assert!(double_words * 4 <= maximum_bytes, "{double_words} too long");
    assert!(
        address % 4096 + double_words as u64 * 4 <= 4096,
        "{address:#x} + {double_words} crosses 4 KiB"
    );
    let payload_bytes = if write { double_words * 4 } else { 0 };
    let total = header_bytes + payload_bytes;
    assert_eq!(beats.len(), total.div_ceil(16), "beats");
    Request {
        write,
        address,
        double_words,
        requester,
        tag,
        enables,
        payload: bytes[header_bytes..total].to_vec(),
    }
}

/// A write packet: where, and what.
#[derive(Clone)]
pub struct Write {
    pub address: u64,
    pub bytes: Vec<u8>,
    pub marked: bool,
    /// Bytes of the first double word, and of the last one, that are not written.
    pub skips: [u8; 2],
}

impl Write {
    /// Descriptor and data.
    pub fn beats(&self) -> Vec<(u128, bool)> {
        let descriptor = u128::from(self.address)
            | (self.bytes.len() as u128) << write_packet::LENGTH_SHIFT
            | u128::from(self.marked) << write_packet::MARKED_BIT
            | u128::from(self.skips[0]) << write_packet::SKIP_FIRST_SHIFT
            | u128::from(self.skips[1]) << write_packet::SKIP_LAST_SHIFT;
        let mut beats = vec![(descriptor, false)];
        beats.extend(beats_of(&self.bytes));
        beats
    }
}

/// A write of bytes that follow from the address.
pub fn write(address: u64, length: usize) -> Write {
    let mut random = Random::new(address ^ length as u64);
    Write {
        address,
        bytes: (0..length).map(|_| random.word() as u8).collect(),
        marked: false,
        skips: [0; 2],
    }
}

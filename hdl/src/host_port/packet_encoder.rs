//! Memory requests and completions as bytes, written down from chapter 2 of the specification and
//! independent of the hardware.

use super::test_support::{Random, beats_of};

/// What a requester could say in a memory request, right or wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryRequest {
    /// Byte 0: Fmt and Type.
    pub format_type: u8,
    pub traffic_class: u8,
    pub attributes: u8,
    pub poisoned: bool,
    pub digest: bool,
    /// Double words as in the length field: 1 to 1024.
    pub length: usize,
    pub requester: u16,
    pub tag: u8,
    pub first_enables: u8,
    pub last_enables: u8,
    pub address: u64,
    /// Payload bytes, whatever the length field says.
    pub payload: Vec<u8>,
}

/// Header double words, by bit 0 of Fmt.
pub fn header_double_words(format_type: u8) -> usize {
    if format_type & 0x20 == 0 { 3 } else { 4 }
}

impl MemoryRequest {
    /// A write of whole double words.
    pub fn write(long: bool, address: u64, payload: Vec<u8>) -> Self {
        let length = payload.len() / 4;
        Self {
            format_type: if long { 0x60 } else { 0x40 },
            traffic_class: 0,
            attributes: 0,
            poisoned: false,
            digest: false,
            length,
            requester: 0x0100,
            tag: 0,
            first_enables: 0xf,
            last_enables: if length == 1 { 0 } else { 0xf },
            address,
            payload,
        }
    }

    /// A read of whole double words.
    pub fn read(long: bool, address: u64, length: usize, tag: u8) -> Self {
        Self {
            format_type: if long { 0x20 } else { 0x00 },
            length,
            last_enables: if length == 1 { 0 } else { 0xf },
            tag,
            ..Self::write(long, address, vec![])
        }
    }

    /// The packet's bytes in wire order. The digest's value does not matter: nobody checks it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![
            self.format_type,
            self.traffic_class << 4,
            (self.digest as u8) << 7
                | (self.poisoned as u8) << 6
                | self.attributes << 4
                | (self.length >> 8 & 3) as u8,
            self.length as u8,
        ];
        bytes.extend(self.requester.to_be_bytes());
        bytes.push(self.tag);
        bytes.push(self.last_enables << 4 | self.first_enables);
        if header_double_words(self.format_type) == 3 {
            bytes.extend((self.address as u32).to_be_bytes());
        } else {
            bytes.extend(self.address.to_be_bytes());
        }
        bytes.extend(&self.payload);
        if self.digest {
            bytes.extend([0xd1, 0x6e, 0x57, 0x00]);
        }
        bytes
    }

    /// The packet's beats.
    pub fn beats(&self) -> Vec<(u128, bool)> {
        beats_of(&self.bytes())
    }
}

/// A completion as the NIU's own reads get it.
pub fn completion_bytes(length: usize, status: u8, tag: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![
        if payload.is_empty() { 0x0a } else { 0x4a },
        0,
        (length >> 8 & 3) as u8,
        length as u8,
        0,
        0,
        status << 5,
        payload.len() as u8,
        1,
        0,
        tag,
        0,
    ];
    bytes.extend(payload);
    bytes
}

/// A payload of that length.
pub fn random_bytes(random: &mut Random, count: usize) -> Vec<u8> {
    (0..count).map(|_| random.word() as u8).collect()
}

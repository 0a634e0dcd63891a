//! What `PacketReceive` should make of a packet: slow and obvious, byte by byte.

use crate::configuration::ENDPOINT_SPACE_LOG2;
use crate::host_port::packet_encoder::header_double_words;

pub const BAR0: u64 = 0x0000_0000_fe40_4000;
pub const BAR2: u64 = 0x0000_0038_c100_0000;
pub const BAR4: u64 = 0x0000_0000_c200_0000;
pub const BAR2_BYTES: u64 = 1 << ENDPOINT_SPACE_LOG2;
pub const BAR4_BYTES: u64 = 2 * BAR2_BYTES;

/// One lane-beat: address in its BAR, and the value of each byte that is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Lanes {
    pub space: u64,
    pub address: u64,
    pub bytes: [Option<u8>; 16],
    pub single: bool,
    pub last: bool,
}

/// What a read request should look like: space and address count only if it is supported, nothing but `answer` if not.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    pub answer: bool,
    pub supported: Option<(u64, u64)>,
    pub length: u64,
    pub enables: (u64, u64),
    pub requester: u64,
    pub tag: u64,
    pub locked: bool,
    pub class_and_attributes: (u64, u64),
}

/// Everything that is to come out for one packet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub lanes: Vec<Lanes>,
    pub reads: Vec<Read>,
    /// Its beats, whether each is the last, and whether it is told to be malformed.
    pub completion: Vec<(u128, bool, bool)>,
    pub malformed: bool,
    pub unsupported: bool,
    pub receive_last: bool,
}

fn bar_of(address: u64) -> Option<(u64, u64)> {
    [
        (0, BAR0, 0x4000),
        (1, BAR2, BAR2_BYTES),
        (2, BAR4, BAR4_BYTES),
    ]
    .into_iter()
    .find(|&(_, base, size)| (base..base + size).contains(&address))
    .map(|(space, base, _)| (space, address - base))
}

fn enables_legal(first: u8, last: u8, length: usize, address: u64) -> bool {
    if length == 1 {
        return last == 0;
    }
    if first == 0 || last == 0 {
        return false;
    }
    if length == 2 && address.is_multiple_of(8) {
        return true;
    }
    [0x8, 0xc, 0xe, 0xf].contains(&first) && [0x1, 0x3, 0x7, 0xf].contains(&last)
}

/// The outcome of a packet that arrived as these beats, with a maximum payload of so many bytes.
pub fn outcome(beats: &[(u128, bool)], maximum_payload: usize) -> Outcome {
    let bytes: Vec<u8> = beats
        .iter()
        .flat_map(|(data, _)| data.to_le_bytes())
        .collect();
    let format_type = bytes[0];
    let header = header_double_words(format_type);
    let digest = bytes[2] >> 7 == 1;
    let poisoned = bytes[2] >> 6 & 1 == 1;
    let length = match usize::from(bytes[2] & 3) << 8 | usize::from(bytes[3]) {
        0 => 1024,
        length => length,
    };
    let (first, last) = (bytes[7] & 15, bytes[7] >> 4);
    let payload = if format_type & 0x40 != 0 { length } else { 0 };
    let expected_beats = (header + payload + usize::from(digest)).div_ceil(4);
    let right_length = expected_beats == beats.len() && 4 * payload <= maximum_payload;
    let mut outcome = Outcome::default();

    if [0x0a, 0x0b, 0x4a, 0x4b].contains(&format_type) {
        outcome.malformed = !right_length;
        let told = |&(data, last): &(u128, bool)| (data, last, last && !right_length);
        outcome.completion = beats.iter().map(told).collect();
        return outcome;
    }
    if [0x30, 0x70].contains(&(format_type & 0xf8)) {
        outcome.malformed = !right_length;
        return outcome;
    }
    let foreign = [0x02, 0x04, 0x05, 0x42, 0x44, 0x45].contains(&format_type)
        || [0x4c, 0x4d, 0x4e, 0x5b].contains(&(format_type & 0xdf));
    if foreign {
        outcome.malformed = !right_length;
        outcome.unsupported = right_length;
        outcome.reads.push(Read {
            answer: right_length,
            supported: None,
            length: 1,
            enables: (15, 0),
            requester: u16::from_be_bytes([bytes[4], bytes[5]]).into(),
            tag: bytes[6].into(),
            locked: false,
            class_and_attributes: ((bytes[1] >> 4 & 7).into(), (bytes[2] >> 4 & 3).into()),
        });
        return outcome;
    }
    let read = [0x00, 0x01, 0x20, 0x21].contains(&format_type);
    let locked = format_type & 1 == 1;
    let write = [0x40, 0x60].contains(&format_type);
    if !read && !write {
        outcome.malformed = true;
        return outcome;
    }
    let address = if header == 3 {
        u64::from(u32::from_be_bytes(bytes[8..12].try_into().unwrap()))
    } else {
        u64::from_be_bytes(bytes[8..16].try_into().unwrap())
    } & !3;
    let header_good = enables_legal(first, last, length, address)
        && address % 4096 + 4 * length as u64 <= 4096
        && !(write && poisoned);
    let target = bar_of(address).filter(|_| !locked);
    outcome.malformed = !header_good || !right_length;
    outcome.unsupported = !outcome.malformed && target.is_none();

    if read {
        outcome.reads.push(Read {
            answer: !outcome.malformed,
            supported: target,
            length: length as u64,
            enables: (first.into(), last.into()),
            requester: u16::from_be_bytes([bytes[4], bytes[5]]).into(),
            tag: bytes[6].into(),
            locked,
            class_and_attributes: ((bytes[1] >> 4 & 7).into(), (bytes[2] >> 4 & 3).into()),
        });
        return outcome;
    }
    let Some((space, offset)) = target.filter(|_| header_good && (length, first) != (1, 0)) else {
        return outcome;
    };

    // Every byte to its lane.
    let first_beat = offset / 16;
    let final_beat = (offset + 4 * length as u64 - 1) / 16;
    let mut lanes: Vec<Lanes> = (first_beat..=final_beat)
        .map(|beat| Lanes {
            space,
            address: beat * 16,
            bytes: [None; 16],
            single: length == 2 && offset.is_multiple_of(8) && first == 15 && last == 15,
            last: beat == final_beat,
        })
        .collect();
    for double_word in 0..length {
        let enables = match double_word {
            0 => first,
            n if n + 1 == length => last,
            _ => 15,
        };
        for byte in 0..4 {
            let place = offset as usize + 4 * double_word + byte;
            let source = 4 * (header + double_word) + byte;
            if enables >> byte & 1 == 1 && source < bytes.len() {
                lanes[place / 16 - first_beat as usize].bytes[place % 16] = Some(bytes[source]);
            }
        }
    }
    outcome.receive_last = right_length && space != 0;
    if 4 * payload > maximum_payload {
        return outcome;
    }
    if !right_length {
        // Packet beat k brings lane-beat k - 1, and the beat that shows the error brings none.
        let wrong_beat = expected_beats.min(beats.len()) - 1;
        let standing = wrong_beat.saturating_sub(1);
        if standing == 0 {
            lanes.clear();
        } else if standing < lanes.len() {
            lanes.truncate(standing + 1);
            lanes[standing].bytes = [None; 16];
            lanes[standing].single = false;
            lanes[standing].last = true;
        }
    }
    outcome.lanes = lanes;
    outcome
}

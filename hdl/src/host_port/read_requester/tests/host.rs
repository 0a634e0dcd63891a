//! A host that answers memory reads in any legal way, and in some that are not.

use crate::host_port::test_support::*;

/// Status codes of completions.
pub const SUCCESSFUL: u8 = 0;
/// Completer Abort.
pub const ABORT: u8 = 4;

/// What stands at a host address.
pub fn memory(address: u64) -> u8 {
    let mut random = Random::new(address);
    random.word() as u8
}

/// A request that waits for (the rest of) its data.
#[derive(Clone, Debug)]
pub struct Pending {
    pub tag: u8,
    pub address: u64,
    pub bytes: usize,
    pub sent_at: u64,
}

/// The fields of a completion; `bytes` of payload follow.
#[derive(Clone, Debug)]
pub struct Completion {
    pub format: u8,
    pub status: u8,
    pub poisoned: bool,
    /// A digest follows the payload; nobody checks it.
    pub digest: bool,
    pub length: usize,
    pub byte_count: usize,
    pub requester: u16,
    pub tag: u8,
    pub lower_address: u8,
    pub payload: Vec<u8>,
}

impl Completion {
    /// Data for the front of a request.
    pub fn data(pending: &Pending, bytes: usize, requester: u16) -> Self {
        Self {
            format: 0x4a,
            status: SUCCESSFUL,
            poisoned: false,
            digest: false,
            length: bytes / 4,
            byte_count: pending.bytes,
            requester,
            tag: pending.tag,
            lower_address: pending.address as u8 & 0x7f,
            payload: (0..bytes as u64)
                .map(|i| memory(pending.address + i))
                .collect(),
        }
    }

    /// Refusal of a request.
    pub fn refusal(pending: &Pending, status: u8, requester: u16) -> Self {
        Self {
            format: 0x0a,
            status,
            length: 0,
            payload: vec![],
            ..Self::data(pending, 4, requester)
        }
    }

    /// Whether it has another number of beats than its header says (2.2.2).
    pub fn is_malformed(&self) -> bool {
        let announced = match self.format & 0x40 {
            0 => 0,
            _ if self.length == 0 => 1024,
            _ => self.length,
        };
        let digest = usize::from(self.digest);
        self.beats().len() != (3 + announced + digest).div_ceil(4)
    }

    /// The packet as it is passed on.
    pub fn told(&self) -> Vec<Told> {
        let malformed = self.is_malformed();
        let told = |(data, last): (u128, bool)| (data, last, last && malformed);
        self.beats().into_iter().map(told).collect()
    }

    /// The packet.
    pub fn beats(&self) -> Vec<(u128, bool)> {
        let mut bytes = vec![
            self.format,
            0,
            (self.length >> 8) as u8 & 3
                | u8::from(self.poisoned) << 6
                | u8::from(self.digest) << 7,
            self.length as u8,
            0xab,
            0xcd,
            self.status << 5 | (self.byte_count >> 8) as u8 & 0xf,
            self.byte_count as u8,
        ];
        bytes.extend(self.requester.to_be_bytes());
        bytes.extend([self.tag, self.lower_address]);
        bytes.extend(&self.payload);
        if self.digest {
            bytes.extend([0xd1, 0x6e, 0x57, 0x00]);
        }
        beats_of(&bytes)
    }
}

/// The next legal piece of a request's data: to a random multiple of the read-completion boundary, or to the end.
pub fn legal_piece(pending: &Pending, boundary: u64, random: &mut Random) -> usize {
    let end = pending.address + pending.bytes as u64;
    let first = pending.address / boundary * boundary + boundary;
    let mut ends: Vec<u64> = (first..end).step_by(boundary as usize).collect();
    ends.push(end);
    let end = if random.chance(30) {
        end
    } else {
        ends[random.below(ends.len() as u64) as usize]
    };
    (end - pending.address) as usize
}

/// A beat as `PacketReceive` passes it on: data, whether it is the last, and whether the packet
/// that it ends is malformed.
pub type Told = (u128, bool, bool);

/// A completion that must be dropped, for a request that is outstanding (which it must not disturb) or for none.
pub fn junk(pending: &[Pending], requester: u16, random: &mut Random) -> Completion {
    let nobody = Pending {
        tag: 16 + random.below(240) as u8,
        address: 0,
        bytes: 64,
        sent_at: 0,
    };
    let of = if pending.is_empty() {
        &nobody
    } else {
        &pending[random.below(pending.len() as u64) as usize]
    };
    let piece = 4 * (1 + random.below(of.bytes as u64 / 4)) as usize;
    let mut junk = Completion::data(of, piece, requester);
    junk.payload = junk.payload.iter().map(|_| random.word() as u8).collect();
    match random.below(11) {
        0 => junk.tag = nobody.tag,
        1 => junk.requester ^= 1 << random.below(16),
        2 => junk.byte_count ^= 4 << random.below(10),
        3 => {
            junk = Completion {
                length: of.bytes / 4 + 1,
                payload: vec![0; of.bytes + 4],
                ..junk
            }
        }
        4 => junk.format = 0x4b,
        5 => junk.status = 1,
        // Truncated, with at least one beat less; or longer than the request.
        6 if piece > 20 => junk.payload.truncate(piece - 16),
        6 => junk.length = 0,
        7 => junk.payload.extend([0; 32]),
        // Of a single double word the stream does not tell whether it is there.
        8 => {
            junk = Completion {
                length: if piece == 4 { 0 } else { junk.length },
                payload: vec![],
                ..junk
            }
        }
        9 => {
            junk = Completion {
                format: 0x0a,
                payload: vec![],
                length: 0,
                ..junk
            }
        }
        _ => {
            junk = Completion {
                format: 0x0a,
                status: 1,
                ..junk
            };
            junk.payload.resize(40, 1);
        }
    }
    junk
}

//! A guest: its targets, its messages, and how it leaves.

use abi::endpoint::EXPRESS_TAG_BITS;
use abi::message::MAXIMUM_PAYLOAD_BYTES;
use sim::pcie::random::Random;
use std::fmt;

/// Every message says who sends it: so long is the shortest.
pub(super) const LABEL_BYTES: usize = 8;
/// In a label, beside the target: the message is a reply.
const REPLY: u8 = 0x80;

/// A guest: where it lives, and its number among those that live there one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GuestName {
    /// On which it runs.
    pub node: u16,
    /// The place on the node.
    pub place: u16,
    /// How many lived there before.
    pub number: u16,
}

impl fmt::Display for GuestName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GuestName {
            node,
            place,
            number,
        } = self;
        write!(formatter, "guest {number} of node {node}, place {place}")
    }
}

/// Where a guest sends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The node whose sink it is.
    pub node: u16,
    /// The virtual channel.
    pub channel: u8,
}

/// A message of a guest, or a reply to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GuestMessage {
    /// Which of the guest's targets it goes to.
    pub target: usize,
    /// How many go there before.
    pub sequence: u16,
    pub express: bool,
    /// Basic: launched together with the next.
    pub batched: bool,
    pub tag: u8,
    pub payload: Vec<u8>,
}

/// What a guest wants of a sink's node: with its first message there it asks for so many replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub target: usize,
    pub replies: u16,
}

/// A guest.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    pub name: GuestName,
    pub targets: Vec<Target>,
    pub messages: Vec<GuestMessage>,
    pub request: Option<Request>,
    /// It is destroyed when it has sent so many messages, whatever became of them; else when all were taken.
    pub leaves_after: Option<usize>,
    /// While it leaves, its host gives no credits for writes for so long, in nanoseconds.
    pub withheld_ns: u64,
}

impl Guest {
    /// The message to a target with this sequence number.
    pub fn message(&self, target: usize, sequence: u16) -> Option<&GuestMessage> {
        let mut to_target = self
            .messages
            .iter()
            .filter(|message| message.target == target);
        to_target.nth(sequence.into())
    }
}

/// What the first bytes of a message say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// The guest that sends it, or that gets it as a reply.
    pub guest: GuestName,
    pub is_reply: bool,
    /// Which of the guest's targets it goes to, or comes from.
    pub target: u8,
    pub sequence: u16,
}

impl Label {
    /// What the payload says; none if it is too short for a label.
    pub fn of(payload: &[u8]) -> Option<Self> {
        let bytes: &[u8; LABEL_BYTES] = payload.first_chunk()?;
        Some(Label {
            guest: GuestName {
                node: u16::from(bytes[0] >> 4),
                place: u16::from(bytes[0] & 15),
                number: u16::from_le_bytes([bytes[1], bytes[2]]),
            },
            is_reply: bytes[3] & REPLY != 0,
            target: bytes[3] & !REPLY,
            sequence: u16::from_le_bytes([bytes[4], bytes[5]]),
        })
    }

    /// The label's bytes, the last two of which `random` chooses.
    fn bytes(self, random: &mut Random) -> [u8; LABEL_BYTES] {
        let [number, sequence] = [self.guest.number, self.sequence].map(u16::to_le_bytes);
        let check = (random.next_u64() as u16).to_le_bytes();
        let reply = if self.is_reply { REPLY } else { 0 };
        [
            (self.guest.node << 4 | self.guest.place) as u8,
            number[0],
            number[1],
            reply | self.target,
            sequence[0],
            sequence[1],
            check[0],
            check[1],
        ]
    }

    /// A message with this label on a channel, all else drawn from `random`.
    pub fn message(self, channel: u8, express_of_8: u64, random: &mut Random) -> GuestMessage {
        let express = random.below(8) < express_of_8;
        let length = match random.below(4) {
            _ if express => LABEL_BYTES,
            // Often the ends.
            0 => [LABEL_BYTES, MAXIMUM_PAYLOAD_BYTES][random.below(2) as usize],
            _ => {
                LABEL_BYTES
                    + random.below((MAXIMUM_PAYLOAD_BYTES - LABEL_BYTES) as u64 + 1) as usize
            }
        };
        let tag_bits = if express { EXPRESS_TAG_BITS as u32 } else { 8 };
        let tag = (random.below(1 << (tag_bits - 1)) as u8) << 1 | channel;
        let mut payload = self.bytes(random).to_vec();
        while payload.len() < length {
            payload.extend(random.next_u64().to_le_bytes());
        }
        payload.truncate(length);
        GuestMessage {
            target: self.target.into(),
            sequence: self.sequence,
            express,
            batched: !express && random.below(2) == 0,
            tag,
            payload,
        }
    }
}

//! Frames as the network's stand-ins and traces see them.

use super::flit::Flit;
use abi::link::{self, Header, kind::Kind};

/// The last four bytes of a frame hold its CRC.
const CRC_MASK: u128 = (u32::MAX as u128) << link::CRC_SHIFT;

/// A whole frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its beats, the CRC in the last one.
    pub beats: Vec<u128>,
}

impl Frame {
    /// Puts the right CRC into a frame of these beats.
    pub fn sealed(mut beats: Vec<u128>) -> Self {
        let last = beats.last_mut().expect("a frame has beats");
        *last &= !CRC_MASK;
        let crc = crc(&beats);
        *beats.last_mut().expect("a frame has beats") |= u128::from(crc) << link::CRC_SHIFT;
        Frame { beats }
    }

    /// Whether the CRC is right.
    pub fn is_whole(&self) -> bool {
        let sent = (self.beats.last().copied().unwrap_or(0) >> link::CRC_SHIFT) as u32;
        !self.beats.is_empty() && crc(&self.beats) == sent
    }

    /// Its header. Answers and pings have the fields up to `index` in the same places.
    pub fn header(&self) -> Header {
        Header::unpack(self.beats[0])
    }

    /// What kind of frame it is.
    pub fn kind(&self) -> Option<Kind> {
        Kind::from_code(self.header().kind)
    }

    /// Where it goes; only credit frames do not say.
    pub fn destination(&self) -> u16 {
        self.header().destination_node as u16
    }

    /// 0 or 1, as the header says.
    pub fn virtual_channel(&self) -> usize {
        self.header().virtual_channel as usize
    }

    /// Whether it takes credits on its virtual channel, and waits for them.
    pub fn takes_credits(&self) -> bool {
        matches!(self.kind(), Some(Kind::Message | Kind::Packet | Kind::Bulk))
    }
}

/// Whether a frame of this kind is an answer to messages.
pub fn is_answer(kind: u64) -> bool {
    kind >> link::ANSWER_SHIFT == 1
}

/// CRC-32 over all bytes before the CRC.
fn crc(beats: &[u128]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let (last, body) = beats.split_last().expect("a frame has beats");
    for beat in body {
        hasher.update(&beat.to_le_bytes());
    }
    hasher.update(&last.to_le_bytes()[..link::CRC_SHIFT / 8]);
    hasher.finalize()
}

/// Puts beats together to frames.
#[derive(Debug, Default)]
pub struct FrameAssembler {
    beats: Vec<u128>,
}

impl FrameAssembler {
    /// Takes a beat; gives the frame that it ends.
    pub fn push(&mut self, flit: Flit) -> Option<Frame> {
        self.beats.push(flit.data);
        flit.last.then(|| Frame {
            beats: std::mem::take(&mut self.beats),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_frame_is_whole_and_any_flipped_bit_breaks_it() {
        let frame = Frame::sealed(vec![0x1234_5678, 99 << 40]);
        assert!(frame.is_whole());
        for bit in 0..256 {
            let mut damaged = frame.clone();
            damaged.beats[bit / 128] ^= 1 << (bit % 128);
            assert!(!damaged.is_whole(), "bit {bit}");
        }
    }
}

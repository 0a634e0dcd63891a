//! The stream of a core that speaks 32 bits: as [`super::stream`], a quarter as wide.
//!
//! Contract: `valid` never waits for `ready`; while `valid` is high and `ready` low, `word` does not change.

use rust_hdl::prelude::*;

/// Four bytes of a packet, byte 0 in bits 7 to 0.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Word {
    /// The bytes.
    pub data: Bits<32>,
    /// The packet ends with this word.
    pub last: Bit,
}

/// Receiving end of a stream of words.
#[derive(LogicInterface, Default)]
#[join = "WordSource"]
pub struct WordSink {
    /// A word is offered.
    pub valid: Signal<In, Bit>,
    /// The word is taken in this cycle.
    pub ready: Signal<Out, Bit>,
    /// Does not change while `valid` is high and `ready` low.
    pub word: Signal<In, Word>,
}

/// Sending end of a stream of words.
#[derive(LogicInterface, Default)]
#[join = "WordSink"]
pub struct WordSource {
    /// A word is offered.
    pub valid: Signal<Out, Bit>,
    /// The word is taken in this cycle.
    pub ready: Signal<In, Bit>,
    /// Does not change while `valid` is high and `ready` low.
    pub word: Signal<Out, Word>,
}

/// Packets of words, and the same as beats, slowly and obviously, for the tests of the converters.
#[cfg(test)]
pub(super) mod reference {
    use super::*;
    use crate::{gate::Random, library::stream::Beat};

    /// A beat with the index of its last word that counts, as the converters' ports have it.
    pub type PlacedBeat = (Beat, u64);

    /// Up to eleven random words.
    pub fn random_packet(random: &mut Random) -> Vec<u32> {
        let length = 1 + random.below(11);
        (0..length).map(|_| random.word() as u32).collect()
    }

    /// The packet as the stream of words carries it.
    pub fn words(packet: &[u32]) -> Vec<Word> {
        let end = packet.len() - 1;
        let numbered = packet.iter().enumerate();
        numbered
            .map(|(index, &data)| Word {
                data: data.to_bits(),
                last: index == end,
            })
            .collect()
    }

    /// The packet as the stream of beats carries it; of beats that are not the last, all four words count.
    pub fn beats(packet: &[u32]) -> Vec<PlacedBeat> {
        let count = packet.len().div_ceil(4);
        let numbered = packet.chunks(4).enumerate();
        numbered
            .map(|(index, chunk)| {
                let data = chunk.iter().enumerate().fold(0, |data, (place, &word)| {
                    data | u128::from(word) << (32 * place)
                });
                let beat = Beat {
                    data: data.to_bits(),
                    last: index + 1 == count,
                };
                (beat, chunk.len() as u64 - 1)
            })
            .collect()
    }
}

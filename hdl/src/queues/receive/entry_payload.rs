//! A message's payload between its frame and its entry.

use crate::library::stream::Beat;
use rust_hdl::prelude::*;

/// Bytes of payload that stand in an entry's first beat, behind the descriptor.
const HEAD_BYTES: usize = abi::message::EXPRESS_PAYLOAD_BYTES;
/// Bytes of a beat.
const BEAT_BYTES: usize = 16;

/// Takes payload from a frame and offers it in the two pieces in which it is written: the first 8 bytes, and the rest shifted
/// down by them.
///
/// Contract: `open` while no message is under way; `first` takes its first beat. `length` is settled in the cycle behind, in
/// which `measure` is high. The frame's later beats are taken while `fetch`, one ahead of what is offered, so that `data`
/// comes from registers.
///
/// Latency: `data` can be offered two cycles behind `first`, then every cycle.
#[derive(LogicBlock)]
pub struct EntryPayload {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// No message is under way.
    pub open: Signal<In, Bit>,
    /// Pulse while `open`: `beat` is the first of a message, and taken.
    pub first: Signal<In, Bit>,
    /// Payload bytes of the message.
    pub length: Signal<In, Bits<8>>,
    /// Pulse in the cycle behind `first`.
    pub measure: Signal<In, Bit>,
    /// Beats may be taken.
    pub fetch: Signal<In, Bit>,
    /// A beat of the frame is offered.
    pub beat_valid: Signal<In, Bit>,
    /// The beat.
    pub beat: Signal<In, Beat>,
    /// It is taken in this cycle.
    pub beat_ready: Signal<Out, Bit>,
    /// The frame's last beat was taken here.
    pub ended: Signal<Out, Bit>,
    /// Bytes 0 to 7.
    pub head: Signal<Out, Bits<64>>,
    /// There are more than these.
    pub is_long: Signal<Out, Bit>,
    /// Bytes from byte 8 on, rounded up to double words.
    pub bytes: Signal<Out, Bits<9>>,
    /// The next 16 bytes from byte 8 on are there.
    pub valid: Signal<Out, Bit>,
    /// These bytes; zeros behind the frame's end.
    pub data: Signal<Out, Bits<128>>,
    /// They are the last.
    pub last: Signal<Out, Bit>,
    /// Pulse: they are taken in this cycle; only with `valid`.
    pub take: Signal<In, Bit>,
    done: DFF<Bit>,
    first_bytes: DFF<Bits<64>>,
    /// The 8 bytes that come next.
    held: DFF<Bits<64>>,
    /// The beat behind them, if `ahead_valid`.
    ahead: DFF<Bits<128>>,
    ahead_valid: DFF<Bit>,
    long: DFF<Bit>,
    written_bytes: DFF<Bits<9>>,
    /// Beats that are still to be taken.
    beats_left: DFF<Bits<4>>,
    incoming: Signal<Local, Bits<128>>,
    above: Signal<Local, Bits<64>>,
    fetches: Signal<Local, Bit>,
    wide_length: Signal<Local, Bits<9>>,
    word_sum: Signal<Local, Bits<9>>,
    beat_sum: Signal<Local, Bits<9>>,
    /// To round `length - 8` up to double words, modulo 2^9.
    to_words: Constant<Bits<9>>,
    word_mask: Constant<Bits<9>>,
    /// To round `length - 8` up to beats.
    to_beats: Constant<Bits<9>>,
}

impl Default for EntryPayload {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            open: Default::default(),
            first: Default::default(),
            length: Default::default(),
            measure: Default::default(),
            fetch: Default::default(),
            beat_valid: Default::default(),
            beat: Default::default(),
            beat_ready: Default::default(),
            ended: Default::default(),
            head: Default::default(),
            is_long: Default::default(),
            bytes: Default::default(),
            valid: Default::default(),
            data: Default::default(),
            last: Default::default(),
            take: Default::default(),
            done: Default::default(),
            first_bytes: Default::default(),
            held: Default::default(),
            ahead: Default::default(),
            ahead_valid: Default::default(),
            long: Default::default(),
            written_bytes: Default::default(),
            beats_left: Default::default(),
            incoming: Default::default(),
            above: Default::default(),
            fetches: Default::default(),
            wide_length: Default::default(),
            word_sum: Default::default(),
            beat_sum: Default::default(),
            to_words: Constant::new(((1usize << 9) + 3 - HEAD_BYTES).to_bits()),
            word_mask: Constant::new(0x1fcu64.to_bits()),
            to_beats: Constant::new((BEAT_BYTES - 1 - HEAD_BYTES).to_bits()),
        }
    }
}

impl Logic for EntryPayload {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            done,
            first_bytes,
            held,
            ahead,
            ahead_valid,
            long,
            written_bytes,
            beats_left
        );
        self.incoming.next = self.beat.val().data;
        self.wide_length.next = bit_cast::<9, 8>(self.length.val());
        self.word_sum.next = self.wide_length.val() + self.to_words.val();
        self.beat_sum.next = self.wide_length.val() + self.to_beats.val();
        if self.measure.val() {
            self.long.d.next = self.length.val() > abi::message::EXPRESS_PAYLOAD_BYTES.to_bits();
            self.written_bytes.d.next = self.word_sum.val() & self.word_mask.val();
            self.beats_left.d.next = self.beat_sum.val().get_bits::<4>(4);
        }

        self.ended.next = self.done.q.val();
        self.head.next = self.first_bytes.q.val();
        self.is_long.next = self.long.q.val();
        self.bytes.next = self.written_bytes.q.val();
        self.valid.next = self.ahead_valid.q.val() | self.done.q.val();
        self.last.next = self.beats_left.q.val() == 1;
        self.above.next = 0.into();
        if self.ahead_valid.q.val() {
            self.above.next = self.ahead.q.val().get_bits::<64>(0);
        }
        self.data.next =
            bit_cast::<128, 64>(self.held.q.val()) | (bit_cast::<128, 64>(self.above.val()) << 64);

        if self.take.val() {
            self.held.d.next = self.ahead.q.val().get_bits::<64>(64);
            self.ahead_valid.d.next = false;
            self.beats_left.d.next = self.beats_left.q.val() - 1;
        }
        if self.open.val() {
            self.first_bytes.d.next = self.incoming.val().get_bits::<64>(0);
            self.held.d.next = self.incoming.val().get_bits::<64>(64);
            self.ahead_valid.d.next = false;
            self.done.d.next = self.first.val() & self.beat.val().last;
        }
        self.fetches.next =
            self.fetch.val() & !self.done.q.val() & (!self.ahead_valid.q.val() | self.take.val());
        self.beat_ready.next = self.fetches.val();
        if self.fetches.val() & self.beat_valid.val() {
            self.ahead.d.next = self.incoming.val();
            self.ahead_valid.d.next = true;
            self.done.d.next = self.beat.val().last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    /// Messages of every length, in frames with pauses, to a requester with pauses.
    #[test]
    fn payload_of_every_length_arrives_whole_and_shifted() {
        let seed = 3;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = EntryPayload::default();
        unit.connect_all();
        settle(&mut unit);
        for length in 0..=248usize {
            let payload: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
            // The frame's beats hold four more bytes, of the CRC.
            let beats: Vec<u128> = (0..(length + 4).div_ceil(16))
                .map(|beat| {
                    let mut bytes = [0; 16];
                    let part = &payload[(16 * beat).min(length)..(16 * beat + 16).min(length)];
                    bytes[..part.len()].copy_from_slice(part);
                    u128::from_le_bytes(bytes)
                })
                .collect();
            let (mut next, mut rest, mut cycle) = (0, Vec::new(), 0);
            unit.length.next = (length as u64).to_bits();
            loop {
                let offers = next < beats.len() && (cycle == 0 || random.chance(70));
                let beat = if offers { beats[next] } else { 0 };
                unit.open.next = cycle == 0;
                unit.first.next = cycle == 0;
                unit.measure.next = cycle == 1;
                unit.fetch.next = cycle > 0;
                unit.beat_valid.next = offers;
                unit.beat.next = Beat {
                    data: beat.to_bits(),
                    last: next + 1 == beats.len(),
                };
                unit.take.next = false;
                settle(&mut unit);
                let takes =
                    cycle >= 2 && unit.is_long.val() && unit.valid.val() && random.chance(70);
                unit.take.next = takes;
                settle(&mut unit);
                let last = unit.last.val();
                if takes {
                    rest.extend(unit.data.val().to_u128().to_le_bytes());
                }
                next += usize::from(cycle == 0 || (offers && unit.beat_ready.val()));
                clock_cycle!(unit, clock);
                cycle += 1;
                assert!(cycle < 200, "{length} bytes hang");
                let written = takes && last || cycle >= 2 && !unit.is_long.val();
                if written && unit.ended.val() {
                    break;
                }
            }
            assert_eq!(next, beats.len(), "{length} bytes: the frame is used up");
            let head = unit.head.val().to_u64().to_le_bytes();
            assert_eq!(head[..length.min(8)], payload[..length.min(8)]);
            assert_eq!(unit.is_long.val(), length > 8);
            if length > 8 {
                assert_eq!(
                    unit.bytes.val().to_u64() as usize,
                    (length - 8).div_ceil(4) * 4
                );
                assert_eq!(rest.len(), (length - 8).div_ceil(16) * 16);
                assert_eq!(rest[..length - 8], payload[8..]);
                assert!(rest[length - 8..].iter().all(|&byte| byte == 0));
            }
        }
    }

    #[test]
    fn gate() {
        Gate::new("entry_payload", EntryPayload::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, _| {
                unit.open.next = random.chance(20);
                unit.first.next = random.chance(50);
                unit.length.next = random.bits();
                unit.measure.next = random.chance(20);
                unit.fetch.next = random.chance(80);
                unit.beat_valid.next = random.chance(70);
                unit.beat.next = random.beat();
                unit.take.next = random.chance(50);
            });
    }
}

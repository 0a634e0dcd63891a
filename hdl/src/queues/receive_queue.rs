//! A resident receive queue: its name, its ring's shape, its indices.

use super::queue_select::QueueWord;
use rust_hdl::prelude::*;

/// One resident receive queue (V14, V15, V18).
///
/// `producer` counts entries written since the control word was; `level` those that the host has not given back. Both are
/// modulo 2^16, and the ring is full when `level` is its number of entries.
///
/// Contract: `match_valid` compares `match_id` with the queue's name and remembers the answer until the next `match_valid`;
/// from the cycle after it the outputs down to `phase` are the queue's if it was the one, else zero, so that they may be
/// or-ed over all queues. Firmware gives no two queues the same name. Writing the control word forgets the match: an
/// `advance` for the ring that was is lost. `full` counts the last `advance` at once, and entries that are given back a cycle
/// later. A consumer index is judged in the cycle after its own; the page hands over no two in consecutive cycles (a store
/// takes two beats).
#[derive(LogicBlock)]
pub struct ReceiveQueue {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Which queue this is; constant.
    pub number: Signal<In, Bits<4>>,
    /// `abi::queue_state::receive_control`.
    pub configuration: Signal<In, QueueWord>,
    /// The host gives back entries of `consumer_queue` up to `consumer_index`.
    pub consumer_valid: Signal<In, Bit>,
    /// Queue concerned.
    pub consumer_queue: Signal<In, Bits<4>>,
    /// Entries given back since the queue was enabled, modulo 2^16.
    pub consumer_index: Signal<In, Bits<16>>,
    /// A message looks for its queue.
    pub match_valid: Signal<In, Bit>,
    /// The name (RQID) it looks for.
    pub match_id: Signal<In, Bits<16>>,
    /// Payload bytes of the message.
    pub match_length: Signal<In, Bits<8>>,
    /// Pulse: the message stands in the matched queue's ring.
    pub advance: Signal<In, Bit>,
    /// This is the queue.
    pub matched: Signal<Out, Bit>,
    /// The message is longer than the ring's entries hold.
    pub too_small: Signal<Out, Bit>,
    /// No entry is free.
    pub full: Signal<Out, Bit>,
    /// Byte offset of the next entry in the ring.
    pub entry_offset: Signal<Out, Bits<24>>,
    /// Phase bit of the next entry.
    pub phase: Signal<Out, Bit>,
    /// Pulse: a consumer index that gives back more than was delivered was ignored.
    pub bad_consumer: Signal<Out, Bit>,

    enabled: DFF<Bit>,
    receive_queue_id: DFF<Bits<16>>,
    /// Bytes of an entry.
    stride: DFF<Bits<9>>,
    /// Entries of the ring, less one.
    entry_mask: DFF<Bits<16>>,
    /// Longest payload of an entry.
    longest: DFF<Bits<8>>,
    producer: DFF<Bits<16>>,
    /// Where `producer` stands in the ring: kept beside it, so that no shift lies in a message's way.
    offset: DFF<Bits<24>>,
    level: DFF<Bits<16>>,
    /// A consumer index came in the cycle before, and the level that it would leave.
    consumed: DFF<Bit>,
    level_left: DFF<Bits<16>>,
    is_full: DFF<Bit>,
    is_matched: DFF<Bit>,
    is_too_small: DFF<Bit>,

    control: Signal<Local, Bit>,
    control_word: Signal<Local, Bits<64>>,
    entries: Signal<Local, Bits<16>>,
    entries_log2: Signal<Local, Bits<4>>,
    new_stride: Signal<Local, Bits<4>>,
    stride_bytes: Signal<Local, Bits<9>>,
    payload_bytes: Signal<Local, Bits<9>>,
    /// The bit of an index that counts laps.
    lap: Signal<Local, Bits<16>>,
    lap_of_level: Signal<Local, Bits<16>>,
    lap_of_producer: Signal<Local, Bits<16>>,
    /// Zero at the last entry of the ring.
    entries_behind: Signal<Local, Bits<16>>,
    /// Not zero: the ring has room for more than one entry.
    entries_left: Signal<Local, Bits<16>>,
    stored: Signal<Local, Bit>,
    new_level: Signal<Local, Bits<16>>,
    legal: Signal<Local, Bit>,
    kept_level: Signal<Local, Bits<16>>,
    lowered_level: Signal<Local, Bits<16>>,
    written: Signal<Local, Bit>,
    one: Constant<Bits<16>>,
    one_byte: Constant<Bits<9>>,
    entry_header: Constant<Bits<9>>,
}

impl Default for ReceiveQueue {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            number: Default::default(),
            configuration: Default::default(),
            control_word: Default::default(),
            consumer_valid: Default::default(),
            consumer_queue: Default::default(),
            consumer_index: Default::default(),
            match_valid: Default::default(),
            match_id: Default::default(),
            match_length: Default::default(),
            advance: Default::default(),
            matched: Default::default(),
            too_small: Default::default(),
            full: Default::default(),
            entry_offset: Default::default(),
            phase: Default::default(),
            bad_consumer: Default::default(),
            enabled: Default::default(),
            receive_queue_id: Default::default(),
            stride: Default::default(),
            entry_mask: Default::default(),
            longest: Default::default(),
            producer: Default::default(),
            offset: Default::default(),
            level: Default::default(),
            consumed: Default::default(),
            level_left: Default::default(),
            is_full: Default::default(),
            is_matched: Default::default(),
            is_too_small: Default::default(),
            control: Default::default(),
            entries: Default::default(),
            entries_log2: Default::default(),
            new_stride: Default::default(),
            stride_bytes: Default::default(),
            payload_bytes: Default::default(),
            lap: Default::default(),
            lap_of_level: Default::default(),
            lap_of_producer: Default::default(),
            entries_behind: Default::default(),
            entries_left: Default::default(),
            stored: Default::default(),
            new_level: Default::default(),
            legal: Default::default(),
            kept_level: Default::default(),
            lowered_level: Default::default(),
            written: Default::default(),
            one: Constant::new(1u64.to_bits()),
            one_byte: Constant::new(1u64.to_bits()),
            entry_header: Constant::new(abi::message::HEADER_BYTES.to_bits()),
        }
    }
}

impl Logic for ReceiveQueue {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            enabled,
            receive_queue_id,
            stride,
            entry_mask,
            longest,
            producer,
            offset,
            level,
            consumed,
            level_left,
            is_full,
            is_matched,
            is_too_small
        );

        // Which queue a message is for.
        if self.match_valid.val() {
            self.is_matched.d.next =
                self.enabled.q.val() & (self.receive_queue_id.q.val() == self.match_id.val());
            self.is_too_small.d.next = self.match_length.val() > self.longest.q.val();
        }
        self.lap.next =
            ((self.entry_mask.q.val() << 1) | self.one.val()) & !self.entry_mask.q.val();
        self.lap_of_level.next = self.level.q.val() & self.lap.val();
        self.lap_of_producer.next = self.producer.q.val() & self.lap.val();
        self.written.next = self.advance.val() & self.is_matched.q.val();
        self.entries_left.next = self.entry_mask.q.val() & !self.level.q.val();
        self.is_full.d.next =
            self.lap_of_level.val().any() | (self.written.val() & !self.entries_left.val().any());
        self.matched.next = self.is_matched.q.val();
        self.too_small.next = self.is_matched.q.val() & self.is_too_small.q.val();
        self.full.next = self.is_matched.q.val() & self.is_full.q.val();
        self.phase.next = self.is_matched.q.val() & !self.lap_of_producer.val().any();
        self.entry_offset.next = 0.into();
        if self.is_matched.q.val() {
            self.entry_offset.next = self.offset.q.val();
        }

        // Entries come and go.
        // A consumer index: first the level it would leave, in the next cycle whether it may.
        self.stored.next =
            self.consumer_valid.val() & (self.consumer_queue.val() == self.number.val());
        self.consumed.d.next = self.stored.val();
        self.new_level.next = self.producer.q.val() - self.consumer_index.val();
        self.level_left.d.next = self.new_level.val();
        if self.written.val() {
            self.level_left.d.next = self.new_level.val() + 1;
        }
        self.legal.next = self.level_left.q.val() <= self.level.q.val();
        self.bad_consumer.next = self.consumed.q.val() & !self.legal.val();
        // Both outcomes are ready before it is known which counts.
        self.kept_level.next = self.level.q.val();
        self.lowered_level.next = self.level_left.q.val();
        if self.written.val() {
            self.kept_level.next = self.level.q.val() + 1;
            self.lowered_level.next = self.level_left.q.val() + 1;
        }
        self.level.d.next = self.kept_level.val();
        if self.consumed.q.val() & self.legal.val() {
            self.level.d.next = self.lowered_level.val();
        }
        self.entries_behind.next = self.entry_mask.q.val() & !self.producer.q.val();
        if self.written.val() {
            self.producer.d.next = self.producer.q.val() + 1;
            self.offset.d.next = 0.into();
            if self.entries_behind.val().any() {
                self.offset.d.next = self.offset.q.val() + bit_cast::<24, 9>(self.stride.q.val());
            }
        }

        // Firmware's word.
        self.control_word.next = self.configuration.val().word;
        self.control.next = self.configuration.val().control
            & (self.configuration.val().queue == self.number.val());
        self.entries_log2.next = self
            .control_word
            .val()
            .get_bits::<4>(abi::queue_state::receive_control::entries_log2::SHIFT);
        self.new_stride.next = self
            .control_word
            .val()
            .get_bits::<4>(abi::queue_state::receive_control::stride_log2::SHIFT);
        self.entries.next = self.one.val() << self.entries_log2.val();
        self.stride_bytes.next = self.one_byte.val() << self.new_stride.val();
        self.payload_bytes.next = self.stride_bytes.val() - self.entry_header.val();
        if self.control.val() {
            self.enabled.d.next = self
                .control_word
                .val()
                .get_bit(abi::queue_state::receive_control::enabled::SHIFT);
            self.receive_queue_id.d.next = self
                .control_word
                .val()
                .get_bits::<16>(abi::queue_state::receive_control::receive_queue_id::SHIFT);
            self.stride.d.next = self.stride_bytes.val();
            self.entry_mask.d.next = self.entries.val() - 1;
            self.longest.d.next = self.payload_bytes.val().get_bits::<8>(0);
            self.producer.d.next = 0.into();
            self.offset.d.next = 0.into();
            self.level.d.next = 0.into();
            self.consumed.d.next = false;
            self.is_full.d.next = false;
            self.is_matched.d.next = false;
        }

        if self.reset.val() {
            self.enabled.d.next = false;
            self.is_matched.d.next = false;
            self.producer.d.next = 0.into();
            self.offset.d.next = 0.into();
            self.level.d.next = 0.into();
            self.consumed.d.next = false;
            self.entry_mask.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Gate;
    use crate::queues::test_support::control;

    #[test]
    fn gate() {
        Gate::new("receive_queue", ReceiveQueue::default())
            .clock(|unit| &mut unit.clock)
            .cycles(4000)
            .seed(3)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.number.next = 5u64.to_bits();
                let word = random.below(2) | random.below(4) << 4 | (4 + random.below(5)) << 8;
                unit.configuration.next = QueueWord {
                    control: random.chance(3),
                    ..control(4 + random.below(2), word | random.below(2) << 16)
                };
                unit.consumer_valid.next = random.chance(20);
                unit.consumer_queue.next = (4 + random.below(2)).to_bits();
                unit.consumer_index.next = random.below(20).to_bits();
                unit.match_valid.next = random.chance(40);
                unit.match_id.next = random.below(2).to_bits();
                unit.match_length.next = random.below(250).to_bits();
                unit.advance.next = random.chance(30) && !unit.full.val();
            });
    }
}

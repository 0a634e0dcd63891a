//! Whether a command of the firmware's is legal.

use crate::configuration::{
    ENDPOINTS_LOG2, INLINE_PAGES_LOG2, RECEIVE_QUEUE_IDS_LOG2, RECEIVE_QUEUES, TRANSLATION_ENTRIES,
    TRANSMIT_QUEUES,
};
use crate::library::fixed::Fixed;
use abi::queue_state::{
    COUNTER_WORDS_LOG2, REGION_SHIFT, SEGMENT_WORDS_LOG2, SEGMENTS, WORDS_LOG2,
};
use rust_hdl::prelude::*;

/// Longest transfer between host memory and inbox or outbox.
const MAXIMUM_TRANSFER_BYTES: usize = 2048;
/// Longest payload of a firmware packet.
const MAXIMUM_PACKET_BYTES: usize = 240;
/// Bytes of the pool of inline pages.
const POOL_BYTES: usize = abi::endpoint::PAGE_BYTES << INLINE_PAGES_LOG2;

/// Checks a command (`abi::command`): known opcode, aligned operands, all within what is there.
///
/// Of queue state, every index that is written must exist. Of a queue's four words there are the
/// first two: one command writes one of them, both, or every fourth word. The last two belong to
/// `LOAD_RECORD`, which writes all four.
///
/// Latency: `legal` belongs to the command of two cycles before, `stride` to that of this cycle.
#[derive(LogicBlock, Default)]
pub struct CommandCheck {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// As firmware wrote it: four words, header lowest.
    pub command: Signal<In, Bits<128>>,
    /// It may be carried out.
    pub legal: Signal<Out, Bit>,
    /// If it writes queue state: from one index to the next.
    pub stride: Signal<Out, Bits<16>>,

    verdict: DFF<Bit>,
    /// Where a transfer ends in inbox or outbox; the last index of queue state in its region; and whether a
    /// transfer's operands are right.
    span: DFF<Bits<17>>,
    last_index: DFF<Bits<16>>,
    transfer_legal: DFF<Bit>,
    queue_exists: DFF<Bit>,
    record_queue: Signal<Local, Bits<9>>,
    record_legal: Signal<Local, Bit>,
    from_inbox: Signal<Local, Bit>,
    record_end: Signal<Local, Bits<16>>,
    queue_below: Signal<Local, Bits<9>>,
    transmit_exists: DFF<Bit>,
    receive_exists: DFF<Bit>,
    endpoint: Signal<Local, Bits<16>>,
    endpoint_exists: DFF<Bit>,
    transmit_queues: Fixed<9, TRANSMIT_QUEUES>,
    receive_queues: Fixed<9, RECEIVE_QUEUES>,
    /// A record that begins at a legal offset below these ends within outbox and inbox.
    outbox_end: Fixed<16, { abi::command::OUTBOX_BYTES - 16 }>,
    inbox_end: Fixed<16, { abi::command::READ_INBOX_BYTES - 16 }>,
    record_inbox_end: Fixed<16, { abi::command::RECORD_INBOX_BYTES - 16 }>,
    /// A message that begins at a legal offset below this ends within the inbox.
    message_end: Fixed<
        16,
        { abi::command::READ_INBOX_BYTES - (1 << abi::message::MAXIMUM_STRIDE_LOG2) + 16 },
    >,
    opcode: Signal<Local, Bits<8>>,
    operand: Signal<Local, Bits<32>>,
    operand_low: Signal<Local, Bits<16>>,
    operand_high: Signal<Local, Bits<16>>,
    data: Signal<Local, Bits<64>>,
    region: Signal<Local, Bits<4>>,
    more: Signal<Local, Bits<13>>,
    following: Signal<Local, Bits<16>>,
    every_fourth: Signal<Local, Bit>,
    aligned: Signal<Local, Bit>,
    words_exist: Signal<Local, Bit>,
    state_legal: Signal<Local, Bit>,
    outside_pool: Signal<Local, Bits<32>>,
    maximum_transfer: Fixed<16, MAXIMUM_TRANSFER_BYTES>,
    maximum_packet: Fixed<16, MAXIMUM_PACKET_BYTES>,
    endpoint_words: Fixed<16, { 1 << ENDPOINTS_LOG2 }>,
    transmit_words: Fixed<16, { TRANSMIT_QUEUES << WORDS_LOG2 }>,
    receive_words: Fixed<16, { RECEIVE_QUEUES << WORDS_LOG2 }>,
    translation_words: Fixed<16, TRANSLATION_ENTRIES>,
    interrupt_words: Fixed<16, { RECEIVE_QUEUES }>,
    receive_map_words: Fixed<16, { 1 << RECEIVE_QUEUE_IDS_LOG2 }>,
    region_words: Fixed<16, { 1 << REGION_SHIFT }>,
    segment_words: Fixed<16, { SEGMENTS << SEGMENT_WORDS_LOG2 }>,
    counter_words: Fixed<16, { SEGMENTS << COUNTER_WORDS_LOG2 }>,
    /// Bits that are zero in the offset of 8 bytes in the pool.
    illegal_in_pool: Fixed<32, { 0xffff_ffff ^ (POOL_BYTES - 8) }>,
}

impl Logic for CommandCheck {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            verdict,
            span,
            last_index,
            transfer_legal,
            queue_exists,
            transmit_exists,
            receive_exists,
            endpoint_exists
        );
        self.opcode.next = self
            .command
            .val()
            .get_bits::<8>(abi::command::header::opcode::SHIFT);
        self.operand.next = self.command.val().get_bits::<32>(32);
        self.operand_low.next = self.command.val().get_bits::<16>(32);
        self.operand_high.next = self.command.val().get_bits::<16>(48);
        self.data.next = self.command.val().get_bits::<64>(64);

        self.span.d.next = bit_cast::<17, 16>(self.operand_low.val())
            + bit_cast::<17, 16>(self.operand_high.val());
        self.aligned.next = !self.operand_low.val().get_bits::<4>(0).any();
        self.transfer_legal.d.next = self.aligned.val()
            & !self.operand_high.val().get_bits::<2>(0).any()
            & self.operand_high.val().any()
            & (self.operand_high.val() <= self.maximum_transfer.val())
            & !self.data.val().get_bits::<2>(0).any();

        // Queue state: from the first index to the last.
        self.region.next = self
            .operand_low
            .val()
            .get_bits::<4>(abi::queue_state::REGION_SHIFT);
        self.more.next = self
            .operand
            .val()
            .get_bits::<13>(abi::command::state_operand::more::SHIFT);
        self.every_fourth.next = self
            .operand
            .val()
            .get_bit(abi::command::state_operand::every_fourth::SHIFT);
        self.following.next = bit_cast::<16, 13>(self.more.val());
        self.stride.next = 1.into();
        if self.every_fourth.val() {
            self.following.next = bit_cast::<16, 13>(self.more.val()) << 2;
            self.stride.next = 4.into();
        }
        self.last_index.d.next =
            bit_cast::<16, 12>(self.operand_low.val().get_bits::<12>(0)) + self.following.val();
        self.words_exist.next = !self.operand_low.val().get_bit(1)
            & !self.last_index.q.val().get_bit(1)
            & (self.every_fourth.val() | !self.more.val().get_bits::<12>(1).any());
        self.state_legal.next = false;
        if self.region.val() == abi::queue_state::REGION_ENDPOINT_MAP.to_bits() {
            self.state_legal.next = self.last_index.q.val() < self.endpoint_words.val();
        }
        if self.region.val() == abi::queue_state::REGION_TRANSMIT_QUEUE.to_bits() {
            self.state_legal.next =
                self.words_exist.val() & (self.last_index.q.val() < self.transmit_words.val());
        }
        if self.region.val() == abi::queue_state::REGION_RECEIVE_QUEUE.to_bits() {
            self.state_legal.next =
                self.words_exist.val() & (self.last_index.q.val() < self.receive_words.val());
        }
        if self.region.val() == abi::queue_state::REGION_TRANSLATION.to_bits() {
            self.state_legal.next = self.last_index.q.val() < self.translation_words.val();
        }
        if (self.region.val() == abi::queue_state::REGION_PACKET_RELEASE.to_bits())
            | (self.region.val() == abi::queue_state::REGION_RESUME.to_bits())
        {
            self.state_legal.next = self.last_index.q.val() < self.region_words.val();
        }
        // One at a time: a word waits until the one before has taken effect.
        if self.region.val() == abi::queue_state::REGION_INTERRUPT.to_bits() {
            self.state_legal.next =
                !self.more.val().any() & (self.last_index.q.val() < self.interrupt_words.val());
        }
        if self.region.val() == abi::queue_state::REGION_RECEIVE_MAP.to_bits() {
            self.state_legal.next = self.last_index.q.val() < self.receive_map_words.val();
        }
        if self.region.val() == abi::queue_state::REGION_SEGMENT.to_bits() {
            self.state_legal.next = self.last_index.q.val() < self.segment_words.val();
        }
        if self.region.val() == abi::queue_state::REGION_COUNTER.to_bits() {
            self.state_legal.next = self.last_index.q.val() < self.counter_words.val();
        }

        self.outside_pool.next = self.operand.val() & self.illegal_in_pool.val();
        self.verdict.d.next = self.opcode.val() == abi::command::opcode::NOTHING.to_bits();
        if self.opcode.val() == abi::command::opcode::WRITE_QUEUE_STATE.to_bits() {
            self.verdict.d.next =
                self.state_legal.val() & !self.operand_high.val().get_bits::<2>(14).any();
        }
        if self.opcode.val() == abi::command::opcode::WRITE_NIU_MEMORY.to_bits() {
            self.verdict.d.next = !self.outside_pool.val().any();
        }
        if self.opcode.val() == abi::command::opcode::SEND_PACKET.to_bits() {
            self.verdict.d.next = self.aligned.val()
                & (self.operand_high.val() <= self.maximum_packet.val())
                & (self.span.q.val() <= abi::command::OUTBOX_BYTES.to_bits());
        }
        if self.opcode.val() == abi::command::opcode::WRITE_HOST_MEMORY.to_bits() {
            self.verdict.d.next = self.transfer_legal.q.val()
                & (self.span.q.val() <= abi::command::OUTBOX_BYTES.to_bits());
        }
        if self.opcode.val() == abi::command::opcode::READ_HOST_MEMORY.to_bits() {
            self.verdict.d.next = self.transfer_legal.q.val()
                & (self.span.q.val() <= abi::command::READ_INBOX_BYTES.to_bits());
        }
        self.record_queue.next = bit_cast::<9, 8>(
            self.operand
                .val()
                .get_bits::<8>(abi::command::record_operand::queue::SHIFT),
        );
        self.record_legal.next =
            self.aligned.val() & !self.operand_high.val().get_bits::<6>(10).any();
        self.from_inbox.next = self
            .operand
            .val()
            .get_bit(abi::command::record_operand::from_inbox::SHIFT);
        self.record_end.next = self.outbox_end.val();
        if self.from_inbox.val() {
            self.record_end.next = self.record_inbox_end.val();
        }
        self.queue_exists.d.next = self.record_queue.val() < self.transmit_queues.val();
        if self
            .operand
            .val()
            .get_bit(abi::command::record_operand::receive::SHIFT)
        {
            self.queue_exists.d.next = self.record_queue.val() < self.receive_queues.val();
        }
        if self.opcode.val() == abi::command::opcode::LOAD_RECORD.to_bits() {
            self.verdict.d.next = self.record_legal.val()
                & self.queue_exists.q.val()
                & (self.operand_low.val() < self.record_end.val());
        }
        if self.opcode.val() == abi::command::opcode::SAVE_RECORD.to_bits() {
            self.verdict.d.next = self.record_legal.val()
                & self.queue_exists.q.val()
                & !self.from_inbox.val()
                & (self.operand_low.val() < self.inbox_end.val());
        }
        self.transmit_exists.d.next = self.record_queue.val() < self.transmit_queues.val();
        self.queue_below.next = bit_cast::<9, 8>(
            self.operand
                .val()
                .get_bits::<8>(abi::command::give_back_operand::queue::SHIFT),
        );
        self.receive_exists.d.next = self.queue_below.val() < self.receive_queues.val();
        self.endpoint.next = bit_cast::<16, 12>(
            self.operand
                .val()
                .get_bits::<12>(abi::command::replay_operand::endpoint::SHIFT),
        );
        self.endpoint_exists.d.next = self.endpoint.val() < self.endpoint_words.val();
        if self.opcode.val() == abi::command::opcode::REPLAY_STORE.to_bits() {
            self.verdict.d.next = self.transmit_exists.q.val()
                & self.endpoint_exists.q.val()
                & !self.operand_low.val().get_bit(15)
                & !self.operand_high.val().get_bits::<8>(8).any();
        }
        if self.opcode.val() == abi::command::opcode::GIVE_BACK_ENTRIES.to_bits() {
            self.verdict.d.next =
                self.receive_exists.q.val() & !self.operand_low.val().get_bits::<8>(8).any();
        }
        // The bit of a receive queue's record has no meaning here.
        if self.opcode.val() == abi::command::opcode::DELIVER_MESSAGE.to_bits() {
            self.verdict.d.next = self.aligned.val()
                & (self.operand_low.val() < self.message_end.val())
                & !self.operand_high.val().get_bits::<4>(0).any()
                & !self.operand_high.val().get_bits::<4>(4).all()
                & !self.operand_high.val().get_bit(8)
                & !self.operand_high.val().get_bits::<6>(10).any();
        }
        self.legal.next = self.verdict.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Gate;
    use crate::processor::command_executor::random_command;

    // What is legal, `CommandExecutor`'s tests say: against a list of what each command must do.
    #[test]
    fn gate() {
        Gate::new("command_check", CommandCheck::default())
            .clock(|unit| &mut unit.clock)
            .cycles(4000)
            .run(|unit, random, cycle| {
                if cycle % 3 == 0 {
                    unit.command.next = random_command(random).to_bits();
                }
            });
    }
}

//! Whether a command of the firmware's is legal.

use rust_hdl::prelude::*;

/// Judges a command (`abi::command`): known opcode, aligned operands, all within what is there.
///
/// Latency: `legal` belongs to the command of two cycles before, `stride` to that of this cycle.
#[derive(LogicBlock)]
pub struct CommandCheck {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// The command.
    pub command: Signal<In, Bits<128>>,
    /// It may be carried out.
    pub legal: Signal<Out, Bit>,
    /// If it writes queue state: from one index to the next.
    pub stride: Signal<Out, Bits<16>>,

    verdict: DFF<Bit>,
    /// Where a transfer ends in inbox or outbox; the last index of queue state; and whether a transfer's operands are right.
    span: DFF<Bits<17>>,
    last_index: DFF<Bits<14>>,
    transfer_legal: DFF<Bit>,
    opcode: Signal<Local, Bits<8>>,
    operand_low: Signal<Local, Bits<16>>,
    operand_high: Signal<Local, Bits<16>>,
    data: Signal<Local, Bits<64>>,
    region: Signal<Local, Bits<4>>,
    following: Signal<Local, Bits<14>>,
    aligned: Signal<Local, Bit>,
    state_legal: Signal<Local, Bit>,
    maximum_transfer: Constant<Bits<16>>,
    maximum_packet: Constant<Bits<16>>,
    endpoint_words: Constant<Bits<14>>,
    transmit_words: Constant<Bits<14>>,
    receive_words: Constant<Bits<14>>,
    region_words: Constant<Bits<14>>,
}

/// Longest transfer between host memory and inbox or outbox.
const MAXIMUM_TRANSFER_BYTES: u64 = 2048;
/// Longest payload of a firmware packet.
const MAXIMUM_PACKET_BYTES: u64 = 240;

impl Default for CommandCheck {
    fn default() -> Self {
        use crate::configuration::{RECEIVE_QUEUES, TRANSMIT_QUEUES};
        Self {
            clock: Default::default(),
            command: Default::default(),
            legal: Default::default(),
            stride: Default::default(),
            verdict: Default::default(),
            span: Default::default(),
            last_index: Default::default(),
            transfer_legal: Default::default(),
            opcode: Default::default(),
            operand_low: Default::default(),
            operand_high: Default::default(),
            data: Default::default(),
            region: Default::default(),
            following: Default::default(),
            aligned: Default::default(),
            state_legal: Default::default(),
            maximum_transfer: Constant::new(MAXIMUM_TRANSFER_BYTES.to_bits()),
            maximum_packet: Constant::new(MAXIMUM_PACKET_BYTES.to_bits()),
            endpoint_words: Constant::new(256u64.to_bits()),
            transmit_words: Constant::new((2 * TRANSMIT_QUEUES).to_bits()),
            receive_words: Constant::new((2 * RECEIVE_QUEUES).to_bits()),
            region_words: Constant::new((1u64 << abi::queue_state::REGION_SHIFT).to_bits()),
        }
    }
}

impl Logic for CommandCheck {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, verdict, span, last_index, transfer_legal);
        self.opcode.next = self
            .command
            .val()
            .get_bits::<8>(abi::command::header::opcode::SHIFT);
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
        self.region.next = self
            .operand_low
            .val()
            .get_bits::<4>(abi::queue_state::REGION_SHIFT);
        self.following.next = bit_cast::<14, 12>(self.operand_high.val().get_bits::<12>(0));
        self.stride.next = 1.into();
        if self
            .command
            .val()
            .get_bit(32 + abi::command::state_operand::every_second::SHIFT)
        {
            self.following.next =
                bit_cast::<14, 12>(self.operand_high.val().get_bits::<12>(0)) << 1;
            self.stride.next = 2.into();
        }
        self.last_index.d.next =
            bit_cast::<14, 12>(self.operand_low.val().get_bits::<12>(0)) + self.following.val();
        self.state_legal.next = false;
        if self.region.val() == abi::queue_state::REGION_ENDPOINT_MAP.to_bits() {
            self.state_legal.next = self.last_index.q.val() < self.endpoint_words.val();
        }
        if self.region.val() == abi::queue_state::REGION_TRANSMIT_QUEUE.to_bits() {
            self.state_legal.next = self.last_index.q.val() < self.transmit_words.val();
        }
        if self.region.val() == abi::queue_state::REGION_RECEIVE_QUEUE.to_bits() {
            self.state_legal.next = self.last_index.q.val() < self.receive_words.val();
        }
        if self.region.val() == abi::queue_state::REGION_PACKET_RELEASE.to_bits() {
            self.state_legal.next = self.last_index.q.val() < self.region_words.val();
        }
        if self.region.val() == abi::queue_state::REGION_TRANSLATION.to_bits() {
            self.state_legal.next =
                self.last_index.q.val() < crate::configuration::TRANSLATION_ENTRIES.to_bits();
        }
        self.verdict.d.next = self.opcode.val() == abi::command::opcode::NOTHING.to_bits();
        if self.opcode.val() == abi::command::opcode::WRITE_QUEUE_STATE.to_bits() {
            self.verdict.d.next =
                self.state_legal.val() & !self.operand_high.val().get_bits::<3>(13).any();
        }
        if self.opcode.val() == abi::command::opcode::WRITE_NIU_MEMORY.to_bits() {
            self.verdict.d.next =
                !self.operand_low.val().get_bits::<3>(0).any() & !self.operand_high.val().any();
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

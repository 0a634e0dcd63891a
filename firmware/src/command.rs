//! Commands to the hardware (`abi::command`, V22).

use abi::command::{header, opcode, state_operand, transfer_operand};

/// One command, as the hardware takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    words: [u32; 4],
}

impl Command {
    /// Writes a word of queue state.
    pub const fn write_queue_state(region: usize, index: usize, data: u64) -> Self {
        Command::new(opcode::WRITE_QUEUE_STATE, 0, place(region, index), data)
    }

    /// Writes zeros to `count` words of queue state, which are `stride` (1 or 2) apart.
    pub const fn clear_queue_state(
        region: usize,
        index: usize,
        count: usize,
        stride: usize,
    ) -> Self {
        let mut operand = state_operand::more::set(place(region, index), count as u64 - 1);
        operand = state_operand::every_second::set(operand, stride as u64 - 1);
        Command::new(opcode::WRITE_QUEUE_STATE, 0, operand, 0)
    }

    /// Completes with `token` when every command before it has.
    pub const fn marker(token: u16) -> Self {
        let flags = header::fence::set(completes(token), 1);
        Command::new(opcode::NOTHING, flags, 0, 0)
    }

    /// Reads host memory into the inbox and completes with `token`.
    pub const fn read_host(address: u64, bytes: usize, inbox_offset: usize, token: u16) -> Self {
        let operand = transfer(inbox_offset, bytes);
        Command::new(opcode::READ_HOST_MEMORY, completes(token), operand, address)
    }

    /// Writes from the outbox to host memory.
    pub const fn write_host(address: u64, bytes: usize, outbox_offset: usize) -> Self {
        let operand = transfer(outbox_offset, bytes);
        Command::new(opcode::WRITE_HOST_MEMORY, 0, operand, address)
    }

    /// Its four words, in the order in which they are stored.
    pub const fn words(&self) -> [u32; 4] {
        self.words
    }

    const fn new(opcode: usize, flags: u128, operand: u128, data: u64) -> Self {
        let word = header::opcode::set(flags, opcode as u64);
        Command {
            words: [
                word as u32,
                operand as u32,
                data as u32,
                (data >> 32) as u32,
            ],
        }
    }
}

const fn completes(token: u16) -> u128 {
    header::token::set(header::complete::set(0, 1), token as u64)
}

const fn place(region: usize, index: usize) -> u128 {
    let index = (region << abi::queue_state::REGION_SHIFT) | index;
    state_operand::index::set(0, index as u64)
}

const fn transfer(offset: usize, bytes: usize) -> u128 {
    let operand = transfer_operand::offset::set(0, offset as u64);
    transfer_operand::bytes::set(operand, bytes as u64)
}

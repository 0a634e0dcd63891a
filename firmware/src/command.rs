//! Commands to the hardware (`abi::command`, V22).

use abi::command::{header, opcode, transfer_operand};

/// One command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// What to do.
    pub opcode: usize,
    /// Token of the completion that is wanted, if one is.
    pub token: Option<u16>,
    /// Wait for all commands before this one.
    pub fence: bool,
    /// First operand.
    pub operand: u32,
    /// Second operand.
    pub data: u64,
}

impl Command {
    /// Writes a word of queue state.
    pub const fn write_queue_state(region: usize, index: usize, data: u64) -> Self {
        let operand = ((region << abi::queue_state::REGION_SHIFT) | index) as u32;
        Command {
            opcode: opcode::WRITE_QUEUE_STATE,
            token: None,
            fence: false,
            operand,
            data,
        }
    }

    /// Completes with `token` when every command before it has.
    pub const fn marker(token: u16) -> Self {
        Command {
            opcode: opcode::NOTHING,
            token: Some(token),
            fence: true,
            operand: 0,
            data: 0,
        }
    }

    /// Reads host memory into the inbox and completes with `token`.
    pub const fn read_host(address: u64, bytes: usize, inbox_offset: usize, token: u16) -> Self {
        let operand = transfer(inbox_offset, bytes);
        Command {
            opcode: opcode::READ_HOST_MEMORY,
            token: Some(token),
            fence: false,
            operand,
            data: address,
        }
    }

    /// Writes from the outbox to host memory.
    pub const fn write_host(address: u64, bytes: usize, outbox_offset: usize) -> Self {
        let operand = transfer(outbox_offset, bytes);
        Command {
            opcode: opcode::WRITE_HOST_MEMORY,
            token: None,
            fence: false,
            operand,
            data: address,
        }
    }

    /// The command as the hardware takes it.
    pub const fn words(&self) -> [u32; 4] {
        let mut word = header::opcode::set(0, self.opcode as u64);
        word = header::fence::set(word, self.fence as u64);
        if let Some(token) = self.token {
            word = header::complete::set(word, 1);
            word = header::token::set(word, token as u64);
        }
        [
            word as u32,
            self.operand,
            self.data as u32,
            (self.data >> 32) as u32,
        ]
    }
}

const fn transfer(offset: usize, bytes: usize) -> u32 {
    transfer_operand::bytes::set(
        transfer_operand::offset::set(0, offset as u64),
        bytes as u64,
    ) as u32
}

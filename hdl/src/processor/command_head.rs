//! The oldest command of a queue.

use rust_hdl::prelude::*;

/// Says whether a queue's oldest command can be carried through, so that nothing waits for it in the executor: its
/// fence is passed, its completion has a place, and if it is a read of host memory, so has the read. Latency: none.
#[derive(LogicBlock, Default)]
pub struct CommandHead {
    /// Oldest command of the queue.
    pub command: Signal<In, Bits<128>>,
    /// There is none.
    pub empty: Signal<In, Bit>,
    /// Commands of this queue are under way.
    pub outstanding: Signal<In, Bit>,
    /// A completion has a place.
    pub room: Signal<In, Bit>,
    /// No read may begin.
    pub reads_full: Signal<In, Bit>,
    /// It can be carried through.
    pub may: Signal<Out, Bit>,
    opcode: Signal<Local, Bits<8>>,
    fences: Signal<Local, Bit>,
    completes: Signal<Local, Bit>,
    reads: Signal<Local, Bit>,
}

impl Logic for CommandHead {
    #[hdl_gen]
    fn update(&mut self) {
        self.opcode.next = self
            .command
            .val()
            .get_bits::<8>(abi::command::header::opcode::SHIFT);
        self.fences.next = self
            .command
            .val()
            .get_bit(abi::command::header::fence::SHIFT);
        self.completes.next = self
            .command
            .val()
            .get_bit(abi::command::header::complete::SHIFT);
        self.reads.next = self.opcode.val() == abi::command::opcode::READ_HOST_MEMORY.to_bits();
        self.may.next = !self.empty.val()
            & !(self.fences.val() & self.outstanding.val())
            & !(self.completes.val() & !self.room.val())
            & !(self.reads.val() & self.reads_full.val());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, settle};
    use abi::command::{header, opcode};

    #[test]
    fn each_condition_holds_back_the_commands_that_it_concerns_and_no_others() {
        let mut unit = CommandHead::default();
        unit.connect_all();
        for code in [opcode::NOTHING, opcode::READ_HOST_MEMORY] {
            for bits in 0..64u64 {
                let [fence, complete, empty, outstanding, room, full] =
                    std::array::from_fn(|bit| bits >> bit & 1 == 1);
                let command = header::opcode::set(0, code as u64);
                let command = header::fence::set(command, fence.into());
                let command = header::complete::set(command, complete.into());
                unit.command.next = command.to_bits();
                unit.empty.next = empty;
                unit.outstanding.next = outstanding;
                unit.room.next = room;
                unit.reads_full.next = full;
                settle(&mut unit);
                let waits = fence && outstanding
                    || complete && !room
                    || code == opcode::READ_HOST_MEMORY && full;
                assert_eq!(unit.may.val(), !empty && !waits, "{code} {bits:06b}");
            }
        }
    }

    #[test]
    fn gate() {
        Gate::new("command_head", CommandHead::default()).run(|unit, random, _| {
            unit.command.next = (random.below(8) | random.below(4) << 8).to_bits();
            unit.empty.next = random.chance(20);
            unit.outstanding.next = random.chance(50);
            unit.room.next = random.chance(50);
            unit.reads_full.next = random.chance(50);
        });
    }
}

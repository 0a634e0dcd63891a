//! The service processor's registers and windows. Beside this only the log (`defmt::Logger` is an unsafe trait) and
//! the one place that takes the hardware hold unsafe code.

use crate::generations;
use abi::command::Completion;
use abi::event::Event;
use abi::processor::peripherals as registers;
use abi::processor::{CONTROL_BASE, INBOX_BASE, OUTBOX_BASE, PERIPHERAL_BASE};
use firmware::{Command, Port};

/// All of it. One holder uses it at a time.
pub struct Hardware(());

fn read(address: usize) -> u32 {
    // SAFETY: callers in this module pass aligned addresses inside the windows of `abi::processor`, which the
    // processor's bus always answers; reading them touches no Rust object.
    unsafe { (address as *const u32).read_volatile() }
}

fn write(address: usize, value: u32) {
    // SAFETY: as for `read`.
    unsafe { (address as *mut u32).write_volatile(value) }
}

impl Hardware {
    /// The hardware.
    ///
    /// # Safety
    /// Whoever took it before does not use it any more: completions and events are taken by reading, each once.
    pub unsafe fn take() -> Self {
        Hardware(())
    }

    /// Processor cycles, low half.
    pub fn time(&self) -> u32 {
        read(PERIPHERAL_BASE + registers::time_low::OFFSET)
    }

    /// Time at which the sleeping processor is woken, in processor cycles.
    pub fn set_alarm(&mut self, time: u64) {
        // An alarm in between comes too early, which does no harm.
        write(
            PERIPHERAL_BASE + registers::compare_low::OFFSET,
            time as u32,
        );
        write(
            PERIPHERAL_BASE + registers::compare_high::OFFSET,
            (time >> 32) as u32,
        );
    }

    /// Processor cycles.
    pub fn long_time(&self) -> u64 {
        loop {
            let high = read(PERIPHERAL_BASE + registers::time_high::OFFSET);
            let low = self.time();
            if read(PERIPHERAL_BASE + registers::time_high::OFFSET) == high {
                return u64::from(high) << 32 | u64::from(low);
            }
        }
    }

    /// What waits.
    pub fn waiting(&self) -> registers::Waiting {
        registers::Waiting::unpack(read(PERIPHERAL_BASE + registers::waiting::OFFSET))
    }

    /// Takes the next completion.
    pub fn completion(&mut self) -> Completion {
        Completion::unpack(read(PERIPHERAL_BASE + registers::completion::OFFSET))
    }

    /// Takes the next report of a captured store.
    #[inline(always)]
    pub fn captured(&mut self) -> registers::Captured {
        registers::Captured::unpack(read(PERIPHERAL_BASE + registers::captured::OFFSET))
    }

    /// Takes the next report of a message in the miss ring.
    pub fn missed(&mut self) -> registers::Missed {
        registers::Missed::unpack(read(PERIPHERAL_BASE + registers::missed::OFFSET))
    }

    /// Takes the next event.
    pub fn event(&mut self) -> Event {
        let low = read(PERIPHERAL_BASE + registers::event_low::OFFSET);
        let high = read(PERIPHERAL_BASE + registers::event_high::OFFSET);
        Event::unpack((u64::from(high) << 32) | u64::from(low))
    }

    /// Clears level-triggered bits of `abi::control::registers::event_pending`.
    pub fn clear_events(&mut self, kinds: u32) {
        write(PERIPHERAL_BASE + registers::event_clear::OFFSET, kinds);
    }

    /// Clears an endpoint's bit of `abi::control::registers::endpoint_pending`.
    pub fn clear_endpoint(&mut self, endpoint: u16) {
        let word = usize::from(endpoint / 32);
        write(
            PERIPHERAL_BASE + registers::endpoint_clear::OFFSET + 4 * word,
            1 << (endpoint % 32),
        );
    }

    /// Clears the bits of the first `queues` transmit queues in `abi::control::registers::queue_pending`.
    pub fn clear_queues(&mut self, queues: usize) {
        for word in 0..queues.div_ceil(32) {
            write(
                PERIPHERAL_BASE + registers::queue_clear::OFFSET + 4 * word,
                u32::MAX,
            );
        }
    }

    /// Tells the watchdog that the firmware is alive.
    pub fn heartbeat(&mut self) {
        write(PERIPHERAL_BASE + registers::heartbeat::OFFSET, 1);
    }

    /// A control register (`abi::control::registers`).
    pub fn control(&self, offset: usize) -> u32 {
        read(CONTROL_BASE + offset)
    }
}

/// Issues a command. Not inlined: the code that issues commands is most of all, and the RAM is small.
#[inline(never)]
fn issue(header: u32, operand: u32, low: u32, high: u32) {
    for (number, word) in [header, operand, low, high].into_iter().enumerate() {
        write(
            PERIPHERAL_BASE + registers::command_0::OFFSET + 4 * number,
            word,
        );
    }
}

impl Port for Hardware {
    /// On queue 0; the last store waits while the queue is full.
    #[inline(always)]
    fn issue(&mut self, command: Command) {
        let [header, operand, low, high] = command.words();
        issue(header, operand, low, high);
    }

    #[inline(always)]
    fn inbox(&self, offset: usize) -> u32 {
        read(INBOX_BASE + offset)
    }

    #[inline(always)]
    fn set_outbox(&mut self, offset: usize, word: u32) {
        set_outbox_word(offset, word);
    }

    #[inline(always)]
    fn keep(&mut self, transmit_queue: u8, generation: u8) {
        generations::keep(transmit_queue, generation);
    }
}

/// Writes a word of the outbox; for the log, which has its own region of it.
pub fn set_outbox_word(offset: usize, value: u32) {
    write(OUTBOX_BASE + offset, value);
}

/// Writes a byte of the outbox; for the log.
pub fn set_outbox_byte(offset: usize, value: u8) {
    // SAFETY: as for `write`; the outbox takes single bytes.
    unsafe { ((OUTBOX_BASE + offset) as *mut u8).write_volatile(value) }
}

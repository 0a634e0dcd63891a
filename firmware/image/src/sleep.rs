//! The processor's sleep: `wfi`, until something waits or the time of the next heartbeat has come.

use core::arch::asm;

/// The core's own register that lets lines of its array of external interrupts through.
const EXTERNAL_MASK: u16 = 0xbc0;

/// Line 0 of the array: something waits for the firmware.
const WORK_WAITS: usize = 1;

/// Lets the two interrupts wake the processor. None is ever taken: interrupts stay disabled (`mstatus.MIE`).
pub fn prepare() {
    // SAFETY: `mie` and the mask only choose what `wfi` waits for, since nothing in this image enables interrupts.
    unsafe {
        riscv::register::mie::set_mext();
        riscv::register::mie::set_mtimer();
        asm!("csrw {mask}, {lines}", mask = const EXTERNAL_MASK, lines = in(reg) WORK_WAITS, options(nomem, nostack));
    }
}

/// Sleeps until an interrupt is pending, and not at all if one is. Both are levels: what comes between the last look
/// and this is not missed.
pub fn until_work_waits() {
    riscv::asm::wfi();
}

//! The image of the service processor: carries out on the hardware what the state machines of `firmware` say.

#![no_std]
#![no_main]

mod hardware;
mod log;
mod timer;

use abi::control::registers as control;
use abi::event::{event, kind::Kind};
use abi::processor::peripherals::waiting;
use embedded_hal::delay::DelayNs;
use firmware::{Action, Actions, AdminRegisters, Firmware, Input};
use hardware::Hardware;
use riscv_rt::entry;

/// Processor cycles between heartbeats: a tenth of the watchdog's default limit of 1.25 million core cycles.
const HEARTBEAT_CYCLES: u32 = 62_500;

/// First eight digits of the commit this image was built from.
const REVISION: u32 = match u32::from_str_radix(env!("WAYFARER_REVISION"), 16) {
    Ok(revision) => revision,
    Err(_) => 0,
};

// The link script says so too.
const _: () =
    assert!(abi::processor::RAM_BASE == 0x4000_0000 && abi::processor::RAM_BYTES == 64 * 1024);

#[entry]
fn main() -> ! {
    // SAFETY: the entry point runs once.
    let mut hardware = unsafe { Hardware::take() };
    hardware.heartbeat();
    defmt::info!(
        "firmware revision {=u32:08x}, ABI {=u16}.{=u16}",
        REVISION,
        abi::ABI_VERSION_MAJOR,
        abi::ABI_VERSION_MINOR
    );
    let mut firmware = Firmware::new(REVISION);
    let mut last_heartbeat = hardware.time();
    loop {
        if hardware.time().wrapping_sub(last_heartbeat) >= HEARTBEAT_CYCLES {
            last_heartbeat = last_heartbeat.wrapping_add(HEARTBEAT_CYCLES);
            hardware.heartbeat();
        }
        let state = hardware.waiting();
        if waiting::completion::get(state) == 1 {
            let word = u128::from(hardware.completion());
            let status = abi::command::completion::status::get(word);
            let input = Input::Completed {
                token: abi::command::completion::token::get(word) as u16,
                status: abi::command::completion_status::CompletionStatus::from_code(status),
            };
            carry_out(&mut hardware, &mut firmware, input);
        }
        if waiting::event::get(state) == 1 {
            report(hardware.event());
        }
        // The queue of events is for speed and for the log; what must be done stands in the level-triggered bits.
        if waiting::event_pending::get(state) == 1 {
            let pending = hardware.control(control::event_pending::OFFSET);
            hardware.clear_events(pending);
            if pending & (1 << Kind::Admin.code()) != 0 {
                let registers = admin_registers(&hardware);
                carry_out(&mut hardware, &mut firmware, Input::Doorbell(registers));
            }
        }
        if firmware.wants_room() && waiting::command_0_space::get(state) == 1 {
            carry_out(&mut hardware, &mut firmware, Input::Room);
        }
    }
}

/// Tells the state machine what happened and does what it asks for.
fn carry_out(hardware: &mut Hardware, firmware: &mut Firmware, input: Input) {
    let mut actions: Actions = firmware.step(input);
    while !actions.is_empty() {
        let mut next = Actions::new();
        for action in &actions {
            match action {
                Action::Issue(command) => hardware.issue(command),
                Action::WriteOutbox { offset, words } => {
                    for (number, word) in words.iter().enumerate() {
                        hardware.set_outbox(offset + 8 * number, *word);
                    }
                }
                Action::ReadInbox { offset } => {
                    let entry = core::array::from_fn(|number| hardware.inbox(offset + 8 * number));
                    next = firmware.step(Input::Inbox(entry));
                }
            }
        }
        actions = next;
    }
}

fn admin_registers(hardware: &Hardware) -> AdminRegisters {
    let wide = |low: usize, high: usize| {
        u64::from(hardware.control(low)) | (u64::from(hardware.control(high)) << 32)
    };
    let entries = hardware.control(control::admin_entries::OFFSET).into();
    AdminRegisters {
        submissions: wide(
            control::admin_submission_low::OFFSET,
            control::admin_submission_high::OFFSET,
        ),
        completions: wide(
            control::admin_completion_low::OFFSET,
            control::admin_completion_high::OFFSET,
        ),
        entries_log2: control::admin_entries::log2::get(entries) as u8,
        generation: control::admin_entries::generation::get(entries) as u8,
        doorbell: hardware.control(control::admin_doorbell::OFFSET) as u16,
    }
}

/// Logs an event; the counters in BAR0 count them all.
fn report(word: u64) {
    let word = u128::from(word);
    let (index, code, data) = (
        event::index::get(word) as u8,
        event::code::get(word) as u8,
        event::data::get(word) as u32,
    );
    match Kind::from_code(event::kind::get(word)) {
        Some(Kind::NonResidentStore) => {
            defmt::warn!("store to endpoint {=u8} without a resident queue", index)
        }
        Some(Kind::ReceiveMiss) => defmt::warn!(
            "message of node {=u32} for RQID {=u32}: not resident",
            data >> 16,
            data & 0xffff
        ),
        Some(Kind::QueueError) => defmt::warn!("transmit queue {=u8}: error {=u8}", index, code),
        Some(Kind::Packet) => defmt::info!("packet from node {=u32}", data >> 16),
        Some(Kind::Admin) | None => {}
    }
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    defmt::error!("panic");
    // The watchdog tells the host; resident queues go on.
    // SAFETY: nothing else runs any more.
    let hardware = unsafe { Hardware::take() };
    loop {
        timer::Timer(&hardware).delay_ms(1000);
    }
}

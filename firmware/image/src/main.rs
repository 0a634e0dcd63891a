//! The image of the service processor: carries out on the hardware what the state machines of `firmware` say.

#![no_std]
#![no_main]

mod generations;
mod hardware;
mod log;
mod timer;

use abi::command::completion_status::CompletionStatus;
use abi::control::registers as control;
use abi::event::kind::Kind;
use abi::queue_state::REGION_PACKET_RELEASE;
use embedded_hal::delay::DelayNs;
use firmware::{Action, AdminRegisters, Command, Firmware, Input, Limits};
use hardware::Hardware;
use riscv_rt::entry;

/// Processor cycles between heartbeats: a tenth of the watchdog's default limit of 1.25 million core cycles.
const HEARTBEAT_CYCLES: u32 = 62_500;

/// First eight digits of the commit this image was built from.
const REVISION: u32 = match u32::from_str_radix(env!("WAYFARER_REVISION"), 16) {
    Ok(revision) => revision,
    Err(_) => 0,
};

/// Resident queues of the NIU's configuration, of the side that has more of them.
const QUEUES: usize = number(env!("WAYFARER_QUEUES")) as usize;

/// A number of the configuration, as the build script passes it.
const fn number(text: &str) -> u32 {
    match u32::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("the build script passes numbers"),
    }
}

#[entry]
fn main() -> ! {
    // SAFETY: the entry point runs once, and before anything else that takes the hardware.
    let mut hardware = unsafe { Hardware::take() };
    // The count of heartbeats outlives the processor's own reset.
    let is_first = hardware.control(control::heartbeat::OFFSET) == 0;
    hardware.heartbeat();
    defmt::info!(
        "firmware revision {=u32:08x}, ABI {=u16}.{=u16}",
        REVISION,
        abi::ABI_VERSION_MAJOR,
        abi::ABI_VERSION_MINOR
    );
    let mut firmware = start(&hardware, is_first);
    let mut last_heartbeat = hardware.time();
    loop {
        let now = hardware.time();
        if now.wrapping_sub(last_heartbeat) >= HEARTBEAT_CYCLES {
            last_heartbeat = last_heartbeat.wrapping_add(HEARTBEAT_CYCLES);
            hardware.heartbeat();
        }
        let state = hardware.waiting();
        if state.completion == 1 {
            let completion = hardware.completion();
            let input = Input::Completed {
                token: completion.token as u16,
                status: CompletionStatus::from_code(completion.status),
            };
            carry_out(&mut hardware, &mut firmware, input);
        }
        if state.event == 1 {
            report(&mut hardware);
        }
        // The queue of events is for speed and for the log; what must be done stands in the level-triggered bits.
        if state.event_pending == 1 {
            let pending = hardware.control(control::event_pending::OFFSET);
            hardware.clear_events(pending);
            // The owner of a queue sees its errors in the shadow line.
            if pending & (1 << Kind::QueueError.code()) != 0 {
                hardware.clear_queues(QUEUES);
            }
            if pending & (1 << Kind::Admin.code()) != 0
                && let Some(registers) = firmware
                    .registers()
                    .refreshed(|offset| hardware.control(offset))
            {
                carry_out(&mut hardware, &mut firmware, Input::Doorbell(registers));
            }
        }
        if firmware.wants_room() && state.command_0_space == 1 {
            carry_out(&mut hardware, &mut firmware, Input::Room);
        }
    }
}

/// Tells the state machine what happened and does what it asks for.
// Inlined, so that each kind of input is a direct call of what the state machine does for it.
#[inline(always)]
fn carry_out(hardware: &mut Hardware, firmware: &mut Firmware<QUEUES>, mut input: Input) {
    loop {
        match firmware.step(input) {
            None => return,
            Some(Action::Issue(command)) => return hardware.issue(&command),
            Some(Action::Answer {
                offset,
                words,
                command,
            }) => {
                for (number, word) in words.into_iter().enumerate() {
                    hardware.set_outbox(offset + 8 * number, word);
                }
                return hardware.issue(&command);
            }
            Some(Action::ReadInbox { offset }) => {
                let entry = core::array::from_fn(|number| hardware.inbox(offset + 8 * number));
                input = Input::Inbox(entry);
            }
            Some(Action::Keep {
                transmit_queue,
                generation,
            }) => return generations::keep(transmit_queue, generation),
        }
    }
}

/// The state machines, for the first time since the hardware's reset or after a firmware that was stopped.
fn start(hardware: &Hardware, is_first: bool) -> Firmware<QUEUES> {
    let limits = Limits::from_registers(
        hardware.control(control::capabilities::OFFSET),
        hardware.control(control::sizes::OFFSET),
    );
    if is_first {
        generations::forget();
        return Firmware::new(REVISION, limits);
    }
    defmt::warn!("an earlier firmware was stopped; endpoints live on until the rings start afresh");
    // Rings that the host is just setting up are as good as none: its doorbell is still to come.
    let registers = AdminRegisters::default().refreshed(|offset| hardware.control(offset));
    Firmware::resumed(
        REVISION,
        limits,
        registers.unwrap_or_default(),
        generations::kept(),
    )
}

/// Logs an event; the counters in BAR0 count them all.
fn report(hardware: &mut Hardware) {
    let event = hardware.event();
    let (index, code, data) = (event.index as u16, event.code as u8, event.data as u32);
    match Kind::from_code(event.kind) {
        Some(Kind::NonResidentStore) => {
            defmt::warn!("store to endpoint {=u16} without a resident queue", index);
            hardware.clear_endpoint(index);
        }
        Some(Kind::ReceiveMiss) => defmt::warn!(
            "message of node {=u32} for RQID {=u32}: not resident",
            data >> 16,
            data & 0xffff
        ),
        Some(Kind::QueueError) => defmt::warn!("transmit queue {=u16}: error {=u8}", index, code),
        Some(Kind::Packet) => {
            defmt::info!("packet from node {=u32}", data >> 16);
            // No protocol between firmwares asks for its contents yet: its place in the inbox is free again. Should the
            // queue be full, the store waits for room.
            hardware.issue(&Command::write_queue_state(REGION_PACKET_RELEASE, 0, 0));
        }
        Some(Kind::Admin) | None => {}
    }
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    defmt::error!("panic");
    // The watchdog tells the host; resident queues go on.
    // SAFETY: `main` has it too, but never runs again: a panic does not return, and this image enables no interrupts.
    let hardware = unsafe { Hardware::take() };
    loop {
        timer::Timer(&hardware).delay_ms(1000);
    }
}

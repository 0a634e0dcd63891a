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
    let mut firmware = Firmware::new(REVISION, limits(&hardware));
    if is_first {
        generations::forget();
    } else {
        resume(&hardware, &mut firmware);
    }
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
            let action = firmware.step(Input::Completed {
                token: completion.token as u16,
                status: CompletionStatus::from_code(completion.status),
            });
            carry_out(&mut hardware, &mut firmware, action);
        }
        if state.event == 1 {
            report(&mut hardware);
        }
        if state.event_pending == 1 {
            look(&mut hardware, &mut firmware);
        }
        if firmware.wants_room() && state.command_0_space == 1 {
            let action = firmware.step(Input::Room);
            carry_out(&mut hardware, &mut firmware, action);
        }
    }
}

/// Looks at the level-triggered bits, in which all that must be done stands. The queue of events is for the log.
// Out of the loop's way, as all that happens once a request: the loop and the commands it issues
// fit into the processor's cache.
#[inline(never)]
fn look(hardware: &mut Hardware, firmware: &mut Firmware<QUEUES>) {
    let pending = hardware.control(control::event_pending::OFFSET);
    hardware.clear_events(pending);
    // The owner of a queue sees its errors in the shadow line.
    if pending & (1 << Kind::QueueError.code()) != 0 {
        hardware.clear_queues(QUEUES);
    }
    let registers = firmware.registers();
    if pending & (1 << Kind::Admin.code()) != 0
        && let Some(registers) = registers.refreshed(|offset| hardware.control(offset))
    {
        let action = firmware.step(Input::Doorbell(registers));
        carry_out(hardware, firmware, action);
    }
}

/// Does what the state machine asks for.
#[inline(always)]
fn carry_out(hardware: &mut Hardware, firmware: &mut Firmware<QUEUES>, action: Option<Action>) {
    match action {
        None => {}
        Some(Action::Issue(command)) => hardware.issue(&command),
        Some(action) => carry_out_seldom(hardware, firmware, action),
    }
}

/// Does what the state machine asks for once a request.
#[inline(never)]
fn carry_out_seldom(hardware: &mut Hardware, firmware: &mut Firmware<QUEUES>, action: Action) {
    match action {
        Action::Issue(command) => hardware.issue(&command),
        Action::Answer {
            offset,
            words,
            command,
        } => {
            for (number, word) in words.into_iter().enumerate() {
                hardware.set_outbox(offset + 8 * number, word);
            }
            hardware.issue(&command);
        }
        Action::Load {
            offset,
            words,
            command,
        } => {
            for (number, word) in words.into_iter().enumerate() {
                hardware.set_outbox(offset + 8 * number, word);
            }
            hardware.issue(&command);
        }
        Action::ReadInbox { offset } => {
            let entry = core::array::from_fn(|number| hardware.inbox(offset + 8 * number));
            if let Some(action) = firmware.step(Input::Inbox(entry)) {
                carry_out_seldom(hardware, firmware, action);
            }
        }
        Action::Keep {
            transmit_queue,
            generation,
        } => generations::keep(transmit_queue, generation),
    }
}

/// What the hardware has of everything.
fn limits(hardware: &Hardware) -> Limits {
    Limits::from_registers(
        hardware.control(control::capabilities::OFFSET),
        hardware.control(control::sizes::OFFSET),
    )
}

/// Has the state machines go on after a firmware that was stopped.
#[cold]
#[inline(never)]
fn resume(hardware: &Hardware, firmware: &mut Firmware<QUEUES>) {
    defmt::warn!("an earlier firmware was stopped; endpoints live on until the rings start afresh");
    // Rings that the host is just setting up are as good as none: its doorbell is still to come.
    // While the NIU is stopped nobody waits for the earlier firmware: whatever rings there are end the stop.
    let status = control::Status::unpack(hardware.control(control::status::OFFSET));
    let registers = match status.stopped {
        0 => AdminRegisters::default().refreshed(|offset| hardware.control(offset)),
        _ => None,
    };
    firmware.resume(registers.unwrap_or_default(), generations::kept());
}

/// Logs an event; the counters in BAR0 count them all.
// Seldom called, so not in the loop's way.
#[inline(never)]
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

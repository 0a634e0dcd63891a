//! The image of the service processor: carries out on the hardware what the state machines of `firmware` say.

#![no_std]
#![no_main]

mod events;
mod generations;
mod hardware;
mod log;
mod rtt;
mod sleep;
mod timer;

use abi::command::completion_status::CompletionStatus;
use abi::control::registers as control;
use abi::event::kind::Kind;
use core::mem::MaybeUninit;
use embedded_hal::delay::DelayNs;
use events::Events;
use firmware::{AdminRegisters, Firmware, Input, Limits};
use hardware::Hardware;
use riscv_rt::entry;

/// Processor cycles between heartbeats: a tenth of the watchdog's default limit of 1.25 million core cycles.
const HEARTBEAT_CYCLES: u64 = 62_500;

/// Turns of the loop for each look at the clock. A turn takes some thousand cycles at most.
const TURNS_A_LOOK: u8 = 16;

/// First eight digits of the commit this image was built from.
const REVISION: u32 = match u32::from_str_radix(env!("WAYFARER_REVISION"), 16) {
    Ok(revision) => revision,
    Err(_) => 0,
};

/// Resident queues of the NIU's configuration, of the side that has more of them.
const QUEUES: usize = number(env!("WAYFARER_QUEUES")) as usize;
/// Endpoints that this image serves.
const ENDPOINTS: usize = number(env!("WAYFARER_ENDPOINTS")) as usize;
/// Its receive queue identifiers.
const IDENTIFIERS: usize = number(env!("WAYFARER_RECEIVE_QUEUE_IDS")) as usize;

/// The state machines of this configuration.
type Protocols = Firmware<QUEUES, ENDPOINTS, IDENTIFIERS>;

/// In memory that the start code clears: the tables would need as much of the image and of the stack.
static mut PROTOCOLS: MaybeUninit<Protocols> = MaybeUninit::zeroed();

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
    // SAFETY: the entry point runs once, and nothing else names it. It consists of numbers, flags, and enums that have
    // a variant of number 0, so that zeros are a value of it; `start` gives it the one that counts.
    let firmware = unsafe { (*core::ptr::addr_of_mut!(PROTOCOLS)).assume_init_mut() };
    firmware.start(REVISION, limits(&hardware));
    if is_first {
        generations::forget();
    } else {
        resume(&hardware, firmware);
    }
    let mut events = Events::default();
    let mut next_heartbeat = hardware.long_time() + HEARTBEAT_CYCLES;
    hardware.set_alarm(next_heartbeat);
    sleep::prepare();
    let mut turn = 0_u8;
    loop {
        turn = turn.wrapping_add(1);
        let state = hardware.waiting();
        let is_idle =
            state.completion | state.captured | state.missed | state.event | state.event_pending
                == 0;
        if is_idle || turn.is_multiple_of(TURNS_A_LOOK) {
            let now = hardware.time();
            firmware.tick(now);
            if now.wrapping_sub(next_heartbeat as u32) as i32 >= 0 {
                next_heartbeat += HEARTBEAT_CYCLES;
                hardware.heartbeat();
                hardware.set_alarm(next_heartbeat);
            }
        }
        if state.completion == 1 {
            let completion = hardware.completion();
            let input = Input::Completed {
                token: completion.token as u16,
                status: CompletionStatus::from_code(completion.status),
            };
            firmware.step(input, &mut hardware);
        }
        if state.captured == 1 && state.command_0_space == 1 && firmware.takes_captured() {
            let endpoint = hardware.captured().endpoint as u16;
            firmware.step(Input::Captured(endpoint), &mut hardware);
        }
        if state.missed == 1 && firmware.takes_missed() {
            let identifier = hardware.missed().receive_queue_id as u16;
            firmware.step(Input::Missed(identifier), &mut hardware);
        }
        if state.event == 1 && firmware.takes_event() {
            events.report(&mut hardware, firmware);
        }
        if events.must_sweep() && firmware.takes_event() {
            events.sweep(&mut hardware, firmware);
        }
        if state.event_pending == 1 {
            look(&mut hardware, firmware);
        }
        if firmware.wants_room(&mut hardware) {
            if state.command_0_space == 1 {
                firmware.step(Input::Room(hardware.time()), &mut hardware);
            }
        } else if is_idle && !firmware.watches_time() && !events.must_sweep() {
            sleep::until_work_waits();
        }
    }
}

/// Looks at the level-triggered bits, in which all that must be done stands.
// Out of the loop's way, as all that happens once a request: inlined, it would cost the loop registers.
#[inline(never)]
fn look(hardware: &mut Hardware, firmware: &mut Protocols) {
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
        if registers.generation != firmware.registers().generation {
            tell_statistics(firmware);
        }
        firmware.step(Input::Doorbell(registers), hardware);
    }
}

/// Logs what was done for the driver that is gone.
#[cold]
#[inline(never)]
fn tell_statistics(firmware: &Protocols) {
    let done = firmware.statistics();
    defmt::info!(
        "transmit queues: {=u32} in, {=u32} out, {=u32} in use; receive queues: {=u32} in, {=u32} out",
        done.transmit_installs,
        done.transmit_evictions,
        done.failed_evictions,
        done.receive_installs,
        done.receive_evictions
    );
    defmt::info!(
        "misses: {=u32} copied, {=u32} lost; stores discarded: {=u32}; put off: {=u32}; failed reads: {=u32}; \
         given up: {=u32}; invalid commands: {=u32}",
        done.copied,
        done.lost_misses,
        done.discarded,
        done.put_off,
        done.failed_reads,
        done.given_up,
        done.invalid
    );
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
fn resume(hardware: &Hardware, firmware: &mut Protocols) {
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

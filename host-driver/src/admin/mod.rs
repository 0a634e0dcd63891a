//! The admin queue: submissions and completions in host memory, the firmware on the other side (`abi::admin`). It keeps
//! all memory that the device may still write to after its owner is gone.

mod claim;
mod rings;

use crate::deadline::Deadline;
use crate::error::{OpenError, RequestError};
use crate::open_options::OpenOptions;
use crate::transport::{Bar, DmaMemory, Layout, Transport, TransportError};
use abi::admin::{
    MISS_RING_BYTES, TABLE_ENTRY_BYTES, opcode, residency_policy::ResidencyPolicy, status::Status,
};
use abi::control::registers::{self, ProcessorControl};
use claim::Claim;
use rings::{RingMemory, Rings};
use std::sync::Arc;
use std::time::Duration;

/// What the firmware is asked by `GIVE_MEMORY`.
const GIVE_MEMORY: &str = "to keep in the host's memory what is not resident";

/// The admin queue of a device.
pub struct AdminQueue<T: Transport> {
    transport: T,
    rings: Rings<T>,
    /// Memory of endpoints of which nobody knows whether they exist.
    parked: Vec<Arc<T::Memory>>,
    /// What the device was given to keep what is not resident.
    given: Vec<Arc<T::Memory>>,
    patience: Duration,
}

impl<T: Transport> AdminQueue<T> {
    /// Takes possession of the device: sets up the rings and tells the NIU where they are.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another driver has them set up, unless it is to be superseded; [`OpenError::NotQuiet`].
    pub fn new(transport: T, options: &OpenOptions) -> Result<Self, OpenError> {
        let memory = RingMemory::new(&transport)?;
        let claim = Claim::new(&transport, options, &memory)?;
        let rings = Rings::new(transport.clone(), memory, || claim.is_held())?;
        // A driver that died may have held the processor. Firmware that starts while the NIU is stopped takes nothing
        // for served.
        let_go(&transport)?;
        Ok(AdminQueue {
            rings,
            parked: Vec::new(),
            given: Vec::new(),
            transport,
            patience: options.firmware_patience,
        })
    }

    /// ABI version and source revision of the firmware.
    pub fn identify(&mut self) -> Result<u64, RequestError> {
        self.call("who it is", opcode::IDENTIFY, &[])
    }

    /// Gives the device memory for so many endpoints that have no queues: a table, and the miss ring. Says whose queues
    /// are lent.
    ///
    /// # Errors
    /// There is no such memory, or as [`AdminQueue::call`].
    pub fn give_memory(
        &mut self,
        endpoints: usize,
        policy: ResidencyPolicy,
    ) -> Result<(), RequestError> {
        let mut operands = [0, 0, policy.code()];
        for (operand, bytes) in operands
            .iter_mut()
            .zip([endpoints * TABLE_ENTRY_BYTES, MISS_RING_BYTES])
        {
            let memory = self.transport.allocate(bytes, Layout::Contiguous)?;
            *operand = memory.device_address(0);
            self.given.push(Arc::new(memory));
        }
        self.call(GIVE_MEMORY, opcode::GIVE_MEMORY, &operands)?;
        Ok(())
    }

    /// Makes one request and waits for its answer.
    ///
    /// # Errors
    /// The firmware refuses or is silent, or has been silent so often that there is no room for another request.
    /// Another driver has taken the device over.
    pub fn call(
        &mut self,
        what: &'static str,
        opcode: usize,
        operands: &[u64],
    ) -> Result<u64, RequestError> {
        // Our doorbell would be taken for the other driver's.
        if !self.rings.are_own()? {
            return Err(RequestError::TakenOver);
        }
        if self.rings.are_full() {
            return Err(RequestError::AdminQueueFull {
                what,
                requests: rings::ENTRIES,
            });
        }
        let position = self.rings.submit(opcode, operands);
        let deadline = Deadline::new(self.transport.now(), self.patience);
        loop {
            if let Some(answer) = self.rings.answer(position) {
                return match Status::from_code(answer.status) {
                    Some(Status::Done) => Ok(answer.result),
                    status => Err(RequestError::Refused { what, status }),
                };
            }
            let now = self.transport.now();
            let Some(left) = deadline.left(now) else {
                let heartbeats = self
                    .transport
                    .read32(Bar::Control, registers::heartbeat::OFFSET as u64)?;
                return Err(RequestError::FirmwareSilent {
                    what,
                    waited: deadline.waited(now),
                    heartbeats,
                });
            };
            self.transport.wait(left);
        }
    }
}

impl<T: Transport> AdminQueue<T> {
    /// Keeps memory until the device is sure not to touch it any more.
    pub fn park(&mut self, memory: impl IntoIterator<Item = Arc<T::Memory>>) {
        self.parked.extend(memory);
    }

    /// Turns the admin queue off. If this succeeds, the device touches none of its memory any more: the rings, what it
    /// was given, what was parked.
    fn give_back(&mut self) -> Result<(), OpenError> {
        if !self.rings.are_own()? {
            // The driver that has the device now found it quiet before it set up its rings (contract 1, rules 32 and
            // 47).
            return Ok(());
        }
        if !self.parked.is_empty() || !self.rings.are_answered() {
            // With new rings the firmware drops what it was doing and disables every queue before it answers (rule 32).
            // No endpoint is alive: each holds on to this queue.
            let memory = RingMemory::new(&self.transport)?;
            let fresh = Rings::new(self.transport.clone(), memory, || Ok(true))?;
            let old = std::mem::replace(&mut self.rings, fresh);
            self.park(old.memory());
            if self.identify().is_err() {
                // The NIU needs no firmware to leave all memory alone. It stays stopped until the next driver sets up
                // its rings.
                self.rings.quiesce()?;
            }
        } else if !self.given.is_empty() {
            // Messages and the firmware's own work go to this memory without a request of ours.
            self.rings.quiesce()?;
        }
        self.rings.turn_off();
        Ok(())
    }
}

impl<T: Transport> Drop for AdminQueue<T> {
    fn drop(&mut self) {
        // During unwinding the simulated clock stands still; the device stays ours until it is taken over.
        if std::thread::panicking() || self.give_back().is_err() {
            let (parked, given) = (self.parked.drain(..), self.given.drain(..));
            leak(parked.chain(given).chain(self.rings.memory()));
        }
    }
}

/// Lets the processor go if it is held.
fn let_go<T: Transport>(transport: &T) -> Result<(), TransportError> {
    let offset = registers::processor_control::OFFSET as u64;
    let word = transport.read32(Bar::Control, offset)?;
    if ProcessorControl::unpack(word).hold == 1 {
        let control = ProcessorControl { hold: 0 };
        transport.write32(Bar::Control, offset, control.pack());
    }
    Ok(())
}

/// Has memory outlive the process's use of it: the device may write to it whenever it likes.
pub fn leak<Memory>(memory: impl IntoIterator<Item = Arc<Memory>>) {
    memory.into_iter().for_each(std::mem::forget);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeDevice;
    use abi::control::registers::{AdminEntries, Quiesce};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const OPTIONS: OpenOptions = OpenOptions {
        firmware_patience: Duration::from_micros(1),
        ..OpenOptions::DEFAULT
    };

    fn open(transport: &FakeDevice) -> AdminQueue<FakeDevice> {
        AdminQueue::new(transport.clone(), &OPTIONS).expect("nobody has it")
    }

    #[test]
    fn a_ring_full_of_unanswered_requests_takes_no_more_until_they_are_answered() {
        let transport = FakeDevice::new();
        let mut queue = open(&transport);
        // So many that index and phase bit wrap meanwhile.
        for round in 0..5 {
            for _ in 0..7 {
                queue.identify().expect("the firmware answers");
            }
            transport.silence_firmware(true);
            for _ in 0..rings::ENTRIES {
                let error = queue.identify().expect_err("it is silent");
                assert!(
                    matches!(error, RequestError::FirmwareSilent { .. }),
                    "{error}"
                );
            }
            for _ in 0..3 {
                let error = queue.identify().expect_err("there is no room");
                assert!(
                    matches!(error, RequestError::AdminQueueFull { .. }),
                    "{error}"
                );
            }
            transport.silence_firmware(false);
            transport.work();
            queue
                .identify()
                .unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
    }

    #[test]
    fn requests_that_were_lost_with_a_firmware_do_not_count_once_a_later_one_is_answered() {
        let transport = FakeDevice::new();
        let mut queue = open(&transport);
        for _ in 0..2 * rings::ENTRIES {
            transport.silence_firmware(true);
            queue.identify().expect_err("it is silent");
            transport.silence_firmware(false);
            transport.restart_firmware();
            queue.identify().expect("the firmware answers");
        }
    }

    #[test]
    fn a_silent_firmware_is_waited_for_no_longer_than_the_limit() {
        let transport = FakeDevice::new();
        let mut queue = open(&transport);
        transport.silence_firmware(true);
        for wait in [1, 300, 700, 5000].map(Duration::from_nanos) {
            transport.end_waits_after(wait);
            let start = transport.now();
            queue.identify().expect_err("it is silent");
            let waited = transport.now() - start;
            assert_eq!(waited, OPTIONS.firmware_patience, "waits of {wait:?}");
        }
    }

    #[test]
    fn a_device_that_does_not_come_to_rest_is_given_no_memory() {
        let transport = FakeDevice::new();
        // Looks that are no whole number of a limit.
        transport.end_waits_after(Duration::from_nanos(300));
        transport.set_register(registers::status::OFFSET, 0);
        let error = AdminQueue::new(transport.clone(), &OPTIONS).err();
        assert!(
            matches!(error, Some(OpenError::NotQuiet { .. })),
            "{error:?}"
        );
        assert_eq!(transport.now(), claim::SETTLING + rings::QUIET_PATIENCE);
        assert_eq!(transport.pieces_of_memory(), 0);
        let entries = transport.register(registers::admin_entries::OFFSET);
        assert_eq!(entries, 0, "nor rings");
    }

    #[test]
    fn a_device_has_one_driver_at_a_time() {
        let transport = FakeDevice::new();
        let take_over = OpenOptions {
            take_over: true,
            ..OPTIONS
        };
        // More drivers than there are generations.
        for driver in 0..300 {
            let mut first = open(&transport);
            first.identify().expect("it has the device");
            let refused = AdminQueue::new(transport.clone(), &OPTIONS).err();
            assert!(matches!(refused, Some(OpenError::InUse)), "driver {driver}");
            first.identify().expect("nothing happened to it");
            let mut second = AdminQueue::new(transport.clone(), &take_over).expect("it takes over");
            let lost = first.identify();
            assert!(
                matches!(lost, Err(RequestError::TakenOver)),
                "driver {driver}"
            );
            second.identify().expect("it has the device");
            drop(first);
            second.identify().expect("the first does not turn it off");
        }
    }

    /// The second driver opens the device in each of the moments in which the first one waits: for its claim to settle,
    /// and for the NIU to be quiet.
    #[test]
    fn of_two_drivers_that_open_at_the_same_moment_exactly_one_has_the_device() {
        for moment in 0..4 {
            let transport = FakeDevice::new();
            transport.end_waits_after(Duration::from_nanos(2500));
            let status = transport.register(registers::status::OFFSET);
            transport.set_register(registers::status::OFFSET, 0);
            let (device, waits) = (transport.clone(), AtomicUsize::new(0));
            let second = Arc::new(Mutex::new(None));
            let result = Arc::clone(&second);
            transport.while_waiting(move || {
                if waits.fetch_add(1, Ordering::Relaxed) == moment {
                    device.set_register(registers::status::OFFSET, status);
                    let opened = AdminQueue::new(device.clone(), &OPTIONS);
                    *result.lock().expect("nobody panics") = Some(opened);
                }
            });
            let first = AdminQueue::new(transport.clone(), &OPTIONS);
            let second = second.lock().expect("nobody panics").take();
            let mut winner = match (first, second) {
                (Ok(first), Some(Err(OpenError::InUse))) => first,
                (Err(OpenError::InUse), Some(Ok(second))) => second,
                (first, second) => panic!(
                    "moment {moment}: {:?}, {:?}",
                    first.err(),
                    second.map(Result::err)
                ),
            };
            winner.identify().expect("it has the device");
            // The loser has not stopped the NIU for rings that never come.
            let entries =
                AdminEntries::unpack(transport.register(registers::admin_entries::OFFSET));
            let stop = Quiesce::unpack(transport.register(registers::quiesce::OFFSET));
            assert_eq!(stop.generation, entries.generation, "moment {moment}");
        }
    }

    #[test]
    fn a_processor_that_a_dead_driver_held_is_let_go() {
        let transport = FakeDevice::new();
        let died = open(&transport);
        transport.write32(Bar::Control, registers::processor_control::OFFSET as u64, 1);
        std::mem::forget(died);
        let take_over = OpenOptions {
            take_over: true,
            ..OPTIONS
        };
        let mut queue = AdminQueue::new(transport.clone(), &take_over).expect("it takes over");
        assert_eq!(transport.register(registers::processor_control::OFFSET), 0);
        queue.identify().expect("the firmware runs");
    }

    #[test]
    fn memory_is_never_free_if_neither_firmware_nor_niu_say_that_they_are_done() {
        let transport = FakeDevice::new();
        let mut queue = open(&transport);
        transport.silence_firmware(true);
        queue.identify().expect_err("it is silent");
        let status = transport.register(registers::status::OFFSET);
        transport.set_register(registers::status::OFFSET, 0);
        drop(queue);
        assert_eq!(transport.pieces_of_memory(), 2);
        transport.set_register(registers::status::OFFSET, status);
        transport.silence_firmware(false);
        let take_over = OpenOptions {
            take_over: true,
            ..OPTIONS
        };
        AdminQueue::new(transport.clone(), &take_over).expect("it takes over");
    }

    #[test]
    fn memory_that_was_given_is_free_when_the_niu_is_quiet_and_not_before() {
        for (is_quiet, left) in [(true, 0), (false, 4)] {
            let transport = FakeDevice::new();
            let mut queue = open(&transport);
            queue
                .give_memory(64, ResidencyPolicy::RoundRobin)
                .expect("the firmware takes it");
            assert_eq!(transport.pieces_of_memory(), 4);
            let own = AdminEntries::unpack(transport.register(registers::admin_entries::OFFSET));
            if !is_quiet {
                transport.set_register(registers::status::OFFSET, 0);
            }
            drop(queue);
            assert_eq!(transport.pieces_of_memory(), left);
            let stop = Quiesce::unpack(transport.register(registers::quiesce::OFFSET));
            assert_eq!(stop.generation, own.generation + 1);
        }
    }

    #[test]
    fn a_firmware_that_takes_no_memory_is_an_error_that_says_so() {
        let transport = FakeDevice::new();
        let mut queue = open(&transport);
        queue
            .give_memory(64, ResidencyPolicy::RoundRobin)
            .expect("the firmware takes it");
        let again = queue
            .give_memory(64, ResidencyPolicy::RoundRobin)
            .expect_err("it has some");
        assert!(
            matches!(
                again,
                RequestError::Refused {
                    what: GIVE_MEMORY,
                    status: Some(Status::BadOperand)
                }
            ),
            "{again}"
        );
        // A silent firmware may yet take it.
        transport.silence_firmware(true);
        queue
            .give_memory(64, ResidencyPolicy::RoundRobin)
            .expect_err("it is silent");
        let pieces = transport.pieces_of_memory();
        assert_eq!(pieces, 8);
        transport.silence_firmware(false);
        drop(queue);
        assert_eq!(transport.pieces_of_memory(), 0);
    }
}

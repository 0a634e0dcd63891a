//! The admin queue: submissions and completions in host memory, the firmware on the other side (`abi::admin`). It keeps all memory
//! that the device may still write to after its owner is gone.

#[cfg(test)]
pub(crate) mod fake_firmware;
mod rings;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::open_options::OpenOptions;
use crate::transport::{Bar, Transport};
use abi::admin::{opcode, status::Status};
use abi::control::registers;
use rings::Rings;
use std::rc::Rc;

/// The admin queue of a device.
pub struct AdminQueue<T: Transport> {
    transport: T,
    rings: Rings<T>,
    /// Memory of endpoints of which nobody knows whether they exist.
    parked: Vec<Rc<T::Memory>>,
    patience_ns: f64,
}

impl<T: Transport> AdminQueue<T> {
    /// Takes possession of the device: sets up the rings and tells the NIU where they are.
    ///
    /// # Errors
    /// [`Error::InUse`] if another driver has them set up, unless it is to be superseded; [`Error::NotQuiet`].
    pub fn new(transport: T, options: &OpenOptions) -> Result<Self, Error> {
        if !options.take_over && Rings::are_in_use(&transport)? {
            return Err(Error::InUse);
        }
        Ok(AdminQueue {
            rings: Rings::new(transport.clone())?,
            parked: Vec::new(),
            transport,
            patience_ns: options.firmware_patience_ns,
        })
    }

    /// ABI version and source revision of the firmware.
    pub fn identify(&mut self) -> Result<u64, Error> {
        self.call("who it is", opcode::IDENTIFY, &[])
    }

    /// Makes one request and waits for its answer.
    ///
    /// # Errors
    /// The firmware refuses or is silent, or has been silent so often that there is no room for another request. Another
    /// driver has taken the device over.
    pub fn call(
        &mut self,
        what: &'static str,
        opcode: usize,
        operands: &[u64],
    ) -> Result<u64, Error> {
        // Our doorbell would be taken for the other driver's.
        if !self.rings.are_own()? {
            return Err(Error::TakenOver);
        }
        if self.rings.are_full() {
            return Err(Error::AdminQueueFull {
                what,
                requests: rings::ENTRIES,
            });
        }
        let position = self.rings.submit(opcode, operands);
        let deadline = Deadline::new(self.transport.now_ns(), self.patience_ns);
        loop {
            if let Some(answer) = self.rings.answer(position) {
                return match Status::from_code(answer.status) {
                    Some(Status::Done) => Ok(answer.result),
                    status => Err(Error::Refused { what, status }),
                };
            }
            let now_ns = self.transport.now_ns();
            let Some(left_ns) = deadline.left_ns(now_ns) else {
                let heartbeats = self
                    .transport
                    .read32(Bar::Control, registers::heartbeat::OFFSET as u64)?;
                return Err(Error::FirmwareSilent {
                    what,
                    waited_us: (deadline.waited_ns(now_ns) / 1000.0) as u64,
                    heartbeats,
                });
            };
            self.transport.wait(left_ns);
        }
    }
}

impl<T: Transport> AdminQueue<T> {
    /// Keeps memory until the device is sure not to touch it any more.
    pub fn park(&mut self, memory: impl IntoIterator<Item = Rc<T::Memory>>) {
        self.parked.extend(memory);
    }

    /// Turns the admin queue off. If this succeeds, the device touches neither the rings nor what was parked any more.
    fn give_back(&mut self) -> Result<(), Error> {
        let is_quiet = self.parked.is_empty() && self.rings.are_answered();
        match (self.rings.are_own()?, is_quiet) {
            (true, true) => self.rings.turn_off(),
            (true, false) => {
                // With new rings the firmware drops what it was doing, disables every queue and sees all that was under way end,
                // before it answers (contract 1, rule 32). No endpoint is alive: each holds on to this queue.
                let fresh = Rings::new(self.transport.clone())?;
                let old = std::mem::replace(&mut self.rings, fresh);
                self.park(old.memory());
                let answer = self.identify();
                self.rings.turn_off();
                answer?;
            }
            (false, true) => {}
            (false, false) => return Err(Error::TakenOver),
        }
        Ok(())
    }
}

impl<T: Transport> Drop for AdminQueue<T> {
    fn drop(&mut self) {
        // During unwinding the simulated clock stands still; the device stays ours until it is taken over.
        if std::thread::panicking() || self.give_back().is_err() {
            leak(self.parked.drain(..).chain(self.rings.memory()));
        }
    }
}

/// Has memory outlive the process's use of it: the device may write to it whenever it likes.
pub fn leak<Memory>(memory: impl IntoIterator<Item = Rc<Memory>>) {
    memory.into_iter().for_each(std::mem::forget);
}

#[cfg(test)]
mod tests {
    use super::fake_firmware::FakeFirmware;
    use super::*;
    use crate::transport::fake::FakeTransport;

    const OPTIONS: OpenOptions = OpenOptions {
        take_over: false,
        firmware_patience_ns: 1000.0,
    };

    fn open(transport: &FakeTransport) -> AdminQueue<FakeTransport> {
        AdminQueue::new(transport.clone(), &OPTIONS).expect("nobody has it")
    }

    #[test]
    fn a_ring_full_of_unanswered_requests_takes_no_more_until_they_are_answered() {
        let transport = FakeTransport::default();
        let firmware = FakeFirmware::attach(&transport);
        let mut queue = open(&transport);
        // So many that index and phase bit wrap meanwhile.
        for round in 0..5 {
            for _ in 0..7 {
                queue.identify().expect("the firmware answers");
            }
            firmware.be_silent(true);
            for _ in 0..rings::ENTRIES {
                let error = queue.identify().expect_err("it is silent");
                assert!(matches!(error, Error::FirmwareSilent { .. }), "{error}");
            }
            for _ in 0..3 {
                let error = queue.identify().expect_err("there is no room");
                assert!(matches!(error, Error::AdminQueueFull { .. }), "{error}");
            }
            firmware.be_silent(false);
            firmware.work();
            queue
                .identify()
                .unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
    }

    #[test]
    fn requests_that_were_lost_with_a_firmware_do_not_count_once_a_later_one_is_answered() {
        let transport = FakeTransport::default();
        let firmware = FakeFirmware::attach(&transport);
        let mut queue = open(&transport);
        for _ in 0..2 * rings::ENTRIES {
            firmware.be_silent(true);
            queue.identify().expect_err("it is silent");
            firmware.be_silent(false);
            firmware.restart();
            queue.identify().expect("the firmware answers");
        }
    }

    #[test]
    fn a_silent_firmware_is_waited_for_no_longer_than_the_limit() {
        let transport = FakeTransport::default();
        let firmware = FakeFirmware::attach(&transport);
        let mut queue = open(&transport);
        firmware.be_silent(true);
        for wait_ns in [1.0, 300.0, 700.0, 5000.0] {
            transport.end_waits_after(wait_ns);
            let start = transport.now_ns();
            queue.identify().expect_err("it is silent");
            let waited_ns = transport.now_ns() - start;
            assert_eq!(
                waited_ns, OPTIONS.firmware_patience_ns,
                "waits of {wait_ns} ns"
            );
        }
    }

    #[test]
    fn a_device_that_does_not_come_to_rest_is_given_no_memory() {
        let transport = FakeTransport::default();
        // Looks that are no whole number of a limit.
        transport.end_waits_after(300.0);
        let error = AdminQueue::new(transport.clone(), &OPTIONS).err();
        assert!(matches!(error, Some(Error::NotQuiet { .. })), "{error:?}");
        assert_eq!(transport.now_ns(), rings::QUIET_PATIENCE_NS);
        assert_eq!(transport.pieces_of_memory(), 0);
        let entries = transport.register(registers::admin_entries::OFFSET);
        assert_eq!(entries, 0, "nor rings");
    }

    #[test]
    fn a_device_has_one_driver_at_a_time() {
        let transport = FakeTransport::default();
        FakeFirmware::attach(&transport);
        let take_over = OpenOptions {
            take_over: true,
            ..OPTIONS
        };
        // More drivers than there are generations.
        for driver in 0..300 {
            let mut first = open(&transport);
            first.identify().expect("it has the device");
            let refused = AdminQueue::new(transport.clone(), &OPTIONS).err();
            assert!(matches!(refused, Some(Error::InUse)), "driver {driver}");
            first.identify().expect("nothing happened to it");
            let mut second = AdminQueue::new(transport.clone(), &take_over).expect("it takes over");
            let lost = first.identify();
            assert!(matches!(lost, Err(Error::TakenOver)), "driver {driver}");
            second.identify().expect("it has the device");
            drop(first);
            second.identify().expect("the first does not turn it off");
        }
    }
}

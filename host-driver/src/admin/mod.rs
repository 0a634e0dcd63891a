//! The admin queue: submissions and completions in host memory, the firmware on the other side (`abi::admin`).

#[cfg(test)]
pub(crate) mod fake_firmware;
mod rings;

use crate::error::Error;
use crate::transport::{Bar, Transport};
use abi::admin::{opcode, status::Status};
use abi::control::registers;
use rings::Rings;

/// The admin queue of a device.
pub struct AdminQueue<T: Transport> {
    transport: T,
    rings: Rings<T>,
    patience_ns: f64,
}

impl<T: Transport> AdminQueue<T> {
    /// Sets up the rings and tells the NIU where they are. The firmware may take `patience_ns` for each request.
    pub fn new(transport: T, patience_ns: f64) -> Result<Self, Error> {
        Ok(AdminQueue {
            rings: Rings::new(transport.clone())?,
            transport,
            patience_ns,
        })
    }

    /// ABI version and source revision of the firmware.
    pub fn identify(&mut self) -> Result<u64, Error> {
        self.call("who it is", opcode::IDENTIFY, &[])
    }

    /// Makes one request and waits for its answer.
    ///
    /// # Errors
    /// The firmware refuses or is silent, or has been silent so often that there is no room for another request.
    pub fn call(
        &mut self,
        what: &'static str,
        opcode: usize,
        operands: &[u64],
    ) -> Result<u64, Error> {
        if self.rings.is_full() {
            return Err(Error::AdminQueueFull {
                what,
                requests: rings::ENTRIES,
            });
        }
        let position = self.rings.submit(opcode, operands);
        let start = self.transport.now_ns();
        loop {
            if let Some(answer) = self.rings.answer(position) {
                return match Status::from_code(answer.status) {
                    Some(Status::Done) => Ok(answer.result),
                    status => Err(Error::Refused { what, status }),
                };
            }
            let waited_ns = self.transport.now_ns() - start;
            if waited_ns >= self.patience_ns {
                let heartbeats = self
                    .transport
                    .read32(Bar::Control, registers::heartbeat::OFFSET as u64)?;
                return Err(Error::FirmwareSilent {
                    what,
                    waited_us: (waited_ns / 1000.0) as u64,
                    heartbeats,
                });
            }
            self.transport.wait(self.patience_ns - waited_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fake_firmware::FakeFirmware;
    use super::*;
    use crate::transport::fake::FakeTransport;

    const PATIENCE_NS: f64 = 1000.0;

    #[test]
    fn a_ring_full_of_unanswered_requests_takes_no_more_until_they_are_answered() {
        let transport = FakeTransport::default();
        let firmware = FakeFirmware::attach(&transport);
        let mut queue = AdminQueue::new(transport, PATIENCE_NS).expect("it can be reached");
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
        let mut queue = AdminQueue::new(transport, PATIENCE_NS).expect("it can be reached");
        for _ in 0..2 * rings::ENTRIES {
            firmware.be_silent(true);
            queue.identify().expect_err("it is silent");
            firmware.be_silent(false);
            firmware.restart();
            queue.identify().expect("the firmware answers");
        }
    }
}

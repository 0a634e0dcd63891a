//! A device: identity first, then the admin queue, then endpoints.

use crate::admin::AdminQueue;
use crate::endpoint::{Endpoint, EndpointOptions};
use crate::error::Error;
use crate::open_options::OpenOptions;
use crate::transport::{Bar, SimulatedTransport, Transport};
use abi::control::registers;
use abi::message::MAXIMUM_TRANSMIT_SLOTS;
use std::cell::RefCell;
use std::rc::Rc;

/// What a NIU says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Version of the host ABI, major and minor.
    pub abi_version: (u16, u16),
    /// Source revision of the hardware: the first eight digits of the commit.
    pub hardware_revision: u32,
    /// Source revision of the firmware.
    pub firmware_revision: u32,
    /// Core clock.
    pub clock_hertz: u32,
    /// Resident transmit queues.
    pub transmit_queues: u8,
    /// Resident receive queues.
    pub receive_queues: u8,
    /// Slots of each transmit queue: so many messages may be composed or under way.
    pub transmit_slots: u8,
    /// Destinations of all endpoints together.
    pub translation_entries: u32,
}

/// An open device.
pub struct Device<T: Transport = SimulatedTransport> {
    transport: T,
    admin: Rc<RefCell<AdminQueue<T>>>,
    identity: Identity,
}

impl Device<SimulatedTransport> {
    /// Opens a device by name: `sim:NODE`.
    ///
    /// # Errors
    /// The name is unknown, the device cannot be reached, it speaks another ABI, or another driver has it
    /// ([`Error::InUse`]).
    pub fn open(name: &str) -> Result<Self, Error> {
        Device::open_with(name, OpenOptions::default())
    }

    /// Opens a device by name, with other options than the usual ones.
    ///
    /// # Errors
    /// As [`Device::open`].
    pub fn open_with(name: &str, options: OpenOptions) -> Result<Self, Error> {
        let node = name.strip_prefix("sim:").and_then(|node| node.parse().ok());
        let node = node.ok_or_else(|| Error::UnknownDevice(name.into()))?;
        Device::with_transport(SimulatedTransport::open(node)?, node, options)
    }
}

impl<T: Transport> Device<T> {
    /// Opens the device that `transport` reaches, as node number `node`.
    ///
    /// # Errors
    /// It is no Wayfarer NIU, hardware or firmware speak another ABI, or another driver has it.
    pub fn with_transport(transport: T, node: u16, options: OpenOptions) -> Result<Self, Error> {
        let read = |offset: usize| transport.read32(Bar::Control, offset as u64);
        let magic = read(registers::magic::OFFSET)?;
        if magic as usize != abi::control::MAGIC {
            return Err(Error::NotWayfarer {
                found: magic,
                expected: abi::control::MAGIC as u32,
            });
        }
        let version = read(registers::abi_version::OFFSET)?;
        let hardware_revision = read(registers::hardware_revision::OFFSET)?;
        check_version("the hardware", version, hardware_revision)?;
        let clock_hertz = read(registers::clock_hertz::OFFSET)?;
        let capabilities = u64::from(read(registers::capabilities::OFFSET)?);
        let transmit_slots = transmit_slots(capabilities)?;
        let mut admin = AdminQueue::new(transport.clone(), &options)?;
        transport.write32(Bar::Control, registers::node::OFFSET as u64, node.into());
        let firmware = admin.identify()?;
        let firmware_revision = firmware as u32;
        check_version("the firmware", (firmware >> 32) as u32, firmware_revision)?;
        let identity = Identity {
            abi_version: split(version),
            hardware_revision,
            firmware_revision,
            clock_hertz,
            transmit_queues: registers::capabilities::transmit_queues::get(capabilities) as u8,
            receive_queues: registers::capabilities::receive_queues::get(capabilities) as u8,
            transmit_slots,
            translation_entries: translation_entries(capabilities),
        };
        Ok(Device {
            transport,
            admin: Rc::new(RefCell::new(admin)),
            identity,
        })
    }

    /// What the NIU says of itself.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The way to the device.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Creates an endpoint: a transmit queue, a receive ring and a window of translations.
    ///
    /// # Errors
    /// The firmware refuses: no resources, an operand out of range, an RQID in use.
    pub fn create_endpoint(&self, options: EndpointOptions) -> Result<Endpoint<T>, Error> {
        Endpoint::create(
            self.transport.clone(),
            Rc::clone(&self.admin),
            self.identity.transmit_slots.into(),
            options,
        )
    }

    /// A statistics counter.
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn counter(&self, counter: abi::control::counter::Counter) -> Result<u32, Error> {
        Ok(self.transport.read32(
            Bar::Control,
            (registers::counters::OFFSET as u64) + 4 * counter.code(),
        )?)
    }

    /// Core cycle (low 32 bits) at which a stage saw the last marked message.
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn stage_time(&self, stage: abi::control::stage::Stage) -> Result<u32, Error> {
        Ok(self.transport.read32(
            Bar::Control,
            (registers::stage_time::OFFSET as u64) + 4 * stage.code(),
        )?)
    }

    /// Whether the firmware's heartbeat came in time.
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn firmware_alive(&self) -> Result<bool, Error> {
        let status = self
            .transport
            .read32(Bar::Control, registers::status::OFFSET as u64)?;
        Ok(registers::status::firmware_alive::get(status.into()) == 1)
    }

    /// Holds the service processor in reset, or lets it go; has done so when it returns. Resident queues keep working.
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn hold_processor(&self, hold: bool) -> Result<(), Error> {
        let offset = registers::processor_control::OFFSET as u64;
        self.transport.write32(Bar::Control, offset, hold.into());
        // However often this is called, no more register writes wait than the device has room for.
        self.transport.read32(Bar::Control, offset)?;
        Ok(())
    }

    /// The firmware's log: the bytes of its ring, oldest first (defmt frames).
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn firmware_log(&self) -> Result<Vec<u8>, Error> {
        let base = (abi::admin::BAR4_OUTBOX_OFFSET + abi::admin::LOG_OFFSET) as u64;
        let read = |offset: u64| self.transport.read32(Bar::Memory, base + offset);
        let written = read(0)? as usize;
        let size = abi::admin::LOG_BYTES;
        let mut ring = Vec::with_capacity(size);
        for word in 0..size / 4 {
            ring.extend(read(4 + 4 * word as u64)?.to_le_bytes());
        }
        if written <= size {
            ring.truncate(written);
        } else {
            ring.rotate_left(written % size);
        }
        Ok(ring)
    }
}

/// Slots of a transmit queue; indices that wrap at 2^16 must find the same slot in each lap.
fn transmit_slots(capabilities: u64) -> Result<u8, Error> {
    let slots = registers::capabilities::transmit_slots::get(capabilities) as u8;
    if slots.is_power_of_two() && usize::from(slots) <= MAXIMUM_TRANSMIT_SLOTS {
        Ok(slots)
    } else {
        Err(Error::NoSuchSlots {
            told: slots,
            maximum: MAXIMUM_TRANSMIT_SLOTS,
        })
    }
}

fn translation_entries(capabilities: u64) -> u32 {
    let log2 = registers::capabilities::translation_log2::get(capabilities) as u32;
    1_u32.checked_shl(log2).unwrap_or(u32::MAX)
}

fn split(version: u32) -> (u16, u16) {
    ((version >> 16) as u16, version as u16)
}

fn check_version(what: &'static str, version: u32, revision: u32) -> Result<(), Error> {
    let (found_major, found_minor) = split(version);
    if found_major == abi::ABI_VERSION_MAJOR {
        return Ok(());
    }
    Err(Error::AbiMismatch {
        what,
        found_major,
        found_minor,
        revision,
        own_major: abi::ABI_VERSION_MAJOR,
        own_minor: abi::ABI_VERSION_MINOR,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_with_an_impossible_number_of_slots_is_refused() {
        let told = |slots: u64| registers::capabilities::transmit_slots::set(0, slots);
        for slots in [2, 4, 16] {
            assert_eq!(transmit_slots(told(slots)).ok(), Some(slots as u8));
        }
        for slots in [0, 6, 32] {
            let error = transmit_slots(told(slots)).expect_err("no such number");
            let text = format!("{slots} slots");
            assert!(error.to_string().contains(&text), "{error}");
        }
    }

    #[test]
    fn a_mismatch_names_both_sides() {
        let error =
            check_version("the firmware", 0x0007_0002, 0xabcd).expect_err("another major version");
        let text = error.to_string();
        for part in ["the firmware", "7.2", "0000abcd", "1.0"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(
            check_version("the hardware", 0x0001_0005, 0).is_ok(),
            "a minor addition is compatible"
        );
    }
}

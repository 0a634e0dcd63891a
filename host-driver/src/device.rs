//! A device: identity first, then the admin queue, then endpoints.

use crate::admin::AdminQueue;
use crate::endpoint::{Endpoint, EndpointOptions};
use crate::error::{OpenError, RequestError};
use crate::open_options::{OpenOptions, Waiting};
use crate::openers;
use crate::residency_statistics::ResidencyStatistics;
use crate::transport::{AnyTransport, Bar, Transport, TransportError};
use abi::admin::{EndpointInterrupt, opcode, residency_counter::ResidencyCounter};
use abi::control::registers::{self, AbiVersion, Capabilities, Sizes, Status};
use abi::endpoint::PAGE_BYTES;
use abi::interrupt::{INTERVAL_UNIT_CYCLES, MAXIMUM_INTERVAL};
use abi::message::MAXIMUM_TRANSMIT_SLOTS;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a NIU says of itself. [`Device::identity`] has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// Version of the host ABI, major and minor.
    pub abi_version: (u16, u16),
    /// Source revision of the hardware: the first eight digits of the commit.
    pub hardware_revision: u32,
    /// Source revision of the firmware.
    pub firmware_revision: u32,
    /// Core clock.
    pub clock_hertz: u32,
    /// Resident transmit queues, which all endpoints share.
    pub transmit_queues: u16,
    /// Resident receive queues, likewise. One of them takes the messages for endpoints that are away.
    pub receive_queues: u16,
    /// Slots of each transmit queue: so many messages may be composed or in flight.
    pub transmit_slots: u8,
    /// Endpoint pages, and so the endpoints that there may be.
    pub endpoints: u32,
    /// Receive queue identifiers: 0 up to one less.
    pub receive_queue_ids: u32,
    /// Endpoints that may have inline bodies at the same time.
    pub inline_pages: u8,
    /// Destinations of all endpoints together.
    pub translation_entries: u32,
    /// Nodes that may send to this one: 0 up to one less.
    pub nodes: u32,
}

impl Identity {
    /// Where the outbox stands in BAR4: behind the inline bodies of all endpoints.
    fn outbox(&self) -> u64 {
        u64::from(self.endpoints) * PAGE_BYTES as u64
    }
}

/// An open device. It is given back when the device and all its endpoints are dropped.
///
/// ```
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{Device, OpenError, OpenOptions};
///
/// let fake = FakeDevice::new();
/// let device = Device::with_transport(fake.clone(), OpenOptions::default())?;
/// let second = Device::with_transport(fake.clone(), OpenOptions::default());
/// assert!(matches!(second, Err(OpenError::InUse)), "a device has one driver at a time");
/// drop(device);
/// Device::with_transport(fake, OpenOptions::default())?;
/// # Ok::<(), OpenError>(())
/// ```
pub struct Device<T: Transport = AnyTransport> {
    transport: T,
    admin: Arc<Mutex<AdminQueue<T>>>,
    identity: Identity,
    waiting: Waiting,
    /// Interrupt vectors in use, and how many endpoints have got one.
    vectors: u16,
    next_vector: AtomicU16,
}

impl Device<AnyTransport> {
    /// Opens a device by name, as the crate that knows its kind has registered it
    /// ([`register_opener`](crate::register_opener)): `sim:NODE` inside a simulated cluster.
    ///
    /// # Errors
    /// Nothing knows such names, the device cannot be reached, it speaks another ABI, or another driver has it
    /// ([`OpenError::InUse`]).
    ///
    /// ```no_run
    /// use wayfarer_host_driver::Device;
    ///
    /// let device = Device::open("sim:0")?;
    /// # Ok::<(), wayfarer_host_driver::OpenError>(())
    /// ```
    pub fn open(name: &str) -> Result<Self, OpenError> {
        Device::open_with(name, OpenOptions::default())
    }

    /// Opens a device by name, with other options than the usual ones.
    ///
    /// ```no_run
    /// use wayfarer_host_driver::{Device, OpenOptions};
    ///
    /// // Its driver has died.
    /// let device = Device::open_with("sim:0", OpenOptions { take_over: true, ..OpenOptions::default() })?;
    /// # Ok::<(), wayfarer_host_driver::OpenError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Device::open`].
    pub fn open_with(name: &str, options: OpenOptions) -> Result<Self, OpenError> {
        let opened = openers::reach(name)?;
        let options = OpenOptions {
            node: options.node.or(opened.node),
            ..options
        };
        Device::with_transport(opened.transport, options)
    }
}

impl<T: Transport> Device<T> {
    /// Opens the device that `transport` reaches. [`Device`] has an example.
    ///
    /// # Errors
    /// It is no Wayfarer NIU, hardware or firmware speak another ABI, or another driver has it.
    pub fn with_transport(transport: T, options: OpenOptions) -> Result<Self, OpenError> {
        let read = |offset: usize| transport.read32(Bar::Control, offset as u64);
        let magic = read(registers::magic::OFFSET)?;
        if magic as usize != abi::control::MAGIC {
            return Err(OpenError::NotWayfarer {
                found: magic,
                expected: abi::control::MAGIC as u32,
            });
        }
        let version = read(registers::abi_version::OFFSET)?;
        let hardware_revision = read(registers::hardware_revision::OFFSET)?;
        check_version("the hardware", version, hardware_revision)?;
        let clock_hertz = read(registers::clock_hertz::OFFSET)?;
        let capabilities = Capabilities::unpack(read(registers::capabilities::OFFSET)?);
        let sizes = Sizes::unpack(read(registers::sizes::OFFSET)?);
        let transmit_slots = transmit_slots(sizes)?;
        let mut admin = AdminQueue::new(transport.clone(), &options)?;
        if let Some(node) = options.node {
            transport.write32(Bar::Control, registers::node::OFFSET as u64, node.0.into());
        }
        // Without interrupts a blocked program would sleep until its wait ends.
        let (vectors, waiting) = match options.waiting {
            Waiting::Polling => (0, Waiting::Polling),
            waiting => match transport.enable_interrupts()? {
                0 => (0, Waiting::Polling),
                vectors => (
                    vectors.min(1 << capabilities.interrupt_vectors_log2),
                    waiting,
                ),
            },
        };
        let firmware = admin.identify()?;
        let firmware_revision = firmware as u32;
        check_version("the firmware", (firmware >> 32) as u32, firmware_revision)?;
        admin.give_memory(1 << sizes.endpoints_log2, options.residency_policy)?;
        let identity = Identity {
            abi_version: split(version),
            hardware_revision,
            firmware_revision,
            clock_hertz,
            transmit_queues: capabilities.transmit_queues as u16,
            receive_queues: capabilities.receive_queues as u16,
            transmit_slots,
            endpoints: 1 << sizes.endpoints_log2,
            receive_queue_ids: 1 << sizes.receive_queue_ids_log2,
            inline_pages: sizes.inline_pages as u8,
            translation_entries: 1 << sizes.translation_log2,
            nodes: 1 << sizes.nodes_log2,
        };
        Ok(Device {
            transport,
            admin: Arc::new(Mutex::new(admin)),
            identity,
            waiting,
            vectors,
            next_vector: AtomicU16::new(0),
        })
    }

    /// What the NIU says of itself.
    ///
    /// ```
    /// # use wayfarer_host_driver::{Device, OpenOptions, fake::FakeDevice};
    /// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
    /// assert_eq!(device.identity().transmit_slots, 32);
    /// # Ok::<(), wayfarer_host_driver::OpenError>(())
    /// ```
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The way to the device.
    ///
    /// ```
    /// # use wayfarer_host_driver::{Device, OpenOptions, fake::FakeDevice};
    /// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
    /// let pieces = device.transport().pieces_of_memory();
    /// assert_eq!(pieces, 4, "the rings of the admin queue, the table of endpoints, the miss ring");
    /// # Ok::<(), wayfarer_host_driver::OpenError>(())
    /// ```
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Creates an endpoint: a transmit queue, a receive ring and a window of translations. [`Endpoint`] has an example.
    ///
    /// There may be as many endpoints as the device has pages ([`Identity::endpoints`]). More than it has resident
    /// queues share these: the firmware gives a queue to whichever endpoint needs one.
    ///
    /// # Errors
    /// The firmware refuses: no resources, an operand out of range, an RQID in use.
    pub fn create_endpoint(&self, options: EndpointOptions) -> Result<Endpoint<T>, RequestError> {
        let interrupt = (self.vectors > 0).then(|| {
            let next = || self.next_vector.fetch_add(1, Ordering::Relaxed) % self.vectors;
            EndpointInterrupt {
                vector: options.interrupt_vector.unwrap_or_else(next).into(),
                enabled: 1,
                interval: self.interval_units(options.interrupt_interval),
            }
        });
        Endpoint::create(
            self.transport.clone(),
            Arc::clone(&self.admin),
            self.identity.transmit_slots.into(),
            self.waiting,
            interrupt.unwrap_or_default(),
            options,
        )
    }

    /// An interval in units of moderation, no less; the longest if there are not so many.
    fn interval_units(&self, interval: Duration) -> u64 {
        let cycles = interval.as_nanos() * u128::from(self.identity.clock_hertz);
        let unit = 1_000_000_000 * INTERVAL_UNIT_CYCLES as u128;
        cycles.div_ceil(unit).min(MAXIMUM_INTERVAL as u128) as u64
    }

    /// What the firmware has counted since the device was opened: queues that came back and that were sent away, stores
    /// captured and lost. One request for each counter, so they are of different moments.
    ///
    /// ```
    /// # use wayfarer_host_driver::{Device, OpenOptions, fake::FakeDevice};
    /// # use wayfarer_host_driver::abi::admin::residency_counter::ResidencyCounter;
    /// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
    /// let statistics = device.residency_statistics()?;
    /// assert_eq!(statistics.get(ResidencyCounter::TransmitInstalls), 0);
    /// # Ok::<(), wayfarer_host_driver::Error>(())
    /// ```
    ///
    /// # Errors
    /// The firmware refuses or is silent.
    pub fn residency_statistics(&self) -> Result<ResidencyStatistics, RequestError> {
        let mut admin = self.admin.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts = Vec::new();
        for counter in ResidencyCounter::ALL {
            let (what, operands) = ("what it has counted", [counter.code()]);
            counts.push(admin.call(what, opcode::RESIDENCY_STATISTIC, &operands)? as u32);
        }
        Ok(ResidencyStatistics { counts })
    }

    /// A statistics counter.
    ///
    /// ```
    /// # use wayfarer_host_driver::{Device, OpenOptions, fake::FakeDevice};
    /// # use wayfarer_host_driver::abi::control::counter::Counter;
    /// # let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
    /// assert_eq!(device.counter(Counter::TornStore)?, 0);
    /// # Ok::<(), wayfarer_host_driver::Error>(())
    /// ```
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn counter(&self, counter: abi::control::counter::Counter) -> Result<u32, TransportError> {
        let offset = registers::counters::OFFSET as u64 + 4 * counter.code();
        self.transport.read32(Bar::Control, offset)
    }

    /// Core cycle (low 32 bits) at which a stage saw the last marked message.
    ///
    /// ```
    /// # use wayfarer_host_driver::{Device, OpenOptions, fake::FakeDevice};
    /// # use wayfarer_host_driver::abi::control::stage::Stage;
    /// # let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
    /// let cycles = device.stage_time(Stage::FrameOut)?.wrapping_sub(device.stage_time(Stage::HostReceive)?);
    /// # Ok::<(), wayfarer_host_driver::Error>(())
    /// ```
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn stage_time(&self, stage: abi::control::stage::Stage) -> Result<u32, TransportError> {
        let offset = registers::stage_time::OFFSET as u64 + 4 * stage.code();
        self.transport.read32(Bar::Control, offset)
    }

    /// Whether the firmware's heartbeat came in time.
    ///
    /// ```
    /// # use wayfarer_host_driver::{Device, OpenOptions, fake::FakeDevice};
    /// # let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
    /// assert!(device.firmware_alive()?);
    /// # Ok::<(), wayfarer_host_driver::Error>(())
    /// ```
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn firmware_alive(&self) -> Result<bool, TransportError> {
        let status = self
            .transport
            .read32(Bar::Control, registers::status::OFFSET as u64)?;
        Ok(Status::unpack(status).firmware_alive == 1)
    }

    /// Holds the service processor in reset, or lets it go; has done so when it returns. Resident queues keep working.
    ///
    /// ```
    /// # use wayfarer_host_driver::{Device, OpenOptions, fake::FakeDevice};
    /// # let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
    /// device.hold_processor(true)?;
    /// device.hold_processor(false)?; // another firmware starts
    /// # Ok::<(), wayfarer_host_driver::Error>(())
    /// ```
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn hold_processor(&self, hold: bool) -> Result<(), TransportError> {
        let offset = registers::processor_control::OFFSET as u64;
        self.transport.write32(Bar::Control, offset, hold.into());
        // However often this is called, no more register writes wait than the device has room for.
        self.transport.read32(Bar::Control, offset)?;
        Ok(())
    }

    /// The firmware's log: the bytes of its ring, oldest first (defmt frames).
    ///
    /// ```
    /// # use wayfarer_host_driver::{Device, OpenOptions, fake::FakeDevice};
    /// # let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
    /// assert!(device.firmware_log()?.is_empty());
    /// # Ok::<(), wayfarer_host_driver::Error>(())
    /// ```
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn firmware_log(&self) -> Result<Vec<u8>, TransportError> {
        let base = self.identity.outbox() + abi::admin::LOG_OFFSET as u64;
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

/// Slots of a transmit queue. Seven bits of an index tell the messages in flight apart, so there cannot be more than
/// 64.
fn transmit_slots(sizes: Sizes) -> Result<u8, OpenError> {
    let slots = 1_usize << sizes.transmit_slots_log2;
    if slots <= MAXIMUM_TRANSMIT_SLOTS {
        Ok(slots as u8)
    } else {
        Err(OpenError::NoSuchSlots {
            told: slots,
            maximum: MAXIMUM_TRANSMIT_SLOTS,
        })
    }
}

fn split(version: u32) -> (u16, u16) {
    let version = AbiVersion::unpack(version);
    (version.major as u16, version.minor as u16)
}

fn check_version(what: &'static str, version: u32, revision: u32) -> Result<(), OpenError> {
    let (found_major, found_minor) = split(version);
    if found_major == abi::ABI_VERSION_MAJOR {
        return Ok(());
    }
    Err(OpenError::AbiMismatch {
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
        let told = |transmit_slots_log2| Sizes {
            transmit_slots_log2,
            ..Sizes::default()
        };
        for log2 in [2, 4, 6] {
            assert_eq!(transmit_slots(told(log2)).ok(), Some(1 << log2));
        }
        for log2 in [7, 15] {
            let error = transmit_slots(told(log2)).expect_err("no such number");
            let text = format!("{} transmit slots", 1 << log2);
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

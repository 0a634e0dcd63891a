//! Devices of a simulated cluster.

use crate::clock::Clock;
use host_driver::transport::{AnyTransport, Bar, DmaMemory, Layout, Transport, TransportError};
use host_driver::{NodeNumber, Opened, register_opener};
use sim::host::HostPort;
use std::cell::RefCell;
use std::time::Duration;

/// Has the driver open `sim:NODE` with a [`SimulatedTransport`], inside a host program of that node.
pub fn register() {
    register_opener("sim", open);
}

fn open(name: &str) -> Result<Opened, TransportError> {
    let node = name.parse().map_err(|_| {
        TransportError::unreachable(format!("`sim:{name}` names no node: expected a number"))
    })?;
    let transport = AnyTransport::new(SimulatedTransport::open(node)?);
    let node = Some(NodeNumber(node));
    Ok(Opened { transport, node })
}

/// The device's name names another node than the program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this host program runs on node {own}; it cannot open the NIU of node {asked}")]
pub struct OtherNode {
    /// The node in the name.
    pub asked: u16,
    /// The program's node.
    pub own: u16,
}

/// The NIU of the node on which the host program runs.
#[derive(Clone)]
pub struct SimulatedTransport {
    port: HostPort,
    /// Interrupts of each vector that have ended a wait, or were there before the first.
    seen: RefCell<Vec<u64>>,
}

impl SimulatedTransport {
    /// The NIU of `node`, which must be the running program's own.
    ///
    /// # Errors
    /// No host program is running here, or it runs on another node.
    pub fn open(node: u16) -> Result<Self, TransportError> {
        let port = sim::host::current().map_err(TransportError::unreachable)?;
        let own = port.node();
        if node != own {
            let other = OtherNode { asked: node, own };
            return Err(TransportError::unreachable(other));
        }
        Ok(SimulatedTransport {
            port,
            seen: RefCell::default(),
        })
    }

    /// The simulated machine, for what only a simulation can do.
    pub fn port(&self) -> &HostPort {
        &self.port
    }
}

impl Transport for SimulatedTransport {
    type Memory = SimulatedMemory;

    fn read32(&self, bar: Bar, offset: u64) -> Result<u32, TransportError> {
        let failed = |reason: String| TransportError::Read {
            bar,
            offset,
            bytes: 4,
            reason,
        };
        let bytes = self
            .port
            .load(bar.number(), offset, 4)
            .map_err(|error| failed(error.to_string()))?;
        let word = <[u8; 4]>::try_from(bytes)
            .map_err(|bytes| failed(format!("{} bytes came", bytes.len())))?;
        Ok(u32::from_le_bytes(word))
    }

    fn write32(&self, bar: Bar, offset: u64, value: u32) {
        self.port.store(bar.number(), offset, &value.to_le_bytes());
    }

    fn write64(&self, bar: Bar, offset: u64, value: u64) {
        self.port.store(bar.number(), offset, &value.to_le_bytes());
    }

    fn write_combined(&self, bar: Bar, offset: u64, bytes: &[u8]) {
        self.port.store_combined(bar.number(), offset, bytes);
    }

    fn fence(&self) {
        // The simulated processor flushes its write-combining buffer behind each of the stores above.
    }

    fn allocate(&self, bytes: usize, _layout: Layout) -> Result<SimulatedMemory, TransportError> {
        Ok(SimulatedMemory {
            port: self.port.clone(),
            address: self.port.allocate(bytes),
        })
    }

    fn wait(&self, at_most: Duration) {
        self.port.poll_for(at_most);
    }

    fn enable_interrupts(&self) -> Result<u16, TransportError> {
        Ok(self.port.enable_interrupts())
    }

    fn wait_for_interrupt(&self, vector: u16, at_most: Duration) {
        let place = usize::from(vector);
        let seen = self.seen.borrow().get(place).copied().unwrap_or_default();
        let at_most_ns = at_most.as_nanos() as f64;
        self.port.wait_for_interrupt(vector, seen, at_most_ns);
        let mut all = self.seen.borrow_mut();
        if all.len() <= place {
            all.resize(place + 1, 0);
        }
        all[place] = self.port.interrupts(vector);
    }

    fn token(&self) -> u64 {
        // A run is the same each time. Programs of one host share an IOMMU, so that their memory tells them apart.
        0
    }

    fn now(&self) -> Duration {
        self.port.now()
    }
}

/// Memory of a simulated host, mapped in its IOMMU for as long as this lives.
pub struct SimulatedMemory {
    port: HostPort,
    address: u64,
}

impl DmaMemory for SimulatedMemory {
    fn device_address(&self, offset: usize) -> u64 {
        self.address + offset as u64
    }

    fn load64(&self, offset: usize) -> u64 {
        let mut word = [0; 8];
        self.load(offset, &mut word);
        u64::from_le_bytes(word)
    }

    fn load(&self, offset: usize, bytes: &mut [u8]) {
        self.port.read_memory(self.address + offset as u64, bytes);
    }

    fn store(&self, offset: usize, bytes: &[u8]) {
        self.port.write_memory(self.address + offset as u64, bytes);
    }
}

impl Drop for SimulatedMemory {
    fn drop(&mut self) {
        self.port.release(self.address);
    }
}

//! A device that is no more than registers that keep what is written, and memory: for tests of what the driver makes of it.

use super::{Bar, DmaMemory, Transport, TransportError};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

const PAGE_BYTES: u64 = 4096;

/// What the other side does while the driver waits.
type OtherSide = Rc<dyn Fn()>;

#[derive(Default)]
struct State {
    control: BTreeMap<u64, u32>,
    /// Control registers written since one was read.
    unread_writes: usize,
    endpoints: BTreeMap<u64, u64>,
    /// Stores to NIU memory, in order.
    memory_stores: Vec<(u64, Vec<u8>)>,
    /// By device address; what is freed is gone.
    memory: BTreeMap<u64, Vec<u8>>,
    next_page: u64,
    now_ns: f64,
    longest_wait_ns: Option<f64>,
    other_side: Option<OtherSide>,
}

/// A way to such a device.
#[derive(Clone, Default)]
pub struct FakeTransport {
    state: Rc<RefCell<State>>,
}

impl FakeTransport {
    /// Has this done whenever the driver waits.
    pub fn while_waiting(&self, other_side: impl Fn() + 'static) {
        self.state.borrow_mut().other_side = Some(Rc::new(other_side));
    }

    /// Has waits end after so many nanoseconds, as waits do when the device writes something that they are not for.
    pub fn end_waits_after(&self, ns: f64) {
        self.state.borrow_mut().longest_wait_ns = Some(ns);
    }

    /// The device writes 8 bytes to host memory; nothing happens if they have been freed.
    pub fn device_writes(&self, address: u64, word: u64) {
        let mut state = self.state.borrow_mut();
        if let Some((base, bytes)) = state.memory.range_mut(..=address).next_back() {
            let offset = (address - base) as usize;
            if let Some(place) = bytes.get_mut(offset..offset + 8) {
                place.copy_from_slice(&word.to_le_bytes());
            }
        }
    }

    /// The device reads 8 bytes of host memory.
    pub fn device_reads(&self, address: u64) -> u64 {
        let state = self.state.borrow();
        let (base, bytes) = state.memory.range(..=address).next_back().expect("memory");
        let offset = (address - base) as usize;
        let word = bytes[offset..offset + 8].try_into().expect("8 bytes");
        u64::from_le_bytes(word)
    }

    /// What a control register holds.
    pub fn register(&self, offset: usize) -> u32 {
        let state = self.state.borrow();
        state
            .control
            .get(&(offset as u64))
            .copied()
            .unwrap_or_default()
    }

    /// What was last stored at an offset in the endpoint pages.
    pub fn endpoint_register(&self, offset: usize) -> u64 {
        let state = self.state.borrow();
        let stored = state.endpoints.get(&(offset as u64));
        stored.copied().unwrap_or_default()
    }

    /// What was stored to NIU memory since this was last asked: offset and bytes.
    pub fn take_memory_stores(&self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(&mut self.state.borrow_mut().memory_stores)
    }

    /// Pieces of memory that the device may reach.
    pub fn pieces_of_memory(&self) -> usize {
        self.state.borrow().memory.len()
    }
}

impl Transport for FakeTransport {
    type Memory = FakeMemory;

    fn read32(&self, bar: Bar, offset: u64) -> Result<u32, TransportError> {
        assert_eq!(bar, Bar::Control, "the driver reads nothing else");
        self.state.borrow_mut().unread_writes = 0;
        Ok(self.register(offset as usize))
    }

    fn write32(&self, bar: Bar, offset: u64, value: u32) {
        if bar == Bar::Control {
            let mut state = self.state.borrow_mut();
            state.control.insert(offset, value);
            state.unread_writes += 1;
            let room = abi::control::REGISTER_WRITE_LINES;
            assert!(state.unread_writes <= room, "writes might be lost");
        }
    }

    fn write64(&self, bar: Bar, offset: u64, value: u64) {
        if bar == Bar::Endpoints {
            self.state.borrow_mut().endpoints.insert(offset, value);
        }
    }

    fn write_combined(&self, bar: Bar, offset: u64, bytes: &[u8]) {
        assert_eq!(bar, Bar::Memory, "nothing else is mapped so");
        let mut state = self.state.borrow_mut();
        state.memory_stores.push((offset, bytes.to_vec()));
    }

    fn allocate(&self, bytes: usize) -> Result<FakeMemory, TransportError> {
        let mut state = self.state.borrow_mut();
        let bytes = (bytes as u64).next_multiple_of(PAGE_BYTES);
        state.next_page += PAGE_BYTES;
        let address = state.next_page;
        state.next_page += bytes;
        state.memory.insert(address, vec![0; bytes as usize]);
        Ok(FakeMemory {
            transport: self.clone(),
            address,
        })
    }

    fn wait(&self, at_most_ns: f64) {
        let other_side = {
            let mut state = self.state.borrow_mut();
            state.now_ns += state.longest_wait_ns.unwrap_or(at_most_ns).min(at_most_ns);
            state.other_side.clone()
        };
        if let Some(other_side) = other_side {
            other_side();
        }
    }

    fn now_ns(&self) -> f64 {
        self.state.borrow().now_ns
    }
}

/// Memory that such a device may reach for as long as this lives.
pub struct FakeMemory {
    transport: FakeTransport,
    address: u64,
}

impl DmaMemory for FakeMemory {
    fn device_address(&self) -> u64 {
        self.address
    }

    fn load64(&self, offset: usize) -> u64 {
        let mut word = [0; 8];
        self.load(offset, &mut word);
        u64::from_le_bytes(word)
    }

    fn load(&self, offset: usize, bytes: &mut [u8]) {
        let state = self.transport.state.borrow();
        bytes.copy_from_slice(&state.memory[&self.address][offset..offset + bytes.len()]);
    }

    fn store(&self, offset: usize, bytes: &[u8]) {
        let mut state = self.transport.state.borrow_mut();
        let memory = state.memory.get_mut(&self.address).expect("it is alive");
        memory[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
}

impl Drop for FakeMemory {
    fn drop(&mut self) {
        self.transport
            .state
            .borrow_mut()
            .memory
            .remove(&self.address);
    }
}

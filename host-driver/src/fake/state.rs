//! What a fake device holds: registers, NIU memory, host memory.

use super::firmware::{self, Firmware};
use super::hardware::Endpoint;
use super::remote::Segments;
use crate::transport::Layout;
use abi::control::registers;
use abi::message::INLINE_BODY_BYTES;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

pub(super) const PAGE_BYTES: usize = 4096;
/// Bytes of NIU memory that are stored at once.
const LANE_BYTES: usize = 16;

/// Says of each store whether it is lost.
type Lose = Box<dyn FnMut() -> bool + Send>;

/// A store to the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// To the endpoint pages: offset and value.
    Page(u64, u64),
    /// To NIU memory: offset and bytes.
    Memory(u64, Vec<u8>),
    /// None: a fence.
    Fence,
}

/// What the other side does while a program waits.
type OtherSide = Arc<dyn Fn() + Send + Sync>;

pub(super) struct State {
    pub control: BTreeMap<u64, u32>,
    /// Control registers written since one was read.
    pub unread_writes: usize,
    /// The last store at each offset of the endpoint pages.
    pub endpoint_stores: BTreeMap<u64, u64>,
    /// Stores to endpoint pages and NIU memory since they were last asked for, in order.
    #[cfg(test)]
    pub stores: Vec<Store>,
    /// Those that no fence has followed yet: the device does not see them.
    kept_back: Vec<(u64, Vec<u8>)>,
    /// Inline bodies.
    niu_memory: Vec<u8>,
    /// Host memory was stored to, and no fence has followed.
    pub unfenced: bool,
    /// Pieces of host memory by device address of their first page; what is freed is gone.
    pub memory: BTreeMap<u64, Piece>,
    next_page: u64,
    pub now: Duration,
    pub longest_wait: Option<Duration>,
    pub other_side: Option<OtherSide>,
    pub hold_messages: bool,
    pub lose: Option<Lose>,
    pub endpoints: BTreeMap<u16, Endpoint>,
    pub segments: Segments,
    pub firmware: Firmware,
    /// Interrupts so far: one for each write to host memory.
    pub interrupts: u64,
    pub interrupt_waits: usize,
    wakers: Vec<Waker>,
}

/// A piece of host memory.
pub(super) struct Piece {
    /// Each page at its device address.
    pages: BTreeMap<u64, Vec<u8>>,
}

impl State {
    pub fn new() -> Self {
        let registers = firmware::registers_at_start();
        State {
            control: registers
                .into_iter()
                .map(|(at, word)| (at as u64, word))
                .collect(),
            unread_writes: 0,
            endpoint_stores: BTreeMap::new(),
            #[cfg(test)]
            stores: Vec::new(),
            kept_back: Vec::new(),
            niu_memory: vec![0; firmware::ENDPOINTS * PAGE_BYTES],
            unfenced: false,
            memory: BTreeMap::new(),
            next_page: PAGE_BYTES as u64,
            now: Duration::ZERO,
            longest_wait: None,
            other_side: None,
            hold_messages: false,
            lose: None,
            endpoints: BTreeMap::new(),
            segments: Segments::default(),
            firmware: Firmware::default(),
            interrupts: 0,
            interrupt_waits: 0,
            wakers: Vec::new(),
        }
    }

    pub fn register(&self, offset: usize) -> u32 {
        let word = self.control.get(&(offset as u64));
        word.copied().unwrap_or_default()
    }

    pub fn write_register(&mut self, offset: u64, value: u32) {
        let before = self.control.insert(offset, value).unwrap_or_default();
        self.unread_writes += 1;
        let room = abi::control::REGISTER_WRITE_LINES;
        assert!(self.unread_writes <= room, "writes might be lost");
        match offset as usize {
            registers::admin_doorbell::OFFSET => {
                assert!(!self.unfenced, "a request must be fenced from its doorbell");
            }
            registers::processor_control::OFFSET if before & 1 == 1 && value & 1 == 0 => {
                self.restart_firmware();
            }
            _ => {}
        }
    }

    pub fn store_combined(&mut self, offset: u64, bytes: &[u8]) {
        self.log(Store::Memory(offset, bytes.to_vec()));
        self.kept_back.push((offset, bytes.to_vec()));
    }

    pub fn fence(&mut self) {
        self.log(Store::Fence);
        self.unfenced = false;
        for (offset, bytes) in std::mem::take(&mut self.kept_back) {
            let mut at = offset as usize;
            for part in bytes.chunks(LANE_BYTES) {
                self.store_lane(at, part);
                at += part.len();
            }
        }
    }

    /// The first lane of an inline body goes the way of messages.
    fn store_lane(&mut self, at: usize, bytes: &[u8]) {
        if at.is_multiple_of(INLINE_BODY_BYTES) && self.loses((at / PAGE_BYTES) as u16) {
            return;
        }
        if let Some(place) = self.niu_memory.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    /// Keeps a record of stores for the tests.
    pub fn log(&mut self, _store: Store) {
        #[cfg(test)]
        self.stores.push(_store);
    }

    /// Bytes of NIU memory as the device sees them.
    pub fn niu_bytes(&self, offset: usize, bytes: usize) -> &[u8] {
        &self.niu_memory[offset..offset + bytes]
    }

    pub fn allocate(&mut self, bytes: usize, layout: Layout) -> Vec<u64> {
        let count = bytes.div_ceil(PAGE_BYTES).max(1);
        let step = match layout {
            Layout::Contiguous => PAGE_BYTES as u64,
            Layout::Pages => 3 * PAGE_BYTES as u64,
        };
        let first = self.next_page;
        let addresses: Vec<u64> = (0..count as u64).map(|page| first + page * step).collect();
        // A page that is never allocated is between any two pieces.
        self.next_page = first + count as u64 * step + PAGE_BYTES as u64;
        let page = |&address: &u64| (address, vec![0; PAGE_BYTES]);
        let pages = addresses.iter().map(page).collect();
        self.memory.insert(first, Piece { pages });
        addresses
    }

    pub fn release(&mut self, first: u64) {
        self.memory.remove(&first);
    }

    /// Bytes of host memory within a page, unless they have been freed.
    pub fn bytes(&self, address: u64, bytes: usize) -> Option<&[u8]> {
        let (_, piece) = self.memory.range(..=address).next_back()?;
        let (start, page) = piece.pages.range(..=address).next_back()?;
        let at = (address - start) as usize;
        page.get(at..at + bytes)
    }

    /// Stores to host memory within a page; nothing happens if it has been freed.
    pub fn write_memory(&mut self, address: u64, bytes: &[u8]) {
        let piece = self.memory.range_mut(..=address).next_back();
        let page = piece.and_then(|(_, piece)| piece.pages.range_mut(..=address).next_back());
        if let Some((start, page)) = page {
            let at = (address - start) as usize;
            if let Some(place) = page.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        }
    }

    /// The device writes to host memory, and raises an interrupt.
    pub fn device_writes(&mut self, address: u64, bytes: &[u8]) {
        self.write_memory(address, bytes);
        self.interrupts += 1;
        self.wakers.drain(..).for_each(Waker::wake);
    }

    /// The device reads 8 bytes of host memory.
    pub fn device_reads(&self, address: u64) -> u64 {
        let word = self.bytes(address, 8).and_then(|word| word.try_into().ok());
        word.map_or(u64::MAX, u64::from_le_bytes)
    }

    pub fn wake(&mut self, waker: &Waker) {
        if !self.wakers.iter().any(|other| other.will_wake(waker)) {
            self.wakers.push(waker.clone());
        }
    }

    pub fn restart_firmware(&mut self) {
        self.firmware.consumer = self.register(registers::admin_doorbell::OFFSET) as u16;
        let heartbeat = self.register(registers::heartbeat::OFFSET).wrapping_add(1);
        let heartbeat_at = registers::heartbeat::OFFSET as u64;
        self.control.insert(heartbeat_at, heartbeat);
        self.firmware.knows_nothing = true;
    }
}

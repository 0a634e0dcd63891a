//! A device that is no more than this process: it **stands in for** a NIU in examples and in tests of host programs.
//!
//! [`FakeDevice`] keeps the driver's side of contract 1: registers, admin queue, endpoints, messages between endpoints
//! of the same device, segments of remote memory, errors and losses in shadow lines. It has no link, so that messages
//! and writes reach its own node only; it models no timing, and it checks little of what a NIU checks. Its clock moves
//! only while a program waits. The true hardware runs in the simulator (`wayfarer-cluster`).

mod firmware;
mod hardware;
mod remote;
mod state;

use crate::transport::{Bar, DmaMemory, Layout, Transport, TransportError};
use abi::admin::opcode::Opcode;
use state::State;
#[cfg(test)]
pub(crate) use state::Store;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

/// A device in memory, and the way to it. Clones are the same device.
///
/// ```
/// use std::time::Duration;
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{
///     Destination, Device, EndpointOptions, NodeNumber, OpenOptions, ReceiveQueueId, VirtualChannel,
/// };
///
/// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
/// let options = EndpointOptions { receive_queue_id: ReceiveQueueId(7), ..EndpointOptions::default() };
/// let mut endpoint = device.create_endpoint(options)?;
/// // The only node that a fake device reaches is its own.
/// endpoint.load_translation(Destination(0), NodeNumber(0), ReceiveQueueId(7), VirtualChannel::ZERO)?;
/// endpoint.send_express(Destination(0), 0, *b"to me...")?;
/// let message = endpoint.receive_wait(Duration::from_millis(1))?;
/// assert_eq!(message.payload(), b"to me...");
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
pub struct FakeDevice {
    state: Arc<Mutex<State>>,
    /// Interrupts that this clone has seen.
    seen: AtomicU64,
}

impl Clone for FakeDevice {
    fn clone(&self) -> Self {
        let interrupts = self.state().interrupts;
        FakeDevice {
            state: Arc::clone(&self.state),
            seen: AtomicU64::new(interrupts),
        }
    }
}

impl Default for FakeDevice {
    fn default() -> Self {
        FakeDevice::new()
    }
}

impl FakeDevice {
    /// A device that nobody has, as node 0.
    pub fn new() -> Self {
        FakeDevice {
            state: Arc::new(Mutex::new(State::new())),
            seen: AtomicU64::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that failed may still want to look.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the firmware lets requests wait.
    pub fn silence_firmware(&self, silent: bool) {
        self.state().firmware.silent = silent;
    }

    /// Has requests of this kind end in `FAILED`.
    pub fn fail_requests(&self, kind: Option<Opcode>) {
        self.state().firmware.fails = kind;
    }

    /// Another firmware takes the place of this one. It does not know what was taken before.
    pub fn restart_firmware(&self) {
        self.state().restart_firmware();
    }

    /// Whether messages stay in their transmit queues.
    pub fn hold_messages(&self, hold: bool) {
        let mut state = self.state();
        state.hold_messages = hold;
        state.deliver();
    }

    /// Asks `lose` of each store of a message, or of the beginning of an inline body, whether it is lost. A NIU loses
    /// stores that it has to capture and has no room for. The shadow line tells of a loss when messages are next
    /// delivered ([`FakeDevice::hold_messages`]). `lose` must not use the device.
    ///
    /// ```
    /// use wayfarer_host_driver::fake::FakeDevice;
    /// use wayfarer_host_driver::{
    ///     Destination, Device, EndpointOptions, NodeNumber, OpenOptions, ReceiveQueueId, VirtualChannel,
    /// };
    ///
    /// let fake = FakeDevice::new();
    /// let device = Device::with_transport(fake.clone(), OpenOptions::default())?;
    /// let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
    /// endpoint.load_translation(Destination(0), NodeNumber(0), ReceiveQueueId(0), VirtualChannel::ZERO)?;
    /// let mut lose = true;
    /// fake.lose_stores(move || std::mem::take(&mut lose));
    /// endpoint.send_express(Destination(0), 0, *b"lost one")?;
    /// // This call finds that out, and stores the message again.
    /// assert!(endpoint.receive().is_some());
    /// # Ok::<(), wayfarer_host_driver::Error>(())
    /// ```
    pub fn lose_stores(&self, lose: impl FnMut() -> bool + Send + 'static) {
        self.state().lose = Some(Box::new(lose));
    }

    /// Has this done whenever a program waits, after the firmware's work.
    pub fn while_waiting(&self, other_side: impl Fn() + Send + Sync + 'static) {
        self.state().other_side = Some(Arc::new(other_side));
    }

    /// Has waits end after so long, as waits do when the device writes something that they are not for.
    pub fn end_waits_after(&self, longest: Duration) {
        self.state().longest_wait = Some(longest);
    }

    /// Pieces of memory that the device may reach.
    pub fn pieces_of_memory(&self) -> usize {
        self.state().memory.len()
    }

    /// Whether there was an interrupt that this clone has not seen before.
    fn sees_interrupt(&self) -> bool {
        let interrupts = self.state().interrupts;
        // Ordering: the lock orders everything that the number stands for.
        self.seen.swap(interrupts, Ordering::Relaxed) != interrupts
    }

    fn turn(&self, at_most: Duration) {
        let other_side = {
            let mut state = self.state();
            let turn = state.longest_wait.unwrap_or(at_most).min(at_most);
            state.now = state.now.saturating_add(turn);
            state.serve_requests();
            state.deliver();
            state.other_side.clone()
        };
        if let Some(other_side) = other_side {
            other_side();
        }
    }
}

#[cfg(test)]
impl FakeDevice {
    /// The firmware answers what waits.
    pub(crate) fn work(&self) {
        self.state().serve_requests();
    }

    /// How often the firmware was given new rings and forgot all endpoints.
    pub(crate) fn resets(&self) -> usize {
        self.state().firmware.resets
    }

    /// The device writes 8 bytes to host memory; nothing happens if they have been freed.
    pub(crate) fn device_writes(&self, address: u64, word: u64) {
        self.state().device_writes(address, &word.to_le_bytes());
    }

    /// What a control register holds.
    pub(crate) fn register(&self, offset: usize) -> u32 {
        self.state().register(offset)
    }

    /// Has a control register hold this.
    pub(crate) fn set_register(&self, offset: usize, value: u32) {
        self.state().control.insert(offset as u64, value);
    }

    /// What was last stored at an offset in the endpoint pages.
    pub(crate) fn endpoint_register(&self, offset: usize) -> u64 {
        let state = self.state();
        let stored = state.endpoint_stores.get(&(offset as u64));
        stored.copied().unwrap_or_default()
    }

    /// What was stored to NIU memory since this was last asked: offset and bytes.
    pub(crate) fn take_memory_stores(&self) -> Vec<(u64, Vec<u8>)> {
        let stores = self.take_stores().into_iter();
        let to_memory = stores.filter_map(|store| match store {
            state::Store::Memory(offset, bytes) => Some((offset, bytes)),
            _ => None,
        });
        to_memory.collect()
    }

    /// What was stored to endpoint pages and NIU memory since this was last asked, in order.
    pub(crate) fn take_stores(&self) -> Vec<state::Store> {
        std::mem::take(&mut self.state().stores)
    }

    /// Waits for an interrupt so far.
    pub(crate) fn interrupt_waits(&self) -> usize {
        self.state().interrupt_waits
    }
}

/// Interrupt vectors.
const VECTORS: u16 = 4;

impl Transport for FakeDevice {
    type Memory = FakeMemory;

    fn read32(&self, bar: Bar, offset: u64) -> Result<u32, TransportError> {
        let mut state = self.state();
        match bar {
            Bar::Control => {
                state.unread_writes = 0;
                Ok(state.register(offset as usize))
            }
            // The firmware's log is empty.
            Bar::Memory => Ok(0),
            Bar::Endpoints => Err(TransportError::Read {
                bar,
                offset,
                bytes: 4,
                reason: "there is nothing to read".into(),
            }),
        }
    }

    fn write32(&self, bar: Bar, offset: u64, value: u32) {
        if bar == Bar::Control {
            self.state().write_register(offset, value);
        }
    }

    fn write64(&self, bar: Bar, offset: u64, value: u64) {
        if bar == Bar::Endpoints {
            self.state().store_to_page(offset, value);
        }
    }

    fn write_combined(&self, bar: Bar, offset: u64, bytes: &[u8]) {
        assert_eq!(bar, Bar::Memory, "nothing else is mapped so");
        self.state().store_combined(offset, bytes);
    }

    fn fence(&self) {
        self.state().fence();
    }

    fn allocate(&self, bytes: usize, layout: Layout) -> Result<FakeMemory, TransportError> {
        let addresses = self.state().allocate(bytes, layout);
        Ok(FakeMemory {
            device: self.clone(),
            addresses,
        })
    }

    fn wait(&self, at_most: Duration) {
        self.turn(at_most);
    }

    fn enable_interrupts(&self) -> Result<u16, TransportError> {
        Ok(VECTORS)
    }

    /// Every vector is raised when anything happens.
    fn wait_for_interrupt(&self, _vector: u16, at_most: Duration) {
        self.state().interrupt_waits += 1;
        if self.sees_interrupt() {
            return;
        }
        self.turn(at_most);
        self.sees_interrupt();
    }

    fn wake(&self, waker: &Waker) {
        self.state().wake(waker);
    }

    fn now(&self) -> Duration {
        self.state().now
    }
}

/// Memory that a [`FakeDevice`] may reach for as long as this lives.
pub struct FakeMemory {
    device: FakeDevice,
    /// Of each page.
    addresses: Vec<u64>,
}

impl FakeMemory {
    /// Runs `each` on the parts of so many bytes at `offset`, none of which is longer than a page: where a part begins
    /// among the bytes, its address and its length.
    fn parts(&self, offset: usize, bytes: usize, mut each: impl FnMut(usize, u64, usize)) {
        let mut done = 0;
        while done < bytes {
            let at = offset + done;
            let part = (state::PAGE_BYTES - at % state::PAGE_BYTES).min(bytes - done);
            each(done, self.device_address(at), part);
            done += part;
        }
    }
}

impl DmaMemory for FakeMemory {
    fn device_address(&self, offset: usize) -> u64 {
        self.addresses[offset / state::PAGE_BYTES] + (offset % state::PAGE_BYTES) as u64
    }

    fn load64(&self, offset: usize) -> u64 {
        let mut word = [0; 8];
        self.load(offset, &mut word);
        u64::from_le_bytes(word)
    }

    fn load(&self, offset: usize, bytes: &mut [u8]) {
        let state = self.device.state();
        self.parts(offset, bytes.len(), |done, address, part| {
            let loaded = state.bytes(address, part).expect("it is allocated");
            bytes[done..done + part].copy_from_slice(loaded);
        });
    }

    fn store(&self, offset: usize, bytes: &[u8]) {
        let mut state = self.device.state();
        self.parts(offset, bytes.len(), |done, address, part| {
            state.write_memory(address, &bytes[done..done + part]);
        });
        state.unfenced = true;
    }
}

impl Drop for FakeMemory {
    fn drop(&mut self) {
        self.device.state().release(self.addresses[0]);
    }
}

#[cfg(test)]
mod tests;

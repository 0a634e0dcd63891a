//! What a host program can do: stores to and loads from the device, host memory, waiting.

use super::RESET_CYCLES;
use super::wake::{Suspender, Wake};
use crate::memory::{HostMemory, PAGE_BYTES, Permission};
use crate::pcie::configuration_space::{
    ConfigurationSpace, MSIX_ENABLE, MSIX_FUNCTION_MASK, offset,
};
use crate::pcie::{HostBridge, ReadError, ReadTicket};
use crate::profile::HostCosts;
use abi::interrupt::{CONTROL_OFFSET, DATA_OFFSET, ENTRY_BYTES, TABLE_OFFSET};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::rc::Rc;

/// The host side of a node: what its programs share.
pub struct HostSide {
    /// Root complex and link.
    pub bridge: HostBridge,
    /// Host memory.
    pub memory: HostMemory,
    /// What programs have allocated for the device: IOVA to host address and bytes.
    pub allocations: BTreeMap<u64, (u64, u64)>,
    /// The node's number.
    pub node: u16,
    /// Nodes in the cluster.
    pub nodes: u16,
    /// Core cycle now.
    pub cycle: u64,
    /// Picoseconds in a core cycle.
    pub cycle_picoseconds: u64,
    /// What operations cost the processor.
    pub costs: HostCosts,
    /// The NIU is to be reset in the cycle that begins now.
    pub reset: bool,
    /// Results of the last exchange among all programs, in the order of programs.
    pub gathered: Vec<Vec<u8>>,
}

impl HostSide {
    /// The host address behind an address that the device uses for allocated memory.
    ///
    /// # Panics
    /// Nothing is allocated there: a host program would have died of it.
    fn host_address(&self, address: u64, bytes: usize) -> u64 {
        let found = self.allocations.range(..=address).next_back();
        let inside = found.filter(|(base, (_, size))| address + bytes as u64 <= *base + size);
        let (base, (host, _)) =
            inside.unwrap_or_else(|| panic!("{bytes} bytes at {address:#x} are not allocated"));
        host + (address - base)
    }
}

/// `current` was called outside of a host program.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "no host program of a simulated cluster is running here: open `sim:` devices inside a program given to \
     `Cluster::run`"
)]
pub struct NotInSimulation;

thread_local! {
    static CURRENT: RefCell<Option<HostPort>> = const { RefCell::new(None) };
}

/// The port of the host program that is running on this thread.
///
/// # Errors
/// None is running.
pub fn current() -> Result<HostPort, NotInSimulation> {
    CURRENT.with_borrow(Clone::clone).ok_or(NotInSimulation)
}

/// A host program's access to its simulated machine. Every operation costs what the profile says.
#[derive(Clone)]
pub struct HostPort {
    side: Rc<RefCell<HostSide>>,
    /// The program's: none before it has started. Which program a port belongs to is told by where this is kept.
    suspender: Rc<Cell<Option<NonNull<Suspender>>>>,
    /// The program's own time: it runs ahead of the clock by less than a cycle.
    time_picoseconds: Rc<Cell<u64>>,
    /// The device's writes that had landed at the program's first look at memory since its last poll: later ones it
    /// may have missed, wherever it has looked since. None before such a look.
    seen_writes: Rc<Cell<Option<u64>>>,
}

impl HostPort {
    /// The port of a program that has yet to start.
    pub(super) fn new(side: Rc<RefCell<HostSide>>) -> Self {
        HostPort {
            side,
            suspender: Rc::default(),
            time_picoseconds: Rc::default(),
            seen_writes: Rc::default(),
        }
    }

    /// The program starts, on the coroutine that this suspends.
    pub(super) fn start(&self, suspender: &Suspender) {
        self.suspender.set(Some(NonNull::from(suspender)));
    }

    /// Does what runs the program, with this port as [`current`].
    pub(super) fn while_current<R>(&self, run: impl FnOnce() -> R) -> R {
        /// Resets it also when the program panics, for then its stack is gone.
        struct Reset;
        impl Drop for Reset {
            fn drop(&mut self) {
                CURRENT.set(None);
            }
        }
        let _reset = Reset;
        CURRENT.set(Some(self.clone()));
        run()
    }

    /// Suspends the program until `wake`, then sets its time to the clock's if that is later.
    fn suspend(&self, wake: Wake) {
        let is_own = |current: &HostPort| Rc::ptr_eq(&current.suspender, &self.suspender);
        let suspender = current().ok().filter(is_own).and(self.suspender.get());
        let suspender = suspender.expect("a HostPort is used outside of its own host program");
        // SAFETY: the suspender lives on the stack of the coroutine that started with this port, and the check above
        // has shown that this very coroutine is running now, on this thread, so that its stack is alive.
        unsafe { suspender.as_ref() }.suspend(wake);
        let side = self.side.borrow();
        self.time_picoseconds.set(
            self.time_picoseconds
                .get()
                .max(side.cycle * side.cycle_picoseconds),
        );
    }

    /// Lets the clock come up to the program's time.
    fn synchronise(&self) {
        let (cycle, length) = {
            let side = self.side.borrow();
            (side.cycle, side.cycle_picoseconds)
        };
        let due = self.time_picoseconds.get().div_ceil(length);
        if due > cycle {
            self.suspend(Wake::At(due));
        }
    }

    /// Waits for the next cycle, to look again whether the bridge has come further.
    fn next_cycle(&self) {
        let cycle = self.side.borrow().cycle;
        self.suspend(Wake::At(cycle + 1));
    }

    /// Spends processor time.
    pub fn spend_ns(&self, ns: u64) {
        self.time_picoseconds
            .set(self.time_picoseconds.get() + ns * 1000);
    }

    /// The program's time in nanoseconds.
    pub fn now_ns(&self) -> f64 {
        self.time_picoseconds.get() as f64 / 1000.0
    }

    /// The core cycle the clock shows.
    pub fn cycle(&self) -> u64 {
        self.side.borrow().cycle
    }

    /// This node's number.
    pub fn node(&self) -> u16 {
        self.side.borrow().node
    }

    /// Nodes in the cluster.
    pub fn nodes(&self) -> u16 {
        self.side.borrow().nodes
    }

    /// What operations cost.
    pub fn costs(&self) -> HostCosts {
        self.side.borrow().costs.clone()
    }

    /// One uncached store of 1, 2, 4 or 8 bytes.
    pub fn store(&self, bar: u8, offset: u64, bytes: &[u8]) {
        self.store_packet(bar, offset, bytes);
        self.spend_ns(self.side.borrow().costs.uncached_store_ns);
    }

    /// Stores through a write-combining mapping, then a flush: one packet for each 64-byte line touched.
    pub fn store_combined(&self, bar: u8, offset: u64, bytes: &[u8]) {
        let (line_ns, flush_ns) = {
            let costs = &self.side.borrow().costs;
            (
                costs.write_combining_store_ns,
                costs.write_combining_flush_ns,
            )
        };
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let part = (64 - (at % 64) as usize).min(bytes.len() - done);
            self.store_packet(bar, at, &bytes[done..done + part]);
            self.spend_ns(line_ns);
            done += part;
        }
        self.spend_ns(flush_ns);
    }

    /// Sends one write once the processor's store buffers have room.
    fn store_packet(&self, bar: u8, offset: u64, bytes: &[u8]) {
        self.synchronise();
        while !self.side.borrow().bridge.store_accepted() {
            self.next_cycle();
        }
        self.side.borrow_mut().bridge.write(bar, offset, bytes);
    }

    /// Sends a packet of any shape, for tests of bad input.
    pub fn send_raw_packet(&self, packet: &[u8]) {
        self.synchronise();
        self.side.borrow_mut().bridge.write_raw(packet);
    }

    /// One uncached load: the program stands still until the completion is there.
    ///
    /// # Errors
    /// The device answered with an error, or not at all.
    pub fn load(&self, bar: u8, offset: u64, bytes: u16) -> Result<Vec<u8>, ReadError> {
        self.synchronise();
        let ticket: ReadTicket = self.side.borrow_mut().bridge.read(bar, offset, bytes);
        loop {
            if let Some(result) = self.side.borrow_mut().bridge.read_result(ticket) {
                return result;
            }
            self.next_cycle();
        }
    }

    /// Zeroed host memory that the device may reach: its address as the device sees it, on a page.
    ///
    /// # Panics
    /// The device's address space is used up.
    pub fn allocate(&self, bytes: usize) -> u64 {
        let mut side = self.side.borrow_mut();
        let bytes = (bytes as u64).next_multiple_of(PAGE_BYTES);
        let host = side.memory.allocate(bytes, PAGE_BYTES);
        let address = side
            .bridge
            .iommu_mut()
            .map(host, bytes, Permission::ReadWrite)
            .unwrap_or_else(|error| panic!("{error}"));
        side.allocations.insert(address, (host, bytes));
        address
    }

    /// Gives memory back; the device can no longer reach it.
    pub fn release(&self, address: u64) {
        let mut side = self.side.borrow_mut();
        if let Some((host, bytes)) = side.allocations.remove(&address) {
            // A test may have taken the mapping away itself.
            let _ = side.bridge.iommu_mut().unmap(address, bytes);
            side.memory.release(host, bytes);
        }
    }

    /// Reads allocated memory at an address as the device sees it.
    ///
    /// # Panics
    /// The memory is not allocated.
    pub fn read_memory(&self, address: u64, bytes: &mut [u8]) {
        self.synchronise();
        let side = self.side.borrow();
        if self.seen_writes.get().is_none() {
            self.seen_writes.set(Some(side.bridge.landed_writes()));
        }
        side.memory
            .read(side.host_address(address, bytes.len()), bytes);
        self.spend_ns(side.costs.cached_load_ns);
    }

    /// Writes allocated memory at an address as the device sees it.
    ///
    /// # Panics
    /// The memory is not allocated.
    pub fn write_memory(&self, address: u64, bytes: &[u8]) {
        self.synchronise();
        let mut side = self.side.borrow_mut();
        let host = side.host_address(address, bytes.len());
        side.memory.write(host, bytes);
    }

    /// One turn of a polling loop that found nothing new: comes back at the first poll after the device wrote to host
    /// memory, as a loop that loads the same cache lines again and again would, or after
    /// `at_most_ns`. What the device has written since the program's first look in this turn
    /// counts: time passes between looks at one line and at another.
    pub fn poll(&self, at_most_ns: f64) {
        let wake = {
            let side = self.side.borrow();
            let length = side.cycle_picoseconds;
            let interval = (side.costs.poll_interval_ns * 1000).div_ceil(length).max(1);
            let now = self.time_picoseconds.get().div_ceil(length).max(side.cycle);
            let deadline = now + ((at_most_ns * 1000.0) as u64).div_ceil(length).max(1);
            Wake::Memory {
                next: now + interval,
                interval,
                seen: self
                    .seen_writes
                    .take()
                    .unwrap_or_else(|| side.bridge.landed_writes()),
                deadline,
            }
        };
        self.suspend(wake);
    }

    /// Sets up the device's interrupts, as an operating system does when a driver asks for them: every vector that the
    /// capability says there is goes to this host. Gives their number.
    pub fn enable_interrupts(&self) -> u16 {
        let look = |side: &mut HostSide| side.bridge.configuration().read(offset::MSIX);
        let control = self.with_side(look);
        let vectors = (control >> 16 & 0x7ff) as u16 + 1;
        if control & MSIX_ENABLE != 0 {
            return vectors;
        }
        self.configure_interrupts(MSIX_ENABLE | MSIX_FUNCTION_MASK);
        for vector in 0..vectors {
            let entry = (TABLE_OFFSET + usize::from(vector) * ENTRY_BYTES) as u64;
            let (address, data) = HostBridge::interrupt_message(vector);
            self.store(0, entry, &address.to_le_bytes());
            self.store(0, entry + DATA_OFFSET as u64, &data.to_le_bytes());
            self.mask_interrupt(vector, false);
            // Sixteen lines of writes may wait in the device.
            if vector % 4 == 3 {
                let _ = self.load(0, entry, 4);
            }
        }
        self.configure_interrupts(MSIX_ENABLE);
        vectors
    }

    /// Writes MSI-X Enable and Function Mask.
    pub fn configure_interrupts(&self, bits: u32) {
        self.with_side(|side| {
            let write = |space: &mut ConfigurationSpace| space.write(offset::MSIX, bits);
            side.bridge.configure(write);
        });
    }

    /// Writes a vector's mask bit.
    pub fn mask_interrupt(&self, vector: u16, masked: bool) {
        let entry = (TABLE_OFFSET + usize::from(vector) * ENTRY_BYTES) as u64;
        let word = u32::from(masked).to_le_bytes();
        self.store(0, entry + CONTROL_OFFSET as u64, &word);
    }

    /// Interrupts of the vector that have arrived so far.
    pub fn interrupts(&self, vector: u16) -> u64 {
        let side = self.side.borrow();
        let arrived = side.bridge.interrupts().get(usize::from(vector));
        arrived.copied().unwrap_or_default()
    }

    /// Blocks until an interrupt of the vector has come that was not among the `seen` first, and at most so long. A
    /// program that had to wait for it pays the profile's wake-up.
    pub fn wait_for_interrupt(&self, vector: u16, seen: u64, at_most_ns: f64) {
        self.synchronise();
        if self.interrupts(vector) != seen {
            return;
        }
        let wake = {
            let side = self.side.borrow();
            let length = side.cycle_picoseconds;
            Wake::Interrupt {
                vector,
                seen,
                wakeup: (side.costs.interrupt_wakeup_ns * 1000).div_ceil(length),
                deadline: side.cycle + ((at_most_ns * 1000.0) as u64).div_ceil(length).max(1),
            }
        };
        self.suspend(wake);
        // What it looks at now is news.
        self.seen_writes.set(None);
    }

    /// Waits without doing anything.
    pub fn sleep_ns(&self, ns: u64) {
        self.spend_ns(ns);
        self.synchronise();
    }

    /// Hands bytes to every program of the cluster and receives theirs, in the order of programs: what a launcher (PMI)
    /// offers for start-up, and a barrier. It goes round the NIU and takes no part in what is measured.
    pub fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.synchronise();
        self.suspend(Wake::Gather(bytes.to_vec()));
        self.side.borrow().gathered.clone()
    }

    /// Resets the NIU, as a press on the button beside it would: it loses all state, gets the
    /// firmware anew, and its link and host port stop in the middle of whatever they were doing.
    /// Comes back when the reset is over, before the firmware has started.
    pub fn reset_device(&self) {
        self.synchronise();
        // The table is lost; who wants interrupts sets them up anew.
        self.configure_interrupts(0);
        self.side.borrow_mut().reset = true;
        let cycle = self.side.borrow().cycle;
        self.suspend(Wake::At(cycle + RESET_CYCLES));
    }

    /// Looks at the simulated machine itself, for tests.
    pub fn with_side<R>(&self, look: impl FnOnce(&mut HostSide) -> R) -> R {
        self.synchronise();
        look(&mut self.side.borrow_mut())
    }
}

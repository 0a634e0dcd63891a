//! The C driver's transport on a simulated host, and the calls of the C programs.
#![allow(unsafe_code, reason = "calls between Rust and C")]

use sim::host::HostPort;
use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_uint, c_void};
use std::ptr::null_mut;

/// Points to a [`Host`], which C knows nothing of.
type Context = *const c_void;

/// `struct wayfarer_memory`.
#[repr(C)]
struct Memory {
    bus_address: u64,
    host: *mut c_void,
}

/// `struct wayfarer_transport`.
#[repr(C)]
struct Transport {
    context: Context,
    read32: unsafe extern "C-unwind" fn(Context, u32, *mut u32) -> bool,
    write32: unsafe extern "C-unwind" fn(Context, u32, u32),
    write64: unsafe extern "C-unwind" fn(Context, u64, u64),
    write_combined: unsafe extern "C-unwind" fn(Context, u64, *const u8, usize),
    fence: unsafe extern "C-unwind" fn(Context),
    allocate: unsafe extern "C-unwind" fn(Context, usize, *mut Memory) -> bool,
    release: unsafe extern "C-unwind" fn(Context, *mut Memory),
    load64: unsafe extern "C-unwind" fn(Context, *const Memory, usize) -> u64,
    load: unsafe extern "C-unwind" fn(Context, *const Memory, usize, *mut u8, usize),
    store: unsafe extern "C-unwind" fn(Context, *const Memory, usize, *const u8, usize),
    now_ns: unsafe extern "C-unwind" fn(Context) -> u64,
    wait: unsafe extern "C-unwind" fn(Context, u64),
}

/// `struct wayfarer_place`.
#[repr(C)]
struct Place {
    transport: *const Transport,
    node: u16,
    peer: u16,
    barrier: unsafe extern "C-unwind" fn(Context),
}

/// What `ping` has counted: `struct ping_counts`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PingCounts {
    /// Express messages sent.
    pub express_sent: u32,
    /// Basic messages sent.
    pub basic_sent: u32,
    /// Express messages received, as they should be.
    pub express_received: u32,
    /// Basic messages received, as they should be.
    pub basic_received: u32,
    /// Times that the transmit queue had no room.
    pub queue_full: u32,
    /// Messages received, as the NIU counts them.
    pub niu_received: u32,
    /// Messages that found the ring full, as the NIU counts them.
    pub niu_ring_full: u32,
}

unsafe extern "C-unwind" {
    fn ping(place: *const Place, counts: *mut PingCounts) -> c_int;
    fn mistakes(place: *const Place) -> c_int;
    fn silence(place: *const Place) -> c_int;
    #[link_name = "losses"]
    fn run_losses(seed: u64, lose_one_of: c_uint) -> c_int;
}

/// Sends messages to a NIU that loses one store in `lose_one_of` (`c/losses.c`). It needs no simulated host.
///
/// # Errors
/// A check has failed.
pub fn losses(seed: u64, lose_one_of: u32) -> Result<(), CheckFailed> {
    // SAFETY: it uses no memory but its own.
    match unsafe { run_losses(seed, lose_one_of) } {
        0 => Ok(()),
        line => Err(CheckFailed::At {
            file: "losses.c",
            line,
        }),
    }
}

/// A C program has found something else than it expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckFailed {
    /// A check in the program has failed.
    #[error("the check at line {line} of c/{file} failed")]
    At {
        /// The program.
        file: &'static str,
        /// The check.
        line: i32,
    },
    /// The program has not released all memory.
    #[error("c/{file} has ended without releasing {pieces} pieces of memory")]
    Leak {
        /// The program.
        file: &'static str,
        /// What is left.
        pieces: usize,
    },
}

/// The host that a C program runs on: what all functions of the transport are given.
struct Host {
    port: HostPort,
    /// Pieces of memory that are allocated.
    pieces: Cell<usize>,
    /// Stores to memory and to BAR4 that wait for the next fence, as they may in store and write-combining buffers: a
    /// driver that forgets a fence is found out.
    stores: RefCell<Vec<Store>>,
}

/// A store that waits for the next fence.
enum Store {
    /// To memory, at this bus address.
    Memory(u64, Vec<u8>),
    /// To BAR4, at this offset.
    Combined(u64, Vec<u8>),
}

/// Runs C programs on a simulated host.
pub struct Program {
    host: Host,
}

impl Program {
    /// Programs on the host that `port` belongs to.
    pub fn new(port: HostPort) -> Self {
        let host = Host {
            port,
            pieces: Cell::default(),
            stores: RefCell::default(),
        };
        Program { host }
    }

    /// Exchanges messages of all sizes with the other node of a cluster of two (`c/ping.c`).
    ///
    /// # Errors
    /// A check has failed, or memory was not released.
    pub fn ping(&self) -> Result<PingCounts, CheckFailed> {
        let mut counts = PingCounts::default();
        // SAFETY: `ping` writes to nothing but `counts`, which is laid out as it expects, and the place is valid.
        self.run("ping.c", |place| unsafe { ping(place, &raw mut counts) })?;
        Ok(counts)
    }

    /// Makes mistakes and checks what comes of them (`c/mistakes.c`).
    ///
    /// # Errors
    /// A check has failed, or memory was not released.
    pub fn mistakes(&self) -> Result<(), CheckFailed> {
        // SAFETY: the place is valid while it runs.
        self.run("mistakes.c", |place| unsafe { mistakes(place) })
    }

    /// Stops the firmware, ends without it, and opens the device again (`c/silence.c`).
    ///
    /// # Errors
    /// A check has failed, or memory was not released.
    pub fn silence(&self) -> Result<(), CheckFailed> {
        // SAFETY: the place is valid while it runs.
        self.run("silence.c", |place| unsafe { silence(place) })
    }

    /// Calls a program with a place that is valid during the call.
    fn run(
        &self,
        file: &'static str,
        call: impl FnOnce(*const Place) -> c_int,
    ) -> Result<(), CheckFailed> {
        let transport = Transport {
            context: (&raw const self.host).cast(),
            read32,
            write32,
            write64,
            write_combined,
            fence,
            allocate,
            release,
            load64,
            load,
            store,
            now_ns,
            wait,
        };
        let node = self.host.port.node();
        let place = Place {
            transport: &raw const transport,
            node,
            peer: 1 - node,
            barrier,
        };
        match (call(&raw const place), self.host.pieces.get()) {
            (0, 0) => Ok(()),
            (0, pieces) => Err(CheckFailed::Leak { file, pieces }),
            (line, _) => Err(CheckFailed::At { file, line }),
        }
    }
}

/// The host behind the transport's `context`.
///
/// # Safety
/// `context` is the one that [`Program::run`] has given to the program that runs.
unsafe fn host<'a>(context: Context) -> &'a Host {
    // SAFETY: `Program::run` borrows the host until the program has ended, and nobody borrows it mutably.
    unsafe { &*context.cast::<Host>() }
}

/// Bytes of the program.
///
/// # Safety
/// `bytes` points to `count` bytes that nobody writes while they are borrowed, or `count` is 0.
unsafe fn slice<'a>(bytes: *const u8, count: usize) -> &'a [u8] {
    match count {
        0 => &[],
        // SAFETY: as this function's.
        _ => unsafe { std::slice::from_raw_parts(bytes, count) },
    }
}

// SAFETY of the functions below: the C driver calls them as `driver.h` says, with the transport's context, with
// pointers that are valid during the call, and with counts of bytes that are there.

unsafe extern "C-unwind" fn read32(context: Context, offset: u32, value: *mut u32) -> bool {
    // SAFETY: see above.
    let host = unsafe { host(context) };
    let Ok(bytes) = host.port.load(0, offset.into(), 4) else {
        return false;
    };
    let Ok(bytes) = <[u8; 4]>::try_from(bytes) else {
        return false;
    };
    // SAFETY: see above.
    unsafe { value.write(u32::from_le_bytes(bytes)) };
    true
}

unsafe extern "C-unwind" fn write32(context: Context, offset: u32, value: u32) {
    // SAFETY: see above.
    let host = unsafe { host(context) };
    host.port.store(0, offset.into(), &value.to_le_bytes());
}

unsafe extern "C-unwind" fn write64(context: Context, offset: u64, value: u64) {
    // SAFETY: see above.
    let host = unsafe { host(context) };
    host.port.store(2, offset, &value.to_le_bytes());
}

unsafe extern "C-unwind" fn write_combined(
    context: Context,
    offset: u64,
    bytes: *const u8,
    count: usize,
) {
    // SAFETY: see above.
    let (host, bytes) = unsafe { (host(context), slice(bytes, count)) };
    let store = Store::Combined(offset, bytes.to_vec());
    host.stores.borrow_mut().push(store);
}

unsafe extern "C-unwind" fn fence(context: Context) {
    // SAFETY: see above.
    let host = unsafe { host(context) };
    for store in host.stores.take() {
        match store {
            Store::Memory(address, bytes) => host.port.write_memory(address, &bytes),
            Store::Combined(offset, bytes) => host.port.store_combined(4, offset, &bytes),
        }
    }
}

unsafe extern "C-unwind" fn allocate(context: Context, bytes: usize, memory: *mut Memory) -> bool {
    // SAFETY: see above.
    let host = unsafe { host(context) };
    host.pieces.set(host.pieces.get() + 1);
    let allocated = Memory {
        bus_address: host.port.allocate(bytes),
        host: null_mut(),
    };
    // SAFETY: see above.
    unsafe { memory.write(allocated) };
    true
}

unsafe extern "C-unwind" fn release(context: Context, memory: *mut Memory) {
    // SAFETY: see above.
    let (host, memory) = unsafe { (host(context), &*memory) };
    host.pieces.set(host.pieces.get() - 1);
    host.port.release(memory.bus_address);
}

unsafe extern "C-unwind" fn load64(context: Context, memory: *const Memory, offset: usize) -> u64 {
    // SAFETY: see above.
    let (host, memory) = unsafe { (host(context), &*memory) };
    let mut word = [0; 8];
    let address = memory.bus_address + offset as u64;
    host.port.read_memory(address, &mut word);
    u64::from_le_bytes(word)
}

unsafe extern "C-unwind" fn load(
    context: Context,
    memory: *const Memory,
    offset: usize,
    bytes: *mut u8,
    count: usize,
) {
    // SAFETY: see above.
    let (host, memory) = unsafe { (host(context), &*memory) };
    let mut loaded = vec![0; count];
    let address = memory.bus_address + offset as u64;
    host.port.read_memory(address, &mut loaded);
    // SAFETY: see above; what was loaded is no memory of the program.
    unsafe { bytes.copy_from_nonoverlapping(loaded.as_ptr(), count) };
}

unsafe extern "C-unwind" fn store(
    context: Context,
    memory: *const Memory,
    offset: usize,
    bytes: *const u8,
    count: usize,
) {
    // SAFETY: see above.
    let (host, memory, bytes) = unsafe { (host(context), &*memory, slice(bytes, count)) };
    let address = memory.bus_address + offset as u64;
    let store = Store::Memory(address, bytes.to_vec());
    host.stores.borrow_mut().push(store);
}

unsafe extern "C-unwind" fn now_ns(context: Context) -> u64 {
    // SAFETY: see above.
    let host = unsafe { host(context) };
    host.port.now_ns() as u64
}

unsafe extern "C-unwind" fn wait(context: Context, at_most_ns: u64) {
    // SAFETY: see above.
    let host = unsafe { host(context) };
    host.port.poll(at_most_ns as f64);
}

unsafe extern "C-unwind" fn barrier(context: Context) {
    // SAFETY: see above.
    let host = unsafe { host(context) };
    host.port.gather(&[]);
}

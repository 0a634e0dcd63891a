//! The same defmt frames for a debugger: a buffer in the processor's RAM, in SEGGER's format (RTT), which the debugger
//! finds by its symbol and empties through the debug module. Nobody waits for it: a frame for which there is no room
//! is dropped whole.

use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// Bytes of the buffer; one stays free.
const BYTES: usize = 1024;

/// In memory that the start code leaves alone: its contents mean nothing before they are written, and the tables that
/// are used all the time stay where they are in the data cache.
// SAFETY: the section is the start code's own for this purpose, and any eight bits are a byte.
#[unsafe(link_section = ".uninit.rtt")]
static BUFFER: [AtomicU8; BYTES] = [const { AtomicU8::new(0) }; BYTES];

/// RTT's control block with one channel, up to the debugger.
#[repr(C)]
struct ControlBlock {
    identifier: [u8; 16],
    up_channels: u32,
    down_channels: u32,
    name: &'static [u8; 6],
    buffer: &'static [AtomicU8; BYTES],
    bytes: u32,
    /// Where the next frame goes.
    written: AtomicU32,
    /// Where the debugger reads on.
    read: AtomicU32,
    /// What the target does when the buffer is full: 0, skip. Debuggers write it.
    mode: AtomicU32,
}

/// Debuggers look for this symbol.
// SAFETY: no other symbol has this name.
#[unsafe(no_mangle)]
#[used]
static _SEGGER_RTT: ControlBlock = ControlBlock {
    identifier: *b"SEGGER RTT\0\0\0\0\0\0",
    up_channels: 1,
    down_channels: 0,
    name: b"defmt\0",
    buffer: &BUFFER,
    bytes: BYTES as u32,
    written: AtomicU32::new(0),
    read: AtomicU32::new(0),
    mode: AtomicU32::new(0),
};

/// A frame that is being written.
pub struct Frame {
    /// Where its next byte goes; none once it has met the debugger's end.
    next: Option<usize>,
}

impl Frame {
    /// No frame.
    pub const NONE: Frame = Frame { next: None };

    /// Begins a frame.
    pub fn begin() -> Self {
        // Ordering: this is the only writer. The debugger may have destroyed it: then no frame fits any more.
        let written = _SEGGER_RTT.written.load(Ordering::Relaxed) as usize;
        Frame {
            next: (written < BYTES).then_some(written),
        }
    }

    /// Adds bytes to it.
    pub fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let Some(place) = self.next else { return };
            let after = (place + 1) % BYTES;
            // Ordering: the debugger reads and writes while the processor is halted.
            if after == _SEGGER_RTT.read.load(Ordering::Relaxed) as usize {
                self.next = None;
                return;
            }
            BUFFER[place].store(byte, Ordering::Relaxed);
            self.next = Some(after);
        }
    }

    /// The debugger may read it.
    pub fn end(&self) {
        if let Some(next) = self.next {
            // Ordering: the debugger shall not see the count before the bytes.
            _SEGGER_RTT.written.store(next as u32, Ordering::Release);
        }
    }
}

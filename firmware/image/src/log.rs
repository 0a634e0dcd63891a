//! defmt frames into the log ring in NIU memory, where the host reads them, and into the buffer that debuggers read.

use crate::hardware::{set_outbox_byte, set_outbox_word};
use crate::rtt;
use abi::admin::{LOG_BYTES, LOG_OFFSET};
use core::cell::RefCell;
use critical_section::Mutex;
use firmware::LogRing;

struct State {
    encoder: defmt::Encoder,
    ring: LogRing<LOG_BYTES>,
    frame: rtt::Frame,
}

static STATE: Mutex<RefCell<State>> = Mutex::new(RefCell::new(State {
    encoder: defmt::Encoder::new(),
    ring: LogRing::new(),
    frame: rtt::Frame::NONE,
}));

#[defmt::global_logger]
struct Logger;

fn store(ring: &mut LogRing<LOG_BYTES>, frame: &mut rtt::Frame, bytes: &[u8]) {
    frame.push(bytes);
    for &byte in bytes {
        let (offset, written) = ring.push();
        set_outbox_byte(LOG_OFFSET + 4 + offset, byte);
        set_outbox_word(LOG_OFFSET, written);
    }
}

fn with(run: impl FnOnce(&mut defmt::Encoder, &mut LogRing<LOG_BYTES>, &mut rtt::Frame)) {
    critical_section::with(|token| {
        let mut state = STATE.borrow_ref_mut(token);
        let State {
            encoder,
            ring,
            frame,
        } = &mut *state;
        run(encoder, ring, frame);
    });
}

// SAFETY: the image never enables interrupts, so that nothing can come between `acquire` and `release`; `write` is
// called by defmt between them only.
unsafe impl defmt::Logger for Logger {
    fn acquire() {
        with(|encoder, ring, frame| {
            *frame = rtt::Frame::begin();
            encoder.start_frame(|bytes| store(ring, frame, bytes));
        });
    }

    // SAFETY: does nothing; every byte is in NIU memory as soon as it is stored.
    unsafe fn flush() {}

    // SAFETY: asks nothing of its caller beyond the trait's order: `acquire` came before.
    unsafe fn release() {
        with(|encoder, ring, frame| {
            encoder.end_frame(|bytes| store(ring, frame, bytes));
            frame.end();
        });
    }

    // SAFETY: as for `release`.
    unsafe fn write(bytes: &[u8]) {
        with(|encoder, ring, frame| encoder.write(bytes, |bytes| store(ring, frame, bytes)));
    }
}

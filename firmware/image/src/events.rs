//! The queue of events, and the bits behind it.

use crate::hardware::Hardware;
use crate::{ENDPOINTS, Protocols};
use abi::control::counter::{EVENT_LOST, LOST_STORE};
use abi::control::registers::{counters, endpoint_pending};
use abi::event::kind::Kind;
use abi::queue_state::REGION_PACKET_RELEASE;
use firmware::{Command, Input, Port};

/// Counters as they were.
#[derive(Default)]
pub struct Events {
    /// Events that found the queue full: what they told stands in the bits alone.
    lost_events: u32,
    must_sweep: bool,
    /// Captured stores that were lost.
    lost_stores: u32,
}

fn counter(hardware: &Hardware, number: usize) -> u32 {
    hardware.control(counters::OFFSET + 4 * number)
}

impl Events {
    /// Takes an event; the counters in BAR0 count them all.
    // Seldom called, so not in the loop's way.
    #[inline(never)]
    pub fn report(&mut self, hardware: &mut Hardware, firmware: &mut Protocols) {
        let event = hardware.event();
        let (index, code, data) = (event.index as u16, event.code as u8, event.data as u32);
        match Kind::from_code(event.kind) {
            Some(Kind::NonResidentStore) => self.tell(index, hardware, firmware),
            Some(Kind::ReceiveMiss) => defmt::warn!(
                "message of node {=u32} for RQID {=u32}: not resident",
                data >> 16,
                data & 0xffff
            ),
            Some(Kind::QueueError) => {
                defmt::warn!("transmit queue {=u16}: error {=u8}", index, code);
            }
            Some(Kind::Packet) => {
                defmt::info!("packet from node {=u32}", data >> 16);
                // No protocol between firmwares asks for its contents yet: its place in the inbox is free again. Should
                // the queue be full, the store waits for room.
                hardware.issue(Command::write_queue_state(REGION_PACKET_RELEASE, 0, 0));
            }
            Some(Kind::Admin) | None => {}
        }
        let lost_events = counter(hardware, EVENT_LOST);
        if lost_events != self.lost_events {
            self.lost_events = lost_events;
            self.must_sweep = true;
        }
    }

    /// Whether events were lost, and their bits not looked at yet.
    pub fn must_sweep(&self) -> bool {
        self.must_sweep
    }

    /// Tells of the store of an endpoint whose bit is set. The counter of lost stores counts before the bit is set: if
    /// it is as it was before the last bit was cleared, this one's store was not lost.
    fn tell(&mut self, endpoint: u16, hardware: &mut Hardware, firmware: &mut Protocols) {
        let before = counter(hardware, LOST_STORE);
        hardware.clear_endpoint(endpoint);
        let lost = counter(hardware, LOST_STORE) != self.lost_stores;
        self.lost_stores = before;
        firmware.step(Input::NonResidentEvent { endpoint, lost }, hardware);
    }

    /// Looks at the bits of all endpoints, as far as the firmware takes their events.
    #[cold]
    #[inline(never)]
    pub fn sweep(&mut self, hardware: &mut Hardware, firmware: &mut Protocols) {
        for word in 0..ENDPOINTS.div_ceil(32) {
            let mut pending = hardware.control(endpoint_pending::OFFSET + 4 * word);
            while pending != 0 {
                if !firmware.takes_event() {
                    return;
                }
                let endpoint = 32 * word as u16 + pending.trailing_zeros() as u16;
                pending &= pending - 1;
                self.tell(endpoint, hardware, firmware);
            }
        }
        self.must_sweep = false;
    }
}

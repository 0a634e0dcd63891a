//! Events on their way to the firmware.

use crate::bundles::Event;
use crate::library::fifo::Fifo;
use crate::library::round_robin::RoundRobin;
use rust_hdl::prelude::*;

/// Takes events from five sources, which may come in the same cycle and cannot wait, and feeds the
/// event queue one at a time.
///
/// Behind each source stands room for one event (four for firmware packets, which have no more slots in the inbox).
/// An event that finds its place taken is lost (`lost`), but for two: an admin doorbell takes the place of the one
/// before, whose meaning it includes; a packet event may not come when four wait. Whatever becomes of an event, its
/// bit goes to `event_set` in the same cycle, an error's queue to `queue_set`, and a store's endpoint to
/// `endpoint_set`. The kind is set here, by the source. Latency: 2 cycles to `write`, one of them in a register
/// before the queue, which holds one more event while the queue is full.
#[derive(LogicBlock, Default)]
pub struct EventCollector {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// The host rang the admin doorbell.
    pub admin_valid: Signal<In, Bit>,
    /// What it wrote.
    pub admin_index: Signal<In, Bits<16>>,
    /// A store to a page without a resident queue.
    pub store_valid: Signal<In, Bit>,
    /// `index`, `data`.
    pub store: Signal<In, Event>,
    /// A message for a receive queue that is not resident.
    pub miss_valid: Signal<In, Bit>,
    /// `index`, `data`.
    pub miss: Signal<In, Event>,
    /// A message of a transmit queue was refused.
    pub error_valid: Signal<In, Bit>,
    /// `index`, `code`.
    pub error: Signal<In, Event>,
    /// A firmware packet stands in the inbox.
    pub packet_valid: Signal<In, Bit>,
    /// `data`.
    pub packet: Signal<In, Event>,
    /// The event queue takes `word`.
    pub write: Signal<Out, Bit>,
    /// An event.
    pub word: Signal<Out, Event>,
    /// The event queue has no room.
    pub full: Signal<In, Bit>,
    /// Pulse: at least one event was lost in this cycle.
    pub lost: Signal<Out, Bit>,
    /// Bits of `event_pending` to set.
    pub event_set: Signal<Out, Bits<16>>,
    /// A bit of `endpoint_pending` is to be set.
    pub endpoint_set: Signal<Out, Bit>,
    /// Which.
    pub endpoint_set_index: Signal<Out, Bits<12>>,
    /// A bit of `queue_pending` is to be set.
    pub queue_set: Signal<Out, Bit>,
    /// Which.
    pub queue_set_index: Signal<Out, Bits<8>>,
    admin_waits: DFF<Bit>,
    admin_held: DFF<Bits<16>>,
    store_waits: DFF<Bit>,
    store_held: DFF<Event>,
    miss_waits: DFF<Bit>,
    miss_held: DFF<Event>,
    error_waits: DFF<Bit>,
    error_held: DFF<Event>,
    packets: Fifo<Event, 2, 3>,
    arbiter: RoundRobin<5, 3>,
    packet_waits: Signal<Local, Bit>,
    chosen: DFF<Event>,
    has_chosen: DFF<Bit>,
    choice: Signal<Local, Event>,
    take: Signal<Local, Bit>,
    source: Signal<Local, Bits<3>>,
    error_index: Signal<Local, Bits<12>>,
}

impl Logic for EventCollector {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            admin_waits,
            admin_held,
            store_waits,
            store_held
        );
        dff_setup!(
            self,
            clock,
            miss_waits,
            miss_held,
            error_waits,
            error_held,
            chosen,
            has_chosen
        );
        clock!(self, clock, packets, arbiter);
        self.packets.reset.next = self.reset.val();
        self.arbiter.reset.next = self.reset.val();

        // Towards the event queue.
        self.packet_waits.next = !self.packets.empty.val();
        self.arbiter.requests.next = bit_cast::<5, 1>(self.admin_waits.q.val().into())
            | (bit_cast::<5, 1>(self.store_waits.q.val().into()) << 1)
            | (bit_cast::<5, 1>(self.miss_waits.q.val().into()) << 2)
            | (bit_cast::<5, 1>(self.error_waits.q.val().into()) << 3)
            | (bit_cast::<5, 1>(self.packet_waits.val().into()) << 4);
        self.take.next = self.arbiter.any.val() & !(self.has_chosen.q.val() & self.full.val());
        self.source.next = self.arbiter.index.val();
        self.arbiter.advance.next = self.take.val();
        self.write.next = self.has_chosen.q.val() & !self.full.val();
        self.word.next = self.chosen.q.val();
        self.has_chosen.d.next =
            self.arbiter.any.val() | (self.has_chosen.q.val() & self.full.val());
        self.packets.read.next = false;
        self.choice.next = self.packets.data_out.val();
        self.choice.next.kind = abi::event::kind::PACKET.to_bits();
        if self.source.val() == 4 {
            self.packets.read.next = self.take.val();
        }
        if self.source.val() == 3 {
            self.choice.next = self.error_held.q.val();
            self.choice.next.kind = abi::event::kind::QUEUE_ERROR.to_bits();
            if self.take.val() {
                self.error_waits.d.next = false;
            }
        }
        if self.source.val() == 2 {
            self.choice.next = self.miss_held.q.val();
            self.choice.next.kind = abi::event::kind::RECEIVE_MISS.to_bits();
            if self.take.val() {
                self.miss_waits.d.next = false;
            }
        }
        if self.source.val() == 1 {
            self.choice.next = self.store_held.q.val();
            self.choice.next.kind = abi::event::kind::NON_RESIDENT_STORE.to_bits();
            if self.take.val() {
                self.store_waits.d.next = false;
            }
        }
        if self.source.val() == 0 {
            self.choice.next.kind = abi::event::kind::ADMIN.to_bits();
            self.choice.next.index = 0.into();
            self.choice.next.code = 0.into();
            self.choice.next.data = bit_cast::<32, 16>(self.admin_held.q.val());
            if self.take.val() {
                self.admin_waits.d.next = false;
            }
        }
        if self.take.val() {
            self.chosen.d.next = self.choice.val();
        }

        // From the sources. A place that is emptied in this cycle is free only in the next.
        self.lost.next = (self.store_valid.val() & self.store_waits.q.val())
            | (self.miss_valid.val() & self.miss_waits.q.val())
            | (self.error_valid.val() & self.error_waits.q.val())
            | (self.packet_valid.val() & self.packets.full.val());
        if self.admin_valid.val() {
            self.admin_waits.d.next = true;
            self.admin_held.d.next = self.admin_index.val();
        }
        if self.store_valid.val() & !self.store_waits.q.val() {
            self.store_waits.d.next = true;
            self.store_held.d.next = self.store.val();
        }
        if self.miss_valid.val() & !self.miss_waits.q.val() {
            self.miss_waits.d.next = true;
            self.miss_held.d.next = self.miss.val();
        }
        if self.error_valid.val() & !self.error_waits.q.val() {
            self.error_waits.d.next = true;
            self.error_held.d.next = self.error.val();
        }
        self.packets.write.next = self.packet_valid.val();
        self.packets.data_in.next = self.packet.val();

        // Behind the queue.
        self.error_index.next = self.error.val().index;
        self.queue_set.next = self.error_valid.val();
        self.queue_set_index.next = self.error_index.val().get_bits::<8>(0);
        self.event_set.next = (bit_cast::<16, 1>(self.admin_valid.val().into())
            << abi::event::kind::ADMIN.to_bits::<4>())
            | (bit_cast::<16, 1>(self.store_valid.val().into())
                << abi::event::kind::NON_RESIDENT_STORE.to_bits::<4>())
            | (bit_cast::<16, 1>(self.miss_valid.val().into())
                << abi::event::kind::RECEIVE_MISS.to_bits::<4>())
            | (bit_cast::<16, 1>(self.error_valid.val().into())
                << abi::event::kind::QUEUE_ERROR.to_bits::<4>())
            | (bit_cast::<16, 1>(self.packet_valid.val().into())
                << abi::event::kind::PACKET.to_bits::<4>());
        self.endpoint_set.next = self.store_valid.val();
        self.endpoint_set_index.next = self.store.val().index;

        if self.reset.val() {
            self.admin_waits.d.next = false;
            self.store_waits.d.next = false;
            self.miss_waits.d.next = false;
            self.error_waits.d.next = false;
            self.has_chosen.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;

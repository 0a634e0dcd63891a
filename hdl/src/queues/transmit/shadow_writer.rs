//! Pushes the transmit queues' progress to host memory.

use crate::bundles::Event;
use crate::library::lut_ram::LutRam;
use crate::library::round_robin::RoundRobin;
use crate::library::stream::StreamSource;
use crate::queues::queue_select::QueueWord;
use rust_hdl::prelude::*;

#[cfg(test)]
mod tests;

/// What the shadow writer does; one queue at a time.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum ShadowState {
    /// Looks for a queue whose line is out of date.
    Select,
    /// Takes its word.
    Take,
    /// Offers the descriptor beat.
    Descriptor,
    /// Offers the data beat.
    Data,
}

/// Writes the shadow line of each transmit queue that changed, round-robin (V21).
///
/// However often a queue changes while its turn has not come, one write tells all of it. A queue with shadow address 0 has no
/// line. Firmware's error event of a queue goes out when its turn comes, so that no two can meet.
///
/// From `dirty` to the descriptor beat: 2 cycles; one line each 4 cycles.
#[derive(LogicBlock, Default)]
pub struct ShadowWriter {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Shadow line addresses, multiples of 8.
    pub configuration: Signal<In, QueueWord>,
    /// Queues whose line is out of date.
    pub dirty: Signal<In, Bits<16>>,
    /// The queue it asks about.
    pub queue: Signal<Out, Bits<4>>,
    /// That queue's `abi::message::shadow`.
    pub word: Signal<In, Bits<64>>,
    /// That queue has an error event due.
    pub report: Signal<In, Bit>,
    /// Pulse: word and event of that queue are taken.
    pub taken: Signal<Out, Bit>,
    /// Write packets.
    pub source: StreamSource,
    /// Pulse: `error_event` counts.
    pub error_event_valid: Signal<Out, Bit>,
    /// `abi::event::kind::QUEUE_ERROR`.
    pub error_event: Signal<Out, Event>,
    /// A line may still be written whose address was read earlier.
    pub holds_address: Signal<Out, Bit>,
    /// Pulse: a shadow line was written.
    pub written: Signal<Out, Bit>,

    turn: RoundRobin<16, 4>,
    addresses: LutRam<Bits<64>, 4>,
    state: DFF<ShadowState>,
    selected: DFF<Bits<4>>,
    address: DFF<Bits<64>>,
    data: DFF<Bits<64>>,
    last_error: Signal<Local, Bits<8>>,
    offered: Signal<Local, Bits<128>>,
}

impl Logic for ShadowWriter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, selected, address, data);
        clock!(self, clock, turn, addresses);
        self.addresses.write_enable.next = self.configuration.val().address;
        self.addresses.write_address.next = self.configuration.val().queue;
        self.addresses.write_data.next = self.configuration.val().word;
        self.addresses.read_address.next = self.selected.q.val();
        self.turn.reset.next = self.reset.val();
        self.turn.requests.next = self.dirty.val();
        self.turn.advance.next = false;

        self.queue.next = self.selected.q.val();
        self.taken.next = false;
        self.written.next = false;
        self.error_event_valid.next = false;
        self.last_error.next = self
            .word
            .val()
            .get_bits::<8>(abi::message::shadow::last_error::SHIFT);
        self.error_event.next.kind = abi::event::kind::QUEUE_ERROR.to_bits();
        self.error_event.next.index = bit_cast::<8, 4>(self.selected.q.val());
        self.error_event.next.code = self.last_error.val();
        self.error_event.next.data = 0.into();

        self.holds_address.next = self.state.q.val() != ShadowState::Select;
        self.source.valid.next = false;
        self.offered.next = bit_cast::<128, 64>(self.data.q.val());
        if self.state.q.val() == ShadowState::Descriptor {
            self.offered.next = bit_cast::<128, 64>(self.address.q.val())
                | (abi::message::SHADOW_BYTES.to_bits::<128>() << 64);
        }
        self.source.beat.next.data = self.offered.val();
        self.source.beat.next.last = self.state.q.val() == ShadowState::Data;
        match self.state.q.val() {
            ShadowState::Select => {
                self.selected.d.next = self.turn.index.val();
                if self.turn.any.val() {
                    self.turn.advance.next = true;
                    self.state.d.next = ShadowState::Take;
                }
            }
            ShadowState::Take => {
                self.address.d.next = self.addresses.read_data.val();
                self.data.d.next = self.word.val();
                self.taken.next = true;
                self.error_event_valid.next = self.report.val();
                if self.addresses.read_data.val() == 0 {
                    self.state.d.next = ShadowState::Select;
                } else {
                    self.state.d.next = ShadowState::Descriptor;
                }
            }
            ShadowState::Descriptor => {
                self.source.valid.next = true;
                if self.source.ready.val() {
                    self.state.d.next = ShadowState::Data;
                }
            }
            ShadowState::Data => {
                self.source.valid.next = true;
                if self.source.ready.val() {
                    self.written.next = true;
                    self.state.d.next = ShadowState::Select;
                }
            }
            _ => {
                self.state.d.next = ShadowState::Select;
            }
        }
        if self.reset.val() {
            self.state.d.next = ShadowState::Select;
        }
    }
}

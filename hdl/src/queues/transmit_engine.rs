//! From transmit queues to message frames.

use crate::bundles::ConfigurationWrite;
use crate::library::lut_ram::LutRam;
use crate::library::stream::{Beat, StreamSource};
use crate::queues::destination_window::DestinationWindow;
use crate::queues::frame_payload::FramePayload;
use crate::queues::queue_select::QueueWord;
use crate::queues::translation::Translation;
use crate::queues::transmit_signals::LaunchOutcome;
use crate::queues::transmit_turn::TransmitTurn;
use rust_hdl::prelude::*;

/// What the engine does; one message at a time up to `Offer`, while the payload of the one before still leaves.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum TransmitState {
    /// Chooses a queue.
    Select,
    /// Asks it for its slot.
    Find,
    /// Reads the slot's first beat.
    Read,
    /// Has the first beat: checks length and window, reads the translation and the second beat.
    Check,
    /// Has translation and second beat.
    Translate,
    /// Decides; if nothing is amiss, offers the frame's header.
    Offer,
    /// The header waits to be taken.
    Hold,
}

/// Sends the messages of the transmit queues, one a queue in turn, those of queues with priority first (V1, V3, V13, V18 to V20).
///
/// A message that fails a check is skipped, in order: only when the queue has no unanswered message. A message to another
/// node or on another virtual channel than the queue's unanswered ones waits until these are answered: order and restart need
/// one receiver and one way at a time. A message without credits for its virtual channel waits without holding up others.
///
/// `restart` stands in every frame of a queue that had no unanswered message when its slot was looked up. Behind a refusal
/// that is the refused message; otherwise it changes nothing at a receiver that listens anyway, and it makes one listen again
/// that refused the queue's former owner. A frame that a refusal overtakes never has it, and its receiver skips it.
///
/// Contract of `room_0` and `room_1`: right from the second cycle after the last beat of a frame was taken; the engine looks
/// at them only then, and a longest frame must fit.
///
/// Latency: `eligible` in cycle `t`, the header is offered in `t + 5`. Rate: a message of up to 56 bytes every 5 cycles, of 248
/// bytes every 17, if the stream takes a beat a cycle.
#[derive(LogicBlock, Default)]
pub struct TransmitEngine {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// The translation table.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// `abi::queue_state::transmit_control`.
    pub queue_configuration: Signal<In, QueueWord>,
    /// This node's number.
    pub node: Signal<In, Bits<16>>,
    /// Queues with a message to send.
    pub eligible: Signal<In, Bits<16>>,
    /// The queue whose message is being looked at; the next three inputs are about it, in the same cycle.
    pub queue: Signal<Out, Bits<4>>,
    /// It still has a message to send.
    pub queue_eligible: Signal<In, Bit>,
    /// The slot of its next message.
    pub queue_slot: Signal<In, Bits<4>>,
    /// None of its messages is unanswered.
    pub queue_drained: Signal<In, Bit>,
    /// What became of the message.
    pub outcome: Signal<Out, LaunchOutcome>,
    /// A beat of slot memory is read; always granted.
    pub read_request: Signal<Out, Bit>,
    /// That beat.
    pub read_address: Signal<Out, Bits<12>>,
    /// The cycle after `read_request`: the beat.
    pub read_data: Signal<In, Bits<128>>,
    /// Virtual channel 0 has credits for a longest frame.
    pub room_0: Signal<In, Bit>,
    /// Virtual channel 1 has credits for a longest frame.
    pub room_1: Signal<In, Bit>,
    /// Message frames, the CRC's place zero.
    pub frame: StreamSource,
    /// Pulse: a message is sent.
    pub message_sent: Signal<Out, Bit>,
    /// With `message_sent`: the node that it goes to.
    pub destination_node: Signal<Out, Bits<16>>,
    /// Pulse, with `message_sent`: it is marked.
    pub marked_sent: Signal<Out, Bit>,
    /// Slot of the message being looked at.
    pub slot: Signal<Out, Bits<4>>,
    /// Pulse: a marked message's queue was asked for its slot two cycles ago.
    pub marked_granted: Signal<Out, Bit>,
    /// Pulse: a marked message's translation was read.
    pub marked_translated: Signal<Out, Bit>,
    /// Pulse: a message was longer than 248 bytes.
    pub too_long: Signal<Out, Bit>,
    /// Pulse: a destination was outside its window.
    pub outside_window: Signal<Out, Bit>,
    /// Pulse: a destination had no valid translation, or one with a virtual channel that the queue may not use.
    pub invalid_translation: Signal<Out, Bit>,

    turn: TransmitTurn,
    window: DestinationWindow,
    translation: Translation,
    payload: FramePayload,
    /// Node and virtual channel of each queue's unanswered messages.
    last_ways: LutRam<Bits<17>, 4>,
    state: DFF<TransmitState>,
    current_queue: DFF<Bits<4>>,
    current_slot: DFF<Bits<4>>,
    was_drained: DFF<Bit>,
    first: DFF<Bits<64>>,
    second: DFF<Bits<128>>,
    length: DFF<Bits<8>>,
    tag: DFF<Bits<8>>,
    marked: DFF<Bit>,
    is_too_long: DFF<Bit>,
    is_outside: DFF<Bit>,
    is_invalid: DFF<Bit>,
    same_way: DFF<Bit>,
    way: DFF<Bits<17>>,
    receive_queue_id: DFF<Bits<16>>,
    frame_active: DFF<Bit>,
    skipped: DFF<Bit>,
    drained: DFF<Bit>,
    starved: DFF<Bit>,

    slot_header: Signal<Local, Bits<64>>,
    slot_length: Signal<Local, Bits<16>>,
    new_way: Signal<Local, Bits<17>>,
    channel: Signal<Local, Bit>,
    has_room: Signal<Local, Bit>,
    refused: Signal<Local, Bit>,
    sends: Signal<Local, Bit>,
    skips: Signal<Local, Bit>,
    drains: Signal<Local, Bit>,
    starves: Signal<Local, Bit>,
    error: Signal<Local, Bits<8>>,
    header_phase: Signal<Local, Bit>,
    header: Signal<Local, Bits<128>>,
    offered: Signal<Local, Beat>,
    frame_valid: Signal<Local, Bit>,
}

impl Logic for TransmitEngine {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            current_queue,
            current_slot,
            was_drained,
            first,
            second,
            length,
            tag,
            marked,
            is_too_long,
            is_outside,
            is_invalid,
            same_way,
            way,
            receive_queue_id,
            frame_active,
            skipped,
            drained,
            starved
        );
        clock!(self, clock, turn, window, translation, payload, last_ways);
        self.turn.reset.next = self.reset.val();
        self.payload.reset.next = self.reset.val();
        self.turn.configuration.next = self.queue_configuration.val();
        self.window.configuration.next = self.queue_configuration.val();
        self.translation.configuration.next = self.configuration.val();

        // The slot's first beat, as it comes out of slot memory in state Check.
        self.slot_header.next = self.read_data.val().get_bits::<64>(0);
        self.slot_length.next = self
            .slot_header
            .val()
            .get_bits::<16>(abi::message::transmit_header::length::SHIFT);
        self.window.queue.next = self.current_queue.q.val();
        self.window.destination.next = self
            .slot_header
            .val()
            .get_bits::<16>(abi::message::transmit_header::destination::SHIFT);
        self.translation.index.next = self.window.index.val();
        self.new_way.next = bit_cast::<17, 16>(self.translation.node.val())
            | (bit_cast::<17, 1>(self.translation.virtual_channel.val().into()) << 16);

        // The decision, in state Offer; credits are looked at only when no frame is on its way.
        self.refused.next =
            self.is_too_long.q.val() | self.is_outside.q.val() | self.is_invalid.q.val();
        self.channel.next = self.way.q.val().get_bit(16);
        self.has_room.next =
            (self.channel.val() & self.room_1.val()) | (!self.channel.val() & self.room_0.val());
        self.sends.next = false;
        self.skips.next = false;
        self.drains.next = false;
        self.starves.next = false;
        if self.state.q.val() == TransmitState::Offer {
            if self.refused.val() {
                self.skips.next = self.was_drained.q.val();
                self.drains.next = !self.was_drained.q.val();
            } else if !self.was_drained.q.val() & !self.same_way.q.val() {
                self.drains.next = true;
            } else if !self.frame_active.q.val() {
                self.sends.next = self.has_room.val();
                self.starves.next = !self.has_room.val();
            }
        }
        self.error.next = abi::message::error::INVALID_TRANSLATION.to_bits();
        if self.is_outside.q.val() {
            self.error.next = abi::message::error::OUTSIDE_WINDOW.to_bits();
        }
        if self.is_too_long.q.val() {
            self.error.next = abi::message::error::TOO_LONG.to_bits();
        }

        self.turn.requests.next = self.eligible.val();
        self.turn.advance.next = false;
        self.outcome.next.granted = false;
        self.outcome.next.launched = self.sends.val();
        // These are told in the next cycle, for the sake of timing; until then queue, error and channel stay as they are.
        self.skipped.d.next = self.skips.val();
        self.drained.d.next = self.drains.val();
        self.starved.d.next = self.starves.val();
        self.outcome.next.skipped = self.skipped.q.val();
        self.outcome.next.wait_for_drain = self.drained.q.val();
        self.outcome.next.wait_for_channel = self.starved.q.val();
        self.outcome.next.channel = self.channel.val();
        self.outcome.next.queue = self.current_queue.q.val();
        self.outcome.next.error = self.error.val();
        self.read_request.next = self.payload.read_request.val();
        self.read_address.next = self.payload.read_address.val();
        self.marked_granted.next = false;
        self.marked_translated.next = false;
        match self.state.q.val() {
            TransmitState::Select => {
                self.current_queue.d.next = self.turn.index.val();
                if self.turn.any.val() & self.payload.port_free_soon.val() {
                    self.turn.advance.next = true;
                    self.state.d.next = TransmitState::Find;
                }
            }
            TransmitState::Find => {
                self.current_slot.d.next = self.queue_slot.val();
                self.was_drained.d.next = self.queue_drained.val();
                self.state.d.next = TransmitState::Select;
                if self.queue_eligible.val() {
                    self.outcome.next.granted = true;
                    self.state.d.next = TransmitState::Read;
                }
            }
            TransmitState::Read => {
                self.read_request.next = true;
                self.read_address.next = (bit_cast::<12, 4>(self.current_queue.q.val()) << 8)
                    | (bit_cast::<12, 4>(self.current_slot.q.val()) << 4);
                self.state.d.next = TransmitState::Check;
            }
            TransmitState::Check => {
                self.read_request.next = true;
                self.read_address.next = (bit_cast::<12, 4>(self.current_queue.q.val()) << 8)
                    | (bit_cast::<12, 4>(self.current_slot.q.val()) << 4)
                    | 1;
                self.first.d.next = self.read_data.val().get_bits::<64>(64);
                self.length.d.next = self.slot_length.val().get_bits::<8>(0);
                self.tag.d.next = self
                    .slot_header
                    .val()
                    .get_bits::<8>(abi::message::transmit_header::tag::SHIFT);
                self.marked.d.next = self
                    .slot_header
                    .val()
                    .get_bit(abi::message::transmit_header::marked::SHIFT);
                self.marked_granted.next = self
                    .slot_header
                    .val()
                    .get_bit(abi::message::transmit_header::marked::SHIFT);
                self.is_too_long.d.next =
                    self.slot_length.val() > abi::message::MAXIMUM_PAYLOAD_BYTES.to_bits();
                self.is_outside.d.next = self.window.outside.val();
                self.state.d.next = TransmitState::Translate;
            }
            TransmitState::Translate => {
                self.second.d.next = self.read_data.val();
                self.way.d.next = self.new_way.val();
                self.same_way.d.next = self.new_way.val() == self.last_ways.read_data.val();
                self.receive_queue_id.d.next = self.translation.receive_queue_id.val();
                self.is_invalid.d.next = !self.translation.valid.val()
                    | (self.translation.virtual_channel.val()
                        & !self.window.channel_1_allowed.val());
                self.marked_translated.next = self.marked.q.val();
                self.state.d.next = TransmitState::Offer;
            }
            TransmitState::Offer => {
                if self.skips.val() | self.drains.val() | self.starves.val() {
                    self.state.d.next = TransmitState::Select;
                }
                if self.sends.val() {
                    self.state.d.next = TransmitState::Hold;
                    if self.frame.ready.val() {
                        self.state.d.next = TransmitState::Select;
                        // Behind a short message the next queue is chosen at once; if no other asks, this one is asked again.
                        if self.payload.is_short.val() {
                            self.state.d.next = TransmitState::Find;
                            if self.turn.any.val() {
                                self.turn.advance.next = true;
                                self.current_queue.d.next = self.turn.index.val();
                            }
                        }
                    }
                }
            }
            TransmitState::Hold => {
                if self.frame.ready.val() {
                    self.state.d.next = TransmitState::Select;
                }
            }
            _ => {
                self.state.d.next = TransmitState::Select;
            }
        }
        self.last_ways.read_address.next = self.current_queue.q.val();
        self.last_ways.write_address.next = self.current_queue.q.val();
        self.last_ways.write_data.next = self.way.q.val();
        self.last_ways.write_enable.next = self.sends.val();

        // The frame.
        self.payload.start.next = self.sends.val();
        self.payload.will_start.next =
            (self.state.q.val() == TransmitState::Offer) & !self.frame_active.q.val();
        self.payload.first.next = self.first.q.val();
        self.payload.second.next = self.second.q.val();
        self.payload.length.next = self.length.q.val();
        self.payload.slot.next = (bit_cast::<8, 4>(self.current_queue.q.val()) << 4)
            | bit_cast::<8, 4>(self.current_slot.q.val());
        self.payload.read_data.next = self.read_data.val();
        self.header.next = abi::link::kind::MESSAGE.to_bits::<128>()
            | (bit_cast::<128, 1>(self.channel.val().into())
                << abi::link::header::virtual_channel::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 1>(self.was_drained.q.val().into())
                << abi::link::header::restart::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 1>(self.marked.q.val().into())
                << abi::link::header::marked::SHIFT.to_bits::<8>())
            | (abi::link::VERSION.to_bits::<128>()
                << abi::link::header::version::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 16>(self.way.q.val().get_bits::<16>(0))
                << abi::link::header::destination_node::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 16>(self.node.val())
                << abi::link::header::source_node::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 16>(self.receive_queue_id.q.val())
                << abi::link::header::receive_queue_id::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 4>(self.current_queue.q.val())
                << abi::link::header::source_queue::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 8>(self.tag.q.val())
                << abi::link::header::tag::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 8>(self.length.q.val())
                << abi::link::header::length::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 4>(self.current_slot.q.val())
                << abi::link::header::slot::SHIFT.to_bits::<8>());
        self.header_phase.next = (self.state.q.val() == TransmitState::Hold)
            | ((self.state.q.val() == TransmitState::Offer) & !self.frame_active.q.val());
        self.offered.next = self.payload.source.beat.val();
        self.frame_valid.next = self.payload.source.valid.val();
        if self.header_phase.val() {
            self.offered.next.data = self.header.val();
            self.offered.next.last = false;
            self.frame_valid.next = self.sends.val() | (self.state.q.val() == TransmitState::Hold);
        }
        self.payload.source.ready.next = self.frame.ready.val() & !self.header_phase.val();
        self.frame.valid.next = self.frame_valid.val();
        self.frame.beat.next = self.offered.val();
        if self.frame_valid.val() & self.frame.ready.val() & self.offered.val().last {
            self.frame_active.d.next = false;
        }
        if self.sends.val() {
            self.frame_active.d.next = true;
        }

        self.queue.next = self.current_queue.q.val();
        self.slot.next = self.current_slot.q.val();
        self.message_sent.next = self.sends.val();
        self.destination_node.next = self.way.q.val().get_bits::<16>(0);
        self.marked_sent.next = self.sends.val() & self.marked.q.val();
        self.too_long.next = self.skips.val() & self.is_too_long.q.val();
        self.outside_window.next =
            self.skips.val() & self.is_outside.q.val() & !self.is_too_long.q.val();
        self.invalid_translation.next =
            self.skips.val() & !self.is_outside.q.val() & !self.is_too_long.q.val();
        if self.reset.val() {
            self.state.d.next = TransmitState::Select;
            self.frame_active.d.next = false;
            self.skipped.d.next = false;
            self.drained.d.next = false;
            self.starved.d.next = false;
        }
    }
}

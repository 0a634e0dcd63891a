//! Answers to the host's reads.

use super::completion_data::CompletionData;
use super::completion_header::{CompletionHeader, ReadSpan};
use crate::bundles::{MemoryReadMaster, ReadRequest, RegisterMaster};
use crate::configuration::ENDPOINT_SPACE_LOG2;
use crate::library::fixed::Fixed;
use crate::library::stream::StreamSource;
use rust_hdl::prelude::*;

/// What the completer is doing.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum CompleterState {
    /// Waits for a request, and for register writes before it.
    Idle,
    /// Works out what the request asks for.
    Begin,
    /// Cuts off the part up to the next read-completion boundary.
    Cut,
    /// Asks memory for 16 bytes.
    Fetch,
    /// Takes them.
    Take,
    /// Collects one of their double words after the other.
    Collect,
    /// Asks for a register.
    ReadRegister,
    /// Waits for it.
    AwaitRegister,
    /// Sends the header, and the first double word.
    Header,
    /// Sends the other double words.
    Body,
    /// Goes on behind the part that was sent.
    Advance,
    /// Sends Unsupported Request for all that is left.
    Refuse,
}

/// Bits of an offset in BAR4 that are zero in the outbox, but for the one that is set in the upper half.
const BEHIND_OUTBOX: usize = (1 << ENDPOINT_SPACE_LOG2) - abi::command::OUTBOX_BYTES;

/// Answers memory reads, one at a time, in order (2.2.9, 2.3.1.1).
///
/// BAR0 is read register by register. BAR4 is read from memory: the inline bodies of each endpoint in its lower half,
/// 8 KiB of outbox at the beginning of its upper half. Anything else, BAR2 in particular, has nothing to read and is
/// answered with Unsupported Request. A zero-length read (2.2.5) reads nothing. It is answered with one double word
/// wherever in a BAR it is: a host flushes its writes so.
///
/// Each completion ends at the next multiple of 128 bytes, the read-completion boundary of an endpoint, or with the
/// request; so none is longer than any maximum payload. Its data is collected before its header is sent, and its
/// beats then follow each other without a pause of the completer's making. If a part of a BAR0 read contains an
/// offset without a register, the parts before stand and an Unsupported Request completion ends the request.
///
/// Reads wait until earlier register writes are carried out; nothing here holds up a write, so this wait ends. A
/// request of length 0 is only taken. Latency from request to header: 6 cycles for one register that answers in the
/// next cycle, and for one double word of memory granted at once.
#[derive(LogicBlock, Default)]
pub struct Completer {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// A request waits.
    pub read_request_valid: Signal<In, Bit>,
    /// It is taken in this cycle.
    pub read_request_ready: Signal<Out, Bit>,
    /// To be answered; taken in one cycle.
    pub read_request: Signal<In, ReadRequest>,
    /// Register writes are still to be carried out.
    pub registers_busy: Signal<In, Bit>,
    /// To the registers; reads only.
    pub registers: RegisterMaster,
    /// To inline bodies and the outbox, by the beat's address in BAR4.
    pub memory: MemoryReadMaster,
    /// Bus, device and function of this end.
    pub completer_id: Signal<In, Bits<16>>,
    /// Completions.
    pub source: StreamSource,
    /// Pulse: a request's buffer is free again.
    pub nonposted_free: Signal<Out, Bit>,
    /// Pulse: a read hit a BAR, but nothing in it.
    pub unsupported: Signal<Out, Bit>,
    span: ReadSpan,
    completion_header: CompletionHeader,
    collector: CompletionData,
    state: DFF<CompleterState>,
    request: DFF<ReadRequest>,
    // What is left of the request.
    address: DFF<Bits<25>>,
    remaining: DFF<Bits<11>>,
    byte_count: DFF<Bits<13>>,
    lead: DFF<Bits<2>>,
    // The part that is being collected or sent, in double words.
    part: DFF<Bits<6>>,
    part_address: DFF<Bits<5>>,
    memory_word: DFF<Bits<128>>,
    /// A read was granted in the cycle before.
    granted: DFF<Bit>,
    body: DFF<Bits<3>>,
    unsupported_pulse: DFF<Bit>,
    nothing: Signal<Local, Bit>,
    behind_outbox: Signal<Local, Bits<25>>,
    behind_outbox_bits: Fixed<25, BEHIND_OUTBOX>,
    request_address: Signal<Local, Bits<25>>,
    readable: Signal<Local, Bit>,
    boundary_word: Signal<Local, Bits<6>>,
    until_boundary: Signal<Local, Bits<6>>,
    lane: Signal<Local, Bits<2>>,
    word: Signal<Local, Bits<32>>,
    push: Signal<Local, Bit>,
    part_bytes: Signal<Local, Bits<13>>,
    refuse: Signal<Local, Bit>,
    first_word: Signal<Local, Bits<128>>,
}

impl Logic for Completer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            request,
            address,
            remaining,
            byte_count,
            lead,
            part,
            part_address,
            memory_word,
            granted,
            body,
            unsupported_pulse
        );
        clock!(self, clock, collector);

        // The request as a whole.
        self.span.length.next = self.request.q.val().length;
        self.span.first_enables.next = self.request.q.val().first_enables;
        self.span.last_enables.next = self.request.q.val().last_enables;
        self.nothing.next =
            (self.request.q.val().length == 1) & (self.request.q.val().first_enables == 0);
        self.request_address.next = self.request.q.val().address;
        self.behind_outbox.next = self.request_address.val() & self.behind_outbox_bits.val();
        self.readable.next = !self.request.q.val().unsupported
            & (self.nothing.val()
                | (self.request.q.val().space == 0)
                | ((self.request.q.val().space == 2)
                    & (!self
                        .request_address
                        .val()
                        .get_bit(crate::configuration::ENDPOINT_SPACE_LOG2)
                        | !self.behind_outbox.val().any())));

        // The part up to the boundary.
        self.boundary_word.next = bit_cast::<6, 5>(self.address.q.val().get_bits::<5>(2));
        self.until_boundary.next = 32 - self.boundary_word.val();
        self.part_bytes.next =
            (bit_cast::<13, 6>(self.part.q.val()) << 2) - bit_cast::<13, 2>(self.lead.q.val());

        // One double word; a register's stands in the lowest lane.
        self.lane.next = self.address.q.val().get_bits::<2>(2);
        if self.request.q.val().space == 0 {
            self.lane.next = 0.into();
        }
        self.word.next = self.memory_word.q.val().get_bits::<32>(0);
        if self.lane.val() == 1 {
            self.word.next = self.memory_word.q.val().get_bits::<32>(32);
        }
        if self.lane.val() == 2 {
            self.word.next = self.memory_word.q.val().get_bits::<32>(64);
        }
        if self.lane.val() == 3 {
            self.word.next = self.memory_word.q.val().get_bits::<32>(96);
        }
        self.push.next = self.state.q.val() == CompleterState::Collect;

        self.collector.clear.next = self.state.q.val() == CompleterState::Begin;
        self.collector.push.next = self.push.val();
        self.collector.word.next = self.word.val();
        self.collector.length.next = self.part.q.val();
        self.collector.index.next = self.body.q.val();
        if self.push.val() {
            self.address.d.next = self.address.q.val() + 4;
        }

        // Ports.
        self.refuse.next = self.state.q.val() == CompleterState::Refuse;
        self.first_word.next = bit_cast::<128, 32>(self.collector.first_word.val());
        if self.refuse.val() {
            self.first_word.next = 0.into();
        }
        self.completion_header.request.next = self.request.q.val();
        self.completion_header.refuse.next = self.refuse.val();
        self.completion_header.completer_id.next = self.completer_id.val();
        self.completion_header.length.next = self.part.q.val();
        self.completion_header.byte_count.next = self.byte_count.q.val();
        self.completion_header.lower_address.next = (bit_cast::<7, 5>(self.part_address.q.val())
            << 2)
            | bit_cast::<7, 2>(self.lead.q.val());
        self.read_request_ready.next = false;
        self.nonposted_free.next = false;
        self.unsupported_pulse.d.next = false;
        self.unsupported.next = self.unsupported_pulse.q.val();
        self.registers.read.next = self.state.q.val() == CompleterState::ReadRegister;
        self.registers.write.next = false;
        self.registers.address.next = bit_cast::<14, 25>(self.address.q.val());
        self.registers.data.next = 0.into();
        self.registers.enables.next = 0.into();
        self.memory.request.next = (self.state.q.val() == CompleterState::Fetch)
            | ((self.state.q.val() == CompleterState::Take) & !self.granted.q.val());
        self.granted.d.next = self.memory.grant.val();
        self.memory.address.next = self.address.q.val().get_bits::<21>(4);
        self.source.valid.next = false;
        self.source.beat.next.data = bit_cast::<128, 96>(self.completion_header.header.val())
            | (self.first_word.val() << 96);
        self.source.beat.next.last = self.collector.short.val();

        match self.state.q.val() {
            CompleterState::Idle => {
                self.request.d.next = self.read_request.val();
                if self.read_request_valid.val() & !self.registers_busy.val() {
                    self.read_request_ready.next = true;
                    self.nonposted_free.next = true;
                    self.state.d.next = CompleterState::Begin;
                }
            }
            CompleterState::Begin => {
                self.address.d.next = self.request_address.val();
                self.part_address.d.next = self.request_address.val().get_bits::<5>(2);
                self.remaining.d.next = self.request.q.val().length;
                self.byte_count.d.next = self.span.byte_count.val();
                self.lead.d.next = self.span.lead.val();
                self.part.d.next = 1.into();
                self.state.d.next = CompleterState::Cut;
                if self.nothing.val() {
                    self.state.d.next = CompleterState::Header;
                }
                if !self.readable.val() {
                    self.unsupported_pulse.d.next = !self.request.q.val().unsupported;
                    self.state.d.next = CompleterState::Refuse;
                }
                if self.request.q.val().length == 0 {
                    self.unsupported_pulse.d.next = false;
                    self.state.d.next = CompleterState::Idle;
                }
            }
            CompleterState::Cut => {
                self.part_address.d.next = self.address.q.val().get_bits::<5>(2);
                self.collector.clear.next = true;
                self.part.d.next = self.until_boundary.val();
                if self.remaining.q.val() < bit_cast::<11, 6>(self.until_boundary.val()) {
                    self.part.d.next = bit_cast::<6, 11>(self.remaining.q.val());
                }
                self.state.d.next = CompleterState::Fetch;
                if self.request.q.val().space == 0 {
                    self.state.d.next = CompleterState::ReadRegister;
                }
            }
            CompleterState::Fetch => {
                self.state.d.next = CompleterState::Take;
            }
            CompleterState::Take => {
                // A grant comes late in its cycle: whether there was one is looked at in the cycle of the data.
                self.memory_word.d.next = self.memory.data.val();
                if self.granted.q.val() {
                    self.state.d.next = CompleterState::Collect;
                }
            }
            CompleterState::Collect => {
                if self.lane.val() == 3 {
                    self.state.d.next = CompleterState::Fetch;
                }
                if self.request.q.val().space == 0 {
                    self.state.d.next = CompleterState::ReadRegister;
                }
                if self.collector.one_missing.val() {
                    self.state.d.next = CompleterState::Header;
                }
            }
            CompleterState::ReadRegister => {
                self.state.d.next = CompleterState::AwaitRegister;
            }
            CompleterState::AwaitRegister => {
                self.memory_word.d.next = bit_cast::<128, 32>(self.registers.read_data.val());
                if self.registers.done.val() {
                    self.state.d.next = CompleterState::Collect;
                    if !self.registers.hit.val() {
                        self.unsupported_pulse.d.next = true;
                        self.state.d.next = CompleterState::Refuse;
                    }
                }
            }
            CompleterState::Header => {
                self.source.valid.next = true;
                self.body.d.next = 0.into();
                if self.source.ready.val() {
                    self.state.d.next = CompleterState::Body;
                    if self.collector.short.val() {
                        self.state.d.next = CompleterState::Advance;
                    }
                }
            }
            CompleterState::Body => {
                self.source.valid.next = true;
                self.source.beat.next.data = self.collector.data.val();
                self.source.beat.next.last = self.collector.last.val();
                if self.source.ready.val() {
                    self.body.d.next = self.body.q.val() + 1;
                    if self.collector.last.val() {
                        self.state.d.next = CompleterState::Advance;
                    }
                }
            }
            CompleterState::Advance => {
                self.remaining.d.next =
                    self.remaining.q.val() - bit_cast::<11, 6>(self.part.q.val());
                self.byte_count.d.next = self.byte_count.q.val() - self.part_bytes.val();
                self.lead.d.next = 0.into();
                self.state.d.next = CompleterState::Cut;
                if self.remaining.q.val() == bit_cast::<11, 6>(self.part.q.val()) {
                    self.state.d.next = CompleterState::Idle;
                }
            }
            CompleterState::Refuse => {
                self.source.valid.next = true;
                self.source.beat.next.last = true;
                if self.source.ready.val() {
                    self.state.d.next = CompleterState::Idle;
                }
            }
            _ => {
                self.state.d.next = CompleterState::Idle;
            }
        }
        if self.reset.val() {
            self.state.d.next = CompleterState::Idle;
            self.unsupported_pulse.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;

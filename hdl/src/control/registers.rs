//! The register file of BAR0.

use super::counters::CounterBank;
use super::pending_bits::PendingBits;
use super::plain::PlainRegisters;
use super::stage_times::StageTimes;
use super::writable::ByteMask;
use super::{Identity, RegisterArbiter};
use crate::bundles::RegisterTarget;
use abi::control::registers;
use abi::schema::Register;
use rust_hdl::prelude::*;

/// Counters that exist: up to the last code of `abi::control::counter`.
pub const USED_COUNTERS: usize = {
    let codes = abi::control::counter::CODES.values;
    codes[codes.len() - 1].value as usize + 1
};

/// Where an access, or a clear of the firmware, stands.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum AccessState {
    /// Nothing to do.
    Idle,
    /// Reads look at the plain registers; writes take effect.
    Decode,
    /// Waits for a word of pending bits.
    Pending,
    /// Waits for a counter.
    Counter,
    /// The answer goes out.
    Respond,
    /// The firmware clears pending bits.
    Clear,
}

/// All registers of `abi::control::registers`.
///
/// Two register buses: `host` reads and writes, `processor` only reads (its writes do nothing and end without `hit`).
/// One access at a time, host first. `hit` is low for an offset without a register, and for a write to a read-only
/// one. Latency from the asker's pulse to `done`: 4 cycles, 6 for `endpoint_pending` and `queue_pending`, 8 to 11 for
/// counters; more only while the other side is served, in the first 200 cycles after reset, and for pending bits
/// while others are set in every cycle.
#[derive(LogicBlock)]
pub struct ControlRegisters {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Accesses of the host.
    pub host: RegisterTarget,
    /// Reads of the firmware.
    pub processor: RegisterTarget,
    /// Pulses of the counters (`abi::control::counter`).
    pub counter_pulses: Signal<In, Bits<64>>,
    /// Pulses of the stages (`abi::control::stage`).
    pub stage_pulses: Signal<In, Bits<16>>,
    /// Bits of `abi::control::registers::event_pending` that become one.
    pub event_set: Signal<In, Bits<16>>,
    /// The pending bit of endpoint `endpoint_set_index` becomes one.
    pub endpoint_set: Signal<In, Bit>,
    /// Goes with `endpoint_set`.
    pub endpoint_set_index: Signal<In, Bits<12>>,
    /// The pending bit of transmit queue `queue_set_index` becomes one.
    pub queue_set: Signal<In, Bit>,
    /// Goes with `queue_set`.
    pub queue_set_index: Signal<In, Bits<8>>,
    /// The firmware clears pending bits; the other `clear_` inputs stay until `clear_ready`, and
    /// are taken from the cycle after on.
    pub clear_valid: Signal<In, Bit>,
    /// The clear is carried out in this cycle.
    pub clear_ready: Signal<Out, Bit>,
    /// The clear concerns `endpoint_pending`.
    pub clear_endpoint: Signal<In, Bit>,
    /// The clear concerns `queue_pending`; without either, `event_pending`.
    pub clear_queue: Signal<In, Bit>,
    /// Word of `endpoint_pending`; its low three bits: word of `queue_pending`.
    pub clear_word: Signal<In, Bits<7>>,
    /// Bits that become zero.
    pub clear_mask: Signal<In, Bits<32>>,
    /// Pulse: the firmware lives.
    pub heartbeat: Signal<In, Bit>,
    /// Pulse or level: a credit frame came.
    pub link_seen: Signal<In, Bit>,
    /// Pulse or level: a frame of another version came.
    pub version_mismatch: Signal<In, Bit>,
    /// The host has stopped the NIU's requests.
    pub stopped: Signal<In, Bit>,
    /// And they are over.
    pub quiet: Signal<In, Bit>,
    /// Pulse: `quiesce` was written.
    pub quiesce: Signal<Out, Bit>,
    /// From that pulse on: the generation that was written.
    pub quiesce_generation: Signal<Out, Bits<8>>,
    /// This node's number.
    pub node: Signal<Out, Bits<10>>,
    /// The processor is to be held in reset.
    pub processor_hold: Signal<Out, Bit>,
    /// Pulse: the admin doorbell was written.
    pub admin_doorbell: Signal<Out, Bit>,
    /// From that pulse on: what was written.
    pub admin_doorbell_index: Signal<Out, Bits<16>>,
    /// Some bit of `event_pending` was one in the cycle before; straight from a register, fit for another clock.
    pub event_pending: Signal<Out, Bit>,
    arbiter: RegisterArbiter,
    plain: PlainRegisters,
    byte_mask: ByteMask,
    counters: CounterBank<USED_COUNTERS>,
    stages: StageTimes,
    endpoints: PendingBits<12, 7>,
    queues: PendingBits<8, 3>,
    state: DFF<AccessState>,
    wanted: DFF<Bit>,
    wanted_write: DFF<Bit>,
    array_q: DFF<Bits<32>>,
    array_hit: DFF<Bit>,
    write_hit: DFF<Bit>,
    /// The clear as it stood in the cycle before: it comes out of a RAM, and has a long way to go.
    endpoint_taken: DFF<Bit>,
    queue_taken: DFF<Bit>,
    word_taken: DFF<Bits<7>>,
    mask_taken: DFF<Bits<32>>,
    asked: Signal<Local, Bit>,
    decode: Signal<Local, Bit>,
    host_address: Signal<Local, Bits<14>>,
    address: Signal<Local, Bits<12>>,
    host_write: Signal<Local, Bit>,
    is_endpoint: Signal<Local, Bit>,
    is_queue: Signal<Local, Bit>,
    is_stage: Signal<Local, Bit>,
    is_counter: Signal<Local, Bit>,
    endpoint_region: Constant<Bits<3>>,
    queue_region: Constant<Bits<7>>,
    stage_region: Constant<Bits<6>>,
    counter_region: Constant<Bits<4>>,
}

impl ControlRegisters {
    /// With these identity registers.
    pub fn new(identity: Identity) -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            host: Default::default(),
            processor: Default::default(),
            counter_pulses: Default::default(),
            stage_pulses: Default::default(),
            event_set: Default::default(),
            endpoint_set: Default::default(),
            endpoint_set_index: Default::default(),
            queue_set: Default::default(),
            queue_set_index: Default::default(),
            clear_valid: Default::default(),
            clear_ready: Default::default(),
            clear_endpoint: Default::default(),
            clear_queue: Default::default(),
            clear_word: Default::default(),
            clear_mask: Default::default(),
            heartbeat: Default::default(),
            link_seen: Default::default(),
            version_mismatch: Default::default(),
            stopped: Default::default(),
            quiet: Default::default(),
            quiesce: Default::default(),
            quiesce_generation: Default::default(),
            node: Default::default(),
            processor_hold: Default::default(),
            admin_doorbell: Default::default(),
            admin_doorbell_index: Default::default(),
            event_pending: Default::default(),
            arbiter: Default::default(),
            plain: PlainRegisters::new(identity),
            byte_mask: Default::default(),
            counters: Default::default(),
            stages: Default::default(),
            endpoints: Default::default(),
            queues: Default::default(),
            state: Default::default(),
            wanted: Default::default(),
            wanted_write: Default::default(),
            array_q: Default::default(),
            array_hit: Default::default(),
            write_hit: Default::default(),
            endpoint_taken: Default::default(),
            queue_taken: Default::default(),
            word_taken: Default::default(),
            mask_taken: Default::default(),
            asked: Default::default(),
            decode: Default::default(),
            host_address: Default::default(),
            address: Default::default(),
            host_write: Default::default(),
            is_endpoint: Default::default(),
            is_queue: Default::default(),
            is_stage: Default::default(),
            is_counter: Default::default(),
            endpoint_region: region(&registers::endpoint_pending::REGISTER),
            queue_region: region(&registers::queue_pending::REGISTER),
            stage_region: region(&registers::stage_time::REGISTER),
            counter_region: region(&registers::counters::REGISTER),
        }
    }
}

/// The upper address bits of an array of registers that stands at a multiple of its size.
fn region<const N: usize>(register: &Register) -> Constant<Bits<N>> {
    let bytes = register.count * 4;
    assert!(bytes == 1 << (12 - N) && register.offset.is_multiple_of(bytes));
    Constant::new((register.offset / bytes).to_bits())
}

impl Logic for ControlRegisters {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            wanted,
            wanted_write,
            array_q,
            array_hit,
            write_hit,
            endpoint_taken,
            queue_taken,
            word_taken,
            mask_taken
        );
        clock!(
            self, clock, arbiter, plain, counters, stages, endpoints, queues
        );
        self.arbiter.reset.next = self.reset.val();
        self.plain.reset.next = self.reset.val();
        self.counters.reset.next = self.reset.val();
        self.stages.reset.next = self.reset.val();
        self.endpoints.reset.next = self.reset.val();
        self.queues.reset.next = self.reset.val();
        RegisterTarget::link(&mut self.host, &mut self.arbiter.first);
        RegisterTarget::link(&mut self.processor, &mut self.arbiter.second);

        // What an access addresses.
        self.host_address.next = self.arbiter.merged.address.val();
        self.address.next = self.host_address.val().get_bits::<12>(0);
        self.is_endpoint.next = self.address.val().get_bits::<3>(9) == self.endpoint_region.val();
        self.is_queue.next = self.address.val().get_bits::<7>(5) == self.queue_region.val();
        self.is_stage.next = self.address.val().get_bits::<6>(6) == self.stage_region.val();
        self.is_counter.next = self.address.val().get_bits::<4>(8) == self.counter_region.val();
        self.asked.next = self.arbiter.merged.read.val() | self.arbiter.merged.write.val();
        self.decode.next = self.state.q.val() == AccessState::Decode;
        self.host_write.next = self.wanted_write.q.val() & !self.arbiter.second_served.val();

        self.plain.address.next = self.address.val();
        self.plain.data.next = self.arbiter.merged.data.val();
        self.plain.enables.next = self.arbiter.merged.enables.val();
        self.plain.capture.next = self.decode.val();
        self.plain.read.next = !self.wanted_write.q.val();
        self.plain.write.next = self.decode.val() & self.host_write.val();
        self.plain.for_processor.next = self.arbiter.second_served.val();
        self.plain.event_set.next = self.event_set.val();
        self.plain.event_clear.next = 0.into();
        self.plain.heartbeat.next = self.heartbeat.val();
        self.plain.link_seen.next = self.link_seen.val();
        self.plain.version_mismatch.next = self.version_mismatch.val();
        self.plain.stopped.next = self.stopped.val();
        self.plain.quiet.next = self.quiet.val();
        self.quiesce.next = self.plain.quiesce.val();
        self.quiesce_generation.next = self.plain.quiesce_generation.val();
        self.node.next = self.plain.node.val();
        self.processor_hold.next = self.plain.processor_hold.val();
        self.admin_doorbell.next = self.plain.admin_doorbell.val();
        self.admin_doorbell_index.next = self.plain.admin_doorbell_index.val();
        self.event_pending.next = self.plain.event_pending.val();

        self.stages.pulses.next = self.stage_pulses.val();
        self.stages.now.next = self.plain.cycle_low.val();
        self.stages.index.next = self.address.val().get_bits::<4>(2);
        self.counters.pulses.next = self.counter_pulses.val();
        self.counters.index.next = self.address.val().get_bits::<6>(2);
        self.counters.read.next = self.state.q.val() == AccessState::Counter;
        self.byte_mask.enables.next = self.arbiter.merged.enables.val();
        self.endpoints.set.next = self.endpoint_set.val();
        self.endpoints.set_index.next = self.endpoint_set_index.val();
        self.endpoints.look.next = false;
        self.endpoints.word.next = self.address.val().get_bits::<7>(2);
        self.endpoints.mask.next = self.arbiter.merged.data.val() & self.byte_mask.mask.val();
        self.endpoints.clear.next = self.host_write.val();
        self.queues.set.next = self.queue_set.val();
        self.queues.set_index.next = self.queue_set_index.val();
        self.queues.look.next = false;
        self.queues.word.next = self.address.val().get_bits::<3>(2);
        self.queues.mask.next = self.arbiter.merged.data.val() & self.byte_mask.mask.val();
        self.queues.clear.next = self.host_write.val();
        self.clear_ready.next = false;
        self.endpoint_taken.d.next = self.clear_endpoint.val();
        self.queue_taken.d.next = self.clear_queue.val();
        self.word_taken.d.next = self.clear_word.val();
        self.mask_taken.d.next = self.clear_mask.val();

        if self.asked.val() {
            self.wanted.d.next = true;
            self.wanted_write.d.next = self.arbiter.merged.write.val();
        }
        match self.state.q.val() {
            AccessState::Idle => {
                if self.clear_valid.val() {
                    self.state.d.next = AccessState::Clear;
                } else if self.wanted.q.val() | self.asked.val() {
                    self.state.d.next = AccessState::Decode;
                }
            }
            AccessState::Decode => {
                self.wanted.d.next = false;
                self.write_hit.d.next =
                    (self.plain.write_hit.val() | self.is_endpoint.val() | self.is_queue.val())
                        & !self.arbiter.second_served.val();
                self.array_hit.d.next = self.is_endpoint.val()
                    | self.is_queue.val()
                    | self.is_stage.val()
                    | self.is_counter.val();
                self.array_q.d.next = 0.into();
                self.state.d.next = AccessState::Respond;
                if self.is_stage.val() {
                    self.array_q.d.next = self.stages.value.val();
                }
                if self.is_endpoint.val() | self.is_queue.val() {
                    self.state.d.next = AccessState::Pending;
                }
                if self.is_counter.val() & !self.wanted_write.q.val() {
                    self.state.d.next = AccessState::Counter;
                }
            }
            AccessState::Pending => {
                self.endpoints.look.next = self.is_endpoint.val();
                self.queues.look.next = self.is_queue.val();
                self.array_q.d.next = self.endpoints.value.val();
                if self.is_queue.val() {
                    self.array_q.d.next = self.queues.value.val();
                }
                if self.endpoints.done.val() | self.queues.done.val() {
                    self.state.d.next = AccessState::Respond;
                }
            }
            AccessState::Counter => {
                self.array_q.d.next = self.counters.value.val();
                if self.counters.done.val() {
                    self.state.d.next = AccessState::Respond;
                }
            }
            AccessState::Clear => {
                self.endpoints.look.next = self.endpoint_taken.q.val();
                self.endpoints.word.next = self.word_taken.q.val();
                self.endpoints.mask.next = self.mask_taken.q.val();
                self.endpoints.clear.next = true;
                self.queues.look.next = self.queue_taken.q.val();
                self.queues.word.next = self.word_taken.q.val().get_bits::<3>(0);
                self.queues.mask.next = self.mask_taken.q.val();
                self.queues.clear.next = true;
                if !self.endpoint_taken.q.val() & !self.queue_taken.q.val() {
                    self.plain.event_clear.next = self.mask_taken.q.val().get_bits::<16>(0);
                    self.clear_ready.next = true;
                    self.state.d.next = AccessState::Idle;
                }
                if self.endpoints.done.val() | self.queues.done.val() {
                    self.clear_ready.next = true;
                    self.state.d.next = AccessState::Idle;
                }
            }
            _ => {
                self.state.d.next = AccessState::Idle;
            }
        }

        self.arbiter.merged.done.next = self.state.q.val() == AccessState::Respond;
        self.arbiter.merged.read_data.next = self.plain.value.val() | self.array_q.q.val();
        self.arbiter.merged.hit.next = self.plain.hit.val() | self.array_hit.q.val();
        if self.wanted_write.q.val() {
            self.arbiter.merged.hit.next = self.write_hit.q.val();
        }

        if self.reset.val() {
            self.state.d.next = AccessState::Idle;
            self.wanted.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;

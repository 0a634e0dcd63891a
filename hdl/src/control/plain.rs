//! The registers that stand alone: identity, status, admin queue, pending events.

use super::Identity;
use super::writable::{ByteMask, WritableRegister};
use abi::control::registers;
use rust_hdl::prelude::*;

/// Every register of `abi::control::registers` that is not an array.
///
/// `value` and `hit` come one cycle after `capture`: the registers are looked at in three groups, and the choice
/// among the groups is a cycle of its own for the caller. Host and firmware have a latch each behind `cycle_low`.
#[derive(LogicBlock)]
pub struct PlainRegisters {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Register looked at or written.
    pub address: Signal<In, Bits<12>>,
    /// What to write.
    pub data: Signal<In, Bits<32>>,
    /// Which bytes to write.
    pub enables: Signal<In, Bits<4>>,
    /// The register at `address` is wanted: `value` and `hit` belong to it from the next cycle on.
    pub capture: Signal<In, Bit>,
    /// With `capture`: it is a read, with its side effect.
    pub read: Signal<In, Bit>,
    /// The register at `address` is written.
    pub write: Signal<In, Bit>,
    /// The access is one of the firmware.
    pub for_processor: Signal<In, Bit>,
    /// The register captured last; zero if none stands there.
    pub value: Signal<Out, Bits<32>>,
    /// A register stands at the address captured last.
    pub hit: Signal<Out, Bit>,
    /// A writable register stands at `address`; combinational.
    pub write_hit: Signal<Out, Bit>,
    /// Bits of `event_pending` that become one; wins over a clear.
    pub event_set: Signal<In, Bits<16>>,
    /// Bits of `event_pending` that the firmware clears.
    pub event_clear: Signal<In, Bits<16>>,
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
    /// Low half of the cycle counter.
    pub cycle_low: Signal<Out, Bits<32>>,
    /// This node's number.
    pub node: Signal<Out, Bits<10>>,
    /// The processor is to be held in reset.
    pub processor_hold: Signal<Out, Bit>,
    /// Pulse: `quiesce` was written.
    pub quiesce: Signal<Out, Bit>,
    /// From that pulse on: the generation that was written.
    pub quiesce_generation: Signal<Out, Bits<8>>,
    /// Pulse: the admin doorbell was written.
    pub admin_doorbell: Signal<Out, Bit>,
    /// From that pulse on: what was written.
    pub admin_doorbell_index: Signal<Out, Bits<16>>,
    /// Some bit of `event_pending` was one in the cycle before; straight from a register, fit for another clock.
    pub event_pending: Signal<Out, Bit>,
    scratch: WritableRegister,
    node_register: WritableRegister,
    processor_control: WritableRegister,
    watchdog_limit: WritableRegister,
    submission_low: WritableRegister,
    submission_high: WritableRegister,
    completion_low: WritableRegister,
    completion_high: WritableRegister,
    admin_entries: WritableRegister,
    doorbell: WritableRegister,
    quiesce_register: WritableRegister,
    byte_mask: ByteMask,
    cycle: DFF<Bits<64>>,
    host_cycle_high: DFF<Bits<32>>,
    processor_cycle_high: DFF<Bits<32>>,
    pending_events: DFF<Bits<16>>,
    any_pending: DFF<Bit>,
    has_link: DFF<Bit>,
    has_mismatch: DFF<Bit>,
    heartbeats: DFF<Bits<32>>,
    alive: DFF<Bit>,
    silence: DFF<Bits<32>>,
    doorbell_written: DFF<Bit>,
    quiesce_written: DFF<Bit>,
    identity_q: DFF<Bits<32>>,
    status_q: DFF<Bits<32>>,
    admin_q: DFF<Bits<32>>,
    hit_q: DFF<Bit>,
    identity_value: Signal<Local, Bits<32>>,
    identity_hit: Signal<Local, Bit>,
    status_value: Signal<Local, Bits<32>>,
    status_hit: Signal<Local, Bit>,
    admin_value: Signal<Local, Bits<32>>,
    admin_hit: Signal<Local, Bit>,
    cycle_high: Signal<Local, Bits<32>>,
    status: Signal<Local, Bits<32>>,
    cleared: Signal<Local, Bits<32>>,
    host_clear: Signal<Local, Bits<16>>,
    hardware_revision: Constant<Bits<32>>,
    abi_version: Constant<Bits<32>>,
    clock_hertz: Constant<Bits<32>>,
    capabilities: Constant<Bits<32>>,
    sizes: Constant<Bits<32>>,
    features: Constant<Bits<32>>,
}

impl PlainRegisters {
    /// With these identity registers.
    pub fn new(identity: Identity) -> Self {
        let writable = WritableRegister::new;
        Self {
            clock: Default::default(),
            reset: Default::default(),
            address: Default::default(),
            data: Default::default(),
            enables: Default::default(),
            capture: Default::default(),
            read: Default::default(),
            write: Default::default(),
            for_processor: Default::default(),
            value: Default::default(),
            hit: Default::default(),
            write_hit: Default::default(),
            event_set: Default::default(),
            event_clear: Default::default(),
            heartbeat: Default::default(),
            link_seen: Default::default(),
            version_mismatch: Default::default(),
            stopped: Default::default(),
            quiet: Default::default(),
            cycle_low: Default::default(),
            node: Default::default(),
            processor_hold: Default::default(),
            quiesce: Default::default(),
            quiesce_generation: Default::default(),
            admin_doorbell: Default::default(),
            admin_doorbell_index: Default::default(),
            event_pending: Default::default(),
            scratch: writable(&registers::scratch::REGISTER),
            node_register: writable(&registers::node::REGISTER),
            processor_control: writable(&registers::processor_control::REGISTER),
            watchdog_limit: writable(&registers::watchdog_limit::REGISTER),
            submission_low: writable(&registers::admin_submission_low::REGISTER),
            submission_high: writable(&registers::admin_submission_high::REGISTER),
            completion_low: writable(&registers::admin_completion_low::REGISTER),
            completion_high: writable(&registers::admin_completion_high::REGISTER),
            admin_entries: writable(&registers::admin_entries::REGISTER),
            doorbell: writable(&registers::admin_doorbell::REGISTER),
            quiesce_register: writable(&registers::quiesce::REGISTER),
            byte_mask: Default::default(),
            cycle: Default::default(),
            host_cycle_high: Default::default(),
            processor_cycle_high: Default::default(),
            pending_events: Default::default(),
            any_pending: Default::default(),
            has_link: Default::default(),
            has_mismatch: Default::default(),
            heartbeats: Default::default(),
            alive: Default::default(),
            silence: Default::default(),
            doorbell_written: Default::default(),
            quiesce_written: Default::default(),
            identity_q: Default::default(),
            status_q: Default::default(),
            admin_q: Default::default(),
            hit_q: Default::default(),
            identity_value: Default::default(),
            identity_hit: Default::default(),
            status_value: Default::default(),
            status_hit: Default::default(),
            admin_value: Default::default(),
            admin_hit: Default::default(),
            cycle_high: Default::default(),
            status: Default::default(),
            cleared: Default::default(),
            host_clear: Default::default(),
            hardware_revision: Constant::new(identity.hardware_revision.to_bits()),
            abi_version: Constant::new(identity.abi_version().to_bits()),
            clock_hertz: Constant::new(identity.clock_hertz.to_bits()),
            capabilities: Constant::new(identity.capabilities().to_bits()),
            sizes: Constant::new(identity.sizes().to_bits()),
            features: Constant::new(registers::features::REGISTER.reset.to_bits()),
        }
    }
}

impl Logic for PlainRegisters {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            cycle,
            host_cycle_high,
            processor_cycle_high,
            pending_events,
            any_pending,
            has_link,
            has_mismatch
        );
        dff_setup!(
            self,
            clock,
            heartbeats,
            alive,
            silence,
            doorbell_written,
            quiesce_written,
            identity_q,
            status_q,
            admin_q,
            hit_q
        );
        self.scratch.clock.next = self.clock.val();
        self.scratch.reset.next = self.reset.val();
        self.scratch.data.next = self.data.val();
        self.scratch.enables.next = self.enables.val();
        self.scratch.write.next = false;
        self.node_register.clock.next = self.clock.val();
        self.node_register.reset.next = self.reset.val();
        self.node_register.data.next = self.data.val();
        self.node_register.enables.next = self.enables.val();
        self.node_register.write.next = false;
        self.processor_control.clock.next = self.clock.val();
        self.processor_control.reset.next = self.reset.val();
        self.processor_control.data.next = self.data.val();
        self.processor_control.enables.next = self.enables.val();
        self.processor_control.write.next = false;
        self.watchdog_limit.clock.next = self.clock.val();
        self.watchdog_limit.reset.next = self.reset.val();
        self.watchdog_limit.data.next = self.data.val();
        self.watchdog_limit.enables.next = self.enables.val();
        self.watchdog_limit.write.next = false;
        self.submission_low.clock.next = self.clock.val();
        self.submission_low.reset.next = self.reset.val();
        self.submission_low.data.next = self.data.val();
        self.submission_low.enables.next = self.enables.val();
        self.submission_low.write.next = false;
        self.submission_high.clock.next = self.clock.val();
        self.submission_high.reset.next = self.reset.val();
        self.submission_high.data.next = self.data.val();
        self.submission_high.enables.next = self.enables.val();
        self.submission_high.write.next = false;
        self.completion_low.clock.next = self.clock.val();
        self.completion_low.reset.next = self.reset.val();
        self.completion_low.data.next = self.data.val();
        self.completion_low.enables.next = self.enables.val();
        self.completion_low.write.next = false;
        self.completion_high.clock.next = self.clock.val();
        self.completion_high.reset.next = self.reset.val();
        self.completion_high.data.next = self.data.val();
        self.completion_high.enables.next = self.enables.val();
        self.completion_high.write.next = false;
        self.admin_entries.clock.next = self.clock.val();
        self.admin_entries.reset.next = self.reset.val();
        self.admin_entries.data.next = self.data.val();
        self.admin_entries.enables.next = self.enables.val();
        self.admin_entries.write.next = false;
        self.doorbell.clock.next = self.clock.val();
        self.doorbell.reset.next = self.reset.val();
        self.doorbell.data.next = self.data.val();
        self.doorbell.enables.next = self.enables.val();
        self.doorbell.write.next = false;
        self.quiesce_register.clock.next = self.clock.val();
        self.quiesce_register.reset.next = self.reset.val();
        self.quiesce_register.data.next = self.data.val();
        self.quiesce_register.enables.next = self.enables.val();
        self.quiesce_register.write.next = false;

        self.cycle.d.next = self.cycle.q.val() + 1;
        self.cycle_low.next = self.cycle.q.val().get_bits::<32>(0);
        self.has_link.d.next = self.has_link.q.val() | self.link_seen.val();
        self.has_mismatch.d.next = self.has_mismatch.q.val() | self.version_mismatch.val();
        if self.heartbeat.val() {
            self.heartbeats.d.next = self.heartbeats.q.val() + 1;
            self.silence.d.next = 0.into();
            self.alive.d.next = true;
        } else if self.silence.q.val() >= self.watchdog_limit.value.val() {
            self.alive.d.next = false;
        } else {
            self.silence.d.next = self.silence.q.val() + 1;
        }
        self.status.next = bit_cast::<32, 1>(self.alive.q.val().into())
            | (bit_cast::<32, 1>(self.has_link.q.val().into())
                << abi::control::registers::status::link_seen::SHIFT.to_bits::<5>())
            | (bit_cast::<32, 1>(self.has_mismatch.q.val().into())
                << abi::control::registers::status::version_mismatch::SHIFT.to_bits::<5>())
            | (bit_cast::<32, 1>(self.stopped.val().into())
                << abi::control::registers::status::stopped::SHIFT.to_bits::<5>())
            | (bit_cast::<32, 1>(self.quiet.val().into())
                << abi::control::registers::status::quiet::SHIFT.to_bits::<5>());
        self.cycle_high.next = self.host_cycle_high.q.val();
        if self.for_processor.val() {
            self.cycle_high.next = self.processor_cycle_high.q.val();
        }

        // Reads.
        self.identity_value.next = 0.into();
        self.identity_hit.next = false;
        if self.address.val() == abi::control::registers::magic::OFFSET.to_bits() {
            self.identity_value.next = abi::control::MAGIC.to_bits();
            self.identity_hit.next = true;
        }
        if self.address.val() == abi::control::registers::abi_version::OFFSET.to_bits() {
            self.identity_value.next = self.abi_version.val();
            self.identity_hit.next = true;
        }
        if self.address.val() == abi::control::registers::hardware_revision::OFFSET.to_bits() {
            self.identity_value.next = self.hardware_revision.val();
            self.identity_hit.next = true;
        }
        if self.address.val() == abi::control::registers::clock_hertz::OFFSET.to_bits() {
            self.identity_value.next = self.clock_hertz.val();
            self.identity_hit.next = true;
        }
        if self.address.val() == abi::control::registers::capabilities::OFFSET.to_bits() {
            self.identity_value.next = self.capabilities.val();
            self.identity_hit.next = true;
        }
        if self.address.val() == abi::control::registers::features::OFFSET.to_bits() {
            self.identity_value.next = self.features.val();
            self.identity_hit.next = true;
        }
        if self.address.val() == abi::control::registers::scratch::OFFSET.to_bits() {
            self.identity_value.next = self.scratch.value.val();
            self.identity_hit.next = true;
        }
        if self.address.val() == abi::control::registers::node::OFFSET.to_bits() {
            self.identity_value.next = self.node_register.value.val();
            self.identity_hit.next = true;
        }
        self.status_value.next = 0.into();
        self.status_hit.next = false;
        if self.address.val() == abi::control::registers::processor_control::OFFSET.to_bits() {
            self.status_value.next = self.processor_control.value.val();
            self.status_hit.next = true;
        }
        if self.address.val() == abi::control::registers::status::OFFSET.to_bits() {
            self.status_value.next = self.status.val();
            self.status_hit.next = true;
        }
        if self.address.val() == abi::control::registers::watchdog_limit::OFFSET.to_bits() {
            self.status_value.next = self.watchdog_limit.value.val();
            self.status_hit.next = true;
        }
        if self.address.val() == abi::control::registers::heartbeat::OFFSET.to_bits() {
            self.status_value.next = self.heartbeats.q.val();
            self.status_hit.next = true;
        }
        if self.address.val() == abi::control::registers::cycle_low::OFFSET.to_bits() {
            self.status_value.next = self.cycle.q.val().get_bits::<32>(0);
            self.status_hit.next = true;
        }
        if self.address.val() == abi::control::registers::cycle_high::OFFSET.to_bits() {
            self.status_value.next = self.cycle_high.val();
            self.status_hit.next = true;
        }
        self.admin_value.next = 0.into();
        self.admin_hit.next = false;
        if self.address.val() == abi::control::registers::admin_submission_low::OFFSET.to_bits() {
            self.admin_value.next = self.submission_low.value.val();
            self.admin_hit.next = true;
        }
        if self.address.val() == abi::control::registers::admin_submission_high::OFFSET.to_bits() {
            self.admin_value.next = self.submission_high.value.val();
            self.admin_hit.next = true;
        }
        if self.address.val() == abi::control::registers::admin_completion_low::OFFSET.to_bits() {
            self.admin_value.next = self.completion_low.value.val();
            self.admin_hit.next = true;
        }
        if self.address.val() == abi::control::registers::admin_completion_high::OFFSET.to_bits() {
            self.admin_value.next = self.completion_high.value.val();
            self.admin_hit.next = true;
        }
        if self.address.val() == abi::control::registers::admin_entries::OFFSET.to_bits() {
            self.admin_value.next = self.admin_entries.value.val();
            self.admin_hit.next = true;
        }
        if self.address.val() == abi::control::registers::admin_doorbell::OFFSET.to_bits() {
            self.admin_value.next = self.doorbell.value.val();
            self.admin_hit.next = true;
        }
        if self.address.val() == abi::control::registers::event_pending::OFFSET.to_bits() {
            self.admin_value.next = bit_cast::<32, 16>(self.pending_events.q.val());
            self.admin_hit.next = true;
        }
        if self.address.val() == abi::control::registers::sizes::OFFSET.to_bits() {
            self.admin_value.next = self.sizes.val();
            self.admin_hit.next = true;
        }
        if self.address.val() == abi::control::registers::quiesce::OFFSET.to_bits() {
            self.admin_value.next = self.quiesce_register.value.val();
            self.admin_hit.next = true;
        }
        if self.capture.val() {
            self.identity_q.d.next = self.identity_value.val();
            self.status_q.d.next = self.status_value.val();
            self.admin_q.d.next = self.admin_value.val();
            self.hit_q.d.next =
                self.identity_hit.val() | self.status_hit.val() | self.admin_hit.val();
        }
        if self.capture.val()
            & self.read.val()
            & (self.address.val() == abi::control::registers::cycle_low::OFFSET.to_bits())
        {
            if self.for_processor.val() {
                self.processor_cycle_high.d.next = self.cycle.q.val().get_bits::<32>(32);
            } else {
                self.host_cycle_high.d.next = self.cycle.q.val().get_bits::<32>(32);
            }
        }
        self.value.next = self.identity_q.q.val() | self.status_q.q.val() | self.admin_q.q.val();
        self.hit.next = self.hit_q.q.val();

        // Writes.
        self.byte_mask.enables.next = self.enables.val();
        self.write_hit.next = false;
        self.cleared.next = self.data.val() & self.byte_mask.mask.val();
        self.host_clear.next = 0.into();
        self.doorbell_written.d.next = false;
        self.quiesce_written.d.next = false;
        if self.address.val() == abi::control::registers::scratch::OFFSET.to_bits() {
            self.write_hit.next = true;
            self.scratch.write.next = self.write.val();
        }
        if self.address.val() == abi::control::registers::node::OFFSET.to_bits() {
            self.write_hit.next = true;
            self.node_register.write.next = self.write.val();
        }
        if self.address.val() == abi::control::registers::processor_control::OFFSET.to_bits() {
            self.write_hit.next = true;
            self.processor_control.write.next = self.write.val();
        }
        if self.address.val() == abi::control::registers::watchdog_limit::OFFSET.to_bits() {
            self.write_hit.next = true;
            self.watchdog_limit.write.next = self.write.val();
        }
        if self.address.val() == abi::control::registers::admin_submission_low::OFFSET.to_bits() {
            self.write_hit.next = true;
            self.submission_low.write.next = self.write.val();
        }
        if self.address.val() == abi::control::registers::admin_submission_high::OFFSET.to_bits() {
            self.write_hit.next = true;
            self.submission_high.write.next = self.write.val();
        }
        if self.address.val() == abi::control::registers::admin_completion_low::OFFSET.to_bits() {
            self.write_hit.next = true;
            self.completion_low.write.next = self.write.val();
        }
        if self.address.val() == abi::control::registers::admin_completion_high::OFFSET.to_bits() {
            self.write_hit.next = true;
            self.completion_high.write.next = self.write.val();
        }
        if self.address.val() == abi::control::registers::admin_entries::OFFSET.to_bits() {
            self.write_hit.next = true;
            self.admin_entries.write.next = self.write.val();
        }
        if self.address.val() == abi::control::registers::admin_doorbell::OFFSET.to_bits() {
            self.write_hit.next = true;
            self.doorbell.write.next = self.write.val();
            self.doorbell_written.d.next = self.write.val();
        }
        if self.address.val() == abi::control::registers::event_pending::OFFSET.to_bits() {
            self.write_hit.next = true;
            if self.write.val() {
                self.host_clear.next = self.cleared.val().get_bits::<16>(0);
            }
        }
        if self.address.val() == abi::control::registers::quiesce::OFFSET.to_bits() {
            self.write_hit.next = true;
            self.quiesce_register.write.next = self.write.val();
            self.quiesce_written.d.next = self.write.val();
        }
        self.pending_events.d.next = (self.pending_events.q.val()
            & !(self.host_clear.val() | self.event_clear.val()))
            | self.event_set.val();

        self.node.next = self.node_register.value.val().get_bits::<10>(0);
        self.processor_hold.next = self.processor_control.value.val().get_bit(0);
        self.quiesce.next = self.quiesce_written.q.val();
        self.quiesce_generation.next = self.quiesce_register.value.val().get_bits::<8>(0);
        self.admin_doorbell.next = self.doorbell_written.q.val();
        self.admin_doorbell_index.next = self.doorbell.value.val().get_bits::<16>(0);
        self.any_pending.d.next = self.pending_events.q.val().any();
        self.event_pending.next = self.any_pending.q.val();

        if self.reset.val() {
            self.cycle.d.next = 0.into();
            self.host_cycle_high.d.next = 0.into();
            self.processor_cycle_high.d.next = 0.into();
            self.pending_events.d.next = 0.into();
            self.any_pending.d.next = false;
            self.has_link.d.next = false;
            self.has_mismatch.d.next = false;
            self.heartbeats.d.next = 0.into();
            self.alive.d.next = false;
            self.silence.d.next = 0.into();
            self.doorbell_written.d.next = false;
            self.quiesce_written.d.next = false;
        }
    }
}

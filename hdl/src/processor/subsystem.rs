//! The service processor as the NIU sees it.

use super::environment::ProcessorEnvironment;
use super::instruction_port::InstructionMaster;
use super::soft_core::SoftCore;
use super::wishbone::WishboneMaster;
use crate::bundles::{
    ConfigurationWrite, Event, MemoryReadTarget, RecordRequest, RegisterMaster, ReplayRequest,
    Replayed, SavedWords,
};
use crate::library::stream::StreamSource;
use rust_hdl::prelude::*;

/// Soft core and environment. Ports are of the core clock, but for JTAG.
///
/// In a Verilated model the RAM is `<path of this block>.environment.memory.words`.
#[derive(LogicBlock)]
pub struct ProcessorSubsystem {
    /// Clock of the datapath.
    pub core_clock: Signal<In, Clock>,
    /// Processor clock: half the core clock, without a phase relation that is relied on.
    pub processor_clock: Signal<In, Clock>,
    /// Core clock: synchronous reset of everything.
    pub reset: Signal<In, Bit>,
    /// Core clock: the soft core is held in reset, all else goes on.
    pub hold: Signal<In, Bit>,
    /// JTAG clock, at most a quarter of the processor clock.
    pub jtag_tck: Signal<In, Bit>,
    /// JTAG mode select.
    pub jtag_tms: Signal<In, Bit>,
    /// JTAG data in.
    pub jtag_tdi: Signal<In, Bit>,
    /// JTAG data out.
    pub jtag_tdo: Signal<Out, Bit>,
    /// Reads of control registers, to `ControlRegisters::processor`.
    pub control: RegisterMaster,
    /// The firmware clears pending bits.
    pub clear_valid: Signal<Out, Bit>,
    /// They are cleared in this cycle.
    pub clear_ready: Signal<In, Bit>,
    /// Those of `endpoint_pending`.
    pub clear_endpoint: Signal<Out, Bit>,
    /// Those of `queue_pending`; without either, of `event_pending`.
    pub clear_queue: Signal<Out, Bit>,
    /// Word of `endpoint_pending`; its low three bits: word of `queue_pending`.
    pub clear_word: Signal<Out, Bits<7>>,
    /// Bits to clear.
    pub clear_mask: Signal<Out, Bits<32>>,
    /// Pulse: the firmware lives.
    pub heartbeat: Signal<Out, Bit>,
    /// Some bit of `event_pending` is set.
    pub event_pending: Signal<In, Bit>,
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
    pub packet_event: Signal<In, Event>,
    /// Pulse: an event was lost.
    pub event_lost: Signal<Out, Bit>,
    /// A captured store is to be reported, until `captured_ready`.
    pub captured_valid: Signal<In, Bit>,
    pub captured_ready: Signal<Out, Bit>,
    pub captured: Signal<In, Bits<12>>,
    /// A message in the miss ring is to be reported, until `missed_ready`.
    pub missed_valid: Signal<In, Bit>,
    pub missed_ready: Signal<Out, Bit>,
    pub missed: Signal<In, Bits<12>>,
    /// Captured stores are to be carried out, or consumer indices given back.
    pub replay: Signal<Out, ReplayRequest>,
    pub replayed: Signal<In, Replayed>,
    /// The inbox is written: host memory that was read.
    pub inbox_valid: Signal<In, Bit>,
    /// Beat of the inbox, 0 to 63.
    pub inbox_address: Signal<In, Bits<7>>,
    /// The bytes.
    pub inbox_data: Signal<In, Bits<128>>,
    /// Which bytes to write.
    pub inbox_enables: Signal<In, Bits<16>>,
    /// The inbox's other half is written: a firmware packet.
    pub packet_inbox_valid: Signal<In, Bit>,
    /// Beat of the inbox, 64 to 127.
    pub packet_inbox_address: Signal<In, Bits<7>>,
    /// The bytes.
    pub packet_inbox_data: Signal<In, Bits<128>>,
    /// Which bytes to write.
    pub packet_inbox_enables: Signal<In, Bits<16>>,
    /// The completer's reads of the outbox.
    pub outbox: MemoryReadTarget,
    /// This node's number.
    pub node: Signal<In, Bits<10>>,
    /// Queue state, for all who keep some.
    pub configuration: Signal<Out, ConfigurationWrite>,
    /// A message may still be written to a ring whose address was read earlier.
    pub receive_holds: Signal<In, Bit>,
    /// A shadow line may still be written whose address was read earlier.
    pub shadow_holds: Signal<In, Bit>,
    /// Records to be saved, and their words 2 and 3.
    pub save_transmit: Signal<Out, RecordRequest>,
    pub saved_transmit: Signal<In, SavedWords>,
    pub save_receive: Signal<Out, RecordRequest>,
    pub saved_receive: Signal<In, SavedWords>,
    /// The pool of inline pages is to be written.
    pub slot_valid: Signal<Out, Bit>,
    /// It is, in this cycle.
    pub slot_ready: Signal<In, Bit>,
    /// Beat of the pool.
    pub slot_address: Signal<Out, Bits<14>>,
    /// The bytes.
    pub slot_data: Signal<Out, Bits<128>>,
    /// Which bytes to write.
    pub slot_enables: Signal<Out, Bits<16>>,
    /// The link has room for a firmware packet now, in each virtual channel (`CreditGate::room`).
    pub room_0: Signal<In, Bit>,
    pub room_1: Signal<In, Bit>,
    /// Packet frames, to `LinkTransmit`.
    pub packet: StreamSource,
    /// Write packets, to `WriteRequester`.
    pub host_write: StreamSource,
    /// A read of host memory is wanted.
    pub read_valid: Signal<Out, Bit>,
    /// It is taken in this cycle.
    pub read_ready: Signal<In, Bit>,
    /// Host address, multiple of 4.
    pub read_address: Signal<Out, Bits<64>>,
    /// Bytes, multiple of 4.
    pub read_bytes: Signal<Out, Bits<16>>,
    /// Byte offset in the inbox, multiple of 16.
    pub read_inbox: Signal<Out, Bits<11>>,
    /// Comes back with `finished`.
    pub read_token: Signal<Out, Bits<16>>,
    /// A read has ended.
    pub finished_valid: Signal<In, Bit>,
    /// That was seen: always at once.
    pub finished_ready: Signal<Out, Bit>,
    /// Which.
    pub finished_token: Signal<In, Bits<16>>,
    /// How.
    pub finished_status: Signal<In, Bits<8>>,
    /// Pulse: a command was invalid.
    pub command_invalid: Signal<Out, Bit>,
    soft_core: SoftCore,
    environment: ProcessorEnvironment,
}

impl ProcessorSubsystem {
    /// With the contents of the RAM, as `ProcessorMemory::new` takes them.
    pub fn new(firmware: Option<&str>) -> Self {
        Self {
            core_clock: Default::default(),
            processor_clock: Default::default(),
            reset: Default::default(),
            hold: Default::default(),
            jtag_tck: Default::default(),
            jtag_tms: Default::default(),
            jtag_tdi: Default::default(),
            jtag_tdo: Default::default(),
            control: Default::default(),
            clear_valid: Default::default(),
            clear_ready: Default::default(),
            clear_endpoint: Default::default(),
            clear_queue: Default::default(),
            clear_word: Default::default(),
            clear_mask: Default::default(),
            heartbeat: Default::default(),
            event_pending: Default::default(),
            event_set: Default::default(),
            endpoint_set: Default::default(),
            endpoint_set_index: Default::default(),
            queue_set: Default::default(),
            queue_set_index: Default::default(),
            admin_valid: Default::default(),
            admin_index: Default::default(),
            store_valid: Default::default(),
            store: Default::default(),
            miss_valid: Default::default(),
            miss: Default::default(),
            error_valid: Default::default(),
            error: Default::default(),
            packet_valid: Default::default(),
            packet_event: Default::default(),
            event_lost: Default::default(),
            captured_valid: Default::default(),
            captured_ready: Default::default(),
            captured: Default::default(),
            missed_valid: Default::default(),
            missed_ready: Default::default(),
            missed: Default::default(),
            replay: Default::default(),
            replayed: Default::default(),
            inbox_valid: Default::default(),
            inbox_address: Default::default(),
            inbox_data: Default::default(),
            inbox_enables: Default::default(),
            packet_inbox_valid: Default::default(),
            packet_inbox_address: Default::default(),
            packet_inbox_data: Default::default(),
            packet_inbox_enables: Default::default(),
            outbox: Default::default(),
            node: Default::default(),
            configuration: Default::default(),
            receive_holds: Default::default(),
            shadow_holds: Default::default(),
            save_transmit: Default::default(),
            saved_transmit: Default::default(),
            save_receive: Default::default(),
            saved_receive: Default::default(),
            slot_valid: Default::default(),
            slot_ready: Default::default(),
            slot_address: Default::default(),
            slot_data: Default::default(),
            slot_enables: Default::default(),
            room_0: Default::default(),
            room_1: Default::default(),
            packet: Default::default(),
            host_write: Default::default(),
            read_valid: Default::default(),
            read_ready: Default::default(),
            read_address: Default::default(),
            read_bytes: Default::default(),
            read_inbox: Default::default(),
            read_token: Default::default(),
            finished_valid: Default::default(),
            finished_ready: Default::default(),
            finished_token: Default::default(),
            finished_status: Default::default(),
            command_invalid: Default::default(),
            soft_core: Default::default(),
            environment: ProcessorEnvironment::new(firmware),
        }
    }
}

impl Logic for ProcessorSubsystem {
    #[hdl_gen]
    fn update(&mut self) {
        self.soft_core.clock.next = self.processor_clock.val();
        self.environment.core_clock.next = self.core_clock.val();
        self.environment.processor_clock.next = self.processor_clock.val();
        self.environment.reset.next = self.reset.val();
        self.environment.hold.next = self.hold.val();

        self.soft_core.reset.next = self.environment.core_reset.val();
        self.soft_core.debug_reset.next = self.environment.debug_reset.val();
        self.soft_core.timer_interrupt.next = self.environment.timer_interrupt.val();
        self.soft_core.external_interrupt.next = self.environment.work_waits.val();
        self.soft_core.jtag_tck.next = self.jtag_tck.val();
        self.soft_core.jtag_tms.next = self.jtag_tms.val();
        self.soft_core.jtag_tdi.next = self.jtag_tdi.val();
        self.jtag_tdo.next = self.soft_core.jtag_tdo.val();
        self.environment.debugger_resets.next = self.soft_core.debugger_resets.val();
        self.environment.stop_time.next = self.soft_core.stop_time.val();
        InstructionMaster::join(
            &mut self.soft_core.instruction,
            &mut self.environment.instruction,
        );
        WishboneMaster::join(&mut self.soft_core.data_bus, &mut self.environment.data);

        RegisterMaster::link(&mut self.control, &mut self.environment.control);
        self.clear_valid.next = self.environment.clear_valid.val();
        self.environment.clear_ready.next = self.clear_ready.val();
        self.clear_endpoint.next = self.environment.clear_endpoint.val();
        self.clear_queue.next = self.environment.clear_queue.val();
        self.clear_word.next = self.environment.clear_word.val();
        self.clear_mask.next = self.environment.clear_mask.val();
        self.heartbeat.next = self.environment.heartbeat.val();
        self.environment.event_pending.next = self.event_pending.val();
        self.event_set.next = self.environment.event_set.val();
        self.endpoint_set.next = self.environment.endpoint_set.val();
        self.endpoint_set_index.next = self.environment.endpoint_set_index.val();
        self.queue_set.next = self.environment.queue_set.val();
        self.queue_set_index.next = self.environment.queue_set_index.val();
        self.environment.admin_valid.next = self.admin_valid.val();
        self.environment.admin_index.next = self.admin_index.val();
        self.environment.store_valid.next = self.store_valid.val();
        self.environment.store.next = self.store.val();
        self.environment.miss_valid.next = self.miss_valid.val();
        self.environment.miss.next = self.miss.val();
        self.environment.error_valid.next = self.error_valid.val();
        self.environment.error.next = self.error.val();
        self.environment.packet_valid.next = self.packet_valid.val();
        self.environment.packet_event.next = self.packet_event.val();
        self.event_lost.next = self.environment.event_lost.val();
        self.environment.captured_valid.next = self.captured_valid.val();
        self.captured_ready.next = self.environment.captured_ready.val();
        self.environment.captured.next = self.captured.val();
        self.environment.missed_valid.next = self.missed_valid.val();
        self.missed_ready.next = self.environment.missed_ready.val();
        self.environment.missed.next = self.missed.val();
        self.replay.next = self.environment.replay.val();
        self.environment.replayed.next = self.replayed.val();
        self.environment.inbox_valid.next = self.inbox_valid.val();
        self.environment.inbox_address.next = self.inbox_address.val();
        self.environment.inbox_data.next = self.inbox_data.val();
        self.environment.inbox_enables.next = self.inbox_enables.val();
        self.environment.packet_inbox_valid.next = self.packet_inbox_valid.val();
        self.environment.packet_inbox_address.next = self.packet_inbox_address.val();
        self.environment.packet_inbox_data.next = self.packet_inbox_data.val();
        self.environment.packet_inbox_enables.next = self.packet_inbox_enables.val();
        MemoryReadTarget::link(&mut self.outbox, &mut self.environment.outbox);
        self.environment.node.next = self.node.val();
        self.configuration.next = self.environment.configuration.val();
        self.environment.receive_holds.next = self.receive_holds.val();
        self.environment.shadow_holds.next = self.shadow_holds.val();
        self.save_transmit.next = self.environment.save_transmit.val();
        self.environment.saved_transmit.next = self.saved_transmit.val();
        self.save_receive.next = self.environment.save_receive.val();
        self.environment.saved_receive.next = self.saved_receive.val();
        self.slot_valid.next = self.environment.slot_valid.val();
        self.environment.slot_ready.next = self.slot_ready.val();
        self.slot_address.next = self.environment.slot_address.val();
        self.slot_data.next = self.environment.slot_data.val();
        self.slot_enables.next = self.environment.slot_enables.val();
        self.environment.room_0.next = self.room_0.val();
        self.environment.room_1.next = self.room_1.val();
        StreamSource::link(&mut self.packet, &mut self.environment.packet);
        StreamSource::link(&mut self.host_write, &mut self.environment.host_write);
        self.read_valid.next = self.environment.read_valid.val();
        self.environment.read_ready.next = self.read_ready.val();
        self.read_address.next = self.environment.read_address.val();
        self.read_bytes.next = self.environment.read_bytes.val();
        self.read_inbox.next = self.environment.read_inbox.val();
        self.read_token.next = self.environment.read_token.val();
        self.environment.finished_valid.next = self.finished_valid.val();
        self.finished_ready.next = self.environment.finished_ready.val();
        self.environment.finished_token.next = self.finished_token.val();
        self.environment.finished_status.next = self.finished_status.val();
        self.command_invalid.next = self.environment.command_invalid.val();
    }
}

//! Everything around the soft core.

use super::command_executor::CommandExecutor;
use super::control_bridge::ControlBridge;
use super::data_bus::DataBus;
use super::event_collector::EventCollector;
use super::instruction_port::InstructionTarget;
use super::memory::ProcessorMemory;
use super::memory_select::OutboxArbiter;
use super::peripherals::Peripherals;
use super::record_mirror::RecordMirror;
use super::reset::ProcessorReset;
use super::wishbone::{WishboneMaster, WishboneTarget};
use crate::bundles::{
    ConfigurationWrite, Event, MemoryReadTarget, RecordRequest, RegisterMaster, ReplayRequest,
    Replayed, SavedWords,
};
use crate::library::byte_ram::ByteRam;
use crate::library::clock_crossing_fifo::ClockCrossingFifo;
use crate::library::stream::StreamSource;
use crate::library::synchronizer::BitSynchronizer;
use rust_hdl::prelude::*;

/// The processor without its core: RAM, peripherals, crossings, and what carries out commands and collects events.
///
/// Ports are of the core clock where not said otherwise. Commands take about five cycles of the
/// core clock from the firmware's last store to `CommandExecutor`, events and completions about as
/// many of the processor clock the other way.
#[derive(LogicBlock)]
pub struct ProcessorEnvironment {
    /// Clock of the datapath.
    pub core_clock: Signal<In, Clock>,
    /// Processor clock: half the core clock, without a phase relation that is relied on.
    pub processor_clock: Signal<In, Clock>,
    /// Core clock: synchronous reset of everything.
    pub reset: Signal<In, Bit>,
    /// Core clock: the soft core is held in reset, all else goes on.
    pub hold: Signal<In, Bit>,
    /// Processor clock: fetches.
    pub instruction: InstructionTarget,
    /// Processor clock: loads and stores.
    pub data: WishboneTarget,
    /// Processor clock: the debugger resets the soft core.
    pub debugger_resets: Signal<In, Bit>,
    /// Processor clock: time stands still.
    pub stop_time: Signal<In, Bit>,
    /// Processor clock, level: the timer interrupt is pending.
    pub timer_interrupt: Signal<Out, Bit>,
    /// Processor clock, level: something waits for the firmware (`Peripherals::work_waits`).
    pub work_waits: Signal<Out, Bit>,
    /// Processor clock: reset of the soft core.
    pub core_reset: Signal<Out, Bit>,
    /// Processor clock: reset of the debug module.
    pub debug_reset: Signal<Out, Bit>,
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
    /// Some bit of `event_pending` is set; straight from a register of the core clock.
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
    resets: ProcessorReset,
    data_bus: DataBus,
    memory: ProcessorMemory,
    peripherals: Peripherals,
    bridge: ControlBridge,
    collector: EventCollector,
    executor: CommandExecutor,
    /// Beats 0 to 63 of the inbox. Both halves have a writer that cannot wait, hence two memories.
    read_inbox_ram: ByteRam<6>,
    mirror: RecordMirror,
    /// Core clock: the same beats once more, for messages that are delivered.
    delivery_ram: ByteRam<6>,
    /// Beats 64 to 127 of the inbox.
    packet_inbox_ram: ByteRam<6>,
    /// Processor clock: the inbox's word comes from the half for packets.
    from_packets: DFF<Bit>,
    outbox_ram: ByteRam<9>,
    outbox_arbiter: OutboxArbiter,
    commands_0: ClockCrossingFifo<Bits<128>, 3, 4>,
    commands_1: ClockCrossingFifo<Bits<128>, 3, 4>,
    completions: ClockCrossingFifo<Bits<24>, 4, 5>,
    events: ClockCrossingFifo<Event, 5, 6>,
    captures: ClockCrossingFifo<Bits<12>, 4, 5>,
    misses: ClockCrossingFifo<Bits<12>, 4, 5>,
    clears: ClockCrossingFifo<Bits<41>, 2, 3>,
    requests: ClockCrossingFifo<Bits<12>, 2, 3>,
    responses: ClockCrossingFifo<Bits<32>, 2, 3>,
    beat: BitSynchronizer,
    pending: BitSynchronizer,
    last_beat: DFF<Bit>,
    store_came: DFF<Bit>,
    store_event: DFF<Event>,
    clear_entry: Signal<Local, Bits<41>>,
}

impl ProcessorEnvironment {
    /// With the contents of the RAM, as `ProcessorMemory::new` takes them.
    pub fn new(firmware: Option<&str>) -> Self {
        Self {
            core_clock: Default::default(),
            processor_clock: Default::default(),
            reset: Default::default(),
            hold: Default::default(),
            instruction: Default::default(),
            data: Default::default(),
            debugger_resets: Default::default(),
            stop_time: Default::default(),
            timer_interrupt: Default::default(),
            work_waits: Default::default(),
            core_reset: Default::default(),
            debug_reset: Default::default(),
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
            resets: Default::default(),
            data_bus: Default::default(),
            memory: ProcessorMemory::new(firmware),
            peripherals: Default::default(),
            bridge: Default::default(),
            collector: Default::default(),
            executor: Default::default(),
            read_inbox_ram: Default::default(),
            mirror: Default::default(),
            delivery_ram: Default::default(),
            packet_inbox_ram: Default::default(),
            from_packets: Default::default(),
            outbox_ram: Default::default(),
            outbox_arbiter: Default::default(),
            commands_0: Default::default(),
            commands_1: Default::default(),
            completions: Default::default(),
            events: Default::default(),
            captures: Default::default(),
            misses: Default::default(),
            clears: Default::default(),
            requests: Default::default(),
            responses: Default::default(),
            beat: Default::default(),
            pending: Default::default(),
            last_beat: Default::default(),
            store_came: Default::default(),
            store_event: Default::default(),
            clear_entry: Default::default(),
        }
    }
}

impl Logic for ProcessorEnvironment {
    #[hdl_gen]
    fn update(&mut self) {
        // Clocks and resets.
        dff_setup!(self, core_clock, last_beat, store_came, store_event);
        clock!(
            self,
            core_clock,
            bridge,
            collector,
            executor,
            mirror,
            outbox_arbiter,
            beat
        );
        clock!(
            self,
            processor_clock,
            memory,
            peripherals,
            pending,
            from_packets
        );
        self.resets.core_clock.next = self.core_clock.val();
        self.resets.processor_clock.next = self.processor_clock.val();
        self.resets.reset.next = self.reset.val();
        self.resets.hold.next = self.hold.val();
        self.resets.debugger_resets.next = self.debugger_resets.val();
        self.core_reset.next = self.resets.soft_core.val();
        self.debug_reset.next = self.resets.processor_side.val();
        self.memory.reset.next = self.resets.soft_core.val();
        self.peripherals.reset.next = self.resets.processor_side.val();
        self.peripherals.core_reset.next = self.resets.soft_core.val();
        self.bridge.reset.next = self.resets.core_side.val();
        self.collector.reset.next = self.resets.core_side.val();
        self.executor.reset.next = self.resets.core_side.val();
        self.commands_0.write_clock.next = self.processor_clock.val();
        self.commands_0.write_reset.next = self.resets.processor_side.val();
        self.commands_0.read_clock.next = self.core_clock.val();
        self.commands_0.read_reset.next = self.resets.core_side.val();
        self.commands_1.write_clock.next = self.processor_clock.val();
        self.commands_1.write_reset.next = self.resets.processor_side.val();
        self.commands_1.read_clock.next = self.core_clock.val();
        self.commands_1.read_reset.next = self.resets.core_side.val();
        self.clears.write_clock.next = self.processor_clock.val();
        self.clears.write_reset.next = self.resets.processor_side.val();
        self.clears.read_clock.next = self.core_clock.val();
        self.clears.read_reset.next = self.resets.core_side.val();
        self.requests.write_clock.next = self.processor_clock.val();
        self.requests.write_reset.next = self.resets.processor_side.val();
        self.requests.read_clock.next = self.core_clock.val();
        self.requests.read_reset.next = self.resets.core_side.val();
        self.completions.write_clock.next = self.core_clock.val();
        self.completions.write_reset.next = self.resets.core_side.val();
        self.completions.read_clock.next = self.processor_clock.val();
        self.completions.read_reset.next = self.resets.processor_side.val();
        self.events.write_clock.next = self.core_clock.val();
        self.events.write_reset.next = self.resets.core_side.val();
        self.events.read_clock.next = self.processor_clock.val();
        self.events.read_reset.next = self.resets.processor_side.val();
        self.captures.write_clock.next = self.core_clock.val();
        self.captures.write_reset.next = self.resets.core_side.val();
        self.captures.read_clock.next = self.processor_clock.val();
        self.captures.read_reset.next = self.resets.processor_side.val();
        self.misses.write_clock.next = self.core_clock.val();
        self.misses.write_reset.next = self.resets.core_side.val();
        self.misses.read_clock.next = self.processor_clock.val();
        self.misses.read_reset.next = self.resets.processor_side.val();
        self.responses.write_clock.next = self.core_clock.val();
        self.responses.write_reset.next = self.resets.core_side.val();
        self.responses.read_clock.next = self.processor_clock.val();
        self.responses.read_reset.next = self.resets.processor_side.val();

        // The soft core's buses.
        InstructionTarget::link(&mut self.instruction, &mut self.memory.instruction);
        WishboneTarget::link(&mut self.data, &mut self.data_bus.core);
        WishboneMaster::join(&mut self.data_bus.memory, &mut self.memory.data);
        WishboneMaster::join(&mut self.data_bus.peripherals, &mut self.peripherals.bus);
        self.peripherals.stop_time.next = self.stop_time.val();
        self.timer_interrupt.next = self.peripherals.timer_interrupt.val();
        self.work_waits.next = self.peripherals.work_waits.val();

        // From the processor to the core clock.
        self.commands_0.write.next = self.peripherals.command_0_write.val();
        self.commands_0.data_in.next = self.peripherals.command.val();
        self.peripherals.command_0_full.next = self.commands_0.full.val();
        self.executor.command_0.next = self.commands_0.data_out.val();
        self.executor.command_0_empty.next = self.commands_0.empty.val();
        self.commands_0.read.next = self.executor.command_0_read.val();
        self.commands_1.write.next = self.peripherals.command_1_write.val();
        self.commands_1.data_in.next = self.peripherals.command.val();
        self.peripherals.command_1_full.next = self.commands_1.full.val();
        self.executor.command_1.next = self.commands_1.data_out.val();
        self.executor.command_1_empty.next = self.commands_1.empty.val();
        self.commands_1.read.next = self.executor.command_1_read.val();
        self.clears.write.next = self.peripherals.clear_write.val();
        self.clears.data_in.next = self.peripherals.clear.val();
        self.peripherals.clear_full.next = self.clears.full.val();
        self.clear_entry.next = self.clears.data_out.val();
        self.clear_valid.next = !self.clears.empty.val();
        self.clear_mask.next = self.clear_entry.val().get_bits::<32>(0);
        self.clear_word.next = self.clear_entry.val().get_bits::<7>(32);
        self.clear_queue.next = self.clear_entry.val().get_bit(39);
        self.clear_endpoint.next = self.clear_entry.val().get_bit(40);
        self.clears.read.next = self.clear_ready.val();
        self.beat.data_in.next = self.peripherals.heartbeat_toggle.val();
        self.last_beat.d.next = self.beat.data_out.val();
        self.heartbeat.next = self.beat.data_out.val() ^ self.last_beat.q.val();
        self.requests.write.next = self.peripherals.control_request_write.val();
        self.requests.data_in.next = self.peripherals.control_request.val();
        self.peripherals.control_request_full.next = self.requests.full.val();
        self.bridge.request.next = self.requests.data_out.val();
        self.bridge.request_empty.next = self.requests.empty.val();
        self.requests.read.next = self.bridge.request_read.val();
        RegisterMaster::link(&mut self.control, &mut self.bridge.registers);

        // From the core to the processor clock.
        self.responses.write.next = self.bridge.response_write.val();
        self.responses.data_in.next = self.bridge.response.val();
        self.peripherals.control_response.next = self.responses.data_out.val();
        self.peripherals.control_response_empty.next = self.responses.empty.val();
        self.responses.read.next = self.peripherals.control_response_read.val();
        self.completions.write.next = self.executor.completion_write.val();
        self.completions.data_in.next = self.executor.completion.val();
        self.executor.completion_full.next = self.completions.full.val();
        self.peripherals.completion.next = self.completions.data_out.val();
        self.peripherals.completion_empty.next = self.completions.empty.val();
        self.completions.read.next = self.peripherals.completion_read.val();
        self.events.write.next = self.collector.write.val();
        self.events.data_in.next = self.collector.word.val();
        self.collector.full.next = self.events.full.val();
        self.peripherals.event_word.next = self.events.data_out.val();
        self.peripherals.event_empty.next = self.events.empty.val();
        self.events.read.next = self.peripherals.event_read.val();
        self.captures.write.next = self.captured_valid.val();
        self.captures.data_in.next = self.captured.val();
        self.captured_ready.next = !self.captures.full.val();
        self.peripherals.captured.next = self.captures.data_out.val();
        self.peripherals.captured_empty.next = self.captures.empty.val();
        self.captures.read.next = self.peripherals.captured_read.val();
        self.misses.write.next = self.missed_valid.val();
        self.misses.data_in.next = self.missed.val();
        self.missed_ready.next = !self.misses.full.val();
        self.peripherals.missed.next = self.misses.data_out.val();
        self.peripherals.missed_empty.next = self.misses.empty.val();
        self.misses.read.next = self.peripherals.missed_read.val();
        self.pending.data_in.next = self.event_pending.val();
        self.peripherals.event_pending.next = self.pending.data_out.val();

        // Inbox and outbox.
        self.read_inbox_ram.write_clock.next = self.core_clock.val();
        self.read_inbox_ram.read_clock.next = self.processor_clock.val();
        // What was read of host memory cannot wait, records can.
        self.executor.inbox_ready.next = !self.inbox_valid.val();
        self.read_inbox_ram.write_address.next = self.executor.inbox_address.val();
        self.read_inbox_ram.write_data.next = self.executor.inbox_data.val();
        self.read_inbox_ram.write_enables.next = 0.into();
        if self.executor.inbox_valid.val() {
            self.read_inbox_ram.write_enables.next = self.executor.inbox_enables.val();
        }
        if self.inbox_valid.val() {
            self.read_inbox_ram.write_address.next = self.inbox_address.val().get_bits::<6>(0);
            self.read_inbox_ram.write_data.next = self.inbox_data.val();
            self.read_inbox_ram.write_enables.next = 0.into();
        }
        if self.inbox_valid.val() & !self.inbox_address.val().get_bit(6) {
            self.read_inbox_ram.write_enables.next = self.inbox_enables.val();
        }
        self.packet_inbox_ram.write_clock.next = self.core_clock.val();
        self.packet_inbox_ram.read_clock.next = self.processor_clock.val();
        self.packet_inbox_ram.write_address.next = self.packet_inbox_address.val().get_bits::<6>(0);
        self.packet_inbox_ram.write_data.next = self.packet_inbox_data.val();
        self.packet_inbox_ram.write_enables.next = 0.into();
        if self.packet_inbox_valid.val() & self.packet_inbox_address.val().get_bit(6) {
            self.packet_inbox_ram.write_enables.next = self.packet_inbox_enables.val();
        }
        self.mirror.write_address.next = self.read_inbox_ram.write_address.val();
        self.mirror.write_data.next = self.read_inbox_ram.write_data.val();
        self.mirror.write_enables.next = self.read_inbox_ram.write_enables.val();
        self.mirror.beat.next = self.executor.mirror_beat.val();
        self.mirror.high.next = self.executor.mirror_high.val();
        self.executor.mirror_word.next = self.mirror.word.val();
        self.read_inbox_ram.read_enable.next = true;
        self.packet_inbox_ram.read_enable.next = true;
        self.outbox_ram.read_enable.next = true;
        self.read_inbox_ram.read_address.next =
            self.peripherals.inbox_address.val().get_bits::<6>(0);
        self.packet_inbox_ram.read_address.next =
            self.peripherals.inbox_address.val().get_bits::<6>(0);
        self.from_packets.d.next = self.peripherals.inbox_address.val().get_bit(6);
        self.peripherals.inbox_data.next = self.read_inbox_ram.read_data.val();
        if self.from_packets.q.val() {
            self.peripherals.inbox_data.next = self.packet_inbox_ram.read_data.val();
        }
        self.outbox_ram.write_clock.next = self.processor_clock.val();
        self.outbox_ram.read_clock.next = self.core_clock.val();
        self.outbox_ram.write_address.next = self.peripherals.outbox_address.val();
        self.outbox_ram.write_data.next = self.peripherals.outbox_data.val();
        self.outbox_ram.write_enables.next = self.peripherals.outbox_enables.val();
        self.outbox_ram.read_address.next = self.outbox_arbiter.address.val();
        self.outbox_arbiter.data.next = self.outbox_ram.read_data.val();
        MemoryReadTarget::link(&mut self.outbox, &mut self.outbox_arbiter.completer);
        // The executor reads the outbox, or what was read of host memory.
        self.delivery_ram.write_clock.next = self.core_clock.val();
        self.delivery_ram.read_clock.next = self.core_clock.val();
        self.delivery_ram.write_address.next = self.read_inbox_ram.write_address.val();
        self.delivery_ram.write_data.next = self.read_inbox_ram.write_data.val();
        self.delivery_ram.write_enables.next = self.read_inbox_ram.write_enables.val();
        self.delivery_ram.read_enable.next = true;
        self.delivery_ram.read_address.next = self.executor.outbox.address.val().get_bits::<6>(0);
        self.outbox_arbiter.executor.request.next =
            self.executor.outbox.request.val() & !self.executor.reads_inbox.val();
        self.outbox_arbiter.executor.address.next = self.executor.outbox.address.val();
        self.executor.outbox.grant.next = self.outbox_arbiter.executor.grant.val();
        self.executor.outbox.data.next = self.outbox_arbiter.executor.data.val();
        if self.executor.reads_inbox.val() {
            self.executor.outbox.grant.next = self.executor.outbox.request.val();
            self.executor.outbox.data.next = self.delivery_ram.read_data.val();
        }

        // Events.
        self.collector.admin_valid.next = self.admin_valid.val();
        self.collector.admin_index.next = self.admin_index.val();
        // A cycle behind the page decoder's verdict, which comes late in its own.
        self.store_came.d.next = self.store_valid.val() & !self.resets.core_side.val();
        self.store_event.d.next = self.store.val();
        self.collector.store_valid.next = self.store_came.q.val();
        self.collector.store.next = self.store_event.q.val();
        self.collector.miss_valid.next = self.miss_valid.val();
        self.collector.miss.next = self.miss.val();
        self.collector.error_valid.next = self.error_valid.val();
        self.collector.error.next = self.error.val();
        self.collector.packet_valid.next = self.packet_valid.val();
        self.collector.packet.next = self.packet_event.val();
        self.event_lost.next = self.collector.lost.val();
        self.event_set.next = self.collector.event_set.val();
        self.endpoint_set.next = self.collector.endpoint_set.val();
        self.endpoint_set_index.next = self.collector.endpoint_set_index.val();
        self.queue_set.next = self.collector.queue_set.val();
        self.queue_set_index.next = self.collector.queue_set_index.val();

        // Commands.
        self.executor.node.next = self.node.val();
        self.configuration.next = self.executor.configuration.val();
        self.executor.receive_holds.next = self.receive_holds.val();
        self.executor.shadow_holds.next = self.shadow_holds.val();
        self.executor.room_0.next = self.room_0.val();
        self.executor.room_1.next = self.room_1.val();
        StreamSource::link(&mut self.packet, &mut self.executor.packet);
        StreamSource::link(&mut self.host_write, &mut self.executor.host_write);
        self.save_transmit.next = self.executor.save_transmit.val();
        self.executor.saved_transmit.next = self.saved_transmit.val();
        self.save_receive.next = self.executor.save_receive.val();
        self.executor.saved_receive.next = self.saved_receive.val();
        self.replay.next = self.executor.replay.val();
        self.executor.replayed.next = self.replayed.val();
        self.slot_valid.next = self.executor.slot_valid.val();
        self.executor.slot_ready.next = self.slot_ready.val();
        self.slot_address.next = self.executor.slot_address.val();
        self.slot_data.next = self.executor.slot_data.val();
        self.slot_enables.next = self.executor.slot_enables.val();
        self.read_valid.next = self.executor.read_valid.val();
        self.executor.read_ready.next = self.read_ready.val();
        self.read_address.next = self.executor.read_address.val();
        self.read_bytes.next = self.executor.read_bytes.val();
        self.read_inbox.next = self.executor.read_inbox.val();
        self.read_token.next = self.executor.read_token.val();
        self.executor.finished_valid.next = self.finished_valid.val();
        self.finished_ready.next = self.executor.finished_ready.val();
        self.executor.finished_token.next = self.finished_token.val();
        self.executor.finished_status.next = self.finished_status.val();
        self.command_invalid.next = self.executor.invalid.val();
    }
}

#[cfg(test)]
mod tests;

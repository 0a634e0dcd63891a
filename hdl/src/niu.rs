//! The NIU: every block in its place, nothing else. The ports' contracts stand in `docs/microarchitecture.md`.

use crate::bulk::unit::BulkUnit;
use crate::bundles::{
    ConfigurationWrite, MemoryReadTarget, RecordRequest, RegisterMaster, ReplayRequest,
};
use crate::control::{ControlRegisters, Identity, RegisterArbiter, RegisterSplit};
use crate::host_port::completer::Completer;
use crate::host_port::host_transmit::HostTransmit;
use crate::host_port::packet_receive::PacketReceive;
use crate::host_port::quiesce::Quiesce;
use crate::host_port::read_requester::ReadRequester;
use crate::host_port::register_writes::RegisterWrites;
use crate::interrupts::unit::InterruptUnit;
use crate::library::packet_arbiter::PacketArbiter;
use crate::library::pulse_merge::PulseMerge;
use crate::library::stream::StreamSource;
use crate::library::stream_register::StreamRegister;
use crate::link::link_unit::LinkUnit;
use crate::processor::{MemorySelect, ProcessorSubsystem};
use crate::queues::capture_buffer::DefaultCaptureBuffer;
use crate::queues::page_decoder::DefaultPageDecoder;
use crate::queues::receive::receive_unit::ReceiveUnit;
use crate::queues::transmit::unit::TransmitUnit;
use crate::triggers::unit::TriggerUnit;
use abi::control::{counter, stage};
use rust_hdl::prelude::*;

/// The network interface unit.
#[derive(LogicBlock)]
pub struct Niu {
    /// Clock of the datapath.
    pub core_clock: Signal<In, Clock>,
    /// Clock of the service processor: half the core clock.
    pub processor_clock: Signal<In, Clock>,
    /// Synchronous to the core clock.
    pub reset: Signal<In, Bit>,

    /// A beat from the host.
    pub host_receive_valid: Signal<In, Bit>,
    /// The beat.
    pub host_receive_data: Signal<In, Bits<128>>,
    /// Last of its packet.
    pub host_receive_last: Signal<In, Bit>,
    /// Pulse: a non-posted request's buffer is free again.
    pub host_receive_nonposted_free: Signal<Out, Bit>,
    /// A beat for the host.
    pub host_transmit_valid: Signal<Out, Bit>,
    /// It is taken.
    pub host_transmit_ready: Signal<In, Bit>,
    /// The beat.
    pub host_transmit_data: Signal<Out, Bits<128>>,
    /// Last of its packet.
    pub host_transmit_last: Signal<Out, Bit>,
    /// Credits for a posted packet.
    pub host_transmit_posted_allowed: Signal<In, Bit>,
    /// Credits for a non-posted packet.
    pub host_transmit_nonposted_allowed: Signal<In, Bit>,
    /// Credits for a completion.
    pub host_transmit_completion_allowed: Signal<In, Bit>,
    /// Bus, device and function.
    pub config_requester: Signal<In, Bits<16>>,
    /// Base of BAR0, 16 KiB.
    pub config_bar0: Signal<In, Bits<64>>,
    /// Base of BAR2, 1 MiB.
    pub config_bar2: Signal<In, Bits<64>>,
    /// Base of BAR4, 128 KiB.
    pub config_bar4: Signal<In, Bits<64>>,
    /// As in Device Control.
    pub config_maximum_payload: Signal<In, Bits<3>>,
    /// As in Device Control.
    pub config_maximum_read_request: Signal<In, Bits<3>>,
    /// As in the Command register.
    pub config_memory_enable: Signal<In, Bit>,
    /// As in the Command register.
    pub config_master_enable: Signal<In, Bit>,
    /// As in MSI-X Message Control.
    pub config_msix_enable: Signal<In, Bit>,
    /// As in MSI-X Message Control.
    pub config_msix_function_mask: Signal<In, Bit>,

    /// A beat for the wire.
    pub link_transmit_valid: Signal<Out, Bit>,
    /// It is taken.
    pub link_transmit_ready: Signal<In, Bit>,
    /// The beat.
    pub link_transmit_data: Signal<Out, Bits<128>>,
    /// Last of its frame.
    pub link_transmit_last: Signal<Out, Bit>,
    /// A beat from the wire.
    pub link_receive_valid: Signal<In, Bit>,
    /// The beat.
    pub link_receive_data: Signal<In, Bits<128>>,
    /// Last of its frame.
    pub link_receive_last: Signal<In, Bit>,

    /// Debug transport clock.
    pub jtag_tck: Signal<In, Bit>,
    /// Debug transport mode select.
    pub jtag_tms: Signal<In, Bit>,
    /// Debug transport data in.
    pub jtag_tdi: Signal<In, Bit>,
    /// Debug transport data out.
    pub jtag_tdo: Signal<Out, Bit>,

    packet_receive: PacketReceive,
    register_writes: RegisterWrites,
    completer: Completer,
    memory_select: MemorySelect,
    read_requester: ReadRequester,
    host_transmit: HostTransmit,
    quiesce: Quiesce,
    register_arbiter: RegisterArbiter,
    register_split: RegisterSplit,
    registers: ControlRegisters,
    interrupts: InterruptUnit,
    pages: DefaultPageDecoder,
    captures: DefaultCaptureBuffer,
    transmit: TransmitUnit,
    receive: ReceiveUnit,
    bulk: BulkUnit,
    triggers: TriggerUnit,
    link: LinkUnit,
    processor: ProcessorSubsystem,
    /// Registers that cut ways through several blocks, for the clock. Each costs what passes it a cycle.
    channel_0_register: StreamRegister,
    channel_1_register: StreamRegister,
    loopback_register: StreamRegister,
    /// Frames of transfers, and firmware packets.
    link_packets: PacketArbiter<2>,
    /// The same for what the processor writes to every queue, and for pulses that are counted or timed.
    configuration: DFF<ConfigurationWrite>,
    save_transmit: DFF<RecordRequest>,
    save_receive: DFF<RecordRequest>,
    replay: DFF<ReplayRequest>,
    counter_pulses: DFF<Bits<64>>,
    stage_pulses: DFF<Bits<16>>,
    /// A read that the completer refuses was a packet in which `PacketReceive` saw nothing amiss; so the pulses that
    /// are owed are never more than the reads that wait.
    host_unsupported: PulseMerge,
    host_counters: Signal<Local, Bits<64>>,
    transmit_counters: Signal<Local, Bits<64>>,
    link_counters: Signal<Local, Bits<64>>,
    receive_counters: Signal<Local, Bits<64>>,
}

impl Niu {
    /// An NIU that says so of itself.
    pub fn new(identity: Identity) -> Self {
        Self {
            core_clock: Default::default(),
            processor_clock: Default::default(),
            reset: Default::default(),
            host_receive_valid: Default::default(),
            host_receive_data: Default::default(),
            host_receive_last: Default::default(),
            host_receive_nonposted_free: Default::default(),
            host_transmit_valid: Default::default(),
            host_transmit_ready: Default::default(),
            host_transmit_data: Default::default(),
            host_transmit_last: Default::default(),
            host_transmit_posted_allowed: Default::default(),
            host_transmit_nonposted_allowed: Default::default(),
            host_transmit_completion_allowed: Default::default(),
            config_requester: Default::default(),
            config_bar0: Default::default(),
            config_bar2: Default::default(),
            config_bar4: Default::default(),
            config_maximum_payload: Default::default(),
            config_maximum_read_request: Default::default(),
            config_memory_enable: Default::default(),
            config_master_enable: Default::default(),
            config_msix_enable: Default::default(),
            config_msix_function_mask: Default::default(),
            link_transmit_valid: Default::default(),
            link_transmit_ready: Default::default(),
            link_transmit_data: Default::default(),
            link_transmit_last: Default::default(),
            link_receive_valid: Default::default(),
            link_receive_data: Default::default(),
            link_receive_last: Default::default(),
            jtag_tck: Default::default(),
            jtag_tms: Default::default(),
            jtag_tdi: Default::default(),
            jtag_tdo: Default::default(),
            packet_receive: Default::default(),
            register_writes: Default::default(),
            completer: Default::default(),
            memory_select: Default::default(),
            read_requester: Default::default(),
            host_transmit: Default::default(),
            quiesce: Default::default(),
            register_arbiter: Default::default(),
            register_split: Default::default(),
            interrupts: Default::default(),
            registers: ControlRegisters::new(identity),
            pages: Default::default(),
            captures: Default::default(),
            transmit: Default::default(),
            receive: Default::default(),
            bulk: Default::default(),
            triggers: Default::default(),
            link: Default::default(),
            processor: ProcessorSubsystem::new(None),
            channel_0_register: Default::default(),
            channel_1_register: Default::default(),
            loopback_register: Default::default(),
            link_packets: Default::default(),
            configuration: Default::default(),
            save_transmit: Default::default(),
            save_receive: Default::default(),
            replay: Default::default(),
            counter_pulses: Default::default(),
            stage_pulses: Default::default(),
            host_unsupported: Default::default(),
            host_counters: Default::default(),
            transmit_counters: Default::default(),
            link_counters: Default::default(),
            receive_counters: Default::default(),
        }
    }
}

impl Logic for Niu {
    #[hdl_gen]
    fn update(&mut self) {
        self.packet_receive.clock.next = self.core_clock.val();
        self.register_writes.clock.next = self.core_clock.val();
        self.completer.clock.next = self.core_clock.val();
        self.memory_select.clock.next = self.core_clock.val();
        self.read_requester.clock.next = self.core_clock.val();
        self.host_transmit.clock.next = self.core_clock.val();
        self.quiesce.clock.next = self.core_clock.val();
        self.register_arbiter.clock.next = self.core_clock.val();
        self.registers.clock.next = self.core_clock.val();
        self.interrupts.clock.next = self.core_clock.val();
        self.pages.clock.next = self.core_clock.val();
        self.captures.clock.next = self.core_clock.val();
        self.replay.clock.next = self.core_clock.val();
        self.transmit.clock.next = self.core_clock.val();
        self.receive.clock.next = self.core_clock.val();
        self.bulk.clock.next = self.core_clock.val();
        self.triggers.clock.next = self.core_clock.val();
        self.link.clock.next = self.core_clock.val();
        self.processor.core_clock.next = self.core_clock.val();
        self.processor.processor_clock.next = self.processor_clock.val();
        self.channel_0_register.clock.next = self.core_clock.val();
        self.channel_1_register.clock.next = self.core_clock.val();
        self.loopback_register.clock.next = self.core_clock.val();
        self.link_packets.clock.next = self.core_clock.val();
        self.configuration.clock.next = self.core_clock.val();
        self.save_transmit.clock.next = self.core_clock.val();
        self.save_receive.clock.next = self.core_clock.val();
        self.counter_pulses.clock.next = self.core_clock.val();
        self.stage_pulses.clock.next = self.core_clock.val();
        self.host_unsupported.clock.next = self.core_clock.val();
        self.packet_receive.reset.next = self.reset.val();
        self.register_writes.reset.next = self.reset.val();
        self.completer.reset.next = self.reset.val();
        self.read_requester.reset.next = self.reset.val();
        self.host_transmit.reset.next = self.reset.val();
        self.quiesce.reset.next = self.reset.val();
        self.register_arbiter.reset.next = self.reset.val();
        self.registers.reset.next = self.reset.val();
        self.interrupts.reset.next = self.reset.val();
        self.pages.reset.next = self.reset.val();
        self.captures.reset.next = self.reset.val();
        self.transmit.reset.next = self.reset.val();
        self.receive.reset.next = self.reset.val();
        self.bulk.reset.next = self.reset.val();
        self.triggers.reset.next = self.reset.val();
        self.link.reset.next = self.reset.val();
        self.processor.reset.next = self.reset.val();
        self.channel_0_register.reset.next = self.reset.val();
        self.channel_1_register.reset.next = self.reset.val();
        self.loopback_register.reset.next = self.reset.val();
        self.link_packets.reset.next = self.reset.val();
        self.host_unsupported.reset.next = self.reset.val();

        // From the host: stores, reads, completions of our own reads.
        self.packet_receive.receive_valid.next = self.host_receive_valid.val();
        self.packet_receive.receive_beat.next.data = self.host_receive_data.val();
        self.packet_receive.receive_beat.next.last = self.host_receive_last.val();
        self.packet_receive.bar0.next = self.config_bar0.val();
        self.packet_receive.bar2.next = self.config_bar2.val();
        self.packet_receive.bar4.next = self.config_bar4.val();
        self.packet_receive.memory_enable.next = self.config_memory_enable.val();
        self.packet_receive.maximum_payload.next = self.config_maximum_payload.val();
        self.register_writes.write_valid.next = self.packet_receive.write_valid.val();
        self.register_writes.write.next = self.packet_receive.write.val();
        self.register_writes.packet_ended.next = self.packet_receive.packet.val();
        self.register_writes.packet_malformed.next = self.packet_receive.malformed.val();
        self.completer.read_request_valid.next = self.packet_receive.read_request_valid.val();
        self.completer.read_request.next = self.packet_receive.read_request.val();
        self.packet_receive.read_request_ready.next = self.completer.read_request_ready.val();
        self.completer.registers_busy.next = self.register_writes.busy.val();
        self.completer.completer_id.next = self.config_requester.val();
        self.host_receive_nonposted_free.next = self.completer.nonposted_free.val();
        MemoryReadTarget::join(
            &mut self.memory_select.completer,
            &mut self.completer.memory,
        );
        MemoryReadTarget::join(&mut self.transmit.completer, &mut self.memory_select.slots);
        MemoryReadTarget::join(&mut self.processor.outbox, &mut self.memory_select.outbox);

        // Control registers: host stores first, then host loads; the processor through a port of its own.
        RegisterMaster::join(
            &mut self.register_writes.master,
            &mut self.register_arbiter.first,
        );
        RegisterMaster::join(
            &mut self.completer.registers,
            &mut self.register_arbiter.second,
        );
        RegisterMaster::join(
            &mut self.register_arbiter.merged,
            &mut self.register_split.host,
        );
        RegisterMaster::join(&mut self.register_split.control, &mut self.registers.host);
        RegisterMaster::join(
            &mut self.register_split.interrupts,
            &mut self.interrupts.registers,
        );
        RegisterMaster::join(&mut self.processor.control, &mut self.registers.processor);

        self.configuration.d.next = self.processor.configuration.val();
        self.processor.receive_holds.next = self.receive.holds_ring.val()
            | self.interrupts.settling.val()
            | self.bulk.holds_segment.val()
            | self.triggers.holds.val();
        // A resumption, too, holds up the commands behind it.
        self.processor.shadow_holds.next = self.transmit.holds_address.val()
            | self.pages.settling.val()
            | self.quiesce.resuming.val();
        self.save_transmit.d.next = self.processor.save_transmit.val();
        self.transmit.save.next = self.save_transmit.q.val();
        self.processor.saved_transmit.next = self.transmit.saved.val();
        self.save_receive.d.next = self.processor.save_receive.val();
        self.receive.save.next = self.save_receive.q.val();
        self.processor.saved_receive.next = self.receive.saved.val();

        // Stores, for both sides.
        self.pages.write_valid.next = self.packet_receive.write_valid.val();
        self.pages.write.next = self.packet_receive.write.val();
        // The triggers' stores go the same way, in a cycle without one of the host.
        self.triggers.store_ready.next = !self.packet_receive.write_valid.val();
        if !self.packet_receive.write_valid.val() {
            self.pages.write_valid.next = self.triggers.store_valid.val();
            self.pages.write.next = self.triggers.store.val();
        }
        self.triggers.configuration.next = self.configuration.q.val();
        self.triggers.count_valid.next = self.bulk.count_valid.val();
        self.bulk.count_ready.next = self.triggers.count_ready.val();
        self.triggers.count_segment.next = self.bulk.count_segment.val();
        self.pages.configuration.next = self.configuration.q.val();
        self.pages.queue_configuration.next = self.transmit.queue_configuration.val();
        self.pages.progress.next = self.transmit.progress.val();
        self.pages.answers_settle.next = self.transmit.answers_settle.val();
        self.replay.d.next = self.processor.replay.val();
        self.pages.replay.next = self.replay.q.val();
        self.processor.replayed.next = self.pages.replayed.val();

        // Stores that wait for their endpoint's queue.
        self.captures.write.next = self.pages.captures.val();
        self.captures.store.next = self.pages.capture.val();
        self.pages.capture_room.next = self.captures.room.val();
        self.pages.captured.next = self.captures.oldest.val();
        self.pages.captured_empty.next = self.captures.empty.val();
        self.captures.read.next = self.pages.takes_captured.val();
        self.processor.captured_valid.next = self.captures.report_valid.val();
        self.processor.captured.next = self.captures.report.val();
        self.captures.report_ready.next = self.processor.captured_ready.val();
        self.pages.page_request.next = self.memory_select.page_request.val();
        self.pages.page_endpoint.next = self.memory_select.page_endpoint.val();
        self.memory_select.page_grant.next = self.pages.page_grant.val();
        self.memory_select.page_resident.next = self.pages.page_resident.val();
        self.memory_select.page.next = self.pages.page.val();

        // Transmit side.
        self.transmit.configuration.next = self.configuration.q.val();
        self.transmit.node.next = self.registers.node.val();
        self.transmit.offer.next = self.pages.offer.val();
        self.transmit.producer_before.next = self.pages.producer_before.val();
        self.transmit.outcome.next = self.pages.outcome.val();
        self.transmit.stores.next = self.pages.stores.val();
        self.transmit.slot_valid.next = self.pages.slot_valid.val();
        self.transmit.slot_address.next = self.pages.slot_address.val();
        self.transmit.slot_enables.next = self.pages.slot_enables.val();
        self.transmit.pool_valid.next = self.pages.pool_valid.val();
        self.transmit.pool_address.next = self.pages.pool_address.val();
        self.transmit.pool_enables.next = self.pages.pool_enables.val();
        self.transmit.slot_data.next = self.pages.slot_data.val();
        self.transmit.pool_data.next = self.pages.pool_data.val();
        self.transmit.command_valid.next = self.processor.slot_valid.val();
        self.transmit.command_address.next = self.processor.slot_address.val();
        self.transmit.command_data.next = self.processor.slot_data.val();
        self.transmit.command_enables.next = self.processor.slot_enables.val();
        self.processor.slot_ready.next = self.transmit.command_ready.val();
        self.transmit.room_0.next = self.link.room_0.val();
        self.transmit.room_1.next = self.link.room_1.val();
        self.transmit.answer_valid.next = self.link.received_valid.val();
        self.transmit.answer.next = self.link.received.val();
        self.bulk.local_collected_valid.next = self.receive.local_answer_valid.val();
        self.bulk.local_collected.next = self.receive.local_answer.val();
        self.transmit.local_answer_valid.next = self.bulk.local_answer_valid.val();
        self.transmit.local_answer.next = self.bulk.local_answer.val();

        // Link.
        self.link.node.next = self.registers.node.val();
        StreamSource::join(&mut self.transmit.frame, &mut self.link.frame);
        self.link.frame_single.next = self.transmit.frame_single.val();
        self.link.frame_channel.next = self.transmit.frame_channel.val();
        StreamSource::join(
            &mut self.transmit.own_frame,
            &mut self.loopback_register.sink,
        );
        StreamSource::join(&mut self.loopback_register.source, &mut self.link.loopback);
        StreamSource::join(&mut self.bulk.frames, &mut self.link_packets.sinks[0]);
        StreamSource::join(&mut self.processor.packet, &mut self.link_packets.sinks[1]);
        StreamSource::join(&mut self.link_packets.source, &mut self.link.packet);
        self.bulk.collected_valid.next = self.receive.answer_valid.val();
        self.bulk.collected.next = self.receive.answer.val();
        self.receive.answer_ready.next = self.bulk.collected_ready.val();
        self.link.answer_valid.next = self.bulk.answer_valid.val();
        self.link.answer.next = self.bulk.answer.val();
        self.bulk.answer_ready.next = self.link.answer_ready.val();
        self.receive.link_idle.next = self.link.link_idle.val();
        self.bulk.room_0.next = self.link.room_0.val();
        self.bulk.room_1.next = self.link.room_1.val();
        self.bulk.counted_valid.next = self.link.counted_valid.val();
        self.bulk.counted.next = self.link.counted.val();
        self.bulk.link_idle.next = self.link.link_idle.val();
        self.link.receive_valid.next = self.link_receive_valid.val();
        self.link.receive_beat.next.data = self.link_receive_data.val();
        self.link.receive_beat.next.last = self.link_receive_last.val();
        self.link_transmit_valid.next = self.link.link.valid.val();
        self.link_transmit_data.next = self.link.link.beat.val().data;
        self.link_transmit_last.next = self.link.link.beat.val().last;
        self.link.link.ready.next = self.link_transmit_ready.val();
        self.receive.lookup_valid.next = self.link.lookup_valid.val();
        self.receive.lookup_id.next = self.link.lookup_id.val();
        self.link.lookup_resident.next = self.receive.lookup_resident.val();
        self.link.lookup_queue.next = self.receive.lookup_queue.val();
        self.receive.lookup2_id.next = self.link.lookup2_id.val();
        self.link.lookup2_ready.next = self.receive.lookup2_ready.val();
        self.link.lookup2_resident.next = self.receive.lookup2_resident.val();
        self.link.lookup2_queue.next = self.receive.lookup2_queue.val();
        self.link.stalled_recently.next = self.receive.stalled_recently.val();
        self.receive.ping_valid.next = self.link.ping_valid.val();
        self.receive.ping.next = self.link.ping.val();

        // Receive side.
        StreamSource::join(&mut self.link.channel_0, &mut self.channel_0_register.sink);
        StreamSource::join(
            &mut self.channel_0_register.source,
            &mut self.receive.channel_0,
        );
        StreamSource::join(&mut self.link.channel_1, &mut self.channel_1_register.sink);
        StreamSource::join(
            &mut self.channel_1_register.source,
            &mut self.receive.channel_1,
        );
        self.receive.channel_1_likely.next = self.channel_1_register.source.valid.val();
        StreamSource::join(&mut self.link.loopback_source, &mut self.receive.loopback);
        self.receive.gap_epoch.next = self.link.gap_epoch.val();
        self.link.gap_recorded.next = self.receive.gap_recorded.val();
        self.receive.node.next = self.registers.node.val();
        self.receive.configuration.next = self.configuration.q.val();
        self.receive.consumer_valid.next = self.pages.consumer_valid.val();
        self.receive.consumer_queue.next = self.pages.consumer_queue.val();
        self.receive.consumer_index.next = self.pages.consumer_index.val();
        self.receive.written.next = self.host_transmit.message_written.val();
        self.processor.missed_valid.next = self.receive.missed_valid.val();
        self.processor.missed.next = self.receive.missed_id.val();
        self.receive.missed_ready.next = self.processor.missed_ready.val();

        // Interrupts.
        self.interrupts.configuration.next = self.configuration.q.val();
        self.interrupts.delivered.next = self.receive.message_received.val();
        self.interrupts.delivered_queue.next = self.receive.delivered_queue.val();
        self.interrupts.arm.next.valid =
            self.pages.consumer_valid.val() & self.pages.consumer_asks.val();
        self.interrupts.arm.next.queue = self.pages.consumer_queue.val();
        self.interrupts.arm.next.index = self.pages.consumer_index.val();
        self.interrupts.arm.next.armed = self.pages.consumer_armed.val();
        self.interrupts.arm.next.late = self.pages.consumer_late.val();
        self.interrupts.saved_queue.next = self.save_receive.q.val().queue;
        self.receive.saved_armed.next = self.interrupts.saved_armed.val();
        self.interrupts.enable.next = self.config_msix_enable.val();
        self.interrupts.function_mask.next = self.config_msix_function_mask.val();
        self.interrupts.master_enable.next = self.config_master_enable.val();
        self.interrupts.stops.next = self.quiesce.stopped.val();
        StreamSource::join(
            &mut self.interrupts.source,
            &mut self.host_transmit.interrupt_writes,
        );
        // Remote memory.
        self.bulk.written.next = self.host_transmit.message_written.val();
        self.bulk.queue_configuration.next = self.transmit.queue_configuration.val();
        self.bulk.progress.next = self.transmit.progress.val();
        StreamSource::join(&mut self.transmit.transfer, &mut self.bulk.transfer);
        self.bulk.transfer_commit.next = self.transmit.transfer_commit.val();
        self.transmit.transfer_room.next = self.bulk.transfer_room.val();
        self.transmit.unpark.next = self.bulk.unpark.val();
        self.bulk.unpark_ready.next = self.transmit.unpark_ready.val();
        self.transmit.done.next = self.bulk.done.val();
        self.bulk.done_ready.next = self.transmit.done_ready.val();
        self.read_requester.chunk.next = self.bulk.chunk.val();
        self.bulk.chunk_ready.next = self.read_requester.chunk_ready.val();
        self.read_requester.chunk_query.next = self.bulk.chunk_query.val();
        self.bulk.chunk_ended.next = self.read_requester.chunk_ended.val();
        self.bulk.chunk_failed.next = self.read_requester.chunk_failed.val();
        self.bulk.chunk_valid.next = self.read_requester.chunk_valid.val();
        self.bulk.chunk_address.next = self.read_requester.chunk_address.val();
        self.bulk.chunk_data.next = self.read_requester.inbox_data.val();
        self.bulk.chunk_enables.next = self.read_requester.inbox_enables.val();
        self.bulk.node.next = self.registers.node.val();
        self.bulk.configuration.next = self.configuration.q.val();
        StreamSource::join(&mut self.receive.bulk_frames, &mut self.bulk.bulk_frames);
        self.receive.bulk_busy.next = self.bulk.busy.val();
        StreamSource::join(&mut self.bulk.write_packets, &mut self.receive.bulk_packets);
        self.receive.bulk_accepted_valid.next = self.bulk.accepted_valid.val();
        self.receive.bulk_accepted.next = self.bulk.accepted.val();
        self.bulk.accepted_ready.next = self.receive.bulk_accepted_ready.val();

        // Service processor.
        self.processor.hold.next = self.registers.processor_hold.val();
        self.processor.node.next = self.registers.node.val();
        self.processor.room_0.next = self.link.room_0.val();
        self.processor.room_1.next = self.link.room_1.val();
        self.processor.jtag_tck.next = self.jtag_tck.val();
        self.processor.jtag_tms.next = self.jtag_tms.val();
        self.processor.jtag_tdi.next = self.jtag_tdi.val();
        self.jtag_tdo.next = self.processor.jtag_tdo.val();
        self.registers.clear_valid.next = self.processor.clear_valid.val();
        self.registers.clear_queue.next = self.processor.clear_queue.val();
        self.registers.clear_endpoint.next = self.processor.clear_endpoint.val();
        self.registers.clear_word.next = self.processor.clear_word.val();
        self.registers.clear_mask.next = self.processor.clear_mask.val();
        self.processor.clear_ready.next = self.registers.clear_ready.val();
        self.registers.heartbeat.next = self.processor.heartbeat.val();
        self.registers.event_set.next = self.processor.event_set.val();
        self.registers.queue_set.next = self.processor.queue_set.val();
        self.registers.queue_set_index.next = self.processor.queue_set_index.val();
        self.registers.endpoint_set.next = self.processor.endpoint_set.val();
        self.registers.endpoint_set_index.next = self.processor.endpoint_set_index.val();
        self.processor.event_pending.next = self.registers.event_pending.val();
        self.processor.admin_valid.next = self.registers.admin_doorbell.val();
        self.processor.admin_index.next = self.registers.admin_doorbell_index.val();
        self.processor.store_valid.next = self.pages.nonresident_store.val();
        self.processor.store.next = self.pages.store_event.val();
        self.processor.error_valid.next = self.transmit.error_event_valid.val();
        self.processor.error.next = self.transmit.error_event.val();
        self.processor.miss_valid.next = self.receive.miss_event_valid.val();
        self.processor.miss.next = self.receive.miss_event.val();
        self.processor.packet_valid.next = self.receive.packet_event_valid.val();
        self.processor.packet_event.next = self.receive.packet_event.val();
        self.processor.inbox_valid.next = self.read_requester.inbox_valid.val();
        self.processor.inbox_address.next = self.read_requester.inbox_address.val();
        self.processor.inbox_data.next = self.read_requester.inbox_data.val();
        self.processor.inbox_enables.next = self.read_requester.inbox_enables.val();
        self.processor.packet_inbox_valid.next = self.receive.inbox_valid.val();
        self.processor.packet_inbox_address.next = self.receive.inbox_address.val();
        self.processor.packet_inbox_data.next = self.receive.inbox_data.val();
        self.processor.packet_inbox_enables.next = self.receive.inbox_enables.val();

        // Requests to the host.
        self.read_requester.requester_id.next = self.config_requester.val();
        self.read_requester.maximum_read_request.next = self.config_maximum_read_request.val();
        self.read_requester.request_valid.next = self.processor.read_valid.val();
        self.read_requester.request.next.address = self.processor.read_address.val();
        self.read_requester.request.next.bytes = self.processor.read_bytes.val();
        self.read_requester.request.next.inbox = self.processor.read_inbox.val();
        self.read_requester.request.next.token = self.processor.read_token.val();
        self.processor.read_ready.next = self.read_requester.request_ready.val();
        self.processor.finished_valid.next = self.read_requester.finished_valid.val();
        self.processor.finished_token.next = self.read_requester.finished.val().token;
        self.processor.finished_status.next = self.read_requester.finished.val().status;
        self.read_requester.finished_ready.next = self.processor.finished_ready.val();
        self.read_requester.completion_valid.next = self.packet_receive.completion_valid.val();
        self.read_requester.completion.next = self.packet_receive.completion.val();
        self.read_requester.completion_malformed.next =
            self.packet_receive.completion_malformed.val();
        StreamSource::join(
            &mut self.receive.write_packets,
            &mut self.host_transmit.message_writes,
        );
        StreamSource::join(
            &mut self.transmit.shadow,
            &mut self.host_transmit.shadow_writes,
        );
        StreamSource::join(
            &mut self.processor.host_write,
            &mut self.host_transmit.processor_writes,
        );
        StreamSource::join(
            &mut self.read_requester.source,
            &mut self.host_transmit.reads,
        );
        StreamSource::join(
            &mut self.completer.source,
            &mut self.host_transmit.completions,
        );
        self.host_transmit.requester_id.next = self.config_requester.val();
        self.host_transmit.maximum_payload.next = self.config_maximum_payload.val();
        self.host_transmit.master_enable.next = self.config_master_enable.val();
        self.host_transmit.stopped.next = self.quiesce.stopped.val();
        self.read_requester.dropped.next = self.host_transmit.discarded_read.val();
        self.read_requester.dropped_tag.next = self.host_transmit.discarded_tag.val();
        self.quiesce.request.next = self.registers.quiesce.val();
        self.quiesce.generation.next = self.registers.quiesce_generation.val();
        self.quiesce.configuration.next = self.configuration.q.val();
        self.quiesce.silent.next = self.host_transmit.silent.val();
        self.quiesce.reads_outstanding.next = self.read_requester.outstanding.val();
        self.quiesce.holds_request.next = self.host_transmit.holds_request.val();
        self.registers.stopped.next = self.quiesce.stopped.val();
        self.registers.quiet.next = self.quiesce.quiet.val();
        self.host_transmit.posted_allowed.next = self.host_transmit_posted_allowed.val();
        self.host_transmit.nonposted_allowed.next = self.host_transmit_nonposted_allowed.val();
        self.host_transmit.completion_allowed.next = self.host_transmit_completion_allowed.val();
        self.host_transmit_valid.next = self.host_transmit.source.valid.val();
        self.host_transmit_data.next = self.host_transmit.source.beat.val().data;
        self.host_transmit_last.next = self.host_transmit.source.beat.val().last;
        self.host_transmit.source.ready.next = self.host_transmit_ready.val();

        if self.reset.val() {
            self.configuration.d.next.valid = false;
        }
        self.registers.stage_pulses.next = self.stage_pulses.q.val();
        self.stage_pulses.d.next =
            (bit_cast::<16, 1>(self.packet_receive.receive_last.val().into())
                << stage::HOST_RECEIVE.to_bits::<4>())
                | (bit_cast::<16, 1>(self.pages.composed.val().into())
                    << stage::COMPOSED.to_bits::<4>())
                | (bit_cast::<16, 1>(self.transmit.granted.val().into())
                    << stage::GRANTED.to_bits::<4>())
                | (bit_cast::<16, 1>(self.transmit.translated.val().into())
                    << stage::TRANSLATED.to_bits::<4>())
                | (bit_cast::<16, 1>(self.link.frame_out.val().into())
                    << stage::FRAME_OUT.to_bits::<4>())
                | (bit_cast::<16, 1>(self.transmit.answered.val().into())
                    << stage::ANSWERED.to_bits::<4>())
                | (bit_cast::<16, 1>(self.link.frame_in.val().into())
                    << stage::FRAME_IN.to_bits::<4>())
                | (bit_cast::<16, 1>(
                    (self.receive.checked.val() | self.bulk.checked.val()).into(),
                ) << stage::CHECKED.to_bits::<4>())
                | (bit_cast::<16, 1>(
                    (self.receive.matched.val() | self.bulk.matched.val()).into(),
                ) << stage::MATCHED.to_bits::<4>())
                | (bit_cast::<16, 1>(
                    (self.receive.request_out.val() | self.bulk.request_out.val()).into(),
                ) << stage::REQUEST_OUT.to_bits::<4>())
                | (bit_cast::<16, 1>(self.host_transmit.marked_out.val().into())
                    << stage::PACKET_OUT.to_bits::<4>());

        // Counters.
        self.registers.link_seen.next = self.link.link_seen.val();
        self.registers.version_mismatch.next = self.link.version.val();
        self.host_unsupported.first.next = self.packet_receive.unsupported.val();
        self.host_unsupported.second.next = self.completer.unsupported.val();
        self.host_counters.next = (bit_cast::<64, 1>(self.packet_receive.packet.val().into())
            << counter::HOST_PACKETS.to_bits::<6>())
            | (bit_cast::<64, 1>(self.packet_receive.malformed.val().into())
                << counter::HOST_MALFORMED.to_bits::<6>())
            | (bit_cast::<64, 1>(self.host_unsupported.merged.val().into())
                << counter::HOST_UNSUPPORTED.to_bits::<6>())
            | (bit_cast::<64, 1>(self.read_requester.unexpected.val().into())
                << counter::COMPLETION_UNEXPECTED.to_bits::<6>())
            | (bit_cast::<64, 1>(self.read_requester.error_completion.val().into())
                << counter::COMPLETION_ERROR.to_bits::<6>())
            | (bit_cast::<64, 1>(self.read_requester.timeout.val().into())
                << counter::COMPLETION_TIMEOUT.to_bits::<6>())
            | (bit_cast::<64, 1>(self.register_writes.overflow.val().into())
                << counter::REGISTER_OVERFLOW.to_bits::<6>())
            | (bit_cast::<64, 1>(self.register_writes.refused.val().into())
                << counter::READ_ONLY_WRITE.to_bits::<6>())
            | (bit_cast::<64, 1>(self.host_transmit.discarded.val().into())
                << counter::HOST_DISCARDED.to_bits::<6>())
            | (bit_cast::<64, 1>(self.interrupts.sent.val().into())
                << counter::INTERRUPTS.to_bits::<6>())
            | (bit_cast::<64, 1>(self.processor.command_invalid.val().into())
                << counter::COMMAND_INVALID.to_bits::<6>())
            | (bit_cast::<64, 1>(self.processor.event_lost.val().into())
                << counter::EVENT_LOST.to_bits::<6>());
        self.transmit_counters.next = (bit_cast::<64, 1>(self.pages.torn_store.val().into())
            << counter::TORN_STORE.to_bits::<6>())
            | (bit_cast::<64, 1>(self.pages.stray_store.val().into())
                << counter::NON_RESIDENT_STORE.to_bits::<6>())
            | (bit_cast::<64, 1>(self.pages.captures.val().into())
                << counter::CAPTURED_STORE.to_bits::<6>())
            | (bit_cast::<64, 1>(self.pages.lost_store.val().into())
                << counter::LOST_STORE.to_bits::<6>())
            | (bit_cast::<64, 1>(self.pages.overflowed.val().into())
                << counter::TRANSMIT_OVERFLOW.to_bits::<6>())
            | (bit_cast::<64, 1>(self.transmit.too_long.val().into())
                << counter::TOO_LONG.to_bits::<6>())
            | (bit_cast::<64, 1>(self.transmit.outside_window.val().into())
                << counter::OUTSIDE_WINDOW.to_bits::<6>())
            | (bit_cast::<64, 1>(self.transmit.invalid_translation.val().into())
                << counter::INVALID_TRANSLATION.to_bits::<6>())
            | (bit_cast::<64, 1>(self.transmit.message_sent.val().into())
                << counter::MESSAGES_SENT.to_bits::<6>())
            | (bit_cast::<64, 1>(self.transmit.message_accepted.val().into())
                << counter::MESSAGES_ACCEPTED.to_bits::<6>())
            | (bit_cast::<64, 1>(self.transmit.message_refused.val().into())
                << counter::MESSAGES_REFUSED.to_bits::<6>())
            | (bit_cast::<64, 1>(self.transmit.probed.val().into())
                << counter::PROBES.to_bits::<6>())
            | (bit_cast::<64, 1>(self.transmit.answer_timeout.val().into())
                << counter::ANSWER_TIMEOUT.to_bits::<6>())
            | (bit_cast::<64, 1>(self.transmit.answer_unexpected.val().into())
                << counter::ANSWER_UNEXPECTED.to_bits::<6>())
            | (bit_cast::<64, 1>(self.transmit.pinged.val().into())
                << counter::PINGS_SENT.to_bits::<6>())
            | (bit_cast::<64, 1>(self.transmit.answer_overflow.val().into())
                << counter::ANSWER_OVERFLOW.to_bits::<6>())
            | (bit_cast::<64, 1>(self.bulk.transfer_started.val().into())
                << counter::TRANSFERS_STARTED.to_bits::<6>())
            | (bit_cast::<64, 1>(self.bulk.transfer_failed.val().into())
                << counter::TRANSFERS_FAILED.to_bits::<6>())
            | (bit_cast::<64, 1>(self.pages.inline_lost.val().into())
                << counter::INLINE_LOST.to_bits::<6>())
            | (bit_cast::<64, 1>(self.transmit.shadow_written.val().into())
                << counter::SHADOW_WRITES.to_bits::<6>());
        self.link_counters.next = (bit_cast::<64, 1>(self.link.frame_received.val().into())
            << counter::FRAMES_RECEIVED.to_bits::<6>())
            | (bit_cast::<64, 1>(self.link.corrupt.val().into())
                << counter::FRAME_CORRUPT.to_bits::<6>())
            | (bit_cast::<64, 1>(self.link.version.val().into())
                << counter::FRAME_VERSION.to_bits::<6>())
            | (bit_cast::<64, 1>(self.link.misrouted.val().into())
                << counter::FRAME_MISROUTED.to_bits::<6>())
            | (bit_cast::<64, 1>(self.link.overrun.val().into())
                << counter::FRAME_OVERRUN.to_bits::<6>());
        self.receive_counters.next =
            (bit_cast::<64, 1>(self.receive.message_received.val().into())
                << counter::MESSAGES_RECEIVED.to_bits::<6>())
                | (bit_cast::<64, 1>(self.receive.receive_miss.val().into())
                    << counter::RECEIVE_MISS.to_bits::<6>())
                | (bit_cast::<64, 1>(self.receive.receive_full.val().into())
                    << counter::RECEIVE_FULL.to_bits::<6>())
                | (bit_cast::<64, 1>(self.receive.receive_behind.val().into())
                    << counter::RECEIVE_BEHIND.to_bits::<6>())
                | (bit_cast::<64, 1>(self.receive.entry_too_small.val().into())
                    << counter::ENTRY_TOO_SMALL.to_bits::<6>())
                | (bit_cast::<64, 1>(self.receive.message_dropped.val().into())
                    << counter::MESSAGES_DROPPED.to_bits::<6>())
                | (bit_cast::<64, 1>(self.receive.packet_received.val().into())
                    << counter::PACKETS_RECEIVED.to_bits::<6>())
                | (bit_cast::<64, 1>(self.receive.packet_dropped.val().into())
                    << counter::PACKETS_DROPPED.to_bits::<6>())
                | (bit_cast::<64, 1>(self.receive.missed_message.val().into())
                    << counter::MISSED_MESSAGE.to_bits::<6>())
                | (bit_cast::<64, 1>(self.bulk.frame_written.val().into())
                    << counter::BULK_FRAMES_WRITTEN.to_bits::<6>())
                | (bit_cast::<64, 1>(self.bulk.frame_refused.val().into())
                    << counter::BULK_FRAMES_REFUSED.to_bits::<6>())
                | (bit_cast::<64, 1>(self.receive.bad_consumer.val().into())
                    << counter::BAD_CONSUMER.to_bits::<6>());
        self.registers.counter_pulses.next = self.counter_pulses.q.val();
        self.counter_pulses.d.next = self.host_counters.val()
            | self.transmit_counters.val()
            | self.link_counters.val()
            | self.receive_counters.val();
        if self.reset.val() {
            self.counter_pulses.d.next = 0.into();
            self.stage_pulses.d.next = 0.into();
        }
    }
}

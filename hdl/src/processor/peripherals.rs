//! What the firmware's loads and stores reach outside the RAM.

use super::timer::Timer;
use super::wishbone::WishboneTarget;
use crate::bundles::Event;
use rust_hdl::prelude::*;

/// Where an access stands.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum PeripheralState {
    /// Waits for `strobe`.
    Idle,
    /// Waits for the answer of the control registers.
    Control,
    /// `acknowledge` is high.
    Acknowledge,
}

/// The peripherals of `abi::processor`, and the windows to inbox, outbox and control registers.
///
/// Every access is acknowledged: those of nothing read zeros, and their stores do nothing. An access takes two
/// cycles; a read of a control register takes as long as both crossings; a store of a command's last word or of a
/// clear waits until there is room (the firmware looks at `waiting` first). Registers take whole words, whatever
/// bytes are selected; only the outbox knows bytes.
///
/// `core_reset` resets the timer, and gives up the core's access if one is under way; `reset` resets all, and so may
/// only come together with the resets of the crossings.
#[derive(LogicBlock)]
pub struct Peripherals {
    /// Processor clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset of everything.
    pub reset: Signal<In, Bit>,
    /// The soft core is in reset.
    pub core_reset: Signal<In, Bit>,
    /// Time stands still.
    pub stop_time: Signal<In, Bit>,
    /// Accesses outside the RAM.
    pub bus: WishboneTarget,
    /// Level: the timer interrupt is pending.
    pub timer_interrupt: Signal<Out, Bit>,
    /// Level: a completion, a report, an event or a pending bit waits for the firmware. The processor sleeps until
    /// then; what it cannot take yet keeps it awake.
    pub work_waits: Signal<Out, Bit>,
    /// Oldest completion, status above token.
    pub completion: Signal<In, Bits<24>>,
    /// There is none.
    pub completion_empty: Signal<In, Bit>,
    /// Takes it.
    pub completion_read: Signal<Out, Bit>,
    /// Oldest event.
    pub event_word: Signal<In, Event>,
    /// There is none.
    pub event_empty: Signal<In, Bit>,
    /// Takes it.
    pub event_read: Signal<Out, Bit>,
    /// Some bit of `event_pending` is set (synchronised).
    pub event_pending: Signal<In, Bit>,
    /// A command for either queue.
    pub command: Signal<Out, Bits<128>>,
    /// It is for queue 0.
    pub command_0_write: Signal<Out, Bit>,
    /// Queue 0 has no room.
    pub command_0_full: Signal<In, Bit>,
    /// It is for queue 1.
    pub command_1_write: Signal<Out, Bit>,
    /// Queue 1 has no room.
    pub command_1_full: Signal<In, Bit>,
    /// Endpoint of the oldest captured store that was not reported, if there is one; takes it.
    pub captured: Signal<In, Bits<12>>,
    pub captured_empty: Signal<In, Bit>,
    pub captured_read: Signal<Out, Bit>,
    /// RQID of the oldest message in the miss ring that was not reported, likewise.
    pub missed: Signal<In, Bits<12>>,
    pub missed_empty: Signal<In, Bit>,
    pub missed_read: Signal<Out, Bit>,
    /// Changes with every heartbeat.
    pub heartbeat_toggle: Signal<Out, Bit>,
    /// Pending bits to clear: mask, 7 bits of word above it, then a bit for `queue_pending` and one
    /// for `endpoint_pending`.
    pub clear: Signal<Out, Bits<41>>,
    /// Hands them over.
    pub clear_write: Signal<Out, Bit>,
    /// There is no room.
    pub clear_full: Signal<In, Bit>,
    /// Word of the inbox.
    pub inbox_address: Signal<Out, Bits<7>>,
    /// The cycle after: its contents.
    pub inbox_data: Signal<In, Bits<128>>,
    /// Word of the outbox.
    pub outbox_address: Signal<Out, Bits<9>>,
    /// What to write there.
    pub outbox_data: Signal<Out, Bits<128>>,
    /// Bytes to write.
    pub outbox_enables: Signal<Out, Bits<16>>,
    /// Offset of a control register.
    pub control_request: Signal<Out, Bits<12>>,
    /// Asks for it.
    pub control_request_write: Signal<Out, Bit>,
    /// There is no room to ask.
    pub control_request_full: Signal<In, Bit>,
    /// The register's contents.
    pub control_response: Signal<In, Bits<32>>,
    /// They are not there yet.
    pub control_response_empty: Signal<In, Bit>,
    /// Takes them.
    pub control_response_read: Signal<Out, Bit>,

    timer: Timer,
    state: DFF<PeripheralState>,
    abandoned: DFF<Bit>,
    read_data: DFF<Bits<32>>,
    from_inbox: DFF<Bit>,
    beat: DFF<Bit>,
    queue_0_0: DFF<Bits<32>>,
    queue_0_1: DFF<Bits<32>>,
    queue_0_2: DFF<Bits<32>>,
    queue_1_0: DFF<Bits<32>>,
    queue_1_1: DFF<Bits<32>>,
    queue_1_2: DFF<Bits<32>>,
    access: Signal<Local, Bit>,
    load: Signal<Local, Bit>,
    store: Signal<Local, Bit>,
    wait_for_room: Signal<Local, Bit>,
    address: Signal<Local, Bits<32>>,
    region: Signal<Local, Bits<32>>,
    offset: Signal<Local, Bits<32>>,
    is_register: Signal<Local, Bit>,
    is_inbox: Signal<Local, Bit>,
    is_outbox: Signal<Local, Bit>,
    is_control: Signal<Local, Bit>,
    is_endpoint_clear: Signal<Local, Bit>,
    is_queue_clear: Signal<Local, Bit>,
    is_command_0: Signal<Local, Bit>,
    is_command_1: Signal<Local, Bit>,
    lane: Signal<Local, Bits<2>>,
    lane_shift: Signal<Local, Bits<4>>,
    time_value: Signal<Local, Bits<32>>,
    queue_value: Signal<Local, Bits<32>>,
    waiting: Signal<Local, Bits<32>>,
    inbox_word: Signal<Local, Bits<32>>,
    event_low: Signal<Local, Bits<32>>,
    clear_word: Signal<Local, Bits<7>>,
    region_mask: Constant<Bits<32>>,
    valid_bit: Constant<Bits<32>>,
    space_bits: Constant<Bits<32>>,
    endpoint_region: Constant<Bits<7>>,
    queue_region: Constant<Bits<11>>,
    command_0_region: Constant<Bits<12>>,
    command_1_region: Constant<Bits<12>>,
}

impl Default for Peripherals {
    fn default() -> Self {
        use abi::processor::peripherals::{command_0, command_1, endpoint_clear, queue_clear};
        const {
            assert!(
                endpoint_clear::OFFSET.is_multiple_of(512)
                    && endpoint_clear::REGISTER.count == 128
                    && queue_clear::OFFSET.is_multiple_of(32)
                    && queue_clear::REGISTER.count == 8
                    && command_0::OFFSET.is_multiple_of(16)
                    && command_1::OFFSET.is_multiple_of(16)
            )
        };
        Self {
            clock: Default::default(),
            reset: Default::default(),
            core_reset: Default::default(),
            stop_time: Default::default(),
            bus: Default::default(),
            timer_interrupt: Default::default(),
            work_waits: Default::default(),
            completion: Default::default(),
            completion_empty: Default::default(),
            completion_read: Default::default(),
            event_word: Default::default(),
            event_empty: Default::default(),
            event_read: Default::default(),
            event_pending: Default::default(),
            command: Default::default(),
            command_0_write: Default::default(),
            command_0_full: Default::default(),
            command_1_write: Default::default(),
            command_1_full: Default::default(),
            captured: Default::default(),
            captured_empty: Default::default(),
            captured_read: Default::default(),
            missed: Default::default(),
            missed_empty: Default::default(),
            missed_read: Default::default(),
            heartbeat_toggle: Default::default(),
            clear: Default::default(),
            clear_write: Default::default(),
            clear_full: Default::default(),
            inbox_address: Default::default(),
            inbox_data: Default::default(),
            outbox_address: Default::default(),
            outbox_data: Default::default(),
            outbox_enables: Default::default(),
            control_request: Default::default(),
            control_request_write: Default::default(),
            control_request_full: Default::default(),
            control_response: Default::default(),
            control_response_empty: Default::default(),
            control_response_read: Default::default(),
            timer: Default::default(),
            state: Default::default(),
            abandoned: Default::default(),
            read_data: Default::default(),
            from_inbox: Default::default(),
            beat: Default::default(),
            queue_0_0: Default::default(),
            queue_0_1: Default::default(),
            queue_0_2: Default::default(),
            queue_1_0: Default::default(),
            queue_1_1: Default::default(),
            queue_1_2: Default::default(),
            access: Default::default(),
            load: Default::default(),
            store: Default::default(),
            wait_for_room: Default::default(),
            address: Default::default(),
            region: Default::default(),
            offset: Default::default(),
            is_register: Default::default(),
            is_inbox: Default::default(),
            is_outbox: Default::default(),
            is_control: Default::default(),
            is_endpoint_clear: Default::default(),
            is_queue_clear: Default::default(),
            is_command_0: Default::default(),
            is_command_1: Default::default(),
            lane: Default::default(),
            lane_shift: Default::default(),
            time_value: Default::default(),
            queue_value: Default::default(),
            waiting: Default::default(),
            inbox_word: Default::default(),
            event_low: Default::default(),
            clear_word: Default::default(),
            valid_bit: Constant::new((1u32 << abi::event::event::valid::SHIFT).to_bits()),
            space_bits: Constant::new(0x6fu32.to_bits()),
            region_mask: Constant::new(0xffff_0000u32.to_bits()),
            endpoint_region: Constant::new((endpoint_clear::OFFSET / 512).to_bits()),
            queue_region: Constant::new((queue_clear::OFFSET / 32).to_bits()),
            command_0_region: Constant::new((command_0::OFFSET / 16).to_bits()),
            command_1_region: Constant::new((command_1::OFFSET / 16).to_bits()),
        }
    }
}

impl Logic for Peripherals {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, state, abandoned, read_data, from_inbox, beat, queue_0_0, queue_0_1,
            queue_0_2, queue_1_0, queue_1_1, queue_1_2
        );
        clock!(self, clock, timer);

        // What is asked for: 64 KiB regions, and the offset in the region.
        self.access.next = self.bus.cycle.val()
            & self.bus.strobe.val()
            & !self.core_reset.val()
            & (self.state.q.val() == PeripheralState::Idle);
        self.load.next = self.access.val() & !self.bus.write.val();
        self.store.next = self.access.val() & self.bus.write.val();
        self.address.next = bit_cast::<32, 30>(self.bus.address.val()) << 2;
        self.region.next = self.address.val() & self.region_mask.val();
        self.offset.next = self.address.val() & !self.region_mask.val();
        self.is_register.next = self.region.val() == abi::processor::PERIPHERAL_BASE.to_bits();
        self.is_inbox.next = (self.region.val() == abi::processor::INBOX_BASE.to_bits())
            & (self.offset.val() < abi::command::INBOX_BYTES.to_bits());
        self.is_outbox.next = (self.region.val() == abi::processor::OUTBOX_BASE.to_bits())
            & (self.offset.val() < abi::command::OUTBOX_BYTES.to_bits());
        self.is_control.next = (self.region.val() == abi::processor::CONTROL_BASE.to_bits())
            & (self.offset.val() < abi::control::MAP_BYTES.to_bits());
        self.is_endpoint_clear.next = self.is_register.val()
            & (self.offset.val().get_bits::<7>(9) == self.endpoint_region.val());
        self.is_queue_clear.next = self.is_register.val()
            & (self.offset.val().get_bits::<11>(5) == self.queue_region.val());
        self.is_command_0.next = self.is_register.val()
            & (self.offset.val().get_bits::<12>(4) == self.command_0_region.val());
        self.is_command_1.next = self.is_register.val()
            & (self.offset.val().get_bits::<12>(4) == self.command_1_region.val());
        self.lane.next = self.address.val().get_bits::<2>(2);
        self.lane_shift.next = bit_cast::<4, 2>(self.lane.val()) << 2;

        // Timer.
        self.timer.reset.next = self.reset.val() | self.core_reset.val();
        self.timer.stop.next = self.stop_time.val();
        self.timer.data.next = self.bus.write_data.val();
        self.timer.write_low.next = self.store.val()
            & self.is_register.val()
            & (self.offset.val() == abi::processor::peripherals::compare_low::OFFSET.to_bits());
        self.timer.write_high.next = self.store.val()
            & self.is_register.val()
            & (self.offset.val() == abi::processor::peripherals::compare_high::OFFSET.to_bits());
        self.timer_interrupt.next = self.timer.interrupt.val();

        // Loads of registers, in two groups.
        self.waiting.next = (bit_cast::<32, 1>(self.completion_empty.val().into())
            << abi::processor::peripherals::waiting::completion::SHIFT.to_bits::<5>())
            | (bit_cast::<32, 1>(self.event_empty.val().into())
                << abi::processor::peripherals::waiting::event::SHIFT.to_bits::<5>())
            | (bit_cast::<32, 1>(self.command_0_full.val().into())
                << abi::processor::peripherals::waiting::command_0_space::SHIFT.to_bits::<5>())
            | (bit_cast::<32, 1>(self.command_1_full.val().into())
                << abi::processor::peripherals::waiting::command_1_space::SHIFT.to_bits::<5>())
            | (bit_cast::<32, 1>(self.captured_empty.val().into())
                << abi::processor::peripherals::waiting::captured::SHIFT.to_bits::<5>())
            | (bit_cast::<32, 1>(self.missed_empty.val().into())
                << abi::processor::peripherals::waiting::missed::SHIFT.to_bits::<5>());
        self.event_low.next = bit_cast::<32, 8>(self.event_word.val().kind)
            | (bit_cast::<32, 12>(self.event_word.val().index)
                << abi::event::event::index::SHIFT.to_bits::<5>())
            | (bit_cast::<32, 8>(self.event_word.val().code)
                << abi::event::event::code::SHIFT.to_bits::<5>())
            | self.valid_bit.val();
        self.time_value.next = 0.into();
        if self.offset.val() == abi::processor::peripherals::time_low::OFFSET.to_bits() {
            self.time_value.next = self.timer.now.val().get_bits::<32>(0);
        }
        if self.offset.val() == abi::processor::peripherals::time_high::OFFSET.to_bits() {
            self.time_value.next = self.timer.now.val().get_bits::<32>(32);
        }
        if self.offset.val() == abi::processor::peripherals::compare_low::OFFSET.to_bits() {
            self.time_value.next = self.timer.compare.val().get_bits::<32>(0);
        }
        if self.offset.val() == abi::processor::peripherals::compare_high::OFFSET.to_bits() {
            self.time_value.next = self.timer.compare.val().get_bits::<32>(32);
        }
        self.queue_value.next = 0.into();
        self.completion_read.next = false;
        self.event_read.next = false;
        if self.offset.val() == abi::processor::peripherals::completion::OFFSET.to_bits() {
            self.completion_read.next =
                self.load.val() & self.is_register.val() & !self.completion_empty.val();
            if !self.completion_empty.val() {
                self.queue_value.next =
                    bit_cast::<32, 24>(self.completion.val()) | self.valid_bit.val();
            }
        }
        if self.offset.val() == abi::processor::peripherals::event_low::OFFSET.to_bits() {
            if !self.event_empty.val() {
                self.queue_value.next = self.event_low.val();
            }
        }
        if self.offset.val() == abi::processor::peripherals::event_high::OFFSET.to_bits() {
            self.event_read.next =
                self.load.val() & self.is_register.val() & !self.event_empty.val();
            if !self.event_empty.val() {
                self.queue_value.next = self.event_word.val().data;
            }
        }
        self.captured_read.next = false;
        self.missed_read.next = false;
        if self.offset.val() == abi::processor::peripherals::captured::OFFSET.to_bits() {
            self.captured_read.next =
                self.load.val() & self.is_register.val() & !self.captured_empty.val();
            if !self.captured_empty.val() {
                self.queue_value.next =
                    bit_cast::<32, 12>(self.captured.val()) | self.valid_bit.val();
            }
        }
        if self.offset.val() == abi::processor::peripherals::missed::OFFSET.to_bits() {
            self.missed_read.next =
                self.load.val() & self.is_register.val() & !self.missed_empty.val();
            if !self.missed_empty.val() {
                self.queue_value.next =
                    bit_cast::<32, 12>(self.missed.val()) | self.valid_bit.val();
            }
        }
        if self.offset.val() == abi::processor::peripherals::waiting::OFFSET.to_bits() {
            // The bits above tell of nothing to take and of no room: the register tells the opposite.
            self.queue_value.next = (self.waiting.val() ^ self.space_bits.val())
                | (bit_cast::<32, 1>(self.event_pending.val().into())
                    << abi::processor::peripherals::waiting::event_pending::SHIFT.to_bits::<5>());
        }

        self.work_waits.next = self.event_pending.val()
            | !(self.completion_empty.val()
                & self.event_empty.val()
                & self.captured_empty.val()
                & self.missed_empty.val());

        // Windows.
        self.inbox_address.next = self.address.val().get_bits::<7>(4);
        self.inbox_word.next = self.inbox_data.val().get_bits::<32>(0);
        if self.lane.val() == 1 {
            self.inbox_word.next = self.inbox_data.val().get_bits::<32>(32);
        }
        if self.lane.val() == 2 {
            self.inbox_word.next = self.inbox_data.val().get_bits::<32>(64);
        }
        if self.lane.val() == 3 {
            self.inbox_word.next = self.inbox_data.val().get_bits::<32>(96);
        }
        self.outbox_address.next = self.address.val().get_bits::<9>(4);
        self.outbox_data.next = bit_cast::<128, 32>(self.bus.write_data.val())
            | (bit_cast::<128, 32>(self.bus.write_data.val()) << 32)
            | (bit_cast::<128, 32>(self.bus.write_data.val()) << 64)
            | (bit_cast::<128, 32>(self.bus.write_data.val()) << 96);
        self.outbox_enables.next = 0.into();
        if self.store.val() & self.is_outbox.val() {
            self.outbox_enables.next =
                bit_cast::<16, 4>(self.bus.select.val()) << self.lane_shift.val();
        }
        self.control_request.next = self.address.val().get_bits::<12>(0);
        self.control_request_write.next =
            self.load.val() & self.is_control.val() & !self.control_request_full.val();
        self.control_response_read.next = false;

        // Stores that can find no room.
        self.wait_for_room.next = false;
        self.clear_word.next = self.address.val().get_bits::<7>(2);
        self.clear_write.next = false;
        self.clear.next = bit_cast::<41, 32>(self.bus.write_data.val())
            | (bit_cast::<41, 7>(self.clear_word.val()) << 32)
            | (bit_cast::<41, 1>(self.is_queue_clear.val().into()) << 39)
            | (bit_cast::<41, 1>(self.is_endpoint_clear.val().into()) << 40);
        if self.is_endpoint_clear.val()
            | self.is_queue_clear.val()
            | (self.is_register.val()
                & (self.offset.val() == abi::processor::peripherals::event_clear::OFFSET.to_bits()))
        {
            self.clear_write.next = self.store.val() & !self.clear_full.val();
            self.wait_for_room.next = self.store.val() & self.clear_full.val();
        }
        self.command_0_write.next = false;
        self.command_1_write.next = false;
        self.command.next = bit_cast::<128, 32>(self.queue_0_0.q.val())
            | (bit_cast::<128, 32>(self.queue_0_1.q.val()) << 32)
            | (bit_cast::<128, 32>(self.queue_0_2.q.val()) << 64)
            | (bit_cast::<128, 32>(self.bus.write_data.val()) << 96);
        if self.is_command_1.val() {
            self.command.next = bit_cast::<128, 32>(self.queue_1_0.q.val())
                | (bit_cast::<128, 32>(self.queue_1_1.q.val()) << 32)
                | (bit_cast::<128, 32>(self.queue_1_2.q.val()) << 64)
                | (bit_cast::<128, 32>(self.bus.write_data.val()) << 96);
        }
        if self.is_command_0.val() & self.store.val() {
            if self.lane.val() == 3 {
                self.command_0_write.next = !self.command_0_full.val();
                self.wait_for_room.next = self.command_0_full.val();
            }
        }
        if self.is_command_1.val() & self.store.val() {
            if self.lane.val() == 3 {
                self.command_1_write.next = !self.command_1_full.val();
                self.wait_for_room.next = self.command_1_full.val();
            }
        }
        if self.store.val()
            & self.is_register.val()
            & (self.offset.val() == abi::processor::peripherals::heartbeat::OFFSET.to_bits())
        {
            self.beat.d.next = !self.beat.q.val();
        }
        self.heartbeat_toggle.next = self.beat.q.val();
        if self.store.val() & self.is_command_0.val() {
            if self.lane.val() == 0 {
                self.queue_0_0.d.next = self.bus.write_data.val();
            }
            if self.lane.val() == 1 {
                self.queue_0_1.d.next = self.bus.write_data.val();
            }
            if self.lane.val() == 2 {
                self.queue_0_2.d.next = self.bus.write_data.val();
            }
        }
        if self.store.val() & self.is_command_1.val() {
            if self.lane.val() == 0 {
                self.queue_1_0.d.next = self.bus.write_data.val();
            }
            if self.lane.val() == 1 {
                self.queue_1_1.d.next = self.bus.write_data.val();
            }
            if self.lane.val() == 2 {
                self.queue_1_2.d.next = self.bus.write_data.val();
            }
        }

        // The access.
        self.bus.acknowledge.next = false;
        match self.state.q.val() {
            PeripheralState::Idle => {
                self.abandoned.d.next = false;
                self.from_inbox.d.next = self.is_inbox.val();
                self.read_data.d.next = 0.into();
                if self.is_register.val() {
                    self.read_data.d.next = self.time_value.val() | self.queue_value.val();
                }
                if self.access.val() & !self.wait_for_room.val() {
                    self.state.d.next = PeripheralState::Acknowledge;
                }
                if self.load.val() & self.is_control.val() {
                    self.state.d.next = PeripheralState::Idle;
                    if !self.control_request_full.val() {
                        self.state.d.next = PeripheralState::Control;
                    }
                }
            }
            PeripheralState::Control => {
                // The answer of an access that was given up is still taken, so that it does not answer the next.
                self.abandoned.d.next = self.abandoned.q.val()
                    | self.core_reset.val()
                    | !(self.bus.cycle.val() & self.bus.strobe.val());
                self.read_data.d.next = self.control_response.val();
                self.control_response_read.next = !self.control_response_empty.val();
                if !self.control_response_empty.val() {
                    self.state.d.next = PeripheralState::Acknowledge;
                    if self.abandoned.q.val() {
                        self.state.d.next = PeripheralState::Idle;
                    }
                }
            }
            PeripheralState::Acknowledge => {
                self.bus.acknowledge.next = self.bus.cycle.val() & self.bus.strobe.val();
                self.state.d.next = PeripheralState::Idle;
            }
            _ => {
                self.state.d.next = PeripheralState::Idle;
            }
        }
        self.bus.read_data.next = self.read_data.q.val();
        if self.from_inbox.q.val() {
            self.bus.read_data.next = self.inbox_word.val();
        }

        if self.reset.val() {
            self.state.d.next = PeripheralState::Idle;
            self.abandoned.d.next = false;
            self.beat.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;

//! The control part of the receive queues' records.

use crate::library::block_ram::BlockRam;
use crate::library::fixed::Fixed;
use crate::queues::queue_select::QueueWord;
use rust_hdl::prelude::*;

/// The control word that takes effect.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ControlChange {
    /// It takes effect in this cycle.
    pub valid: Bit,
    /// Resident receive queue.
    pub queue: Bits<8>,
    /// The queue takes messages from now on, into an empty ring.
    pub enabled: Bit,
    /// Base-2 logarithm of the ring's entries.
    pub entries_log2: Bits<4>,
}

/// The control part of a record.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ReceiveControl {
    /// The queue takes messages.
    pub enabled: Bit,
    /// RQID.
    pub receive_queue_id: Bits<12>,
    /// Bits of an index that number an entry of the ring.
    pub index_mask: Bits<15>,
    /// Base-2 logarithm of an entry's bytes, less 4.
    pub stride: Bits<3>,
    /// Address of the ring, bits 63:5.
    pub ring: Bits<59>,
    /// The ring is the miss ring: the queue has no RQID of its own.
    pub takes_misses: Bit,
    /// A message that finds the ring full is dropped.
    pub drops: Bit,
}

/// What firmware says of 2^`QUEUES_LOG2` receive queues (region 2 of `abi::queue_state`).
///
/// Contract: after reset no queue is enabled; the memory clears itself, a word a cycle. Nothing may be written before
/// `ready`. Two control words are at least two cycles apart. What is read in the cycle of a change, or in the one
/// before, does not count: `settled` is low in the two cycles in which it would be there.
///
/// Latency: `read_queue` in cycle t, `control` in t + 1. A control word takes effect in the cycle
/// after `configuration`.
#[derive(LogicBlock, Default)]
pub struct ControlPart<const QUEUES_LOG2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// The memory is clear.
    pub ready: Signal<Out, Bit>,
    pub configuration: Signal<In, QueueWord>,
    pub change: Signal<Out, ControlChange>,
    /// A control word takes effect in this cycle or the next.
    pub pending: Signal<Out, Bit>,
    /// `control` counts.
    pub settled: Signal<Out, Bit>,
    pub read_queue: Signal<In, Bits<8>>,
    pub control: Signal<Out, ReceiveControl>,

    /// `receive_queue_id`, above it `drops`, `index_mask` from bit 16 on, `stride`, `enabled` and `takes_misses`.
    controls: BlockRam<Bits<36>, QUEUES_LOG2>,
    rings: BlockRam<Bits<59>, QUEUES_LOG2>,
    clearing: DFF<Bit>,
    clear_address: DFF<Bits<QUEUES_LOG2>>,
    changes: DFF<Bit>,
    held: DFF<QueueWord>,
    changed: DFF<Bit>,

    queue: Signal<Local, Bits<8>>,
    written_queue: Signal<Local, Bits<8>>,
    word: Signal<Local, Bits<64>>,
    address_word: Signal<Local, Bits<64>>,
    enabled: Signal<Local, Bit>,
    takes_misses: Signal<Local, Bit>,
    drops: Signal<Local, Bit>,
    entries_log2: Signal<Local, Bits<4>>,
    stride_log2: Signal<Local, Bits<4>>,
    stride: Signal<Local, Bits<3>>,
    above: Signal<Local, Bits<15>>,
    mask: Signal<Local, Bits<15>>,
    row: Signal<Local, Bits<36>>,
    ones: Fixed<15, 0x7fff>,
}

impl<const QUEUES_LOG2: usize> Logic for ControlPart<QUEUES_LOG2> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, clearing, clear_address, changes, held, changed);
        clock!(self, clock, controls, rings);

        self.changes.d.next = self.configuration.val().control;
        if self.configuration.val().control {
            self.held.d.next = self.configuration.val();
        }
        self.changed.d.next = self.changes.q.val();
        self.pending.next = self.configuration.val().control | self.changes.q.val();
        self.settled.next = !self.changes.q.val() & !self.changed.q.val();

        self.word.next = self.held.q.val().word;
        self.enabled.next = self
            .word
            .val()
            .get_bit(abi::queue_state::receive_control::enabled::SHIFT);
        self.takes_misses.next = self
            .word
            .val()
            .get_bit(abi::queue_state::receive_control::takes_misses::SHIFT);
        self.drops.next = self
            .word
            .val()
            .get_bit(abi::queue_state::receive_control::drops::SHIFT);
        self.entries_log2.next = self
            .word
            .val()
            .get_bits::<4>(abi::queue_state::receive_control::entries_log2::SHIFT);
        self.change.next.valid = self.changes.q.val();
        self.change.next.queue = self.held.q.val().queue;
        self.change.next.enabled = self.enabled.val();
        self.change.next.entries_log2 = self.entries_log2.val();

        // Strides from 16 to 256 bytes: 4 to 8 become 0 to 4.
        self.stride_log2.next = self
            .word
            .val()
            .get_bits::<4>(abi::queue_state::receive_control::stride_log2::SHIFT);
        self.stride.next = bit_cast::<3, 2>(self.stride_log2.val().get_bits::<2>(0))
            | (bit_cast::<3, 1>(self.stride_log2.val().get_bit(3).into()) << 2);
        self.above.next = self.ones.val() << self.entries_log2.val();
        self.mask.next = !self.above.val();
        self.queue.next = self.held.q.val().queue;
        self.controls.write_address.next = self.queue.val().get_bits::<QUEUES_LOG2>(0);
        self.controls.write_data.next = bit_cast::<36, 12>(
            self.word
                .val()
                .get_bits::<12>(abi::queue_state::receive_control::receive_queue_id::SHIFT),
        ) | (bit_cast::<36, 1>(self.drops.val().into()) << 12)
            | (bit_cast::<36, 15>(self.mask.val()) << 16)
            | (bit_cast::<36, 3>(self.stride.val()) << 31)
            | (bit_cast::<36, 1>(self.enabled.val().into()) << 34)
            | (bit_cast::<36, 1>(self.takes_misses.val().into()) << 35);
        self.controls.write_enable.next = self.changes.q.val();
        if self.clearing.q.val() {
            self.controls.write_address.next = self.clear_address.q.val();
            self.controls.write_data.next = 0.into();
            self.controls.write_enable.next = true;
            self.clear_address.d.next = self.clear_address.q.val() + 1;
            self.clearing.d.next = !self.clear_address.q.val().all();
        }
        self.ready.next = !self.clearing.q.val();

        self.written_queue.next = self.configuration.val().queue;
        self.address_word.next = self.configuration.val().word;
        self.rings.write_address.next = self.written_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.rings.write_data.next = self.address_word.val().get_bits::<59>(5);
        self.rings.write_enable.next = self.configuration.val().address;

        self.controls.read_address.next = self.read_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.rings.read_address.next = self.read_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.row.next = self.controls.read_data.val();
        self.control.next.receive_queue_id = self.row.val().get_bits::<12>(0);
        self.control.next.index_mask = self.row.val().get_bits::<15>(16);
        self.control.next.stride = self.row.val().get_bits::<3>(31);
        self.control.next.enabled = self.row.val().get_bit(34);
        self.control.next.ring = self.rings.read_data.val();
        self.control.next.takes_misses = self.row.val().get_bit(35);
        self.control.next.drops = self.row.val().get_bit(12);

        if self.reset.val() {
            self.clearing.d.next = true;
            self.clear_address.d.next = 0.into();
            self.changes.d.next = false;
            self.changed.d.next = false;
        }
    }
}

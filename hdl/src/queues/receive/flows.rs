//! Which senders' queues the receiver does not listen to.

use crate::library::block_ram::BlockRam;
use rust_hdl::prelude::*;

/// One bit for each transmit queue of each node: its messages are skipped until it restarts (V18, flow control of a full ring).
///
/// Contract: after reset the table clears itself, one bit a cycle; nothing is read or written before `ready`.
///
/// Latency: `node` and `queue` in cycle t, `skipping` in t + 1. A write counts for reads from the second cycle behind it on:
/// what is remembered follows from what was looked up, and a register stands between.
#[derive(LogicBlock)]
pub struct ReceiveFlows {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Source node to look up.
    pub node: Signal<In, Bits<6>>,
    /// Its transmit queue.
    pub queue: Signal<In, Bits<4>>,
    /// Source node to remember.
    pub write_node: Signal<In, Bits<6>>,
    /// Its transmit queue.
    pub write_queue: Signal<In, Bits<4>>,
    /// Remember `skip` for this queue.
    pub write: Signal<In, Bit>,
    /// What to remember.
    pub skip: Signal<In, Bit>,
    /// The queue named in the cycle before is not listened to.
    pub skipping: Signal<Out, Bit>,
    /// The table is clear.
    pub ready: Signal<Out, Bit>,
    table_ram: BlockRam<Bits<1>, 10>,
    clearing: DFF<Bit>,
    clear_address: DFF<Bits<10>>,
    written: DFF<Bit>,
    written_address: DFF<Bits<10>>,
    written_skip: DFF<Bit>,
    last_address: Constant<Bits<10>>,
}

impl Default for ReceiveFlows {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            node: Default::default(),
            queue: Default::default(),
            write_node: Default::default(),
            write_queue: Default::default(),
            write: Default::default(),
            skip: Default::default(),
            skipping: Default::default(),
            ready: Default::default(),
            table_ram: Default::default(),
            clearing: Default::default(),
            clear_address: Default::default(),
            written: Default::default(),
            written_address: Default::default(),
            written_skip: Default::default(),
            last_address: Constant::new(1023u64.to_bits()),
        }
    }
}

impl Logic for ReceiveFlows {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            clearing,
            clear_address,
            written,
            written_address,
            written_skip
        );
        clock!(self, clock, table_ram);

        self.table_ram.read_address.next =
            (bit_cast::<10, 6>(self.node.val()) << 4) | bit_cast::<10, 4>(self.queue.val());
        self.written.d.next = self.write.val();
        self.written_address.d.next = (bit_cast::<10, 6>(self.write_node.val()) << 4)
            | bit_cast::<10, 4>(self.write_queue.val());
        self.written_skip.d.next = self.skip.val();
        self.table_ram.write_address.next = self.written_address.q.val();
        self.table_ram.write_enable.next = self.written.q.val();
        self.table_ram.write_data.next = self.written_skip.q.val().into();
        if self.clearing.q.val() {
            self.table_ram.write_address.next = self.clear_address.q.val();
            self.table_ram.write_enable.next = true;
            self.table_ram.write_data.next = 0.into();
            self.clear_address.d.next = self.clear_address.q.val() + 1;
            if self.clear_address.q.val() == self.last_address.val() {
                self.clearing.d.next = false;
            }
        }
        self.skipping.next = self.table_ram.read_data.val().any();
        self.ready.next = !self.clearing.q.val();

        if self.reset.val() {
            self.clearing.d.next = true;
            self.clear_address.d.next = 0.into();
            self.written.d.next = false;
        }
    }
}

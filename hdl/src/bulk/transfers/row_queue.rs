//! Whose transfer stands in a row.

use rust_hdl::prelude::*;

/// Keeps the transmit queue of a row of `TransferEngine`, and compares it with one that is asked for.
///
/// Latency: `takes` in cycle t, compared from t + 1 on; `is_asked` follows `asked` in the same cycle.
#[derive(LogicBlock, Default)]
pub struct RowQueue {
    pub clock: Signal<In, Clock>,
    pub takes: Signal<In, Bit>,
    pub queue: Signal<In, Bits<8>>,
    pub asked: Signal<In, Bits<8>>,
    pub is_asked: Signal<Out, Bit>,
    kept: DFF<Bits<8>>,
}

impl Logic for RowQueue {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, kept);
        self.is_asked.next = self.kept.q.val() == self.asked.val();
        if self.takes.val() {
            self.kept.d.next = self.queue.val();
        }
    }
}

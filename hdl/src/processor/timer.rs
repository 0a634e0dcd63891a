//! The service processor's clock and alarm.

use rust_hdl::prelude::*;

/// 64 bits of processor cycles, and an interrupt while they are at or past a limit.
///
/// `interrupt` follows time and limit one cycle later. The limit starts at its largest value.
#[derive(LogicBlock)]
pub struct Timer {
    /// Processor clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: time zero, no alarm.
    pub reset: Signal<In, Bit>,
    /// Time stands still.
    pub stop: Signal<In, Bit>,
    /// The limit's low half becomes `data`.
    pub write_low: Signal<In, Bit>,
    /// The limit's high half becomes `data`.
    pub write_high: Signal<In, Bit>,
    /// What to write.
    pub data: Signal<In, Bits<32>>,
    /// The time.
    pub now: Signal<Out, Bits<64>>,
    /// The limit.
    pub compare: Signal<Out, Bits<64>>,
    /// Level: the time is at or past the limit.
    pub interrupt: Signal<Out, Bit>,
    count: DFF<Bits<64>>,
    low: DFF<Bits<32>>,
    high: DFF<Bits<32>>,
    due: DFF<Bit>,
    limit: Signal<Local, Bits<64>>,
    never: Constant<Bits<32>>,
}

impl Default for Timer {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            stop: Default::default(),
            write_low: Default::default(),
            write_high: Default::default(),
            data: Default::default(),
            now: Default::default(),
            compare: Default::default(),
            interrupt: Default::default(),
            count: Default::default(),
            low: Default::default(),
            high: Default::default(),
            due: Default::default(),
            limit: Default::default(),
            never: Constant::new(u32::MAX.to_bits()),
        }
    }
}

impl Logic for Timer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count, low, high, due);
        if !self.stop.val() {
            self.count.d.next = self.count.q.val() + 1;
        }
        if self.write_low.val() {
            self.low.d.next = self.data.val();
        }
        if self.write_high.val() {
            self.high.d.next = self.data.val();
        }
        self.limit.next =
            bit_cast::<64, 32>(self.low.q.val()) | (bit_cast::<64, 32>(self.high.q.val()) << 32);
        self.due.d.next = self.count.q.val() >= self.limit.val();
        self.now.next = self.count.q.val();
        self.compare.next = self.limit.val();
        self.interrupt.next = self.due.q.val();
        if self.reset.val() {
            self.count.d.next = 0.into();
            self.low.d.next = self.never.val();
            self.high.d.next = self.never.val();
            self.due.d.next = false;
        }
    }
}

//! Reports of messages in the miss ring.

use crate::library::fifo::Fifo;
use rust_hdl::prelude::*;

/// RQIDs of the messages in the miss ring, in the ring's order, each once its entry has its place in the order of the
/// NIU's writes: a read of host memory that is requested afterwards finds the entry.
///
/// Up to 32 reports are counted from the message's verdict on, so that none is ever lost.
///
/// Contract: `reserve` may come only in a cycle with `room`. For each there is one `entered` later, in their order.
/// `written` comes for the last beat of each write packet, after the cycle in which it was taken and no later than the
/// cycle in which the next packet's last beat is taken. `missed_valid` and `missed_id` stay until `missed_ready`.
///
/// Latency: `written` in cycle t, `missed_valid` in t + 1.
#[derive(LogicBlock, Default)]
pub struct MissReports {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// One more report can be counted.
    pub room: Signal<Out, Bit>,
    /// Pulse: a message is accepted into the miss ring.
    pub reserve: Signal<In, Bit>,
    /// Pulse: the last beat of its entry was taken. `entered_id` is its RQID.
    pub entered: Signal<In, Bit>,
    pub entered_id: Signal<In, Bits<12>>,
    /// Pulse: a packet whose last beat was taken has its place in the order.
    pub written: Signal<In, Bit>,
    /// The oldest report.
    pub missed_valid: Signal<Out, Bit>,
    pub missed_id: Signal<Out, Bits<12>>,
    /// It is taken in this cycle.
    pub missed_ready: Signal<In, Bit>,

    reports: Fifo<Bits<12>, 5, 6>,
    /// Reports from their message's verdict on.
    count: DFF<Bits<6>>,
    /// An entry was taken that was not `written` yet.
    waits: DFF<Bit>,
    id: DFF<Bits<12>>,
    leaves: Signal<Local, Bit>,
}

impl Logic for MissReports {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count, waits, id);
        clock!(self, clock, reports);
        self.reports.reset.next = self.reset.val();
        self.room.next = !self.count.q.val().get_bit(5);

        if self.written.val() {
            self.waits.d.next = false;
        }
        if self.entered.val() {
            self.waits.d.next = true;
            self.id.d.next = self.entered_id.val();
        }
        self.reports.write.next = self.waits.q.val() & self.written.val();
        self.reports.data_in.next = self.id.q.val();
        self.reports.read.next = self.missed_ready.val();
        self.missed_valid.next = !self.reports.empty.val();
        self.missed_id.next = self.reports.data_out.val();

        self.leaves.next = !self.reports.empty.val() & self.missed_ready.val();
        if self.reserve.val() & !self.leaves.val() {
            self.count.d.next = self.count.q.val() + 1;
        }
        if !self.reserve.val() & self.leaves.val() {
            self.count.d.next = self.count.q.val() - 1;
        }
        if self.reset.val() {
            self.count.d.next = 0.into();
            self.waits.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, prove_inside, settle};
    use std::collections::VecDeque;

    /// Messages from their verdict over the register behind the writer to firmware, others between them.
    #[test]
    fn each_report_comes_once_in_order_and_behind_its_write() {
        let seed = 17;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = MissReports::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        // Accepted and not entered; the packet in the register, if it is an entry of the miss ring with its RQID;
        // written and not taken.
        let mut accepted: VecDeque<u64> = VecDeque::new();
        let mut register: Option<Option<u64>> = None;
        let mut reports: VecDeque<u64> = VecDeque::new();
        let (mut total, mut refused, mut reserved_at) = (0, 0, 0);
        for cycle in 2..20_000u64 {
            let phase = cycle / 500 % 4;
            let counted =
                accepted.len() + usize::from(register.flatten().is_some()) + reports.len();
            let moves = register.is_some() && random.chance([80, 20, 80, 50][phase as usize]);
            let enters = (register.is_none() || moves) && random.chance(60);
            let entry = if enters && random.chance(70) {
                accepted.pop_front()
            } else {
                None
            };
            let wants = cycle >= reserved_at + 2 && random.chance(70);
            let ready = random.chance([90, 50, 3, 90][phase as usize]);
            unit.entered.next = entry.is_some();
            unit.entered_id.next = entry.unwrap_or_else(|| random.below(4096)).to_bits();
            unit.written.next = moves;
            unit.missed_ready.next = ready;
            settle(&mut unit);
            assert_eq!(unit.room.val(), counted < 32, "cycle {cycle}");
            let reserves = wants && unit.room.val();
            refused += u32::from(wants && !unit.room.val());
            unit.reserve.next = reserves;
            settle(&mut unit);
            assert_eq!(
                unit.missed_valid.val(),
                !reports.is_empty(),
                "cycle {cycle}"
            );
            if let Some(&oldest) = reports.front() {
                assert_eq!(unit.missed_id.val().to_u64(), oldest, "cycle {cycle}");
                if ready {
                    reports.pop_front();
                    total += 1;
                }
            }
            clock_cycle!(unit, clock);
            if moves {
                reports.extend(register.take().flatten());
            }
            if enters {
                register = Some(entry);
            }
            if reserves {
                reserved_at = cycle;
                accepted.push_back(random.below(4096));
            }
        }
        assert!(
            total > 2000 && refused > 500,
            "{total} reports, {refused} refused"
        );
    }

    #[test]
    fn gate() {
        let mut on_way = 0;
        Gate::new("miss_reports", MissReports::default())
            .clock(|unit| &mut unit.clock)
            .cycles(4000)
            .run(move |unit, random, cycle| {
                unit.reset.next = cycle < 2 || random.below(500) == 0;
                if unit.reset.next {
                    on_way = 0;
                }
                unit.reserve.next = cycle > 2
                    && !unit.reset.next
                    && unit.room.val()
                    && !unit.reserve.val()
                    && random.chance(50);
                unit.entered.next = !unit.reset.next && on_way > 0 && random.chance(40);
                on_way += i32::from(unit.reserve.next) - i32::from(unit.entered.next);
                unit.entered_id.next = random.bits();
                unit.written.next = random.chance(50) || unit.entered.next;
                unit.missed_ready.next = random.chance(if cycle / 500 % 2 == 0 { 10 } else { 60 });
            });
    }

    /// Whoever keeps to the contract never finds the FIFO full, and the count is that of all reports.
    #[test]
    fn no_report_is_lost() {
        prove_inside(
            "miss_reports_proved",
            MissReports::default(),
            2,
            "module properties(input clock, input wants, input enters, input written, input ready, input [11:0] id);
               wire room, valid;
               wire [11:0] missed_id;
               reg [5:0] on_way = 0, stored = 0;
               reg waits = 0;
               wire reserve = wants && room;
               wire entered = enters && on_way != 0 && (!waits || written);
               wire stores = waits && written;
               miss_reports_proved unit(.clock(clock), .reset(1'b0), .room(room), .reserve(reserve),
                 .entered(entered), .entered_id(id), .written(written), .missed_valid(valid),
                 .missed_id(missed_id), .missed_ready(ready));
               always @(posedge clock) begin
                 on_way <= on_way + reserve - entered;
                 waits <= entered || waits && !written;
                 stored <= stored + stores - (ready && stored != 0);
               end
               always @(*) begin
                 assert (on_way + waits + stored <= 32);
                 assert (room == (on_way + waits + stored != 32));
                 assert (valid == (stored != 0));
                 assert (!stores || stored != 32);
                 assert (unit.count$q == on_way + waits + stored && unit.waits$q == waits);
                 assert (unit.reports.stored$q == stored && unit.reports.any$q == (stored != 0));
                 assert (unit.reports.is_full$q == (stored == 32));
               end
             endmodule",
        );
    }
}

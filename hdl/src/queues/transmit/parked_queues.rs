//! Transmit queues that wait for a transfer.

use crate::bundles::Unpark;
use crate::configuration::TRANSMIT_QUEUES_LOG2;
use crate::library::bit_ram::BitRam;
use crate::library::reset_sweep::ResetSweep;
use crate::queues::queue_select::QueueWord;
use rust_hdl::prelude::*;

/// A bit for each queue: it is parked, and sends nothing until it is unparked or begins anew.
///
/// A queue that is unparked may have more to send, so it joins the queues that open again (`ReadyQueues::reopen`);
/// those that TransmitAnswers opens go first. An unpark of a queue that is not parked only does that.
///
/// Contract: `is_parked` follows `look_queue` in the same cycle. `park` and a control word with `enabled` take effect
/// at the clock edge. `unpark` is taken in a cycle with `unpark_ready`, and waits until then; the queue is not parked
/// from the next cycle on. It must not come in the cycle of a `park` of the same queue or before. `reopen` in and out
/// wait for their `ready`. In the `2^N` cycles after reset the bits are cleared: nothing may be parked or unparked.
///
/// Latency: from `unpark` to `reopen_valid`: one cycle.
#[derive(LogicBlock, Default)]
pub struct ParkedQueues<const N: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// `abi::queue_state::transmit_control`: with `enabled` the queue begins anew.
    pub configuration: Signal<In, QueueWord>,
    pub park: Signal<In, Bit>,
    pub park_queue: Signal<In, Bits<8>>,
    pub unpark: Signal<In, Unpark>,
    pub unpark_ready: Signal<Out, Bit>,
    pub look_queue: Signal<In, Bits<8>>,
    pub is_parked: Signal<Out, Bit>,
    /// Queues that open again: as TransmitAnswers tells it, and as it goes on.
    pub open_valid: Signal<In, Bit>,
    pub open_ready: Signal<Out, Bit>,
    pub open_queue: Signal<In, Bits<8>>,
    pub reopen_valid: Signal<Out, Bit>,
    pub reopen_ready: Signal<In, Bit>,
    pub reopen_queue: Signal<Out, Bits<8>>,

    of_park: BitRam<N>,
    of_unpark: BitRam<N>,
    sweep: ResetSweep<N>,
    /// A queue was unparked and is to open again.
    opens: DFF<Bit>,
    opening: DFF<Bits<8>>,

    word: Signal<Local, Bits<64>>,
    begins: Signal<Local, Bit>,
    unparking: Signal<Local, Bits<8>>,
    cleared: Signal<Local, Bits<8>>,
    unparks: Signal<Local, Bit>,
}

/// Those of the NIU.
pub type DefaultParkedQueues = ParkedQueues<{ TRANSMIT_QUEUES_LOG2 }>;

impl<const N: usize> Logic for ParkedQueues<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, opens, opening);
        clock!(self, clock, of_park, of_unpark, sweep);
        self.sweep.reset.next = self.reset.val();
        self.of_park.clears.next = self.sweep.clears.val();
        self.of_park.clear_index.next = self.sweep.index.val();
        self.of_unpark.clears.next = self.sweep.clears.val();
        self.of_unpark.clear_index.next = self.sweep.index.val();

        // Who is unparked: a queue that begins anew first.
        self.word.next = self.configuration.val().word;
        self.begins.next = self.configuration.val().control
            & self
                .word
                .val()
                .get_bit(abi::queue_state::transmit_control::enabled::SHIFT);
        self.unparking.next = self.unpark.val().queue;
        self.unpark_ready.next = !self.begins.val() & !self.opens.q.val();
        self.unparks.next = self.unpark.val().valid & !self.begins.val() & !self.opens.q.val();
        self.cleared.next = self.unparking.val();
        if self.begins.val() {
            self.cleared.next = self.configuration.val().queue;
        }

        // A queue is parked if one of the two has inverted its bit once more than the other.
        self.of_park.index.next = self.park_queue.val().get_bits::<N>(0);
        self.of_unpark.second_index.next = self.park_queue.val().get_bits::<N>(0);
        self.of_park.inverts.next =
            self.park.val() & (self.of_park.own.val() == self.of_unpark.second.val());
        self.of_unpark.index.next = self.cleared.val().get_bits::<N>(0);
        self.of_park.second_index.next = self.cleared.val().get_bits::<N>(0);
        self.of_unpark.inverts.next = (self.unparks.val() | self.begins.val())
            & (self.of_unpark.own.val() != self.of_park.second.val());
        self.of_park.first_index.next = self.look_queue.val().get_bits::<N>(0);
        self.of_unpark.first_index.next = self.look_queue.val().get_bits::<N>(0);
        self.is_parked.next = self.of_park.first.val() != self.of_unpark.first.val();

        // Who opens again.
        self.reopen_valid.next = self.open_valid.val() | self.opens.q.val();
        self.reopen_queue.next = self.opening.q.val();
        if self.open_valid.val() {
            self.reopen_queue.next = self.open_queue.val();
        }
        self.open_ready.next = self.reopen_ready.val();
        if self.reopen_ready.val() & !self.open_valid.val() {
            self.opens.d.next = false;
        }
        if !self.opens.q.val() {
            self.opens.d.next = self.unparks.val();
            self.opening.d.next = self.unparking.val();
        }
        if self.reset.val() {
            self.opens.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use crate::queues::test_support::control;

    /// Queues park, are unparked and begin anew at random; each unpark opens its queue once, behind those of
    /// TransmitAnswers.
    #[test]
    fn a_queue_is_parked_until_it_is_unparked_or_begins_anew() {
        const QUEUES: u64 = 8;
        let seed = 5;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = ParkedQueues::<3>::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        for _ in 0..QUEUES {
            clock_cycle!(unit, clock);
        }
        let mut parked = [false; QUEUES as usize];
        let mut to_open = None;
        let (mut unparks, mut spare, mut opened) = (0, 0, 0);
        for _ in 0..20_000 {
            let [park, unpark, look, begins] = [0; 4].map(|_| random.below(QUEUES));
            let parks = random.chance(30);
            unit.park.next = parks;
            unit.park_queue.next = park.to_bits();
            let enabled = random.chance(50);
            unit.configuration.next = control(begins, u64::from(enabled));
            unit.configuration.next.control = random.chance(10);
            unit.open_valid.next = random.chance(20);
            unit.open_queue.next = random.bits();
            unit.reopen_ready.next = random.chance(70);
            let wants = random.chance(50) && !(parks && park == unpark);
            unit.unpark.next.valid = wants;
            unit.unpark.next.queue = unpark.to_bits();
            unit.look_queue.next = look.to_bits();
            settle(&mut unit);
            assert_eq!(unit.is_parked.val(), parked[look as usize]);
            let opens = unit.reopen_valid.val() && unit.reopen_ready.val();
            if unit.open_valid.val() {
                assert!(unit.reopen_valid.val());
                assert_eq!(unit.reopen_queue.val(), unit.open_queue.val());
                assert_eq!(unit.open_ready.val(), unit.reopen_ready.val());
            } else {
                assert_eq!(
                    unit.reopen_valid
                        .val()
                        .then(|| unit.reopen_queue.val().to_u64()),
                    to_open
                );
            }
            let ready = unit.unpark_ready.val();
            let restarts = unit.configuration.next.control && enabled;
            assert_eq!(ready, to_open.is_none() && !restarts);
            if opens && !unit.open_valid.val() {
                to_open = None;
                opened += 1;
            }
            if wants && ready {
                unparks += 1;
                spare += usize::from(!parked[unpark as usize]);
                parked[unpark as usize] = false;
                to_open = Some(unpark);
            }
            // A park of the cycle in which the queue begins counts if it was not parked.
            let begins = begins as usize;
            if restarts {
                let stays = parks && park as usize == begins && !parked[begins];
                parked[begins] = stays;
            }
            if parks && !(restarts && park as usize == begins) {
                parked[park as usize] = true;
            }
            clock_cycle!(unit, clock);
        }
        println!("{unparks} unparked, {spare} of them in vain, {opened} opened");
        assert!(unparks > 3000 && spare > 300 && opened + 1 >= unparks);
    }

    #[test]
    fn gate() {
        Gate::new("parked_queues", ParkedQueues::<6>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                let settled = cycle > 70;
                unit.park.next = settled && random.chance(30);
                unit.park_queue.next = random.below(8).to_bits();
                unit.unpark.next.valid = settled && random.chance(40);
                unit.unpark.next.queue = random.below(8).to_bits();
                unit.configuration.next = control(random.below(8), random.word());
                unit.configuration.next.control = settled && random.chance(10);
                unit.look_queue.next = random.below(8).to_bits();
                unit.open_valid.next = random.chance(20);
                unit.open_queue.next = random.bits();
                unit.reopen_ready.next = random.chance(60);
            });
    }
}

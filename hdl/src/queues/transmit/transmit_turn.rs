//! Which transmit queue's turn it is.

use crate::library::round_robin::RoundRobin;
use crate::queues::queue_select::QueueWord;
use rust_hdl::prelude::*;

/// Chooses among the queues that ask: those with priority first, in turn among equals (V20).
///
/// A queue without priority has its turn all the same when eight with priority went since one has been asking: priority
/// shortens a queue's wait and starves nobody.
///
/// Contract: as `RoundRobin`, with which it agrees while no queue has priority, or all have. Who has priority is what its
/// control word last said; it counts from the next cycle on.
///
/// Latency: none.
#[derive(LogicBlock, Default)]
pub struct TransmitTurn {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// `abi::queue_state::transmit_control`.
    pub configuration: Signal<In, QueueWord>,
    /// Queues that ask.
    pub requests: Signal<In, Bits<16>>,
    /// The choice is taken.
    pub advance: Signal<In, Bit>,
    /// A queue asks.
    pub any: Signal<Out, Bit>,
    /// The queue chosen.
    pub index: Signal<Out, Bits<4>>,
    first: RoundRobin<16, 4>,
    others: RoundRobin<16, 4>,
    /// Queues with priority.
    prior: DFF<Bits<16>>,
    /// Turns of queues with priority since another has been asking, eight at most.
    overtaken: DFF<Bits<4>>,
    takes_first: Signal<Local, Bit>,
    word: Signal<Local, Bits<64>>,
    place: Signal<Local, Bits<16>>,
}

impl Logic for TransmitTurn {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, prior, overtaken);
        clock!(self, clock, first, others);
        self.first.reset.next = self.reset.val();
        self.others.reset.next = self.reset.val();
        self.first.requests.next = self.requests.val() & self.prior.q.val();
        self.others.requests.next = self.requests.val() & !self.prior.q.val();
        self.takes_first.next =
            self.first.any.val() & !(self.others.any.val() & self.overtaken.q.val().get_bit(3));
        self.any.next = self.first.any.val() | self.others.any.val();
        self.index.next = self.others.index.val();
        if self.takes_first.val() {
            self.index.next = self.first.index.val();
        }
        self.first.advance.next = self.advance.val() & self.takes_first.val();
        self.others.advance.next = self.advance.val() & !self.takes_first.val();

        if self.advance.val() {
            self.overtaken.d.next = self.overtaken.q.val() + 1;
        }
        if !self.others.any.val() | (self.advance.val() & !self.takes_first.val()) {
            self.overtaken.d.next = 0.into();
        }

        self.word.next = self.configuration.val().word;
        self.place.next = bit_cast::<16, 1>(1.into()) << self.configuration.val().queue;
        if self.configuration.val().control {
            self.prior.d.next = self.prior.q.val() & !self.place.val();
            if self
                .word
                .val()
                .get_bit(abi::queue_state::transmit_control::priority::SHIFT)
            {
                self.prior.d.next = self.prior.q.val() | self.place.val();
            }
        }

        if self.reset.val() {
            self.prior.d.next = 0.into();
            self.overtaken.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use crate::queues::test_support::control;

    /// The next of `mask` behind `last`, going round.
    fn next_of(mask: u64, last: u64) -> u64 {
        (1..=16)
            .map(|step| (last + step) % 16)
            .find(|queue| mask >> queue & 1 == 1)
            .expect("one asks")
    }

    #[test]
    fn those_with_priority_go_first_and_the_others_after_eight_of_them() {
        let seed = 5;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = TransmitTurn::default();
        unit.connect_all();
        unit.reset.next = true;
        settle(&mut unit);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let (mut prior, mut last, mut overtaken) = (0u64, [15u64; 2], 0);
        let (mut preferred, mut aged) = (0, 0);
        for cycle in 0..20_000u64 {
            let requests = random.below(1 << 16) & random.below(1 << 16);
            let advance = random.chance(60);
            let written = random
                .chance(2)
                .then(|| (random.below(16), random.below(8)));
            unit.requests.next = requests.to_bits();
            unit.advance.next = advance;
            unit.configuration.next =
                written.map_or_else(QueueWord::default, |(queue, word)| control(queue, word));
            settle(&mut unit);
            assert_eq!(unit.any.val(), requests != 0);
            if requests != 0 {
                let (first, others) = (requests & prior, requests & !prior);
                let takes_first = first != 0 && !(others != 0 && overtaken == 8);
                preferred += u32::from(takes_first && others != 0);
                aged += u32::from(!takes_first && first != 0);
                let (mask, turn) = if takes_first { (first, 0) } else { (others, 1) };
                let expected = next_of(mask, last[turn]);
                assert_eq!(unit.index.val().to_u64(), expected, "cycle {cycle}");
                if advance {
                    last[turn] = expected;
                    overtaken = if takes_first { overtaken + 1 } else { 0 };
                }
            }
            if requests & !prior == 0 {
                overtaken = 0;
            }
            if let Some((queue, word)) = written {
                prior &= !(1 << queue);
                prior |= (word >> 2 & 1) << queue;
            }
            clock_cycle!(unit, clock);
        }
        assert!(preferred > 1000 && aged > 100, "{preferred} {aged}");
    }

    #[test]
    fn gate() {
        Gate::new("transmit_turn", TransmitTurn::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2 || random.chance(1);
                unit.requests.next = random.bits();
                unit.advance.next = random.chance(60);
                unit.configuration.next = if random.chance(20) {
                    control(random.below(16), random.below(8))
                } else {
                    QueueWord::default()
                };
            });
    }
}

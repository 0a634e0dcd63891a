//! Fair choice among requests.

use super::first_one::FirstOne;
use rust_hdl::prelude::*;

/// Chooses among `W` requests, the one after the last grant first; `N` is the width of `index`, with `W <= 2^N`.
///
/// Contract: `any` and `index` follow `requests` in the same cycle; `index` is zero while `any` is low. With
/// `advance` the grant is taken at the clock edge: the search then begins behind `index`. Without `advance` a lane
/// that asks earlier in the order takes the grant away from a later one. A lane that keeps asking waits for at most
/// `W - 1` grants of others. After reset the search begins at lane 0.
///
/// Latency: none.
#[derive(LogicBlock)]
pub struct RoundRobin<const W: usize, const N: usize> {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Lanes that ask.
    pub requests: Signal<In, Bits<W>>,
    /// The grant is taken.
    pub advance: Signal<In, Bit>,
    /// A lane asks.
    pub any: Signal<Out, Bit>,
    /// The lane chosen.
    pub index: Signal<Out, Bits<N>>,

    /// The last grant's index, inverted, so that zero after reset lets the search begin at lane 0.
    inverted_last: DFF<Bits<N>>,
    last: Signal<Local, Bits<N>>,
    /// Lanes above the last grant.
    above: Signal<Local, Bits<W>>,
    first_above: FirstOne<W, N>,
    first: FirstOne<W, N>,
    chosen: Signal<Local, Bits<N>>,
    all_but_lowest: Constant<Bits<W>>,
}

impl<const W: usize, const N: usize> Default for RoundRobin<W, N> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            requests: Default::default(),
            advance: Default::default(),
            any: Default::default(),
            index: Default::default(),
            inverted_last: Default::default(),
            last: Default::default(),
            above: Default::default(),
            first_above: Default::default(),
            first: Default::default(),
            chosen: Default::default(),
            all_but_lowest: Constant::new(Bits::<W>::mask().replace_bit(0, false)),
        }
    }
}

impl<const W: usize, const N: usize> Logic for RoundRobin<W, N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, inverted_last);
        self.last.next = !self.inverted_last.q.val();
        self.above.next = self.all_but_lowest.val() << self.last.val();
        self.first_above.requests.next = self.requests.val() & self.above.val();
        self.first.requests.next = self.requests.val();
        self.chosen.next = self.first.index.val();
        if self.first_above.any.val() {
            self.chosen.next = self.first_above.index.val();
        }
        self.any.next = self.first.any.val();
        self.index.next = self.chosen.val();
        if self.advance.val() & self.first.any.val() {
            self.inverted_last.d.next = !self.chosen.val();
        }
        if self.reset.val() {
            self.inverted_last.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, prove, settle};

    fn follows_the_reference<const W: usize, const N: usize>(seed: u64) {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = RoundRobin::<W, N>::default();
        unit.connect_all();
        settle(&mut unit);
        let mut begin = 0;
        for _ in 0..2000 {
            let density = random.below(100);
            let lanes: Vec<bool> = (0..W).map(|_| random.chance(density)).collect();
            let mut requests = Bits::<W>::default();
            for (lane, asks) in lanes.iter().enumerate() {
                requests = requests.replace_bit(lane, *asks);
            }
            let (advance, reset) = (random.chance(70), random.chance(2));
            unit.requests.next = requests;
            unit.advance.next = advance;
            unit.reset.next = reset;
            settle(&mut unit);
            let expected = (0..W)
                .map(|step| (begin + step) % W)
                .find(|lane| lanes[*lane]);
            assert_eq!(unit.any.val(), expected.is_some());
            assert_eq!(unit.index.val().index(), expected.unwrap_or(0));
            if let (true, Some(lane)) = (advance, expected) {
                begin = (lane + 1) % W;
            }
            if reset {
                begin = 0;
            }
            clock_cycle!(unit, clock);
        }
    }

    #[test]
    fn begins_behind_the_last_grant() {
        follows_the_reference::<16, 4>(5);
        follows_the_reference::<5, 3>(6);
        follows_the_reference::<2, 1>(7);
    }

    #[test]
    fn gate() {
        Gate::new("round_robin", RoundRobin::<13, 4>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, _| {
                unit.requests.next = random.bits() & random.bits();
                unit.advance.next = random.chance(70);
                unit.reset.next = random.chance(2);
            });
    }

    /// Only who asks is chosen, and a lane that keeps asking sees at most three grants of others.
    #[test]
    fn fairness_is_proved() {
        prove(
            "round_robin_proved",
            RoundRobin::<4, 2>::default(),
            8,
            "module properties(input clock, input [3:0] requests);
               wire any;
               wire [1:0] index;
               reg [2:0] passed = 0;
               round_robin_proved arbiter(.clock(clock), .reset(1'b0), .requests(requests), .advance(1'b1), .any(any),
                 .index(index));
               // Lane 2, say: the lanes differ only in where the search begins.
               always @(posedge clock) passed <= (requests[2] && index != 2) ? passed + 1 : 0;
               always @(*) begin
                 assert (any == |requests);
                 if (any) assert (requests[index]);
                 assert (passed <= 3);
               end
             endmodule",
        );
    }
}

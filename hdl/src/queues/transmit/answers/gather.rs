//! From verdicts on single messages to operations on rows.

use super::intake::MessageVerdict;
use super::operation::Operation;
use crate::queues::transmit::signals::Skip;
use rust_hdl::prelude::*;

/// A message that the own engine refused.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct SkippedMessage {
    pub queue: Bits<8>,
    pub index: Bits<7>,
    pub error: Bits<4>,
}

/// Joins verdicts that follow each other and concern the same row in the same way, while the operation that they join
/// waits to be taken, or (`following`) to enter the pipeline. So a queue whose operations must keep a distance still
/// has a verdict a cycle.
///
/// Contract: a skipped message goes first. An operation of `valid` may gain messages until it is taken. A verdict from
/// the wrong node is dropped (`unfit`).
///
/// Latency: from a verdict to `valid`: 2 cycles, from `skip`: 3. Rate: a verdict a cycle, even if no two join; a
/// skipped message every 2 cycles.
#[derive(LogicBlock, Default)]
pub struct Gather {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub skip_valid: Signal<In, Bit>,
    pub skip_ready: Signal<Out, Bit>,
    pub skip: Signal<In, Skip>,
    pub verdict_valid: Signal<In, Bit>,
    pub verdict: Signal<In, MessageVerdict>,
    /// It comes from the node that the message went to. Late in the cycle.
    pub verdict_fits: Signal<In, Bit>,
    pub verdict_taken: Signal<Out, Bit>,
    /// Pulse: a verdict does not count.
    pub unfit: Signal<Out, Bit>,
    pub valid: Signal<Out, Bit>,
    pub operation: Signal<Out, Operation>,
    pub taken: Signal<In, Bit>,
    /// The verdict behind `operation`, which may join an operation that was taken and still waits.
    pub following_valid: Signal<Out, Bit>,
    pub following: Signal<Out, Operation>,
    pub joined: Signal<In, Bit>,

    skipped_valid: DFF<Bit>,
    skipped: DFF<SkippedMessage>,
    // A verdict that came when there was no room for it: so the intake need not know in the same cycle.
    held_valid: DFF<Bit>,
    held: DFF<MessageVerdict>,
    held_fits: DFF<Bit>,
    // The next verdict, as an operation, and whether it counts.
    next_valid: DFF<Bit>,
    next_fits: DFF<Bit>,
    next_operation: DFF<Operation>,
    // What is offered.
    offered_valid: DFF<Bit>,
    offered: DFF<Operation>,

    skip_index: Signal<Local, Bits<16>>,
    same: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    free: Signal<Local, Bit>,
    source: Signal<Local, MessageVerdict>,
    comes: Signal<Local, Bit>,
    index: Signal<Local, Bits<7>>,
    place: Signal<Local, Bits<3>>,
}

impl Logic for Gather {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            skipped_valid,
            skipped,
            held_valid,
            held,
            held_fits,
            next_valid,
            next_fits,
            next_operation,
            offered_valid,
            offered
        );
        self.skip_index.next = self.skip.val().index;
        self.skip_ready.next = !self.skipped_valid.q.val();
        if !self.skipped_valid.q.val() {
            self.skipped_valid.d.next = self.skip_valid.val();
            self.skipped.d.next.queue = self.skip.val().queue;
            self.skipped.d.next.index = self.skip_index.val().get_bits::<7>(0);
            self.skipped.d.next.error = self.skip.val().error;
        }

        // What is offered takes the next verdict in, or makes room for it.
        self.same.next = (self.offered.q.val().queue == self.next_operation.q.val().queue)
            & (self.offered.q.val().row == self.next_operation.q.val().row)
            & (self.offered.q.val().generation == self.next_operation.q.val().generation)
            & (self.offered.q.val().own == self.next_operation.q.val().own)
            & (self.offered.q.val().code == self.next_operation.q.val().code);
        self.moves.next = !self.offered_valid.q.val() | self.taken.val() | self.same.val();
        if self.taken.val() {
            self.offered_valid.d.next = false;
        }
        self.following_valid.next = self.next_valid.q.val() & self.next_fits.q.val();
        self.following.next = self.next_operation.q.val();
        if self.moves.val() & self.next_valid.q.val() & self.next_fits.q.val() & !self.joined.val()
        {
            self.offered_valid.d.next = true;
            self.offered.d.next = self.next_operation.q.val();
            if self.offered_valid.q.val() & !self.taken.val() {
                self.offered.d.next.messages =
                    self.offered.q.val().messages | self.next_operation.q.val().messages;
                self.offered.d.next.marked =
                    self.offered.q.val().marked | self.next_operation.q.val().marked;
            }
        }
        self.valid.next = self.offered_valid.q.val();
        self.operation.next = self.offered.q.val();

        // The verdict behind it.
        self.free.next = !self.next_valid.q.val()
            | !self.next_fits.q.val()
            | self.moves.val()
            | self.joined.val();
        self.unfit.next = self.next_valid.q.val() & !self.next_fits.q.val();
        self.verdict_taken.next = !self.held_valid.q.val();
        self.comes.next = self.verdict_valid.val() & !self.held_valid.q.val();
        if self.comes.val() {
            self.held.d.next = self.verdict.val();
            self.held_fits.d.next = self.verdict_fits.val();
            self.held_valid.d.next = !self.free.val() | self.skipped_valid.q.val();
        }
        self.source.next = self.verdict.val();
        if self.held_valid.q.val() {
            self.source.next = self.held.q.val();
        }
        self.index.next = self.source.val().index;
        if self.skipped_valid.q.val() {
            self.index.next = self.skipped.q.val().index;
        }
        self.place.next = self.index.val().get_bits::<3>(0);
        if self.free.val() {
            self.next_valid.d.next = self.verdict_valid.val();
            self.next_fits.d.next = self.verdict_fits.val();
            if self.held_valid.q.val() {
                self.next_valid.d.next = true;
                self.next_fits.d.next = self.held_fits.q.val();
            }
            self.next_operation.d.next.queue = self.source.val().queue;
            self.next_operation.d.next.generation = self.source.val().generation;
            self.next_operation.d.next.code = self.source.val().verdict;
            self.next_operation.d.next.marked = self.source.val().marked;
            self.next_operation.d.next.own = false;
            if self.skipped_valid.q.val() {
                self.skipped_valid.d.next = false;
                self.next_valid.d.next = true;
                self.next_fits.d.next = true;
                self.next_operation.d.next.queue = self.skipped.q.val().queue;
                self.next_operation.d.next.code = self.skipped.q.val().error;
                self.next_operation.d.next.marked = false;
                self.next_operation.d.next.own = true;
            } else {
                self.held_valid.d.next = false;
            }
            self.next_operation.d.next.row = self.index.val().get_bits::<4>(3);
            self.next_operation.d.next.messages =
                bit_cast::<8, 1>(1.into()) << bit_cast::<8, 3>(self.place.val());
        }
        self.next_operation.d.next.verdict = true;
        self.next_operation.d.next.ticks = false;
        self.next_operation.d.next.sends = false;
        self.next_operation.d.next.opens = false;
        self.next_operation.d.next.pings = false;
        self.next_operation.d.next.resets = false;
        self.next_operation.d.next.enables = false;
        self.next_operation.d.next.disables = false;

        if self.reset.val() {
            self.skipped_valid.d.next = false;
            self.held_valid.d.next = false;
            self.next_valid.d.next = false;
            self.offered_valid.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use std::collections::BTreeSet;

    fn any_verdict(random: &mut Random) -> MessageVerdict {
        MessageVerdict {
            queue: random.below(2).to_bits(),
            index: random.below(16).to_bits(),
            generation: random.below(2).to_bits(),
            verdict: random.below(2).to_bits(),
            marked: random.chance(5),
        }
    }

    /// Queue, generation, own, code, index.
    type Said = (u64, u64, bool, u64, u64);

    fn messages(operation: &Operation) -> Vec<Said> {
        let places = (0..8).filter(|place| operation.messages.get_bit(*place));
        places
            .map(|place| {
                (
                    operation.queue.to_u64(),
                    if operation.own {
                        0
                    } else {
                        operation.generation.to_u64()
                    },
                    operation.own,
                    operation.code.to_u64(),
                    8 * operation.row.to_u64() + place as u64,
                )
            })
            .collect()
    }

    /// What goes in comes out. Indices run, so that no two verdicts under way are on one message.
    #[test]
    fn no_verdict_is_lost_and_none_is_made_up() {
        let seed = 10;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = Gather::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let (mut open, mut unfit) = (BTreeSet::<Said>::new(), 0);
        let (mut operations, mut joined, mut told) = (0, 0, 0);
        let leave = |open: &mut BTreeSet<Said>, said: Said| {
            assert!(open.remove(&said), "{said:?} was not said");
        };
        for cycle in 0..6000 {
            let mut verdict = any_verdict(&mut random);
            verdict.index = ((2 * cycle as u64) & 127).to_bits();
            let fits = random.chance(80);
            let skip = Skip {
                queue: random.below(2).to_bits(),
                index: ((2 * cycle as u64 + 1) & 127).to_bits(),
                again: random.chance(50),
                error: (1 + random.below(2)).to_bits(),
            };
            unit.verdict_valid.next = cycle < 5900 && random.chance(60);
            unit.verdict.next = verdict;
            unit.verdict_fits.next = fits;
            unit.skip_valid.next = cycle < 5900 && random.chance(10);
            unit.skip.next = skip;
            settle(&mut unit);
            unit.taken.next = unit.valid.val() && random.chance(30);
            unit.joined.next = unit.following_valid.val() && random.chance(5);
            settle(&mut unit);
            if unit.taken.val() {
                operations += 1;
                let all = messages(&unit.operation.val());
                assert!(!all.is_empty());
                all.into_iter().for_each(|said| leave(&mut open, said));
            }
            if unit.joined.val() {
                joined += 1;
                let all = messages(&unit.following.val());
                all.into_iter().for_each(|said| leave(&mut open, said));
            }
            unfit -= i32::from(unit.unfit.val());
            if unit.verdict_valid.val() && unit.verdict_taken.val() {
                told += 1;
                if fits {
                    let said = (
                        verdict.queue.to_u64(),
                        verdict.generation.to_u64(),
                        false,
                        verdict.verdict.to_u64(),
                        verdict.index.to_u64(),
                    );
                    assert!(open.insert(said));
                } else {
                    unfit += 1;
                }
            }
            if unit.skip_valid.val() && unit.skip_ready.val() {
                let said = (
                    skip.queue.to_u64(),
                    0,
                    true,
                    skip.error.to_u64(),
                    skip.index.to_u64(),
                );
                assert!(open.insert(said));
            }
            clock_cycle!(unit, clock);
        }
        assert!(open.is_empty(), "{open:?} did not leave");
        assert_eq!(unfit, 0);
        assert!(
            operations > 500 && joined > 50 && told > 1500,
            "{operations} {joined} {told}"
        );
    }

    #[test]
    fn gate() {
        Gate::new("gather", Gather::default())
            .clock(|unit| &mut unit.clock)
            .cycles(3000)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.verdict_valid.next = random.chance(60);
                unit.verdict.next = any_verdict(random);
                unit.verdict_fits.next = random.chance(80);
                unit.skip_valid.next = random.chance(10);
                unit.skip.next.queue = random.below(2).to_bits();
                unit.skip.next.index = random.below(16).to_bits();
                unit.skip.next.error = random.below(3).to_bits();
                unit.taken.next = unit.valid.val() && random.chance(30);
                unit.joined.next = unit.following_valid.val() && random.chance(5);
            });
    }
}

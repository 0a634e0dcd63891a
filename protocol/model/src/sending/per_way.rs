//! The alternative of section "One queue, many ways" in `docs/protocol.md`: rules 2 to 4 applied to each way by itself.
//! It is not shipped; the model compares it.

use heapless::Vec;
use protocol::{Answer, Index, Launch, Limits, Outcome, Verdict};

use super::queue::TransmitQueue;
use crate::broken::AllBut;

/// Most messages in flight.
const WINDOW: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Place {
    Free,
    /// Unanswered, and on which way.
    Out((u8, u8)),
    /// Refused, and on which way.
    Refused((u8, u8)),
    Done,
}

/// A transmit queue that remembers for each message in flight what was said of it, and on which way it went.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PerWay<const BITS: u32> {
    limits: Limits,
    consumer: Index<BITS>,
    launched: Index<BITS>,
    places: [Place; WINDOW],
    /// Ways, as bits, on which the first refused message was accepted.
    open: u8,
    generation: u8,
}

impl<const BITS: u32> PerWay<BITS> {
    fn place(&self, index: Index<BITS>) -> Place {
        self.places[usize::from(index.position())]
    }

    fn bit((node, channel): (u8, u8)) -> u8 {
        1 << (node * 2 + channel)
    }

    fn in_flight(&self) -> impl Iterator<Item = Index<BITS>> + use<BITS> {
        let consumer = self.consumer;
        (0..self.launched.since(consumer)).map(move |distance| consumer.plus(distance))
    }

    /// Messages on a way, as unanswered or as refused.
    fn on(&self, place: Place) -> usize {
        self.in_flight()
            .filter(|&index| self.place(index) == place)
            .count()
    }
}

impl<const BITS: u32> TransmitQueue<BITS> for PerWay<BITS> {
    const PROBES_ALONE: bool = false;

    fn new(_: AllBut, limits: Limits, generation: u8) -> Self {
        Self {
            limits,
            consumer: Index::new(0),
            launched: Index::new(0),
            places: [Place::Free; WINDOW],
            open: 0,
            generation,
        }
    }

    fn launches(
        &self,
        producer: Index<BITS>,
        way: impl Fn(Index<BITS>) -> Option<(u8, u8)>,
    ) -> Vec<Launch<BITS>, 4> {
        let mut launches = Vec::new();
        let mut seen = 0;
        let mut add = |index, way, repeated| {
            let restart = self.on(Place::Out(way)) == 0;
            let launch = Launch {
                index,
                restart,
                probe: repeated && restart,
                repeated,
            };
            launches.push(launch).expect("one a way at most");
        };
        for index in self.in_flight() {
            if let Place::Refused(way) = self.place(index)
                && seen & Self::bit(way) == 0
            {
                seen |= Self::bit(way);
                if self.on(Place::Out(way)) == 0 || self.open & Self::bit(way) != 0 {
                    add(index, way, true);
                }
            }
        }
        let window_open = self.launched.since(self.consumer) < self.limits.window;
        if self.launched != producer && window_open {
            let way = way(self.launched).expect("it is stored");
            if seen & Self::bit(way) == 0 {
                add(self.launched, way, false);
            }
        }
        launches
    }

    fn launch(&mut self, launch: &Launch<BITS>, _: Index<BITS>, way: (u8, u8)) {
        self.places[usize::from(launch.index.position())] = Place::Out(way);
        if !launch.repeated {
            self.launched = launch.index.plus(1);
        }
    }

    fn on_answer(
        &mut self,
        from: u16,
        answer: &Answer<BITS>,
        _: impl Fn(Index<BITS>) -> Option<(u8, u8)>,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        for index in answer.indices() {
            let Place::Out(way) = self.place(index) else {
                continue;
            };
            if answer.generation != self.generation || u16::from(way.0) != from {
                continue;
            }
            let refused = answer.verdict.is_refusal();
            if refused {
                self.open &= !Self::bit(way);
            } else {
                self.open |= Self::bit(way);
            }
            self.places[usize::from(index.position())] = if refused {
                Place::Refused(way)
            } else {
                outcome.errors += u8::from(answer.verdict != Verdict::Accepted);
                Place::Done
            };
            if self.on(Place::Refused(way)) == 0 {
                self.open &= !Self::bit(way);
            }
        }
        while self.consumer != self.launched && self.place(self.consumer) == Place::Done {
            self.places[usize::from(self.consumer.position())] = Place::Free;
            self.consumer = self.consumer.plus(1);
            outcome.passed += 1;
        }
        outcome
    }

    fn on_rejected(&mut self, _: Index<BITS>) -> Outcome {
        Outcome::default()
    }

    fn on_pause_over(&mut self) -> Outcome {
        Outcome::default()
    }

    fn save(&self) -> Option<Index<BITS>> {
        None
    }

    fn load(&mut self, limits: Limits, _: Index<BITS>) {
        self.limits = limits;
    }

    fn free(&mut self) {}

    fn consumer(&self) -> Index<BITS> {
        self.consumer
    }

    fn is_done(&self, index: Index<BITS>) -> bool {
        self.place(index) == Place::Done
    }

    fn is_paused(&self) -> bool {
        false
    }

    fn generation(&self) -> u8 {
        self.generation
    }

    fn outstanding(&self, way: (u8, u8)) -> u8 {
        self.on(Place::Out(way)) as u8
    }

    fn outstanding_of_all(&self) -> u8 {
        let out = |&index: &Index<BITS>| matches!(self.place(index), Place::Out(_));
        self.in_flight().filter(out).count() as u8
    }
}

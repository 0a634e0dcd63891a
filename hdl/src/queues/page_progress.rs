//! How far the answers to each endpoint's messages are.

use crate::library::forward_ram::ForwardRam;
use crate::library::lut_ram::LutRam;
use crate::library::reset_sweep::ResetSweep;
use crate::queues::queue_select::QueueWord;
use crate::queues::transmit::signals::{Progress, QueueStart};
use rust_hdl::prelude::*;

/// The endpoint that a transmit queue belongs to.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Owner {
    /// There is one.
    pub valid: Bit,
    pub endpoint: Bits<12>,
}

/// Consumer indices of 2^`ENDPOINTS_LOG2` endpoints, resident or not. The answer path speaks of 2^`QUEUES_LOG2` queues:
/// a table says whose they are.
///
/// A control word with `enabled` gives its queue to an endpoint once the answer path is done with the word. What is
/// told of the queue before belongs to its former owner: the word without `enabled` took it from that one at once, and
/// what is told of nobody's queue is forgotten. `start` tells that the queue begins, at the consumer index of the
/// record that is loaded, or at 0: in the first cycle that has room for it, before the answer path opens the queue.
///
/// Contract: behind a control word with `enabled` no other comes before `settling` has fallen. In the 2^`QUEUES_LOG2`
/// cycles after reset, while the owners are cleared, no control word comes. Consumer indices are cleared by `fresh`.
///
/// Latency: `endpoint` in cycle t, `consumer` and `failed` in t + 1. What is told in t counts from t + 2 on.
#[derive(LogicBlock, Default)]
pub struct PageProgress<const ENDPOINTS_LOG2: usize, const QUEUES_LOG2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// Control words of transmit queues.
    pub configuration: Signal<In, QueueWord>,
    /// The answer path may not be done with the last control word.
    pub answers_settle: Signal<In, Bit>,
    /// The last control word with `enabled` has not taken effect here.
    pub settling: Signal<Out, Bit>,
    pub progress: Signal<In, Progress>,
    /// A queue begins.
    pub start: Signal<Out, QueueStart>,
    /// There is room for it: it is told in this cycle.
    pub start_ready: Signal<In, Bit>,
    /// `fresh` writes in this cycle: the consumer index of this endpoint is 0. Not while `writes`.
    pub fresh: Signal<In, Bit>,
    pub fresh_endpoint: Signal<In, Bits<12>>,
    /// A consumer index is written in this cycle.
    pub writes: Signal<Out, Bit>,
    pub endpoint: Signal<In, Bits<12>>,
    pub consumer: Signal<Out, Bits<16>>,
    pub failed: Signal<Out, Bit>,
    consumers: ForwardRam<Bits<17>, ENDPOINTS_LOG2>,
    owners: LutRam<Owner, QUEUES_LOG2>,
    sweep: ResetSweep<QUEUES_LOG2>,
    told: DFF<Progress>,
    pending: DFF<Bit>,
    starting: DFF<Bit>,
    pending_queue: DFF<Bits<8>>,
    pending_endpoint: DFF<Bits<12>>,
    pending_consumer: DFF<Bits<16>>,
    /// Cycles since the control word, until the answer path has seen it: three.
    age: DFF<Bits<2>>,
    word: Signal<Local, Bits<64>>,
    second: Signal<Local, Bits<34>>,
    given_queue: Signal<Local, Bits<8>>,
    told_queue: Signal<Local, Bits<8>>,
    owner: Signal<Local, Owner>,
    owner_endpoint: Signal<Local, Bits<12>>,
    given: Signal<Local, Bit>,
    index: Signal<Local, Bits<12>>,
    fresh_index: Signal<Local, Bits<12>>,
}

impl<const ENDPOINTS_LOG2: usize, const QUEUES_LOG2: usize> Logic
    for PageProgress<ENDPOINTS_LOG2, QUEUES_LOG2>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            told,
            pending,
            starting,
            pending_queue,
            pending_endpoint,
            pending_consumer,
            age
        );
        clock!(self, clock, consumers, owners, sweep);
        self.sweep.reset.next = self.reset.val();

        // Whose queue is whose.
        self.word.next = self.configuration.val().word;
        self.second.next = self.configuration.val().second;
        self.given.next =
            self.pending.q.val() & self.age.q.val().all() & !self.answers_settle.val();
        self.given_queue.next = self.pending_queue.q.val();
        self.owners.write_enable.next = self.given.val();
        self.owners.write_data.next.valid = true;
        self.owners.write_data.next.endpoint = self.pending_endpoint.q.val();
        if self.given.val() {
            self.pending.d.next = false;
        }
        if !self.age.q.val().all() {
            self.age.d.next = self.age.q.val() + 1;
        }
        self.start.next.valid = self.starting.q.val() & self.start_ready.val();
        if self.start_ready.val() {
            self.starting.d.next = false;
        }
        if self.configuration.val().control {
            if self
                .word
                .val()
                .get_bit(abi::queue_state::transmit_control::enabled::SHIFT)
            {
                self.pending.d.next = true;
                self.starting.d.next = true;
                self.pending_queue.d.next = self.configuration.val().queue;
                self.pending_endpoint.d.next = self
                    .word
                    .val()
                    .get_bits::<12>(abi::queue_state::transmit_control::endpoint::SHIFT);
                self.pending_consumer.d.next = self.second.val().get_bits::<16>(0);
                self.age.d.next = 0.into();
            }
            self.owners.write_enable.next = true;
            self.owners.write_data.next.valid = false;
            self.given_queue.next = self.configuration.val().queue;
        }
        self.owners.write_address.next = self.given_queue.val().get_bits::<QUEUES_LOG2>(0);
        if self.sweep.clears.val() {
            self.owners.write_enable.next = true;
            self.owners.write_data.next.valid = false;
            self.owners.write_address.next = self.sweep.index.val();
        }
        self.settling.next = self.pending.q.val() | self.starting.q.val();
        self.start.next.queue = self.pending_queue.q.val();
        self.start.next.consumer = self.pending_consumer.q.val();

        // What the answer path tells.
        self.told.d.next = self.progress.val();
        self.told_queue.next = self.told.q.val().queue;
        self.owners.read_address.next = self.told_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.owner.next = self.owners.read_data.val();
        self.owner_endpoint.next = self.owner.val().endpoint;
        self.writes.next = self.told.q.val().valid & self.owner.val().valid;
        self.fresh_index.next = self.fresh_endpoint.val();
        self.consumers.write_enable.next = self.writes.val() | self.fresh.val();
        self.consumers.write_address.next = self.owner_endpoint.val().get_bits::<ENDPOINTS_LOG2>(0);
        self.consumers.write_data.next = bit_cast::<17, 16>(self.told.q.val().consumer)
            | (bit_cast::<17, 1>(self.told.q.val().failed.into()) << 16);
        if self.fresh.val() {
            self.consumers.write_address.next =
                self.fresh_index.val().get_bits::<ENDPOINTS_LOG2>(0);
            self.consumers.write_data.next = 0.into();
        }

        self.index.next = self.endpoint.val();
        self.consumers.read_address.next = self.index.val().get_bits::<ENDPOINTS_LOG2>(0);
        self.consumer.next = self.consumers.read_data.val().get_bits::<16>(0);
        self.failed.next = self.consumers.read_data.val().get_bit(16);

        if self.reset.val() {
            self.told.d.next.valid = false;
            self.pending.d.next = false;
            self.starting.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use crate::queues::test_support::control;
    use abi::queue_state::transmit_control;

    const ENDPOINTS: u64 = 16;
    const QUEUES: u64 = 4;

    fn loaded(queue: u64, endpoint: u64, consumer: u64) -> QueueWord {
        let word = transmit_control::endpoint::set(transmit_control::enabled::set(0, 1), endpoint);
        QueueWord {
            second: (1 << 33 | consumer).to_bits(),
            ..control(queue, word as u64)
        }
    }

    fn told(random: &mut Random, queue: u64) -> Progress {
        Progress {
            valid: true,
            queue: queue.to_bits(),
            consumer: random.bits(),
            failed: random.chance(20),
            ..Default::default()
        }
    }

    /// Each endpoint's consumer index is what was told last of a queue while that was the endpoint's; not what was told
    /// of the queue before or behind, or while the answer path was not done with the control word.
    #[test]
    fn progress_counts_for_the_endpoint_that_has_the_queue() {
        let seed = 5;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = PageProgress::<4, 2>::default();
        unit.connect_all();
        unit.reset.next = true;
        settle(&mut unit);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        for _ in 0..QUEUES {
            clock_cycle!(unit, clock);
        }
        let mut owners = [None; QUEUES as usize];
        let mut consumers = [None; ENDPOINTS as usize];
        // What was told in the cycle before, and is written in this one.
        let mut telling: Option<Progress> = None;
        // Queue, endpoint, consumer index, and cycles since the word.
        let mut pending: Option<(u64, u64, u64, u64)> = None;
        let (mut starting, mut answers_settle) = (false, 0);
        let (mut forgotten, mut starts) = (0, 0);
        for cycle in 0..20_000u64 {
            // The word takes effect three cycles later at the earliest, and not while the answer path settles.
            unit.configuration.next = Default::default();
            let mut word = None;
            if pending.is_none() && !starting && random.chance(10) {
                let (queue, endpoint) = (random.below(QUEUES), random.below(ENDPOINTS));
                let consumer = random.below(1 << 16);
                if random.chance(60) {
                    unit.configuration.next = loaded(queue, endpoint, consumer);
                    word = Some((queue, Some((endpoint, consumer))));
                } else {
                    unit.configuration.next = control(queue, 0);
                    word = Some((queue, None));
                }
            }
            if let Some((.., 1)) = pending {
                answers_settle = random.below(8);
            }
            unit.answers_settle.next = answers_settle > 0;
            let progress = random
                .chance(50)
                .then(|| random.below(QUEUES))
                .map(|queue| told(&mut random, queue));
            unit.progress.next = progress.unwrap_or_default();
            unit.start_ready.next = random.chance(30);
            let endpoint = random.below(ENDPOINTS);
            unit.endpoint.next = endpoint.to_bits();
            unit.fresh.next = false;
            settle(&mut unit);

            // What was told a cycle ago is written now.
            let owner = telling.and_then(|progress| owners[progress.queue.index()]);
            assert_eq!(unit.writes.val(), owner.is_some(), "cycle {cycle}");
            forgotten += u64::from(telling.is_some() && owner.is_none());
            if let (Some(progress), Some(owner)) = (telling, owner) {
                let owner: u64 = owner;
                consumers[owner as usize] = Some((progress.consumer.to_u64(), progress.failed));
            } else if random.chance(10) {
                let fresh = random.below(ENDPOINTS);
                unit.fresh.next = true;
                unit.fresh_endpoint.next = fresh.to_bits();
                consumers[fresh as usize] = Some((0, false));
                settle(&mut unit);
            }
            assert_eq!(
                unit.settling.val(),
                pending.is_some() || starting,
                "cycle {cycle}"
            );
            let start = unit.start.val();
            assert_eq!(
                start.valid,
                starting && unit.start_ready.val(),
                "cycle {cycle}"
            );
            if start.valid {
                starts += 1;
                starting = false;
            }
            let expected = consumers[endpoint as usize];
            telling = progress;

            if let Some((queue, owner, _, age)) = pending {
                // The age is 3 in the fourth cycle behind the word.
                if age >= 4 && answers_settle == 0 {
                    owners[queue as usize] = Some(owner);
                    pending = None;
                } else {
                    pending = pending
                        .map(|(queue, owner, consumer, age)| (queue, owner, consumer, age + 1));
                }
            }
            if let Some((queue, gets)) = word {
                owners[queue as usize] = None;
                if let Some((owner, consumer)) = gets {
                    pending = Some((queue, owner, consumer, 1));
                    starting = true;
                }
            }
            answers_settle = u64::saturating_sub(answers_settle, 1);
            clock_cycle!(unit, clock);
            if let Some((queue, _, consumer, _)) = pending.filter(|_| starting) {
                assert_eq!(unit.start.val().queue.to_u64(), queue);
                assert_eq!(unit.start.val().consumer.to_u64(), consumer);
            }
            if let Some((consumer, failed)) = expected {
                assert_eq!(unit.consumer.val().to_u64(), consumer, "cycle {cycle}");
                assert_eq!(unit.failed.val(), failed, "cycle {cycle}");
            }
        }
        assert!(forgotten > 1000 && starts > 100, "{forgotten} {starts}");
    }

    #[test]
    fn gate() {
        Gate::new("page_progress", PageProgress::<4, 2>::default())
            .clock(|unit| &mut unit.clock)
            .cycles(3000)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.configuration.next = Default::default();
                unit.progress.next = Default::default();
                unit.answers_settle.next = random.chance(50);
                unit.start_ready.next = random.chance(50);
                unit.fresh.next = false;
                // All consumer indices are written before one is read.
                unit.endpoint.next = (cycle % ENDPOINTS).to_bits();
                if cycle < 2 + QUEUES {
                    return;
                }
                if cycle < 2 + QUEUES + ENDPOINTS {
                    unit.fresh.next = true;
                    unit.fresh_endpoint.next = (cycle % ENDPOINTS).to_bits();
                    return;
                }
                unit.endpoint.next = random.below(ENDPOINTS).to_bits();
                if random.chance(10) && !unit.settling.val() {
                    let word = random.word();
                    unit.configuration.next = QueueWord {
                        second: random.bits(),
                        ..control(random.below(QUEUES), word)
                    };
                }
                if random.chance(50) {
                    let queue = random.below(QUEUES);
                    unit.progress.next = told(random, queue);
                }
            });
    }
}

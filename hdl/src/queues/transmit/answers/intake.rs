//! Answers as they come in, one message at a time, each compared with the node that the message went to.

use crate::bundles::Answer;
use crate::library::block_fifo::BlockFifo;
use crate::library::block_ram::BlockRam;
use crate::library::fifo::Fifo;
use crate::library::first_one::FirstOne;
use crate::queues::transmit::signals::Launch;
use rust_hdl::prelude::*;

/// The verdict on one message.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct MessageVerdict {
    /// Resident transmit queue.
    pub queue: Bits<8>,
    pub index: Bits<7>,
    pub generation: Bits<8>,
    /// As in `bundles::Answer`.
    pub verdict: Bits<4>,
    /// The message was the last one sent with a mark for time stamps.
    pub marked: Bit,
}

/// Stores answers until their turn, takes them apart and looks up the *way* (the node) of each message. `2^QUEUES_LOG2`
/// queues have `2^SLOTS_LOG2` slots each; `WAYS_LOG2` is the sum.
///
/// Contract: `answer` is one a cycle at most, `local_answer` one message every two cycles on average; one that finds no
/// room is dropped (`overflow`). Local answers go first: there are no more than the own engine sends. A verdict of
/// `valid` stays until it is `taken`.
///
/// A way that is read in the cycle in which it is written does not fit: a message that is sent in this very cycle
/// cannot have been answered.
///
/// Latency: from `answer` to `valid`: 4 cycles. Rate: a message every cycle.
#[derive(LogicBlock)]
pub struct AnswerIntake<const QUEUES_LOG2: usize, const SLOTS_LOG2: usize, const WAYS_LOG2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub launch: Signal<In, Launch>,
    /// From the wire.
    pub answer_valid: Signal<In, Bit>,
    pub answer: Signal<In, Answer>,
    /// From the own node.
    pub local_answer_valid: Signal<In, Bit>,
    pub local_answer: Signal<In, Answer>,
    /// Few local answers wait: whoever can wait may send one.
    pub local_room: Signal<Out, Bit>,
    /// Pulse: an answer was dropped.
    pub overflow: Signal<Out, Bit>,
    pub valid: Signal<Out, Bit>,
    pub verdict: Signal<Out, MessageVerdict>,
    /// It comes from the node that the message went to, and there is such a queue (rule 8). Late in the cycle.
    pub fits: Signal<Out, Bit>,
    /// Takes the verdict.
    pub taken: Signal<In, Bit>,

    answers: BlockFifo<Answer, 9, 10>,
    local_answers: Fifo<Answer, 4, 5>,
    ways: BlockRam<Bits<10>, WAYS_LOG2>,
    first: FirstOne<12, 4>,

    // Step 0: the answer that is being taken apart.
    busy: DFF<Bit>,
    current: DFF<Answer>,
    /// No more than one bit of its bitmap is left.
    ends: DFF<Bit>,
    // Step 1: the way of one message is there.
    valid_1: DFF<Bit>,
    verdict_1: DFF<MessageVerdict>,
    node_1: DFF<Bits<10>>,
    way_1: DFF<Bits<WAYS_LOG2>>,
    /// The queue is there, and the way was not written while it was read.
    known_1: DFF<Bit>,
    // The message that was last sent with a mark.
    marked: DFF<Bit>,
    marked_queue: DFF<Bits<8>>,
    marked_index: DFF<Bits<7>>,

    head: Signal<Local, Answer>,
    head_any: Signal<Local, Bit>,
    local_level: Signal<Local, Bits<5>>,
    slot: Signal<Local, Bits<8>>,
    slot_excess: Signal<Local, Bits<8>>,
    index: Signal<Local, Bits<7>>,
    rest: Signal<Local, Bits<12>>,
    bits: Signal<Local, Bits<12>>,
    loads: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
    read_way: Signal<Local, Bits<WAYS_LOG2>>,
    way: Signal<Local, Bits<WAYS_LOG2>>,
    slot_is_known: Signal<Local, Bit>,
    launch_queue: Signal<Local, Bits<8>>,
    launch_index: Signal<Local, Bits<16>>,
    written_way: Signal<Local, Bits<WAYS_LOG2>>,
    is_marked: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    next_bits: Signal<Local, Bits<12>>,
    rest_of_rest: Signal<Local, Bits<12>>,
    head_bits: Signal<Local, Bits<12>>,
    rest_of_head: Signal<Local, Bits<12>>,
    queues_log2: Constant<Bits<4>>,
    slots_log2: Constant<Bits<4>>,
}

impl<const QUEUES_LOG2: usize, const SLOTS_LOG2: usize, const WAYS_LOG2: usize> Default
    for AnswerIntake<QUEUES_LOG2, SLOTS_LOG2, WAYS_LOG2>
{
    fn default() -> Self {
        assert!(
            (1..=8).contains(&QUEUES_LOG2) && (1..=6).contains(&SLOTS_LOG2),
            "AnswerIntake: at most 256 queues of 64 slots"
        );
        assert_eq!(
            WAYS_LOG2,
            QUEUES_LOG2 + SLOTS_LOG2,
            "AnswerIntake: WAYS_LOG2 must be QUEUES_LOG2 + SLOTS_LOG2"
        );
        Self {
            clock: Default::default(),
            reset: Default::default(),
            launch: Default::default(),
            answer_valid: Default::default(),
            answer: Default::default(),
            local_answer_valid: Default::default(),
            local_answer: Default::default(),
            local_room: Default::default(),
            overflow: Default::default(),
            valid: Default::default(),
            verdict: Default::default(),
            fits: Default::default(),
            taken: Default::default(),
            answers: Default::default(),
            local_answers: Default::default(),
            ways: Default::default(),
            first: Default::default(),
            busy: Default::default(),
            current: Default::default(),
            ends: Default::default(),
            valid_1: Default::default(),
            verdict_1: Default::default(),
            node_1: Default::default(),
            way_1: Default::default(),
            known_1: Default::default(),
            marked: Default::default(),
            marked_queue: Default::default(),
            marked_index: Default::default(),
            head: Default::default(),
            head_any: Default::default(),
            local_level: Default::default(),
            slot: Default::default(),
            slot_excess: Default::default(),
            index: Default::default(),
            rest: Default::default(),
            bits: Default::default(),
            loads: Default::default(),
            takes: Default::default(),
            read_way: Default::default(),
            way: Default::default(),
            slot_is_known: Default::default(),
            launch_queue: Default::default(),
            launch_index: Default::default(),
            written_way: Default::default(),
            is_marked: Default::default(),
            moves: Default::default(),
            next_bits: Default::default(),
            rest_of_rest: Default::default(),
            head_bits: Default::default(),
            rest_of_head: Default::default(),
            queues_log2: Constant::new(QUEUES_LOG2.to_bits()),
            slots_log2: Constant::new(SLOTS_LOG2.to_bits()),
        }
    }
}

impl<const QUEUES_LOG2: usize, const SLOTS_LOG2: usize, const WAYS_LOG2: usize> Logic
    for AnswerIntake<QUEUES_LOG2, SLOTS_LOG2, WAYS_LOG2>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            busy,
            current,
            ends,
            valid_1,
            verdict_1,
            node_1,
            way_1,
            known_1,
            marked,
            marked_queue,
            marked_index
        );
        clock!(self, clock, answers, local_answers, ways);
        self.answers.reset.next = self.reset.val();
        self.local_answers.reset.next = self.reset.val();

        self.answers.write.next = self.answer_valid.val();
        self.answers.data_in.next = self.answer.val();
        self.local_answers.write.next = self.local_answer_valid.val();
        self.local_answers.data_in.next = self.local_answer.val();
        self.local_level.next = self.local_answers.level.val();
        self.local_room.next = self.local_level.val().get_bits::<2>(3) == 0;
        self.overflow.next = (self.answer_valid.val() & self.answers.full.val())
            | (self.local_answer_valid.val() & self.local_answers.full.val());

        // A verdict moves on, or its way is read again.
        self.moves.next = !self.valid_1.q.val() | self.taken.val();

        // The next answer.
        self.head_any.next = !self.answers.empty.val() | !self.local_answers.empty.val();
        self.head.next = self.answers.data_out.val();
        if !self.local_answers.empty.val() {
            self.head.next = self.local_answers.data_out.val();
        }
        self.loads.next = !self.busy.q.val() | (self.moves.val() & self.ends.q.val());
        self.local_answers.read.next = self.loads.val();
        self.answers.read.next = self.loads.val() & self.local_answers.empty.val();

        // Step 0: the lowest bit that is left.
        self.bits.next = self.current.q.val().bitmap;
        self.rest.next = self.bits.val() & (self.bits.val() - 1);
        self.next_bits.next = self.bits.val();
        self.rest_of_rest.next = self.rest.val() & (self.rest.val() - 1);
        self.head_bits.next = self.head.val().bitmap;
        self.rest_of_head.next = self.head_bits.val() & (self.head_bits.val() - 1);
        if self.moves.val() {
            self.next_bits.next = self.rest.val();
            self.ends.d.next = self.rest_of_rest.val() == 0;
        }
        if self.loads.val() {
            self.current.d.next = self.head.val();
            self.busy.d.next = self.head_any.val();
            self.next_bits.next = self.head_bits.val();
            self.ends.d.next = self.rest_of_head.val() == 0;
        }
        self.current.d.next.bitmap = self.next_bits.val();

        self.first.requests.next = self.bits.val();
        self.slot.next = self.current.q.val().slot;
        self.slot_excess.next = self.slot.val() >> self.queues_log2.val();
        self.index.next = self.current.q.val().base + bit_cast::<7, 4>(self.first.index.val());
        self.read_way.next =
            (bit_cast::<WAYS_LOG2, QUEUES_LOG2>(self.slot.val().get_bits::<QUEUES_LOG2>(0))
                << self.slots_log2.val())
                | bit_cast::<WAYS_LOG2, SLOTS_LOG2>(self.index.val().get_bits::<SLOTS_LOG2>(0));
        self.way.next = self.read_way.val();
        if !self.moves.val() {
            self.way.next = self.way_1.q.val();
        }
        self.ways.read_address.next = self.way.val();
        self.way_1.d.next = self.way.val();

        // The ways are written as messages leave.
        self.launch_queue.next = self.launch.val().queue;
        self.launch_index.next = self.launch.val().index;
        self.written_way.next = (bit_cast::<WAYS_LOG2, QUEUES_LOG2>(
            self.launch_queue.val().get_bits::<QUEUES_LOG2>(0),
        ) << self.slots_log2.val())
            | bit_cast::<WAYS_LOG2, SLOTS_LOG2>(self.launch_index.val().get_bits::<SLOTS_LOG2>(0));
        self.ways.write_address.next = self.written_way.val();
        self.ways.write_data.next = self.launch.val().node;
        self.ways.write_enable.next = self.launch.val().valid;

        self.is_marked.next = self.marked.q.val()
            & (self.marked_queue.q.val() == self.slot.val())
            & (self.marked_index.q.val() == self.index.val());
        self.takes.next = self.busy.q.val() & self.moves.val() & self.first.any.val();
        self.slot_is_known.next = self.known_1.q.val();
        if self.moves.val() {
            self.valid_1.d.next = self.busy.q.val() & self.first.any.val();
            self.verdict_1.d.next.queue = self.slot.val();
            self.verdict_1.d.next.index = self.index.val();
            self.verdict_1.d.next.generation = self.current.q.val().generation;
            self.verdict_1.d.next.verdict = self.current.q.val().verdict;
            self.verdict_1.d.next.marked = self.is_marked.val();
            self.node_1.d.next = self.current.q.val().node;
            self.slot_is_known.next = self.slot_excess.val() == 0;
        }
        self.known_1.d.next = self.slot_is_known.val()
            & !(self.launch.val().valid & (self.written_way.val() == self.way.val()));

        // Step 1: the comparison.
        self.valid.next = self.valid_1.q.val();
        self.verdict.next = self.verdict_1.q.val();
        self.fits.next = self.known_1.q.val() & (self.ways.read_data.val() == self.node_1.q.val());

        // Its acceptance takes the mark away; a later message may have the same index.
        if self.takes.val() & self.is_marked.val() & (self.current.q.val().verdict == 0) {
            self.marked.d.next = false;
        }
        if self.launch.val().valid & self.launch.val().marked {
            self.marked.d.next = true;
            self.marked_queue.d.next = self.launch_queue.val();
            self.marked_index.d.next = self.launch_index.val().get_bits::<7>(0);
        }
        if self.reset.val() {
            self.busy.d.next = false;
            self.valid_1.d.next = false;
            self.marked.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use std::collections::VecDeque;

    fn any_answer(random: &mut Random) -> Answer {
        Answer {
            node: random.below(3).to_bits(),
            slot: random.below(6).to_bits(),
            generation: random.bits(),
            base: random.bits(),
            bitmap: random.bits::<12>() & random.bits::<12>() & random.bits::<12>(),
            verdict: random.below(7).to_bits(),
        }
    }

    /// The verdicts of an answer. The message of queue `q` in slot `s` went to node `(q + s) mod 3`.
    fn verdicts(answer: &Answer) -> Vec<(u64, u64, bool)> {
        let queue = answer.slot.to_u64();
        (0..12u64)
            .filter(|bit| answer.bitmap.get_bit(*bit as usize))
            .map(|bit| {
                let index = (answer.base.to_u64() + bit) & 127;
                let way = (queue + index % 8) % 3;
                (queue, index, queue < 4 && way == answer.node.to_u64())
            })
            .collect()
    }

    #[test]
    fn each_bit_becomes_a_verdict_that_fits_if_its_node_does() {
        let seed = 9;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = AnswerIntake::<2, 3, 5>::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        for queue in 0..4u64 {
            for index in 0..8u64 {
                unit.launch.next = Launch {
                    valid: true,
                    queue: queue.to_bits(),
                    index: index.to_bits(),
                    again: false,
                    node: ((queue + index) % 3).to_bits(),
                    marked: false,
                };
                clock_cycle!(unit, clock);
            }
        }
        unit.launch.next = Launch::default();
        // Those from the wire and those from the own node keep their order, each for itself. They are told apart by
        // the top bit of the generation.
        let (mut wire, mut local) = (VecDeque::new(), VecDeque::new());
        let (mut fitting, mut cycle) = (0, 0);
        while cycle < 4000 || !wire.is_empty() || !local.is_empty() {
            let (mut answer, mut own) = (any_answer(&mut random), any_answer(&mut random));
            answer.generation = answer.generation & 0x7Fu64;
            own.generation = own.generation | 0x80u64;
            unit.answer_valid.next = cycle < 4000 && random.chance(20);
            unit.answer.next = answer;
            unit.local_answer_valid.next = cycle < 4000 && random.chance(10);
            unit.local_answer.next = own;
            settle(&mut unit);
            assert!(!unit.overflow.val());
            if unit.answer_valid.val() {
                wire.extend(verdicts(&answer));
            }
            if unit.local_answer_valid.val() {
                local.extend(verdicts(&own));
            }
            unit.taken.next = random.chance(90);
            settle(&mut unit);
            if unit.valid.val() && unit.taken.val() {
                let verdict = unit.verdict.val();
                let line = if verdict.generation.get_bit(7) {
                    &mut local
                } else {
                    &mut wire
                };
                let seen = (
                    verdict.queue.to_u64(),
                    verdict.index.to_u64(),
                    unit.fits.val(),
                );
                assert_eq!(Some(seen), line.pop_front());
                fitting += u32::from(seen.2);
            }
            clock_cycle!(unit, clock);
            cycle += 1;
            assert!(cycle < 20_000, "{} {}", wire.len(), local.len());
        }
        assert!(fitting > 300, "{fitting}");
    }

    /// A message that is sent while its way is looked up was not sent when it was answered.
    #[test]
    fn a_way_that_is_written_while_it_is_read_does_not_fit() {
        let mut unit = AnswerIntake::<2, 3, 5>::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        unit.launch.next = Launch {
            valid: true,
            queue: 1.into(),
            node: 2.into(),
            ..Launch::default()
        };
        unit.answer.next = Answer {
            slot: 1.into(),
            node: 2.into(),
            bitmap: 1.into(),
            ..Answer::default()
        };
        unit.answer_valid.next = true;
        clock_cycle!(unit, clock);
        unit.answer_valid.next = false;
        // It is written in every cycle, with what the answer says.
        for _ in 0..10 {
            assert!(!unit.fits.val() || !unit.valid.val());
            clock_cycle!(unit, clock);
        }
        assert!(unit.valid.val());
    }

    #[test]
    fn gate() {
        Gate::new("answer_intake", AnswerIntake::<2, 3, 5>::default())
            .clock(|unit| &mut unit.clock)
            .cycles(3000)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                // All ways are written before they are read.
                unit.launch.next = Launch {
                    valid: cycle < 40 || random.chance(10),
                    queue: (cycle / 8 % 4).to_bits(),
                    index: (cycle % 8).to_bits(),
                    again: false,
                    node: random.below(3).to_bits(),
                    marked: random.chance(20),
                };
                unit.answer_valid.next = cycle > 40 && random.chance(30);
                unit.answer.next = any_answer(random);
                unit.local_answer_valid.next = cycle > 40 && random.chance(10);
                unit.local_answer.next = any_answer(random);
                unit.taken.next = random.chance(80);
            });
    }
}

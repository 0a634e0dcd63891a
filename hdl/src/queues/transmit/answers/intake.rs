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
    /// Low three bits of the answer's `abi::link::kind`.
    pub verdict: Bits<3>,
    /// The message was the last one sent with a mark for time stamps.
    pub marked: Bit,
}

/// Stores answers until their turn, takes them apart and looks up the *way* (the node) of each message. `2^QUEUES_LOG2` queues
/// have `2^SLOTS_LOG2` slots each; `WAYS_LOG2` is the sum.
///
/// Contract: `answer` is one a cycle at most, `local_answer` one message every two cycles on average; one that finds no room is
/// dropped (`overflow`). Local answers go first: there are no more than the own engine sends. A verdict of `valid` stays until
/// it is `taken`.
///
/// A way that is read in the cycle in which it is written does not fit: a message that is sent in this very cycle cannot have
/// been answered.
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

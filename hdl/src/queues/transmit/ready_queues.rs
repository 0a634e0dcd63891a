//! Which transmit queues have something to send, and whose turn it is.

use crate::configuration::TRANSMIT_QUEUES_LOG2;
use crate::library::bit_ram::BitRam;
use crate::library::bit_table::BitTable;
use crate::library::head_fifo::HeadFifo;
use crate::library::reset_sweep::ResetSweep;
use crate::queues::queue_select::QueueWord;
use rust_hdl::prelude::*;

/// FIFOs of queue numbers: ready queues with priority, ready queues without, and those that wait
/// for credits of a virtual channel (V15, V20), or for the room of a transfer.
///
/// The FIFOs have room for twice as many queues as there are: one that is pushed in the cycle of its pop enters while
/// all others may stand there. A queue stands in one of the FIFOs at most once; a bit a queue says whether it does. A
/// push of a queue that stands in one does nothing. The bit falls when the queue is popped. `store` and `again` are
/// looked at a cycle later. A pop in the cycle in which a push is looked at answers it too, because the record that is
/// read then has what the push tells: a push may come no sooner than a cycle before its cause can be read there. An
/// `again` that had to wait behind a store may make its queue come out once more with nothing to send.
///
/// Queues with priority go first, but a queue without priority goes behind eight of them at the latest.
///
/// Contract: `store` and `starved` never wait. `again` and `reopen` wait for a cycle in which their `ready` is high.
/// `again_ready` depends on registers only. A queue that starved becomes ready again when its channel has room, or
/// `transfer_room` is high. In
/// the `2^N` cycles after reset the bits are cleared: no queue may be pushed and none be given priority. (Firmware
/// needs longer to start, and without it there is no queue.)
///
/// Latency: from a push to `any`: three cycles.
#[derive(LogicBlock)]
pub struct ReadyQueues<const N: usize, const NP1: usize, const NP2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// `abi::queue_state::transmit_control`: who has priority.
    pub configuration: Signal<In, QueueWord>,
    /// A store made the queue ready.
    pub store_valid: Signal<In, Bit>,
    pub store_queue: Signal<In, Bits<8>>,
    /// The engine has sent a message of the queue, and there are more.
    pub again_valid: Signal<In, Bit>,
    pub again_ready: Signal<Out, Bit>,
    pub again_queue: Signal<In, Bits<8>>,
    /// The queue waits for credits of `starved_channel`; or, with `starved_of_room`, for `transfer_room`.
    pub starved_valid: Signal<In, Bit>,
    pub starved_queue: Signal<In, Bits<8>>,
    pub starved_channel: Signal<In, Bit>,
    pub starved_of_room: Signal<In, Bit>,
    /// The queue may send new messages again.
    pub reopen_valid: Signal<In, Bit>,
    pub reopen_ready: Signal<Out, Bit>,
    pub reopen_queue: Signal<In, Bits<8>>,
    /// Virtual channel 0 has credits.
    pub room_0: Signal<In, Bit>,
    /// Virtual channel 1 has credits.
    pub room_1: Signal<In, Bit>,
    /// There is room for a transfer.
    pub transfer_room: Signal<In, Bit>,
    /// A queue with priority may go on in the next cycle: those without wait for that, unless it is their turn.
    pub waits_for_prior: Signal<In, Bit>,
    /// A queue is ready.
    pub any: Signal<Out, Bit>,
    /// The one whose turn it is.
    pub turn: Signal<Out, Bits<8>>,
    /// It is one with priority.
    pub turn_is_prior: Signal<Out, Bit>,
    /// It is taken in this cycle; only with `any`.
    pub pop: Signal<In, Bit>,
    /// A queue with priority that has more may go on without standing in a FIFO: no other with priority is ready, and
    /// no queue without has waited for eight turns.
    pub may_keep: Signal<Out, Bit>,
    /// It goes on in this cycle, which is a turn; only with `may_keep`, and not with `pop`.
    pub keeps: Signal<In, Bit>,

    prior: HeadFifo<Bits<N>, NP1, NP2>,
    others: HeadFifo<Bits<N>, NP1, NP2>,
    waits_0: HeadFifo<Bits<N>, NP1, NP2>,
    waits_1: HeadFifo<Bits<N>, NP1, NP2>,
    waits_2: HeadFifo<Bits<N>, NP1, NP2>,
    stands: BitTable<N>,
    has_priority: BitRam<N>,
    sweep: ResetSweep<N>,
    /// Turns of queues with priority since another has been ready, eight at most.
    overtaken: DFF<Bits<4>>,
    // What was pushed in the cycle before; `again` may wait here behind a store.
    store_waits: DFF<Bit>,
    waiting_store: DFF<Bits<N>>,
    again_waits: DFF<Bit>,
    waiting_again: DFF<Bits<N>>,
    // What enters the FIFOs.
    entering: DFF<Bits<N>>,
    enters_prior: DFF<Bit>,
    enters_others: DFF<Bit>,
    starving: DFF<Bits<N>>,
    starves_0: DFF<Bit>,
    starves_1: DFF<Bit>,
    starves_2: DFF<Bit>,
    word: Signal<Local, Bits<64>>,
    control_queue: Signal<Local, Bits<8>>,
    control_priority: Signal<Local, Bit>,
    takes_prior: Signal<Local, Bit>,
    head: Signal<Local, Bits<N>>,
    starved: Signal<Local, Bits<N>>,
    new_queue: Signal<Local, Bits<N>>,
    new_valid: Signal<Local, Bit>,
    enters: Signal<Local, Bit>,
    starves: Signal<Local, Bit>,
    drains_0: Signal<Local, Bit>,
    drains_1: Signal<Local, Bit>,
    drains_2: Signal<Local, Bit>,
    drains: Signal<Local, Bit>,
    pushed: Signal<Local, Bits<N>>,
    pushes: Signal<Local, Bit>,
}

/// The ready queues of the NIU.
pub type DefaultReadyQueues = ReadyQueues<
    { TRANSMIT_QUEUES_LOG2 },
    { crate::configuration::TRANSMIT_QUEUES_LOG2_P1 },
    { crate::configuration::TRANSMIT_QUEUES_LOG2_P2 },
>;

impl<const N: usize, const NP1: usize, const NP2: usize> Default for ReadyQueues<N, NP1, NP2> {
    fn default() -> Self {
        assert!((2..=8).contains(&N), "ReadyQueues: 4 to 256 queues");
        Self {
            clock: Default::default(),
            reset: Default::default(),
            configuration: Default::default(),
            store_valid: Default::default(),
            store_queue: Default::default(),
            again_valid: Default::default(),
            again_ready: Default::default(),
            again_queue: Default::default(),
            starved_valid: Default::default(),
            starved_queue: Default::default(),
            starved_channel: Default::default(),
            starved_of_room: Default::default(),
            reopen_valid: Default::default(),
            reopen_ready: Default::default(),
            reopen_queue: Default::default(),
            room_0: Default::default(),
            room_1: Default::default(),
            transfer_room: Default::default(),
            waits_for_prior: Default::default(),
            any: Default::default(),
            turn: Default::default(),
            turn_is_prior: Default::default(),
            pop: Default::default(),
            may_keep: Default::default(),
            keeps: Default::default(),
            prior: Default::default(),
            others: Default::default(),
            waits_0: Default::default(),
            waits_1: Default::default(),
            waits_2: Default::default(),
            stands: Default::default(),
            has_priority: Default::default(),
            sweep: Default::default(),
            overtaken: Default::default(),
            store_waits: Default::default(),
            waiting_store: Default::default(),
            again_waits: Default::default(),
            waiting_again: Default::default(),
            entering: Default::default(),
            enters_prior: Default::default(),
            enters_others: Default::default(),
            starving: Default::default(),
            starves_0: Default::default(),
            starves_1: Default::default(),
            starves_2: Default::default(),
            word: Default::default(),
            control_queue: Default::default(),
            control_priority: Default::default(),
            takes_prior: Default::default(),
            head: Default::default(),
            starved: Default::default(),
            new_queue: Default::default(),
            new_valid: Default::default(),
            enters: Default::default(),
            starves: Default::default(),
            drains_0: Default::default(),
            drains_1: Default::default(),
            drains_2: Default::default(),
            drains: Default::default(),
            pushed: Default::default(),
            pushes: Default::default(),
        }
    }
}

impl<const N: usize, const NP1: usize, const NP2: usize> Logic for ReadyQueues<N, NP1, NP2> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            overtaken,
            store_waits,
            waiting_store,
            again_waits,
            waiting_again,
            entering,
            enters_prior,
            enters_others,
            starving,
            starves_0,
            starves_1,
            starves_2
        );
        clock!(
            self,
            clock,
            prior,
            others,
            waits_0,
            waits_1,
            waits_2,
            stands,
            has_priority,
            sweep
        );
        self.prior.reset.next = self.reset.val();
        self.others.reset.next = self.reset.val();
        self.waits_0.reset.next = self.reset.val();
        self.waits_1.reset.next = self.reset.val();
        self.waits_2.reset.next = self.reset.val();
        self.sweep.reset.next = self.reset.val();
        self.stands.sweeps.next = self.sweep.clears.val();
        self.stands.sweep_index.next = self.sweep.index.val();
        self.has_priority.clears.next = self.sweep.clears.val();
        self.has_priority.clear_index.next = self.sweep.index.val();

        // Who has priority.
        self.word.next = self.configuration.val().word;
        self.control_queue.next = self.configuration.val().queue;
        self.control_priority.next = self
            .word
            .val()
            .get_bit(abi::queue_state::transmit_control::priority::SHIFT);
        self.has_priority.index.next = self.control_queue.val().get_bits::<N>(0);
        self.has_priority.inverts.next = self.configuration.val().control
            & (self.control_priority.val() != self.has_priority.own.val());

        // Whose turn it is.
        self.takes_prior.next = !self.prior.empty.val()
            & (self.others.empty.val() | !self.overtaken.q.val().get_bit(3));
        self.any.next = !self.prior.empty.val()
            | (!self.others.empty.val()
                & (!self.waits_for_prior.val() | self.overtaken.q.val().get_bit(3)));
        self.turn_is_prior.next = self.takes_prior.val();
        self.head.next = self.others.data_out.val();
        if self.takes_prior.val() {
            self.head.next = self.prior.data_out.val();
        }
        self.turn.next = bit_cast::<8, N>(self.head.val());
        self.prior.read.next = self.pop.val() & self.takes_prior.val();
        self.others.read.next = self.pop.val() & !self.takes_prior.val();
        self.may_keep.next = self.prior.empty.val() & !self.overtaken.q.val().get_bit(3);
        if self.pop.val() | self.keeps.val() {
            self.overtaken.d.next = self.overtaken.q.val() + 1;
        }
        if self.others.empty.val() | (self.pop.val() & !self.takes_prior.val()) {
            self.overtaken.d.next = 0.into();
        }

        // Who becomes ready: a store, the queue just served, one that waited for credits, one that was closed.
        self.store_waits.d.next = self.store_valid.val();
        self.waiting_store.d.next = self.store_queue.val().get_bits::<N>(0);
        self.again_ready.next = !self.again_waits.q.val();
        if !self.store_waits.q.val() {
            self.again_waits.d.next = false;
        }
        if !self.again_waits.q.val() {
            self.again_waits.d.next = self.again_valid.val();
            self.waiting_again.d.next = self.again_queue.val().get_bits::<N>(0);
        }
        self.drains_0.next = !self.waits_0.empty.val()
            & self.room_0.val()
            & !self.store_waits.q.val()
            & !self.again_waits.q.val();
        self.drains_1.next = !self.waits_1.empty.val()
            & self.room_1.val()
            & !self.store_waits.q.val()
            & !self.again_waits.q.val()
            & !self.drains_0.val();
        self.drains_2.next = !self.waits_2.empty.val()
            & self.transfer_room.val()
            & !self.store_waits.q.val()
            & !self.again_waits.q.val()
            & !self.drains_0.val()
            & !self.drains_1.val();
        self.drains.next = self.drains_0.val() | self.drains_1.val() | self.drains_2.val();
        self.reopen_ready.next =
            !self.store_waits.q.val() & !self.again_waits.q.val() & !self.drains.val();
        self.new_valid.next =
            self.store_waits.q.val() | self.again_waits.q.val() | self.reopen_valid.val();
        self.new_queue.next = self.reopen_queue.val().get_bits::<N>(0);
        if self.again_waits.q.val() {
            self.new_queue.next = self.waiting_again.q.val();
        }
        if self.store_waits.q.val() {
            self.new_queue.next = self.waiting_store.q.val();
        }
        self.stands.first_index.next = self.new_queue.val();
        self.enters.next = self.new_valid.val() & !self.drains.val() & !self.stands.first.val();
        self.pushed.next = self.new_queue.val();
        if self.drains_0.val() {
            self.pushed.next = self.waits_0.data_out.val();
        }
        if self.drains_1.val() {
            self.pushed.next = self.waits_1.data_out.val();
        }
        if self.drains_2.val() {
            self.pushed.next = self.waits_2.data_out.val();
        }
        self.pushes.next = self.enters.val() | self.drains.val();
        self.has_priority.first_index.next = self.pushed.val();
        self.has_priority.second_index.next = self.pushed.val();
        self.entering.d.next = self.pushed.val();
        self.enters_prior.d.next = self.pushes.val() & self.has_priority.first.val();
        self.enters_others.d.next = self.pushes.val() & !self.has_priority.first.val();
        self.prior.write.next = self.enters_prior.q.val();
        self.prior.data_in.next = self.entering.q.val();
        self.others.write.next = self.enters_others.q.val();
        self.others.data_in.next = self.entering.q.val();
        self.waits_0.read.next = self.drains_0.val();
        self.waits_1.read.next = self.drains_1.val();
        self.waits_2.read.next = self.drains_2.val();

        // Who waits for credits, or for room.
        self.starved.next = self.starved_queue.val().get_bits::<N>(0);
        self.stands.second_index.next = self.starved.val();
        self.starves.next = self.starved_valid.val()
            & !self.stands.second.val()
            & !(self.enters.val() & (self.new_queue.val() == self.starved.val()));
        self.starving.d.next = self.starved.val();
        self.starves_0.d.next =
            self.starves.val() & !self.starved_channel.val() & !self.starved_of_room.val();
        self.starves_1.d.next =
            self.starves.val() & self.starved_channel.val() & !self.starved_of_room.val();
        self.starves_2.d.next = self.starves.val() & self.starved_of_room.val();
        self.waits_0.write.next = self.starves_0.q.val();
        self.waits_0.data_in.next = self.starving.q.val();
        self.waits_1.write.next = self.starves_1.q.val();
        self.waits_1.data_in.next = self.starving.q.val();
        self.waits_2.write.next = self.starves_2.q.val();
        self.waits_2.data_in.next = self.starving.q.val();

        self.stands.set_first.next = self.enters.val();
        self.stands.set_second.next = self.starves.val();
        self.stands.clear.next = self.pop.val();
        self.stands.clear_index.next = self.head.val();
        if self.reset.val() {
            self.overtaken.d.next = 0.into();
            self.store_waits.d.next = false;
            self.again_waits.d.next = false;
            self.enters_prior.d.next = false;
            self.enters_others.d.next = false;
            self.starves_0.d.next = false;
            self.starves_1.d.next = false;
            self.starves_2.d.next = false;
        }
    }
}

#[cfg(test)]
mod proof;
#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use crate::queues::test_support::control;
    use std::collections::BTreeSet;

    /// After reset, the bits cleared.
    fn fresh<const N: usize, const NP1: usize, const NP2: usize>() -> ReadyQueues<N, NP1, NP2> {
        let mut unit = ReadyQueues::<N, NP1, NP2>::default();
        unit.connect_all();
        unit.reset.next = true;
        settle(&mut unit);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        for _ in 0..1 << N {
            clock_cycle!(unit, clock);
        }
        unit
    }

    /// Pushes from all sides: each queue that was pushed since its last pop comes out, once.
    fn all_come_out<const N: usize, const NP1: usize, const NP2: usize>() {
        let seed = 31;
        println!("{} queues, seed {seed}", 1 << N);
        let mut random = Random::new(seed);
        let mut unit = fresh::<N, NP1, NP2>();
        let queues = 1u64 << N;
        // Time to fill and to empty the FIFOs.
        let slower = queues.div_ceil(16);
        for queue in 0..queues {
            unit.configuration.next = control(queue, u64::from(queue % 3 == 0) << 2);
            clock_cycle!(unit, clock);
        }
        unit.configuration.next = Default::default();
        // Queues that must come out; those that may come out once more because they were pushed in the cycle of a pop.
        let mut owed = BTreeSet::new();
        let (mut pushed_at, mut popped_at) = (vec![0; 1 << N], vec![0; 1 << N]);
        let mut popped = 0;
        for cycle in 0..20_000 * slower.min(4) {
            let busy = cycle % (2000 * slower) < 1700 * slower;
            let push = |random: &mut Random, percent| busy && random.chance(percent);
            unit.room_0.next = random.chance(50) || !busy;
            unit.room_1.next = random.chance(50) || !busy;
            unit.transfer_room.next = random.chance(50) || !busy;
            unit.store_valid.next = push(&mut random, 10);
            unit.store_queue.next = random.below(queues).to_bits();
            unit.again_valid.next = push(&mut random, 10);
            unit.again_queue.next = random.below(queues).to_bits();
            unit.starved_valid.next = push(&mut random, 10);
            unit.starved_queue.next = random.below(queues).to_bits();
            unit.starved_channel.next = random.chance(50);
            unit.starved_of_room.next = random.chance(40);
            unit.reopen_valid.next = push(&mut random, 10);
            unit.reopen_queue.next = random.below(queues).to_bits();
            settle(&mut unit);
            // Every queue is ready now and then: the FIFOs are full.
            let pops = if cycle % (600 * slower) < 300 * slower {
                60
            } else {
                6
            };
            unit.pop.next = unit.any.val() && random.chance(if busy { pops } else { 60 });
            settle(&mut unit);
            if unit.pop.val() {
                let queue = unit.turn.val().to_u64();
                let place = queue as usize;
                assert!(
                    owed.remove(&queue) || pushed_at[place] + 4 > popped_at[place],
                    "cycle {cycle}: queue {queue} was not ready"
                );
                popped_at[place] = cycle;
                popped += 1;
            }
            if unit.store_valid.val() {
                owed.insert(unit.store_queue.val().to_u64());
            }
            if unit.again_valid.val() && unit.again_ready.val() {
                pushed_at[unit.again_queue.val().index()] = cycle;
                owed.insert(unit.again_queue.val().to_u64());
            }
            // A pop in the very cycle of these answers them.
            let popped_now = unit.pop.val().then(|| unit.turn.val().to_u64());
            for (pushes, queue) in [
                (unit.starved_valid.val(), unit.starved_queue.val()),
                (
                    unit.reopen_valid.val() && unit.reopen_ready.val(),
                    unit.reopen_queue.val(),
                ),
            ] {
                let queue = queue.to_u64();
                if pushes && popped_now != Some(queue) {
                    owed.insert(queue);
                }
            }
            clock_cycle!(unit, clock);
            if cycle % (2000 * slower) == 2000 * slower - 1 {
                assert!(owed.is_empty(), "cycle {cycle}: {owed:?} never came");
            }
        }
        assert!(popped > 2000, "{popped} popped");
    }

    #[test]
    fn no_push_is_lost_and_none_counts_twice() {
        all_come_out::<4, 5, 6>();
        all_come_out::<8, 9, 10>();
    }

    #[test]
    fn priority_goes_first_and_starves_nobody() {
        let mut unit = fresh::<4, 5, 6>();
        unit.configuration.next = control(1, 1 << 2);
        clock_cycle!(unit, clock);
        unit.configuration.next = control(2, 1 << 2);
        clock_cycle!(unit, clock);
        unit.configuration.next = Default::default();
        let mut order = Vec::new();
        for queue in [3u64, 1, 2] {
            unit.store_valid.next = true;
            unit.store_queue.next = queue.to_bits();
            clock_cycle!(unit, clock);
        }
        unit.store_valid.next = false;
        clock_cycle!(unit, clock);
        clock_cycle!(unit, clock);
        while order.len() < 40 {
            settle(&mut unit);
            assert!(unit.any.val());
            let queue = unit.turn.val();
            order.push(queue.to_u64());
            unit.pop.next = true;
            unit.store_valid.next = true;
            unit.store_queue.next = queue;
            settle(&mut unit);
            clock_cycle!(unit, clock);
            unit.pop.next = false;
            unit.store_valid.next = false;
            clock_cycle!(unit, clock);
            clock_cycle!(unit, clock);
        }
        let others: Vec<usize> = (0..order.len()).filter(|&at| order[at] == 3).collect();
        assert_eq!(others, [8, 17, 26, 35], "{order:?}");
    }

    /// The only queue waits for one of these three, whatever the others have.
    #[test]
    fn a_queue_waits_for_what_it_starved_of() {
        for (channel, of_room) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut unit = fresh::<4, 5, 6>();
            unit.starved_valid.next = true;
            unit.starved_queue.next = 5u64.to_bits();
            unit.starved_channel.next = channel;
            unit.starved_of_room.next = of_room;
            clock_cycle!(unit, clock);
            unit.starved_valid.next = false;
            let of = [!channel && !of_room, channel && !of_room, of_room];
            for is_there in [of.map(|it| !it), of] {
                let [room_0, room_1, transfer_room] = is_there;
                unit.room_0.next = room_0;
                unit.room_1.next = room_1;
                unit.transfer_room.next = transfer_room;
                for _ in 0..20 {
                    clock_cycle!(unit, clock);
                    assert!(!unit.any.val() || is_there == of);
                }
            }
            assert!(unit.any.val());
            assert_eq!(unit.turn.val().to_u64(), 5);
        }
    }

    fn passes_the_gate<const N: usize, const NP1: usize, const NP2: usize>(name: &str) {
        Gate::new(name, ReadyQueues::<N, NP1, NP2>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                let begun = cycle > 2 + (1 << N);
                unit.configuration.next = control(random.below(1 << N), random.word() & 7);
                unit.configuration.next.control = random.chance(5);
                unit.store_valid.next = begun && random.chance(20);
                unit.store_queue.next = random.below(1 << N).to_bits();
                unit.again_valid.next = begun && random.chance(20);
                unit.again_queue.next = random.below(1 << N).to_bits();
                unit.starved_valid.next = begun && random.chance(20);
                unit.starved_queue.next = random.below(1 << N).to_bits();
                unit.starved_channel.next = random.chance(50);
                unit.starved_of_room.next = random.chance(40);
                unit.reopen_valid.next = begun && random.chance(20);
                unit.reopen_queue.next = random.below(1 << N).to_bits();
                unit.room_0.next = random.chance(30);
                unit.room_1.next = random.chance(30);
                unit.transfer_room.next = random.chance(30);
                unit.waits_for_prior.next = false;
                unit.pop.next = unit.any.val() && random.chance(50);
                unit.keeps.next = !unit.pop.next && unit.may_keep.val() && random.chance(50);
            });
    }

    #[test]
    fn gate() {
        passes_the_gate::<4, 5, 6>("ready_queues");
        passes_the_gate::<8, 9, 10>("ready_queues_256");
    }
}

//! The transmit queue that is checked: the shipped one, or another with the same interface.

use std::{fmt::Debug, hash::Hash};

use heapless::Vec;
use protocol::{Answer, Index, Launch, Limits, Outcome, Sender};

use crate::broken::AllBut;

/// What the world asks of a transmit queue. A way is a receiving node and a channel.
pub trait TransmitQueue<const BITS: u32>:
    Copy + PartialEq + Eq + Hash + Debug + Send + Sync + 'static
{
    /// After a refusal nothing is sent beside a probe (rules 3 and 4), whatever its way.
    const PROBES_ALONE: bool;

    /// An empty slot.
    fn new(rules: AllBut, limits: Limits, generation: u8) -> Self;
    /// The messages that may be sent now; one of them is.
    fn launches(
        &self,
        producer: Index<BITS>,
        way: impl Fn(Index<BITS>) -> Option<(u8, u8)>,
    ) -> Vec<Launch<BITS>, 4>;
    /// It is sent.
    fn launch(&mut self, launch: &Launch<BITS>, producer: Index<BITS>, way: (u8, u8));
    /// [`Sender::on_answer`].
    fn on_answer(
        &mut self,
        from: u16,
        answer: &Answer<BITS>,
        way: impl Fn(Index<BITS>) -> Option<(u8, u8)>,
    ) -> Outcome;
    /// [`Sender::on_rejected`].
    fn on_rejected(&mut self, index: Index<BITS>) -> Outcome;
    /// [`Sender::on_pause_over`].
    fn on_pause_over(&mut self) -> Outcome;
    /// [`Sender::save`].
    fn save(&self) -> Option<Index<BITS>>;
    /// [`Sender::load`].
    fn load(&mut self, limits: Limits, consumer: Index<BITS>);
    /// [`Sender::free`].
    fn free(&mut self);
    /// [`Sender::consumer`].
    fn consumer(&self) -> Index<BITS>;
    /// [`Sender::is_done`].
    fn is_done(&self, index: Index<BITS>) -> bool;
    /// [`Sender::is_paused`].
    fn is_paused(&self) -> bool;
    /// [`Sender::generation`].
    fn generation(&self) -> u8;
    /// Unanswered messages among those that a message of this way waits for.
    fn outstanding(&self, way: (u8, u8)) -> u8;
    /// Unanswered messages of the queue.
    fn outstanding_of_all(&self) -> u8;
}

impl<const BITS: u32> TransmitQueue<BITS> for Sender<BITS, AllBut> {
    const PROBES_ALONE: bool = true;

    fn new(rules: AllBut, limits: Limits, generation: u8) -> Self {
        Sender::new(rules, limits, generation)
    }

    fn launches(
        &self,
        producer: Index<BITS>,
        _: impl Fn(Index<BITS>) -> Option<(u8, u8)>,
    ) -> Vec<Launch<BITS>, 4> {
        self.ready(producer).into_iter().collect()
    }

    fn launch(&mut self, launch: &Launch<BITS>, producer: Index<BITS>, _: (u8, u8)) {
        assert_eq!(Sender::launch(self, producer).as_ref(), Some(launch));
    }

    fn on_answer(
        &mut self,
        from: u16,
        answer: &Answer<BITS>,
        way: impl Fn(Index<BITS>) -> Option<(u8, u8)>,
    ) -> Outcome {
        let sent_to = |index| way(index).map_or(u16::MAX, |(node, _)| node.into());
        Sender::on_answer(self, from, answer, sent_to)
    }

    fn on_rejected(&mut self, index: Index<BITS>) -> Outcome {
        Sender::on_rejected(self, index)
    }

    fn on_pause_over(&mut self) -> Outcome {
        Sender::on_pause_over(self)
    }

    fn save(&self) -> Option<Index<BITS>> {
        Sender::save(self)
    }

    fn load(&mut self, limits: Limits, consumer: Index<BITS>) {
        Sender::load(self, limits, consumer);
    }

    fn free(&mut self) {
        Sender::free(self);
    }

    fn consumer(&self) -> Index<BITS> {
        Sender::consumer(self)
    }

    fn is_done(&self, index: Index<BITS>) -> bool {
        Sender::is_done(self, index)
    }

    fn is_paused(&self) -> bool {
        Sender::is_paused(self)
    }

    fn generation(&self) -> u8 {
        Sender::generation(self)
    }

    fn outstanding(&self, _: (u8, u8)) -> u8 {
        Sender::outstanding(self)
    }

    fn outstanding_of_all(&self) -> u8 {
        Sender::outstanding(self)
    }
}

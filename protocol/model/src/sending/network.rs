//! What lies between the nodes: frames and answers in order.

use heapless::Vec;
use protocol::{Answer, Index};

/// Most frames of one (node, node, channel).
const FRAMES: usize = 8;
/// Most answers of one (node, node).
const ANSWERS: usize = 8;

/// A message frame. What stands behind the line is not on the wire: it is there for the checks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Frame<const BITS: u32> {
    /// The transmit queue.
    pub slot: u8,
    /// Of the slot's owner.
    pub generation: u8,
    /// The message's index.
    pub index: Index<BITS>,
    /// Rule 2.
    pub restart: bool,
    /// Where it goes.
    pub receive_queue: u8,
    // ----
    /// Whose message it is.
    pub queue: u8,
    /// Its number.
    pub message: u8,
}

/// All links.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Network<const BITS: u32> {
    /// By sending node, receiving node, channel.
    frames: [[[Vec<Frame<BITS>, FRAMES>; 2]; 2]; 2],
    /// By receiving node, sending node.
    answers: [[Vec<Answer<BITS>, ANSWERS>; 2]; 2],
}

impl<const BITS: u32> Default for Network<BITS> {
    fn default() -> Self {
        Self {
            frames: Default::default(),
            answers: Default::default(),
        }
    }
}

impl<const BITS: u32> Network<BITS> {
    /// A frame leaves node `from`.
    pub fn send(&mut self, from: u8, to: u8, channel: u8, frame: Frame<BITS>) {
        let wire = &mut self.frames[usize::from(from)][usize::from(to)][usize::from(channel)];
        wire.push(frame).expect("a window of frames at most");
    }

    /// The frame at this place leaves the link.
    pub fn arrive(&mut self, from: u8, to: u8, channel: u8, at: u8) -> Frame<BITS> {
        let wire = &mut self.frames[usize::from(from)][usize::from(to)][usize::from(channel)];
        wire.remove(at.into())
    }

    /// An answer leaves node `from`; it joins the one before it if it can.
    pub fn answer(&mut self, from: u8, to: u8, answer: Answer<BITS>) {
        let wire = &mut self.answers[usize::from(from)][usize::from(to)];
        let joined = wire
            .last_mut()
            .is_some_and(|last| last.join(&answer, Index::<BITS>::WINDOW));
        if !joined {
            wire.push(answer).expect("a window of answers at most");
        }
    }

    /// The answer at this place leaves the link.
    pub fn take_answer(&mut self, from: u8, to: u8, at: u8) -> Answer<BITS> {
        self.answers[usize::from(from)][usize::from(to)].remove(at.into())
    }

    /// The oldest answer.
    pub fn first_answer(&self, from: u8, to: u8) -> Answer<BITS> {
        self.answers[usize::from(from)][usize::from(to)][0]
    }

    /// Calls `each` for every (from, to, channel) with its number of frames, if there are any.
    pub fn frames(&self, mut each: impl FnMut(u8, u8, u8, u8)) {
        for (from, wires) in (0..).zip(&self.frames) {
            for (to, wires) in (0..).zip(wires) {
                for (channel, wire) in (0..).zip(wires).filter(|(_, wire)| !wire.is_empty()) {
                    each(from, to, channel, wire.len() as u8);
                }
            }
        }
    }

    /// Calls `each` for every (from, to) with its number of answers, if there are any.
    pub fn answers(&self, mut each: impl FnMut(u8, u8, u8)) {
        for (from, wires) in (0..).zip(&self.answers) {
            for (to, wire) in (0..).zip(wires).filter(|(_, wire)| !wire.is_empty()) {
                each(from, to, wire.len() as u8);
            }
        }
    }

    /// Messages of a slot and generation that are on their way, as frame or answer.
    pub fn count(&self, slot: u8, generation: u8) -> u8 {
        let frames = self.frames.iter().flatten().flatten().flatten();
        let frames = frames.filter(|frame| (frame.slot, frame.generation) == (slot, generation));
        let answers = self.answers.iter().flatten().flatten();
        let answers =
            answers.filter(|answer| (answer.slot, answer.generation) == (slot, generation));
        let answered: u32 = answers.map(|answer| answer.bitmap.count_ones()).sum();
        frames.count() as u8 + answered as u8
    }
}

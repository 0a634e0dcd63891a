//! Links between the sending node and two receiving ones.

use std::collections::{HashSet, VecDeque};

use wayfarer_protocol::{
    Answer, Buffer, Index,
    link_peer::{Acknowledgement, Epoch, LinkPeer, Numbers, Sequence, Stream},
};

use super::{AllBut, Random, take_first};

/// What a link does to frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Nothing.
    Keeps,
    /// It loses some.
    Loses,
    /// It loses, repeats and reorders them, and both ends mend it.
    Reliable,
}

/// A message frame; `owner` and `message` are there for the checks.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub slot: u8,
    pub generation: u8,
    pub index: Index,
    pub restart: bool,
    pub receive_queue: usize,
    pub channel: u8,
    pub owner: usize,
    pub message: usize,
}

/// Generation of the first owner of a slot.
pub const FIRST_GENERATION: u8 = 254;

/// Each owner but the last fails with messages unanswered, and so advances the generation by one.
fn owner_of(answer: &Answer) -> usize {
    answer.generation.wrapping_sub(FIRST_GENERATION).into()
}

/// Bits of an answer's bitmap.
const SPAN: u8 = 32;

/// The links to both receiving nodes.
#[derive(Debug)]
pub struct Link {
    wire: Wire,
    /// Bare links: by node and channel, and the answers.
    frames: [[VecDeque<Frame>; 2]; 2],
    answers: [VecDeque<Answer>; 2],
    /// Slots and owners that something was lost of.
    lost: HashSet<(u8, usize)>,
    reliable: [Reliable; 2],
}

impl Link {
    pub fn new(wire: Wire, rules: AllBut) -> Self {
        Self {
            wire,
            frames: Default::default(),
            answers: Default::default(),
            lost: HashSet::new(),
            reliable: [Reliable::new(rules), Reliable::new(rules)],
        }
    }

    pub fn has_room(&self) -> bool {
        self.reliable
            .iter()
            .all(|link| link.waiting.iter().all(|waiting| waiting.len() < 100))
    }

    /// Whether a frame or an answer of this owner of the slot was lost.
    pub fn has_lost(&self, slot: u8, owner: usize) -> bool {
        self.lost.contains(&(slot, owner))
    }

    pub fn send(&mut self, node: u16, frame: Frame) {
        let (node, channel) = (usize::from(node), usize::from(frame.channel));
        if self.wire == Wire::Reliable {
            self.reliable[node].waiting[channel].push_back(Payload::Message(frame));
        } else {
            self.frames[node][channel].push_back(frame);
        }
    }

    pub fn answer(&mut self, node: u16, answer: Answer) {
        let node = usize::from(node);
        if self.wire == Wire::Reliable {
            self.reliable[node]
                .answers
                .push_back(Payload::Answer(answer));
        } else {
            let answers = &mut self.answers[node];
            let joined = answers
                .back_mut()
                .is_some_and(|last| last.join(&answer, SPAN));
            if !joined {
                answers.push_back(answer);
            }
        }
    }

    /// Messages that arrive now.
    pub fn messages(&mut self, random: &mut Random) -> Vec<Frame> {
        let (node, channel) = (random.below(2), random.below(2));
        if self.wire == Wire::Reliable {
            return self.reliable[node].deliver(channel);
        }
        let most = random.below(64);
        let mut arrived = take_first(&mut self.frames[node][channel], most);
        let wire = self.wire;
        let lost = &mut self.lost;
        arrived.retain(|frame| {
            let loses = wire == Wire::Loses && random.one_in(300);
            if loses {
                lost.insert((frame.slot, frame.owner));
            }
            !loses
        });
        arrived
    }

    /// Answers that arrive now, with the node that they come from.
    pub fn answers(&mut self, random: &mut Random) -> Vec<(u16, Answer)> {
        let node = random.below(2);
        let most = random.below(64);
        let answers = if self.wire == Wire::Reliable {
            &mut self.reliable[node].answered
        } else {
            &mut self.answers[node]
        };
        // Answers need no order (rule 11).
        if !answers.is_empty() && random.one_in(2) {
            let by = random.below(answers.len());
            answers.rotate_left(by);
        }
        let mut arrived = take_first(answers, most);
        let wire = self.wire;
        let lost = &mut self.lost;
        arrived.retain(|answer| {
            let loses = wire == Wire::Loses && random.one_in(300);
            if loses {
                lost.insert((answer.slot, owner_of(answer)));
            }
            !loses
        });
        arrived
            .into_iter()
            .map(|answer| (node as u16, answer))
            .collect()
    }

    pub fn pass_time(&mut self, random: &mut Random) {
        for link in &mut self.reliable {
            link.pass_time(random);
        }
    }
}

/// What a frame of the reliable link carries.
#[derive(Clone, Copy, Debug)]
enum Payload {
    Message(Frame),
    Answer(Answer),
}

type Kept = VecDeque<(Sequence, Payload)>;

/// One end: the protocol, and its retransmission buffers.
#[derive(Debug)]
struct End {
    peer: LinkPeer<12, 6, AllBut>,
    kept: [Kept; 3],
    /// On their way to the other end.
    frames: VecDeque<(Numbers, Payload)>,
    said: VecDeque<Acknowledgement>,
}

/// A link to one receiving node. Messages go one way, answers the other.
#[derive(Debug)]
struct Reliable {
    ends: [End; 2],
    buffer: Buffer<AllBut>,
    /// By channel: messages not yet in the retransmission buffer, and messages in the receiver's buffer.
    waiting: [VecDeque<Payload>; 2],
    held: [VecDeque<Frame>; 2],
    answers: VecDeque<Payload>,
    answered: VecDeque<Answer>,
}

/// Frames of a stream in the retransmission buffer.
const WINDOW: u16 = 32;
/// Beats of a longest frame.
const LONGEST: u16 = 17;

impl End {
    fn new(rules: AllBut, epoch: u8) -> Self {
        Self {
            peer: LinkPeer::new(rules, WINDOW, Epoch::new(epoch)),
            kept: Default::default(),
            frames: VecDeque::new(),
            said: VecDeque::new(),
        }
    }

    /// Moves payloads into the retransmission buffer, and frames to the wire.
    fn push(&mut self, stream: Stream, waiting: &mut VecDeque<Payload>) {
        while let Some(payload) = waiting.front() {
            let Some(sequence) = self.peer.push(stream) else {
                break;
            };
            self.kept[stream as usize].push_back((sequence, *payload));
            waiting.pop_front();
        }
        while self.frames.len() < 40
            && let Some(numbers) = self.peer.launch(stream)
        {
            let mut kept = self.kept[stream as usize].iter();
            let kept = kept
                .find(|kept| kept.0 == numbers.sequence)
                .expect("it is kept");
            self.frames.push_back((numbers, kept.1));
        }
    }

    fn release(&mut self, stream: Stream, count: u16) {
        drop(take_first(&mut self.kept[stream as usize], count.into()));
    }
}

impl Reliable {
    fn new(rules: AllBut) -> Self {
        let mut ends = [End::new(rules, 63), End::new(rules, 17)];
        let [near, far] = &mut ends;
        let offer = far
            .peer
            .on_hello(near.peer.epochs().hello())
            .reply
            .expect("an offer");
        let heard = near.peer.on_hello(offer).reply.expect("an echo");
        assert!(far.peer.on_hello(heard).fresh);
        Self {
            ends,
            buffer: Buffer::new(rules, 4 * LONGEST, LONGEST),
            waiting: Default::default(),
            held: Default::default(),
            answers: VecDeque::new(),
            answered: VecDeque::new(),
        }
    }

    /// Takes a frame from the receiver's buffer.
    fn deliver(&mut self, channel: usize) -> Vec<Frame> {
        let frames = take_first(&mut self.held[channel], 1);
        frames
            .iter()
            .for_each(|_| self.buffer.take(channel as u8, LONGEST));
        frames
    }

    fn pass_time(&mut self, random: &mut Random) {
        for (channel, stream) in [Stream::Channel0, Stream::Channel1].into_iter().enumerate() {
            self.ends[0].push(stream, &mut self.waiting[channel]);
        }
        self.ends[1].push(Stream::Answers, &mut self.answers);
        for from in 0..2 {
            for _ in 0..random.below(60) {
                self.carry(from, random);
            }
            for stream in Stream::ALL {
                if random.one_in(8) {
                    self.ends[from].peer.go_back(stream);
                }
            }
        }
    }

    /// One frame or acknowledgement goes over: lost, repeated, in order or not.
    fn carry(&mut self, from: usize, random: &mut Random) {
        let fate = random.below(20);
        let from_end = &mut self.ends[from];
        let frame = pick(&mut from_end.frames, fate, random);
        let said = pick(&mut from_end.said, fate, random);
        let Self {
            ends,
            buffer,
            held,
            answered,
            ..
        } = self;
        let to = &mut ends[1 - from];
        if let Some(said) = said {
            let released = to.peer.on_acknowledgement(&said);
            to.release(said.stream, released);
        }
        if let Some((numbers, payload)) = frame {
            let channel = numbers.stream as u8;
            let received = to.peer.on_frame(&numbers, || buffer.put(channel, LONGEST));
            to.release(numbers.stream, received.released);
            to.said.extend(received.acknowledgement);
            match payload {
                Payload::Message(frame) if received.taken => {
                    held[usize::from(channel)].push_back(frame)
                }
                Payload::Answer(answer) if received.taken => answered.push_back(answer),
                _ => {}
            }
        }
    }
}

/// What the wire hands over: now and then nothing, a later one, or one that it hands over again.
fn pick<T: Copy>(wire: &mut VecDeque<T>, fate: usize, random: &mut Random) -> Option<T> {
    match fate {
        0 => wire.pop_front().and(None),
        1 => wire.front().copied(),
        2 if !wire.is_empty() => wire.remove(random.below(wire.len())),
        _ => wire.pop_front(),
    }
}

//! The reliable link, as one node keeps it of one peer (rules 13 to 15 and 29 to 35).
//!
//! Three streams go to each peer: the two channels, and the answers. Each numbers its frames, repeats from the first
//! missing one, and is acknowledged by itself. A frame of a channel that finds no room is dropped and asked for again;
//! it holds up its own stream only. Answers always find room. So answers never wait for a channel, nor channel 1 for
//! channel 0.
//!
//! With one sequence for all streams a dropped frame would hold up everything behind it, answers too; the model shows
//! that two nodes then wait for each other for ever.

mod buffer;
mod epoch;
mod stream;

pub use buffer::Buffer;
pub use epoch::{Epoch, Epochs, Greeted, Hello};
pub use stream::{Arrival, ReceiveStream, SendStream, Sequence};

use crate::rules::{AllRules, Rule, Rules};

/// What shares one sequence.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Stream {
    /// Frames of channel 0.
    Channel0,
    /// Frames of channel 1.
    Channel1,
    /// Verdicts, which take no credits.
    Answers,
}

impl Stream {
    /// All streams, the most urgent one last.
    pub const ALL: [Self; 3] = [Self::Channel0, Self::Channel1, Self::Answers];
}

/// The numbers in a frame. Everything else in it is the stream's payload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Numbers<const SEQUENCE: u32 = 12, const EPOCH: u32 = 6> {
    /// Whose sequence it is, and whose `acknowledge`.
    pub stream: Stream,
    /// The frame's number.
    pub sequence: Sequence<SEQUENCE>,
    /// The number expected of the peer in the same stream.
    pub acknowledge: Sequence<SEQUENCE>,
    /// As the peer has chosen it.
    pub epoch: Epoch<EPOCH>,
}

/// A frame that is nothing but an acknowledgement. It has no number and may be lost.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Acknowledgement<const SEQUENCE: u32 = 12, const EPOCH: u32 = 6> {
    /// Of which stream.
    pub stream: Stream,
    /// The number expected of the peer.
    pub expected: Sequence<SEQUENCE>,
    /// Why the frame with that number is asked for.
    pub negative: Option<Missing>,
    /// As the peer has chosen it.
    pub epoch: Epoch<EPOCH>,
}

/// Why a frame is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Missing {
    /// It never came.
    Lost,
    /// It came and found no room. The sender pauses before it sends it again.
    NoRoom,
}

/// What to do with a frame that came.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Received<const SEQUENCE: u32 = 12, const EPOCH: u32 = 6> {
    /// Its payload is taken: into the channel's buffer, or to the transmit queues that it answers. Otherwise it is
    /// dropped.
    pub taken: bool,
    /// To be sent at once. An acknowledgement without `negative` may wait for a frame of the same stream to ride on.
    pub acknowledgement: Option<Acknowledgement<SEQUENCE, EPOCH>>,
    /// Frames that may leave the retransmission buffer of the stream.
    pub released: u16,
}

/// One peer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LinkPeer<const SEQUENCE: u32 = 12, const EPOCH: u32 = 6, R: Rules = AllRules> {
    rules: R,
    /// Most frames of one stream in the retransmission buffer.
    window: u16,
    epochs: Epochs<EPOCH, R>,
    send: [SendStream<SEQUENCE>; 3],
    receive: [ReceiveStream<SEQUENCE, R>; 3],
}

impl<const SEQUENCE: u32, const EPOCH: u32, R: Rules> LinkPeer<SEQUENCE, EPOCH, R> {
    /// After a reboot, with the epoch to begin with ([`Epochs::new`]).
    ///
    /// # Panics
    /// When the window is wider than half the sequence numbers: a frame that comes again could not be told from a new
    /// one.
    pub fn new(rules: R, window: u16, epoch: Epoch<EPOCH>) -> Self {
        let most = 1 << (SEQUENCE - 1);
        assert!(
            (1..=most).contains(&window),
            "the window has 1 to {most} frames"
        );
        Self {
            rules,
            window,
            epochs: Epochs::new(rules, epoch),
            send: [SendStream::default(); 3],
            receive: [ReceiveStream::new(rules); 3],
        }
    }

    /// What tells frames before a reboot from those after it.
    pub fn epochs(&self) -> &Epochs<EPOCH, R> {
        &self.epochs
    }

    /// Takes a frame into the retransmission buffer of its stream. Returns the number that it keeps; `None`: the buffer
    /// is full, or the peer is not known yet.
    pub fn push(&mut self, stream: Stream) -> Option<Sequence<SEQUENCE>> {
        self.epochs.theirs()?;
        let window = self.window;
        self.send[self.place(stream)].push(window)
    }

    /// Puts the next frame of the stream on the wire: its numbers. The number says which frame of the retransmission
    /// buffer it is.
    pub fn launch(&mut self, stream: Stream) -> Option<Numbers<SEQUENCE, EPOCH>> {
        let epoch = self.epochs.theirs()?;
        let place = self.place(stream);
        let sequence = self.send[place].launch()?;
        Some(Numbers {
            stream,
            sequence,
            acknowledge: self.receive[place].expected(),
            epoch,
        })
    }

    /// Whether the stream has a frame to put on the wire.
    pub fn is_ready(&self, stream: Stream) -> bool {
        self.epochs.theirs().is_some() && self.send[self.place(stream)].ready().is_some()
    }

    /// Frames of the stream that are not acknowledged.
    pub fn unacknowledged(&self, stream: Stream) -> u16 {
        self.send[self.place(stream)].unacknowledged()
    }

    /// A frame with a valid CRC came. `put` puts it into its channel's buffer and returns whether it fitted; it is
    /// called only if the frame is the expected one, and never for answers, which always fit (rules 14 and 15).
    pub fn on_frame(
        &mut self,
        numbers: &Numbers<SEQUENCE, EPOCH>,
        put: impl FnOnce() -> bool,
    ) -> Received<SEQUENCE, EPOCH> {
        let mut received = Received {
            taken: false,
            acknowledgement: None,
            released: 0,
        };
        let known = self
            .epochs
            .theirs()
            .filter(|_| self.epochs.accepts(numbers.epoch));
        let Some(epoch) = known else {
            return received;
        };
        let place = self.place(numbers.stream);
        received.released = self.send[place].on_acknowledge(numbers.acknowledge);
        let stream = &mut self.receive[place];
        let arrival = if numbers.stream == Stream::Answers && !self.rules.holds(Rule::AnswerOnce) {
            Arrival::Expected
        } else {
            stream.check(numbers.sequence, self.window)
        };
        let negative = match arrival {
            Arrival::Expected => {
                received.taken = numbers.stream == Stream::Answers || put();
                if received.taken {
                    stream.take(numbers.sequence);
                    None
                } else {
                    Some(Missing::NoRoom)
                }
            }
            Arrival::Gap if stream.ask() => Some(Missing::Lost),
            Arrival::Repeated if self.rules.holds(Rule::AcknowledgeAgain) => None,
            Arrival::Gap | Arrival::Repeated => return received,
        };
        received.acknowledgement = Some(Acknowledgement {
            stream: numbers.stream,
            expected: stream.expected(),
            negative,
            epoch,
        });
        received
    }

    /// An acknowledgement came. Returns how many frames may leave the retransmission buffer. After [`Missing::NoRoom`]
    /// the caller lets the pause go by and then calls [`go_back`](Self::go_back).
    pub fn on_acknowledgement(&mut self, said: &Acknowledgement<SEQUENCE, EPOCH>) -> u16 {
        if !self.epochs.accepts(said.epoch) {
            return 0;
        }
        let place = self.place(said.stream);
        let released = self.send[place].on_acknowledge(said.expected);
        if said.negative == Some(Missing::Lost) {
            self.send[place].go_back();
        }
        released
    }

    /// The stream's timer, or its pause, has run out: what is not acknowledged is sent again.
    pub fn go_back(&mut self, stream: Stream) {
        self.send[self.place(stream)].go_back();
    }

    /// The peer said something about epochs. If it is another incarnation, all streams start afresh: every frame in the
    /// retransmission buffer is dropped, and every message that is unanswered at that peer has failed (rule 35).
    pub fn on_hello(&mut self, hello: Hello<EPOCH>) -> Greeted<EPOCH> {
        let greeted = self.epochs.on_hello(hello);
        if greeted.fresh && self.rules.holds(Rule::FreshStart) {
            self.send = [SendStream::default(); 3];
            self.receive = [ReceiveStream::new(self.rules); 3];
        }
        greeted
    }

    /// The sequence and retransmission buffer of the stream: its own.
    pub fn place(&self, stream: Stream) -> usize {
        let own = match stream {
            Stream::Channel0 => true,
            Stream::Channel1 => self.rules.holds(Rule::SequencePerChannel),
            Stream::Answers => self.rules.holds(Rule::AnswersPass),
        };
        if own { stream as usize } else { 0 }
    }
}

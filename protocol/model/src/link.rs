//! The reliable link over a wire that loses, repeats and reorders (rules 13 to 15 and 29 to 35).
//!
//! Frames of three streams go from node 0 to node 1, acknowledgements back. Both may reboot.

use heapless::Vec;
use protocol::{
    Buffer, LinkPeer, Rule, Rules,
    link_peer::{Acknowledgement, Epoch, Hello, Missing, Numbers, Sequence, Stream},
};

use crate::{
    broken::AllBut,
    experiments::{Experiment, Size},
    explore::World,
};

/// Bits of a sequence number: few, so that it wraps.
const SEQUENCE: u32 = 2;
const EPOCH: u32 = 4;
/// Frames on the wire.
const WIRE: usize = 3;

type Peer = LinkPeer<SEQUENCE, EPOCH, AllBut>;

/// The world.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    rules: AllBut,
    /// Frames of each stream.
    frames: [u8; 3],
    /// Most frames of a stream in the retransmission buffer.
    window: u16,
    /// Frames that the shared buffer holds.
    buffer: u16,
    /// Frames of channel 0 leave the buffer only when all of channel 1 and all answers have come: as when room is made
    /// by an answer, or by a response.
    coupled: bool,
    /// Frames and acknowledgements that may be lost, repeated, and overtaken.
    losses: u8,
    repeats: u8,
    overtakes: u8,
    /// Reboots of each node.
    reboots: [u8; 2],
    /// Timers may run out while a frame or its acknowledgement is still on its way.
    impatient: bool,
    /// The nodes do not know each other at the start.
    strangers: bool,
}

/// A frame's payload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Payload {
    stream: Stream,
    number: u8,
}

/// A state of the world.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    peers: [Peer; 2],
    /// Payloads of each stream that were pushed.
    pushed: [u8; 3],
    /// The retransmission buffers of node 0.
    kept: [Vec<(Sequence<SEQUENCE>, Payload), 4>; 3],
    /// Streams of node 0 that were told of a lack of room.
    pausing: [bool; 3],
    wire: Vec<(Numbers<SEQUENCE, EPOCH>, Payload), WIRE>,
    acknowledgements: Vec<Acknowledgement<SEQUENCE, EPOCH>, WIRE>,
    /// To each node.
    hellos: [Vec<Hello<EPOCH>, 2>; 2],
    buffer: Buffer<AllBut>,
    held: [u8; 2],
    /// Payloads taken, and payloads that are unknown, one bit each.
    taken: [u8; 3],
    unknown: [u8; 3],
    losses: u8,
    repeats: u8,
    overtakes: u8,
    reboots: [u8; 2],
    /// Fresh starts of each node.
    fresh: [u8; 2],
    fault: Option<&'static str>,
}

/// A step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    Push(Stream),
    Launch(Stream),
    Frame { at: u8, keep: bool },
    LoseFrame,
    Acknowledge { at: u8, keep: bool },
    LoseAcknowledgement,
    Drain { channel: u8 },
    GoBack(Stream),
    SayHello { from: u8 },
    Hello { to: u8, at: u8, keep: bool },
    LoseHello { to: u8 },
    Reboot { node: u8 },
}

impl Link {
    fn boot(&self, node: u8, boots: u8) -> Peer {
        let epoch = Epoch::new(5 * boots + 7 * node);
        LinkPeer::new(self.rules, self.window, epoch)
    }

    fn push(&self, state: &mut State, stream: Stream) {
        let payload = Payload {
            stream,
            number: state.pushed[stream as usize],
        };
        if let Some(sequence) = state.peers[0].push(stream) {
            state.pushed[stream as usize] += 1;
            let kept = &mut state.kept[state.peers[0].place(stream)];
            kept.push((sequence, payload)).expect("a window at most");
        }
    }

    fn launch(&self, state: &mut State, stream: Stream) {
        let numbers = state.peers[0].launch(stream).expect("it is ready");
        let kept = &state.kept[state.peers[0].place(stream)];
        let payload = kept.iter().find(|kept| kept.0 == numbers.sequence);
        let Some(&(_, payload)) = payload else {
            state.fault = Some("a frame was sent that is not kept");
            return;
        };
        let numbers = Numbers {
            stream: payload.stream,
            ..numbers
        };
        state
            .wire
            .push((numbers, payload))
            .expect("there is room on the wire");
    }

    fn arrive(&self, state: &mut State, numbers: &Numbers<SEQUENCE, EPOCH>, payload: Payload) {
        let buffer = &mut state.buffer;
        let channel = payload.stream as u8;
        let received = state.peers[1].on_frame(numbers, || buffer.put(channel, 1));
        if received.taken {
            let bit = 1 << payload.number;
            let taken = &mut state.taken[payload.stream as usize];
            if *taken & bit != 0 {
                state.fault = Some("taken twice");
            } else if *taken > bit {
                state.fault = Some("order");
            }
            *taken |= bit;
            if let Some(held) = state.held.get_mut(payload.stream as usize) {
                *held += 1;
            }
        }
        if let Some(acknowledgement) = received.acknowledgement {
            // What finds no place on the wire is as good as lost.
            let _ = state.acknowledgements.push(acknowledgement);
        }
    }

    fn acknowledge(&self, state: &mut State, said: &Acknowledgement<SEQUENCE, EPOCH>) {
        let place = state.peers[0].place(said.stream);
        let released = state.peers[0].on_acknowledgement(said);
        for _ in 0..released {
            if state.kept[place].is_empty() {
                state.fault = Some("more was acknowledged than was kept");
                return;
            }
            let (_, payload) = state.kept[place].remove(0);
            if state.taken[payload.stream as usize] >> payload.number & 1 == 0 {
                state.fault = Some("acknowledged and not taken");
            }
        }
        if said.negative == Some(Missing::NoRoom) {
            state.pausing[place] = true;
        }
    }

    /// The peer of `node` is another one: what was not acknowledged has failed.
    fn forget(&self, state: &mut State, node: usize) {
        if node == 0 {
            for kept in &mut state.kept {
                for (_, payload) in kept.iter() {
                    state.unknown[payload.stream as usize] |= 1 << payload.number;
                }
                kept.clear();
            }
            state.pausing = [false; 3];
        }
    }

    fn greet(&self, state: &mut State, to: usize, hello: Hello<EPOCH>) {
        let greeted = state.peers[to].on_hello(hello);
        if greeted.fresh {
            state.fresh[to] += 1;
            let first = u8::from(self.strangers);
            let reboots: u8 = (0..2)
                .map(|node| self.reboots[node] - state.reboots[node])
                .sum();
            if state.fresh[to] > first + reboots {
                state.fault = Some("a fresh start without a reboot");
            }
            if self.rules.holds(Rule::FreshStart) {
                self.forget(state, to);
            }
        }
        if let Some(reply) = greeted.reply {
            let _ = state.hellos[1 - to].push(reply);
        }
    }

    fn may_drain(&self, state: &State, channel: usize) -> bool {
        let rest = [Stream::Channel1, Stream::Answers].map(|stream| stream as usize);
        let waits = rest.iter().any(|&stream| self.missing(state, stream) != 0);
        state.held[channel] > 0 && !(self.coupled && channel == 0 && waits)
    }

    /// Payloads that were neither taken nor reported as unknown.
    fn missing(&self, state: &State, stream: usize) -> u8 {
        let all = (1_u16 << self.frames[stream]) - 1;
        all as u8 & !(state.taken[stream] | state.unknown[stream])
    }
}

impl World for Link {
    type State = State;
    type Action = Action;

    fn start(&self) -> State {
        let mut peers = [self.boot(0, 0), self.boot(1, 0)];
        let mut said = (!self.strangers).then(|| peers[0].epochs().hello());
        for hearer in [1, 0, 1, 0] {
            said = said.and_then(|hello| peers[hearer].on_hello(hello).reply);
        }
        State {
            peers,
            pushed: [0; 3],
            kept: Default::default(),
            pausing: [false; 3],
            wire: Vec::new(),
            acknowledgements: Vec::new(),
            hellos: Default::default(),
            buffer: Buffer::new(self.rules, self.buffer, 1),
            held: [0; 2],
            taken: [0; 3],
            unknown: [0; 3],
            losses: self.losses,
            repeats: self.repeats,
            overtakes: self.overtakes,
            reboots: self.reboots,
            fresh: [0; 2],
            fault: None,
        }
    }

    fn actions(&self, state: &State, actions: &mut std::vec::Vec<Action>) {
        let [sender, receiver] = &state.peers;
        let known = sender.epochs().theirs().is_some();
        for stream in Stream::ALL {
            let place = sender.place(stream);
            let own = place == stream as usize;
            let window = usize::from(sender.unacknowledged(stream)) < usize::from(self.window);
            if known && window && state.pushed[stream as usize] < self.frames[stream as usize] {
                actions.push(Action::Push(stream));
            }
            if own && sender.is_ready(stream) && !state.wire.is_full() {
                actions.push(Action::Launch(stream));
            }
            let timer = self.rules.holds(Rule::RepeatByTime) || state.pausing[place];
            let sent = sender.unacknowledged(stream) > 0 && !sender.is_ready(stream);
            let of_stream = |other: Stream| sender.place(other) == place;
            let under_way = state.wire.iter().any(|frame| of_stream(frame.0.stream))
                || state
                    .acknowledgements
                    .iter()
                    .any(|said| of_stream(said.stream));
            if own && sent && timer && known && (self.impatient || !under_way) {
                actions.push(Action::GoBack(stream));
            }
        }
        let reach = |waiting: usize| {
            if state.overtakes > 0 {
                waiting
            } else {
                waiting.min(1)
            }
        };
        let mut add = |waiting, make: fn(u8, bool) -> Action, lose| {
            for at in 0..reach(waiting) as u8 {
                actions.push(make(at, false));
            }
            if waiting > 0 && state.repeats > 0 {
                actions.push(make(0, true));
            }
            if waiting > 0 && state.losses > 0 {
                actions.push(lose);
            }
        };
        let frame = |at, keep| Action::Frame { at, keep };
        let acknowledge = |at, keep| Action::Acknowledge { at, keep };
        add(state.wire.len(), frame, Action::LoseFrame);
        add(
            state.acknowledgements.len(),
            acknowledge,
            Action::LoseAcknowledgement,
        );
        let hello: [fn(u8, bool) -> Action; 2] = [
            |at, keep| Action::Hello { to: 0, at, keep },
            |at, keep| Action::Hello { to: 1, at, keep },
        ];
        for (to, make) in hello.into_iter().enumerate() {
            add(
                state.hellos[to].len(),
                make,
                Action::LoseHello { to: to as u8 },
            );
        }
        for channel in 0..2_u8 {
            if self.may_drain(state, channel.into()) {
                actions.push(Action::Drain { channel });
            }
        }
        let unacknowledged = |peer: &Peer| {
            Stream::ALL
                .iter()
                .any(|&stream| peer.unacknowledged(stream) > 0)
        };
        for (from, peer) in (0..).zip([sender, receiver]) {
            let waits = peer.epochs().theirs().is_none() || unacknowledged(peer);
            if waits && state.hellos[1 - usize::from(from)].is_empty() {
                actions.push(Action::SayHello { from });
            }
            if state.reboots[usize::from(from)] > 0 {
                actions.push(Action::Reboot { node: from });
            }
        }
    }

    fn step(&self, state: &mut State, action: &Action) {
        // What is taken out of order, or twice, is paid for.
        let mut pay = |at: u8, keep: bool| {
            state.overtakes -= u8::from(at > 0);
            state.repeats -= u8::from(keep);
        };
        match *action {
            Action::Push(stream) => self.push(state, stream),
            Action::Launch(stream) => self.launch(state, stream),
            Action::Frame { at, keep } => {
                pay(at, keep);
                let (numbers, payload) = state.wire[usize::from(at)];
                if !keep {
                    state.wire.remove(at.into());
                }
                self.arrive(state, &numbers, payload);
            }
            Action::LoseFrame => {
                state.losses -= 1;
                state.wire.remove(0);
            }
            Action::Acknowledge { at, keep } => {
                pay(at, keep);
                let said = state.acknowledgements[usize::from(at)];
                if !keep {
                    state.acknowledgements.remove(at.into());
                }
                self.acknowledge(state, &said);
            }
            Action::LoseAcknowledgement => {
                state.losses -= 1;
                state.acknowledgements.remove(0);
            }
            Action::Drain { channel } => {
                state.held[usize::from(channel)] -= 1;
                state.buffer.take(channel, 1);
            }
            Action::GoBack(stream) => {
                state.pausing[state.peers[0].place(stream)] = false;
                state.peers[0].go_back(stream);
            }
            Action::SayHello { from } => {
                let hello = state.peers[usize::from(from)].epochs().hello();
                let _ = state.hellos[1 - usize::from(from)].push(hello);
            }
            Action::Hello { to, at, keep } => {
                pay(at, keep);
                let hellos = &mut state.hellos[usize::from(to)];
                let hello = hellos[usize::from(at)];
                if !keep {
                    hellos.remove(at.into());
                }
                self.greet(state, to.into(), hello);
            }
            Action::LoseHello { to } => {
                state.losses -= 1;
                state.hellos[usize::from(to)].remove(0);
            }
            Action::Reboot { node } => {
                let place = usize::from(node);
                state.reboots[place] -= 1;
                let boots = self.reboots[place] - state.reboots[place];
                state.peers[place] = self.boot(node, boots);
                self.forget(state, place);
                if node == 1 {
                    state.buffer = Buffer::new(self.rules, self.buffer, 1);
                    state.held = [0; 2];
                }
            }
        }
    }

    fn fault(&self, state: &State) -> Option<&'static str> {
        state.fault
    }

    fn is_complete(&self, state: &State) -> bool {
        let kept = state.kept.iter().all(Vec::is_empty);
        kept && (0..3).all(|stream| self.missing(state, stream) == 0)
    }
}

/// The worlds of this model.
pub fn worlds() -> std::vec::Vec<Experiment> {
    use Size::{Large, Small};
    let plain = |rules| Link {
        rules,
        frames: [2, 0, 0],
        window: 2,
        buffer: 2,
        coupled: false,
        losses: 0,
        repeats: 0,
        overtakes: 0,
        reboots: [0, 0],
        impatient: false,
        strangers: false,
    };
    let lossy = move |rules| Link {
        frames: [2, 0, 1],
        losses: 1,
        repeats: 1,
        overtakes: 1,
        ..plain(rules)
    };
    let impatient = move |rules| Link {
        impatient: true,
        ..plain(rules)
    };
    let coupled = move |rules| Link {
        frames: [3, 1, 1],
        coupled: true,
        ..plain(rules)
    };
    let reboots = move |rules, reboots| Link {
        impatient: true,
        reboots,
        window: 1,
        ..plain(rules)
    };
    vec![
        Experiment::new("link/lossy", Small, lossy),
        Experiment::new("link/wrap", Small, move |rules| Link {
            frames: [6, 0, 0],
            losses: 1,
            repeats: 1,
            ..plain(rules)
        }),
        Experiment::new("link/impatient", Small, impatient),
        Experiment::new("link/coupled", Small, coupled),
        Experiment::new("link/sender-reboots", Small, move |rules| {
            reboots(rules, [1, 0])
        }),
        Experiment::new("link/receiver-reboots", Small, move |rules| {
            reboots(rules, [0, 1])
        }),
        Experiment::new("link/strangers", Small, move |rules| Link {
            frames: [1, 0, 0],
            strangers: true,
            overtakes: 1,
            ..reboots(rules, [0, 0])
        }),
        Experiment::new("link/late-hello", Small, move |rules| Link {
            frames: [1, 0, 0],
            repeats: 1,
            overtakes: 1,
            ..reboots(rules, [1, 0])
        }),
        Experiment::new("link/large-lossy", Large, move |rules| Link {
            frames: [3, 2, 1],
            losses: 2,
            impatient: true,
            ..lossy(rules)
        }),
        Experiment::new("link/large-coupled", Large, move |rules| Link {
            losses: 1,
            ..coupled(rules)
        }),
        Experiment::new("link/large-reboots", Large, move |rules| Link {
            losses: 1,
            repeats: 1,
            overtakes: 1,
            ..reboots(rules, [1, 1])
        }),
    ]
}

//! The sequence diagrams of `docs/protocol.md` are what the step functions do.

use std::fmt::Display;

use wayfarer_protocol::{
    AllRules, Answer, Buffer, CapturedStore, EndpointPage, Index, Limits, LinkPeer, Origin,
    Placement, Receiver, Replay, Ring, Sender, Stored,
    link_peer::{Acknowledgement, Epoch, Greeted, Hello, Missing, Stream},
};

/// A Mermaid diagram in the making.
struct Diagram(String);

impl Diagram {
    fn new(participants: &[&str]) -> Self {
        let mut text = "sequenceDiagram\n".to_owned();
        for (name, participant) in ('A'..).zip(participants) {
            text += &format!("    participant {name} as {participant}\n");
        }
        Self(text)
    }

    fn arrow(&mut self, from: char, to: char, what: impl Display) {
        self.0 += &format!("    {from}->>{to}: {what}\n");
    }

    fn note(&mut self, over: char, what: impl Display) {
        self.0 += &format!("    Note over {over}: {what}\n");
    }

    /// Compares it with the page.
    fn check(self) {
        let page = include_str!("../../docs/protocol.md");
        let block = format!("```mermaid\n{}```\n", self.0);
        assert!(
            page.contains(&block),
            "docs/protocol.md should contain\n{block}"
        );
    }
}

#[test]
fn a_refusal() {
    let mut diagram = Diagram::new(&["sender", "receiver, ring of two entries"]);
    let limits = Limits {
        window: 64,
        give_up: 0,
        doublings: 10,
        patience: 15,
    };
    let mut sender = Sender::<7>::new(AllRules, limits, 0);
    let mut receiver = Receiver::<1>::new(AllRules, 1, 1);
    let mut ring = Ring::new(2);
    let origin = Origin {
        node: 0,
        slot: 0,
        channel: 0,
    };
    let exchange = |sender: &mut Sender,
                    ring: &mut Ring,
                    receiver: &mut Receiver<1>,
                    diagram: &mut Diagram| {
        let mut answers: Vec<Answer> = Vec::new();
        while let Some(launch) = sender.launch(Index::new(6)) {
            let restart = if launch.restart { ", restart" } else { "" };
            let probe = if launch.probe { " (probe)" } else { "" };
            diagram.arrow(
                'A',
                'B',
                format!("message {}{restart}{probe}", launch.index.value()),
            );
            let placement = ring.push().map_or(Placement::NoRoom, |_| Placement::Room);
            let verdict = receiver.on_message(origin, launch.restart, placement);
            if placement == Placement::Room && verdict.is_refusal() {
                ring.producer -= 1;
            }
            let answer = Answer::new(0, 0, verdict, launch.index);
            let joined = answers
                .last_mut()
                .is_some_and(|last| last.join(&answer, 32));
            if !joined {
                answers.push(answer);
            }
        }
        for answer in answers {
            let named: Vec<String> = answer
                .indices()
                .map(|index| index.value().to_string())
                .collect();
            let verdict = format!("{:?}", answer.verdict).to_uppercase();
            diagram.arrow('B', 'A', format!("{verdict} {}", named.join(", ")));
            sender.on_answer(0, &answer, |_| 0);
        }
    };
    exchange(&mut sender, &mut ring, &mut receiver, &mut diagram);
    diagram.note('A', "everything is answered");
    exchange(&mut sender, &mut ring, &mut receiver, &mut diagram);
    diagram.note('A', "pause, doubled each time");
    diagram.note('B', "the host takes two entries");
    ring.consume(2);
    sender.on_pause_over();
    exchange(&mut sender, &mut ring, &mut receiver, &mut diagram);
    diagram.note('B', "the host takes one entry");
    ring.consume(3);
    exchange(&mut sender, &mut ring, &mut receiver, &mut diagram);
    diagram.check();
}

/// A store of a message is made, and its verdict told.
fn store(
    page: &mut EndpointPage,
    buffer: &mut Vec<CapturedStore>,
    diagram: &mut Diagram,
    message: u8,
) {
    diagram.arrow('A', 'B', format!("store of message {message}"));
    let found = page.look_up();
    match page.on_express(found, buffer.len() < 2) {
        Stored::Captured(store) => {
            diagram.arrow('B', 'C', format!("captured, index {}", store.index.value()));
            buffer.push(store);
        }
        Stored::Direct(index) => diagram.note('B', format!("into slot {}", index.value())),
        Stored::Lost => diagram.note('B', "lost"),
        Stored::Rejected => diagram.note('B', "rejected"),
    }
}

fn replay(
    page: &mut EndpointPage,
    buffer: &mut Vec<CapturedStore>,
    diagram: &mut Diagram,
    how: Replay,
) {
    let store = buffer.remove(0);
    let more = if page.replay(&store, how) {
        "more are captured"
    } else {
        "no more"
    };
    let index = store.index.value();
    if how == Replay::Discard {
        diagram.arrow(
            'C',
            'B',
            format!("throw the oldest store away, index {index}"),
        );
        diagram.note(
            'B',
            format!("producer index {}, {more}", page.producer().value()),
        );
    } else {
        diagram.arrow('C', 'B', "replay the oldest store");
        diagram.note('B', format!("into slot {index}, {more}"));
        page.set_resident(true);
    }
}

fn tell_loss(page: &EndpointPage, diagram: &mut Diagram) -> Index {
    let loss = page.loss().expect("a store was lost");
    let (losses, from) = (loss.losses.value(), loss.lost_from.value());
    let line = format!("shadow line: losses {losses}, lost from {from}");
    diagram.arrow('B', 'A', line);
    loss.lost_from
}

#[test]
fn captured_and_lost_stores() {
    let mut diagram = Diagram::new(&["driver", "page decoder", "firmware"]);
    let mut page = EndpointPage::<7>::new(AllRules, Index::new(64), 127);
    let mut buffer = Vec::new();
    for message in 0..3 {
        store(&mut page, &mut buffer, &mut diagram, message);
    }
    diagram.note('C', "loads the record");
    replay(&mut page, &mut buffer, &mut diagram, Replay::CarryOut);
    diagram.note('B', "the map says resident");
    replay(&mut page, &mut buffer, &mut diagram, Replay::CarryOut);
    let from = tell_loss(&page, &mut diagram);
    diagram.arrow('A', 'B', format!("resume store, index {}", from.value()));
    page.on_resume(from);
    store(&mut page, &mut buffer, &mut diagram, 2);
    diagram.check();
}

#[test]
fn a_store_for_which_no_slot_can_be_had() {
    let mut diagram = Diagram::new(&["driver", "page decoder", "firmware"]);
    let mut page = EndpointPage::<7>::new(AllRules, Index::new(64), 127);
    let mut buffer = Vec::new();
    for message in 0..2 {
        store(&mut page, &mut buffer, &mut diagram, message);
    }
    diagram.note('C', "no slot can be had");
    replay(&mut page, &mut buffer, &mut diagram, Replay::Discard);
    replay(&mut page, &mut buffer, &mut diagram, Replay::Discard);
    diagram.note('C', "later: loads the record, has the map say resident");
    page.bring();
    page.set_resident(true);
    let from = tell_loss(&page, &mut diagram);
    diagram.arrow('A', 'B', format!("resume store, index {}", from.value()));
    page.on_resume(from);
    for message in 0..2 {
        store(&mut page, &mut buffer, &mut diagram, message);
    }
    diagram.check();
}

/// Two peers that know each other.
fn peers() -> [LinkPeer; 2] {
    let mut peers = [10, 20].map(|epoch| LinkPeer::new(AllRules, 8, Epoch::new(epoch)));
    let mut said = Some(peers[0].epochs().hello());
    for hearer in [1, 0, 1] {
        said = said.and_then(|hello| peers[hearer].on_hello(hello).reply);
    }
    peers
}

#[test]
fn a_frame_without_room() {
    let mut diagram = Diagram::new(&["node 0", "node 1"]);
    let [mut near, mut far] = peers();
    let mut buffer = Buffer::new(AllRules, 2, 1);
    let carry = |near: &mut LinkPeer,
                 far: &mut LinkPeer,
                 buffer: &mut Buffer,
                 diagram: &mut Diagram,
                 stream| {
        let name = match stream {
            Stream::Channel0 => "channel 0",
            Stream::Channel1 => "channel 1",
            Stream::Answers => "answers",
        };
        let numbers = near.launch(stream).expect("it is ready");
        diagram.arrow(
            'A',
            'B',
            format!("{name}, sequence {}", numbers.sequence.value()),
        );
        let received = far.on_frame(&numbers, || buffer.put(stream as u8, 1));
        let said = received
            .acknowledgement
            .expect("every frame here is acknowledged");
        let Acknowledgement {
            expected, negative, ..
        } = said;
        let what = match negative {
            None => "acknowledge",
            Some(Missing::NoRoom) => "no room for",
            Some(Missing::Lost) => "missing",
        };
        diagram.arrow('B', 'A', format!("{name}: {what} {}", expected.value()));
        near.on_acknowledgement(&said);
    };
    for stream in [
        Stream::Channel0,
        Stream::Channel0,
        Stream::Channel1,
        Stream::Answers,
    ] {
        near.push(stream).expect("there is room");
    }
    for stream in [
        Stream::Channel0,
        Stream::Channel0,
        Stream::Channel1,
        Stream::Answers,
    ] {
        carry(&mut near, &mut far, &mut buffer, &mut diagram, stream);
    }
    diagram.note('B', "a frame of channel 0 leaves the buffer");
    buffer.take(0, 1);
    diagram.note('A', "pause over");
    near.go_back(Stream::Channel0);
    carry(
        &mut near,
        &mut far,
        &mut buffer,
        &mut diagram,
        Stream::Channel0,
    );
    diagram.check();
}

#[test]
fn a_reboot() {
    let mut diagram = Diagram::new(&["node 0", "node 1"]);
    let [_, mut far] = peers();
    diagram.note('A', "reboots, chooses epoch 30");
    let mut near = LinkPeer::<12, 6>::new(AllRules, 8, Epoch::new(30));
    let say = |diagram: &mut Diagram, from, to, hello: &Hello| {
        let yours = hello
            .yours
            .map_or("unknown".into(), |epoch| epoch.value().to_string());
        diagram.arrow(
            from,
            to,
            format!("hello: mine {}, yours {yours}", hello.mine.value()),
        );
    };
    let hear = |diagram: &mut Diagram, peer: &mut LinkPeer, name, hello: Hello| {
        let Greeted { reply, fresh } = peer.on_hello(hello);
        if fresh {
            diagram.note(name, "starts afresh");
        }
        reply
    };
    let mut said = Some(near.epochs().hello());
    for (from, to) in [('A', 'B'), ('B', 'A'), ('A', 'B')] {
        let hello = said.expect("there is more to say");
        say(&mut diagram, from, to, &hello);
        let peer = if to == 'B' { &mut far } else { &mut near };
        said = hear(&mut diagram, peer, to, hello);
    }
    assert_eq!(said, None);
    diagram.check();
}

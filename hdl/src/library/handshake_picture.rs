//! The handshake of a stream as a picture: what `StreamRegister` does when its reader stalls.

use super::stream::Beat;
use super::stream_register::StreamRegister;
use crate::clock_cycle;
use crate::gate::settle;
use pictures::kept;
use pictures::timing::{Lane, Values, diagram};
use rust_hdl::prelude::*;

const FILE: &str = "docs/pictures/stream-handshake.svg";
/// In which cycles the reader takes a beat.
const READY: [bool; 10] = [
    true, true, true, false, false, false, true, true, true, true,
];
/// Beats of two packets; in two cycles between them the writer has nothing.
const BEATS: [Option<(&str, bool)>; 6] = [
    Some(("A0", false)),
    Some(("A1", false)),
    Some(("A2", true)),
    Some(("B0", false)),
    None,
    Some(("B1", true)),
];

/// What one end of the stream was in a cycle.
#[derive(Clone, Copy)]
struct End {
    valid: bool,
    ready: bool,
    beat: Beat,
}

fn lanes(name: &str, ends: &[End]) -> [Lane; 4] {
    let bits = |bit: fn(&End) -> bool| Values::Bits(ends.iter().map(bit).collect());
    let word = |end: &End| {
        let name = |beat: &(&'static str, bool)| beat.0;
        let number = end.beat.data.to_u128() as usize;
        end.valid
            .then(|| BEATS[number].as_ref().map_or("", name).to_string())
    };
    let words = Values::Words(ends.iter().map(word).collect());
    let lane = |signal: &str, values| Lane {
        name: format!("{name}.{signal}"),
        values,
    };
    [
        lane("valid", bits(|end| end.valid)),
        lane("ready", bits(|end| end.ready)),
        lane("beat.data", words),
        lane("beat.last", bits(|end| end.valid && end.beat.last)),
    ]
}

#[test]
fn the_picture_of_the_handshake_is_what_the_block_does() {
    let mut unit = StreamRegister::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.sink.valid.connect();
    unit.sink.beat.connect();
    unit.source.ready.connect();
    unit.connect_all();
    settle(&mut unit);
    let (mut sink, mut source) = (Vec::new(), Vec::new());
    let mut next = 0;
    for ready in READY {
        let name = BEATS.get(next).copied().flatten();
        let beat = Beat {
            data: (next as u64).to_bits(),
            last: name.is_some_and(|(_, last)| last),
        };
        unit.sink.valid.next = name.is_some();
        unit.sink.beat.next = beat;
        unit.source.ready.next = ready;
        settle(&mut unit);
        let end = |valid: Bit, ready: Bit, beat: Beat| End { valid, ready, beat };
        sink.push(end(name.is_some(), unit.sink.ready.val(), beat));
        source.push(end(unit.source.valid.val(), ready, unit.source.beat.val()));
        if name.is_none() || unit.sink.ready.val() {
            next += 1;
        }
        clock_cycle!(unit, clock);
    }
    // What the picture is there to show.
    let stalled = source.iter().filter(|end| end.valid && !end.ready).count();
    assert_eq!(stalled, 3);
    assert!(
        sink.iter().any(|end| end.valid && !end.ready),
        "the register is full once"
    );

    let mut all = vec![Lane {
        name: "clock".into(),
        values: Values::Clock,
    }];
    all.extend(lanes("sink", &sink));
    all.extend(lanes("source", &source));
    let title = "A stream on both sides of a StreamRegister: the reader stalls in cycles 3 to 5";
    kept::check(FILE, &diagram(title, READY.len(), &all)).unwrap_or_else(|stale| panic!("{stale}"));
}

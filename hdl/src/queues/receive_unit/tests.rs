//! Directed tests: what each frame leads to, and in how many cycles.

use super::ReceiveUnit;
use crate::bundles::write_packet;
use crate::clock_cycle;
use crate::gate::settle;
use crate::link::frame::{Header, beat, seal, without_crc, word_of};
use crate::queues::test_support::configuration;
use abi::link::{header, kind, status};
use abi::message::receive_descriptor as descriptor;
use abi::queue_state::{REGION_PACKET_RELEASE, REGION_RECEIVE_QUEUE, receive_control};
use rust_hdl::prelude::*;

/// A unit that was reset and has cleared its table; everything that it offers is taken.
pub(super) fn new_unit() -> ReceiveUnit {
    let mut unit = ReceiveUnit::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.channel_0.valid.connect();
    unit.channel_0.beat.connect();
    unit.channel_1.valid.connect();
    unit.channel_1.beat.connect();
    unit.configuration.connect();
    unit.consumer_valid.connect();
    unit.consumer_queue.connect();
    unit.consumer_index.connect();
    unit.write_packets.ready.connect();
    unit.acknowledge_ready.connect();
    unit.connect_all();
    unit.reset.next = true;
    clock_cycle!(unit, clock);
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    unit.write_packets.ready.next = true;
    unit.acknowledge_ready.next = true;
    for _ in 0..1024 {
        clock_cycle!(unit, clock);
    }
    unit
}

/// Firmware writes a word of queue state, and it has taken effect.
pub(super) fn configure(unit: &mut ReceiveUnit, region: usize, index: u64, data: u64) {
    unit.configuration.next = configuration(region, index, data);
    clock_cycle!(*unit, clock);
    unit.configuration.next = Default::default();
    clock_cycle!(*unit, clock);
    clock_cycle!(*unit, clock);
}

/// Makes a receive queue resident.
pub(super) fn enable(
    unit: &mut ReceiveUnit,
    queue: u64,
    id: u64,
    address: u64,
    entries_log2: u64,
    stride_log2: u64,
) {
    let mut word = receive_control::enabled::set(0, 1);
    word = receive_control::entries_log2::set(word, entries_log2);
    word = receive_control::stride_log2::set(word, stride_log2);
    word = receive_control::receive_queue_id::set(word, id);
    configure(unit, REGION_RECEIVE_QUEUE, queue * 2 + 1, address);
    configure(unit, REGION_RECEIVE_QUEUE, queue * 2, word as u64);
}

/// The host stores a consumer index; tells whether it was found bad.
fn store_consumer(unit: &mut ReceiveUnit, queue: u64, index: u64) -> bool {
    unit.consumer_valid.next = true;
    unit.consumer_queue.next = queue.to_bits();
    unit.consumer_index.next = index.to_bits();
    clock_cycle!(*unit, clock);
    unit.consumer_valid.next = false;
    clock_cycle!(*unit, clock);
    settle(unit);
    let bad = unit.bad_consumer.val();
    clock_cycle!(*unit, clock);
    bad
}

/// A message for queue name `id` from queue 3 of node 9.
fn message(id: u64, slot: u64, payload: &[u8]) -> Header {
    let mut word = Header::new(kind::MESSAGE, 0, 9, 1, payload.len()).0;
    word = header::source_queue::set(word, 3);
    word = header::receive_queue_id::set(word, id);
    word = header::tag::set(word, 0xa5);
    Header(header::slot::set(word, slot))
}

/// What happened in some cycles.
#[derive(Default, Debug)]
struct Seen {
    /// Write packets: address, length, data.
    writes: Vec<(u64, usize, Vec<u8>)>,
    /// Slot and status of acknowledgements.
    answers: Vec<(u64, usize)>,
    events: Vec<(usize, u64, u64)>,
    inbox: Vec<(u64, u128, u64)>,
    /// Names of pulses, in order.
    pulses: Vec<&'static str>,
    /// Cycles, counted from the first frame's header on offer, in which a descriptor beat was offered first.
    described: Vec<usize>,
    /// Cycles in which messages were finished.
    finished: Vec<usize>,
}

/// Offers the frames on a channel, one beat a cycle, and goes on until all is quiet.
fn run(unit: &mut ReceiveUnit, channel: usize, frames: &[Vec<u128>]) -> Seen {
    let mut beats: std::collections::VecDeque<(u128, bool)> = frames
        .iter()
        .flat_map(|frame| {
            let end = frame.len() - 1;
            frame
                .iter()
                .enumerate()
                .map(move |(at, word)| (*word, at == end))
        })
        .collect();
    let mut seen = Seen::default();
    let mut packet: Option<(u64, usize, Vec<u8>)> = None;
    let mut quiet = 0;
    for cycle in 0.. {
        let offer = beats.front().copied();
        let (word, last) = offer.unwrap_or_default();
        for (number, sink) in [&mut unit.channel_0, &mut unit.channel_1]
            .into_iter()
            .enumerate()
        {
            sink.valid.next = number == channel && offer.is_some();
            sink.beat.next = beat(word, last);
        }
        settle(unit);
        let sink = if channel == 0 {
            &unit.channel_0
        } else {
            &unit.channel_1
        };
        if sink.valid.val() && sink.ready.val() {
            beats.pop_front();
        }
        quiet = if beats.is_empty() { quiet + 1 } else { 0 };
        if unit.write_packets.valid.val() && unit.write_packets.ready.val() {
            let beat = unit.write_packets.beat.val();
            let word = word_of(beat);
            match &mut packet {
                None => {
                    assert!(!beat.last);
                    seen.described.push(cycle);
                    let length = (word >> write_packet::LENGTH_SHIFT) as u16;
                    packet = Some((word as u64, usize::from(length), Vec::new()));
                }
                Some((address, length, data)) => {
                    data.extend(word.to_le_bytes());
                    if beat.last {
                        assert_eq!(data.len().div_ceil(16), length.div_ceil(16));
                        data.truncate(*length);
                        seen.writes.push((*address, *length, std::mem::take(data)));
                        packet = None;
                    }
                }
            }
        }
        if unit.acknowledge_valid.val() && unit.acknowledge_ready.val() {
            let answer = unit.acknowledge.val();
            assert_eq!(answer.node.to_u64(), 9);
            assert_eq!(answer.queue.to_u64(), 3);
            seen.answers
                .push((answer.slot.to_u64(), answer.status.to_u64() as usize));
        }
        if unit.event_valid.val() {
            let event = unit.event_word.val();
            seen.events.push((
                event.kind.to_u64() as usize,
                event.index.to_u64(),
                event.data.to_u64(),
            ));
        }
        if unit.inbox_valid.val() {
            seen.inbox.push((
                unit.inbox_address.val().to_u64(),
                word_of(crate::library::stream::Beat {
                    data: unit.inbox_data.val(),
                    last: false,
                }),
                unit.inbox_enables.val().to_u64(),
            ));
        }
        if unit.message_received.val() {
            seen.finished.push(cycle);
        }
        for (name, pulse) in [
            ("checked", unit.checked.val()),
            ("matched", unit.matched.val()),
            ("request_out", unit.request_out.val()),
            ("received", unit.message_received.val()),
            ("miss", unit.receive_miss.val()),
            ("full", unit.receive_full.val()),
            ("stale", unit.receive_stale.val()),
            ("small", unit.entry_too_small.val()),
            ("packet", unit.packet_received.val()),
            ("dropped", unit.packet_dropped.val()),
        ] {
            if pulse {
                seen.pulses.push(name);
            }
        }
        clock_cycle!(*unit, clock);
        if quiet > 40 {
            break;
        }
    }
    seen
}

fn frame(header: Header, payload: &[u8]) -> Vec<u128> {
    seal(without_crc(header, payload))
}

/// The 16 bytes at the head of an entry.
fn entry(phase: u64, marked: u64, payload: &[u8]) -> Vec<u8> {
    let mut word = descriptor::phase::set(0, phase);
    word = descriptor::marked::set(word, marked);
    word = descriptor::tag::set(word, 0xa5);
    word = descriptor::length::set(word, payload.len() as u64);
    word = descriptor::source_node::set(word, 9);
    word = descriptor::source_queue::set(word, 3);
    let mut bytes = word.to_le_bytes()[..8].to_vec();
    bytes.extend(&payload[..payload.len().min(8)]);
    bytes.resize(16, 0);
    bytes
}

#[test]
fn each_length_is_written_whole_and_the_descriptor_last() {
    let mut unit = new_unit();
    let address = 0x12_ffff_ff00;
    enable(&mut unit, 5, 0x77, address, 9, 8);
    for (index, length) in (0..=248)
        .step_by(3)
        .chain([248, 8, 9, 12, 13, 24, 25, 28, 29])
        .enumerate()
    {
        let payload: Vec<u8> = (0..length)
            .map(|byte| (byte * 7 + index) as u8 | 1)
            .collect();
        let seen = run(
            &mut unit,
            1,
            &[frame(message(0x77, index as u64, &payload), &payload)],
        );
        let place = address + index as u64 * 256;
        let mut expected = Vec::new();
        if length > 8 {
            let mut tail = payload[8..].to_vec();
            tail.resize(tail.len().next_multiple_of(4), 0);
            expected.push((place + 16, tail.len(), tail));
        }
        expected.push((place, 16, entry(1, 0, &payload)));
        assert_eq!(seen.writes, expected, "length {length}");
        assert_eq!(seen.answers, [(index as u64 % 16, status::ACCEPTED)]);
        assert_eq!(seen.pulses, ["received"]);
        assert_eq!(
            seen.described[0], 3,
            "cycles from header to descriptor beat"
        );
    }
}

#[test]
fn rates_are_as_documented() {
    let mut unit = new_unit();
    enable(&mut unit, 0, 1, 0x1000, 6, 8);
    let express: Vec<_> = (0..20)
        .map(|n| frame(message(1, n, &[5; 8]), &[5; 8]))
        .collect();
    let seen = run(&mut unit, 0, &express);
    assert_eq!(seen.finished.len(), 20);
    assert!(
        seen.finished.windows(2).all(|pair| pair[1] - pair[0] == 4),
        "{:?}",
        seen.finished
    );
    let long: Vec<_> = (0..10)
        .map(|n| frame(message(1, n, &[5; 248]), &[5; 248]))
        .collect();
    let seen = run(&mut unit, 0, &long);
    assert_eq!(seen.finished.len(), 10);
    assert!(
        seen.finished.windows(2).all(|pair| pair[1] - pair[0] == 20),
        "{:?}",
        seen.finished
    );
}

#[test]
fn stages_of_a_marked_message() {
    let mut unit = new_unit();
    enable(&mut unit, 0, 1, 0x1000, 6, 8);
    let marked = Header(header::marked::set(message(1, 0, &[5; 20]).0, 1));
    let seen = run(&mut unit, 1, &[frame(marked, &[5; 20])]);
    assert_eq!(
        seen.pulses,
        ["checked", "matched", "request_out", "received"]
    );
    assert_eq!(seen.writes[1].2, entry(1, 1, &[5; 20]));
}

#[test]
fn a_full_ring_refuses_and_its_sender_is_skipped_until_it_restarts() {
    let mut unit = new_unit();
    enable(&mut unit, 15, 0xbeef, 0x8000, 1, 4);
    let plain = |slot| frame(message(0xbeef, slot, &[slot as u8; 8]), &[slot as u8; 8]);
    let again = |slot| {
        let restart = header::restart::set(message(0xbeef, slot, &[slot as u8; 8]).0, 1);
        frame(Header(restart), &[slot as u8; 8])
    };
    let seen = run(&mut unit, 0, &[plain(0), plain(1), plain(2), plain(3)]);
    assert_eq!(seen.pulses, ["received", "received", "full", "stale"]);
    assert_eq!(
        seen.answers,
        [
            (0, status::ACCEPTED),
            (1, status::ACCEPTED),
            (2, status::FULL)
        ]
    );
    let seen = run(&mut unit, 0, &[again(2), plain(3)]);
    assert_eq!(seen.pulses, ["full", "stale"]);

    // Space for one, but only a restart makes the receiver listen.
    assert!(!store_consumer(&mut unit, 15, 1));
    let seen = run(&mut unit, 0, &[plain(3)]);
    assert_eq!(seen.pulses, ["stale"]);
    let seen = run(&mut unit, 0, &[again(2), plain(3)]);
    assert_eq!(seen.pulses, ["received", "full"]);
    assert_eq!(
        seen.writes,
        [(0x8000, 16, entry(0, 0, &[2; 8]))],
        "second lap: phase 0"
    );
    // Another queue of the same node is not concerned.
    enable(&mut unit, 3, 0x11, 0x9000, 2, 4);
    let other = header::source_queue::set(message(0x11, 4, &[4; 8]).0, 3);
    assert_eq!(
        run(&mut unit, 0, &[frame(Header(other), &[4; 8])]).pulses,
        ["stale"]
    );
    let stranger = header::source_node::set(other, 10);
    unit.acknowledge_ready.next = false;
    assert_eq!(
        run(&mut unit, 0, &[frame(Header(stranger), &[4; 8])]).pulses,
        ["received"]
    );
}

#[test]
fn unknown_names_and_short_entries_are_refused_and_told() {
    let mut unit = new_unit();
    enable(&mut unit, 2, 0x22, 0x8000, 1, 5);
    let seen = run(
        &mut unit,
        1,
        &[
            frame(message(0x23, 1, &[1; 100]), &[1; 100]),
            frame(message(0x22, 2, &[2; 25]), &[2; 25]),
            frame(message(0x22, 3, &[3; 24]), &[3; 24]),
        ],
    );
    assert_eq!(seen.pulses, ["miss", "small", "received"]);
    assert_eq!(
        seen.answers,
        [
            (1, status::NOT_RESIDENT),
            (2, status::ENTRY_TOO_SMALL),
            (3, status::ACCEPTED)
        ]
    );
    assert_eq!(
        seen.events,
        [(abi::event::kind::RECEIVE_MISS, 3, 9 << 16 | 0x23)]
    );
    // A queue that firmware disables is not there, and its ring starts anew when it is enabled again.
    configure(&mut unit, REGION_RECEIVE_QUEUE, 4, 0);
    assert_eq!(
        run(&mut unit, 1, &[frame(message(0x22, 4, &[]), &[])]).pulses,
        ["miss"]
    );
    enable(&mut unit, 2, 0x22, 0x4000, 1, 5);
    let seen = run(&mut unit, 1, &[frame(message(0x22, 5, &[]), &[])]);
    assert_eq!(seen.writes, [(0x4000, 16, entry(1, 0, &[]))]);
}

#[test]
fn consumer_indices_beyond_what_was_delivered_are_ignored() {
    let mut unit = new_unit();
    enable(&mut unit, 1, 1, 0x8000, 2, 4);
    let frames: Vec<_> = (0..3)
        .map(|slot| frame(message(1, slot, &[]), &[]))
        .collect();
    assert_eq!(run(&mut unit, 0, &frames).pulses, ["received"; 3]);
    for (index, bad) in [
        (4, true),
        (0xffff, true),
        (2, false),
        (2, false),
        (1, true),
        (4, true),
        (3, false),
    ] {
        assert_eq!(store_consumer(&mut unit, 1, index), bad, "index {index}");
        assert!(!unit.bad_consumer.val());
    }
    // All 4 entries are free.
    let frames: Vec<_> = (0..5)
        .map(|slot| frame(message(1, slot, &[]), &[]))
        .collect();
    let pulses = run(&mut unit, 0, &frames).pulses;
    assert_eq!(
        pulses,
        ["received", "received", "received", "received", "full"]
    );
}

#[test]
fn packets_go_to_the_inbox_in_turn() {
    let mut unit = new_unit();
    let packet = |length: usize, tag| {
        let mut word = Header::new(kind::PACKET, 1, 9, 1, length).0;
        word = header::tag::set(word, tag);
        let payload: Vec<u8> = (0..length).map(|byte| byte as u8 + tag as u8).collect();
        (frame(Header(word), &payload), payload)
    };
    let mut place = 0;
    for (length, tag, fits) in [
        (248, 1, true),
        (12, 2, true),
        (13, 3, true),
        (0, 4, true),
        (5, 5, false),
    ] {
        let (words, payload) = packet(length, tag);
        let seen = run(&mut unit, 1, &[words]);
        if !fits {
            assert_eq!(seen.pulses, ["dropped"]);
            assert!(seen.inbox.is_empty() && seen.events.is_empty());
            continue;
        }
        assert_eq!(seen.pulses, ["packet"]);
        let mut bytes = Vec::new();
        for (at, (address, word, enables)) in seen.inbox.iter().enumerate() {
            assert_eq!(*address, 64 + 16 * place + at as u64);
            let last = at + 1 == seen.inbox.len();
            assert_eq!(*enables, if last { 0x0fff } else { 0xffff });
            bytes.extend(word.to_le_bytes());
        }
        assert_eq!(bytes[..length], payload);
        assert_eq!(
            seen.events,
            [(
                abi::event::kind::PACKET,
                place,
                9 << 16 | (length as u64) << 8 | tag
            )]
        );
        place += 1;
    }
    configure(&mut unit, REGION_PACKET_RELEASE, 0, 0);
    let seen = run(&mut unit, 1, &[packet(100, 6).0, packet(100, 7).0]);
    assert_eq!(seen.pulses, ["packet", "dropped"]);
    assert_eq!(seen.inbox[0].0, 64, "the first place again");
    // More releases than packets give no more than four places.
    for _ in 0..6 {
        configure(&mut unit, REGION_PACKET_RELEASE, 7, 0);
    }
    let packets: Vec<_> = (0..6).map(|tag| packet(20, tag).0).collect();
    let seen = run(&mut unit, 1, &packets);
    assert_eq!(
        seen.pulses,
        ["packet", "packet", "packet", "packet", "dropped", "dropped"]
    );
}

/// Of nine frames, one is channel 0's.
#[test]
fn channel_1_goes_first_but_does_not_keep_channel_0_out() {
    let mut unit = new_unit();
    enable(&mut unit, 0, 1, 0x1000, 6, 4);
    let frame_of = |slot| frame(message(1, slot, &[1; 8]), &[1; 8]);
    let mut positions = [0usize; 2];
    let mut order = Vec::new();
    for _ in 0..120 {
        let frames = [frame_of(0), frame_of(1)];
        for (number, sink) in [&mut unit.channel_0, &mut unit.channel_1]
            .into_iter()
            .enumerate()
        {
            let at = positions[number] % 2;
            sink.valid.next = true;
            sink.beat.next = beat(frames[number][at], at == 1);
        }
        settle(&mut unit);
        positions[0] += usize::from(unit.channel_0.ready.val());
        positions[1] += usize::from(unit.channel_1.ready.val());
        if unit.acknowledge_valid.val() {
            order.push(unit.acknowledge.val().slot.to_u64());
        }
        clock_cycle!(unit, clock);
    }
    assert!(order.len() > 20, "{order:?}");
    for (place, slot) in order.iter().enumerate() {
        assert_eq!(*slot, u64::from(place % 9 != 8), "{order:?}");
    }
}

#[test]
fn the_unit_passes_the_checks_and_emits() {
    let verilog = crate::emit::emit("receive_unit", &new_unit());
    assert!(verilog.contains("module receive_unit("));
}

/// A sender of random frames for the gates: mostly right ones, one beat at a time.
#[derive(Default)]
struct Frames {
    beats: std::collections::VecDeque<u128>,
}

impl Frames {
    /// The beat on offer.
    fn offer(&mut self, random: &mut crate::gate::Random) -> crate::library::stream::Beat {
        if self.beats.is_empty() {
            let length = [8, 0, 9, random.below(249)][random.below(4) as usize] as usize;
            let of_kind = [kind::MESSAGE, kind::PACKET][usize::from(random.chance(10))];
            let mut word = Header::new(of_kind, 0, random.below(2), 1, length).0;
            word = header::source_queue::set(word, random.below(2));
            word = header::receive_queue_id::set(word, random.below(5));
            word = header::tag::set(word, random.word());
            word = header::marked::set(word, random.below(2));
            word = header::restart::set(word, random.below(2));
            word = header::slot::set(word, random.word());
            let payload = crate::link::frame::random_bytes(random, length);
            self.beats.extend(frame(Header(word), &payload));
        }
        beat(self.beats[0], self.beats.len() == 1)
    }
}

#[test]
fn gate() {
    let mut frames = [Frames::default(), Frames::default()];
    crate::gate::Gate::new("receive_unit", ReceiveUnit::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .seed(21)
        .run(move |unit, random, cycle| {
            let sinks = [&mut unit.channel_0, &mut unit.channel_1];
            for (sink, frames) in sinks.into_iter().zip(&mut frames) {
                // What was offered in the cycle before was taken, or is offered again.
                if cycle > 1026 && sink.valid.val() && sink.ready.val() {
                    frames.beats.pop_front();
                }
                let valid = (sink.valid.val() && !sink.ready.val()) || random.chance(70);
                sink.valid.next = cycle > 2 && valid;
                sink.beat.next = frames.offer(random);
            }
            unit.reset.next = cycle < 2;
            unit.write_packets.ready.next = random.chance(80);
            unit.acknowledge_ready.next = random.chance(60);
            unit.consumer_valid.next = random.chance(20);
            unit.consumer_queue.next = random.below(5).to_bits();
            unit.consumer_index.next = random.below(12).to_bits();
            unit.configuration.next = Default::default();
            if cycle < 40 || random.chance(2) {
                let queue = if cycle < 40 {
                    cycle / 8
                } else {
                    random.below(5)
                };
                let mut word = receive_control::enabled::set(0, 1);
                word = receive_control::entries_log2::set(word, 1 + random.below(3));
                word = receive_control::stride_log2::set(word, 4 + random.below(5));
                word = receive_control::receive_queue_id::set(word, queue);
                unit.configuration.next = match random.below(4) {
                    0 => configuration(REGION_PACKET_RELEASE, 0, 0),
                    1 => configuration(REGION_RECEIVE_QUEUE, queue * 2 + 1, random.word()),
                    _ => configuration(REGION_RECEIVE_QUEUE, queue * 2, word as u64),
                };
            }
        });
}

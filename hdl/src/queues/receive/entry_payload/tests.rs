use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use crate::queues::receive::test_frames::{Frame, beat, random_bytes, with_last, word_of};
use std::collections::VecDeque;

/// What comes out: payload of each message that was not dropped.
struct Message {
    payload: Vec<u8>,
    dropped: bool,
}

/// Messages of every length follow each other, with pauses on both sides; some are thrown away.
#[test]
fn payload_of_every_length_arrives_whole_and_shifted() {
    let seed = 3;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut unit = EntryPayload::<4>::default();
    unit.connect_all();
    unit.reset.next = true;
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    let short: Vec<usize> = (0..250).map(|_| random.below(30) as usize).collect();
    let messages: Vec<Message> = (0..=248)
        .chain(short)
        .map(|length| Message {
            payload: random_bytes(&mut random, length),
            dropped: random.chance(10),
        })
        .collect();
    // Beats of payload, without the headers, of frame after frame.
    let mut frames: VecDeque<VecDeque<(u128, bool)>> = messages
        .iter()
        .map(|message| {
            let beats = Frame::default().beats(&message.payload);
            with_last(&[beats]).skip(1).collect()
        })
        .collect();
    let mut offered = false;
    // Frames whose last beat was taken, and messages opened.
    let (mut ended, mut opened) = (0, 0);
    // What came out of the message opened last.
    let mut rest = Vec::new();
    let mut done = 0;
    for cycle in 0.. {
        assert!(cycle < 40_000, "message {done} hangs");
        if done == messages.len() {
            break;
        }
        offered |= !frames.is_empty() && random.chance(70);
        unit.sink.valid.next = offered;
        let (word, last) = frames
            .front()
            .filter(|_| offered)
            .map_or((0, false), |frame| frame[0]);
        unit.sink.beat.next = beat(word, last);
        unit.ended.next = ended >= opened;
        unit.open.next = false;
        unit.take.next = false;
        settle(&mut unit);
        // One message is opened behind the other, when nothing of the one before is left to be taken.
        let takes = unit.valid.val() && random.chance(70);
        let opens = !takes
            && unit.present.val()
            && !unit.body.val()
            && opened < messages.len()
            && done == opened
            && random.chance(80);
        unit.take.next = takes;
        unit.open.next = opens;
        if opens {
            let message = &messages[opened];
            let length = message.payload.len();
            let beats = if message.dropped || length <= 8 {
                0
            } else {
                (length - 8).div_ceil(16)
            };
            unit.beats.next = (beats as u64).to_bits();
        }
        settle(&mut unit);
        if takes {
            rest.extend(word_of(unit.data.val()).to_le_bytes());
            let message = &messages[opened - 1];
            let is_last = rest.len() >= message.payload.len() - 8;
            assert_eq!(unit.last.val(), is_last);
            if is_last {
                let length = message.payload.len() - 8;
                assert_eq!(rest[..length], message.payload[8..]);
            }
        }
        if offered && unit.sink.ready.val() {
            let frame = frames.front_mut().expect("a frame is offered");
            frame.pop_front();
            if frame.is_empty() {
                frames.pop_front();
                ended += 1;
            }
            offered = false;
        }
        clock_cycle!(unit, clock);
        settle(&mut unit);
        if opens {
            opened += 1;
            rest.clear();
            let message = &messages[opened - 1];
            let head = unit.head.val().to_u64().to_le_bytes();
            let length = message.payload.len();
            assert_eq!(head[..length.min(8)], message.payload[..length.min(8)]);
        }
        if done < opened && !unit.body.val() {
            // Its head stays until the next is opened.
            done += 1;
        }
    }
    assert!(frames.is_empty());
}

#[test]
fn gate() {
    Gate::new("entry_payload", EntryPayload::<4>::default())
        .clock(|unit| &mut unit.clock)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2 || random.chance(1);
            unit.sink.valid.next = random.chance(70);
            unit.sink.beat.next = random.beat();
            unit.ended.next = random.chance(30);
            unit.open.next = random.chance(20);
            unit.beats.next = random.bits();
            unit.take.next = random.chance(50);
        });
}

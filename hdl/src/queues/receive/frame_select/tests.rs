use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use crate::queues::receive::test_frames::{beat, word_of};
use std::collections::VecDeque;

fn new_unit() -> FrameSelect {
    let mut unit = FrameSelect::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.channel_0.valid.connect();
    unit.channel_0.beat.connect();
    unit.channel_1.valid.connect();
    unit.channel_1.beat.connect();
    unit.channel_1_likely.connect();
    unit.loopback.valid.connect();
    unit.loopback.beat.connect();
    unit.beat_ready.connect();
    unit.connect_all();
    unit.reset.next = true;
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    unit
}

/// Channel 0, channel 1, loopback.
fn sinks(unit: &mut FrameSelect) -> [&mut StreamSink; 3] {
    [&mut unit.channel_0, &mut unit.channel_1, &mut unit.loopback]
}

/// Offers frames of `lengths` beats without end on the streams that have one; the streams of the frames that began,
/// and the cycles in which they did.
fn order(lengths: [usize; 3], frames: usize) -> (Vec<usize>, Vec<usize>) {
    let unit = &mut new_unit();
    let mut at = [0; 3];
    let (mut order, mut cycles) = (Vec::new(), Vec::new());
    unit.beat_ready.next = true;
    unit.channel_1_likely.next = lengths[1] > 0;
    for cycle in 0.. {
        if order.len() == frames {
            break;
        }
        for (stream, sink) in sinks(unit).into_iter().enumerate() {
            let length = lengths[stream];
            sink.valid.next = length > 0;
            sink.beat.next = beat(
                stream as u128,
                length > 0 && at[stream] % length == length - 1,
            );
        }
        settle(unit);
        if unit.choosing.val() && unit.beat_valid.val() {
            order.push(word_of(unit.beat.val().data) as usize);
            cycles.push(cycle);
        }
        for (stream, sink) in sinks(unit).into_iter().enumerate() {
            at[stream] += usize::from(sink.valid.val() && sink.ready.val());
        }
        clock_cycle!(*unit, clock);
        assert!(cycle < 5000, "no progress");
    }
    (order, cycles)
}

#[test]
fn channel_1_goes_first_but_does_not_keep_others_out() {
    let (seen, _) = order([2, 2, 0], 60);
    // The first frame of channel 0 begins to wait with the first of channel 1.
    let late = seen.iter().position(|&stream| stream == 0);
    assert!(late.is_some_and(|late| late <= 9), "{seen:?}");
    let expected = [vec![0], vec![1; 8]].concat().repeat(4);
    assert_eq!(seen[late.unwrap_or(0)..][..36], expected);

    // Of three streams, channel 0 waits for no more than eight of channel 1 and one of the loopback.
    let (seen, _) = order([2, 3, 4], 200);
    for waits_for in [0, 2] {
        let places: Vec<usize> = (0..200).filter(|&at| seen[at] == waits_for).collect();
        assert!(places.len() > 15, "{seen:?}");
        assert!(
            places.windows(2).all(|pair| pair[1] - pair[0] <= 10),
            "{seen:?}"
        );
    }
    // Without channel 1 the two others take turns.
    let (seen, _) = order([2, 0, 2], 40);
    assert!(
        seen[4..].windows(2).all(|pair| pair[0] != pair[1]),
        "{seen:?}"
    );
}

#[test]
fn no_cycle_is_lost_between_frames() {
    for lengths in [
        [2, 0, 0],
        [0, 2, 0],
        [0, 0, 2],
        [3, 2, 0],
        [2, 2, 2],
        [0, 17, 2],
        [2, 0, 4],
    ] {
        let (seen, cycles) = order(lengths, 100);
        // A stream that waits at the start may miss its first turn.
        for at in 1..99 {
            assert_eq!(
                cycles[at + 1] - cycles[at],
                lengths[seen[at]],
                "{lengths:?}: frame {at} of {seen:?}"
            );
        }
    }
}

/// Frames of random lengths, with pauses on all sides: each stream's come whole and in order, and
/// not mixed with others.
#[test]
fn frames_of_each_stream_pass_whole_and_in_order() {
    let seed = 12;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut unit = new_unit();
    let mut waiting: [VecDeque<(u128, bool)>; 3] = Default::default();
    let mut expected: [VecDeque<(u128, bool)>; 3] = Default::default();
    let mut offered = [false; 3];
    let mut under_way: Option<(usize, usize)> = None;
    let mut passed = [0; 3];
    let mut number = 0u128;
    for _ in 0..20_000 {
        for stream in 0..3 {
            if waiting[stream].is_empty() {
                let length = 2 + random.below(4);
                for at in 0..length {
                    let word = (number << 8 | u128::from(at)) << 2 | stream as u128;
                    waiting[stream].push_back((word, at == length - 1));
                }
                number += 1;
                expected[stream].extend(&waiting[stream]);
            }
            offered[stream] |= random.chance([60, 50, 60][stream]);
        }
        // Likely in vain now and then.
        unit.channel_1_likely.next = offered[1] || random.chance(20);
        unit.beat_ready.next = random.chance(70);
        for (stream, sink) in sinks(&mut unit).into_iter().enumerate() {
            sink.valid.next = offered[stream];
            let (word, last) = waiting[stream][0];
            sink.beat.next = beat(word, last);
        }
        settle(&mut unit);
        let taken = unit.beat_valid.val() && unit.beat_ready.val();
        assert_eq!(unit.choosing.val(), under_way.is_none());
        if unit.choosing.val() {
            assert_eq!(unit.header.val(), unit.beat.val().data);
        }
        if taken {
            let word = word_of(unit.beat.val().data);
            let stream = (word & 3) as usize;
            assert_eq!(
                Some((word, unit.beat.val().last)),
                expected[stream].pop_front()
            );
            let beats = match under_way {
                None => 1,
                Some((owner, beats)) => {
                    assert_eq!(owner, stream, "frames are mixed");
                    beats + 1
                }
            };
            under_way = (!unit.beat.val().last).then_some((stream, beats));
            passed[stream] += 1;
        }
        for (stream, sink) in sinks(&mut unit).into_iter().enumerate() {
            if sink.valid.val() && sink.ready.val() {
                waiting[stream].pop_front();
                offered[stream] = false;
            }
        }
        clock_cycle!(unit, clock);
    }
    assert!(passed.iter().all(|&beats| beats > 700), "{passed:?}");
    assert!((0..3).all(|stream| expected[stream] == waiting[stream]));
}

#[test]
fn gate() {
    Gate::new("frame_select", FrameSelect::default())
        .clock(|unit| &mut unit.clock)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2 || random.chance(1);
            unit.channel_0.valid.next = random.chance(60);
            unit.channel_0.beat.next = random.beat();
            unit.channel_1.valid.next = random.chance(40);
            unit.channel_1.beat.next = random.beat();
            unit.channel_1_likely.next = unit.channel_1.valid.next || random.chance(10);
            unit.loopback.valid.next = random.chance(40);
            unit.loopback.beat.next = random.beat();
            unit.beat_ready.next = random.chance(60);
        });
}

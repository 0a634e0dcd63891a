//! `PacketTransmit` against the ordering rules, spelled out over the times at which packets were offered.

use super::*;
use crate::gate::Gate;
use crate::host_port::test_support::*;
use std::collections::VecDeque;

const POSTED: usize = 0;
const COMPLETION: usize = 1;
const NONPOSTED: usize = 2;

/// One class's packets, beat by beat: those that the sink has not taken, and those behind it.
#[derive(Default)]
struct Feeder {
    beats: VecDeque<(u128, bool)>,
    offering: bool,
    /// Beats in the register, each with the cycle in which it was taken and whether it is a packet's first.
    inside: VecDeque<(u128, bool, u64, bool)>,
    begins: bool,
    /// Cycle in which the packet at the front came there, while it has not started.
    front_since: Option<u64>,
}

impl Feeder {
    /// Beats carry class, packet and place, so that nothing can be mistaken. The tag of a header,
    /// byte 6, is the packet's class and so marks completions and non-posted requests, which must
    /// not count; packets 3, 6, ... of the posted are marked.
    fn new(class: usize, packets: usize, random: &mut Random) -> Self {
        let mut beats = VecDeque::new();
        for packet in 0..packets {
            let count = 1 + random.below(4);
            for beat in 0..count {
                let tag = class != POSTED || beat > 0 || packet % 3 == 0;
                let data = (class as u128) << 64
                    | u128::from(tag) << 48
                    | (packet as u128) << 8
                    | u128::from(beat);
                beats.push_back((data, beat + 1 == count));
            }
        }
        Self {
            beats,
            begins: true,
            ..Self::default()
        }
    }

    fn is_empty(&self) -> bool {
        self.beats.is_empty() && self.inside.is_empty()
    }
}

/// Probabilities in percent.
#[derive(Clone, Copy)]
struct Traffic {
    offer: [u64; 3],
    allow: [u64; 3],
    take: u64,
}

/// What the rules choose.
fn expected_choice(feeders: &[Feeder], allowed: [bool; 3], overtaken: u64) -> Option<usize> {
    let started_posted = usize::from(feeders[POSTED].front_since.is_none());
    let behind_posted = |class: usize| {
        let since = feeders[class].front_since;
        let waiting = feeders[POSTED].inside.iter().filter(|beat| beat.3);
        // A packet under way does not begin again: its first beat is gone, or at the front and started.
        waiting
            .skip(usize::from(
                started_posted == 1 && feeders[POSTED].inside.front().is_some_and(|beat| beat.3),
            ))
            .any(|beat| since.is_some_and(|since| beat.2 < since))
    };
    let may = |class: usize| {
        feeders[class].front_since.is_some()
            && allowed[class]
            && (class == POSTED || !behind_posted(class))
    };
    if may(NONPOSTED) && overtaken >= PATIENCE {
        return Some(NONPOSTED);
    }
    [COMPLETION, POSTED, NONPOSTED]
        .into_iter()
        .find(|&class| may(class))
}

fn unit() -> PacketTransmit {
    let mut unit = PacketTransmit::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.posted.valid.connect();
    unit.posted.beat.connect();
    unit.nonposted.valid.connect();
    unit.nonposted.beat.connect();
    unit.completion.valid.connect();
    unit.completion.beat.connect();
    unit.master_enable.connect();
    unit.posted_allowed.connect();
    unit.nonposted_allowed.connect();
    unit.completion_allowed.connect();
    unit.source.ready.connect();
    unit.connect_all();
    settle(&mut unit);
    unit
}

/// Runs until everything was sent or `cycles` have passed; checks every choice, and gives the order
/// of packets with the cycle each started.
fn run(packets: [usize; 3], traffic: Traffic, cycles: u64, seed: u64) -> Vec<(u64, usize)> {
    let mut random = Random::new(seed);
    let mut feeders: Vec<Feeder> = (0..3)
        .map(|class| Feeder::new(class, packets[class], &mut random))
        .collect();
    let mut unit = unit();
    let mut started = vec![];
    let mut current: Option<usize> = None;
    let mut overtaken = 0;
    for cycle in 0..cycles {
        let reset = cycle < 3;
        unit.reset.next = reset;
        for (class, feeder) in feeders.iter_mut().enumerate() {
            let more = !reset && !feeder.beats.is_empty();
            feeder.offering = more && (feeder.offering || random.chance(traffic.offer[class]));
            if feeder.inside.front().is_some_and(|beat| beat.3) && current != Some(class) {
                feeder.front_since.get_or_insert(cycle);
            }
        }
        let allowed = traffic.allow.map(|percent| random.chance(percent));
        let shown = |class: usize| {
            let feeder: &Feeder = &feeders[class];
            match feeder.beats.front() {
                Some(&(data, last)) if feeder.offering => (true, beat(data, last)),
                _ => (false, beat(7, true)),
            }
        };
        (unit.posted.valid.next, unit.posted.beat.next) = shown(POSTED);
        (unit.completion.valid.next, unit.completion.beat.next) = shown(COMPLETION);
        (unit.nonposted.valid.next, unit.nonposted.beat.next) = shown(NONPOSTED);
        unit.master_enable.next = true;
        unit.posted_allowed.next = allowed[POSTED];
        unit.completion_allowed.next = allowed[COMPLETION];
        unit.nonposted_allowed.next = allowed[NONPOSTED];
        unit.source.ready.next = random.chance(traffic.take);
        settle(&mut unit);

        if !reset {
            let place = format!("seed {seed}, cycle {cycle}");
            let mut starts = None;
            if current.is_none() {
                current = expected_choice(&feeders, allowed, overtaken);
                if let Some(class) = current {
                    started.push((cycle, class));
                    starts = current;
                    overtaken = match class {
                        NONPOSTED => 0,
                        _ if feeders[NONPOSTED].front_since.is_some() => overtaken + 1,
                        _ => 0,
                    };
                }
            }
            let expected = current.filter(|&class| !feeders[class].inside.is_empty());
            assert_eq!(unit.source.valid.val(), expected.is_some(), "{place}");
            let taken = [
                unit.posted.ready.val(),
                unit.completion.ready.val(),
                unit.nonposted.ready.val(),
            ];
            for (class, ready) in taken.into_iter().enumerate() {
                assert_eq!(ready, feeders[class].inside.len() < 2, "{place}");
            }
            let mut marked = false;
            if let Some(class) = expected {
                let (data, last, _, first) = feeders[class].inside[0];
                let sent = unit.source.beat.val();
                assert_eq!(number(sent.data), data, "{place}");
                assert_eq!(sent.last, last);
                if unit.source.ready.val() {
                    marked = class == POSTED && first && data >> 48 & 1 == 1;
                    feeders[class].inside.pop_front();
                    if last {
                        current = None;
                    }
                }
            }
            assert_eq!(unit.marked_out.val(), marked, "{place}");
            if let Some(class) = starts {
                feeders[class].front_since = None;
            }
            for (feeder, ready) in feeders.iter_mut().zip(taken) {
                if feeder.offering && ready {
                    let (data, last) = feeder.beats.pop_front().unwrap();
                    feeder.inside.push_back((data, last, cycle, feeder.begins));
                    feeder.begins = last;
                    feeder.offering = false;
                }
            }
        }
        if feeders.iter().all(Feeder::is_empty) {
            return started;
        }
        clock_cycle!(unit, clock);
    }
    started
}

#[test]
fn every_choice_follows_the_rules() {
    for seed in 0..40 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut percent = |choices: [u64; 3]| choices[random.below(3) as usize];
        let traffic = Traffic {
            offer: [(); 3].map(|()| percent([100, 50, 15])),
            allow: [(); 3].map(|()| percent([100, 60, 20])),
            take: percent([100, 60, 30]),
        };
        let started = run([25, 25, 12], traffic, 3000, seed);
        assert_eq!(started.len(), 62, "seed {seed}: not everything was sent");
    }
}

const ALWAYS: Traffic = Traffic {
    offer: [100; 3],
    allow: [100; 3],
    take: 100,
};

#[test]
fn no_cycle_is_lost_between_packets_of_any_class() {
    let mut random = Random::new(5);
    let beats: usize = (0..3)
        .map(|class| {
            Feeder::new(class, [20, 20, 20][class], &mut random)
                .beats
                .len()
        })
        .sum();
    // Three cycles of reset, one of latency, then a beat in every cycle until all were sent.
    let started = run([20, 20, 20], ALWAYS, 4 + beats as u64, 5);
    assert_eq!(started.len(), 60);
    assert_eq!(started[0].0, 4, "latency");
}

#[test]
fn a_nonposted_request_sees_at_most_eight_packets_start_before_it() {
    let started = run([200, 200, 10], ALWAYS, 5000, 6);
    let mut since = 0;
    for (_, class) in started.into_iter().take(80) {
        since = if class == NONPOSTED { 0 } else { since + 1 };
        assert!(since <= PATIENCE, "{since}");
    }
}

#[test]
fn posted_pass_completions_and_nonposted_without_credits() {
    let traffic = Traffic {
        allow: [100, 0, 0],
        ..ALWAYS
    };
    let started = run([30, 5, 5], traffic, 400, 7);
    assert_eq!(started.len(), 30);
    assert!(started.iter().all(|packet| packet.1 == POSTED));
}

#[test]
fn nothing_passes_an_earlier_posted_request_without_credits() {
    let traffic = Traffic {
        allow: [0, 100, 100],
        ..ALWAYS
    };
    assert!(run([5, 5, 5], traffic, 200, 8).is_empty());
}

#[test]
fn completions_pass_nonposted_requests_without_credits() {
    let traffic = Traffic {
        allow: [100, 100, 0],
        ..ALWAYS
    };
    let started = run([0, 20, 5], traffic, 400, 9);
    assert_eq!(started.len(), 20);
}

#[test]
fn gate() {
    Gate::new("packet_transmit", PacketTransmit::default())
        .clock(|unit| &mut unit.clock)
        .cycles(3000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2 || random.chance(1);
            unit.posted.valid.next = random.chance(70);
            unit.posted.beat.next = random.beat();
            unit.completion.valid.next = random.chance(40);
            unit.completion.beat.next = random.beat();
            unit.nonposted.valid.next = random.chance(60);
            unit.nonposted.beat.next = random.beat();
            unit.posted_allowed.next = random.chance(80);
            unit.completion_allowed.next = random.chance(80);
            unit.nonposted_allowed.next = random.chance(80);
            unit.source.ready.next = random.chance(70);
        });
}

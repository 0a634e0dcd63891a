//! `PacketTransmit` against the ordering rules, spelled out over the times at which packets were offered.

use super::*;
use crate::gate::Gate;
use crate::host_port::test_support::*;

const POSTED: usize = 0;
const COMPLETION: usize = 1;
const NONPOSTED: usize = 2;

/// One class's packets, beat by beat, and what the sink shows of them.
#[derive(Default)]
struct Feeder {
    beats: Vec<(u128, bool)>,
    place: usize,
    offering: bool,
    /// Cycle in which the packet at the head was first offered, while it has not started.
    offered_at: Option<u64>,
}

impl Feeder {
    /// Beats carry class, packet and place, so that nothing can be mistaken.
    fn new(class: usize, packets: usize, random: &mut Random) -> Self {
        let mut beats = vec![];
        for packet in 0..packets {
            let count = 1 + random.below(4);
            for beat in 0..count {
                let data = (class as u128) << 64 | (packet as u128) << 8 | u128::from(beat);
                beats.push((data, beat + 1 == count));
            }
        }
        Self {
            beats,
            ..Self::default()
        }
    }
}

/// Probabilities in percent.
#[derive(Clone, Copy)]
struct Traffic {
    offer: [u64; 3],
    allow: [u64; 3],
    take: u64,
}

/// What the rules choose, from what has been offered and since when.
fn expected_choice(
    offered_at: [Option<u64>; 3],
    allowed: [bool; 3],
    overtaken: u64,
) -> Option<usize> {
    let behind_posted = |class: usize| match (offered_at[POSTED], offered_at[class]) {
        (Some(posted), Some(other)) => posted <= other,
        _ => false,
    };
    let may = |class: usize| {
        offered_at[class].is_some() && allowed[class] && (class == POSTED || !behind_posted(class))
    };
    if may(NONPOSTED) && overtaken >= PATIENCE {
        return Some(NONPOSTED);
    }
    [COMPLETION, POSTED, NONPOSTED]
        .into_iter()
        .find(|&class| may(class))
}

/// Runs until everything was sent or `cycles` have passed; checks every choice, and gives the order of packets with the cycle
/// each started.
fn run(packets: [usize; 3], traffic: Traffic, cycles: u64, seed: u64) -> Vec<(u64, usize)> {
    let mut random = Random::new(seed);
    let mut feeders: Vec<Feeder> = (0..3)
        .map(|class| Feeder::new(class, packets[class], &mut random))
        .collect();
    let mut unit = PacketTransmit::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.posted.valid.connect();
    unit.posted.beat.connect();
    unit.nonposted.valid.connect();
    unit.nonposted.beat.connect();
    unit.completion.valid.connect();
    unit.completion.beat.connect();
    unit.posted_allowed.connect();
    unit.nonposted_allowed.connect();
    unit.completion_allowed.connect();
    unit.source.ready.connect();
    unit.connect_all();
    settle(&mut unit);

    let mut started = vec![];
    let mut current: Option<usize> = None;
    let mut overtaken = 0;
    for cycle in 0..cycles {
        let reset = cycle < 3;
        unit.reset.next = reset;
        for (class, feeder) in feeders.iter_mut().enumerate() {
            let more = !reset && feeder.place < feeder.beats.len();
            feeder.offering = more && (feeder.offering || random.chance(traffic.offer[class]));
            let head = feeder.place == 0 || feeder.beats[feeder.place - 1].1;
            if feeder.offering && head && current != Some(class) {
                feeder.offered_at.get_or_insert(cycle);
            }
        }
        let allowed = traffic.allow.map(|percent| random.chance(percent));
        let shown = |class: usize| {
            let feeder: &Feeder = &feeders[class];
            let (data, last) = feeder
                .beats
                .get(feeder.place)
                .copied()
                .unwrap_or((0, false));
            (
                feeder.offering,
                if feeder.offering {
                    beat(data, last)
                } else {
                    beat(7, true)
                },
            )
        };
        (unit.posted.valid.next, unit.posted.beat.next) = shown(POSTED);
        (unit.completion.valid.next, unit.completion.beat.next) = shown(COMPLETION);
        (unit.nonposted.valid.next, unit.nonposted.beat.next) = shown(NONPOSTED);
        unit.posted_allowed.next = allowed[POSTED];
        unit.completion_allowed.next = allowed[COMPLETION];
        unit.nonposted_allowed.next = allowed[NONPOSTED];
        unit.source.ready.next = random.chance(traffic.take);
        settle(&mut unit);

        if !reset {
            if current.is_none() {
                let offered_at = [0, 1, 2].map(|class: usize| feeders[class].offered_at);
                current = expected_choice(offered_at, allowed, overtaken);
                if let Some(class) = current {
                    started.push((cycle, class));
                    feeders[class].offered_at = None;
                    overtaken = match class {
                        NONPOSTED => 0,
                        _ if feeders[NONPOSTED].offered_at.is_some() => overtaken + 1,
                        _ => 0,
                    };
                }
            }
            let expected = current.filter(|&class| feeders[class].offering);
            assert_eq!(
                unit.source.valid.val(),
                expected.is_some(),
                "seed {seed}, cycle {cycle}"
            );
            let ready = [
                unit.posted.ready.val(),
                unit.completion.ready.val(),
                unit.nonposted.ready.val(),
            ];
            for (class, ready) in ready.into_iter().enumerate() {
                assert!(
                    !ready || current == Some(class),
                    "seed {seed}: took of class {class}"
                );
            }
            if let Some(class) = expected {
                let feeder = &mut feeders[class];
                let (data, last) = feeder.beats[feeder.place];
                let sent = unit.source.beat.val();
                assert_eq!(number(sent.data), data, "seed {seed}, cycle {cycle}");
                assert_eq!(sent.last, last);
                assert_eq!(ready[class], unit.source.ready.val());
                if ready[class] {
                    feeder.place += 1;
                    feeder.offering = false;
                    if last {
                        current = None;
                    }
                }
            }
        }
        if feeders
            .iter()
            .all(|feeder| feeder.place == feeder.beats.len())
        {
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
    // Three cycles of reset, then a beat in every cycle until all were sent.
    let started = run([20, 20, 20], ALWAYS, 3 + beats as u64, 5);
    assert_eq!(started.len(), 60);
    assert_eq!(started[0].0, 3, "no latency");
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

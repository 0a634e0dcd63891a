//! `RegisterWrites` against a register file that answers after any number of cycles.

use super::*;
use crate::gate::Gate;
use crate::host_port::test_support::*;

/// A register write as the bus sees it: address, data, enables.
type Access = (u64, u64, u64);

#[derive(Default)]
struct Run {
    accesses: Vec<(u64, Access)>,
    /// Packets that were told to be dropped.
    overflows: Vec<usize>,
    refused: u64,
}

/// Lane-beats of one packet.
#[derive(Clone)]
struct Packet {
    lanes: Vec<HostWrite>,
    /// The last lane-beat comes in the cycle after the end is told, otherwise in that cycle.
    late: bool,
    malformed: bool,
}

/// What comes in a cycle.
#[derive(Clone, Copy, Default)]
struct Cycle {
    write: Option<HostWrite>,
    ended: bool,
    malformed: bool,
}

fn host_write(space: u64, address: u64, data: u128, enables: u64) -> HostWrite {
    HostWrite {
        space: space.to_bits(),
        address: address.to_bits(),
        data: wide(data),
        enables: enables.to_bits(),
        single: false,
        last: true,
    }
}

/// A good packet.
fn packet(lanes: Vec<HostWrite>) -> Packet {
    Packet {
        lanes,
        late: false,
        malformed: false,
    }
}

/// A good packet of so many whole lines of BAR0 from the start of a register on.
fn lines(address: u64, count: u64) -> Packet {
    let lane = |n| host_write(0, address + 16 * n, u128::from(n), 0xffff);
    packet((0..count).map(lane).collect())
}

/// Each packet as soon as it can come, but for a pause with this likelihood before a lane-beat.
fn cycles_of(packets: &[Packet], pause: u64, random: &mut Random) -> Vec<Cycle> {
    let mut cycles: Vec<Cycle> = vec![Cycle::default()];
    for packet in packets {
        if cycles[cycles.len() - 1].ended {
            cycles.push(Cycle::default());
        }
        for &lane in &packet.lanes {
            while random.chance(pause) {
                cycles.push(Cycle::default());
            }
            cycles.push(Cycle {
                write: Some(lane),
                ..Cycle::default()
            });
        }
        let mut end = cycles.len() - 1 - usize::from(packet.late);
        if cycles[end].ended {
            // Two packets cannot end at once.
            let lane = cycles.pop().expect("there is a cycle");
            cycles.extend([Cycle::default(), lane]);
            end += 1;
        }
        cycles[end].ended = true;
        cycles[end].malformed = packet.malformed;
    }
    cycles
}

fn unit() -> RegisterWrites {
    let mut unit = RegisterWrites::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.write_valid.connect();
    unit.write.connect();
    unit.packet_ended.connect();
    unit.packet_malformed.connect();
    unit.master.done.connect();
    unit.master.hit.connect();
    unit.master.read_data.connect();
    unit.connect_all();
    unit
}

/// Registers at multiples of 0x40 do not exist; the others take up to `slowest` cycles.
fn run(cycles: &[Cycle], slowest: u64, seed: u64) -> Run {
    let mut unit = unit();
    let mut random = Random::new(seed);
    let mut run = Run::default();
    let mut answer: Option<(u64, bool)> = None;
    let (mut quiet, mut ended) = (0, 0);
    for cycle in 0u64.. {
        let reset = cycle < 3;
        let now = cycle.checked_sub(3).and_then(|n| cycles.get(n as usize));
        let Cycle {
            write,
            ended: ends,
            malformed,
        } = now.copied().unwrap_or_default();
        unit.reset.next = reset;
        unit.write_valid.next = write.is_some();
        unit.write.next = write.unwrap_or(host_write(0, 0, 0x55, 0xffff));
        unit.packet_ended.next = ends;
        unit.packet_malformed.next = if ends { malformed } else { random.chance(50) };
        let done = answer.is_some_and(|(due, _)| due == cycle);
        unit.master.done.next = done;
        unit.master.hit.next = done && answer.unwrap().1;
        settle(&mut unit);
        if done {
            answer = None;
        }
        assert!(!unit.master.read.val());
        if unit.master.write.val() && !reset {
            assert_eq!(answer, None, "one access at a time");
            assert!(unit.busy.val());
            let address = unit.master.address.val().to_u64();
            run.accesses.push((
                cycle - 3,
                (
                    address,
                    unit.master.data.val().to_u64(),
                    unit.master.enables.val().to_u64(),
                ),
            ));
            answer = Some((
                cycle + 1 + random.below(slowest),
                !address.is_multiple_of(0x40),
            ));
        }
        // Told in the cycle after the end.
        if unit.overflow.val() && !reset {
            run.overflows.push(ended - 1);
        }
        ended += usize::from(ends);
        run.refused += u64::from(unit.refused.val() && !reset);
        quiet = if reset || now.is_some() || unit.busy.val() {
            0
        } else {
            quiet + 1
        };
        if quiet > 20 {
            break;
        }
        unit.clock.next = true.into();
        settle(&mut unit);
        unit.clock.next = false.into();
        settle(&mut unit);
    }
    run
}

/// Runs packets back to back; checks that each was carried out whole, or not at all and so counted.
fn run_packets(packets: &[Packet], pause: u64, slowest: u64, seed: u64) -> Run {
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let run = run(&cycles_of(packets, pause, &mut random), slowest, seed);
    let expected: Vec<Access> = packets
        .iter()
        .enumerate()
        .filter(|(number, packet)| !packet.malformed && !run.overflows.contains(number))
        .flat_map(|(_, packet)| packet.lanes.iter().flat_map(accesses_of))
        .collect();
    let seen: Vec<Access> = run.accesses.iter().map(|(_, access)| *access).collect();
    assert_eq!(seen, expected);
    let missing = expected.iter().filter(|access| access.0 % 0x40 == 0);
    assert_eq!(run.refused, missing.count() as u64);
    for &number in &run.overflows {
        assert!(!packets[number].malformed, "packet {number} counted twice");
    }
    run
}

/// The register writes that a lane-beat stands for.
fn accesses_of(write: &HostWrite) -> Vec<Access> {
    let bytes = number(write.data).to_le_bytes();
    (0..4)
        .map(|lane| {
            let data = u32::from_le_bytes(bytes[4 * lane..4 * lane + 4].try_into().unwrap());
            let enables = write.enables.to_u64() >> (4 * lane) & 15;
            (
                write.address.to_u64() + 4 * lane as u64,
                data.into(),
                enables,
            )
        })
        .filter(|_| write.space.to_u64() == 0)
        .filter(|&(_, _, enables)| enables != 0)
        .collect()
}

#[test]
fn a_write_reaches_its_register_two_cycles_after_its_packet_has_ended() {
    for (late, cycle) in [(false, 3), (true, 2)] {
        let lanes = vec![host_write(0, 0x20, 7, 0x000f)];
        let packet = Packet {
            late,
            ..packet(lanes)
        };
        let run = run_packets(&[packet], 0, 1, 1);
        assert_eq!(run.accesses, [(cycle, (0x20, 7, 15))]);
        assert_eq!(run.refused, 0);
    }
}

#[test]
fn other_spaces_and_beats_without_enables_are_left_alone() {
    let lanes = [(1, 0xffff), (2, 0xffff), (0, 0)];
    let packets = lanes.map(|(space, enables)| packet(vec![host_write(space, 0x20, 7, enables)]));
    let run = run_packets(&packets, 0, 1, 1);
    assert_eq!(run.accesses, []);
}

#[test]
fn random_packets_are_carried_out_whole_and_in_order_or_not_at_all() {
    let (mut overflows, mut malformed) = (0, 0);
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let slowest = [1, 5][seed as usize % 2];
        let packets: Vec<_> = (0..60)
            .map(|_| {
                let space = random.below(10) / 8;
                let longest = [1, 4, 20][random.below(3) as usize];
                let lanes = (0..1 + random.below(longest)).map(|_| {
                    let enables = random.word() & [0xffff, 0xf0f0, 0x0f][random.below(3) as usize];
                    host_write(space, random.below(256) * 16, random.wide(), enables)
                });
                Packet {
                    lanes: lanes.collect(),
                    late: random.chance(50),
                    malformed: random.chance(20),
                }
            })
            .collect();
        let pause = [80, 95, 98][seed as usize % 3];
        let run = run_packets(&packets, pause, slowest, seed);
        overflows += run.overflows.len();
        malformed += packets.iter().filter(|packet| packet.malformed).count();
    }
    assert!(
        overflows > 0 && malformed > 0,
        "the corners were not reached"
    );
}

#[test]
fn sixteen_packets_of_a_line_wait_and_the_seventeenth_is_dropped() {
    // Registers so slow that no line is through with its four before the last packet has come in.
    let packets: Vec<_> = (0..18).map(|n| lines(16 * n, 1)).collect();
    let run = run_packets(&packets, 0, 60, 3);
    assert_eq!(run.overflows.first(), Some(&16));
}

#[test]
fn a_packet_longer_than_the_room_is_dropped_whole_and_counted_once() {
    let room = 1 << REGISTER_WRITES_LOG2;
    for length in [room, room + 1, 2 * room + 3, 256] {
        let run = run_packets(&[lines(0, length), lines(0x10, 1)], 0, 1, 1);
        let refused = length > room;
        assert_eq!(run.overflows, if refused { vec![0] } else { vec![1] });
    }
    // One that finds the room half taken.
    let run = run_packets(&[lines(0, room / 2), lines(0, room)], 0, 60, 1);
    assert_eq!(run.overflows, [1]);
    // A malformed one counts as that, however long, and leaves its room to the next.
    let malformed = Packet {
        malformed: true,
        ..lines(0, room + 1)
    };
    let run = run_packets(&[malformed, lines(0, room)], 0, 1, 1);
    assert_eq!(run.overflows, []);
}

#[test]
fn gate() {
    Gate::new("register_writes", unit())
        .clock(|unit| &mut unit.clock)
        .cycles(2000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2 || random.chance(1);
            unit.write_valid.next = random.chance(20);
            let enables = random.word() & [0xffff, 0xf0f0, 0][random.below(3) as usize];
            let space = random.below(4) / 2;
            unit.write.next = host_write(space, random.below(256) * 16, random.wide(), enables);
            unit.packet_ended.next = random.chance(15);
            unit.packet_malformed.next = random.chance(20);
            unit.master.done.next = random.chance(50);
            unit.master.hit.next = random.chance(80);
            unit.master.read_data.next = random.bits();
        });
}
